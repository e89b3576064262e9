# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the services' shape to the collection's: clean names, repaired types, derived facts. Pure functions.

Times are epoch milliseconds (int), ages seconds (int), `now` is the epoch time in milliseconds. Every function raises
ShapeError for a value that is of no form the services are known to send; None means "the service did not tell".
"""

from __future__ import annotations

import re
import sys
import typing as t
from array import array
from bisect import bisect_left, bisect_right
from datetime import datetime, timedelta

from ansible_collections.hwcloud.streaming.plugins.module_utils._errors import ShapeError
from ansible_collections.hwcloud.streaming.plugins.module_utils._secrets import MASK
from ansible_collections.hwcloud.streaming.plugins.module_utils._states import state_problems

Facts = t.Dict[str, t.Any]

_SECRET_KEY = re.compile(
    r"pass_?w(or)?d|passphrase|(^|_)pass$|(^|_)pwd(_|$)|secret|token|credential|authorization|private_?key|access_?key|api_?key"
    r"|jaas|^(ak|sk)$",
    re.IGNORECASE,
)
# Maps whose keys are the user's own words, not names of fields.
_FREE_KEYS = re.compile(r"_properties$|^tags$")
_TOPIC_NAME = re.compile(r"[A-Za-z0-9._-]+\Z")
_DESTINATION = re.compile(r"([a-z]+(?:_[a-z]+)?)_destination_descrip")
# Inside a destination or a Smart Connect task; the documentation itself sends some of them as strings.
_NUMBERS = frozenset(
    "deliver_time_interval deliver_size_interval retry_duration obs_part_size flush_size task_num replication_factor"
    " target_db full_sync_wait_ms full_sync_max_retry ratelimit".split()
)
# A CloudTable destination's schemas, and the lists in them.
_SCHEMAS = frozenset({"cloudtable_schema", "opentsdb_schema"})
_SCHEMA_LISTS = frozenset({"opentsdb_schema", "row_key", "columns", "metric", "tags"})
_names: dict[str, str] = {}


# -- names and types


def clean_name(name: str) -> str:
    """Return a key as a snake_case identifier: camelCase is split, stray quotes and blanks go."""
    known = _names.get(name)
    if known is None:
        words = re.sub(r"([a-z0-9])([A-Z])|([A-Z])(?=[A-Z][a-z])", r"\1\3_\2", name.strip(" \t\r\n\"'`,:"))
        known = re.sub(r"\W+", "_", words, flags=re.ASCII).strip("_" if not words.startswith("_") else "").lower()
        if not known or known[0].isdigit():
            known = f"_{known}"
        _names[name] = known
    return known


def tidy(value: t.Any) -> t.Any:
    """Return an answer with clean keys and without the secrets that a resource holds, at every depth."""
    if isinstance(value, dict):
        return _tidy_object(value)
    if isinstance(value, list):
        return [tidy(item) for item in value]
    return value


def _tidy_object(value: dict[str, t.Any], free: bool = False) -> Facts:
    tidied: Facts = {}
    exact: set[str] = set()
    for key, item in value.items():
        name = key if free else clean_name(key)
        # Of two spellings of one name the one that says something wins, then the one that is spelled as documented.
        if name in tidied and (item is None or (tidied[name] is not None and (name in exact or key != name))):
            continue
        if key == name:
            exact.add(name)
        # A user's own key stays as it is written, but is looked at as if it were a field's name.
        if (_SECRET_KEY.search(name) or (free and _SECRET_KEY.search(clean_name(key)))) and item not in (None, ""):
            tidied[name] = MASK
        elif isinstance(item, dict):
            tidied[name] = _tidy_object(item, bool(_FREE_KEYS.search(name)))
        elif isinstance(item, list):
            tidied[name] = tidy(item)
        else:
            tidied[name] = item
    return tidied


def number(facts: Facts, name: str) -> int | None:
    """Return a field as an integer: numbers may come as text, with stray quotes, blanks and commas around."""
    value = facts.get(name)
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    if isinstance(value, float) and value.is_integer() and abs(value) <= 2**53:
        return int(value)
    if isinstance(value, str):
        digits = value.strip(" \t\r\n\"',")
        if not digits or digits.lower() == "null":
            return None
        if re.match(r"[+-]?[0-9]{1,30}\Z", digits):
            return int(digits)
    raise ShapeError(f"{name} is {_described(value)} where a whole number is expected")


def text(facts: Facts, name: str) -> str | None:
    """Return a field as text; a number is put into words, blanks and quotes around it go."""
    value = facts.get(name)
    if value is None:
        return None
    if isinstance(value, str):
        return value.strip(' \t\r\n"')
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise ShapeError(f"{name} is {_described(value)} where text is expected")


def joined(facts: Facts, name: str) -> str | None:
    """Return a field that may be one text or a list of them as one text, with commas between."""
    value = facts.get(name)
    if isinstance(value, list):
        return ",".join(filter(None, (text({name: item}, name) for item in value))) or None
    return text(facts, name)


def needed(facts: Facts, name: str) -> str:
    """Return a field without which a thing cannot be told from others."""
    value = text(facts, name)
    if not value:
        raise ShapeError(f"{name} is missing in an entry")
    return value


def objects(facts: Facts, *names: str) -> list[Facts]:
    """Return the first of the named fields that holds any, as a list of objects; a single object counts as a list of one."""
    for name in names:
        value = facts.get(name)
        if isinstance(value, dict):
            value = [value] if value else []
        if value is not None and not (isinstance(value, list) and all(isinstance(item, dict) for item in value)):
            raise ShapeError(f"{name} is {_described(value)} where a list of objects is expected")
        if value:
            return value
    return []


def distinct(entries: list[Facts]) -> list[Facts]:
    """Return the entries without those that are sent twice, which would be counted twice."""
    return list({repr(entry): entry for entry in entries}.values())


def merged(listed: Facts, shown: Facts | None) -> Facts:
    """Return what an entry in a list and its own answer tell together; the answer wins where it says something."""
    told = shown or {}
    return {**listed, **{name: told[name] for name in told if told[name] not in (None, "") or name not in listed}}


def page_of(facts: Facts, total: str, *lists: str, first: bool = True) -> tuple[int | None, list[Facts]]:
    """Return (total, entries) of a list answer; with neither of them in it, it is none.

    A total without its list is none either, but for pages after the first: total may be larger than the list.
    """
    if total not in facts and not any(name in facts for name in lists):
        raise ShapeError(f"neither {total} nor {lists[0]} is in the answer")
    count, entries = number(facts, total), objects(facts, *lists)
    if first and count and all(facts.get(name) is None for name in lists):
        raise ShapeError(f"{total} is {count} but there is no {lists[0]}")
    return count, entries


def _described(value: t.Any) -> str:
    kinds = {
        dict: "an object",
        list: "a list",
        str: "text",
        bool: "true or false",
        float: "a fraction",
        int: "a number",
    }
    return kinds.get(type(value), "a value of another kind")


# -- derived facts


_days: dict[int, str] = {}


def moment(milliseconds: int | None) -> str | None:
    """Return the ISO 8601 UTC twin of an epoch time; None for a time of 0, -1, unknown or beyond the calendar."""
    if milliseconds is None or milliseconds <= 0:
        return None
    day, rest = divmod(milliseconds, 86_400_000)
    date = _days.get(day)
    if date is None:  # dates are remembered: a log has two times a row, and few days
        try:
            date = _days[day] = (datetime(1970, 1, 1) + timedelta(days=day)).date().isoformat()
        except OverflowError:
            return None
    seconds, rest = divmod(rest, 1000)
    return f"{date}T{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}.{rest:03d}Z"


def age(milliseconds: int | None, now: int) -> int | None:
    """Return the whole seconds since an epoch time, at least 0; None for a time of 0, -1 or unknown."""
    if milliseconds is None or milliseconds <= 0:
        return None
    return max(0, (now - milliseconds) // 1000)


def total_of(values: t.Iterable[int | None]) -> int | None:
    """Return the sum of the values that are known, None when none is."""
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def counts(facts: t.Iterable[Facts], name: str) -> dict[str, int]:
    """Return how often each value of a field occurs, in the order of the values; an unknown one counts as UNKNOWN."""
    found: dict[str, int] = {}
    for value in sorted(str(entry[name] or "UNKNOWN") for entry in facts):
        found[value] = found.get(value, 0) + 1
    return found


def with_unknown(facts: Facts, raw: Facts, *consumed: str) -> Facts:
    """Return the facts plus what the service sent beyond the documented fields, under its clean name."""
    for name, value in raw.items():
        if name not in facts and name not in consumed:
            facts[name] = value
    return facts


# -- DIS


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
    }
    keys = [name for name in raw if _DESTINATION.match(name)]
    if shown is not None:
        facts["destination"] = _destination(raw, keys, facts["destination_type"])
        partitions = distinct([partition(entry) for entry in objects(raw, "partitions")])
        facts["partitions"] = sorted(partitions, key=lambda one: _natural(one["partition_id"]))
        facts["discarded_records"] = total_of(entry["discard"] for entry in facts["partitions"])
    facts["problems"] = state_problems(facts)
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
LEFT_BEHIND = ("DELETED", "EXPIRED")  # by resharding: nobody writes to these partitions any more


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
        if one["state"] not in LEFT_BEHIND:
            behind.append(one["lag"])
    known = complete and bool(told) and counting <= told
    task["lag"] = sum_of_all(behind) if known else None


def _destination(raw: Facts, keys: list[str], destination_type: str | None) -> Facts | None:
    """Return the one descriptor that is there. Its key, not the task's type, says what it is: the two may differ."""
    found = []
    for key in keys:
        matched = _DESTINATION.match(key)
        for entry in objects(raw, key)[:1]:
            kind = (matched[1] if matched else key).replace("_", "")
            found.append({**repaired(entry), "kind": kind})
    found.sort(key=lambda facts: facts["kind"] != (destination_type or "").lower())
    return found[0] if found else None


def repaired(entry: Facts) -> Facts:
    """Return a configuration with its known numbers as numbers and lists as lists; what is neither stays as it is."""
    facts = dict(entry)
    if "deliver_time_interva" in facts:  # a slip in the vendor's examples
        facts.setdefault("deliver_time_interval", facts.pop("deliver_time_interva"))
    for name in _NUMBERS.intersection(facts):
        try:
            facts[name] = number(facts, name)
        except ShapeError:
            continue
    for name in _SCHEMAS.intersection(facts):
        facts[name] = _with_lists(facts[name], name)
    return facts


def _with_lists(value: t.Any, name: str = "") -> t.Any:
    if name in _SCHEMA_LISTS and not isinstance(value, list):
        value = [value] if value else []
    if isinstance(value, list):
        return [_with_lists(item) for item in value]
    if isinstance(value, dict):
        return {key: _with_lists(item, key) for key, item in value.items()}
    return value


# -- DIS logs

_LOG_NUMBERS = ("start_time", "end_time", "transfer_bytes", "transfer_records_num", "transform_records_num", "num")
_LOG_FIELDS = frozenset(
    ("transfer_task_id", "destination_type", "state", "stream_id", "project_id", "transfer_file_name", *_LOG_NUMBERS)
)


def log(raw: dict[str, t.Any]) -> Facts:
    """Return one row of a transfer task's log from its entry as sent; the task's names are added by the caller."""
    entry = {_names.get(key) or clean_name(key): value for key, value in raw.items()}
    if len(entry) != len(raw) or not _LOG_FIELDS.issuperset(entry):
        entry = _tidy_object(raw)
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


# -- DMS


def sink_task(instance: Facts, connector_id: str, listed: Facts, shown: Facts) -> Facts:
    """Return a connector's sink task from its (tidied) entry in the list and its own answer."""
    raw = merged(listed, shown)
    keys = [name for name in raw if _DESTINATION.match(name)]
    destination = _destination(raw, keys, text(raw, "destination_type"))
    # The documentation has the topics beside the descriptor, a client that was tried reads them from inside it.
    inside = destination or {}
    topics, topic_names, topics_regex = topics_of(
        {name: raw.get(name) or inside.get(name) for name in ("topics", "topics_regex")}
    )
    infos = sorted(
        distinct([_topic(entry) for entry in objects(raw, "topics_info")]), key=lambda info: info["topic"] or ""
    )
    facts: Facts = {
        "instance_id": instance["instance_id"],
        "instance_name": instance["instance_name"],
        "connector_id": connector_id,
        "task_id": needed(listed, "task_id"),
        "task_name": text(listed, "task_name") or text(raw, "task_name"),
        "destination_type": text(raw, "destination_type"),
        "create_time": number(raw, "create_time"),
        "created_at": moment(number(raw, "create_time")),
        "status": text(raw, "status") or text(raw, "state"),
        "topics": topics,
        "topic_names": topic_names,
        "topics_regex": topics_regex,
        "destination": destination,
        "topics_info": infos,
        "lag": None,
    }
    if raw.get("topics_info") is not None:
        facts["lag"] = sum_of_all(info["lag"] for info in infos)
    facts["problems"] = state_problems(facts)
    return with_unknown(facts, raw, "state", *keys)


def topics_of(raw: Facts) -> tuple[str | None, list[str], str | None]:
    """Return (topics as told, the names in it, the regular expression if it is one)."""
    topics, regex = joined(raw, "topics"), text(raw, "topics_regex") or None
    names = [name.strip() for name in (topics or "").split(",") if name.strip()]
    if not all(_TOPIC_NAME.match(name) for name in names):
        names, regex = [], regex or topics
    return topics, names, regex


def _topic(entry: Facts) -> Facts:
    partitions = distinct([_topic_partition(item) for item in objects(entry, "partitions")])
    partitions.sort(key=lambda item: -1 if item["partition_id"] is None else item["partition_id"])
    told = entry.get("partitions") is not None
    lag = sum_of_all(item["lag"] for item in partitions) if told else None
    return with_unknown({"topic": text(entry, "topic"), "lag": lag, "partitions": partitions}, entry)


def sum_of_all(values: t.Iterable[int | None]) -> int | None:
    """Return the sum, None when one of the values is not known."""
    total = 0
    for value in values:
        if value is None:
            return None
        total += value
    return total


def _topic_partition(entry: Facts) -> Facts:
    done, end, lag = (number(entry, name) for name in ("last_transfer_offset", "log_end_offset", "lag"))
    if lag is None or lag < 0:  # -1 is the usual way to say that it is not known
        lag = max(0, end - done) if done is not None and end is not None and done >= 0 and end >= 0 else None
    facts = {
        "partition_id": number(entry, "partition_id"),
        "status": text(entry, "status") or text(entry, "state"),
        "last_transfer_offset": done,
        "log_end_offset": end,
        "lag": lag,
    }
    return with_unknown(facts, entry, "state")


def smart_connect_task(instance: Facts, listed: Facts, shown: Facts | None) -> Facts:
    """Return a Smart Connect task from its (tidied) entry in the list and, with details, its own answer."""
    raw = merged(listed, shown)
    configurations: dict[str, Facts | None] = {}
    for name in ("source_task", "sink_task"):
        entries = objects(raw, name)
        configurations[name] = repaired(entries[0]) if entries else None
    topics, topic_names, topics_regex = topics_of(raw)
    facts: Facts = {
        "instance_id": instance["instance_id"],
        "instance_name": instance["instance_name"],
        "task_id": smart_connect_id(listed),
        "task_name": text(listed, "task_name") or text(raw, "task_name"),
        "topics": topics,
        "topic_names": topic_names,
        "topics_regex": topics_regex,
        "source_type": text(raw, "source_type"),
        "source_task": configurations["source_task"],
        "sink_type": text(raw, "sink_type"),
        "sink_task": configurations["sink_task"],
        "status": text(raw, "status") or text(raw, "state"),
        "create_time": number(raw, "create_time"),
        "created_at": moment(number(raw, "create_time")),
    }
    facts["problems"] = state_problems(facts)
    return with_unknown(facts, raw, "id", "state")


def smart_connect_id(listed: Facts) -> str:
    """Return a Smart Connect task's ID, which the API calls `id`."""
    return text(listed, "id") or needed(listed, "task_id")


def summary(tasks: list[Facts]) -> Facts:
    """Return the part of `summary` that every kind of task has."""
    return {"total": len(tasks), "healthy": sum(1 for task in tasks if not task["problems"])}
