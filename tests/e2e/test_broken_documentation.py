# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The checks of the documentation find what they look for: each is shown a copy that is broken."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from . import documentation, examples, returned
from .conftest import Worlds
from .test_documentation import MODULES, run_examples
from .worlds import FUTURE

Break = Callable[[str, str, str], documentation.Collection]
Results = dict[str, list[dict[str, Any]]]
DIS, _LOG, SINK, _SMART = (f"plugins/modules/{name}.py" for name in MODULES)
FRAGMENT = "plugins/doc_fragments/connection.py"
TEST, FILTER = "plugins/test/healthy.yml", "plugins/filter/problems.yml"
OPTIONS = "plugins/module_utils/_options.py"
# What is broken in the documentation, and which check says what of it.
TEXTS: list[tuple[ModuleType, str, str, str, str]] = [
    (documentation, FRAGMENT, "E(HW_ACCESS_KEY) or E(OS_ACCESS_KEY)", "E(HW_ACCESS_KEY)", "access_key: documents"),
    (documentation, DIS, "RV(error.kind=configuration)", "RV(error.kind=confusion)", "no such kind"),
    (documentation, DIS, "O(details=false)", "O(details=maybe)", "O(details=maybe): no such choice"),
    (documentation, FILTER, "    max_lag:\n", "    max_lags:\n", "problems: documents ['max_age', 'max_lags'"),
    (documentation, TEST, "    max_lag:\n", "    max_lags:\n", "healthy: documents ['max_age', 'max_lags'"),
    (documentation, FILTER, "type: int", "type: str", "problems: max_lag: type is documented as str"),
    (documentation, TEST, "type: bool\n      default", "type: raw\n      default", "healthy: allow_empty: type"),
    (documentation, TEST, "default: false", "default: true", "healthy: allow_empty: default is documented as True"),
    (documentation, FILTER, "      default: false\n", "", "problems: allow_empty: default is documented as None"),
    (documentation, TEST, "The largest sum of lag", "The smallest sum of lag", "document max_lag differently"),
    (returned, DIS, "sample: 1606554932552", "sample: soon", "transfer_tasks[].create_time: the sample 'soon'"),
    (returned, DIS, "      sample: 1606554932552\n", "", "transfer_tasks[].create_time: no sample"),
    (returned, DIS, "V(timeout), V(connection)", "V(timeouts), V(connection)", "error.kind: lists"),
    (returned, FILTER, "    type: list\n", "    type: str\n", "problems: _value: the sample"),
    (
        returned,
        FILTER,
        "elements: str\n    sample",
        "elements: int\n    sample",
        "problems: _value: ['nothing to judge",
    ),
    (returned, TEST, "problem.\n    type: bool", "problem.\n    type: str", "healthy: _value: True is no str"),
    (examples, DIS, "ansible localhost -m", "ansible all -m", "no example with command"),
    (examples, DIS, "ansible.builtin.assert", "ansible.builtin.debug", "no example with assert"),
]
# What is broken in the code, so that what the plugins take has to be asked for anew.
CODE = [
    (OPTIONS, '("HW_CLOUD",)', '("HW_CLOUDS",)', "cloud: documents"),
    (OPTIONS, '"password": {"no_log": True}', '"password": {}', "password: no_log is None"),
    (OPTIONS, '"auth_token": {"no_log": True}', '"auth_token": {}', "auth_token: no_log"),
    (
        OPTIONS,
        '"HW_AUTH_TOKEN", "OS_AUTH',
        '"OS_AUTH_TOKEN", "HW_AUTH',
        "auth_token: documents",
    ),
    (
        "plugins/plugin_utils/_judging.py",
        'OPTIONS = ("max_age", "max_lag"',
        'OPTIONS = ("max_lag", "max_age"',
        "healthy: documents ['max_age', 'max_lag'",
    ),
]


@pytest.fixture
def broken(collection: documentation.Collection, tmp_path: Path) -> Break:
    """Return a function that reads a copy of the collection in which a text stands instead of another one."""

    def read(file: str, text: str, instead: str, again: bool = False) -> documentation.Collection:
        root = tmp_path / "ansible_collections" / "hwcloud" / "streaming"
        for folder in ("plugins", "meta"):
            shutil.copytree(collection.root / folder, root / folder)
        before = (root / file).read_text(encoding="utf-8")
        assert text in before, "the test itself is out of date"
        (root / file).write_text(before.replace(text, instead), encoding="utf-8")
        return documentation.read(root, None if again else collection.takes)

    return read


@pytest.mark.parametrize(("check", "file", "text", "instead", "finding"), TEXTS)
def test_a_broken_text_is_found(
    broken: Break, check: ModuleType, file: str, text: str, instead: str, finding: str
) -> None:
    found = list(check.findings(broken(file, text, instead)))
    assert [one for one in found if finding in one], found


@pytest.mark.parametrize(("file", "text", "instead", "finding"), CODE)
def test_documentation_that_the_code_has_left_behind_is_found(
    broken: Callable[..., documentation.Collection], file: str, text: str, instead: str, finding: str
) -> None:
    found = documentation.findings(broken(file, text, instead, again=True))
    assert [one for one in found if finding in one], found


@pytest.mark.parametrize(
    ("file", "text", "instead", "finding"),
    [
        (SINK, "sink.not_found | length > 0", "sink.not_found | length > 9", "when the task is not there'): never ran"),
        (SINK, "problems(max_lag=1000) | join", "problems(max_log=1000) | join", "Stop the deployment when one is not"),
    ],
)
def test_an_example_that_cannot_run_is_found(
    broken: Break,
    worlds: Worlds,
    file: str,
    text: str,
    instead: str,
    finding: str,
) -> None:
    found = run_examples(worlds, broken(file, text, instead).modules[Path(file).stem])
    assert [one for one in found if finding in one], found


@pytest.fixture
def changed(collection: documentation.Collection, results: Results) -> Iterator[Callable[[str, str], list[str]]]:
    """Return a function that walks a real result in which a text stands instead of another one."""
    documented = collection.modules[MODULES[0]].returned
    text = json.dumps(results[MODULES[0]][0])

    def walk(old: str, new: str) -> list[str]:
        assert old in text
        return returned.walk(json.loads(text.replace(old, new)), documented, None, frozenset(FUTURE))

    yield walk
    assert returned.walk(json.loads(text), documented) == ["transfer_tasks[].future_field: not documented"]


def test_a_result_that_return_does_not_describe_is_found(changed: Callable[[str, str], list[str]]) -> None:
    assert changed('"task_name"', '"tsak_name"')[:2] == [
        "transfer_tasks[].tsak_name: not documented",
        "transfer_tasks[].task_name: documented, not there",
    ]
    assert changed('"discard": 0', '"discard": "0"')[0].startswith(
        "transfer_tasks[].partitions[].discard: '0' is no int"
    )
    listed = changed('"problems": []', '"problems": {}')
    assert [one for one in listed if one.startswith("transfer_tasks[].problems: {} is no list")], listed
    assert changed('"RUNNING": 3', '"RUNNING": "3"') == ["summary.by_state.RUNNING: no count"]
    assert changed('"not_found": []', '"errors": []') == ["errors: not documented", "not_found: documented, not there"]


def test_a_null_where_return_promises_a_list_or_a_count_is_found(changed: Callable[[str, str], list[str]]) -> None:
    assert changed('"not_found": []', '"not_found": null') == ["not_found: null, but a list is always there"]
    assert changed('"RUNNING": 3', '"RUNNING": null') == ["summary.by_state.RUNNING: no count"]
    assert changed('"state": "RUNNING"', '"state": null') == []
