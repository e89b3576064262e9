# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What nox stands on: Pythons of the machine, a clean environment, copies of the tree; and nox itself, pinned.

`python3.11 tests/ci/machine.py ARGUMENTS…` runs nox. All that is made lies in `.venv/`, `.nox/` and `.cache/`.
"""

from __future__ import annotations

import ast
import functools
import itertools
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # what is below runs before nox is there
    from nox import Session

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache"
LOCKS = Path("tests/ci/requirements")
COLLECTION = "hwcloud.streaming"
# What the checks may know of the caller's environment; nothing else may make a difference.
KEPT = "PATH|TERM|TMPDIR|CI|JOBS|REQUIRE_ALL|JAVA_HOME|.*_(CA_BUNDLE|PROXY)|(PIP|UV|NOX|SSL_CERT|GITHUB)_.*"
PIP_SETTINGS = ("index-url", "cert", "client-cert", "proxy", "timeout", "trusted-host")


@functools.cache
def pythons() -> dict[str, Path]:
    """The CPython interpreters of this machine, by minor version: {"3.11": Path("/usr/bin/python3.11"), …}."""
    folders = [Path(sys.base_prefix, "bin"), *map(Path, os.environ.get("PATH", "").split(os.pathsep))]
    # A shim of pyenv is no interpreter: it fails for versions that are not selected. The real ones lie beside it.
    roots = [Path(os.environ.get("PYENV_ROOT", "~/.pyenv")), *(folder.parent for folder in folders)]
    folders = [folder for folder in folders if folder.name != "shims"]
    folders += [path for root in roots for path in sorted(root.expanduser().glob("versions/3.*/bin"), reverse=True)]
    folders += sorted(Path("~/.local/share/uv/python").expanduser().glob("cpython-3.*/bin"), reverse=True)
    folders += [Path("/usr/local/bin"), Path("/usr/bin"), Path("/opt/homebrew/bin")]
    found: dict[str, Path] = {}
    for minor, folder in itertools.product(range(9, 16), folders):
        python, version = folder / f"python3.{minor}", f"3.{minor}"
        if version not in found and os.access(python, os.X_OK):
            # It starts, is that version, and can make virtual environments, a part that some systems leave out.
            code = f"import sys, venv, ensurepip; sys.exit(sys.version_info[:2] != (3, {minor}))"
            if subprocess.run([python, "-c", code], capture_output=True, check=False).returncode == 0:
                found[version] = python.resolve()
    return found


def prepare() -> None:
    """Make the environment of this process, which all sessions inherit, clean: called by the noxfile."""
    links = ROOT / ".venv" / "pythons"
    if os.environ.get("HOME") == str(CACHE / "home"):
        return  # in a nox that another one has started
    links.mkdir(parents=True, exist_ok=True)
    for version, python in pythons().items():
        link = links / f"python{version}"
        if not (link.is_symlink() and link.readlink() == python):
            link.unlink(missing_ok=True)
            link.symlink_to(python)
    kept = {key: value for key, value in os.environ.items() if re.fullmatch(KEPT, key, re.IGNORECASE)}
    folders = [str(links), *(folder for folder in kept["PATH"].split(os.pathsep) if not folder.endswith("shims"))]
    if pip_settings().get("index-url"):
        kept.setdefault("UV_DEFAULT_INDEX", pip_settings()["index-url"])
    os.environ.clear()
    os.environ.update(kept)
    os.environ.update(
        HOME=str(give_pip_settings(CACHE / "home")),
        PATH=os.pathsep.join(folders),
        LANG="C.UTF-8",
        LC_ALL="C.UTF-8",
        PYTHONPYCACHEPREFIX=str(CACHE / "pycache"),  # compiled once, and never into a tree that is checked
        ANSIBLE_NOCOLOR="1",
        UV_CACHE_DIR=str(CACHE / "uv"),
        UV_PYTHON_DOWNLOADS="never",
        PIP_CACHE_DIR=str(CACHE / "pip"),
        # In a container the checkout may belong to someone else.
        GIT_CONFIG_COUNT="1",
        GIT_CONFIG_KEY_0="safe.directory",
        GIT_CONFIG_VALUE_0="*",
    )


@functools.cache
def pip_settings() -> dict[str, str]:
    """The user's pip settings that decide how a registry is reached; uv and ansible-test do not read them."""
    command = [sys.executable, "-m", "pip", "config", "list"]
    output = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    named = dict(re.findall(r"^[^=]*\.([\w-]+)=(.*)$", output, re.MULTILINE))
    return {key: str(ast.literal_eval(named[key])) for key in PIP_SETTINGS if key in named}


def give_pip_settings(home: Path) -> Path:
    """Make a HOME whose pip reaches the registry as the user's does; ansible-test hands on no variables."""
    settings = {"cache-dir": CACHE / "pip", **pip_settings()}
    text = "[global]\n" + "".join(f"{key} = {value}\n" for key, value in settings.items())
    file = home / ".config" / "pip" / "pip.conf"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return home


def copy_tree(name: str) -> Path:
    """A fresh copy of the working tree, as git sees it, at the path that Ansible wants."""
    target = CACHE / "trees" / name / "collections" / "ansible_collections" / COLLECTION.replace(".", "/")
    shutil.rmtree(target, ignore_errors=True)
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    for file in sorted(set(filter(None, listed))):
        if (ROOT / file).is_file():  # one that was deleted but not yet committed is still listed
            (target / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / file, target / file)
    # A repository of its own: tools that ask git would find the checkout's, in which `.cache/` is ignored.
    subprocess.run(["git", "init", "--quiet", "--template=", target], check=True)
    return target


def install(session: Session, lock: str) -> None:
    session.install("--require-hashes", "-r", f"{LOCKS / lock}.txt")


def documentation(session: Session, variables: dict[str, str]) -> dict[str, Any]:
    """What ansible-doc tells about the modules, filters and tests, by kind and name."""
    told: dict[str, Any] = {}
    for kind, folder in (("module", "modules"), ("filter", "filter"), ("test", "test")):
        names = sorted({f"{COLLECTION}.{path.stem}" for path in (ROOT / "plugins" / folder).glob("[a-z]*.*")})
        output = str(session.run("ansible-doc", "-t", kind, "--json", *names, env=variables, silent=True))
        plugins = json.loads(output[output.index("{\n") :])  # warnings may stand before it
        told |= {f"{kind}_{name}": plugins[name] for name in names}
    return told


def nox(arguments: list[str]) -> None:
    """Run nox from a virtual environment of its own, made from its pinned file if need be."""
    python = next((pythons()[version] for version in ("3.13", "3.12", "3.11", "3.14") if version in pythons()), None)
    if python is None:
        sys.exit("This needs Python 3.11 or newer.")
    folder, lock = ROOT / ".venv" / "nox", ROOT / LOCKS / "nox.txt"
    stamp, wanted = folder / ".made-from", f"{python} {folder}\n{lock.read_text()}"
    if not stamp.is_file() or stamp.read_text() != wanted:
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([python, "-m", "venv", folder], check=True)
        install = [str(folder / "bin" / "pip"), "install", "--quiet", "--require-hashes", "-r", str(lock)]
        subprocess.run(install, check=True, env=os.environ | {"PIP_CACHE_DIR": str(CACHE / "pip")})
        stamp.write_text(wanted)
    environment = os.environ | {"PATH": f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": ""}
    program = str(folder / "bin" / "nox")
    os.execve(program, [program, "--noxfile", str(ROOT / "noxfile.py"), *arguments], environment)


if __name__ == "__main__":
    try:
        nox(sys.argv[1:])
    except subprocess.CalledProcessError as error:
        sys.exit(f"error: {error}")
