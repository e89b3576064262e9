# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What DIS answers: shapes, paging, what is absent, and the behaviours that options choose."""

from __future__ import annotations

import pathlib
from typing import Any

import pytest

WORLDS = pathlib.Path(__file__).resolve().parents[2] / "emulator" / "worlds"
PROJECT = "0123456789abcdef0123456789abcdef"
LOGGED = "gGGu2WN88XbmRTm64nJ"  # 250 rows by generator
WRITTEN = "lJ4Ts5ObPd2UOpcRj3K"  # three rows, written out


def options(client: Any, **values: Any) -> None:
    for name, value in values.items():
        assert hasattr(client.emulator.world.options, name)
        setattr(client.emulator.world.options, name, value)


# DIS: streams


def test_streams_page_by_name_and_say_when_there_are_more(client: Any) -> None:
    first = client.get("streams?limit=2").json
    assert first["stream_names"] == ["audit", "clicks"]
    assert (first["total_number"], first["has_more_streams"]) == (3, True)
    assert [row["stream_name"] for row in first["stream_info_list"]] == first["stream_names"]
    rest = client.get("streams?limit=2&start_stream_name=clicks").json
    assert (rest["stream_names"], rest["has_more_streams"]) == (["orders"], False)


def test_ten_streams_a_page_by_default(client_of: Any) -> None:
    client = client_of({"credentials": {"tokens": [{"token": "ExampleToken"}]}, "generate": {"streams": 11}})
    assert len(client.get("streams").json["stream_names"]) == 10
    assert len(client.get("streams?limit=100").json["stream_names"]) == 11


@pytest.mark.parametrize("limit", ["0", "101", "x", "-1", ""])
def test_a_limit_out_of_range_is_refused(client: Any, limit: str) -> None:
    reply = client.get(f"streams?limit={limit}")
    assert (reply.status, reply.json["errorCode"]) == (400, "DIS.4200")


def test_a_stream_with_its_partitions(client: Any) -> None:
    shown = client.get("streams/orders?limit_partitions=1").json
    assert (shown["stream_id"], shown["has_more_partitions"]) == ("bxdSOIEYPwJdSlAqq5z", True)
    last = shown["partitions"][-1]["partition_id"]
    rest = client.get(f"streams/orders?start_partitionId={last}").json
    assert [part["partition_id"] for part in rest["partitions"]] == ["shardId-0000000001"]


def test_an_absent_stream_and_an_absent_task_are_http_400(client: Any) -> None:
    for path, code in (
        ("streams/absent", "DIS.4301"),
        ("streams/absent/transfer-tasks", "DIS.4301"),
        ("streams/absent/transfer-tasks/x", "DIS.4301"),
        ("streams/orders/transfer-tasks/x", "DIS.4354"),
    ):
        reply = client.get(path)
        assert (reply.status, reply.json["errorCode"]) == (400, code)
    assert client.get("streams/absent").json["message"] == f"Stream does not exist. [absent][{PROJECT}]"


@pytest.mark.parametrize(
    "path", ["/v2/{p}/nothing", "/v2/{p}/streams/orders/apps", "/v9/x", "/", "/v2", "/v2/{p}/connectors/x"]
)
def test_an_unknown_path_is_the_gateways_404(client: Any, path: str) -> None:
    reply = client.send("GET", path)
    assert (reply.status, reply.json["error_code"]) == (404, "APIGW.0101")
    assert reply.json["request_id"] == reply.headers["x-request-id"]


def test_a_wrong_method_is_the_gateways_404(client: Any) -> None:
    assert client.send("DELETE", "/v2/{p}/streams").json["error_code"] == "APIGW.0101"
    assert client.send("GET", f"/v1/transfertasklog/{LOGGED}").json["error_code"] == "APIGW.0101"
    assert client.send("POST", "/v2/{p}/instances").json["error_code"] == "APIGW.0101"


# DIS: transfer tasks


def test_the_list_of_tasks(client: Any) -> None:
    listed = client.get("streams/orders/transfer-tasks").json
    assert (listed["total_number"], listed["quota"]) == (2, 5)
    assert [task["task_name"] for task in listed["tasks"]] == ["to-obs", "to-warehouse"]
    assert set(listed["tasks"][0]) == {
        "task_name",
        "task_id",
        "state",
        "destination_type",
        "create_time",
        "last_transfer_timestamp",
    }
    assert client.get("streams/clicks/transfer-tasks").json["tasks"][0]["last_transfer_timestamp"] == 0
    assert client.get("streams/audit/transfer-tasks").json == {"total_number": 0, "tasks": []}


def test_the_list_of_tasks_pages_by_name(client: Any) -> None:
    path = "streams/orders/transfer-tasks?limit=1"
    assert [task["task_name"] for task in client.get(path).json["tasks"]] == ["to-obs"]
    rest = client.get(f"{path}&start_task_name=to-obs").json
    assert [task["task_name"] for task in rest["tasks"]] == ["to-warehouse"]
    options(client, task_list_start=False)
    assert client.get(f"{path}&start_task_name=to-obs").json["tasks"][0]["task_name"] == "to-obs"
    assert client.get("streams/orders/transfer-tasks?limit=0").json["errorCode"] == "DIS.4200"


def test_variants_of_the_list(client: Any) -> None:
    options(client, task_list_cap=1, task_list_ids=False, task_list_key="details")
    client.emulator.world.streams["orders"].total_number = 7
    listed = client.get("streams/orders/transfer-tasks?limit=10").json
    assert (listed["total_number"], listed["has_more_tasks"]) == (7, True)
    assert [task["task_name"] for task in listed["details"]] == ["to-obs"]
    assert "task_id" not in listed["details"][0]


def test_details_of_a_task(client: Any) -> None:
    shown = client.get("streams/orders/transfer-tasks/to-obs").json
    assert shown["exception_strategy"] == "ignoreAndBackup"
    assert shown["obs_destination_description"]["obs_bucket_path"] == "orders-dump"
    task = client.emulator.world.streams["orders"].tasks["to-obs"]
    assert shown["partitions"][0] == {
        "partitionId": "shardId-0000000000",
        "state": "RUNNING",
        "last_transfer_timestamp": task.last_transfer,
        "last_transfer_offset": 9007199254740993,
        "discard": 2,
    }


@pytest.mark.parametrize(
    ("schema", "keys"),
    [
        ("snake", {"partition_id", "state", "last_transfer_timestamp", "last_transfer_offset", "discard"}),
        ("documented", {"partition_id", "status", "hash_range", "sequence_number_range", "parent_partitions"}),
    ],
)
def test_partition_schemas(client: Any, schema: str, keys: set[str]) -> None:
    options(client, partition_schema=schema)
    assert set(client.get("streams/orders/transfer-tasks/to-obs").json["partitions"][0]) == keys


@pytest.mark.parametrize(
    ("variant", "kind", "key"),
    [
        ("documented", "dws", "dws_destination_descripton"),
        ("native", "dws", "dws_destination_description"),
        ("gopher", "dws", "dws_destination_description"),
        ("documented", "cloudtable", "cloudtable_destination_descripton"),
        ("gopher", "cloudtable", "cloud_table_destination_description"),
        ("documented", "x_destination_descriptor", "x_destination_descriptor"),
    ],
)
def test_keys_of_the_destination(client: Any, variant: str, kind: str, key: str) -> None:
    options(client, destination_keys=variant, stream_id_twice=True)
    client.emulator.world.streams["orders"].tasks["to-warehouse"].destination_key = kind
    shown = client.get("streams/orders/transfer-tasks/to-warehouse").json
    assert shown[key]["user_password"] == "ExampleWarehousePassword"
    assert shown["streamId"] == shown["stream_id"]


def test_extra_and_omitted_keys(client: Any, client_of: Any, small: dict[str, Any]) -> None:
    small["streams"][0]["tasks"][0].update(extra={"new_key": [1]}, omit=["state"], destination_kind="dli")
    other = client_of(small)
    listed = other.get("streams/orders/transfer-tasks").json["tasks"][0]
    shown = other.get("streams/orders/transfer-tasks/to-obs").json
    assert listed["new_key"] == shown["new_key"] == [1]
    assert "state" not in listed
    assert "state" not in shown
    assert "dli_destination_description" in shown


# DIS: logs


def test_logs_newest_first_ten_a_page(client: Any) -> None:
    page = client.logs(LOGGED).json
    rows = page["transferTaskLogList"]
    assert (page["totalNum"], page["errorCode"], page["message"], len(rows)) == (250, -1, None, 10)
    starts = [row["startTime"] for row in rows]
    assert starts == sorted(starts, reverse=True)
    assert rows[0]["transferFileName"] == f"{LOGGED}.clicks.0.{starts[0] + 10}"
    assert rows[0]["projectId"] == PROJECT


@pytest.mark.parametrize("order", ["asc", "desc"])
@pytest.mark.parametrize("size", [7, 100, 250, 1000])
@pytest.mark.parametrize(("task_id", "total"), [(LOGGED, 250), (WRITTEN, 3)])
def test_pages_cover_every_row_once(client: Any, order: str, size: int, task_id: str, total: int) -> None:
    starts: list[int] = []
    for index in range(1, total // size + 2):
        body = {"order": order, "sortBy": "startTime", "pageInfo": {"pageIndex": index, "pageTotal": size}}
        starts += [row["startTime"] for row in client.logs(task_id, body).json["transferTaskLogList"]]
    assert len(set(starts)) == len(starts) == total
    assert starts == sorted(starts, reverse=order == "desc")


def test_written_rows_sort_by_their_values(client: Any) -> None:
    body = {"order": "asc", "sortBy": "dataSize"}
    rows = client.logs(WRITTEN, body).json["transferTaskLogList"]
    assert [row["transferBytes"] for row in rows] == [30718683, 30718684, 30718685]
    assert rows[0]["endTime"] - rows[0]["startTime"] == 302_000


@pytest.mark.parametrize(
    "body",
    [
        "no json",
        "[]",
        {"pageInfo": [{"pageIndex": 1}, {"pageIndex": 10}]},
        {"pageInfo": {"pageIndex": 0, "pageTotal": 10}},
        {"pageInfo": {"pageIndex": 1}},
        {"order": "up"},
        {"sortBy": "name"},
    ],
)
def test_a_wrong_log_query_is_refused(client: Any, body: Any) -> None:
    reply = client.logs(LOGGED, body)
    assert (reply.status, reply.json["errorCode"]) == (400, "DIS.4200")


def page_of(client: Any, index: int, size: int) -> list[int]:
    body = {"order": "desc", "sortBy": "startTime", "pageInfo": {"pageIndex": index, "pageTotal": size}}
    return [row["startTime"] for row in client.logs(LOGGED, body).json["transferTaskLogList"]]


def test_a_page_size_capped_in_silence(client: Any) -> None:
    whole = page_of(client, 1, 250)
    options(client, log_page_cap=50)
    assert page_of(client, 1, 100) + page_of(client, 2, 100) == whole[:100]


def test_a_page_that_repeats(client: Any) -> None:
    options(client, log_repeat_page=2)
    assert page_of(client, 2, 10) == page_of(client, 3, 10) != page_of(client, 1, 10)


@pytest.mark.parametrize(("task_id", "total"), [(LOGGED, 250), (WRITTEN, 3)])
def test_rows_added_while_paging(client: Any, task_id: str, total: int) -> None:
    options(client, log_growth=2)
    newest = [client.logs(task_id).json["transferTaskLogList"][0]["startTime"] for _number in range(2)]
    assert client.logs(task_id).json["totalNum"] == total + 4
    assert newest[1] > newest[0]


@pytest.mark.parametrize("code", [-1, 0, None, "-1", "0", ""])
def test_codes_of_success(client: Any, code: Any) -> None:
    options(client, log_error_code=code)
    assert client.logs(LOGGED).json["errorCode"] == code
    options(client, log_error_code="absent")
    assert "errorCode" not in client.logs(LOGGED).json


def test_one_object_where_a_list_is_documented(client: Any) -> None:
    options(client, log_list="object")
    body = {"pageInfo": {"pageIndex": 3, "pageTotal": 1}}
    assert client.logs(WRITTEN, body).json["transferTaskLogList"]["transferBytes"] == 30718683
    body = {"pageInfo": {"pageIndex": 9, "pageTotal": 1}}
    assert client.logs(WRITTEN, body).json["transferTaskLogList"] is None
    assert len(client.logs(WRITTEN).json["transferTaskLogList"]) == 3


def test_an_unknown_task_id(client: Any) -> None:
    reply = client.logs("unknown")
    assert (reply.status, reply.json["errorCode"]) == (400, "DIS.4354")
    options(client, log_unknown_task="empty")
    assert client.logs("unknown").json["totalNum"] == 0
    options(client, log_unknown_task="inside")
    reply = client.logs("unknown")
    assert (reply.status, reply.json["errorCode"]) == (200, "DIS.4354")
    assert reply.json["message"]


def test_the_index_of_tasks_follows_changes(client: Any) -> None:
    tasks = client.emulator.world.streams["clicks"].tasks
    assert client.logs(LOGGED).status == 200
    task = tasks.pop("to-obs")
    assert client.logs(LOGGED).status == 400
    task.id = "NewIdOfTheTask00001"
    tasks["to-obs"] = task
    assert client.logs("NewIdOfTheTask00001").json["totalNum"] == 250


# DIS: tasks that move with the clock


def test_what_moves_stays_as_late_as_written_and_what_stands_grows_old(client_of: Any) -> None:
    client = client_of(
        {
            "clock": "2026-01-02T03:04:05Z",
            "credentials": {"tokens": [{"token": "ExampleToken"}]},
            "streams": [
                {
                    "name": "orders",
                    "tasks": [
                        {
                            "name": "runs",
                            "moving": True,
                            "last_transfer": "40s",
                            "partitions": [
                                {"id": 0},
                                {"id": 1, "last_transfer": "70s"},
                                {"id": 2, "last_transfer": "5h", "state": "ABNORMAL"},
                                {"id": 3, "last_transfer": 0},
                            ],
                            "logs": {"count": 3, "every": "300s"},
                        },
                        {"name": "new", "moving": True, "created": "4m", "last_transfer": 0},
                        {"name": "paused", "moving": True, "state": "PAUSED", "last_transfer": "2d"},
                        {"name": "stands", "last_transfer": "3h", "logs": {"count": 3, "every": "300s"}},
                    ],
                }
            ],
        }
    )
    world = client.emulator.world

    def ages(name: str, key: str = "last_transfer_timestamp") -> Any:
        listed = {task["task_name"]: task for task in client.get("streams/orders/transfer-tasks").json["tasks"]}
        shown = client.get(f"streams/orders/transfer-tasks/{name}").json
        assert listed[name][key] == shown[key]
        parts = [part["last_transfer_timestamp"] for part in shown["partitions"]]
        return [value and (world.now() - value) // 1000 for value in [shown[key], *parts]]

    def rows(name: str) -> Any:
        answer = client.logs(world.streams["orders"].tasks[name].id).json
        newest = answer["transferTaskLogList"][0]
        return answer["totalNum"], (world.now() - newest["endTime"]) // 1000

    assert ages("runs") == [40, 40, 70, 5 * 3600, 0]
    assert (rows("runs"), rows("stands")) == ((3, 0), (3, 0))
    world.clock.advance("1h")
    assert ages("runs") == [40, 40, 70, 6 * 3600, 0]
    assert rows("runs") == (15, 0)
    assert ages("new", "create_time") == [240, 0]
    assert ages("new") == [0, 0]
    assert ages("paused")[0] == 2 * 86400 + 3600
    assert ages("stands")[0] == 4 * 3600
    assert ages("stands", "create_time")[0] == 7 * 86400 + 3600
    assert rows("stands") == (3, 3600)
    # Paused while it is watched, it stands where it was seen last.
    world.streams["orders"].tasks["runs"].state = "PAUSED"
    world.clock.advance("1h")
    assert ages("runs")[0] == 3600 + 40
    assert rows("runs") == (15, 3600)


def test_the_demo_says_the_same_however_late_it_is_read(client_of: Any) -> None:
    client = client_of(WORLDS / "demo.yml")
    world = client.emulator.world

    def late() -> set[str]:
        """Tasks that a limit of 15 minutes finds too old, or still without a transfer 15 minutes after they were made."""
        found = set()
        for stream in world.streams.values():
            for task in client.get(f"streams/{stream.name}/transfer-tasks").json["tasks"]:
                if world.now() - (task["last_transfer_timestamp"] or task["create_time"]) > 900_000:
                    found.add(task["task_name"])
        return found

    assert late() == {"clicks-to-obs", "payments-to-obs"}
    world.clock.advance("3h")
    assert late() == {"clicks-to-obs", "payments-to-obs"}
