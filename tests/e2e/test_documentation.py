# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The documentation of every plugin is true: options, markup, examples that run, results as RETURN says.

The checks themselves are in documentation.py; each is shown here to find what it looks for in a copy that is broken.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from . import documentation
from .conftest import Site

MODULES = ("dis_transfer_task_info", "dis_transfer_task_log_info", "dms_sink_task_info", "dms_smart_connect_task_info")
PLUGINS = [*(("module", name) for name in MODULES), ("test", "healthy"), ("filter", "problems")]
KEYS = {"access_key": "AKEXAMPLE0000000000X", "secret_key": "SKExample0000000000000000000000000000000"}
FUTURE = {"future_field": "of tomorrow"}
REGEX_SINK = {
    "name": "all-to-obs",
    "topics": "orders-.*",
    "topics_info": [],
    "destination": {"topics_regex": "orders-.*"},
}
# What the examples name, all of it well; everything that the services can tell is told somewhere.
WORLD: dict[str, Any] = {
    "region": "eu-west-101",
    "credentials": {"access_keys": [KEYS], "tokens": [{"token": "ExampleToken"}]},
    "streams": [
        {
            "name": "orders",
            "quota": 5,
            "partitions": 2,
            "tasks": [
                {
                    "name": "orders-to-obs",
                    "id": "As805BudhcH1lDs6gbn",
                    "exception_strategy": "ignoreAndBackup",
                    "logs": {"count": 20, "bytes": 1000, "records": 10},
                    "extra": FUTURE,
                },
                {"name": "orders-to-dli", "destination_type": "DLI", "logs": {"count": 5}},
            ],
        },
        {"name": "clicks", "tasks": [{"name": "clicks-to-obs", "logs": {"count": 3}}]},
    ],
    "instances": [
        {
            "name": "kafka-orders",
            "connector": {
                "id": "2e148bed-0000-4617-8ade-b52e84a33eeb",
                "sink_tasks": [
                    {
                        "name": "orders-to-obs",
                        "topics": ["orders"],
                        "topics_info": [
                            {
                                "topic": "orders",
                                "partitions": [{"id": 0, "last_transfer_offset": 7, "log_end_offset": 7}],
                            }
                        ],
                        "extra": FUTURE,
                    },
                    REGEX_SINK,
                ],
            },
        },
        {
            "name": "kafka-clicks",
            "smart_connect": {
                "tasks": [
                    {
                        "name": "clicks-to-obs",
                        "topics": "clicks",
                        "sink_type": "OBS_SINK",
                        "sink_task": {"obs_path": "a"},
                    },
                    {
                        "name": "mirror",
                        "topics_regex": "orders-.*",
                        "source_type": "KAFKA_REPLICATOR_SOURCE",
                        "source_task": {"task_num": 2},
                        "extra": FUTURE,
                    },
                ]
            },
        },
        {"name": "kafka-idle"},
    ],
}
# The same with what is rarer: tasks that are not well, partitions in the documented form.
ILL: dict[str, Any] = {
    **WORLD,
    "options": {"partition_schema": "documented"},
    "streams": [{"name": "orders", "partitions": 2, "tasks": [{"name": "orders-to-obs", "state": "PAUSED"}]}],
    "instances": [
        {
            "name": "kafka-orders",
            "connector": {"sink_tasks": [{"name": "sink", "status": "PAUSED", "topics": ["a"], "topics_info": []}]},
            "smart_connect": {"tasks": [{"name": "smart", "status": "PAUSED", "topics": "a"}]},
        }
    ],
    "faults": [
        {"route": "streams/broken/", "action": "forbidden_403", "times": None},
        {"route": "name=broken", "action": "dms_forbidden_403", "times": None},
    ],
}
CALLS: dict[str, list[dict[str, Any]]] = {
    "dis_transfer_task_info": [{}, {"details": False}, {"stream_names": ["orders", "gone"]}, {"task_names": "gone"}],
    "dis_transfer_task_log_info": [
        {"stream_names": ["orders", "gone"]},
        {"task_ids": "gone"},
        {"stream_names": "orders", "task_names": "gone"},
        {"stream_names": []},
    ],
    "dms_sink_task_info": [
        {},
        {"topic_info": False},
        {"connector_ids": "gone"},
        {"instance_names": ["kafka-idle", "gone"]},
    ],
    "dms_smart_connect_task_info": [
        {},
        {"details": False},
        {"instance_ids": "gone"},
        {"instance_names": "kafka-clicks", "task_ids": "gone"},
    ],
}
CALLS["dms_sink_task_info"] += [
    {"task_names": "gone", "instance_names": "kafka-orders"},
    {"task_ids": "gone", "instance_names": "kafka-orders"},
]
CALLS["dms_sink_task_info"] += [{"instance_ids": "gone"}]
CALLS["dms_smart_connect_task_info"] += [{"task_names": "gone"}, {"instance_names": "gone"}]
FAILING: dict[str, dict[str, Any]] = {
    "dis_transfer_task_info": {"stream_names": ["orders", "broken"]},
    "dis_transfer_task_log_info": {"stream_names": ["orders", "broken"]},
    "dms_sink_task_info": {"instance_names": ["kafka-orders", "broken"]},
    "dms_smart_connect_task_info": {"instance_names": ["kafka-orders", "broken"]},
}


@pytest.fixture(scope="module")
def collection(built: Path) -> documentation.Collection:
    return documentation.read(built / "ansible_collections" / "hwcloud" / "streaming")


@pytest.fixture(scope="module")
def worlds(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Site, str, str]]:
    """A site and the addresses of two emulators: one with all well, one with what is not."""
    site = Site(tmp_path_factory.mktemp("documentation"), built, Path(sys.executable))
    with site.emulator(WORLD) as well, site.emulator(ILL) as ill:
        yield site, well, ill


@pytest.fixture(scope="module")
def results(worlds: tuple[Site, str, str]) -> dict[str, list[dict[str, Any]]]:
    """Real results of every module, by name."""
    site, well, ill = worlds
    return {
        name: [ask(site, well, name, options) for options in calls]
        + [
            ask(site, ill, name, options)
            for options in ({"stream_names": "orders"} if "log" in name else {}, FAILING[name])
        ]
        + [
            ask(site, "http://127.0.0.1:9", name, {"retries": 0, **FAILING[name]}),
            ask(site, well, name, {**FAILING[name], "timeout": 0}),
        ]
        for name, calls in CALLS.items()
    }


def ask(site: Site, address: str, module: str, options: dict[str, Any]) -> dict[str, Any]:
    """Run a module as Ansible does on the host, without the second that Ansible needs to get there."""
    arguments = {"ANSIBLE_MODULE_ARGS": {**options}}
    program = f"ansible_collections.hwcloud.streaming.plugins.modules.{module}"
    file = site.folder / "arguments.json"
    file.write_text(json.dumps(arguments), encoding="utf-8")
    variables = site.at(address) | {"PYTHONPATH": str(site.installed)}
    ran = site.run(sys.executable, "-m", program, file, **variables)
    result = json.loads(ran.output)
    assert isinstance(result, dict)
    return result


def test_there_is_nothing_to_find(collection: documentation.Collection) -> None:
    assert sorted(collection.modules) == sorted(MODULES)
    assert documentation.findings(collection) == []


@pytest.mark.parametrize(("kind", "name"), PLUGINS)
def test_examples_run(
    collection: documentation.Collection, worlds: tuple[Site, str, str], kind: str, name: str
) -> None:
    site, well, _empty = worlds
    examples = collection.plugins[kind, name].examples
    indented = "".join(f"    {line}\n" for line in examples.splitlines())
    ran = site.play(f"- hosts: localhost\n  gather_facts: false\n  tasks:\n{indented}", **site.at(well))
    assert ran.status == 0, ran.output
    assert "failed=0" in ran.output
    assert "ignored=0" in ran.output
    shown = documentation.commands(collection.plugins[kind, name])
    assert bool(shown) == (kind == "module")
    for command in shown:
        typed = site.run("bash", "-c", command, **site.at(well))
        assert typed.status == 0, typed.output


@pytest.mark.parametrize("name", MODULES)
def test_results_are_what_return_says(
    collection: documentation.Collection, results: dict[str, list[dict[str, Any]]], name: str
) -> None:
    plugin = collection.modules[name]
    seen: set[str] = set()
    for result in results[name]:
        assert documentation.walk(result, plugin.returned, seen, frozenset(FUTURE)) == [], result
    assert any(result.get("failed") for result in results[name])
    assert documentation.leaves(plugin) - seen == set(), "documented, but never seen with a value"
    assert "future_field" in json.dumps(results[name]) or "log" in name


MODULE = "plugins/modules/dis_transfer_task_info.py"
LOG_MODULE = "plugins/modules/dis_transfer_task_log_info.py"
FRAGMENT = "plugins/doc_fragments/connection.py"
COMMON = "plugins/module_utils/_module.py"
BROKEN = [
    (MODULE, "\n  details:\n", "\n  detail:\n", "detail is documented, not taken"),
    (
        MODULE,
        '"details": {"type": "bool", "default": True}',
        '"details": {"type": "bool"}',
        "details: default is documented",
    ),
    (MODULE, "      - stream_name\n", "      - stream\n", "stream_names: aliases is documented"),
    (
        MODULE,
        "    type: bool\n    default: true\n",
        "    type: str\n    default: true\n",
        "details: type is documented",
    ),
    (MODULE, "RV(not_found)", "RV(not_fund)", "RV(not_fund): no such return value"),
    (MODULE, "O(details=false)", "O(detials=false)", "O(detials=false): no such option"),
    (MODULE, "O(details=false)", "O(details=maybe)", "O(details=maybe): no such choice"),
    (
        MODULE,
        "M(hwcloud.streaming.dis_transfer_task_log_info)",
        "M(hwcloud.streaming.gone_info)",
        "there is no such plugin",
    ),
    (
        MODULE,
        "      sample: 1606554932552\n",
        "      sample: soon\n",
        "transfer_tasks[].create_time: the sample 'soon'",
    ),
    (MODULE, "      sample: 1606554932552\n", "", "transfer_tasks[].create_time: no sample"),
    (MODULE, "    details: false\n  register", "    detail: false\n  register", "takes no detail"),
    (MODULE, "ansible localhost -m", "ansible all -m", "no example with command"),
    (MODULE, "ansible.builtin.assert", "ansible.builtin.debug", "no example with assert"),
    (LOG_MODULE, "Exactly one of O(task_ids) and", "At most one of O(task_ids) and", "is required differs"),
    (LOG_MODULE, "Exactly one of O(task_ids) and", "Set O(task_ids) or", "no text says"),
    (LOG_MODULE, 'mutually_exclusive=[("task_ids", "stream_names"), ', "mutually_exclusive=[", "in the text only"),
    (LOG_MODULE, "      - readRecords\n", "", "sort_by: choices is documented"),
    (FRAGMENT, "E(HUAWEICLOUD_REGION)", "E(HUAWEI_REGION)", "E(HUAWEI_REGION): no module reads it"),
    (FRAGMENT, "E(HW_ACCESS_KEY) or E(OS_ACCESS_KEY)", "E(HW_ACCESS_KEY)", "access_key: documents"),
    (FRAGMENT, "V(metadata) fetches", "V(metadate) fetches", "V(metadate): it is no choice"),
    (COMMON, '_filled("HW_CLOUD")', '_filled("HW_CLOUDS")', "cloud: documents"),
    (COMMON, '        "retries": {"type": "int", "default": 4},\n', "", "connection: documents"),
    (
        "plugins/module_utils/_auth.py",
        '"HW_AUTH_TOKEN", "OS_AUTH_TOKEN"',
        '"OS_AUTH_TOKEN", "HW_AUTH_TOKEN"',
        "auth_token: documents",
    ),
    ("meta/runtime.yml", "    - dms_sink_task_info\n", "", "action group all"),
    ("plugins/test/healthy.yml", "O(now)", "O(new)", "healthy: max_age: O(new): no such option"),
    ("plugins/filter/problems.yml", "    type: list\n", "    type: str\n", "problems: _value: the sample"),
]


@pytest.mark.parametrize(("file", "text", "instead", "finding"), BROKEN)
def test_what_is_broken_is_found(
    collection: documentation.Collection, tmp_path: Path, file: str, text: str, instead: str, finding: str
) -> None:
    root = tmp_path / "ansible_collections" / "hwcloud" / "streaming"
    for folder in ("plugins", "meta"):
        shutil.copytree(collection.root / folder, root / folder)
    before = (root / file).read_text(encoding="utf-8")
    assert text in before, "the test itself is out of date"
    (root / file).write_text(before.replace(text, instead), encoding="utf-8")
    found = documentation.findings(documentation.read(root))
    assert [one for one in found if finding in one], found


def test_a_result_that_return_does_not_describe_is_found(
    collection: documentation.Collection, results: dict[str, list[dict[str, Any]]]
) -> None:
    documented = collection.modules[MODULES[0]].returned
    text = json.dumps(results[MODULES[0]][0])

    def broken(old: str, new: str) -> list[str]:
        assert old in text
        return documentation.walk(json.loads(text.replace(old, new)), documented, None, frozenset(FUTURE))

    assert broken('"task_name"', '"tsak_name"')[:2] == [
        "transfer_tasks[].tsak_name: not documented",
        "transfer_tasks[].task_name: documented, not there",
    ]
    assert broken('"discard": 0', '"discard": "0"')[0].startswith(
        "transfer_tasks[].partitions[].discard: '0' is no int"
    )
    assert broken('"problems": []', '"problems": {}')[0].startswith("transfer_tasks[].problems: {} is no list")
    assert broken('"RUNNING": 3', '"RUNNING": "3"') == ["summary.by_state.RUNNING: no count"]
    assert broken('"not_found": []', '"errors": []') == ["errors: not documented", "not_found: documented, not there"]
    assert documentation.walk(json.loads(text), documented) == ["transfer_tasks[].future_field: not documented"]
