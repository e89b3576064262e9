# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Conversations of dis_transfer_task_info: selectors, filters, paging, what is absent, what fails."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.hwcloud.streaming.tests.unit.plugins.modules.conversation import (
    Exchange,
    Script,
    body,
    case,
    get,
    talk,
)

MODULE = "dis_transfer_task_info"
ABSENT = case("err_dis_4301_stream_missing_doc")
NO_TASK = {"errorCode": "DIS.4354", "message": "The transfer task does not exist."}
BROKEN = body("err_dis_5000")


def tasks(stream: str, *names: str, total: int | None = None, **query: t.Any) -> Exchange:
    entries = [
        {"task_name": name, "task_id": f"id-{name}", "state": "RUNNING", "destination_type": "OBS"} for name in names
    ]
    number = len(names) if total is None else total
    return get(f"streams/{stream}/transfer-tasks", {"total_number": number, "tasks": entries}, **query)


def show(stream: str, name: str, **told: t.Any) -> Exchange:
    return get(f"streams/{stream}/transfer-tasks/{name}", {"task_name": name, "state": "RUNNING", **told})


def absent(stream: str) -> Exchange:
    return get(f"streams/{stream}/transfer-tasks", ABSENT["body"], ABSENT["_status"])


def found(result: dict[str, t.Any]) -> list[tuple[str, str]]:
    return [(task["stream_name"], task["task_name"]) for task in result["transfer_tasks"]]


# -- selectors


@pytest.mark.parametrize(
    "options",
    [
        {"stream_names": []},
        {"task_names": []},
        {"stream_names": ["s"], "task_names": []},
        {"stream_names": [], "task_names": ["t"]},
    ],
)
def test_an_empty_list_asks_nothing(options: dict[str, t.Any]) -> None:
    result = talk(MODULE, [], **options)
    assert (result["failed"], result["transfer_tasks"], result["streams"], result["not_found"]) == (False, [], [], [])
    assert result["summary"]["total"] == 0


@pytest.mark.parametrize(
    "options", [{"stream_names": [""]}, {"stream_name": ""}, {"task_names": ["t", " "]}, {"states": [""]}]
)
def test_an_empty_name_is_refused(options: dict[str, t.Any]) -> None:
    result = talk(MODULE, [], **options)
    assert result["error"]["kind"] == "configuration"
    assert "empty name" in result["msg"]


@pytest.mark.parametrize("name", ["a/b", "a b", "ä", "../x", "x" * 65])
def test_a_name_that_cannot_be_is_refused(name: str) -> None:
    assert talk(MODULE, [], stream_names=[name])["error"]["kind"] == "configuration"


def test_duplicates_count_once_and_the_order_is_by_name() -> None:
    script = [[tasks("b", "2", "1"), tasks("a", "3")]]
    result = talk(MODULE, script, stream_names=["b", "a", "b"], details=False)
    assert found(result) == [("a", "3"), ("b", "1"), ("b", "2")]
    assert [stream["stream_name"] for stream in result["streams"]] == ["a", "b"]


@pytest.mark.parametrize("selector", [{}, {"stream_names": None}])
def test_all_streams_of_the_project(selector: dict[str, t.Any]) -> None:
    script: Script = [
        [get("streams", {"total_number": 2, "stream_names": ["b", "a"], "has_more_streams": False}, limit=100)],
        [tasks("a", "x"), tasks("b")],
        [show("a", "x")],
    ]
    result = talk(MODULE, script, **selector)
    assert found(result) == [("a", "x")]
    assert [stream["total_number"] for stream in result["streams"]] == [1, 0]
    assert (result["region"], result["project_id"]) == ("example-1", "0123456789abcdef0123456789abcdef")


def test_the_name_that_was_asked_for_wins_over_the_one_echoed() -> None:
    script = [[tasks("s", "x")], [show("s", "x", task_name="X", stream_name="S", streamName="S")]]
    assert found(talk(MODULE, script, stream_names="s")) == [("s", "x")]


def test_details_off_asks_for_the_lists_only() -> None:
    result = talk(MODULE, [[tasks("s", "x", "y")]], stream_names="s", details=False)
    assert [task["destination"] for task in result["transfer_tasks"]] == [None, None]
    assert [task["partitions"] for task in result["transfer_tasks"]] == [[], []]
    assert [task["discarded_records"] for task in result["transfer_tasks"]] == [None, None]
    assert [task["task_id"] for task in result["transfer_tasks"]] == ["id-x", "id-y"]


# -- absent


def test_an_absent_stream_and_an_absent_task_of_one_stream() -> None:
    result = talk(MODULE, [[tasks("s", "x")], [show("s", "x")]], stream_names=["s"], task_names=["x", "z", "y"])
    assert result["not_found"] == [{"stream_name": "s", "task_name": "y"}, {"stream_name": "s", "task_name": "z"}]
    result = talk(MODULE, [[absent("gone"), tasks("s")]], stream_names=["s", "gone"])
    assert result["not_found"] == [{"stream_name": "gone", "task_name": None}]
    assert [stream["stream_name"] for stream in result["streams"]] == ["s"]


def test_a_task_is_missing_when_no_stream_has_it() -> None:
    script = [[tasks("a", "x"), tasks("b", "y")]]
    result = talk(MODULE, script, stream_names=["a", "b"], task_names=["x", "z"], details=False)
    assert found(result) == [("a", "x")]
    assert result["not_found"] == [{"stream_name": None, "task_name": "z"}]
    streams = get("streams", {"total_number": 1, "stream_names": ["a"]}, limit=100)
    result = talk(MODULE, [[streams], [tasks("a")]], task_names=["z"])
    assert result["not_found"] == [{"stream_name": None, "task_name": "z"}]


def test_what_discovery_listed_and_is_gone_is_passed_over() -> None:
    gone = get("streams/a/transfer-tasks/x", NO_TASK, 400)
    script = [
        [get("streams", {"total_number": 2, "stream_names": ["a", "b"]}, limit=100)],
        [tasks("a", "x", "y"), absent("b")],
        [gone, show("a", "y")],
    ]
    result = talk(MODULE, script)
    assert (found(result), result["not_found"]) == ([("a", "y")], [])
    result = talk(MODULE, [[tasks("a", "x")], [gone]], stream_names="a", task_names=["x"])
    assert (found(result), result["not_found"]) == ([], [{"stream_name": "a", "task_name": "x"}])


@pytest.mark.parametrize("options", [{"states": ["paused"]}, {"destination_types": "DWS"}])
def test_what_a_filter_took_out_is_not_missing(options: dict[str, t.Any]) -> None:
    result = talk(MODULE, [[tasks("s", "x")]], stream_names="s", task_names=["x"], **options)
    assert (result["transfer_tasks"], result["not_found"], result["summary"]["total"]) == ([], [], 0)
    assert result["streams"][0]["total_number"] == 1


def test_filters_take_any_case_and_are_counted_after() -> None:
    answer = get("streams/s/transfer-tasks", body("dis_list_05_all_states_all_destinations_quota"))
    options: dict[str, t.Any] = {
        "stream_names": "s",
        "details": False,
        "states": ["Running", "PAUSED"],
        "destination_types": ["obs", "mrs"],
    }
    result = talk(MODULE, [[answer]], **options)
    assert [name for _stream, name in found(result)] == ["t-mrs", "t-null-ts", "t-obs"]
    assert result["summary"]["by_state"] == {"PAUSED": 1, "RUNNING": 2}


def test_a_state_that_only_the_details_tell_is_filtered_too() -> None:
    listed = get("streams/s/transfer-tasks", {"total_number": 2, "tasks": [{"task_name": "x"}, {"task_name": "y"}]})
    script = [[listed], [show("s", "x"), show("s", "y", state="PAUSED")]]
    assert found(talk(MODULE, script, stream_names="s", states="paused")) == [("s", "y")]


# -- paging


def test_streams_are_read_page_by_page() -> None:
    script = [
        [get("streams", {"total_number": 3, "stream_names": ["a", "b"], "has_more_streams": True}, limit=100)],
        [
            tasks("a"),
            tasks("b"),
            get("streams", {"total_number": 3, "stream_names": ["c"]}, limit=100, start_stream_name="b"),
        ],
        [tasks("c")],
    ]
    assert [stream["stream_name"] for stream in talk(MODULE, script)["streams"]] == ["a", "b", "c"]


def test_a_page_of_streams_that_repeats_ends_the_list_which_is_not_whole() -> None:
    page = {"total_number": 9, "stream_names": ["a", "a"], "has_more_streams": True}
    script = [
        [get("streams", page, limit=100)],
        [tasks("a"), get("streams", page, limit=100, start_stream_name="a")],
    ]
    result = talk(MODULE, script, task_names="elsewhere")
    assert [stream["stream_name"] for stream in result["streams"]] == ["a"]
    assert [(error["kind"], error["path"][-8:]) for error in result["errors"]] == [("protocol", "/streams")]
    assert result["not_found"] == []


def test_a_list_of_streams_that_is_shorter_than_its_total() -> None:
    """The total may be too large; then an empty page says so."""
    script = [
        [get("streams", {"total_number": 9, "stream_names": ["a"]}, limit=100)],
        [tasks("a"), get("streams", {"total_number": 9, "stream_names": []}, limit=100, start_stream_name="a")],
    ]
    assert "errors" not in talk(MODULE, script)


@pytest.mark.parametrize("more", [True, "True", " true ", 1, "1"])
def test_whether_there_are_more_streams(more: t.Any) -> None:
    script = [
        [get("streams", {"total_number": 1, "stream_names": ["a"], "has_more_streams": more}, limit=100)],
        [tasks("a"), get("streams", {"stream_names": ["b"]}, limit=100, start_stream_name="a")],
        [tasks("b")],
    ]
    assert [stream["stream_name"] for stream in talk(MODULE, script)["streams"]] == ["a", "b"]


def test_a_list_that_is_a_failure_inside_a_success() -> None:
    failed = {"errorCode": "DIS.4205", "message": "no luck", "total_number": 0, "stream_names": [], "tasks": []}
    (error,) = talk(MODULE, [[get("streams", failed, limit=100)]])["errors"]
    assert (error["kind"], error["http_status"], error["error_code"]) == ("invalid_request", 200, "DIS.4205")
    (error,) = talk(MODULE, [[get("streams/a/transfer-tasks", failed)]], stream_names="a")["errors"]
    assert (error["kind"], error["error_msg"]) == ("invalid_request", "no luck")


def test_streams_by_their_descriptions() -> None:
    page = {"total_number": 1, "stream_names": [], "stream_info_list": {"stream_name": "a"}}
    assert len(talk(MODULE, [[get("streams", page, limit=100)], [tasks("a")]])["streams"]) == 1


def test_tasks_go_on_after_the_last_name_while_the_total_is_larger() -> None:
    script = [
        [tasks("s", "a", "b", total=5)],
        [tasks("s", "c", "d", total=5, start_task_name="b")],
        [tasks("s", "e", total=5, start_task_name="d")],
    ]
    result = talk(MODULE, script, stream_names="s", details=False)
    assert [name for _stream, name in found(result)] == ["a", "b", "c", "d", "e"]


def test_a_start_name_that_is_ignored_or_refused_ends_the_list() -> None:
    ignored = [[tasks("s", "a", total=2)], [tasks("s", "a", total=2, start_task_name="a")]]
    refusal = get("streams/s/transfer-tasks", body("err_dis_4224_sequence_out_of_range"), 400, start_task_name="a")
    for script in (ignored, [[tasks("s", "a", total=2)], [refusal]]):
        result = talk(MODULE, script, stream_names="s", task_names=["a", "z"], details=False)
        assert (result["failed"], found(result)) == (False, [("s", "a")])
        assert result["not_found"] == [{"stream_name": "s", "task_name": "z"}]


def test_a_page_of_tasks_that_fails_keeps_the_first_and_names_nothing_missing() -> None:
    failing = get("streams/s/transfer-tasks", BROKEN, 500, start_task_name="a")
    result = talk(
        MODULE, [[tasks("s", "a", total=2)], [failing]], stream_names="s", task_names=["a", "z"], details=False
    )
    assert (result["failed"], found(result), result["not_found"]) == (True, [("s", "a")], [])


def test_the_old_form_of_the_list() -> None:
    entry = {"task_name": "x", "state": "RUNNING", "destination_type": "OBS", "create_time": "1534142793097"}
    first = get("streams/s/transfer-tasks", {"has_more_tasks": True, "total_number": None, "details": [entry]})
    second = get(
        "streams/s/transfer-tasks",
        {"has_more_tasks": False, "details": {"task_name": "y"}},
        start_task_name="x",
    )
    result = talk(MODULE, [[first], [second]], stream_names="s", details=False)
    assert found(result) == [("s", "x"), ("s", "y")]
    assert result["transfer_tasks"][0]["created_at"] == "2018-08-13T06:46:33.097Z"


# -- failures


def test_a_partial_failure_keeps_what_arrived_with_errors_in_a_stable_order() -> None:
    for _time in range(3):
        script = [
            [get("streams", {"total_number": 4, "stream_names": ["d", "c", "b", "a"]}, limit=100)],
            [
                get("streams/d/transfer-tasks", BROKEN, 500),
                tasks("c", "x", "y", "z"),
                get("streams/b/transfer-tasks", body("err_dms_00403003_role_403"), 403),
                tasks("a", "w"),
                show("a", "w"),
                show("c", "y"),
                get("streams/c/transfer-tasks/x", BROKEN, 500),
                get("streams/c/transfer-tasks/z", "<html>"),
            ],
        ]
        result = talk(MODULE, script, concurrency=3)
        assert found(result) == [("a", "w"), ("c", "x"), ("c", "y"), ("c", "z")]  # what the lists told is kept
        assert [stream["stream_name"] for stream in result["streams"]] == ["a", "c"]
        told = [(error["kind"], error["path"].partition("streams/")[2]) for error in result["errors"]]
        assert told == [
            ("authorization", "b/transfer-tasks"),
            ("server", "c/transfer-tasks/x"),
            ("protocol", "c/transfer-tasks/z"),
            ("server", "d/transfer-tasks"),
        ]


def test_a_page_of_streams_that_fails_keeps_the_streams_before() -> None:
    script = [
        [get("streams", {"total_number": 3, "stream_names": ["a"], "has_more_streams": "true"}, limit=100)],
        [tasks("a", "x"), get("streams", BROKEN, 500, limit=100, start_stream_name="a")],
    ]
    result = talk(MODULE, script, task_names=["x", "z"], details=False)
    assert (found(result), result["not_found"]) == ([("a", "x")], [])
    assert [error["kind"] for error in result["errors"]] == ["server"]


@pytest.mark.parametrize(
    "answer", ["", "null", "[]", "{}", "<html>", '{"tasks": null, "total_number": 2}', '{"a": 1}', '{"tasks": 5}']
)
def test_a_success_that_is_no_list_of_tasks(answer: str) -> None:
    result = talk(MODULE, [[get("streams/s/transfer-tasks", answer)]], stream_names="s", task_names=["t"])
    assert [error["kind"] for error in result["errors"]] == ["protocol"]
    assert (result["not_found"], result["streams"]) == ([], [])


def test_a_path_that_does_not_exist_is_no_absent_stream() -> None:
    answer = {"error_msg": "The API does not exist", "error_code": "APIGW.0101", "request_id": "r"}
    result = talk(MODULE, [[get("streams/s/transfer-tasks", answer, 404)]], stream_names="s")
    assert (result["error"]["kind"], result["not_found"]) == ("not_found", [])
