# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When a module runs inside the worker, what it finds there, and that everything is left as it was found."""

from __future__ import annotations

import importlib
import logging
import os
import signal
import sys
import types
import typing as t
from pathlib import Path

import pytest
from ansible.module_utils import basic
from ansible.module_utils.common import warnings as collected
from ansible.playbook.play_context import PlayContext
from ansible.plugins.action import ActionBase
from ansible.plugins.action.normal import ActionModule as NormalAction
from ansible.plugins.loader import connection_loader
from ansible_collections.hwcloud.streaming.plugins.module_utils import _options
from ansible_collections.hwcloud.streaming.plugins.plugin_utils import _in_process

NAMES = (
    "dis_transfer_task_info",
    "dis_transfer_task_log_info",
    "dms_sink_task_info",
    "dms_smart_connect_task_info",
)
OURS = "hwcloud.streaming.dis_transfer_task_info"
NOTHING = {"stream_names": [], "region": "eu-west-101", "auth_token": "ExampleToken", "project_id": "0a"}
AS_PROCESS = {"changed": False, "msg": "the module process"}
Make = t.Callable[..., t.Any]


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What -vvv says."""
    lines: list[str] = []
    monkeypatch.setattr(_in_process.display, "vvv", lambda text, host=None: lines.append(text))
    return lines


@pytest.fixture
def make(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Make:
    """Make an action whose task is as asked for; as a process it returns AS_PROCESS."""
    monkeypatch.setattr(NormalAction, "run", lambda self, tmp=None, task_vars=None: dict(AS_PROCESS))

    def made(arguments: dict[str, t.Any] | None = None, **task: t.Any) -> t.Any:
        context = PlayContext()
        connection = connection_loader.get("local", context, os.devnull)
        connection._shell.set_options()
        wanted = {
            "action": OURS,
            "resolved_action": OURS,
            "args": NOTHING if arguments is None else arguments,
            "environment": [],
            "async_val": 0,
            "become": False,
            "check_mode": False,
            "delegate_to": None,
            "diff": False,
            "no_log": False,
            **task,
        }
        return _in_process.ActionModule(
            task=types.SimpleNamespace(**wanted),
            connection=connection,
            play_context=context,
            loader=types.SimpleNamespace(get_basedir=lambda: str(tmp_path), cleanup_tmp_file=lambda path: None),
            templar=types.SimpleNamespace(template=lambda value, **_named: value),
            shared_loader_obj=None,
        )

    return made


def run(action: t.Any, **variables: t.Any) -> dict[str, t.Any]:
    result: dict[str, t.Any] = action.run(None, {"inventory_hostname": "here", **variables})
    return result


def replace(monkeypatch: pytest.MonkeyPatch, main: t.Callable[[], t.Any]) -> None:
    """Put another main() into the module."""
    module = importlib.import_module(f"{_in_process.PLUGINS}.modules.dis_transfer_task_info")
    monkeypatch.setattr(module, "main", main)


def test_a_module_returns_its_result(make: Make, told: list[str]) -> None:
    result = run(make())
    assert told == [f"{OURS} runs inside the worker process"]
    assert result["region"] == "eu-west-101"
    assert result["transfer_tasks"] == []
    assert result["changed"] is False


def test_a_module_fails_in_its_own_words(make: Make) -> None:
    result = run(make({**NOTHING, "retries": -1}))
    assert result["failed"] is True
    assert result["msg"] == "retries is -1: it takes 0 or more."
    assert "Unsupported parameters for (" in run(make({"no_such_option": 1}))["msg"]


@pytest.mark.parametrize("name", NAMES)
def test_every_module_has_the_action(name: str) -> None:
    action = importlib.import_module(f"{_in_process.PLUGINS}.action.{name}")
    assert action.ActionModule is _in_process.ActionModule


def test_every_variable_of_an_option_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """The list is made of the option table; a module's own option with a variable must be in it too."""
    found = set()

    class Seen(Exception):
        pass

    def seen(argument_spec: dict[str, t.Any], **_named: t.Any) -> None:
        for option in argument_spec.values():
            found.update(option.get("fallback", (None, []))[1])
        raise Seen

    monkeypatch.setattr(basic, "AnsibleModule", seen)
    for name in NAMES:
        with pytest.raises(Seen):  # by the way that ansible-lint goes to check the options of a task
            importlib.import_module(f"{_in_process.PLUGINS}.action.{name}").main()
    known = _options.variable_names()
    assert found < known
    assert {"HW_AUTH_TOKEN", "OS_PASSWORD", "HUAWEICLOUD_ENTERPRISE_PROJECT_ID", "SSL_CERT_FILE"} <= known


@pytest.mark.parametrize(
    ("task", "variables", "reason"),
    [
        ({"become": True}, {}, "become"),
        ({"async_val": 30}, {}, "async"),
        ({"environment": [{"HW_CLOUD": "a"}, {"LANG": "C", "HOME": "/"}]}, {}, "environment sets HOME, LANG"),
        ({}, {"hwcloud_streaming_in_process": "false"}, "hwcloud_streaming_in_process is false"),
        ({}, {"hwcloud_streaming_in_process": None}, "hwcloud_streaming_in_process is None, which is neither"),
        (
            {},
            {"ansible_python_interpreter": "/opt/python"},
            f"ansible_python_interpreter is /opt/python, not {sys.executable}",
        ),
        (
            {"delegate_to": "x"},
            {"ansible_delegated_vars": {"x": {"ansible_python_interpreter": "/a/b"}}},
            "ansible_python_int",
        ),
        ({"delegate_to": "x"}, {}, "KeyError inside"),
    ],
)
def test_what_leads_to_a_process(
    make: Make, told: list[str], task: dict[str, t.Any], variables: dict[str, t.Any], reason: str
) -> None:
    assert run(make(**task), **variables) == AS_PROCESS
    assert told[-1].startswith(f"{OURS} runs as a module process: {reason}")


@pytest.mark.parametrize("value", ["auto", "auto_silent", "auto_legacy", "auto_legacy_silent", sys.executable])
def test_interpreters_that_count_as_ours(make: Make, told: list[str], value: str) -> None:
    assert "transfer_tasks" in run(make(), ansible_python_interpreter=value)
    assert len(told) == 1


def test_another_connection_and_kept_files_lead_to_a_process(
    make: Make, told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    action = make()
    monkeypatch.setattr(type(action._connection), "transport", "docker")
    assert run(action) == AS_PROCESS
    monkeypatch.undo()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda patch: patch.setattr(_in_process, "CORE", None), ""),
        (lambda patch: patch.setattr(sys, "platform", "darwin"), "macOS ends a forked process"),
        (lambda patch: patch.setattr(_in_process.SETTINGS, "DEFAULT_KEEP_REMOTE_FILES", True), "remote files are kept"),
        (lambda patch: patch.setattr(_in_process.SETTINGS, "DEFAULT_DEBUG", True), "modules are debugged"),
        (lambda patch: patch.setenv("_ANSIBLE_COVERAGE_CONFIG", "x"), "modules are debugged"),
    ],
)
def test_surroundings_that_lead_to_a_process(
    make: Make, told: list[str], change: t.Callable[[pytest.MonkeyPatch], None], reason: str
) -> None:
    action = make()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(NormalAction, "run", lambda self, tmp=None, task_vars=None: dict(AS_PROCESS))
        change(patch)
        assert run(action) == AS_PROCESS
    assert told[-1].startswith(f"{OURS} runs as a module process: {reason}")


def ends(error: BaseException | None = None, text: str = "") -> t.Callable[[], None]:
    def main() -> None:
        print(text)
        if error:
            raise error

    return main


@pytest.mark.parametrize(
    ("main", "reason"),
    [
        (ends(RuntimeError("secret text")), "RuntimeError inside"),
        (ends(MemoryError()), "MemoryError inside"),
        (ends(SystemExit(3)), "it ended with 3 inside"),
        (ends(SystemExit("text")), "it ended with 'text' inside"),
        (ends(SystemExit(0), "no JSON"), "it returned no result inside"),
        (ends(SystemExit(0)), "it ended with 0 inside"),
        (ends(), "it ended with 0 inside"),
    ],
)
def test_a_module_that_does_not_end_as_modules_do_becomes_a_process(
    make: Make, told: list[str], monkeypatch: pytest.MonkeyPatch, main: t.Callable[[], None], reason: str
) -> None:
    replace(monkeypatch, main)
    assert run(make()) == AS_PROCESS
    assert told[-1] == f"{OURS} runs as a module process: {reason}"


class Timeout(BaseException):
    """What the end of `timeout:` is up to ansible-core 2.18."""


@pytest.mark.parametrize("error", [Timeout, KeyboardInterrupt])
def test_what_ends_a_task_goes_on(make: Make, monkeypatch: pytest.MonkeyPatch, error: type[BaseException]) -> None:
    replace(monkeypatch, ends(error()))
    with pytest.raises(error):
        run(make())
    assert basic._ANSIBLE_ARGS is None


def test_all_is_left_as_it_was_found(make: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    seen: dict[str, t.Any] = {}

    def main() -> t.NoReturn:
        seen.update(folder=os.getcwd(), cloud=os.environ["HW_CLOUD"], gone=os.environ.get("HW_GONE"))
        seen["logged"] = logging.getLogger("urllib3").isEnabledFor(logging.CRITICAL)
        del os.environ["HW_GONE"]
        os.environ["HW_NEW"] = "new"
        signal.signal(signal.SIGUSR1, signal.SIG_IGN)
        sys.stderr.write("noise")
        basic.AnsibleModule(argument_spec={"text": {}}).exit_json(told="yes")

    monkeypatch.setenv("HW_GONE", "here")
    replace(monkeypatch, main)
    before = dict(os.environ), os.getcwd(), signal.getsignal(signal.SIGUSR1), sys.stdout
    result = run(make({"text": "x"}, environment=[{"HW_CLOUD": "example.com", "no_proxy": "*"}]))
    assert result["told"] == "yes"
    assert seen == {"folder": str(tmp_path), "cloud": "example.com", "gone": "here", "logged": False}
    assert (dict(os.environ), os.getcwd(), signal.getsignal(signal.SIGUSR1), sys.stdout) == before
    assert logging.getLogger("urllib3").isEnabledFor(logging.CRITICAL)
    assert not list(collected._global_warnings)
    _in_process._core()  # all its names are as they were


def test_a_warning_is_told_with_its_own_result_alone(make: Make) -> None:
    warned, quiet = make({**NOTHING, "states": ["ASLEEP"]}), make()
    assert len(run(warned)["warnings"]) == 1
    assert "warnings" not in run(quiet)
    assert len(run(warned)["warnings"]) == 1


def test_the_options_of_the_task_stay_as_they_are(make: Make) -> None:
    action = make()
    run(action)
    assert action._task.args == NOTHING


@pytest.mark.parametrize(
    ("owner", "name", "other"),
    [
        (ActionBase, "_update_module_args", lambda self, task_vars: None),
        (ActionBase, "_parse_returned_data", lambda self, returned: None),
        (ActionBase, "_compute_environment_string", lambda self: ""),
        (ActionBase, "_execute_module", lambda self: None),
        (basic, "_ANSIBLE_ARGS", b"{}"),
        (collected, "_global_warnings", None),
        (collected, "_global_deprecations", ()),
    ],
)
def test_a_core_that_has_changed_is_not_trusted(
    monkeypatch: pytest.MonkeyPatch, owner: t.Any, name: str, other: t.Any
) -> None:
    monkeypatch.setattr(owner, name, other)
    with pytest.raises(_in_process.Unfit, match=name):
        _in_process._core()
    monkeypatch.undo()
    monkeypatch.delattr(owner, name)
    with pytest.raises((_in_process.Unfit, AttributeError)):
        _in_process._core()


def test_the_same_python_has_several_names(tmp_path: Path) -> None:
    folder = Path(sys.executable).parent
    assert _in_process._same_python(sys.executable)
    assert _in_process._same_python(f"{folder}/./{Path(sys.executable).name}")
    other = tmp_path / "python"
    other.symlink_to(sys.executable)  # as in a virtual environment: another Python, though it leads to the same file
    assert not _in_process._same_python(str(other))
    assert not _in_process._same_python("python3")
