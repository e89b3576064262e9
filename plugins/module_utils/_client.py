# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests in, replies out: fan-out in order, retries, one time budget, one memory of throttling, failures as values.

A *flow* is a generator that yields what it wants next, a Request, another flow, or a list of both, and is sent the
replies in the same order. All flows run in the calling thread, so they share nothing that needs a lock; the worker
threads only send single requests. A reply always arrives: what fails for good comes back as a reply with `failure`.
"""

from __future__ import annotations

import heapq
import itertools
import json
import queue
import random
import threading
import time
import typing as t
from collections import deque

from ansible_collections.hwcloud.streaming.plugins.module_utils._auth import Keys, encode_query
from ansible_collections.hwcloud.streaming.plugins.module_utils._errors import (
    ConfigurationError,
    Failure,
    RefusedInside,
    ShapeError,
    defect,
    error_of,
    error_of_xml,
    is_html,
    kind_of,
)
from ansible_collections.hwcloud.streaming.plugins.module_utils._transport import USER_AGENT, Answer, TransportError

if t.TYPE_CHECKING:
    from ansible_collections.hwcloud.streaming.plugins.module_utils._endpoints import Endpoint
    from ansible_collections.hwcloud.streaming.plugins.module_utils._secrets import Cleaner
    from ansible_collections.hwcloud.streaming.plugins.module_utils._transport import Transport

BACKOFF_FIRST, BACKOFF_LONGEST = 0.5, 30.0  # seconds
# More than five refused signatures in a row lock an access key for five minutes, and a blacklisted address stays so for
# thirty: after this many hopeless refusals in a row nothing more is sent.
HOPELESS_IN_A_ROW = 3
PROOF = frozenset({"", "authorization", "invalid_request"})  # kinds of outcome that only known credentials get
TELLING = 20  # successes within a second
THROTTLED_AGAIN = 1.0  # seconds that lie at least between a request's second refusal by throttling and the next attempt
SLOWEST_RATE = 5.0  # requests a second to go on with when nothing is known of a service's limit
PROGRESS_EVERY = 100
LONGEST_WAIT = 0.2  # seconds: a signal that comes just before a wait is seen only after it
TOO_MANY = 503  # what a load balancer says of one connection too many
ONE_MORE = 20  # answers after which one more connection is tried, times those in a row that failed
DEPTH_LIMIT, DIGITS_LIMIT = 64, 30  # of JSON: what is beyond them ends Python or Ansible, not just a request
VALUES_LIMIT = 100_000  # in one answer: 4 MiB of "[]" take 100 MB, and minutes of Ansible's walks
LARGE = 256 * 1024  # bytes: one answer above it is parsed at a time, since it may take a hundred times as much memory
_large = threading.Lock()

Flow = t.Generator[t.Any, t.Any, t.Any]


class Request(t.NamedTuple):
    """One question to a service.

    path: percent-encoded, begins with "/". purpose: what is asked for, in words. shape: takes the JSON object of the
    answer (with `text`, the text) and returns what the flow gets, or raises ShapeError or RefusedInside.
    absent: error codes or status numbers that mean "there is no such thing". tolerated: kinds of failure that the flow
    deals with itself. signed: carries the credentials; scoped: and the project. credentials: those of this request only,
    which are neither renewed nor awaited (it is not `signed`). needed_header: a success without it is none.
    """

    service: str
    method: str
    path: str
    purpose: str
    shape: t.Callable[[t.Any], t.Any]
    query: dict[str, t.Any] | None = None
    body: t.Any = None
    absent: frozenset[t.Any] = frozenset()
    tolerated: frozenset[str] = frozenset()
    headers: dict[str, str] | None = None
    signed: bool = True
    scoped: bool = True
    timeout: float | None = None
    needed_header: str | None = None
    text: bool = False
    credentials: t.Any = None

    def content(self) -> bytes:
        """Return the exact bytes of the body."""
        return b"" if self.body is None else json.dumps(self.body, separators=(",", ":")).encode()


class Reply(t.NamedTuple):
    """What a flow is sent for a request: the shaped value, or that the thing is absent, or why there is no answer.

    code: the service's code for what is absent.
    """

    value: t.Any = None
    headers: t.Mapping[str, str] = {}
    absent: bool = False
    failure: Failure | None = None
    code: str = ""


class Policy(t.NamedTuple):
    """How long and how often to ask; seconds and counts as in the modules' options."""

    total_timeout: float = 300.0
    retries: int = 4
    concurrency: int = 16


class _Outcome(t.NamedTuple):
    """What one attempt came to: a reply, or a failure (its http_status 0 when nothing came) and whether to ask again."""

    reply: Reply | None = None
    kind: str = ""
    again: bool = False
    status: int = 0
    code: str = ""
    message: str = ""
    request_id: str | None = None
    retry_after: float | None = None
    opened: bool = False  # whether a new connection was made for it


class _Job:
    """A request on its way, and the place that waits for its reply."""

    __slots__ = (
        "attempts",
        "credentials",
        "flow",
        "fresh",
        "renewed",
        "request",
        "sent",
        "slot",
        "started",
        "throttled",
    )

    def __init__(self, request: Request, flow: _Running, slot: int) -> None:
        self.request, self.flow, self.slot = request, flow, slot
        self.attempts = 0
        self.renewed = 0  # attempts that the old token is to blame for: not held against `retries`
        self.throttled = 0  # attempts that were refused because of too many: waited for as long as there is time
        self.started = self.sent = 0.0
        self.credentials: t.Any = None
        self.fresh = False  # a used connection broke: the next one must not be another that was left open


class _Running:
    """A flow that waits for replies."""

    __slots__ = ("generator", "parent", "replies", "single", "slot", "value", "waiting")

    def __init__(self, generator: Flow, parent: _Running | None, slot: int) -> None:
        self.generator, self.parent, self.slot = generator, parent, slot
        self.replies: list[t.Any] = []
        self.waiting = 0
        self.single = False
        self.value: t.Any = None


class _Pace:
    """When the next request may leave: what one request learns of the service's limit holds for all of them."""

    def __init__(self) -> None:
        self.free_at = 0.0
        self._rate = 0.0  # requests a second at the last slow-down, 0 is unlimited
        self._growth = 0.0
        self._slowed_at = -1.0
        self._streak = 0
        self._successes: deque[float] = deque(maxlen=1000)

    def sent(self, now: float) -> None:
        if self._rate:
            # Stay near the rate that is known to be good, then look for a better one faster and faster.
            since = now - self._slowed_at
            self.free_at = max(self.free_at, now) + 1 / (self._rate * (1 + self._growth * (since + since**3)))

    def succeeded(self, now: float) -> None:
        self._streak = 0
        self._successes.append(now)

    def throttled(self, sent_at: float, now: float, wait: float | None, longest: float = BACKOFF_LONGEST) -> float:
        """Slow all down after a refusal; return the seconds until the next request may leave.

        wait: as the service asks for; without it at most `longest`.
        """
        if sent_at > self._slowed_at:  # one that left after the last slow-down: still too fast
            reached = sum(1 for at in self._successes if at > now - 1)
            self._rate = max(SLOWEST_RATE, 0.95 * reached)
            # What was reached in a second is the limit, if it is enough to tell: each attempt at more costs a pause.
            self._growth = 0.0007 if reached >= TELLING else 0.05
            self._slowed_at = now
            self._streak += 1
            wait = min(backoff(self._streak), longest) if wait is None else wait
        self.free_at = max(self.free_at, now + (wait or 0.0))
        return self.free_at - now


def backoff(attempt: int) -> float:
    """Return the seconds to wait after the given failed attempt (1 is the first): exponential, with jitter, bounded."""
    return min(BACKOFF_LONGEST, BACKOFF_FIRST * 2.0 ** (attempt - 1)) * random.uniform(0.5, 1.0)


def retry_after(value: str | None, now: float) -> float | None:
    """Return the seconds that a Retry-After header asks for, in either of its forms; None when it says nothing usable."""
    text = (value or "").strip()
    if not text:
        return None
    numbers = [part.strip() for part in text.split(",")]  # a header that was sent twice is joined with a comma
    if all(part.isascii() and part.isdigit() for part in numbers):
        return max(map(float, numbers)) or None  # "at once" is no wait that lets a service recover
    from email.utils import parsedate_to_datetime

    try:
        moment = parsedate_to_datetime(text)
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
    wait = moment.timestamp() - now if moment.tzinfo else 0.0
    return wait if wait > 0 else None


class Client:
    """Runs flows. `authenticate` must have given it credentials before a signed request is sent."""

    def __init__(
        self,
        transport: Transport,
        endpoints: t.Callable[[str], Endpoint],
        policy: Policy,
        cleaner: Cleaner,
        progress: t.Callable[[int], None],
    ) -> None:
        self._transport, self._endpoints, self._policy, self._cleaner = transport, endpoints, policy, cleaner
        self._progress = progress
        self.credentials: t.Any = None
        self.project_id: str | None = None
        self.renew: t.Callable[[], Flow] | None = None  # a flow that gets new credentials
        self.renew_every: float | None = None  # seconds that must lie between two uses of it; None: it is for use once
        self._renewable_from = 0.0
        self.origins: t.Mapping[str, str] = {}  # which option or variable each service's endpoint comes from
        self.failures: list[tuple[t.Any, Failure]] = []
        self._began = time.monotonic()
        self._deadline = self._began + policy.total_timeout
        self._todo: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        # No SimpleQueue: before Python 3.13 a timeout that runs out within its `get` can turn into a wait without end.
        self._done: queue.Queue[tuple[_Job, _Outcome | Exception]] = queue.Queue()
        self._workers = 0
        self._last_cleaned = ("", "")
        self._full = False  # whether the host lets no more workers start
        self._ready: deque[_Job] = deque()
        self._later: list[tuple[float, int, _Job]] = []
        self._in_flight: dict[int, _Job] = {}
        # Requests that wait for new credentials, with their refusal if they were sent; None when none are awaited.
        self._parked: list[tuple[_Job, _Outcome | None]] | None = None
        self._pace = _Pace()
        self._order = itertools.count()
        self._hopeless = 0
        # Credentials are tried with one request first: a wrong key must not fail `concurrency` times at once.
        self._limit = 1
        # What a service that takes few connections leaves of `concurrency`.
        self._ceiling = policy.concurrency
        self._unopened = self._streak = 0  # new connections in a row that failed; answers since
        self._over: tuple[str, str] | None = None  # kind and reason why nothing more is sent
        self.requests = self.retries = self.throttled = 0

    def stats(self) -> dict[str, t.Any]:
        """Return `request_stats` as documented."""
        return {
            "requests": self.requests,
            "retries": self.retries,
            "throttled": self.throttled,
            "connections": self._transport.connections,
            "elapsed": round(time.monotonic() - self._began, 3),
        }

    @property
    def late(self) -> bool:
        """Whether `total_timeout` is over."""
        return time.monotonic() >= self._deadline

    def run(self, flow: Flow) -> t.Any:
        """Run a flow to its end and return what it returns. Requests that fail for good end up in `failures`."""
        root = _Running(flow, None, 0)
        self._resume(root, None)
        while root.waiting:
            self._turn()
        return root.value

    def close(self) -> None:
        """Let the idle workers end. One that still waits for a silent server is a daemon and ends with the process."""
        for _worker in range(self._workers):
            self._todo.put(None)
        self._workers = 0
        self._transport.close()

    # -- flows

    def _resume(self, flow: _Running, sent: t.Any) -> None:
        while True:
            try:
                wanted = flow.generator.send(sent)
            except StopIteration as stop:
                flow.value = stop.value
                break
            flow.single = not isinstance(wanted, list)
            items = [wanted] if flow.single else wanted
            if not items:
                sent = []
                continue
            flow.replies = [None] * len(items)
            flow.waiting = len(items)
            for slot, item in enumerate(items):
                if isinstance(item, Request):
                    self._ready.append(_Job(item, flow, slot))
                else:
                    self._resume(_Running(item, flow, slot), None)
            return
        if flow.parent is not None:
            self._deliver(flow.parent, flow.slot, flow.value)

    def _deliver(self, flow: _Running, slot: int, value: t.Any) -> None:
        flow.replies[slot] = value
        flow.waiting -= 1
        if not flow.waiting:
            replies, flow.replies = flow.replies, []
            self._resume(flow, replies[0] if flow.single else replies)

    # -- scheduling

    def _turn(self) -> None:
        """Send what may be sent, then take in one outcome or wait until there is something to send."""
        now = time.monotonic()
        if now >= self._deadline:
            self._over = ("timeout", f"total_timeout of {self._policy.total_timeout:g} seconds is over")
        if self._over is not None:
            self._abandon()
            if not self._in_flight:
                return
        wake_at = self._send(now) if self._over is None else self._deadline
        wait = min(max(0.0, min(wake_at, self._deadline) - time.monotonic()), LONGEST_WAIT)
        try:
            job, outcome = self._done.get(timeout=wait)
        except queue.Empty:
            return
        if self._in_flight.pop(id(job), None) is None:
            return  # given up already
        if isinstance(outcome, Exception):
            raise outcome
        self._take_in(job, outcome)

    def _send(self, now: float) -> float:
        """Hand requests to the workers as far as limits allow; return when to look again (monotonic seconds)."""
        while self._later and self._later[0][0] <= now:
            self._ready.appendleft(heapq.heappop(self._later)[2])
        while self._ready and len(self._in_flight) < self._room():
            if self._pace.free_at > now:
                break
            job = self._ready.popleft()
            if self._parked is not None and job.request.signed:
                self._parked.append((job, None))
            else:
                self._launch(job, now)
        wake_at = self._later[0][0] if self._later else self._deadline
        if self._ready and len(self._in_flight) < self._room():
            wake_at = min(wake_at, self._pace.free_at)
        return wake_at

    def _room(self) -> int:
        """Return how many requests may be in flight."""
        return min(self._limit, self._ceiling, self._workers if self._full else self._limit)

    def _learn_of_connections(self, outcome: _Outcome) -> None:
        """Keep to the living connections while a service takes no more of them, and try one more now and then."""
        if outcome.reply is not None:
            self._streak += 1
            if outcome.opened:
                self._unopened = 0
            if self._ceiling < self._policy.concurrency and self._streak >= ONE_MORE * max(1, self._unopened):
                self._ceiling, self._streak = self._ceiling + 1, 0
        elif outcome.opened and (not outcome.status or outcome.status == TOO_MANY):
            self._unopened += 1
            self._streak = 0
            if self._unopened > 1 and self._transport.living:
                self._ceiling = min(self._ceiling, self._transport.living)

    def _launch(self, job: _Job, now: float) -> None:
        job.attempts += 1
        job.sent = now
        job.started = job.started or now
        job.credentials = self.credentials if job.request.signed else job.request.credentials
        self.requests += 1
        self.retries += job.attempts > 1
        if self.requests % PROGRESS_EVERY == 0:
            self._progress(self.requests)
        self._pace.sent(now)
        self._in_flight[id(job)] = job
        if self._workers < min(len(self._in_flight), self._policy.concurrency):
            self._add_worker()
        self._todo.put(job)

    def _add_worker(self) -> None:
        """Start one more worker; where the host allows no more, go on with those there are."""
        if self._full:
            return
        try:
            threading.Thread(target=self._work, daemon=True).start()
        except (RuntimeError, MemoryError):
            self._full = True
            if not self._workers:
                raise ConfigurationError(
                    "This host does not let the module start a thread: raise the limit of processes (ulimit -u, or pids of the"
                    " container) or of memory that it runs under."
                ) from None
            return
        self._workers += 1

    def _take_in(self, job: _Job, outcome: _Outcome) -> None:
        now = time.monotonic()
        self._learn_of_connections(outcome)
        if outcome.kind == "authentication":
            if self._renewable(job, outcome):
                return
        elif job.request.signed:
            # What says nothing of the credentials opens the way only so far that a wrong key is not locked.
            limit = self._policy.concurrency if outcome.kind in PROOF else HOPELESS_IN_A_ROW
            self._limit = max(self._limit, min(limit, self._policy.concurrency))
        if outcome.reply is not None:
            self._hopeless = 0
            self._pace.succeeded(now)
            self._deliver(job.flow, job.slot, outcome.reply)
            return
        wait = outcome.retry_after
        if outcome.kind == "throttled":
            self.throttled += 1
            job.throttled += 1
            if outcome.again and (wait is None or now + wait < self._deadline):
                # Without a word of the service, the last question is asked while there is time for its answer.
                longest = max(THROTTLED_AGAIN, self._deadline - now - THROTTLED_AGAIN)
                wait = self._pace.throttled(job.sent, now, wait, longest)
                if job.throttled > 1:
                    wait = max(wait, THROTTLED_AGAIN)
        elif wait is None:
            wait = backoff(job.attempts - job.renewed - job.throttled)
        too_late = wait is not None and now + wait >= self._deadline
        tried = job.attempts - job.renewed - job.throttled
        left = self._over is None and (outcome.kind == "throttled" or tried <= self._policy.retries)
        if outcome.again and left and not too_late:
            job.fresh = not outcome.status and not outcome.opened
            heapq.heappush(self._later, (now + (wait or 0.0), next(self._order), job))
            return
        if too_late and outcome.retry_after:
            told = f"the service asks to wait {outcome.retry_after:g} seconds"
            outcome = outcome._replace(message=f"{outcome.message}; {told}" if outcome.message else told)
        self._fail(job, outcome, now)
        if outcome.kind == "authentication" or (outcome.kind == "throttled" and (too_late or not outcome.again)):
            self._hopeless += 1
            if self._hopeless >= HOPELESS_IN_A_ROW:
                self._over = self._over or (outcome.kind, f"not sent: {self._hopeless} requests in a row were refused")

    def _renewable(self, job: _Job, refusal: _Outcome) -> bool:
        """Put a refused request aside until there are new credentials, if they can still be had."""
        if not job.request.signed or self._over is not None:
            return False
        if job.credentials is not self.credentials:  # they have been renewed since it was sent
            job.renewed += 1
            self._ready.appendleft(job)
            return True
        now = time.monotonic()
        if self._parked is None and self.renew is not None and now >= self._renewable_from:
            renewal = self.renew
            if self.renew_every is None:
                self.renew = None
            else:
                self._renewable_from = now + self.renew_every
            self._parked = []
            self._resume(_Running(self._renewing(renewal()), None, 0), None)
        if self._parked is None:
            return False
        self._parked.append((job, refusal))
        return True

    def _renewing(self, renewal: Flow) -> Flow:
        old = self.credentials
        yield renewal
        parked, self._parked = self._parked or [], None
        failed = self.credentials is old
        if failed:
            self._over = self._over or ("authentication", "not sent: the token was refused and could not be renewed")
        for job, refusal in reversed(parked):
            if failed and refusal is not None:
                self._fail(job, refusal, time.monotonic())
            else:
                job.renewed += refusal is not None
                self._ready.appendleft(job)

    def _abandon(self) -> None:
        """Give every request that will get no answer its failure; the flows go on with what they have."""
        kind, reason = self._over or ("", "")
        jobs = [*(entry[2] for entry in self._later), *(entry[0] for entry in self._parked or []), *self._ready]
        if kind == "timeout":  # otherwise those on their way may still arrive
            jobs += self._in_flight.values()
            self._in_flight = {}
        self._later, self._parked = [], None
        self._ready.clear()
        for job in jobs:
            self._fail(job, _Outcome(kind=kind, message=reason), time.monotonic())

    def _cleaned(self, text: str) -> str:
        """Clean a text, but not for each of the thousands of requests that fail with the same one."""
        if self._last_cleaned[0] != text:
            self._last_cleaned = (text, self._cleaner.clean(text))
        return self._last_cleaned[1]

    def _fail(self, job: _Job, outcome: _Outcome, now: float) -> None:
        request = job.request
        try:
            endpoint = self._endpoints(request.service)
        except ConfigurationError:  # it was never sent
            endpoint = None
        failure = Failure(
            kind=outcome.kind,
            purpose=request.purpose,
            service=request.service,
            method=request.method,
            path=(endpoint.prefix if endpoint else "") + request.path,
            http_status=outcome.status or None,
            error_code=(self._cleaner.clean(outcome.code) if outcome.code else "") or None,
            error_msg=self._cleaned(outcome.message) or None,
            request_id=self._cleaner.clean(outcome.request_id) if outcome.request_id else None,
            attempts=job.attempts,
            elapsed=round(now - job.started, 3) if job.started else 0.0,
            endpoint=endpoint.url if endpoint else None,
            origin=self.origins.get(request.service, ""),
            key_alone=isinstance(job.credentials, Keys) and not job.credentials.security_token,
        )
        if outcome.kind not in request.tolerated:
            place = (
                request.service,
                request.path,
                request.method,
                encode_query(request.query or {}),
                request.content(),
            )
            self.failures.append((place, failure))
        self._deliver(job.flow, job.slot, Reply(failure=failure))

    # -- one attempt, in a worker thread

    def _work(self) -> None:
        while True:
            job = self._todo.get()
            if job is None:
                return
            try:
                outcome: _Outcome | Exception = self._attempt(job)
            except ConfigurationError as error:  # the main thread is the one to raise it
                outcome = error
            except Exception as error:  # noqa: BLE001  # a defect of the collection: one request fails, the rest goes on
                outcome = _Outcome(kind="protocol", message=defect(error))
            self._done.put((job, outcome))

    def _attempt(self, job: _Job) -> _Outcome:
        request = job.request
        endpoint = self._endpoints(request.service)
        query = encode_query(request.query) if request.query else ""
        body = request.content()
        path = endpoint.prefix + request.path
        headers = {"Content-Type": "application/json"}
        if request.scoped and self.project_id:
            headers["X-Project-Id"] = self.project_id
        headers.update(request.headers or {})
        if job.credentials is not None:
            headers.update(job.credentials.headers(request.method, endpoint.host, path, query, body, dict(headers)))
        headers.update({"Host": endpoint.host, "User-Agent": USER_AGENT, "Accept-Encoding": "gzip"})
        longest = self._deadline - time.monotonic()
        if request.timeout is not None:
            longest = min(longest, request.timeout)
        url = endpoint.url + request.path + ("?" + query if query else "")
        try:
            answer = self._transport.send(
                request.method,
                endpoint.url,
                url,
                headers,
                body,
                longest,
                proxied=request.service != "metadata",
                fresh=job.fresh,
            )
        except TransportError as error:
            message = f"{endpoint.url}: {error.reason}"
            return _Outcome(
                kind=error.kind, again=error.again, status=error.status, message=message, opened=error.opened
            )
        if len(answer.content) <= LARGE:
            return _judged(request, answer)._replace(opened=answer.opened)
        with _large:
            if time.monotonic() >= self._deadline:  # nobody waits for it any more
                return _Outcome(kind="timeout", status=answer.status, message="no time was left to read the answer")
            return _judged(request, answer)._replace(opened=answer.opened)


def _judged(request: Request, answer: Answer) -> _Outcome:
    """Return what a whole answer means for the request."""
    request_id = answer.headers.get("X-Request-Id") or answer.headers.get("X-IAM-Trace-Id")
    status = answer.status
    if status in request.absent:
        return _Outcome(reply=Reply(absent=True), status=status)
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
            return _Outcome(
                kind="protocol", again=True, status=status, message="the answer was cut short", request_id=request_id
            )
        code, message = "", ""
        try:
            if not isinstance(value, str if as_text else dict):
                raise ShapeError(beyond or _what_came(answer.content, value))
            if request.needed_header and not answer.headers.get(request.needed_header):
                raise ShapeError(f"no header {request.needed_header} in the answer")
            return _Outcome(reply=Reply(request.shape(value), answer.headers), status=status)
        except (ShapeError, RecursionError) as error:
            code, message = error_of(value, depth=1)
            reason = str(error) if isinstance(error, ShapeError) else "nested too deeply"
            told = f"{message}; {reason}" if message else reason
            return _Outcome(kind="protocol", status=status, code=code, message=told, request_id=request_id)
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
    kind, again = kind_of(status_of_code, code)
    if code in request.absent and kind != "throttled":
        return _Outcome(reply=Reply(absent=True, code=code), status=status)
    wait = retry_after(answer.headers.get("Retry-After"), time.time())
    return _Outcome(None, kind, again, status, code, message, request_id, wait)


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
    """JSON that is right but more than any service means; the text says what of it."""


def _decoded(content: bytes) -> t.Any:
    """Return the value of a JSON text; ValueError also for what Python takes but JSON does not have."""
    value = json.loads(content.decode("utf-8-sig"), parse_constant=_number, parse_float=_number, parse_int=_whole)
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
