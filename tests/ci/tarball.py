# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection's tarball: built, its contents checked, installed and used."""

from __future__ import annotations

import fnmatch
import json
import shutil
import tarfile
from pathlib import Path

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


def install(session: nox.Session) -> Path:
    """Build, then install into a folder that was empty; returns it, for ANSIBLE_COLLECTIONS_PATH."""
    folder = machine.CACHE / "installed" / session.name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    # Without ANSIBLE_COLLECTIONS_PATH one that is installed elsewhere counts, and nothing is done.
    command = ["ansible-galaxy", "collection", "install", str(build(session)), "-p", str(folder), "--offline"]
    session.run(*command, env={"ANSIBLE_COLLECTIONS_PATH": str(folder)})
    if not (folder / machine.PATH_IN_COLLECTIONS / "MANIFEST.json").is_file():
        session.error("nothing was installed")
    return folder


def check_contents(session: nox.Session) -> None:
    """Only what tarball_contents.txt allows, no litter; two builds have the same contents."""
    first, second = _contents(build(session)), _contents(build(session, litter=True))
    lines = (machine.ROOT / "tests" / "ci" / "tarball_contents.txt").read_text().splitlines()
    allowed = [line for line in lines if line and not line.startswith("#")]
    strange = [name for name in first if not any(fnmatch.fnmatch(name, pattern) for pattern in allowed)]
    missing = [name for name in allowed if "*" not in name and name not in first]
    differ = sorted(name for name in first.keys() | second.keys() if first.get(name) != second.get(name))
    if strange or missing or differ:
        session.error(
            f"the tarball: does not belong in it: {strange}; missing: {missing}; differ in two builds: {differ}"
        )
    session.log(f"fact: {len(first)} files")


def _contents(path: Path) -> dict[str, bytes]:
    with tarfile.open(path) as archive:
        streams = {member.name: archive.extractfile(member) for member in archive}
        return {name: stream.read() for name, stream in streams.items() if stream is not None}


def use(session: nox.Session) -> None:
    """Install it, verify it, and read the documentation of all that is in it."""
    folder = install(session)

    def ansible(*command: str) -> str:
        return str(session.run(*command, env={"ANSIBLE_COLLECTIONS_PATH": str(folder)}, silent=True))

    ansible("ansible-galaxy", "collection", "verify", machine.COLLECTION, "--offline")
    documented = 0
    for kind, directory in (("module", "modules"), ("filter", "filter"), ("test", "test")):
        files = (machine.ROOT / "plugins" / directory).glob("[a-z]*.*")
        expected = sorted({f"{machine.COLLECTION}.{path.stem}" for path in files})
        output = ansible("ansible-doc", "-t", kind, "--json", *expected)
        texts = json.loads(output[output.index("{\n") :])  # warnings may stand before it
        listed = ansible("ansible-doc", "-t", kind, "-l", machine.COLLECTION)
        undocumented = [name for name in expected if not texts.get(name, {}).get("examples") or name not in listed]
        if undocumented or not expected or "[WARNING]" in listed + output or listed.count("\n") < len(expected):
            session.error(f"ansible-doc: not right: {undocumented or kind}\n{listed}")
        documented += len(expected)
    session.log(f"fact: {documented} plugins documented")
