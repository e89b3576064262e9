# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One set of options, several questions: what a session keeps between them, and what it does not."""

from __future__ import annotations

import threading
import typing as t

import pytest
from ansible_collections.hwcloud.streaming.plugins.module_utils import _call, _options
from ansible_collections.hwcloud.streaming.plugins.modules import dis_transfer_task_info, dms_sink_task_info
from ansible_collections.hwcloud.streaming.tests.emulator import Emulator
from ansible_collections.hwcloud.streaming.tests.unit.plugins.modules.calling import (
    PROJECT,
    REGION,
    TOKEN,
    USER,
    at,
    small_world,
)

DIS, SINK = dis_transfer_task_info.QUESTION, dms_sink_task_info.QUESTION


@pytest.fixture
def emulator() -> t.Iterator[Emulator]:
    with Emulator(small_world()) as running:
        yield running


class Told(t.NamedTuple):
    """A session, and what its caller was told."""

    session: _call.Session
    warnings: list[str]
    secrets: list[str]


def opened(emulator: Emulator, **options: t.Any) -> Told:
    own = {
        name: option.get("default") for name, option in {**DIS.options, **SINK.options, **_options.CONNECTION}.items()
    }
    params = {**own, "region": REGION, "project_id": PROJECT, "retries": 0, **at(emulator.url), **options}
    warnings: list[str] = []
    secrets: list[str] = []
    caller = _call.Caller(warnings.append, lambda text: None, lambda *told: secrets.extend(filter(None, told)))
    return Told(_call.Session(params, caller, {}), warnings, secrets)


def asked_for(emulator: Emulator, start: int = 0) -> list[str]:
    return [request.path.rpartition("/")[2] for request in emulator.requests[start:]]


def test_connections_and_token_are_kept(emulator: Emulator) -> None:
    session = opened(emulator, **USER, concurrency=1).session
    first = session.ask(DIS)
    assert first["request_stats"]["connections"] == 1
    assert asked_for(emulator).count("tokens") == 1
    seen = len(emulator.requests)
    for question in (DIS, SINK):
        again = session.ask(question)
        assert (again.get("failed"), again["request_stats"]["connections"]) == (None, 0)
    assert "tokens" not in asked_for(emulator, seen)
    assert session.ask(DIS)["summary"]["total"] == first["summary"]["total"] > 0
    session.close()


def test_a_token_that_has_expired_meanwhile_is_renewed(emulator: Emulator) -> None:
    told = opened(emulator, **USER)
    told.session.ask(DIS)
    emulator.world.clock.advance("25h")
    again = told.session.ask(DIS)
    assert again.get("failed") is None
    assert asked_for(emulator).count("tokens") == 2
    assert len(set(told.secrets)) == 3  # the password and two tokens


def test_a_failure_is_not_kept(emulator: Emulator) -> None:
    session = opened(emulator, auth_token=TOKEN).session
    emulator.inject("streams", "empty_503", times=1)
    assert session.ask(DIS)["error"]["kind"] == "server"
    assert session.ask(DIS).get("failed") is None


def test_options_are_looked_at_anew(emulator: Emulator) -> None:
    """A question may change what it is given: null becomes a default, a file fills what is open."""
    told = opened(emulator, auth_token=TOKEN, timeout=None, states=["RUNNING", "ODD"])
    results = [told.session.ask(DIS) for _time in range(2)]
    assert [result["summary"]["total"] for result in results] == [1, 1]
    assert len(told.warnings) == 2


def test_close_ends_a_question_that_waits_for_a_silent_server(emulator: Emulator) -> None:
    emulator.inject("streams", "silence", times=None)
    session = opened(emulator, auth_token=TOKEN, timeout=60).session
    results: list[dict[str, t.Any]] = []
    asking = threading.Thread(target=lambda: results.append(session.ask(DIS)), daemon=True)
    asking.start()
    while not emulator.requests:
        asking.join(0.01)
    session.close()
    asking.join(20)
    assert results[0]["failed"]


def test_the_last_question_is_judged_when_its_connections_are_closed(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They may hold every file handle that there is, and what judges has yet to be loaded."""
    order = []
    session = opened(emulator, auth_token=TOKEN).session
    judge, close = _call._judge, session.close
    monkeypatch.setattr(_call, "_judge", lambda *given: (order.append("judged"), judge(*given))[1])
    monkeypatch.setattr(session, "close", lambda: (order.append("closed"), close()))
    assert session.ask(DIS, last=True)["summary"]["total"] > 0
    assert order == ["closed", "judged"]
