# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kafka instances: all of a project, or those that were asked for by ID or name."""

from __future__ import annotations

import typing as t

from ansible_collections.hwcloud.streaming.plugins.module_utils import _shape
from ansible_collections.hwcloud.streaming.plugins.module_utils._dms import facts
from ansible_collections.hwcloud.streaming.plugins.module_utils._dms.service import ABSENT, get, listing
from ansible_collections.hwcloud.streaming.plugins.module_utils._shape import Facts
from ansible_collections.hwcloud.streaming.plugins.module_utils._wire.client import Client
from ansible_collections.hwcloud.streaming.plugins.module_utils._wire.errors import ShapeError
from ansible_collections.hwcloud.streaming.plugins.module_utils._wire.request import Flow, Request


class Found(t.NamedTuple):
    """The instances that were asked for, what of it does not exist, and whether all of it could be found out."""

    instances: list[Facts]
    not_found: list[Facts]
    complete: bool


def missing(**known: str | None) -> Facts:
    """Return an entry of not_found; what was not asked for is null."""
    keys = ("instance_id", "instance_name", "connector_id", "task_id", "task_name")
    return {key: known.get(key) for key in keys}


def instances(
    client: Client, instance_ids: list[str] | None, instance_names: list[str] | None, enterprise_project: str | None
) -> Flow:
    """Return Found for the instances that were asked for by ID or name, or for every Kafka instance of the project."""
    if instance_ids is not None:
        names = sorted(instance_ids)
        replies = yield [_shown(client, instance_id) for instance_id in names]
        found = [reply.value for reply in replies if reply.value is not None]
        gone = [missing(instance_id=name) for name, reply in zip(names, replies) if reply.absent]
        return Found(found, gone, not any(reply.failure for reply in replies))
    within = {"enterprise_project_id": enterprise_project} if enterprise_project else {}
    found, gone, complete = yield (
        _all(client, within) if instance_names is None else _named(client, within, sorted(instance_names))
    )
    if instance_names is None and not complete and client.late:
        return Found([], [], False)  # of a list without end there is more than can be refused one by one
    # Not every service tells the connector in the list.
    unclear = [entry for entry in found if entry["connector_id"] is None and entry["enabled"] is not False]
    replies = yield [_shown(client, entry["instance_id"]) for entry in unclear]
    shown = {entry["instance_id"]: reply for entry, reply in zip(unclear, replies)}
    kept = []
    for entry in found:
        reply = shown.get(entry["instance_id"])
        if reply is None:
            kept.append(entry)
        elif reply.value is not None:
            kept.append({**reply.value, "instance_name": entry["instance_name"] or reply.value["instance_name"]})
    if instance_names is not None:
        left = [entry for entry in found if not getattr(shown.get(entry["instance_id"]), "absent", False)]
        vanished = {entry["instance_name"] for entry in found} - {entry["instance_name"] for entry in left}
        gone += [missing(instance_name=name) for name in vanished]
    return Found(kept, gone, complete and not any(reply.failure for reply in replies))


def _all(client: Client, within: dict[str, str]) -> Flow:
    pages = yield _list(client, within)
    return Found(pages.entries, [], pages.complete)


def _named(client: Client, within: dict[str, str], names: list[str]) -> Flow:
    lists = yield [_list(client, {"name": name, "exact_match_name": True, **within}) for name in names]
    found, gone = [], []
    for name, pages in zip(names, lists):
        matching = [entry for entry in pages.entries if entry["instance_name"] == name]
        found += matching
        if pages.complete and not matching:
            gone.append(missing(instance_name=name))
    return Found(found, gone, all(pages.complete for pages in lists))


def _list(client: Client, query: dict[str, t.Any]) -> Flow:
    """Return the Pages of the instances that a query selects."""
    purpose = f"the Kafka instance named {query['name']}" if "name" in query else "the list of Kafka instances"
    request = get(client, ["instances"], purpose, query={"engine": "kafka", **query})

    def shape(entry: Facts) -> Facts:
        return {**facts.instance(entry), "instance_id": _shape.needed(entry, "instance_id")}

    return listing(request, lambda entry: str(entry["instance_id"]), shape, ("instance_num", "instances"))


def _shown(client: Client, instance_id: str) -> Request:
    def shape(body: t.Any) -> Facts:
        told = _shape.tidy(body)
        if not {"instance_id", "name", "status", "engine", "connector_id"}.intersection(told):
            raise ShapeError("no field of an instance is in the answer")
        return {**facts.instance(told), "instance_id": instance_id}

    return get(client, ["instances", instance_id], f"Kafka instance {instance_id}", shape, absent=ABSENT)
