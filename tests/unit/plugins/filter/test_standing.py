# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How things stand: the message, the problems and the limits of every module, and that the filter says the same."""

from __future__ import annotations

import os
import sys
import time
import typing as t
from unittest import mock

import pytest
from ansible_collections.hwcloud.streaming.plugins.filter.problems import problems
from ansible_collections.hwcloud.streaming.plugins.module_utils import _call
from ansible_collections.hwcloud.streaming.tests.emulator import Emulator
from ansible_collections.hwcloud.streaming.tests.unit.plugins.modules.calling import TOKEN, ask, small_world

DIS, LOGS = "dis_transfer_task_info", "dis_transfer_task_log_info"
SINK, SMART = "dms_sink_task_info", "dms_smart_connect_task_info"
ALL: dict[str, dict[str, t.Any]] = {
    DIS: {"stream_names": None, "details": True},
    LOGS: {"task_ids": None, "stream_names": ["orders"]},
    SINK: {"connector_ids": None, "topic_info": True},
    SMART: {"instance_ids": None},
}
LINES = {
    DIS: "3 transfer tasks of 3 streams: 1 RUNNING, 1 PAUSED, 1 ABNORMAL; 2 problems",
    LOGS: "3 of 3 log entries of 2 transfer tasks: 98832 records in 92156052 bytes; no problems",
    SINK: "2 sink tasks of 1 connector: 1 RUNNING, 1 CREATING; 1 problem",
    SMART: "2 Smart Connect tasks of 1 instance: 1 RUNNING, 1 PAUSED; 1 problem",
}
TASKS = {DIS: "transfer_tasks", SINK: "sink_tasks", SMART: "smart_connect_tasks"}


@pytest.fixture(scope="module")
def url() -> t.Iterator[str]:
    with Emulator(small_world()) as emulator:
        yield emulator.url


def result(module: str, url: str, **options: t.Any) -> dict[str, t.Any]:
    return ask(module, url, **{**ALL[module], **options}).result


@pytest.mark.parametrize("module", ALL)
def test_one_line_says_how_things_stand(module: str, url: str) -> None:
    found = result(module, url)
    assert found["msg"] == LINES[module]
    assert len(found["problems"]) == sum(len(task["problems"]) for task in found.get(TASKS.get(module, ""), []))


@pytest.mark.parametrize(
    ("module", "limits", "least"),
    [
        (DIS, {"max_age": "10s", "max_discarded": 2}, 4),
        (LOGS, {"max_age": 1}, 2),
        (SINK, {"max_lag": 2}, 2),
        (SMART, {}, 1),
    ],
)
def test_the_problems_are_those_of_the_filter(module: str, limits: dict[str, t.Any], least: int, url: str) -> None:
    now = time.time() + 3600
    with mock.patch.object(_call, "time", mock.Mock(time=lambda: now)):
        found = result(module, url, **limits)
    assert found["problems"] == problems(found, now=int(now * 1000), **limits)
    assert len(found["problems"]) >= least


def test_limits_make_tasks_ill(url: str) -> None:
    found = result(DIS, url, task_names=["to-obs"], stream_names=["orders"], max_age=10, max_discarded=2)
    (task,) = found["transfer_tasks"]
    assert task["problems"] == found["problems"]
    assert len(found["problems"]) == 2
    assert (found["summary"]["healthy"], found.get("failed")) == (0, None)
    found = result(DIS, url, task_names=["to-obs"], stream_names=["orders"], max_age="15m", max_discarded=3)
    assert (found["problems"], found["summary"]["healthy"]) == ([], 1)
    assert found["msg"] == "1 transfer task of 1 stream: 1 RUNNING; no problems"


@pytest.mark.parametrize(("module", "left"), [(DIS, 2), (SINK, 1), (SMART, 1)])
def test_only_what_has_a_problem(module: str, left: int, url: str) -> None:
    whole, cut = result(module, url), result(module, url, only_problems=True)
    assert len(cut[TASKS[module]]) == left
    assert all(task["problems"] for task in cut[TASKS[module]])
    assert (cut["msg"], cut["problems"]) == (whole["msg"], whole["problems"])
    same = ("total", "healthy")
    assert [cut["summary"][key] for key in same] == [whole["summary"][key] for key in same]


@pytest.mark.parametrize("options", [{"stream_names": []}, {"stream_names": ["audit"]}])
def test_nothing_to_judge_is_said(options: dict[str, t.Any], url: str) -> None:
    found = result(DIS, url, **options)
    assert found["problems"] == problems(found) == ["nothing to judge: the result has no transfer task"]
    assert found["msg"] == f"0 transfer tasks of {'1 stream' if options['stream_names'] else '0 streams'}; 1 problem"


def test_all_well_and_only_problems_is_no_problem(url: str) -> None:
    found = result(DIS, url, stream_names="orders", task_names="to-obs", only_problems=True)
    assert (found["transfer_tasks"], found["problems"], problems(found)) == ([], [], [])
    assert found["summary"]["total"] == found["summary"]["healthy"] == 1


def test_a_failure_tells_what_failed_and_what_is_wrong_besides() -> None:
    with Emulator(small_world()) as emulator:
        emulator.inject("streams/orders/", "forbidden_403", times=None)
        found = result(DIS, emulator.url)
    assert found["failed"]
    assert found["problems"][0] == f"failed: {found['msg']}"
    assert found["problems"][1:] == found["transfer_tasks"][0]["problems"]
    assert found["problems"] == problems(found)


@pytest.mark.parametrize(
    ("module", "limit", "told"),
    [
        (DIS, {"max_age": "soon"}, "max_age is 'soon': it takes seconds, or a number with s, m, h or d, such as 15m."),
        (DIS, {"max_age": ""}, "max_age is '': it takes seconds, or a number with s, m, h or d, such as 15m."),
        (DIS, {"max_age": True}, "max_age is True: it takes seconds"),
        (DIS, {"max_age": ["15m"]}, "max_age is a value of type list: it takes seconds"),
        (LOGS, {"max_age": "-1s"}, "max_age is '-1s': it takes seconds"),
        (DIS, {"max_lag": -1}, "max_lag is -1: it takes a number, 0 or more."),
        (DIS, {"max_discarded": -1}, "max_discarded is -1: it takes a number, 0 or more."),
        (SINK, {"max_lag": -5}, "max_lag is -5: it takes a number, 0 or more."),
    ],
)
def test_a_limit_that_cannot_be_is_refused_before_any_request(module: str, limit: dict[str, t.Any], told: str) -> None:
    with Emulator(small_world()) as emulator:
        found = result(module, emulator.url, **limit)
        assert not emulator.requests
    assert found["error"]["kind"] == "configuration"
    assert found["msg"].startswith(told)
    assert found["problems"] == problems(found)


@pytest.mark.parametrize(
    ("module", "options", "word"),
    [
        (DIS, {"states": ["runing", "paused"]}, "RUNING"),
        (DIS, {"destination_types": ["s3"]}, "S3"),
        (SINK, {"statuses": ["stopped"]}, "STOPPED"),
        (SMART, {"statuses": ["stopped", "running"]}, "STOPPED"),
    ],
)
def test_an_unknown_word_is_warned_of(module: str, options: dict[str, t.Any], word: str, url: str) -> None:
    found = result(module, url, **options)
    (warning,) = map(str, found["warnings"])  # an object since ansible-core 2.19
    assert f"{next(iter(options))} holds '{word}', which the service is not known to send" in warning
    assert not found.get("failed")


def test_known_words_are_not_warned_of(url: str) -> None:
    assert "warnings" not in result(DIS, url, states=["running", "Abnormal"], destination_types=["obs", "nowhere"])


def test_without_names_and_ids_it_says_where_they_come_from(url: str) -> None:
    found = result(LOGS, url, stream_names=None)
    assert found["error"]["kind"] == "configuration"
    assert "hwcloud.streaming.dis_transfer_task_info" in found["msg"]
    assert "task_id" in found["msg"]


def test_a_name_that_is_the_token_is_masked_in_what_is_said() -> None:
    world = small_world()
    world["streams"][1]["tasks"][0]["name"] = TOKEN
    with Emulator(world) as emulator:
        found = result(DIS, emulator.url, stream_names="clicks")
        (task,) = found["transfer_tasks"]
        assert task["task_name"] == TOKEN  # a fact is never rewritten
        assert TOKEN not in str([found["msg"], found["problems"], task["problems"]])
        assert "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER" in found["problems"][0]
        emulator.inject(f"tasks/{TOKEN}", "forbidden_403", times=None)
        found = result(DIS, emulator.url, stream_names="clicks")
    assert TOKEN not in str([found["msg"], found["problems"], found["error"], found["errors"]])
    assert found["error"]["path"].endswith("/transfer-tasks/VALUE_SPECIFIED_IN_NO_LOG_PARAMETER")


def test_hostile_names_stay_on_one_line() -> None:
    world = small_world()
    world["instances"][1]["name"] = "kafka\x1b[31m\nnew\x9b"
    with Emulator(world) as emulator:
        found = result(SMART, emulator.url)
    assert found["problems"]
    assert all(text.isprintable() for text in [found["msg"], *found["problems"]])


@pytest.mark.parametrize(
    ("prefix", "managed", "told"),
    [
        ("/opt/venv", True, "-m pip install 'requests>=2.25.1', or where"),
        ("/home/me/.local/share/pipx/venvs/ansible", False, "pipx inject ansible requests"),
        (None, True, "the system's own: install the distribution's package, which is mostly called python3-requests"),
        (None, False, "-m pip install 'requests>=2.25.1'"),
    ],
)
def test_how_to_get_requests_fits_the_python(
    prefix: str | None, managed: bool, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "prefix", prefix or sys.base_prefix)
    monkeypatch.setattr(os.path, "exists", lambda path: managed and str(path).endswith("EXTERNALLY-MANAGED"))
    assert told in _call.how_to_install()
