# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One HTTP request at a time over a pool of reused connections (requests' adapter); knows nothing of services or retries."""

from __future__ import annotations

import typing as t

from ansible_collections.hwcloud.streaming.plugins.module_utils._wire.connections import Tally, adapter

BODY_LIMIT = 4 * 1024 * 1024  # bytes, decoded; the largest real page is well under 1 MiB
GZIP_PARTS = 100  # of one answer: each costs a copy of all that is left
TLS_ERRORS = frozenset(
    {"SSLError", "CertificateError", "SSLCertVerificationError", "SSLEOFError", "SSLZeroReturnError"}
)
HOST_MISMATCH = (62, 64)  # OpenSSL's codes for a name and for an address
# What OpenSSL calls it, and what it means. An alert about a certificate speaks of the client's, of which there is none.
TLS_REASONS = (
    (
        (
            "CERTIFICATE_REQUIRED",
            "ALERT_BAD_CERTIFICATE",
            "ALERT_UNKNOWN_CA",
            "ALERT_CERTIFICATE",
            "ALERT_NO_CERTIFICATE",
        ),
        "the service wants a client certificate, which the modules do not have",
    ),
    (
        ("PROTOCOL_VERSION", "UNSUPPORTED_PROTOCOL", "VERSION_TOO_LOW", "WRONG_SSL_VERSION", "NO_PROTOCOLS_AVAILABLE"),
        "the service speaks no version of TLS that this host accepts",
    ),
    (("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "UNKNOWN_PROTOCOL"), "what answers does not speak TLS"),
    (("UNRECOGNIZED_NAME",), "the service does not know this host name"),
    (
        ("HANDSHAKE_FAILURE", "INSUFFICIENT_SECURITY", "NO_SHARED_CIPHER"),
        "the service refuses all that this host offers, or wants a client certificate, which the modules do not have",
    ),
)
WITHOUT_BODY = frozenset({204, 304})
# Of these only the body tells what is the matter ("absent" and "too many requests" come with both).
TOLD_BY_BODY = frozenset({400, 404})
USER_AGENT = "hwcloud.streaming (Ansible collection)"


class MissingRequests(Exception):
    """The library `requests` cannot be imported; the cause is the ImportError."""


class Answer(t.NamedTuple):
    """What came back: the headers' names are in any case, look up with `.get`. opened: a new connection was made for it."""

    status: int
    headers: t.Mapping[str, str]
    content: bytes
    opened: bool = False


class TransportError(Exception):
    """No whole answer came back. Args: kind, whether asking again can help, what happened in words (never a header or body).

    status: the HTTP status, where one came, else 0. opened: whether it was a new connection that failed.
    """

    def __init__(self, kind: str, again: bool, reason: str) -> None:
        super().__init__(reason)
        self.kind = kind
        self.again = again
        self.reason = reason
        self.status = 0
        self.opened = False


class Transport:
    """A pool of at most `size` connections a host. Not thread-safe to build, thread-safe to use.

    `requests.Session` is left out on purpose: it looks up the environment and .netrc anew for each request (and would
    replace our Authorization header with what .netrc says), and costs as much again as its adapter does.
    """

    def __init__(self, size: int, timeout: float, validate_certs: bool, ca_path: str | None) -> None:
        try:
            import requests
            from requests.utils import get_environ_proxies
        except ImportError as error:
            raise MissingRequests() from error
        from urllib3.exceptions import HTTPError

        self._requests = requests
        self._HTTPError = HTTPError
        self._proxies_of = get_environ_proxies
        self._proxies: dict[str, dict[str, str]] = {}
        self._timeout = timeout
        self._tally = Tally()
        self._adapter = adapter(size, validate_certs, ca_path, self._tally)

    @property
    def connections(self) -> int:
        """How many connections have been opened."""
        return len(self._tally)

    @property
    def living(self) -> int:
        """How many connections have brought an answer and are open still."""
        return len(self._tally.living)

    def proxies(self, base: str) -> dict[str, str]:
        """Return the proxies that the environment names for a base URL."""
        if base not in self._proxies:
            proxies = dict(self._proxies_of(base, no_proxy=None))
            _check_proxy(base, proxies)
            self._proxies[base] = proxies
        return self._proxies[base]

    def send(
        self,
        method: str,
        base: str,
        url: str,
        headers: dict[str, str],
        body: bytes,
        longest: float,
        proxied: bool,
        fresh: bool = False,
    ) -> Answer:
        """Send one request and read its whole answer, whatever the status.

        `url` starts with `base` and is sent as it is; a silence of `timeout` seconds (or `longest`, if that is less)
        ends it. `fresh` takes no connection that was used before. Redirects are not followed. Where a status says
        enough, an answer whose body cannot be read has none. Raises TransportError.
        """
        requests = self._requests
        request = requests.PreparedRequest()
        request.method, request.url, request.body = method, url, body or None
        request.headers = requests.structures.CaseInsensitiveDict(headers)
        if body:
            request.headers["Content-Length"] = str(len(body))
        silence = max(0.001, min(self._timeout, longest))
        wanted = self._adapter.wanted
        wanted.fresh, wanted.opened = fresh, False
        try:
            response = self._adapter.send(
                request,
                stream=True,
                timeout=(silence, silence),
                proxies=self.proxies(base) if proxied else {},
            )
        except (requests.RequestException, self._HTTPError, OSError, ValueError) as error:
            failure = _translated(error, silence)
            failure.opened = wanted.opened
            raise failure from None
        status: int = response.status_code
        try:
            content = _read(response.raw, status, response.headers, silence)
            return Answer(status, response.headers, content, wanted.opened)
        except Exception as error:
            response.raw.close()  # what is left on the line must not be taken for the next answer
            response.raw.release_conn()  # the pool waits for every connection to come back, closed or not
            if isinstance(error, TransportError):
                error.status, error.opened = status, wanted.opened
                if not 200 <= status < 300 and status not in TOLD_BY_BODY:
                    return Answer(status, response.headers, b"", wanted.opened)
            raise

    def close(self) -> None:
        """Close the idle connections, and end those whose answer nobody waits for any more: their threads go on at once."""
        self._adapter.close_idle()
        self._adapter.close()
        self._tally.end()


def _check_proxy(base: str, proxies: dict[str, str]) -> None:
    """Refuse a proxy of a kind that cannot be used, naming the variable that it is from."""
    import os
    import sys
    from importlib import import_module

    from requests.utils import select_proxy

    proxy = select_proxy(base, proxies) or ""
    scheme = proxy.partition("://")[0].lower() if "://" in proxy else "http"
    if scheme in ("http", "https"):
        return
    named = (f"{base.partition(':')[0]}_proxy", "all_proxy")
    variables = [name for wanted in named for name in (wanted, wanted.upper()) if os.environ.get(name) == proxy]
    variable = variables[0] if variables else "The proxy variable"
    if scheme not in ("socks4", "socks4a", "socks5", "socks5h"):
        raise TransportError(
            "connection",
            False,
            f"{variable} names a proxy of an unknown kind ({scheme!r}): it takes a URL that begins with http://, https://, "
            "socks5h:// or socks5://; no_proxy lists hosts to reach without it",
        )
    try:
        import_module("socks")  # what urllib3 needs for it
    except ImportError:
        raise TransportError(
            "connection",
            False,
            f"{variable} names a SOCKS proxy ({scheme}://), which takes the library PySocks that the Python of this host "
            f"does not have: {sys.executable} -m pip install 'requests[socks]'; or set a proxy of http://, or no_proxy",
        ) from None


def _read(raw: t.Any, status: int, headers: t.Mapping[str, str], silence: float) -> bytes:
    """Return the decoded body of a urllib3 response, or say in which way it is not whole."""
    from urllib3 import exceptions

    told = headers.get("Content-Length", "")
    number = told.isascii() and told.isdigit() and status not in WITHOUT_BODY
    expected = int(told.lstrip("0")[:20] or 0) if number else None  # it may have thousands of digits
    if expected is not None and expected > BODY_LIMIT:
        raise TransportError("protocol", False, f"the answer is larger than {BODY_LIMIT} bytes")
    try:
        # urllib3 would unpack all that it reads, however much that is, so unpacking is done below.
        content: bytes = raw.read(BODY_LIMIT + 1, decode_content=False)
    except exceptions.ReadTimeoutError:
        raise TransportError("timeout", True, f"the answer stopped for {silence:g} seconds") from None
    except (exceptions.HTTPError, OSError) as error:
        if any(type(link).__name__ == "NoSize" for link in _chain(error)):
            raise TransportError("protocol", True, "a chunk of the answer has a negative size") from None
        raise TransportError("protocol", True, "the answer was cut short") from None
    if len(content) > BODY_LIMIT:
        raise TransportError("protocol", False, f"the answer is larger than {BODY_LIMIT} bytes")
    if expected is not None and raw.tell() < expected:
        raise TransportError("protocol", True, f"the answer was cut short: {raw.tell()} of {expected} bytes")
    raw.release_conn()
    encoding = headers.get("Content-Encoding", "").strip().lower()
    if encoding in ("", "identity"):
        return content
    if encoding not in ("gzip", "x-gzip"):
        raise TransportError("protocol", False, "the answer is compressed in a way that was not asked for")
    return _unpacked(content)


def _unpacked(content: bytes) -> bytes:
    """Return what was packed with gzip, in one or more parts; never more than the limit in memory."""
    import zlib

    unpacked, parts = b"", 0
    while content:
        parts += 1
        if parts > GZIP_PARTS:
            raise TransportError("protocol", False, "the answer's compression is broken")
        part = zlib.decompressobj(wbits=31)
        try:
            unpacked += part.decompress(content, BODY_LIMIT + 1 - len(unpacked))
        except zlib.error:
            raise TransportError("protocol", False, "the answer's compression is broken") from None
        if len(unpacked) > BODY_LIMIT:
            raise TransportError("protocol", False, f"the answer is larger than {BODY_LIMIT} bytes")
        if not part.eof:
            raise TransportError("protocol", True, "the answer was cut short")
        content = part.unused_data.lstrip(b"\0")
    return unpacked


def _translated(error: BaseException, silence: float) -> TransportError:
    """Return what a requests exception means. The reasons are our own words: its text may hold anything."""
    from requests import exceptions

    chain = list(_chain(error))
    names = {type(link).__name__ for link in chain}
    for refusal in (str(link) for link in chain if str(link).startswith("Tunnel connection failed")):
        told = "".join(f" with HTTP {word}" for word in refusal.split()[3:4] if word.isdigit())
        return TransportError("connection", False, f"the proxy refuses the connection{told}")
    if isinstance(error, exceptions.ProxyError) and not names & TLS_ERRORS:
        if names & {"timeout", "TimeoutError", "ReadTimeoutError"}:
            return TransportError("timeout", True, f"no answer within {silence:g} seconds")
        if "RemoteDisconnected" not in names:
            return TransportError("connection", True, "the proxy cannot be reached")
        return TransportError("connection", True, "the connection was closed without an answer")
    if isinstance(error, (exceptions.SSLError, exceptions.ProxyError)):
        if names & {"SSLEOFError", "SSLZeroReturnError", "ConnectionResetError"}:
            return TransportError("connection", True, "the connection was closed during the TLS handshake")
        return TransportError("tls", False, _tls_reason(chain))
    if isinstance(error, exceptions.ConnectTimeout):
        return TransportError("timeout", True, f"no connection within {silence:g} seconds")
    if isinstance(error, exceptions.ReadTimeout):
        return TransportError("timeout", True, f"no answer within {silence:g} seconds")
    if "InvalidHeader" in names:  # of the answer: those of the request are our own
        return TransportError("protocol", False, "the answer has two lengths (Content-Length) that differ")
    if not isinstance(error, exceptions.ConnectionError):
        return TransportError("connection", False, f"the request could not be sent ({type(error).__name__})")
    if names & {"gaierror", "NameResolutionError"}:
        return TransportError("connection", True, "the host name could not be resolved")
    if "ConnectionRefusedError" in names:
        return TransportError("connection", True, "the connection was refused")
    if names & {"ConnectionResetError", "BrokenPipeError"}:
        return TransportError("connection", True, "the connection was reset")
    if "RemoteDisconnected" in names:
        return TransportError("connection", True, "the connection was closed without an answer")
    if "ClosedInHeaders" in names:
        return TransportError("connection", True, "the connection was closed within the answer's headers")
    for link in chain:
        if type(link).__name__ == "Unreadable":
            return TransportError("protocol", False, str(link))
    if names & {"BadStatusLine", "LineTooLong", "UnknownProtocol"}:
        return TransportError("protocol", True, "the answer is not HTTP")
    if "HTTPException" in names:
        return TransportError("protocol", True, "the answer has too many headers")
    return TransportError("connection", True, "the connection failed")


def _tls_reason(chain: t.Iterable[BaseException]) -> str:
    import ssl

    for link in chain:
        if type(link).__name__ == "CertificateError" or getattr(link, "verify_code", 0) in HOST_MISMATCH:
            return "the certificate is not for this host"
        if isinstance(link, ssl.SSLCertVerificationError):
            return f"the certificate was refused: {link.verify_message}"
        if isinstance(link, ssl.SSLError):
            told = f"{getattr(link, 'reason', '')} {link}".upper().replace(
                " ", "_"
            )  # not every Python knows each reason's name
            for words, meaning in TLS_REASONS:
                if any(word in told for word in words):
                    return f"the TLS handshake failed: {meaning}"
    return "the TLS handshake failed"


def _chain(error: BaseException) -> t.Iterator[BaseException]:
    """Yield an exception and all that caused it; requests and urllib3 keep causes in args and `reason` too."""
    seen: set[int] = set()
    todo: list[t.Any] = [error]
    while todo:
        link = todo.pop()
        if not isinstance(link, BaseException) or id(link) in seen:
            continue
        seen.add(id(link))
        yield link
        todo += [link.__cause__, link.__context__, getattr(link, "reason", None), *link.args]
