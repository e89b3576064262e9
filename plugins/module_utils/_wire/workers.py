# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The threads that send: each takes one request at a time, and hands back what came of it."""

from __future__ import annotations

import queue
import threading
import time
import typing as t

from ansible_collections.hwcloud.streaming.plugins.module_utils._wire.answer import Refusal, judged
from ansible_collections.hwcloud.streaming.plugins.module_utils._wire.errors import ConfigurationError, defect
from ansible_collections.hwcloud.streaming.plugins.module_utils._wire.flows import Job
from ansible_collections.hwcloud.streaming.plugins.module_utils._wire.request import Endpoint, Reply, encode_query
from ansible_collections.hwcloud.streaming.plugins.module_utils._wire.transport import USER_AGENT, TransportError

if t.TYPE_CHECKING:
    from ansible_collections.hwcloud.streaming.plugins.module_utils._wire.transport import Transport

LARGE = 256 * 1024  # bytes: one answer above it is parsed at a time, since it may take a hundred times as much memory
_large = threading.Lock()

Outcome = t.Union[Reply, Refusal]


def attempt(
    job: Job, transport: Transport, endpoint: Endpoint, project_id: str | None, deadline: float
) -> tuple[Outcome, bool]:
    """Send a request once; return what it came to, and whether a new connection was made for it.

    deadline: monotonic seconds after which nobody waits for the answer.
    """
    request = job.request
    query = encode_query(request.query or {})
    body = request.content()
    path = endpoint.prefix + request.path
    headers = {"Content-Type": "application/json"}
    if request.scoped and project_id:
        headers["X-Project-Id"] = project_id
    headers.update(request.headers or {})
    if job.credentials is not None:
        headers.update(job.credentials.headers(request.method, endpoint.host, path, query, body, dict(headers)))
    headers.update({"Host": endpoint.host, "User-Agent": USER_AGENT, "Accept-Encoding": "gzip"})
    longest = deadline - time.monotonic()
    if request.timeout is not None:
        longest = min(longest, request.timeout)
    url = endpoint.url + request.path + ("?" + query if query else "")
    try:
        answer = transport.send(
            request.method,
            endpoint.url,
            url,
            headers,
            body,
            longest,
            proxied=request.service.proxied,
            fresh=job.fresh,
        )
    except TransportError as error:
        message = f"{endpoint.url}: {error.reason}"
        return Refusal(error.kind, error.again, error.status, message=message), error.opened
    if len(answer.content) <= LARGE:
        return judged(request, answer), answer.opened
    with _large:
        if time.monotonic() >= deadline:
            refusal = Refusal("timeout", status=answer.status, message="no time was left to read the answer")
            return refusal, answer.opened
        return judged(request, answer), answer.opened


class Workers:
    """At most `most` daemon threads, started as they are needed; `attempt` is what one does with a request."""

    def __init__(self, attempt: t.Callable[[Job], tuple[Outcome, bool]], most: int) -> None:
        self._attempt, self._most = attempt, most
        self._todo: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        # No SimpleQueue: before Python 3.13 a timeout that runs out within its `get` can turn into a wait without end.
        self._done: queue.Queue[tuple[Job, tuple[Outcome, bool] | Exception]] = queue.Queue()
        self._count = 0
        self._full = False  # whether the host lets no more threads start

    def limit(self, wanted: int) -> int:
        """Return how many requests may be on their way at once when `wanted` ones are allowed."""
        return min(wanted, self._count) if self._full else wanted

    def put(self, job: Job, in_flight: int) -> None:
        """Have a request sent; `in_flight` counts it."""
        if self._count < min(in_flight, self._most) and not self._full:
            self._start()
        self._todo.put(job)

    def take(self, timeout: float) -> tuple[Job, tuple[Outcome, bool] | Exception] | None:
        """Return a request and what came of it and whether a connection was opened for it; None when nothing came in time."""
        try:
            return self._done.get(timeout=timeout)
        except queue.Empty:
            return None

    def close(self) -> None:
        """Let the idle threads end. One that still waits for a silent server is a daemon and ends with the process."""
        for _thread in range(self._count):
            self._todo.put(None)
        self._count = 0

    def _start(self) -> None:
        """Start one more thread; where the host allows no more, go on with those there are."""
        try:
            threading.Thread(target=self._work, daemon=True).start()
        except (RuntimeError, MemoryError):
            self._full = True
            if not self._count:
                raise ConfigurationError(
                    "This host does not let the module start a thread: raise the limit of processes (ulimit -u, or pids of the"
                    " container) or of memory that it runs under."
                ) from None
            return
        self._count += 1

    def _work(self) -> None:
        while True:
            job = self._todo.get()
            if job is None:
                return
            try:
                outcome: tuple[Outcome, bool] | Exception = self._attempt(job)
            except ConfigurationError as error:  # the calling thread is the one to raise it
                outcome = error
            except Exception as error:  # noqa: BLE001  # a defect of the collection: one request fails, the rest goes on
                outcome = Refusal("protocol", message=defect(error)), False
            self._done.put((job, outcome))
