# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the answers of DMS mean: instances, sink tasks, Smart Connect tasks."""

from __future__ import annotations

import re

from ansible_collections.hwcloud.streaming.plugins.module_utils._shape import (
    DESTINATION,
    Facts,
    destination_of,
    distinct,
    flag,
    joined,
    merged,
    moment,
    needed,
    number,
    objects,
    repaired,
    sum_of_all,
    text,
    with_unknown,
)

_TOPIC_NAME = re.compile(r"[A-Za-z0-9._-]+\Z")


def instance(facts: Facts) -> Facts:
    """Return what is needed of a Kafka instance, from either of its answers."""
    connector_id = text(facts, "connector_id")
    return {
        "instance_id": text(facts, "instance_id"),
        "instance_name": text(facts, "name"),
        "connector_id": connector_id,  # "" says that there is none, None that it was not told
        "enabled": flag(facts, "connector_enable"),  # of Smart Connect; None that it was not told
    }


def sink_task(instance: Facts, connector_id: str, listed: Facts, shown: Facts | None) -> Facts:
    """Return a connector's sink task from its (tidied) entry in the list and its own answer."""
    raw = merged(listed, shown)
    keys = [name for name in raw if DESTINATION.match(name)]
    destination = destination_of(raw, keys, text(raw, "destination_type"))
    # The documentation has the topics beside the descriptor, a client that was tried reads them from inside it.
    inside = destination or {}
    topics, topic_names, topics_regex = topics_of(
        {name: raw.get(name) or inside.get(name) for name in ("topics", "topics_regex")}
    )
    infos = sorted(
        distinct([_topic(entry) for entry in objects(raw, "topics_info")], "topic"),
        key=lambda info: info["topic"] or "",
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
        "problems": [],  # these come when all of the result is judged
    }
    if raw.get("topics_info") is not None:
        facts["lag"] = sum_of_all(info["lag"] for info in infos)
    return with_unknown(facts, raw, "state", *keys)


def topics_of(raw: Facts) -> tuple[str | None, list[str], str | None]:
    """Return (topics as told, the names in it, the regular expression if it is one)."""
    topics, regex = joined(raw, "topics"), text(raw, "topics_regex") or None
    names = [name.strip() for name in (topics or "").split(",") if name.strip()]
    if not all(_TOPIC_NAME.match(name) for name in names):
        names, regex = [], regex or topics
    return topics, names, regex


def _topic(entry: Facts) -> Facts:
    partitions = distinct([_topic_partition(item) for item in objects(entry, "partitions")], "partition_id")
    partitions.sort(key=lambda item: -1 if item["partition_id"] is None else item["partition_id"])
    told = entry.get("partitions") is not None
    lag = sum_of_all(item["lag"] for item in partitions) if told else None
    return with_unknown({"topic": text(entry, "topic"), "lag": lag, "partitions": partitions}, entry)


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
        "problems": [],
    }
    return with_unknown(facts, raw, "id", "state")


def smart_connect_id(listed: Facts) -> str:
    """Return a Smart Connect task's ID, which the API calls `id`."""
    return text(listed, "id") or needed(listed, "task_id")
