# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Distributed Message Service for Kafka: instances, the sink tasks of their connectors, their Smart Connect tasks."""

from __future__ import annotations

import typing as t
from functools import partial

from ansible_collections.hwcloud.streaming.plugins.module_utils import _facts
from ansible_collections.hwcloud.streaming.plugins.module_utils._client import Client, Flow, Request
from ansible_collections.hwcloud.streaming.plugins.module_utils._dis import path
from ansible_collections.hwcloud.streaming.plugins.module_utils._errors import ShapeError
from ansible_collections.hwcloud.streaming.plugins.module_utils._facts import Facts

NO_INSTANCE, NO_CONNECTOR, NO_TASK = "DMS.00404022", "DMS.00404024", "DMS.00404026"
ABSENT = frozenset({NO_INSTANCE, NO_CONNECTOR, NO_TASK})
# An offset at or past the total: what was there when the total was told is gone. The first is what the list of instances
# says, the second the lists below an instance.
PAST_THE_END = frozenset({"DMS.40050010", "DMS.00400062"})
ENTRIES_A_PAGE = 50  # the most that the service takes for instances and Smart Connect tasks


Seen = t.Tuple[str, t.Optional[str]]  # a task's ID and name; the name may not be told


class Wanted(t.NamedTuple):
    """What was asked for: None is all there is; at most one of the first three is set. `statuses` holds upper-case words."""

    connector_ids: list[str] | None
    instance_ids: list[str] | None
    instance_names: list[str] | None
    task_ids: list[str] | None
    task_names: list[str] | None
    statuses: frozenset[str] | None
    enterprise_project_id: str | None = None  # for the list of instances

    def selects(self, task_id: str, task_name: str | None) -> bool:
        """Tell whether a task may be one of those that were asked for; a name that is not told may."""
        return (self.task_ids is None or task_id in self.task_ids) and (
            self.task_names is None or not task_name or task_name in self.task_names
        )

    def wants(self, task: Facts) -> bool:
        """Tell whether a task is one of those that were asked for, by all that is known of it."""
        named = self.task_names is None or task["task_name"] in self.task_names
        return named and self.keeps(task["status"])

    def keeps(self, status: t.Any) -> bool:
        """Tell whether a status passes the filter."""
        return self.statuses is None or (status is not None and str(status).upper() in self.statuses)


class Found(t.NamedTuple):
    """The instances that were asked for, what of it does not exist, and whether all of it could be found out."""

    instances: list[Facts]
    not_found: list[Facts]
    complete: bool


class Tasks(t.NamedTuple):
    """The tasks of one connector or instance: `entry` goes into the list of parents; it is None when nothing is known."""

    entry: Facts | None = None
    tasks: list[Facts] = []
    seen: t.Sequence[Seen] = ()  # every task that exists
    absent: str = ""  # the code that says so
    complete: bool = True


def missing(**known: str | None) -> Facts:
    """Return an entry of not_found; what was not asked for is null."""
    keys = ("instance_id", "instance_name", "connector_id", "task_id", "task_name")
    return {key: known.get(key) for key in keys}


# -- instances


def instances(client: Client, wanted: Wanted) -> Flow:
    """Return Found for the instances that were asked for by ID or name, or for every Kafka instance of the project."""
    if wanted.instance_ids is not None:
        names = sorted(wanted.instance_ids)
        replies = yield [_shown_instance(client, instance_id) for instance_id in names]
        found = [reply.value for reply in replies if reply.value is not None]
        gone = [missing(instance_id=name) for name, reply in zip(names, replies) if reply.absent]
        return Found(found, gone, not any(reply.failure for reply in replies))
    within = {"enterprise_project_id": wanted.enterprise_project_id} if wanted.enterprise_project_id else {}
    if wanted.instance_names is not None:
        names = sorted(wanted.instance_names)
        listed = yield [_instance_list(client, {"name": name, "exact_match_name": True, **within}) for name in names]
        found, gone, complete = [], [], True
        for name, (entries, whole) in zip(names, listed):
            matching = [entry for entry in entries if entry["instance_name"] == name]
            found += matching
            complete = complete and whole
            if whole and not matching:
                gone.append(missing(instance_name=name))
    else:
        found, complete = yield _instance_list(client, within)
        gone = []
        if not complete and client.late:  # of a list without end there is more than can be refused one by one
            return Found([], [], False)
    # Not every service tells the connector in the list.
    unclear = [entry for entry in found if entry["connector_id"] is None and entry["enabled"] is not False]
    replies = yield [_shown_instance(client, entry["instance_id"]) for entry in unclear]
    shown = {entry["instance_id"]: reply for entry, reply in zip(unclear, replies)}
    kept = []
    for entry in found:
        reply = shown.get(entry["instance_id"])
        if reply is None:
            kept.append(entry)
        elif reply.value is not None:
            kept.append({**reply.value, "instance_name": entry["instance_name"] or reply.value["instance_name"]})
    if wanted.instance_names is not None:
        left = [entry for entry in found if not getattr(shown.get(entry["instance_id"]), "absent", False)]
        vanished = {entry["instance_name"] for entry in found} - {entry["instance_name"] for entry in left}
        gone += [missing(instance_name=name) for name in vanished]
    return Found(kept, gone, complete and not any(reply.failure for reply in replies))


def _shown_instance(client: Client, instance_id: str) -> Request:
    def shape(body: t.Any) -> Facts:
        facts = _facts.tidy(body)
        if not {"instance_id", "name", "status", "engine", "connector_id"}.intersection(facts):
            raise ShapeError("no field of an instance is in the answer")
        return {**_instance(facts), "instance_id": instance_id}

    return Request(
        "dms",
        "GET",
        path("v2", client.project_id or "", "instances", instance_id),
        f"Kafka instance {instance_id}",
        shape,
        absent=ABSENT,
    )


def _instance(facts: Facts) -> Facts:
    enabled = facts.get("connector_enable")
    if isinstance(enabled, str):
        enabled = enabled.strip().lower() == "true" if enabled.strip() else None
    connector_id = _facts.text(facts, "connector_id")
    return {
        "instance_id": _facts.text(facts, "instance_id"),
        "instance_name": _facts.text(facts, "name"),
        "connector_id": connector_id,  # "" says that there is none, None that it was not told
        "enabled": enabled,  # of Smart Connect; None that it was not told
    }


def _instance_list(client: Client, query: dict[str, t.Any]) -> Flow:
    """Return (instances, whether all pages could be read)."""

    def shape(body: t.Any, first: bool) -> tuple[int | None, list[Facts]]:
        total, entries = _facts.page_of(_facts.tidy(body), "instance_num", "instances", first=first)
        for entry in entries:
            entry["instance_id"] = _facts.needed(entry, "instance_id")
        return total, [_instance(entry) for entry in entries]

    def ask(offset: int) -> Request:
        return Request(
            "dms",
            "GET",
            path("v2", client.project_id or "", "instances"),
            f"the Kafka instance named {query['name']}" if "name" in query else "the list of Kafka instances",
            partial(shape, first=not offset),
            query={"engine": "kafka", "limit": ENTRIES_A_PAGE, "offset": offset, **query},
        )

    pages = yield _paged(ask, lambda entry: str(entry["instance_id"]))
    return pages.entries, pages.complete


class Pages(t.NamedTuple):
    """The entries of all pages of a list, whether all could be read, and what the first page said (None: it had no answer)."""

    entries: list[Facts]
    complete: bool
    first: t.Any
    absent: str = ""  # the code that says so


def _paged(ask: t.Callable[[int], Request], key: t.Callable[[Facts], str]) -> Flow:
    """Return the Pages of a list whose answers are shaped as (total, ..., entries).

    An offset at or past the total is an error of the service, so the total ends the list (without one, a page that is
    not full); an empty page or one that brings nothing new ends it too. A server that caps the page size is followed:
    the offset is what has come. When the list has shrunk meanwhile, that error ends it as well.
    """
    entries: dict[str, Facts] = {}
    offset = 0
    first: t.Any = None
    while True:
        question = ask(offset)
        if offset:
            question = question._replace(absent=question.absent | PAST_THE_END)
        reply = yield question
        if reply.failure or reply.absent:
            return Pages(list(entries.values()), reply.code in PAST_THE_END, first, reply.code)
        first = reply.value if first is None else first
        total, page = reply.value[0], reply.value[-1]
        before = len(entries)
        for entry in page:
            entries.setdefault(key(entry), entry)
        offset += len(page)
        more = len(page) >= ENTRIES_A_PAGE if total is None else offset < total
        if not more or len(entries) == before:
            return Pages(list(entries.values()), True, first)


# -- sink tasks of connectors


def sink_tasks(client: Client, wanted: Wanted, topic_info: bool, warn: t.Callable[[str], None]) -> Flow:
    """Return the facts of dms_sink_task_info."""
    gone: list[Facts] = []
    without: list[Facts] = []
    complete = True
    if wanted.connector_ids is not None:
        parents: list[Facts] = [
            {"instance_id": None, "instance_name": None, "connector_id": connector_id}
            for connector_id in wanted.connector_ids
        ]
    else:
        found = yield instances(client, wanted)
        gone, complete = list(found.not_found), found.complete
        parents = [instance for instance in found.instances if instance["connector_id"]]
        if wanted.instance_ids is not None or wanted.instance_names is not None:
            without = [instance for instance in found.instances if not instance["connector_id"]]
    read = yield [_sink_tasks_of(client, parent, wanted, topic_info) for parent in parents]
    if wanted.instance_ids is not None or wanted.instance_names is not None:
        # A connector of the new kind has an ID too, but is none for this API.
        without += [parent for parent, tasks in zip(parents, read) if tasks.absent]
    for instance in without:
        name = f" ({instance['instance_name']})" if instance["instance_name"] else ""
        warn(
            f"Instance {instance['instance_id']}{name} has no connector of the kind that has sink tasks. Instances created "
            "now are dumped by Smart Connect tasks: ask hwcloud.streaming.dms_smart_connect_task_info."
        )
    if wanted.connector_ids is not None:
        gone += [missing(connector_id=parent["connector_id"]) for parent, tasks in zip(parents, read) if tasks.absent]
    entries = [tasks.entry for tasks in read if tasks.entry is not None]
    entries += [_parent({**instance, "connector_id": None}, None, None, None) for instance in without]
    entries.sort(key=lambda entry: (entry["connector_id"] or "", entry["instance_id"] or ""))
    tasks = [task for one in read for task in one.tasks]
    tasks.sort(key=lambda task: (task["connector_id"], task["task_name"] or "", task["task_id"]))
    return {
        "sink_tasks": tasks,
        "connectors": entries,
        "not_found": _sorted(gone + missing_tasks(wanted, read, complete)),
        "summary": {
            **_facts.summary(tasks),
            "by_status": _facts.counts(tasks, "status"),
            "lag": sum(task["lag"] for task in tasks) if all(task["lag"] is not None for task in tasks) else None,
        },
    }


def missing_tasks(wanted: Wanted, read: list[Tasks], complete: bool) -> list[Facts]:
    """Name the tasks that were asked for and that none of the parents has, if all of them could be read."""
    if not complete or not all(tasks.complete for tasks in read):
        return []
    parent = {
        kind: names[0]
        for kind, names in (
            ("connector_id", wanted.connector_ids),
            ("instance_id", wanted.instance_ids),
            ("instance_name", wanted.instance_names),
        )
        if names is not None and len(names) == 1
    }
    seen = [pair for tasks in read for pair in tasks.seen]
    ids = set(wanted.task_ids or ()) - {task_id for task_id, _name in seen}
    told = {name for _id, name in seen}
    # A task whose name is not told may be the one.
    names = set(wanted.task_names or ()) - told if all(told) else set()
    return [missing(**parent, task_id=one) for one in ids] + [missing(**parent, task_name=one) for one in names]


def _known(seen: t.Sequence[Seen], tasks: list[Facts], gone: set[str]) -> list[Seen]:
    """Return the tasks that exist, with the names that only their own answers told."""
    told = {task["task_id"]: task["task_name"] for task in tasks}
    return [(task_id, name or told.get(task_id)) for task_id, name in seen if task_id not in gone]


def _sorted(entries: list[Facts]) -> list[Facts]:
    return sorted(entries, key=lambda entry: tuple(value or "" for value in entry.values()))


def _parent(instance: Facts, total: int | None, most: int | None, quota: int | None) -> Facts:
    return {
        "connector_id": instance["connector_id"] or None,
        "instance_id": instance["instance_id"],
        "instance_name": instance["instance_name"],
        "total_number": total,
        "max_tasks": most,
        "quota_tasks": quota,
    }


def _sink_tasks_of(client: Client, instance: Facts, wanted: Wanted, topic_info: bool) -> Flow:
    connector_id = instance["connector_id"]
    where = ("v2", client.project_id or "", "connectors", connector_id, "sink-tasks")
    purpose = f"the sink tasks of connector {connector_id}"

    def shape_list(body: t.Any) -> tuple[int | None, int | None, int | None, list[Facts]]:
        facts = _facts.tidy(body)
        total, entries = _facts.page_of(facts, "total_number", "tasks")
        for entry in entries:
            entry["task_id"] = _facts.needed(entry, "task_id")
            _facts.sink_task(instance, connector_id, entry, {})  # a wrong type is this request's failure
        return total, _facts.number(facts, "max_tasks"), _facts.number(facts, "quota_tasks"), entries

    reply = yield Request("dms", "GET", path(*where), purpose, shape_list, absent=ABSENT)
    if reply.absent:
        return Tasks(absent=reply.code)
    if reply.failure:
        return Tasks(complete=False)
    total, most, quota, page = reply.value
    entries = list({entry["task_id"]: entry for entry in reversed(page)}.values())
    seen = [(entry["task_id"], _facts.text(entry, "task_name")) for entry in entries]
    asked = [
        entry
        for entry, (task_id, name) in zip(entries, seen)
        if wanted.selects(task_id, name) and (entry.get("status") is None or wanted.keeps(_facts.text(entry, "status")))
    ]

    def ask(entry: Facts) -> Request:
        def shape(body: t.Any) -> Facts:
            facts = _facts.tidy(body)
            if not _SINK_TASK.intersection(facts):
                raise ShapeError("no field of a sink task is in the answer")
            return _facts.sink_task(instance, connector_id, entry, facts)

        return Request(
            "dms",
            "GET",
            path(*where, entry["task_id"]),
            f"sink task {_facts.text(entry, 'task_name') or entry['task_id']} of connector {connector_id}",
            shape,
            query={"topic-info": topic_info},
            absent=ABSENT,
        )

    replies = yield [ask(entry) for entry in asked]
    gone = {entry["task_id"] for entry, reply in zip(asked, replies) if reply.absent}
    tasks = [
        _facts.sink_task(instance, connector_id, entry, {}) if reply.failure else reply.value
        for entry, reply in zip(asked, replies)
        if not reply.absent
    ]
    parent = _parent(instance, total, most, quota)
    return Tasks(parent, [task for task in tasks if wanted.wants(task)], _known(seen, tasks, gone))


_SINK_TASK = frozenset(
    "task_name status create_time topics destination_type topics_info obs_destination_descriptor".split()
)


# -- Smart Connect tasks of instances


def smart_connect_tasks(client: Client, wanted: Wanted, details: bool, warn: t.Callable[[str], None]) -> Flow:
    """Return the facts of dms_smart_connect_task_info."""
    found = yield instances(client, wanted)
    discovered = wanted.instance_ids is None and wanted.instance_names is None
    parents = [
        instance
        for instance in found.instances
        if not discovered or instance["enabled"] is not False or instance["connector_id"]
    ]
    read = yield [_smart_connect_tasks_of(client, parent, wanted, details) for parent in parents]
    entries = [tasks.entry for tasks in read if tasks.entry is not None]
    gone = list(found.not_found)
    if not discovered:
        asked_by = "instance_id" if wanted.instance_ids is not None else "instance_name"
        vanished = [parent[asked_by] for parent, tasks in zip(parents, read) if tasks.absent == NO_INSTANCE]
        left = {parent[asked_by] for parent, tasks in zip(parents, read) if tasks.absent != NO_INSTANCE}
        gone += [missing(**{asked_by: name}) for name in set(vanished) - left]
        for parent in (parent for parent, tasks in zip(parents, read) if tasks.absent not in ("", NO_INSTANCE)):
            name = f" ({parent['instance_name']})" if parent["instance_name"] else ""
            warn(
                f"Instance {parent['instance_id']}{name} has no Smart Connect. If it is an old one with a connector, ask "
                "hwcloud.streaming.dms_sink_task_info."
            )
            entries.append(_smart_connect_parent(parent, None, None, None))
    entries.sort(key=lambda entry: entry["instance_id"])
    tasks = [task for one in read for task in one.tasks]
    tasks.sort(key=lambda task: (task["instance_id"], task["task_name"] or "", task["task_id"]))
    gone += missing_tasks(wanted, read, found.complete)
    not_found = [{key: entry[key] for key in entry if key != "connector_id"} for entry in gone]
    return {
        "smart_connect_tasks": tasks,
        "instances": entries,
        "not_found": _sorted(not_found),
        "summary": {
            **_facts.summary(tasks),
            "by_status": _facts.counts(tasks, "status"),
            "by_sink_type": _facts.counts(tasks, "sink_type"),
        },
    }


def _smart_connect_parent(instance: Facts, total: int | None, most: int | None, quota: int | None) -> Facts:
    entry = _parent(instance, total, most, quota)
    del entry["connector_id"]
    return entry


def _smart_connect_tasks_of(client: Client, instance: Facts, wanted: Wanted, details: bool) -> Flow:
    instance_id = instance["instance_id"]
    where = ("v2", client.project_id or "", "instances", instance_id, "connector", "tasks")

    def shape_list(body: t.Any, first: bool) -> tuple[int | None, int | None, int | None, list[Facts]]:
        facts = _facts.tidy(body)
        total, page = _facts.page_of(facts, "total_number", "tasks", first=first)
        for entry in page:
            _facts.smart_connect_task(instance, entry, None)  # a wrong type is this request's failure
        return total, _facts.number(facts, "max_tasks"), _facts.number(facts, "quota_tasks"), page

    def ask_page(offset: int) -> Request:
        return Request(
            "dms",
            "GET",
            path(*where),
            f"the Smart Connect tasks of instance {instance['instance_name'] or instance_id}",
            partial(shape_list, first=not offset),
            query={"limit": ENTRIES_A_PAGE, "offset": offset},
            absent=ABSENT,
        )

    pages = yield _paged(ask_page, _facts.smart_connect_id)
    if pages.first is None:
        return Tasks(absent=pages.absent, complete=bool(pages.absent))
    total, most, quota, _page = pages.first
    entries = pages.entries
    seen = [(_facts.smart_connect_id(entry), _facts.text(entry, "task_name")) for entry in entries]
    asked = [
        entry
        for entry, (task_id, name) in zip(entries, seen)
        if wanted.selects(task_id, name) and (entry.get("status") is None or wanted.keeps(_facts.text(entry, "status")))
    ]
    parent = _smart_connect_parent(instance, total, most, quota)
    if not details:
        tasks = [_facts.smart_connect_task(instance, entry, None) for entry in asked]
        return Tasks(parent, [task for task in tasks if wanted.wants(task)], seen, complete=pages.complete)

    def ask(entry: Facts) -> Request:
        def shape(body: t.Any) -> Facts:
            facts = _facts.tidy(body)
            if not _SMART_CONNECT_TASK.intersection(facts):
                raise ShapeError("no field of a Smart Connect task is in the answer")
            return _facts.smart_connect_task(instance, entry, facts)

        return Request(
            "dms",
            "GET",
            path(*where, _facts.smart_connect_id(entry)),
            f"Smart Connect task {_facts.text(entry, 'task_name') or _facts.smart_connect_id(entry)}"
            f" of instance {instance['instance_name'] or instance_id}",
            shape,
            absent=ABSENT,
        )

    replies = yield [ask(entry) for entry in asked]
    gone = {_facts.smart_connect_id(entry) for entry, reply in zip(asked, replies) if reply.absent}
    tasks = [
        _facts.smart_connect_task(instance, entry, None) if reply.failure else reply.value
        for entry, reply in zip(asked, replies)
        if not reply.absent
    ]
    return Tasks(
        parent, [task for task in tasks if wanted.wants(task)], _known(seen, tasks, gone), complete=pages.complete
    )


_SMART_CONNECT_TASK = frozenset("task_name status create_time topics topics_regex source_type sink_type".split())
