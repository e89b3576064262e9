# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Failures as values: what kinds there are, how one is told, what a person can do about it."""

from __future__ import annotations

import typing as t
from urllib.parse import urlsplit

ADVICE = {
    "authentication": "Check that the credentials are right, not expired, and of this region; with an access key also the "
    "clock of the host: more than five failures in a row lock the key for five minutes.",
    "authorization": "Give the user or agency read permission for this service in this project.",
    "not_found": "The path does not exist there: check the endpoint, the region and the project ID.",
    "invalid_request": "Check the names and IDs that were asked for, and project_id.",
    "throttled": "Ask less often, lower concurrency, or raise total_timeout so that there is time to wait.",
    "timeout": "Check the network path to the endpoint, or raise timeout and total_timeout.",
    "connection": "Check the endpoint (region and cloud, if it is built from them), the network path and the proxy "
    "variables of the host.",
    "tls": "Check the endpoint's host name, ca_path, and any proxy between.",
    "server": "The service has a problem of its own; try again later.",
    "protocol": "Something other than the service's documented answer came back: check the endpoint and any proxy between.",
}
# The kinds of answers that a wrong host may be the cause of; where no answer came, the reason begins with the address.
HOST_TOLD = frozenset({"authentication", "authorization", "not_found", "protocol"})


class ConfigurationError(Exception):
    """An option is missing or wrong. The text names the option, the value (never a secret) and the way out."""


class ShapeError(Exception):
    """An answer is not of the documented form. The text says where it differs."""


class RefusedInside(Exception):
    """A service reported a failure inside an answer with HTTP status 200.

    Args are the service's error code and its message, both str and either may be empty.
    """


_MESSAGE_ONLY = frozenset({"purpose", "origin", "advice"})


class Failure(t.NamedTuple):
    """Why one request failed for good; the fields of `error` in the modules' result."""

    kind: str
    purpose: str = ""
    service: str | None = None
    method: str | None = None
    path: str | None = None
    http_status: int | None = None
    error_code: str | None = None
    error_msg: str | None = None
    request_id: str | None = None
    attempts: int | None = None
    elapsed: float | None = None
    endpoint: str | None = None
    origin: str = ""  # the option or variable that the endpoint comes from
    advice: str = ""  # the way out, where there is a better one than what helps against this kind in general

    def as_dict(self) -> dict[str, t.Any]:
        """Return the documented fields (all but those that are for the message only)."""
        return {name: value for name, value in self._asdict().items() if name not in _MESSAGE_ONLY}

    def sentence(self) -> str:
        """Return what was being asked, what came back and what to do about it, in one line."""
        if not self.purpose:  # it was no request that failed
            return self.error_msg or ""
        came_back = [f"HTTP {self.http_status}"] if self.http_status else []
        came_back += [part for part in (self.error_code, self.error_msg) if part and part != str(self.http_status)]
        tries = f" after {self.attempts} attempts" if self.attempts and self.attempts > 1 else ""
        request = f" (request ID {self.request_id})" if self.request_id else ""
        answer = " ".join(came_back).rstrip(".") or "no answer"
        came = f"{self.kind}, {answer}{request}{tries}"
        way_out = self.advice or ADVICE.get(self.kind, "")
        return f"Could not get {self.purpose}: {came}. {self._place()}{way_out}".rstrip()

    def _place(self) -> str:
        """Name the host that was asked, where a wrong host may be the cause, and what named it."""
        told = self.kind in HOST_TOLD or (self.origin and (self.error_msg or "").startswith(f"{self.endpoint}: "))
        if not self.endpoint or not told:
            return ""
        origin = f" ({self.origin})" if self.origin else ""
        return f"The host asked was {urlsplit(self.endpoint).netloc}{origin}. "


def defect(error: BaseException) -> str:
    """Say where the collection itself went wrong, not what the values were."""
    import traceback

    if isinstance(error, MemoryError):
        return "This host does not give the module the memory that it needs."
    where = traceback.extract_tb(error.__traceback__)[-1]
    file = where.filename.replace("\\", "/").rpartition("/")[2]
    return f"internal error: {type(error).__name__} in {file} line {where.lineno}. Please report it."
