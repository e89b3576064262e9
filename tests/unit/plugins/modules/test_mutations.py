# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Property tests: response cases that are changed at random give right facts or a failure of kind `protocol`.

The flows run through the real client, with a function in place of the network. `disguised` changes how a body is
written but not what it says: the facts must stay the same. `damaged` changes what it says: the facts must keep their
documented shape, nothing may be told that the body does not say, and nothing may end in an exception or go on for ever.
"""

from __future__ import annotations

import copy
import functools
import re
import typing as t

import pytest
from ansible_collections.hwcloud.streaming.plugins.module_utils._dis import log_reader as _log_reader
from ansible_collections.hwcloud.streaming.plugins.module_utils._dis import logs as _logs
from ansible_collections.hwcloud.streaming.plugins.module_utils._dis import tasks as _dis_tasks
from ansible_collections.hwcloud.streaming.plugins.module_utils._dms import sink as _sink
from ansible_collections.hwcloud.streaming.plugins.module_utils._dms import smart_connect as _smart_connect
from ansible_collections.hwcloud.streaming.plugins.module_utils._dms import tasks as _dms_tasks
from ansible_collections.hwcloud.streaming.plugins.module_utils._wire import client as _client
from ansible_collections.hwcloud.streaming.plugins.module_utils._wire import request as _request
from ansible_collections.hwcloud.streaming.tests.unit.plugins.module_utils.flows import Asked, Outcome, run
from ansible_collections.hwcloud.streaming.tests.unit.plugins.modules.conversation import body, check_facts
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

NOW = 1767323045678
QUICK = settings(
    max_examples=60,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
# Lists of things that have an identity, so that a thing that is sent twice is still one thing.
LISTS = {
    "tasks",
    "details",
    "partitions",
    "topics_info",
    "transferTaskLogList",
    "instances",
    "stream_info_list",
    "stream_names",
}
# Sums over what is left, and words about it.
DERIVED = {"problems", "discarded_records", "lag", "topic_names", "topics_regex", "bytes_per_second", "truncated"}
DERIVED |= {"records_per_second", "duration_ms", "last_transfer_age"}

Flow = t.Callable[[_client.Client], _request.Flow]
Answers = t.List[t.Tuple[str, t.Any]]  # a pattern that the path begins with, and the body


class Scenario(t.NamedTuple):
    """A module's question and the bodies that answer it, the one with the longer path first."""

    module: str
    flow: Flow
    answers: Answers

    def run(self, answers: Answers) -> Outcome:
        def service(asked: Asked) -> t.Any:
            return next(answer for pattern, answer in answers if re.match(pattern, asked.path))

        outcome = run(self.flow, service)
        assert len(outcome.asked) < 200
        check_facts(self.module, outcome.value)
        return outcome


def dis(details: bool = True, stream_names: list[str] | None = None) -> Flow:
    wanted = _dis_tasks.Wanted(stream_names, None)
    return lambda client: _dis_tasks.transfer_tasks(client, wanted, details, NOW)


def logs(**query: t.Any) -> Flow:
    asked = _log_reader.Query("desc", "createTimeStr", None, False, 100, None, None, 4)._replace(**query)
    wanted = _dis_tasks.Wanted(["s"], None)
    return lambda client: _logs.facts(client, [_log_reader.Task("lJ4Ts5ObPd2UOpcRj3K")], wanted, asked)


def log_by_name(client: _client.Client) -> _request.Flow:
    asked = _log_reader.Query("desc", "startTime", 50, False, 100, 1756539000000, None, 4)
    return _logs.facts(client, None, _dis_tasks.Wanted(["s"], ["another_task"]), asked)


def sinks(client: _client.Client) -> _request.Flow:
    return _sink.sink_tasks(client, _dms_tasks.Wanted(None, None, None, None, None, None), True, lambda _text: None)


def smart(client: _client.Client) -> _request.Flow:
    return _smart_connect.smart_connect_tasks(
        client, _dms_tasks.Wanted(None, None, None, None, None, None), True, print
    )


def one_task(show: str) -> Answers:
    """A case, and a list that says the same as far as it goes."""
    task = body(show)
    fields = ("task_name", "task_id", "state", "destination_type", "create_time", "last_transfer_timestamp")
    entry = {name: task[name] for name in fields if name in task}
    return [
        ("streams/s/transfer-tasks/.", task),
        ("streams/s/transfer-tasks", {"total_number": 1, "quota": 5, "tasks": [entry]}),
    ]


def instance_list() -> t.Any:
    return {"instances": [body("dms_instance_show_01_connector_on")], "instance_num": 1}


def sink_list() -> t.Any:
    listed = body("dms_sink_list_01_openapi")
    shown = body("dms_sink_show_01_openapi")
    listed["tasks"][0].update({name: shown[name] for name in ("task_name", "create_time", "topics")})
    return listed


def smart_list() -> t.Any:
    return {"tasks": [body("dms_smartconnect_show_02_replicator")], "total_number": 1, "max_tasks": 18}


SCENARIOS = {
    **{
        show: Scenario("dis_transfer_task_info", dis(stream_names=["s"]), one_task(show))
        for show in (
            "dis_show_01_obs_otc_real_capture",
            "dis_show_06_obs_stray_quote_key_newline_delimiter",
            "dis_show_09_dws_doc_typo_key",
            "dis_show_11_cloudtable_hbase_doc_typo_key",
            "dis_show_15_obs_carbon_java_only_fields",
        )
    },
    "discovered": Scenario(
        "dis_transfer_task_info",
        dis(details=False),
        [
            ("streams/.", body("dis_list_05_all_states_all_destinations_quota")),
            ("streams", body("dis_streams_01_list")),
        ],
    ),
    "stream's partitions": Scenario(
        "dis_transfer_task_info",
        dis(stream_names=["s"]),
        [
            (
                "streams/s/transfer-tasks/.",
                {"task_name": "t", "state": "RUNNING", "partitions": body("dis_streams_02_show")["partitions"]},
            ),
            ("streams", {"total_number": 1, "tasks": [{"task_name": "t"}]}),
        ],
    ),
    "log": Scenario("dis_transfer_task_log_info", logs(), [(".", body("dis_log_01_array_table_fields_only"))]),
    "log of one": Scenario(
        "dis_transfer_task_log_info", logs(summary_only=True), [(".", body("dis_log_03_single_object"))]
    ),
    "log in a window": Scenario(
        "dis_transfer_task_log_info",
        logs(sort_by="startTime", since=1756539200000, until=1756539500000, limit=5),
        [(".", body("dis_log_01_array_table_fields_only"))],
    ),
    "log by name": Scenario(
        "dis_transfer_task_log_info",
        log_by_name,
        [
            ("streams/s/transfer-tasks/.", {"task_id": "an-id", "task_name": "another_task"}),
            ("streams/s/transfer-tasks", body("dis_list_01_two_tasks_no_task_id")),
            (".", body("dis_log_01_array_table_fields_only")),
        ],
    ),
    "sinks": Scenario(
        "dms_sink_task_info",
        sinks,
        [
            ("connectors/[^/]*/sink-tasks/.", body("dms_sink_show_01_openapi")),
            ("connectors", sink_list()),
            ("instances", instance_list()),
        ],
    ),
    "Smart Connect": Scenario(
        "dms_smart_connect_task_info",
        smart,
        [
            ("instances/[^/]*/connector/tasks/.", body("dms_smartconnect_show_02_replicator")),
            ("instances/[^/]*/connector/tasks", smart_list()),
            ("instances", instance_list()),
        ],
    ),
}


# -- the same, written in another way


def camel(name: str) -> str:
    return re.sub(r"_([a-z])", lambda found: found[1].upper(), name)


def snake(name: str) -> str:
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()


KEYS: dict[str, t.Callable[[str], str]] = {
    "as it is": lambda name: name,
    "camelCase": camel,
    "PascalCase": lambda name: camel(name)[:1].upper() + camel(name)[1:],
    "snake_case": snake,
    "quoted": lambda name: f'"{name}"',
    "trailing quote": lambda name: f'{name}"',
    "blanks": lambda name: f" {name}\t",
}
NUMBERS: dict[str, t.Callable[[int], t.Any]] = {
    "as it is": lambda number: number,
    "text": str,
    "blanks": lambda number: f" {number} ",
    "quotes": lambda number: f'"{number}"',
    "comma": lambda number: f"{number},",
    "float": float,
}


class Disguise(t.NamedTuple):
    """How a body is written."""

    keys: str
    numbers: str
    doubled: bool
    unwrapped: bool
    extra: bool
    legacy: bool
    other_names: bool

    def of(self, value: t.Any, name: str = "") -> t.Any:
        if isinstance(value, list):
            items = [self.of(item, "") for item in value]
            if name in LISTS | {"row_key", "columns"} and self.unwrapped and len(items) == 1:
                return items[0]
            return [item for item in items for _time in range(2 if self.doubled and name in LISTS else 1)]
        if isinstance(value, dict):
            free = name.endswith("_properties")
            changed = {
                key if free else KEYS[self.keys](self.renamed(key, value)): self.of(item, key)
                for key, item in value.items()
            }
            return {**changed, "x_new_fact": "yes"} if self.extra and not free else changed
        if isinstance(value, int) and not isinstance(value, bool) and name != "errorCode":  # documented as text
            return NUMBERS[self.numbers](value)
        return value

    def renamed(self, key: str, value: dict[str, t.Any]) -> str:
        if self.legacy and key == "tasks" and "max_tasks" not in value and "topics" not in str(value):
            return "details"
        others = {"partitionId": "partition_id", "partition_id": "partitionId"}
        if {"partitionId", "partition_id"}.intersection(value):
            others |= {"state": "status", "status": "state"}
        return others.get(key, key) if self.other_names else key


def without_extra(value: t.Any) -> t.Any:
    if isinstance(value, list):
        return [without_extra(item) for item in value]
    if isinstance(value, dict):
        return {key: without_extra(item) for key, item in value.items() if key != "x_new_fact"}
    return value


disguises = st.builds(
    Disguise,
    st.sampled_from(sorted(KEYS)),
    st.sampled_from(sorted(NUMBERS)),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.booleans(),
)


@functools.cache
def plain_facts(name: str) -> t.Any:
    """What a scenario comes to when nothing is changed."""
    outcome = SCENARIOS[name].run(SCENARIOS[name].answers)
    assert outcome.failures == []
    return outcome.value


@pytest.mark.parametrize("name", SCENARIOS)
@QUICK
@given(disguise=disguises)
def test_a_body_in_disguise_says_the_same(name: str, disguise: Disguise) -> None:
    scenario = SCENARIOS[name]
    outcome = scenario.run([(pattern, disguise.of(answer)) for pattern, answer in scenario.answers])
    assert outcome.failures == []
    assert without_extra(outcome.value) == plain_facts(name)
    if disguise.extra and name not in ("log of one",):
        assert "x_new_fact" in str(outcome.value)


# -- something else


Place = t.Tuple[t.Union[str, int], ...]


def places(value: t.Any, at: Place = ()) -> t.Iterator[Place]:
    """Every place in a body, the body itself left out."""
    items: t.Iterable[tuple[t.Any, t.Any]] = ()
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    for key, item in items:
        yield (*at, key)
        yield from places(item, (*at, key))


junk = st.one_of(
    st.sampled_from([True, 1.5, 1e300, -1, 0, 2**53 + 1, 2**63 + 1, -(2**63), 10**40, "", "0", "-1", "none", "null"]),
    st.sampled_from([[], {}, [None], [[]], [{}], ["a"], {"a": 1}, {"": None}, "x" * 300, "\u00e9\n\"'", "1" * 60]),
    st.recursive(
        st.none() | st.integers() | st.text(max_size=5), lambda inner: st.lists(inner, max_size=2), max_leaves=3
    ),
)


@st.composite
def damages(draw: st.DrawFn) -> tuple[int, int, str, t.Any]:
    """Which body, which place of it, what is done to it, and what comes in its stead."""
    kind = draw(st.sampled_from(["drop", "null", "junk", "junk", "wrap", "empty", "copy key", "moment"]))
    return draw(st.integers(0, 10)), draw(st.integers(0, 500)), kind, draw(junk)


def damaged(value: t.Any, damage: tuple[int, int, str, t.Any]) -> tuple[t.Any, Place]:
    """A body after one change, and where."""
    value = copy.deepcopy(value)
    found = list(places(value))
    place = found[damage[1] % len(found)]
    holder = value
    for step in place[:-1]:
        holder = holder[step]
    last = t.cast(t.Any, place[-1])
    old, (_body, _place, kind, new) = holder[last], damage
    if kind == "drop":
        del holder[last]
    elif kind == "copy key" and isinstance(holder, dict):
        holder[f"{last} "] = new
    elif kind == "moment":
        holder[last] = -1 if isinstance(old, int) else None
    else:
        holder[last] = {"null": None, "wrap": [old], "empty": type(old)()}.get(kind, new) if old is not None else new
    return value, place


def leaves(value: t.Any) -> t.Iterator[t.Any]:
    """All simple values in something, as text."""
    if isinstance(value, dict):
        for item in value.values():
            yield from leaves(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from leaves(item)
    else:
        yield str(value)


def told_only(facts: t.Any, known: set[str], name: str = "") -> None:
    """Fail if a number or text is told that is neither in the plain facts nor in the damaged bodies."""
    if isinstance(facts, dict):
        for key, item in facts.items():
            if key not in DERIVED and key not in ("summary", "tasks") and not key.endswith("_at"):
                told_only(item, known, key)
    elif isinstance(facts, list):
        for item in facts:
            told_only(item, known, name)
    elif facts not in (None, True, False):
        assert str(facts) in known or any(str(facts) in text for text in known), (name, facts)


@pytest.mark.parametrize("name", SCENARIOS)
@settings(QUICK, max_examples=100)
@given(several=st.lists(damages(), min_size=1, max_size=3))
def test_a_damaged_body_gives_right_facts_or_a_protocol_failure(
    name: str, several: list[tuple[int, int, str, t.Any]]
) -> None:
    scenario = SCENARIOS[name]
    answers = copy.deepcopy(scenario.answers)
    for damage in several:
        which = damage[0] % len(answers)
        pattern, answer = answers[which]
        if answer:
            answers[which] = (pattern, damaged(answer, damage)[0])
    plain = plain_facts(name)
    outcome = scenario.run(answers)
    kinds = {failure.kind for failure in outcome.failures}
    in_log = scenario.module == "dis_transfer_task_log_info"  # which can tell a refusal inside a success
    assert kinds <= ({"protocol", "server", "invalid_request"} if in_log else {"protocol"})
    known = {*leaves(plain), *leaves(answers), *(text.strip(" \t\r\n\"',") for text in leaves(answers))}
    told_only(outcome.value, known)


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_field_that_is_missing_or_null_is_null_and_the_rest_stays(name: str) -> None:
    """Every single field of every body, one by one: left out, and null."""
    scenario = SCENARIOS[name]
    plain = plain_facts(name)
    for which, (pattern, answer) in enumerate(scenario.answers):
        for number, place in enumerate(places(answer)):
            for kind in ("drop", "null"):
                answers = list(scenario.answers)
                answers[which] = (pattern, damaged(answer, (which, number, kind, None))[0])
                outcome = scenario.run(answers)
                assert {failure.kind for failure in outcome.failures} <= {"protocol"}, place
                if not outcome.failures:
                    less(outcome.value, plain, str(place))


def less(facts: t.Any, plain: t.Any, where: str, name: str = "") -> None:
    """Fail if a fact is there that is another one in the plain facts; that it is not there is fine."""
    if name in DERIVED or name == "summary" or facts in (None, [], {}):
        return
    if isinstance(plain, dict):
        assert isinstance(facts, dict), (where, name)
        for key, item in facts.items():
            if key in plain:
                less(item, plain[key], where, key)
    elif isinstance(plain, list) and len(plain) == len(facts):
        if name == "partitions":  # in the order of their IDs: one that has lost its ID stands elsewhere
            rest = [item for item in plain if item["partition_id"] not in {one["partition_id"] for one in facts}]
            by_id = {item["partition_id"]: item for item in plain}
            plain = [by_id.get(one["partition_id"]) or rest.pop() for one in facts]
        for ours, theirs in zip(facts, plain):
            less(ours, theirs, where, name)
    elif isinstance(plain, list):
        assert name in (
            "not_found",
            "connectors",
            "instances",
            "logs",
            "transfer_tasks",
            "tasks",
            "partitions",
            "columns",
            "row_key",
        ), where
    elif name not in ("total_num", "returned", "transfer_bytes", "transfer_records_num"):
        assert facts in (plain, 0) or name.endswith(("started_at", "ended_at")), (where, name)
