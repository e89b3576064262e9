# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What sink tasks and Smart Connect tasks share: a parent's list of tasks, their details, what is not found."""

from __future__ import annotations

import typing as t

from ansible_collections.hwcloud.streaming.plugins.module_utils import _paging, _shape
from ansible_collections.hwcloud.streaming.plugins.module_utils._dms.instances import missing
from ansible_collections.hwcloud.streaming.plugins.module_utils._dms.service import COUNTS, NO_CONNECTOR, NO_INSTANCE
from ansible_collections.hwcloud.streaming.plugins.module_utils._filters import Filter, Filters
from ansible_collections.hwcloud.streaming.plugins.module_utils._shape import Facts, Listed
from ansible_collections.hwcloud.streaming.plugins.module_utils._wire.errors import ShapeError
from ansible_collections.hwcloud.streaming.plugins.module_utils._wire.request import Flow, Request


class Wanted(t.NamedTuple):
    """What was asked for: None is all there is; at most one of the first three is set. `statuses` holds upper-case words."""

    connector_ids: list[str] | None
    instance_ids: list[str] | None
    instance_names: list[str] | None
    task_ids: list[str] | None
    task_names: list[str] | None
    statuses: frozenset[str] | None
    enterprise_project_id: str | None = None  # for the list of instances

    @property
    def filters(self) -> Filters:
        """Which tasks of a parent were asked for."""
        return Filters(
            (
                Filter("task_id", self.task_ids),
                Filter("task_name", self.task_names),
                Filter("status", self.statuses, words=True),
            )
        )


class Tasks(t.NamedTuple):
    """The tasks of one connector or instance; `entry` goes into the list of parents, and is None when nothing is known."""

    entry: Facts | None = None
    tasks: list[Facts] = []
    seen: t.Sequence[
        t.Tuple[str, t.Optional[str]]
    ] = ()  # ID and name of every task that exists; a name may not be told
    absent: str = ""  # the code that says so
    complete: bool = True


def parent_entry(instance: Facts, counts: Facts | None = None) -> Facts:
    """Return a parent's entry, with the counts of its list; without any when it has no tasks of this kind."""
    return {
        "connector_id": instance["connector_id"] or None,
        "instance_id": instance["instance_id"],
        "instance_name": instance["instance_name"],
        **(counts or dict.fromkeys(COUNTS)),
    }


def listed(entry: Facts, made: t.Callable[[Facts, t.Optional[Facts]], Facts]) -> Listed:
    """Return a list's entry with its facts, so that a value of a wrong type is a failure of the list's request."""
    return Listed(entry, made(entry, None))


def tasks_of(
    pages: _paging.Pages,
    instance: Facts,
    filters: Filters,
    made: t.Callable[[Facts, t.Optional[Facts]], Facts],
    ask: t.Callable[[Facts], Request] | None,
) -> Flow:
    """Return the Tasks of a parent from the Pages of its list (of Listed).

    made: facts from an entry and, with details, its own answer. ask: the request for a task's details, from what the
    list tells of it; None asks for none. Where the details could not be read, what the list told is kept.
    """
    if not pages.told:
        return Tasks(absent=pages.absent, complete=bool(pages.absent))
    asked = [one for one in pages.entries if filters.may_take(one.facts)]
    tasks, gone = [one.facts for one in asked], set()
    if ask:
        replies = yield [ask(one.facts)._replace(shape=_details(one.entry, made)) for one in asked]
        lost = next((reply.code for reply in replies if reply.absent and reply.code in (NO_INSTANCE, NO_CONNECTOR)), "")
        if lost:
            return Tasks(absent=lost)  # it has gone meanwhile
        told = [one.facts if reply.failure else reply.value for one, reply in zip(asked, replies)]
        tasks = [task for task, reply in zip(told, replies) if not reply.absent]
        gone = {one.facts["task_id"] for one, reply in zip(asked, replies) if reply.absent}
    names = {task["task_id"]: task["task_name"] for task in tasks}  # some are told by the details only
    exist = (one.facts for one in pages.entries if one.facts["task_id"] not in gone)
    return Tasks(
        parent_entry(instance, pages.told[0]),
        [task for task in tasks if filters.take(task)],
        [(task["task_id"], task["task_name"] or names.get(task["task_id"])) for task in exist],
        complete=pages.complete,
    )


_FIELDS = frozenset(
    "task_name status create_time topics topics_regex topics_info destination_type obs_destination_descriptor"
    " source_type sink_type".split()
)


def _details(entry: Facts, made: t.Callable[[Facts, t.Optional[Facts]], Facts]) -> t.Callable[[t.Any], Facts]:
    def shape(body: t.Any) -> Facts:
        shown = _shape.tidy(body)
        if not _FIELDS.intersection(shown):
            raise ShapeError("no field of a task is in the answer")
        return made(entry, shown)

    return shape


def not_found(gone: list[Facts], wanted: Wanted, read: list[Tasks], complete: bool) -> list[Facts]:
    """Return not_found: what is gone, and the tasks that none of the parents has, if all of them could be read."""
    entries = gone + _missing_tasks(wanted, read) if complete and all(tasks.complete for tasks in read) else gone
    return sorted(entries, key=lambda entry: tuple(value or "" for value in entry.values()))


def _missing_tasks(wanted: Wanted, read: list[Tasks]) -> list[Facts]:
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


def named(instance: Facts) -> str:
    """Name an instance in a warning."""
    name = f" ({instance['instance_name']})" if instance["instance_name"] else ""
    return f"Instance {instance['instance_id']}{name}"
