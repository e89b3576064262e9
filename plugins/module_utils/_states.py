# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with a task by its states alone: the part of the judging rules that the modules need on the managed host."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping, Sequence

RUNNING = "RUNNING"
# What a partition may be: at work, or left behind by resharding and needed by nobody.
WELL_PARTITIONS = (RUNNING, "ACTIVE", "DELETED", "EXPIRED")
SHAPE = (
    "expected a task, a list of tasks, or the registered result of a hwcloud.streaming module"
    " (also of a loop, with results)"
)


class JudgeError(ValueError):
    """An argument, or the thing to be judged, is not what it has to be; the message says what was expected."""


def state_problems(task: Mapping[str, t.Any]) -> list[str]:
    """Return what is wrong with one task by its state and the states of its partitions alone."""
    return list(_state_problems(task, "state" if _kind(task) == "dis" else "status"))


def _state_problems(task: Mapping[str, t.Any], key: str) -> t.Iterator[str]:
    place = _place(task)
    state = task.get(key)
    if state != RUNNING:
        yield f"{place}: {key} " + ("not known" if state is None else f"is {_flat(state)}, not {RUNNING}")
    if key == "state":
        for partition in _entries(task.get("partitions") or (), "partitions"):
            yield from _partition_problems(place, _mapping(partition, "partitions"), "state")
        return
    for topic in _entries(task.get("topics_info") or (), "topics_info"):
        name = f"{place}, topic {_flat(_mapping(topic, 'topics_info').get('topic'))}"
        for partition in _entries(topic.get("partitions") or (), "partitions"):
            yield from _partition_problems(name, _mapping(partition, "partitions"), "status")


def _partition_problems(place: str, partition: Mapping[str, t.Any], key: str) -> t.Iterator[str]:
    state = partition.get(key)
    if state not in WELL_PARTITIONS:
        told = f"{key} not known" if state is None else f"{key} is {_flat(state)}, not {RUNNING}"
        yield f"{place}, partition {_flat(partition.get('partition_id'))}: {told}"


def _kind(task: Mapping[str, t.Any]) -> str:
    """Return `log`, `smart_connect`, `sink` or `dis`: which figures a task has follows from it."""
    if "transfer_task_id" in task:
        if "last_ended_at" in task:
            return "log"
        raise JudgeError(f"{SHAPE}, got an entry of logs: give the whole result")
    if "status" in task:
        if "topics_info" in task and "connector_id" in task:
            return "sink"
        if "sink_type" in task or "source_type" in task:
            return "smart_connect"
        if "topics_info" in task or "connector_id" in task or "state" not in task:
            return "sink"
    if "state" in task:
        return "dis"
    raise JudgeError(f"{SHAPE}, got something that has neither state nor status")


def _place(task: Mapping[str, t.Any]) -> str:
    """Name a task, or what was not found: stream or connector or instance, then the task, as far as they are known."""
    instance = task.get("instance_name") or task.get("instance_id")
    parts = []
    if task.get("stream_name"):
        parts.append(f"stream {task['stream_name']}")
    if task.get("connector_id"):
        parts.append(f"connector {task['connector_id']}" + (f" (instance {instance})" if instance else ""))
    elif instance:
        parts.append(f"instance {instance}")
    name = task.get("task_name") or task.get("task_id") or task.get("transfer_task_id")
    if name:
        parts.append(f"task {name}")
    return _flat(", ".join(parts) or "a task without a name")


def _entries(value: t.Any, what: str) -> Sequence[t.Any]:
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        return value
    raise JudgeError(f"{SHAPE}, got {_shown(value)}" + ("" if what == "the value" else f" as {what}"))


def _mapping(value: t.Any, what: str) -> Mapping[str, t.Any]:
    if isinstance(value, Mapping):
        return value
    raise JudgeError(f"{SHAPE}, got {_shown(value)} in {what}")


def _shown(value: t.Any) -> str:
    return repr(value) if isinstance(value, (str, int, float)) else f"a value of type {type(value).__name__}"


def _flat(value: t.Any) -> str:
    return " ".join(str(value).split())
