# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is worth an event: one result of a module after the other goes in, what has changed since comes out. No I/O, no clock.

Whether a task is well is what the module says in the task's `problems`. Here it is only remembered what was told.
"""

from __future__ import annotations

import typing as t
from collections.abc import Mapping, Sequence
from urllib.parse import unquote

from ansible_collections.hwcloud.streaming.plugins.module_utils import _judge
from ansible_collections.hwcloud.streaming.plugins.module_utils._states import RUNNING

Facts = t.Mapping[str, t.Any]
Event = t.Dict[str, t.Any]

HEALTHY, UNHEALTHY, MISSING = "healthy", "unhealthy", "missing"


class Shape(t.NamedTuple):
    """Where in a module's result its tasks are, what names one, and what it belongs to."""

    tasks: str
    state: str
    names: tuple[str, ...]  # keys of a task that stand in its events
    key: tuple[str, ...]  # keys of a task that tell it from all others
    parents: str
    parent: str


_INSTANCE = ("instance_name", "instance_id", "task_name")
SHAPES = {
    "dis": Shape(
        "transfer_tasks",
        "state",
        ("stream_name", "task_name"),
        ("stream_name", "task_name"),
        "streams",
        "stream_name",
    ),
    "sink": Shape(
        "sink_tasks",
        "status",
        _INSTANCE,
        ("instance_id", "connector_id", "task_id", "task_name"),
        "connectors",
        "connector_id",
    ),
    "smart_connect": Shape(
        "smart_connect_tasks", "status", _INSTANCE, ("instance_id", "task_id", "task_name"), "instances", "instance_id"
    ),
}


class Condition(t.NamedTuple):
    """How a task is; health None: nothing was known of it."""

    health: str | None
    state: str | None = None


UNKNOWN, ABSENT = Condition(None), Condition(MISSING)


class _Thing:
    """A task, or what was asked for and is not there: what was told of it, and what may have to be told soon."""

    __slots__ = ("agreed", "asked", "facts", "pending", "pending_since", "told")

    def __init__(self, told: Condition, facts: Facts, asked: bool = False) -> None:
        self.told, self.facts, self.asked = told, facts, asked
        self.pending: str | None = None
        self.pending_since = self.agreed = 0


class Watch:
    """Remembers one kind of tasks.

    initial: which of those that are there at the start are told: `all`, `problems`, `none`. confirm: polls in a row that
    must agree before a change is told. states: tell only of tasks that come into or leave one of these; None: of all.
    """

    def __init__(self, kind: str, initial: str, confirm: int, states: t.Collection[str] | None = None) -> None:
        self.kind, self.initial, self.confirm, self.states = kind, initial, confirm, states
        self._shape = SHAPES[kind]
        self._things: dict[tuple[t.Any, ...], _Thing] = {}
        self._first = True  # until all could be read once
        self._failures_told: set[str] = set()  # kinds of failure, since the last poll that went well
        self._error: Facts | None = None
        self.failures = 0  # in a row

    def look(self, result: Facts, now: int) -> list[Event]:
        """Take a module's result of the moment `now` (epoch milliseconds); return what to tell of it."""
        failed = bool(result.get("failed"))
        events = [*(self._gathering(result) if failed else self._recovery())]
        broken = _broken(result) if failed else []
        before = list(self._things.values())
        there = {self._key(task): task for task in result[self._shape.tasks]}
        absent = {tuple(entry.items()): entry for entry in result["not_found"]}
        for key, task in there.items():
            state, problems = task.get(self._shape.state), task["problems"]
            # What the list alone told of a task says that it is ill, never that it is well.
            if failed and state == RUNNING and not self._was_read(task, broken):
                continue
            if key not in self._things:
                self._things[key] = _Thing(UNKNOWN if self._first else ABSENT, task)
            self._things[key].facts = task
            events += self._step(self._things[key], Condition(UNHEALTHY if problems else HEALTHY, state), problems, now)
        for key, entry in absent.items():
            if key not in self._things:
                tells = any(_is_named_by(thing.facts, entry) for thing in before if not thing.asked)
                self._things[key] = _Thing(ABSENT if tells else UNKNOWN, entry, asked=True)
            events += self._step(self._things[key], ABSENT, _not_found(self._shape, entry), now)
        for key in [key for key in self._things if key not in there and key not in absent]:
            thing = self._things[key]
            if failed and not self._is_gone(thing, result, broken, absent.values()):
                continue
            if not thing.asked and thing.told != ABSENT:
                events += self._step(thing, ABSENT, _not_found(self._shape, thing.facts), now)
            if thing.asked or thing.told == ABSENT:
                del self._things[key]
        self._first = self._first and failed
        return events

    def _key(self, task: Facts) -> tuple[t.Any, ...]:
        return tuple(task.get(name) for name in self._shape.key)

    def _step(self, thing: _Thing, seen: Condition, problems: Sequence[str], now: int) -> t.Iterator[Event]:
        """Tell of a thing that was seen so, if that is new and enough polls agree."""
        change = _change(thing.told, seen)
        if change != thing.pending:
            thing.pending, thing.pending_since, thing.agreed = change, now, 0
        thing.agreed += 1
        at_the_start = self._first and thing.told == UNKNOWN
        if change is None or (thing.agreed < self.confirm and not at_the_start):
            return
        was, thing.told, thing.pending = thing.told, seen, None
        if at_the_start:
            kind, wanted = "initial", self.initial == "all" or (self.initial == "problems" and bool(problems))
        else:
            kind = "disappeared" if seen == ABSENT else "appeared" if was == ABSENT else "changed"
            wanted = True
        if self.states is not None and not thing.asked:
            wanted = wanted and any(str(state).upper() in self.states for state in (seen.state, was.state) if state)
        if wanted:
            yield {
                "kind": kind,
                "task_kind": self.kind,
                "health": seen.health,
                "was": was.health,
                "state": seen.state,
                "was_state": was.state,
                "since": thing.pending_since,
                **{name: thing.facts.get(name) for name in self._shape.names},
                "problems": list(problems),
                "task": None if thing.asked else thing.facts,
            }

    def _gathering(self, result: Facts) -> t.Iterator[Event]:
        self.failures += 1
        self._error = result["error"]
        kind = self._error["kind"] if self._error else ""
        if kind not in self._failures_told:
            self._failures_told.add(kind)
            yield {"kind": "gather_failed", "task_kind": self.kind, "error": self._error, "msg": result["msg"]}

    def _recovery(self) -> t.Iterator[Event]:
        if self.failures:
            polls = "1 poll" if self.failures == 1 else f"{self.failures} polls"
            msg = f"Gathering works again, after {polls} that failed."
            yield {"kind": "gather_recovered", "task_kind": self.kind, "error": self._error, "msg": msg}
        self.failures = 0
        self._failures_told.clear()

    def _was_read(self, task: Facts, broken: Sequence[Sequence[str]] | None) -> bool:
        """Tell whether no request for a task or for what it belongs to failed."""
        if broken is None:
            return False
        parent, names = task.get(self._shape.parent), (task["task_name"], task.get("task_id"))
        return not any(path[-1] == parent or (parent in path and path[-1] in names) for path in broken)

    def _is_gone(
        self, thing: _Thing, result: Facts, broken: Sequence[Sequence[str]] | None, absent: t.Iterable[Facts]
    ) -> bool:
        """Tell whether a thing is known to be gone, though something could not be read."""
        if thing.asked or broken is None:
            return False
        if any(_is_named_by(thing.facts, entry) for entry in absent):
            return True
        parent = thing.facts.get(self._shape.parent)
        read = any(entry.get(self._shape.parent) == parent for entry in result[self._shape.parents])
        return read and not any(parent in path for path in broken)


def heartbeat(kind: str, result: Facts) -> Event:
    """Return the event that says that the source is at work, and how things stand."""
    return {
        "kind": "heartbeat",
        "task_kind": kind,
        **{key: result[key] for key in ("summary", "problems", "request_stats")},
    }


def _change(told: Condition, seen: Condition) -> str | None:
    """Return in what two conditions differ, which polls must agree on; a state only where the health is the same."""
    if told.health == MISSING != seen.health:
        return "there"
    if told.health != seen.health:
        return seen.health
    return f"state {seen.state}" if told.state != seen.state else None


def _broken(result: Facts) -> list[list[str]] | None:
    """Return the paths that could not be read, in their parts; None when not all of them are known."""
    errors: Sequence[Facts] = result["errors"]
    if result.get("errors_left_out") or not all(error["path"] for error in errors):
        return None
    return [[unquote(part) for part in error["path"].split("/")] for error in errors]


def _is_named_by(task: Facts, entry: Facts) -> bool:
    """Tell whether an entry of not_found, whose null values say nothing, means a task."""
    return all(task.get(name) == value for name, value in entry.items() if value is not None)


def _not_found(shape: Shape, facts: Mapping[str, t.Any]) -> list[str]:
    """Say that something is not there, in the words of the judgement."""
    return _judge.problems({shape.tasks: [], "not_found": [facts]}, now=0)
