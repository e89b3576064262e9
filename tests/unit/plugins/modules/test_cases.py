# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every response case through the real module over HTTP; what must come out is written down by hand."""

from __future__ import annotations

import pathlib
import re
import time
import typing as t

import pytest
from ansible_collections.hwcloud.streaming.tests.unit.plugins.modules.conversation import (
    CASES,
    PROJECT,
    Exchange,
    body,
    case,
    get,
    log_page,
    no_time_to_wait,
    talk,
)

Facts = t.Dict[str, t.Any]

MASKED = "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"
STREAM = "streams/s/transfer-tasks"
CONNECTOR = "2e148bed-0000-4617-8ade-b52e84a33eeb"
SINKS = f"connectors/{CONNECTOR}/sink-tasks"
SINK = "2e148bed-3038-4617-8ade-b52e84a33eeb"
INSTANCE = "59f6d088-7181-4b5e-9bd6-37274ce84577"
SMART = f"instances/{INSTANCE}/connector/tasks"
LOGGED = "lJ4Ts5ObPd2UOpcRj3K"

ISO = {
    None: None,
    0: None,
    1534142793097: "2018-08-13T06:46:33.097Z",
    1534163306123: "2018-08-13T12:28:26.123Z",
    1534163680563: "2018-08-13T12:34:40.563Z",
    1534163694103: "2018-08-13T12:34:54.103Z",
    1537949648144: "2018-09-26T08:14:08.144Z",
    1538018072564: "2018-09-27T03:14:32.564Z",
    1538018769241: "2018-09-27T03:26:09.241Z",
    1552355757885: "2019-03-12T01:55:57.885Z",
    1552457808502: "2019-03-13T06:16:48.502Z",
    1552458085454: "2019-03-13T06:21:25.454Z",
    1552458158527: "2019-03-13T06:22:38.527Z",
    1592309487621: "2020-06-16T12:11:27.621Z",
    1592309487622: "2020-06-16T12:11:27.622Z",
    1592309487623: "2020-06-16T12:11:27.623Z",
    1606554932552: "2020-11-28T09:15:32.552Z",
    1606554932553: "2020-11-28T09:15:32.553Z",
    1606554932554: "2020-11-28T09:15:32.554Z",
    1606554932555: "2020-11-28T09:15:32.555Z",
    1606554932556: "2020-11-28T09:15:32.556Z",
    1606554932557: "2020-11-28T09:15:32.557Z",
    1606554932558: "2020-11-28T09:15:32.558Z",
    1606554932559: "2020-11-28T09:15:32.559Z",
    1606984428612: "2020-12-03T08:33:48.612Z",
    1606984428613: "2020-12-03T08:33:48.613Z",
    1606984428614: "2020-12-03T08:33:48.614Z",
    1606984428615: "2020-12-03T08:33:48.615Z",
    1606984428616: "2020-12-03T08:33:48.616Z",
    1628126621283: "2021-08-05T01:23:41.283Z",
    1689377676849: "2023-07-14T23:34:36.849Z",
    1689377695587: "2023-07-14T23:34:55.587Z",
    1708427753133: "2024-02-20T11:15:53.133Z",
    1708565483911: "2024-02-22T01:31:23.911Z",
    1756539153280: "2025-08-30T07:32:33.280Z",
    1756539453280: "2025-08-30T07:37:33.280Z",
    1756539456070: "2025-08-30T07:37:36.070Z",
    1756539753280: "2025-08-30T07:42:33.280Z",
    1756539756070: "2025-08-30T07:42:36.070Z",
    1756540056070: "2025-08-30T07:47:36.070Z",
}


def problems(kind: str, name: str, word: str, value: str | None) -> list[str]:
    return [] if value == "RUNNING" else [f"{kind}, task {name}: {word} is {value}, not RUNNING"]


# -- DIS, list


def listed(
    name: str, kind: str, created: int, last: int | None = None, state: str = "RUNNING", task_id: str | None = None
) -> Facts:
    """A transfer task without details."""
    return {
        "stream_name": "s",
        "stream_id": None,
        "task_name": name,
        "task_id": task_id,
        "state": state,
        "destination_type": kind,
        "create_time": created,
        "created_at": ISO[created],
        "last_transfer_timestamp": last,
        "last_transfer_at": ISO[last],
        "exception_strategy": None,
        "destination": None,
        "partitions": [],
        "discarded_records": None,
        "lag_asked": False,
        "lag": None,
        "problems": problems("stream s", name, "state", state),
    }


def without_age(task: Facts) -> Facts:
    """The task, once its age has been found to be right, and to be told in its problems."""
    last, age = task["last_transfer_timestamp"], task.pop("last_transfer_age")
    since = r", last transfer (\d+)d( \d+h)? ago$" if last else ", has never transferred$"
    told = [re.search(since, problem) for problem in task["problems"]]
    task["problems"] = [re.sub(since, "", problem) for problem in task["problems"]]
    if last:
        assert abs(time.time() - last / 1000 - age) < 30
        assert all(found and int(found[1]) == age // 86400 for found in told)
    else:
        assert age is None
    return task


LISTS: dict[str, tuple[list[Facts], int, int | None]] = {
    "dis_list_01_two_tasks_no_task_id": (
        [
            listed("another_task", "DLI", 1534163306123, 1534163680563),
            listed("task", "OBS", 1534142793097, 1534163694103),
        ],
        2,
        None,
    ),
    "dis_list_02_java_sdk_dli_obs": (
        [
            listed("task_Ztab", "DLI", 1552457808502, 1552458085454),
            listed("task_qTd9", "OBS", 1552355757885, 1552458158527),
        ],
        2,
        None,
    ),
    "dis_list_04_python_dis_sdk_console_capture": (
        [listed("task_test1", "OBS", 1537949648144, 1538018769241)],
        1,
        None,
    ),
    "dis_list_05_all_states_all_destinations_quota": (
        [
            listed("t-cloudtable", "CLOUDTABLE", 1606554932555, 1606984428615, "ERROR", "As805BudhcH1lDs6gb4"),
            listed("t-dli", "DLI", 1606554932554, 1606984428614, "ABNORMAL", "As805BudhcH1lDs6gb3"),
            listed("t-dws", "DWS", 1606554932556, 1606984428616, "DELETE", "As805BudhcH1lDs6gb5"),
            listed("t-mrs", "MRS", 1606554932553, 1606984428613, "PAUSED", "As805BudhcH1lDs6gb2"),
            listed("t-nowhere", "NOWHERE", 1606554932558, None, "RUNNING", "As805BudhcH1lDs6gb7"),
            listed("t-null-ts", "OBS", 1606554932559, None, "RUNNING", "As805BudhcH1lDs6gb8"),
            listed("t-obs", "OBS", 1606554932552, 1606984428612, "RUNNING", "As805BudhcH1lDs6gb1"),
            listed("t-starting-never-run", "OBS", 1606554932557, 0, "STARTING", "As805BudhcH1lDs6gb6"),
        ],
        8,
        5,
    ),
    "dis_list_06_empty": ([], 0, None),
}


@pytest.mark.parametrize("name", LISTS)
def test_a_list_of_transfer_tasks(name: str) -> None:
    tasks, total, quota = LISTS[name]
    result = talk("dis_transfer_task_info", [[get(STREAM, body(name))]], stream_names="s", details=False)
    assert result["failed"] is False
    assert [without_age(task) for task in result["transfer_tasks"]] == tasks
    assert result["streams"] == [{"stream_name": "s", "total_number": total, "quota": quota}]
    assert result["not_found"] == []
    assert result["summary"]["total"] == len(tasks)


def test_the_summary_of_all_states() -> None:
    answer = body("dis_list_05_all_states_all_destinations_quota")
    result = talk("dis_transfer_task_info", [[get(STREAM, answer)]], stream_names="s", details=False)
    age = result["summary"].pop("oldest_transfer_age")
    assert abs(time.time() - 1606984428.612 - age) < 30
    assert result["summary"] == {
        "total": 8,
        "healthy": 3,
        "by_state": {"ABNORMAL": 1, "DELETE": 1, "ERROR": 1, "PAUSED": 1, "RUNNING": 3, "STARTING": 1},
        "by_destination_type": {"CLOUDTABLE": 1, "DLI": 1, "DWS": 1, "MRS": 1, "NOWHERE": 1, "OBS": 3},
        "discarded_records": None,
        "lag": None,
    }


def test_a_total_larger_than_the_list() -> None:
    answer = body("dis_list_03_total_number_larger_than_tasks")
    script = [[get(STREAM, answer)], [get(STREAM, answer, start_task_name="task_qTd9")]]
    result = talk("dis_transfer_task_info", script, stream_names=["s"], details=False)
    assert [without_age(task) for task in result["transfer_tasks"]] == [
        listed("task_qTd9", "OBS", 1552355757885, 1552458158527)
    ]
    assert result["streams"] == [{"stream_name": "s", "total_number": 2, "quota": None}]


# -- DIS, show


def partition(number: int, last: int, offset: int, **told: t.Any) -> Facts:
    return {
        "partition_id": f"shardId-{number:010}",
        "state": "RUNNING",
        "last_transfer_timestamp": last,
        "last_transfer_at": ISO[last],
        "last_transfer_offset": offset,
        "discard": 0,
        "hash_range": None,
        "sequence_number_range": None,
        "parent_partitions": None,
        "log_end_offset": None,
        "lag": None,
        **told,
    }


def shown(
    name: str, kind: str, created: int, last: int, destination: Facts, partitions: list[Facts] | None = None, **ids: str
) -> Facts:
    return {
        **listed(name, kind, created, last),
        "stream_id": ids.get("stream_id"),
        "task_id": ids.get("task_id"),
        "exception_strategy": ids.get("exception_strategy"),
        "destination": destination,
        "partitions": [partition(0, last, 289897)] if partitions is None else partitions,
        "discarded_records": 0,
    }


NEW = (1606554932552, 1606984428612)
NEW_IDS: dict[str, t.Any] = {"stream_id": "RdMFID6edQdf8eDzc9e", "task_id": "As805BudhcH1lDs6gbn"}
DLI = {
    "kind": "dli",
    "agency_name": "dis_admin_agency",
    "obs_bucket_path": "dis.test.not.delete",
    "deliver_time_interval": 300,
    "consumer_strategy": "LATEST",
}

SHOWN: dict[str, Facts] = {
    "dis_show_01_obs_otc_real_capture": shown(
        "test-dump-task",
        "OBS",
        1689377676849,
        1689377695587,
        {
            "kind": "obs",
            "agency_name": "dis_admin_agency",
            "consumer_strategy": "LATEST",
            "deliver_time_interval": 300,
            "destination_file_type": "text",
            "obs_bucket_path": "test-bucket-abcdef",
            "record_delimiter": "\n",
            "retry_duration": 0,
        },
        [partition(0, 1689377695587, 0), partition(1, 1689377695587, 0)],
        stream_id="bxdSOIEYPwJdSlAqq5z",
        task_id="lJ4Ts5ObPd2UOpcRj3K",
        exception_strategy="ignoreAndBackup",
    ),
    "dis_show_02_obs_old_doc_no_ids": shown(
        "feihang",
        "OBS",
        1534142793097,
        1534163694103,
        {
            "kind": "obs",
            "agency_name": "a",
            "file_prefix": "feihang",
            "partition_format": "",
            "obs_bucket_path": "0feihang",
            "deliver_time_interval": 30,
            "consumer_strategy": "LATEST",
            "destination_file_type": "text",
        },
        [partition(0, 1534163694103, 2139)],
    ),
    "dis_show_03_obs_python_sdk_console_capture": shown(
        "test_1",
        "OBS",
        1537949648144,
        1538018072564,
        {
            "kind": "obs",
            "obs_bucket_path": "002",
            "deliver_time_interval": 30,
            "retry_duration": 0,
            "agency_name": "all",
            "partition_format": "yyyy/MM/dd/HH/mm",
            "destination_file_type": "text",
            "record_delimiter": "|",
            "consumer_strategy": "LATEST",
            "file_prefix": "",
        },
        [partition(0, 1538018072564, 500), partition(1, 1538018072564, 500)],
    ),
    "dis_show_04_dli": shown(
        "task_Ztab",
        "DLI",
        1552457808502,
        1552458085454,
        {**DLI, "file_prefix": "dli"},
        [partition(0, 1552458085454, 56)],
        task_id="gGGu2WN88XbmRTm64nJ",
    ),
    "dis_show_05_type_obs_but_dli_descriptor": shown(
        "task_Ztab",
        "OBS",
        1552457808502,
        1552458085454,
        {**DLI, "file_prefix": "OBS"},
        [partition(0, 1552458085454, 56)],
        task_id="gGGu2WN88XbmRTm64nJ",
    ),
    "dis_show_06_obs_stray_quote_key_newline_delimiter": shown(
        "newtask",
        "OBS",
        *NEW,
        {
            "kind": "obs",
            "agency_name": "dis_admin_agency",
            "consumer_strategy": "LATEST",
            "deliver_time_interval": 60,
            "destination_file_type": "text",
            "file_prefix": "",
            "obs_bucket_path": "obsbucket",
            "partition_format": "yyyy/MM/dd",
            "record_delimiter": "\n",
            "retry_duration": 0,
        },
        **NEW_IDS,
    ),
    "dis_show_07_mrs": shown(
        "mrstask",
        "MRS",
        *NEW,
        {
            "kind": "mrs",
            "agency_name": "dis_admin_agency",
            "consumer_strategy": "LATEST",
            "deliver_time_interval": 30,
            "destination_file_type": "text",
            "mrs_cluster_name": "mrscluster",
            "mrs_cluster_id": "f8123fa6-99f1-4ed9-83f4-c827c7277d41",
            "mrs_hdfs_path": "/user",
            "hdfs_prefix_folder": "",
            "obs_bucket_path": "obsbucket",
            "file_prefix": "",
            "retry_duration": 1800,
        },
        **NEW_IDS,
    ),
    "dis_show_09_dws_doc_typo_key": shown(
        "dwstask",
        "DWS",
        *NEW,
        {
            "kind": "dws",
            "agency_name": "dis_admin_agency",
            "consumer_strategy": "LATEST",
            "deliver_time_interval": 60,
            "dws_cluster_name": "dwscluster",
            "dws_cluster_id": "f82dc227-3691-47eb-bca7-e7851f509b2a",
            "dws_database_name": "postgres",
            "dws_schema": "dbadmin",
            "dws_table_name": "dwstablename",
            "dws_delimiter": "",
            "dws_table_columns": "a,b,c",
            "user_name": "dbadmin",
            "user_password": MASKED,
            "kms_user_key_name": "kmskey",
            "kms_user_key_id": "1e759f06-9188-4d21-afab-a75e57c04d2b",
            "obs_bucket_path": "obsbucket",
            "file_prefix": "",
            "retry_duration": 1800,
            "options": {
                "fill_missing_fields": "false",
                "ignore_extra_data": "false",
                "compatible_illegal_chars": "false",
                "reject_limit": "0",
                "error_table_name": "err_t",
            },
        },
        **NEW_IDS,
    ),
    "dis_show_11_cloudtable_hbase_doc_typo_key": shown(
        "hbasetask",
        "CLOUDTABLE",
        *NEW,
        {
            "kind": "cloudtable",
            "agency_name": "dis_admin_agency",
            "consumer_strategy": "TRIM_HORIZON",
            "cloudtable_cluster_name": "cloudtablecluster",
            "cloudtable_cluster_id": "b8c095e2-db5f-4732-8a1d-eacd662e35dc",
            "cloudtable_table_name": "cloudtabletable",
            "cloudtable_row_key_delimiter": "|",
            "retry_duration": 1800,
            "obs_backup_bucket_path": "obsbackupbucket",
            "backup_file_prefix": "",
            "cloudtable_schema": {
                "row_key": [{"value": "datavalue", "type": "String"}],
                "columns": [
                    {"column_family_name": "cfname1", "column_name": "ID", "value": "datavalue1", "type": "String"},
                    {"column_family_name": "cfname2", "column_name": "VALUE", "value": "datavalue2", "type": "String"},
                ],
            },
        },
        **NEW_IDS,
    ),
    "dis_show_14_obs_parquet_processing_schema": shown(
        "task_DtDO",
        "OBS",
        *NEW,
        {
            "kind": "obs",
            "task_name": "task_DtDO",
            "consumer_strategy": "LATEST",
            "agency_name": "dis-global",
            "destination_file_type": "parquet",
            "obs_bucket_path": "111111111",
            "file_prefix": "0823",
            "partition_format": "yyyy/MM/dd/HH/mm",
            "record_delimiter": "|",
            "deliver_time_interval": 30,
            "processing_schema": {
                "timestamp_name": "date",
                "timestamp_type": "String",
                "timestamp_format": "yyyy/MM/dd HH:mm:ss",
            },
        },
        **NEW_IDS,
    ),
    "dis_show_15_obs_carbon_java_only_fields": shown(
        "task_DtDO",
        "OBS",
        *NEW,
        {
            "kind": "obs",
            "agency_name": "dis-global",
            "consumer_strategy": "LATEST",
            "deliver_data_type": "BLOB",
            "deliver_time_interval": 30,
            "destination_file_type": "CarbonData",
            "file_prefix": "0823",
            "obs_bucket_path": "111111111",
            "partition_format": "yyyy/MM/dd/HH/mm",
            "record_delimiter": "|",
            "retry_duration": 1800,
            "avro_schema": '{"type":"record"}',
            "carbon_properties": {"carbon.timestamp.format": "yyyy-MM-dd HH:mm:ss"},
        },
        **NEW_IDS,
    ),
    "dis_show_17_retry_duration_string_and_deliver_size": shown(
        "newtask",
        "OBS",
        *NEW,
        {
            "kind": "obs",
            "agency_name": "dis_admin_agency",
            "obs_bucket_path": "obsbucket",
            "file_prefix": "a/b",
            "partition_format": "",
            "deliver_time_interval": 900,
            "deliver_size_interval": 128,
            "consumer_strategy": "TRIM_HORIZON",
            "retry_duration": 1800,
            "destination_file_type": "csv",
            "record_delimiter": "NULL",
        },
        **NEW_IDS,
    ),
}


@pytest.mark.parametrize("name", SHOWN)
def test_one_transfer_task(name: str) -> None:
    expected = SHOWN[name]
    task_name = expected["task_name"]
    script = [
        [get(STREAM, {"total_number": 1, "tasks": [{"task_name": task_name}]})],
        [get(f"{STREAM}/{task_name}", body(name))],
    ]
    result = talk("dis_transfer_task_info", script, stream_name=["s"], task_name=task_name)
    assert result["failed"] is False
    assert [without_age(task) for task in result["transfer_tasks"]] == [expected]
    assert result["summary"]["healthy"] == 1
    assert "userpassword" not in str(result)


# -- DIS, streams


def test_the_list_of_streams() -> None:
    streams = get("streams", body("dis_streams_01_list"), limit=100)
    tasks = get("streams/newstream/transfer-tasks", {"total_number": 0, "tasks": []})
    result = talk("dis_transfer_task_info", [[streams], [tasks]])
    assert result["streams"] == [{"stream_name": "newstream", "total_number": 0, "quota": None}]
    assert result["transfer_tasks"] == result["not_found"] == []


def test_the_partitions_in_the_form_of_a_stream() -> None:
    """The documented form of a task's partitions is the one that a stream really has."""
    partitions = body("dis_streams_02_show")["partitions"]
    show = {"task_name": "t", "state": "RUNNING", "partitions": partitions}
    script = [[get(STREAM, {"total_number": 1, "tasks": [{"task_name": "t"}]})], [get(f"{STREAM}/t", show)]]
    result = talk("dis_transfer_task_info", script, stream_names=["s"])
    assert result["transfer_tasks"][0]["partitions"] == [
        {
            "partition_id": "shardId-0000000000",
            "state": "ACTIVE",
            "last_transfer_timestamp": None,
            "last_transfer_at": None,
            "last_transfer_offset": None,
            "discard": None,
            "hash_range": "[0 : 9223372036854775807]",
            "sequence_number_range": "[289911 : 289927]",
            "parent_partitions": None,
            "log_end_offset": None,
            "lag": None,
        }
    ]
    assert result["transfer_tasks"][0]["discarded_records"] is None
    assert result["transfer_tasks"][0]["problems"] == []


# -- DIS, logs


def row(start: int, end: int, size: int, records: int, **told: t.Any) -> Facts:
    return {
        "transfer_task_id": LOGGED,
        "task_name": None,
        "stream_name": None,
        "destination_type": "OBS",
        "state": None,
        "start_time": start,
        "started_at": ISO[start],
        "end_time": end,
        "ended_at": ISO[end],
        "duration_ms": 302790,
        "transfer_bytes": size,
        "transfer_records_num": records,
        "transform_records_num": None,
        "stream_id": "bxdSOIEYPwJdSlAqq5z",
        "project_id": "6332998f84ac4c13a83db055da33cb66",
        "transfer_file_name": f"{LOGGED}.test-dis.0.{start + 10}",
        "num": None,
        **told,
    }


FIRST_ROW = (1756539753280, 1756540056070, 30718683, 32943)


def test_a_log_as_the_tables_have_it() -> None:
    result = talk(
        "dis_transfer_task_log_info",
        [[log_page(LOGGED, body("dis_log_01_array_table_fields_only"))]],
        task_id=LOGGED,
    )
    assert result["logs"] == [
        row(*FIRST_ROW),
        row(1756539453280, 1756539756070, 30718684, 32944),
        row(1756539153280, 1756539456070, 30718685, 32945),
    ]
    assert result["tasks"] == [
        {
            "transfer_task_id": LOGGED,
            "task_name": None,
            "stream_name": None,
            "total_num": 3,
            "returned": 3,
            "truncated": False,
            "transfer_bytes": 92156052,
            "transfer_records_num": 98832,
            "first_started_at": "2025-08-30T07:32:33.280Z",
            "last_ended_at": "2025-08-30T07:47:36.070Z",
        }
    ]
    assert result["summary"] == {
        "total_num": 3,
        "returned": 3,
        "truncated": False,
        "transfer_bytes": 92156052,
        "transfer_records_num": 98832,
        "bytes_per_second": 102079.168,  # the intervals overlap: 902.79 s from the first start to the last end
        "records_per_second": 109.474,
    }


def test_a_log_of_a_single_object() -> None:
    result = talk("dis_transfer_task_log_info", [[log_page(LOGGED, body("dis_log_03_single_object"))]], task_ids=LOGGED)
    assert result["logs"] == [row(*FIRST_ROW, state=0, transform_records_num=0, num=0)]
    assert result["summary"]["bytes_per_second"] == 101452.105
    assert result["summary"]["records_per_second"] == 108.798
    assert result["summary"]["truncated"] is False


def test_an_empty_log() -> None:
    result = talk("dis_transfer_task_log_info", [[log_page(LOGGED, body("dis_log_04_empty"))]], task_ids=LOGGED)
    assert result["logs"] == result["not_found"] == []
    assert result["tasks"] == [
        {
            "transfer_task_id": LOGGED,
            "task_name": None,
            "stream_name": None,
            "total_num": 0,
            "returned": 0,
            "truncated": False,
            "transfer_bytes": 0,
            "transfer_records_num": 0,
            "first_started_at": None,
            "last_ended_at": None,
        }
    ]


def test_the_last_page_of_a_log() -> None:
    def page(first: int, count: int) -> Facts:
        rows = [
            {
                "transferTaskId": LOGGED,
                "startTime": 1756539753280 - number * 300000,
                "endTime": 1756540056070 - number * 300000,
                "transferBytes": 30718683 + number,
                "transferRecordsNum": 32943 + number,
                "transferFileName": f"{LOGGED}.test-dis.0.{1756539753290 - number * 300000}",
            }
            for number in range(first, first + count)
        ]
        return {"errorCode": -1, "totalNum": 25, "message": None, "transferTaskLogList": rows}

    script = [
        [log_page(LOGGED, page(0, 10), 1, 10)],
        [log_page(LOGGED, page(10, 10), 2, 10), log_page(LOGGED, body("dis_log_08_last_page"), 3, 10)],
    ]
    result = talk("dis_transfer_task_log_info", script, task_ids=LOGGED, page_size=10)
    assert [entry["transfer_bytes"] for entry in result["logs"]] == list(range(30718683, 30718708))
    assert result["logs"][20]["transfer_file_name"] == f"{LOGGED}.test-dis.0.1756533753290"
    assert result["logs"][24]["started_at"] == "2025-08-30T05:42:33.280Z"
    assert result["logs"][24]["state"] == 0
    assert (result["summary"]["total_num"], result["summary"]["truncated"]) == (25, False)


# -- DMS, sink tasks


def sink(task_id: str, name: str, created: int, status: str, topics: str | None, **told: t.Any) -> Facts:
    return {
        "instance_id": None,
        "instance_name": None,
        "connector_id": CONNECTOR,
        "task_id": task_id,
        "task_name": name,
        "destination_type": "OBS",
        "create_time": created,
        "created_at": ISO[created],
        "status": status,
        "topics": topics,
        "topic_names": [],
        "topics_regex": None,
        "destination": None,
        "topics_info": [],
        "lag": None,
        "problems": problems(f"connector {CONNECTOR}", name, "status", status),
        **told,
    }


def test_a_list_of_one_sink_task() -> None:
    script = [[get(SINKS, body("dms_sink_list_01_openapi"))], [get(f"{SINKS}/{SINK}", {}, topic_info="true")]]
    result = talk("dms_sink_task_info", script, connector_ids=CONNECTOR)
    assert [error["kind"] for error in result["errors"]] == ["protocol"]  # the details were no task's
    assert result["connectors"] == [
        {
            "connector_id": CONNECTOR,
            "instance_id": None,
            "instance_name": None,
            "total_number": 1,
            "max_tasks": 9,
            "quota_tasks": 10,
        }
    ]


def test_a_list_of_three_sink_tasks() -> None:
    ids = [f"{digit}e148bed-3038-4617-8ade-b52e84a33eeb" for digit in "234"]
    details = [get(f"{SINKS}/{one}", {"topics": None, "task_name": None}, topic_info="false") for one in ids]
    script = [[get(SINKS, body("dms_sink_list_02_three"))], details]
    result = talk("dms_sink_task_info", script, connector_ids=[CONNECTOR], topic_info=False)
    assert result["sink_tasks"] == [
        sink(ids[0], "a", 1592309487621, "RUNNING", "t1,t2", topic_names=["t1", "t2"]),
        sink(ids[1], "a", 1592309487622, "CREATING", "t.*", topics_regex="t.*"),
        sink(ids[2], "c", 1592309487623, "PAUSED", None),
    ]
    assert result["summary"] == {
        "total": 3,
        "healthy": 1,
        "by_status": {"CREATING": 1, "PAUSED": 1, "RUNNING": 1},
        "lag": None,
    }


OBS = {
    "kind": "obs",
    "destination_file_type": "TEXT",
    "obs_bucket_name": "testobs",
    "obs_path": "obsTransfer-56997523",
    "partition_format": "yyyy/MM/dd/HH/mm",
    "record_delimiter": "\n",
    "deliver_time_interval": 300,
    "obs_part_size": 5242880,
}


def test_a_sink_task_with_its_topics() -> None:
    script = [
        [get(SINKS, {"tasks": [{"task_id": SINK}], "total_number": 1})],
        [get(f"{SINKS}/{SINK}", body("dms_sink_show_01_openapi"), topic_info="true")],
    ]
    result = talk("dms_sink_task_info", script, connector_ids=CONNECTOR)
    partitions = [
        {"partition_id": number, "status": "RUNNING", "last_transfer_offset": 3, "log_end_offset": 3, "lag": 0}
        for number in (0, 1, 2)  # the answer has them the other way round
    ]
    assert result["sink_tasks"] == [
        sink(
            SINK,
            "obsTransfer-56997523",
            1628126621283,
            "RUNNING",
            "topic-sdk-no-delete",
            topic_names=["topic-sdk-no-delete"],
            destination={**OBS, "consumer_strategy": "earliest"},
            topics_info=[{"topic": "topic-sdk-no-delete", "lag": 0, "partitions": partitions}],
            lag=0,
        )
    ]
    assert result["summary"] == {"total": 1, "healthy": 1, "by_status": {"RUNNING": 1}, "lag": 0}


def test_a_sink_task_without_its_topics() -> None:
    script = [
        [get(SINKS, {"tasks": [{"task_id": SINK}], "total_number": 1})],
        [get(f"{SINKS}/{SINK}", body("dms_sink_show_02_topic_info_false"), topic_info="false")],
    ]
    result = talk("dms_sink_task_info", script, connector_ids=CONNECTOR, topic_info=False)
    assert result["sink_tasks"] == [
        sink(
            SINK,
            "obsTransfer-56997523",
            1628126621283,
            "RUNNING",
            "topic-a,topic-b",
            topic_names=["topic-a", "topic-b"],
            destination={**OBS, "consumer_strategy": "latest"},
        )
    ]


def test_an_instance_with_its_connector() -> None:
    script = [
        [get(f"instances/{INSTANCE}", body("dms_instance_show_01_connector_on"))],
        [get(SINKS, {"tasks": [], "total_number": 0, "max_tasks": 9, "quota_tasks": 10})],
    ]
    result = talk("dms_sink_task_info", script, instance_id=INSTANCE)
    assert result["connectors"] == [
        {
            "connector_id": CONNECTOR,
            "instance_id": INSTANCE,
            "instance_name": "kafka-2085975099",
            "total_number": 0,
            "max_tasks": 9,
            "quota_tasks": 10,
        }
    ]
    assert (result["sink_tasks"], result["not_found"], result["summary"]["lag"]) == ([], [], 0)


# -- DMS, Smart Connect tasks

REPLICATOR = {
    "current_cluster_name": "A",
    "cluster_name": "B",
    "direction": "pull",
    "bootstrap_servers": "192.168.45.58:9092,192.168.44.1:9092,192.168.41.230:9092,192.168.43.112:9092",
    "instance_id": "59f6d088-****-****-****-********",
    "consumer_strategy": "earliest",
    "sync_consumer_offsets_enabled": False,
    "rename_topic_enabled": False,
    "provenance_header_enabled": False,
    "security_protocol": "PLAINTEXT",
    "sasl_mechanism": "PLAIN",
    "user_name": "",
    "topics_mapping": "",
    "compression_type": "none",
    "task_num": 2,
    "replication_factor": 3,
}
OBS_SINK = {
    "consumer_strategy": "earliest",
    "destination_file_type": "TEXT",
    "obs_bucket_name": "abcabc",
    "obs_path": "obsTransfer-1810125534",
    "partition_format": "yyyy/MM/dd/HH/mm",
    "record_delimiter": "\\n",
    "deliver_time_interval": 300,
    "obs_part_size": 5242880,
    "flush_size": 1000000,
    "timezone": "Asia/Chongqing",
    "schema_generator_class": "io.confluent.connect.storage.hive.schema.DefaultSchemaGenerator",
    "partitioner_class": "io.confluent.connect.storage.partitioner.TimeBasedPartitioner",
    "value_converter": "org.apache.kafka.connect.converters.ByteArrayConverter",
    "key_converter": "org.apache.kafka.connect.converters.ByteArrayConverter",
    "store_keys": False,
    "kv_delimiter": ":",
}
REDIS_SOURCE = {
    "redis_address": "192.168.91.179:6379",
    "redis_type": "standalone",
    "dcs_instance_id": "949190a2-598a-4afd-99a8-dad3cae1e7cd",
    "full_sync_wait_ms": 13000,
    "full_sync_max_retry": 4,
    "ratelimit": -1,
}
REDIS_SINK = {
    "redis_address": "192.168.119.51:6379",
    "redis_type": "standalone",
    "dcs_instance_id": "9b981368-a8e3-416a-87d9-1581a968b41b",
    "target_db": -1,
}


def smart(task_id: str, name: str, created: int, **told: t.Any) -> Facts:
    return {
        "instance_id": INSTANCE,
        "instance_name": "kafka-2085975099",
        "task_id": task_id,
        "task_name": name,
        "topics": None,
        "topic_names": [],
        "topics_regex": None,
        "source_type": "NONE",
        "source_task": None,
        "sink_type": "NONE",
        "sink_task": None,
        "status": "RUNNING",
        "create_time": created,
        "created_at": ISO[created],
        "problems": [],
        **told,
    }


SMART_LIST = [
    smart(
        "3c0ac4d1-****-****-****-********",
        "smart-connect-1",
        1708565483911,
        topics_regex="topic-obs*",
        sink_type="OBS_SINK",
        sink_task=OBS_SINK,
    ),
    smart(
        "8a205bbd-****-****-****-********",
        "smart-connect-121248117",
        1708427753133,
        topics="topic-sc",
        topic_names=["topic-sc"],
        source_type="REDIS_REPLICATOR_SOURCE",
        source_task={**REDIS_SOURCE, "sync_mode": "RDB_ONLY"},
        sink_type="REDIS_REPLICATOR_SINK",
        sink_task=REDIS_SINK,
    ),
    smart(
        "194917d0-****-****-****-********",
        "smart-connect-1571576841",
        1708427753133,
        topics="topic-1643449744",
        topic_names=["topic-1643449744"],
        source_type="KAFKA_REPLICATOR_SOURCE",
        source_task=REPLICATOR,
    ),
]
INSTANCE_SHOWN = get(f"instances/{INSTANCE}", body("dms_instance_show_01_connector_on"))


@pytest.mark.parametrize(
    ("name", "tasks", "total", "quota"),
    [
        ("dms_smartconnect_list_01_otc", SMART_LIST, 3, 18),
        ("dms_smartconnect_list_02_openapi", [SMART_LIST[0], SMART_LIST[2]], 2, 18),
    ],
)
def test_a_list_of_smart_connect_tasks(name: str, tasks: list[Facts], total: int, quota: int) -> None:
    script = [[INSTANCE_SHOWN], [get(SMART, body(name), limit=50, offset=0)]]
    result = talk("dms_smart_connect_task_info", script, instance_id=INSTANCE, details=False)
    assert result["smart_connect_tasks"] == tasks
    assert result["instances"] == [
        {
            "instance_id": INSTANCE,
            "instance_name": "kafka-2085975099",
            "total_number": total,
            "max_tasks": 18,
            "quota_tasks": quota,
        }
    ]
    assert result["summary"]["total"] == result["summary"]["healthy"] == total


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "dms_smartconnect_show_01_redis",
            smart(
                "x",
                "smart-connect-121248117",
                1708427753133,
                topics="topic-sc",
                topic_names=["topic-sc"],
                source_type="REDIS_REPLICATOR_SOURCE",
                source_task={**REDIS_SOURCE, "sync_mode": "RDB_ONLY,"},
                sink_type="REDIS_REPLICATOR_SINK",
                sink_task=REDIS_SINK,
            ),
        ),
        (
            "dms_smartconnect_show_02_replicator",
            smart(
                "x",
                "smart-connect-121248117",
                1708427753133,
                topics="topic-1643449744",
                topic_names=["topic-1643449744"],
                source_type="KAFKA_REPLICATOR_SOURCE",
                source_task=REPLICATOR,
            ),
        ),
    ],
)
def test_one_smart_connect_task(name: str, expected: Facts) -> None:
    script = [
        [INSTANCE_SHOWN],
        [get(SMART, {"tasks": [{"id": "x"}], "total_number": 1}, limit=50, offset=0)],
        [get(f"{SMART}/x", body(name))],
    ]
    result = talk("dms_smart_connect_task_info", script, instance_id=INSTANCE)
    assert result["smart_connect_tasks"] == [expected]


# -- errors

Refusal = t.Tuple[str, t.Optional[str], t.Optional[str]]  # kind, error_code, what error_msg contains

REFUSALS: dict[str, Refusal] = {
    "err_302_redirect": ("protocol", None, "redirect"),
    "err_apig_0301_ak_locked": ("authentication", "APIG.0301", "AK access failed to reach the limit"),
    "err_apig_0301_decrypt_token": ("authentication", "APIG.0301", "decrypt token fail"),
    "err_apig_0308_throttled_429": ("throttled", "APIG.0308", "policy ip over ratelimit,limit:5,time:1 minute"),
    "err_apigw_0201_backend_502": ("server", "APIGW.0201", "Backend unavailable."),
    "err_apigw_0301_ak_not_exist": ("authentication", "APIGW.0301", "not exist"),
    "err_apigw_0301_signature_with_canonical_request": (
        "authentication",
        "APIGW.0301",
        "verify aksk signature fail,canonicalRequest removed",
    ),
    "err_apigw_0307_token_other_region": ("authentication", "APIGW.0307", "The token must be updated."),
    "err_apigw_0308_throttled_429": ("throttled", "APIGW.0308", "policy api over ratelimit"),
    "err_dis_4114_bad_token_441": ("authentication", "DIS.4114", "Invalid Token header."),
    "err_dis_4224_sequence_out_of_range": ("invalid_request", "DIS.4224", "[5280][ should be within ][0][ ][617]"),
    "err_dis_4300_timestamp_expired": ("invalid_request", "DIS.4300", "timestamp is expired"),
    "err_dis_4309_ip_blacklisted": ("throttled", "DIS.4309", "Too many request failures."),
    "err_dis_4319_partition_expired": ("invalid_request", "DIS.4319", "Partition is expired."),
    "err_dis_5000": ("server", "DIS.5000", "System error."),
    "err_dis_doc_generic_shape": ("invalid_request", "AS.0001", "The format of message is error"),
    "err_html_502": ("server", None, "HTML"),
}
DMS_REFUSALS: dict[str, Refusal] = {
    "err_dms_00400026_instance_status": ("invalid_request", "DMS.00400026", "due to the instance status"),
    "err_dms_00400070_bad_task_id": ("invalid_request", "DMS.00400070", "Invalid task ID format."),
    "err_dms_00403003_role_403": ("authorization", "DMS.00403003", "does not have the permissions"),
    "err_dms_10240101_token_401": ("authentication", "DMS.10240101", "Invalid token."),
    "err_dms_40050010_offset": ("invalid_request", "DMS.40050010", "Offset parameter is invalid."),
}


def refused(exchange: Exchange, name: str) -> Exchange:
    """The exchange, answered by an error case."""
    told = case(name)
    return exchange._replace(answer=told["body"], status=told["_status"], headers=told.get("_headers", {}))


def check_refusal(result: Facts, name: str, refusal: Refusal, service: str, method: str, path: str) -> None:
    (error,) = result["errors"]
    kind, code, words = refusal
    assert (error["kind"], error["error_code"], error["http_status"]) == (kind, code, case(name)["_status"])
    assert words is None or words in error["error_msg"]
    assert (error["service"], error["method"], error["path"], error["attempts"]) == (service, method, path, 1)
    sent = case(name)["body"]
    assert error["request_id"] == (sent.get("request_id") if isinstance(sent, dict) else None)
    assert "Signature=***" not in str(result)


@pytest.mark.parametrize("name", REFUSALS)
@no_time_to_wait()
def test_a_refusal_by_dis(name: str) -> None:
    result = talk("dis_transfer_task_info", [[refused(get(STREAM, None), name)]], stream_names="s")
    check_refusal(result, name, REFUSALS[name], "dis", "GET", f"/v2/{PROJECT}/{STREAM}")
    assert result["transfer_tasks"] == result["not_found"] == result["streams"] == []
    result = talk("dis_transfer_task_log_info", [[refused(log_page(LOGGED, None), name)]], task_ids=[LOGGED])
    check_refusal(result, name, REFUSALS[name], "dis", "POST", f"/v1/transfertasklog/{LOGGED}")
    assert result["logs"] == result["not_found"] == result["tasks"] == []


@pytest.mark.parametrize("name", [*DMS_REFUSALS, *(name for name in REFUSALS if "_dis_" not in name)])
@no_time_to_wait()
def test_a_refusal_by_dms(name: str) -> None:
    refusal = {**REFUSALS, **DMS_REFUSALS}[name]
    result = talk("dms_sink_task_info", [[refused(get(SINKS, None), name)]], connector_ids=[CONNECTOR])
    check_refusal(result, name, refusal, "dms", "GET", f"/v2/{PROJECT}/{SINKS}")
    assert result["sink_tasks"] == result["not_found"] == result["connectors"] == []
    script = [[INSTANCE_SHOWN], [refused(get(SMART, None, limit=50, offset=0), name)]]
    result = talk("dms_smart_connect_task_info", script, instance_ids=[INSTANCE])
    check_refusal(result, name, refusal, "dms", "GET", f"/v2/{PROJECT}/{SMART}")
    assert result["smart_connect_tasks"] == result["not_found"] == result["instances"] == []


@pytest.mark.parametrize("name", ["err_dis_4301_stream_missing_doc", "err_dis_4301_stream_missing_java"])
def test_an_absent_stream(name: str) -> None:
    result = talk("dis_transfer_task_info", [[refused(get(STREAM, None), name)]], stream_names="s")
    assert result["failed"] is False
    assert result["not_found"] == [{"stream_name": "s", "task_name": None}]
    assert result["streams"] == []


def test_an_absent_instance() -> None:
    exchange = refused(get(f"instances/{INSTANCE}", None), "err_dms_00404022_instance_missing")
    absent = {"instance_id": INSTANCE, "instance_name": None, "task_id": None, "task_name": None}
    result = talk("dms_smart_connect_task_info", [[exchange]], instance_ids=INSTANCE)
    assert (result["failed"], result["not_found"]) == (False, [absent])
    result = talk("dms_sink_task_info", [[exchange]], instance_ids=INSTANCE)
    assert result["not_found"] == [{**absent, "connector_id": None}]


def test_an_absent_connector() -> None:
    exchange = refused(get(SINKS, None), "err_dms_00404024_connector_missing")
    result = talk("dms_sink_task_info", [[exchange]], connector_ids=CONNECTOR)
    assert (result["failed"], result["connectors"]) == (False, [])
    assert result["not_found"] == [
        {"instance_id": None, "instance_name": None, "connector_id": CONNECTOR, "task_id": None, "task_name": None}
    ]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("err_iam_401_password", "The username or password is wrong."),
        ("err_iam_401_unauthorized", "Unauthorized."),
    ],
)
def test_a_refusal_by_iam(name: str, words: str) -> None:
    exchange = refused(get("", None)._replace(path="/v3/projects", query={"name": "example-1"}), name)
    result = talk("dis_transfer_task_info", [[exchange]], stream_names="s", project_id=None)
    (error,) = result["errors"]
    assert (error["kind"], error["service"], error["error_code"]) == ("authentication", "iam", "401")
    assert words in error["error_msg"]


def test_no_case_is_left_out() -> None:
    tested = pathlib.Path(__file__).read_text(encoding="utf-8")
    assert [path.stem for path in CASES.glob("*.json") if f'"{path.stem}"' not in tested] == []
    assert len(list(CASES.glob("*.json"))) > 50
