# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the emulator's tests share: the small world, and a plain client that sees every byte of an answer."""

from __future__ import annotations

import copy
import http.client
import json
import pathlib
import ssl
from typing import Any, Iterator, Mapping, NamedTuple

import pytest
import yaml
from ansible_collections.hwcloud.streaming.tests.emulator import Emulator

WORLDS = pathlib.Path(__file__).resolve().parents[2] / "emulator" / "worlds"
PROJECT = "0123456789abcdef0123456789abcdef"
SMALL: dict[str, Any] = yaml.safe_load((WORLDS / "small.yml").read_text())
TOKEN = {"X-Auth-Token": "ExampleToken"}


class Reply(NamedTuple):
    """An answer, read to its end."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


class Client:
    """Requests to one emulator, by default with a good token."""

    def __init__(self, emulator: Emulator) -> None:
        self.emulator = emulator
        self.project = PROJECT

    def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        context: ssl.SSLContext | None = None,
        timeout: float = 5,
    ) -> Reply:
        """One request over a connection of its own; the path's ``{p}`` is the project."""
        port = self.emulator.port
        connection = (
            http.client.HTTPSConnection("127.0.0.1", port, timeout=timeout, context=context)
            if context
            else http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
        )
        try:
            data = json.dumps(body) if isinstance(body, (dict, list)) else body
            connection.request(method, path.replace("{p}", PROJECT), data, dict(TOKEN if headers is None else headers))
            answer = connection.getresponse()
            return Reply(answer.status, {key.lower(): value for key, value in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    def get(self, path: str, **arguments: Any) -> Reply:
        """A GET below the project."""
        return self.send("GET", f"/v2/{{p}}/{path}", **arguments)

    def logs(self, task_id: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Reply:
        """A page of a task's log."""
        return self.send("POST", f"/v1/transfertasklog/{task_id}", body, headers)


@pytest.fixture
def small() -> dict[str, Any]:
    """The small world as a dictionary, to be changed by the test."""
    return copy.deepcopy(SMALL)


@pytest.fixture
def client(small: dict[str, Any]) -> Iterator[Client]:
    """A client of an emulator of the small world."""
    with Emulator(small) as emulator:
        yield Client(emulator)


@pytest.fixture
def client_of() -> Iterator[Any]:
    """Makes clients of emulators of other worlds; all end with the test."""
    running: list[Emulator] = []

    def make(world: Any, **arguments: Any) -> Client:
        emulator = Emulator(world, **arguments)
        running.append(emulator)
        return Client(emulator.__enter__())

    yield make
    for emulator in running:
        emulator.__exit__(None, None, None)
