# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an HTTP answer means: the value that was asked for, that the thing is absent, or a refusal of some kind."""

from __future__ import annotations

import json
import time
import typing as t

from ansible_collections.hwcloud.streaming.plugins.module_utils._wire.errors import RefusedInside, ShapeError
from ansible_collections.hwcloud.streaming.plugins.module_utils._wire.pace import retry_after
from ansible_collections.hwcloud.streaming.plugins.module_utils._wire.request import Reply, Request
from ansible_collections.hwcloud.streaming.plugins.module_utils._wire.told import error_of, error_of_xml, is_html
from ansible_collections.hwcloud.streaming.plugins.module_utils._wire.transport import Answer

RETRIED_STATUS = frozenset({500, 502, 503, 504})
AUTHENTICATION_STATUS = frozenset({401, 441})
DEPTH_LIMIT, DIGITS_LIMIT = 64, 30  # of JSON: what is beyond them ends Python or Ansible, not just a request
VALUES_LIMIT = 100_000  # in one answer: 4 MiB of "[]" take 100 MB, and minutes of Ansible's walks


class Refusal(t.NamedTuple):
    """Why one attempt brought nothing, as a kind of failure, and whether to ask again. status: 0 when no answer came."""

    kind: str
    again: bool = False
    status: int = 0
    code: str = ""
    message: str = ""
    request_id: str | None = None
    retry_after: float | None = None


def judged(request: Request, answer: Answer) -> Reply | Refusal:
    """Return what a whole answer means for the request."""
    request_id = answer.headers.get("X-Request-Id") or answer.headers.get("X-IAM-Trace-Id")
    status = answer.status
    if status in request.absent:
        return Reply(absent=True)
    cut, beyond = False, ""
    as_text = request.text and 200 <= status < 300
    try:
        value: t.Any = answer.content.decode("utf-8") if as_text else _decoded(answer.content)
    except (ValueError, RecursionError) as error:
        value, cut = None, _ends_too_soon(answer.content, error)
        if isinstance(error, (BeyondLimit, RecursionError)):
            cut, beyond = False, str(error) if isinstance(error, BeyondLimit) else _TOO_DEEP
    if 200 <= status < 300:
        if cut:
            return Refusal(
                "protocol", again=True, status=status, message="the answer was cut short", request_id=request_id
            )
        code, message = "", ""
        try:
            if not isinstance(value, str if as_text else dict):
                raise ShapeError(beyond or _what_came(answer.content, value))
            if request.needed_header and not answer.headers.get(request.needed_header):
                raise ShapeError(f"no header {request.needed_header} in the answer")
            return Reply(request.shape(value), answer.headers)
        except (ShapeError, RecursionError) as error:
            code, message = error_of(value, depth=1)
            reason = str(error) if isinstance(error, ShapeError) else "nested too deeply"
            told = f"{message}; {reason}" if message else reason
            return Refusal("protocol", status=status, code=code, message=told, request_id=request_id)
        except RefusedInside as refusal:
            code, message = refusal.args
            status_of_code = 200
    else:
        code, message = error_of(value) if value is not None else error_of_xml(_text(answer.content))
        if isinstance(value, dict) and not request_id:
            told_id = value.get("request_id")
            request_id = told_id if isinstance(told_id, str) else None
        status_of_code = status
        if not message and answer.content and not isinstance(value, dict):
            message = beyond or _what_came(answer.content, value)
        if 300 <= status < 400:
            message = "a redirect, which is not followed"
        elif status == 407:
            message = "the proxy asks for credentials"
    kind, again = request.service.kind(status_of_code, code) or kind_of(status_of_code, code)
    if code in request.absent and kind in ("invalid_request", "not_found"):  # no other status says so
        return Reply(absent=True, code=code)
    wait = retry_after(answer.headers.get("Retry-After"), time.time())
    return Refusal(kind, again, status, code, message, request_id, wait)


def kind_of(status: int, code: str) -> tuple[str, bool]:
    """Return the kind of a refusal and whether asking again can help, from its HTTP status and the gateway's code."""
    if status == 429 or (code.startswith("API") and code.endswith(".0308")):
        return "throttled", True
    if status == 200:  # a failure told inside a success
        return "server", code.rpartition(".")[2].startswith("5")
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


def _ends_too_soon(content: bytes, error: Exception) -> bool:
    """Tell whether an object's text just stops, which is all that shows a cut where no length was announced."""
    if not content.lstrip().startswith(b"{"):
        return False
    if isinstance(error, UnicodeDecodeError):
        return error.reason == "unexpected end of data"
    if not isinstance(error, json.JSONDecodeError) or error.msg == "Extra data":
        return False
    text = error.doc.rstrip()
    return error.pos >= len(text) or not text.endswith("}")


def _text(content: bytes) -> str:
    return content[: 64 * 1024].decode("utf-8", "replace")


def _what_came(content: bytes, value: t.Any) -> str:
    """Name an answer that is not an object, without quoting it."""
    if not content.strip():
        return "an empty answer"
    if value is None:
        if content.strip() == b"null":
            return "null instead of an object"
        text = _text(content[:4096]).lstrip("\ufeff \t\r\n")
        kind = "not JSON" if text[:1] != "<" else "an HTML page" if is_html(text) else "an XML document"
        return f"{kind} ({len(content)} bytes)"
    return f"a JSON {type(value).__name__} instead of an object"


_TOO_DEEP = f"JSON nested more than {DEPTH_LIMIT} deep"


class BeyondLimit(ValueError):
    """JSON that is right but beyond what any service means; the text says what of it."""


def _decoded(content: bytes) -> t.Any:
    """Return the value of a JSON text; ValueError also for what Python takes but JSON does not have."""
    value = json.loads(
        content.decode("utf-8-sig"),
        parse_constant=_number,
        parse_float=_number,
        parse_int=_whole,
        object_pairs_hook=_object,
    )
    if b"\\ud" in content or b"\\uD" in content:  # half a surrogate pair cannot be put out again
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    level, depth, values = [value] if isinstance(value, (dict, list)) else [], 0, 0
    while level:
        depth += 1
        values += sum(map(len, level))
        if depth > DEPTH_LIMIT:
            raise BeyondLimit(_TOO_DEEP)
        if values > VALUES_LIMIT:
            raise BeyondLimit(f"JSON of more than {VALUES_LIMIT} values")
        level = [
            item
            for container in level
            for item in (container.values() if isinstance(container, dict) else container)
            if isinstance(item, (dict, list))
        ]
    return value


def _object(pairs: list[tuple[str, t.Any]]) -> dict[str, t.Any]:
    value = dict(pairs)
    if len(value) < len(pairs) and any(value[key] != told for key, told in pairs):
        raise BeyondLimit("an object that tells one field twice, and not alike")
    return value


def _number(text: str) -> float:
    number = float(text)
    if number - number != 0:  # an infinity or not a number
        raise ValueError(f"{text[:20]} is not a JSON number")
    if abs(number) >= 10.0**DIGITS_LIMIT or (
        len(text) > DIGITS_LIMIT and sum(map(str.isdigit, text.lower().partition("e")[0])) > DIGITS_LIMIT
    ):
        raise BeyondLimit(f"a number of more than {DIGITS_LIMIT} digits")
    return number


def _whole(text: str) -> int:
    if len(text.lstrip("-")) > DIGITS_LIMIT:
        raise BeyondLimit(f"a number of more than {DIGITS_LIMIT} digits")
    return int(text)
