# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Conversations of dis_transfer_task_log_info. What a log can do while it is read is tested with the flows themselves."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.hwcloud.streaming.tests.unit.plugins.modules.conversation import (
    Exchange,
    body,
    get,
    log_page,
    no_time_to_wait,
    talk,
)

MODULE = "dis_transfer_task_log_info"
START = 1756500000000  # 2025-08-29T20:40:00Z
STEP = 300_000
NO_TASK = {"errorCode": "DIS.4354", "message": "The transfer task does not exist."}
BROKEN = body("err_dis_5000")


def rows(*numbers: int, task_id: str = "A") -> list[dict[str, t.Any]]:
    return [
        {
            "transferTaskId": "an echo",
            "startTime": START + number * STEP,
            "endTime": START + (number + 1) * STEP,
            "transferBytes": 300,
            "transferRecordsNum": 30,
            "transferFileName": f"{task_id}.s.0.{number}",
        }
        for number in numbers
    ]


def log(*numbers: int, task_id: str = "A", total: int | None = None, **asked: t.Any) -> Exchange:
    number = len(numbers) if total is None else total
    answer = {
        "errorCode": -1,
        "message": None,
        "totalNum": number,
        "transferTaskLogList": rows(*numbers, task_id=task_id),
    }
    return log_page(task_id, answer, **asked)


def starts(result: dict[str, t.Any]) -> list[int]:
    return [(entry["start_time"] - START) // STEP for entry in result["logs"]]


@pytest.mark.parametrize("options", [{"task_ids": []}, {"stream_names": []}, {"stream_names": ["s"], "task_names": []}])
def test_an_empty_list_asks_nothing(options: dict[str, t.Any]) -> None:
    result = talk(MODULE, [], **options)
    assert (result["failed"], result["logs"], result["tasks"], result["not_found"]) == (False, [], [], [])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"task_ids": [""]}, "empty name"),
        ({"task_ids": ["a/b"]}, "letters, digits"),
        ({"task_ids": ["A"], "limit": -1}, "limit"),
        ({"task_ids": ["A"], "page_size": 0}, "page_size"),
        ({"task_ids": ["A"], "since": "yesterday"}, "since"),
        ({"task_ids": ["A"], "since": "1h", "until": "2h"}, "before until"),
    ],
)
def test_options_that_cannot_be(options: dict[str, t.Any], words: str) -> None:
    result = talk(MODULE, [], **options)
    assert result["error"]["kind"] == "configuration"
    assert words in result["msg"]


def test_two_tasks_come_in_the_order_of_their_ids() -> None:
    script = [[log(3, 1, task_id="B"), log(2, task_id="A")]]
    result = talk(MODULE, script, task_ids=["B", "A", "B"])
    assert starts(result) == [3, 1, 2]
    assert [entry["transfer_task_id"] for entry in result["logs"]] == ["B", "B", "A"]
    assert [(entry["transfer_task_id"], entry["returned"]) for entry in result["tasks"]] == [("B", 2), ("A", 1)]
    assert result["summary"] == {
        "total_num": 3,
        "returned": 3,
        "truncated": False,
        "transfer_bytes": 900,
        "transfer_records_num": 90,
        "bytes_per_second": 1.0,
        "records_per_second": 0.1,
    }


def test_the_order_and_what_to_sort_by_are_the_services_own() -> None:
    script = [[log(0, 1, order="asc", sort_by="dataSize")]]
    assert starts(talk(MODULE, script, task_ids="A", order="asc", sort_by="dataSize")) == [0, 1]


@pytest.mark.parametrize("code", [None, -1, "-1", 0, "0", ""])
def test_success_in_all_its_codes(code: t.Any) -> None:
    answer = {"errorCode": code, "message": None, "totalNum": 1, "transferTaskLogList": rows(1)[0]}
    assert starts(talk(MODULE, [[log_page("A", answer)]], task_ids="A")) == [1]


def test_no_list_at_all() -> None:
    answer = {"errorCode": -1, "message": None, "totalNum": 0, "transferTaskLogList": None}
    assert talk(MODULE, [[log_page("A", answer)]], task_ids="A")["tasks"][0]["total_num"] == 0


@pytest.mark.parametrize(
    ("told", "kind"),
    [
        ({"errorCode": "DIS.4200", "message": "Invalid request."}, "invalid_request"),
        ({"errorCode": "DIS.5000", "message": "System error."}, "server"),
        ({"errorCode": "DIS.4116", "message": "Invalid RBAC."}, "authorization"),
        ({"errorCode": "DIS.4303", "message": "Exceeded traffic control limit."}, "throttled"),
        ({"errorCode": -1, "message": "the task has no log"}, "server"),
        ({"errorCode": -1, "message": None}, "protocol"),
        ({"errorCode": -1, "message": None, "totalNum": 4, "transferTaskLogList": None}, "protocol"),
        ({"errorCode": -1, "message": None, "totalNum": 1, "transferTaskLogList": [None]}, "protocol"),
    ],
)
@no_time_to_wait()
def test_a_failure_inside_a_success(told: dict[str, t.Any], kind: str) -> None:
    result = talk(MODULE, [[log_page("A", told), log(1, task_id="B")]], task_ids=["A", "B"])
    assert [(error["kind"], error["http_status"]) for error in result["errors"]] == [(kind, 200)]
    assert [entry["transfer_task_id"] for entry in result["tasks"]] == ["B"]
    assert starts(result) == [1]


@pytest.mark.parametrize("status", [200, 400])
def test_an_absent_task(status: int) -> None:
    result = talk(MODULE, [[log_page("A", NO_TASK, status=status), log(1, task_id="B")]], task_ids=["A", "B"])
    assert result["failed"] is False
    assert result["not_found"] == [{"transfer_task_id": "A", "stream_name": None, "task_name": None}]
    assert starts(result) == [1]


def test_pages_beyond_a_silent_cap() -> None:
    script = [
        [log(6, 5, total=7)],
        [log(4, 3, total=7, page=2, size=2)],
        [log(2, 1, total=7, page=3, size=2), log(0, total=7, page=4, size=2)],
    ]
    result = talk(MODULE, script, task_ids="A", limit=0)
    assert starts(result) == [6, 5, 4, 3, 2, 1, 0]
    assert result["summary"]["truncated"] is False


def test_a_limit_reads_what_it_needs() -> None:
    result = talk(MODULE, [[log(9, 8, total=10, size=2)]], task_ids="A", limit=2)
    assert (starts(result), result["tasks"][0]["truncated"], result["tasks"][0]["total_num"]) == ([9, 8], True, 10)
    script = [[log(9, 8, total=10, size=2)], [log(7, 6, total=10, page=2, size=2)]]
    assert starts(talk(MODULE, script, task_ids="A", limit=3, page_size=2)) == [9, 8, 7]


def test_a_window_sorted_by_start_time_stops_at_its_end() -> None:
    asked: dict[str, t.Any] = {"size": 2, "sort_by": "startTime"}
    script = [[log(9, 8, total=10, **asked)], [log(7, 6, total=10, page=2, **asked)]]
    options: dict[str, t.Any] = {"sort_by": "startTime", "page_size": 2, "since": "2025-08-29T21:15:00Z"}
    result = talk(MODULE, script, task_ids="A", **options)
    assert starts(result) == [9, 8, 7]
    assert (result["tasks"][0]["truncated"], result["tasks"][0]["returned"]) == (False, 3)


def test_since_is_in_the_window_and_until_is_not() -> None:
    options: dict[str, t.Any] = {"since": str(START + STEP), "until": str(START + 3 * STEP)}
    assert starts(talk(MODULE, [[log(4, 3, 2, 1, 0)]], task_ids="A", **options)) == [2, 1]


def test_summary_only_reads_all_and_keeps_none() -> None:
    script = [[log(3, 2, total=4, size=2)], [log(1, 0, total=4, page=2, size=2)]]
    result = talk(MODULE, script, task_ids="A", page_size=2, limit=1, summary_only=True)
    assert (result["logs"], result["summary"]["returned"], result["summary"]["transfer_bytes"]) == ([], 4, 1200)
    assert result["summary"]["bytes_per_second"] == 1.0


def test_a_page_that_fails_keeps_the_others() -> None:
    script = [
        [log(5, 4, total=6, size=2)],
        [log_page("A", BROKEN, 2, 2, 500), log(1, 0, total=6, page=3, size=2)],
    ]
    result = talk(MODULE, script, task_ids="A", page_size=2)
    assert starts(result) == [5, 4, 1, 0]
    assert (result["tasks"][0]["truncated"], result["tasks"][0]["returned"]) == (True, 4)
    assert [(error["kind"], error["method"]) for error in result["errors"]] == [("server", "POST")]


def test_tasks_by_the_names_of_streams() -> None:
    listed = {"total_number": 2, "tasks": [{"task_name": "y"}, {"task_name": "x", "task_id": "X"}]}
    script = [
        [
            get("streams/s/transfer-tasks", listed),
            get("streams/a/transfer-tasks", body("err_dis_4301_stream_missing_doc"), 400),
        ],
        [get("streams/s/transfer-tasks/y", {"task_name": "y", "task_id": "Y"})],
        [log(1, task_id="X"), log(2, task_id="Y")],
    ]
    result = talk(MODULE, script, stream_names=["s", "a"])
    told = [(entry["stream_name"], entry["task_name"], entry["transfer_task_id"]) for entry in result["logs"]]
    assert told == [("s", "x", "X"), ("s", "y", "Y")]
    assert result["not_found"] == [{"transfer_task_id": None, "stream_name": "a", "task_name": None}]


def test_a_task_name_that_the_stream_does_not_have() -> None:
    script = [[get("streams/s/transfer-tasks", {"total_number": 0, "tasks": []})]]
    result = talk(MODULE, script, stream_name="s", task_name="z")
    assert result["not_found"] == [{"transfer_task_id": None, "stream_name": "s", "task_name": "z"}]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({}, "one of the following is required: task_ids, stream_names"),
        ({"task_ids": None}, "one of the following is required: task_ids, stream_names"),
        ({"stream_names": None, "task_names": ["t"]}, "one of the following is required: task_ids, stream_names"),
        ({"task_ids": ["1"], "stream_names": ["s"]}, "task_ids and stream_names are mutually exclusive"),
        ({"task_ids": ["1"], "task_names": ["t"]}, "task_ids and task_names are mutually exclusive"),
    ],
)
def test_exactly_one_of_the_two_ways(options: dict[str, t.Any], says: str) -> None:
    result = talk(MODULE, [], **options)
    assert result["error"]["kind"] == "configuration"
    assert says in result["msg"]


@pytest.mark.parametrize("nulls", [{"stream_names": None}, {"task_names": None}, {"stream_name": None}])
def test_null_is_as_good_as_left_out(nulls: dict[str, t.Any]) -> None:
    answer = {"errorCode": -1, "totalNum": 0, "transferTaskLogList": []}
    result = talk(MODULE, [[log_page("1", answer)]], task_ids=["1"], **nulls)
    assert (result["failed"], len(result["tasks"])) == (False, 1)
