# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The flows of sink tasks and Smart Connect tasks, driven without HTTP."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.hwcloud.streaming.plugins.module_utils._dms import facts as _dms_facts
from ansible_collections.hwcloud.streaming.plugins.module_utils._dms import sink as _sink
from ansible_collections.hwcloud.streaming.plugins.module_utils._dms import smart_connect as _smart_connect
from ansible_collections.hwcloud.streaming.plugins.module_utils._dms import tasks as _dms_tasks
from ansible_collections.hwcloud.streaming.tests.unit.plugins.module_utils.flows import (
    BROKEN,
    CONNECTOR_ABSENT,
    INSTANCE_ABSENT,
    SINK_TASK_ABSENT,
    Asked,
    Outcome,
    run,
)

NONE: dict[str, t.Any] = dict.fromkeys(_dms_tasks.Wanted._fields)
Service = t.Union[t.Callable[[Asked], t.Any], t.Dict[str, t.Any]]


def sinks(service: Service, warnings: list[str] | None = None, **wanted: t.Any) -> Outcome:
    told: list[str] = [] if warnings is None else warnings
    asked = _dms_tasks.Wanted(**{**NONE, **wanted})
    return run(lambda client: _sink.sink_tasks(client, asked, True, told.append), service)


def smart(service: Service, details: bool = False, warnings: list[str] | None = None, **wanted: t.Any) -> Outcome:
    told: list[str] = [] if warnings is None else warnings
    asked = _dms_tasks.Wanted(**{**NONE, **wanted})
    return run(lambda client: _smart_connect.smart_connect_tasks(client, asked, details, told.append), service)


def test_filters() -> None:
    asked = {"statuses": frozenset({"RUNNING"}), "task_ids": ["1"], "task_names": ["a"]}
    filters = _dms_tasks.Wanted(**{**NONE, **asked}).filters

    def task(task_id: str, name: str | None, status: str | None = "running") -> dict[str, t.Any]:
        return {"task_id": task_id, "task_name": name, "status": status}

    assert [filters.take(task("1", "a", status)) for status in ("running", "PAUSED", None)] == [True, False, False]
    pairs = (("1", "a"), ("2", "a"), ("1", "b"), ("1", None))
    assert [filters.may_take(task(*pair)) for pair in pairs] == [True, False, False, True]


@pytest.mark.parametrize(
    ("told", "enabled"),
    [
        (True, True),
        (False, False),
        ("true", True),
        (" True ", True),
        ("1", True),
        (0, False),
        ("yes", None),
        (None, None),
    ],
)
def test_whether_a_connector_is_on(told: t.Any, enabled: bool | None) -> None:
    assert _dms_facts.instance({"connector_enable": told})["enabled"] is enabled


@pytest.mark.parametrize("answer", [{}, {"unheard": "of"}, {"name": ["x"]}, {"connector_id": 1.5}])
def test_what_is_no_instance(answer: dict[str, t.Any]) -> None:
    outcome = sinks({"instances/i": answer}, instance_ids=["i"])
    assert [failure.kind for failure in outcome.failures] == ["protocol"]
    assert outcome.value["connectors"] == outcome.value["not_found"] == []


@pytest.mark.parametrize(
    "answer", [{}, {"instance_num": 3}, {"instances": [{}]}, {"instances": "x"}, {"instances": [None]}]
)
def test_what_is_no_list_of_instances(answer: dict[str, t.Any]) -> None:
    for outcome in (sinks({"instances": answer}), smart({"instances": answer}, instance_names=["x"])):
        assert [failure.kind for failure in outcome.failures] == ["protocol"]
        assert outcome.value["not_found"] == []


def instance_pages(total: t.Any, *pages: list[str]) -> t.Callable[[Asked], t.Any]:
    names = [name for page in pages for name in page]

    def service(asked: Asked) -> t.Any:
        offset = int(asked.query["offset"])
        assert offset == 0 or offset < total
        start = 0
        for page in pages:
            if offset <= start:
                break
            start += len(page)
        else:
            page = []
        entries = [{"instance_id": name, "name": name, "connector_enable": False, "connector_id": ""} for name in page]
        assert set(page) <= set(names)
        return {"instances": entries, "instance_num": total}

    return service


@pytest.mark.parametrize(
    ("total", "pages", "requests"),
    [
        (3, (["a", "b"], ["c"]), 2),
        (3, (["a", "b", "c"],), 1),
        (2, (["a", "b", "c"],), 1),
        (3, (["a"], ["b"], ["c"]), 3),
        (9, (["a", "b"], ["c"]), 3),
        (9, (["a"], ["a"]), 2),
        (None, (["a"], ["b"]), 1),
        (0, ([],), 1),
    ],
)
def test_paging_by_offset(total: t.Any, pages: tuple[list[str], ...], requests: int) -> None:
    assert len(sinks(instance_pages(total, *pages)).asked) == requests


def test_a_page_of_instances_that_vanishes_leaves_the_rest() -> None:
    def service(asked: Asked) -> t.Any:
        if asked.query["offset"] != "0":
            return BROKEN
        return {"instances": [{"instance_id": "a", "name": "n", "connector_id": ""}], "instance_num": 2}

    outcome = sinks(service, instance_names=["n", "m"])
    assert [entry["instance_id"] for entry in outcome.value["connectors"]] == ["a"]
    assert (outcome.value["not_found"], len(outcome.failures)) == ([], 2)


PAST_THE_END = (400, {"error_code": "DMS.40050010", "error_msg": "Offset parameter is invalid."})


@pytest.mark.parametrize("second", [PAST_THE_END, {"instances": None, "instance_num": 51}, {"instances": []}])
@pytest.mark.parametrize("total", [51, None])
def test_a_list_that_has_shrunk_ends_where_it_ends(second: t.Any, total: int | None) -> None:
    entries = [{"instance_id": f"i{number:02}", "name": f"n{number}", "connector_id": ""} for number in range(50)]

    def service(asked: Asked) -> t.Any:
        return second if asked.query["offset"] == "50" else {"instances": entries, "instance_num": total}

    outcome = sinks(service, instance_names=["n0", "m"])
    assert (len(outcome.asked), outcome.failures) == (4, [])
    assert [entry["instance_name"] for entry in outcome.value["not_found"]] == ["m"]


@pytest.mark.parametrize("second", [PAST_THE_END, {"tasks": None, "total_number": 51}])
def test_a_list_of_smart_connect_tasks_that_has_shrunk(second: t.Any) -> None:
    entries = [{"id": f"{number:02}"} for number in range(50)]

    def service(asked: Asked) -> t.Any:
        if asked.path == "instances/a":
            return {"name": "n"}
        return second if asked.query["offset"] == "50" else {"tasks": entries, "total_number": 51}

    outcome = smart(service, instance_ids=["a"], task_ids=["00", "99"])
    assert outcome.failures == []
    assert [entry["task_id"] for entry in outcome.value["not_found"]] == ["99"]
    assert [task["task_id"] for task in outcome.value["smart_connect_tasks"]] == ["00"]


def test_an_offset_that_is_refused_at_once_is_a_failure() -> None:
    outcome = sinks({"instances": PAST_THE_END}, instance_names=["n"])
    assert [failure.kind for failure in outcome.failures] == ["invalid_request"]
    assert outcome.value["not_found"] == []


def both_kinds(
    list_entry: dict[str, t.Any], answer: t.Any, **wanted: t.Any
) -> t.Iterator[tuple[list[t.Any], list[t.Any]]]:
    """Ask both modules for the tasks of one parent with this one entry; yield (names of the tasks, names not found)."""
    sink = {"connectors/c/sink-tasks": {"tasks": [{**list_entry, "task_id": "1"}]}, "connectors/c/sink-tasks/1": answer}
    outcome = sinks(sink, connector_ids=["c"], **wanted)
    absent = [entry["task_name"] for entry in outcome.value["not_found"]]
    yield [task["task_name"] for task in outcome.value["sink_tasks"]], absent
    smart_one = {
        "instances/i": {"name": "n"},
        "instances/i/connector/tasks": {"tasks": [{**list_entry, "id": "1"}]},
        "instances/i/connector/tasks/1": answer,
    }
    outcome = smart(smart_one, True, instance_ids=["i"], **wanted)
    absent = [entry["task_name"] for entry in outcome.value["not_found"]]
    yield [task["task_name"] for task in outcome.value["smart_connect_tasks"]], absent


@pytest.mark.parametrize("untold", [{}, {"task_name": None}, {"task_name": ""}])
@pytest.mark.parametrize(
    ("answer", "found", "absent"),
    [
        ({"task_name": "a", "status": "RUNNING"}, ["a"], ["b"]),
        ({"task_name": "c", "status": "RUNNING"}, [], ["a", "b"]),
        ({"status": "RUNNING"}, [], []),  # it may be one of them
        (SINK_TASK_ABSENT, [], ["a", "b"]),
    ],
)
def test_a_name_that_only_the_tasks_own_answer_tells(
    untold: dict[str, t.Any], answer: t.Any, found: list[str], absent: list[str]
) -> None:
    for came in both_kinds(untold, answer, task_names=["a", "b"]):
        assert came == (found, absent)


def test_the_name_in_the_list_wins_over_the_one_echoed() -> None:
    for came in both_kinds({"task_name": "a"}, {"task_name": "A", "status": "RUNNING"}, task_names=["a"]):
        assert came == (["a"], [])


def test_a_name_that_is_not_told_without_details() -> None:
    service = {"instances/i": {"name": "n"}, "instances/i/connector/tasks": {"tasks": [{"id": "1"}], "total_number": 1}}
    outcome = smart(service, instance_ids=["i"], task_names=["a"])
    assert (outcome.value["smart_connect_tasks"], outcome.value["not_found"]) == ([], [])


def test_doubled_sink_tasks_are_one() -> None:
    tasks = [{"task_id": "1", "task_name": "a", "status": "RUNNING"}]
    service = {
        "connectors/c/sink-tasks": {"tasks": tasks * 2, "total_number": 1},
        "connectors/c/sink-tasks/1": {"task_name": "a", "topics_info": []},
    }
    outcome = sinks(service, connector_ids=["c"])
    assert [task["task_id"] for task in outcome.value["sink_tasks"]] == ["1"]
    assert outcome.value["summary"] == {"total": 1, "healthy": 0, "by_status": {"RUNNING": 1}, "lag": 0}


def test_tasks_of_one_name_are_sorted_by_their_ids() -> None:
    tasks = [{"task_id": one, "task_name": name} for one, name in (("3", "a"), ("1", "b"), ("2", "a"), ("4", None))]
    service: dict[str, t.Any] = {"connectors/c/sink-tasks": {"tasks": tasks, "total_number": 4}}
    service.update({f"connectors/c/sink-tasks/{one['task_id']}": {"status": "RUNNING"} for one in tasks})
    outcome = sinks(service, connector_ids=["c"])
    assert [task["task_id"] for task in outcome.value["sink_tasks"]] == ["4", "2", "3", "1"]


@pytest.mark.parametrize(
    "answer", [{"tasks": [{}]}, {"total_number": 2}, {"tasks": [{"task_id": "1", "create_time": "x"}]}]
)
def test_what_is_no_list_of_sink_tasks(answer: dict[str, t.Any]) -> None:
    outcome = sinks({"connectors/c/sink-tasks": answer}, connector_ids=["c"], task_ids=["9"])
    assert [failure.kind for failure in outcome.failures] == ["protocol"]
    assert outcome.value["connectors"] == outcome.value["not_found"] == []


def test_the_warning_names_instance_and_successor() -> None:
    warnings: list[str] = []
    service = {
        "instances/a": {"name": "n", "connector_id": ""},
        "instances/b": {"status": "RUNNING", "connector_id": None},
        "instances/c": {"name": "m", "connector_id": "c-1"},
        "connectors/c-1/sink-tasks": CONNECTOR_ABSENT,
    }
    outcome = sinks(service, warnings, instance_ids=["c", "b", "a"])
    assert [text.partition(" has no connector")[0] for text in warnings] == [
        "Instance a (n)",
        "Instance b",
        "Instance c (m)",
    ]
    assert all("hwcloud.streaming.dms_smart_connect_task_info" in text for text in warnings)
    assert [(entry["connector_id"], entry["instance_id"]) for entry in outcome.value["connectors"]] == [
        (None, "a"),
        (None, "b"),
        (None, "c"),
    ]


def test_of_two_instances_of_one_name_one_vanishes() -> None:
    service = {
        "instances": {"instances": [{"instance_id": one, "name": "n"} for one in "ab"], "instance_num": 2},
        "instances/a": INSTANCE_ABSENT,
        "instances/b": {"name": "n", "connector_id": ""},
    }
    outcome = sinks(service, instance_names=["n"])
    assert outcome.value["not_found"] == []
    assert [entry["instance_id"] for entry in outcome.value["connectors"]] == ["b"]


def test_smart_connect_tasks_that_vanish() -> None:
    service = {
        "instances/a": {"name": "n"},
        "instances/a/connector/tasks": {"tasks": [{"id": "1"}, {"id": "2"}], "total_number": 2},
        "instances/a/connector/tasks/1": SINK_TASK_ABSENT,
        "instances/a/connector/tasks/2": {"status": "RUNNING"},
    }
    outcome = smart(service, True, instance_ids=["a"], task_ids=["1", "2"])
    assert [task["task_id"] for task in outcome.value["smart_connect_tasks"]] == ["2"]
    assert outcome.value["not_found"] == [
        {"instance_id": "a", "instance_name": None, "task_id": "1", "task_name": None}
    ]


def test_a_parent_that_is_gone_when_its_tasks_are_shown() -> None:
    tasks = {"tasks": [{"task_id": "1", "id": "1", "task_name": "x"}], "total_number": 1}
    service = {
        "instances/a": {"name": "n", "connector_id": "c"},
        "instances/a/connector/tasks": tasks,
        "instances/a/connector/tasks/1": INSTANCE_ABSENT,
        "connectors/c/sink-tasks": tasks,
        "connectors/c/sink-tasks/1": CONNECTOR_ABSENT,
    }
    for outcome, parent in (
        (smart(service, True, instance_ids=["a"]), {"instance_id": "a"}),
        (sinks(service, connector_ids=["c"]), {"connector_id": "c"}),
    ):
        (missing,) = outcome.value["not_found"]
        assert {key: value for key, value in missing.items() if value} == parent
        assert outcome.failures == []
    without_connector = sinks(service, instance_ids=["a"]).value["connectors"]
    assert [(entry["instance_id"], entry["connector_id"]) for entry in without_connector] == [("a", None)]


def test_an_instance_asked_for_by_name_whose_tasks_are_gone() -> None:
    service = {
        "instances": {"instances": [{"instance_id": "a", "name": "n", "connector_id": ""}], "instance_num": 1},
        "instances/a/connector/tasks": INSTANCE_ABSENT,
    }
    outcome = smart(service, instance_names=["n"])
    assert outcome.value["not_found"] == [
        {"instance_id": None, "instance_name": "n", "task_id": None, "task_name": None}
    ]


@pytest.mark.parametrize("answer", [{"tasks": [{}], "total_number": 1}, {"total_number": 2}, {"tasks": [{"id": 1.5}]}])
def test_what_is_no_list_of_smart_connect_tasks(answer: dict[str, t.Any]) -> None:
    service = {"instances/a": {"name": "n"}, "instances/a/connector/tasks": answer}
    outcome = smart(service, instance_ids=["a"], task_ids=["9"])
    assert [failure.kind for failure in outcome.failures] == ["protocol"]
    assert outcome.value["instances"] == outcome.value["not_found"] == []


def named_instances(**names: str) -> t.Callable[[Asked], t.Any]:
    """Answers lists of instances with all of these, whatever name was asked for, and no tasks; values are names by ID."""
    instances = [
        {"instance_id": one, "name": name, "connector_enable": True, "connector_id": f"c-{one}"}
        for one, name in names.items()
    ]

    def service(asked: Asked) -> t.Any:
        if asked.path == "instances":
            return {"instances": instances, "instance_num": len(instances)}
        return {"tasks": [], "total_number": 0}

    return service


def test_a_task_that_the_one_named_instance_lacks() -> None:
    nothing = {"instance_id": None, "connector_id": None, "task_id": None, "task_name": None}
    outcome = sinks(named_instances(a="n"), instance_names=["n"], task_names=["z", "y", "x", "w"])
    assert outcome.value["not_found"] == [{**nothing, "instance_name": "n", "task_name": name} for name in "wxyz"]
    outcome = sinks(named_instances(a="n"), instance_names=["n"], task_ids=["2", "1"])
    assert outcome.value["not_found"] == [{**nothing, "instance_name": "n", "task_id": one} for one in "12"]


def test_only_the_very_name_counts() -> None:
    outcome = sinks(named_instances(a="m", b="n", c="n-2"), instance_names=["n", "n-"])
    assert [entry["instance_id"] for entry in outcome.value["connectors"]] == ["b"]
    assert [entry["instance_name"] for entry in outcome.value["not_found"]] == ["n-"]


@pytest.mark.parametrize("broken", ["m", "n"])
def test_a_name_that_cannot_be_looked_up_leaves_it_open_what_is_missing(broken: str) -> None:
    answer = named_instances(a="m", b="n")
    outcome = sinks(
        lambda asked: BROKEN if asked.query.get("name") == broken else answer(asked),
        instance_names=["m", "n"],
        task_names=["z"],
    )
    assert ([failure.kind for failure in outcome.failures], outcome.value["not_found"]) == (["server"], [])


def test_instances_without_a_connector_are_sorted_by_their_ids() -> None:
    service = {
        "instances": {
            "instances": [{"instance_id": one, "name": "n", "connector_id": ""} for one in ("z", "a", "m")],
            "instance_num": 3,
        }
    }
    outcome = sinks(service, instance_names=["n"])
    assert [entry["instance_id"] for entry in outcome.value["connectors"]] == ["a", "m", "z"]


@pytest.mark.parametrize("other", [CONNECTOR_ABSENT, {"tasks": [], "total_number": 0}])
def test_of_two_instances_of_one_name_one_is_gone_when_its_tasks_are_asked_for(other: t.Any) -> None:
    def service(asked: Asked) -> t.Any:
        if asked.path == "instances":
            return named_instances(a="n", b="n")(asked)
        return INSTANCE_ABSENT if "/a/" in asked.path else other

    assert smart(service, instance_names=["n"]).value["not_found"] == []


def test_the_warning_of_an_instance_without_smart_connect_names_it() -> None:
    warnings: list[str] = []
    service = {
        "instances/a": {"name": "n"},
        "instances/a/connector/tasks": CONNECTOR_ABSENT,
        "instances/b": {"status": "RUNNING"},
        "instances/b/connector/tasks": CONNECTOR_ABSENT,
    }
    smart(service, warnings=warnings, instance_ids=["a", "b"])
    assert [text.partition(" has no Smart Connect")[0] for text in warnings] == ["Instance a (n)", "Instance b"]


def test_smart_connect_tasks_are_sorted_by_name_then_id() -> None:
    tasks = [{"id": one, "task_name": name} for one, name in (("1", "b"), ("2", "a"), ("4", None), ("3", "a"))]
    service = {"instances/i": {"name": "n"}, "instances/i/connector/tasks": {"tasks": tasks, "total_number": 4}}
    outcome = smart(service, instance_ids=["i"])
    assert [task["task_id"] for task in outcome.value["smart_connect_tasks"]] == ["4", "2", "3", "1"]


def test_a_failure_says_what_was_asked_for_by_its_name_or_else_by_its_id() -> None:
    tasks = [{"task_id": "1", "task_name": "a"}, {"task_id": "2"}]
    service: dict[str, t.Any] = {"connectors/c/sink-tasks": {"tasks": tasks, "total_number": 2}}
    service.update({f"connectors/c/sink-tasks/{one}": BROKEN for one in "12"})
    outcome = sinks(service, connector_ids=["c"])
    assert [failure.purpose for failure in outcome.failures] == [
        "sink task a of connector c",
        "sink task 2 of connector c",
    ]
    service = {
        "instances/i": {"name": "n"},
        "instances/i/connector/tasks": {"tasks": [{"id": "1", "task_name": "a"}, {"id": "2"}], "total_number": 2},
        "instances/i/connector/tasks/1": BROKEN,
        "instances/i/connector/tasks/2": BROKEN,
        "instances/j": {"status": "RUNNING"},
        "instances/j/connector/tasks": {"tasks": [{"id": "3"}], "total_number": 1},
        "instances/j/connector/tasks/3": BROKEN,
        "instances/k": {"name": "m"},
        "instances/k/connector/tasks": BROKEN,
        "instances/l": {"status": "RUNNING"},
        "instances/l/connector/tasks": BROKEN,
    }
    outcome = smart(service, True, instance_ids=["i", "j", "k", "l"])
    assert [failure.purpose for failure in outcome.failures] == [
        "Smart Connect task a of instance n",
        "Smart Connect task 2 of instance n",
        "Smart Connect task 3 of instance j",
        "the Smart Connect tasks of instance m",
        "the Smart Connect tasks of instance l",
    ]
