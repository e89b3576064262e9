# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection's tarball: built, its contents checked, installed, imported as a server would, and used."""

from __future__ import annotations

import fnmatch
import json
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path

import workspace
from ansible_cores import Core, newest
from job import Job
from workspace import CACHE, COLLECTION, Command

# What may be in the tarball. A new kind of file is a decision: add it here, or to build_ignore in galaxy.yml.
ALLOWED = (
    "CHANGELOG.rst",
    "FILES.json",
    "LICENSE",
    "LICENSES/GPL-3.0-or-later.txt",
    "MANIFEST.json",
    "README.md",
    "changelogs/changelog.yaml",
    "changelogs/config.yaml",
    "changelogs/fragments/*.yml",
    "docs/*.md",
    "docs/docsite/*.yml",
    "docs/docsite/rst/*.png",
    "docs/docsite/rst/*.rst",
    "docs/docsite/rst/*.svg",
    "meta/execution-environment.yml",
    "meta/runtime.yml",
    "playbooks/*.yml",
    "plugins/*/*.py",
    "plugins/*/*.yml",
    "requirements.txt",
    "roles/*/README.md",
    "roles/*/*/*.yml",
    "tests/config.yml",
    "tests/emulator/*.md",
    "tests/emulator/*.py",
    "tests/emulator/worlds/*.json",
    "tests/emulator/worlds/*.yml",
    "tests/integration/requirements.txt",
    "tests/integration/targets/*",
    "tests/unit/*.py",
    "tests/unit/fixtures/*",
    "tests/unit/requirements.txt",
)
NEEDED = ("README.md", "LICENSE", "CHANGELOG.rst", "meta/runtime.yml", "plugins/modules/*.py", "tests/emulator/*.py")
# What a working checkout is littered with; none of it may get in.
LITTER = (
    ".cache/ci/x",
    ".venv/uv/pyvenv.cfg",
    ".mypy_cache/x.json",
    "build/docs/index.html",
    "plugins/modules/__pycache__/x.cpython-311.pyc",
    "tests/output/junit/x.xml",
    "tests/integration/inventory",
    "hwcloud-streaming-0.0.1.tar.gz",
    ".nox/x",
    "tests/unit/.pytest_cache/x",
)


def build(job: Job, name: str, litter: bool = False) -> Path:
    """Build the tarball from a clean copy of the tree, or from a littered one."""
    core = newest()
    bins = workspace.make_venv(f"core-{core.line}", core.available_controls[0])
    tree = workspace.copy_tree(f"build-{name}")
    for path in LITTER if litter else ():
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        (tree / path).write_text("litter\n")
    output = CACHE / "ci" / "dist" / name
    shutil.rmtree(output, ignore_errors=True)
    environment = workspace.clean_environment(CACHE / "ci" / "homes" / "build", bins)
    command: Command = [bins / "ansible-galaxy", "collection", "build", "--output-path", output]
    job.run(command, cwd=tree, environment=environment)
    built = list(output.glob("*.tar.gz"))
    job.require(len(built) == 1, f"{len(built)} tarballs were built")
    return built[0]


def install(job: Job, name: str, core: Core | None = None) -> Path:
    """Build, then install into a folder that was empty; returns it, for ANSIBLE_COLLECTIONS_PATH."""
    core = core or newest()
    bins = workspace.make_venv(f"core-{core.line}", core.available_controls[0])
    built = build(job, name)
    folder = CACHE / "ci" / "installed" / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    # Without ANSIBLE_COLLECTIONS_PATH one that is installed elsewhere counts, and nothing is done.
    environment = workspace.clean_environment(CACHE / "ci" / "homes" / "build", bins)
    environment |= {"ANSIBLE_COLLECTIONS_PATH": str(folder)}
    command: Command = [bins / "ansible-galaxy", "collection", "install", built, "-p", folder, "--offline"]
    job.run(command, cwd=CACHE, environment=environment)
    job.require((folder / "ansible_collections" / Path(*COLLECTION.split("."))).is_dir(), "nothing was installed")
    return folder


def check(job: Job) -> None:
    """Only allowed files, none missing, no litter; two builds have the same contents."""
    first, second = build(job, "clean"), build(job, "littered", litter=True)
    contents = [_contents(path) for path in (first, second)]
    names = sorted(contents[0])
    strange = [name for name in names if not any(fnmatch.fnmatch(name, allowed) for allowed in ALLOWED)]
    job.require(not strange, f"does not belong in the tarball: {', '.join(strange)}")
    missing = [needed for needed in NEEDED if not fnmatch.filter(names, needed)]
    job.require(not missing, f"missing in the tarball: {', '.join(missing)}")
    job.write(f"{names}")
    either = contents[0].keys() | contents[1].keys()
    differ = sorted(name for name in either if contents[0].get(name) != contents[1].get(name))
    job.require(not differ, f"two builds differ in {', '.join(differ)}")
    job.facts += [f"{len(names)} files", f"{first.stat().st_size // 1024} KiB"]


def _contents(path: Path) -> dict[str, bytes]:
    contents = {}
    with tarfile.open(path) as archive:
        for member in archive:
            stream = archive.extractfile(member)
            if stream is not None:  # None: a folder
                contents[member.name] = stream.read()
    return contents


def importer(job: Job) -> None:
    """galaxy-importer, which a Galaxy server runs on uploads; its warnings count, though it ends well with them."""
    bins = workspace.make_venv("package", _importer_python())
    built = build(job, "importer")
    home = CACHE / "ci" / "homes" / "importer"
    settings = home / "galaxy-importer.cfg"
    environment = workspace.clean_environment(home, bins) | {"GALAXY_IMPORTER_CONFIG": str(settings)}
    settings.write_text("[galaxy-importer]\nCHECK_REQUIRED_TAGS = True\nREQUIRE_V1_OR_GREATER = True\n")
    command: Command = [bins / "python", "-m", "galaxy_importer.main", built.name]
    output = job.run(command, cwd=built.parent, environment=environment)
    job.refuse(r"^(WARNING|ERROR)", output, "the importer complains")
    result = json.loads((built.parent / "importer_result.json").read_text())
    kinds = [content["content_type"] for content in result["contents"]]
    modules = list((workspace.ROOT / "plugins" / "modules").glob("[a-z]*.py"))
    job.require(kinds.count("module") == len(modules) > 0, f"{len(modules)} modules, the importer found {kinds}")
    job.facts.append(f"{len(kinds)} contents")


def _importer_python() -> str:
    return next(version for version in ("3.12", "3.13", "3.11") if version in workspace.pythons())


def under(core: Core) -> Callable[[Job], None]:
    """The step that installs the tarball under a line of ansible-core, verifies it and reads its documentation."""
    return lambda job: _use(job, core)


def _use(job: Job, core: Core) -> None:
    control = core.available_controls[0]
    bins = workspace.make_venv(f"core-{core.line}", control)
    folder = install(job, f"under-{core.line}", core)
    environment = workspace.clean_environment(CACHE / "ci" / "homes" / f"use-{core.line}", bins)
    environment |= {"ANSIBLE_COLLECTIONS_PATH": str(folder)}

    def ansible(*command: str) -> str:
        return job.run([bins / command[0], *command[1:]], cwd=folder, environment=environment)

    ansible("ansible-galaxy", "collection", "verify", COLLECTION, "--offline")
    documented = 0
    for kind, directory in (("module", "modules"), ("filter", "filter"), ("test", "test")):
        files = (workspace.ROOT / "plugins" / directory).glob("[a-z]*.*")
        expected = {f"{COLLECTION}.{path.stem}" for path in files}
        listed = json.loads(_from_json(ansible("ansible-doc", "-t", kind, "-l", "--json", COLLECTION)))
        job.require(set(listed) == expected, f"ansible-doc lists {sorted(listed)}, plugins/ has {sorted(expected)}")
        for name in sorted(expected):
            text = ansible("ansible-doc", "-t", kind, name)
            job.refuse(r"\[(WARNING|ERROR)\]", text, f"ansible-doc on {name}")
            job.require("EXAMPLES" in text, f"ansible-doc shows no examples of {name}")
            documented += 1
    job.require(documented > 0, "no plugin")
    job.facts += [f"ansible-core {core.line} on Python {control}", f"{documented} plugins documented"]


def _from_json(output: str) -> str:
    """The output from the first line that begins a JSON object: warnings may stand before it."""
    return output[output.index("{\n") :] if "{\n" in output else "{}"
