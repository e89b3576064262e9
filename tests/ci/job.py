# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One step of the checks while it runs: its log, its commands, its result; and lanes of steps that run side by side."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import threading
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import workspace

# Longer than any step needs on a slow machine: a command that hangs must not hang the run.
COMMAND_TIMEOUT = 1200
TAIL_LINES = 50


class StepFailed(Exception):
    """The step found what it looks for, or could not look; the message says which."""


@dataclass
class Job:
    """What a step works with. `facts` go into its line of the report, `not_run` into the block at the end."""

    name: str
    facts: list[str] = field(default_factory=list)
    not_run: list[str] = field(default_factory=list)

    @property
    def log(self) -> Path:
        return workspace.LOGS / f"{re.sub(r'[^a-zA-Z0-9.]+', '-', self.name)}.log"

    def write(self, text: str) -> None:
        with self.log.open("a") as log:
            log.write(text if text.endswith("\n") else f"{text}\n")

    def run(
        self,
        command: workspace.Command,
        *,
        cwd: Path,
        environment: Mapping[str, str],
        accepted: Sequence[int] = (0,),
    ) -> str:
        """Run a command, its output (both streams) into the log; returns the output, fails on any other return code."""
        self.require(not _stopping.is_set(), "stopped")
        self.write(f"\n$ cd {cwd}\n$ {' '.join(map(str, command))}")
        start = self.log.stat().st_size
        with self.log.open("a") as log:
            process = subprocess.Popen(
                command,
                cwd=cwd,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            _running.add(process)
            try:
                code = process.wait(COMMAND_TIMEOUT)
            except subprocess.TimeoutExpired:
                raise StepFailed(f"{Path(command[0]).name} did not end within {COMMAND_TIMEOUT} s") from None
            else:
                left = _still_running(process.pid)
            finally:
                _end(process)
        with self.log.open("rb") as log:
            log.seek(start)
            output = log.read().decode(errors="replace")
        if code not in accepted:
            raise StepFailed(f"{Path(command[0]).name} ended with {code}")
        self.require(not left, f"{Path(command[0]).name} left processes running")
        return output

    def refuse(self, pattern: str, output: str, why: str) -> None:
        """Fail when a line of the output matches: for commands that complain and yet end with 0."""
        found = [line for line in output.splitlines() if re.search(pattern, line)]
        if found:
            raise StepFailed(f"{why}: {'; '.join(found[:5])}")

    def require(self, condition: bool, otherwise: str) -> None:
        if not condition:
            raise StepFailed(otherwise)


@dataclass(frozen=True)
class Step:
    """One line of the report."""

    name: str
    run: Callable[[Job], None]


@dataclass(frozen=True)
class Lane:
    """Steps that share a folder or build on each other, one after the other."""

    name: str
    steps: Sequence[Step]


@dataclass(frozen=True)
class Result:
    name: str
    passed: bool
    seconds: float
    said: str
    not_run: Sequence[str]

    def line(self, width: int = 1000) -> str:
        said = self.said.partition("\n")[0][:width]
        return f"{'ok    ' if self.passed else 'FAILED'} {self.seconds:6.1f} s  {self.name:<42} {said}".rstrip()


_running: set[subprocess.Popen[bytes]] = set()
_print_lock = threading.Lock()
_stopping = threading.Event()


def _still_running(group: int, patience: float = 3.0) -> bool:
    """True when processes of a group outlive their leader; they get a moment to go."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return False
        time.sleep(0.05)
    return True


def _end(process: subprocess.Popen[bytes]) -> None:
    """Leave nothing of a command running: its children too, which are in its process group."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    _running.discard(process)


def _telling(log: Sequence[str]) -> Sequence[str]:
    """The lines of a log that say what is wrong: those marked as errors, else the last ones."""
    marked = [line for line in log if re.match(r"ERROR:", line)]
    return (marked or log)[-TAIL_LINES:]


def run_lanes(lanes: Sequence[Lane], side_by_side: int) -> list[Result]:
    """Run the lanes, so many at once, and print a line for each step as it ends; results in the order of the lanes."""
    workspace.LOGS.mkdir(parents=True, exist_ok=True)
    executor = ThreadPoolExecutor(max_workers=side_by_side)
    try:
        futures = [executor.submit(_run_lane, lane) for lane in lanes]
        return [result for future in futures for result in future.result()]
    except BaseException:
        _stopping.set()
        executor.shutdown(wait=False, cancel_futures=True)
        for process in list(_running):
            _end(process)
        raise
    finally:
        executor.shutdown(cancel_futures=True)


def _run_lane(lane: Lane) -> list[Result]:
    with workspace.locked(f"lane-{lane.name}"):
        return [_run_step(step) for step in lane.steps if not _stopping.is_set()]


def _run_step(step: Step) -> Result:
    job = Job(step.name)
    job.log.write_text("")
    start = time.monotonic()
    failure = ""
    try:
        step.run(job)
    except (StepFailed, workspace.Missing) as error:
        failure = str(error)
        job.write(failure)
    except Exception as error:  # noqa: BLE001 - a broken check must not end the other lanes
        failure = f"the check itself broke: {error!r}"
        job.write(traceback.format_exc())
    seconds = time.monotonic() - start
    result = Result(step.name, not failure, seconds, failure or ", ".join(job.facts), tuple(job.not_run))
    with _print_lock:
        print(result.line(), flush=True)
        if failure:
            print("\n".join(f"    | {line}" for line in _telling(job.log.read_text(errors="replace").splitlines())))
            print(f"    | the whole log: {job.log.relative_to(workspace.ROOT)}", flush=True)
    return result
