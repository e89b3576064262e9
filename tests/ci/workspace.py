# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the checks work: Pythons of the machine, virtual environments, copies of the tree, variables of commands.

Everything made here lives in the checkout's `.venv/` and `.cache/`, and is kept between runs.
"""

from __future__ import annotations

import ast
import contextlib
import fcntl
import functools
import hashlib
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VENVS = ROOT / ".venv"
CACHE = ROOT / ".cache"
LOGS = CACHE / "ci" / "logs"
REQUIREMENTS = ROOT / "tests" / "ci" / "requirements"
COLLECTION = "hwcloud.streaming"
Command = Sequence[str | Path]

# What a command that downloads may know of the machine. Commands that test the product get none of it.
DOWNLOAD_VARIABLES = ("PIP_", "UV_", "SSL_CERT_", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
PROXY_VARIABLES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
PIP_SETTINGS = ("index-url", "cert", "client-cert", "proxy", "timeout", "trusted-host")


class Missing(Exception):
    """Something that the machine must have is not there; the message says what and where to get it."""


@functools.cache
def pythons() -> dict[str, Path]:
    """The CPython interpreters of this machine, by minor version: {"3.11": Path("/usr/bin/python3.11"), …}."""
    folders = [Path(sys.executable).parent, *map(Path, os.environ.get("PATH", "").split(os.pathsep))]
    # A shim of pyenv is no interpreter: it fails for versions that are not selected. The real ones lie beside it.
    roots = [folder.parent for folder in folders if folder.name == "shims"]
    roots += [Path(os.environ.get("PYENV_ROOT", "~/.pyenv")).expanduser()]
    folders = [folder for folder in folders if folder.name != "shims"]
    folders += [path for root in roots for path in sorted(root.glob("versions/3.*/bin"), reverse=True)]
    folders += sorted(Path("~/.local/share/uv/python").expanduser().glob("cpython-3.*/bin"), reverse=True)
    folders += [Path("/usr/local/bin"), Path("/usr/bin"), Path("/opt/homebrew/bin")]
    found: dict[str, Path] = {}
    for minor in range(9, 16):
        for folder in folders:
            python = folder / f"python3.{minor}"
            if os.access(python, os.X_OK) and _works(python, f"3.{minor}"):
                found[f"3.{minor}"] = python.resolve()
                break
    return found


def _works(python: Path, version: str) -> bool:
    """True when it starts, is that version, and can make virtual environments (some systems leave that part out)."""
    code = "import sys, venv, ensurepip; print('%d.%d' % sys.version_info[:2])"
    result = subprocess.run([python, "-c", code], capture_output=True, text=True, check=False)
    return result.returncode == 0 and result.stdout.strip() == version


@functools.cache
def pythons_folder() -> Path:
    """A folder with a link `python3.X` to each interpreter, for PATH: ansible-test looks them up by name."""
    folder = CACHE / "ci" / "pythons"
    with locked("pythons"):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for version, python in pythons().items():
            (folder / f"python{version}").symlink_to(python)
    return folder


_thread_locks: dict[str, threading.Lock] = {}


@contextlib.contextmanager
def locked(name: str) -> Iterator[None]:
    """One user at a time for a folder: between the lanes of this run, and between runs in the same checkout."""
    path = CACHE / "ci" / "locks" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    with _thread_locks.setdefault(name, threading.Lock()), path.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"waiting for another run in this checkout to finish with {name}", flush=True)
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def download_environment() -> dict[str, str]:
    """For pip and uv: the user's own settings (mirror, certificates, proxy), caches inside the checkout."""
    environment = {key: value for key, value in os.environ.items() if key not in ("VIRTUAL_ENV", "PYTHONPATH")}
    caches = {"UV_CACHE_DIR": str(CACHE / "uv"), "PIP_CACHE_DIR": str(CACHE / "pip")}
    return environment | caches | {"UV_PYTHON_DOWNLOADS": "never"}


def clean_environment(home: Path, *bins: Path, download: bool = False) -> dict[str, str]:
    """For everything else: nothing of the caller's but where programs are; with `download`, how to reach registries."""
    home.mkdir(parents=True, exist_ok=True)
    tools = [Path(program).parent for program in map(shutil.which, ("git", "tar", "make")) if program]
    folders = [*bins, pythons_folder(), *tools, Path("/usr/local/bin"), Path("/usr/bin"), Path("/bin")]
    environment = {
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
        "PATH": os.pathsep.join(dict.fromkeys(str(folder) for folder in folders if folder.name != "shims")),
        "PYTHONDONTWRITEBYTECODE": "1",
        "ANSIBLE_NOCOLOR": "1",
        "NO_COLOR": "1",
        # Several ansible-core lines share a machine; none may pick up the user's settings or collections.
        "ANSIBLE_HOME": str(home / ".ansible"),
        "ANSIBLE_REMOTE_TMP": str(home / ".ansible" / "tmp"),
        "MYPY_CACHE_DIR": str(CACHE / "mypy"),
        "RUFF_CACHE_DIR": str(CACHE / "ruff"),
    }
    if download:
        environment |= {key: value for key, value in os.environ.items() if key.startswith(DOWNLOAD_VARIABLES)}
        environment |= {key: value for key, value in os.environ.items() if key.lower() in PROXY_VARIABLES}
    return environment


@functools.cache
def uv() -> Path:
    """The uv program, installed by pip from its pinned file."""
    lock = REQUIREMENTS / "uv.txt"
    folder = VENVS / "uv"
    with locked("venv-uv"):
        stamp = _stamp(lock, Path(sys.executable))
        if not _is_made(folder, stamp):
            shutil.rmtree(folder, ignore_errors=True)
            _quiet([sys.executable, "-m", "venv", folder])
            _quiet([folder / "bin" / "pip", "install", "--require-hashes", "--no-deps", "-r", lock])
            (folder / ".made-from").write_text(stamp)
    return folder / "bin" / "uv"


def make_venv(lock: str, version: str) -> Path:
    """The bin folder of the virtual environment `.venv/LOCK-pyVERSION`, made from `requirements/LOCK.txt`."""
    uv()
    requirements = REQUIREMENTS / f"{lock}.txt"
    python = pythons()[version]
    folder = VENVS / f"{lock}-py{version}"
    with locked(f"venv-{folder.name}"):
        stamp = _stamp(requirements, python)
        if not _is_made(folder, stamp):
            shutil.rmtree(folder, ignore_errors=True)
            _quiet([uv(), "venv", "--no-project", "--python", python, folder])
            install: Command = [uv(), "pip", "install", "--require-hashes", "--python", folder / "bin" / "python"]
            _quiet([*install, "-r", requirements])
            (folder / ".made-from").write_text(stamp)
    return folder / "bin"


def _stamp(lock: Path, python: Path) -> str:
    # The folder is part of it: a virtual environment that was moved or copied no longer works.
    return f"{hashlib.sha256(lock.read_bytes()).hexdigest()} {python.resolve()} {ROOT}\n"


def _is_made(folder: Path, stamp: str) -> bool:
    made = folder / ".made-from"
    return made.is_file() and made.read_text() == stamp


def _quiet(command: Command) -> str:
    """Run a set-up command; its output is shown only when it fails."""
    result = subprocess.run(command, capture_output=True, text=True, check=False, env=_with_pip_mirror(), cwd=ROOT)
    if result.returncode:
        raise Missing(f"{' '.join(map(str, command))}\n{result.stdout}{result.stderr}")
    return result.stdout


def _with_pip_mirror() -> dict[str, str]:
    environment = download_environment()
    if (VENVS / "uv" / "bin" / "uv").exists() and "index-url" in pip_settings():
        environment.setdefault("UV_DEFAULT_INDEX", pip_settings()["index-url"])
    return environment


@functools.cache
def pip_settings() -> dict[str, str]:
    """The user's pip settings that decide how a registry is reached; uv and ansible-test do not read them."""
    command: Command = [VENVS / "uv" / "bin" / "pip", "config", "list"]
    output = subprocess.run(command, capture_output=True, text=True, check=True, env=download_environment()).stdout
    settings: dict[str, str] = {}
    for line in output.splitlines():
        key, separator, value = line.partition("=")
        name = key.rpartition(".")[2]
        if separator and name in PIP_SETTINGS:
            settings[name] = str(ast.literal_eval(value))
    return settings


def prepare_ansible_test_home(home: Path, pip_version: str) -> None:
    """Give ansible-test what it would download from a server of its own: pip for the environments that it makes.

    It looks for the bootstrap script in its cache first (the work-around that ansible/ansible#77304 documents).
    """
    uv()
    wheel = CACHE / "ci" / f"pip-{pip_version}"
    lock = REQUIREMENTS / f"pip-{pip_version}.txt"
    with locked(wheel.name):
        stamp = _stamp(lock, Path(sys.executable))
        if not _is_made(wheel, stamp):
            shutil.rmtree(wheel, ignore_errors=True)
            target: Command = ["--target", wheel, "--python", sys.executable]
            _quiet([uv(), "pip", "install", "--require-hashes", "--no-deps", *target, "-r", lock])
            (wheel / ".made-from").write_text(stamp)
    script = home / ".ansible" / "test" / "cache" / f"get_pip_{pip_version.replace('.', '_')}.py"
    script.parent.mkdir(parents=True, exist_ok=True)
    script.write_text(
        "import runpy, sys\n"
        f"sys.path.insert(0, {str(wheel)!r})\n"
        "options = [option for option in sys.argv[1:] if option not in ('--no-setuptools', '--no-wheel')]\n"
        "sys.argv = ['pip', 'install', '--ignore-installed', *options]\n"
        "runpy.run_module('pip', run_name='__main__', alter_sys=True)\n"
    )
    settings = home / ".config" / "pip" / "pip.conf"
    settings.parent.mkdir(parents=True, exist_ok=True)
    settings.write_text("[global]\n" + "".join(f"{key} = {value}\n" for key, value in pip_settings().items()))


def source_files() -> list[str]:
    """The files of the working tree that git knows or would add; without git, all but what the checks make."""
    if (ROOT / ".git").exists():
        command = ["git", "-c", f"safe.directory={ROOT}", "ls-files", "-z"]
        command += ["--cached", "--others", "--exclude-standard"]
        listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
        # A file that was deleted but not yet committed is still listed.
        return sorted(name for name in set(listed) if name and (ROOT / name).is_file())
    made = {".venv", ".cache", ".git", "build", "output", "__pycache__"}
    files = (path.relative_to(ROOT) for path in ROOT.rglob("*") if path.is_file())
    return sorted(str(path) for path in files if not made & set(path.parts))


def copy_tree(name: str, keep: Sequence[str] = ()) -> Path:
    """A copy of the tree at the path that ansible wants, `…/collections/ansible_collections/hwcloud/streaming`.

    What is there from an earlier run and belongs to no source file goes, except below the folders named in `keep`.
    """
    target = CACHE / "ci" / "trees" / name / "collections" / "ansible_collections" / Path(*COLLECTION.split("."))
    target.mkdir(parents=True, exist_ok=True)
    if (ROOT / ".git").exists() and not (target / ".git").exists():
        # A repository of its own: tools that ask git would find the checkout's, in which `.cache/` is ignored.
        subprocess.run(["git", "init", "--quiet", "--template=", target], check=True)
    files = source_files()
    keep = (".git", *keep)
    for path in sorted(target.rglob("*"), reverse=True):
        relative = str(path.relative_to(target))
        if any(relative == kept or relative.startswith(f"{kept}/") or kept.startswith(f"{relative}/") for kept in keep):
            continue
        if path.is_dir() and not path.is_symlink():
            with contextlib.suppress(OSError):  # still holds files that stay
                path.rmdir()
        elif relative not in files:
            path.unlink()
    for relative in files:
        source, copy = ROOT / relative, target / relative
        if copy.is_file() and copy.stat().st_mode == source.stat().st_mode and copy.read_bytes() == source.read_bytes():
            continue
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, copy)
    return target
