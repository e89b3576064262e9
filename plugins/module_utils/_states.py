# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with a task by its states alone, and how problems are told: names, ages, foreign values on one line.

This is the part of the judging rules that needs no limits; the rest is in _judge.py.
"""

from __future__ import annotations

import typing as t
from collections.abc import Mapping, Sequence

RUNNING = "RUNNING"
# What a partition may be: at work, or left behind by resharding, so that nobody writes to it any more.
AT_WORK = (RUNNING, "ACTIVE")
LEFT_BEHIND = ("DELETED", "EXPIRED")
TOO_LARGE = 10**30  # a number beyond this is no figure: not known
SHAPE = (
    "expected a task, a list of tasks, or the registered result of a hwcloud.streaming module"
    " (also of a loop, with results)"
)
# How long a foreign value is at most inside a sentence: a name or a state, a text of an answer, a result's message.
LONGEST_NAME = 200
LONGEST_TEXT = 500
LONGEST_MESSAGE = 2000
NAMED_PARTITIONS = 2  # so many stand by their IDs where more than one more is in the same state


class Problem(t.NamedTuple):
    """One problem: the verdict it stands for in a table (a key of _judge.VERDICTS), that verdict's word, the sentence."""

    verdict: str
    word: str
    sentence: str


class Age(t.NamedTuple):
    """When a task last moved, in words (`last transfer 2d ago`), and, where that breaks the limit, the verdict and limit."""

    told: str
    verdict: str = ""
    limit: str = ""


class JudgeError(ValueError):
    """An argument, or the thing to be judged, is not what it has to be; the message says what was expected."""


def _placed(task: Mapping[str, t.Any], problems: t.Iterable[Problem]) -> t.Iterator[Problem]:
    """Begin each sentence with the name of the task, which most tasks have no need of: they are well."""
    place = ""
    for problem in problems:
        place = place or _place(task)
        yield problem._replace(sentence=f"{place}{problem.sentence}")


def _since(task: Mapping[str, t.Any], now: int) -> Age:
    """Say when the task last moved, as far as that is known."""
    if "last_transfer_timestamp" not in task:
        return Age("")
    last = task["last_transfer_timestamp"]
    moment = _number(last)
    if last is None or (moment is not None and moment <= 0):
        return Age("has never transferred")
    return Age("" if moment is None else f"last transfer {_ago(now - moment)}")


def _state_problems(task: Mapping[str, t.Any], age: Age, now: int) -> t.Iterator[Problem]:
    """Judge the states; sentences lack the name of the task. One that does not run has one, which says since when, too."""
    key = "state" if _kind(task) == "dis" else "status"
    state = _state(task, key)
    groups = list(_partition_groups(task, key))
    if state != RUNNING:
        told = f"{key} not known" if state is None else f"{key} is {_flat(state)}, not {RUNNING}"
        same = [partition for _place_of, states in groups for partition in states.pop(state, ())]
        others = sum(len(partitions) for _place_of, states in groups for partitions in states.values())
        told += _so_are(state, len(same), len(same) + others + _well(task, key)) if same else ""
        sentence = ", ".join(part for part in (f": {told}", age.told, age.limit) if part)
        # Nobody knows the state: then what else is known, such as that it is late, is the verdict if it is worse.
        verdict = "state" if state is not None else age.verdict or "unknown"
        yield Problem(verdict, _word(state) if state is not None else verdict, sentence)
    for where, states in groups:
        for partition_state, partitions in states.items():
            names = [_flat(partition.get("partition_id")) for partition in partitions]
            told = (
                f"{key} not known" if partition_state is None else f"{key} is {_flat(partition_state)}, not {RUNNING}"
            )
            since = _last_of(partitions, now)
            yield Problem("partition", "partition", f"{where}, {_listed(names)}: {told}{since}")


def _partition_groups(
    task: Mapping[str, t.Any], key: str
) -> t.Iterator[tuple[str, dict[t.Any, list[Mapping[str, t.Any]]]]]:
    """Return the partitions that are not well by their state, for each topic: (the topic in words, partitions by state)."""
    if key == "state":
        yield "", _by_state(task.get("partitions"), key)
        return
    for topic in _entries(task.get("topics_info") or (), "topics_info"):
        name = f", topic {_flat(_mapping(topic, 'topics_info').get('topic'))}"
        yield name, _by_state(topic.get("partitions"), key)


def _by_state(partitions: t.Any, key: str) -> dict[t.Any, list[Mapping[str, t.Any]]]:
    states: dict[t.Any, list[Mapping[str, t.Any]]] = {}
    for partition in _entries(partitions or (), "partitions"):
        state = _state(_mapping(partition, "partitions"), key)
        if state not in AT_WORK + LEFT_BEHIND:
            states.setdefault(state, []).append(partition)
    return states


def _state(facts: Mapping[str, t.Any], key: str) -> str | None:
    state = facts.get(key)
    return state if state is None or isinstance(state, str) else _flat(state)


def _well(task: Mapping[str, t.Any], key: str) -> int:
    """Return how many partitions are at work; those left behind by resharding do not count."""
    parents = [task] if key == "state" else task.get("topics_info") or ()
    return sum(partition.get(key) in AT_WORK for parent in parents for partition in parent.get("partitions") or ())


def _so_are(state: str | None, same: int, total: int) -> str:
    """Say that partitions are in the state of their task, too."""
    verb = "are" if same > 1 else "is"
    if total == 1:
        which = "its partition"
    elif same == total:
        which = f"its {total} partitions"
    else:
        which = f"{same} of its {total} partitions"
    return f" (nor {verb} {'those' if same > 1 else 'that'} of {which})" if state is None else f" (so {verb} {which})"


def _listed(names: Sequence[str]) -> str:
    if len(names) == 1:
        return f"partition {names[0]}"
    if len(names) <= NAMED_PARTITIONS + 1:
        return f"partitions {', '.join(names[:-1])} and {names[-1]}"
    return f"partitions {', '.join(names[:NAMED_PARTITIONS])} and {len(names) - NAMED_PARTITIONS} more"


def _last_of(partitions: Sequence[Mapping[str, t.Any]], now: int) -> str:
    """Say when the last of these partitions moved, where all of them tell."""
    moments = [_number(partition.get("last_transfer_timestamp")) for partition in partitions]
    known = [moment for moment in moments if moment is not None and moment > 0]
    return "" if len(known) < len(moments) else f", last transfer {_ago(now - max(known))}"


def _word(state: t.Any) -> str:
    """Return a state as a verdict: one word in lower case, and none that says that all is well."""
    word = "_".join(_flat(state).lower().split())
    return "unknown" if state is None or not word else f"state_{word}" if word == "ok" else word


def _kind(task: Mapping[str, t.Any]) -> str:
    """Return `log`, `smart_connect`, `sink` or `dis`: which figures a task has follows from it."""
    if "last_ended_at" in task and "transfer_task_id" in task:
        return "log"
    if "transfer_task_id" in task and ("start_time" in task or not ("state" in task or "status" in task)):
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
    """Name a task, or what was not found: stream or instance, then the task; by an ID only where no name is known."""
    instance, connector, its_id = (task.get(key) for key in ("instance_name", "connector_id", "instance_id"))
    parts = []
    if task.get("stream_name"):
        parts.append(f"stream {_flat(task['stream_name'])}")
    if connector and not instance:
        parts.append(f"connector {_flat(connector)}" + (f" (instance {_flat(its_id)})" if its_id else ""))
    elif instance or its_id:
        parts.append(f"instance {_flat(instance or its_id)}")
    name = task.get("task_name") or task.get("task_id") or task.get("transfer_task_id")
    if name:
        parts.append(f"task {_flat(name)}")
    return ", ".join(parts) or "a task without a name"


def _entries(value: t.Any, what: str) -> Sequence[t.Any]:
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        return value
    raise JudgeError(f"{SHAPE}, got {_sort(value)}" + ("" if what == "the value" else f" as {what}"))


def _mapping(value: t.Any, what: str) -> Mapping[str, t.Any]:
    if isinstance(value, Mapping):
        return value
    raise JudgeError(f"{SHAPE}, got {_sort(value)} in {what}")


def _shown(value: t.Any) -> str:
    """Write a refused option: texts and numbers, cut to a length that can be read; of all else what sort it is."""
    if isinstance(value, str):
        return repr(_flat(value, 60))
    if isinstance(value, (bool, float)) or (isinstance(value, int) and abs(value) < TOO_LARGE):
        return repr(value)
    return _sort(value)


def _sort(value: t.Any) -> str:
    """Say what sort a value is that was handed over by mistake, and not the value: it may be a secret."""
    if value is None or isinstance(value, (str, bool)):
        return "nothing" if value is None else "a text" if isinstance(value, str) else "true or false"
    return "a number" if isinstance(value, (int, float)) else f"a value of type {type(value).__name__}"


def _flat(value: t.Any, longest: int = LONGEST_NAME) -> str:
    """Write a foreign value on one line of bounded length, so that a terminal shows it and runs nothing of it."""
    if isinstance(value, int) and abs(value) >= TOO_LARGE:
        return "a number too large to be shown"
    text = " ".join(str(value)[: 4 * longest].split())
    if not text.isprintable():
        text = "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)
    return text if len(text) <= longest else f"{text[: longest - 3]}..."


def _number(value: t.Any) -> float | None:
    """Return a number that can be compared, else None: no bool, and no NaN, which no limit would ever hold back."""
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return None
    return value if -TOO_LARGE < value < TOO_LARGE else None


def _duration(ms: float, *, exact: bool = True, joined: str = " ") -> str:
    """Write a duration: `1d 2h 3m 4s`; when not exact, its largest unit and the one below."""
    seconds, millis = divmod(max(0, round(ms)), 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    units = [(days, "d"), (hours, "h"), (minutes, "m"), (seconds, "s"), (millis, "ms")]
    while len(units) > 1 and not units[0][0]:
        del units[0]
    return joined.join(f"{count}{unit}" for count, unit in (units if exact else units[:2]) if count) or "0s"


def _ago(age: float) -> str:
    """Write an age in whole seconds, as the modules tell it."""
    return f"{_duration(max(0, age) // 1000 * 1000, exact=False)} ago"
