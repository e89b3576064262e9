# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection's tarball: built, its contents checked, installed and used."""

from __future__ import annotations

import fnmatch
import shutil
import tarfile
from pathlib import Path

import ansible_test
import machine
import nox

# What a working checkout is littered with; none of it may get in.
LITTER = """
    .cache/x .venv/x .nox/x .mypy_cache/x.json build/docs/index.html hwcloud-streaming-0.0.1.tar.gz tests/output/x
    plugins/modules/__pycache__/x.pyc tests/integration/inventory tests/unit/.pytest_cache/x
""".split()


def build(session: nox.Session, *, litter: bool = False) -> Path:
    """Build the tarball from a clean copy of the tree, or from a littered one."""
    tree = machine.copy_tree(session.name)
    for path in LITTER if litter else ():
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        (tree / path).write_text("litter\n")
    output = machine.CACHE / "dist" / f"{session.name}{'-littered' if litter else ''}"
    shutil.rmtree(output, ignore_errors=True)
    with session.chdir(tree):
        session.run("ansible-galaxy", "collection", "build", "--output-path", str(output))
    return next(output.glob("*.tar.gz"))


def install(session: nox.Session, built: Path | None = None) -> dict[str, str]:
    """Install it into a folder that was empty; returns the variable by which Ansible finds it."""
    folder = machine.CACHE / "installed" / session.name
    shutil.rmtree(folder, ignore_errors=True)
    # Without ANSIBLE_COLLECTIONS_PATH one that is installed elsewhere counts, and nothing is done.
    command = ["ansible-galaxy", "collection", "install", str(built or build(session)), "-p", str(folder), "--offline"]
    session.run(*command, env={"ANSIBLE_COLLECTIONS_PATH": str(folder)})
    if not (folder / machine.PATH_IN_COLLECTIONS / "MANIFEST.json").is_file():
        session.error("nothing was installed")
    return {"ANSIBLE_COLLECTIONS_PATH": str(folder)}


def contents(path: Path) -> dict[str, bytes]:
    with tarfile.open(path) as archive:
        streams = {member.name: archive.extractfile(member) for member in archive}
        return {name: stream.read() for name, stream in streams.items() if stream is not None}


def check(session: nox.Session, core: ansible_test.Core) -> None:
    """Only what tarball_contents.txt allows, no litter, twice the same; installed, verified, with documentation."""
    machine.install(session, core.lock)
    tarball = build(session)
    first, second = contents(tarball), contents(build(session, litter=True))
    lines = (machine.ROOT / "tests" / "ci" / "tarball_contents.txt").read_text().splitlines()
    allowed = [line for line in lines if line and not line.startswith("#")]
    strange = [name for name in first if not any(fnmatch.fnmatch(name, pattern) for pattern in allowed)]
    missing = [name for name in allowed if "*" not in name and name not in first]
    differ = sorted(name for name in first.keys() | second.keys() if first.get(name) != second.get(name))
    if strange or missing or differ:
        session.error(f"does not belong in the tarball: {strange}; missing: {missing}; differ in two builds: {differ}")
    installed = install(session, tarball)
    session.run("ansible-galaxy", "collection", "verify", machine.COLLECTION, "--offline", env=installed)
    for kind, names in machine.plugins().items():
        told = machine.documentation(session, kind, names, installed)
        listed = str(session.run("ansible-doc", "-t", kind, "-l", machine.COLLECTION, env=installed, silent=True))
        wrong = [name for name in names if not told[name].get("examples") or name not in listed]
        if wrong or "[WARNING]" in listed or listed.count(f"{machine.COLLECTION}.") < len(names):
            session.error(f"ansible-doc: {wrong or kind}: {listed}")
    session.log(f"fact: {len(first)} files")
