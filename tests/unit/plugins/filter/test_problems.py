# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter problems: arguments as templates hand them over, Ansible's errors, agreement with the test healthy."""

from __future__ import annotations

import time
import typing as t

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.hwcloud.streaming.plugins.filter.problems import OPTIONS, FilterModule
from ansible_collections.hwcloud.streaming.plugins.filter.table import FilterModule as TableModule
from ansible_collections.hwcloud.streaming.plugins.test.healthy import TestModule as HealthyModule
from hypothesis import given, settings
from hypothesis import strategies as st
from jinja2 import StrictUndefined
from jinja2.exceptions import UndefinedError

problems = FilterModule().filters()["problems"]
table = TableModule().filters()["table"]
healthy = HealthyModule().tests()["healthy"]
NOW = 1767323045678
TASK = {"stream_name": "orders", "task_name": "a", "state": "RUNNING", "last_transfer_timestamp": NOW}


class _OmitType:
    """Named as the type of `omit` is since ansible-core 2.19."""


@pytest.mark.parametrize("nothing", [None, _OmitType(), "__omit_place_holder__0123"], ids=["null", "object", "text"])
def test_an_option_that_is_null_or_omitted_is_left_out(nothing: t.Any) -> None:
    assert problems(TASK, **dict.fromkeys(OPTIONS, nothing)) == []
    assert problems([], allow_empty=nothing) == ["nothing to judge: the list is empty"]


def test_now_is_the_clock_of_the_control_node_when_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time_ns", lambda: (NOW + 15 * 60_000) * 10**6 + 999_999)
    assert problems(TASK, max_age="15m") == []
    monkeypatch.setattr(time, "time_ns", lambda: (NOW + 15 * 60_000 + 1) * 10**6)
    assert problems(TASK, max_age="15m") == [
        "stream orders, task a: last transfer 15m 1ms ago (2026-01-02T03:04:05Z), limit 15m"
    ]


def test_now_can_be_given() -> None:
    assert problems(TASK, max_age=0, now=NOW) == []
    assert len(problems(TASK, max_age=0, now="2026-01-02T03:04:06Z")) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"value": None}, "cannot judge this: expected a task, a list of tasks"),
        ({"value": TASK, "max_age": "soon"}, "cannot judge this: max_age: expected seconds"),
        ({"value": TASK, "now": "soon"}, "cannot judge this: now: expected ISO 8601"),
        (
            {"value": TASK, "max_agee": 1, "a": 2},
            "unknown option a, max_agee; there are max_age, max_lag, max_discarded, now",
        ),
    ],
)
def test_what_is_wrong_with_the_call_is_an_error_of_ansible(arguments: dict[str, t.Any], message: str) -> None:
    for plugin in (problems, healthy, table):
        with pytest.raises(AnsibleFilterError, match=message):
            plugin(**arguments)


@pytest.mark.parametrize(
    ("positional", "named"),
    [((1, 2, 3, NOW, True, None, 7, 8), {}), ((60,), {"max_age": 60}), ((1, 2), {"max_lag": 3})],
)
def test_options_that_are_given_twice_or_are_too_many(positional: tuple[t.Any, ...], named: dict[str, t.Any]) -> None:
    for plugin in (problems, healthy, table):
        with pytest.raises(AnsibleFilterError, match="give each option once, by its name; there are max_age, max_lag"):
            plugin(TASK, *positional, **named)


@pytest.mark.parametrize("plugin", [problems, healthy, table])
def test_what_is_undefined_tells_its_own_name(plugin: t.Any) -> None:
    nothere = StrictUndefined(name="nothere")
    calls = ((nothere, {}), ([TASK, nothere], {}), (TASK, {"max_age": nothere}), (TASK, {"now": nothere}))
    for value, options in calls:
        with pytest.raises(UndefinedError, match="'nothere' is undefined"):
            plugin(value, **options)


def endless() -> dict[str, t.Any]:
    """Return a result that holds itself."""
    value: dict[str, t.Any] = {"results": []}
    value["results"].append(value)
    return value


@pytest.mark.parametrize("plugin", [problems, healthy, table])
@pytest.mark.parametrize(
    ("value", "options"),
    [
        (endless(), {}),
        ({**TASK, "state": object()}, {}),
        ({**TASK, "partitions": [{"partition_id": [10**5000], "state": "PAUSED"}]}, {}),
        (TASK, {"now": 10**5000}),
        (TASK, {"max_age": 10**5000}),
        (TASK, {"max_age": "9" * 10_000}),
        (TASK, {"max_lag": {}}),
        (TASK, {"max_discarded": [3]}),
        (TASK, {"allow_empty": "no"}),
        (TASK, {"\x1b[31m": 1}),
    ],
    ids=lambda value: str(type(value).__name__),
)
def test_hostile_values_and_options_are_errors_of_ansible(plugin: t.Any, value: t.Any, options: t.Any) -> None:
    with pytest.raises(AnsibleFilterError) as refused:
        plugin(value, **options)
    assert len(str(refused.value)) < 500
    assert str(refused.value).isprintable()


def test_limits_beyond_what_a_float_can_tell_apart() -> None:
    sink = {"connector_id": "c", "topics_info": [], "status": "RUNNING", "lag": 2**53 + 1}
    assert problems(sink, max_lag=str(2**53 + 1)) == []
    assert problems(sink, max_lag=str(2**53)) == ["connector c: lag 9007199254740993 messages, limit 9007199254740992"]


STATES = st.sampled_from(["RUNNING", "RUNNING", "PAUSED", "ACTIVE", "EXPIRED", None, 3])
FIGURES = st.one_of(st.none(), st.integers(-1, 20), st.just("5"))
PARTITIONS = st.one_of(
    st.none(),
    st.lists(st.fixed_dictionaries({"partition_id": st.just("p"), "state": STATES, "status": STATES}), max_size=2),
)
TASKS = st.dictionaries(st.sampled_from(["state", "status", "sink_type", "task_name"]), STATES).flatmap(
    lambda base: st.fixed_dictionaries(
        {key: st.just(value) for key, value in base.items()},
        optional={
            "last_transfer_timestamp": FIGURES,
            "create_time": FIGURES,
            "lag": FIGURES,
            "discarded_records": FIGURES,
            "partitions": PARTITIONS,
            "topics_info": st.lists(
                st.fixed_dictionaries({"topic": st.just("t"), "partitions": PARTITIONS}), max_size=2
            ),
        },
    )
)
RESULTS = st.fixed_dictionaries(
    {},
    optional={
        "transfer_tasks": st.lists(TASKS, max_size=2),
        "sink_tasks": st.lists(TASKS, max_size=2),
        "tasks": st.lists(TASKS, max_size=1),
        "logs": st.just([]),
        "not_found": st.lists(st.just({"stream_name": "gone"}), max_size=1),
        "failed": st.booleans(),
        "error": st.one_of(st.none(), st.just({"kind": "server", "path": "/v2/p/streams/a"})),
        "errors": st.lists(st.just({"kind": "server", "path": "/v2/p/connectors/c/sink-tasks/t"}), max_size=2),
        "skipped": st.booleans(),
        "msg": st.text(max_size=3),
        "region": st.sampled_from(["a", "b"]),
    },
)
LIMITS = st.one_of(st.none(), st.integers(-1, 20))
VALUES = st.one_of(
    TASKS,
    RESULTS,
    st.lists(st.one_of(TASKS, RESULTS), max_size=3),
    st.fixed_dictionaries({"results": st.lists(RESULTS, max_size=3)}),
)


@settings(max_examples=300, deadline=None, database=None)
@given(value=VALUES, age=LIMITS, lag=LIMITS, discarded=LIMITS, now=st.integers(0, 30_000), empty=st.booleans())
def test_healthy_is_exactly_no_problems_and_both_refuse_the_same(
    value: t.Any, age: int | None, lag: int | None, discarded: int | None, now: int, empty: bool
) -> None:
    options = {"max_age": age, "max_lag": lag, "max_discarded": discarded, "now": now, "allow_empty": empty}
    try:
        found = problems(value, **options)
    except AnsibleFilterError:
        with pytest.raises(AnsibleFilterError):
            healthy(value, **options)
        return
    assert healthy(value, **options) is (found == [])
    assert all(isinstance(problem, str) and problem.isprintable() and problem for problem in found)
    lines = table(value, **options)
    assert (all(line.split()[-1] == "ok" for line in lines[1:])) is (found == [])
