# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pool below the transport: TLS once, connections that are counted, none reused on which anything may still come."""

from __future__ import annotations

import typing as t
from weakref import ReferenceType, ref

from ansible_collections.hwcloud.streaming.plugins.module_utils._wire.errors import ConfigurationError

INTERIM_LIMIT = 20  # interim answers (1xx) before the one that counts


class Tally:
    """Counts without a lock: list.append, set.add and set.discard are atomic."""

    def __init__(self) -> None:
        self._opened: list[ReferenceType[t.Any]] = []
        self.living: set[int] = set()  # ids of the connections that have brought an answer and are open still

    def __len__(self) -> int:
        return len(self._opened)

    def add(self, connection: t.Any) -> None:
        self._opened.append(ref(connection))

    def end(self) -> None:
        """End the connections that are still open, whoever reads from them."""
        from socket import SHUT_RDWR

        for opened in self._opened:
            line = getattr(opened(), "sock", None)
            if line is not None:
                try:
                    line.shutdown(SHUT_RDWR)
                except (OSError, ValueError):  # it has ended by itself
                    pass


def adapter(size: int, validate_certs: bool, ca_path: str | None, tally: Tally) -> t.Any:
    """Return an HTTPAdapter with a blocking pool and one TLS context for all of its connections.

    requests hands the CA bundle to each new connection by path, which parses it each time; a shared context parses it
    once. The context also makes `validate_certs` the only thing that decides, whatever the environment says.
    """
    from threading import Lock, local

    from requests.adapters import HTTPAdapter

    class Adapter(HTTPAdapter):
        wanted = local()  # what the request of this thread wants of its connection
        _lock = Lock()
        _tls: dict[str, t.Any] = {}

        def _context(self) -> dict[str, t.Any]:
            if not self._tls:
                requirement = "CERT_REQUIRED" if validate_certs else "CERT_NONE"
                self._tls = {"ssl_context": tls_context(validate_certs, ca_path), "cert_reqs": requirement}
            return self._tls

        def _own(self, manager: t.Any) -> t.Any:
            if not hasattr(manager, "own"):
                kinds = manager.pool_classes_by_scheme
                manager.pool_classes_by_scheme = {
                    scheme: _pool_class(kind, tally, self.wanted) for scheme, kind in kinds.items()
                }
                manager.own = True
            return manager

        def close_idle(self) -> None:
            for manager in (self.poolmanager, *self.proxy_manager.values()):
                for key in manager.pools.keys():  # noqa: SIM118  # no dict: it cannot be iterated
                    pool = manager.pools.get(key)
                    if pool is not None:
                        pool.close()

        def get_connection(self, url: t.Any, proxies: t.Any = None) -> t.Any:  # requests before 2.32
            with self._lock:
                proxy = _proxy(url, proxies)
                through = self._context() if proxy and proxy.startswith("https:") else {}
                secure = self._context() if url.startswith("https:") else through
                own = {"proxy_ssl_context": through["ssl_context"]} if through else {}
                manager = self.proxy_manager_for(proxy, **own) if proxy else self.poolmanager
                return self._own(manager).connection_from_url(url, pool_kwargs=secure)

        def get_connection_with_tls_context(
            self, request: t.Any, verify: t.Any, proxies: t.Any = None, cert: t.Any = None
        ) -> t.Any:
            return self.get_connection(request.url, proxies)

        def cert_verify(self, conn: t.Any, url: t.Any, verify: t.Any, cert: t.Any) -> None:
            """Leave the connection alone: the shared context has been told."""

        build_response = _bare_response  # type: ignore[assignment]  # parameters of other names

    return Adapter(pool_connections=8, pool_maxsize=size, pool_block=True, max_retries=0)


def _bare_response(_adapter: t.Any, _request: t.Any, raw: t.Any) -> t.Any:
    """Return what is read of an answer. Encoding and cookies are not, and some versions of requests fail on them."""
    from requests import Response
    from requests.structures import CaseInsensitiveDict

    response = Response()
    response.status_code, response.headers, response.raw = raw.status, CaseInsensitiveDict(raw.headers), raw
    return response


def _proxy(url: str, proxies: t.Any) -> str | None:
    from requests.utils import select_proxy

    proxy = select_proxy(url, proxies) if proxies else None
    return proxy if not proxy or "://" in proxy else f"http://{proxy}"


def _pool_class(kind: t.Any, tally: Tally, wanted: t.Any) -> t.Any:
    """Return a kind of pool that counts what it opens and takes no connection back on which anything may still come."""
    from queue import LifoQueue

    from urllib3.exceptions import ClosedPoolError

    response_class = _response_class()

    class Idle(LifoQueue[t.Any]):
        def _put(self, item: t.Any) -> None:
            """Keep living connections on top: a new one is made only where none of them is idle."""
            if getattr(item, "sock", None) is None:
                self.queue.insert(0, item)
            else:
                super()._put(item)

    class Connection(kind.ConnectionCls):  # type: ignore[misc]  # the class is known at run time only
        last: t.Any = None

        def _new_conn(self) -> t.Any:
            wanted.opened = True
            opened = super()._new_conn()
            tally.add(self)
            return opened

        def response_class(self, *args: t.Any, **named: t.Any) -> t.Any:
            self.last = response_class(*args, **named)
            return self.last

        def close(self) -> None:
            self.last = None
            tally.living.discard(id(self))
            super().close()

    class Pool(kind):  # type: ignore[misc]  # likewise
        ConnectionCls = Connection
        QueueCls = Idle

        def _get_conn(self, timeout: float | None = None) -> t.Any:
            connection = super()._get_conn(timeout=timeout)
            if wanted.fresh:
                connection.close()  # a closed one is opened anew
            return connection

        def _put_conn(self, conn: t.Any) -> None:
            last = getattr(conn, "last", None)
            if last is not None and (last.more or not last.isclosed()):
                conn.close()
            if getattr(conn, "sock", None) is not None:
                tally.living.add(id(conn))
            try:
                super()._put_conn(conn)
            except ClosedPoolError:  # the call is over
                if conn is not None:
                    conn.close()

    return Pool


class Lines:
    """A reader that knows the last line that was read."""

    last = b""

    def __init__(self, reader: t.Any) -> None:
        self.reader = reader

    def readline(self, limit: int = -1) -> bytes:
        self.last = self.reader.readline(limit)
        return self.last

    def __getattr__(self, name: str) -> t.Any:
        return getattr(self.reader, name)


def _lengths(headers: t.Any) -> set[str]:
    """Return the lengths that an answer tells, each once; "" is one that is no number."""
    told = {part.strip()[:20] for value in headers.get_all("Content-Length", ()) for part in value.split(",")}
    return {length if length.isascii() and length.isdigit() else "" for length in told}


def _response_class() -> t.Any:
    """Return http.client's response, which skips 100 only, as one that reads on after each interim answer.

    Left on the connection, the final answer would be taken for that of the next question.
    """
    from http.client import BadStatusLine, HTTPException, HTTPResponse, RemoteDisconnected, parse_headers

    class NoSize(HTTPException):
        """A chunk's size is negative."""

    class Unreadable(HTTPException):
        """Nobody can say where the answer ends; the argument says why."""

    class ClosedInHeaders(RemoteDisconnected):
        """The connection was closed before the line that ends the headers."""

    class Response(HTTPResponse):
        more = False  # whether something came after the end of the answer

        def begin(self) -> None:
            lines: t.Any = Lines(self.fp)
            self.fp = lines
            try:
                super().begin()
            finally:
                self.fp = self.fp and lines.reader
            if lines.last not in (b"\r\n", b"\n"):
                raise ClosedInHeaders("")
            if self.headers.defects:  # after a line that is no header all others, the length too, would count as text
                raise Unreadable("the answer's headers are broken")
            lengths = set() if self.chunked or self.length is not None else _lengths(self.headers)
            if "" in lengths:
                raise Unreadable("the answer's length (Content-Length) is no number")
            if len(lengths) == 1:
                self.length = int(*lengths)  # http.client takes one that was told twice for none

        def _read_status(self) -> tuple[str, int, str]:
            for _interim in range(INTERIM_LIMIT + 1):
                told: tuple[str, int, str] = super()._read_status()  # type: ignore[misc]  # typeshed has no private names
                if told[1] == 101:
                    raise Unreadable("the answer switches to another protocol (HTTP 101)")
                if told[1] >= 200:
                    return told
                parse_headers(self.fp)
            raise BadStatusLine("too many interim answers")

        def _read_next_chunk_size(self) -> int:
            size: int = super()._read_next_chunk_size()  # type: ignore[misc]  # likewise
            if size < 0:  # http.client takes it for a number like any other
                raise NoSize
            return size

        def _close_conn(self) -> None:
            if self.fp is not None:
                self.more = self.more or _more(self.fp)
            super()._close_conn()  # type: ignore[misc]  # likewise

    return Response


def _more(reader: t.Any) -> bool:
    """Tell without waiting whether there is something more to read, in the buffers or on the line."""
    from ssl import SSLWantReadError

    try:
        line = reader.raw._sock
        timeout = line.gettimeout()
        line.settimeout(0)
        try:
            return bool(reader.peek(1))
        finally:
            line.settimeout(timeout)
    except SSLWantReadError:
        return False
    except (AttributeError, OSError, ValueError):
        return True  # whatever it is, nobody knows what comes next


def tls_context(validate_certs: bool, ca_path: str | None) -> t.Any:
    import os
    import ssl

    import urllib3
    from requests.utils import DEFAULT_CA_BUNDLE_PATH

    if not validate_certs:
        urllib3.disable_warnings()  # the module warns once, by itself
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context
    bundle = ca_path or DEFAULT_CA_BUNDLE_PATH
    try:
        folder = os.path.isdir(bundle)
        context = ssl.create_default_context(cafile=None if folder else bundle, capath=bundle if folder else None)
    except (ssl.SSLError, OSError):
        raise ConfigurationError(
            f"ca_path is {bundle!r}, which is not a readable file of PEM certificates on the host that the module runs on"
            " (REQUESTS_CA_BUNDLE, OS_CACERT, CURL_CA_BUNDLE and SSL_CERT_FILE set it too)."
        ) from None
    # urllib3 1 keeps an IP address from the context, which could not compare it then; it compares all names itself.
    context.check_hostname = not getattr(urllib3, "__version__", "").startswith("1.")
    return context
