# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Conversations of dis_transfer_task_info with lag: what it costs, what it tells, and that nothing is guessed."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.hwcloud.streaming.tests.emulator import Emulator
from ansible_collections.hwcloud.streaming.tests.unit.plugins.modules.calling import ask, small_world
from ansible_collections.hwcloud.streaming.tests.unit.plugins.modules.conversation import (
    Exchange,
    body,
    case,
    get,
    talk,
)

MODULE = "dis_transfer_task_info"
ABSENT = case("err_dis_4301_stream_missing_doc")


def shard(number: int) -> str:
    return f"shardId-{number:010}"


def tasks(stream: str, *names: str) -> Exchange:
    entries = [{"task_name": name, "state": "RUNNING", "destination_type": "OBS"} for name in names]
    return get(f"streams/{stream}/transfer-tasks", {"total_number": len(names), "tasks": entries})


def show(stream: str, name: str, *offsets: t.Any, **told: t.Any) -> Exchange:
    partitions = [
        {"partitionId": shard(number), "state": "RUNNING", "last_transfer_offset": offset, "discard": 0}
        for number, offset in enumerate(offsets)
    ]
    return get(
        f"streams/{stream}/transfer-tasks/{name}",
        {"task_name": name, "state": "RUNNING", "partitions": partitions, **told},
    )


def ends(stream: str, *ranges: t.Any, more: t.Any = False, first: int = 0, **query: t.Any) -> Exchange:
    partitions = [
        {"partition_id": shard(number), "status": "ACTIVE", "sequence_number_range": text}
        for number, text in enumerate(ranges, first)
    ]
    answer = {"stream_name": stream, "partitions": partitions, "has_more_partitions": more}
    return get(f"streams/{stream}", answer, limit_partitions=1000, **query)


def lags(result: dict[str, t.Any], task: int = 0) -> tuple[t.Any, list[t.Any]]:
    told = result["transfer_tasks"][task]
    assert told["lag_asked"] is True
    return told["lag"], [partition["lag"] for partition in told["partitions"]]


def test_a_stream_is_read_once_after_its_tasks_however_many_it_has() -> None:
    script = [
        [tasks("s", "x", "y")],
        [show("s", "x", 289897, 10), show("s", "y", 289927, 0)],
        [ends("s", "[289911 : 289927]", "[0 : 12]")],
    ]
    result = talk(MODULE, script, stream_names="s", lag=True)
    assert [lags(result, task) for task in (0, 1)] == [(32, [30, 2]), (12, [0, 12])]
    assert result["transfer_tasks"][0]["partitions"][0]["log_end_offset"] == 289927
    assert result["summary"]["lag"] == 44


def test_the_real_answer_of_a_stream() -> None:
    script = [
        [tasks("s", "x")],
        [show("s", "x", 289900)],
        [get("streams/s", body("dis_streams_02_show"), limit_partitions=1000)],
    ]
    assert lags(talk(MODULE, script, stream_names="s", lag=True)) == (27, [27])


def test_all_pages_of_the_partitions() -> None:
    script = [
        [tasks("s", "x")],
        [show("s", "x", 1, 2, 3)],
        [ends("s", "[0 : 10]", "[0 : 10]", more=True)],
        [ends("s", "[0 : 10]", first=2, start_partitionId=shard(1))],
    ]
    assert lags(talk(MODULE, script, stream_names="s", lag=True)) == (24, [9, 8, 7])


def test_a_page_that_brings_nothing_new_ends_it_and_nothing_is_guessed() -> None:
    script = [
        [tasks("s", "x")],
        [show("s", "x", 1)],
        [ends("s", "[0 : 10]", more="true")],
        [ends("s", "[0 : 10]", more="true", start_partitionId=shard(0))],
    ]
    assert lags(talk(MODULE, script, stream_names="s", lag=True)) == (None, [9])


@pytest.mark.parametrize(
    ("offset", "told"),
    [
        (5, None),
        (5, ""),
        (5, "[0 : ]"),
        (5, "0 : 10"),
        (5, "[-1 : 10]"),
        (5, "[11 : 10]"),
        (5, "[0 : 1e3]"),
        (5, {"end": 10}),
        (5, ["[0 : 10]"]),
        (11, "[0 : 10]"),  # beyond the end
        (-1, "[0 : 10]"),
        (None, "[0 : 10]"),
    ],
)
def test_what_is_not_told_or_does_not_fit_is_not_known(offset: t.Any, told: t.Any) -> None:
    script = [[tasks("s", "x")], [show("s", "x", 1, offset)], [ends("s", "[0 : 10]", told)]]
    result = talk(MODULE, script, stream_names="s", lag=True, max_lag=1000)
    assert lags(result) == (None, [9, None])
    assert result["summary"]["lag"] is None
    assert len(result["problems"]) == 1
    assert result["summary"]["healthy"] == 0


@pytest.mark.parametrize("told", ["[0:10]", " [0 : 10] ", "[ 0 : 10 ]"])
def test_blanks_do_not_matter(told: str) -> None:
    script = [[tasks("s", "x")], [show("s", "x", "4")], [ends("s", told)]]
    assert lags(talk(MODULE, script, stream_names="s", lag=True)) == (6, [6])


def test_a_partition_that_only_one_side_tells_leaves_the_task_unknown() -> None:
    script = [[tasks("s", "x")], [show("s", "x", 1)], [ends("s", "[0 : 10]", "[0 : 10]")]]
    assert lags(talk(MODULE, script, stream_names="s", lag=True)) == (None, [9])
    script = [[tasks("s", "x")], [show("s", "x", 1, 2)], [ends("s", "[0 : 10]")]]
    assert lags(talk(MODULE, script, stream_names="s", lag=True)) == (None, [9, None])


def test_a_partition_told_twice_and_differently_is_not_known() -> None:
    twice = [
        {"partition_id": shard(0), "status": "ACTIVE", "sequence_number_range": f"[0 : {end}]"} for end in (10, 11)
    ]
    answer = get("streams/s", {"partitions": twice, "has_more_partitions": False}, limit_partitions=1000)
    script = [[tasks("s", "x")], [show("s", "x", 1)], [answer]]
    assert lags(talk(MODULE, script, stream_names="s", lag=True)) == (None, [None])


@pytest.mark.parametrize("state", ["DELETED", "EXPIRED"])
def test_what_resharding_left_behind_does_not_count(state: str) -> None:
    left = {"partitionId": shard(0), "state": state, "last_transfer_offset": 5}
    live = {"partitionId": shard(1), "state": "RUNNING", "last_transfer_offset": 5}
    stream = [
        {"partition_id": shard(1), "status": "ACTIVE", "sequence_number_range": "[0 : 7]"},
        {"partition_id": shard(2), "status": state, "sequence_number_range": "[0 : 7]"},
    ]
    script = [
        [tasks("s", "x")],
        [show("s", "x", partitions=[left, live])],
        [get("streams/s", {"partitions": stream, "has_more_partitions": False}, limit_partitions=1000)],
    ]
    assert lags(talk(MODULE, script, stream_names="s", lag=True)) == (2, [None, 2])


@pytest.mark.parametrize("state", ["DELETED", "EXPIRED"])
def test_what_the_stream_alone_calls_left_behind_does_not_count(state: str) -> None:
    stream = [
        {"partition_id": shard(0), "status": "ACTIVE", "sequence_number_range": "[0 : 9]"},
        {"partition_id": shard(1), "status": state, "sequence_number_range": "[0 : 0]"},
    ]
    answer = get("streams/s", {"partitions": stream, "has_more_partitions": False}, limit_partitions=1000)
    script = [[tasks("s", "x")], [show("s", "x", 5, 50)], [answer]]
    assert lags(talk(MODULE, script, stream_names="s", lag=True)) == (4, [4, None])


def test_a_stream_that_cannot_be_read_is_a_failure_of_its_own() -> None:
    script = [
        [tasks("a", "x"), tasks("b", "y")],
        [show("a", "x", 1), show("b", "y", 1)],
        [
            get("streams/a", {"errorCode": "DIS.4116", "message": "Invalid RBAC."}, 403, limit_partitions=1000),
            ends("b", "[0 : 3]"),
        ],
    ]
    result = talk(MODULE, script, stream_names=["a", "b"], lag=True)
    assert result["failed"]
    assert "the partitions of stream a" in result["msg"]
    assert [lags(result, task) for task in (0, 1)] == [(None, [None]), (2, [2])]
    assert [task["partitions"][0]["last_transfer_offset"] for task in result["transfer_tasks"]] == [1, 1]
    assert len(result["errors"]) == 1


@pytest.mark.parametrize("answer", [{}, {"stream_name": "s"}, {"partitions": "none"}, {"partitions": [1]}])
def test_an_answer_of_another_shape_is_a_failure(answer: t.Any) -> None:
    script = [[tasks("s", "x")], [show("s", "x", 1)], [get("streams/s", answer, limit_partitions=1000)]]
    result = talk(MODULE, script, stream_names="s", lag=True)
    assert result["error"]["kind"] == "protocol"
    assert lags(result) == (None, [None])


def test_a_stream_that_is_gone_meanwhile_leaves_the_lag_unknown() -> None:
    gone = get("streams/s", ABSENT["body"], ABSENT["_status"], limit_partitions=1000)
    result = talk(MODULE, [[tasks("s", "x")], [show("s", "x", 1)], [gone]], stream_names="s", lag=True)
    assert not result["failed"]
    assert lags(result) == (None, [None])


def test_a_stream_without_a_task_that_is_wanted_is_not_read() -> None:
    script = [[tasks("s", "x"), tasks("none")], [show("s", "x", 1, state="PAUSED")]]
    result = talk(MODULE, script, stream_names=["s", "none"], states="running", lag=True)
    assert (result["transfer_tasks"], result["summary"]["lag"]) == ([], 0)


def test_without_lag_nothing_is_asked_and_nothing_told() -> None:
    result = talk(MODULE, [[tasks("s", "x")], [show("s", "x", 1)]], stream_names="s", max_lag=0)
    (task,) = result["transfer_tasks"]
    assert (task["lag_asked"], task["lag"], task["partitions"][0]["log_end_offset"]) == (False, None, None)
    assert (result["summary"]["lag"], result["problems"]) == (None, [])
    (warning,) = map(str, result["warnings"])  # an object since ansible-core 2.19
    assert "max_lag is ignored without lag" in warning


def test_lag_without_details_is_refused() -> None:
    result = talk(MODULE, [], stream_names="s", lag=True, details=False)
    assert result["error"]["kind"] == "configuration"
    assert "lag is true and details is false" in result["msg"]


def test_the_emulators_streams_grow_and_one_task_does_not_keep_up() -> None:
    world = small_world()
    world["clock"] = "2026-01-02T03:04:05Z"
    world["streams"] = [
        {
            "name": "orders",
            "partitions": 3,
            "per_minute": 60,
            "ends": [{"id": 0, "end": 1000}, {"id": 1, "end": 500}, {"id": 2, "status": "DELETED"}],
            "tasks": [
                {"name": "fast", "partitions": [{"id": 0, "behind": 3}, {"id": 1, "behind": 0}]},
                {
                    "name": "slow",
                    "partitions": [{"id": 0, "last_transfer_offset": 900}, {"id": 1, "last_transfer_offset": 400}],
                },
            ],
        }
    ]
    with Emulator(world) as emulator:

        def asked(**options: t.Any) -> dict[str, t.Any]:
            return ask(MODULE, emulator.url, stream_names=["orders"], details=True, lag=True, **options).result

        assert [task["lag"] for task in asked()["transfer_tasks"]] == [3, 200]
        emulator.world.clock.advance("2m")
        result = asked(max_lag=100)
        assert [task["lag"] for task in result["transfer_tasks"]] == [3, 440]
        (problem,) = result["problems"]
        assert "440" in problem
        assert result["transfer_tasks"][1]["problems"] == result["problems"]


def test_the_emulator_pages_its_partitions() -> None:
    world = small_world()
    world["streams"] = [{"name": "wide", "partitions": 2500, "tasks": [{"name": "t"}]}]
    with Emulator(world) as emulator:
        result = ask(MODULE, emulator.url, stream_names=["wide"], details=True, lag=True).result
        asked = [request.path for request in emulator.requests]
    assert (result["summary"]["lag"], len(result["transfer_tasks"][0]["partitions"])) == (0, 2500)
    assert sum(path.endswith("/streams/wide") for path in asked) == 3
