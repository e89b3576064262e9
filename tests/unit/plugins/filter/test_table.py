# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter table: what stands in it, in which order, and how wide it is."""

from __future__ import annotations

import time
import typing as t

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.hwcloud.streaming.plugins.filter.problems import FilterModule as ProblemsModule
from ansible_collections.hwcloud.streaming.plugins.filter.table import FilterModule

table = FilterModule().filters()["table"]
problems = ProblemsModule().filters()["problems"]
NOW = 1767323045678  # 2026-01-02T03:04:05.678Z
SECOND, MINUTE, HOUR, DAY = 1000, 60_000, 3_600_000, 86_400_000
ALL = {"max_age": "15m", "max_lag": 100, "max_discarded": 0, "now": NOW}


def dis(stream: str = "orders", task: str | None = None, **changes: t.Any) -> dict[str, t.Any]:
    return {
        "stream_name": stream,
        "task_name": task or f"{stream}-to-obs",
        "task_id": f"id-of-{stream}",
        "state": "RUNNING",
        "create_time": NOW - 90 * DAY,
        "last_transfer_timestamp": NOW - 40 * SECOND,
        "discarded_records": 0,
        "lag_asked": False,
        "lag": None,
        "partitions": [{"partition_id": "shardId-0", "state": "RUNNING"}],
        **changes,
    }


def sink(task: str = "shop-events", **changes: t.Any) -> dict[str, t.Any]:
    return {
        "instance_id": "i-1",
        "instance_name": "kafka-shop",
        "connector_id": "c-1",
        "task_id": f"id-of-{task}",
        "task_name": task,
        "status": "RUNNING",
        "lag": 7,
        "topics_info": [],
        **changes,
    }


def smart(**changes: t.Any) -> dict[str, t.Any]:
    names = {"instance_id": "i-2", "instance_name": "kafka-plant", "task_id": "s-1", "task_name": "alarms"}
    return {**names, "status": "RUNNING", "sink_type": "OBS_SINK", **changes}


def result(key: str, *tasks: t.Any, **others: t.Any) -> dict[str, t.Any]:
    return {"changed": False, key: list(tasks), "not_found": [], "region": "r-1", "project_id": "p-1", **others}


def log(stream: str, ended: str | None = "2026-01-02T03:03:05.678Z", **changes: t.Any) -> dict[str, t.Any]:
    names = {"transfer_task_id": f"id-of-{stream}", "stream_name": stream, "task_name": f"{stream}-to-obs"}
    return {**names, "last_ended_at": ended, **changes}


def logs(*tasks: dict[str, t.Any], **others: t.Any) -> dict[str, t.Any]:
    return result("tasks", *tasks, logs=[], **others)


def words(lines: list[str]) -> list[list[str]]:
    return [line.split() for line in lines]


def verdicts(value: t.Any, **options: t.Any) -> list[str]:
    return [line.split()[-1] for line in table(value, **{**ALL, **options})[1:]]


def test_each_verdict_and_their_order() -> None:
    late = {"last_transfer_timestamp": NOW - HOUR}
    tasks = [
        dis("k-well"),
        dis("j-unknown", discarded_records=None),
        dis("i-discards", discarded_records=3),
        dis("h-behind", lag_asked=True, lag=101),
        dis("g-late", **late),
        dis("f-never", last_transfer_timestamp=0),
        dis("e-partition", partitions=[{"partition_id": "x", "state": "ABNORMAL"}]),
        dis("d-paused", state="PAUSED", **late),
        dis("c-abnormal", state="ABNORMAL"),
    ]
    failed = {"kind": "authorization", "method": "GET", "path": "/v2/p/streams/a-failed/transfer-tasks"}
    value = result(
        "transfer_tasks", *tasks, not_found=[{"stream_name": "b-missing"}], error=failed, errors=[failed], msg="No."
    )
    lines = table(value, **ALL)
    assert words(lines) == [
        ["NAME", "TASK", "STATE", "LAST", "LAG", "DISC", "VERDICT"],
        ["a-failed", "-", "-", "-", "-", "-", "failed"],
        ["b-missing", "-", "-", "-", "-", "-", "missing"],
        ["c-abnormal", "c-abnormal-to-obs", "ABNORMAL", "40s", "-", "0", "abnormal"],
        ["d-paused", "d-paused-to-obs", "PAUSED", "1h", "-", "0", "paused"],
        ["e-partition", "e-partition-to-obs", "RUNNING", "40s", "-", "0", "partition"],
        ["f-never", "f-never-to-obs", "RUNNING", "never", "-", "0", "never"],
        ["g-late", "g-late-to-obs", "RUNNING", "1h", "-", "0", "late"],
        ["h-behind", "h-behind-to-obs", "RUNNING", "40s", "101", "0", "behind"],
        ["i-discards", "i-discards-to-obs", "RUNNING", "40s", "-", "3", "discards"],
        ["j-unknown", "j-unknown-to-obs", "RUNNING", "40s", "-", "?", "unknown"],
        ["k-well", "k-well-to-obs", "RUNNING", "40s", "-", "0", "ok"],
    ]


def test_the_worst_of_several_problems_is_the_verdict() -> None:
    task = dis(last_transfer_timestamp=NOW - HOUR, discarded_records=3, lag_asked=True, lag=None)
    assert verdicts(task) == ["late"]
    assert verdicts({**task, "state": "PAUSED"}) == ["paused"]
    assert verdicts(task, max_age="2h") == ["discards"]
    assert verdicts(task, max_age="2h", max_discarded=9) == ["unknown"]
    assert verdicts(task, max_age="2h", max_discarded=9, max_lag=None) == ["ok"]


@pytest.mark.parametrize(
    ("state", "word"),
    [
        ("HIBERNATING", "hibernating"),
        ("Going Down", "going_down"),
        ("OK", "state_ok"),
        (None, "unknown"),
        ("", "unknown"),
    ],
)
def test_a_state_is_told_in_one_word_that_never_reads_as_well(state: str | None, word: str) -> None:
    assert verdicts(dis(state=state)) == [word] == verdicts(sink(status=state))


def test_a_state_not_told_stands_behind_what_is_known_to_be_wrong() -> None:
    partitions = [{"partition_id": "x", "state": "ABNORMAL"}]
    assert verdicts(dis(state=None, partitions=partitions)) == ["partition"]


def test_of_equal_verdicts_the_names_decide() -> None:
    value = [sink("b"), dis("orders", "z"), dis("clicks", "b"), dis("clicks", "a")]
    assert [line[:2] for line in words(table(value, now=NOW)[1:])] == [
        ["clicks", "a"],
        ["clicks", "b"],
        ["kafka-shop", "b"],
        ["orders", "z"],
    ]


def test_kinds_stand_side_by_side_and_a_bar_says_what_a_kind_does_not_have() -> None:
    value = [result("transfer_tasks", dis()), result("sink_tasks", sink()), result("smart_connect_tasks", smart())]
    assert table(value, max_lag=9, now=NOW) == [
        "NAME         TASK           STATE    LAST  LAG  VERDICT",
        "kafka-plant  alarms         RUNNING     -    -  ok",
        "kafka-shop   shop-events    RUNNING     -    7  ok",
        "orders       orders-to-obs  RUNNING   40s    -  ok",
    ]


@pytest.mark.parametrize(
    ("age", "told"),
    [
        (0, "0s"),
        (-5 * SECOND, "0s"),
        (999, "0s"),
        (59 * SECOND + 999, "59s"),
        (3 * HOUR + 5 * MINUTE + 7 * SECOND, "3h5m"),
        (2 * DAY + 4 * SECOND, "2d"),
        (99 * DAY + 23 * HOUR, "99d23h"),
        (100 * DAY + 23 * HOUR, "100d"),
    ],
)
def test_ages_are_short(age: int, told: str) -> None:
    assert table(dis(last_transfer_timestamp=NOW - age), now=NOW)[1].split()[3] == told
    assert len(told) <= 6


@pytest.mark.parametrize(("last", "told"), [(None, "never"), (0, "never"), (-1, "never"), ("soon", "?"), (True, "?")])
def test_an_age_that_is_none(last: t.Any, told: str) -> None:
    assert table(dis(last_transfer_timestamp=last), now=NOW)[1].split()[3] == told


def test_columns_with_nothing_to_tell_are_left_out() -> None:
    def header(value: t.Any, **options: t.Any) -> list[str]:
        return table(value, **{"max_age": "15m", "now": NOW, **options})[0].split()

    every = ["NAME", "TASK", "STATE", "LAST", "LOG", "LAG", "DISC", "VERDICT"]

    def without(*names: str) -> list[str]:
        return [name for name in every if name not in names]

    assert header([dis(discarded_records=1), sink()], logs=logs(log("orders"))) == every
    assert header(dis()) == without("LOG", "LAG", "DISC")
    assert header(dis(), max_discarded=0) == without("LOG", "LAG")
    assert header(dis(discarded_records=None)) == without("LOG", "LAG", "DISC")
    assert header(dis(discarded_records=None), max_discarded=0) == without("LOG", "LAG")
    assert header(dis(lag_asked=True, lag=0)) == without("LOG", "DISC")
    assert header(dis(lag_asked=True)) == without("LOG", "LAG", "DISC")
    assert header(dis(lag_asked=True), max_lag=1) == without("LOG", "DISC")
    assert header(smart()) == ["NAME", "TASK", "STATE", "VERDICT"]
    assert header(result("transfer_tasks", not_found=[{"stream_name": "a"}])) == ["NAME", "VERDICT"]


# Logs.


@pytest.mark.parametrize(
    "given",
    [
        logs(log("orders"), log("clicks", None)),
        {"results": [logs(log("orders")), logs(log("clicks", None))]},
        [logs(log("orders")), logs(log("clicks", None))],
        [log("orders"), log("clicks", None)],
        logs(log("orders", task_name=None, stream_name=None), log("clicks", None, transfer_task_id="other")),
    ],
    ids=["result", "loop", "results", "tasks", "by either name"],
)
def test_the_last_log_entry_of_each_task_stands_beside_it(given: t.Any) -> None:
    value = result("transfer_tasks", dis("orders"), dis("clicks"), dis("audit"))
    lines = words(table(value, max_age="15m", now=NOW, logs=given))
    assert [line[4] for line in lines] == ["LOG", "-", "never", "1m"]
    assert [line[-1] for line in lines[1:]] == ["ok", "ok", "ok"]  # shown, not judged


def test_logs_that_were_skipped_or_are_null_give_no_column() -> None:
    for nothing in ({"skipped": True, "changed": False}, None, [], logs()):
        assert "LOG" not in table(dis(), now=NOW, logs=nothing)[0]


def test_where_logs_could_not_be_gathered_it_is_not_known_when_the_last_one_was() -> None:
    given = logs(log("orders"), failed=True, msg="No.", error={"kind": "server"})
    lines = words(table([dis("orders"), dis("clicks")], now=NOW, max_age="1h", logs=given))
    assert [line[4] for line in lines] == ["LOG", "?", "1m"]


def test_the_logs_of_another_region_are_not_taken() -> None:
    value = [result("transfer_tasks", dis(), region=region) for region in ("r-1", "r-2")]
    given = logs(log("orders"), region="r-2")
    lines = words(table(value, now=NOW, max_age="1h", logs=given))
    assert [(line[0], line[5]) for line in lines] == [("REGION", "LOG"), ("r-1", "-"), ("r-2", "1m")]


def test_what_is_no_log_is_refused() -> None:
    for wrong in (result("transfer_tasks", dis()), dis(), "text"):
        with pytest.raises(AnsibleFilterError, match=r"expected a task|logs: expected"):
            table(dis(), now=NOW, logs=wrong)


def test_a_log_that_is_judged_stands_in_the_row_of_its_task() -> None:
    value = [result("transfer_tasks", dis("orders"), dis("clicks")), logs(log("orders"), log("clicks", None))]
    lines = words(table(value, max_age="50s", now=NOW))
    assert lines == [
        ["NAME", "TASK", "STATE", "LAST", "LOG", "VERDICT"],
        ["orders", "orders-to-obs", "RUNNING", "40s", "1m", "late"],
        ["clicks", "clicks-to-obs", "RUNNING", "40s", "never", "unknown"],
    ]
    alone = words(table(logs(log("orders")), max_age="1h", now=NOW))
    assert alone == [["NAME", "TASK", "LOG", "VERDICT"], ["orders", "orders-to-obs", "1m", "ok"]]


# What is missing, what failed, and where.


def test_logs_are_judged_by_a_limit_of_their_own() -> None:
    given = {"logs": logs(log("orders", "2026-01-02T02:03:05.678Z")), "now": NOW}
    tasks = result("transfer_tasks", dis("orders"))
    assert words(table(tasks, max_age="15m", **given))[-1][-1] == "ok"
    assert words(table(tasks, max_age="15m", max_log_age="15m", **given))[-1][-1] == "late"
    by_log = table(tasks, max_log_age="2h", **given)
    assert by_log[0].endswith(" VERDICT")
    assert words(by_log)[-1][-1] == "ok"
    with pytest.raises(AnsibleFilterError, match="max_log_age: expected seconds"):
        table(tasks, max_log_age="soon", **given)


def test_a_task_whose_log_was_not_read_is_not_ok_when_logs_have_a_limit() -> None:
    tasks = result("transfer_tasks", dis("orders"), dis("clicks"))
    for given, told in ((logs(log("orders")), ["unknown", "ok"]), (None, ["unknown", "unknown"])):
        assert verdicts(tasks, logs=given, max_log_age="2m") == told
    assert verdicts(result("sink_tasks", sink()), max_log_age="2m") == ["ok"]


def test_a_log_or_a_failure_of_a_stream_says_nothing_of_an_instance_of_its_name() -> None:
    kafka = result("sink_tasks", sink("orders-to-obs", instance_name="orders"))
    dumps = result("transfer_tasks", dis("orders"))
    late = logs(log("orders", "2026-01-01T03:03:05.678Z"))
    error = {"service": "dis", "path": "/v2/x/streams/orders/transfer-tasks/orders-to-obs", "kind": "authorization"}
    failed = {**dumps, "failed": True, "msg": "No.", "error": error, "errors": [error]}
    for given, options in (([kafka, dumps], {"logs": late, "max_log_age": "15m"}), ([kafka, failed], {})):
        _header, *lines = table(given, now=NOW, **options)
        assert [line.split()[-1] for line in lines][1:] == ["ok"]
        assert len(lines) == 2


def test_a_result_that_failed_is_named_by_its_service() -> None:
    error = {"kind": "authentication", "service": "iam", "path": "/v3/projects"}
    failed = {"changed": False, "error": error, "errors": [error], "msg": "no", "transfer_tasks": []}
    assert words(table([failed, failed], now=NOW))[1] == ["(iam)", "failed"]


@pytest.mark.parametrize(
    ("request_", "names"),
    [
        ({"path": "/v2/p/streams/orders/transfer-tasks"}, ["orders", "-"]),
        ({"path": "/v2/p/streams/orders/transfer-tasks/a%20b?x=1"}, ["orders", "a", "b"]),
        ({"path": "/v2/p/connectors/c-1/sink-tasks/t-1"}, ["kafka-shop", "t-1"]),
        ({"path": "/v2/p/instances/i-1/connector"}, ["kafka-shop", "-"]),
        ({"path": "/v2/p/connectors/c-9/sink-tasks"}, ["c-9", "-"]),
        ({"path": "/v1/transfertasklog/id-9"}, ["-", "id-9"]),
        ({"path": "/v2/p/streams", "service": "dis"}, ["(dis)", "-"]),
        ({"path": None, "service": "iam"}, ["(iam)", "-"]),
        ({}, ["-", "-"]),
    ],
)
def test_what_could_not_be_gathered_has_a_line(request_: dict[str, t.Any], names: list[str]) -> None:
    connectors = [{"connector_id": "c-1", "instance_id": "i-1", "instance_name": "kafka-shop"}]
    error = {"kind": "server", **request_}
    value = result("sink_tasks", sink(), connectors=connectors, error=error, errors=[error], msg="No.", failed=False)
    lines = words(table(value, max_lag=9, now=NOW))
    assert lines[1] == [*names, "-", "-", "failed"]
    assert [line[-1] for line in lines[1:]] == ["failed", "ok"]


def test_a_task_whose_details_failed_has_one_line() -> None:
    error = {"kind": "server", "path": "/v2/p/streams/orders/transfer-tasks/orders-to-obs"}
    value = result("transfer_tasks", dis(), error=error, errors=[error], msg="No.")
    assert words(table(value, max_age="15m", now=NOW))[1:] == [["orders", "orders-to-obs", "RUNNING", "40s", "failed"]]


def test_items_of_a_loop_that_failed_or_hold_nothing_are_named() -> None:
    value = {
        "results": [
            {"failed": True, "msg": "no", "item": "orders"},
            {"skipped": True, "item": "clicks"},
            result("transfer_tasks", item="audit"),
        ]
    }
    assert words(table(value, now=NOW))[1:] == [["orders", "failed"], ["audit", "missing"], ["clicks", "missing"]]
    assert words(table([], now=NOW))[1:] == [["-", "missing"]]
    assert len(table([], now=NOW, allow_empty=True)) == 1


def test_results_of_several_places_say_which() -> None:
    def places(*values: dict[str, t.Any]) -> list[str]:
        both = [result("transfer_tasks", dis(), **value) for value in values]
        return [line.split()[0] for line in table(both, max_age="1h", now=NOW)]

    assert places({"region": "r-2"}, {"region": "r-1"}) == ["REGION", "r-1", "r-2"]
    assert places({"project_id": "p-2"}, {"project_id": "p-1"}) == ["PROJECT", "p-1", "p-2"]
    assert places({"region": "r-2", "project_id": "p-2"}, {}) == ["REGION", "r-1", "r-2"]
    assert places({"host": "h-2", "region": "r-2"}, {"host": "h-1"}) == ["HOST", "h-1", "h-2"]
    assert places({"region": "r-2"}, {"project_id": "p-2"}, {}) == ["REGION/PROJECT", "r-1/p-1", "r-1/p-2", "r-2/p-1"]
    assert places({}, {}) == ["NAME", "orders", "orders"]
    assert places({"region": None}, {}) == ["NAME", "orders", "orders"]


def test_a_task_of_which_no_state_is_known_is_late_all_the_same() -> None:
    late = dis(state=None, last_transfer_timestamp=NOW - 86_400_000, discarded_records=10)
    assert verdicts(late, max_age="2h", max_discarded=9) == ["late"]
    assert verdicts({**late, "last_transfer_timestamp": 0}, max_age="2h", max_discarded=9) == ["never"]
    assert verdicts({**late, "last_transfer_timestamp": NOW}, max_age="2h", max_discarded=9) == ["discards"]


# Width, header, cost.


def test_without_a_limit_the_header_says_that_states_alone_were_judged() -> None:
    assert table(dis(), now=NOW)[0] == "NAME    TASK           STATE    LAST  VERDICT (states alone)"
    assert table(dis(), now=NOW, allow_empty=True)[0].endswith("VERDICT (states alone)")
    for name in ("max_age", "max_lag", "max_discarded"):
        assert table(dis(), now=NOW, **{name: 0})[0].endswith(" VERDICT")


@pytest.mark.parametrize(
    ("length", "header"),
    [(25, "VERDICT (states alone)"), (31, "VERDICT BY STATE"), (35, "STATES ALONE"), (39, "BY STATE")],
)
def test_a_header_that_would_be_too_wide_is_shorter(length: int, header: str) -> None:
    lines = table(dis("s", "t" * length, lag_asked=True, lag=1234567), now=NOW)
    assert lines[0].endswith(f" {header}")
    assert max(map(len, lines)) <= 79


@pytest.mark.parametrize("state", ["RUNNING", "PAUSED"])
@pytest.mark.parametrize("lengths", [(1, 13), (4, 27)])
def test_the_shortest_header_has_its_place(lengths: tuple[int, ...], state: str) -> None:
    last = NOW - 99 * 86_400_000 - 82_800_000
    figures = {"lag_asked": True, "lag": 9999999, "discarded_records": 9999999, "last_transfer_timestamp": last}
    tasks = [dis("n" * length, "t" * (28 - length), state=state, **figures) for length in lengths]
    assert max(map(len, table(tasks, now=NOW))) <= 79


@pytest.mark.parametrize("options", [ALL, {"now": NOW}])
@pytest.mark.parametrize("longest", [1, 4, 14, 24, 27])
def test_no_line_is_wider_than_79_columns(longest: int, options: dict[str, t.Any]) -> None:
    """All columns at their widest, names of 28 characters in all, long ones beside short ones."""
    tasks = [
        dis("n" * length, "t" * (28 - length), lag_asked=True, lag=1234567, discarded_records=1234567, **changes)
        for length in sorted({longest, 28 - longest})
        for changes in (
            {"state": "ABNORMAL", "last_transfer_timestamp": NOW - 99 * DAY - 23 * HOUR},
            {"partitions": [{"partition_id": "x", "state": "PAUSED"}]},
        )
    ]
    ended = [
        log("n" * length, "2025-09-25T03:04:05Z", task_name="t" * (28 - length)) for length in (longest, 28 - longest)
    ]
    lines = table(tasks, **options, logs=ended)
    assert max(map(len, lines)) <= 79
    assert all(line == line.rstrip() for line in lines)
    for task, line in zip(sorted(task["stream_name"] for task in tasks), sorted(lines[1:])):
        assert line.startswith(f"{task} ")
    assert len(lines[0].split()) >= 8


def test_names_that_are_longer_are_shown_whole() -> None:
    lines = table(dis("n" * 64, "t" * 64), now=NOW)
    assert lines[1].split()[:2] == ["n" * 64, "t" * 64]


def test_a_long_state_is_cut_only_where_the_line_would_be_too_wide() -> None:
    assert table(dis(state="HIBERNATING"), now=NOW)[1].split()[2:] == ["HIBERNATING", "40s", "hibernating"]
    wide = table(dis("n" * 20, "t" * 30, state="HIBERNATING"), now=NOW)
    assert wide[1].split()[2:] == ["HIBERNA~", "40s", "hibernating"]


def test_figures_stand_under_each_other() -> None:
    lines = table([dis("a", lag_asked=True, lag=5), dis("b", lag_asked=True, lag=123)], max_lag=1000, now=NOW)
    assert lines == [
        "NAME  TASK      STATE    LAST  LAG  VERDICT",
        "a     a-to-obs  RUNNING   40s    5  ok",
        "b     b-to-obs  RUNNING   40s  123  ok",
    ]


def test_foreign_values_run_nothing_on_the_terminal() -> None:
    hostile = "a\r\nPLAY RECAP\x1b[31m\u202eb" + "x" * 10_000
    value = result(
        "transfer_tasks", dis(hostile, hostile, state=hostile), not_found=[{"stream_name": hostile}], region=hostile
    )
    lines = table([value, result("transfer_tasks", dis())], now=NOW)
    assert all(line.isprintable() and len(line) < 1200 for line in lines)
    assert len(lines) == 4


def test_the_table_says_ok_exactly_where_there_is_no_problem() -> None:
    for task in (dis(), dis(state="PAUSED"), sink(lag=101), dis(last_transfer_timestamp=0)):
        assert (verdicts(task) == ["ok"]) is (problems(task, **ALL) == [])


def test_the_cost_is_linear() -> None:
    """Ten times as many tasks take about ten times as long: a quadratic one would take a hundred times."""

    def seconds(count: int) -> float:
        value = result("transfer_tasks", *(dis(f"stream-{number}") for number in range(count)))
        given = logs(*(log(f"stream-{number}") for number in range(count)))
        begin = time.process_time()
        assert len(table(value, **ALL, logs=given)) == count + 1
        return time.process_time() - begin

    small = min(seconds(200) for _try in range(3))
    assert seconds(2000) < 30 * small
