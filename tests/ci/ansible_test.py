# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lines of ansible-core that the collection supports, and ansible-test without containers on one of them.

ansible-test ends well without having tested anything: each function here says what must have run.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

import machine
import nox

OLDEST_TARGET = "3.9"


class Core(NamedTuple):
    """A line of ansible-core: the Pythons it runs on, best first; the pip that its ansible-test wants."""

    line: str
    controls: Sequence[str]
    pip: str
    sanity_skips: Sequence[str] = ()

    @property
    def here(self) -> list[str]:
        return [version for version in self.controls if version in machine.pythons()]


CORES: Sequence[Core] = (
    # pylint of the newest lines looks at the same sources, for more; on this one it takes as long as all else.
    Core("2.16", ("3.10", "3.11", "3.12"), "23.1.2", sanity_skips=("pylint",)),
    Core("2.17", ("3.10", "3.11", "3.12"), "23.1.2"),
    Core("2.18", ("3.11", "3.12", "3.13"), "24.2"),
    Core("2.19", ("3.11", "3.12", "3.13"), "24.2"),
    Core("2.20", ("3.12", "3.13", "3.14"), "25.2"),
    Core("2.21", ("3.13", "3.12", "3.14"), "25.2"),
    # A pre-release. Its pylint test asks for a package from outside the Python registry; the final one may not.
    Core("2.22", ("3.13", "3.14", "3.15"), "25.2", sanity_skips=("pylint",)),
)
RUNNABLE = [core for core in CORES if core.here]
FLOOR = RUNNABLE[0]
NEWEST = next(core for core in reversed(RUNNABLE) if not core.sanity_skips)
# What `make test` leaves out on this machine for want of a Python.
NOT_RUN_HERE = [f"ansible-core {core.line}" for core in (CORES[0], CORES[-2]) if core not in (FLOOR, NEWEST)]
NOT_RUN_HERE += [f"modules on Python {OLDEST_TARGET}"] * (OLDEST_TARGET not in machine.pythons())


def sanity(session: nox.Session, core: Core) -> None:
    skips = [f"--skip-test={name}" for name in core.sanity_skips]
    output = _run(session, core, "sanity", "--local", "-v", *skips)
    tests = set(re.findall(r"Running sanity test ['\"]([a-z-]+)", output))
    if len(tests) < 20:
        session.error(f"only {len(tests)} sanity tests ran")
    if re.search(r'Required program "(?!pwsh)', output):
        session.error("a program for a test is missing")
    for line in re.findall(r"WARNING: Skipping sanity test .*", output):
        absent = re.search(r"on Python (3\.\d+)\b", line)
        if not absent or absent[1] in machine.pythons():
            session.error(f"not all was tested: {line}")
        session.log(f"not run here: {session.name}: import and compile on Python {absent[1]}")
    session.log(f"fact: {len(tests)} tests{''.join(f', without {name}' for name in core.sanity_skips)}")


def units(session: nox.Session, core: Core, python: str) -> None:
    """On a Python of control nodes: all, in this environment. On one of managed hosts: tests of what runs there."""
    local = python in core.controls
    where = ["--local", "--python", python] if local else ["--requirements", "--target-python", f"venv/{python}"]
    _run(session, core, "units", *where)
    folders = ["tests/unit"] if local else ["tests/unit/plugins/modules", "tests/unit/plugins/module_utils"]
    sources = [path.read_text() for folder in folders for path in (machine.ROOT / folder).rglob("test_*.py")]
    written = sum(len(re.findall(r"^ *(?:async )?def test_", source, re.MULTILINE)) for source in sources)
    count_cases(session, *Path().glob("tests/output/junit/*.xml"), at_least=max(written, 1))


def integration(session: nox.Session, core: Core, python: str) -> None:
    """On a Python of managed hosts the control node gets an environment of its own too: no package of ours helps out."""
    where = ["--local", "--python", python]
    if python not in core.controls:
        where = ["--controller", f"origin:python=venv/{session.python}", "--target", f"controller:python=venv/{python}"]
        where += ["--requirements", "--exclude=in_process"]  # inside the worker is the control node's own Python
    output = _run(session, core, "integration", *where)
    aliases = {
        path.parent.name: path.read_text().split() for path in Path().glob("tests/integration/targets/*/aliases")
    }
    targets = [name for name, words in aliases.items() if not {"disabled", "hidden"} & set(words)]
    targets = [name for name in targets if f"--exclude={name}" not in where]
    missing = [name for name in targets if not re.search(rf"Running {re.escape(name)} integration test", output)]
    tasks = sum(int(number) for number in re.findall(r"\bok=(\d+)\b.*\bfailed=0\b", output))
    if missing or not targets or not tasks:
        session.error(f"{len(targets)} targets, {tasks} tasks; did not run: {', '.join(missing)}")
    session.log(f"fact: {len(targets)} targets, {tasks} tasks")


def count_cases(session: nox.Session, *reports: Path, at_least: int = 1) -> None:
    """Fail when fewer tests ran than there are, or when one was skipped for another reason than the machine."""
    cases = [case for report in reports for case in ElementTree.parse(report).iter("testcase")]
    reasons = [str(skipped.get("message")) for case in cases for skipped in case.iter("skipped")]
    if len(cases) < at_least:
        session.error(f"only {len(cases)} cases ran, the files have {at_least} test functions")
    for reason in sorted(set(reasons)):
        if not reason.startswith("not run here: "):
            session.error(f"a test was skipped: {reason}")
        session.log(f"{reason} ({session.name}: {reasons.count(reason)} tests)")
    session.log(f"fact: {len(cases) - len(reasons)} tests")


def _run(session: nox.Session, core: Core, *arguments: str) -> str:
    """Stay in a copy of the tree and run ansible-test there, with a HOME that has what it would download to install pip."""
    home = machine.give_pip_settings(machine.CACHE / "homes" / session.name)
    machine.install(session, f"core-{core.line}")
    # It looks for the script in its cache first (the work-around that ansible/ansible#77304 documents), and hands on no
    # variables. uv is ten times as fast as the original, and there is one for each environment that a test gets.
    script = home / ".ansible" / "test" / "cache" / f"get_pip_{core.pip.replace('.', '_')}.py"
    script.parent.mkdir(parents=True, exist_ok=True)
    handed_on = {name: value for name, value in os.environ.items() if re.match(r"(?i)UV_|SSL_CERT_|\w+_PROXY$", name)}
    script.write_text(
        "import os, subprocess, sys\n"
        "packages = [word for word in sys.argv[1:] if not word.startswith('-')]\n"
        f"command = [{shutil.which('uv')!r}, 'pip', 'install', '--quiet', '--python', sys.executable, *packages]\n"
        f"sys.exit(subprocess.call(command, env={{**os.environ, **{handed_on!r}}}))\n"
    )
    session.chdir(machine.copy_tree(session.name))
    output = session.run("ansible-test", *arguments, "--color", "no", env={"HOME": str(home)}, silent=True)
    print(output)
    return str(output)
