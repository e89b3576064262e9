# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""DMS for Kafka: instances, connectors with their sink tasks, Smart Connect tasks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from . import errors
from .errors import Refusal
from .protocol import Answer, Request
from .streams import literal
from .world import Connector, Instance, Project, SinkTask, World

_FAILED = ("CREATEFAILED",)
_Item = TypeVar("_Item")


def answer(world: World, request: Request, project: Project, parts: list[str]) -> Answer:
    """Answer a request below /v2/{project_id}; ``parts`` begins with ``instances`` or ``connectors``."""
    if request.method == "GET":
        if parts[0] == "connectors" and len(parts) in (3, 4) and parts[2] == "sink-tasks":
            return _sink_tasks(request, project, parts)
        if parts[0] == "instances" and len(parts) == 1:
            return _list_instances(world, request, project)
        if parts[0] == "instances" and len(parts) == 2:
            instance = _instance(project, parts[1])
            if "show" in instance.raw:
                return literal(instance.raw["show"])
            return Answer.of(_instance_row(instance, True))
        if parts[0] == "instances" and len(parts) in (4, 5) and parts[2:4] == ["connector", "tasks"]:
            return _smart_connect(request, _instance(project, parts[1]), parts[4:])
    return errors.unknown_path(request)


def _page(request: Request, items: Sequence[_Item]) -> Sequence[_Item]:
    """The page that offset and limit ask for. An offset at or past the end is an error, not an empty page."""
    limit, offset = request.parameter("limit"), request.parameter("offset")
    if limit is not None and not (limit.isdigit() and 1 <= int(limit) <= 50):
        raise Refusal(errors.dms(400, "00400062", "Invalid request parameter: limit must be 1 to 50."))
    if offset is not None and not (offset.isdigit() and (int(offset) == 0 or int(offset) < len(items))):
        raise Refusal(errors.dms(400, "40050010", "Offset parameter is invalid."))
    first = int(offset or 0)
    return items[first : first + int(limit or 10)]


def _instance(project: Project, instance_id: str) -> Instance:
    found = project.instances.get(instance_id)
    if found is None:
        raise Refusal(errors.dms(404, "00404022", "This instance does not exist."))
    return found


def _list_instances(world: World, request: Request, project: Project) -> Answer:
    if request.parameter("engine") is None:
        return errors.dms(400, "00400062", "Invalid request parameter: engine is required.")
    name, exact = request.parameter("name"), request.parameter("exact_match_name") == "true"
    wanted = {
        "engine": request.parameter("engine"),
        "id": request.parameter("instance_id"),
        "status": request.parameter("status"),
    }
    found = []
    for instance in project.instances.values():
        if any(value is not None and getattr(instance, key) != value for key, value in wanted.items()):
            continue
        if instance.status in _FAILED and request.parameter("include_failure") == "false":
            continue
        if name and exact and world.options.instance_exact_name and instance.name != name:
            continue
        if name and name not in instance.name:
            continue
        found.append(instance)
    with_id = world.options.instance_list_connector_id
    rows = [_instance_row(instance, with_id) for instance in _page(request, found)]
    return Answer.of({"instances": rows, "instance_num": len(found)})


def _instance_row(instance: Instance, with_connector_id: bool) -> dict[str, Any]:
    row: dict[str, Any] = {
        "name": instance.name,
        "engine": instance.engine,
        "port": 9092,
        "status": instance.status,
        "type": "cluster",
        "specification": "100MB",
        "engine_version": "2.7",
        "instance_id": instance.id,
        "created_at": str(instance.created),
        "partition_num": "300",
        "used_storage_space": 0,
        "total_storage_space": 300,
        "enterprise_project_id": "0",
        "connector_enable": instance.connector_enable,
        "connector_node_num": 2 if instance.connector_enable else 0,
    }
    if with_connector_id:
        row["connector_id"] = instance.connector.id if instance.connector else ""
    row.update(instance.extra)
    for key in instance.omit:
        row.pop(key, None)
    return row


def _sink_tasks(request: Request, project: Project, parts: list[str]) -> Answer:
    instance = project.instance_by_connector(parts[1])
    connector = instance.connector if instance else None
    if connector is None:
        return errors.dms(404, "00404024", "Connector does not exist.")
    if len(parts) == 3:
        return _list_sink_tasks(connector)
    task = connector.sink_tasks.get(parts[3])
    if task is None:
        return errors.dms(404, "00404026", "This dumping task does not exist.")
    if "show" in task.raw:
        return literal(task.raw["show"])
    with_topics = request.parameter("topic-info")
    if with_topics not in (None, "true", "false"):
        return errors.dms(400, "00400062", "Invalid request parameter: topic-info must be true or false.")
    row: dict[str, Any] = {
        "task_name": task.name,
        "destination_type": task.destination_type,
        "create_time": task.created,
        "status": task.status,
        "topics": task.topics,
        "obs_destination_descriptor": task.destination,
    }
    if with_topics == "true":
        row["topics_info"] = task.topics_info
    return Answer.of(_finish(row, task))


def _finish(row: dict[str, Any], task: SinkTask) -> dict[str, Any]:
    row.update(task.extra)
    for key in task.omit:
        row.pop(key, None)
    return row


def _list_sink_tasks(connector: Connector) -> Answer:
    if "tasks" in connector.raw:
        return literal(connector.raw["tasks"])
    rows = [
        _finish(
            {
                "task_id": task.id,
                "task_name": task.name,
                "destination_type": task.destination_type,
                "create_time": task.created,
                "status": task.status,
                "topics": task.topics,
            },
            task,
        )
        for task in connector.sink_tasks.values()
    ]
    return Answer.of(
        {
            "tasks": rows,
            "total_number": len(rows),
            "max_tasks": connector.max_tasks,
            "quota_tasks": connector.quota_tasks,
        }
    )


def _smart_connect(request: Request, instance: Instance, rest: list[str]) -> Answer:
    smart_connect = instance.smart_connect
    if smart_connect is None:
        return errors.dms(404, "00404024", "Connector does not exist.")
    if rest:
        task = smart_connect.tasks.get(rest[0])
        if task is None:
            return errors.dms(404, "00404026", "This dumping task does not exist.")
        return literal(task.raw["show"]) if "show" in task.raw else Answer.of(task.body)
    if "tasks" in smart_connect.raw:
        return literal(smart_connect.raw["tasks"])
    tasks = list(smart_connect.tasks.values())
    return Answer.of(
        {
            "tasks": [task.body for task in _page(request, tasks)],
            "total_number": len(tasks),
            "max_tasks": smart_connect.max_tasks,
            "quota_tasks": smart_connect.quota_tasks,
        }
    )
