# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where credentials come from, and how they get into a request: as a token or as a signature (SDK-HMAC-SHA256)."""

from __future__ import annotations

import hashlib
import hmac
import time
import typing as t
from urllib.parse import quote, unquote

from ansible_collections.hwcloud.streaming.plugins.module_utils._errors import ConfigurationError

# The environment variables of each credential option, in the order in which they are asked.
SECRET_ENVIRONMENT: dict[str, tuple[str, ...]] = {
    "auth_token": ("HW_AUTH_TOKEN", "OS_AUTH_TOKEN"),
    "access_key": ("HUAWEICLOUD_SDK_AK", "HW_ACCESS_KEY", "OS_ACCESS_KEY"),
    "secret_key": ("HUAWEICLOUD_SDK_SK", "HW_SECRET_KEY", "OS_SECRET_KEY"),
    "security_token": ("HUAWEICLOUD_SDK_SECURITY_TOKEN", "HW_SECURITY_TOKEN"),
    "username": ("HW_USER_NAME", "OS_USERNAME"),
    "password": ("HW_USER_PASSWORD", "OS_PASSWORD"),
}
# The variables of the other options of which a message may have to say where their value came from.
ENVIRONMENT: dict[str, tuple[str, ...]] = {
    "region": ("HUAWEICLOUD_REGION", "HW_REGION_NAME", "OS_REGION_NAME"),
    "project_id": ("HUAWEICLOUD_SDK_PROJECT_ID", "HW_PROJECT_ID", "OS_PROJECT_ID", "OS_TENANT_ID"),
    "project_name": ("HW_PROJECT_NAME", "OS_PROJECT_NAME", "OS_TENANT_NAME"),
    "cloud": ("HW_CLOUD",),
    "dis_endpoint": ("HUAWEICLOUD_DIS_ENDPOINT",),
    "dms_endpoint": ("HUAWEICLOUD_DMS_ENDPOINT",),
    "iam_endpoint": ("HUAWEICLOUD_SDK_IAM_ENDPOINT", "HW_AUTH_URL", "OS_AUTH_URL"),
    "sts_endpoint": ("HUAWEICLOUD_SDK_STS_ENDPOINT",),
    "metadata_endpoint": ("HUAWEICLOUD_METADATA_ENDPOINT",),
    "agency_name": ("HW_ASSUME_ROLE_AGENCY_NAME",),
    "agency_domain_name": ("HW_ASSUME_ROLE_DOMAIN_NAME",),
    "agency_domain_id": ("HW_ASSUME_ROLE_DOMAIN_ID",),
    "agency_duration": ("HW_ASSUME_ROLE_DURATION",),
    "profile": ("HW_PROFILE",),
    "shared_config_file": ("HW_SHARED_CONFIG_FILE",),
}
SHARED_CONFIG_FILE = "~/.hcloud/config.json"
LARGEST_FILE = 1024 * 1024  # bytes; one with credentials has a few hundred
LONGEST_KEY = 40  # characters
AGENCY_DURATION = (900, 86400)  # seconds
LONGEST_AGENCY_DURATION_OF_STS = 43200
ALGORITHM = "SDK-HMAC-SHA256"


class Token(t.NamedTuple):
    """An IAM token, given ready or obtained."""

    token: str

    def secrets(self) -> tuple[str | None, ...]:
        """Return what must never be shown."""
        return (self.token,)

    def headers(
        self, method: str, host: str, path: str, query: str, body: bytes, extra: dict[str, str]
    ) -> dict[str, str]:
        """Return the headers that authenticate a request (the arguments are those of Keys.headers)."""
        return {"X-Auth-Token": self.token}


class Keys(t.NamedTuple):
    """An access key; with a security token when it is a temporary one."""

    access_key: str
    secret_key: str
    security_token: str | None = None
    clock: t.Callable[[], float] = time.time

    def secrets(self) -> tuple[str | None, ...]:
        """Return what must never be shown."""
        return self.access_key, self.secret_key, self.security_token

    def headers(
        self, method: str, host: str, path: str, query: str, body: bytes, extra: dict[str, str]
    ) -> dict[str, str]:
        """Return the headers that sign a request: `path` and `query` as sent, `extra` the other headers to be signed."""
        date = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(self.clock()))
        own = {"X-Sdk-Date": date}
        if self.security_token:
            own["X-Security-Token"] = self.security_token
        own["Authorization"] = sign(self, method, path, query, {"Host": host, **extra, **own}, body)
        return own


class Password(t.NamedTuple):
    """An IAM user; a token has to be obtained with it."""

    username: str
    password: str
    domain_name: str | None
    domain_id: str | None

    def secrets(self) -> tuple[str | None, ...]:
        """Return what must never be shown."""
        return (self.password,)


class Metadata(t.NamedTuple):
    """The temporary keys of the ECS that the module runs on; they have to be fetched."""

    def secrets(self) -> tuple[str | None, ...]:
        """Return what must never be shown: nothing yet."""
        return ()


Credentials = t.Union[Token, Keys, Password, Metadata]


class Agency(t.NamedTuple):
    """An agency to act as, on top of other credentials; its account is named by one of the two domains."""

    name: str
    domain_name: str | None
    domain_id: str | None
    duration: int
    session_name: str = "hwcloud.streaming"

    @property
    def service(self) -> str:
        """Return the service that gives its keys: a domain's ID leads to STS v5, its name to IAM v3."""
        return "sts" if self.domain_id else "iam"


def canonical_request(method: str, path: str, query: str, headers: t.Mapping[str, str], body: bytes) -> tuple[str, str]:
    """Return (canonical request, names of the signed headers).

    `path` is percent-encoded as on the wire; the canonical form is encoded anew and ends with a slash, which the
    request itself does not. `query` is already sorted and encoded. Headers with "_" in their name are not signed.
    Source: the official SDK's signer.
    """
    uri = "/".join(quote(part, safe="~") for part in unquote(path).split("/"))
    signed = {name.lower(): value.strip() for name, value in headers.items() if "_" not in name}
    names = ";".join(sorted(signed))
    lines = "".join(f"{name}:{signed[name]}\n" for name in sorted(signed))
    slash = "" if uri.endswith("/") else "/"
    return f"{method}\n{uri}{slash}\n{query}\n{lines}\n{names}\n{hashlib.sha256(body).hexdigest()}", names


def sign(keys: Keys, method: str, path: str, query: str, headers: t.Mapping[str, str], body: bytes) -> str:
    """Return the Authorization header's value for a request whose headers hold Host and X-Sdk-Date."""
    canonical, names = canonical_request(method, path, query, headers, body)
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    to_sign = f"{ALGORITHM}\n{headers['X-Sdk-Date']}\n{digest}"
    signature = hmac.new(keys.secret_key.encode(), to_sign.encode(), hashlib.sha256).hexdigest()
    return f"{ALGORITHM} Access={keys.access_key}, SignedHeaders={names}, Signature={signature}"


def encode_query(query: t.Mapping[str, t.Any]) -> str:
    """Return a query string as it is signed and sent: sorted, a space as %20, booleans as true and false."""

    def text(value: t.Any) -> str:
        return quote(str(value).lower() if isinstance(value, bool) else str(value), safe="~")

    return "&".join(f"{text(key)}={text(value)}" for key, value in sorted(query.items()))


class Profile(t.NamedTuple):
    """What a credentials file says, besides secrets also where to go; `source` names it in messages."""

    values: dict[str, str]
    source: str = "credentials_file"


def find(params: t.Mapping[str, t.Any], environment: t.Mapping[str, str]) -> tuple[Credentials, Profile]:
    """Return the credentials to use, from one source as a whole: options, else environment, else file.

    `params` are the connection options (those other than credentials already filled from the environment). The
    profile is empty unless the credentials came from the file. Raises ConfigurationError when none is complete.
    """
    wanted = params["auth_type"]
    options = {name: params[name] for name in SECRET_ENVIRONMENT if params[name] is not None}
    for name, value in options.items():
        if not value.strip():
            raise ConfigurationError(
                f"{name} is empty: give it a value, or leave it out (default(omit) in a template)."
            )
    if options and wanted in ("profile", "metadata"):
        raise ConfigurationError(
            f"auth_type is {wanted}, which takes no credentials from options, but {_listing(options)} is given: "
            "leave it out, or change auth_type."
        )
    if wanted == "metadata":
        return Metadata(), Profile({})
    sources = [("options", options)] if options else [("the environment", _from_environment(environment))]
    if wanted == "profile":
        sources = []
    found: dict[str, str] = {}
    for _name, values in sources:
        found = values
        complete = _complete(found, params, wanted)
        if complete:
            return complete, Profile({})
    if not options and wanted in ("auto", "profile"):
        if params.get("profile") or params.get("shared_config_file"):
            return _from_koocli(params.get("shared_config_file"), params.get("profile"))
        profile = _from_file(params["credentials_file"], required=wanted == "profile")
        if profile.values:
            keys = {name: profile.values.get(key) for name, key in _PROFILE_KEYS.items()}
            given = {name: value for name, value in keys.items() if value}
            complete = _complete(given, params, "aksk")
            if complete:
                return complete, profile
            raise ConfigurationError(
                f"credentials_file {params['credentials_file']!r} lacks ak or sk in its section [basic]."
            )
    raise ConfigurationError(_what_is_missing(found, params, wanted, "options" if options else "the environment"))


_PROFILE_KEYS = {"access_key": "ak", "secret_key": "sk", "security_token": "security_token"}


def _from_environment(environment: t.Mapping[str, str]) -> dict[str, str]:
    values = {}
    for name, variables in SECRET_ENVIRONMENT.items():
        value = next((environment[variable] for variable in variables if environment.get(variable)), None)
        if value is not None:
            values[name] = value
    return values


def _checked(name: str, value: str) -> str:
    """Return a secret fit for a header; stray blanks around one are a copying slip, those inside an error."""
    if name in ("username", "password"):
        return value
    value = value.strip()
    if not fit_for_header(value):
        raise ConfigurationError(
            f"{name} has characters that cannot stand in a request header: check how it was copied."
        )
    return value


def fit_for_header(value: str) -> bool:
    """Tell whether a value can stand in a request header as one word."""
    return value != "" and value.isascii() and value.isprintable() and " " not in value


def _complete(values: t.Mapping[str, str], params: t.Mapping[str, t.Any], wanted: str) -> Credentials | None:
    if wanted in ("auto", "token") and "auth_token" in values:
        return Token(_checked("auth_token", values["auth_token"]))
    if wanted in ("auto", "aksk") and "access_key" in values and "secret_key" in values:
        access_key, secret_key = (_checked(name, values[name]) for name in ("access_key", "secret_key"))
        security_token = values.get("security_token")
        return Keys(access_key, secret_key, security_token and _checked("security_token", security_token))
    if wanted in ("auto", "password") and "username" in values and "password" in values:
        if params["domain_name"] or params["domain_id"]:
            return Password(values["username"], values["password"], params["domain_name"], params["domain_id"])
    return None


def _what_is_missing(values: t.Mapping[str, str], params: t.Mapping[str, t.Any], wanted: str, source: str) -> str:
    """Return the one thing to fix: the half that is not there, or the ways to give credentials."""
    for one, other in (
        ("access_key", "secret_key"),
        ("secret_key", "access_key"),
        ("security_token", "access_key"),
        ("username", "password"),
        ("password", "username"),
    ):
        if one in values and other not in values and wanted in ("auto", "aksk" if "key" in other else "password"):
            return (
                f"{one} is given in {source} but {other} is not: set {other} in the same place"
                f" ({', '.join(SECRET_ENVIRONMENT[other])}); credentials are never mixed from two sources."
            )
    if "password" in values and "username" in values and wanted in ("auto", "password"):
        return "domain_name (the account that the user belongs to) or domain_id is missing: set one, or HW_DOMAIN_NAME."
    needs = {
        "token": "auth_token (or HW_AUTH_TOKEN)",
        "aksk": "access_key and secret_key (or HUAWEICLOUD_SDK_AK and HUAWEICLOUD_SDK_SK)",
        "password": "username, password and domain_name (or HW_USER_NAME, HW_USER_PASSWORD and HW_DOMAIN_NAME)",
    }
    if wanted in needs:
        return f"auth_type is {wanted}, but there are no such credentials: set {needs[wanted]}."
    return (
        f"No credentials found: set {needs['aksk']}; or {needs['token']}; or {needs['password']}; "
        f"or write {params['credentials_file']}; or name a profile of KooCLI (profile or HW_PROFILE); "
        "or set auth_type=metadata on an ECS with an agency."
    )


def _from_file(path: str, required: bool) -> Profile:
    """Return section [basic] of the official SDK's credentials file; nothing when there is no file and none is required.

    The parser's own messages quote the file's lines, secrets included, so they never get out of here.
    """
    import configparser

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
    import os
    import stat

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


def _from_koocli(path: str | None, name: str | None) -> tuple[Credentials, Profile]:
    """Return what a profile of the KooCLI file says, the file's current one when none is named."""
    import json
    import os

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
    checked = {option: _checked(f"{_KOOCLI_KEYS[option]} of {where}", value) for option, value in keys.items() if value}
    return Keys(checked["access_key"], checked["secret_key"], checked.get("security_token")), profile


_KOOCLI_KEYS = {"access_key": "accessKeyId", "secret_key": "secretAccessKey", "security_token": "securityToken"}


def _encrypted(*places: dict[str, t.Any]) -> bool:
    """Tell whether a flag says that the values are encrypted."""
    flags = (value for place in places for key, value in place.items() if key.lower().endswith("authencrypt"))
    return any(flag is True or str(flag).strip().lower() == "true" for flag in flags)


def agency(params: t.Mapping[str, t.Any], credentials: Credentials, told: t.Callable[[str], str]) -> Agency | None:
    """Return the agency to act as, or None; `told` says where an option's value came from. Raises ConfigurationError."""
    name, duration = params["agency_name"], params["agency_duration"]
    domains = {key: params[key] for key in ("agency_domain_name", "agency_domain_id") if params[key]}
    least, most = AGENCY_DURATION
    if not least <= duration <= most:
        raise ConfigurationError(f"{told('agency_duration')} is {duration}: it takes {least} to {most} seconds.")
    if not name:
        if domains:
            raise ConfigurationError(
                f"{told(next(iter(domains)))} is set but agency_name is not: set agency_name "
                "(HW_ASSUME_ROLE_AGENCY_NAME), or leave both out."
            )
        return None
    if not domains:
        raise ConfigurationError(
            f"{told('agency_name')} is set, but not the account that the agency belongs to: set agency_domain_name "
            "(HW_ASSUME_ROLE_DOMAIN_NAME; IAM v3) or agency_domain_id (HW_ASSUME_ROLE_DOMAIN_ID; STS v5)."
        )
    if len(domains) > 1:
        given = " and ".join(told(key) for key in domains)
        raise ConfigurationError(f"{given} are both set: set only one, the name (for IAM v3) or the ID (for STS v5).")
    for key, value in (("agency_name", name), *domains.items()):
        if not value.strip() or not value.isprintable():
            raise ConfigurationError(f"{told(key)} is {value!r}, which names nothing.")
    found = Agency(name, params["agency_domain_name"], params["agency_domain_id"], duration)
    if found.domain_id is None:
        return found
    if not found.domain_id.replace("-", "").replace("_", "").isalnum() or not found.domain_id.isascii():
        raise ConfigurationError(
            f"{told('agency_domain_id')} is {found.domain_id!r}: an ID has letters, digits, '-' and '_' only; "
            "the name of an account goes into agency_domain_name."
        )
    if duration > LONGEST_AGENCY_DURATION_OF_STS:
        raise ConfigurationError(
            f"{told('agency_duration')} is {duration}: with agency_domain_id it takes {least} to "
            f"{LONGEST_AGENCY_DURATION_OF_STS} seconds."
        )
    if isinstance(credentials, (Token, Password)):
        kind = "a token" if isinstance(credentials, Token) else "a user name and password"
        raise ConfigurationError(
            f"{told('agency_domain_id')} asks STS for the agency's keys, which takes signed requests only, but the "
            f"credentials are {kind}: give an access key, or name the account by agency_domain_name."
        )
    return found


def origin(params: t.Mapping[str, t.Any], environment: t.Mapping[str, str], option: str) -> str:
    """Return the variable that an option's value was taken from, or the option's name."""
    for variable in ENVIRONMENT.get(option, ()):
        if environment.get(variable):
            return variable if environment[variable] == str(params[option]) else option
    return option


def _listing(names: t.Iterable[str]) -> str:
    return ", ".join(sorted(names))
