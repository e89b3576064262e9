# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Conversations of dms_smart_connect_task_info: instances, paging by offset, filters, secrets, what is absent, what fails."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.hwcloud.streaming.tests.unit.plugins.modules.conversation import Exchange, body, get, talk

MODULE = "dms_smart_connect_task_info"
NO_INSTANCE = body("err_dms_00404022_instance_missing")
NO_CONNECTOR = body("err_dms_00404024_connector_missing")
NO_TASK = {"error_code": "DMS.00404026", "error_msg": "The task does not exist."}
BROKEN = {"error_code": "DMS.00500001", "error_msg": "Internal error."}
MASKED = "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"


def tasks(name: str, *ids: str, total: int | None = None, offset: int = 0) -> Exchange:
    entries = [{"id": one, "task_name": f"name-{one}", "status": "RUNNING", "sink_type": "OBS_SINK"} for one in ids]
    answer = {"tasks": entries, "total_number": len(ids) if total is None else total, "max_tasks": 18}
    return get(f"instances/i-{name}/connector/tasks", answer, limit=50, offset=offset)


def show(name: str, task_id: str, **told: t.Any) -> Exchange:
    return get(
        f"instances/i-{name}/connector/tasks/{task_id}", {"task_name": f"name-{task_id}", "status": "RUNNING", **told}
    )


def shown(name: str, *answer: t.Any) -> Exchange:
    plain = {"name": name, "status": "RUNNING", "connector_enable": True, "connector_id": ""}
    return get(f"instances/i-{name}", *(answer or (plain,)))


def instances(*found: tuple[str, t.Any, t.Any], **query: t.Any) -> Exchange:
    entries = [
        {"instance_id": f"i-{name}", "name": name, "connector_enable": enabled, "connector_id": connector}
        for name, enabled, connector in found
    ]
    answer = {"instances": entries, "instance_num": len(found)}
    return get("instances", answer, engine="kafka", limit=50, offset=0, **query)


def ids(result: dict[str, t.Any]) -> list[tuple[str, str]]:
    return [(task["instance_id"], task["task_id"]) for task in result["smart_connect_tasks"]]


def missing(**known: str) -> dict[str, str | None]:
    return {key: known.get(key) for key in ("instance_id", "instance_name", "task_id", "task_name")}


@pytest.mark.parametrize("option", ["instance_ids", "instance_names", "task_ids", "task_names"])
def test_an_empty_list_asks_nothing_and_an_empty_name_is_refused(option: str) -> None:
    result = talk(MODULE, [], **{option: []})
    assert (result["failed"], result["smart_connect_tasks"], result["instances"]) == (False, [], [])
    assert talk(MODULE, [], **{option: ["", "x"]})["error"]["kind"] == "configuration"


def test_instances_by_id_once_each_and_sorted() -> None:
    script = [
        [shown("b"), shown("a"), tasks("b", "2", "1"), tasks("a", "3"), show("b", "1"), show("b", "2"), show("a", "3")]
    ]
    result = talk(MODULE, script, instance_ids=["i-b", "i-a", "i-b"])
    assert ids(result) == [("i-a", "3"), ("i-b", "1"), ("i-b", "2")]
    assert result["instances"] == [
        {"instance_id": "i-a", "instance_name": "a", "total_number": 1, "max_tasks": 18, "quota_tasks": None},
        {"instance_id": "i-b", "instance_name": "b", "total_number": 2, "max_tasks": 18, "quota_tasks": None},
    ]
    assert result["summary"] == {
        "total": 3,
        "healthy": 3,
        "by_status": {"RUNNING": 3},
        "by_sink_type": {"OBS_SINK": 3},
    }


def test_discovery_asks_the_instances_with_smart_connect_on() -> None:
    script = [
        [instances(("on", True, ""), ("off", False, ""), ("text", "true", ""), ("old", False, "c-1"))],
        [tasks("on", "1"), tasks("text"), tasks("old")],
    ]
    result = talk(MODULE, script, details=False)
    assert ids(result) == [("i-on", "1")]
    assert [entry["instance_id"] for entry in result["instances"]] == ["i-old", "i-on", "i-text"]


def test_instances_by_name() -> None:
    script = [
        [
            instances(("a", True, ""), name="a", exact_match_name="true"),
            instances(name="b", exact_match_name="true"),
        ],
        [tasks("a", "1")],
    ]
    result = talk(MODULE, script, instance_names=["b", "a"], details=False)
    assert (ids(result), result["not_found"]) == ([("i-a", "1")], [missing(instance_name="b")])


def test_pages_by_offset_and_never_past_the_total() -> None:
    first = [f"{number:02}" for number in range(50)]
    script = [[shown("a")], [tasks("a", *first, total=52)], [tasks("a", "50", "51", total=52, offset=50)]]
    assert len(ids(talk(MODULE, script, instance_ids="i-a", details=False))) == 52
    capped = [[shown("a")], [tasks("a", "1", "2", total=3)], [tasks("a", "3", total=3, offset=2)]]
    assert len(ids(talk(MODULE, capped, instance_ids="i-a", details=False))) == 3
    repeated = [[shown("a")], [tasks("a", "1", total=3)], [tasks("a", "1", total=3, offset=1)]]
    result = talk(MODULE, repeated, instance_ids="i-a", task_ids=["1", "2"], details=False)
    assert len(ids(result)) == 1
    assert [error["kind"] for error in result["errors"]] == ["protocol"]
    assert result["not_found"] == []


def test_secrets_inside_are_masked() -> None:
    source = {"redis_address": "a:1", "redis_password": "p-1", "password": "p-2", "sasl_mechanism": "PLAIN"}
    sink = {"accessKey": "p-3", "secret_key": "p-4", "obs_bucket_name": "b", "sasl.jaas.config": "p-5", "password": ""}
    script = [[shown("a")], [tasks("a", "1")], [show("a", "1", source_task=source, sink_task=sink)]]
    result = talk(MODULE, script, instance_ids="i-a")
    (task,) = result["smart_connect_tasks"]
    assert task["source_task"] == {
        "redis_address": "a:1",
        "redis_password": MASKED,
        "password": MASKED,
        "sasl_mechanism": "PLAIN",
    }
    assert task["sink_task"] == {
        "access_key": MASKED,
        "secret_key": MASKED,
        "obs_bucket_name": "b",
        "sasl_jaas_config": MASKED,
        "password": "",
    }
    assert "p-" not in str(result)


def test_numbers_that_were_text_and_empty_configurations() -> None:
    script = [
        [shown("a")],
        [tasks("a", "1")],
        [show("a", "1", source_task={"task_num": "2", "ratelimit": "-1"}, sink_task={}, replaced="yes")],
    ]
    (task,) = talk(MODULE, script, instance_ids="i-a")["smart_connect_tasks"]
    assert (task["source_task"], task["sink_task"], task["replaced"]) == ({"task_num": 2, "ratelimit": -1}, None, "yes")


def test_filters_and_names() -> None:
    listed = {
        "tasks": [
            {"id": "1", "task_name": "x", "status": "PAUSED"},
            {"id": "2", "task_name": "x"},
            {"id": "3", "task_name": "y", "status": "RUNNING"},
        ],
        "total_number": 3,
    }
    page = get("instances/i-a/connector/tasks", listed, limit=50, offset=0)
    result = talk(MODULE, [[shown("a")], [page], [show("a", "1", status=None)]], instance_ids="i-a", task_ids="1")
    assert [task["status"] for task in result["smart_connect_tasks"]] == ["PAUSED"]
    script = [[shown("a")], [page], [show("a", "2"), show("a", "3")]]
    result = talk(MODULE, script, instance_ids="i-a", statuses="running", task_names=["x", "y", "z"])
    assert ids(result) == [("i-a", "2"), ("i-a", "3")]
    assert result["not_found"] == [missing(instance_id="i-a", task_name="z")]


def test_absent_instances_and_tasks() -> None:
    gone = get("instances/i-b/connector/tasks", NO_INSTANCE, 404, limit=50, offset=0)
    script = [[shown("a", NO_INSTANCE, 404), shown("b"), shown("c")], [gone, tasks("c", "1")]]
    result = talk(MODULE, script, instance_ids=["i-a", "i-b", "i-c"], details=False)
    assert (result["failed"], ids(result)) == (False, [("i-c", "1")])
    assert result["not_found"] == [missing(instance_id="i-a"), missing(instance_id="i-b")]
    script = [[instances(("b", True, ""))], [gone]]
    assert talk(MODULE, script)["not_found"] == []
    without = get("instances/i-b/connector/tasks", NO_CONNECTOR, 404, limit=50, offset=0)
    result = talk(MODULE, [[shown("b")], [without]], instance_ids=["i-b"])
    assert (result["not_found"], result["smart_connect_tasks"]) == ([], [])
    assert [(entry["instance_id"], entry["total_number"]) for entry in result["instances"]] == [("i-b", None)]
    assert ["dms_sink_task_info" in str(warning) for warning in result["warnings"]] == [True]
    vanished = get("instances/i-a/connector/tasks/1", NO_TASK, 404)
    result = talk(MODULE, [[shown("a")], [tasks("a", "1")], [vanished]], instance_ids="i-a", task_names="name-1")
    assert result["not_found"] == [missing(instance_id="i-a", task_name="name-1")]


def test_a_partial_failure_keeps_what_arrived() -> None:
    failing = get("instances/i-b/connector/tasks", BROKEN, 500, limit=50, offset=0)
    second = get("instances/i-a/connector/tasks", BROKEN, 500, limit=50, offset=2)
    script = [
        [shown("a"), shown("b"), failing, tasks("a", "1", "2", total=3), second, show("a", "1")]
        + [get("instances/i-a/connector/tasks/2", {"neither": "nor"})]
    ]
    result = talk(MODULE, script, instance_ids=["i-a", "i-b"], task_ids=["1", "2", "9"])
    assert (ids(result), result["not_found"]) == ([("i-a", "1"), ("i-a", "2")], [])  # what the list told is kept
    assert [entry["instance_id"] for entry in result["instances"]] == ["i-a"]
    assert [error["kind"] for error in result["errors"]] == ["server", "protocol", "server"]


def test_parents_that_exclude_each_other_and_null_which_is_none() -> None:
    result = talk(MODULE, [], instance_ids=["a"], instance_names=["b"])
    assert result["error"]["kind"] == "configuration"
    assert "instance_ids and instance_names are mutually exclusive" in result["msg"]
    result = talk(MODULE, [], instance_ids=[], instance_names=None)
    assert (result["failed"], result["request_stats"]["requests"]) == (False, 0)
