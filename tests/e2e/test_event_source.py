# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The event source in the real ansible-rulebook, which asks the emulator: the guide from its text, and a long run.

ANSIBLE_RULEBOOK names the program. It lies in an environment of its own (tests/ci/requirements/eda.txt) and needs Java 17.
"""

from __future__ import annotations

import importlib.util
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from . import pages
from .conftest import KEYS, ROOT, Site

RULEBOOK = os.environ.get("ANSIBLE_RULEBOOK", "")
GUIDE = ROOT / "docs" / "docsite" / "rst" / "guide_event_source.rst"
EXAMPLE = ROOT / "extensions" / "eda" / "rulebooks" / "dumps.yml"
PASSWORD = "Example-Password-1"
INVENTORY = "all: {hosts: {localhost: {ansible_connection: local}}}\n"
# Options are given as text, as variables hand them over. The password is what must not be seen.
EVENTS = """
- name: Events
  hosts: all
  sources:
    - hwcloud.streaming.dumps:
        region: eu-west-101
        username: example-user
        password: "{{ streaming_password }}"
        domain_name: example-account
        dis_endpoint: "{{ address }}"
        iam_endpoint: "{{ address }}"
        interval: "10"
        heartbeat: 10
        retries: 0
        max_backoff: 10
  rules:
    - name: All of them
      condition: event.hwcloud is defined
      action:
        debug:
          msg: "EVENT {{ event.hwcloud.kind }} {{ event.hwcloud.task_name | default('-') }} {{ event.hwcloud.health | default('-') }}."
"""
WORLD: dict[str, Any] = {
    "credentials": {
        "users": [{"name": "example-user", "password": PASSWORD, "domain": "example-account"}],
        "access_keys": [{"access_key": KEYS["HUAWEICLOUD_SDK_AK"], "secret_key": KEYS["HUAWEICLOUD_SDK_SK"]}],
    },
    "streams": [
        {"name": "orders", "tasks": [{"name": "orders-to-obs", "moving": True}]},
        {"name": "clicks", "tasks": [{"name": "clicks-to-obs", "moving": True, "state": "PAUSED"}]},
    ],
}

pytestmark = pytest.mark.skipif(not RULEBOOK, reason="not run here: no Java 17 was found, which ansible-rulebook needs")


class Running:
    """ansible-rulebook at work, and what it has printed so far."""

    def __init__(self, site: Site, folder: Path, command: str) -> None:
        environment = site.environment | {"PATH": f"{Path(RULEBOOK).parent}{os.pathsep}{site.environment['PATH']}"}
        environment |= {"JAVA_HOME": os.environ["JAVA_HOME"]} if "JAVA_HOME" in os.environ else {}
        self.process = subprocess.Popen(
            ["bash", "-c", f"exec {command}"],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.output, self.ended = "", False
        self._news = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._news:
                self.output += line
                self._news.notify_all()
        with self._news:
            self.ended = True
            self._news.notify_all()

    @property
    def events(self) -> list[str]:
        return re.findall(r"^EVENT (.*)\.$", self.output, re.MULTILINE)

    def wait_for(self, text: str, times: int = 1) -> None:
        """Wait until something was printed so many times."""
        with self._news:
            self._news.wait_for(lambda: self.ended or self.output.count(text) >= times, timeout=90)
        assert self.output.count(text) >= times, f"{text!r} was not printed {times} times:\n{self.output}"

    def end(self) -> float:
        """Send SIGTERM; return how many seconds the end took."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)
        self._reader.join(10)
        return time.monotonic() - began


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "rulebooks"
    folder.mkdir()
    (folder / "inventory.yml").write_text(INVENTORY, encoding="utf-8")
    return folder


@pytest.fixture
def emulator() -> Iterator[Any]:
    """An emulator within this process, whose world can be changed while it runs."""
    place = ROOT / "tests" / "emulator"
    spec = importlib.util.spec_from_file_location(
        "emulator", place / "__init__.py", submodule_search_locations=[str(place)]
    )
    assert spec is not None
    assert spec.loader is not None
    package = sys.modules["emulator"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(package)
    with package.Emulator(WORLD) as emulator:
        yield emulator


def start(site: Site, folder: Path, rulebook: str, variables: str, *options: str) -> Running:
    (folder / "rulebook.yml").write_text(rulebook, encoding="utf-8")
    (folder / "variables.yml").write_text(variables, encoding="utf-8")
    command = ["ansible-rulebook", "--rulebook", "rulebook.yml", "-i", "inventory.yml", "--vars", "variables.yml"]
    return Running(site, folder, " ".join([*command, *options]))


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port


def test_the_guide_from_its_text(bare: Site, folder: Path) -> None:
    """A dump that is paused, an emulator that is gone for a while, a dump that runs again; with the port changed only."""
    port = str(free_port())
    blocks = pages.blocks(GUIDE)
    for block in blocks:
        if block.caption:
            (folder / block.caption).write_text(block.text, encoding="utf-8")
        elif block.kind == "exports":
            bare.environment |= dict(re.findall(r"^export (\w+)=(.*)$", block.text.replace("8080", port), re.MULTILINE))
    (command,) = (block.text for block in blocks if block.language == "shell" and "--rulebook" in block.text)
    ill, well, gathering = (
        block.text for block in blocks if block.language == "text" and "access_key" not in block.text
    )
    world = folder / "world.yml"
    with bare.emulator(world, "--port", port):
        running = Running(bare, folder, command)
        running.wait_for(ill.strip())
    failed, recovered = gathering.splitlines()
    running.wait_for(failed)
    text = world.read_text(encoding="utf-8")
    assert text.count(", state: PAUSED") == 1
    world.write_text(text.replace(", state: PAUSED", ""), encoding="utf-8")
    with bare.emulator(world, "--port", port):
        running.wait_for(recovered)
        running.wait_for(well.strip())
        assert running.end() < 10
    for told in (ill.strip(), well.strip(), failed, recovered):
        assert running.output.count(told) == 1, running.output
    assert "ERROR" not in running.output


def test_the_rulebook_of_the_guide_is_the_one_in_the_collection() -> None:
    (shown,) = (block.text for block in pages.blocks(GUIDE) if block.caption == "dumps.yml")
    text = EXAMPLE.read_text(encoding="utf-8")
    assert text[text.index("- name: Dumps") :] == shown


def test_the_dead_man_s_switch_speaks_up(bare: Site, folder: Path) -> None:
    text = EXAMPLE.read_text(encoding="utf-8")
    for old, new in (("heartbeat: 60", "heartbeat: 0"), ("delay: 60", "delay: 1"), ("20 minutes\n", "5 seconds\n")):
        assert text.count(old) == 1
        text = text.replace(old, new)
    with bare.emulator(WORLD) as address:
        bare.environment |= bare.at(address)
        running = start(bare, folder, text, "dumps_interval: 10\n")
        running.wait_for("No poll has ended for 20 minutes.")
        running.end()


def test_a_long_run(bare: Site, folder: Path, emulator: Any) -> None:
    """A change, silence, a token that runs out, one failure, recovery, and an end while the server is silent."""
    variables = f"{{address: '{emulator.url}', streaming_password: {PASSWORD}}}\n"
    running = start(bare, folder, EVENTS, variables, "-vv")
    beat = "EVENT heartbeat"
    running.wait_for("EVENT initial clicks-to-obs unhealthy")
    running.wait_for(beat)
    task = emulator.world.streams["orders"].tasks["orders-to-obs"]
    for state, health in (("PAUSED", "unhealthy"), ("RUNNING", "healthy")):
        task.state = state
        running.wait_for(f"EVENT changed orders-to-obs {health}")
    running.wait_for(beat, 4)
    tokens = list(emulator.world.tokens)
    emulator.world.expire_tokens()
    running.wait_for(beat, 5)
    emulator.inject("streams/clicks/transfer-tasks", "server_500")
    running.wait_for("EVENT gather_failed")
    running.wait_for("EVENT gather_recovered")
    asked = len(emulator.requests)
    emulator.inject("transfer-tasks", "silence", times=None)
    deadline = time.monotonic() + 30
    while not emulator.in_flight and time.monotonic() < deadline:
        time.sleep(0.05)
    assert emulator.in_flight, asked
    assert running.end() < 10
    assert [event for event in running.events if not event.startswith("heartbeat")] == [
        "initial clicks-to-obs unhealthy",
        "changed orders-to-obs unhealthy",
        "changed orders-to-obs healthy",
        "gather_failed - -",
        "gather_recovered - -",
    ]
    assert "Traceback" not in running.output
    paths = [request.path for request in emulator.requests]
    assert paths.count("/v3/auth/tokens") == 2  # at the start, and when it had run out
    assert paths.count("/v3/projects") <= 1
    assert emulator.connections < 10
    secrets = {PASSWORD, *tokens, *emulator.world.tokens}
    assert len(secrets) > 2
    assert [secret for secret in secrets if secret in running.output] == []


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("interval:", "intervall:", "Unsupported options: intervall"),
        ('interval: "10"', "interval: 1", "interval is 1: it takes 10 or more"),
        ("username: example-user", "username: somebody", "Check username and password"),
    ],
)
def test_what_is_wrong_ends_it_with_the_reason(
    bare: Site, folder: Path, emulator: Any, old: str, new: str, reason: str
) -> None:
    assert old in EVENTS
    variables = f"{{address: '{emulator.url}', streaming_password: {PASSWORD}}}\n"
    running = start(bare, folder, EVENTS.replace(old, new), variables)
    assert running.process.wait(60) != 0
    running.wait_for(reason)
    assert running.events == []
    assert PASSWORD not in running.output
