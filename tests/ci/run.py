# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The program behind the Makefile: `python3.11 tests/ci/run.py test|unit|lint|docs|demo|matrix|lock|python|clean`.

It needs Python 3.11 or newer and nothing else: it installs what the checks use into `.venv/`, from pinned files.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

if sys.version_info < (3, 11):
    sys.exit("This needs Python 3.11 or newer. Give one with: make PYTHON=/path/to/python3.11 …")

import ansible_cores
import matrix
import steps
import workspace
from job import Job, Lane, StepFailed, run_lanes

# The Pythons that decide what a lock file may hold: the oldest that its tools are run with.
OLDEST_PYTHON = {"pip": "3.9", "core-2.16": "3.10", "core-2.17": "3.10"}
OLDEST_PYTHON |= {"core-2.20": "3.12", "core-2.21": "3.12", "core-2.22": "3.13"}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=sorted(COMMANDS))
    parser.add_argument("arguments", nargs=argparse.REMAINDER, help="lanes to run, or arguments for pytest")
    options = parser.parse_args()
    for number in (signal.SIGINT, signal.SIGTERM):  # what is running goes down with us, also when CI ends the run
        signal.signal(number, _interrupt)
    try:
        return COMMANDS[options.command](options.arguments)
    except (workspace.Missing, StepFailed) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def test(names: Sequence[str]) -> int:
    """Everything, or the lanes that are named; the whole of it is what CI runs."""
    lanes = all_lanes()
    known = {lane.name: lane for lane in lanes}
    unknown = set(names) - known.keys()
    if unknown:
        raise workspace.Missing(f"no lane {', '.join(sorted(unknown))}; there are: {', '.join(known)}")
    _demand_pythons()
    return report([known[name] for name in names] if names else lanes, ansible_cores.not_run_here())


def all_lanes() -> list[Lane]:
    # The longest first: a long one that starts last would run alone.
    cores = ansible_cores.test_lanes()
    own = steps.lanes()
    return [cores[0], own[0], *cores[1:], *own[1:]]


def report(lanes: Sequence[Lane], not_run: Sequence[str]) -> int:
    """Run lanes and print what came of them; the last line is `N passed, N failed`."""
    start = time.monotonic()
    side_by_side = int(os.environ.get("JOBS", "2"))
    found = ", ".join(f"{version}" for version in workspace.pythons())
    print(f"Pythons here: {found}. Logs: {workspace.LOGS.relative_to(workspace.ROOT)}/", flush=True)
    results = run_lanes(lanes, side_by_side)
    print("\nSummary")
    for result in results:
        print(f"  {result.line(width=150)}")
    missing = [*not_run, *(line for result in results for line in result.not_run)]
    if missing:
        print("\nNot run here (CONTRIBUTING.md says how to add a Python):")
        print("\n".join(f"  - {line}" for line in missing))
    failed = sum(not result.passed for result in results)
    minutes, seconds = divmod(round(time.monotonic() - start), 60)
    print(f"\nTook {minutes} min {seconds} s.\n{len(results) - failed} passed, {failed} failed", flush=True)
    return 1 if failed or not results else 0


def _demand_pythons() -> None:
    """`REQUIRE_PYTHONS="3.9 3.10 3.13"`: fail when one is missing, for machines that must leave nothing out."""
    wanted = os.environ.get("REQUIRE_PYTHONS", "").split()
    missing = [version for version in wanted if version not in workspace.pythons()]
    if missing:
        raise workspace.Missing(f"REQUIRE_PYTHONS names Python {', '.join(missing)}, which is not on this machine")


def lint(_arguments: Sequence[str]) -> int:
    return report([steps.lane(name) for name in ("static", "lint", "nox")], [])


def docs(_arguments: Sequence[str]) -> int:
    return report([steps.lane("docs")], [])


def demo(_arguments: Sequence[str]) -> int:
    """The demo in the foreground; how its parts were installed is in a log."""
    workspace.LOGS.mkdir(parents=True, exist_ok=True)
    print("Setting up a virtual environment, building the collection, installing its tarball …", flush=True)
    environment = steps.demo_environment(Job("demo set-up"))
    return subprocess.run(["bash", "tests/ci/demo.sh"], cwd=workspace.ROOT, env=environment, check=False).returncode


def python(arguments: Sequence[str]) -> int:
    """The Python of an environment (by default that of the tests), made if need be."""
    print(steps.tool(arguments[0] if arguments else "tests")[0] / "python")
    return 0


def lock(names: Sequence[str]) -> int:
    """Write the pinned files anew from the .in files; versions that still fit stay, unless `--upgrade` is given."""
    upgrade = [name for name in names if name == "--upgrade"]
    for source in sorted(workspace.REQUIREMENTS.glob("*.in")):
        if set(names) - set(upgrade) and source.stem not in names:
            continue
        oldest = OLDEST_PYTHON.get(source.stem, OLDEST_PYTHON.get(source.stem.partition("-")[0], "3.11"))
        command: list[str | Path] = [workspace.uv(), "pip", "compile", "--quiet", "--universal", *upgrade]
        command += ["--python-version", oldest, "--generate-hashes", "--no-annotate", "--no-header"]
        command += [source, "-o", source.with_suffix(".txt")]
        subprocess.run(command, check=True, env=workspace.download_environment())
    return 0


def clean(_arguments: Sequence[str]) -> int:
    for folder in (workspace.CACHE, workspace.VENVS, workspace.ROOT / "build"):
        shutil.rmtree(folder, ignore_errors=True)
    return 0


COMMANDS = {
    "test": test,
    "unit": steps.unit_only,
    "lint": lint,
    "docs": docs,
    "demo": demo,
    "matrix": matrix.run,
    "python": python,
    "lock": lock,
    "clean": clean,
}

if __name__ == "__main__":
    sys.exit(main())
