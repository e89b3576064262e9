# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Conversations of dms_sink_task_info: three ways to a connector, filters, lag, what is absent, what fails."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.hwcloud.streaming.tests.unit.plugins.modules.conversation import (
    Exchange,
    body,
    get,
    no_time_to_wait,
    talk,
)

MODULE = "dms_sink_task_info"
NO_INSTANCE = body("err_dms_00404022_instance_missing")
NO_CONNECTOR = body("err_dms_00404024_connector_missing")
NO_TASK = {"error_code": "DMS.00404026", "error_msg": "The dumping task does not exist."}
BROKEN = {"error_code": "DMS.00500001", "error_msg": "Internal error."}


def sinks(connector: str, *ids: str, **told: t.Any) -> Exchange:
    tasks = [
        {"task_id": one, "task_name": f"name-{one}", "status": "RUNNING", "destination_type": "OBS"} for one in ids
    ]
    return get(f"connectors/{connector}/sink-tasks", {"tasks": tasks, "total_number": len(ids), "max_tasks": 9, **told})


def show(connector: str, task_id: str, **told: t.Any) -> Exchange:
    answer = {"task_name": f"name-{task_id}", "status": "RUNNING", **told}
    return get(f"connectors/{connector}/sink-tasks/{task_id}", answer, topic_info="true")


def instance(name: str, connector: t.Any = None, **told: t.Any) -> dict[str, t.Any]:
    return {"instance_id": f"i-{name}", "name": name, "engine": "kafka", "connector_id": connector, **told}


def instances(*found: dict[str, t.Any], total: int | None = None, offset: int = 0, **query: t.Any) -> Exchange:
    answer = {"instances": list(found), "instance_num": len(found) if total is None else total}
    return get("instances", answer, engine="kafka", limit=50, offset=offset, **query)


def named(name: str, *found: dict[str, t.Any]) -> Exchange:
    return instances(*found, name=name, exact_match_name="true")


def shown(name: str, *answer: t.Any) -> Exchange:
    return get(f"instances/i-{name}", *(answer or (instance(name, f"c-{name}"),)))


def ids(result: dict[str, t.Any]) -> list[tuple[str, str]]:
    return [(task["connector_id"], task["task_id"]) for task in result["sink_tasks"]]


def missing(**known: str) -> dict[str, str | None]:
    keys = ("instance_id", "instance_name", "connector_id", "task_id", "task_name")
    return {key: known.get(key) for key in keys}


def parents(result: dict[str, t.Any]) -> list[tuple[str | None, str | None]]:
    return [(entry["connector_id"], entry["instance_id"]) for entry in result["connectors"]]


# -- selectors


@pytest.mark.parametrize("option", ["connector_ids", "instance_ids", "instance_names", "task_ids", "task_names"])
def test_an_empty_list_asks_nothing_and_an_empty_name_is_refused(option: str) -> None:
    result = talk(MODULE, [], **{option: []})
    assert (result["failed"], result["sink_tasks"], result["connectors"], result["not_found"]) == (False, [], [], [])
    assert talk(MODULE, [], **{option: ["", "x"]})["error"]["kind"] == "configuration"


def test_connectors_by_id_in_any_order_once_each() -> None:
    script = [[sinks("b", "2", "1"), sinks("a", "3")], [show("b", "1"), show("b", "2"), show("a", "3")]]
    result = talk(MODULE, script, connector_ids=["b", "a", "b"])
    assert ids(result) == [("a", "3"), ("b", "1"), ("b", "2")]
    assert parents(result) == [("a", None), ("b", None)]
    assert "warnings" not in result


def test_instances_by_id() -> None:
    result = talk(MODULE, [[shown("x")], [sinks("c-x", "1")], [show("c-x", "1")]], instance_id="i-x")
    (task,) = result["sink_tasks"]
    assert (task["instance_id"], task["instance_name"], task["connector_id"]) == ("i-x", "x", "c-x")


def test_instances_by_name_keep_to_the_name_asked_for() -> None:
    script = [
        [named("x", instance("x", "c-x"), instance("x2", "c-x2")), named("y")],
        [sinks("c-x")],
    ]
    result = talk(MODULE, script, instance_names=["y", "x"])
    assert parents(result) == [("c-x", "i-x")]
    assert result["not_found"] == [missing(instance_name="y")]


def test_two_instances_of_one_name() -> None:
    twins = [instance("x", "c-1"), {**instance("x", "c-2"), "instance_id": "i-x2"}]
    result = talk(MODULE, [[named("x", *twins)], [sinks("c-1"), sinks("c-2")]], instance_names="x")
    assert parents(result) == [("c-1", "i-x"), ("c-2", "i-x2")]


def test_all_instances_page_by_page_and_never_past_the_total() -> None:
    first = [instance(f"{number:02}", f"c-{number:02}") for number in range(50)]
    script = [
        [instances(*first, total=51)],
        [instances(instance("50", "c-50"), total=51, offset=50)],
        [sinks(f"c-{number:02}") for number in range(51)],
    ]
    result = talk(MODULE, script)
    assert parents(result) == [(f"c-{number:02}", f"i-{number:02}") for number in range(51)]


def test_a_capped_or_repeated_page_of_instances() -> None:
    a, b = instance("a", "c-a"), instance("b", "c-b")
    capped = [[instances(a, total=2)], [instances(b, total=2, offset=1)], [sinks("c-a"), sinks("c-b")]]
    assert parents(talk(MODULE, capped)) == [("c-a", "i-a"), ("c-b", "i-b")]
    repeated = [[instances(a, total=9)], [instances(a, total=9, offset=1)], [sinks("c-a")]]
    result = talk(MODULE, repeated)
    assert parents(result) == [("c-a", "i-a")]
    assert [error["kind"] for error in result["errors"]] == ["protocol"]


def test_instances_without_a_connector_are_asked_only_when_it_is_not_told() -> None:
    script = [
        [
            instances(
                instance("off", "", connector_enable=False),
                instance("untold", connector_enable="true"),
                instance("disabled", connector_enable="false"),
                instance("gone"),
                instance("none"),
            )
        ],
        [
            shown("untold", instance("other name", "c-u")),
            shown("gone", NO_INSTANCE, 404),
            shown("none", instance("none")),
        ],
        [sinks("c-u", "1")],
        [show("c-u", "1")],
    ]
    result = talk(MODULE, script)
    assert parents(result) == [("c-u", "i-untold")]
    assert result["sink_tasks"][0]["instance_name"] == "untold"
    assert (result["not_found"], result.get("warnings")) == ([], None)


# -- no connector of the old kind


def test_an_instance_without_a_connector_is_named_with_its_successor() -> None:
    script = [[shown("old"), shown("new", instance("new", ""))], [sinks("c-old", "1")], [show("c-old", "1")]]
    result = talk(MODULE, script, instance_ids=["i-new", "i-old"])
    assert parents(result) == [(None, "i-new"), ("c-old", "i-old")]
    assert (result["failed"], result["not_found"], ids(result)) == (False, [], [("c-old", "1")])
    (warning,) = map(str, result["warnings"])  # an object since ansible-core 2.19
    assert "i-new (new)" in warning
    assert "hwcloud.streaming.dms_smart_connect_task_info" in warning


@pytest.mark.parametrize("way", ["id", "name"])
def test_a_connector_that_has_no_sink_tasks_at_all_counts_as_none(way: str) -> None:
    """A connector of the new kind has an ID too; the old API does not know it."""
    first = shown("new") if way == "id" else named("new", instance("new", "c-new"))
    options = {"instance_ids": ["i-new"]} if way == "id" else {"instance_names": ["new"]}
    script = [[first], [get("connectors/c-new/sink-tasks", NO_CONNECTOR, 404)]]
    result = talk(MODULE, script, **options)
    assert parents(result) == [(None, "i-new")]
    assert (result["not_found"], len(result["warnings"])) == ([], 1)


def test_a_discovered_connector_that_is_gone_is_passed_over() -> None:
    script = [[instances(instance("x", "c-x"))], [get("connectors/c-x/sink-tasks", NO_CONNECTOR, 404)]]
    result = talk(MODULE, script)
    assert (parents(result), result["not_found"], result.get("warnings")) == ([], [], None)


# -- absent


def test_absent_instances_and_connectors() -> None:
    result = talk(MODULE, [[shown("x", NO_INSTANCE, 404)]], instance_ids="i-x")
    assert result["not_found"] == [missing(instance_id="i-x")]
    gone = get("connectors/b/sink-tasks", NO_CONNECTOR, 404)
    result = talk(MODULE, [[sinks("a"), gone]], connector_ids=["a", "b"])
    assert result["not_found"] == [missing(connector_id="b")]


def test_an_instance_that_vanishes_between_list_and_answer() -> None:
    script = [[named("x", instance("x"))], [shown("x", NO_INSTANCE, 404)]]
    assert talk(MODULE, script, instance_names="x")["not_found"] == [missing(instance_name="x")]


def test_absent_tasks_stand_beside_their_one_parent() -> None:
    script = [[sinks("a", "1")], [show("a", "1")]]
    result = talk(MODULE, script, connector_ids="a", task_ids=["3", "1", "2"])
    assert result["not_found"] == [missing(connector_id="a", task_id="2"), missing(connector_id="a", task_id="3")]
    result = talk(MODULE, [[shown("x")], [sinks("c-x", "1")]], instance_ids="i-x", task_names=["no"])
    assert result["not_found"] == [missing(instance_id="i-x", task_name="no")]
    script = [[sinks("a", "1"), sinks("b", "2")], [show("a", "1")]]
    result = talk(MODULE, script, connector_ids=["a", "b"], task_names=["name-1", "no"])
    assert (ids(result), result["not_found"]) == ([("a", "1")], [missing(task_name="no")])


def test_a_task_that_vanishes_is_missing_only_by_its_own_name() -> None:
    gone = get("connectors/a/sink-tasks/1", NO_TASK, 404, topic_info="true")
    result = talk(MODULE, [[sinks("a", "1")], [gone]], connector_ids="a")
    assert (ids(result), result["not_found"]) == ([], [])
    result = talk(MODULE, [[sinks("a", "1")], [gone]], connector_ids="a", task_ids="1")
    assert result["not_found"] == [missing(connector_id="a", task_id="1")]


def test_a_task_of_another_name_is_not_asked_for() -> None:
    script = [[sinks("a", "1", "2")], [show("a", "2")]]
    assert ids(talk(MODULE, script, connector_ids="a", task_names="name-2")) == [("a", "2")]


@pytest.mark.parametrize("statuses", ["paused", ["PAUSED", "ERROR"]])
def test_what_a_filter_took_out_is_not_missing(statuses: t.Any) -> None:
    result = talk(MODULE, [[sinks("a", "1")]], connector_ids="a", task_ids=["1"], statuses=statuses)
    assert (result["sink_tasks"], result["not_found"]) == ([], [])
    assert result["summary"] == {"total": 0, "healthy": 0, "by_status": {}, "lag": 0}


def test_a_status_that_only_the_details_tell_is_filtered_too() -> None:
    listed = get("connectors/a/sink-tasks", {"tasks": [{"task_id": "1"}, {"task_id": "2"}], "total_number": 2})
    script = [[listed], [show("a", "1"), show("a", "2", status="PAUSED")]]
    assert ids(talk(MODULE, script, connector_ids="a", statuses=["Paused"])) == [("a", "2")]


# -- lag


def partition(number: t.Any, **told: t.Any) -> dict[str, t.Any]:
    return {"partition_id": str(number), "status": "RUNNING", **told}


@pytest.mark.parametrize(
    ("topics_info", "lags", "lag"),
    [
        ([{"topic": "t", "partitions": [partition(0, lag="7"), partition(1, lag=2)]}], [7, 2], 9),
        ([{"topic": "t", "partitions": [partition(0, last_transfer_offset="3", log_end_offset="8")]}], [5], 5),
        (
            [{"topic": "t", "partitions": [partition(0, last_transfer_offset="9", log_end_offset="8", lag="-1")]}],
            [0],
            0,
        ),
        ([{"topic": "t", "partitions": [partition(0, lag="7"), partition(1)]}], [7, None], None),
        (
            [{"topic": "t", "partitions": [partition(0, lag="", last_transfer_offset="-1", log_end_offset="8")]}],
            [None],
            None,
        ),
        (
            [{"topic": "t", "partitions": {**partition(0, lag="9007199254740993")}}],
            [9007199254740993],
            9007199254740993,
        ),
        ([{"topic": "t", "partitions": []}], [], 0),
        ([{"topic": "t"}], [], None),
        ([], [], 0),
        (None, [], None),
    ],
)
def test_the_lag_is_a_sum_or_not_known(topics_info: t.Any, lags: list[int | None], lag: int | None) -> None:
    script = [[sinks("a", "1")], [show("a", "1", topics_info=topics_info)]]
    (task,) = talk(MODULE, script, connector_ids="a")["sink_tasks"]
    assert [one["lag"] for topic in task["topics_info"] for one in topic["partitions"]] == lags
    assert task["lag"] == lag


def test_the_lag_of_all_tasks() -> None:
    def told(lag: str) -> list[dict[str, t.Any]]:
        return [{"topic": "t", "partitions": [partition(0, lag=lag)]}]

    script = [[sinks("a", "1", "2")], [show("a", "1", topics_info=told("4")), show("a", "2", topics_info=told("5"))]]
    assert talk(MODULE, script, connector_ids="a")["summary"]["lag"] == 9


# -- shape


def test_topics_inside_the_descriptor() -> None:
    descriptor = {"obs_bucket_name": "b", "topics": "x,y", "topics_regex": "", "secret_key": "hidden-inside"}
    script = [[sinks("a", "1")], [show("a", "1", topics=None, obs_destination_descriptor=descriptor)]]
    result = talk(MODULE, script, connector_ids="a")
    (task,) = result["sink_tasks"]
    assert (task["topics"], task["topic_names"], task["topics_regex"]) == ("x,y", ["x", "y"], None)
    assert task["destination"]["secret_key"] == "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"
    assert "hidden-inside" not in str(result)


# -- failures


def test_a_partial_failure_keeps_what_arrived() -> None:
    script = [
        [
            sinks("a", "1", "2"),
            get("connectors/b/sink-tasks", BROKEN, 500),
            show("a", "1"),
            get("connectors/a/sink-tasks/2", "null", topic_info="true"),
        ]
    ]
    result = talk(MODULE, script, connector_ids=["b", "a"], task_ids=["1", "2", "9"])
    assert (ids(result), parents(result), result["not_found"]) == ([("a", "1"), ("a", "2")], [("a", None)], [])
    assert (result["sink_tasks"][1]["status"], result["sink_tasks"][1]["lag"]) == ("RUNNING", None)  # as the list told
    assert [error["kind"] for error in result["errors"]] == ["protocol", "server"]


def test_a_failure_on_the_way_to_the_connector_names_nothing_missing() -> None:
    script = [[shown("x"), shown("y", BROKEN, 500)], [sinks("c-x", "1")]]
    result = talk(MODULE, script, instance_ids=["i-x", "i-y"], task_ids="9")
    assert (parents(result), result["not_found"]) == ([("c-x", "i-x")], [])
    script = [
        [instances(instance("x", "c-x"), total=2)],
        [instances(offset=1)._replace(status=500)],
        [sinks("c-x", "1")],
    ]
    result = talk(MODULE, script, task_ids="9")
    assert (result["not_found"], result["error"]["kind"]) == ([], "server")
    script = [[named("x", instance("x"))], [shown("x", {"unheard": "of"})]]
    result = talk(MODULE, script, instance_names="x")
    assert (result["not_found"], result["error"]["kind"], parents(result)) == ([], "protocol", [])


@no_time_to_wait()
def test_a_throttle_sent_as_404_is_no_absent_connector() -> None:
    answer = {"error_code": "DMS.10240407", "error_msg": "The request is too frequent."}
    result = talk(MODULE, [[get("connectors/a/sink-tasks", answer, 404)]], connector_ids="a")
    assert (result["error"]["kind"], result["not_found"]) == ("throttled", [])


def test_parents_that_exclude_each_other_and_null_which_is_none() -> None:
    result = talk(MODULE, [], connector_ids=["a"], instance_ids=["b"])
    assert result["error"]["kind"] == "configuration"
    assert "connector_ids and instance_ids are mutually exclusive" in result["msg"]
    result = talk(MODULE, [], connector_ids=[], instance_ids=None)
    assert (result["failed"], result["request_stats"]["requests"]) == (False, 0)
