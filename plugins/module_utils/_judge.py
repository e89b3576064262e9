# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The judging rules: what is wrong with a task, a list of tasks or a result, in words. No I/O, no clock.

There is one judgement: `subjects` goes once through a value and returns, for each task and for each thing that is missing
or could not be gathered, its problems: verdict, word and sentence. The filter problems lists the sentences, the test
healthy asks whether there are any, the filter table shows the worst word of each subject, the modules do the same for
what they gathered. So they never disagree. What the states alone say, and how it is told, is in _states.py.
"""

from __future__ import annotations

import typing as t
from collections.abc import Mapping, Sequence
from datetime import timedelta

from ansible_collections.hwcloud.streaming.plugins.module_utils._limits import (
    DURATION,
    EPOCH,
    Limits,
    iso_to_ms,
    limits_of,
    parse_duration,
    parse_now,
)
from ansible_collections.hwcloud.streaming.plugins.module_utils._states import (
    LONGEST_MESSAGE,
    LONGEST_TEXT,
    RUNNING,
    SHAPE,
    Age,
    JudgeError,
    Problem,
    _duration,
    _entries,
    _flat,
    _kind,
    _mapping,
    _number,
    _place,
    _placed,
    _since,
    _sort,
    _state_problems,
)

__all__ = [
    "DURATION",
    "VERDICTS",
    "JudgeError",
    "Limits",
    "Subject",
    "limits_of",
    "parse_duration",
    "parse_now",
    "problems",
    "subjects",
]

# The lists of the modules' results, and what their entries are called. `tasks` counts only beside `logs`.
RESULT_LISTS = {
    "transfer_tasks": "transfer task",
    "sink_tasks": "sink task",
    "smart_connect_tasks": "Smart Connect task",
    "tasks": "transfer task with a log",
}
# The keys of a result that tell several of them apart, and their words.
PLACES = {"host": "host", "region": "region", "project_id": "project"}
# What the verdict on a subject can be, worst first; `state` is told by the state itself.
VERDICTS = ("failed", "missing", "state", "partition", "never", "late", "behind", "discards", "unknown", "ok")
OTHER_FAILURES = 20  # so many are named one by one: when time runs out there may be thousands


class Subject(t.NamedTuple):
    """Something that was judged: a task, or what is missing or could not be gathered."""

    # A kind of task (dis, sink, smart_connect, log), else missing, empty, failed or left_out.
    kind: str
    # The task, the entry of not_found, the failed request, or the count of those left out; empty when there is none.
    facts: Mapping[str, t.Any]
    problems: list[Problem]
    # The result that it came with, if any, and what names that result among others (`item orders`).
    result: Mapping[str, t.Any]
    label: str = ""
    # What the sentences begin with where results of several regions, projects or hosts are judged as one.
    where: str = ""


def problems(
    value: t.Any,
    *,
    max_age: t.Any = None,
    max_lag: t.Any = None,
    max_discarded: t.Any = None,
    now: int,
    allow_empty: t.Any = False,
) -> list[str]:
    """Return what is wrong with a task, a list of tasks or results, or a result; empty when it is healthy.

    The options are those of limits_of. Raises JudgeError for a bad argument or a value of another shape.
    """
    limits = limits_of(max_age=max_age, max_lag=max_lag, max_discarded=max_discarded, now=now, allow_empty=allow_empty)
    return [subject.where + problem.sentence for subject in subjects(value, limits) for problem in subject.problems]


def subjects(value: t.Any, limits: Limits) -> t.Iterator[Subject]:
    """Judge a task, a list of tasks or results, or a result: one subject after the other, the healthy ones too."""
    if isinstance(value, Mapping):
        return _result(value, limits) if _is_result(value) else iter((_task(value, limits, {}),))
    return _list(_entries(value, "the value"), limits)


def _is_result(value: Mapping[str, t.Any]) -> bool:
    if "task_name" in value and ("state" in value or "status" in value):
        return False  # a task, whatever fields the service adds
    return bool(
        _lists_of(value)
        or "results" in value
        or "failed_when_result" in value
        or "changed" in value
        or any(value.get(sign) for sign in ("failed", "unreachable", "skipped", "ansible_job_id"))
        or (_has_failed(value) and not ("state" in value or "status" in value))
    )


def _lists_of(result: Mapping[str, t.Any]) -> list[str]:
    return [key for key in RESULT_LISTS if key in result and (key != "tasks" or "logs" in result)]


def _has_failed(result: Mapping[str, t.Any]) -> bool:
    """Return whether the module said so, in the keys that no rule of a play touches."""
    return bool(result.get("error") or result.get("errors") or result.get("errors_left_out"))


def _list(entries: Sequence[t.Any], limits: Limits, where: str = "") -> t.Iterator[Subject]:
    if not entries and not limits.allow_empty:
        yield _empty("nothing to judge: the list is empty", {}, where=where)
    for entry in entries:
        if not isinstance(entry, Mapping):
            raise JudgeError(f"{SHAPE}, got a list with {_sort(entry)} in it")
    results = [entry for entry in entries if _is_result(entry)]
    # The same stream can live in each of several regions or projects: then each problem says in which.
    apart = {key: word for key, word in PLACES.items() if len({str(result.get(key)) for result in results}) > 1}
    for position, entry in enumerate(entries, 1):
        if not _is_result(entry):
            yield _task(entry, limits, {}, where)
            continue
        item = entry.get(str(entry.get("ansible_loop_var", "item")))
        label = f"item {_flat(item)}" if isinstance(item, (str, int)) else f"result {position} of {len(entries)}"
        its_place = "".join(f"{word} {_flat(entry[key])}, " for key, word in apart.items() if entry.get(key))
        yield from _result(entry, limits, label, where + its_place)


def _result(result: Mapping[str, t.Any], limits: Limits, label: str = "", where: str = "") -> t.Iterator[Subject]:
    """Judge one result; `label` names it in the problems that have no stream or instance to name."""
    begin, lists, ended_well = f"{label}: " if label else "", _lists_of(result), False
    if "results" in result:  # lists beside them are those of another result, merged with the loop's
        yield from _loop(result, limits, label, where)
    elif result.get("unreachable"):
        yield _failed(f"{begin}unreachable: {_message(result)}", {}, result, label, where)
    elif _has_failed(result) or (not lists and (result.get("failed") or "failed_when_result" in result)):
        yield from _failures(result, label, where)
    elif "ansible_job_id" in result and not result.get("finished"):
        job = _flat(result["ansible_job_id"])
        yield _failed(f"{begin}not finished: the job {job} still runs in the background", {}, result, label, where)
    elif lists:
        ended_well = True  # also where a rule of the play (failed_when, an until that ran out) says that it failed
    elif not result.get("skipped"):
        raise JudgeError(f"{SHAPE}, got the result of another module")
    elif not limits.allow_empty:
        yield _empty(f"{begin}nothing to judge: the task was skipped", result, label, where)
    missing = _entries(result.get("not_found") or (), "not_found")
    for entry in missing:
        absent = _mapping(entry, "not_found")
        problem = Problem("missing", "missing", f"{_place(absent)}: not found")
        yield Subject("missing", absent, [problem], result, label, where)
    judged = ill = 0
    for key in lists:
        for task in _entries(result[key], key):
            judged += 1
            ill += bool(_mapping(task, key).get("problems"))
            yield _task(task, limits, result, where)
    if not ended_well:
        return
    left_out = _left_out(result, lists, judged) if ill == judged else {}
    if left_out:
        yield Subject("left_out", left_out, [], result, label, where)
    if judged or missing or limits.allow_empty or left_out:
        return
    nothing = " and no ".join(RESULT_LISTS[key] for key in lists)
    told = f"{begin}nothing to judge: the result has no {nothing}{_without_connector(result)}"
    yield _empty(told, result, label, where)


def _left_out(result: Mapping[str, t.Any], lists: Sequence[str], listed: int) -> dict[str, int]:
    """Return how many tasks, all well, the module's option only_problems kept out of the list; empty when none."""
    summary, asked = _inside(result, "summary"), _inside(_inside(result, "invocation"), "module_args")
    total = _number(summary.get("total")) or 0
    healthy = _number(summary.get("healthy", total)) or 0
    kept_out = len(lists) == 1 and asked.get("only_problems") is not False and 0 < healthy == total - listed
    return {"count": int(healthy)} if kept_out else {}


def _inside(value: Mapping[str, t.Any], key: str) -> Mapping[str, t.Any]:
    inside = value.get(key)
    return inside if isinstance(inside, Mapping) else {}


def _failed(told: str, request: Mapping[str, t.Any], result: Mapping[str, t.Any], label: str, where: str) -> Subject:
    return Subject("failed", request, [Problem("failed", "failed", told)], result, label, where)


def _empty(told: str, result: Mapping[str, t.Any], label: str = "", where: str = "") -> Subject:
    return Subject("empty", {}, [Problem("missing", "missing", told)], result, label, where)


def _failures(result: Mapping[str, t.Any], label: str, where: str) -> t.Iterator[Subject]:
    """Tell of the failed request in `error` by the message, then name the others."""
    begin, error, listed = f"{label}: " if label else "", result.get("error"), result.get("errors") or ()
    listed = listed if isinstance(listed, Sequence) and not isinstance(listed, (str, bytes)) else ()
    errors = [entry for entry in listed if isinstance(entry, Mapping)]
    if not error and len(errors) == 1 and result.get("msg"):
        error = errors[0]  # a play took `error` away: the message tells of the only one that there is
    if error in errors:
        errors.remove(error)
    yield _failed(
        f"{begin}failed: {_message(result)}", error if isinstance(error, Mapping) else {}, result, label, where
    )
    for entry in errors[:OTHER_FAILURES]:
        status = f"HTTP {entry['http_status']}" if entry.get("http_status") else ""
        parts = (entry.get("kind"), status, entry.get("error_code"), entry.get("error_msg"))
        asked = f"{_flat(entry.get('method'))} {_flat(entry.get('path'), LONGEST_TEXT)}"
        why = ", ".join(_flat(part, LONGEST_TEXT) for part in parts if part)
        yield _failed(f"{begin}failed: {asked}: {why}", entry, result, label, where)
    more = max(0, len(errors) - OTHER_FAILURES) + int(_number(result.get("errors_left_out")) or 0)
    if more > 0:
        told = f"{begin}failed: {more} more request{'s' if more > 1 else ''}, see errors of the result"
        yield _failed(told, {}, result, label, where)


def _loop(result: Mapping[str, t.Any], limits: Limits, label: str, where: str) -> t.Iterator[Subject]:
    entries, begin = _entries(result["results"], "results"), f"{label}: " if label else ""
    healthy = True
    for subject in _list(entries, limits, where) if entries else ():
        healthy = healthy and not subject.problems
        yield subject
    # A loop fails with its items. Those that failed by a rule of the play alone were judged by their facts.
    signs = ("failed", "unreachable")
    by_items = any(isinstance(entry, Mapping) and any(map(entry.get, signs)) for entry in entries)
    if _has_failed(result) or (any(map(result.get, signs)) and healthy and not by_items):
        yield from _failures(result, label, where)
    elif not entries and not limits.allow_empty:
        yield _empty(f"{begin}nothing to judge: the loop had no items", result, label, where)


def _task(task: Mapping[str, t.Any], limits: Limits, result: Mapping[str, t.Any], where: str = "") -> Subject:
    kind = _kind(task)
    state = task.get("state" if kind == "dis" else "status")
    if state is not None and not isinstance(state, str):
        raise JudgeError(f"{SHAPE}, got something whose state is {_sort(state)}")
    told = _log_problems(task, limits) if kind == "log" else _problems(task, kind, limits)
    return Subject(kind, task, list(_placed(task, told)), result, "", where)


def _problems(task: Mapping[str, t.Any], kind: str, limits: Limits) -> t.Iterator[Problem]:
    """Judge a task; the sentences lack its name."""
    age = _age(task, limits) if kind == "dis" else Age("")
    yield from _state_problems(task, age, limits.now)
    if age.verdict and task.get("state") == RUNNING:  # else the sentence on the state has said so
        yield Problem(age.verdict, age.verdict, f": {age.told}, {age.limit}")
    if limits.max_lag is not None and has_lag(task, kind):
        lag = _number(task.get("lag"))
        if lag is None:
            yield Problem("unknown", "unknown", f": lag not known, limit {limits.max_lag}")
        elif lag > limits.max_lag:
            what = "messages" if kind == "sink" else "records"
            yield Problem("behind", "behind", f": lag {lag} {what}, limit {limits.max_lag}")
    if limits.max_discarded is not None and kind == "dis":
        discarded, limit = _number(task.get("discarded_records")), f"limit {limits.max_discarded}"
        if discarded is None:
            told = f": discarded records not known (no details, or no partition tells), {limit}"
            yield Problem("unknown", "unknown", told)
        elif discarded > limits.max_discarded:
            by = _most(task, discarded)
            yield Problem("discards", "discards", f": {discarded} records discarded{by}, {limit}")


def has_lag(task: Mapping[str, t.Any], kind: str) -> bool:
    """Return whether a task has a lag: a DIS task if it was asked for, or if there is one and nothing says otherwise."""
    asked = task.get("lag_asked")
    if kind == "dis" and asked is not False:
        return bool(asked) or task.get("lag") is not None
    return kind == "sink"


def _age(task: Mapping[str, t.Any], limits: Limits) -> Age:
    """Say when a task last moved, if it does not run or that breaks the limit; the time of day only where it runs."""
    running = task.get("state") == RUNNING
    if limits.max_age is None:
        return Age("") if running else _since(task, limits.now)
    max_age, now, limit = limits.max_age, limits.now, f"limit {_duration(limits.max_age)}"
    given, created = task.get("last_transfer_timestamp"), _number(task.get("create_time"))
    last = _number(given)
    if given is not None and last is None:
        return Age("last transfer not known", "unknown", limit)
    if last is not None and last > 0:
        if now - last <= max_age:
            return Age("") if running else _since(task, now)
        at = f" ({_iso(last)})" if running else ""
        return Age(f"last transfer {_age_beside(now - last, max_age)}{at}", "late", limit)
    if created is None or created <= 0:
        return Age("has never transferred, and its age is not known", "never", limit)
    if now - created <= max_age:
        return _since(task, now)
    at = f" ({_iso(created)})" if running else ""
    return Age(f"has never transferred, created {_age_beside(now - created, max_age)}{at}", "never", limit)


def _most(task: Mapping[str, t.Any], total: float) -> str:
    """Name the partition that discards most, where partitions tell."""
    known = [
        (discard, _flat(partition.get("partition_id")))
        for partition in _entries(task.get("partitions") or (), "partitions")
        for discard in [_number(_mapping(partition, "partitions").get("discard"))]
        if discard is not None and discard > 0
    ]
    if not known:
        return ""
    most, name = max(known, key=lambda entry: entry[0])
    return f", all by partition {name}" if most == total else f", most by partition {name} ({most})"


def _log_problems(task: Mapping[str, t.Any], limits: Limits) -> t.Iterator[Problem]:
    if limits.max_age is None:
        return
    limit = f"limit {_duration(limits.max_age)}"
    moment = log_end(task)
    if moment is None:
        yield Problem("unknown", "unknown", f": end of the last log entry not known, {limit}")
    elif limits.now - moment > limits.max_age:
        ended = f"last log entry ended {_age_beside(limits.now - moment, limits.max_age)} ({_iso(moment)})"
        yield Problem("late", "late", f": {ended}, {limit}")


def log_end(task: Mapping[str, t.Any]) -> int | None:
    """Return when the last log entry of a task of a log result ended, in epoch milliseconds."""
    ended = task.get("last_ended_at")
    return iso_to_ms(ended) if isinstance(ended, str) else None


def _without_connector(result: Mapping[str, t.Any]) -> str:
    """Say which instances have no connector: their dumps, if any, are Smart Connect tasks."""
    names = [
        _flat(entry.get("instance_name") or entry.get("instance_id"))
        for entry in _entries(result.get("connectors") or (), "connectors")
        if _mapping(entry, "connectors").get("connector_id") is None
    ]
    return f" (no connector: instance {', '.join(names)}; see dms_smart_connect_task_info)" if names else ""


def _message(result: Mapping[str, t.Any]) -> str:
    return _flat(result.get("msg") or "no message", LONGEST_MESSAGE)


def _age_beside(age: float, limit: int) -> str:
    """Write an age beside the limit that it exceeds: never so short that both look the same."""
    text = _duration(age, exact=False)
    return f"{_duration(age) if text == _duration(limit) else text} ago"


def _iso(ms: float) -> str:
    try:
        return (EPOCH + timedelta(milliseconds=ms)).strftime("%Y-%m-%dT%H:%M:%SZ")
    except OverflowError:
        return f"{ms} ms"
