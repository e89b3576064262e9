# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Credentials in files: section [basic] of the official SDK's, and the profiles of KooCLI."""

from __future__ import annotations

import configparser
import json
import os
import stat
import typing as t

from ansible_collections.hwcloud.streaming.plugins.module_utils._identity.credentials import (
    Credentials,
    Keys,
    Metadata,
    Profile,
    checked,
)
from ansible_collections.hwcloud.streaming.plugins.module_utils._wire.errors import ConfigurationError

SHARED_CONFIG_FILE = "~/.hcloud/config.json"
LARGEST_FILE = 1024 * 1024  # bytes; one with credentials has a few hundred
LONGEST_KEY = 40  # characters
SDK_KEYS = {"access_key": "ak", "secret_key": "sk", "security_token": "security_token"}
_KOOCLI_KEYS = {"access_key": "accessKeyId", "secret_key": "secretAccessKey", "security_token": "securityToken"}


def from_sdk(path: str, required: bool) -> Profile:
    """Return section [basic] of the official SDK's credentials file; nothing when there is no file and none is required.

    The parser's own messages quote the file's lines, secrets included, so they never get out of here.
    """
    parser = configparser.RawConfigParser()
    try:
        parser.read_string(_text_of("credentials_file", path))
        return Profile({key: value.strip() for key, value in parser.items("basic")})
    except FileNotFoundError:
        if required:
            raise ConfigurationError(
                f"credentials_file {path!r} does not exist on the host that the module runs on."
            ) from None
        return Profile({})
    except configparser.NoSectionError:
        raise ConfigurationError(f"credentials_file {path!r} has no section [basic].") from None
    except configparser.Error:
        raise ConfigurationError(f"credentials_file {path!r} is not an INI file with a section [basic].") from None


def _text_of(option: str, path: str) -> str:
    """Return the text of a small file with credentials; raise FileNotFoundError when there is none."""
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):  # reading a pipe or a device may never end
            raise ConfigurationError(f"{option} {path!r} cannot be read: it is not a regular file.")
        with open(path, "rb") as stream:
            content = stream.read(LARGEST_FILE + 1)
        if len(content) > LARGEST_FILE:
            raise ConfigurationError(f"{option} {path!r} is larger than 1 MiB, so it is no file of credentials.")
        return content.decode("utf-8-sig")
    except (FileNotFoundError, NotADirectoryError):
        raise FileNotFoundError(path) from None
    except (OSError, ValueError):
        raise ConfigurationError(f"{option} {path!r} cannot be read: check its permissions and encoding.") from None


def from_koocli(path: str | None, name: str | None) -> tuple[Credentials, Profile]:
    """Return what a profile of the KooCLI file says, the file's current one when none is named."""
    path = path or os.path.expanduser(SHARED_CONFIG_FILE)
    file = f"shared_config_file {path!r}"
    try:
        content = json.loads(_text_of("shared_config_file", path))
    except FileNotFoundError:
        raise ConfigurationError(
            f"{file} does not exist on the host that the module runs on: set shared_config_file "
            "(HW_SHARED_CONFIG_FILE), or leave out profile (HW_PROFILE)."
        ) from None
    except (ValueError, RecursionError):
        content = None
    entries = content.get("profiles") if isinstance(content, dict) else None
    if not isinstance(entries, list):
        raise ConfigurationError(f"{file} is not a JSON file of KooCLI with a list of profiles.")
    wanted = name or content.get("current")
    if not isinstance(wanted, str) or not wanted:
        raise ConfigurationError(f"{file} names no current profile: set profile (HW_PROFILE).")
    known = [entry for entry in entries if isinstance(entry, dict)]
    entry = next((entry for entry in known if entry.get("name") == wanted), None)
    if entry is None:
        names = sorted(str(entry["name"]) for entry in known if entry.get("name"))
        origin = "profile" if name else "its current one"
        raise ConfigurationError(
            f"{file} has no profile {wanted!r} ({origin}); it has {', '.join(names) or 'none'}: set profile (HW_PROFILE)."
        )
    return _of_profile(f"Profile {wanted!r} of {file}", wanted, entry, content)


def _of_profile(
    where: str, name: str, entry: dict[str, t.Any], content: dict[str, t.Any]
) -> tuple[Credentials, Profile]:
    values = {key: value.strip() for key, value in entry.items() if isinstance(value, str)}
    mode = values.get("mode") or "AKSK"
    told = {"region": "region", "projectId": "project_id", "domainId": "domain_id"}
    profile = Profile({option: values[key] for key, option in told.items() if values.get(key)})
    if mode.lower() == "ecsagency":
        return Metadata(), profile
    if mode.lower() != "aksk":
        raise ConfigurationError(
            f"{where} has mode {mode!r}: only AKSK and ecsAgency can be read. Make a profile of one of these with "
            "hcloud configure set --cli-profile=NAME --cli-mode=AKSK, or give the credentials in another way."
        )
    keys = {option: values.get(key, "") for option, key in _KOOCLI_KEYS.items()}
    if _encrypted(entry, content) or any(len(keys[name]) > LONGEST_KEY for name in ("access_key", "secret_key")):
        raise ConfigurationError(
            f"{where} is encrypted, which only KooCLI can read: make it readable with "
            "hcloud configure set --cli-auth-encrypt=false (KooCLI 5.2.7 and newer), "
            "or give the credentials in another way."
        )
    if not keys["access_key"] or not keys["secret_key"]:
        raise ConfigurationError(
            f"{where} lacks accessKeyId or secretAccessKey: set them with "
            f"hcloud configure set --cli-profile={name} --cli-access-key=... --cli-secret-key=..."
        )
    fit = {option: checked(f"{_KOOCLI_KEYS[option]} of {where}", value) for option, value in keys.items() if value}
    return Keys(fit["access_key"], fit["secret_key"], fit.get("security_token"), where), profile


def _encrypted(*places: dict[str, t.Any]) -> bool:
    """Tell whether a flag says that the values are encrypted."""
    flags = (value for place in places for key, value in place.items() if key.lower().endswith("authencrypt"))
    return any(flag is True or str(flag).strip().lower() == "true" for flag in flags)
