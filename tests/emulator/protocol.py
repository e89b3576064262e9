# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTP/1.1 for the emulator: one asyncio.Protocol per connection, requests in, answers out.

Own code instead of ``http.server``: it has to serve several thousand requests a second from one thread, and the
faults need every byte that goes out under their control.
"""

from __future__ import annotations

import asyncio
import json
import re
import socket
import struct
from http import HTTPStatus
from typing import Any, Protocol, cast
from urllib.parse import parse_qsl

MAX_HEAD = 64 * 1024
MAX_BODY = 12 * 1024 * 1024  # what the real gateway takes

_REASONS = {status.value: status.phrase for status in HTTPStatus}
JSON_TYPE = "application/json;charset=utf-8"
_TLS_HANDSHAKE = b"\x16"  # the first byte of every TLS connection; no request begins so


def encode(value: Any) -> bytes:
    """The JSON text of a value, compact, as UTF-8."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


class Request:
    """One request as it came in. Header names are lower case; ``target`` is the path with its query, undecoded."""

    __slots__ = ("method", "target", "path", "query_string", "headers", "body", "request_id", "_query")

    def __init__(self, method: str, target: str, headers: dict[str, str], body: bytes, request_id: str) -> None:
        self.method = method
        # A client that takes us for a proxy sends the absolute form.
        if target.startswith(("http://", "https://")):
            rest = target.split("://", 1)[1]
            target = "/" + rest.partition("/")[2]
        self.target = target
        self.path, _separator, self.query_string = target.partition("?")
        self.headers = headers
        self.body = body
        self.request_id = request_id
        self._query: list[tuple[str, str]] | None = None

    @property
    def query(self) -> list[tuple[str, str]]:
        """The decoded query as pairs, in the order in which they came."""
        if self._query is None:
            self._query = parse_qsl(self.query_string, keep_blank_values=True) if self.query_string else []
        return self._query

    def parameter(self, name: str) -> str | None:
        """The first value of a query parameter, None when it is not there."""
        for key, value in self.query:
            if key == name:
                return value
        return None


class Answer:
    """What goes back: status, body and headers beside the usual ones."""

    __slots__ = ("status", "body", "headers", "content_type")

    def __init__(
        self,
        status: int,
        body: bytes,
        headers: list[tuple[str, str]] | None = None,
        content_type: str = JSON_TYPE,
    ) -> None:
        self.status = status
        self.body = body
        self.headers = headers or []
        self.content_type = content_type

    @classmethod
    def of(cls, value: Any, status: int = 200, headers: list[tuple[str, str]] | None = None) -> Answer:
        """An answer with a value as JSON body."""
        return cls(status, encode(value), headers)

    def head(self, request_id: str, length: int | None, keep_alive: bool = True, reason: str | None = None) -> bytes:
        """Status line and headers up to the empty line; no Content-Length when ``length`` is None."""
        lines = [f"HTTP/1.1 {self.status} {reason or _REASONS.get(self.status, 'Unknown')}"]
        if self.content_type:
            lines.append(f"Content-Type: {self.content_type}")
        if length is not None:
            lines.append(f"Content-Length: {length}")
        lines.append(f"X-Request-Id: {request_id}")
        lines.extend(f"{name}: {value}" for name, value in self.headers)
        if not keep_alive:
            lines.append("Connection: close")
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")

    def raw(self, request_id: str, keep_alive: bool = True) -> bytes:
        """The whole answer as bytes."""
        return self.head(request_id, len(self.body), keep_alive) + self.body


class Application(Protocol):
    """What a connection needs of the emulator behind it."""

    def opened(self, connection: Connection) -> None:
        """A connection was made (for TLS: with its handshake done)."""

    def lost(self, connection: Connection) -> None:
        """A connection has ended."""

    def serve(self, connection: Connection, request: Request) -> None:
        """Answer a request, now or later, through the connection's methods."""

    def finished(self) -> None:
        """A request has got all the answer that it will ever get."""

    def next_id(self) -> str:
        """A new request id."""


class Connection(asyncio.Protocol):
    """One client connection: splits the bytes into requests and answers them one after another."""

    def __init__(self, application: Application, loop: asyncio.AbstractEventLoop) -> None:
        self.application = application
        self.loop = loop
        self.transport: asyncio.Transport | None = None
        self.writable = asyncio.Event()
        self._buffer = b""
        self._busy = False
        self.keep_alive = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where to write."""
        self.transport = cast(asyncio.Transport, transport)
        self.writable.set()
        self.application.opened(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """The client, or a fault, has closed."""
        self.transport = None
        self.writable.set()  # whoever waits to write sees that there is nothing left to write to
        self._release()
        self.application.lost(self)

    def pause_writing(self) -> None:
        """The client reads slower than we write."""
        self.writable.clear()

    def resume_writing(self) -> None:
        """The client has caught up."""
        self.writable.set()

    def data_received(self, data: bytes) -> None:
        """Collect bytes and take a request out of them when there is none under way."""
        self._buffer = self._buffer + data if self._buffer else data
        if not self._busy:
            self._take_request()

    def _take_request(self) -> None:
        if self._busy or self.transport is None:
            return
        if self._buffer.startswith(_TLS_HANDSHAKE):
            # Whoever asks for https here would wait for our part of the handshake until its own patience ends.
            self._buffer = b""
            self.transport.close()
            return
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            if len(self._buffer) > MAX_HEAD:
                self._refuse(431)
            return
        lines = self._buffer[:end].decode("latin-1").split("\r\n")
        first = lines[0].split(" ")
        if len(first) != 3 or not first[2].startswith("HTTP/1."):
            self._refuse(400)
            return
        headers: dict[str, str] = {}
        for line in lines[1:]:
            name, colon, value = line.partition(":")
            if not colon:
                self._refuse(400)
                return
            name = name.strip().lower()
            value = value.strip()
            headers[name] = f"{headers[name]},{value}" if name in headers else value
        length = 0
        if "content-length" in headers:
            if not re.fullmatch(r"[0-9]{1,18}", headers["content-length"], re.ASCII):
                self._refuse(400)
                return
            length = int(headers["content-length"])
            if length > MAX_BODY:
                self._refuse(413)
                return
        elif "transfer-encoding" in headers:
            self._refuse(411)
            return
        stop = end + 4 + length
        if len(self._buffer) < stop:
            return
        body = self._buffer[end + 4 : stop]
        self._buffer = self._buffer[stop:]
        self.keep_alive = first[2] == "HTTP/1.1" and headers.get("connection", "").lower() != "close"
        self._busy = True
        request = Request(first[0], first[1], headers, body, self.application.next_id())
        self.application.serve(self, request)

    def _refuse(self, status: int) -> None:
        answer = Answer.of({"error_code": "APIGW.0201", "error_msg": "The request is malformed."}, status)
        self._buffer = b""
        if self.transport is not None:
            self.transport.write(answer.raw(self.application.next_id(), keep_alive=False))
            self.transport.close()

    def _release(self) -> None:
        if self._busy:
            self._busy = False
            self.application.finished()

    def send(self, answer: Answer, request: Request) -> None:
        """Write a whole answer and go on with the next request."""
        if request.method == "HEAD":
            self.finish(answer.head(request.request_id, len(answer.body), self.keep_alive))
        else:
            self.finish(answer.raw(request.request_id, self.keep_alive))

    def write(self, data: bytes) -> bool:
        """Write a piece of an answer; False when the client has gone."""
        if self.transport is None or self.transport.is_closing():
            return False
        self.transport.write(data)
        return True

    def finish(self, data: bytes = b"", close: bool = False) -> None:
        """Write the last bytes of an answer, then close, or go on with the next request."""
        self._release()
        if self.transport is None:
            return
        if data:
            self.transport.write(data)
        if close or not self.keep_alive:
            self.transport.close()
        elif self._buffer:
            self.loop.call_soon(self._take_request)

    def reset(self) -> None:
        """End the connection with a TCP RST instead of an orderly close."""
        self._release()
        if self.transport is not None:
            peer = self.transport.get_extra_info("socket")
            if peer is not None:
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.transport.abort()
