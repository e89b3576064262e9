# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The judging rules: what is wrong with a task, a list of tasks or a result, in words. No I/O, no clock."""

from __future__ import annotations

import re
import typing as t
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, timezone

from ansible_collections.hwcloud.streaming.plugins.module_utils._states import (
    SHAPE,
    JudgeError,
    _entries,
    _flat,
    _kind,
    _mapping,
    _place,
    _shown,
    _state_problems,
)

__all__ = ["JudgeError", "Limits", "parse_duration", "parse_now", "problems"]

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
# The lists of the modules' results, and what their entries are called. `tasks` counts only beside `logs`.
RESULT_LISTS = {
    "transfer_tasks": "transfer task",
    "sink_tasks": "sink task",
    "smart_connect_tasks": "Smart Connect task",
    "tasks": "transfer task with a log",
}
OTHER_FAILURES = 20  # so many are named one by one: when time runs out there may be thousands
DURATION = "seconds, or a number with s, m, h or d, such as 15m"
MOMENT = "ISO 8601, such as 2026-01-02T03:04:05Z, or epoch milliseconds"


class Limits(t.NamedTuple):
    """What is still well, both ends included: milliseconds, messages, records. None sets no limit."""

    max_age: int | None
    max_lag: float | None
    max_discarded: float | None
    now: int
    allow_empty: bool


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

    `max_age` is a duration (see parse_duration), `max_lag` is in messages, `max_discarded` in records, `now` in epoch
    milliseconds. Raises JudgeError for a bad argument or a value of another shape.
    """
    if allow_empty is not None and not isinstance(allow_empty, bool):
        raise JudgeError(f"allow_empty: expected true or false, got {_shown(allow_empty)}")
    limits = Limits(
        parse_duration(max_age, "max_age"),
        _parse_count(max_lag, "max_lag"),
        _parse_count(max_discarded, "max_discarded"),
        now,
        bool(allow_empty),
    )
    if isinstance(value, Mapping):
        return list(_result_problems(value, limits) if _is_result(value) else _task_problems(value, limits))
    return list(_list_problems(_entries(value, "the value"), limits))


def parse_duration(value: t.Any, name: str = "max_age") -> int | None:
    """Return a duration (seconds, `90`, `15m`, `1.5h`) in milliseconds; None stays None."""
    if value is None:
        return None
    seconds = _number(value)
    if isinstance(value, str):
        text = value.strip()
        factor = {"s": 1, "m": 60, "h": 3600, "d": 86400}.get(text[-1:])
        digits = text[:-1].rstrip() if factor else text
        if digits.isascii() and digits.replace(".", "", 1).isdigit():
            seconds = float(digits) * (factor or 1)
    if seconds is None or not 0 <= seconds * 1000 < float("inf"):
        raise JudgeError(f"{name}: expected {DURATION}, got {_shown(value)}")
    return round(seconds * 1000)


def parse_now(value: t.Any, name: str = "now") -> int:
    """Return ISO 8601 (no zone means UTC), epoch milliseconds or a datetime with a zone in epoch milliseconds."""
    moment: float | None = _number(value)
    if isinstance(value, str):
        text = value.strip()
        moment = float(text) if text.isascii() and text.isdigit() else _iso_to_ms(text)
    elif isinstance(value, datetime):
        # The template function now() returns one without a zone, of local time or of UTC: nobody can tell.
        if value.utcoffset() is None:
            raise JudgeError(f"{name}: the datetime has no time zone; give {MOMENT}")
        moment = (value - EPOCH) // timedelta(milliseconds=1)
    if moment is None or not 0 <= moment < float("inf"):
        raise JudgeError(f"{name}: expected {MOMENT}, got {_shown(value)}")
    # A moment of this century in seconds: taken for milliseconds, no transfer would ever be too old.
    if 10**9 <= moment < 10**10:
        raise JudgeError(f"{name}: {int(moment)} looks like epoch seconds; expected {MOMENT}")
    return int(moment)


def _parse_count(value: t.Any, name: str) -> float | None:
    number = _number(value)
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,30}", value.strip()):
        number = int(value)
    if value is not None and (number is None or not 0 <= number < float("inf")):
        raise JudgeError(f"{name}: expected a number, 0 or more, got {_shown(value)}")
    return number


def _is_result(value: Mapping[str, t.Any]) -> bool:
    return bool(
        _lists_of(value)
        or "results" in value
        or any(value.get(sign) for sign in ("failed", "unreachable", "skipped", "ansible_job_id"))
    )


def _lists_of(result: Mapping[str, t.Any]) -> list[str]:
    return [key for key in RESULT_LISTS if key in result and (key != "tasks" or "logs" in result)]


def _list_problems(entries: Sequence[t.Any], limits: Limits) -> t.Iterator[str]:
    if not entries and not limits.allow_empty:
        yield "nothing to judge: the list is empty"
    for entry in entries:
        if not isinstance(entry, Mapping):
            raise JudgeError(f"{SHAPE}, got a list with {_shown(entry)} in it")
    results = [entry for entry in entries if _is_result(entry)]
    # The same stream can live in each of several regions or projects: then each problem says in which.
    apart = {
        key: word
        for key, word in (("region", "region"), ("project_id", "project"))
        if len({str(result.get(key)) for result in results}) > 1
    }
    for position, entry in enumerate(entries, 1):
        if not _is_result(entry):
            yield from _task_problems(entry, limits)
            continue
        item = entry.get(str(entry.get("ansible_loop_var", "item")))
        label = f"item {_flat(item)}" if isinstance(item, (str, int)) else f"result {position} of {len(entries)}"
        where = "".join(f"{word} {_flat(entry[key])}, " for key, word in apart.items() if entry.get(key))
        for problem in _result_problems(entry, limits, f"{label}: "):
            yield where + problem


def _result_problems(result: Mapping[str, t.Any], limits: Limits, label: str = "") -> t.Iterator[str]:
    """Judge one result; `label` names it in the problems that have no stream or connector to name."""
    if "results" in result:
        yield from _loop_problems(result, limits)
        return
    lists = _lists_of(result)
    ended_well = False
    if result.get("unreachable"):
        yield f"{label}unreachable: {_message(result)}"
    elif result.get("failed"):
        yield f"{label}failed: {_message(result)}"
        yield from _other_failures(result, label)
    elif "ansible_job_id" in result and not result.get("finished"):
        yield f"{label}not finished: the job {_flat(result['ansible_job_id'])} still runs in the background"
    elif lists:
        ended_well = True
    elif not result.get("skipped"):
        raise JudgeError(f"{SHAPE}, got the result of another module")
    elif not limits.allow_empty:
        yield f"{label}nothing to judge: the task was skipped"
    missing = _entries(result.get("not_found") or (), "not_found")
    for absent in missing:
        yield f"{_place(_mapping(absent, 'not_found'))}: not found"
    judged = 0
    for key in lists:
        for task in _entries(result[key], key):
            judged += 1
            yield from _task_problems(_mapping(task, key), limits)
    if ended_well and not judged and not missing and not limits.allow_empty:
        nothing = " and no ".join(RESULT_LISTS[key] for key in lists)
        yield f"{label}nothing to judge: the result has no {nothing}{_without_connector(result)}"


def _other_failures(result: Mapping[str, t.Any], label: str) -> t.Iterator[str]:
    """Name the failed requests that the message does not: it tells of the one in `error`."""
    errors = [entry for entry in _entries(result.get("errors") or (), "errors") if isinstance(entry, Mapping)]
    if result.get("error") in errors:
        errors.remove(result["error"])
    for entry in errors[:OTHER_FAILURES]:
        told = (f"HTTP {entry['http_status']}" if entry.get("http_status") else "", entry.get("error_code"))
        parts = [entry.get("kind"), *told, entry.get("error_msg")]
        asked = f"{entry.get('method')} {entry.get('path')}"
        yield _flat(f"{label}failed: {asked}: {', '.join(str(part) for part in parts if part)}")
    if len(errors) > OTHER_FAILURES:
        yield f"{label}failed: {len(errors) - OTHER_FAILURES} more requests, see errors of the result"


def _loop_problems(result: Mapping[str, t.Any], limits: Limits) -> t.Iterator[str]:
    entries = _entries(result["results"], "results")
    if entries:
        found = list(_list_problems(entries, limits))
        yield from found
        if result.get("failed") and not found:
            yield f"failed: {_message(result)}"
    elif result.get("failed"):
        yield f"failed: {_message(result)}"
    elif not limits.allow_empty:
        yield "nothing to judge: the loop had no items"


def _task_problems(task: Mapping[str, t.Any], limits: Limits) -> t.Iterator[str]:
    kind = _kind(task)
    state = task.get("state" if kind == "dis" else "status")
    if state is not None and not isinstance(state, str):
        raise JudgeError(f"{SHAPE}, got something whose state is {_shown(state)}")
    if kind == "log":
        if limits.max_age is not None:
            yield from _log_problems(task, limits.max_age, limits.now)
        return
    yield from _state_problems(task, "state" if kind == "dis" else "status")
    if kind == "dis":
        if limits.max_age is not None:
            yield from _age_problems(task, limits.max_age, limits.now)
        if limits.max_discarded is not None:
            discarded = _number(task.get("discarded_records"))
            limit = f"limit {limits.max_discarded}"
            if discarded is None:
                yield f"{_place(task)}: discarded records not known (no details, or no partition tells), {limit}"
            elif discarded > limits.max_discarded:
                yield f"{_place(task)}: {discarded} records discarded, {limit}"
    elif kind == "sink" and limits.max_lag is not None:
        lag = _number(task.get("lag"))
        if lag is None:
            yield f"{_place(task)}: lag not known, limit {limits.max_lag}"
        elif lag > limits.max_lag:
            yield f"{_place(task)}: lag {lag} messages, limit {limits.max_lag}"


def _age_problems(task: Mapping[str, t.Any], max_age: int, now: int) -> t.Iterator[str]:
    place, limit = _place(task), f"limit {_duration(max_age)}"
    last, created = task.get("last_transfer_timestamp"), _number(task.get("create_time"))
    if last is not None and _number(last) is None:
        yield f"{place}: last transfer not known, {limit}"
    elif last is not None and last > 0:
        if now - last > max_age:
            yield f"{place}: last transfer {_ago(now - last, max_age)} ({_iso(last)}), {limit}"
    elif created is None or created <= 0:
        yield f"{place}: has never transferred, and its age is not known, {limit}"
    elif now - created > max_age:
        yield f"{place}: has never transferred, created {_ago(now - created, max_age)} ({_iso(created)}), {limit}"


def _log_problems(task: Mapping[str, t.Any], max_age: int, now: int) -> t.Iterator[str]:
    place, limit = _place(task), f"limit {_duration(max_age)}"
    ended = task.get("last_ended_at")
    moment = _iso_to_ms(ended) if isinstance(ended, str) else None
    if moment is None:
        yield f"{place}: end of the last log entry not known, {limit}"
    elif now - moment > max_age:
        yield f"{place}: last log entry ended {_ago(now - moment, max_age)} ({_iso(moment)}), {limit}"


def _without_connector(result: Mapping[str, t.Any]) -> str:
    """Say which instances have no connector: their dumps, if any, are Smart Connect tasks."""
    names = [
        _flat(entry.get("instance_name") or entry.get("instance_id"))
        for entry in _entries(result.get("connectors") or (), "connectors")
        if _mapping(entry, "connectors").get("connector_id") is None
    ]
    return f" (no connector: instance {', '.join(names)}; see dms_smart_connect_task_info)" if names else ""


def _number(value: t.Any) -> float | None:
    """Return a number that can be compared, else None: no bool, and no NaN, which no limit would ever hold back."""
    if not isinstance(value, (int, float)) or isinstance(value, bool) or str(value) == "nan":
        return None
    return value


def _message(result: Mapping[str, t.Any]) -> str:
    return _flat(result.get("msg") or "no message")


def _duration(ms: float, *, exact: bool = True) -> str:
    """Write a duration: `1d 2h 3m 4s`; when not exact, its two largest units."""
    seconds, millis = divmod(round(ms), 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    units = ((days, "d"), (hours, "h"), (minutes, "m"), (seconds, "s"), (millis, "ms"))
    parts = [f"{count}{unit}" for count, unit in units if count]
    return " ".join(parts if exact else parts[:2]) or "0s"


def _ago(age: float, limit: int) -> str:
    """Write an age beside the limit that it exceeds: never so short that both look the same."""
    text = _duration(age, exact=False)
    return f"{_duration(age) if text == _duration(limit) else text} ago"


def _iso(ms: float) -> str:
    try:
        return (EPOCH + timedelta(milliseconds=ms)).strftime("%Y-%m-%dT%H:%M:%SZ")
    except OverflowError:
        return f"{ms} ms"


def _iso_to_ms(text: str) -> int | None:
    """Return ISO 8601 as epoch milliseconds, None when it is none; no zone means UTC."""
    date = r"(\d{4})-?(\d\d)-?(\d\d)"
    time = r"(\d\d):?(\d\d)(?::?(\d\d)(?:[.,](\d+))?)?"
    zone = r"[Zz]|([+-])([01]\d):?([0-5]\d)?"
    match = re.fullmatch(f"{date}(?:[Tt ]{time}(?:{zone})?)?", text, re.ASCII)
    if not match:
        return None
    *fields, fraction, sign, hours, minutes = match.groups()
    year, month, day, hour, minute, second = (int(field or 0) for field in fields)
    try:
        moment = datetime(year, month, day, hour, minute, second, tzinfo=timezone.utc)
    except ValueError:
        return None
    offset = timedelta(hours=int(hours or 0), minutes=int(minutes or 0)) * (-1 if sign == "-" else 1)
    ms = (moment - EPOCH - offset) // timedelta(milliseconds=1)
    return ms + int(((fraction or "") + "000")[:3])
