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
    """What a credentials file says, besides secrets also where to go."""

    values: dict[str, str]


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
        f"or write {params['credentials_file']}; or set auth_type=metadata on an ECS with an agency."
    )


def _from_file(path: str, required: bool) -> Profile:
    """Return section [basic] of the official SDK's credentials file; nothing when there is no file and none is required.

    The parser's own messages quote the file's lines, secrets included, so they never get out of here.
    """
    import configparser

    parser = configparser.RawConfigParser()
    try:
        with open(path, encoding="utf-8-sig") as stream:
            parser.read_file(stream)
        return Profile({key: value.strip() for key, value in parser.items("basic")})
    except (FileNotFoundError, NotADirectoryError):
        if required:
            raise ConfigurationError(
                f"credentials_file {path!r} does not exist on the host that the module runs on."
            ) from None
        return Profile({})
    except (OSError, UnicodeError):
        raise ConfigurationError(
            f"credentials_file {path!r} cannot be read: check its permissions and encoding."
        ) from None
    except configparser.NoSectionError:
        raise ConfigurationError(f"credentials_file {path!r} has no section [basic].") from None
    except configparser.Error:
        raise ConfigurationError(f"credentials_file {path!r} is not an INI file with a section [basic].") from None


def _listing(names: t.Iterable[str]) -> str:
    return ", ".join(sorted(names))
