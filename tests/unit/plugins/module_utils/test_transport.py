# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Single requests over real sockets: connections kept and counted, bodies whole or not, what exceptions mean."""

from __future__ import annotations

import builtins
import contextlib
import gzip
import socket
import ssl
import threading
import typing as t
from unittest import mock

import pytest
import requests
import urllib3
from ansible_collections.hwcloud.streaming.plugins.module_utils._wire import connections as _connections
from ansible_collections.hwcloud.streaming.plugins.module_utils._wire import transport as _transport
from ansible_collections.hwcloud.streaming.plugins.module_utils._wire.errors import ConfigurationError
from ansible_collections.hwcloud.streaming.plugins.module_utils._wire.transport import (
    BODY_LIMIT,
    Answer,
    MissingRequests,
    Transport,
    TransportError,
)
from ansible_collections.hwcloud.streaming.tests.emulator import Emulator


@pytest.fixture
def emulator() -> t.Iterator[Emulator]:
    with Emulator({"credentials": {"tokens": [{"token": "ExampleToken"}]}, "generate": {"streams": 1}}) as running:
        yield running


def get(transport: Transport, url: str, path: str = "/v3/projects", **headers: str) -> Answer:
    given = {"X-Auth-Token": "ExampleToken", **headers}
    return transport.send("GET", url, url + path, given, b"", 10, True)


def made(**settings: t.Any) -> Transport:
    return Transport(**{"size": 2, "timeout": 5.0, "validate_certs": True, "ca_path": None, **settings})


def test_connections_are_kept_and_counted(emulator: Emulator) -> None:
    transport = made()
    assert transport.connections == 0
    for _time in range(5):
        assert get(transport, emulator.url).status == 200
    assert transport.connections == emulator.connections == 1
    emulator.inject(".", "reset")
    with pytest.raises(TransportError):
        get(transport, emulator.url)
    get(transport, emulator.url)
    assert transport.connections == emulator.connections == 2
    transport.close()


def test_a_fresh_connection_is_none_that_was_used_before(emulator: Emulator) -> None:
    transport = made(size=1)
    for fresh, opened in ((False, 1), (False, 1), (True, 2), (False, 2), (True, 3)):
        transport.send("GET", emulator.url, emulator.url + "/v3/projects", {}, b"", 10, True, fresh)
        assert transport.connections == opened


def test_a_refused_connection_is_none() -> None:
    transport = made()
    with pytest.raises(TransportError) as refused:
        get(transport, "http://127.0.0.1:1")
    assert (refused.value.kind, refused.value.again) == ("connection", True)
    assert transport.connections == 0


def test_the_url_is_sent_as_it_is_and_errors_have_bodies(emulator: Emulator) -> None:
    answer = get(made(), emulator.url, "/v9/a%20b/%7E?x=%2F+y&a=1")
    assert answer.status == 404
    assert b"error_code" in answer.content
    assert answer.headers.get("CONTENT-LENGTH") == str(len(answer.content))
    assert emulator.requests[0].path == "/v9/a%20b/%7E"


def test_bodies_and_headers_as_given(emulator: Emulator) -> None:
    made().send("POST", emulator.url, emulator.url + "/v3/auth/tokens", {"X-Own": "1"}, b"{}", 10, True)
    made().send("PUT", emulator.url, emulator.url + "/x", {}, b"", 10, True)
    post, put = emulator.requests
    assert (post.body, post.headers["content-length"], post.headers["x-own"]) == (b"{}", "2", "1")
    assert put.headers["content-length"] == "0"


def test_proxies_are_looked_up_once_for_a_base() -> None:
    transport = made()
    with mock.patch.dict("os.environ", {"http_proxy": "http://p:1", "no_proxy": "other"}, clear=True):
        assert transport.proxies("http://h")["http"] == "http://p:1"
        assert "http" not in transport.proxies("http://other")
    assert transport.proxies("http://h")["http"] == "http://p:1"


RIGHT, WRONG = b'{"state": "PAUSED"}', b'{"state": "RUNNING"}'


def final(body: bytes, head: bytes = b"") -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n%s\r\n%s" % (len(body), head, body)


@contextlib.contextmanager
def playing(*answers: bytes) -> t.Iterator[tuple[str, list[int], list[socket.socket]]]:
    """A server that gives one of the answers to each question, over all connections; yields its address, the
    number of the connection that each question came on, and the connections."""
    listener = socket.create_server(("127.0.0.1", 0))
    left = list(answers)
    came: list[int] = []
    clients: list[socket.socket] = []

    def talk(client: socket.socket, number: int) -> None:
        with client, contextlib.suppress(OSError):
            while client.recv(65536):
                came.append(number)
                client.sendall(left.pop(0) if left else final(WRONG))

    def serve() -> None:
        with contextlib.suppress(OSError):
            for number in range(100):
                clients.append(listener.accept()[0])
                threading.Thread(target=talk, args=(clients[-1], number), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    with listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", came, clients


HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </x>; rel=preload\r\n\r\n"


@pytest.mark.parametrize(
    "interim",
    [
        b"HTTP/1.1 100 Continue\r\n\r\n",
        HINTS,
        b"HTTP/1.1 102 Processing\r\n\r\n",
        b"HTTP/1.1 199 Own\r\nContent-Length: 20\r\n\r\n",
        HINTS + b"HTTP/1.1 100 Continue\r\n\r\n" + HINTS,
        HINTS * _connections.INTERIM_LIMIT,
    ],
)
def test_interim_answers_are_read_over(interim: bytes) -> None:
    other = b'{"state": "STARTING"}'
    with playing(interim + final(RIGHT), interim + final(other), final(RIGHT)) as (url, came, _clients):
        transport = made()
        told = [get(transport, url).content for _time in range(3)]
    assert told == [RIGHT, other, RIGHT]
    assert came == [0, 0, 0]  # the connection is whole and kept


def test_interim_answers_without_end_are_a_failure() -> None:
    with playing(HINTS * (_connections.INTERIM_LIMIT + 1) + final(WRONG), final(RIGHT)) as (url, came, _clients):
        transport = made()
        with pytest.raises(TransportError, match="not HTTP"):
            get(transport, url)
        assert get(transport, url).content == RIGHT
    assert came == [0, 1]


def test_what_a_library_may_stumble_over_is_not_read() -> None:
    odd = (b"Content-Type: application/json; charset\r\n", b"Set-Cookie: =;;; expires=never; path\r\n")
    with playing(*(final(RIGHT, head) for head in odd)) as (url, came, _clients):
        transport = made(size=1)
        assert [get(transport, url).content for _head in odd] == [RIGHT, RIGHT]
    assert came == [0, 0]


def test_another_protocol_is_a_failure() -> None:
    with playing(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n" + final(WRONG), final(RIGHT)) as (
        url,
        came,
        _clients,
    ):
        transport = made()
        with pytest.raises(TransportError, match="HTTP 101") as refused:
            get(transport, url)
        assert (refused.value.kind, refused.value.again) == ("protocol", False)
        assert get(transport, url).content == RIGHT
    assert came == [0, 1]


@pytest.mark.parametrize(
    "first",
    [
        final(RIGHT) + final(WRONG),
        final(RIGHT) + b"x",
        final(RIGHT) + b"\r\n" + final(WRONG),
        final(RIGHT) + final(WRONG) * 5000,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n13\r\n" + RIGHT + b"\r\n0\r\n\r\n" + final(WRONG),
        final(gzip.compress(RIGHT, mtime=0), b"Content-Encoding: gzip\r\n") + final(WRONG),
        final(RIGHT, b"Content-Type: x\r\n") + HINTS + final(WRONG),
    ],
)
def test_what_comes_after_the_end_is_nobodys_answer(first: bytes) -> None:
    with playing(first, final(b"{}")) as (url, came, _clients):
        transport = made(size=1)
        assert get(transport, url).content == RIGHT
        assert get(transport, url).content == b"{}"
    assert came == [0, 1]


@pytest.mark.parametrize("status", [b"204 No Content", b"304 Not Modified"])
def test_a_body_where_none_may_be_is_nobodys_answer(status: bytes) -> None:
    with playing(b"HTTP/1.1 " + status + b"\r\n\r\n" + final(WRONG), final(RIGHT)) as (url, came, _clients):
        transport = made(size=1)
        assert get(transport, url).content == b""
        assert get(transport, url).content == RIGHT
    assert came == [0, 1]


@pytest.mark.parametrize("head", [b"Content-Length: 19\r\n", b"Content-Length: 19, 19\r\n"])
def test_a_length_may_be_told_twice(head: bytes) -> None:
    with playing(final(RIGHT, head), final(RIGHT)) as (url, came, _clients):
        transport = made(size=1)
        assert get(transport, url).content == RIGHT
        assert get(transport, url).content == RIGHT
    assert came == [0, 0]


def test_an_answer_to_nothing_is_nobodys() -> None:
    """It comes while the connection lies in the pool."""
    with playing(final(RIGHT), final(RIGHT)) as (url, came, clients):
        transport = made(size=1)
        assert get(transport, url).content == RIGHT
        clients[0].sendall(final(WRONG))
        assert get(transport, url).content == RIGHT
    assert came == [0, 1]


def test_a_new_connection_is_made_only_where_no_living_one_is_idle() -> None:
    with playing(final(RIGHT), final(RIGHT)) as (url, came, _clients):
        transport = made(size=8)
        assert get(transport, url).opened
        assert transport.living == 1
        pool = transport._adapter.get_connection(url)
        living, failed, _given_up = (pool._get_conn() for _time in range(3))
        for connection in (living, failed, None):  # one that could not be opened, and one that was given up
            pool._put_conn(connection)
        assert not get(transport, url).opened
        assert came == [0, 0]
        transport.close()
    assert transport.living == 0


def test_close_closes() -> None:
    ended = threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        client = listener.accept()[0]
        with client:
            client.recv(65536)
            client.sendall(final(RIGHT))
            if client.recv(65536) == b"":
                ended.set()

    threading.Thread(target=serve, daemon=True).start()
    with listener:
        transport = made()
        get(transport, f"http://127.0.0.1:{listener.getsockname()[1]}")
        assert not ended.is_set()
        transport.close()
        assert ended.wait(5)


class Raw:
    """A urllib3 response of known bytes."""

    def __init__(self, content: bytes) -> None:
        self.content, self.released = content, False

    def read(self, amount: int, decode_content: bool) -> bytes:
        assert not decode_content
        return self.content[:amount]

    def tell(self) -> int:
        return len(self.content)

    def release_conn(self) -> None:
        self.released = True


def read(content: bytes, status: int = 200, **headers: str) -> bytes:
    raw = Raw(content)
    told = _transport._read(raw, status, {name.replace("_", "-"): value for name, value in headers.items()}, 1.0)
    assert raw.released
    return told


def test_whole_bodies() -> None:
    assert read(b"abc") == b"abc"
    assert read(b"abc", Content_Length="3") == b"abc"
    assert read(b"abc", Content_Length="nonsense") == b"abc"
    assert read(b"abc", Content_Encoding="identity") == b"abc"
    assert read(gzip.compress(b"abc", mtime=0), Content_Encoding=" GZIP ") == b"abc"
    assert read(gzip.compress(b"abc", mtime=0) + gzip.compress(b"def"), Content_Encoding="x-gzip") == b"abcdef"
    assert read(gzip.compress(b"abc", mtime=0) + b"\0\0", Content_Encoding="gzip") == b"abc"
    assert read(b"", Content_Encoding="gzip") == b""
    assert read(b"", Server="no length") == b""
    assert read(b"", 204, Content_Length="100") == read(b"", 304, Content_Length="100") == b""


@pytest.mark.parametrize(
    ("content", "headers", "again", "says"),
    [
        (b"abc", {"Content_Length": "4"}, True, "cut short: 3 of 4 bytes"),
        (b"", {"Content_Length": str(BODY_LIMIT + 1)}, False, "larger than 4194304 bytes"),
        (gzip.compress(b"abc", mtime=0)[:-5], {"Content_Encoding": "gzip"}, True, "cut short"),
        (b"abc", {"Content_Encoding": "gzip"}, False, "compression is broken"),
        (gzip.compress(b"", mtime=0) * 101, {"Content_Encoding": "gzip"}, False, "compression is broken"),
        (
            gzip.compress(b"abc", mtime=0) + b"no gzip at all",
            {"Content_Encoding": "gzip"},
            False,
            "compression is broken",
        ),
        (b"abc", {"Content_Encoding": "br"}, False, "was not asked for"),
    ],
)
def test_bodies_that_are_not(content: bytes, headers: dict[str, str], again: bool, says: str) -> None:
    with pytest.raises(TransportError, match=says) as refused:
        read(content, **headers)
    assert (refused.value.kind, refused.value.again) == ("protocol", again)


@pytest.mark.parametrize("packed", [False, True])
def test_the_limit_is_the_last_byte_that_is_taken(packed: bool) -> None:
    headers = {"Content_Encoding": "gzip"} if packed else {}
    with mock.patch.object(_transport, "BODY_LIMIT", 1000):
        for size, too_large in ((1000, False), (1001, True), (100_000, True)):
            content = b"a" * size
            content = gzip.compress(content, mtime=0) if packed else content
            if too_large:
                with pytest.raises(TransportError, match="larger than 1000 bytes"):
                    read(content, **headers)
            else:
                assert len(read(content, **headers)) == size


def caused(error: BaseException, cause: BaseException) -> BaseException:
    error.__cause__ = cause
    return error


def verification(code: int, message: str) -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, message)
    error.verify_code, error.verify_message = code, message
    return error


EXCEPTIONS: list[tuple[BaseException, tuple[str, bool, str]]] = [
    (requests.ConnectTimeout(), ("timeout", True, "no connection within 2 seconds")),
    (requests.ReadTimeout(), ("timeout", True, "no answer within 2 seconds")),
    (requests.ConnectionError(ConnectionRefusedError()), ("connection", True, "the connection was refused")),
    (requests.ConnectionError(ConnectionResetError()), ("connection", True, "the connection was reset")),
    (requests.ConnectionError(BrokenPipeError()), ("connection", True, "the connection was reset")),
    (requests.ConnectionError(OSError("no route")), ("connection", True, "the connection failed")),
    (
        requests.exceptions.InvalidHeader("X"),
        ("protocol", False, "the answer has two lengths (Content-Length) that differ"),
    ),
    (ValueError("secret"), ("connection", False, "the request could not be sent (ValueError)")),
    (
        urllib3.exceptions.LocationParseError("x"),
        ("connection", False, "the request could not be sent (LocationParseError)"),
    ),
    (
        requests.exceptions.ProxyError(ConnectionRefusedError()),
        ("connection", True, "the proxy cannot be reached"),
    ),
    (
        requests.exceptions.ProxyError(OSError("Tunnel connection failed: 407 Proxy Authentication Required")),
        ("connection", False, "the proxy refuses the connection with HTTP 407"),
    ),
    (requests.exceptions.ProxyError(TimeoutError()), ("timeout", True, "no answer within 2 seconds")),
    (requests.exceptions.ProxyError(ssl.SSLError(1, "x")), ("tls", False, "the TLS handshake failed")),
    (
        requests.exceptions.SSLError(verification(10, "certificate has expired")),
        ("tls", False, "the certificate was refused: certificate has expired"),
    ),
    (requests.exceptions.SSLError(verification(62, "x")), ("tls", False, "the certificate is not for this host")),
    (requests.exceptions.SSLError(verification(64, "x")), ("tls", False, "the certificate is not for this host")),
    (requests.exceptions.SSLError("x"), ("tls", False, "the TLS handshake failed")),
    (
        requests.exceptions.SSLError(ssl.SSLEOFError()),
        ("connection", True, "the connection was closed during the TLS handshake"),
    ),
    (
        caused(requests.ConnectionError(), caused(ValueError(), ConnectionRefusedError())),
        ("connection", True, "the connection was refused"),
    ),
]


@pytest.mark.parametrize(("error", "meaning"), EXCEPTIONS, ids=lambda value: repr(value)[:60])
def test_what_exceptions_mean(error: BaseException, meaning: tuple[str, bool, str]) -> None:
    told = _transport._translated(error, 2.0)
    assert (told.kind, told.again, told.reason) == meaning


def test_causes_that_go_in_a_circle() -> None:
    first, second = ValueError(), KeyError()
    first.__cause__, second.__cause__ = second, first
    assert {type(link) for link in _transport._chain(first)} == {ValueError, KeyError}


def test_one_context_for_all_connections() -> None:
    context = _connections.tls_context(True, None)
    assert context.verify_mode == ssl.CERT_REQUIRED
    assert context.check_hostname is not urllib3.__version__.startswith("1.")
    context = _connections.tls_context(False, None)
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_NONE, False)
    adapter = made()._adapter
    assert adapter._context() is adapter._context()


@pytest.mark.parametrize("content", [None, "", "no certificate"])
def test_a_bundle_that_is_none(content: str | None, tmp_path: t.Any) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ConfigurationError, match=r"^ca_path is .* not a readable file of PEM certificates"):
        _connections.tls_context(True, str(path))


def test_requests_that_is_not_there() -> None:
    real = builtins.__import__

    def without(name: str, *rest: t.Any) -> t.Any:
        if name == "requests":
            raise ImportError("No module named 'requests'")
        return real(name, *rest)

    with mock.patch.object(builtins, "__import__", without), pytest.raises(MissingRequests) as missing:
        made()
    assert isinstance(missing.value.__cause__, ImportError)
