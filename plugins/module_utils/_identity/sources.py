# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of the credentials that were given to use: one source as a whole, never mixed."""

from __future__ import annotations

import typing as t

from ansible_collections.hwcloud.streaming.plugins.module_utils._identity.credentials import (
    Credentials,
    Keys,
    Metadata,
    Password,
    Profile,
    Token,
    checked,
)
from ansible_collections.hwcloud.streaming.plugins.module_utils._options import CREDENTIALS, first_set
from ansible_collections.hwcloud.streaming.plugins.module_utils._wire.errors import ConfigurationError


def find(params: t.Mapping[str, t.Any], environment: t.Mapping[str, str]) -> tuple[Credentials, Profile]:
    """Return the credentials to use, from one source as a whole: options, else environment, else file.

    `params` are the connection options (those other than credentials already filled from the environment). The
    profile is empty unless the credentials came from the file. Raises ConfigurationError when none is complete.
    """
    wanted = params["auth_type"]
    options = {name: params[name] for name in CREDENTIALS if params[name] is not None}
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
    found = {} if wanted == "profile" else options or _from_environment(environment)
    named = {} if options else _variables(environment)
    complete = _complete(found, params, wanted, named)
    if complete:
        return complete, Profile({})
    if not options and wanted in ("auto", "profile"):
        from ansible_collections.hwcloud.streaming.plugins.module_utils._identity import files

        if params.get("profile") or params.get("shared_config_file"):
            return files.from_koocli(params.get("shared_config_file"), params.get("profile"))
        profile = files.from_sdk(params["credentials_file"], required=wanted == "profile")
        if profile.values:
            keys = {name: profile.values.get(key) for name, key in files.SDK_KEYS.items()}
            given = {name: value for name, value in keys.items() if value}
            complete = _complete(given, params, "aksk", dict.fromkeys(given, params["credentials_file"]))
            if complete:
                return complete, profile
            raise ConfigurationError(
                f"credentials_file {params['credentials_file']!r} lacks ak or sk in its section [basic]."
            )
    raise ConfigurationError(_what_is_missing(found, params, wanted, "options" if options else "the environment"))


def _from_environment(environment: t.Mapping[str, str]) -> dict[str, str]:
    values = {name: first_set(environment, variables) for name, variables in CREDENTIALS.items()}
    return {name: value for name, value in values.items() if value is not None}


def _variables(environment: t.Mapping[str, str]) -> dict[str, str]:
    """Return the variable that each credential of the environment comes from."""
    return {
        name: next(variable for variable in variables if environment.get(variable))
        for name, variables in CREDENTIALS.items()
        if first_set(environment, variables) is not None
    }


def _complete(
    values: t.Mapping[str, str], params: t.Mapping[str, t.Any], wanted: str, named: t.Mapping[str, str]
) -> Credentials | None:
    """Return what the values are, if they are whole; `named`: where each comes from, if it is no option."""

    def origin(*names: str) -> str:
        return ", ".join(dict.fromkeys(named.get(name, name) for name in names if name in values))

    if wanted in ("auto", "token") and "auth_token" in values:
        return Token(checked("auth_token", values["auth_token"]), origin("auth_token"))
    if wanted in ("auto", "aksk") and "access_key" in values and "secret_key" in values:
        access_key, secret_key = (checked(name, values[name]) for name in ("access_key", "secret_key"))
        security_token = values.get("security_token")
        security_token = security_token and checked("security_token", security_token)
        return Keys(access_key, secret_key, security_token, origin("access_key", "secret_key", "security_token"))
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
                f" ({', '.join(CREDENTIALS[other])}); credentials are never mixed from two sources."
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


def _listing(names: t.Iterable[str]) -> str:
    return ", ".join(sorted(names))
