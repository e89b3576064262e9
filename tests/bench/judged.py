# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What judging costs on the control node: the filters table and problems over more and more tasks, in one process."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from commands import WORK, median
from scenes import Plan

SIZES = (100, 1000, 2000, 10_000)
ROUNDS = 3
# Every seventh task is paused, every twentieth late; each has three partitions and a log entry.
PROGRAM = """
import json, sys, time
from ansible_collections.hwcloud.streaming.plugins.filter.problems import problems
from ansible_collections.hwcloud.streaming.plugins.filter.table import table

NOW = 1767323045678
LIMITS = {"max_age": "15m", "max_discarded": 0, "now": NOW}

def task(number):
    partitions = [{"partition_id": f"shardId-{one}", "state": "RUNNING", "discard": 0} for one in range(3)]
    return {
        "stream_name": f"stream-{number}", "task_name": f"stream-{number}-to-obs", "task_id": f"id-{number}",
        "state": "PAUSED" if number % 7 == 0 else "RUNNING", "create_time": 1, "partitions": partitions,
        "last_transfer_timestamp": NOW - 48_000 * (number % 20), "discarded_records": 0, "lag_asked": False, "lag": None,
    }

found = []
for size in json.loads(sys.argv[1]):
    tasks = {"changed": False, "transfer_tasks": [task(number) for number in range(size)], "not_found": []}
    ended = "2026-01-02T03:03:05Z"
    logs = {"logs": [], "tasks": [{"transfer_task_id": f"id-{one}", "last_ended_at": ended} for one in range(size)]}
    times = {"tasks": size}
    for name, work in (
        ("table", lambda: table(tasks, logs=logs, **LIMITS)),
        ("problems", lambda: problems(tasks, **LIMITS)),
    ):
        taken = []
        for _round in range(int(sys.argv[2])):
            began = time.process_time()
            work()
            taken.append(time.process_time() - began)
        times[name] = taken
    found.append(times)
print(json.dumps(found))
"""


def judged(plan: Plan) -> list[dict[str, Any]]:
    """I: seconds for the table, with logs, and for the sentences; the same sizes in every plan."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, json.dumps(SIZES), str(ROUNDS)],
        env={"PYTHONPATH": str(WORK / "collections")},
        capture_output=True,
        text=True,
        check=True,
    )
    return [
        {"tasks": times["tasks"], **{name: median(times[name]) for name in ("table", "problems")}}
        for times in json.loads(done.stdout)
    ]
