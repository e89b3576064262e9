# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every fault that the modules are prepared for, as data: the tests play each row, the guide's table is made of them."""

from __future__ import annotations

import csv
import io
import re
import textwrap
import typing as t

DIS, DMS = "dis_transfer_task_info", "dms_sink_task_info"
HEAD = ("What happens", "Retried", "``kind``", "The message holds")


class Row(t.NamedTuple):
    """One fault.

    how: an action of the emulator with `settings`, or "tls CERTIFICATE", "tls alert NUMBER", "proxy MODE",
    "interim STATUS", "raw HEAD AND BODY", "refused", "resolve".
    retried: whether asking again is tried. says: a part of the message. gap: seconds that a retry must wait at least.
    healed: whether a retry after which nothing is wrong any more gets the facts.
    """

    what: str
    how: str
    retried: bool
    kind: str
    says: str
    settings: dict[str, t.Any] = {}
    options: dict[str, t.Any] = {}
    http_status: int | None = None
    error_code: str | None = None
    module: str = DIS
    gap: float = 0.0
    healed: bool = True
    service: str = ""  # by default the one of the module


_KEYS = {"access_key": "AKEXAMPLE0000000000X", "secret_key": "SKExample0000000000000000000000000000000"}
_QUICK_SILENCE = {"timeout": 0.3}
_LIMIT = "the answer is larger than 4194304 bytes"
_CUT = "the answer was cut short"
_RATE = "The throttling threshold has been reached"

ROWS = (
    Row("429 without ``Retry-After``", "throttle_429", True, "throttled", _RATE, {}, {}, 429, "APIG.0308"),
    Row("429 with ``Retry-After`` in seconds", "throttle_429_seconds", True, "throttled", _RATE, {}, {}, 429, gap=1.0),
    Row("429 with ``Retry-After`` as a date", "throttle_429_date", True, "throttled", _RATE, {}, {}, 429, gap=0.9),
    Row(
        "429 with a ``Retry-After`` that cannot be read", "throttle_429_nonsense", True, "throttled", _RATE, {}, {}, 429
    ),
    Row(
        "429 with a ``Retry-After`` that is over already",
        "throttle_429_date",
        True,
        "throttled",
        _RATE,
        {"retry_after_date": -60},
        {},
        429,
    ),
    Row(
        "429 with a ``Retry-After`` past the end of ``total_timeout``",
        "throttle_429_hour",
        False,
        "throttled",
        _RATE,
        {},
        {},
        429,
    ),
    Row("DIS.4303, too much traffic", "dis_4303", True, "throttled", "Exceeded traffic", {}, {}, 400, "DIS.4303"),
    Row("DIS.4305, too many requests", "dis_4305", True, "throttled", "Too many stream", {}, {}, 400, "DIS.4305"),
    Row(
        "DMS.10240407, flow control sent as 404",
        "dms_throttle_404",
        True,
        "throttled",
        "Flow control",
        {},
        {},
        404,
        "DMS.10240407",
        DMS,
    ),
    Row(
        "DIS.4309, the address is blacklisted",
        "dis_4309",
        False,
        "throttled",
        "stop asking for 30 minutes",
        {},
        {},
        400,
        "DIS.4309",
    ),
    Row("500", "server_500", True, "server", "Internal server error", {}, {}, 500, "APIGW.0601"),
    Row("500 in the words of DIS", "dis_5000", True, "server", "System error", {}, {}, 500, "DIS.5000"),
    Row("502 with an HTML page", "html_502", True, "server", "an HTML page", {}, {}, 502),
    Row("502 of the gateway", "backend_502", True, "server", "Backend unavailable", {}, {}, 502, "APIGW.0201"),
    Row("503 without a body", "empty_503", True, "server", "HTTP 503", {}, {}, 503),
    Row("504", "timeout_504", True, "server", "Backend timeout", {}, {}, 504),
    Row("Any other 5xx, 501 for instance", "status", False, "server", "HTTP 501", {"code": 501}, {}, 501),
    Row(
        "401, a wrong token",
        "unauthorized_401",
        False,
        "authentication",
        "decrypt token fail",
        {},
        {},
        401,
        "APIGW.0301",
    ),
    Row("401 of DMS", "dms_token_401", False, "authentication", "Invalid token", {}, {}, 401, "DMS.10240101", DMS),
    Row("441 of DIS", "dis_token_441", False, "authentication", "Invalid Token header", {}, {}, 441, "DIS.4114"),
    Row("403 of DIS", "forbidden_403", False, "authorization", "Invalid RBAC", {}, {}, 403, "DIS.4116"),
    Row(
        "403 of DMS",
        "dms_forbidden_403",
        False,
        "authorization",
        "does not have the permissions",
        {},
        {},
        403,
        "DMS.00403003",
        DMS,
    ),
    Row("404 of the gateway", "no_api_404", False, "not_found", "The API does not exist", {}, {}, 404, "APIGW.0101"),
    Row(
        "Any other 4xx, 400 with DIS.4200 for instance",
        "status",
        False,
        "invalid_request",
        "request parameter",
        {"code": 400, "body": {"errorCode": "DIS.4200", "message": "Invalid request parameter."}},
        {},
        400,
        "DIS.4200",
    ),
    Row(
        "A refusal with ``errCode`` and ``errMsg``",
        "status",
        False,
        "invalid_request",
        "The parameter is invalid",
        {"code": 400, "body": {"errCode": "SFS.TURBO.0001", "errMsg": "The parameter is invalid."}},
        {},
        400,
        "SFS.TURBO.0001",
    ),
    Row(
        "A refusal as an OpenStack fault",
        "status",
        False,
        "not_found",
        "No such thing",
        {"code": 404, "body": {"itemNotFound": {"code": 404, "message": "No such thing"}}},
        {},
        404,
        "404",
    ),
    Row(
        "A refusal as XML",
        "status",
        False,
        "authorization",
        "Access Denied",
        {"code": 403, "body": "<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"},
        {},
        403,
        "AccessDenied",
    ),
    Row(
        "A temporary access key without its security token",
        "status",
        False,
        "authentication",
        "set security_token",
        {"code": 401, "body": {"error_code": "APIGW.0301", "error_msg": "ak AKEXAMPLE0000000000X not exist"}},
        _KEYS,
        401,
        "APIGW.0301",
    ),
    Row(
        "A user with login protection",
        "status",
        False,
        "authentication",
        "The user has login protection",
        {"code": 401, "body": {"error": {"code": 401, "message": "Login protection is enabled: verify by MFA."}}},
        {"username": "example-user", "password": "Example-Password-1", "domain_name": "example-account"},
        401,
        "401",
        service="iam",
    ),
    Row(
        "An agency asked for without the asking account's ID, where IAM demands it",
        "status",
        False,
        "authentication",
        "set domain_id",
        {"code": 401, "body": {"error": {"code": 401, "message": "The X-Auth-Token is invalid!"}}},
        {**_KEYS, "agency_name": "reader", "agency_domain_name": "other-account"},
        401,
        "401",
        service="iam",
    ),
    Row(
        "An agency that STS refuses",
        "status",
        False,
        "authorization",
        "Check agency_name",
        {"code": 403, "body": {"error_code": "STS5.1106", "error_msg": "Access denied."}},
        {**_KEYS, "agency_name": "reader", "agency_domain_id": "0a0a"},
        403,
        "STS5.1106",
        service="sts",
    ),
    Row(
        "A look-up of the project that is not allowed",
        "status",
        False,
        "authorization",
        "set project_id",
        {"code": 403, "body": {"error": {"code": 403, "message": "Not allowed: iam:projects:listProjects."}}},
        {"project_id": None},
        403,
        "403",
        service="iam",
    ),
    Row(
        "A redirect to another host",
        "redirect_302",
        False,
        "protocol",
        "a redirect, which is not followed",
        {},
        {},
        302,
    ),
    Row(
        "407 instead of the service's answer",
        "proxy_407",
        False,
        "connection",
        "the proxy asks for credentials",
        {},
        {},
        407,
    ),
    Row("Nobody listens at the endpoint", "refused", True, "connection", "the connection was refused", healed=False),
    Row("The host name does not resolve", "resolve", True, "connection", "could not be resolved", healed=False),
    Row("Connection reset before the answer", "reset", True, "connection", "the connection was reset"),
    Row("Connection closed before the answer", "close", True, "connection", "closed without an answer"),
    Row("Connection closed in the middle of the body", "close_mid_body", True, "protocol", _CUT, http_status=200),
    Row("``Content-Length`` larger than the body", "content_length_too_long", True, "protocol", _CUT, http_status=200),
    Row(
        "``Content-Length`` smaller than the body", "content_length_too_short", True, "protocol", _CUT, http_status=200
    ),
    Row(
        "Two lengths (``Content-Length``) that differ",
        'raw Content-Length: 32\r\nContent-Length: 5\r\n\r\n{"total_number": 0, "tasks": []}',
        False,
        "protocol",
        "two lengths (Content-Length) that differ",
        healed=False,
    ),
    Row(
        "A length (``Content-Length``) that is no number",
        'raw Content-Length: many\r\n\r\n{"total_number": 0, "tasks": []}',
        False,
        "protocol",
        "the answer's length (Content-Length) is no number",
        healed=False,
    ),
    Row(
        "A line among the headers that is none",
        'raw Proxy agent\r\nContent-Length: 32\r\n\r\n{"total_number": 0, "tasks": []}',
        False,
        "protocol",
        "the answer's headers are broken",
        healed=False,
    ),
    Row(
        "Connection closed within the headers",
        "raw Content-Type: application/json\r\nContent-Le",
        True,
        "connection",
        "the connection was closed within the answer's headers",
        healed=False,
    ),
    Row(
        "A chunk with a negative size",
        'raw Transfer-Encoding: chunked\r\n\r\n-5\r\n{"total_number": 0, "tasks": []}',
        True,
        "protocol",
        "a chunk of the answer has a negative size",
        http_status=200,
        healed=False,
    ),
    Row(
        "More than 100 headers",
        "raw " + "X-More: 1\r\n" * 101 + "\r\n{}",
        True,
        "protocol",
        "the answer has too many headers",
        healed=False,
    ),
    Row(
        "A body that stops, and the connection stays open",
        "content_length_too_long",
        True,
        "timeout",
        "the answer stopped for 0.3 seconds",
        {"hold": True},
        _QUICK_SILENCE,
        200,
    ),
    Row(
        "Silence longer than ``timeout``",
        "silence",
        True,
        "timeout",
        "no answer within 0.3 seconds",
        {},
        _QUICK_SILENCE,
    ),
    Row(
        "One byte every half second, until ``total_timeout`` is over",
        "drip",
        False,
        "timeout",
        "total_timeout of 1.2 seconds is over",
        {},
        {"total_timeout": 1.2},
        healed=False,
    ),
    Row("gzip that cannot be unpacked", "bad_gzip", False, "protocol", "compression is broken", http_status=200),
    Row("A body that is not UTF-8", "not_utf8", False, "protocol", "not JSON", http_status=200),
    Row("JSON nested without end", "deep_nesting", False, "protocol", "nested more than 64 deep", http_status=200),
    Row(
        "JSON nested more than 64 deep, in whatever field",
        "deep_nesting",
        False,
        "protocol",
        "nested more than 64 deep",
        {"depth": 64},
        http_status=200,
    ),
    Row(
        "A number of more than 30 digits, in whatever field",
        "status",
        False,
        "protocol",
        "a number of more than 30 digits",
        {"code": 200, "body": {"total_number": 0, "tasks": [], "extra": 10**30}},
        {},
        200,
    ),
    Row(
        "JSON of more than 100,000 values, in whatever field",
        "status",
        False,
        "protocol",
        "JSON of more than 100000 values",
        {"code": 200, "body": {"total_number": 0, "tasks": [], "extra": [[]] * 100_000}},
        {},
        200,
    ),
    Row(
        "101, the service goes on in another protocol",
        "interim 101",
        False,
        "protocol",
        "the answer switches to another protocol (HTTP 101)",
        healed=False,
    ),
    Row("A body of more than 4 MiB, announced", "huge_body", False, "protocol", _LIMIT, http_status=200),
    Row(
        "A body of more than 4 MiB, in chunks",
        "huge_body",
        False,
        "protocol",
        _LIMIT,
        {"framing": "chunked"},
        http_status=200,
    ),
    Row(
        "A body of more than 4 MiB, until it closes",
        "huge_body",
        False,
        "protocol",
        _LIMIT,
        {"framing": "close"},
        http_status=200,
    ),
    Row(
        "A body that unpacks to more than 4 MiB",
        "huge_body",
        False,
        "protocol",
        _LIMIT,
        {"gzip": True, "size": 2**26},
        http_status=200,
    ),
    Row("200 with an HTML page", "html_200", False, "protocol", "an HTML page", http_status=200),
    Row(
        "200 with XML",
        "status",
        False,
        "protocol",
        "an XML document",
        {"code": 200, "body": "<?xml version='1.0'?><Streams/>", "content_type": "application/xml"},
        {},
        200,
    ),
    Row("200 without a body", "empty_body", False, "protocol", "an empty answer", http_status=200),
    Row("200 with ``null``", "null_body", False, "protocol", "null instead of an object", http_status=200),
    Row("200 with a list", "list_body", False, "protocol", "a JSON list instead of an object", http_status=200),
    Row(
        "200 with neither a total nor a list",
        "status",
        False,
        "protocol",
        "HTTP 200",
        {"code": 200, "body": {"answer": 42}},
        {},
        200,
    ),
    Row(
        "200 with one field told twice, and not alike",
        "status",
        False,
        "protocol",
        "tells one field twice",
        {"code": 200, "body": '{"total_number": 1, "tasks": [{"state": "RUNNING", "state": "PAUSED"}]}'},
        {},
        200,
    ),
    Row(
        "200 with an error code beside an empty list",
        "status",
        False,
        "invalid_request",
        "DIS.4205",
        {"code": 200, "body": {"errorCode": "DIS.4205", "message": "no luck", "total_number": 0, "tasks": []}},
        {},
        200,
        "DIS.4205",
    ),
    Row(
        "A certificate of an unknown authority", "tls unknown", False, "tls", "unable to get local issuer", healed=False
    ),
    Row("An expired certificate", "tls expired", False, "tls", "certificate has expired", healed=False),
    Row("A certificate for another host", "tls wrong_host", False, "tls", "not for this host", healed=False),
    Row(
        "TLS asked of a server that speaks none",
        "tls none",
        False,
        "tls",
        "what answers does not speak TLS",
        healed=False,
    ),
    Row(
        "A client certificate that the service wants",
        "tls alert 116",
        False,
        "tls",
        "the service wants a client certificate",
        healed=False,
    ),
    Row(
        "Versions of TLS that the host does not accept",
        "tls alert 70",
        False,
        "tls",
        "no version of TLS that this host accepts",
        healed=False,
    ),
    Row(
        "A TLS handshake that the service refuses",
        "tls alert 40",
        False,
        "tls",
        "the service refuses all that this host offers",
        healed=False,
    ),
    Row(
        "Connection closed in the middle of the TLS handshake",
        "tls closed",
        True,
        "connection",
        "the connection was closed during the TLS handshake",
        healed=False,
    ),
    Row("A proxy that refuses (407)", "proxy refuse", False, "connection", "the proxy refuses", healed=False),
    Row("A proxy whose CONNECT fails (502)", "proxy fail", False, "connection", "the proxy refuses", healed=False),
    Row(
        "A proxy that closes the connection",
        "proxy close",
        True,
        "connection",
        "closed without an answer",
        healed=False,
    ),
    Row(
        "No proxy at the proxy's address",
        "proxy none",
        True,
        "connection",
        "the proxy cannot be reached",
        healed=False,
    ),
    Row(
        "A proxy that is silent",
        "proxy silence",
        True,
        "timeout",
        "no answer within 0.3 seconds",
        {},
        _QUICK_SILENCE,
        healed=False,
    ),
    Row(
        "A SOCKS proxy, and no PySocks",
        "proxy socks5h",
        False,
        "connection",
        "https_proxy names a SOCKS proxy",
        healed=False,
    ),
    Row(
        "A proxy of an unknown kind",
        "proxy socks",
        False,
        "connection",
        "https_proxy names a proxy of an unknown kind",
        healed=False,
    ),
)


def _general(says: str) -> str:
    return re.sub(r"[0-9.]+ (seconds|bytes)", r"N \1", says)


def as_rst() -> str:
    """Return the rows as the guide's table; limits that the tests set to be quick are N there."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(HEAD)
    table.writerows((row.what, "yes" if row.retried else "no", row.kind, _general(row.says)) for row in ROWS)
    return ".. csv-table::\n   :header-rows: 1\n   :widths: 40 10 15 35\n\n" + textwrap.indent(text.getvalue(), "   ")
