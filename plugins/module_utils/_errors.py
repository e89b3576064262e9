# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Failures as values: what kinds there are, which answer of a service is which kind, what a person can do about it."""

from __future__ import annotations

import typing as t

RETRIED_STATUS = frozenset({500, 502, 503, 504})
AUTHENTICATION_STATUS = frozenset({401, 441})
# DIS and DMS say "too many requests" with the status codes 400 and 404; the number alone is the old DMS form.
THROTTLING_CODES = frozenset({"DIS.4303", "DIS.4305", "DMS.10240407", "10240407"})
BLACKLISTED_CODE = "DIS.4309"
NO_CODE = ("", 0, -1, "0", "-1")  # what a success carries, by the services' own examples

ADVICE = {
    "authentication": "Check that the credentials are right, not expired, and of this region; with an access key also the "
    "clock of the host: more than five failures in a row lock the key for five minutes.",
    "authorization": "Give the user or agency read permission for this service in this project.",
    "not_found": "The path does not exist there: check the endpoint, the region and the project ID.",
    "invalid_request": "Check the names and IDs that were asked for.",
    "throttled": "Ask less often, lower concurrency, or raise total_timeout so that there is time to wait.",
    "timeout": "Check the network path to the endpoint, or raise timeout and total_timeout.",
    "connection": "Check the endpoint (region and cloud, if it is built from them), the network path and the proxy "
    "variables of the host.",
    "tls": "Check the endpoint's host name and ca_path; the certificate was not accepted.",
    "server": "The service has a problem of its own; try again later.",
    "protocol": "Something other than the service's documented answer came back: check the endpoint and any proxy between.",
}


class ConfigurationError(Exception):
    """An option is missing or wrong. The text names the option, the value (never a secret) and the way out."""


class ShapeError(Exception):
    """An answer is not of the documented form. The text says where it differs."""


class RefusedInside(Exception):
    """A service reported a failure inside an answer with HTTP status 200.

    Args are the service's error code and its message, both str and either may be empty.
    """


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

    def as_dict(self) -> dict[str, t.Any]:
        """Return the documented fields (all but the purpose, which is for the message)."""
        fields = self._asdict()
        del fields["purpose"]
        return fields

    def sentence(self) -> str:
        """Return what was being asked, what came back and what to do about it, in one line."""
        if not self.purpose:  # it was no request that failed
            return self.error_msg or ""
        came_back = [f"HTTP {self.http_status}"] if self.http_status else []
        came_back += [part for part in (self.error_code, self.error_msg) if part and part != str(self.http_status)]
        tries = f" after {self.attempts} attempts" if self.attempts and self.attempts > 1 else ""
        request = f" (request ID {self.request_id})" if self.request_id else ""
        answer = " ".join(came_back).rstrip(".") or "no answer"
        return f"Could not get {self.purpose}: {self.kind}, {answer}{request}{tries}. {self.advice()}"

    def advice(self) -> str:
        """Return the way out for this kind of failure."""
        if self.service == "metadata":
            return "Only an ECS that has an agency has temporary keys: bind one to it, or choose another auth_type."
        if self.error_code == BLACKLISTED_CODE:
            return "The service has blacklisted this address for too many failed requests: stop asking for 30 minutes."
        if self.service == "iam" and self.method == "POST" and self.kind == "authentication":
            return (
                "Check username and password, and that domain_name is the name of the account that the user belongs to."
            )
        return ADVICE.get(self.kind, "")


def kind_of(status: int, code: str) -> tuple[str, bool]:
    """Return the kind of a refusal and whether asking again can help, from its HTTP status and the service's code."""
    if code == BLACKLISTED_CODE:
        return "throttled", False
    if status == 429 or code in THROTTLING_CODES or (code.startswith("API") and code.endswith(".0308")):
        return "throttled", True
    if status == 200:  # a failure told inside a success: only the code can say which
        return _kind_inside(code)
    if status >= 500:
        return "server", status in RETRIED_STATUS
    if status in AUTHENTICATION_STATUS:
        return "authentication", False
    if status == 403:
        return "authorization", False
    if status == 404:
        return "not_found", False
    if status == 407:
        return "connection", False
    if status >= 400:
        return "invalid_request", False
    return "protocol", False


def _kind_inside(code: str) -> tuple[str, bool]:
    number = code.rpartition(".")[2]
    if code == "DIS.4116":
        return "authorization", False
    if code.startswith("DIS.41") and code < "DIS.4115":
        return "authentication", False
    if code.startswith("DIS.4"):
        return "invalid_request", False
    return "server", number.startswith("5")


def error_of(body: t.Any) -> tuple[str, str]:
    """Return (code, message) of an error body in any of the services' forms; empty strings where it tells none.

    DIS: errorCode and message; DMS and the gateway: error_code and error_msg; IAM: an object `error` with a number as
    its code; what stands before a service may tell an `error` or an `error_description` in words.
    """
    if not isinstance(body, dict):
        return "", ""
    if isinstance(body.get("error"), dict):
        body = body["error"]
    codes = (body.get(key) for key in ("error_code", "errorCode", "code"))
    told = ("error_msg", "errorMsg", "message", "error_message", "error_description", "error")
    messages = (body.get(key) for key in told)
    return (
        next((str(code) for code in codes if isinstance(code, (str, int)) and code not in NO_CODE), ""),
        next((message for message in messages if message and isinstance(message, str)), ""),
    )


def defect(error: BaseException) -> str:
    """Say where the collection itself went wrong, not what the values were."""
    import traceback

    where = traceback.extract_tb(error.__traceback__)[-1]
    file = where.filename.replace("\\", "/").rpartition("/")[2]
    return f"internal error: {type(error).__name__} in {file} line {where.lineno}. Please report it."
