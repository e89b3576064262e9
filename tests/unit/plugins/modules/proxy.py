# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Proxies for tests: one that works, and ones that refuse, close at once or fall silent."""

from __future__ import annotations

import contextlib
import socket
import threading
import typing as t

REFUSAL = (
    b"HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=proxy\r\nContent-Length: 0\r\n\r\n"
)
BAD_GATEWAY = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n"


class Proxy:
    """A proxy on a loopback port; `mode` is forward, refuse, fail, close or silence. `heads` are the requests' heads."""

    def __init__(self, mode: str = "forward") -> None:
        self.mode = mode
        self.heads: list[str] = []
        self._open: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> Proxy:
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *told: object) -> None:
        for line in [self._listener, *self._open]:
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)
            line.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _address = self._listener.accept()
                self._open.append(client)
                threading.Thread(target=self._talk, args=(client,), daemon=True).start()

    def _talk(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError):
            received = b""
            while b"\r\n\r\n" not in received:
                piece = client.recv(65536)
                if not piece:
                    return
                received += piece
            self.heads.append(received.partition(b"\r\n\r\n")[0].decode("latin-1"))
            if self.mode == "silence":
                return
            if self.mode in ("refuse", "fail"):
                client.sendall(REFUSAL if self.mode == "refuse" else BAD_GATEWAY)
            if self.mode == "forward":
                self._forward(client, received)
            else:
                client.shutdown(socket.SHUT_RDWR)

    def _forward(self, client: socket.socket, received: bytes) -> None:
        method, target, _rest = received.split(b" ", 2)
        authority = target if method == b"CONNECT" else target.split(b"/")[2]
        host, _colon, port = authority.decode().partition(":")
        server = socket.create_connection((host, int(port or 80)))
        self._open.append(server)
        if method == b"CONNECT":
            client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        else:
            server.sendall(received.replace(b"http://" + authority, b"", 1))
        threading.Thread(target=_pump, args=(server, client), daemon=True).start()
        _pump(client, server)


def _pump(source: t.Any, sink: t.Any) -> None:
    with contextlib.suppress(OSError):
        while True:
            piece = source.recv(65536)
            if not piece:
                break
            sink.sendall(piece)
        sink.shutdown(socket.SHUT_WR)
