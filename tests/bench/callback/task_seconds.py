# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Callback plugin of the benchmark: when each task began, as JSON lines of its name and the monotonic time in seconds."""

from __future__ import annotations

import json
import os
import time
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: task_seconds
short_description: When each task began
description: Writes a JSON line for each task that begins, and one for the end, to the file named by BENCH_SECONDS.
type: aggregate
"""


class CallbackModule(CallbackBase):  # type: ignore[misc]  # ansible-core has no stubs
    """Writes down when tasks begin."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "task_seconds"

    def __init__(self) -> None:
        super().__init__()
        self._file = open(os.environ["BENCH_SECONDS"], "w")  # noqa: SIM115  # open as long as the play runs

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        self._write(task.get_name())

    def v2_playbook_on_stats(self, stats: Any) -> None:
        failed = [host for host in stats.processed if stats.failures.get(host) or stats.dark.get(host)]
        self._write("failed" if failed else "end")
        self._file.close()

    def _write(self, name: str) -> None:
        self._file.write(json.dumps([name, time.monotonic()]) + "\n")
