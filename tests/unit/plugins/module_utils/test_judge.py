# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The judging rules, edge case by edge case."""

from __future__ import annotations

import datetime
import typing as t
from types import MappingProxyType

import pytest
from ansible_collections.hwcloud.streaming.plugins.module_utils import _judge

NOW = 1767323045678  # 2026-01-02T03:04:05.678Z
MINUTE = 60_000
DAY = 24 * 60 * MINUTE
ORDERS = "stream orders, task orders-to-obs"
MOVED = "last transfer 1m ago"
SINK = "instance kafka-a, task sink-1"


def dis(**changes: t.Any) -> dict[str, t.Any]:
    return {
        "stream_name": "orders",
        "task_name": "orders-to-obs",
        "task_id": "As805BudhcH1lDs6gbn",
        "state": "RUNNING",
        "create_time": NOW - DAY,
        "last_transfer_timestamp": NOW - MINUTE,
        "last_transfer_age": 999_999,
        "destination": {"kind": "obs"},
        "discarded_records": 0,
        "partitions": [{"partition_id": "shardId-0", "state": "RUNNING"}],
        "problems": [],
        **changes,
    }


def sink(**changes: t.Any) -> dict[str, t.Any]:
    return {
        "instance_id": "i-1",
        "instance_name": "kafka-a",
        "connector_id": "c-1",
        "task_id": "t-1",
        "task_name": "sink-1",
        "status": "RUNNING",
        "create_time": NOW - DAY,
        "lag": 9,
        "topics_info": [{"topic": "clicks", "partitions": [{"partition_id": 0, "status": "RUNNING", "lag": 9}]}],
        **changes,
    }


def smart(**changes: t.Any) -> dict[str, t.Any]:
    return {
        "instance_id": "i-2",
        "instance_name": "kafka-b",
        "task_id": "s-1",
        "task_name": "smart-1",
        "status": "RUNNING",
        "source_type": "NONE",
        "sink_type": "OBS_SINK",
        "create_time": NOW - DAY,
        **changes,
    }


def log(**changes: t.Any) -> dict[str, t.Any]:
    return {
        "transfer_task_id": "As805BudhcH1lDs6gbn",
        "task_name": "orders-to-obs",
        "stream_name": "orders",
        "total_num": 3,
        "last_ended_at": "2026-01-02T03:03:05.678Z",
        **changes,
    }


def result(key: str, *tasks: t.Any, **others: t.Any) -> dict[str, t.Any]:
    return {"changed": False, key: list(tasks), "not_found": [], **others}


def judge(value: t.Any, **options: t.Any) -> list[str]:
    return _judge.problems(value, **{"now": NOW, **options})


# By state alone.


@pytest.mark.parametrize("task", [dis(), sink(), smart(), log()], ids=["dis", "sink", "smart", "log"])
def test_a_running_task_is_healthy(task: dict[str, t.Any]) -> None:
    assert judge(task) == []


@pytest.mark.parametrize(
    "state", ["PAUSED", "STARTING", "CREATING", "DELETE", "ERROR", "ABNORMAL", "HIBERNATING", "running", ""]
)
def test_any_state_but_running_is_a_problem_also_one_never_seen_before(state: str) -> None:
    assert judge(dis(state=state)) == [f"{ORDERS}: state is {state}, not RUNNING, {MOVED}"]
    assert judge(sink(status=state)) == [f"{SINK}: status is {state}, not RUNNING"]
    assert judge(smart(status=state)) == [f"instance kafka-b, task smart-1: status is {state}, not RUNNING"]


def test_a_state_that_the_service_did_not_tell_is_a_problem() -> None:
    assert judge([dis(state=None), smart(status=None)]) == [
        f"{ORDERS}: state not known, {MOVED}",
        "instance kafka-b, task smart-1: status not known",
    ]


@pytest.mark.parametrize(
    ("state", "told"),
    [
        ("RUNNING", None),
        ("ACTIVE", None),
        ("DELETED", None),
        ("EXPIRED", None),
        ("ABNORMAL", "is ABNORMAL, not RUNNING"),
        ("CREATING", "is CREATING, not RUNNING"),
        ("MELTING", "is MELTING, not RUNNING"),
        (None, "not known"),
    ],
)
def test_a_partition_is_well_when_it_works_or_was_left_behind_by_resharding(
    state: str | None, told: str | None
) -> None:
    found = judge(
        dis(
            partitions=[{"partition_id": "shardId-0", "state": "ACTIVE"}, {"partition_id": "shardId-1", "state": state}]
        )
    )
    assert found == ([f"{ORDERS}, partition shardId-1: state {told}"] if told else [])
    found = judge(sink(topics_info=[{"topic": "clicks", "partitions": [{"partition_id": 1, "status": state}]}]))
    assert found == ([f"{SINK}, topic clicks, partition 1: status {told}"] if told else [])


def of_state(*states: str | None, **more: t.Any) -> list[dict[str, t.Any]]:
    return [{"partition_id": f"shardId-{number}", "state": state, **more} for number, state in enumerate(states)]


def test_partitions_of_another_state_than_their_task_are_a_problem_beside_it() -> None:
    assert judge(dis(state="ERROR", partitions=of_state("ABNORMAL", "ABNORMAL"))) == [
        f"{ORDERS}: state is ERROR, not RUNNING, {MOVED}",
        f"{ORDERS}, partitions shardId-0 and shardId-1: state is ABNORMAL, not RUNNING",
    ]


@pytest.mark.parametrize(
    ("states", "told"),
    [
        (["PAUSED"], " (so is its partition)"),
        (["PAUSED"] * 50, " (so are its 50 partitions)"),
        (["PAUSED", "RUNNING"], " (so is 1 of its 2 partitions)"),
        (["PAUSED", "ACTIVE", "PAUSED"], " (so are 2 of its 3 partitions)"),
        (["PAUSED", "EXPIRED", "DELETED", "PAUSED"], " (so are its 2 partitions)"),
        (["RUNNING"], ""),
        ([], ""),
    ],
)
def test_partitions_in_the_state_of_their_task_stand_in_its_sentence(states: list[str], told: str) -> None:
    paused = dis(state="PAUSED", partitions=of_state(*states), last_transfer_timestamp=NOW - 2 * DAY - 4_000)
    assert judge(paused) == [f"{ORDERS}: state is PAUSED, not RUNNING{told}, last transfer 2d ago"]


def test_partitions_that_are_not_known_stand_with_a_task_that_is_not_known() -> None:
    assert judge(dis(state=None, partitions=of_state(None, None))) == [
        f"{ORDERS}: state not known (nor are those of its 2 partitions), {MOVED}"
    ]


@pytest.mark.parametrize(
    ("count", "which"),
    [
        (1, "partition shardId-0"),
        (2, "partitions shardId-0 and shardId-1"),
        (3, "partitions shardId-0, shardId-1 and shardId-2"),
        (4, "partitions shardId-0, shardId-1 and 2 more"),
        (7, "partitions shardId-0, shardId-1 and 5 more"),
    ],
)
def test_other_partitions_of_one_state_share_a_sentence(count: int, which: str) -> None:
    task = dis(partitions=[*of_state(*["ABNORMAL"] * count), {"partition_id": "x", "state": "CREATING"}])
    assert judge(task) == [
        f"{ORDERS}, {which}: state is ABNORMAL, not RUNNING",
        f"{ORDERS}, partition x: state is CREATING, not RUNNING",
    ]


def test_partitions_say_when_the_last_of_them_moved_where_all_tell() -> None:
    stuck = [
        *of_state("ABNORMAL", last_transfer_timestamp=NOW - 5 * 60 * MINUTE),
        {"partition_id": "x", "state": "ABNORMAL", "last_transfer_timestamp": NOW - 3 * 60 * MINUTE},
    ]
    place = f"{ORDERS}, partitions shardId-0 and x: state is ABNORMAL, not RUNNING"
    assert judge(dis(partitions=stuck)) == [f"{place}, last transfer 3h ago"]
    stuck[1]["last_transfer_timestamp"] = 0
    assert judge(dis(partitions=stuck)) == [place]


def test_partitions_of_topics_are_grouped_for_each_topic() -> None:
    def topic(name: str, *states: str) -> dict[str, t.Any]:
        return {"topic": name, "partitions": [{"partition_id": n, "status": state} for n, state in enumerate(states)]}

    topics = [topic("clicks", "PAUSED", "ABNORMAL", "ABNORMAL"), topic("taps", "ABNORMAL", "PAUSED", "RUNNING")]
    assert judge(sink(status="PAUSED", topics_info=topics)) == [
        f"{SINK}: status is PAUSED, not RUNNING (so are 2 of its 6 partitions)",
        f"{SINK}, topic clicks, partitions 1 and 2: status is ABNORMAL, not RUNNING",
        f"{SINK}, topic taps, partition 0: status is ABNORMAL, not RUNNING",
    ]


@pytest.mark.parametrize("never", [None, 0, -1])
def test_a_task_that_does_not_run_says_that_it_has_never_transferred(never: t.Any) -> None:
    paused = dis(state="PAUSED", last_transfer_timestamp=never, create_time=NOW - 3 * DAY)
    assert judge(paused) == [f"{ORDERS}: state is PAUSED, not RUNNING, has never transferred"]
    assert judge(paused, max_age="4d") == judge(paused)
    assert judge(paused, max_age="1d") == [
        f"{ORDERS}: state is PAUSED, not RUNNING, has never transferred, created 3d ago, limit 1d"
    ]
    assert judge({**paused, "create_time": None}, max_age="4d") == [
        f"{ORDERS}: state is PAUSED, not RUNNING, has never transferred, and its age is not known, limit 4d"
    ]


def test_a_task_that_does_not_run_and_is_late_has_one_sentence_with_the_limit() -> None:
    paused = dis(state="PAUSED", last_transfer_timestamp=NOW - 2 * DAY)
    assert judge(paused, max_age="3d") == judge(paused)
    assert judge(paused, max_age="15m") == [f"{ORDERS}: state is PAUSED, not RUNNING, last transfer 2d ago, limit 15m"]
    assert judge(dis(state="PAUSED", last_transfer_timestamp="soon"), max_age="15m") == [
        f"{ORDERS}: state is PAUSED, not RUNNING, last transfer not known, limit 15m"
    ]
    assert judge(dis(state="PAUSED", last_transfer_timestamp="soon")) == [f"{ORDERS}: state is PAUSED, not RUNNING"]


@pytest.mark.parametrize("partitions", [None, []])
def test_no_partitions_is_no_problem_by_state(partitions: t.Any) -> None:
    assert judge(dis(partitions=partitions)) == []
    assert judge(sink(topics_info=partitions)) == []
    assert judge(sink(topics_info=[{"topic": "clicks", "partitions": partitions}])) == []


def test_the_problems_stored_in_a_task_are_not_believed() -> None:
    assert judge(dis(problems=["old news"])) == []
    assert judge(dis(state="PAUSED", problems=[])) != []


# Age.


def test_age_beyond_the_limit_names_the_figure_and_the_limit() -> None:
    late = dis(last_transfer_timestamp=NOW - (42 * MINUTE + 10_000))
    assert judge(late, max_age="15m") == [f"{ORDERS}: last transfer 42m 10s ago (2026-01-02T02:21:55Z), limit 15m"]


def test_age_is_judged_afresh_and_not_taken_from_the_stored_age() -> None:
    assert judge(dis(last_transfer_age=999_999), max_age=60) == []
    assert judge(dis(last_transfer_age=0), max_age=60, now=NOW + 1) != []


@pytest.mark.parametrize(("late", "healthy"), [(0, True), (1, False), (-1, True)])
def test_the_age_limit_is_inclusive_to_the_millisecond(late: int, healthy: bool) -> None:
    found = judge(dis(last_transfer_timestamp=NOW - 15 * MINUTE - late), max_age=900)
    assert found == ([] if healthy else [f"{ORDERS}: last transfer 15m 1ms ago (2026-01-02T02:49:05Z), limit 15m"])


def test_without_max_age_the_age_does_not_matter() -> None:
    assert judge(dis(last_transfer_timestamp=1)) == []


def test_a_clock_that_runs_behind_is_no_problem() -> None:
    assert judge(dis(last_transfer_timestamp=NOW + DAY), max_age=0) == []
    assert judge(dis(last_transfer_timestamp=0, create_time=NOW + DAY), max_age=0) == []


@pytest.mark.parametrize("never", [None, 0, -1])
def test_never_transferred_is_a_problem_only_when_the_task_is_older_than_the_limit(never: t.Any) -> None:
    assert judge(dis(last_transfer_timestamp=never, create_time=NOW - 15 * MINUTE), max_age="15m") == []
    assert judge(dis(last_transfer_timestamp=never, create_time=NOW - 3 * 60 * MINUTE), max_age="15m") == [
        f"{ORDERS}: has never transferred, created 3h ago (2026-01-02T00:04:05Z), limit 15m"
    ]
    assert judge(dis(last_transfer_timestamp=never)) == []


@pytest.mark.parametrize("created", [None, 0, -1, "yesterday"])
def test_never_transferred_and_created_nobody_knows_when_is_a_problem(created: t.Any) -> None:
    assert judge(dis(last_transfer_timestamp=None, create_time=created), max_age="15m") == [
        f"{ORDERS}: has never transferred, and its age is not known, limit 15m"
    ]


@pytest.mark.parametrize("last", ["recently", True, float("nan")])
def test_a_time_of_transfer_that_is_no_number_is_not_known(last: t.Any) -> None:
    assert judge(dis(last_transfer_timestamp=last), max_age="15m") == [f"{ORDERS}: last transfer not known, limit 15m"]


def test_a_key_that_is_absent_counts_as_null() -> None:
    found = judge({"state": "RUNNING", "stream_name": "orders"}, max_age="1h", max_discarded=1)
    assert found == [
        "stream orders: has never transferred, and its age is not known, limit 1h",
        "stream orders: discarded records not known (no details, or no partition tells), limit 1",
    ]


def test_a_time_beyond_the_calendar_is_still_written() -> None:
    assert judge(dis(last_transfer_timestamp=10**17), max_age=0, now=10**18) == [
        f"{ORDERS}: last transfer 10416666666d 16h ago (100000000000000000 ms), limit 0s"
    ]


# Lag and discarded records.


def test_the_lag_limit_is_inclusive() -> None:
    assert judge(sink(lag=9), max_lag=9) == []
    assert judge(sink(lag=10), max_lag=9) == [f"{SINK}: lag 10 messages, limit 9"]
    assert judge(sink(lag=1), max_lag=0.5) == [f"{SINK}: lag 1 messages, limit 0.5"]


@pytest.mark.parametrize("lag", [None, "9", False])
def test_a_lag_that_is_not_known_is_a_problem(lag: t.Any) -> None:
    assert judge(sink(lag=lag), max_lag=9) == [f"{SINK}: lag not known, limit 9"]
    assert judge(sink(lag=lag)) == []


def test_int64_lags_keep_every_digit() -> None:
    assert judge(sink(lag=2**63 - 1), max_lag=2**63 - 2) == [
        f"{SINK}: lag 9223372036854775807 messages, limit 9223372036854775806"
    ]


def test_the_limit_on_discarded_records_is_inclusive() -> None:
    assert judge(dis(discarded_records=3), max_discarded=3) == []
    assert judge(dis(discarded_records=4), max_discarded=3) == [f"{ORDERS}: 4 records discarded, limit 3"]


@pytest.mark.parametrize("details", [{"kind": "obs"}, None])
def test_discarded_records_that_are_not_known_are_a_problem_with_details_or_without(details: t.Any) -> None:
    task = dis(discarded_records=None, destination=details)
    assert judge(task, max_discarded=3) == [
        f"{ORDERS}: discarded records not known (no details, or no partition tells), limit 3"
    ]
    assert judge(task) == []


@pytest.mark.parametrize(
    ("task", "options"),
    [
        (dis(), {"max_lag": 0}),
        (sink(), {"max_age": 0, "max_discarded": 0}),
        (smart(), {"max_age": 0, "max_lag": 0, "max_discarded": 0}),
        (log(), {"max_lag": 0, "max_discarded": 0}),
    ],
    ids=["dis", "sink", "smart", "log"],
)
def test_a_limit_on_a_figure_that_this_kind_does_not_have_is_ignored(task: t.Any, options: t.Any) -> None:
    assert judge(task, **options) == []


def test_a_task_can_break_every_limit_at_once() -> None:
    task = dis(state="ABNORMAL", last_transfer_timestamp=NOW - DAY, discarded_records=1)
    assert judge(task, max_age=1, max_lag=0, max_discarded=0) == [
        f"{ORDERS}: state is ABNORMAL, not RUNNING, last transfer 1d ago, limit 1s",
        f"{ORDERS}: 1 records discarded, limit 0",
    ]
    running = {**task, "state": "RUNNING", "lag_asked": True, "lag": 2, "partitions": of_state("ABNORMAL")}
    assert len(judge(running, max_age=1, max_lag=0, max_discarded=0)) == 4


def behind(**changes: t.Any) -> dict[str, t.Any]:
    return dis(**{"lag_asked": True, "lag": 95_278, **changes})


def test_the_lag_of_a_transfer_task_is_judged_where_it_was_asked_for() -> None:
    assert judge(behind(), max_lag=95_278) == []
    assert judge(behind(), max_lag=1000) == [f"{ORDERS}: lag 95278 records, limit 1000"]
    assert judge(behind(lag=None), max_lag=1000) == [f"{ORDERS}: lag not known, limit 1000"]
    assert judge(behind()) == []
    assert judge(behind(lag_asked=False), max_lag=1000) == []
    # A task that was written by hand, or narrowed, has a lag where it tells one.
    bare = {name: value for name, value in behind().items() if name != "lag_asked"}
    assert judge(bare, max_lag=1000) == judge(behind(), max_lag=1000)
    assert judge({**bare, "lag": None}, max_lag=1000) == []


@pytest.mark.parametrize(
    ("discards", "by"),
    [
        ([0, 4], ", all by partition shardId-1"),
        ([1, 3], ", most by partition shardId-1 (3)"),
        ([2, 2], ", most by partition shardId-0 (2)"),
        ([None, None], ""),
        (["4", True], ""),
    ],
)
def test_discarded_records_name_the_partition_that_discards_most(discards: list[t.Any], by: str) -> None:
    partitions = [
        {"partition_id": f"shardId-{number}", "state": "RUNNING", "discard": discard}
        for number, discard in enumerate(discards)
    ]
    assert judge(dis(discarded_records=4, partitions=partitions), max_discarded=3) == [
        f"{ORDERS}: 4 records discarded{by}, limit 3"
    ]


# Foreign values on a terminal.


HOSTILE = "a\r\nPLAY RECAP\x1b[31m\u202eb\u2028c\udc80\x9b"
SHOWN = "a PLAY RECAP\\x1b[31m\\u202eb c\\udc80\\x9b"


@pytest.mark.parametrize(
    "value",
    [
        dis(stream_name=HOSTILE, state="PAUSED"),
        dis(task_name=HOSTILE, state="PAUSED"),
        dis(state=HOSTILE),
        dis(partitions=[{"partition_id": HOSTILE, "state": "PAUSED"}]),
        dis(partitions=[{"partition_id": "x", "state": HOSTILE}]),
        sink(instance_name=HOSTILE, status="PAUSED"),
        sink(topics_info=[{"topic": HOSTILE, "partitions": [{"partition_id": 0, "status": "PAUSED"}]}]),
        dis(discarded_records=1, partitions=[{"partition_id": HOSTILE, "state": "RUNNING", "discard": 1}]),
        result("transfer_tasks", dis(), not_found=[{"stream_name": HOSTILE}]),
        {"failed": True, "msg": HOSTILE},
        {"failed": True, "errors": [{"kind": "server", "method": "GET", "path": HOSTILE, "error_msg": HOSTILE}]},
        {"ansible_job_id": HOSTILE},
        {"results": [{"failed": True, "item": HOSTILE}]},
        [result("transfer_tasks", dis(state="PAUSED"), region=one) for one in (HOSTILE, "b")],
        result("sink_tasks", connectors=[{"connector_id": None, "instance_name": HOSTILE}]),
    ],
    ids=str,
)
def test_control_characters_are_shown_and_not_run(value: t.Any) -> None:
    found = judge(value, max_discarded=0)
    assert SHOWN in " ".join(found)
    assert all(sentence.isprintable() for sentence in found)


def test_foreign_values_are_of_bounded_length() -> None:
    (found,) = judge(dis(stream_name="s" * 10_000, task_name="t" * 10_000, state="x" * 10_000))
    assert len(found) < 800
    assert "s" * 197 + "..., task " in found
    (found,) = judge({"failed": True, "msg": "m" * 100_000})
    assert len(found) < 2100


def test_a_name_beyond_ascii_is_shown_as_it_is() -> None:
    assert judge(dis(stream_name="données-流", state="PAUSED"))[0].startswith("stream données-流, task")


def test_a_number_beyond_reason_is_not_known_and_never_written() -> None:
    huge = 10**5000
    assert judge(
        behind(lag=huge, discarded_records=huge, last_transfer_timestamp=huge), max_age=1, max_lag=1, max_discarded=1
    ) == [
        f"{ORDERS}: last transfer not known, limit 1s",
        f"{ORDERS}: lag not known, limit 1",
        f"{ORDERS}: discarded records not known (no details, or no partition tells), limit 1",
    ]
    for name in ("max_age", "max_lag", "max_discarded"):
        with pytest.raises(_judge.JudgeError, match=f"^{name}: expected .*, got a number"):
            judge([], **{name: huge})
    with pytest.raises(_judge.JudgeError, match=r"^now: expected"):
        _judge.parse_now(huge)
    with pytest.raises(_judge.JudgeError, match="whose state is a number"):
        judge(dis(state=huge))


def test_a_refused_option_is_shown_in_bounded_length() -> None:
    with pytest.raises(_judge.JudgeError) as refused:
        judge([], max_age="x\n" * 10_000)
    assert len(str(refused.value)) < 150
    assert str(refused.value).isprintable()


@pytest.mark.parametrize(
    ("value", "sort"),
    [("example-secret", "a text"), (123456, "a number"), (True, "true or false"), (None, "nothing")],
)
def test_a_value_that_was_handed_over_by_mistake_is_not_shown(value: t.Any, sort: str) -> None:
    for wrong in (value, [value], {"transfer_tasks": [value]}, {"transfer_tasks": [], "not_found": [value or 1]}):
        with pytest.raises(_judge.JudgeError, match=r"^expected a task, a list") as refused:
            judge(wrong)
        assert "example-secret" not in str(refused.value)
        assert sort in str(refused.value) or wrong == {"transfer_tasks": [], "not_found": [1]}


# What is what.


def test_kinds_are_told_apart_even_when_the_service_adds_fields_of_another_kind() -> None:
    assert judge(sink(state="new field"), max_lag=0) == [f"{SINK}: lag 9 messages, limit 0"]
    assert judge(dis(status="new field")) == []
    assert judge({"status": "RUNNING", "task_name": "a", "lag": 5}, max_lag=4) == ["task a: lag 5 messages, limit 4"]
    assert judge({"status": "PAUSED", "task_name": "a", "source_type": None}) == [
        "task a: status is PAUSED, not RUNNING"
    ]


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({}, SINK),
        ({"instance_name": None}, "connector c-1 (instance i-1), task sink-1"),
        ({"instance_name": None, "instance_id": None}, "connector c-1, task sink-1"),
        ({"instance_name": None, "connector_id": None}, "instance i-1, task sink-1"),
        ({"connector_id": None}, "instance kafka-a, task sink-1"),
        ({"task_name": None}, "instance kafka-a, task t-1"),
        ({"task_name": "two\nlines"}, "instance kafka-a, task two lines"),
    ],
)
def test_a_problem_names_the_place_as_far_as_it_is_known(changes: t.Any, place: str) -> None:
    assert judge(sink(status="PAUSED", **changes)) == [f"{place}: status is PAUSED, not RUNNING"]


def test_a_task_without_any_name_still_gets_a_sentence() -> None:
    assert judge({"state": "PAUSED"}) == ["a task without a name: state is PAUSED, not RUNNING"]


def test_lists_of_several_kinds_can_be_joined() -> None:
    assert judge([dis(), sink(), smart(), log()], max_age="1d", max_lag=9, max_discarded=0) == []
    assert len(judge((dis(state="ERROR"), sink(status="ERROR"), smart(status="ERROR")))) == 3


def test_any_mapping_and_any_sequence_will_do() -> None:
    partition = MappingProxyType({"partition_id": "shardId-0", "state": "ABNORMAL"})
    task = MappingProxyType(dis(partitions=(partition,)))
    assert judge((task,)) == [f"{ORDERS}, partition shardId-0: state is ABNORMAL, not RUNNING"]
    assert judge(MappingProxyType({"transfer_tasks": (task,)})) == judge((task,))


# Results.


@pytest.mark.parametrize(
    ("key", "task"),
    [
        ("transfer_tasks", dis(state="PAUSED")),
        ("sink_tasks", sink(status="PAUSED")),
        ("smart_connect_tasks", smart(status="PAUSED")),
    ],
)
def test_a_result_is_judged_by_its_tasks(key: str, task: dict[str, t.Any]) -> None:
    assert judge(result(key, task)) == judge(task) != []
    assert judge(result(key, task, failed=False, skipped=False)) == judge(task)


def test_results_merged_into_one_are_judged_by_all_their_lists() -> None:
    both = {**result("transfer_tasks", dis()), **result("sink_tasks", sink(status="PAUSED"))}
    assert judge(both) == [f"{SINK}: status is PAUSED, not RUNNING"]
    assert judge({**both, "sink_tasks": []}) == []


def test_an_empty_list_is_healthy_only_with_allow_empty() -> None:
    assert judge([]) == ["nothing to judge: the list is empty"]
    assert judge([], allow_empty=True) == []
    assert judge([], allow_empty=None) != []


@pytest.mark.parametrize(
    ("empty", "what"),
    [
        (result("transfer_tasks"), "transfer task"),
        (result("sink_tasks", connectors=[]), "sink task"),
        (result("smart_connect_tasks", instances=[]), "Smart Connect task"),
        (result("tasks", logs=[]), "transfer task with a log"),
        ({**result("sink_tasks"), **result("smart_connect_tasks")}, "sink task and no Smart Connect task"),
    ],
)
def test_a_result_that_is_empty_or_was_emptied_by_filters_is_healthy_only_with_allow_empty(
    empty: t.Any, what: str
) -> None:
    assert judge(empty) == [f"nothing to judge: the result has no {what}"]
    assert judge(empty, allow_empty=True) == []


def test_what_was_not_found_is_a_problem_also_beside_healthy_tasks_and_with_allow_empty() -> None:
    missing = [{"stream_name": "clicks", "task_name": None}, {"stream_name": "orders", "task_name": "gone"}]
    told = ["stream clicks: not found", "stream orders, task gone: not found"]
    assert judge(result("transfer_tasks", dis(), not_found=missing)) == told
    assert judge(result("transfer_tasks", not_found=missing), allow_empty=True) == told
    assert judge(result("transfer_tasks", not_found=missing)) == told


@pytest.mark.parametrize(
    ("absent", "told"),
    [
        ({"instance_id": "i-9"}, "instance i-9"),
        ({"instance_name": "kafka-z"}, "instance kafka-z"),
        ({"connector_id": "c-9"}, "connector c-9"),
        ({"connector_id": "c-9", "task_id": "t-9"}, "connector c-9, task t-9"),
        ({"task_name": "gone"}, "task gone"),
        ({"transfer_task_id": "As805BudhcH1lDs6gbn"}, "task As805BudhcH1lDs6gbn"),
    ],
)
def test_each_form_of_not_found_is_named(absent: dict[str, str], told: str) -> None:
    keys = ("instance_id", "instance_name", "connector_id", "task_id", "task_name", "transfer_task_id", "stream_name")
    entry = {**dict.fromkeys(keys), **absent}
    assert judge(result("sink_tasks", sink(), not_found=[entry])) == [f"{told}: not found"]


def test_an_instance_without_connector_is_a_problem_only_when_nothing_is_left_to_judge() -> None:
    connectors = [{"connector_id": None, "instance_id": "i-2", "instance_name": "kafka-b"}, {"connector_id": "c-1"}]
    assert judge(result("sink_tasks", sink(), connectors=connectors)) == []
    assert judge(result("sink_tasks", connectors=connectors), allow_empty=True) == []
    assert judge(result("sink_tasks", connectors=connectors)) == [
        "nothing to judge: the result has no sink task"
        " (no connector: instance kafka-b; see dms_smart_connect_task_info)"
    ]


def test_a_failed_result_is_a_problem_with_its_message_on_one_line() -> None:
    assert judge({"failed": True, "msg": "Streams cannot be read.\nCheck the token."}) == [
        "failed: Streams cannot be read. Check the token."
    ]
    assert judge({"failed": True}) == ["failed: no message"]
    assert judge({"failed": True, "msg": "no"}, allow_empty=True) == ["failed: no"]
    assert judge({"unreachable": True, "msg": "no route"}) == ["unreachable: no route"]


def test_a_field_that_the_service_adds_does_not_change_what_a_task_is() -> None:
    assert judge(sink(sink_type="OBS_SINK", source_type="NONE"), max_lag=8) == judge(sink(), max_lag=8) != []
    assert judge(smart(connector_id="c"), max_lag=8) == []


def test_every_failed_request_is_a_problem() -> None:
    def error(path: str, **more: t.Any) -> dict[str, t.Any]:
        return {"kind": "server", "method": "GET", "path": path, "http_status": None, "error_code": None, **more}

    errors = [
        error("/a", error_msg="no\nanswer"),
        error("/b", http_status=403, error_code="DMS.00403003", kind="authorization", error_msg="role"),
        error("/c", error_msg=None),
    ]
    failed = {"failed": True, "msg": "Could not get b.", "error": errors[1], "errors": errors}
    assert judge(failed) == [
        "failed: Could not get b.",
        "failed: GET /a: server, no answer",
        "failed: GET /c: server",
    ]
    many = [error(f"/{number}") for number in range(25)]
    found = judge({"failed": True, "msg": "Much.", "error": many[0], "errors": many})
    assert len(found) == 22
    assert found[-2:] == ["failed: GET /20: server", "failed: 4 more requests, see errors of the result"]
    assert judge({"failed": True, "msg": "One.", "error": many[0], "errors": many[:1]}) == ["failed: One."]


def test_what_a_failed_result_still_gathered_is_judged_too() -> None:
    partly = result(
        "transfer_tasks",
        dis(state="PAUSED"),
        failed=True,
        msg="one stream failed",
        error={"kind": "server"},
        not_found=[{"stream_name": "x"}],
    )
    assert judge(partly) == [
        "failed: one stream failed",
        "stream x: not found",
        f"{ORDERS}: state is PAUSED, not RUNNING, {MOVED}",
    ]
    all_failed = result("transfer_tasks", failed=True, msg="all failed", error={"kind": "server"})
    assert judge(all_failed) == ["failed: all failed"]


@pytest.mark.parametrize("rule", [{}, {"failed": False}, {"failed": False, "failed_when_result": False}])
@pytest.mark.parametrize(
    "signs",
    [
        {"error": {"kind": "authorization"}},
        {"errors": [{"kind": "authorization", "method": "GET", "path": "/a"}], "error": None},
        {"error": {"kind": "server"}, "errors": []},
        {"errors": [{"kind": "server", "method": "GET", "path": "/a"}]},
        {"errors_left_out": 3},
        {"error": "told in words"},
    ],
)
@pytest.mark.parametrize("tasks", [[], [dis()]])
def test_a_result_with_an_error_has_failed_whatever_the_play_made_of_failed(
    rule: dict[str, t.Any], signs: dict[str, t.Any], tasks: list[dict[str, t.Any]]
) -> None:
    failed = result("transfer_tasks", *tasks, msg="One stream failed.", summary={"total": len(tasks)}, **signs, **rule)
    assert judge(failed, allow_empty=True)[0] == "failed: One stream failed."
    assert judge(loop({**failed, "item": "a"}, result("transfer_tasks", dis(), item="b")), allow_empty=True)[0] == (
        "item a: failed: One stream failed."
    )


def test_the_only_failed_request_is_told_once_also_where_a_play_took_error_away() -> None:
    errors = [
        {"kind": "authorization", "method": "GET", "path": "/a"},
        {"kind": "server", "method": "GET", "path": "/b"},
    ]
    assert judge({"changed": False, "msg": "No.", "errors": errors[:1]}) == ["failed: No."]
    assert judge({"msg": "No.", "errors": errors}) == [
        "failed: No.",
        "failed: GET /a: authorization",
        "failed: GET /b: server",
    ]
    assert judge({"msg": "No.", "error": errors[0]}) == ["failed: No."]


@pytest.mark.parametrize("nothing", [None, {}, [], ""])
def test_an_error_that_says_nothing_is_none(nothing: t.Any) -> None:
    assert judge(result("transfer_tasks", dis(), error=nothing, errors=nothing)) == []


@pytest.mark.parametrize("rule", [{"failed": True, "attempts": 3}, {"failed": True, "failed_when_result": True}])
def test_a_result_that_failed_by_a_rule_of_the_play_is_judged_by_its_facts(rule: dict[str, t.Any]) -> None:
    msg = "1 transfer task of 1 stream: 1 RUNNING; no problems"
    well, ill = (result("transfer_tasks", task, msg=msg, **rule) for task in (dis(), dis(state="PAUSED")))
    assert judge(well) == []
    assert judge(ill) == judge(dis(state="PAUSED"))
    assert judge(loop(well, ill, failed=True, msg="One or more items failed")) == judge(ill)
    assert judge(loop(well, failed=True, msg="One or more items failed")) == []
    assert judge(result("transfer_tasks", **rule)) == ["nothing to judge: the result has no transfer task"]


def test_a_result_without_lists_has_failed_also_where_the_play_says_no() -> None:
    refused = {"changed": False, "failed": False, "failed_when_result": False, "msg": "Unsupported parameters"}
    assert judge(refused, allow_empty=True) == ["failed: Unsupported parameters"]
    assert judge(loop({**refused, "item": 1}), allow_empty=True) == ["item 1: failed: Unsupported parameters"]


def test_failures_that_the_module_left_out_count_among_the_others() -> None:
    errors = [{"kind": "timeout", "method": "GET", "path": f"/{number}"} for number in range(100)]
    failed = {"failed": True, "msg": "Much.", "error": errors[0], "errors": errors, "errors_left_out": 149_900}
    assert judge(failed)[-1] == "failed: 149979 more requests, see errors of the result"
    assert judge({**failed, "errors": errors[:2], "errors_left_out": 1})[-1] == (
        "failed: 1 more request, see errors of the result"
    )


def test_gathered_with_only_problems_a_result_is_empty_only_when_there_is_no_task_at_all() -> None:
    def kept(*tasks: dict[str, t.Any], **summary: t.Any) -> dict[str, t.Any]:
        return result("transfer_tasks", *tasks, summary=summary)

    assert judge(kept(total=5)) == judge(kept(total=5, healthy=5)) == []
    # Something else made the list empty: tasks that the call found ill are gone, or the option was not set.
    nothing_left = ["nothing to judge: the result has no transfer task"]
    assert judge(kept(total=5, healthy=4)) == nothing_left
    called = {"invocation": {"module_args": {"only_problems": False}}}
    assert judge({**kept(total=5, healthy=5), **called}) == nothing_left
    assert judge(kept(dis(state="PAUSED"), total=5)) == judge(dis(state="PAUSED"))
    for nothing in (0, None, "5"):
        assert judge(kept(total=nothing)) == nothing_left


def test_whatever_fields_a_task_has_it_is_judged_as_one() -> None:
    names = ("transfer_task_id", "results", "skipped", "failed", "errors", "tasks", "logs", "ansible_job_id")
    added = {name: [{"x": 1}] for name in names}
    for task in (dis(state="PAUSED"), sink(status="PAUSED"), smart(status="PAUSED")):
        assert judge({**task, **added}, allow_empty=True) == judge([{**task, **added}], allow_empty=True) == judge(task)


def test_a_result_that_a_play_has_merged_into_that_of_a_loop_is_judged_too() -> None:
    loop = {"changed": False, "results": [result("transfer_tasks", dis())]}
    merged = {**loop, **result("transfer_tasks", dis(state="PAUSED")), "not_found": [{"stream_name": "x"}]}
    assert judge(merged) == ["stream x: not found", *judge(dis(state="PAUSED"))]


@pytest.mark.parametrize("added", [{"status": "RUNNING"}, {"state": "RUNNING"}, {}])
def test_the_result_of_another_module_is_refused_whatever_it_says(added: dict[str, t.Any]) -> None:
    with pytest.raises(_judge.JudgeError, match="got the result of another module"):
        judge({"changed": False, "failed": False, **added})


def test_a_loop_that_was_unreachable_is_a_problem_where_its_items_are_gone() -> None:
    loop = {"changed": False, "unreachable": True, "msg": "no route", "results": [result("transfer_tasks", dis())]}
    assert judge(loop) == ["failed: no route"]
    loop["results"].append({"unreachable": True, "msg": "no route", "item": "b"})
    assert judge(loop) == ["item b: unreachable: no route"]


def test_a_skipped_result_counts_as_empty() -> None:
    skipped = {"changed": False, "skipped": True, "skip_reason": "Conditional result was False"}
    assert judge(skipped) == ["nothing to judge: the task was skipped"]
    assert judge(skipped, allow_empty=True) == []


@pytest.mark.parametrize("finished", [0, False])
def test_a_result_that_still_runs_in_the_background_is_a_problem(finished: t.Any) -> None:
    job = {"ansible_job_id": "j1.2", "started": 1, "finished": finished, "changed": False}
    assert judge(job, allow_empty=True) == ["not finished: the job j1.2 still runs in the background"]


def test_a_finished_background_result_is_judged_as_any_other() -> None:
    assert judge(result("transfer_tasks", dis(), ansible_job_id="j1.2", finished=1)) == []
    assert len(judge(result("transfer_tasks", ansible_job_id="j1.2", finished=True))) == 1


# Loops.


def loop(*items: dict[str, t.Any], **others: t.Any) -> dict[str, t.Any]:
    return {"changed": False, "results": list(items), **others}


def test_a_loop_is_judged_by_each_of_its_results() -> None:
    good, bad = result("transfer_tasks", dis(), item="a"), result("transfer_tasks", dis(state="PAUSED"), item="b")
    assert judge(loop(good, good)) == []
    assert judge(loop(good, bad)) == [f"{ORDERS}: state is PAUSED, not RUNNING, {MOVED}"]
    assert judge([good, bad]) == judge(loop(good, bad))


def test_in_a_loop_over_regions_or_projects_each_problem_says_where() -> None:
    items = [
        result("transfer_tasks", dis(state="PAUSED"), region=name, project_id="p", item=name)
        for name in ("eu-1", "eu-2")
    ]
    assert judge(loop(*items)) == [
        f"region {name}, {ORDERS}: state is PAUSED, not RUNNING, {MOVED}" for name in ("eu-1", "eu-2")
    ]
    items = [
        result("transfer_tasks", dis(state="PAUSED"), region="r", project_id=name, item=name) for name in ("p1", "p2")
    ]
    assert judge(loop(*items))[1] == f"project p2, {ORDERS}: state is PAUSED, not RUNNING, {MOVED}"


def test_in_a_loop_a_problem_without_a_stream_names_the_item() -> None:
    items = [
        {"failed": True, "msg": "no", "item": "orders"},
        {"skipped": True, "ansible_loop_var": "stream", "stream": "clicks"},
        {"failed": True, "msg": "no", "item": {"secret_key": "never shown"}},
        result("transfer_tasks", item=4),
    ]
    assert judge(loop(*items, failed=True, msg="One or more items failed")) == [
        "item orders: failed: no",
        "item clicks: nothing to judge: the task was skipped",
        "result 3 of 4: failed: no",
        "item 4: nothing to judge: the result has no transfer task",
    ]


def test_a_loop_without_items_counts_as_empty() -> None:
    assert judge(loop(skipped=True, skipped_reason="No items in the list")) == [
        "nothing to judge: the loop had no items"
    ]
    assert judge(loop(), allow_empty=True) == []


def test_a_failed_loop_is_a_problem_even_when_none_of_its_items_says_so() -> None:
    assert judge(loop(failed=True, msg="no loop")) == ["failed: no loop"]
    assert judge(loop(result("transfer_tasks", dis()), failed=True, msg="odd")) == ["failed: odd"]


# Logs.


def test_a_log_result_without_max_age_is_judged_on_what_is_missing_alone() -> None:
    logs = [{"transfer_task_id": "x", "state": 0}]
    assert judge(result("tasks", log(last_ended_at=None, total_num=0), logs=logs)) == []
    assert judge(result("tasks", log(), logs=[], not_found=[{"transfer_task_id": "gone"}])) == ["task gone: not found"]


def test_with_max_age_a_log_result_is_judged_on_the_end_of_the_last_entry() -> None:
    assert judge(result("tasks", log(), logs=[]), max_age=60) == []
    assert judge(result("tasks", log(), logs=[]), max_age="59s") == [
        f"{ORDERS}: last log entry ended 1m ago (2026-01-02T03:03:05Z), limit 59s"
    ]


@pytest.mark.parametrize("ended", [None, "soon", 12])
def test_with_max_age_a_log_that_has_no_end_is_not_known(ended: t.Any) -> None:
    nameless = log(last_ended_at=ended, stream_name=None, task_name=None)
    assert judge(result("tasks", nameless, logs=[]), max_age=60) == [
        "task As805BudhcH1lDs6gbn: end of the last log entry not known, limit 1m"
    ]


# Shapes and arguments that are refused.


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        7,
        "orders",
        b"orders",
        {},
        {"changed": False, "ping": "pong"},
        {"status": 200, "json": {}},
        {"state": 0},
        {"transfer_task_id": "x", "state": "0", "start_time": 1},
        {"skipped": False, "ansible_job_id": "1", "finished": 1},
        [[]],
        [dis(), "orders"],
        {"results": "orders"},
        {"transfer_tasks": None},
        {"transfer_tasks": [None]},
        {"transfer_tasks": {"a": 1}},
        {"transfer_tasks": [dis()], "not_found": "orders"},
        {"transfer_tasks": [dis()], "not_found": ["orders"]},
        dis(partitions="all"),
        dis(partitions=["all"]),
        sink(topics_info=["clicks"]),
        sink(topics_info=[{"topic": "clicks", "partitions": [0]}]),
        {"sink_tasks": [], "connectors": ["c-1"]},
        {"tasks": [dis()]},
    ],
    ids=repr,
)
def test_another_shape_is_refused_with_what_was_expected(value: t.Any) -> None:
    with pytest.raises(_judge.JudgeError, match=r"^expected a task, a list of tasks, or the registered result"):
        judge(value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(
            (name, value)
            for name in ("max_age", "max_lag", "max_discarded")
            for value in (True, -1, float("nan"), "", "-1", object())
        ),
        *(
            ("max_age", value)
            for value in ("15 minutes", "15M", "m", "1.2.3s", "1e3", "٣s", float("inf"), "9" * 400 + "d")
        ),
        *(("max_lag", value) for value in ("9 messages", "1.5", "²", float("inf"), "9" * 400)),
        *(("allow_empty", value) for value in ("false", 0, 1, object())),
    ],
)
def test_a_bad_argument_is_refused_by_name(name: str, value: t.Any) -> None:
    with pytest.raises(_judge.JudgeError, match=f"^{name}: expected .*, got "):
        judge([], **{name: value})


@pytest.mark.parametrize(
    ("value", "ms"),
    [
        (None, None),
        (0, 0),
        (90, 90_000),
        (0.25, 250),
        ("90", 90_000),
        (" 90s ", 90_000),
        ("15m", 15 * MINUTE),
        ("15 m", 15 * MINUTE),
        ("1.5h", 90 * MINUTE),
        ("2h", 120 * MINUTE),
        ("1d", DAY),
    ],
)
def test_durations(value: t.Any, ms: int | None) -> None:
    assert _judge.parse_duration(value) == ms


def test_counts_come_as_text_too() -> None:
    assert judge(sink(lag=10), max_lag=" 10 ") == []
    assert judge(sink(lag=11), max_lag="10") == [f"{SINK}: lag 11 messages, limit 10"]
    assert judge(dis(discarded_records=2**60), max_discarded=str(2**59)) != []


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        (NOW, NOW),
        (float(NOW), NOW),
        (str(NOW), NOW),
        (0, 0),
        ("2026-01-02T03:04:05.678Z", NOW),
        ("2026-01-02t03:04:05.678z", NOW),
        ("2026-01-02 03:04:05,6789", NOW),
        ("2026-01-02T03:04:05.6+00:00", NOW - 78),
        ("2026-01-02T05:34:05+02:30", NOW - 678),
        ("2026-01-01T22:04:05-0500", NOW - 678),
        ("2026-01-01T22:04:05-05", NOW - 678),
        ("20260102T030405Z", NOW - 678),
        ("2026-01-02T03:04Z", NOW - 5_678),
        ("2026-01-02", 1767312000000),
        (datetime.datetime(2026, 1, 2, 3, 4, 5, 678_000, datetime.timezone.utc), NOW),
        (datetime.datetime(2026, 1, 2, 4, 4, 5, 678_999, datetime.timezone(datetime.timedelta(hours=1))), NOW),
    ],
)
def test_moments(value: t.Any, moment: int) -> None:
    assert _judge.parse_now(value) == moment


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        [],
        "",
        "now",
        "2026-13-01",
        "2026-01-02T25:00Z",
        "2026-01-02T03:04:05+99:00",
        "1969-12-31T23:59:59Z",
        -1,
    ]
    + [float("nan"), float("inf"), "9" * 400],
)
def test_a_bad_moment_is_refused(value: t.Any) -> None:
    with pytest.raises(_judge.JudgeError, match=r"^now: expected ISO 8601"):
        _judge.parse_now(value)


@pytest.mark.parametrize("value", [NOW // 1000, str(NOW // 1000)])
def test_epoch_seconds_are_refused_because_nothing_would_ever_be_late(value: t.Any) -> None:
    with pytest.raises(_judge.JudgeError, match="looks like epoch seconds"):
        _judge.parse_now(value)


def test_a_datetime_without_a_zone_is_refused_because_it_may_be_of_any() -> None:
    with pytest.raises(_judge.JudgeError, match="the datetime has no time zone"):
        _judge.parse_now(datetime.datetime(2026, 1, 2, tzinfo=None))


@pytest.mark.parametrize(
    ("ms", "text"),
    [(0, "0s"), (1, "1ms"), (59_999, "59s 999ms"), (90_000, "1m 30s"), (DAY + 5 * MINUTE + 3_000, "1d 5m 3s")],
)
def test_a_limit_is_written_whole(ms: int, text: str) -> None:
    found = judge(dis(last_transfer_timestamp=NOW - ms - 30 * DAY), max_age=ms / 1000)
    assert found[0].endswith(f", limit {text}")
