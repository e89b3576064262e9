# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible as a user runs it: whole plays, single tasks of a play, and a module's own process, timed from outside."""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

import ansible.modules
from emulation import PROJECT, TOKEN

HERE = Path(__file__).resolve().parent
WORK = Path(os.environ["BENCH_WORK"])
WORK.mkdir(parents=True, exist_ok=True)
BINS = Path(sys.executable).parent
TASKS = "hwcloud.streaming.dis_transfer_task_info"
LOGS = "hwcloud.streaming.dis_transfer_task_log_info"
SINKS = "hwcloud.streaming.dms_sink_task_info"
CONNECTS = "hwcloud.streaming.dms_smart_connect_task_info"


class Process(NamedTuple):
    """What a process took: seconds of the clock and of the processors, its peak memory in MiB, what it printed."""

    seconds: float
    cpu: float
    memory: float
    output: bytes


def connection(url: str, **options: Any) -> dict[str, Any]:
    """The options of one of our modules that every call needs, and more."""
    return {
        "region": "eu-west-101",
        "project_id": PROJECT,
        "auth_token": TOKEN,
        "dis_endpoint": url,
        "dms_endpoint": url,
        **options,
    }


def names(count: int) -> list[str]:
    """The names of so many streams of the world."""
    return [f"stream-{number:04d}" for number in range(1, count + 1)]


def uri(path: str, **options: Any) -> dict[str, Any]:
    """A task of ansible.builtin.uri that asks the service as our module does."""
    return {"ansible.builtin.uri": {"url": path, "headers": {"X-Auth-Token": TOKEN}, "return_content": True, **options}}


def run(command: list[str | Path], environment: dict[str, str] | None = None) -> Process:
    """Run a command to its end; raises RuntimeError if it fails."""
    start = time.perf_counter()
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=os.environ | (environment or {}), cwd=WORK
    )
    assert process.stdout is not None
    output = process.stdout.read()
    _pid, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{command[0]} failed: {output.decode(errors='replace')[-2000:]}")
    return Process(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, output)


_ENVIRONMENT = {
    "ANSIBLE_LOCALHOST_WARNING": "False",
    "ANSIBLE_INVENTORY_UNPARSED_WARNING": "False",
    "ANSIBLE_CALLBACK_PLUGINS": str(HERE / "callback"),
    "ANSIBLE_RETRY_FILES_ENABLED": "False",
}


def play(tasks: list[dict[str, Any]]) -> Process:
    """Run a play of these tasks on this host as a command."""
    return _play(tasks, {})


def task_seconds(tasks: list[dict[str, Any]]) -> list[float]:
    """Run a play of these tasks; return how long each took, from its beginning to that of the next one."""
    times = WORK / "seconds.jsonl"
    _play(tasks, {"BENCH_SECONDS": str(times), "ANSIBLE_CALLBACKS_ENABLED": "task_seconds"})
    marks = [json.loads(line) for line in times.read_text().splitlines()]
    if len(marks) != len(tasks) + 1 or marks[-1][0] != "end":
        raise RuntimeError(f"the play ended early: {marks[-1][0]}")
    return [after[1] - before[1] for before, after in zip(marks, marks[1:])]


def _play(tasks: list[dict[str, Any]], environment: dict[str, str]) -> Process:
    path = WORK / "play.json"  # JSON is YAML
    path.write_text(json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]))
    return run([BINS / "ansible-playbook", path], _ENVIRONMENT | environment)


def module_file(name: str, options: dict[str, Any]) -> Path:
    """Return what Ansible sends to a host to run this module with these options: a Python program with all in it."""
    folder = WORK / "remote"
    shutil.rmtree(folder, ignore_errors=True)
    if name == "ansible.builtin.uri":
        # Its action plugin removes what was sent; the same module under a name that has none leaves it there.
        name = "hwcloud.streaming.uri"
        root = Path(os.environ["ANSIBLE_COLLECTIONS_PATH"]) / "ansible_collections" / "hwcloud" / "streaming"
        shutil.copy(Path(ansible.modules.__path__[0]) / "uri.py", root / "plugins" / "modules" / "uri.py")
    keep = {"ANSIBLE_KEEP_REMOTE_FILES": "1", "ANSIBLE_REMOTE_TMP": str(folder)}
    _play([{name: options}], keep)
    sent = next(folder.rglob("AnsiballZ_*.py"))
    kept = WORK / f"{name}-{time.monotonic_ns()}.py"
    shutil.move(sent, kept)
    return kept


def direct_process(name: str, options: dict[str, Any]) -> tuple[Process, dict[str, Any]]:
    """Run a module in a process of its own without Ansible around it; returns also its result."""
    arguments = WORK / "arguments.json"
    arguments.write_text(json.dumps({"ANSIBLE_MODULE_ARGS": options}))
    namespace, collection, module = name.split(".")
    program = f"ansible_collections.{namespace}.{collection}.plugins.modules.{module}"
    path = {"PYTHONPATH": os.environ["ANSIBLE_COLLECTIONS_PATH"]}
    process = run([sys.executable, "-m", program, arguments], path)
    return process, json.loads(process.output)


def median(values: list[float]) -> float:
    """The middle of some measurements."""
    return statistics.median(values)
