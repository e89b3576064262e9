# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an error body tells, in any of the services' forms: JSON of many shapes, XML, or a page."""

from __future__ import annotations

import re
import typing as t

NO_CODE = ("", 0, -1, "0", "-1")  # what a success carries, by the services' own examples


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
# No two parts of it may match the same blanks: what stands before a service may send any number of them.
_XML_TAG = r"<(?:\w+:)?({names})(?:\s[^<>]*)?>(?:\s*<!\[CDATA\[)?([^<>]*?)(?:\]\]>\s*)?</"
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
    return html.unescape(code[2].strip()) if code else "", html.unescape(message[2].strip()) if message else ""
