# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The documentation of every plugin is true: options, examples that run, results as RETURN says.

That references in it lead somewhere is checked by `antsibull-docs lint-collection-docs`.
That the checks find what they look for is shown in test_broken_documentation.py.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from . import documentation, examples, returned
from .conftest import Worlds
from .worlds import FUTURE

MODULES = ("dis_transfer_task_info", "dis_transfer_task_log_info", "dms_sink_task_info", "dms_smart_connect_task_info")
FILTERS = ("html_report", "problems", "table")
PLUGINS = [
    *(("module", name) for name in MODULES),
    ("test", "healthy"),
    *(("filter", name) for name in FILTERS),
]


def run_examples(worlds: Worlds, *plugins: documentation.Plugin) -> list[str]:
    """Run examples where all is well and where not; return what is wrong with them."""
    site = worlds.site
    well = site.play(examples.playbook(plugins), **site.at(worlds.well))
    # Where not all is well what asserts that it is fails, and the rest has to run all the same.
    ill = site.play(examples.playbook(plugins, "ignore_errors: true"), **site.at(worlds.ill))
    wrong = [ran.output for ran in (well, ill) if ran.status]
    return wrong + list(examples.run_findings(plugins, well.output, ill.output))


def test_there_is_nothing_to_find(collection: documentation.Collection) -> None:
    assert list(collection.plugins) == PLUGINS
    for check in (documentation, returned, examples):
        assert list(check.findings(collection)) == []


def test_examples_run(collection: documentation.Collection, worlds: Worlds) -> None:
    assert run_examples(worlds, *collection.plugins.values()) == []


@pytest.mark.parametrize("name", MODULES)
def test_commands_of_examples_run(collection: documentation.Collection, worlds: Worlds, name: str) -> None:
    shown = examples.commands(collection.modules[name])
    assert shown
    for command in shown:
        typed = worlds.site.run("bash", "-c", command, **worlds.site.at(worlds.well))
        assert typed.status == 0, typed.output


@pytest.mark.parametrize("name", MODULES)
def test_results_are_what_return_says(
    collection: documentation.Collection, results: dict[str, list[dict[str, Any]]], name: str
) -> None:
    plugin = collection.modules[name]
    seen: set[str] = set()
    walked = (returned.walk(result, plugin.returned, seen, frozenset(FUTURE)) for result in results[name])
    assert sorted({finding for findings in walked for finding in findings}) == []
    assert any(result.get("failed") for result in results[name])
    told = dict(returned.values_of(plugin.returned))
    assert told.keys() - seen == set(), "documented, but never seen with a value"
    assert "future_field" in json.dumps(results[name]) or "log" in name
