# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the answers of DIS mean: transfer tasks, their partitions and lag, the rows of their logs."""

from __future__ import annotations

import re
import sys
import typing as t
from array import array
from bisect import bisect_left, bisect_right

from ansible_collections.hwcloud.streaming.plugins.module_utils._shape import (
    DESTINATION,
    Facts,
    age,
    clean_name,
    counted,
    destination_of,
    distinct,
    joined,
    merged,
    moment,
    needed,
    number,
    objects,
    sum_of_all,
    text,
    tidy,
    total_of,
    with_unknown,
)
from ansible_collections.hwcloud.streaming.plugins.module_utils._states import LEFT_BEHIND
from ansible_collections.hwcloud.streaming.plugins.module_utils._wire.errors import ShapeError


def transfer_task(stream_name: str, listed: Facts, shown: Facts | None, now: int) -> Facts:
    """Return a transfer task from its (tidied) entry in the list and, with details, its own answer."""
    raw = merged(listed, shown)
    last = number(raw, "last_transfer_timestamp")
    facts: Facts = {
        "stream_name": stream_name,
        "stream_id": text(raw, "stream_id"),
        "task_name": needed(listed, "task_name"),
        "task_id": text(raw, "task_id"),
        "state": text(raw, "state") or text(raw, "status"),
        "destination_type": text(raw, "destination_type"),
        "create_time": number(raw, "create_time"),
        "created_at": moment(number(raw, "create_time")),
        "last_transfer_timestamp": last,
        "last_transfer_at": moment(last),
        "last_transfer_age": age(last, now),
        "exception_strategy": text(raw, "exception_strategy"),
        "destination": None,
        "partitions": [],
        "discarded_records": None,
        "lag_asked": False,
        "lag": None,
        "problems": [],  # these come when all of the result is judged
    }
    keys = [name for name in raw if DESTINATION.match(name)]
    if shown is not None:
        facts["destination"] = destination_of(raw, keys, facts["destination_type"])
        partitions = distinct([partition(entry) for entry in objects(raw, "partitions")], "partition_id")
        facts["partitions"] = sorted(partitions, key=lambda one: _natural(one["partition_id"]))
        facts["discarded_records"] = total_of(counted(entry["discard"]) for entry in facts["partitions"])
    return with_unknown(facts, raw, "status", *keys)


def _natural(partition_id: str | None) -> tuple[str, str]:
    """Return what to sort partitions by: their ID, a bare number by its value."""
    return _long_id(partition_id), partition_id or ""


def partition(entry: Facts) -> Facts:
    """Return a stream's partition, in either of the two forms that are documented for it."""
    last = number(entry, "last_transfer_timestamp")
    facts = {
        "partition_id": text(entry, "partition_id"),
        "state": text(entry, "state") or text(entry, "status"),
        "last_transfer_timestamp": last,
        "last_transfer_at": moment(last),
        "last_transfer_offset": number(entry, "last_transfer_offset"),
        "discard": number(entry, "discard"),
        "hash_range": text(entry, "hash_range"),
        "sequence_number_range": text(entry, "sequence_number_range"),
        "parent_partitions": joined(entry, "parent_partitions"),
        "log_end_offset": None,
        "lag": None,
    }
    return with_unknown(facts, entry, "status")


_RANGE = re.compile(r"\s*\[\s*([0-9]{1,30})\s*:\s*([0-9]{1,30})\s*\]\s*\Z")
_SHORT_ID = re.compile(r"[0-9]{1,10}\Z")


def stream_partition(entry: Facts) -> tuple[str, bool, int | None]:
    """Return (ID, whether it still counts, the end of its sequence numbers) of a stream's own partition.

    What cannot be read is an empty ID, an end of None: that one is then not known, and the others still are.
    """
    told: list[str | None] = []
    for name in ("partition_id", "status", "sequence_number_range"):
        try:
            told.append(text(entry, name))
        except ShapeError:
            told.append(None)
    partition_id, status, span = told
    ends = _RANGE.match(span or "")
    end = int(ends[2]) if ends and int(ends[1]) <= int(ends[2]) else None
    return _long_id(partition_id), status not in LEFT_BEHIND, end


def _long_id(partition_id: str | None) -> str:
    """Return a partition's ID in its long form; the API takes and documents a bare number, too."""
    if partition_id is None or not _SHORT_ID.match(partition_id):
        return partition_id or ""
    return f"shardId-{int(partition_id):010d}"


def add_lag(task: Facts, ends: dict[str, int | None], counting: frozenset[str], complete: bool) -> None:
    """Tell of a transfer task and its partitions how far they are behind the ends of the stream's partitions.

    `counting` are the stream's partitions that count; one that the task tells nothing of, as one whose end is not known
    or lies before the offset, leaves the task's lag unknown. So does a stream that could not be read as a whole.
    """
    behind: list[int | None] = []
    told = set()
    for one in task["partitions"]:
        partition_id = _long_id(one["partition_id"])
        told.add(partition_id)
        end, done = ends.get(partition_id), one["last_transfer_offset"]
        one["log_end_offset"] = end
        one["lag"] = end - done if end is not None and done is not None and 0 <= done <= end else None
        left_behind = one["state"] in LEFT_BEHIND or (partition_id in ends and partition_id not in counting)
        if not left_behind:
            behind.append(one["lag"])
    known = complete and bool(told) and counting <= told
    task["lag"] = sum_of_all(behind) if known else None


_LOG_NUMBERS = ("start_time", "end_time", "transfer_bytes", "transfer_records_num", "transform_records_num", "num")
_LOG_FIELDS = frozenset(
    ("transfer_task_id", "destination_type", "state", "stream_id", "project_id", "transfer_file_name", *_LOG_NUMBERS)
)


def log(raw: dict[str, t.Any]) -> Facts:
    """Return one row of a transfer task's log from its entry as sent; the task's names are added by the caller."""
    entry = {clean_name(key): value for key, value in raw.items()}
    if len(entry) != len(raw) or not _LOG_FIELDS.issuperset(entry):
        entry = tidy(raw)
    get = entry.get
    start, end, size, records, transformed, num = (number(entry, name) for name in _LOG_NUMBERS)
    state = get("state")
    if isinstance(state, str):
        state = int(state) if re.match(r"-?[0-9]{1,18}\Z", state.strip()) else state.strip()
    facts = {
        "transfer_task_id": text(entry, "transfer_task_id"),
        "task_name": None,
        "stream_name": None,
        "destination_type": _shared(text(entry, "destination_type")),
        "state": state,
        "start_time": start,
        "started_at": moment(start),
        "end_time": end,
        "ended_at": moment(end),
        "duration_ms": end - start if start and end and 0 < start <= end else None,
        "transfer_bytes": size,
        "transfer_records_num": records,
        "transform_records_num": transformed,
        "stream_id": _shared(text(entry, "stream_id")),
        "project_id": _shared(text(entry, "project_id")),
        "transfer_file_name": text(entry, "transfer_file_name"),
        "num": num,
    }
    return facts if _LOG_FIELDS.issuperset(entry) else with_unknown(facts, entry)


def _shared(value: str | None) -> str | None:
    """Return the one copy of a text that is the same in every row of a log."""
    return value if value is None else sys.intern(value)


class BusyTime:
    """The union of intervals, kept merged so that a hundred thousand of them in order cost next to nothing."""

    def __init__(self, newest_first: bool) -> None:
        # Kept in the order in which they come: a new one is then mostly an append, not an insert at the front.
        self._sign = -1 if newest_first else 1
        self._starts, self._ends = array("q"), array("q")

    def add(self, start: int | None, end: int | None) -> None:
        """Add an interval in milliseconds; one without two sensible ends does not count."""
        if not start or not end or not 0 < start <= end < 2**62:
            return
        start, end = sorted((self._sign * start, self._sign * end))
        first, last = bisect_left(self._ends, start), bisect_right(self._starts, end)
        if first < last:
            start, end = min(start, self._starts[first]), max(end, self._ends[last - 1])
        for bounds, value in ((self._starts, start), (self._ends, end)):
            if last - first == 1:
                bounds[first] = value
            else:
                bounds[first:last] = type(bounds)("q", (value,))

    def merge(self, other: BusyTime) -> None:
        """Add all intervals of another."""
        for start, end in zip(other._starts, other._ends):
            self.add(*sorted((abs(start), abs(end))))

    def milliseconds(self) -> int:
        """Return the length of the union."""
        return sum(end - start for start, end in zip(self._starts, self._ends))


def per_second(amount: int, milliseconds: int) -> float | None:
    """Return an amount a second, None when there was no time."""
    return round(amount * 1000 / milliseconds, 3) if milliseconds > 0 else None
