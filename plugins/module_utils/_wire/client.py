# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests in, replies out: fan-out in order, retries, one time budget, renewal of credentials, failures as values."""

from __future__ import annotations

import functools
import heapq
import itertools
import time
import typing as t

from ansible_collections.hwcloud.streaming.plugins.module_utils._wire import pace
from ansible_collections.hwcloud.streaming.plugins.module_utils._wire.answer import Refusal
from ansible_collections.hwcloud.streaming.plugins.module_utils._wire.errors import ConfigurationError, Failure
from ansible_collections.hwcloud.streaming.plugins.module_utils._wire.flows import Flows, Job
from ansible_collections.hwcloud.streaming.plugins.module_utils._wire.request import Endpoint, Flow, Reply
from ansible_collections.hwcloud.streaming.plugins.module_utils._wire.workers import Outcome, Workers, attempt

if t.TYPE_CHECKING:
    from ansible_collections.hwcloud.streaming.plugins.module_utils._wire.transport import Transport

# More than five refused signatures in a row lock an access key for five minutes, and a blacklisted address stays so for
# thirty: after this many hopeless refusals in a row nothing more is sent.
HOPELESS_IN_A_ROW = 3
PROOF = frozenset({"authorization", "invalid_request"})  # kinds of refusal that only known credentials get
THROTTLED_AGAIN = 1.0  # seconds that lie at least between a request's second refusal by throttling and the next attempt
PROGRESS_EVERY = 100
LONGEST_WAIT = 0.2  # seconds: a signal that comes just before a wait is seen only after it


class Policy(t.NamedTuple):
    """How long and how often to ask; seconds and counts as in the modules' options."""

    total_timeout: float = 300.0
    retries: int = 4
    concurrency: int = 16


class Renewal:
    """How to get new credentials, and the requests that wait for them, each with its refusal if it was sent."""

    def __init__(self) -> None:
        self.flow: t.Callable[[], Flow] | None = None  # gets new credentials
        self.every: float | None = None  # seconds that must lie between two uses of it; None: it is for use once
        self.parked: list[tuple[Job, Refusal | None]] | None = None  # None when no credentials are awaited
        self._possible_from = 0.0

    def begin(self, now: float) -> Flow | None:
        """Return the flow that gets new credentials, if they can be had now and are not awaited already."""
        if self.parked is not None or self.flow is None or now < self._possible_from:
            return None
        flow = self.flow()
        if self.every is None:
            self.flow = None
        else:
            self._possible_from = now + self.every
        self.parked = []
        return flow


class Client:
    """Runs flows. It must have been given credentials before a signed request is sent.

    `endpoints` returns a service's address by its name, `clean` a text without secrets; `progress` is told now and then
    how many requests have left. `origins`: which option or variable each service's address comes from.
    """

    def __init__(
        self,
        transport: Transport,
        endpoints: t.Callable[[str], Endpoint],
        policy: Policy,
        clean: t.Callable[[str], str],
        progress: t.Callable[[int], None],
    ) -> None:
        self._transport, self._endpoints, self._policy, self._clean = transport, endpoints, policy, clean
        # Thousands of requests may fail with the same text.
        self._clean_once = functools.lru_cache(maxsize=1)(clean)
        self._progress = progress
        self.credentials: t.Any = None  # whatever has `headers` and `advice`, see _identity/credentials.py
        self.project_id: str | None = None
        self.renewal = Renewal()
        self.origins: t.Mapping[str, str] = {}
        self.failures: list[tuple[t.Any, Failure]] = []
        self._began = time.monotonic()
        self._deadline = self._began + policy.total_timeout
        self._workers = Workers(
            lambda job: attempt(job, transport, endpoints(job.request.service.name), self.project_id, self._deadline),
            policy.concurrency,
        )
        self._flows = Flows()
        self._later: list[tuple[float, int, Job]] = []
        self._in_flight: dict[int, Job] = {}
        self._pace = pace.Pace()
        self._ceiling = pace.Ceiling(policy.concurrency)
        # Credentials are tried with one request first: a wrong key must not fail `concurrency` times at once.
        self._limit = 1
        self._order = itertools.count()
        self._hopeless = 0
        self._over: tuple[str, str] | None = None  # kind and reason why nothing more is sent
        self._opened_before = transport.connections
        self.requests = self.retries = self.throttled = 0

    def stats(self) -> dict[str, t.Any]:
        """Return `request_stats` as documented."""
        return {
            "requests": self.requests,
            "retries": self.retries,
            "throttled": self.throttled,
            "connections": self._transport.connections - self._opened_before,
            "elapsed": round(time.monotonic() - self._began, 3),
        }

    @property
    def late(self) -> bool:
        """Whether `total_timeout` is over."""
        return time.monotonic() >= self._deadline

    def run(self, flow: Flow) -> t.Any:
        """Run a flow to its end and return what it returns. Requests that fail for good end up in `failures`."""
        root = self._flows.start(flow)
        while root.waiting:
            self._turn()
        return root.value

    def close(self) -> None:
        """Let the idle threads end."""
        self._workers.close()

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
        taken = self._workers.take(min(max(0.0, min(wake_at, self._deadline) - time.monotonic()), LONGEST_WAIT))
        if taken is None:
            return
        job, came = taken
        if self._in_flight.pop(id(job), None) is None:
            return  # given up already
        if isinstance(came, Exception):
            raise came
        self._take_in(job, *came)

    def _send(self, now: float) -> float:
        """Hand requests to the workers as far as limits allow; return when to look again (monotonic seconds)."""
        ready = self._flows.ready
        while self._later and self._later[0][0] <= now:
            ready.appendleft(heapq.heappop(self._later)[2])
        while ready and len(self._in_flight) < self._room():
            if self._pace.free_at > now:
                break
            job = ready.popleft()
            if self.renewal.parked is not None and job.request.signed:
                self.renewal.parked.append((job, None))
            else:
                self._launch(job, now)
        wake_at = self._later[0][0] if self._later else self._deadline
        if ready and len(self._in_flight) < self._room():
            wake_at = min(wake_at, self._pace.free_at)
        return wake_at

    def _room(self) -> int:
        """Return how many requests may be in flight."""
        return self._workers.limit(min(self._limit, self._ceiling.value))

    def _launch(self, job: Job, now: float) -> None:
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
        self._workers.put(job, len(self._in_flight))

    def _take_in(self, job: Job, outcome: Outcome, opened: bool) -> None:
        now = time.monotonic()
        refusal = outcome if isinstance(outcome, Refusal) else None
        if refusal is None:
            self._ceiling.answered(opened)
        elif opened and refusal.status in (0, pace.TOO_MANY):
            self._ceiling.refused(self._transport.living)
        if refusal is not None and refusal.kind == "authentication":
            if self._renewable(job, refusal):
                return
        elif job.request.signed:
            # What says nothing of the credentials opens the way only so far that a wrong key is not locked.
            proof = refusal is None or refusal.kind in PROOF
            limit = self._policy.concurrency if proof else HOPELESS_IN_A_ROW
            self._limit = max(self._limit, min(limit, self._policy.concurrency))
        if isinstance(outcome, Reply):
            self._hopeless = 0
            self._pace.succeeded(now)
            self._flows.reply(job, outcome)
        else:
            self._ask_again_or_fail(job, outcome, opened, now)

    def _ask_again_or_fail(self, job: Job, refusal: Refusal, opened: bool, now: float) -> None:
        wait = refusal.retry_after
        throttled = refusal.kind == "throttled"
        if throttled:
            self.throttled += 1
            job.throttled += 1
            if refusal.again and (wait is None or now + wait < self._deadline):
                # Without a word of the service, the last question is asked while there is time for its answer.
                longest = max(THROTTLED_AGAIN, self._deadline - now - THROTTLED_AGAIN)
                wait = self._pace.throttled(job.sent, now, wait, longest)
                if job.throttled > 1:
                    wait = max(wait, THROTTLED_AGAIN)
        elif wait is None:
            wait = pace.backoff(job.tried)
        too_late = wait is not None and now + wait >= self._deadline
        left = self._over is None and (throttled or job.tried <= self._policy.retries)
        if refusal.again and left and not too_late:
            job.fresh = not refusal.status and not opened
            heapq.heappush(self._later, (now + (wait or 0.0), next(self._order), job))
            return
        if too_late and refusal.retry_after:
            told = f"the service asks to wait {refusal.retry_after:g} seconds"
            refusal = refusal._replace(message=f"{refusal.message}; {told}" if refusal.message else told)
        self._fail(job, refusal, now)
        if refusal.kind == "authentication" or (throttled and (too_late or not refusal.again)):
            self._hopeless += 1
            if self._hopeless >= HOPELESS_IN_A_ROW:
                self._over = self._over or (refusal.kind, f"not sent: {self._hopeless} requests in a row were refused")

    def _renewable(self, job: Job, refusal: Refusal) -> bool:
        """Put a refused request aside until there are new credentials, if they can still be had."""
        if not job.request.signed or self._over is not None:
            return False
        if job.credentials is not self.credentials:  # they have been renewed since it was sent
            job.renewed += 1
            self._flows.ready.appendleft(job)
            return True
        flow = self.renewal.begin(time.monotonic())
        if flow is not None:
            self._flows.start(self._renewing(flow))
        if self.renewal.parked is None:
            return False
        self.renewal.parked.append((job, refusal))
        return True

    def _renewing(self, flow: Flow) -> Flow:
        old = self.credentials
        yield flow
        parked, self.renewal.parked = self.renewal.parked or [], None
        failed = self.credentials is old
        if failed:
            self._over = self._over or ("authentication", "not sent: the token was refused and could not be renewed")
        for job, refusal in reversed(parked):
            if failed and refusal is not None:
                self._fail(job, refusal, time.monotonic())
            else:
                job.renewed += refusal is not None
                self._flows.ready.appendleft(job)

    def _abandon(self) -> None:
        """Give every request that will get no answer its failure; the flows go on with what they have."""
        kind, reason = self._over or ("", "")
        jobs = [entry[2] for entry in self._later]
        jobs += [*(entry[0] for entry in self.renewal.parked or []), *self._flows.ready]
        if kind == "timeout":  # otherwise those on their way may still arrive
            jobs += self._in_flight.values()
            self._in_flight = {}
        self._later, self.renewal.parked = [], None
        self._flows.ready.clear()
        for job in jobs:
            self._fail(job, Refusal(kind, message=reason), time.monotonic())

    def _fail(self, job: Job, refusal: Refusal, now: float) -> None:
        """Give a request's flow the failure, and keep it unless the flow deals with it."""
        request = job.request
        try:
            endpoint = self._endpoints(request.service.name)
        except ConfigurationError:  # it was never sent
            endpoint = None
        failure = Failure(
            kind=refusal.kind,
            purpose=request.purpose,
            service=request.service.name,
            method=request.method,
            path=(endpoint.prefix if endpoint else "") + request.path,
            http_status=refusal.status or None,
            error_code=(self._clean(refusal.code) if refusal.code else "") or None,
            error_msg=self._clean_once(refusal.message) or None,
            request_id=self._clean(refusal.request_id) if refusal.request_id else None,
            attempts=job.attempts,
            elapsed=round(now - job.started, 3) if job.started else 0.0,
            endpoint=endpoint.url if endpoint else None,
            origin=self.origins.get(request.service.name, ""),
        )
        of_credentials = job.credentials.advice(failure) if job.credentials is not None else ""
        failure = failure._replace(advice=of_credentials or request.service.advice(failure))
        if refusal.kind not in request.tolerated:
            self.failures.append((request.place(), failure))
        self._flows.reply(job, Reply(failure=failure))
