# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lines of ansible-core that the collection supports, and the steps that ansible-test makes of one of them."""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import workspace
from job import Job, Lane, Step, StepFailed

OLDEST_TARGET = "3.9"
PLUGIN_TESTS_ON_TARGETS = ("tests/unit/plugins/modules", "tests/unit/plugins/module_utils")


@dataclass(frozen=True)
class Core:
    """A line of ansible-core: the Pythons it runs on, best first; the newest that modules may run on; its pip."""

    line: str
    controls: Sequence[str]
    newest_target: str
    pip: str
    sanity_skips: Sequence[str] = ()

    @property
    def available_controls(self) -> list[str]:
        return [version for version in self.controls if version in workspace.pythons()]

    @property
    def targets(self) -> list[str]:
        """Every Python, on this machine or not, that modules of the collection run on under this line."""
        return [f"3.{minor}" for minor in range(9, int(self.newest_target.partition(".")[2]) + 1)]


CORES: Sequence[Core] = (
    Core("2.16", ("3.10", "3.11", "3.12"), "3.12", "23.1.2"),
    Core("2.17", ("3.10", "3.11", "3.12"), "3.12", "23.1.2"),
    Core("2.18", ("3.11", "3.12", "3.13"), "3.13", "24.2"),
    Core("2.19", ("3.11", "3.12", "3.13"), "3.13", "24.2"),
    Core("2.20", ("3.12", "3.13", "3.14"), "3.14", "25.2"),
    Core("2.21", ("3.13", "3.12", "3.14"), "3.14", "25.2"),
    # A pre-release. Its pylint test asks for a package from outside the Python registry; the final one may not.
    Core("2.22", ("3.13", "3.14", "3.15"), "3.15", "25.2", sanity_skips=("pylint",)),
)
FLOOR = CORES[0]
RELEASED = CORES[:-1]


def newest() -> Core:
    """The newest released line that a Python of this machine can run."""
    for core in reversed(RELEASED):
        if core.available_controls:
            return core
    raise workspace.Missing("No Python that ansible-core runs on (3.10 or newer) was found.")


def middle() -> Core:
    """A line between the newest and the oldest, on a Python of its own where there is one."""
    return next(core for core in reversed(RELEASED) if "3.11" in core.controls and core is not newest())


@dataclass(frozen=True)
class AnsibleTest:
    """ansible-test of one line on one control Python, in its own copy of the tree and with its own HOME."""

    core: Core
    control: str

    @property
    def name(self) -> str:
        return f"core-{self.core.line}-py{self.control}"

    def _label(self, what: str) -> str:
        return f"{what}, ansible-core {self.core.line}/{self.control}"

    def sanity(self) -> Step:
        return Step(self._label("sanity"), self._sanity)

    def units(self) -> Step:
        return Step(self._label("units"), self._units)

    def units_on(self, target: str) -> Step:
        return Step(self._label(f"units on {target}"), lambda job: self._units_on(job, target))

    def integration(self) -> Step:
        return Step(self._label("integration"), self._integration)

    def integration_on(self, target: str) -> Step:
        return Step(self._label(f"integration on {target}"), lambda job: self._integration_on(job, target))

    def _call(self, job: Job, *arguments: str) -> str:
        """Run ansible-test in a fresh copy of the tree; what it made of virtual environments there is kept."""
        bins = workspace.make_venv(f"core-{self.core.line}", self.control)
        tree = workspace.copy_tree(self.name, keep=["tests/output/.tmp"])
        home = workspace.CACHE / "ci" / "homes" / self.name
        workspace.prepare_ansible_test_home(home, self.core.pip)
        environment = workspace.clean_environment(home, bins, download=True)
        try:
            return job.run([bins / "ansible-test", *arguments], cwd=tree, environment=environment)
        except StepFailed:
            # What it had half made of a virtual environment would be taken for a whole one by the next run.
            shutil.rmtree(tree / "tests" / "output" / ".tmp", ignore_errors=True)
            raise

    def _sanity(self, job: Job) -> None:
        skips = [f"--skip-test={name}" for name in self.core.sanity_skips]
        output = self._call(job, "sanity", "--local", "-v", "--color", "no", *skips)
        tests = set(re.findall(r"Running sanity test ['\"]([a-z-]+)", output))
        job.require(len(tests) >= 20, f"only {len(tests)} sanity tests ran")
        job.refuse(r'Required program "(?!pwsh)', output, "a program for a test is missing")
        skipped = re.findall(r"WARNING: Skipping sanity test .*", output)
        for version in self.core.targets:
            on_version = [line for line in skipped if re.search(rf"on Python {re.escape(version)}\b", line)]
            job.require(not (on_version and version in workspace.pythons()), f"skipped though it is here: {on_version}")
            skipped = [line for line in skipped if line not in on_version]
            if on_version:
                job.not_run.append(f"{job.name}: import and compile on Python {version}, which is not on this machine")
        job.require(not skipped, f"not all was tested: {skipped}")
        checked = [version for version in self.core.targets if version in workspace.pythons()]
        job.facts += [f"{len(tests)} tests", f"Pythons {checked[0]} to {checked[-1]}"]
        job.facts += [f"without {name}" for name in self.core.sanity_skips]

    def _units(self, job: Job) -> None:
        self._call(job, "units", "--local", "--python", self.control, "--color", "no")
        _count_units(job, self._junit(), ["tests/unit"])

    def _units_on(self, job: Job, target: str) -> None:
        self._call(job, "units", "--target-python", f"venv/{target}", "--requirements", "--color", "no")
        controls = target in self.core.controls
        _count_units(job, self._junit(), ["tests/unit"] if controls else PLUGIN_TESTS_ON_TARGETS)

    def _integration(self, job: Job) -> None:
        output = self._call(job, "integration", "--local", "--python", self.control, "--color", "no")
        _count_targets(job, output)

    def _integration_on(self, job: Job, target: str) -> None:
        # The controller gets an environment of its own too: what is in ours must not make up for what the tests forget.
        controller, managed = f"origin:python=venv/{self.control}", f"controller:python=venv/{target}"
        where = ["--controller", controller, "--target", managed]
        output = self._call(job, "integration", *where, "--requirements", "--color", "no")
        _count_targets(job, output)

    def _junit(self) -> Path:
        tree = workspace.CACHE / "ci" / "trees" / self.name / "collections" / "ansible_collections"
        return tree.joinpath(*workspace.COLLECTION.split("."), "tests", "output", "junit")


def _count_units(job: Job, junit: Path, folders: Sequence[str]) -> None:
    """ansible-test ends well without having run a test: hold the cases in its report against those in the files."""
    cases = [case for report in junit.glob("*.xml") for case in ElementTree.parse(report).iter("testcase")]
    skipped = [case for case in cases if case.find("skipped") is not None]
    sources = [path.read_text() for folder in folders for path in (workspace.ROOT / folder).rglob("test_*.py")]
    written = sum(len(re.findall(r"^ *(?:async )?def test_", source, re.MULTILINE)) for source in sources)
    job.require(written > 0, f"no unit tests in {', '.join(folders)}")
    job.require(len(cases) >= written, f"only {len(cases)} cases ran, the files have {written} test functions")
    job.facts.append(f"{len(cases) - len(skipped)} tests")
    if skipped:
        job.facts.append(f"{len(skipped)} skipped")
        job.not_run.append(f"{job.name}: {len(skipped)} tests were skipped by their own condition")


def integration_targets() -> list[str]:
    """The integration targets that ansible-test must run."""
    folders = sorted(path.parent for path in (workspace.ROOT / "tests/integration/targets").glob("*/aliases"))
    aliases = {path.name: (path / "aliases").read_text().splitlines() for path in folders}
    return [name for name, lines in aliases.items() if not {"disabled", "hidden"} & set(lines)]


def _count_targets(job: Job, output: str) -> None:
    targets = integration_targets()
    job.require(bool(targets), "no integration targets in tests/integration/targets")
    missing = [name for name in targets if not re.search(rf"Running {re.escape(name)} integration test", output)]
    job.require(not missing, f"integration targets that did not run: {', '.join(missing)}")
    passed = sum(int(number) for number in re.findall(r"\bok=(\d+)\b.*\bfailed=0\b", output))
    job.require(passed > 0, "no task ran")
    job.facts += [f"{len(targets)} targets", f"{passed} tasks"]


def test_lanes() -> list[Lane]:
    """What `make test` runs: all on the newest line, all but the other targets on the oldest, sanity on one between."""
    top, between = newest(), middle()
    lanes = []
    test = AnsibleTest(top, top.available_controls[0])
    steps = [test.sanity(), test.integration()]
    if OLDEST_TARGET in workspace.pythons():
        # On the newest Python the same tests have run in the step that measures the coverage.
        steps += [test.units_on(OLDEST_TARGET), test.integration_on(OLDEST_TARGET)]
    else:
        steps.append(test.units())
    lanes.append(Lane(test.name, steps))
    if FLOOR.available_controls:
        test = AnsibleTest(FLOOR, FLOOR.available_controls[0])
        lanes.append(Lane(test.name, [test.sanity(), test.units(), test.integration()]))
    if "3.11" in workspace.pythons():
        test = AnsibleTest(between, "3.11")
        lanes.append(Lane(test.name, [test.sanity()]))
    return lanes


def not_run_here() -> list[str]:
    """What `make test` leaves out on this machine for want of a Python."""
    found = workspace.pythons()
    missing = []
    if newest() is not RELEASED[-1]:
        last = RELEASED[-1]
        missing.append(f"ansible-core {last.line}, the newest: it needs Python {' or '.join(sorted(last.controls))}")
    if FLOOR.controls[0] not in found:
        missing.append(f"ansible-core {FLOOR.line} on Python {FLOOR.controls[0]}; it runs on a newer one instead")
    if OLDEST_TARGET not in found:
        missing.append(f"modules on Python {OLDEST_TARGET}, the oldest that a managed host may have")
    return missing
