# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Kafka instances of a world: connectors with sink tasks, Smart Connect; also instances made by the number."""

from __future__ import annotations

from typing import Any

from .load_raw import raw_answers
from .reader import MOST, Section, wrong
from .world import Connector, Instance, Project, SinkTask, SmartConnect, SmartConnectTask, long_id


def instance(section: Section, project_id: str) -> Instance:
    """One instance of the world."""
    name = section.text("name")
    instance_id = section.text("id", long_id(project_id, name))
    connector = _connector(section.section("connector"), instance_id)
    smart_connect = _smart_connect(section.section("smart_connect"), instance_id)
    made = Instance(
        id=instance_id,
        name=name,
        status=section.text("status", "RUNNING"),
        engine=section.text("engine", "kafka"),
        created=section.moment("created", "90d"),
        connector_enable=section.flag("connector_enable", bool(connector or smart_connect)),
        connector=connector,
        smart_connect=smart_connect,
        extra=section.mapping("extra"),
        omit=section.texts("omit"),
        raw=raw_answers(section.section("raw"), ("show",)),
    )
    section.close()
    return made


def _connector(section: Section | None, instance_id: str) -> Connector | None:
    if section is None:
        return None
    made = Connector(
        id=section.text("id", long_id(instance_id, "connector")),
        max_tasks=section.number("max_tasks", 10),
        quota_tasks=section.number("quota_tasks", 10),
        raw=raw_answers(section.section("raw"), ("tasks",)),
    )
    for item in section.sections("sink_tasks"):
        task = _sink_task(item, made.id)
        if task.id in made.sink_tasks:
            raise wrong(item.place("id"), task.id, "an id of its own (two tasks of one name need their ids written)")
        made.sink_tasks[task.id] = task
    section.close()
    return made


def _sink_task(section: Section, connector_id: str) -> SinkTask:
    name = section.text("name")
    destination: dict[str, Any] = {
        "consumer_strategy": "latest",
        "destination_file_type": "TEXT",
        "obs_bucket_name": "example-dump",
        "obs_path": name,
        "partition_format": "yyyy/MM/dd/HH/mm",
        "record_delimiter": "\n",
        "deliver_time_interval": 300,
        "obs_part_size": 5242880,
    }
    destination.update(section.mapping("destination"))
    topics = section.any("topics", name)
    if isinstance(topics, list):
        topics = ",".join(str(topic) for topic in topics)
    if topics is not None and not isinstance(topics, str):
        raise wrong(section.place("topics"), topics, "a text (names with commas, or a regular expression) or a list")
    status = section.text("status", "RUNNING")
    made = SinkTask(
        name=name,
        id=section.text("id", long_id(connector_id, name)),
        status=status,
        destination_type=section.text("destination_type", "OBS"),
        created=section.moment("created", "7d"),
        topics=topics,
        destination=destination,
        topics_info=_topics_info(section),
        extra=section.mapping("extra"),
        omit=section.texts("omit"),
        raw=raw_answers(section.section("raw"), ("show",)),
    )
    section.close()
    return made


def _text(value: Any) -> Any:
    # The service writes every number of a topic's partition as a text; null and texts stay what they are.
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _topics_info(section: Section) -> list[dict[str, Any]]:
    made = []
    for item in section.sections("topics_info"):
        topic = item.text("topic")
        partitions = []
        for number, part in enumerate(item.sections("partitions")):
            end, done = part.any("log_end_offset", 0), part.any("last_transfer_offset", 0)
            known = isinstance(end, int) and isinstance(done, int)
            row = {
                "partition_id": _text(part.any("id", number)),
                "status": part.text("status", "RUNNING"),
                "last_transfer_offset": _text(done),
                "log_end_offset": _text(end),
                "lag": _text(part.any("lag", end - done if known else None)),
            }
            for key in part.texts("omit"):
                row.pop(key, None)
            part.close()
            partitions.append(row)
        item.close()
        made.append({"topic": topic, "partitions": partitions})
    return made


def _smart_connect(section: Section | None, instance_id: str) -> SmartConnect | None:
    if section is None:
        return None
    made = SmartConnect(
        max_tasks=section.number("max_tasks", 18),
        quota_tasks=section.number("quota_tasks", 18),
        raw=raw_answers(section.section("raw"), ("tasks",)),
    )
    for item in section.sections("tasks"):
        name = item.text("name")
        task_id = item.text("id", long_id(instance_id, name))
        if task_id in made.tasks:
            raise wrong(item.place("id"), task_id, "an id of its own (two tasks of one name need their ids written)")
        body: dict[str, Any] = {"task_name": name}
        for key in ("topics", "topics_regex"):
            if item.has(key):
                body[key] = item.any(key)
        body["source_type"] = item.text("source_type", "NONE")
        body["source_task"] = item.any("source_task")
        body["sink_type"] = item.text("sink_type", "NONE")
        body["sink_task"] = item.any("sink_task")
        body["id"] = task_id
        body["status"] = item.text("status", "RUNNING")
        body["create_time"] = item.moment("created", "7d")
        body.update(item.mapping("extra"))
        for key in item.texts("omit"):
            body.pop(key, None)
        made.tasks[task_id] = SmartConnectTask(task_id, body, raw_answers(item.section("raw"), ("show",)))
        item.close()
    section.close()
    return made


def generate_instances(plan: Section, project: Project) -> None:
    """The Kafka part of ``generate``."""
    instances = plan.number("instances", 0, maximum=MOST)
    each = MOST // max(1, instances)
    sink_tasks = plan.number("sink_tasks", 0, maximum=each)
    smart_tasks = plan.number("smart_connect_tasks", 0, maximum=each)
    topic_partitions = plan.number("topic_partitions", 3, maximum=max(3, each // max(1, sink_tasks)))
    for number in range(1, instances + 1):
        parts = [{"log_end_offset": 5000, "last_transfer_offset": 5000}] * topic_partitions
        sinks = [
            {"name": f"sink-{index}", "topics_info": [{"topic": f"sink-{index}", "partitions": parts}]}
            for index in range(1, sink_tasks + 1)
        ]
        smart = [
            {"name": f"smart-{index}", "topics": f"topic-{index}", "sink_type": "OBS_SINK", "sink_task": {}}
            for index in range(1, smart_tasks + 1)
        ]
        value = {
            "name": f"kafka-{number:04d}",
            "connector": {"sink_tasks": sinks} if sinks else None,
            "smart_connect": {"tasks": smart} if smart else None,
        }
        made = instance(Section(value, f"generate.instances[{number}]", plan.now), project.id)
        project.instances[made.id] = made
