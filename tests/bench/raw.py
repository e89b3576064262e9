# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A worker that sends the benchmark's requests over plain sockets, 16 in flight: as fast as Python can wait for answers.

It neither decodes nor keeps what comes: this is the bound that a client can come near to, not one that it can reach.
"""

from __future__ import annotations

import itertools
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from emulation import PROJECT, TOKEN
from worker import serve

IN_FLIGHT = 16


def requests_of(what: str, size: int, host: str) -> list[bytes]:
    """The requests for `size` streams (a list and two tasks each), or for a log of `size` rows in pages of 100."""
    head = f"HTTP/1.1\r\nHost: {host}\r\nX-Auth-Token: {TOKEN}\r\n"
    if what == "streams":
        lists = [f"/v2/{PROJECT}/streams/stream-{number:04d}/transfer-tasks" for number in range(1, size + 1)]
        paths = [path + tail for path in lists for tail in ("", "/task-1", "/task-2")]
        return [f"GET {path} {head}\r\n".encode() for path in paths]
    found = []
    for page in range(1, size // 100 + 1):
        body = f'{{"order":"desc","sortBy":"createTimeStr","pageInfo":{{"pageIndex":{page},"pageTotal":100}}}}'
        found.append(
            f"POST /v1/transfertasklog/JournalTask{size:08d} {head}X-Project-Id: {PROJECT}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()
        )
    return found


def _exchange(line: socket.socket, request: bytes) -> None:
    line.sendall(request)
    data = b""
    while b"\r\n\r\n" not in data:
        data += _received(line)
    head, _blank, body = data.partition(b"\r\n\r\n")
    if b" 200 " not in head[:20]:
        raise RuntimeError(f"the emulator says {head[:40]!r}")
    missing = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0]) - len(body)
    while missing > 0:
        missing -= len(_received(line))


def _received(line: socket.socket) -> bytes:
    data = line.recv(262144)
    if not data:
        raise RuntimeError("the emulator closed the connection")
    return data


def _send_all(url: str, ca: str | None, left: Iterator[bytes], errors: list[str]) -> None:
    parts = urlsplit(url)
    try:
        line = socket.create_connection((parts.hostname or "", parts.port or 0))
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if ca:
            line = ssl.create_default_context(cafile=ca).wrap_socket(line, server_hostname=parts.hostname)
        with line:
            for request in left:
                _exchange(line, request)
    except (OSError, RuntimeError) as error:
        errors.append(str(error))


def work(wanted: dict[str, Any]) -> dict[str, Any]:
    requests = requests_of(wanted["what"], wanted["size"], urlsplit(wanted["url"]).netloc)
    count = wanted.get("times", 1)
    left = itertools.chain.from_iterable(itertools.repeat(requests, count))
    # An iterator of C code is safe to share between threads.
    errors: list[str] = []
    arguments = (wanted["url"], wanted.get("ca"), left, errors)
    threads = [threading.Thread(target=_send_all, args=arguments) for _thread in range(IN_FLIGHT)]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - start
    if errors:
        raise RuntimeError(errors[0])
    return {"seconds": seconds, "requests": len(requests) * count}


if __name__ == "__main__":
    serve(work)
