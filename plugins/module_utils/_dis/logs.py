# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The facts of dis_transfer_task_log_info: whose logs, and what they sum up to. How one is read is in log_reader."""

from __future__ import annotations

from ansible_collections.hwcloud.streaming.plugins.module_utils import _shape
from ansible_collections.hwcloud.streaming.plugins.module_utils._dis import facts as _facts
from ansible_collections.hwcloud.streaming.plugins.module_utils._dis import tasks as _tasks
from ansible_collections.hwcloud.streaming.plugins.module_utils._dis.log_reader import Query, Task, read
from ansible_collections.hwcloud.streaming.plugins.module_utils._dis.service import NO_STREAM
from ansible_collections.hwcloud.streaming.plugins.module_utils._shape import Facts
from ansible_collections.hwcloud.streaming.plugins.module_utils._wire.client import Client
from ansible_collections.hwcloud.streaming.plugins.module_utils._wire.request import Flow


def tasks_by_name(client: Client, wanted: _tasks.Wanted) -> Flow:
    """Return (the tasks of the streams sorted by name, what does not exist). Tasks whose ID the list lacks are asked one by one."""

    def follow(stream_name: str) -> Flow:
        stream = yield _tasks.listed_tasks(client, stream_name, 0)
        if stream.tasks is None:
            return stream
        filters = wanted.filters
        asked = [listed.facts for listed in stream.listed if filters.may_take(listed.facts)]
        unknown = [task["task_name"] for task in asked if not task["task_id"]]
        replies = yield [_tasks.shown_task(client, stream_name, name, _task_id) for name in unknown]
        ids = {task["task_name"]: task["task_id"] for task in asked}
        ids.update((name, reply.value) for name, reply in zip(unknown, replies))
        gone = {name for name, reply in zip(unknown, replies) if reply.absent}
        return stream._replace(
            tasks=[{"task_name": name, "task_id": task_id} for name, task_id in ids.items() if task_id],
            listed=[listed for listed in stream.listed if listed.facts["task_name"] not in gone],
        )

    streams, complete = yield _tasks.each_stream(client, wanted, follow)
    found = {listed.facts["task_name"] for stream in streams for listed in stream.listed}
    tasks = [
        Task(task["task_id"], stream.stream_name, task["task_name"])
        for stream in streams
        for task in stream.tasks or []
    ]
    tasks.sort(key=lambda task: (task.stream_name, task.task_name))
    return tasks, _tasks.not_found(wanted, streams, found, complete)


def _task_id(shown: Facts) -> str:
    return _shape.needed(shown, "task_id")


def facts(client: Client, by_id: list[Task] | None, wanted: _tasks.Wanted, query: Query) -> Flow:
    """Return the facts of dis_transfer_task_log_info, for the tasks with these IDs or for those that are wanted by name."""
    tasks, missing = (by_id, []) if by_id is not None else (yield tasks_by_name(client, wanted))
    outcomes = yield [read(client, task, query) for task in tasks]
    present = [reader for reader, absent in outcomes if absent == ""]
    gone = [reader.task for reader, absent in outcomes if absent]
    if by_id is not None:
        not_found = [{"transfer_task_id": task.task_id, "stream_name": None, "task_name": None} for task in gone]
    else:
        if wanted.stream_names is not None:
            lost = {reader.task.stream_name for reader, absent in outcomes if absent == NO_STREAM}
            missing += [{"stream_name": name, "task_name": None} for name in lost]
        if wanted.task_names is not None:
            # What the list named and is gone when asked was asked for only if it was by its own name.
            left = {reader.task.task_name for reader, absent in outcomes if not absent}
            missing += [_tasks.absent_task(wanted, name) for name in {task.task_name for task in gone} - left]
        not_found = [{"transfer_task_id": None, **entry} for entry in missing]
    entries = [reader.entry() for reader in present]
    busy = _facts.BusyTime(query.order == "desc")
    for reader in present:
        busy.merge(reader.busy)
    summed = ("total_num", "returned", "transfer_bytes", "transfer_records_num")
    summary = {name: sum(entry[name] for entry in entries) for name in summed}
    return {
        "logs": [row for reader in present for row in reader.rows],
        "tasks": entries,
        "not_found": sorted(not_found, key=lambda entry: tuple(value or "" for value in entry.values())),
        "summary": {
            **summary,
            "truncated": any(entry["truncated"] for entry in entries),
            "bytes_per_second": _facts.per_second(summary["transfer_bytes"], busy.milliseconds()),
            "records_per_second": _facts.per_second(summary["transfer_records_num"], busy.milliseconds()),
        },
    }
