# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mutation testing: break the code in small ways (cosmic-ray's), one at a time, and see whether its tests notice.

    python tests/mutation/run.py [NAME ...]

In copies of the tree, one for each core; the Python needs cosmic-ray and what the unit tests need. Prints each survivor
as a diff, then the score of each target. Ends with 1 when a target scores below its floor, or when nothing was mutated.
"""

from __future__ import annotations

import difflib
import importlib
import multiprocessing
import os
import re
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest
from cosmic_ray.commands.init import init
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator
from cosmic_ray.work_db import WorkDB, use_db

ROOT = Path(__file__).resolve().parents[2]
COLLECTION = Path("ansible_collections", "hwcloud", "streaming")
UTILS = Path("plugins", "module_utils")
UNIT = Path("tests", "unit", "plugins")
# "|" stands in annotations only, which nothing evaluates; whether equal small numbers are identical is Python's business.
WITHOUT_MEANING = re.compile(r"core/ReplaceBinaryOperator_BitOr_|core/ReplaceComparisonOperator_\w+_Is(Not)?$")
# What the tests import of others is imported once: each mutant is tested in a fork of this process.
SHARED = ("ansible.module_utils.basic", "hypothesis", "requests")
LONGER_THAN_UNBROKEN = 5  # a mutant that takes so many times as long hangs, which is as good as noticed


class Target(NamedTuple):
    """What is mutated: a file, of it the functions named (all when none is), the tests that must notice, the floor in per cent."""

    name: str
    file: str
    functions: tuple[str, ...]
    tests: tuple[str, ...]
    floor: int


RETRIES = "retry_after backoff _take_in _ask_again_or_fail sent succeeded throttled answered refused _renewable _renewing begin"
DMS_TESTS = ("test_dms.py", "test_dms_sink_task_info.py", "test_dms_smart_connect_task_info.py")
TARGETS = (
    Target("signing", "_identity/signature.py", (), ("test_auth.py",), 95),
    Target("kinds", "_wire/answer.py", ("kind_of", "_ends_too_soon"), ("test_errors.py", "test_client.py"), 95),
    Target("words-of-errors", "_wire/told.py", ("error_of",), ("test_errors.py",), 95),
    Target("retries", "_wire/client.py", tuple(RETRIES.split()), ("test_client.py",), 90),
    Target("pace", "_wire/pace.py", tuple(RETRIES.split()), ("test_client.py",), 90),
    Target("paging", "_paging.py", (), ("test_dis.py", "test_dms.py"), 95),
    Target("streams", "_dis/tasks.py", (), ("test_dis.py", "test_dis_transfer_task_info.py"), 95),
    Target("log-reader", "_dis/log_reader.py", (), ("test_dis_logs.py", "test_dis_transfer_task_log_info.py"), 90),
    Target("logs", "_dis/logs.py", (), ("test_dis_logs.py", "test_dis_transfer_task_log_info.py"), 95),
    Target("instances", "_dms/instances.py", (), DMS_TESTS, 95),
    Target("kafka-tasks", "_dms/tasks.py", (), DMS_TESTS, 95),
    Target("shapes", "_shape.py", (), ("test_facts.py",), 95),
    Target("dis-facts", "_dis/facts.py", (), ("test_facts.py",), 95),
    Target("dms-facts", "_dms/facts.py", (), ("test_facts.py",), 95),
)


class Mutant(NamedTuple):
    """One way to break a file: the whole broken text of it."""

    file: str
    code: str
    tests: tuple[str, ...]
    seconds: int


def mutants(target: Target, seconds: int) -> Iterator[Mutant]:
    """Yield what cosmic-ray makes of a target."""
    source = ROOT / UTILS / target.file
    with tempfile.TemporaryDirectory() as folder, use_db(f"{folder}/work.sqlite", WorkDB.Mode.create) as database:
        init([source], database, {})
        for item in database.work_items:
            (mutation,) = item.mutations
            inside = not target.functions or mutation.definition_name in target.functions
            if inside and not WITHOUT_MEANING.match(mutation.operator_name):
                operator = get_operator(mutation.operator_name)(**mutation.operator_args)
                code = mutate_code(source.read_text(), operator, mutation.occurrence)
                yield Mutant(target.file, code, target.tests, seconds)


def make_tree(folder: str) -> None:
    """Give this process a copy of the tree of its own to break, first on its path."""
    tree = Path(tempfile.mkdtemp(dir=folder)) / COLLECTION
    for part in ("plugins", "tests/unit", "tests/emulator"):
        shutil.copytree(ROOT / part, tree / part, ignore=shutil.ignore_patterns("__pycache__"))
    os.chdir(tree)
    sys.path.insert(0, str(tree.parents[2]))
    sys.dont_write_bytecode = True
    for name in [name for name in os.environ if name.startswith(("REQUESTS_", "SSL_"))]:
        del os.environ[name]


def passes(tests: Sequence[str], seconds: int = 0) -> bool:
    """Run tests on the tree as it is, in a fork; a signal ends it after so many seconds, if any are given."""
    child = os.fork()
    if not child:
        signal.alarm(seconds)
        silence = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silence, 1)
        os.dup2(silence, 2)
        code = pytest.main(["-x", "-q", "--import-mode=importlib", "-p", "no:cacheprovider", *tests])
        os._exit(code)
    return os.waitpid(child, 0)[1] == 0


def survivor(mutant: Mutant) -> str | None:
    """Return the diff of a mutant that no test notices."""
    file = UTILS / mutant.file
    whole = file.read_text()
    file.write_text(mutant.code)
    try:
        if not passes(mutant.tests, mutant.seconds):
            return None
    finally:
        file.write_text(whole)
    lines = difflib.unified_diff(whole.splitlines(), mutant.code.splitlines(), mutant.file, mutant.file, lineterm="")
    return "\n".join(lines)


def main(names: Sequence[str]) -> int:
    """Run the targets that are named, or all of them."""
    unknown = set(names) - {target.name for target in TARGETS}
    if unknown:
        print(f"no target {', '.join(sorted(unknown))}; there are: {', '.join(target.name for target in TARGETS)}")
        return 2
    for module in SHARED:
        importlib.import_module(module)
    lines, failed = [], False
    context = multiprocessing.get_context("fork")
    with tempfile.TemporaryDirectory() as folder, context.Pool(None, make_tree, (folder,)) as pool:
        for target in TARGETS:
            if names and target.name not in names:
                continue
            tests = tuple(str(path) for name in target.tests for path in UNIT.glob(f"module*/{name}"))
            start = time.monotonic()
            if not pool.apply(passes, (tests,)):
                print(f"{target.name}: the tests fail on the unbroken code")
                return 1
            seconds = 5 + round(LONGER_THAN_UNBROKEN * (time.monotonic() - start))
            work = list(mutants(target._replace(tests=tests), seconds))
            survivors = [diff for diff in pool.imap_unordered(survivor, work) if diff]
            print("\n".join(survivors), flush=True)
            killed = len(work) - len(survivors)
            score = 100 * killed / len(work) if work else 0.0
            lines.append(f"{target.name}: {killed} of {len(work)} mutants killed, {score:.0f}%, floor {target.floor}%")
            failed |= score < target.floor
    print("\n".join(lines))
    return 1 if failed or not lines else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
