# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which results make which events: every kind, flapping, what could not be read, what goes and comes back."""

from __future__ import annotations

import json
import tracemalloc
import typing as t

import pytest
from ansible_collections.hwcloud.streaming.plugins.plugin_utils import _events

Facts = t.Dict[str, t.Any]
BROKEN = {"kind": "timeout", "path": "/v2/0a/streams/orders/transfer-tasks", "error_msg": "no answer"}


def task(name: str, state: str = "RUNNING", problem: str = "", stream: str = "orders", **more: t.Any) -> Facts:
    problems = [problem] if problem else [] if state == "RUNNING" else [f"task {name}: state is {state}, not RUNNING"]
    return {
        "stream_name": stream,
        "task_name": name,
        "task_id": f"{name}-id",
        "state": state,
        "problems": problems,
    } | more


def result(*tasks: Facts, missing: t.Sequence[Facts] = (), errors: t.Sequence[Facts] = (), **more: t.Any) -> Facts:
    streams = [{"stream_name": name} for name in dict.fromkeys(one["stream_name"] for one in tasks)]
    answer: Facts = {"transfer_tasks": list(tasks), "streams": streams, "not_found": list(missing)}
    if errors:
        answer |= {
            "failed": True,
            "error": errors[0],
            "errors": list(errors),
            "errors_left_out": 0,
            "msg": "It failed.",
        }
    return answer | more


def absent(stream: str | None, name: str | None) -> Facts:
    return {"stream_name": stream, "task_name": name}


class Told:
    """A watch whose polls are a minute apart."""

    def __init__(self, initial: str = "problems", confirm: int = 1, states: t.Any = None, kind: str = "dis") -> None:
        self.watch = _events.Watch(kind, initial, confirm, states)
        self.now = 1_795_000_000_000

    def look(self, *tasks: Facts, **more: t.Any) -> list[Facts]:
        return self.take(result(*tasks, **more))

    def take(self, answer: Facts) -> list[Facts]:
        self.now += 60_000
        return self.watch.look(answer, self.now)

    def kinds(self, *tasks: Facts, **more: t.Any) -> list[tuple[t.Any, ...]]:
        return [(event["kind"], event.get("task_name")) for event in self.look(*tasks, **more)]


@pytest.mark.parametrize(
    ("initial", "expected"),
    [("problems", ["b", "mars"]), ("all", ["a", "b", "mars"]), ("none", [])],
)
def test_what_is_told_at_the_start(initial: str, expected: list[str]) -> None:
    told = Told(initial, confirm=3)  # nothing has to agree with the first poll
    events = told.look(task("a"), task("b", "PAUSED"), missing=[absent("orders", "mars")])
    assert [event["task_name"] for event in events] == expected
    assert {event["kind"] for event in events} <= {"initial"}
    assert told.look(task("a"), task("b", "PAUSED"), missing=[absent("orders", "mars")]) == []


def test_the_fields_of_a_change() -> None:
    told = Told()
    assert told.look(task("a")) == []
    ill = task("a", "ABNORMAL")
    (event,) = told.look(ill)
    assert event == {
        "kind": "changed",
        "task_kind": "dis",
        "health": "unhealthy",
        "was": "healthy",
        "state": "ABNORMAL",
        "was_state": "RUNNING",
        "since": told.now,
        "stream_name": "orders",
        "task_name": "a",
        "problems": ["task a: state is ABNORMAL, not RUNNING"],
        "task": ill,
    }
    assert json.loads(json.dumps(event)) == event
    assert told.look(ill) == []
    (well,) = told.look(task("a"))
    assert (well["health"], well["was"], well["problems"]) == ("healthy", "unhealthy", [])


def test_a_problem_is_the_modules_own_and_its_figures_are_no_news() -> None:
    told = Told()
    told.look(task("a"))
    assert told.kinds(task("a", problem="last transfer 16m ago, limit 15m")) == [("changed", "a")]
    assert told.kinds(task("a", problem="last transfer 17m ago, limit 15m")) == []
    assert told.kinds(task("a")) == [("changed", "a")]


def test_another_state_is_told_though_the_health_is_the_same() -> None:
    told = Told()
    told.look(task("a", "PAUSED"))
    (event,) = told.look(task("a", "STARTING"))
    assert (event["kind"], event["was"], event["health"]) == ("changed", "unhealthy", "unhealthy")
    assert (event["was_state"], event["state"]) == ("PAUSED", "STARTING")


def test_flapping_is_told_only_when_polls_agree() -> None:
    told = Told(confirm=3)
    told.look(task("a"))
    for state in ("PAUSED", "RUNNING", "PAUSED", "PAUSED", "RUNNING") * 3:
        assert told.look(task("a", state)) == []
    told.look(task("a", "PAUSED"))
    first = told.now
    told.look(task("a", "PAUSED"))
    (event,) = told.look(task("a", "PAUSED"))
    assert event["since"] == first


def test_polls_agree_that_a_task_is_ill_whatever_its_state() -> None:
    told = Told(confirm=3)
    told.look(task("a"))
    told.look(task("a", "PAUSED"))
    told.look(task("a", "STARTING"))
    assert told.kinds(task("a", "ABNORMAL")) == [("changed", "a")]


def test_a_task_that_goes_and_comes_back() -> None:
    told = Told("all")
    told.look(task("a"), task("b"))
    (gone,) = told.look(task("a"))
    assert (gone["kind"], gone["health"], gone["was"], gone["was_state"]) == (
        "disappeared",
        "missing",
        "healthy",
        "RUNNING",
    )
    assert gone["problems"] == ["stream orders, task b: not found"]
    assert gone["state"] is None
    assert gone["task"]["task_id"] == "b-id"
    assert told.look(task("a")) == []
    (back,) = told.look(task("a"), task("b"))
    assert (back["kind"], back["was"], back["health"]) == ("appeared", "missing", "healthy")


def test_goes_and_comes_back_with_confirmation() -> None:
    told = Told(confirm=2)
    told.look(task("a"), task("b"))
    assert told.look(task("a")) == []
    assert told.look(task("a"), task("b")) == []
    assert told.look(task("a")) == []
    assert told.kinds(task("a")) == [("disappeared", "b")]
    assert told.look(task("a"), task("b", "PAUSED")) == []
    assert told.look(task("a")) == []
    assert told.look(task("a"), task("b", "PAUSED")) == []
    assert told.kinds(task("a"), task("b", "PAUSED")) == [("appeared", "b")]


@pytest.mark.parametrize("confirm", [1, 2])
def test_what_is_asked_for_by_name_is_told_once(confirm: int) -> None:
    """The task that has gone and the entry of not_found that names it are one piece of news."""
    told = Told(confirm=confirm)
    told.look(task("a"), task("b"))
    events = [event for _poll in range(4) for event in told.look(task("a"), missing=[absent("orders", "b")])]
    assert [(event["kind"], event["task_name"]) for event in events] == [("disappeared", "b")]
    events = [event for _poll in range(4) for event in told.look(task("a"), task("b"))]
    assert [(event["kind"], event["was"]) for event in events] == [("appeared", "missing")]


def test_a_missing_one_that_comes_at_last() -> None:
    told = Told()
    (event,) = told.look(missing=[absent("orders", None)])
    assert (event["kind"], event["health"], event["was"], event["task"]) == ("initial", "missing", None, None)
    assert event["problems"] == ["stream orders: not found"]
    assert told.kinds(task("a")) == [("appeared", "a")]


def test_an_empty_stream_that_goes() -> None:
    told = Told(confirm=2)
    assert told.look() == []
    assert told.look(missing=[absent("orders", None)]) == []
    (event,) = told.look(missing=[absent("orders", None)])
    assert (event["kind"], event["stream_name"], event["task_name"]) == ("disappeared", "orders", None)
    assert told.look(missing=[absent("orders", None)]) == []
    assert told.look() == []


def test_a_stream_that_goes_takes_its_tasks_along() -> None:
    told = Told()
    told.look(task("a"), task("b"), task("c", stream="clicks"))
    assert told.kinds(task("c", stream="clicks"), missing=[absent("orders", None)]) == [
        ("disappeared", "a"),
        ("disappeared", "b"),
    ]


def test_a_failure_is_told_once_and_its_end() -> None:
    told = Told()
    told.look(task("a"))
    timeout, refused = BROKEN, {**BROKEN, "kind": "connection"}
    (event,) = told.look(errors=[timeout])
    assert event == {"kind": "gather_failed", "task_kind": "dis", "error": timeout, "msg": "It failed."}
    assert told.look(errors=[timeout]) == []
    assert told.kinds(errors=[refused]) == [("gather_failed", None)]
    assert told.look(errors=[timeout]) == []
    assert told.watch.failures == 4
    (event,) = told.look(task("a"))
    assert event["kind"] == "gather_recovered"
    assert (event["error"], event["msg"]) == (timeout, "Gathering works again, after 4 polls that failed.")
    assert told.watch.failures == 0
    assert told.kinds(errors=[timeout]) == [("gather_failed", None)]


def test_what_could_not_be_read_has_not_disappeared() -> None:
    told = Told()
    told.look(task("a"), task("b"), task("c", stream="clicks"), task("d", stream="clicks"))
    whole = {**BROKEN, "path": None}
    assert told.kinds(errors=[whole]) == [("gather_failed", None)]
    # The list of orders could not be read; clicks could, and has lost a task.
    assert told.kinds(task("c", stream="clicks"), errors=[BROKEN]) == [("disappeared", "d")]
    assert told.kinds(task("a"), task("b"), task("c", stream="clicks")) == [("gather_recovered", None)]


def test_nothing_goes_when_not_all_failures_are_known() -> None:
    told = Told()
    told.look(task("a"), task("b"))
    assert told.kinds(task("a"), errors=[{**BROKEN, "path": "/v2/0a/streams/clicks"}], errors_left_out=3) == [
        ("gather_failed", None)
    ]


def test_an_absent_stream_is_gone_though_another_could_not_be_read() -> None:
    told = Told()
    told.look(task("a"), task("c", stream="clicks"))
    kinds = told.kinds(missing=[absent("clicks", None)], errors=[BROKEN])
    assert kinds == [("gather_failed", None), ("disappeared", "c")]
    assert told.kinds(task("a"), missing=[absent("clicks", None)]) == [("gather_recovered", None)]


@pytest.mark.parametrize("path", ["/v2/0a/streams/orders/transfer-tasks/a", "/v2/0a/streams/orders"])
def test_what_only_the_list_told_makes_nothing_well(path: str) -> None:
    """Where its details or the stream's ends could not be read, a task has no partitions that could be ill, and no lag."""
    told, broken = Told(), {**BROKEN, "path": path}
    told.look(task("a", problem="partition 0: state is ABNORMAL"))
    assert told.kinds(task("a"), errors=[broken]) == [("gather_failed", None)]
    assert told.kinds(task("a", "PAUSED"), errors=[broken]) == [("changed", "a")]
    assert told.kinds(task("a")) == [("gather_recovered", None), ("changed", "a")]


def test_the_others_of_its_stream_are_read() -> None:
    told = Told()
    told.look(task("a", problem="partition 0: state is ABNORMAL"), task("b"))
    broken = {**BROKEN, "path": "/v2/0a/streams/orders/transfer-tasks/b"}
    assert told.kinds(task("a"), task("b", problem="lag not known"), errors=[broken]) == [
        ("gather_failed", None),
        ("changed", "a"),
    ]


def test_what_the_first_poll_could_not_read_is_no_newcomer() -> None:
    told = Told()
    assert told.kinds(task("c", stream="clicks"), errors=[BROKEN]) == [("gather_failed", None)]
    assert told.kinds(task("a", "PAUSED"), task("c", stream="clicks")) == [("gather_recovered", None), ("initial", "a")]
    assert told.kinds(task("a", "PAUSED"), task("b"), task("c", stream="clicks")) == [("appeared", "b")]


def test_only_some_states() -> None:
    told = Told("all", states={"ABNORMAL"})
    assert told.look(task("a"), task("b")) == []
    assert told.kinds(task("a", "PAUSED"), task("b", "ABNORMAL")) == [("changed", "b")]
    assert told.kinds(task("a"), task("b")) == [("changed", "b")]
    assert told.look(task("a")) == []


def sink(name: str, status: str = "RUNNING") -> Facts:
    where = {"instance_name": "kafka-shop", "instance_id": "i1", "connector_id": "c1"}
    return where | {"task_name": name, "task_id": f"{name}-id", "status": status, "problems": []}


def test_tasks_of_kafka_instances() -> None:
    told = Told("all", kind="sink")
    answer: Facts = {"sink_tasks": [sink("a"), sink("b")], "connectors": [{"connector_id": "c1"}], "not_found": []}
    events = told.take(answer)
    names = [tuple(event[key] for key in ("instance_name", "instance_id", "task_name")) for event in events]
    assert names == [("kafka-shop", "i1", "a"), ("kafka-shop", "i1", "b")]
    assert "stream_name" not in events[0]
    entry = dict.fromkeys(("instance_id", "instance_name", "connector_id", "task_id", "task_name"))
    (event,) = told.take(answer | {"sink_tasks": [sink("a")], "not_found": [entry | {"task_name": "b"}]})
    assert (event["kind"], event["task_name"], event["instance_name"]) == ("disappeared", "b", "kafka-shop")
    assert event["problems"] == ["instance kafka-shop, task b: not found"]


def test_memory_does_not_grow_over_2000_polls() -> None:
    """Tasks that are ill and well in turn, fail, go and come under ever new names."""
    told = Told("all", confirm=2)

    def poll(number: int) -> None:
        states = ("PAUSED", "PAUSED", "RUNNING", "RUNNING")
        some = [task(f"t{index}", states[number % 4], padding="x" * 500) for index in range(20)]
        new = [task(f"new-{number // 4}-{index}") for index in range(5)]
        missing = [absent("orders", f"gone-{number // 3}")]
        told.look(*some, *new, missing=missing, errors=[BROKEN] if number % 5 == 0 else [])

    for number in range(200):
        poll(number)
    tracemalloc.start()
    for number in range(200, 2000):
        poll(number)
    grown = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert len(told.watch._things) < 40
    assert grown < 100_000  # the tasks of the last poll


def test_a_heartbeat_says_how_things_stand() -> None:
    standing = {"summary": {"total": 1}, "problems": ["stream orders: not found"], "request_stats": {"requests": 2}}
    event = _events.heartbeat("dis", result(**standing))
    assert event == {"kind": "heartbeat", "task_kind": "dis", **standing}
