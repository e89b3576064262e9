# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection as a user has it: built, installed from its tarball, run by the real ansible against its emulator."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from . import documentation
from .worlds import BARE, CALLS, FAILING, ILL, PROJECT, SPARSE, WELL

ROOT = Path(__file__).resolve().parents[2]
KEYS = {
    "HUAWEICLOUD_REGION": "eu-west-101",
    "HUAWEICLOUD_SDK_AK": "AKEXAMPLE0000000000X",
    "HUAWEICLOUD_SDK_SK": "SKExample0000000000000000000000000000000",
}


class Ran(NamedTuple):
    """A command that has ended: exit status, and both outputs together."""

    status: int
    output: str

    @property
    def result(self) -> Any:
        """The result that an ad-hoc command printed."""
        return json.loads(self.output[self.output.index("=> {") + 3 : self.output.rindex("}") + 1])

    @property
    def plain(self) -> str:
        """The output without its line breaks, which Ansible sets where it likes."""
        return " ".join(self.output.replace("\\n", " ").split())


class Site:
    """A machine of a user: a HOME, an installed collection, an environment with nothing of the caller's in it."""

    def __init__(self, folder: Path, installed: Path, python: Path) -> None:
        self.folder = folder
        self.installed = installed
        self.collection = installed / "ansible_collections" / "hwcloud" / "streaming"
        self.emulator_program = self.collection / "tests" / "emulator"
        home = folder / "home"
        home.mkdir(parents=True, exist_ok=True)
        self.environment = {
            "HOME": str(home),
            "PATH": os.pathsep.join([str(python.parent), "/usr/local/bin", "/usr/bin", "/bin"]),
            "LANG": "C.UTF-8",
            "LC_ALL": "C.UTF-8",
            "COLUMNS": "300",
            "PYTHONPYCACHEPREFIX": os.environ.get("PYTHONPYCACHEPREFIX", str(installed.parent / "pycache")),
            "ANSIBLE_COLLECTIONS_PATH": str(installed),
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_ASYNC_DIR": str(home / "jobs"),
            "ANSIBLE_LOCALHOST_WARNING": "False",
            "ANSIBLE_INVENTORY_UNPARSED_WARNING": "False",
            "ANSIBLE_DEPRECATION_WARNINGS": "False",
        }

    def run(self, *command: str | Path, cwd: Path | str | None = None, **variables: str) -> Ran:
        environment = self.environment | variables
        program = shutil.which(str(command[0]), path=environment["PATH"]) or str(command[0])
        done = subprocess.run(
            [program, *map(str, command[1:])],
            cwd=cwd or self.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=100,
            check=False,
        )
        return Ran(done.returncode, done.stdout)

    def ask(self, module: str, arguments: str = "", *options: str, **variables: str) -> Ran:
        """Run a module of the collection ad hoc."""
        return self.run(
            "ansible", "localhost", "-m", f"hwcloud.streaming.{module}", "-a", arguments, *options, **variables
        )

    def play(self, text: str, *options: str, folder: Path | str | None = None, **variables: str) -> Ran:
        """Run the text as a playbook."""
        path = Path(folder or self.folder) / "play.yml"
        path.write_text(text, encoding="utf-8")
        return self.run("ansible-playbook", path.name, *options, cwd=path.parent, **variables)

    def inventory(self, hosts: Mapping[str, Mapping[str, Any]], **variables: Any) -> str:
        """Write an inventory of these hosts with their variables, in the group regions; return its path."""
        group = {"hosts": hosts, "vars": variables}
        path = self.folder / "inventory.json"
        path.write_text(json.dumps({"all": {"children": {"regions": group}}}), encoding="utf-8")
        return str(path)

    @contextlib.contextmanager
    def emulator(self, world: Mapping[str, Any] | Path, *options: str) -> Iterator[str]:
        """Start the emulator of the installed collection as a program, and yield its address."""
        if not isinstance(world, Path):
            path = self.folder / f"world-{time.monotonic_ns()}.json"
            path.write_text(json.dumps(world), encoding="utf-8")
            world = path
        command = [sys.executable, str(self.emulator_program), "--world", str(world), *options]
        with subprocess.Popen(command, env=self.environment, stdout=subprocess.PIPE, text=True) as process:
            try:
                assert process.stdout is not None
                told = process.stdout.readline()
                address = re.fullmatch(r"emulator ready: (http://127\.0\.0\.1:\d+)\n", told)
                assert address, f"the emulator said {told!r}"
                yield address[1]
            finally:
                process.terminate()
                process.wait(10)

    @staticmethod
    def at(address: str) -> dict[str, str]:
        """The environment variables that lead to an emulator, with keys that its worlds know."""
        endpoints = ("HUAWEICLOUD_DIS_ENDPOINT", "HUAWEICLOUD_DMS_ENDPOINT", "HUAWEICLOUD_SDK_IAM_ENDPOINT")
        return {**KEYS, **dict.fromkeys(endpoints, address)}


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder into which the tarball of the collection was installed."""
    folder = tmp_path_factory.mktemp("built")
    site = Site(folder, folder / "installed", Path(sys.executable))
    (folder / "installed").mkdir()
    made = site.run("ansible-galaxy", "collection", "build", "--output-path", folder, cwd=ROOT)
    assert made.status == 0, made.output
    (tarball,) = folder.glob("hwcloud-streaming-*.tar.gz")
    put = site.run("ansible-galaxy", "collection", "install", tarball, "-p", folder / "installed", "--offline")
    assert put.status == 0, put.output
    assert site.collection.is_dir(), put.output
    return folder / "installed"


@pytest.fixture(scope="session")
def demo(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of an emulator with the world of the demo."""
    site = Site(tmp_path_factory.mktemp("demo"), built, Path(sys.executable))
    with site.emulator(site.emulator_program / "worlds" / "demo.yml") as address:
        yield address


class Worlds(NamedTuple):
    """A site and the addresses of emulators: one with all well, one with what is not, one that tells little."""

    site: Site
    well: str
    ill: str
    sparse: str


@pytest.fixture(scope="session")
def collection(built: Path) -> documentation.Collection:
    return documentation.read(built / "ansible_collections" / "hwcloud" / "streaming")


@pytest.fixture(scope="session")
def worlds(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worlds]:
    site = Site(tmp_path_factory.mktemp("documentation"), built, Path(sys.executable))
    with site.emulator(WELL) as well, site.emulator(ILL) as ill, site.emulator(SPARSE) as sparse:
        yield Worlds(site, well, ill, sparse)


@pytest.fixture(scope="session")
def results(collection: documentation.Collection, worlds: Worlds) -> dict[str, list[dict[str, Any]]]:
    """Real results of every module, by name."""
    well, ill, sparse, nowhere = (
        worlds.site.at(address) for address in (worlds.well, worlds.ill, worlds.sparse, "http://127.0.0.1:9")
    )
    gathered = {}
    for name, options in CALLS.items():
        calls: list[documentation.Call] = [(one, well) for one in options]
        calls += [(one, ill) for one in (FAILING[name], {"stream_names": "orders"} if "log" in name else {})]
        calls += [({"retries": 0, **FAILING[name]}, nowhere), ({"timeout": 0, **FAILING[name]}, well)]
        calls += [({"project_id": PROJECT, **BARE[name]}, sparse | {"HUAWEICLOUD_REGION": ""})]
        gathered[name] = documentation.run_module(collection.root, name, calls)
    return gathered


@pytest.fixture
def site(built: Path, demo: str, tmp_path: Path) -> Site:
    """A fresh HOME, and an environment that leads to the emulator of the demo."""
    site = Site(tmp_path, built, Path(sys.executable))
    site.environment |= site.at(demo)
    return site


@pytest.fixture
def bare(built: Path, tmp_path: Path) -> Site:
    """A fresh HOME, and an environment that knows no region, no credentials and no endpoints."""
    return Site(tmp_path, built, Path(sys.executable))


Emulate = Callable[[Mapping[str, Any]], None]


@pytest.fixture
def world(site: Site) -> Iterator[Emulate]:
    """Lead the site to an emulator with a world of the test's own."""
    with contextlib.ExitStack() as stack:

        def start(world: Mapping[str, Any]) -> None:
            credentials = {
                "users": [{"name": "example-user", "password": "Example-Password-1", "domain": "example-account"}],
                "access_keys": [{"access_key": KEYS["HUAWEICLOUD_SDK_AK"], "secret_key": KEYS["HUAWEICLOUD_SDK_SK"]}],
            }
            address = stack.enter_context(site.emulator({"credentials": credentials, **world}))
            site.environment |= site.at(address)

        yield start
