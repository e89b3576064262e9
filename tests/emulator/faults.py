# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults: which request meets one, and what then goes over the wire instead of the plain answer."""

from __future__ import annotations

import asyncio
import email.utils
import gzip
import re
import time
import zlib
from typing import Any, Callable

from .presets import ACTIONS, HTML_200, PRESETS
from .protocol import JSON_TYPE, Answer, Connection, Request, encode
from .reader import WorldError, required, wrong

_PIECE = b"a" * 65536


class Fault:
    """One rule: requests whose ``METHOD /path?query`` the route's regular expression finds something in.

    The first ``skip`` of them are left alone, the next ``times`` meet the fault, all of them when that is None.
    """

    def __init__(
        self, route: str, action: str, times: int | None = 1, skip: int = 0, where: str = "fault", **settings: Any
    ) -> None:
        try:
            self.route = re.compile(route)
        except (re.error, TypeError) as error:
            raise wrong(f"{where}.route", route, "a regular expression") from error
        for name, value in (("times", times), ("skip", skip)):
            nothing = value is None and name == "times"
            if not nothing and (not isinstance(value, int) or isinstance(value, bool) or value < 0):
                raise wrong(f"{where}.{name}", value, "a whole number from 0" + (" or null" if name == "times" else ""))
        if action in PRESETS:
            given, self.action = PRESETS[action], "status"
        elif action in ACTIONS:
            given, self.action = {}, action
        else:
            raise wrong(f"{where}.action", action, "one of " + ", ".join([*ACTIONS, *PRESETS]))
        known = ACTIONS[self.action]
        for name in settings:
            if name not in known:
                allowed = ", ".join(known) or "none"
                raise WorldError(f"{where}.{name}: this setting is not known to {action}, known are {allowed}")
        self.settings: dict[str, Any] = {**known, **given, **settings}
        if self.action == "status" and not (isinstance(self.settings["code"], int) and self.settings["code"] >= 200):
            raise wrong(f"{where}.code", self.settings["code"], "an HTTP status from 200")
        for name, choices in (("start", ("status", "body")), ("framing", ("length", "chunked", "close"))):
            if name in known and self.settings[name] not in choices:
                raise wrong(f"{where}.{name}", self.settings[name], "one of " + ", ".join(choices))
        self.times = times
        self.skip = skip
        self.hits = 0

    def strikes(self, line: str) -> bool:
        """Whether this request meets the fault; counts it."""
        if (self.times is not None and self.hits >= self.times) or not self.route.search(line):
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        self.hits += 1
        return True


def from_world(item: dict[str, Any], number: int) -> Fault:
    """A fault as the world file has it."""
    where = f"faults[{number}]"
    for key in ("route", "action"):
        if key not in item:
            raise required(f"{where}.{key}", item)
    values = {str(key): value for key, value in item.items()}
    if "where" in values:
        raise WorldError(f"{where}.where: this key is not known")
    return Fault(where=where, **values)


def status_answer(settings: dict[str, Any]) -> Answer:
    """The answer of the action ``status``."""
    body = settings["body"]
    headers = [(str(name), str(value)) for name, value in settings["headers"].items()]
    if settings["retry_after_date"] is not None:
        moment = time.time() + float(settings["retry_after_date"])
        headers.append(("Retry-After", email.utils.formatdate(moment, usegmt=True)))
    elif settings["retry_after"] is not None:
        headers.append(("Retry-After", str(settings["retry_after"])))
    if isinstance(body, bytes):
        data, content_type = body, JSON_TYPE
    elif isinstance(body, str):
        data, content_type = body.encode(), "text/html"
    else:
        data, content_type = (b"", "") if body is None else (encode(body), JSON_TYPE)
    return Answer(settings["code"], data, headers, settings["content_type"] or content_type)


class Player:
    """Carries one fault out on one connection. ``make`` gives the answer that the service would have sent."""

    def __init__(self, connection: Connection, request: Request, make: Callable[[], Answer]) -> None:
        self.connection = connection
        self.request = request
        self.make = make
        self.status: int | None = None  # as sent, for the record; None when nothing was
        self.task: asyncio.Task[None] | None = None

    def prepare(self, fault: Fault) -> Callable[[], None]:
        """What is to be done on the wire. Bodies are made here, so that the status is known before it is sent."""
        action, settings = fault.action, fault.settings
        if action == "reset":
            return self.connection.reset
        if action == "close":
            return lambda: self.connection.finish(close=True)
        if action == "silence":
            return lambda: None
        if action == "huge_body":
            self.status = 200
            return lambda: self._start(self._huge(**settings))
        answer = self._answer(action, settings)
        self.status = answer.status
        if action == "drip":
            return lambda: self._start(self._drip(answer, settings))
        if action in ("close_mid_body", "content_length_too_long", "content_length_too_short"):
            return lambda: self._cut(action, settings, answer)
        return lambda: self.connection.send(answer, self.request)

    def _answer(self, action: str, settings: dict[str, Any]) -> Answer:
        if action == "status":
            return status_answer(settings)
        if action == "empty_body":
            return Answer(200, b"")
        if action == "null_body":
            return Answer(200, b"null")
        if action == "list_body":
            return Answer(200, b"[]")
        if action == "html_200":
            return Answer(200, HTML_200.encode(), content_type="text/html")
        if action == "not_utf8":
            return Answer(200, b'{"total_number":0,"tasks":[],"stream_names":[],"note":"\xff\xfe\xe9"}')
        if action == "deep_nesting":
            depth = int(settings["depth"])
            return Answer(200, b'{"tasks":' + b"[" * depth + b"]" * depth + b"}")
        answer = self.make()
        if action in ("gzip", "bad_gzip"):
            packed = gzip.compress(answer.body)
            if action == "bad_gzip":
                packed = packed[:10] + bytes(byte ^ 0x55 for byte in packed[10:])
            return Answer(answer.status, packed, [*answer.headers, ("Content-Encoding", "gzip")], answer.content_type)
        return answer

    def _cut(self, action: str, settings: dict[str, Any], answer: Answer) -> None:
        body, said = answer.body, len(answer.body)
        if action == "close_mid_body":
            body = body[: len(body) // 2]
        elif action == "content_length_too_long":
            said += settings["by"]
        else:
            said = max(said - settings["by"], 0)
        data = answer.head(self.request.request_id, said) + body
        if action == "content_length_too_long" and settings["hold"]:
            self.connection.write(data)  # and nothing more: the client waits for the rest
        else:
            self.connection.finish(data, close=action != "content_length_too_short")

    def _start(self, work: Any) -> None:
        # The reference keeps the loop from dropping a task that nobody else holds.
        self.task = self.connection.loop.create_task(work)

    async def _drip(self, answer: Answer, settings: dict[str, Any]) -> None:
        head, body = answer.head(self.request.request_id, len(answer.body)), answer.body
        if settings["start"] == "body":
            self.connection.write(head)
            pieces = body
        else:
            pieces = head + body
        for number in range(len(pieces)):
            if not self.connection.write(pieces[number : number + 1]):
                return
            await asyncio.sleep(settings["every"])
        self.connection.finish()

    async def _huge(self, size: int, framing: str, gzip: bool) -> None:
        """A JSON object as large as wanted, made while it is sent, no faster than the client reads."""
        head, tail = b'{"total_number":0,"tasks":[],"stream_names":[],"padding":"', b'"}'
        packer = zlib.compressobj(wbits=31) if gzip else None
        headers = [("Content-Encoding", "gzip")] if gzip else []
        chunked = framing == "chunked" or (gzip and framing == "length")  # the packed length is not known
        length = None
        if chunked:
            headers.append(("Transfer-Encoding", "chunked"))
        elif framing == "length":
            length = max(size, len(head) + len(tail))
        answer = Answer(200, b"", headers)
        self.connection.write(answer.head(self.request.request_id, length, keep_alive=framing != "close"))
        left = max(size - len(head) - len(tail), 0)
        piece, step = head, 0
        while True:
            data = piece if packer is None else packer.compress(piece)
            if piece is tail and packer is not None:
                data += packer.flush()
            if data and not self.connection.write(b"%x\r\n%b\r\n" % (len(data), data) if chunked else data):
                return
            await self.connection.writable.wait()
            if piece is tail:
                break
            step = min(left, len(_PIECE))
            left -= step
            piece = _PIECE[:step] if step else tail
            await asyncio.sleep(0)  # others are served in between
        self.connection.finish(b"0\r\n\r\n" if chunked else b"", close=framing == "close")


class Limiter:
    """So many requests a second, for all clients together: a token bucket, or a count per whole second."""

    def __init__(
        self,
        per_second: float,
        window: str = "bucket",
        burst: float | None = None,
        retry_after: Any = None,
        where: str = "rate",
    ) -> None:
        for name, value in (("per_second", per_second), ("burst", per_second if burst is None else burst)):
            if not isinstance(value, (int, float)) or isinstance(value, bool) or value <= 0:
                raise wrong(f"{where}.{name}", value, "a number above 0")
        if window not in ("bucket", "fixed"):
            raise wrong(f"{where}.window", window, "one of bucket, fixed")
        self.per_second = float(per_second)
        self.window = window
        self.capacity = float(per_second if burst is None else burst)
        self.refused = 0
        self._left = self.capacity
        self._at = time.monotonic() if window == "bucket" else float("-inf")  # a window begins with its first request
        self.answer = status_answer({**ACTIONS["status"], **PRESETS["throttle_429"], "retry_after": retry_after})

    def allows(self) -> bool:
        """Whether one more request may pass now."""
        now = time.monotonic()
        if self.window == "fixed":
            if now - self._at >= 1.0:
                self._at, self._left = now, self.per_second
        else:
            self._left = min(self.capacity, self._left + (now - self._at) * self.per_second)
            self._at = now
        if self._left >= 1.0:
            self._left -= 1.0
            return True
        self.refused += 1
        return False

    @classmethod
    def of(cls, value: Any) -> Limiter | None:
        """From a number, a mapping with the settings, or None."""
        if value is None:
            return None
        if not isinstance(value, dict):
            return cls(value)
        known = ("per_second", "window", "burst", "retry_after")
        for key in value:
            if key not in known:
                raise WorldError(f"rate.{key}: this key is not known, known here are {', '.join(known)}")
        if "per_second" not in value:
            raise WorldError("rate.per_second: is required")
        return cls(**value)
