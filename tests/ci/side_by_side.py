# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sessions side by side, each in a nox of its own: a line for each as it ends, a summary, `N passed, N failed`."""

from __future__ import annotations

import logging
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import machine
import nox

LOGS = machine.CACHE / "logs"
TIMEOUT = 3600  # seconds: a session that hangs must not hang the run
# What a session (any of them: "") must say, or must not: some look at nothing, or complain, and yet end well.
MARKS = (
    ("", False, r"nox > (Skip|No venv)|\(no files to process\)|Invalid value \(None\)"),  # ansible-lint: no collection
    ("build-import-check", False, r"^ *(WARNING|ERROR):.*"),
    ("build-import-check", True, "(?s)Loading module .*Importer processing completed successfully"),
    ("extra-checks", True, "action-groups"),
    ("demo", True, "(?s)healthy.*PLAY RECAP"),
)


class Result(NamedTuple):
    name: str
    why: str
    seconds: float
    output: str

    def line(self) -> str:
        said = self.why or ", ".join(self.said("fact"))
        return f"{'FAILED' if self.why else 'ok    '} {self.seconds:6.1f} s  {self.name:<24} {said}".rstrip()

    def said(self, what: str) -> list[str]:
        return re.findall(rf"^nox > {what}: (.+)", self.output, re.MULTILINE)


def run(session: nox.Session, names: Sequence[str], not_run: Sequence[str] = ()) -> None:
    LOGS.mkdir(parents=True, exist_ok=True)
    os.environ["CI"] = "true"  # antsibull-nox's formatters look, and change nothing
    print(f"Pythons here: {', '.join(machine.pythons())}. Logs: {LOGS.relative_to(machine.ROOT)}/", flush=True)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # what is running goes down with us
    with ThreadPoolExecutor(max_workers=int(os.environ.get("JOBS", "2"))) as executor:
        try:
            results = list(executor.map(_run_one, names))
        except BaseException:
            executor.shutdown(wait=False, cancel_futures=True)
            for group in list(_running):
                _end(group, 0)
            raise
    print("\nSummary", *(f"  {result.line()}" for result in results), sep="\n")
    left_out = [*not_run, *dict.fromkeys(line for result in results for line in result.said("not run here"))]
    if left_out:
        print("\nNot run here (a failure with REQUIRE_ALL; CONTRIBUTING.md: how to add it):", *left_out, sep="\n  - ")
    failed = sum(bool(result.why) for result in results) + bool(left_out and os.environ.get("REQUIRE_ALL"))
    print(f"\n{sum(not result.why for result in results)} passed, {failed} failed", flush=True)
    logging.disable()  # nox says nothing behind that line
    if failed or not results:
        session.error()


_running: set[int] = set()


def _run_one(name: str) -> Result:
    start, log = time.monotonic(), LOGS / f"{name}.log"
    with log.open("w") as file:
        command = [sys.executable, "-m", "nox", "--noxfile", str(machine.ROOT / "noxfile.py"), "--session", name]
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT, start_new_session=True
        )
    _running.add(process.pid)
    try:
        code = process.wait(TIMEOUT)
        why = f"nox ended with {code}" if code else ""
    except subprocess.TimeoutExpired:
        why = f"it did not end within {TIMEOUT} s"
    _running.discard(process.pid)
    if _end(process.pid):
        why = why or "it left processes running"
    output = log.read_text(errors="replace")
    for session, wanted, pattern in MARKS:
        found = re.search(pattern, output, re.MULTILINE)
        if session in ("", name) and bool(found) != wanted:
            why = why or (f"it says: {found[0]}" if found else f"it does not say {pattern}")
    result = Result(name, why, time.monotonic() - start, output)
    tail = [line for line in output.splitlines() if line.startswith("ERROR:")] or output.splitlines()
    tail = [*tail[-50:], f"the whole log: {log.relative_to(machine.ROOT)}"] if why else []
    print("\n    | ".join([result.line(), *tail]), flush=True)
    return result


def _end(group: int, patience: float = 3.0) -> bool:
    """End what is left of a group of processes after a moment to go by themselves; return whether there was anything."""
    deadline = time.monotonic() + patience
    try:
        while time.monotonic() < deadline:
            os.killpg(group, 0)
            time.sleep(0.05)
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True
