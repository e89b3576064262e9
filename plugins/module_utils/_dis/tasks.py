# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The transfer tasks of DIS streams: which requests list them and show them, and what is not found."""

from __future__ import annotations

import typing as t
from functools import partial

from ansible_collections.hwcloud.streaming.plugins.module_utils import _paging, _shape
from ansible_collections.hwcloud.streaming.plugins.module_utils._dis import facts
from ansible_collections.hwcloud.streaming.plugins.module_utils._dis.service import ABSENT, NO_STREAM, NO_TASK, get
from ansible_collections.hwcloud.streaming.plugins.module_utils._filters import Filter, Filters
from ansible_collections.hwcloud.streaming.plugins.module_utils._shape import Facts, Listed
from ansible_collections.hwcloud.streaming.plugins.module_utils._wire.client import Client
from ansible_collections.hwcloud.streaming.plugins.module_utils._wire.errors import ShapeError
from ansible_collections.hwcloud.streaming.plugins.module_utils._wire.request import Flow, Request

STREAMS_A_PAGE = 100
PARTITIONS_A_PAGE = 1000  # the most that the service takes


class Wanted(t.NamedTuple):
    """What was asked for: None is all there is. Filters hold upper-case words."""

    stream_names: list[str] | None
    task_names: list[str] | None
    states: frozenset[str] | None = None
    destination_types: frozenset[str] | None = None

    @property
    def filters(self) -> Filters:
        """Which tasks of a stream were asked for."""
        return Filters(
            (
                Filter("task_name", self.task_names),
                Filter("state", self.states, words=True),
                Filter("destination_type", self.destination_types, words=True),
            )
        )


class Stream(t.NamedTuple):
    """A stream that was asked for and what its list of transfer tasks says; `tasks` is None when it could not be read."""

    stream_name: str
    absent: bool = False
    total_number: int | None = None
    quota: int | None = None
    tasks: list[Facts] | None = None
    listed: t.Sequence[Listed] = ()  # all in the list, also those that a filter took out
    complete: bool = True  # False when a page of the list could not be read


def transfer_tasks(client: Client, wanted: Wanted, details: bool, now: int, lag: bool = False) -> Flow:
    """Return the facts of dis_transfer_task_info."""
    flow = _with_lag if lag else partial(_tasks_of, details=details)
    streams, complete = yield each_stream(client, wanted, partial(flow, client, wanted=wanted, now=now))
    present = [stream for stream in streams if not stream.absent]
    tasks = [task for stream in present for task in stream.tasks or []]
    tasks.sort(key=lambda task: (task["stream_name"], task["task_name"]))
    found = {listed.facts["task_name"] for stream in present for listed in stream.listed}
    ages = [task["last_transfer_age"] for task in tasks if task["last_transfer_age"] is not None]
    return {
        "transfer_tasks": tasks,
        "streams": [
            {"stream_name": stream.stream_name, "total_number": stream.total_number, "quota": stream.quota}
            for stream in present
            if stream.tasks is not None
        ],
        "not_found": not_found(wanted, streams, found, complete),
        "summary": {
            **_shape.summary(tasks),
            "by_state": _shape.counts(tasks, "state"),
            "by_destination_type": _shape.counts(tasks, "destination_type"),
            "discarded_records": _shape.total_of(task["discarded_records"] for task in tasks),
            "oldest_transfer_age": max(ages, default=None),
            "lag": _shape.sum_of_all(task["lag"] for task in tasks) if lag else None,
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


# -- streams


def each_stream(client: Client, wanted: Wanted, follow: t.Callable[[str], Flow]) -> Flow:
    """Run a flow for each stream that was asked for; return (their Streams sorted by name, whether all could be read).

    Streams that were discovered are followed page by page, while the next page is on its way.
    """
    if wanted.stream_names is not None:
        streams = yield [follow(name) for name in sorted(wanted.stream_names)]
        return streams, all(stream.complete for stream in streams)

    def ask(last: _paging.Page | None, _count: int) -> Request:
        query: dict[str, t.Any] = {"limit": STREAMS_A_PAGE}
        if last:
            query["start_stream_name"] = last.entries[-1]
        shape = partial(_streams, first=last is None)
        return get(client, ["streams"], "the list of streams", shape, query=query)

    pages = yield _paging.read(ask, str, follow=follow, may_repeat=False)
    present = sorted((stream for stream in pages.found if not stream.absent), key=lambda stream: stream.stream_name)
    return present, pages.complete and all(stream.complete for stream in present)


def _streams(body: t.Any, first: bool = True) -> _paging.Page:
    """Return a page of names."""
    told = _shape.tidy(body)
    if not {"stream_names", "stream_info_list", "total_number"}.intersection(told):
        raise ShapeError("neither total_number nor stream_names is in the answer")
    names = told.get("stream_names")
    if isinstance(names, str):
        names = [names]
    if not names:
        names = [_shape.needed(entry, "stream_name") for entry in _shape.objects(told, "stream_info_list")]
    if not isinstance(names, list) or not all(isinstance(name, str) and name for name in names):
        raise ShapeError("stream_names is not a list of names")
    total = _shape.number(told, "total_number")
    if first and total and told.get("stream_names") is None and told.get("stream_info_list") is None:
        raise ShapeError(f"total_number is {total} but there is no stream_names")
    more = _shape.flag(told, "has_more_streams")
    if more is None and total is None:  # then a full page is all that can tell
        more = len(names) >= STREAMS_A_PAGE
    if not names:
        _shape.refuse(told)
    return _paging.Page(names, bool(more), total)


# -- the tasks of one stream


def listed_tasks(client: Client, stream_name: str, now: int) -> Flow:
    """Return the Stream with all that its list of transfer tasks tells (`listed`).

    One page normally holds all. The list goes on after the last name while fewer than total_number have come and the
    last page brought something new: total_number may be larger than the list, and start_task_name may be ignored, or
    refused (whether the service takes it is not known for certain), or name a task that is gone meanwhile.
    """

    def ask(last: _paging.Page | None, _count: int) -> Request:
        return get(
            client,
            ["streams", stream_name, "transfer-tasks"],
            f"the transfer tasks of stream {stream_name}",
            partial(_task_list, stream_name=stream_name, now=now, first=last is None),
            query={"start_task_name": last.entries[-1].facts["task_name"]} if last else None,
            absent=ABSENT,
        )

    ends = frozenset({NO_TASK, "invalid_request"})
    pages = yield _paging.read(ask, lambda listed: str(listed.facts["task_name"]), ends)
    if pages.absent and not pages.complete:
        return Stream(stream_name, absent=True)
    if not pages.told:
        return Stream(stream_name, complete=False)
    total, quota = (next((number for number in told if number is not None), None) for told in zip(*pages.told))
    return Stream(stream_name, False, total, quota, [], pages.entries, pages.complete)


def _task_list(body: t.Any, stream_name: str, now: int, first: bool) -> _paging.Page:
    told = _shape.tidy(body)
    total, entries = _shape.page_of(told, "total_number", "tasks", "details", first=first)
    listed = []
    for entry in entries:
        entry["task_name"] = _shape.needed(entry, "task_name")
        listed.append(Listed(entry, facts.transfer_task(stream_name, entry, None, now)))
    more = bool(_shape.flag(told, "has_more_tasks"))
    return _paging.Page(listed, more, total, (total, _shape.number(told, "quota")))


def shown_task(client: Client, stream_name: str, task_name: str, shape: t.Callable[[Facts], t.Any]) -> Request:
    """Return the question for one task's details; the service takes its name, not its ID. `shape` gets a tidied answer."""

    def shaped(body: t.Any) -> t.Any:
        told = _shape.tidy(body)
        if not _SHOWN.intersection(told):
            raise ShapeError("no field of a transfer task is in the answer")
        return shape(told)

    return get(
        client,
        ["streams", stream_name, "transfer-tasks", task_name],
        f"transfer task {task_name} of stream {stream_name}",
        shaped,
        absent=ABSENT,
    )


_SHOWN = frozenset(
    "task_name task_id state status create_time partitions destination_type last_transfer_timestamp".split()
)


def _tasks_of(client: Client, stream_name: str, wanted: Wanted, now: int, details: bool = True) -> Flow:
    """Return a Stream with its tasks that were asked for. Where the details could not be read, what the list told is kept."""
    stream = yield listed_tasks(client, stream_name, now)
    if stream.tasks is None:
        return stream
    filters = wanted.filters
    asked = [listed for listed in stream.listed if filters.may_take(listed.facts)]
    if not details:
        return stream._replace(tasks=[listed.facts for listed in asked if filters.take(listed.facts)])

    def ask(listed: Listed) -> Request:
        def shape(shown: Facts) -> Facts:
            return facts.transfer_task(stream_name, listed.entry, shown, now)

        return shown_task(client, stream_name, listed.facts["task_name"], shape)

    replies = yield [ask(listed) for listed in asked]
    if any(reply.absent and reply.code == NO_STREAM for reply in replies):
        return Stream(stream_name, absent=True)  # it has gone meanwhile
    tasks = [
        listed.facts if reply.failure else reply.value for listed, reply in zip(asked, replies) if not reply.absent
    ]
    gone = {listed.facts["task_name"] for listed, reply in zip(asked, replies) if reply.absent}
    return stream._replace(
        tasks=[task for task in tasks if filters.take(task)],
        listed=[listed for listed in stream.listed if listed.facts["task_name"] not in gone],
    )


# -- how far they are behind


def _with_lag(client: Client, stream_name: str, wanted: Wanted, now: int) -> Flow:
    """Return a Stream whose tasks, with their details, tell how far they are behind.

    The stream is read once, and after its tasks: what a task had moved by then cannot lie beyond the stream's end. A
    stream without a task that was asked for is not read.
    """
    stream = yield _tasks_of(client, stream_name, wanted, now)
    tasks = stream.tasks or []
    for task in tasks:
        task["lag_asked"] = True
    if any(task["partitions"] for task in tasks):
        ends, counting, complete = yield _partition_ends(client, stream_name)
        for task in tasks:
            facts.add_lag(task, ends, counting, complete)
    return stream


def _partition_ends(client: Client, stream_name: str) -> Flow:
    """Return (the ends of a stream's partitions by ID, the IDs of those that count, whether all could be read)."""

    def ask(last: _paging.Page | None, _count: int) -> Request:
        query: dict[str, t.Any] = {"limit_partitions": PARTITIONS_A_PAGE}
        if last:
            query["start_partitionId"] = last.entries[-1][0]
        absent = frozenset({NO_STREAM})
        purpose = f"the partitions of stream {stream_name}"
        return get(client, ["streams", stream_name], purpose, _partitions, query=query, absent=absent)

    pages = yield _paging.read(ask, lambda partition: partition)
    ends: dict[str, int | None] = {}
    for partition_id, _counts, end in pages.entries:
        ends[partition_id] = end if ends.get(partition_id, end) == end else None  # told twice, and not alike
    counting = frozenset(partition_id for partition_id, counts, _end in pages.entries if counts)
    return ends, counting, pages.complete and not pages.stuck and "" not in ends


def _partitions(body: t.Any) -> _paging.Page:
    told = _shape.tidy(body)
    if "partitions" not in told:
        raise ShapeError("partitions is not in the answer")
    entries = [facts.stream_partition(entry) for entry in _shape.objects(told, "partitions")]
    return _paging.Page(entries, bool(_shape.flag(told, "has_more_partitions")))
