# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Data Ingestion Service: its paths, its paging, what its answers mean. The flows here return a module's facts."""

from __future__ import annotations

import typing as t
from functools import partial
from urllib.parse import quote

from ansible_collections.hwcloud.streaming.plugins.module_utils import _facts
from ansible_collections.hwcloud.streaming.plugins.module_utils._client import Client, Flow, Request
from ansible_collections.hwcloud.streaming.plugins.module_utils._errors import ShapeError
from ansible_collections.hwcloud.streaming.plugins.module_utils._facts import Facts

# "Stream does not exist" and "transfer task does not exist" come with HTTP status 400.
NO_STREAM, NO_TASK = "DIS.4301", "DIS.4354"
ABSENT = frozenset({NO_STREAM, NO_TASK})
STREAMS_A_PAGE = 100
PARTITIONS_A_PAGE = 1000  # the most that the service takes


class Wanted(t.NamedTuple):
    """What was asked for: None is all there is. Filters hold upper-case words."""

    stream_names: list[str] | None
    task_names: list[str] | None
    states: frozenset[str] | None = None
    destination_types: frozenset[str] | None = None

    def keeps(self, task: Facts) -> bool:
        """Tell whether a task passes the filters; what is not told does not."""
        return _among(task.get("state"), self.states) and _among(task.get("destination_type"), self.destination_types)

    def may_keep(self, entry: Facts) -> bool:
        """Tell whether a task can pass the filters, going by its list entry; what is not told there may."""
        told = {name: entry.get(name) for name in ("state", "destination_type")}
        return (told["state"] is None or _among(told["state"], self.states)) and (
            told["destination_type"] is None or _among(told["destination_type"], self.destination_types)
        )


class Stream(t.NamedTuple):
    """A stream that was asked for and what its list of transfer tasks says; `tasks` is None when it could not be read."""

    stream_name: str
    absent: bool = False
    total_number: int | None = None
    quota: int | None = None
    tasks: list[Facts] | None = None
    entries: t.Sequence[Facts] = ()  # the list's own entries, also of tasks that a filter took out
    complete: bool = True  # False when a page of the list could not be read


def path(*segments: str) -> str:
    """Return a percent-encoded path."""
    return "".join(f"/{quote(segment, safe='~')}" for segment in segments)


def transfer_tasks(client: Client, wanted: Wanted, details: bool, now: int, lag: bool = False) -> Flow:
    """Return the facts of dis_transfer_task_info."""

    def follow(stream_name: str) -> Flow:
        return (
            _with_lag(client, stream_name, wanted, now) if lag else _tasks_of(client, stream_name, wanted, details, now)
        )

    streams, complete = yield each_stream(client, wanted, follow)
    present = [stream for stream in streams if not stream.absent]
    tasks = [task for stream in present for task in stream.tasks or [] if wanted.keeps(task)]
    tasks.sort(key=lambda task: (task["stream_name"], task["task_name"]))
    found = {entry["task_name"] for stream in present for entry in stream.entries}
    return {
        "transfer_tasks": tasks,
        "streams": [
            {"stream_name": stream.stream_name, "total_number": stream.total_number, "quota": stream.quota}
            for stream in present
            if stream.tasks is not None
        ],
        "not_found": not_found(wanted, streams, found, complete),
        "summary": {
            **_facts.summary(tasks),
            "by_state": _facts.counts(tasks, "state"),
            "by_destination_type": _facts.counts(tasks, "destination_type"),
            "discarded_records": _facts.total_of(task["discarded_records"] for task in tasks),
            "oldest_transfer_age": max(
                (task["last_transfer_age"] for task in tasks if task["last_transfer_age"] is not None), default=None
            ),
            "lag": _facts.sum_of_all(task["lag"] for task in tasks) if lag else None,
        },
    }


def not_found(wanted: Wanted, streams: list[Stream], found: set[t.Any], complete: bool) -> list[Facts]:
    """Name the streams and tasks that were asked for and are not there; a task only if every stream could be read."""
    missing: list[Facts] = []
    if wanted.stream_names is not None:
        missing += [{"stream_name": stream.stream_name, "task_name": None} for stream in streams if stream.absent]
    if wanted.task_names is not None and complete:
        missing += [absent_task(wanted, name) for name in set(wanted.task_names) - found]
    return sorted(missing, key=lambda entry: (entry["stream_name"] or "", entry["task_name"] or ""))


def absent_task(wanted: Wanted, task_name: str) -> Facts:
    """Return the entry of not_found for a task that none of the streams has, with its one stream beside it."""
    parents = wanted.stream_names or []
    return {"stream_name": parents[0] if len(parents) == 1 else None, "task_name": task_name}


def each_stream(client: Client, wanted: Wanted, follow: t.Callable[[str], Flow]) -> Flow:
    """Run a flow for each stream that was asked for; return (their Streams sorted by name, whether all could be read).

    Streams that were discovered are followed page by page, while the next page is on its way.
    """
    if wanted.stream_names is not None:
        streams = yield [follow(name) for name in sorted(wanted.stream_names)]
        return streams, all(stream.complete for stream in streams)
    found: list[Stream] = []
    seen: set[str] = set()
    complete = True
    query: dict[str, t.Any] = {"limit": STREAMS_A_PAGE}
    page = yield _streams_page(client, query)
    while True:
        if page.failure:
            complete = False
            break
        total, more, names = page.value
        new = [name for name in dict.fromkeys(names) if name not in seen]
        seen.update(new)
        flows: list[t.Any] = [follow(name) for name in new]
        last = not new or not (more or (total is not None and len(seen) < total))
        if not last:
            flows.append(_streams_page(client, {**query, "start_stream_name": names[-1]}))
        replies = yield flows
        found += replies[: len(new)]
        if last:
            break
        page = replies[-1]
    present = [stream for stream in found if not stream.absent]
    present.sort(key=lambda stream: stream.stream_name)
    return present, complete and all(stream.complete for stream in present)


def _streams_page(client: Client, query: dict[str, t.Any]) -> Request:
    return Request(
        "dis",
        "GET",
        path("v2", client.project_id or "", "streams"),
        "the list of streams",
        partial(_streams, first="start_stream_name" not in query),
        query=query,
    )


def _streams(body: t.Any, first: bool = True) -> tuple[int | None, bool, list[str]]:
    """Return (total, whether there are more, names) of a page."""
    facts = _facts.tidy(body)
    if not {"stream_names", "stream_info_list", "total_number"}.intersection(facts):
        raise ShapeError("neither total_number nor stream_names is in the answer")
    names = facts.get("stream_names")
    if isinstance(names, str):
        names = [names]
    if not names:
        names = [_facts.needed(entry, "stream_name") for entry in _facts.objects(facts, "stream_info_list")]
    if not isinstance(names, list) or not all(isinstance(name, str) and name for name in names):
        raise ShapeError("stream_names is not a list of names")
    total = _facts.number(facts, "total_number")
    if first and total and facts.get("stream_names") is None and facts.get("stream_info_list") is None:
        raise ShapeError(f"total_number is {total} but there is no stream_names")
    more = facts.get("has_more_streams")
    if more is None and total is None:  # then a full page is all that can tell
        more = len(names) >= STREAMS_A_PAGE
    return total, more in (True, "true"), names


def listed_tasks(client: Client, stream_name: str) -> Flow:
    """Return the Stream with the entries of its task list (`entries`), all pages of it.

    One page normally holds all. The list goes on after the last name while fewer than total_number have come and the
    last page brought something new: total_number may be larger than the list, and start_task_name may be ignored.
    """
    where = path("v2", client.project_id or "", "streams", stream_name, "transfer-tasks")
    purpose = f"the transfer tasks of stream {stream_name}"
    entries: dict[str, Facts] = {}
    total: int | None = None
    quota: int | None = None
    query: dict[str, t.Any] | None = None
    complete = True
    while True:
        reply = yield Request(
            "dis",
            "GET",
            where,
            purpose,
            partial(_task_list, first=not query),
            query=query,
            absent=ABSENT,
            # Whether the service takes start_task_name is not known for certain: a refusal of it ends the list.
            tolerated=frozenset({"invalid_request"}) if query else frozenset(),
        )
        if reply.absent:
            if query and reply.code == NO_TASK:  # the last one of the page before is gone: no name to go on after
                break
            return Stream(stream_name, absent=True)
        if reply.failure:
            if not query:
                return Stream(stream_name, complete=False)
            complete = reply.failure.kind == "invalid_request"
            break
        page_total, page_quota, more, page = reply.value
        total = page_total if total is None else total
        quota = page_quota if quota is None else quota
        before = len(entries)
        for entry in page:
            entries.setdefault(_facts.needed(entry, "task_name"), entry)
        if len(entries) == before or not (more or (total is not None and len(entries) < total)):
            break
        query = {"start_task_name": page[-1]["task_name"]}
    return Stream(stream_name, False, total, quota, [], list(entries.values()), complete)


def _task_list(body: t.Any, first: bool) -> tuple[int | None, int | None, bool, list[Facts]]:
    """Return (total, quota, whether there are more, entries) of a page."""
    facts = _facts.tidy(body)
    total, entries = _facts.page_of(facts, "total_number", "tasks", "details", first=first)
    for entry in entries:
        entry["task_name"] = _facts.needed(entry, "task_name")
        _facts.transfer_task("", entry, None, 0)  # so that a wrong type is this request's failure
    return total, _facts.number(facts, "quota"), facts.get("has_more_tasks") in (True, "true"), entries


def shown_task(client: Client, stream_name: str, task_name: str, shape: t.Callable[[t.Any], t.Any]) -> Request:
    """Return the question for one task's details; the service takes its name, not its ID."""
    return Request(
        "dis",
        "GET",
        path("v2", client.project_id or "", "streams", stream_name, "transfer-tasks", task_name),
        f"transfer task {task_name} of stream {stream_name}",
        shape,
        absent=ABSENT,
    )


_SHOWN = frozenset(
    "task_name task_id state status create_time partitions destination_type last_transfer_timestamp".split()
)


def shown_facts(body: t.Any) -> Facts:
    """Return the tidied answer for one task."""
    facts: Facts = _facts.tidy(body)
    if not _SHOWN.intersection(facts):
        raise ShapeError("no field of a transfer task is in the answer")
    return facts


def _tasks_of(client: Client, stream_name: str, wanted: Wanted, details: bool, now: int) -> Flow:
    stream = yield listed_tasks(client, stream_name)
    if stream.tasks is None:
        return stream
    entries = [
        entry for entry in stream.entries if wanted.task_names is None or entry["task_name"] in wanted.task_names
    ]
    asked = [entry for entry in entries if wanted.may_keep(entry)]
    if not details:
        return stream._replace(tasks=[_facts.transfer_task(stream_name, entry, None, now) for entry in asked])

    def shape_of(entry: Facts) -> t.Callable[[t.Any], Facts]:
        return lambda body: _facts.transfer_task(stream_name, entry, shown_facts(body), now)

    replies = yield [shown_task(client, stream_name, entry["task_name"], shape_of(entry)) for entry in asked]
    gone = {entry["task_name"] for entry, reply in zip(asked, replies) if reply.absent}
    return stream._replace(
        # Where the details could not be read, what the list told is kept.
        tasks=[
            _facts.transfer_task(stream_name, entry, None, now) if reply.failure else reply.value
            for entry, reply in zip(asked, replies)
            if not reply.absent
        ],
        entries=[entry for entry in stream.entries if entry["task_name"] not in gone],
    )


def _with_lag(client: Client, stream_name: str, wanted: Wanted, now: int) -> Flow:
    """Return a Stream whose tasks, with their details, tell how far they are behind.

    The stream is read once, and after its tasks: what a task had moved by then cannot lie beyond the stream's end. A
    stream without a task that was asked for is not read.
    """
    stream = yield _tasks_of(client, stream_name, wanted, True, now)
    tasks = [task for task in stream.tasks or [] if wanted.keeps(task)]
    for task in tasks:
        task["lag_asked"] = True
    if not any(task["partitions"] for task in tasks):
        return stream
    ends, counting, complete = yield _partition_ends(client, stream_name)
    for task in tasks:
        _facts.add_lag(task, ends, counting, complete)
    return stream


def _partition_ends(client: Client, stream_name: str) -> Flow:
    """Return (the ends of a stream's partitions by ID, the IDs of those that count, whether all could be read)."""
    ends: dict[str, int | None] = {}
    counting: set[str] = set()
    query: dict[str, t.Any] = {"limit_partitions": PARTITIONS_A_PAGE}
    while True:
        reply = yield Request(
            "dis",
            "GET",
            path("v2", client.project_id or "", "streams", stream_name),
            f"the partitions of stream {stream_name}",
            _partition_page,
            query=query,
            absent=frozenset({NO_STREAM}),
        )
        if reply.failure or reply.absent:
            return ends, frozenset(counting), False
        more, page = reply.value
        new = False
        for partition_id, counts, end in page:
            if not partition_id:
                return ends, frozenset(counting), False
            new = new or partition_id not in ends
            ends[partition_id] = end if ends.get(partition_id, end) == end else None  # told twice, and not alike
            if counts:
                counting.add(partition_id)
        if not more or not new:
            return ends, frozenset(counting), not more
        query = {**query, "start_partitionId": page[-1][0]}


def _partition_page(body: t.Any) -> tuple[bool, list[tuple[str, bool, int | None]]]:
    """Return (whether there are more, what each partition of the page tells)."""
    facts = _facts.tidy(body)
    if "partitions" not in facts:
        raise ShapeError("partitions is not in the answer")
    more = facts.get("has_more_partitions") in (True, "true")
    return more, [_facts.stream_partition(entry) for entry in _facts.objects(facts, "partitions")]


def _among(value: t.Any, words: frozenset[str] | None) -> bool:
    return words is None or (value is not None and str(value).upper() in words)
