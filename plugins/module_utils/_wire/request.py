# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is asked and what comes back, as values.

A *flow* is a generator that yields what it wants next, a Request, another flow, or a list of both, and is sent the
replies in the same order. A reply always arrives: what fails for good comes back as a reply with `failure`.
"""

from __future__ import annotations

import json
import typing as t
from urllib.parse import quote

from ansible_collections.hwcloud.streaming.plugins.module_utils._wire.errors import Failure

Flow = t.Generator[t.Any, t.Any, t.Any]


def no_kind(_status: int, _code: str) -> tuple[str, bool] | None:
    """Return nothing: the HTTP status says it all."""
    return None


def no_advice(_failure: Failure) -> str:
    """Return nothing: what helps against a kind of failure in general is enough."""
    return ""


class Service(t.NamedTuple):
    """What the wire has to be told of a service.

    kind: from the HTTP status and the service's own code, the kind of a refusal and whether asking again can help, or
    None where the status alone tells. advice: the way out of a failure where the service has one of its own, or "".
    proxied: whether it is reached through the proxies that the environment names.
    """

    name: str
    kind: t.Callable[[int, str], t.Optional[t.Tuple[str, bool]]] = no_kind
    advice: t.Callable[[Failure], str] = no_advice
    proxied: bool = True


class Endpoint(t.NamedTuple):
    """A service's base URL: `url` without a trailing slash, `host` as the Host header carries it, `prefix` the URL's path."""

    url: str
    host: str
    prefix: str


class Request(t.NamedTuple):
    """One question to a service.

    path: percent-encoded, begins with "/". purpose: what is asked for, in words. shape: takes the JSON object of the
    answer (with `text`, the text) and returns what the flow gets, or raises ShapeError or RefusedInside.
    absent: error codes or status numbers that mean "there is no such thing". tolerated: kinds of failure that the flow
    deals with itself. signed: carries the credentials; scoped: and the project. credentials: those of this request only,
    which are neither renewed nor awaited (it is not `signed`). needed_header: a success without it is none.
    """

    service: Service
    method: str
    path: str
    purpose: str
    shape: t.Callable[[t.Any], t.Any]
    query: dict[str, t.Any] | None = None
    body: t.Any = None
    absent: frozenset[t.Any] = frozenset()
    tolerated: frozenset[str] = frozenset()
    headers: dict[str, str] | None = None
    signed: bool = True
    scoped: bool = True
    timeout: float | None = None
    needed_header: str | None = None
    text: bool = False
    credentials: t.Any = None

    def content(self) -> bytes:
        """Return the exact bytes of the body."""
        return b"" if self.body is None else json.dumps(self.body, separators=(",", ":")).encode()

    def place(self) -> tuple[t.Any, ...]:
        """Return what failures are sorted by, so that their order does not depend on who answered first."""
        return self.service.name, self.path, self.method, encode_query(self.query or {}), self.content()


class Reply(t.NamedTuple):
    """What a flow is sent for a request: the shaped value, or that the thing is absent, or why there is no answer.

    code: the service's code for what is absent.
    """

    value: t.Any = None
    headers: t.Mapping[str, str] = {}
    absent: bool = False
    failure: Failure | None = None
    code: str = ""


def path(*segments: str) -> str:
    """Return a percent-encoded path."""
    return "".join(f"/{quote(segment, safe='~')}" for segment in segments)


def encode_query(query: t.Mapping[str, t.Any]) -> str:
    """Return a query string as it is signed and sent: sorted, a space as %20, booleans as true and false."""

    def text(value: t.Any) -> str:
        return quote(str(value).lower() if isinstance(value, bool) else str(value), safe="~")

    return "&".join(f"{text(key)}={text(value)}" for key, value in sorted(query.items()))
