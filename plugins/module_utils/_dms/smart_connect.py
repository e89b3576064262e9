# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Smart Connect tasks of Kafka instances."""

from __future__ import annotations

import typing as t
from functools import partial

from ansible_collections.hwcloud.streaming.plugins.module_utils import _shape
from ansible_collections.hwcloud.streaming.plugins.module_utils._dms import facts
from ansible_collections.hwcloud.streaming.plugins.module_utils._dms.instances import instances, missing
from ansible_collections.hwcloud.streaming.plugins.module_utils._dms.service import (
    ABSENT,
    NO_INSTANCE,
    get,
    listing,
)
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


def smart_connect_tasks(client: Client, wanted: Wanted, details: bool, warn: t.Callable[[str], None]) -> Flow:
    """Return the facts of dms_smart_connect_task_info."""
    found = yield instances(client, wanted.instance_ids, wanted.instance_names, wanted.enterprise_project_id)
    discovered = wanted.instance_ids is None and wanted.instance_names is None
    parents = [
        instance
        for instance in found.instances
        if not discovered or instance["enabled"] is not False or instance["connector_id"]
    ]
    read = yield [_of_instance(client, parent, wanted, details) for parent in parents]
    entries = [tasks.entry for tasks in read if tasks.entry is not None]
    gone = list(found.not_found)
    if not discovered:
        asked_by = "instance_id" if wanted.instance_ids is not None else "instance_name"
        vanished = {parent[asked_by] for parent, tasks in zip(parents, read) if tasks.absent == NO_INSTANCE}
        left = {parent[asked_by] for parent, tasks in zip(parents, read) if tasks.absent != NO_INSTANCE}
        gone += [missing(**{asked_by: name}) for name in vanished - left]
        for parent in (parent for parent, tasks in zip(parents, read) if tasks.absent not in ("", NO_INSTANCE)):
            warn(
                f"{named(parent)} has no Smart Connect. If it is an old one with a connector, ask "
                "hwcloud.streaming.dms_sink_task_info."
            )
            entries.append(parent_entry(parent))
    entries.sort(key=lambda entry: entry["instance_id"])
    tasks = [task for one in read for task in one.tasks]
    tasks.sort(key=lambda task: (task["instance_id"], task["task_name"] or "", task["task_id"]))
    return {
        "smart_connect_tasks": tasks,
        "instances": [_without_connector(entry) for entry in entries],
        "not_found": [_without_connector(entry) for entry in not_found(gone, wanted, read, found.complete)],
        "summary": {
            **_shape.summary(tasks),
            "by_status": _shape.counts(tasks, "status"),
            "by_sink_type": _shape.counts(tasks, "sink_type"),
        },
    }


def _without_connector(entry: Facts) -> Facts:
    return {key: value for key, value in entry.items() if key != "connector_id"}


def _of_instance(client: Client, instance: Facts, wanted: Wanted, details: bool) -> Flow:
    """Return the Tasks of an instance."""
    its_name = instance["instance_name"] or instance["instance_id"]
    where = ("instances", instance["instance_id"], "connector", "tasks")
    made = partial(facts.smart_connect_task, instance)

    def ask(task: Facts) -> Request:
        purpose = f"Smart Connect task {task['task_name'] or task['task_id']} of instance {its_name}"
        return get(client, (*where, task["task_id"]), purpose, absent=ABSENT)

    first = get(client, where, f"the Smart Connect tasks of instance {its_name}", absent=ABSENT)
    pages = yield listing(
        first, lambda one: str(one.facts["task_id"]), partial(listed, made=made), ("total_number", "tasks")
    )
    return (yield tasks_of(pages, instance, wanted.filters, made, ask if details else None))
