# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every fault as it looks on the wire, and how many requests meet it."""

from __future__ import annotations

import email.utils
import gzip
import http.client
import json
import socket
import threading
import time
import zlib
from typing import Any

import pytest
from ansible_collections.hwcloud.streaming.tests.emulator import Fault, WorldError
from ansible_collections.hwcloud.streaming.tests.emulator.presets import ACTIONS, PRESETS

LIST = "streams/orders/transfer-tasks"
REQUEST = (
    b"GET /v2/0123456789abcdef0123456789abcdef/streams/orders/transfer-tasks HTTP/1.1\r\n"
    b"Host: x\r\nX-Auth-Token: ExampleToken\r\n\r\n"
)


def wire(client: Any, seconds: float = 0.5, limit: int = 1 << 20) -> tuple[bytes, str]:
    """What comes over a bare socket within some time, and how it ended: closed, reset or open."""
    with socket.create_connection(("127.0.0.1", client.emulator.port), timeout=seconds) as peer:
        peer.sendall(REQUEST)
        data = b""
        end = time.monotonic() + seconds
        try:
            while time.monotonic() < end and len(data) < limit:
                piece = peer.recv(65536)
                if not piece:
                    return data, "closed"
                data += piece
        except ConnectionResetError:
            return data, "reset"
        except socket.timeout:
            pass
        return data, "open"


def split(data: bytes) -> tuple[int, bytes]:
    """The announced length and the body that came."""
    head, _separator, body = data.partition(b"\r\n\r\n")
    return int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0]), body


def test_times_skip_and_route(client: Any) -> None:
    fault = client.emulator.inject(r"^GET /v2/[^/]+/streams/orders/transfer-tasks$", "server_500", times=2, skip=1)
    assert [client.get(LIST).status for _number in range(5)] == [200, 500, 500, 200, 200]
    assert client.get("streams/clicks/transfer-tasks").status == 200
    assert fault.hits == 2


def test_a_fault_may_last_and_be_forgotten(client: Any) -> None:
    client.emulator.inject("/streams", "empty_503", times=None)
    assert {client.get(LIST).status for _number in range(4)} == {503}
    client.emulator.reset()
    assert client.get(LIST).status == 200
    assert len(client.emulator.requests) == 1


def test_the_query_is_part_of_the_route(client: Any) -> None:
    client.emulator.inject(r"offset=1\b", "reset", times=None)
    assert client.get("instances?engine=kafka&offset=0").status == 200
    with pytest.raises(ConnectionResetError):
        client.get("instances?engine=kafka&offset=1")


def test_faults_of_the_world_stay_after_reset(client_of: Any, small: dict[str, Any]) -> None:
    small["faults"] = [{"route": "transfer-tasks", "action": "status", "times": None, "code": 418, "body": {"a": 1}}]
    client = client_of(small)
    client.emulator.reset()
    reply = client.get(LIST)
    assert (reply.status, reply.json) == (418, {"a": 1})


@pytest.mark.parametrize("name", PRESETS)
def test_presets(client: Any, name: str) -> None:
    client.emulator.inject("/streams", name)
    reply = client.get(LIST)
    wanted = PRESETS[name]
    assert reply.status == wanted["code"]
    body = wanted.get("body")
    if isinstance(body, dict):
        assert reply.json == body
    else:
        assert reply.body.decode() == (body or "")
    assert reply.headers["x-request-id"]
    assert client.emulator.requests[-1].status == wanted["code"]


def test_forms_of_retry_after(client: Any) -> None:
    def header(name: str, **settings: Any) -> Any:
        client.emulator.inject("/streams", name, **settings)
        return client.get(LIST).headers.get("retry-after")

    assert header("throttle_429") is None
    assert header("throttle_429_seconds", retry_after=7) == "7"
    assert header("throttle_429_hour") == "3600"
    assert header("throttle_429_nonsense") == "a while"
    moment = email.utils.parsedate_to_datetime(header("throttle_429_date", retry_after_date=60)).timestamp()
    assert 55 < moment - time.time() <= 60


def test_status_with_anything(client: Any) -> None:
    client.emulator.inject("/streams", "status", code=599, body="<p>", headers={"X-A": "b"}, content_type="text/x")
    reply = client.get(LIST)
    assert (reply.status, reply.body, reply.headers["x-a"], reply.headers["content-type"]) == (
        599,
        b"<p>",
        "b",
        "text/x",
    )


def test_reset_before_any_answer(client: Any) -> None:
    client.emulator.inject("/streams", "reset")
    assert wire(client) == (b"", "reset")
    assert client.emulator.requests[-1].status is None


def test_close_before_any_answer(client: Any) -> None:
    client.emulator.inject("/streams", "close")
    assert wire(client) == (b"", "closed")


def test_close_in_the_middle_of_the_body(client: Any) -> None:
    client.emulator.inject("/streams", "close_mid_body")
    data, end = wire(client)
    length, body = split(data)
    assert (len(body), end) == (length // 2, "closed")


def test_content_length_too_long(client: Any) -> None:
    for hold, ending in ((False, "closed"), (True, "open")):
        client.emulator.inject("/streams", "content_length_too_long", hold=hold)
        data, end = wire(client, 0.2)
        length, body = split(data)
        assert (length - len(body), end) == (10, ending)
        json.loads(body)


def test_content_length_too_short(client: Any) -> None:
    client.emulator.inject("/streams", "content_length_too_short", by=3)
    data, end = wire(client, 0.2)
    length, body = split(data)
    assert (len(body) - length, end) == (3, "open")


def test_silence(client: Any) -> None:
    client.emulator.inject("/streams", "silence")
    assert wire(client, 0.2) == (b"", "open")
    assert client.get(LIST).status == 200
    deadline = time.monotonic() + 2
    while client.emulator.in_flight and time.monotonic() < deadline:
        time.sleep(0.01)
    assert client.emulator.in_flight == 0


@pytest.mark.parametrize("start", ["status", "body"])
def test_drip(client: Any, start: str) -> None:
    client.emulator.inject("/streams", "drip", every=0.04, start=start)
    data, end = wire(client, 0.3)
    pieces = data if start == "status" else data.partition(b"\r\n\r\n")[2]
    assert 1 <= len(pieces) <= 9
    assert (data.startswith(b"HTT"), end) == (True, "open")


def test_a_drip_comes_to_its_end(client: Any) -> None:
    client.emulator.inject("/streams", "drip", every=0)
    reply = client.get(LIST)
    assert (reply.status, reply.json["total_number"]) == (200, 2)


def test_delay(client: Any) -> None:
    client.emulator.inject("/streams", "delay", seconds=0.2)
    start = time.monotonic()
    assert client.get(LIST).status == 200
    assert time.monotonic() - start >= 0.2


def test_gzip_good_and_broken(client: Any) -> None:
    client.emulator.inject("/streams", "gzip")
    reply = client.get(LIST)
    assert reply.headers["content-encoding"] == "gzip"
    assert json.loads(gzip.decompress(reply.body))["total_number"] == 2
    client.emulator.inject("/streams", "bad_gzip")
    with pytest.raises((zlib.error, OSError, EOFError)):
        gzip.decompress(client.get(LIST).body)


def test_bodies_that_are_no_documented_object(client: Any) -> None:
    seen = {}
    for action in ("empty_body", "null_body", "list_body", "html_200", "not_utf8"):
        client.emulator.inject("/streams", action)
        reply = client.get(LIST)
        assert reply.status == 200
        seen[action] = reply.body
    assert (seen["empty_body"], seen["null_body"], seen["list_body"]) == (b"", b"null", b"[]")
    assert seen["html_200"].startswith(b"<html>")
    with pytest.raises(UnicodeDecodeError):
        seen["not_utf8"].decode()


def test_deep_nesting(client: Any) -> None:
    client.emulator.inject("/streams", "deep_nesting", depth=50_000)
    body = client.get(LIST).body
    assert body.count(b"[") == body.count(b"]") == 50_000
    with pytest.raises(RecursionError):
        json.loads(body)


@pytest.mark.parametrize("framing", ["length", "chunked", "close"])
@pytest.mark.parametrize("packed", [False, True])
def test_a_huge_body_is_as_large_as_said_and_valid(client: Any, framing: str, packed: bool) -> None:
    client.emulator.inject("/streams", "huge_body", size=1_000_000, framing=framing, gzip=packed)
    body = client.get(LIST).body
    if packed:
        assert len(body) < 10_000
        body = gzip.decompress(body)
    assert len(body) == 1_000_000
    assert json.loads(body)["total_number"] == 0


def test_a_huge_body_waits_for_its_reader(client: Any) -> None:
    client.emulator.inject("/streams", "huge_body", size=10**12)
    with socket.create_connection(("127.0.0.1", client.emulator.port)) as peer:
        peer.sendall(REQUEST)
        assert b"Content-Length: 1000000000000\r\n" in peer.recv(4096)
        assert client.get(LIST).status == 200  # others are served meanwhile
        time.sleep(0.2)
        waiting = [connection.transport.get_write_buffer_size() for connection in client.emulator._open]
        assert max(waiting) < 1_000_000


def test_every_action_is_tried_here() -> None:
    with open(__file__, encoding="utf-8") as stream:
        text = stream.read()
    assert [action for action in ACTIONS if f'"{action}"' not in text] == []


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"route": "(", "action": "reset"}, "fault.route: '(' is not allowed, expected a regular expression"),
        ({"route": "x", "action": "explode"}, "fault.action: 'explode' is not allowed, expected one of status, "),
        ({"route": "x", "action": "reset", "times": -1}, "fault.times: -1 is not allowed, expected a whole number"),
        ({"route": "x", "action": "reset", "skip": None}, "fault.skip: None is not allowed"),
        ({"route": "x", "action": "drip", "speed": 1}, "fault.speed: this setting is not known to drip, known are e"),
        ({"route": "x", "action": "drip", "start": "end"}, "fault.start: 'end' is not allowed, expected one of stat"),
        ({"route": "x", "action": "status", "code": 99}, "fault.code: 99 is not allowed"),
    ],
)
def test_a_wrong_fault_is_refused(arguments: dict[str, Any], text: str) -> None:
    with pytest.raises(WorldError) as caught:
        Fault(**arguments)
    assert str(caught.value).startswith(text)


# Rate, latency and counting


def test_rate_as_a_bucket(client_of: Any, small: dict[str, Any]) -> None:
    client = client_of(small, rate={"per_second": 5, "burst": 5})
    statuses = [client.get(LIST).status for _number in range(8)]
    assert statuses[:5] == [200] * 5
    assert 429 in statuses[5:]
    assert client.emulator.limiter.refused == statuses.count(429)
    reply = next(reply for reply in iter(lambda: client.get(LIST), None) if reply.status == 429)
    assert (reply.json["error_code"], reply.headers.get("retry-after")) == ("APIG.0308", None)
    time.sleep(0.45)
    assert [client.get(LIST).status for _number in range(2)] == [200, 200]


def test_rate_by_the_second_with_retry_after(client_of: Any, small: dict[str, Any]) -> None:
    small["rate"] = {"per_second": 3, "window": "fixed", "retry_after": 1}
    client = client_of(small)
    replies = [client.get(LIST) for _number in range(5)]
    assert [reply.status for reply in replies] == [200, 200, 200, 429, 429]
    assert replies[-1].headers["retry-after"] == "1"
    time.sleep(1.01)
    assert client.get(LIST).status == 200


@pytest.mark.parametrize(
    "rate", [0, -1, "5", {"window": "fixed"}, {"per_second": 1, "window": "x"}, {"per_second": 1, "a": 2}]
)
def test_a_wrong_rate_is_refused(client_of: Any, small: dict[str, Any], rate: Any) -> None:
    with pytest.raises(WorldError, match=r"^rate"):
        client_of(small, rate=rate)


def test_latency_does_not_block_others(client_of: Any, small: dict[str, Any]) -> None:
    client = client_of(small, latency=0.1)
    start = time.monotonic()
    threads = [threading.Thread(target=client.get, args=(LIST,)) for _number in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 0.1 <= time.monotonic() - start < 0.9
    assert client.emulator.peak_in_flight > 1
    assert client.emulator.connections == 10
    assert client.emulator.in_flight == 0


def test_a_connection_serves_many_requests(client: Any) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", client.emulator.port, timeout=5)
    for _number in range(3):
        connection.request("GET", "/nothing")
        assert connection.getresponse().read()
    connection.close()
    assert (client.emulator.connections, client.emulator.answered) == (1, 3)


def test_requests_sent_ahead_are_answered_in_order(client: Any) -> None:
    with socket.create_connection(("127.0.0.1", client.emulator.port), timeout=5) as peer:
        second = REQUEST.replace(b"orders", b"absent").replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
        peer.sendall(REQUEST[:40])
        peer.sendall(REQUEST[40:] + second)
        data = b""
        while piece := peer.recv(65536):
            data += piece
    assert data.index(b"200 OK") < data.index(b"400 Bad Request")


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"GET /\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nbroken\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n", 413),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", 411),
        (b"GET / HTTP/1.1\r\nA: " + b"a" * 70_000, 431),
    ],
)
def test_malformed_requests(client: Any, head: bytes, status: int) -> None:
    with socket.create_connection(("127.0.0.1", client.emulator.port), timeout=5) as peer:
        peer.sendall(head)
        assert peer.recv(4096).startswith(b"HTTP/1.1 %d " % status)


def test_head_has_no_body_and_a_proxy_request_has_its_path_taken(client: Any) -> None:
    assert client.send("HEAD", "/nothing").body == b""
    reply = client.send("GET", "http://dis.example.invalid/v2/{p}/streams")
    assert reply.json["total_number"] == 3
    client.emulator.inject("^CONNECT ", "proxy_407")
    assert client.send("CONNECT", "dis.example.invalid:443").status == 407


def test_records(client: Any) -> None:
    client.logs("gGGu2WN88XbmRTm64nJ", {"order": "asc"})
    client.get("streams?limit=5&start_stream_name=a%20b")
    first, second = client.emulator.requests
    assert (first.method, first.path, first.status) == ("POST", "/v1/transfertasklog/gGGu2WN88XbmRTm64nJ", 200)
    assert json.loads(first.body) == {"order": "asc"}
    assert first.headers["x-auth-token"] == "ExampleToken"
    assert second.query == [("limit", "5"), ("start_stream_name", "a b")]
    assert first.at <= second.at <= time.monotonic()


def test_records_can_be_left_out(client_of: Any, small: dict[str, Any]) -> None:
    client = client_of(small, record=False)
    assert client.get(LIST).status == 200
    assert (client.emulator.requests, client.emulator.answered) == ([], 1)
