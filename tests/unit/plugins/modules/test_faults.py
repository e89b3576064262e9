# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every fault of the table through a module over HTTP: retried or not, how often, which kind, what is said, how long."""

from __future__ import annotations

import contextlib
import http.server
import itertools
import json
import pathlib
import re
import socket
import sys
import threading
import time
import typing as t
from unittest import mock

import pytest
from ansible_collections.hwcloud.streaming.tests.emulator import Emulator
from ansible_collections.hwcloud.streaming.tests.unit.plugins.modules.calling import (
    ONE_THING,
    TLS,
    Called,
    ask,
    small_world,
)
from ansible_collections.hwcloud.streaming.tests.unit.plugins.modules.fault_table import DIS, ROWS, Row, as_rst
from ansible_collections.hwcloud.streaming.tests.unit.plugins.modules.proxy import Proxy

GUIDE = pathlib.Path(__file__).resolve().parents[4] / "docs" / "docsite" / "rst" / "guide_troubleshooting.rst"
OVERRUNS: list[tuple[float, str]] = []
# Seconds beyond total_timeout: only a call that does not end by itself takes so long, on a machine under whatever load.
HANGS = 10
FIELDS = "kind service method path http_status error_code error_msg request_id attempts elapsed endpoint".split()


@pytest.fixture(scope="module", autouse=True)
def longest_overrun(request: pytest.FixtureRequest) -> t.Iterator[None]:
    """Tell by how much `total_timeout` was overrun at most; each test holds its own against a second."""
    yield
    capture = request.config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():
        overrun, what = max(OVERRUNS, default=(0.0, "no test with a time limit ran"))
        print(f"\nlongest overrun of total_timeout: {overrun:.3f} s ({what})")


@pytest.fixture(scope="module")
def emulator() -> t.Iterator[Emulator]:
    with Emulator(small_world()) as running:
        yield running


@pytest.fixture(autouse=True)
def _no_rest(emulator: Emulator) -> t.Iterator[None]:
    emulator.reset()
    yield
    emulator.reset()


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@contextlib.contextmanager
def staged(row: Row, emulator: Emulator) -> t.Iterator[tuple[str, dict[str, str], dict[str, t.Any]]]:
    """Stage a fault that stays; yield the endpoint, the environment and the options to call a module with."""
    kind, _blank, name = row.how.partition(" ")
    options = dict(row.options)
    if kind == "tls":
        options["ca_path"] = str(TLS / "ca.pem")
        if name == "none":
            listener, url = answering(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            with listener:
                yield url.replace("http:", "https:"), {}, options
            return
        if name.startswith("alert "):  # fatal, of this number
            listener, url = answering(bytes([21, 3, 3, 0, 2, 2, int(name[6:])]))
            with listener:
                yield url.replace("http:", "https:"), {}, options
            return
        if name == "closed":  # which is what the emulator does when https is asked of its http port
            yield emulator.url.replace("http:", "https:"), {}, options
            return
        with Emulator(small_world(), tls=(str(TLS / f"{name}.pem"), str(TLS / "server.key"))) as secure:
            yield secure.url, {}, options
    elif kind == "proxy":
        options["auth_token"] = "ExampleToken"
        if name.startswith("socks"):
            with mock.patch.dict(sys.modules, {"socks": None}):
                yield "https://dis.example.invalid", {"https_proxy": f"{name}://127.0.0.1:{closed_port()}"}, options
            return
        if name == "none":
            yield "https://dis.example.invalid", {"https_proxy": f"http://127.0.0.1:{closed_port()}"}, options
            return
        with Proxy(name) as proxy:
            yield "https://dis.example.invalid", {"https_proxy": proxy.url}, options
    elif kind == "interim":
        listener, url = answering(f"HTTP/1.1 {name} Interim\r\nUpgrade: x\r\n\r\n".encode())
        with listener:
            yield url, {}, options
    elif kind == "raw":
        listener, url = answering(b"HTTP/1.1 200 OK\r\n" + name.encode())
        with listener:
            yield url, {}, options
    elif kind == "refused":
        yield f"http://127.0.0.1:{closed_port()}", {}, options
    elif kind == "resolve":
        yield "http://dis.example.invalid", {}, options
    else:
        emulator.inject(".", kind, times=None, **row.settings)
        yield emulator.url, {}, options


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.what)
def test_fault_that_stays(row: Row, emulator: Emulator) -> None:
    with staged(row, emulator) as (url, environment, options):
        # Waits as the server asks for them are played out in the test of the fault that passes.
        # Throttling is waited for whatever `retries` says, until there is no time for one more attempt.
        waited = row.retried and row.kind == "throttled"
        settings: dict[str, t.Any] = {"retries": 0} if row.gap else {}
        if waited:
            settings = {"retries": 0, "total_timeout": 2.5}
            options.update(settings)
        called = ask(row.module, url, environment, **{**settings, **options})
    attempts = 2 if row.retried and not row.gap else 1
    if waited:
        attempts = called.error["attempts"]
        assert 2 <= attempts <= 4
    error, stats = called.error, called.result["request_stats"]
    assert error["kind"] == row.kind
    assert error["attempts"] == attempts
    assert (stats["requests"], stats["retries"]) == (attempts, attempts - 1)
    assert stats["throttled"] == (attempts if row.kind == "throttled" else 0)
    assert error["http_status"] == row.http_status
    if row.error_code:
        assert error["error_code"] == row.error_code
    assert row.says in called.result["msg"]
    assert list(error) == FIELDS
    assert called.result["errors"] == [error]
    service = row.service or ("dms" if row.module.startswith("dms") else "dis")
    assert error["service"] == service
    assert error["endpoint"] == url
    assert error["path"].startswith({"iam": "/v3", "sts": "/v5/"}.get(service, "/v2/"))
    assert 0 <= error["elapsed"] <= stats["elapsed"] <= called.seconds
    total = options.get("total_timeout", 20)
    OVERRUNS.append((called.seconds - total, row.what))
    assert called.seconds < total + HANGS
    assert "<html" not in called.stdout.lower()


@pytest.mark.parametrize("row", [row for row in ROWS if row.healed], ids=lambda row: row.what)
def test_fault_that_passes(row: Row, emulator: Emulator) -> None:
    """A fault that is there once: what is retried ends well, what is not fails after one attempt."""
    emulator.inject(".", row.how, times=1, **row.settings)
    called = ask(row.module, emulator.url, **row.options)
    assert called.result.get("failed", False) is not row.retried
    stats = called.result["request_stats"]
    assert stats["retries"] == (1 if row.retried else 0)
    assert len(emulator.requests) == stats["requests"]
    if row.retried:
        first, second = emulator.requests[:2]
        assert (first.method, first.path) == (second.method, second.path)
        assert second.at - first.at >= row.gap
        assert called.result["transfer_tasks" if row.module == DIS else "sink_tasks"]
    else:
        assert called.error["kind"] == row.kind
        assert len(emulator.requests) == 1


def test_the_guide_shows_the_table() -> None:
    assert as_rst() in GUIDE.read_text(encoding="utf-8"), f"the table of {GUIDE.name} has to be:\n{as_rst()}"


def test_the_guide_explains_every_kind() -> None:
    text = GUIDE.read_text(encoding="utf-8")
    for kind in {row.kind for row in ROWS} | {"configuration"}:
        assert re.search(rf"^{kind}\n-+$", text, re.MULTILINE), kind


@pytest.mark.parametrize("module", ONE_THING)
@pytest.mark.parametrize("action", ["silence", "drip", "throttle_429", "server_500", "reset", "unauthorized_401"])
def test_total_timeout_holds_whatever_the_server_does(action: str, module: str, emulator: Emulator) -> None:
    emulator.inject(".", action, times=None)
    called = ask(module, emulator.url, retries=1000, timeout=0.2 if action == "silence" else 30, total_timeout=0.5)
    OVERRUNS.append((called.seconds - 0.5, action))
    assert called.seconds < 0.5 + HANGS
    expected = {"throttle_429": {"throttled", "timeout"}, "unauthorized_401": {"authentication"}}
    last = {"server_500": {"server", "timeout"}, "reset": {"connection", "timeout"}}
    assert called.error["kind"] in expected.get(action, last.get(action, {"timeout"}))


def test_many_requests_under_a_server_that_is_silent_end_in_time() -> None:
    world = small_world()
    world["generate"] = {"streams": 40}
    with Emulator(world) as emulator:
        emulator.inject("transfer-tasks", "silence", times=None)
        called = ask(DIS, emulator.url, stream_names=None, timeout=30, total_timeout=1)
        OVERRUNS.append((called.seconds - 1, "40 silent streams"))
        assert called.seconds < 1 + HANGS
        assert len(called.result["errors"]) == 43
        assert {error["kind"] for error in called.result["errors"]} == {"timeout"}
        paths = [error["path"] for error in called.result["errors"]]
        assert paths == sorted(paths)


@contextlib.contextmanager
def taking_few(most: int, beyond: str) -> t.Iterator[str]:
    """A service that talks on a few connections at a time; what it does to more of them is `beyond`."""
    body = b'{"total_number": 0, "tasks": []}'
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)
    places = threading.Semaphore(most)
    silent = []

    def talk(client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):
            while client.recv(65536):
                time.sleep(0.01)  # longer than it takes to send the next question: connections are used side by side
                client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        places.release()

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                client = listener.accept()[0]
                if places.acquire(blocking=False):
                    threading.Thread(target=talk, args=(client,), daemon=True).start()
                elif beyond == "silence":
                    silent.append(client)
                else:
                    if beyond == "503":
                        client.recv(65536)
                        client.sendall(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                    client.close()

    threading.Thread(target=serve, daemon=True).start()
    with listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.mark.parametrize("beyond", ["silence", "close", "503"])
def test_a_service_that_takes_few_connections_is_asked_on_those(beyond: str) -> None:
    names = [f"s{number:02}" for number in range(40)]
    with taking_few(3, beyond) as url:
        called = ask(DIS, url, stream_names=names, retries=2, timeout=0.5)
    assert not called.result.get("failed")
    assert [stream["stream_name"] for stream in called.result["streams"]] == names


@pytest.mark.parametrize(
    ("module", "selector"), [("dms_sink_task_info", "connector_ids"), ("dms_smart_connect_task_info", "instance_ids")]
)
def test_a_list_without_end_stops_with_the_budget(module: str, selector: str) -> None:
    pages = itertools.count()

    def page(_path: str) -> bytes:
        number = next(pages)
        entries = [
            {"instance_id": f"i-{number}-{entry}", "connector_id": f"c-{number}-{entry}", "connector_enable": True}
            for entry in range(50)
        ]
        return json.dumps({"instance_num": 10**9, "instances": entries}).encode()

    with serving(page) as url:
        called = ask(module, url, total_timeout=1.5, **{selector: None})
    OVERRUNS.append((called.seconds - 1.5, "a list of instances without end"))
    assert called.seconds < 1.5 + HANGS
    assert (called.error["kind"], len(called.result["errors"])) == ("timeout", 1)


def test_a_name_of_any_length_and_sort_is_shown_on_one_line() -> None:
    name = "a\x1b[2J\nPLAY RECAP\u202e" + "z" * 100_000

    def answer(path: str) -> bytes:
        if "transfer-tasks" in path:
            return b"[]"
        return json.dumps({"total_number": 1, "has_more_streams": False, "stream_names": [name]}).encode()

    with serving(answer) as url:
        called = ask(DIS, url, stream_names=None)
    message = called.result["msg"]
    assert "stream a [2J PLAY RECAP\\u202ezz" in message
    assert message.isprintable()
    assert len(message) < 2000


def test_the_first_hundred_failures_are_shown_and_the_rest_counted(emulator: Emulator) -> None:
    emulator.inject("transfer-tasks", "forbidden_403", times=None)
    called = ask(DIS, emulator.url, stream_names=[f"s{number:03}" for number in range(130)])
    assert (len(called.result["errors"]), called.result["errors_left_out"]) == (100, 30)
    assert called.result["errors"][0] == called.error
    assert " 129 more requests failed or had no turn" in called.result["msg"]


def test_credentials_in_the_clear_are_warned_of(emulator: Emulator) -> None:
    called = ask(DIS, "http://dis.example.invalid", total_timeout=0.5, retries=0)
    assert any("dis_endpoint is http://dis.example.invalid, without encryption" in text for text in warnings_of(called))
    assert not warnings_of(ask(DIS, emulator.url))


def test_a_path_with_a_nul_is_refused(emulator: Emulator) -> None:
    called = ask(DIS, emulator.url, ca_path="/tmp/a\0b")
    assert called.error["kind"] == "configuration"
    assert "ca_path holds a NUL character" in called.result["msg"]


def warnings_of(called: Called) -> list[str]:
    return [str(text) for text in called.result.get("warnings", [])]


def test_a_pool_slot_is_free_again_after_each_kind_of_broken_answer(emulator: Emulator) -> None:
    """The pool blocks when it is out of connections: one lost slot would hang a call with concurrency 1."""
    for action, settings in (
        ("close_mid_body", {}),
        ("content_length_too_long", {"hold": True}),
        ("silence", {}),
        ("reset", {}),
        ("content_length_too_short", {}),
    ):
        emulator.inject(".", action, **settings)
    called = ask(DIS, emulator.url, concurrency=1, retries=5, timeout=0.2)
    assert not called.result.get("failed")
    assert called.result["request_stats"]["retries"] == 5
    assert called.result["request_stats"]["connections"] == emulator.connections


def test_what_comes_too_much_is_not_taken_for_the_next_answer(emulator: Emulator) -> None:
    emulator.inject("orders", "content_length_too_short", times=1)
    called = ask(DIS, emulator.url, stream_names=["clicks", "orders"], concurrency=1)
    assert [task["stream_name"] for task in called.result["transfer_tasks"]] == ["clicks", "orders", "orders"]


def test_what_arrived_is_returned_with_the_failure(emulator: Emulator) -> None:
    emulator.inject("streams/orders/", "forbidden_403", times=None)
    called = ask(DIS, emulator.url, stream_names=["clicks", "orders"])
    assert called.error["kind"] == "authorization"
    assert [task["stream_name"] for task in called.result["transfer_tasks"]] == ["clicks"]
    assert called.result["not_found"] == []


def test_a_gzipped_answer_is_unpacked(emulator: Emulator) -> None:
    emulator.inject(".", "gzip")
    called = ask(DIS, emulator.url)
    assert len(called.result["transfer_tasks"]) == 2


@contextlib.contextmanager
def serving(body_of: t.Callable[[str], bytes]) -> t.Iterator[str]:
    """A server that answers each path with a body."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body = body_of(self.path)
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


def answering(answer: bytes) -> tuple[socket.socket, str]:
    """A server that gives every connection these bytes and closes it."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _address = listener.accept()
                with client:
                    client.recv(65536)
                    client.sendall(answer)
                    client.shutdown(socket.SHUT_WR)
                    while client.recv(65536):
                        pass

    threading.Thread(target=serve, daemon=True).start()
    return listener, f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.mark.parametrize(
    ("answer", "kind", "attempts", "says"),
    [
        (b"SSH-2.0-OpenSSH_9.2\r\n", "protocol", 2, "the answer is not HTTP"),
        (b'HTTP/1.1 200 OK\r\n\r\n{"total_number": 1, "tasks": [{"task_na', "protocol", 2, "the answer was cut short"),
        (b'HTTP/1.1 200 OK\r\n\r\n{"total_number": 1, "tasks": [{}', "protocol", 2, "the answer was cut short"),
        (b'HTTP/1.1 200 OK\r\n\r\n{"note": "\xe4\xb8', "protocol", 2, "the answer was cut short"),
        (b'HTTP/1.1 200 OK\r\n\r\n{"total_number": 1} and more', "protocol", 1, "not JSON"),
        (b'HTTP/1.1 200 OK\r\n\r\n{"total_number": NaN, "tasks": []}', "protocol", 1, "not JSON"),
        (b'HTTP/1.1 200 OK\r\n\r\n{"total_number": 1e999, "tasks": []}', "protocol", 1, "not JSON"),
        (b'HTTP/1.1 200 OK\r\n\r\n{"tasks": [{"task_name": "\\ud800"}]}', "protocol", 1, "not JSON"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", "protocol", 1, "an empty answer"),
        (b"HTTP/1.1 204 No Content\r\nContent-Length: 9\r\n\r\n", "protocol", 1, "an empty answer"),
        (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", "protocol", 1, "a redirect, which is not followed"),
        (b"HTTP/1.1 200 OK\r\n", "connection", 2, "closed within the answer's headers"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "protocol", 1, "an empty answer"),
        (b"HTTP/1.0 200 OK\r\nServer: x\r\n\r\n", "protocol", 1, "an empty answer"),
        (b"HTTP/1.1 400 Bad\r\n\r\n{}", "invalid_request", 1, "invalid_request, HTTP 400. Check"),
        (b'HTTP/1.1 400 Bad\r\n\r\n{"error_code": "DIS.4200"}', "invalid_request", 1, "HTTP 400 DIS.4200. Check"),
        (
            b'HTTP/1.1 404 No\r\n\r\n{"status": 404, "error": "Not Found"}',
            "not_found",
            1,
            "HTTP 404 Not Found. The host asked was 127.0.0.1",
        ),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\n\r\nabc", "protocol", 1, "was not asked for"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}", "protocol", 2, "the answer was cut short"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n{}", "protocol", 2, "too many headers"),
    ],
)
def test_answers_no_server_should_give(answer: bytes, kind: str, attempts: int, says: str) -> None:
    listener, url = answering(answer)
    with listener:
        called = ask(DIS, url)
    assert called.error["kind"] == kind
    assert called.error["attempts"] == attempts
    assert says in called.result["msg"]


BROKEN_BODIES = {
    "gzip that is none": (b"Content-Encoding: gzip\r\nContent-Length: 5\r\n", b"plain"),
    "packed as nobody asked": (b"Content-Encoding: br\r\nContent-Length: 5\r\n", b"plain"),
    "too large": (b"Content-Length: 41943040\r\n", b"plain"),
    "cut short": (b"Content-Length: 400\r\n", b'{"error_msg": "x'),
    "not HTTP any more": (b"Transfer-Encoding: chunked\r\n", b"nonsense"),
}


@pytest.mark.parametrize("body", BROKEN_BODIES)
@pytest.mark.parametrize(
    ("status", "kind", "attempts"),
    [
        (429, "throttled", 2),
        (500, "server", 2),
        (502, "server", 2),
        (503, "server", 2),
        (401, "authentication", 1),
        (441, "authentication", 1),
        (403, "authorization", 1),
        (405, "invalid_request", 1),
        (302, "protocol", 1),
    ],
)
def test_a_status_counts_though_its_body_cannot_be_read(status: int, kind: str, attempts: int, body: str) -> None:
    """A refused key that is tried again is soon a locked one; a busy service is busy, however it says so."""
    headers, content = BROKEN_BODIES[body]
    listener, url = answering(b"HTTP/1.1 %d Status\r\n%s\r\n%s" % (status, headers, content))
    # One more attempt, and no time for another one, where it is waited for as long as there is time.
    short = {"total_timeout": 1.6} if kind == "throttled" else {}
    with listener:
        called = ask(DIS, url, **short)
    error = called.error
    assert (error["kind"], error["http_status"]) == (kind, status)
    assert error["attempts"] == attempts or (short and 2 <= error["attempts"] <= 3)


@pytest.mark.parametrize("status", [400, 404])
def test_where_only_the_body_tells_a_cut_one_is_asked_for_again(status: int) -> None:
    listener, url = answering(b'HTTP/1.1 %d Status\r\nContent-Length: 400\r\n\r\n{"errorCode": "DIS.43' % status)
    with listener:
        called = ask(DIS, url)
    error = called.error
    assert (error["kind"], error["attempts"], error["http_status"]) == ("protocol", 2, status)
    assert "cut short" in error["error_msg"]


@pytest.mark.parametrize("body", ["gzip that is none", "cut short"])
def test_a_token_is_renewed_though_the_refusals_body_cannot_be_read(body: str, emulator: Emulator) -> None:
    headers, content = BROKEN_BODIES[body]
    listener, url = answering(b"HTTP/1.1 401 Unauthorized\r\n" + headers + b"\r\n" + content)
    user = {"username": "example-user", "password": "Example-Password-1", "domain_name": "example-account"}
    with listener:
        called = ask(DIS, url, iam_endpoint=emulator.url, **user)
    assert called.error["kind"] == "authentication"
    assert [record.path for record in emulator.requests] == ["/v3/auth/tokens"] * 2


@contextlib.contextmanager
def one_answer_a_connection(answer: bytes) -> t.Iterator[str]:
    """A server that answers one request a connection, promises more, and closes when the next one comes."""
    listener = socket.create_server(("127.0.0.1", 0))

    def talk(client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):
            client.recv(65536)
            client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(answer), answer))
            client.recv(65536)

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=talk, args=(listener.accept()[0],), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    with listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.mark.parametrize("concurrency", [1, 2, 16])
def test_a_retry_does_not_take_another_connection_that_is_dying(concurrency: int) -> None:
    names = [f"s{number:02}" for number in range(60)]
    with one_answer_a_connection(b'{"total_number": 0, "tasks": []}') as url:
        called = ask(DIS, url, stream_names=names, concurrency=concurrency, retries=1)
    assert not called.result.get("failed"), called.result["errors"]
    assert [stream["stream_name"] for stream in called.result["streams"]] == names
    stats = called.result["request_stats"]
    assert stats["requests"] == len(names) + stats["retries"]


@pytest.mark.parametrize("depth", [50, 200, 400, 900, 990, 3000])
def test_nesting_of_any_depth_is_facts_or_protocol(depth: int) -> None:
    tasks = {"total_number": 0, "tasks": []}
    body = json.dumps(tasks)[:-1].encode() + b', "extra": ' + b"[" * depth + b"]" * depth + b"}"
    listener, url = answering(b"HTTP/1.1 200 OK\r\n\r\n" + body)
    with listener:
        called = ask(DIS, url)
    if called.result.get("failed"):
        assert called.error["kind"] == "protocol"
        assert "internal error" not in called.result["msg"]
    else:
        assert called.result["transfer_tasks"] == []
