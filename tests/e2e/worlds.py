# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The worlds in which the examples run, and the calls whose results are walked against RETURN."""

from __future__ import annotations

from typing import Any

KEYS = {"access_key": "AKEXAMPLE0000000000X", "secret_key": "SKExample0000000000000000000000000000000"}
CONNECTOR = "2e148bed-0000-4617-8ade-b52e84a33eeb"
PROJECT = "0123456789abcdef0123456789abcdef"
FUTURE = {"future_field": "of tomorrow"}
REGEX_SINK = {
    "name": "all-to-obs",
    "topics": "orders-.*",
    "topics_info": [],
    "destination": {"topics_regex": "orders-.*"},
}
# What the examples name, all of it well; everything that the services can tell is told somewhere.
WELL: dict[str, Any] = {
    "region": "eu-west-101",
    "credentials": {"access_keys": [KEYS], "tokens": [{"token": "ExampleToken"}]},
    "streams": [
        {
            "name": "orders",
            "quota": 5,
            "partitions": 2,
            "tasks": [
                {
                    "name": "orders-to-obs",
                    "id": "As805BudhcH1lDs6gbn",
                    "exception_strategy": "ignoreAndBackup",
                    "logs": {"count": 20, "bytes": 1000, "records": 10},
                    "extra": FUTURE,
                },
                {"name": "orders-to-dli", "destination_type": "DLI", "logs": {"count": 5}},
            ],
        },
        {"name": "clicks", "tasks": [{"name": "clicks-to-obs", "logs": {"count": 3}}]},
    ],
    "instances": [
        {
            "name": "kafka-orders",
            "connector": {
                "id": CONNECTOR,
                "sink_tasks": [
                    {
                        "name": "orders-to-obs",
                        "topics": ["orders"],
                        "topics_info": [
                            {
                                "topic": "orders",
                                "partitions": [{"id": 0, "last_transfer_offset": 7, "log_end_offset": 7}],
                            }
                        ],
                        "extra": FUTURE,
                    },
                    REGEX_SINK,
                ],
            },
        },
        {
            "name": "kafka-clicks",
            "smart_connect": {
                "tasks": [
                    {
                        "name": "clicks-to-obs",
                        "topics": "clicks",
                        "sink_type": "OBS_SINK",
                        "sink_task": {"obs_path": "a"},
                    },
                    {
                        "name": "mirror",
                        "topics_regex": "orders-.*",
                        "source_type": "KAFKA_REPLICATOR_SOURCE",
                        "source_task": {"task_num": 2},
                        "extra": FUTURE,
                    },
                ]
            },
        },
        {"name": "kafka-idle"},
    ],
}
# The same with what is rarer: tasks that are missing or not well, partitions in the documented form.
ILL: dict[str, Any] = {
    **WELL,
    "options": {"partition_schema": "documented"},
    "streams": [{"name": "orders", "partitions": 2, "tasks": [{"name": "orders-to-obs", "state": "PAUSED"}]}],
    "instances": [
        {
            "name": "kafka-orders",
            "connector": {"id": CONNECTOR, "sink_tasks": [{"name": "another", "topics": ["a"], "topics_info": []}]},
        },
        {
            "name": "kafka-paused",
            "connector": {"sink_tasks": [{"name": "sink", "status": "PAUSED", "topics": ["a"], "topics_info": []}]},
            "smart_connect": {"tasks": [{"name": "smart", "status": "PAUSED", "topics": "a"}]},
        },
    ],
    "faults": [
        {"route": "streams/broken/", "action": "forbidden_403", "times": None},
        {"route": "name=broken", "action": "dms_forbidden_403", "times": None},
    ],
}
# Services that tell as little as they can.
SPARSE: dict[str, Any] = {
    "region": "eu-west-101",
    "projects": {"eu-west-101": PROJECT},
    "credentials": WELL["credentials"],
    "streams": [
        {
            "name": "bare",
            "tasks": [{"name": "bare", "raw": {"show": {"body": {"task_name": "bare", "partitions": [{}]}}}}],
            "raw": {"tasks": {"body": {"tasks": [{"task_name": "bare"}]}}},
        }
    ],
    "instances": [
        {"name": "old", "omit": ["name"], "connector": {"raw": {"tasks": {"body": {"tasks": [{"task_id": "bare"}]}}}}},
        {
            "name": "new",
            "omit": ["name"],
            "smart_connect": {"raw": {"tasks": {"body": {"tasks": [{"id": "bare"}]}}}},
        },
    ],
    "raw": [
        {"route": "transfertasklog", "body": {"transferTaskLogList": [{}]}},
        {"route": "sink-tasks/bare", "body": {"task_name": None, "topics_info": [{"partitions": [{}]}]}},
        {"route": "connector/tasks/bare", "body": {"id": "bare"}},
    ],
}
# What each module is asked in a world where all is well.
CALLS: dict[str, list[dict[str, Any]]] = {
    "dis_transfer_task_info": [
        {},
        {"details": False},
        {"lag": True},
        {"stream_names": ["orders", "gone"]},
        {"task_names": "gone"},
    ],
    "dis_transfer_task_log_info": [
        {"stream_names": ["orders", "gone"]},
        {"task_ids": "gone"},
        {"stream_names": "orders", "task_names": "gone"},
        {"stream_names": []},
    ],
    "dms_sink_task_info": [
        {},
        {"topic_info": False},
        {"connector_ids": ["gone", CONNECTOR]},
        {"instance_names": ["kafka-idle", "gone"]},
        {"task_names": "gone", "instance_names": "kafka-orders"},
        {"task_ids": "gone", "instance_names": "kafka-orders"},
        {"instance_ids": "gone"},
    ],
    "dms_smart_connect_task_info": [
        {},
        {"details": False},
        {"instance_ids": "gone"},
        {"instance_names": "kafka-clicks", "task_ids": "gone"},
        {"instance_names": "kafka-idle"},
        {"task_names": "gone"},
        {"instance_names": "gone"},
    ],
}
# What it is asked where services tell little.
BARE: dict[str, dict[str, Any]] = {
    "dis_transfer_task_info": {},
    "dis_transfer_task_log_info": {"task_ids": "bare"},
    "dms_sink_task_info": {},
    "dms_smart_connect_task_info": {},
}
# What fails in part where not all is well.
FAILING: dict[str, dict[str, Any]] = {
    "dis_transfer_task_info": {"stream_names": ["orders", "broken"]},
    "dis_transfer_task_log_info": {"stream_names": ["orders", "broken"]},
    "dms_sink_task_info": {"instance_names": ["kafka-orders", "broken"]},
    "dms_smart_connect_task_info": {"instance_names": ["kafka-orders", "broken"]},
}
