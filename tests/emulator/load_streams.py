# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The streams of a world: their transfer tasks, partitions and logs; also streams made by the number."""

from __future__ import annotations

from typing import Any

from .load_raw import raw_answers
from .logs import LogGenerator, LogRows
from .reader import MISSING, MOST, Section, wrong
from .world import End, Partition, Project, Stream, TransferTask, short_id

_KINDS = ("obs", "mrs", "dli", "dws", "cloudtable")
# The official documents and SDKs misspell two of the keys; the native clients and gophertelekomcloud do not.
_PATTERNS = {
    "documented": {"dws": "dws_destination_descripton", "cloudtable": "cloudtable_destination_descripton"},
    "native": {},
    "gopher": {"cloudtable": "cloud_table_destination_description"},
}


def destination_key(kind: str, variant: str) -> str:
    """The key under which a task's details carry the destination, in one of the spellings."""
    return _PATTERNS[variant].get(kind, f"{kind}_destination_description")


def stream(section: Section, project_id: str) -> Stream:
    """One stream of the world."""
    name = section.text("name")
    made = Stream(
        name=name,
        id=section.text("id", short_id(project_id, name)),
        status=section.text("status", "RUNNING"),
        created=section.moment("created", "30d"),
        partitions=section.number("partitions", 1, 1, 10000),
        quota=section.number("quota", None),
        total_number=section.number("total_number", None),
        raw=raw_answers(section.section("raw"), ("tasks", "show")),
    )
    for item in section.sections("tasks"):
        task = transfer_task(item, made)
        if task.name in made.tasks:
            raise wrong(item.place("name"), task.name, "a name of its own within the stream")
        made.tasks[task.name] = task
    made.ends = _ends(section, made)
    section.close()
    return made


def shard_id(value: Any) -> str:
    """The id of a partition, which a world may write as its number."""
    return f"shardId-{value:010d}" if isinstance(value, int) else str(value)


def _ends(section: Section, made: Stream) -> dict[str, End]:
    """The ends of a stream's partitions; where none is written, the one that its tasks have come to."""
    growth = section.number("per_minute", 0)
    reached: dict[str, int] = {}
    for part in (part for task in made.tasks.values() for part in task.partitions):
        if isinstance(part.last_transfer_offset, int) and part.behind is None:
            reached[part.id] = max(part.last_transfer_offset, reached.get(part.id, part.last_transfer_offset))
    names = enumerate(map(shard_id, range(made.partitions)))
    ends = {name: End(0, reached.get(name, 1000 + number), growth, section.now) for number, name in names}
    for item in section.sections("ends"):
        name = shard_id(item.any("id", MISSING))
        if name not in ends:
            raise wrong(item.place("id"), item.any("id"), f"one of the stream's {made.partitions} partitions")
        ends[name] = End(
            item.number("start", 0),
            item.number("end", ends[name].end),
            item.number("per_minute", growth),
            section.now,
            item.text("status", "ACTIVE"),
            item.any("range"),
        )
        item.close()
    return ends


def transfer_task(section: Section, owner: Stream) -> TransferTask:
    """One transfer task of a stream."""
    name = section.text("name")
    task_id = section.text("id", short_id(owner.id, name))
    kind_of = section.text("destination_type", "OBS")
    state = section.text("state", "RUNNING")
    created = section.moment("created", "7d")
    last_transfer = section.moment("last_transfer", None if section.has("last_transfer") else "45s")
    kind = section.text("destination_kind", kind_of.lower() if kind_of.lower() in _KINDS else None, _KINDS)
    task = TransferTask(
        name=name,
        id=task_id,
        state=state,
        destination_type=kind_of,
        created=created,
        last_transfer=last_transfer,
        exception_strategy=section.text("exception_strategy", None),
        destination=_destination(section, owner.name, kind),
        destination_key=section.text("destination_key", kind or "obs"),
        partitions=_partitions(section, owner.partitions, state, last_transfer),
        logs=_logs(section),
        moving=section.flag("moving", False),
        age=_age(last_transfer, section.now),
        created_age=_age(created, section.now),
        extra=section.mapping("extra"),
        omit=section.texts("omit"),
        raw=raw_answers(section.section("raw"), ("show", "logs")),
    )
    section.close()
    return task


def _age(moment: int | None, now: int) -> int | None:
    """How long ago it was; 0 and -1 stand for never."""
    return now - moment if moment is not None and moment > 0 else None


def _destination(section: Section, stream_name: str, kind: str | None) -> dict[str, Any] | None:
    if section.has("destination"):
        return section.mapping("destination") if section.any("destination") is not None else None
    if kind is None:
        return None
    values = {
        "agency_name": "dis_admin_agency",
        "consumer_strategy": "LATEST",
        "deliver_time_interval": 300,
        "retry_duration": 1800,
        "obs_bucket_path": f"{stream_name}-dump",
        "file_prefix": "",
    }
    if kind == "obs":
        values.update(partition_format="yyyy/MM/dd", destination_file_type="text", record_delimiter="\n")
    if kind == "dli":
        values.update(dli_database_name="example", dli_table_name=stream_name)
    return values


def _partitions(section: Section, default: int, state: str, last_transfer: int | None) -> list[Partition]:
    value = section.any("partitions")
    normal = state if state in ("RUNNING", "ABNORMAL", "PAUSED") else "RUNNING"
    if value is None or isinstance(value, int):
        count = section.number("partitions", default, maximum=10000)
        age = _age(last_transfer, section.now)
        return [Partition(shard_id(number), normal, 1000 + number, last_transfer, age=age) for number in range(count)]
    made = []
    for number, item in enumerate(section.sections("partitions")):
        item_id = item.any("id", number)
        last = item.moment("last_transfer", None if item.has("last_transfer") else last_transfer)
        made.append(
            Partition(
                id=shard_id(item_id),
                state=item.text("state", normal),
                last_transfer_offset=item.any("last_transfer_offset", 1000 + number),
                last_transfer=last,
                discard=item.any("discard", 0),
                behind=item.number("behind", None),
                age=_age(last, section.now),
                extra=item.mapping("extra"),
            )
        )
        item.close()
    return made


def _logs(section: Section) -> LogRows | LogGenerator:
    value = section.any("logs")
    if value is None:
        return LogRows([])
    if isinstance(value, dict):
        plan = Section(value, section.place("logs"), section.now)
        logs = log_generator(plan)
        plan.close()
        return logs
    rows = []
    for item in section.sections("logs"):
        start = item.moment("start", MISSING)
        end = item.moment("end") if item.has("end") else start + item.span("lasting", "300s")
        row: dict[str, Any] = {
            "start": start,
            "end": end,
            "bytes": item.any("bytes", 0),
            "records": item.any("records", 0),
            "state": item.any("state", 0),
        }
        for key in ("partition", "file", "destination_type", "num", "transformed"):
            if item.has(key):
                row[key] = item.any(key)
        row.update(item.mapping("extra"))
        item.any("lasting")
        item.close()
        rows.append(row)
    return LogRows(rows)


def log_generator(plan: Section) -> LogGenerator:
    """Rows by the number; ``start`` is that of the oldest, by default such that the newest has just ended."""
    count = plan.number("count")
    every = plan.span("every", "300s")
    lasting = plan.span("lasting", every / 1000)
    start = plan.moment("start") if plan.has("start") else plan.now - lasting - (count - 1) * every
    size = plan.number("bytes", 1_048_576)
    return LogGenerator(count, every, lasting, size, plan.number("records", 1024), start, plan.number("state", 0))


def generate_streams(plan: Section, project: Project) -> None:
    """The DIS part of ``generate``: streams x tasks, all alike, numbered from 0001."""
    streams = plan.number("streams", 0, maximum=MOST)
    tasks = plan.number("tasks", 2, maximum=MOST // max(1, streams))
    partitions = plan.number("partitions", 2, 1, maximum=MOST // max(1, streams * max(1, tasks)))
    prefix = plan.text("prefix", "stream-")
    logs = plan.section("logs")
    for number in range(1, streams + 1):
        name = f"{prefix}{number:04d}"
        value = {
            "name": name,
            "partitions": partitions,
            "tasks": [{"name": f"task-{index}", "logs": logs and logs.value} for index in range(1, tasks + 1)],
        }
        project.streams[name] = stream(Section(value, f"generate.streams[{number}]", plan.now), project.id)
