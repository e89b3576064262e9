# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What authenticates a request: a token, or keys that sign it; and what such can be had for."""

from __future__ import annotations

import re
import time
import typing as t

from ansible_collections.hwcloud.streaming.plugins.module_utils._identity.signature import sign
from ansible_collections.hwcloud.streaming.plugins.module_utils._wire.errors import ADVICE, ConfigurationError, Failure

_UNKNOWN_KEY = re.compile(r"\b(?:ak|access[ _-]?key)\b.*\b(?:not|doesn't) (?:exist|found)", re.IGNORECASE | re.DOTALL)


def _taken_from(origin: str, failure: Failure) -> str:
    """Return the way out of a refusal of credentials that were given: where they were taken from, or "".

    An agency's keys are refused for other reasons, which its own advice tells.
    """
    of_agency = failure.service == "sts" or (failure.path or "").endswith("/securitytokens")
    if failure.kind != "authentication" or of_agency or not origin:
        return ""
    return f"{ADVICE['authentication']} They were taken from {origin}."


class Token(t.NamedTuple):
    """An IAM token, given ready or obtained; `origin` says where a given one was taken from."""

    token: str
    origin: str = ""

    def secrets(self) -> tuple[str | None, ...]:
        """Return what must never be shown."""
        return (self.token,)

    def headers(
        self, method: str, host: str, path: str, query: str, body: bytes, extra: dict[str, str]
    ) -> dict[str, str]:
        """Return the headers that authenticate a request (the arguments are those of Keys.headers)."""
        return {"X-Auth-Token": self.token}

    def advice(self, failure: Failure) -> str:
        """Return the way out of a failure that has to do with credentials of this kind, or ""."""
        return _taken_from(self.origin, failure)


class Keys(t.NamedTuple):
    """An access key; with a security token when it is a temporary one. `origin` says where given ones were taken from."""

    access_key: str
    secret_key: str
    security_token: str | None = None
    origin: str = ""
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
        signed = {"Host": host, **extra, **own}
        own["Authorization"] = sign(self.access_key, self.secret_key, method, path, query, signed, body)
        return own

    def advice(self, failure: Failure) -> str:
        """Return the way out of a failure that has to do with credentials of this kind, or ""."""
        unknown = failure.kind == "authentication" and _UNKNOWN_KEY.search(failure.error_msg or "")
        if not unknown or self.security_token:
            return _taken_from(self.origin, failure)
        return (
            "A temporary access key is not known without its security token: set security_token "
            "(HUAWEICLOUD_SDK_SECURITY_TOKEN). A permanent one may be deleted, disabled, or of another cloud."
        )


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


class Profile(t.NamedTuple):
    """What a credentials file says, besides secrets also where to go; `source` names it in messages."""

    values: dict[str, str]
    source: str = "credentials_file"


def checked(name: str, value: str) -> str:
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
