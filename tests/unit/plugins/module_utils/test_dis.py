# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The flows of transfer tasks, driven without HTTP: what counts as an answer, what as absent, when a list ends."""

from __future__ import annotations

import typing as t
from unittest import mock

import pytest
from ansible_collections.hwcloud.streaming.plugins.module_utils._dis import tasks as _dis_tasks
from ansible_collections.hwcloud.streaming.plugins.module_utils._wire import request as _request
from ansible_collections.hwcloud.streaming.plugins.module_utils._wire.errors import ShapeError
from ansible_collections.hwcloud.streaming.tests.unit.plugins.module_utils.flows import (
    BROKEN,
    REFUSED,
    STREAM_ABSENT,
    TASK_ABSENT,
    Asked,
    Outcome,
    run,
)

NOW = 1767323045678


def ask(service: t.Callable[[Asked], t.Any] | dict[str, t.Any], details: bool = True, **wanted: t.Any) -> Outcome:
    asked = _dis_tasks.Wanted(**{"stream_names": None, "task_names": None, **wanted})
    return run(lambda client: _dis_tasks.transfer_tasks(client, asked, details, NOW), service)


def found(outcome: Outcome) -> list[tuple[str, str]]:
    return [(task["stream_name"], task["task_name"]) for task in outcome.value["transfer_tasks"]]


def listed(*names: str, **more: t.Any) -> dict[str, t.Any]:
    return {"total_number": len(names), "tasks": [{"task_name": name} for name in names], **more}


def test_paths_are_percent_encoded() -> None:
    assert _request.path("v2", "p", "a b~_-.") == "/v2/p/a%20b~_-."
    assert _request.path("a/b") == "/a%2Fb"


@pytest.mark.parametrize(
    ("wanted", "task", "keeps", "may_keep"),
    [
        ({}, {}, True, True),
        ({"states": frozenset({"RUNNING"})}, {"state": "running"}, True, True),
        ({"states": frozenset({"RUNNING"})}, {"state": "PAUSED"}, False, False),
        ({"states": frozenset({"RUNNING"})}, {"state": None}, False, True),
        ({"states": frozenset()}, {"state": "RUNNING"}, False, False),
        ({"destination_types": frozenset({"OBS"})}, {"destination_type": "Obs"}, True, True),
        ({"destination_types": frozenset({"OBS"})}, {"destination_type": "DLI"}, False, False),
        ({"destination_types": frozenset({"OBS"})}, {}, False, True),
    ],
)
def test_filters(wanted: dict[str, t.Any], task: dict[str, t.Any], keeps: bool, may_keep: bool) -> None:
    asked = _dis_tasks.Wanted(None, None, **wanted)
    told = {"task_name": "a", "state": None, "destination_type": None, **task}
    assert (asked.filters.take(told), asked.filters.may_take(told)) == (keeps, may_keep)


@pytest.mark.parametrize(
    ("answer", "total", "more", "names"),
    [
        ({"stream_names": ["a"], "total_number": "1"}, 1, False, ["a"]),
        ({"stream_names": "a", "has_more_streams": True}, None, True, ["a"]),
        ({"stream_info_list": [{"stream_name": "a"}], "has_more_streams": "true"}, None, True, ["a"]),
        ({"stream_names": [], "stream_info_list": [{"stream_name": "a"}]}, None, False, ["a"]),
        ({"total_number": 0}, 0, False, []),
        ({"total_number": 0, "stream_names": None}, 0, False, []),
        ({"stream_names": ["a"] * 99}, None, False, ["a"] * 99),
        ({"stream_names": ["a"] * 100}, None, True, ["a"] * 100),
        ({"stream_names": ["a"] * 100, "has_more_streams": False}, None, False, ["a"] * 100),
        ({"stream_names": ["a"] * 100, "total_number": 100}, 100, False, ["a"] * 100),
    ],
)
def test_lists_of_streams(answer: dict[str, t.Any], total: int | None, more: bool, names: list[str]) -> None:
    page = _dis_tasks._streams(answer)
    assert (page.total, page.more, page.entries) == (total, more, names)


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"has_more_streams": True},
        {"total_number": 3},
        {"total_number": 3, "stream_names": None},
        {"stream_names": {"a": 1}},
        {"stream_names": [None]},
        {"stream_names": [""]},
        {"stream_names": 5},
        {"stream_info_list": [{}]},
        {"stream_names": ["a"], "total_number": "many"},
    ],
)
def test_what_is_no_list_of_streams(answer: dict[str, t.Any]) -> None:
    with pytest.raises(ShapeError):
        _dis_tasks._streams(answer)


@pytest.mark.parametrize("answer", [{}, {"unheard": "of"}, {"total_number": 1, "tasks": []}])
def test_what_is_no_task(answer: dict[str, t.Any]) -> None:
    with pytest.raises(ShapeError):
        _dis_tasks.shown_task(t.cast(t.Any, mock.Mock(project_id="p")), "s", "a", lambda shown: shown).shape(answer)


def test_doubled_entries_are_one_task() -> None:
    outcome = ask({"streams/s/transfer-tasks": listed("a", "a", "b")}, details=False, stream_names=["s"])
    assert found(outcome) == [("s", "a"), ("s", "b")]
    assert outcome.value["summary"]["total"] == 2


@pytest.mark.parametrize("entry", [{"task_name": ""}, {"task_id": "1"}, {"task_name": "a", "create_time": "soon"}, {}])
def test_an_entry_that_is_no_task_is_the_lists_failure(entry: dict[str, t.Any]) -> None:
    outcome = ask({"streams/s/transfer-tasks": {"tasks": [entry], "total_number": 1}}, stream_names=["s"])
    assert [failure.kind for failure in outcome.failures] == ["protocol"]
    assert outcome.value["streams"] == []


@pytest.mark.parametrize(
    ("second", "names", "kinds", "requests"),
    [
        (listed("b", total_number=2), ["a", "b"], [], 2),
        (listed("a", total_number=2), ["a"], [], 2),
        (listed(total_number=2), ["a"], [], 2),
        ({"total_number": 2, "tasks": None}, ["a"], [], 2),
        (TASK_ABSENT, ["a"], [], 2),
        (REFUSED, ["a"], [], 2),
        (BROKEN, ["a"], ["server"], 2),
        ({"nothing": 1}, ["a"], ["protocol"], 2),
        (STREAM_ABSENT, [], [], 2),
    ],
)
def test_the_second_page(second: t.Any, names: list[str], kinds: list[str], requests: int) -> None:
    def service(asked: Asked) -> t.Any:
        return second if asked.query == {"start_task_name": "a"} else listed("a", total_number=2)

    outcome = ask(service, details=False, stream_names=["s"])
    assert [name for _stream, name in found(outcome)] == names
    assert [failure.kind for failure in outcome.failures] == kinds
    assert len(outcome.asked) == requests


def test_a_list_that_goes_on_for_ever_ends_with_its_total() -> None:
    def service(asked: Asked) -> t.Any:
        number = int(asked.query.get("start_task_name", "0"))
        return listed(str(number + 1), total_number=7)

    assert len(ask(service, details=False, stream_names=["s"]).asked) == 7


def test_a_first_page_that_is_refused_is_a_failure() -> None:
    outcome = ask(lambda asked: REFUSED, stream_names=["s"], task_names=["t"])
    assert [failure.kind for failure in outcome.failures] == ["invalid_request"]
    assert outcome.value["not_found"] == []


def test_not_found_is_sorted_and_tells_each_name_once() -> None:
    service = {
        "streams/a/transfer-tasks": listed("x"),
        "streams/b/transfer-tasks": STREAM_ABSENT,
        "streams/c/transfer-tasks": STREAM_ABSENT,
    }
    outcome = ask(service, details=False, stream_names=["c", "a", "b"], task_names=["z", "x", "y"])
    assert outcome.value["not_found"] == [
        {"stream_name": None, "task_name": "y"},
        {"stream_name": None, "task_name": "z"},
        {"stream_name": "b", "task_name": None},
        {"stream_name": "c", "task_name": None},
    ]


def test_an_absent_detail() -> None:
    service = {
        "streams/a/transfer-tasks": listed("x"),
        "streams/a/transfer-tasks/x": TASK_ABSENT,
        "streams/b/transfer-tasks": listed("x"),
        "streams/b/transfer-tasks/x": {"state": "RUNNING"},
    }
    outcome = ask(service, stream_names=["a", "b"], task_names=["x"])
    assert (found(outcome), outcome.value["not_found"]) == ([("b", "x")], [])
    assert [entry["stream_name"] for entry in outcome.value["streams"]] == ["a", "b"]


def test_a_stream_that_is_gone_when_its_tasks_are_shown() -> None:
    service = {"streams/a/transfer-tasks": listed("x"), "streams/a/transfer-tasks/x": STREAM_ABSENT}
    outcome = ask(service, stream_names=["a"])
    assert outcome.value["not_found"] == [{"stream_name": "a", "task_name": None}]
    assert outcome.value["streams"] == outcome.value["transfer_tasks"] == []
    discovered = ask({**service, "streams": {"stream_names": ["a"], "total_number": 1}})
    assert discovered.value["not_found"] == discovered.value["streams"] == []


def test_the_summary_of_figures_that_are_not_told() -> None:
    def service(asked: Asked) -> t.Any:
        if asked.path.endswith("tasks"):
            return listed("x", "y")
        discard = 4 if asked.path.endswith("x") else None
        return {"last_transfer_timestamp": NOW - 9000, "partitions": [{"partition_id": "0", "discard": discard}]}

    outcome = ask(service, stream_names=["s"])
    assert [task["discarded_records"] for task in outcome.value["transfer_tasks"]] == [4, None]
    assert outcome.value["summary"] == {
        "total": 2,
        "healthy": 0,
        "by_state": {"UNKNOWN": 2},
        "by_destination_type": {"UNKNOWN": 2},
        "discarded_records": 4,
        "oldest_transfer_age": 9,
        "lag": None,
    }


PARTITIONS = [
    {"partition_id": f"shardId-000000000{number}", "status": "ACTIVE", "sequence_number_range": f"[0 : {end}]"}
    for number, end in enumerate((9, 8, 7))
]


@pytest.mark.parametrize(
    ("pages", "lag"),
    [
        ({"": (PARTITIONS, False)}, 9),
        ({"": (PARTITIONS[:2], True), "shardId-0000000001": (PARTITIONS[2:], False)}, 9),
        ({"": (PARTITIONS[:1], True), "shardId-0000000000": (PARTITIONS[1:], False)}, 9),
        ({"": (PARTITIONS[:2], False)}, None),
        ({"": (PARTITIONS[:2], True), "shardId-0000000001": (PARTITIONS[:2], True)}, None),
        ({"": ([*PARTITIONS, {**PARTITIONS[0], "sequence_number_range": "[0 : 99]"}], False)}, None),
        ({"": ([{**PARTITIONS[0], "sequence_number_range": "[0 : 99]"}, *PARTITIONS], False)}, None),
        ({"": ([*PARTITIONS, PARTITIONS[0]], False)}, 9),
        ({"": ([*PARTITIONS, {"status": "ACTIVE"}], False)}, None),
        ({"": ([], False)}, None),
    ],
)
def test_the_partitions_of_a_stream_are_read_as_a_whole_or_the_lag_is_not_known(
    pages: dict[str, tuple[list[dict[str, t.Any]], bool]], lag: int | None
) -> None:
    asked_for = []

    def service(asked: Asked) -> t.Any:
        if asked.path.endswith("transfer-tasks"):
            return listed("x")
        if asked.path.endswith("x"):
            shown = [{"partition_id": one["partition_id"], "last_transfer_offset": 5} for one in PARTITIONS]
            return {"partitions": shown}
        asked_for.append(asked.query["limit_partitions"])
        partitions, more = pages[str(asked.query.get("start_partitionId", ""))]
        return {"partitions": partitions, "has_more_partitions": more}

    wanted = _dis_tasks.Wanted(["s"], None)
    outcome = run(lambda client: _dis_tasks.transfer_tasks(client, wanted, True, NOW, True), service)
    (task,) = outcome.value["transfer_tasks"]
    assert (task["lag_asked"], task["lag"], outcome.value["summary"]["lag"]) == (True, lag, lag)
    assert [str(limit) for limit in asked_for] == ["1000"] * len(pages)
    assert outcome.failures == []


def test_streams_are_read_to_the_end_of_their_list() -> None:
    """Pages of 100, the total not told: a full page says that there may be more, null for a list that there are none."""
    pages = {"": [f"s{number:03}" for number in range(100)], "s099": ["t"]}
    asked_for: list[str] = []

    def service(asked: Asked) -> t.Any:
        if asked.path != "streams":
            return listed()
        assert asked.query["limit"] == "100"
        start = asked.query.get("start_stream_name", "")
        asked_for.append(start)
        return {"stream_names": pages[start]}

    outcome = ask(service, details=False)
    assert [entry["stream_name"] for entry in outcome.value["streams"]] == [*pages[""], "t"]
    assert asked_for == ["", "s099"]


@pytest.mark.parametrize(
    "second",
    [{"stream_names": None, "total_number": 3}, {"stream_names": [], "total_number": 3}, {"stream_names": ["a"]}],
)
def test_a_total_of_streams_larger_than_their_list(second: dict[str, t.Any]) -> None:
    def service(asked: Asked) -> t.Any:
        if asked.path != "streams":
            return listed()
        return second if "start_stream_name" in asked.query else {"total_number": 3, "stream_names": ["b", "a"]}

    outcome = ask(service, details=False, task_names=["x"])
    assert [entry["stream_name"] for entry in outcome.value["streams"]] == ["a", "b"]
    assert [asked.path for asked in outcome.asked].count("streams") == 2
    assert outcome.failures == []
    assert outcome.value["not_found"] == [{"stream_name": None, "task_name": "x"}]


@pytest.mark.parametrize("first", [["a"], []])
def test_a_list_of_streams_that_says_there_are_more_and_brings_none_is_a_failure(first: list[str]) -> None:
    def service(asked: Asked) -> t.Any:
        if asked.path != "streams":
            return listed()
        names = [] if "start_stream_name" in asked.query else first
        return {"total_number": 2, "stream_names": names, "has_more_streams": True}

    outcome = ask(service, details=False, task_names=["x"])
    assert [(failure.kind, failure.purpose) for failure in outcome.failures] == [("protocol", "the list of streams")]
    assert outcome.value["not_found"] == []


def test_a_total_smaller_than_its_list_ends_it() -> None:
    streams = {"total_number": 1, "stream_names": ["a", "b"]}
    outcome = ask(lambda asked: streams if asked.path == "streams" else listed("x", "y", total_number=1), details=False)
    assert found(outcome) == [("a", "x"), ("a", "y"), ("b", "x"), ("b", "y")]
    assert len(outcome.asked) == 3


def test_many_missing_tasks_are_named_in_their_order() -> None:
    names = [f"t{number}" for number in range(9)]
    outcome = ask({"streams/s/transfer-tasks": listed("x")}, details=False, stream_names=["s"], task_names=names[::-1])
    assert [entry["task_name"] for entry in outcome.value["not_found"]] == names


def test_the_quota_is_the_first_that_is_told() -> None:
    def service(asked: Asked) -> t.Any:
        if "start_task_name" in asked.query:
            return listed("b", total_number=2, quota=7)
        return listed("a", total_number=2)

    assert ask(service, details=False, stream_names=["s"]).value["streams"] == [
        {"stream_name": "s", "total_number": 2, "quota": 7}
    ]


def test_a_list_without_end_is_a_failure_that_keeps_what_came() -> None:
    """More is not asked for: what has come must still be shaped and returned when the time is over."""
    asked = []

    def service(question: Asked) -> t.Any:
        asked.append(question)
        names = [f"task-{len(asked)}-{number}" for number in range(1000)]
        return {"total_number": 10**9, "tasks": [{"task_name": name} for name in names]}

    outcome = ask(service, details=False, stream_names=["s"])
    assert len(outcome.value["transfer_tasks"]) == 10_000
    assert len(asked) == 11
    assert "the list goes on after 10000 entries" in str(outcome)
