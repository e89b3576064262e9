# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The state that the emulator answers from. It is alive: tests may change it between two requests."""

from __future__ import annotations

import hashlib
import secrets
import string
from collections.abc import Iterator
from dataclasses import dataclass, field
from re import Pattern
from typing import Any

from .logs import LogGenerator, LogOwner, LogRows
from .reader import Clock

_LETTERS = string.ascii_letters + string.digits


def short_id(*names: str) -> str:
    """An id as DIS gives them, 19 letters and digits; the same names give the same id."""
    digest = hashlib.sha256("/".join(names).encode()).digest()
    return "".join(_LETTERS[byte % len(_LETTERS)] for byte in digest[:19])


def long_id(*names: str) -> str:
    """An id as DMS gives them, a UUID; the same names give the same id."""
    text = hashlib.sha256("/".join(names).encode()).hexdigest()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:32]}"


@dataclass
class Raw:
    """A literal answer that stands for the computed one."""

    body: bytes
    status: int = 200
    content_type: str = "application/json"
    headers: list[tuple[str, str]] = field(default_factory=list)
    route: Pattern[str] | None = None  # for those that stand for a whole path


@dataclass
class Partition:
    """How far a transfer task has come in one partition of its stream."""

    id: str
    state: str = "RUNNING"
    last_transfer_offset: Any = 0
    last_transfer: int | None = None
    discard: Any = 0
    behind: int | None = None  # records; then the offset follows the end of the stream's partition
    age: int | None = None  # milliseconds that its last transfer stays behind the clock, in a task that is moving
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass
class TransferTask:
    """A dump task of a stream."""

    name: str
    id: str
    state: str
    destination_type: str
    created: int | None
    last_transfer: int | None
    exception_strategy: str | None
    destination: dict[str, Any] | None
    destination_key: str
    partitions: list[Partition]
    logs: LogRows | LogGenerator
    moving: bool = False
    age: int | None = None  # milliseconds that its last transfer stays behind the clock, None when it never transferred
    created_age: int | None = None
    extra: dict[str, Any] = field(default_factory=dict)
    omit: list[str] = field(default_factory=list)
    raw: dict[str, Raw] = field(default_factory=dict)

    def live(self, now: int) -> None:
        """Let time pass. What runs and is moving stays as late as it is, and what is new stays new; the rest grows old.

        Once somebody pauses the task, it stands where it was seen last.
        """
        if not self.moving or self.state != "RUNNING":
            return
        if self.age is not None:
            self.last_transfer = now - self.age
        elif self.created_age is not None:
            self.created = now - self.created_age
        for part in self.partitions:
            if part.age is not None and part.state == "RUNNING":
                part.last_transfer = now - part.age
        self.logs.reach(now)


@dataclass
class End:
    """Where a partition of a stream begins and ends; the end grows with the clock, ``per_minute`` records from ``since`` on."""

    start: int
    end: int
    per_minute: float
    since: int
    status: str = "ACTIVE"
    range: Any = None  # a literal that stands for the computed one

    def at(self, now: int) -> int:
        """The end at a time."""
        return self.end + int(self.per_minute * max(0, now - self.since) / 60_000)


@dataclass
class Stream:
    """A DIS stream with its transfer tasks by name."""

    name: str
    id: str
    status: str
    created: int
    partitions: int
    quota: int | None
    total_number: int | None
    tasks: dict[str, TransferTask] = field(default_factory=dict)
    ends: dict[str, End] = field(default_factory=dict)
    raw: dict[str, Raw] = field(default_factory=dict)


@dataclass
class SinkTask:
    """A sink task of a connector."""

    name: str
    id: str
    status: str
    destination_type: str
    created: int | None
    topics: str | None
    destination: dict[str, Any]
    topics_info: list[dict[str, Any]]
    extra: dict[str, Any] = field(default_factory=dict)
    omit: list[str] = field(default_factory=list)
    raw: dict[str, Raw] = field(default_factory=dict)


@dataclass
class Connector:
    """The connector of an instance with its sink tasks by id."""

    id: str
    max_tasks: int
    quota_tasks: int
    sink_tasks: dict[str, SinkTask] = field(default_factory=dict)
    raw: dict[str, Raw] = field(default_factory=dict)


@dataclass
class SmartConnectTask:
    """A Smart Connect task; ``body`` is what the service says of it, ``id`` and ``status`` among it."""

    id: str
    body: dict[str, Any]
    raw: dict[str, Raw] = field(default_factory=dict)


@dataclass
class SmartConnect:
    """The Smart Connect side of an instance with its tasks by id."""

    max_tasks: int
    quota_tasks: int
    tasks: dict[str, SmartConnectTask] = field(default_factory=dict)
    raw: dict[str, Raw] = field(default_factory=dict)


@dataclass
class Instance:
    """A Kafka instance."""

    id: str
    name: str
    status: str
    engine: str
    created: int
    connector_enable: bool
    connector: Connector | None
    smart_connect: SmartConnect | None
    extra: dict[str, Any] = field(default_factory=dict)
    omit: list[str] = field(default_factory=list)
    raw: dict[str, Raw] = field(default_factory=dict)


@dataclass
class Project:
    """A project: what it holds, by name (streams) and by id (instances)."""

    name: str
    id: str
    streams: dict[str, Stream] = field(default_factory=dict)
    instances: dict[str, Instance] = field(default_factory=dict)
    _tasks: dict[str, tuple[Stream, TransferTask]] = field(default_factory=dict, repr=False)
    _connectors: dict[str, Instance] = field(default_factory=dict, repr=False)

    def all_tasks(self) -> Iterator[tuple[Stream, TransferTask]]:
        """Every transfer task with its stream."""
        return ((stream, task) for stream in self.streams.values() for task in stream.tasks.values())

    def task_by_id(self, task_id: str) -> tuple[Stream, TransferTask] | None:
        """The transfer task with an id. The index is renewed when it does not know, or what it knows is gone."""
        found = self._tasks.get(task_id)
        if found is None or found[0].tasks.get(found[1].name) is not found[1] or found[1].id != task_id:
            self._tasks = {task.id: (stream, task) for stream, task in self.all_tasks()}
            found = self._tasks.get(task_id)
        return found

    def instance_by_connector(self, connector_id: str) -> Instance | None:
        """The instance that a connector belongs to."""
        found = self._connectors.get(connector_id)
        if found is None or found.connector is None or found.connector.id != connector_id:
            self._connectors = {item.connector.id: item for item in self.instances.values() if item.connector}
            found = self._connectors.get(connector_id)
        return found

    def log_owner(self, stream: Stream, task: TransferTask) -> LogOwner:
        """What the rows of a task's log say of it."""
        return LogOwner(task.id, stream.name, stream.id, self.id, task.destination_type)


@dataclass
class User:
    """An IAM user."""

    name: str
    password: str
    domain: str
    id: str
    domain_id: str


@dataclass
class AccessKey:
    """A permanent key, or a temporary one when it has a security token."""

    access_key: str
    secret_key: str
    security_token: str | None = None
    expires: int | None = None
    failures: int = 0
    agency: Agency | None = None  # that it acts as


@dataclass
class Agency:
    """An agency; ``projects`` are those of its account, by id, which nobody else sees (None: all the others)."""

    name: str
    domain: str
    domain_id: str
    projects: frozenset[str] | None = None
    denied: bool = False


@dataclass
class Token:
    """An IAM token and what it is good for; ``project_id`` None means not scoped to a project."""

    value: str
    project_id: str | None
    expires: int | None
    region: str | None = None


@dataclass
class Metadata:
    """The ECS metadata service: ``v1``, ``v2`` or ``off``, and the credential that it hands out."""

    version: str = "off"
    put_status: int = 404
    credential: AccessKey | None = None
    tokens: set[str] = field(default_factory=set)


@dataclass
class Options:
    """How the services behave where that is not known, or differs from place to place; see the README."""

    log_list: str = "list"
    log_error_code: Any = -1
    log_page_cap: int | None = None
    log_growth: int = 0
    log_repeat_page: int | None = None
    log_unknown_task: str = "refuse"
    partition_schema: str = "camel"
    destination_keys: str = "documented"
    stream_id_twice: bool = False
    task_list_ids: bool = True
    task_list_key: str = "tasks"
    task_list_start: bool = True
    task_list_limit: int = 10
    task_list_cap: int = 10
    instance_list_connector_id: bool = True
    instance_exact_name: bool = True
    duplicate_projects: bool = False
    signature_clock: str = "world"
    lock_keys: bool = True
    agency_source_domain_id: str | None = None


@dataclass
class World:
    """Everything: projects by id, credentials, options and the clock."""

    clock: Clock
    region: str
    projects: dict[str, Project]
    users: dict[str, User] = field(default_factory=dict)
    access_keys: dict[str, AccessKey] = field(default_factory=dict)
    tokens: dict[str, Token] = field(default_factory=dict)
    agencies: list[Agency] = field(default_factory=list)
    token_lifetime: int = 86_400_000
    metadata: Metadata = field(default_factory=Metadata)
    options: Options = field(default_factory=Options)
    raw: list[Raw] = field(default_factory=list)
    faults: list[dict[str, Any]] = field(default_factory=list)
    rate: dict[str, Any] | None = None

    @property
    def project(self) -> Project:
        """The first project, the only one in most worlds."""
        return next(iter(self.projects.values()))

    @property
    def streams(self) -> dict[str, Stream]:
        """The streams of the first project by name."""
        return self.project.streams

    @property
    def instances(self) -> dict[str, Instance]:
        """The Kafka instances of the first project by id."""
        return self.project.instances

    def now(self) -> int:
        """Now, in epoch milliseconds, by the world's clock."""
        return self.clock.now()

    def issue_token(self, project_id: str | None) -> Token:
        """A new token, as IAM gives it for a password."""
        token = Token("MIIExampleToken" + secrets.token_hex(24), project_id, self.now() + self.token_lifetime)
        self.tokens[token.value] = token
        return token

    def issue_keys(self, agency: Agency, seconds: int) -> AccessKey:
        """New temporary keys of an agency."""
        key = AccessKey(
            "AKEXAMPLE" + secrets.token_hex(6).upper()[:11],
            "SKExampleAgency" + secrets.token_hex(13)[:25],
            "STExampleAgency" + secrets.token_hex(24) + "==",
            self.now() + seconds * 1000,
            agency=agency,
        )
        self.access_keys[key.access_key] = key
        return key

    def expire_keys(self) -> None:
        """Let all temporary keys of agencies be over."""
        for key in self.access_keys.values():
            if key.agency is not None:
                key.expires = self.now() - 1000

    def sees(self, agency: Agency | None, project_id: str) -> bool:
        """Whether who acts as an agency (None: as itself) may see a project."""
        if agency is not None and agency.projects is not None:
            return project_id in agency.projects
        return not any(project_id in (other.projects or ()) for other in self.agencies)

    def expire_tokens(self) -> None:
        """Let every token that there is be over."""
        for token in self.tokens.values():
            token.expires = self.now() - 1000
