# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The client without a network: order, concurrency, retries, the shared pace, the deadline, renewal, what is given up."""

from __future__ import annotations

import contextlib
import queue
import threading
import time
import typing as t
from unittest import mock

import pytest
from ansible_collections.hwcloud.streaming.plugins.module_utils._dis.service import DIS
from ansible_collections.hwcloud.streaming.plugins.module_utils._identity.credentials import Token
from ansible_collections.hwcloud.streaming.plugins.module_utils._identity.endpoints import parse
from ansible_collections.hwcloud.streaming.plugins.module_utils._identity.iam import METADATA
from ansible_collections.hwcloud.streaming.plugins.module_utils._identity.secrets import Cleaner
from ansible_collections.hwcloud.streaming.plugins.module_utils._wire import answer as _answer
from ansible_collections.hwcloud.streaming.plugins.module_utils._wire import client as _client
from ansible_collections.hwcloud.streaming.plugins.module_utils._wire import pace as _pace
from ansible_collections.hwcloud.streaming.plugins.module_utils._wire import request as _request
from ansible_collections.hwcloud.streaming.plugins.module_utils._wire import workers as _workers
from ansible_collections.hwcloud.streaming.plugins.module_utils._wire.client import Client, Policy
from ansible_collections.hwcloud.streaming.plugins.module_utils._wire.errors import (
    ConfigurationError,
    RefusedInside,
    ShapeError,
)
from ansible_collections.hwcloud.streaming.plugins.module_utils._wire.pace import backoff, retry_after
from ansible_collections.hwcloud.streaming.plugins.module_utils._wire.request import Flow, Reply, Request, Service
from ansible_collections.hwcloud.streaming.plugins.module_utils._wire.transport import Answer, TransportError

Handler = t.Callable[[str, t.Mapping[str, str]], Answer]
NOW = 1_700_000_000.0


def ok(body: bytes = b'{"value": 1}', **headers: str) -> Answer:
    return Answer(200, {name.replace("_", "-"): value for name, value in headers.items()}, body)


def refusal(status: int, body: bytes = b"", **headers: str) -> Answer:
    return Answer(status, {name.replace("_", "-"): value for name, value in headers.items()}, body)


class Wire:
    """A transport whose answers come from a function; counts what is in flight."""

    connections = living = 0

    def __init__(self, handler: Handler) -> None:
        self.handler = handler
        self.paths: list[str] = []
        self.sent_at: list[float] = []
        self.headers: list[t.Mapping[str, str]] = []
        self.longest: list[float] = []
        self.proxied: list[bool] = []
        self.fresh: list[bool] = []
        self.peak = self._now = 0
        self.closed = False
        self._lock = threading.Lock()

    def send(
        self,
        method: str,
        base: str,
        url: str,
        headers: dict[str, str],
        body: bytes,
        longest: float,
        proxied: bool,
        fresh: bool,
    ) -> Answer:
        path = url[len(base) :]
        with self._lock:
            self.paths.append(path)
            self.sent_at.append(time.monotonic())
            self.headers.append(headers)
            self.longest.append(longest)
            self.proxied.append(proxied)
            self.fresh.append(fresh)
            self._now += 1
            self.peak = max(self.peak, self._now)
        try:
            return self.handler(path, headers)
        finally:
            with self._lock:
                self._now -= 1

    def close(self) -> None:
        self.closed = True


def replies(client: _client.Client, flow: _request.Flow) -> list[_request.Reply]:
    return list(client.run(flow))


def made(handler: Handler, **policy: t.Any) -> tuple[Client, Wire]:
    wire = Wire(handler)
    cleaner = Cleaner()
    cleaner.add("ExampleSecret")
    settings = Policy(**{"total_timeout": 10, "retries": 2, "concurrency": 4, **policy})
    client = Client(
        t.cast(t.Any, wire), lambda service: parse("x", "http://h/base"), settings, cleaner.clean, lambda count: None
    )
    client.credentials = Token("old")
    return client, wire


def wanted(path: str, **fields: t.Any) -> Request:
    settings = {"shape": lambda body: body["value"], "purpose": f"thing {path}", **fields}
    return Request(DIS, "GET", path, **settings)


def all_of(paths: t.Iterable[str]) -> Flow:
    replies = yield [wanted(path) for path in paths]
    return replies


@pytest.fixture(autouse=True)
def _quick() -> t.Iterator[None]:
    with mock.patch.object(_pace, "BACKOFF_FIRST", 0.001), mock.patch.object(_pace, "SLOWEST_RATE", 1000.0):
        yield


# -- flows


def test_replies_come_in_the_order_of_the_requests() -> None:
    def handler(path: str, headers: t.Mapping[str, str]) -> Answer:
        time.sleep(0.03 if path == "/1" else 0.001)
        return ok(b'{"value": "%s"}' % path.encode())

    client, _wire = made(handler)
    replies = client.run(all_of(["/0", "/1", "/2", "/3"]))
    assert [reply.value for reply in replies] == ["/0", "/1", "/2", "/3"]
    assert client.failures == []


def test_flows_within_flows_and_lists_of_nothing() -> None:
    def one(path: str) -> Flow:
        reply = yield wanted(path)
        more = yield []
        return [path, reply.value, more]

    def nothing() -> Flow:
        return "nothing"
        yield  # a generator that asks for nothing

    def top() -> Flow:
        first = yield one("/a")
        rest = yield [one("/b"), wanted("/c"), nothing()]
        return [first, rest[0], rest[1].value, rest[2]]

    client, wire = made(lambda path, headers: ok())
    assert client.run(top()) == [["/a", 1, []], ["/b", 1, []], 1, "nothing"]
    assert client.stats()["requests"] == 3
    assert sorted(wire.paths) == ["/a", "/b", "/c"]


def test_the_first_request_goes_alone_then_as_many_as_allowed() -> None:
    in_flight: list[int] = []

    def handler(path: str, headers: t.Mapping[str, str]) -> Answer:
        in_flight.append(wire._now)
        time.sleep(0.02)
        return ok()

    client, wire = made(handler, concurrency=4)
    client.run(all_of(f"/{number}" for number in range(12)))
    assert in_flight[0] == 1
    assert wire.sent_at[1] - wire.sent_at[0] >= 0.02
    assert wire.peak == 4
    assert client._workers._count <= 4


@pytest.mark.parametrize(
    "answer", [refusal(500), refusal(429), refusal(404), TransportError("timeout", True, "silent")]
)
def test_what_proves_nothing_opens_the_way_for_three(answer: Answer | TransportError) -> None:
    def handler(path: str, headers: t.Mapping[str, str]) -> Answer:
        time.sleep(0.01)
        if isinstance(answer, TransportError):
            raise answer
        return answer

    client, wire = made(handler, concurrency=16, retries=0)
    client.run(all_of(f"/{number}" for number in range(20)))
    assert wire.peak <= 3


@pytest.mark.parametrize("answer", [ok(), refusal(403), refusal(400)])
def test_what_proves_the_credentials_opens_the_way(answer: Answer) -> None:
    def handler(path: str, headers: t.Mapping[str, str]) -> Answer:
        time.sleep(0.02)
        return answer

    client, wire = made(handler, concurrency=6, retries=0)
    client.run(all_of(f"/{number}" for number in range(20)))
    assert wire.peak == 6


def test_unsigned_requests_prove_nothing() -> None:
    def handler(path: str, headers: t.Mapping[str, str]) -> Answer:
        time.sleep(0.01)
        return refusal(401) if "X-Auth-Token" in headers else ok()

    def flow() -> Flow:
        yield wanted("/open", signed=False)
        yield all_of(f"/{number}" for number in range(9))

    client, wire = made(handler, concurrency=9)
    client.run(flow())
    assert wire.peak == 1
    assert len(wire.paths) == 1 + 3


# -- what is sent


def test_what_a_request_carries() -> None:
    client, wire = made(lambda path, headers: ok())
    client.project_id = "p"

    def flow() -> Flow:
        yield wanted("/a", query={"b": "x y", "a": True})
        yield wanted("/b", signed=False, scoped=False, headers={"X-Own": "1"}, timeout=0.5)
        yield Request(METADATA, "PUT", "/c", "c", lambda body: body, body={"k": "ä"})

    client.run(flow())
    assert wire.paths == ["/a?a=true&b=x%20y", "/b", "/c"]
    assert wire.headers[0]["X-Auth-Token"] == "old"
    assert wire.headers[0]["X-Project-Id"] == "p"
    assert wire.headers[0]["Host"] == "h"
    assert wire.headers[1].get("X-Auth-Token") is None
    assert wire.headers[1].get("X-Project-Id") is None
    assert wire.headers[1]["X-Own"] == "1"
    assert 9 < wire.longest[0] <= 10
    assert wire.longest[1] == 0.5
    assert wire.proxied == [True, True, False]
    assert Request(Service("x"), "POST", "/", "", lambda body: body, body={"k": [1]}).content() == b'{"k":[1]}'
    assert wanted("/").content() == b""


# -- retries


@pytest.mark.parametrize("failures", [0, 1, 2])
def test_as_many_attempts_as_allowed(failures: int) -> None:
    answers = [refusal(503)] * failures + [ok()]
    client, wire = made(lambda path, headers: answers.pop(0), retries=2)
    (reply,) = replies(client, all_of(["/a"]))
    assert reply.value == 1
    assert len(wire.paths) == failures + 1
    assert client.stats()["retries"] == failures


@pytest.mark.parametrize("retries", [0, 1, 3])
def test_one_attempt_more_than_retries_and_no_more(retries: int) -> None:
    client, wire = made(lambda path, headers: refusal(503, x_request_id="r"), retries=retries)
    (reply,) = replies(client, all_of(["/a"]))
    assert reply.failure.attempts == len(wire.paths) == retries + 1
    ((place, failure),) = client.failures
    assert failure is reply.failure
    assert place == ("dis", "/a", "GET", "", b"")
    assert (failure.kind, failure.http_status, failure.purpose) == ("server", 503, "thing /a")


@pytest.mark.parametrize("status", [400, 401, 403, 404, 407, 302, 501])
def test_what_cannot_get_better_is_asked_once(status: int) -> None:
    client, wire = made(lambda path, headers: refusal(status))
    client.run(all_of(["/a"]))
    assert len(wire.paths) == 1


@pytest.mark.parametrize("again", [True, False])
def test_the_transport_says_whether_asking_again_helps(again: bool) -> None:
    def handler(path: str, headers: t.Mapping[str, str]) -> Answer:
        raise TransportError("connection", again, "the reason, not ExampleSecret")

    client, wire = made(handler, retries=2)
    (reply,) = replies(client, all_of(["/a"]))
    assert len(wire.paths) == (3 if again else 1)
    assert reply.failure.error_msg == "http://h/base: the reason, not VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"
    assert reply.failure.http_status is None


@pytest.mark.parametrize(
    ("first", "fresh"),
    [
        (TransportError("connection", True, "closed"), [False, True]),
        (TransportError("timeout", True, "silence"), [False, True]),
        (refusal(503), [False, False]),
    ],
)
def test_what_broke_a_connection_is_tried_again_on_a_new_one(first: Answer | Exception, fresh: list[bool]) -> None:
    answers = [first, ok()]

    def handler(path: str, headers: t.Mapping[str, str]) -> Answer:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    client, wire = made(handler)
    (reply,) = replies(client, all_of(["/a"]))
    assert (reply.value, wire.fresh) == (1, fresh)


def test_a_status_that_came_before_the_answer_broke_is_told() -> None:
    broken = TransportError("protocol", False, "too large")
    broken.status = 200

    def handler(path: str, headers: t.Mapping[str, str]) -> Answer:
        raise broken

    (reply,) = replies(made(handler)[0], all_of(["/a"]))
    assert reply.failure.http_status == 200


def test_backoff_doubles_within_its_bounds() -> None:
    with mock.patch.object(_pace, "BACKOFF_FIRST", 0.5):
        for attempt, longest in ((1, 0.5), (2, 1.0), (3, 2.0), (6, 16.0), (7, 30.0), (50, 30.0)):
            waits = [backoff(attempt) for _time in range(50)]
            assert longest / 2 <= min(waits) <= max(waits) <= longest
            assert len(set(waits)) > 10
    assert backoff(10**6) <= 30.0


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("", None),
        (" 7 ", 7.0),
        ("3600", 3600.0),
        ("0", None),
        ("-5", None),
        ("1.5", None),
        ("a while", None),
        ("²", None),
        ("9" * 400, float("inf")),
        ("1, 2", 2.0),
        ("3,0", 3.0),
        ("3,", None),
        ("Tue, 14 Nov 2023 22:13:30 GMT", 10.0),
        ("Tue, 14 Nov 2023 22:13:10 GMT", None),
        ("Tue, 14 Nov 2023 22:13:30", None),
        ("Tue, 14 Nov 2023 22:13:30 -0000", None),
        ("Tue, 14 Nov 2023 23:13:30 +0100", 10.0),
        ("Tue, 99 Nov 2023 22:13:30 GMT", None),
        ("Tue, 14 Nov 99999 22:13:30 GMT", None),
    ],
)
def test_retry_after(value: str | None, seconds: float | None) -> None:
    assert retry_after(value, NOW) == seconds


def test_retry_after_is_kept_to() -> None:
    answers = [refusal(429, Retry_After="1"), ok()]
    client, wire = made(lambda path, headers: answers.pop(0))
    client.run(all_of(["/a"]))
    assert 1.0 <= wire.sent_at[1] - wire.sent_at[0] < 1.3
    assert client.stats()["throttled"] == 1


@pytest.mark.parametrize("status", [429, 503])
def test_a_wait_past_the_end_fails_at_once(status: int) -> None:
    began = time.monotonic()
    client, wire = made(lambda path, headers: refusal(status, Retry_After="11"), total_timeout=10)
    (reply,) = replies(client, all_of(["/a"]))
    assert time.monotonic() - began < 1
    assert reply.failure.kind == ("throttled" if status == 429 else "server")
    assert reply.failure.error_msg.endswith("the service asks to wait 11 seconds")
    assert len(wire.paths) == 1


def test_throttling_is_waited_for_whatever_retries_says() -> None:
    answers = [refusal(429), refusal(429), refusal(503), refusal(429), ok()]
    client, wire = made(lambda path, headers: answers.pop(0), retries=1)
    (reply,) = replies(client, all_of(["/a"]))
    assert reply.value == 1
    first, second, third, fourth, fifth = wire.sent_at
    assert second - first < 0.9
    assert third - second >= 1.0
    assert fourth - third < 0.9
    assert fifth - fourth >= 1.0


def test_other_failures_count_though_throttling_lies_between() -> None:
    answers = [refusal(503), refusal(429), refusal(503), ok()]
    client, _wire = made(lambda path, headers: answers.pop(0), retries=1)
    (reply,) = replies(client, all_of(["/a"]))
    assert (reply.failure.kind, reply.failure.attempts) == ("server", 3)


def test_throttling_without_end_is_asked_until_there_is_no_time() -> None:
    """The last wait is cut, so that what was left of the time is not given away."""
    client, wire = made(lambda path, headers: refusal(429), retries=0, total_timeout=4)
    with mock.patch.object(_pace, "backoff", lambda attempt: 10.0**attempt):
        (reply,) = replies(client, all_of(["/a"]))
    assert reply.failure.kind == "throttled"
    assert 2.9 <= wire.sent_at[-1] - wire.sent_at[0] < 4
    assert client.throttled == len(wire.paths) >= 2


def test_a_service_that_takes_few_connections_is_asked_for_more_now_and_then() -> None:
    """Two new connections in a row that fail: what lives is what there is. Each success of a new one is forgotten."""
    failing = threading.Event()
    failing.set()
    inside = threading.Semaphore(3)

    def answer(path: str, headers: t.Mapping[str, str]) -> Answer:
        if not failing.is_set() or inside.acquire(blocking=False):
            time.sleep(0.002)
            if failing.is_set():
                inside.release()
            return ok()
        error = TransportError("connection", True, "the connection was reset")
        error.opened = True
        raise error

    client, wire = made(answer, retries=4, concurrency=16)
    wire.living = 3
    with mock.patch.object(_pace, "BACKOFF_FIRST", 0.01):
        assert not any(reply.failure for reply in replies(client, all_of(f"/{number}" for number in range(50))))
        assert client._ceiling.value in (3, 4)
        failing.clear()
        client._ceiling._unopened = 0  # as after a new connection that brought an answer
        replies(client, all_of(f"/{number}" for number in range(20 * 20)))
    assert client._ceiling.value == 16


@pytest.mark.parametrize("allowed", [1, 3])
def test_the_host_lets_no_more_threads_start(allowed: int) -> None:
    start, started = threading.Thread.start, []

    def limited(thread: threading.Thread) -> None:
        if len(started) == allowed:
            raise RuntimeError("can't start new thread")
        started.append(thread)
        start(thread)

    client, wire = made(lambda path, headers: ok(), concurrency=8)
    with mock.patch.object(threading.Thread, "start", limited):
        told = replies(client, all_of(f"/{number}" for number in range(20)))
    assert [reply.value for reply in told] == [1] * 20
    assert len(wire.paths) == 20


def test_the_host_lets_no_thread_start_at_all() -> None:
    client, wire = made(lambda path, headers: ok())
    refused = mock.patch.object(threading.Thread, "start", side_effect=RuntimeError("can't start new thread"))
    with refused, pytest.raises(ConfigurationError, match="the limit of processes"):
        client.run(all_of(["/a"]))
    assert wire.paths == []


def test_large_answers_are_read_one_at_a_time() -> None:
    reading: list[int] = []
    most: list[int] = []

    def shape(body: t.Any) -> t.Any:
        reading.append(1)
        most.append(len(reading))
        time.sleep(0.02)
        reading.pop()
        return len(body)

    body = b'{"value": "' + b"x" * _workers.LARGE + b'"}'
    client, _wire = made(lambda path, headers: ok(body))

    def flow() -> Flow:
        return (yield [wanted(f"/{number}", shape=shape) for number in range(6)])

    assert [reply.value for reply in replies(client, flow())] == [1] * 6
    assert max(most) == 1


@pytest.mark.parametrize(
    ("inside", "right"),
    [
        (b"[" * 63 + b"]" * 63, True),
        (b"[" * 64 + b"]" * 64, False),
        (b'{"a":' * 64 + b"1" + b"}" * 64, False),
        (b"[" * 50_000 + b"]" * 50_000, False),
        (b"9" * 30, True),
        (b"-" + b"9" * 30, True),
        (b"9" * 31, False),
        (b"9" * 5000, False),
        (b"1e29", True),
        (b"1e30", False),
        (b"-1.5E+300", False),
        (b"0." + b"1" * 29, True),
        (b"0." + b"1" * 30, False),
        (b'"' + b"9" * 50 + b'"', True),  # as text it is a matter of the field
    ],
)
@pytest.mark.parametrize("status", [200, 400])
def test_depth_and_digits_are_bounded(inside: bytes, right: bool, status: int) -> None:
    told = outcome(Answer(status, {}, b'{"value": 1, "extra": ' + inside + b"}"))
    if status == 200:
        assert isinstance(told, Reply) is right
    if not right:
        assert "64 deep" in told.message or "30 digits" in told.message
        assert (told.kind, told.again) == ("protocol" if status == 200 else "invalid_request", False)


def test_one_refusal_holds_all_requests_back() -> None:
    """What one request learns of the service's limit is kept to by those that were never refused."""
    refused_at: list[float] = []

    def handler(path: str, headers: t.Mapping[str, str]) -> Answer:
        time.sleep(0.005)
        if path == "/3" and not refused_at:
            refused_at.append(time.monotonic())
            return refusal(429, Retry_After="1")
        return ok()

    client, wire = made(handler, concurrency=2)
    client.run(all_of(f"/{number}" for number in range(12)))
    later = [at for at in wire.sent_at if at > refused_at[0] + 0.02]
    assert min(later) - refused_at[0] >= 0.95
    assert client.failures == []


def test_what_is_asked_again_waits_for_its_backoff() -> None:
    answers = [refusal(503), ok()]
    client, wire = made(lambda path, headers: answers.pop(0))
    with mock.patch.object(_pace, "backoff", lambda attempt: 0.2 * attempt):
        client.run(all_of(["/a"]))
    assert 0.2 <= wire.sent_at[1] - wire.sent_at[0] < 0.5


@pytest.mark.parametrize(
    ("successes", "rate", "growth"), [(30, 0.95 * 29, 0.0007), (11, 0.95 * 10, 0.05), (3, 5.0, 0.05)]
)
def test_the_pace_after_a_refusal(successes: int, rate: float, growth: float) -> None:
    """Those within the last second count: the first one here is just too old."""
    pace = _pace.Pace()
    pace.sent(100.0)
    assert pace.free_at == 0.0  # nothing is known of a limit
    for number in range(successes):
        pace.succeeded(100 + number / 100)
    with mock.patch.object(_pace, "SLOWEST_RATE", 5.0):
        assert pace.throttled(100.5, 101.0, 2.0) == 2.0
    assert pace.free_at == 103.0
    pace.sent(103.0)
    assert pace.free_at == pytest.approx(103 + 1 / (rate * (1 + growth * (2 + 8))), rel=1e-9)
    assert pace.throttled(101.0, 103.5, 9.0) == 9.0  # it left before all slowed down: no further slowing
    pace.free_at = 104.0
    pace.sent(104.0)
    assert pace.free_at == pytest.approx(104 + 1 / (rate * (1 + growth * (3 + 27))), rel=1e-9)


def test_the_pace_goes_on_at_the_rate_that_was_reached() -> None:
    with mock.patch.object(_pace, "SLOWEST_RATE", 5.0):
        pace = _pace.Pace()
        for number in range(100):
            pace.sent(10.0)
            pace.succeeded(10.0 + number / 100)
        assert pace.free_at == 0.0  # no limit is known
        assert pace.throttled(10.99, 11.0, 2.0) == 2.0
        assert pace.free_at == 13.0
        pace.sent(13.0)
        assert 13.0 + 1 / 200 < pace.free_at < 13.0 + 1 / 80
        pace.sent(60.0)
        assert pace.free_at < 60.0 + 1 / 5000  # much later it looks for a better one
        # A refusal of what left before is the same news, and says nothing new.
        rate = pace._rate
        assert pace.throttled(10.5, 60.1, None) == 0.0
        assert pace._rate == rate
        # Still too fast: slower, and the wait grows.
        with mock.patch.object(_pace, "backoff", float):
            assert pace.throttled(61.0, 61.1, None) == 2.0
            assert pace._rate == 5.0
            assert pace.throttled(63.2, 63.3, None) == 3.0
            pace.succeeded(70.0)
            assert pace.throttled(70.1, 70.2, None) == 1.0


# -- the end


def test_the_deadline_gives_up_what_is_in_flight_and_what_waits() -> None:
    release = threading.Event()

    def handler(path: str, headers: t.Mapping[str, str]) -> Answer:
        if path != "/first":
            release.wait(5)
        return ok()

    def flow() -> Flow:
        first = yield wanted("/first")
        replies = yield [wanted(f"/{number}") for number in range(9)]
        late = yield wanted("/late")
        return [first, *replies, late]

    client, wire = made(handler, total_timeout=0.3, concurrency=4)
    began = time.monotonic()
    replies = client.run(flow())
    assert time.monotonic() - began < 0.6
    assert [reply.value for reply in replies] == [1] + [None] * 10
    assert {reply.failure.kind for reply in replies[1:]} == {"timeout"}
    assert [reply.failure.attempts for reply in replies[1:]] == [1, 1, 1, 1, 0, 0, 0, 0, 0, 0]
    assert "/late" not in wire.paths
    release.set()
    client.close()


def test_a_wait_that_is_over_at_once_ends() -> None:
    """What is left of `total_timeout` may be less than a microsecond: queue.SimpleQueue would wait for ever then."""
    outcomes = made(lambda path, headers: ok())[0]._workers._done

    def wait() -> None:
        for _time in range(5000):
            with contextlib.suppress(queue.Empty):
                outcomes.get(timeout=1e-9)
            outcomes.put(t.cast(t.Any, None))
            outcomes.get(timeout=1)

    waiting = threading.Thread(target=wait, daemon=True)
    waiting.start()
    waiting.join(30)
    assert not waiting.is_alive()


def test_an_answer_that_comes_after_it_was_given_up_is_nobodys() -> None:
    release = threading.Event()

    def handler(path: str, headers: t.Mapping[str, str]) -> Answer:
        release.wait(5)
        return ok()

    client, _wire = made(handler, total_timeout=0.05)
    (reply,) = replies(client, all_of(["/a"]))
    assert reply.failure.kind == "timeout"
    release.set()
    time.sleep(0.05)
    client._deadline += 10
    client._over = None
    client._turn()  # takes the late answer in
    assert len(client.failures) == 1


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (refusal(401), "authentication"),
        (refusal(441, b'{"errorCode":"DIS.4114","message":"no"}'), "authentication"),
        (refusal(400, b'{"errorCode":"DIS.4309","message":"no"}'), "throttled"),
        (refusal(429, Retry_After="3600"), "throttled"),
    ],
)
def test_after_three_hopeless_refusals_nothing_more_is_sent(answer: Answer, kind: str) -> None:
    client, wire = made(lambda path, headers: answer, concurrency=1)
    replies = client.run(all_of(f"/{number}" for number in range(9)))
    assert len(wire.paths) == 3
    assert {reply.failure.kind for reply in replies} == {kind}
    assert [reply.failure.attempts for reply in replies] == [1, 1, 1, 0, 0, 0, 0, 0, 0]
    assert replies[3].failure.error_msg == "not sent: 3 requests in a row were refused"


@pytest.mark.parametrize(
    "answer",
    [refusal(400), refusal(403), refusal(404), refusal(503, Retry_After="1"), TransportError("timeout", True, "")],
)
def test_what_fails_for_itself_stops_and_slows_no_other(answer: Answer | TransportError) -> None:
    def handler(path: str, headers: t.Mapping[str, str]) -> Answer:
        if isinstance(answer, TransportError):
            raise answer
        return answer

    client, wire = made(handler, retries=0)
    replies = client.run(all_of([f"/{number}" for number in range(8)]))
    assert len(wire.paths) == 8
    assert client.throttled == 0
    assert client._pace.free_at == 0.0
    assert not any("asks to wait" in (reply.failure.error_msg or "") for reply in replies)


def test_what_was_answered_is_told_though_nothing_more_is_sent() -> None:
    """Requests that are on their way when the sending ends keep what they were told."""
    refused = threading.Event()

    def handler(path: str, headers: t.Mapping[str, str]) -> Answer:
        if path == "/busy":
            refused.wait(5)
            time.sleep(0.05)
            return refusal(503)
        if path == "/2":
            refused.set()
        return refusal(401)

    client, _wire = made(handler, concurrency=4)
    client._limit = 4
    outcomes = replies(client, all_of(["/busy", "/0", "/1", "/2"]))
    assert [reply.failure.kind for reply in outcomes] == ["server", *["authentication"] * 3]
    assert [reply.failure.http_status for reply in outcomes] == [503, 401, 401, 401]


def test_a_success_between_refusals_is_a_reason_to_go_on() -> None:
    answers = {"/2": ok(), "/5": ok()}
    client, wire = made(lambda path, headers: answers.get(path, refusal(401)), concurrency=1)
    client.run(all_of(f"/{number}" for number in range(8)))
    assert len(wire.paths) == 8


# -- renewal


def renewed_by(client: Client, token: str | None) -> t.Callable[[], Flow]:
    def renewal() -> Flow:
        reply = yield wanted("/token", signed=False)
        if reply.failure:
            return False
        client.credentials = Token(token or "")
        return True

    return renewal


def test_parallel_refusals_renew_once_and_are_sent_again() -> None:
    barrier = threading.Barrier(3)
    waited = threading.local()

    def handler(path: str, headers: t.Mapping[str, str]) -> Answer:
        if path == "/token" or headers.get("X-Auth-Token") == "new" or path == "/first":
            return ok()
        if not hasattr(waited, "once"):
            waited.once = True
            barrier.wait(2)
        return refusal(401)

    def flow() -> Flow:
        yield wanted("/first")
        replies = yield [wanted(f"/{number}") for number in range(6)]
        return replies

    client, wire = made(handler, concurrency=3)
    client.renewal.flow = renewed_by(client, "new")
    replies = client.run(flow())
    assert [reply.value for reply in replies] == [1] * 6
    assert wire.paths.count("/token") == 1
    assert client.failures == []


def test_a_refusal_that_arrives_after_the_renewal_is_sent_again() -> None:
    renewed = threading.Event()

    def handler(path: str, headers: t.Mapping[str, str]) -> Answer:
        if headers.get("X-Auth-Token") == "new":
            renewed.set()
        elif path == "/slow":
            renewed.wait(5)
            return refusal(401)
        elif path == "/quick":
            return refusal(401)
        return ok()

    def flow() -> Flow:
        yield wanted("/first")
        replies = yield [wanted("/slow"), wanted("/quick")]
        return replies

    client, wire = made(handler, retries=0)
    client.renewal.flow = renewed_by(client, "new")
    replies = client.run(flow())
    assert [reply.value for reply in replies] == [1, 1]
    assert wire.paths.count("/token") == 1
    assert wire.paths.count("/slow") == 2


def test_renewal_counts_as_an_attempt_but_not_as_a_retry_that_is_used_up() -> None:
    def handler(path: str, headers: t.Mapping[str, str]) -> Answer:
        if path == "/token":
            return ok()
        return refusal(503) if headers["X-Auth-Token"] == "new" else refusal(401)

    client, wire = made(handler, retries=1)
    client.renewal.flow = renewed_by(client, "new")
    with mock.patch.object(_pace, "backoff", return_value=0.01) as waits:
        (reply,) = replies(client, all_of(["/a"]))
    assert [call.args for call in waits.call_args_list] == [(1,), (2,)]
    assert wire.paths == ["/a", "/token", "/a", "/a"]
    assert reply.failure.attempts == 3
    assert reply.failure.kind == "server"


def test_a_refusal_inside_a_success_renews_too() -> None:
    def shape(body: t.Any) -> t.Any:
        if "errorCode" in body:
            raise RefusedInside(body["errorCode"], body["message"])
        return body["value"]

    def handler(path: str, headers: t.Mapping[str, str]) -> Answer:
        fresh = path == "/token" or headers["X-Auth-Token"] == "new"
        return ok() if fresh else ok(b'{"errorCode": "DIS.4114", "message": "token expired"}')

    def flow() -> Flow:
        reply = yield wanted("/a", shape=shape)
        return reply

    client, _wire = made(handler)
    client.renewal.flow = renewed_by(client, "new")
    assert client.run(flow()).value == 1


def test_a_renewal_that_fails_ends_the_sending() -> None:
    def handler(path: str, headers: t.Mapping[str, str]) -> Answer:
        return refusal(403) if path == "/token" else refusal(401)

    client, wire = made(handler, concurrency=1)
    client.renewal.flow = renewed_by(client, None)
    replies = client.run(all_of(["/a", "/b", "/c"]))
    assert wire.paths == ["/a", "/token"]
    assert [reply.failure.kind for reply in replies] == ["authentication"] * 3
    assert [reply.failure.attempts for reply in replies] == [1, 0, 0]
    assert replies[1].failure.error_msg == "not sent: the token was refused and could not be renewed"
    assert len(client.failures) == 4


def test_a_renewal_that_never_ends_is_given_up_in_time() -> None:
    release = threading.Event()

    def handler(path: str, headers: t.Mapping[str, str]) -> Answer:
        if path == "/token":
            release.wait(5)
        return refusal(401)

    client, _wire = made(handler, total_timeout=0.2)
    client.renewal.flow = renewed_by(client, "new")
    replies = client.run(all_of(["/a", "/b"]))
    assert [reply.failure.kind for reply in replies] == ["timeout", "timeout"]
    assert len(client.failures) == 3
    release.set()


# -- what an answer means


def outcome(answer: Answer, **fields: t.Any) -> t.Any:
    return _answer.judged(wanted("/a", **fields), answer)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "an empty answer"),
        (b" \n", "an empty answer"),
        (b"null", "null instead of an object"),
        (b"[]", "a JSON list instead of an object"),
        (b"3", "a JSON int instead of an object"),
        (b"<html>", "an HTML page (6 bytes)"),
        (b"hello", "not JSON (5 bytes)"),
        (b'{"a": NaN}', "not JSON (10 bytes)"),
        (b'{"a": "\\ud800"}', "not JSON (15 bytes)"),
        (b'{"a": 1}}', "not JSON (9 bytes)"),
    ],
)
def test_a_success_that_is_no_object(body: bytes, says: str) -> None:
    told = outcome(ok(body))
    assert (told.kind, told.again, told.status, told.message) == ("protocol", False, 200, says)


@pytest.mark.parametrize("body", [b'{"a": [1, 2', b'{"a": "b', b'{"a": {"b": 1}', b'{"a": "\xe4', b"{"])
def test_an_object_that_just_stops_is_asked_for_again(body: bytes) -> None:
    told = outcome(ok(body))
    assert (told.kind, told.again, told.message) == ("protocol", True, "the answer was cut short")


def test_values_and_what_json_can_hold() -> None:
    assert outcome(ok(b'\xef\xbb\xbf{"value": 9007199254740993}')).value == 9007199254740993
    assert outcome(ok(b'{"value": "\\ud83d\\ude00"}')).value == "\U0001f600"
    assert outcome(ok(b'{"value": 1.5}')).value == 1.5
    assert outcome(ok(b" words "), text=True, shape=str.strip).value == "words"
    assert outcome(Answer(201, {"X": "y"}, b'{"value": 1}'), needed_header="X").headers["X"] == "y"


def test_shapes_that_refuse() -> None:
    def refuse(body: t.Any) -> t.Any:
        raise ShapeError("no list")

    def dig(body: t.Any) -> t.Any:
        raise RecursionError

    assert outcome(ok(), shape=refuse).message == "no list"
    told = outcome(ok(b'{"message": "hm", "errorCode": 7}'), shape=refuse)
    assert (told.code, told.message) == ("7", "hm; no list")
    assert outcome(ok(), shape=dig).message == "nested too deeply"
    assert outcome(ok(), needed_header="X-Y").message == "no header X-Y in the answer"
    assert outcome(Answer(200, {}, b"\xff"), text=True).kind == "protocol"


def test_what_is_absent() -> None:
    gone = frozenset({"DIS.4301", 404})
    assert outcome(refusal(404), absent=gone).absent
    assert outcome(refusal(400, b'{"errorCode": "DIS.4301"}'), absent=gone).absent
    assert outcome(refusal(400, b'{"errorCode": "DIS.4305"}'), absent=frozenset({"DIS.4305"})).kind == "throttled"
    assert outcome(refusal(400, b'{"errorCode": "DIS.4302"}'), absent=gone).kind == "invalid_request"


@pytest.mark.parametrize(
    ("status", "kind"), [(302, "protocol"), (401, "authentication"), (403, "authorization"), (503, "server")]
)
def test_a_status_that_says_something_else_makes_nothing_absent(status: int, kind: str) -> None:
    body = b'{"cause": [{"errorCode": "DIS.4301"}]}'
    assert outcome(refusal(status, body), absent=frozenset({"DIS.4301"})).kind == kind


@pytest.mark.parametrize(
    ("answer", "request_id"),
    [
        (refusal(500, b'{"request_id": "body"}', X_Request_Id="head"), "head"),
        (refusal(500, b'{"request_id": "body"}'), "body"),
        (refusal(500, b'{"request_id": 5}'), None),
        (refusal(500, X_IAM_Trace_Id="trace"), "trace"),
    ],
)
def test_the_request_id(answer: Answer, request_id: str | None) -> None:
    assert outcome(answer).request_id == request_id


def test_a_failure_that_the_flow_deals_with_is_not_reported() -> None:
    def flow() -> Flow:
        reply = yield wanted("/a", tolerated=frozenset({"not_found"}))
        return reply

    client, _wire = made(lambda path, headers: refusal(404))
    assert client.run(flow()).failure.kind == "not_found"
    assert client.failures == []


def test_a_defect_fails_its_request_only() -> None:
    def flow() -> Flow:
        replies = yield [wanted("/a", shape=lambda body: body["missing"]), wanted("/b")]
        return replies

    client, _wire = made(lambda path, headers: ok())
    bad, good = replies(client, flow())
    assert good.value == 1
    assert bad.failure.kind == "protocol"
    assert bad.failure.error_msg.startswith("internal error: KeyError in test_client.py line ")


def test_a_wrong_option_that_only_sending_finds_ends_the_call() -> None:
    def handler(path: str, headers: t.Mapping[str, str]) -> Answer:
        raise ConfigurationError("ca_path is wrong")

    client, _wire = made(handler)
    with pytest.raises(ConfigurationError, match="ca_path is wrong"):
        client.run(all_of(["/a"]))


def test_progress_is_told_now_and_then() -> None:
    told: list[int] = []
    client, _wire = made(lambda path, headers: ok())
    client._progress = told.append
    with mock.patch.object(_client, "PROGRESS_EVERY", 5):
        client.run(all_of(f"/{number}" for number in range(12)))
    assert told == [5, 10]
    stats = client.stats()
    assert (stats["requests"], stats["retries"], stats["throttled"], stats["connections"]) == (12, 0, 0, 0)
    assert stats["elapsed"] >= 0
