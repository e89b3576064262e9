# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mutation testing with cosmic-ray: break the code in small ways, one at a time, and see whether its tests notice.

    python tests/mutation/run.py [NAME ...]

In a copy of the tree; the Python needs cosmic-ray and what the unit tests need. Prints each survivor as a diff, then the
score of each target. Ends with 1 when a target scores below its floor, or when nothing was mutated.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from cosmic_ray.work_db import WorkDB, use_db
from cosmic_ray.work_item import TestOutcome, WorkerOutcome, WorkResult

ROOT = Path(__file__).resolve().parents[2]
UNIT = "tests/unit/plugins/module_utils"
# "|" stands in annotations only, which nothing evaluates; whether equal small numbers are identical is Python's business.
WITHOUT_MEANING = re.compile(r"core/ReplaceBinaryOperator_BitOr_|core/ReplaceComparisonOperator_\w+_Is(Not)?$")


class Target(NamedTuple):
    """What is mutated: a file, of it the functions named (all when none is), the tests that must notice, the floor in per cent."""

    name: str
    file: str
    functions: tuple[str, ...]
    tests: tuple[str, ...]
    floor: int


TARGETS = (
    Target(
        "signing", "_auth.py", ("canonical_request", "sign", "encode_query", "text", "headers"), ("test_auth.py",), 95
    ),
    Target("kinds", "_errors.py", ("kind_of", "_kind_inside", "error_of"), ("test_errors.py",), 95),
    Target(
        "retries",
        "_client.py",
        (
            "retry_after",
            "backoff",
            "_take_in",
            "sent",
            "succeeded",
            "throttled",
            "_renewable",
            "_renewing",
            "_ends_too_soon",
        ),
        ("test_client.py",),
        75,
    ),
)


def run(target: Target, tree: Path) -> tuple[int, int]:
    """Mutate and test one target; return how many mutants were killed, and how many there were."""
    tests = " ".join(f"{UNIT}/{name}" for name in target.tests)
    command = f"{sys.executable} -m pytest -x -q --import-mode=importlib -p no:cacheprovider {tests}"
    config, session = tree / "mutation.toml", tree / f"{target.name}.sqlite"
    config.write_text(
        f"""[cosmic-ray]
module-path = "plugins/module_utils/{target.file}"
timeout = 40.0
excluded-modules = []
test-command = "{command}"

[cosmic-ray.distributor]
name = "local"
"""
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("REQUESTS_", "SSL_"))}
    environment["PYTHONPATH"] = str(tree.parents[2])
    environment["PYTHONDONTWRITEBYTECODE"] = "1"

    def cosmic_ray(*arguments: str) -> None:
        program = Path(sys.executable).parent / "cosmic-ray"
        subprocess.run([str(program), *arguments], cwd=tree, env=environment, check=True)

    cosmic_ray("baseline", config.name)
    cosmic_ray("init", config.name, session.name)
    with use_db(str(session), WorkDB.Mode.open) as database:
        for item in list(database.work_items):
            (mutation,) = item.mutations
            inside = not target.functions or mutation.definition_name in target.functions
            if not inside or WITHOUT_MEANING.match(mutation.operator_name):
                database.set_result(item.job_id, WorkResult(WorkerOutcome.SKIPPED))
    cosmic_ray("exec", config.name, session.name)
    killed = total = 0
    with use_db(str(session), WorkDB.Mode.open) as database:
        for _job, result in database.results:
            if result.worker_outcome == WorkerOutcome.SKIPPED:
                continue
            total += 1
            if result.test_outcome == TestOutcome.SURVIVED:
                print(result.diff, flush=True)
            else:
                killed += 1
    return killed, total


def main(names: Sequence[str]) -> int:
    """Run the targets that are named, or all of them."""
    lines, failed = [], False
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "ansible_collections" / "hwcloud" / "streaming"
        for part in ("plugins", "tests/unit", "tests/emulator"):
            shutil.copytree(ROOT / part, tree / part, ignore=shutil.ignore_patterns("__pycache__"))
        for target in TARGETS:
            if names and target.name not in names:
                continue
            killed, total = run(target, tree)
            score = 100 * killed / total if total else 0.0
            lines.append(f"{target.name}: {killed} of {total} mutants killed, {score:.0f}%, floor {target.floor}%")
            failed |= score < target.floor
    print("\n".join(lines))
    return 1 if failed or not lines else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
