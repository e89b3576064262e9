# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Failures as values: what kinds there are, which answer of a service is which kind, what a person can do about it."""

from __future__ import annotations

import re
import typing as t
from urllib.parse import urlsplit

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
    "tls": "Check the endpoint's host name, ca_path, and any proxy between.",
    "server": "The service has a problem of its own; try again later.",
    "protocol": "Something other than the service's documented answer came back: check the endpoint and any proxy between.",
}

# The kinds of answers that a wrong host may be the cause of; where no answer came, the reason begins with the address.
HOST_TOLD = frozenset({"authentication", "authorization", "not_found", "protocol"})
ADVICE_OF_IAM_KINDS = frozenset({"authentication", "authorization", "not_found", "invalid_request"})
_UNKNOWN_KEY = re.compile(r"\b(?:ak|access[ _-]?key)\b.*\b(?:not|doesn't) (?:exist|found)", re.IGNORECASE | re.DOTALL)
_PROTECTED = re.compile(
    r"login[ _-]?protect|\bmfa\b|multi[ -]?factor|two[ -]?(?:factor|step)|second[ -]factor|verification code|\btotp\b",
    re.IGNORECASE,
)


class ConfigurationError(Exception):
    """An option is missing or wrong. The text names the option, the value (never a secret) and the way out."""


class ShapeError(Exception):
    """An answer is not of the documented form. The text says where it differs."""


class RefusedInside(Exception):
    """A service reported a failure inside an answer with HTTP status 200.

    Args are the service's error code and its message, both str and either may be empty.
    """


_MESSAGE_ONLY = frozenset({"purpose", "origin", "key_alone"})


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
    key_alone: bool = False  # an access key without a security token was used

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
        text = f"Could not get {self.purpose}: {self.kind}, {answer}{request}{tries}. {self._place()}{self.advice()}"
        return text.rstrip()

    def _place(self) -> str:
        """Name the host that was asked, where a wrong host may be the cause, and what named it."""
        told = self.kind in HOST_TOLD or (self.origin and (self.error_msg or "").startswith(f"{self.endpoint}: "))
        if not self.endpoint or not told:
            return ""
        origin = f" ({self.origin})" if self.origin else ""
        return f"The host asked was {urlsplit(self.endpoint).netloc}{origin}. "

    def advice(self) -> str:
        """Return the way out for this kind of failure."""
        if self.service == "metadata":
            return "Only an ECS that has an agency has temporary keys: bind one to it, or choose another auth_type."
        if self.error_code == BLACKLISTED_CODE:
            return "The service has blacklisted this address for too many failed requests: stop asking for 30 minutes."
        if self.kind == "authentication" and self.key_alone and _UNKNOWN_KEY.search(self.error_msg or ""):
            return (
                "A temporary access key is not known without its security token: set security_token "
                "(HUAWEICLOUD_SDK_SECURITY_TOKEN). A permanent one may be deleted, disabled, or of another cloud."
            )
        if self.service in ("iam", "sts") and self.kind in ADVICE_OF_IAM_KINDS:
            return self._advice_of_iam()
        return ADVICE.get(self.kind, "")

    def _advice_of_iam(self) -> str:
        path = self.path or ""
        if path.endswith("/securitytokens") or self.service == "sts":
            if self.kind == "not_found":
                other = "agency_domain_name (IAM v3)" if self.service == "sts" else "agency_domain_id (STS v5)"
                return (
                    "Check agency_name and the account that it belongs to. A cloud that does not have this API may have "
                    f"the other one: set {other} in place of the other option."
                )
            first = "Check that the credentials are right and not expired. " if self.kind == "authentication" else ""
            return (
                f"{first}Check agency_name and the account that it belongs to, that the agency trusts the account that asks, and "
                "that the user may switch to it (IAM: Agent Operator; STS: sts:agencies:assume). Some clouds also ask for "
                "the ID of the asking account: set domain_id (HUAWEICLOUD_SDK_DOMAIN_ID)."
            )
        if path.endswith("/projects") and self.kind in ("authorization", "not_found"):
            return (
                "The project's ID is looked up only because project_id is not set: set project_id "
                "(HUAWEICLOUD_SDK_PROJECT_ID; the console shows it under My Credentials), or give the user the right "
                "iam:projects:listProjects."
            )
        if self.method == "POST" and self.kind in ("authentication", "authorization"):
            if _PROTECTED.search(self.error_msg or ""):
                return (
                    "The user has login protection, so that a password alone is not enough: use an access key, "
                    "or a user for programmatic access without login protection."
                )
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


def error_of(body: t.Any, depth: int = 4) -> tuple[str, str]:
    """Return (code, message) of an error body in any of the services' forms; empty strings where it tells none.

    DIS: errorCode and message; DMS and the gateway: error_code and error_msg; IAM: an object `error` with a number as
    its code; others: errCode and errMsg, an object under the fault's own name, lists of such; what stands before a
    service may tell an `error` or an `error_description` in words. The outermost object that tells something counts, and
    `depth` says how many levels are looked at.
    """
    level = [body]
    for _level in range(depth):
        for found in level:
            if isinstance(found, dict):
                code, message = _told(found)
                if code or message:
                    return code, message
        level = [
            inner
            for found in level
            for inner in (found.values() if isinstance(found, dict) else found if isinstance(found, list) else ())
            if isinstance(inner, (dict, list))
        ]
    return "", ""


def _told(body: dict[t.Any, t.Any]) -> tuple[str, str]:
    if isinstance(body.get("error"), dict):
        body = body["error"]
    keys = [(str(key).lower().replace("_", "").replace("-", ""), value) for key, value in body.items()]
    codes = (value for wanted in ("errorcode", "errcode", "code") for key, value in keys if key == wanted)
    messages = (value for wanted in _MESSAGES for key, value in keys if key == wanted)
    return (
        next((str(code) for code in codes if isinstance(code, (str, int)) and code not in NO_CODE), ""),
        next((message for message in messages if message and isinstance(message, str)), ""),
    )


_MESSAGES = (
    "errormsg",
    "errmsg",
    "message",
    "errormessage",
    "errordescription",
    "error",
    "faultstring",
    "detail",
    "msg",
    "reason",
    "description",
)
_XML_TAG = r"<(?:\w+:)?({names})(?:\s[^<>]*)?>\s*(?:<!\[CDATA\[)?([^<>]*?)(?:\]\]>)?\s*</"
_XML_CODE = re.compile(_XML_TAG.format(names="Code|ErrorCode|faultcode"), re.IGNORECASE)
_XML_MESSAGE = re.compile(_XML_TAG.format(names="Message|ErrorMessage|faultstring"), re.IGNORECASE)
_XML_READ = 16 * 1024  # characters
_HTML = re.compile(r"<(?:!doctype\s+html|html|head|body|title|center|h\d|p|div|meta|script)\b", re.IGNORECASE)


def is_html(text: str) -> bool:
    """Tell whether a text that begins with a tag is a page; else it is XML of another kind."""
    return _HTML.search(text[:1000]) is not None


def error_of_xml(text: str) -> tuple[str, str]:
    """Return (code, message) of an XML error such as <Error><Code>..</Code><Message>..</Message></Error>, else empty strings.

    No parser, since what stands before a service may send anything.
    """
    import html

    text = text.lstrip("\ufeff \t\r\n")[:_XML_READ]
    if not text.startswith("<") or is_html(text):
        return "", ""
    code, message = _XML_CODE.search(text), _XML_MESSAGE.search(text)
    return html.unescape(code[2]) if code else "", html.unescape(message[2]) if message else ""


def defect(error: BaseException) -> str:
    """Say where the collection itself went wrong, not what the values were."""
    import traceback

    where = traceback.extract_tb(error.__traceback__)[-1]
    file = where.filename.replace("\\", "/").rpartition("/")[2]
    return f"internal error: {type(error).__name__} in {file} line {where.lineno}. Please report it."
