# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The emulator as one object: takes requests from the connections, asks the services, keeps the records."""

from __future__ import annotations

import asyncio
import itertools
import os
import ssl
import threading
import time
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Callable
from urllib.parse import unquote

from . import errors, iam, kafka, load, metadata, streams
from .auth import authenticate
from .errors import Refusal
from .faults import Fault, Limiter, Player, from_world
from .protocol import Answer, Connection, Request
from .world import Project, World

HOST = "127.0.0.1"


@dataclass
class Record:
    """A request as it came in, and the status that it got (None when it got no status line)."""

    method: str
    path: str
    query: list[tuple[str, str]]
    headers: dict[str, str]
    body: bytes
    status: int | None
    at: float  # seconds of time.monotonic()


class Emulator:
    """IAM, DIS, DMS and the metadata service on one loopback port.

    As a context manager it serves from a thread of its own; ``serve_forever`` serves in the calling one.
    ``world`` is a dictionary, a path, or a World that was loaded already.
    """

    def __init__(
        self,
        world: World | dict[str, Any] | str | os.PathLike[str],
        latency: float = 0.0,
        rate: Any = None,
        clock: Any = None,
        tls: tuple[str, str] | None = None,
        record: bool = True,
        port: int = 0,
    ) -> None:
        self.world = world if isinstance(world, World) else load.read(world, clock)
        self.latency = latency
        self.record = record
        self.requests: list[Record] = []
        self.answered = 0
        self.connections = 0
        self.handshakes = 0
        self.in_flight = 0
        self.peak_in_flight = 0
        self.faults: list[Fault] = []
        self._world_faults = [from_world(item, number) for number, item in enumerate(self.world.faults)]
        self.limiter = Limiter.of(self.world.rate if rate is None else rate)
        self.url = ""
        self.port = port
        self._tls = self._context(tls) if tls else None
        self._ids = itertools.count(1)
        self._id_prefix = os.urandom(8).hex()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._stop: asyncio.Event | None = None
        self._open: set[Connection] = set()
        self._players: set[Player] = set()

    def _context(self, tls: tuple[str, str]) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*tls)

        def hello(_socket: object, _name: object, _context: object) -> None:
            self.connections += 1  # seen before the handshake is done, also when it then fails

        context.sni_callback = hello
        return context

    # Serving

    def __enter__(self) -> Emulator:
        ready = threading.Event()
        failure: list[BaseException] = []

        def run() -> None:
            try:
                asyncio.run(self._serve(ready.set))
            except BaseException as error:  # noqa: BLE001 - handed over to the thread that waits
                failure.append(error)
            finally:
                ready.set()

        self._thread = threading.Thread(target=run, name="emulator", daemon=True)
        self._thread.start()
        ready.wait()
        if failure:
            raise failure[0]
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
        if self._thread is not None:
            self._thread.join(10)

    def serve_forever(self, ready: Callable[[], None]) -> None:
        """Serve in this thread until ``stop``; ``ready`` is called when the port is open."""
        asyncio.run(self._serve(ready))

    def stop(self) -> None:
        """End serving; may be called from any thread or signal handler."""
        if self._loop is not None and self._stop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._stop.set)

    async def _serve(self, ready: Callable[[], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        server = await self._loop.create_server(self._connection, HOST, self.port, ssl=self._tls, backlog=1024)
        self.port = server.sockets[0].getsockname()[1]
        self.url = f"{'https' if self._tls else 'http'}://{HOST}:{self.port}"
        ready()
        await self._stop.wait()
        server.close()
        for player in self._players:
            if player.task is not None:
                player.task.cancel()
        for connection in list(self._open):
            if connection.transport is not None:
                connection.transport.abort()
        await asyncio.sleep(0)

    def _connection(self) -> Connection:
        assert self._loop is not None
        return Connection(self, self._loop)

    # What tests ask for

    def inject(self, route: str, action: str, times: int | None = 1, skip: int = 0, **settings: Any) -> Fault:
        """Let requests meet a fault; its ``hits`` says how many did."""
        fault = Fault(route, action, times, skip, **settings)
        self.faults.append(fault)
        return fault

    def reset(self) -> None:
        """Forget the records, the counters and the injected faults; locked keys are open again."""
        self.requests.clear()
        self.faults.clear()
        self.connections = self.handshakes = self.peak_in_flight = self.answered = 0
        for key in self.world.access_keys.values():
            key.failures = 0

    # What connections ask for

    def opened(self, connection: Connection) -> None:
        """Count a connection."""
        self._open.add(connection)
        if self._tls is None:
            self.connections += 1
        else:
            self.handshakes += 1

    def lost(self, connection: Connection) -> None:
        """Forget a connection."""
        self._open.discard(connection)

    def finished(self) -> None:
        """Count a request that is over."""
        self.in_flight -= 1

    def next_id(self) -> str:
        """A request id, unique in this run."""
        return f"{self._id_prefix}{next(self._ids):016x}"

    def serve(self, connection: Connection, request: Request) -> None:
        """Find the answer, or the fault, and send it after the latency."""
        self.in_flight += 1
        self.answered += 1
        self.peak_in_flight = max(self.peak_in_flight, self.in_flight)
        fault = None
        delay = self.latency
        if self.limiter is not None and not request.path.startswith(_METADATA) and not self.limiter.allows():
            answer = self.limiter.answer
        else:
            if self.faults or self._world_faults:
                fault = self._fault(request)
            if fault is not None and fault.action == "delay":
                delay += float(fault.settings["seconds"])
                fault = None
            if fault is not None:
                player = Player(connection, request, lambda: self.answer(request))
                act = player.prepare(fault)
                self._players = {item for item in self._players if item.task is None or not item.task.done()}
                self._players.add(player)
                self._note(request, player.status)
                self._later(delay, act)
                return
            answer = self.answer(request)
        self._note(request, answer.status)
        if delay:
            self._later(delay, lambda: connection.send(answer, request))
        else:
            connection.send(answer, request)

    def _later(self, delay: float, act: Callable[[], None]) -> None:
        if delay and self._loop is not None:
            self._loop.call_later(delay, act)
        else:
            act()

    def _fault(self, request: Request) -> Fault | None:
        line = f"{request.method} {request.target}"
        for fault in itertools.chain(self.faults, self._world_faults):
            if fault.strikes(line):
                return fault
        return None

    def _note(self, request: Request, status: int | None) -> None:
        if self.record:
            self.requests.append(
                Record(
                    request.method, request.path, request.query, request.headers, request.body, status, time.monotonic()
                )
            )

    def answer(self, request: Request) -> Answer:
        """What the services say to a request when nothing goes wrong on the way."""
        try:
            return self._route(request)
        except Refusal as refusal:
            return refusal.answer

    def _route(self, request: Request) -> Answer:
        world, path = self.world, request.path
        if path.startswith(_METADATA):
            return metadata.answer(world, request)
        parts = [unquote(part) for part in path.split("/")[1:]] if "%" in path else path.split("/")[1:]
        if world.raw and parts[0] in ("v1", "v2"):
            line = f"{request.method} {request.target}"
            for raw in world.raw:
                if raw.route is not None and raw.route.search(line):
                    authenticate(world, request)
                    return streams.literal(raw)
        if parts[0] == "v2" and len(parts) > 2:
            if parts[2] == "streams":
                return streams.answer(world, request, self._project(request, parts[1], "dis"), parts[3:])
            if parts[2] in ("instances", "connectors"):
                return kafka.answer(world, request, self._project(request, parts[1], "dms"), parts[2:])
        elif parts[0] == "v3":
            return iam.answer(world, request, parts[1:])
        elif parts == ["v3.0", "OS-CREDENTIAL", "securitytokens"]:
            return iam.answer_agency(world, request)
        elif parts[0] == "v5":
            return iam.answer_sts(world, request, parts[1:])
        elif parts[:2] == ["v1", "transfertasklog"]:
            return streams.answer_logs(world, request, authenticate(world, request), parts[2:])
        return errors.unknown_path(request)

    def _project(self, request: Request, project_id: str, service: str) -> Project:
        """The project of the path, when who asks may see it."""
        identity = authenticate(self.world, request)
        if identity.project_id not in (None, project_id) or (identity.by_token and identity.project_id is None):
            if service == "dis":
                raise Refusal(errors.dis(403, "4116", f"Invalid RBAC. [{project_id}]"))
            raise Refusal(errors.dms(401, "10240104", "The project ID does not match the token."))
        project = self.world.projects.get(project_id)
        if project is None:
            if service == "dis":
                raise Refusal(errors.dis(400, "4117", "Invalid project id. [Parameter project_id is invalid.]"))
            raise Refusal(errors.dms(400, "00400002", "The project ID format is invalid."))
        return project


_METADATA = ("/meta-data/", "/openstack/")
