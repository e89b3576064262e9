# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sink tasks of the connectors of Kafka instances."""

from __future__ import annotations

import typing as t
from functools import partial

from ansible_collections.hwcloud.streaming.plugins.module_utils import _paging, _shape
from ansible_collections.hwcloud.streaming.plugins.module_utils._dms import facts
from ansible_collections.hwcloud.streaming.plugins.module_utils._dms.instances import instances, missing
from ansible_collections.hwcloud.streaming.plugins.module_utils._dms.service import ABSENT, counts, get
from ansible_collections.hwcloud.streaming.plugins.module_utils._dms.tasks import (
    Wanted,
    listed,
    named,
    not_found,
    parent_entry,
    tasks_of,
)
from ansible_collections.hwcloud.streaming.plugins.module_utils._shape import Facts
from ansible_collections.hwcloud.streaming.plugins.module_utils._wire.client import Client
from ansible_collections.hwcloud.streaming.plugins.module_utils._wire.request import Flow, Request


def sink_tasks(client: Client, wanted: Wanted, topic_info: bool, warn: t.Callable[[str], None]) -> Flow:
    """Return the facts of dms_sink_task_info."""
    gone: list[Facts] = []
    without: list[Facts] = []
    complete = True
    by_instance = wanted.instance_ids is not None or wanted.instance_names is not None
    if wanted.connector_ids is not None:
        parents: list[Facts] = [
            {"instance_id": None, "instance_name": None, "connector_id": connector_id}
            for connector_id in wanted.connector_ids
        ]
    else:
        found = yield instances(client, wanted.instance_ids, wanted.instance_names, wanted.enterprise_project_id)
        gone, complete = list(found.not_found), found.complete
        parents = [instance for instance in found.instances if instance["connector_id"]]
        without = [instance for instance in found.instances if by_instance and not instance["connector_id"]]
    read = yield [_of_connector(client, parent, wanted, topic_info) for parent in parents]
    absent = [parent for parent, tasks in zip(parents, read) if tasks.absent]
    if by_instance:
        without += absent  # a connector of the new kind has an ID too, but is none for this API
    for instance in without:
        warn(
            f"{named(instance)} has no connector of the kind that has sink tasks. Instances created "
            "now are dumped by Smart Connect tasks: ask hwcloud.streaming.dms_smart_connect_task_info."
        )
    if wanted.connector_ids is not None:
        gone += [missing(connector_id=parent["connector_id"]) for parent in absent]
    entries = [tasks.entry for tasks in read if tasks.entry is not None]
    entries += [parent_entry({**instance, "connector_id": None}) for instance in without]
    entries.sort(key=lambda entry: (entry["connector_id"] or "", entry["instance_id"] or ""))
    tasks = [task for one in read for task in one.tasks]
    tasks.sort(key=lambda task: (task["connector_id"], task["task_name"] or "", task["task_id"]))
    return {
        "sink_tasks": tasks,
        "connectors": entries,
        "not_found": not_found(gone, wanted, read, complete),
        "summary": {
            **_shape.summary(tasks),
            "by_status": _shape.counts(tasks, "status"),
            "lag": _shape.sum_of_all(task["lag"] for task in tasks),
        },
    }


def _of_connector(client: Client, instance: Facts, wanted: Wanted, topic_info: bool) -> Flow:
    """Return the Tasks of a connector. Its list has one page."""
    connector_id = instance["connector_id"]
    where = ("connectors", connector_id, "sink-tasks")
    made = partial(facts.sink_task, instance, connector_id)

    def page(body: t.Any) -> _paging.Page:
        told = _shape.tidy(body)
        _total, entries = _shape.page_of(told, "total_number", "tasks")
        return _paging.Page([listed(entry, made) for entry in entries], False, told=counts(told))

    def first(_last: _paging.Page | None, _count: int) -> Request:
        return get(client, where, f"the sink tasks of connector {connector_id}", page, absent=ABSENT)

    def details(task: Facts) -> Request:
        return get(
            client,
            (*where, task["task_id"]),
            f"sink task {task['task_name'] or task['task_id']} of connector {connector_id}",
            query={"topic-info": topic_info},
            absent=ABSENT,
        )

    pages = yield _paging.read(first, lambda one: str(one.facts["task_id"]))
    return (yield tasks_of(pages, instance, wanted.filters, made, details))
