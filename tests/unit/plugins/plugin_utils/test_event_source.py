# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The event source by itself: its options, when it asks, how it begins and ends. The clock is made by hand, nothing sleeps."""

from __future__ import annotations

import asyncio
import json
import runpy
import threading
import typing as t
from pathlib import Path

import pytest
import yaml
from ansible_collections.hwcloud.streaming.plugins.doc_fragments.connection import ModuleDocFragment
from ansible_collections.hwcloud.streaming.plugins.plugin_utils import _event_source
from ansible_collections.hwcloud.streaming.tests.emulator import Emulator

Facts = t.Dict[str, t.Any]
SOURCE = Path(__file__).parents[4] / "extensions" / "eda" / "plugins" / "event_source" / "dumps.py"
SECRET = "Example-Password-1"
PROJECT = "0123456789abcdef0123456789abcdef"
STATS = {"requests": 2}


class End(Exception):
    """The list of answers is at its end."""


class Clock:
    """Time that only passes when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def epoch(self) -> float:
        return 1_795_000_000 + self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


class Events(t.List[t.Any]):
    """A list as queue."""

    async def put(self, event: t.Any) -> None:
        self.append(event["hwcloud"])

    @property
    def kinds(self) -> list[str]:
        return [event["kind"] for event in self]


def answer(*names: str, kind: str = "", state: str = "RUNNING") -> Facts:
    """Return a module's result, or with a kind of failure a failed one."""
    problems = [] if state == "RUNNING" else [f"state is {state}"]
    tasks = [{"stream_name": "orders", "task_name": name, "state": state, "problems": problems} for name in names]
    result = {"transfer_tasks": tasks, "streams": [], "not_found": [], "summary": {"total": len(tasks)}}
    result |= {"sink_tasks": [], "connectors": [], "problems": problems, "request_stats": STATS}
    if kind:
        error = {"kind": kind, "path": None, "error_msg": "of its own"}
        result |= {"failed": True, "error": error, "errors": [error], "errors_left_out": 0, "msg": f"{kind} it is."}
    return result


def watch(answers: t.Iterable[Facts], took: float = 0.0, **options: t.Any) -> tuple[Events, Clock, list[str]]:
    """Watch until the answers are used up; return what was told, the clock, and which kinds were asked."""
    events, clock, asked, left = Events(), Clock(), [], iter(answers)

    async def ask(kind: str) -> Facts:
        asked.append(kind)
        clock.now += took
        try:
            return next(left)
        except StopIteration:
            raise End from None

    with pytest.raises(End):
        asyncio.run(_event_source.watch(events, _event_source.settings(options), ask, clock))
    return events, clock, asked


def test_polls_are_an_interval_apart_from_start_to_start() -> None:
    _events, clock, _asked = watch([answer("a")] * 50, took=7, interval=60)
    assert clock.slept[0] == 0
    assert all(57 <= pause + 7 <= 63 for pause in clock.slept[1:])
    assert len(set(clock.slept)) > 10


def test_a_poll_that_takes_long_is_followed_at_once() -> None:
    _events, clock, _asked = watch([answer("a")] * 3, took=90, interval=60)
    assert clock.slept == [0, 0, 0, 0]


def test_failures_are_asked_less_and_less_often() -> None:
    failing = [answer(kind="server")] * 6
    events, clock, _asked = watch(
        [answer("a"), *failing, answer("a"), answer("a")], took=5, interval=60, max_backoff=300
    )
    expected = [0, 55, 60, 120, 240, 300, 300, 300, 55, 55]
    assert all(abs(pause - about) <= about * 0.05 + 3 for pause, about in zip(clock.slept, expected, strict=True))
    assert max(clock.slept) <= 300 + 1e-9  # what is left until a time is a difference of floats
    assert events.kinds == ["gather_failed", "gather_recovered"]


def test_each_kind_has_its_own_pace() -> None:
    """While one service fails, the other one is asked as ever."""
    clock, asked, events = Clock(), [], Events()

    async def ask(kind: str) -> Facts:
        asked.append((kind, clock.now))
        if clock.now > 1200:
            raise End
        return answer("a") if kind == "dis" else answer(kind="server")

    with pytest.raises(End):
        asyncio.run(_event_source.watch(events, _event_source.settings({"kinds": "dis,sink"}), ask, clock))
    times = {kind: [now for one, now in asked if one == kind] for kind in ("dis", "sink")}
    assert len(times["dis"]) in (20, 21, 22)
    assert len(times["sink"]) in (5, 6)
    assert [(event["kind"], event["task_kind"]) for event in events] == [("gather_failed", "sink")]


def test_a_change_that_polls_agree_on() -> None:
    ill, well = answer("a", state="PAUSED"), answer("a")
    events, _clock, _asked = watch([well, ill, well, ill, ill, ill, well, well], confirm=2, initial="all")
    assert [(event["kind"], event["health"]) for event in events] == [
        ("initial", "healthy"),
        ("changed", "unhealthy"),
        ("changed", "healthy"),
    ]


def test_heartbeats_follow_polls() -> None:
    polls = [answer("a")] * 5 + [answer(kind="server")] + [answer("a")] * 4
    events, _clock, _asked = watch(polls, interval=60, heartbeat=120)
    assert events.kinds.count("heartbeat") == 5
    assert events[0] == {
        "kind": "heartbeat",
        "task_kind": "dis",
        "summary": {"total": 1},
        "problems": [],
        "request_stats": STATS,
    }
    assert watch(polls, interval=60, heartbeat=0)[0].kinds.count("heartbeat") == 0
    assert watch(polls, interval=60, heartbeat=1)[0].kinds.count("heartbeat") == 10


@pytest.mark.parametrize("kind", ["configuration", "authentication", "authorization", "tls"])
def test_what_time_does_not_mend_ends_the_source_at_the_start_only(kind: str) -> None:
    with pytest.raises(_event_source.CannotWatch, match=f"{kind} it is"):
        watch([answer(kind=kind)])
    with pytest.raises(_event_source.CannotWatch, match=f"{kind} it is"):
        watch([answer("a"), answer(kind=kind)], kinds=["dis", "sink"])
    assert watch([answer("a"), answer(kind=kind)])[0].kinds == ["gather_failed"]
    assert watch([answer(kind="connection"), answer(kind=kind)])[0].kinds == ["gather_failed"] * 2


def test_a_fatal_failure_beside_another_one() -> None:
    partly = answer("a", kind="timeout")
    partly["errors"] = [partly["error"], {"kind": "authorization", "path": None, "error_msg": "no permission"}]
    with pytest.raises(_event_source.CannotWatch, match=r"timeout it is. \(authorization: no permission\)"):
        watch([partly])


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"interval": 9.9}, "interval is 9.9: it takes 10 or more"),
        ({"interval": "nan"}, "interval is nan"),
        ({"interval": "often"}, "interval"),
        ({"confirm": 0}, "confirm is 0: it takes 1 or more"),
        ({"confirm": 1.5}, "confirm"),
        ({"heartbeat": -1}, "heartbeat is -1: it takes 0 or more"),
        ({"max_backoff": "inf"}, "max_backoff is inf"),
        ({"initial": "some"}, "initial"),
        ({"kinds": ["dis", "kafka"]}, "kinds"),
        ({"kinds": []}, "kinds is empty"),
        ({"stream_nams": "orders"}, "stream_nams"),
        ({"only_problems": True}, "only_problems"),
        ({"instance_names": "kafka-shop"}, "instance_names"),
        ({"kinds": "sink", "stream_names": "orders"}, "stream_names"),
        ({"states": [""]}, "states holds an empty name"),
        ({"auth_type": "magic"}, "auth_type"),
        ({"auth_type": SECRET, "password": SECRET}, "auth_type"),
    ],
)
def test_wrong_options_are_refused_and_named(options: Facts, told: str) -> None:
    with pytest.raises(_event_source.CannotWatch) as caught:
        _event_source.settings(options)
    assert told in str(caught.value)
    assert SECRET not in str(caught.value)


def test_options_go_to_each_kind_that_knows_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUAWEICLOUD_REGION", "eu-west-101")
    monkeypatch.setenv("HUAWEICLOUD_ENTERPRISE_PROJECT_ID", "0")
    wanted = _event_source.settings(
        {
            "kinds": "dis,smart_connect,dis",
            "stream_name": "orders",
            "task_names": ["a", "b"],
            "max_age": 900,
            "interval": "120",
            "states": "abnormal",
            "ak": "AKEXAMPLE",
        }
    )
    assert wanted.own["kinds"] == ["dis", "smart_connect"]
    assert wanted.own["interval"] == 120.0
    expected = {"stream_names": ["orders"], "task_names": ["a", "b"], "max_age": 900, "lag": False}
    expected |= {"enterprise_project_id": "0", "region": "eu-west-101", "access_key": "AKEXAMPLE"}
    assert {name: wanted.params[name] for name in expected} == expected
    assert wanted.params["states"] is None  # not asked for: a task that left the state would look as if it had gone
    assert wanted.states == {"dis": {"ABNORMAL"}, "smart_connect": None}


def test_a_state_that_no_service_sends_is_warned_of() -> None:
    warnings: list[str] = []
    _event_source.settings({"kinds": "dis,sink", "states": ["RUNING"], "statuses": "running"}, warnings.append)
    assert len(warnings) == 1
    assert warnings[0].startswith("states holds 'RUNING', which the service is not known to send")


def test_the_end_does_not_wait_for_a_silent_server() -> None:
    silent, started = threading.Event(), threading.Event()

    def work() -> Facts:
        started.set()
        silent.wait()
        return {}

    async def run() -> None:
        task = asyncio.ensure_future(_event_source.in_thread(work))
        await asyncio.to_thread(started.wait)
        (thread,) = [one for one in threading.enumerate() if one.name == "hwcloud.streaming.dumps"]
        assert thread.daemon
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(run())
    silent.set()


def test_an_error_comes_out_of_the_thread() -> None:
    def work() -> Facts:
        raise End

    async def run() -> None:
        await _event_source.in_thread(work)

    with pytest.raises(End):
        asyncio.run(run())


def test_the_file_is_run_by_its_path() -> None:
    source = runpy.run_path(str(SOURCE))
    with pytest.raises(Exception, match="stream_nams"):
        asyncio.run(source["main"](Events(), {"stream_nams": "orders"}))


def real(emulator: Emulator, polls: int, happens: t.Mapping[int, t.Callable[[], t.Any]], **options: t.Any) -> Events:
    """Ask the emulator so many times; before a poll something may happen to it."""
    events, clock = Events(), Clock()
    given = {"region": "eu-west-101", "project_id": PROJECT, "dis_endpoint": emulator.url, "dms_endpoint": emulator.url}
    given |= {"iam_endpoint": emulator.url, "retries": 0, "initial": "all", **options}

    async def sleep(seconds: float) -> None:
        await Clock.sleep(clock, seconds)
        if len(clock.slept) > polls:
            raise End
        happens.get(len(clock.slept), lambda: None)()

    clock.sleep = sleep  # type: ignore[method-assign]
    with pytest.raises(End):
        asyncio.run(_event_source.run(events, given, clock))
    return events


def test_connections_and_the_token_are_kept_from_poll_to_poll() -> None:
    world = {
        "projects": {"eu-west-101": PROJECT},
        "credentials": {"users": [{"name": "example-user", "password": SECRET, "domain": "example-account"}]},
        "streams": [{"name": "orders", "tasks": [{"name": "to-obs"}]}],
        "instances": [{"name": "kafka-shop", "connector": {"sink_tasks": [{"name": "shop-events"}]}}],
    }
    with Emulator(world) as emulator:
        happens = {
            8: lambda: setattr(emulator.world.streams["orders"].tasks["to-obs"], "state", "PAUSED"),
            16: emulator.world.expire_tokens,
            20: lambda: emulator.inject("sink-tasks", "server_500"),
            31: emulator.world.streams["orders"].tasks.clear,
        }
        who = {"username": "example-user", "password": SECRET, "domain_name": "example-account"}
        events = real(emulator, 40, happens, kinds=["dis", "sink"], **who)
        told = [(event["kind"], event["task_kind"]) for event in events]
        assert told == [
            ("initial", "dis"),
            ("initial", "sink"),
            ("changed", "dis"),
            ("gather_failed", "sink"),
            ("gather_recovered", "sink"),
            ("disappeared", "dis"),
        ]
        assert [request.path for request in emulator.requests].count("/v3/auth/tokens") == 2
        assert emulator.connections <= 4
        assert SECRET not in json.dumps(events)


def documented() -> Facts:
    options: Facts = yaml.safe_load(runpy.run_path(str(SOURCE))["DOCUMENTATION"])["options"]
    return {**yaml.safe_load(ModuleDocFragment.DOCUMENTATION)["options"], **options}


def told(option: Facts) -> Facts:
    """Return of an option what both its documentation and its specification tell."""
    found = {key: option[key] for key in ("elements", "choices", "aliases") if option.get(key)}
    return {"type": option.get("type", "str"), "default": option.get("default"), **found}


def test_the_documentation_says_what_the_options_are() -> None:
    specification = _event_source.options(_event_source.MODULES)
    assert {name: told(option) for name, option in documented().items()} == {
        name: told(option) for name, option in specification.items()
    }


def test_the_schema_says_what_the_options_are() -> None:
    types = {"str": "string", "path": "string", "int": "integer", "float": "number", "bool": "boolean"}
    types |= {"list": ["array", "string"], "raw": ["string", "number"]}  # type: ignore[dict-item]
    schema = json.loads((SOURCE.parent / "schemas" / "dumps.json").read_text(encoding="utf-8"))
    specification = _event_source.options(_event_source.MODULES)
    assert list(schema["properties"]) == list(specification)
    for name, option in specification.items():
        shown = schema["properties"][name]
        assert shown["type"] == types[option.get("type", "str")], name
        assert shown.get("default") == option.get("default"), name
        assert (shown.get("enum") or shown.get("items", {}).get("enum")) == option.get("choices"), name
        assert shown.get("minimum") == _event_source.LEAST.get(name), name


def test_the_examples_are_rulebooks_with_options_that_there_are() -> None:
    rulesets = yaml.safe_load(runpy.run_path(str(SOURCE))["EXAMPLES"])
    assert len(rulesets) > 1
    for ruleset in rulesets:
        (source,) = ruleset["sources"]
        _event_source.settings(source["hwcloud.streaming.dumps"])
