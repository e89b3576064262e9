# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""DIS: streams, their transfer tasks and the tasks' logs."""

from __future__ import annotations

import json
from typing import Any

from . import errors
from .auth import Identity
from .errors import Refusal
from .load_streams import destination_key
from .logs import SORT_NAMES
from .protocol import Answer, Request
from .world import End, Partition, Project, Raw, Stream, TransferTask, World

_STATUS_OF_PARTITION = {"RUNNING": "ACTIVE"}


def literal(raw: Raw) -> Answer:
    """A literal answer from the world."""
    return Answer(raw.status, raw.body, list(raw.headers), raw.content_type)


def bounded(request: Request, name: str, default: int, least: int, most: int) -> int:
    """A number from the query; out of bounds it is an invalid request to DIS."""
    text = request.parameter(name)
    if text is None:
        return default
    if not text.isdigit() or not least <= int(text) <= most:
        raise Refusal(errors.dis(400, "4200", f"Invalid request. [Parameter {name} must be {least} to {most}.]"))
    return int(text)


def answer(world: World, request: Request, project: Project, parts: list[str]) -> Answer:
    """Answer a request below /v2/{project_id}/streams; ``parts`` is what follows that."""
    if request.method != "GET":
        return errors.unknown_path(request)
    if not parts:
        return _list_streams(request, project)
    if len(parts) > 3 or (len(parts) > 1 and parts[1] != "transfer-tasks"):
        return errors.unknown_path(request)
    stream = project.streams.get(parts[0])
    if stream is None:
        return errors.dis(400, "4301", f"Stream does not exist. [{parts[0]}][{project.id}]")
    if len(parts) == 1:
        return _show_stream(world, request, stream)
    if len(parts) == 2:
        return _list_tasks(world, request, stream)
    task = stream.tasks.get(parts[2])
    if task is None:
        return errors.dis(400, "4354", f"Transfer task does not exist. [{parts[2]}]")
    if "show" in task.raw:
        return literal(task.raw["show"])
    task.live(world.now())
    return Answer.of(_show_task(world, stream, task))


def _list_streams(request: Request, project: Project) -> Answer:
    limit = bounded(request, "limit", 10, 1, 100)
    start = request.parameter("start_stream_name") or ""
    names = sorted(name for name in project.streams if name > start)
    page = names[:limit]
    return Answer.of(
        {
            "total_number": len(project.streams),
            "stream_names": page,
            "has_more_streams": len(names) > limit,
            "stream_info_list": [_stream_row(project.streams[name]) for name in page],
        }
    )


def _stream_row(stream: Stream) -> dict[str, Any]:
    return {
        "stream_id": stream.id,
        "stream_name": stream.name,
        "create_time": stream.created,
        "retention_period": 24,
        "status": stream.status,
        "stream_type": "COMMON",
        "data_type": "BLOB",
        "partition_count": stream.partitions,
        "tags": [],
        "auto_scale_enabled": False,
        "auto_scale_min_partition_count": 0,
        "auto_scale_max_partition_count": 0,
    }


def _show_stream(world: World, request: Request, stream: Stream) -> Answer:
    if "show" in stream.raw:
        return literal(stream.raw["show"])
    limit = bounded(request, "limit_partitions", 100, 1, 1000)
    start = request.parameter("start_partitionId") or ""
    ids = [name for name in (f"shardId-{number:010d}" for number in range(stream.partitions)) if name > start]
    row = _stream_row(stream)
    row.pop("partition_count")
    row["last_modified_time"] = stream.created
    row["readable_partition_count"] = row["writable_partition_count"] = stream.partitions
    row["has_more_partitions"] = len(ids) > limit
    row["partitions"] = [_stream_partition(name, stream.ends.get(name), world.now()) for name in ids[:limit]]
    return Answer.of(row)


def _stream_partition(name: str, end: End | None, now: int) -> dict[str, Any]:
    row: dict[str, Any] = {
        "partition_id": name,
        "status": end.status if end else "ACTIVE",
        "hash_range": "[0 : 9223372036854775807]",
        "sequence_number_range": f"[{end.start} : {end.at(now)}]" if end else "[0 : 1000]",
    }
    if end and end.range is not None:
        row["sequence_number_range"] = end.range
    return row


def _list_tasks(world: World, request: Request, stream: Stream) -> Answer:
    if "tasks" in stream.raw:
        return literal(stream.raw["tasks"])
    options = world.options
    text = request.parameter("limit")
    if text is not None and (not text.isdigit() or int(text) < 1):
        return errors.dis(400, "4200", "Invalid request. [Parameter limit must be 1 to 10.]")
    limit = min(options.task_list_limit if text is None else int(text), options.task_list_cap)
    start = (request.parameter("start_task_name") or "") if options.task_list_start else ""
    names = sorted(name for name in stream.tasks if name > start)
    total = len(stream.tasks) if stream.total_number is None else stream.total_number
    rows = [_task_row(world, stream.tasks[name]) for name in names[:limit]]
    body: dict[str, Any] = {"total_number": total, options.task_list_key: rows}
    if options.task_list_key == "details":
        body["has_more_tasks"] = len(names) > limit
    if stream.quota is not None:
        body["quota"] = stream.quota
    return Answer.of(body)


def _finish(row: dict[str, Any], task: TransferTask) -> dict[str, Any]:
    row.update(task.extra)
    for key in task.omit:
        row.pop(key, None)
    return row


def _task_row(world: World, task: TransferTask) -> dict[str, Any]:
    task.live(world.now())
    row: dict[str, Any] = {
        "destination_type": task.destination_type,
        "create_time": task.created,
        "last_transfer_timestamp": task.last_transfer,
        "state": task.state,
        "task_name": task.name,
    }
    if world.options.task_list_ids:
        row["task_id"] = task.id
    return _finish(row, task)


def _show_task(world: World, stream: Stream, task: TransferTask) -> dict[str, Any]:
    row: dict[str, Any] = {
        "stream_id": stream.id,
        "stream_name": stream.name,
        "task_name": task.name,
        "task_id": task.id,
        "destination_type": task.destination_type,
        "state": task.state,
        "create_time": task.created,
        "last_transfer_timestamp": task.last_transfer,
        "partitions": [
            _partition(world.options.partition_schema, part, _offset(stream, part, world.now()))
            for part in task.partitions
        ],
    }
    if world.options.stream_id_twice:
        row["streamId"] = stream.id
    if task.exception_strategy is not None:
        row["exception_strategy"] = task.exception_strategy
    if task.destination is not None:
        key = task.destination_key
        row[key if "_" in key else destination_key(key, world.options.destination_keys)] = task.destination
    return _finish(row, task)


def _offset(stream: Stream, part: Partition, now: int) -> Any:
    """How far a task has come: where it was written to be, or so many records behind the end."""
    end = stream.ends.get(part.id)
    return part.last_transfer_offset if part.behind is None or end is None else max(0, end.at(now) - part.behind)


def _partition(schema: str, part: Partition, offset: Any) -> dict[str, Any]:
    if schema == "documented":
        row: dict[str, Any] = {
            "partition_id": part.id,
            "status": _STATUS_OF_PARTITION.get(part.state, part.state),
            "hash_range": "[0 : 9223372036854775807]",
            "sequence_number_range": f"[0 : {offset}]",
            "parent_partitions": "",
        }
    else:
        row = {
            "partitionId" if schema == "camel" else "partition_id": part.id,
            "state": part.state,
            "last_transfer_timestamp": part.last_transfer,
            "last_transfer_offset": offset,
            "discard": part.discard,
        }
    row.update(part.extra)
    return row


def answer_logs(world: World, request: Request, identity: Identity, parts: list[str]) -> Answer:
    """Answer POST /v1/transfertasklog/{task_id}; the project comes from the token or from X-Project-Id."""
    if request.method != "POST" or len(parts) != 1:
        return errors.unknown_path(request)
    project = world.projects.get(identity.project_id or "")
    if project is None:
        return errors.dis(400, "4117", "Invalid project id. [Parameter project_id is invalid.]")
    order, sort_by, index, size = _log_query(request)
    found = project.task_by_id(parts[0])
    if found is None:
        return _unknown_task(world, parts[0])
    stream, task = found
    if "logs" in task.raw:
        return literal(task.raw["logs"])
    options = world.options
    if options.log_page_cap is not None:
        size = min(size, options.log_page_cap)
    if options.log_repeat_page is not None:
        index = min(index, options.log_repeat_page)
    task.live(world.now())
    total = task.logs.total()
    rows = task.logs.page((index - 1) * size, size, order, sort_by, project.log_owner(stream, task))
    task.logs.grow(options.log_growth)
    return _log_answer(options.log_error_code, options.log_list, total, rows)


def _log_answer(error_code: Any, shape: str, total: int, rows: list[bytes]) -> Answer:
    if shape == "object" and len(rows) < 2:
        listed = rows[0] if rows else b"null"
    else:
        listed = b"[" + b",".join(rows) + b"]"
    code = b"" if error_code == "absent" else b'"errorCode":' + json.dumps(error_code).encode() + b","
    return Answer(
        200,
        b'{%b"totalNum":%d,"message":null,"isStreamFound":null,"streamData":null,"streamDataList":null,'
        b'"transferTaskList":null,"monitorData":null,"transferTaskLogList":%b}' % (code, total, listed),
    )


def _unknown_task(world: World, task_id: str) -> Answer:
    mode = world.options.log_unknown_task
    if mode == "empty":
        return _log_answer(world.options.log_error_code, "list", 0, [])
    message = f"Transfer task does not exist. [{task_id}]"
    if mode == "inside":
        return Answer.of({"errorCode": "DIS.4354", "message": message, "totalNum": 0, "transferTaskLogList": None})
    return errors.dis(400, "4354", message)


def _log_query(request: Request) -> tuple[str, str, int, int]:
    try:
        body = json.loads(request.body) if request.body else {}
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise Refusal(errors.dis(400, "4200", "Invalid request. [The body is not a JSON object.]"))
    order, sort_by = body.get("order") or "desc", body.get("sortBy") or "createTimeStr"
    page = body.get("pageInfo")
    page = {"pageIndex": 1, "pageTotal": 10} if page is None else page
    index = page.get("pageIndex") if isinstance(page, dict) else None
    size = page.get("pageTotal") if isinstance(page, dict) else None
    numbers = all(isinstance(item, int) and not isinstance(item, bool) and item >= 1 for item in (index, size))
    for name, valid in (
        ("order", order in ("desc", "asc")),
        ("sortBy", sort_by in SORT_NAMES),
        ("pageInfo", numbers),
    ):
        if not valid:
            raise Refusal(errors.dis(400, "4200", f"Invalid request. [Parameter {name} is invalid.]"))
    return order, sort_by, int(index or 1), int(size or 10)
