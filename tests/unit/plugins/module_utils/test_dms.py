# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The flows of sink tasks and Smart Connect tasks, driven without HTTP."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.hwcloud.streaming.plugins.module_utils import _dms
from ansible_collections.hwcloud.streaming.tests.unit.plugins.module_utils.flows import (
    BROKEN,
    CONNECTOR_ABSENT,
    INSTANCE_ABSENT,
    SINK_TASK_ABSENT,
    Asked,
    Outcome,
    run,
)

NONE: dict[str, t.Any] = dict.fromkeys(_dms.Wanted._fields)
Service = t.Union[t.Callable[[Asked], t.Any], t.Dict[str, t.Any]]


def sinks(service: Service, warnings: list[str] | None = None, **wanted: t.Any) -> Outcome:
    told: list[str] = [] if warnings is None else warnings
    asked = _dms.Wanted(**{**NONE, **wanted})
    return run(lambda client: _dms.sink_tasks(client, asked, True, told.append), service)


def smart(service: Service, details: bool = False, **wanted: t.Any) -> Outcome:
    asked = _dms.Wanted(**{**NONE, **wanted})
    return run(lambda client: _dms.smart_connect_tasks(client, asked, details, [].append), service)


def test_filters() -> None:
    wanted = _dms.Wanted(**{**NONE, "statuses": frozenset({"RUNNING"}), "task_ids": ["1"], "task_names": ["a"]})
    assert [wanted.keeps(status) for status in ("running", "PAUSED", None)] == [True, False, False]
    assert [wanted.selects(*pair) for pair in (("1", "a"), ("2", "a"), ("1", None))] == [True, False, False]


@pytest.mark.parametrize(
    ("told", "enabled"), [(True, True), (False, False), ("true", True), (" True ", True), ("no", False), (None, None)]
)
def test_whether_a_connector_is_on(told: t.Any, enabled: bool | None) -> None:
    assert _dms._instance({"connector_enable": told})["enabled"] is enabled


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


def test_doubled_sink_tasks_are_one() -> None:
    tasks = [{"task_id": "1", "task_name": "a", "status": "RUNNING"}]
    service = {
        "connectors/c/sink-tasks": {"tasks": tasks * 2, "total_number": 1},
        "connectors/c/sink-tasks/1": {"task_name": "a", "topics_info": []},
    }
    outcome = sinks(service, connector_ids=["c"])
    assert [task["task_id"] for task in outcome.value["sink_tasks"]] == ["1"]
    assert outcome.value["summary"] == {"total": 1, "healthy": 1, "by_status": {"RUNNING": 1}, "lag": 0}


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
