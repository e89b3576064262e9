# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""World files: what is refused and how it is said, times, generators, literal answers, the worlds that ship."""

from __future__ import annotations

import copy
import json
import pathlib
import sys
import time
import tracemalloc
from typing import Any

import pytest
from ansible_collections.hwcloud.streaming.tests.emulator import Clock, Emulator, WorldError
from ansible_collections.hwcloud.streaming.tests.emulator.load import read
from ansible_collections.hwcloud.streaming.tests.emulator.presets import ACTIONS, PRESETS
from ansible_collections.hwcloud.streaming.tests.emulator.reader import iso, parse_moment, parse_span
from ansible_collections.hwcloud.streaming.tests.emulator.world import Options

WORLDS = pathlib.Path(__file__).resolve().parents[2] / "emulator" / "worlds"
FIXED = 1_767_323_045_678  # 2026-01-02T03:04:05.678Z


def changed(world: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """A copy with one place changed; the path is written as in the messages."""
    made = copy.deepcopy(world)
    keys: list[Any] = [int(key) if key.isdigit() else key for key in path.replace("[", ".").replace("]", "").split(".")]
    place: Any = made
    for key in keys[:-1]:
        place = place[key]
    place[keys[-1]] = value
    return made


@pytest.mark.parametrize(
    ("path", "value", "text"),
    [
        ("colour", "red", "colour: this key is not known, known here are "),
        ("region", "", "region: '' is not allowed, expected a text that is not empty"),
        ("region", 5, "region: 5 is not allowed, expected a text"),
        ("projects", ["a"], "projects: ['a'] is not allowed, expected a mapping"),
        ("projects.other", 123, "projects.other: 123 is not allowed, expected the project's id, a text"),
        ("projects.other", "0123456789abcdef0123456789abcdef", "projects.other: '0123456789abcdef0123456789abcdef'"),
        ("streams", {}, "streams: {} is not allowed, expected a list of mappings"),
        ("streams[0]", "orders", "streams[0]: 'orders' is not allowed, expected a mapping"),
        ("streams[0].name", None, "streams[0].name: None is not allowed"),
        ("streams[0]", {"nme": "x", "quota": 1}, "streams[0].name: is required, written here are nme, quota"),
        ("streams[0]", {}, "streams[0].name: is required"),
        ("streams[1].name", "orders", "streams[1]: 'orders' is not allowed, expected a name or id that is not there"),
        ("streams[0].project", "x", "streams[0].project: 'x' is not allowed, expected one of eu-west-101, eu-west-"),
        ("streams[0].partitions", 0, "streams[0].partitions: 0 is not allowed, expected a whole number from 1 to"),
        ("streams[0].quota", True, "streams[0].quota: True is not allowed, expected a whole number"),
        ("streams[0].tasks[0].created", "soon", "streams[0].tasks[0].created: 'soon' is not allowed, expected a time"),
        ("streams[0].tasks[1].name", "to-obs", "streams[0].tasks[1].name: 'to-obs' is not allowed, expected a name"),
        ("streams[0].tasks[1].id", "lJ4Ts5ObPd2UOpcRj3K", "streams[orders].tasks[to-warehouse].id: 'lJ4Ts5ObPd2UOpc"),
        ("streams[0].tasks[0].omit", [1], "streams[0].tasks[0].omit: [1] is not allowed, expected a list of texts"),
        ("streams[0].tasks[0].destination_kind", "s3", "streams[0].tasks[0].destination_kind: 's3' is not allowed"),
        ("streams[0].tasks[0].colour", 1, "streams[0].tasks[0].colour: this key is not known"),
        ("streams[0].tasks[0].logs[0].colour", 1, "streams[0].tasks[0].logs[0].colour: this key is not known"),
        ("streams[1].tasks[0].logs.count", -1, "streams[1].tasks[0].logs.count: -1 is not allowed"),
        ("streams[1].tasks[0].logs.every", "often", "streams[1].tasks[0].logs.every: 'often' is not allowed, expected"),
        ("streams[0].raw", {"x": {}}, "streams[0].raw.x: this key is not known, known here are show, tasks"),
        ("streams[0].raw", {"show": {}}, "streams[0].raw.show.body: is required"),
        ("streams[0].raw", {"show": {"text": 1}}, "streams[0].raw.show.text: 1 is not allowed, expected a text"),
        ("instances[0].connector.sink_tasks[0].topics", 1, "instances[0].connector.sink_tasks[0].topics: 1 is not"),
        ("instances[0].connector.sink_tasks[1].id", "2e148bed-3038-4617-8ade-b52e84a33eeb", "instances[0].connector"),
        ("instances[1].smart_connect.tasks[1].id", "3c0ac4d1-8d4f-4a0e-9a52-6a2f5e0c7b11", "instances[1].smart_conn"),
        ("instances[1].connector_enable", "yes", "instances[1].connector_enable: 'yes' is not allowed, expected true"),
        ("credentials.users[0].password", None, "credentials.users[0].password: None is not allowed"),
        ("credentials.tokens[0].project", "x", "credentials.tokens[0].project: 'x' is not allowed, expected one of"),
        ("credentials.token_lifetime", "long", "credentials.token_lifetime: 'long' is not allowed, expected a length"),
        ("metadata.version", "v3", "metadata.version: 'v3' is not allowed, expected one of v1, v2, off"),
        ("metadata.put_status", 500, "metadata.put_status: 500 is not allowed, expected 404, 405 or 503"),
        ("metadata.credential.security_token", None, "metadata.credential.security_token: is required"),
        ("options", {"log_list": "dict"}, "options.log_list: 'dict' is not allowed, expected one of list, object"),
        ("options", {"log_error_code": 1}, "options.log_error_code: 1 is not allowed, expected one of -1, 0, null"),
        ("options", {"log_page_cap": 0}, "options.log_page_cap: 0 is not allowed, expected a whole number from 1"),
        ("options", {"lock_keys": 1}, "options.lock_keys: 1 is not allowed, expected true or false"),
        (
            "options",
            {"colour": 1},
            "options.colour: this key is not known, known here are agency_source_domain_id, destination_keys, dup",
        ),
        ("generate", {"streams": "many"}, "generate.streams: 'many' is not allowed, expected a whole number"),
        ("raw", [{"route": "(", "body": 1}], "raw[0].route: '(' is not allowed, expected a regular expression"),
        ("raw", [{"body": 1}], "raw[0].route: is required"),
        ("faults", [{"rout": "x", "action": "reset"}], "faults[0].route: is required, written here are rout, action"),
        ("faults", [{"route": "x", "action": "y"}], "faults[0].action: 'y' is not allowed, expected one of status"),
        ("faults", [{"route": "x", "action": "reset", "where": 1}], "faults[0].where: this key is not known"),
        ("clock", "3d", "clock: '3d' is not allowed, expected a time (ISO 8601 or epoch milliseconds), or a shift"),
    ],
)
def test_a_wrong_world_is_refused_with_the_place(small: dict[str, Any], path: str, value: Any, text: str) -> None:
    with pytest.raises(WorldError) as caught:
        Emulator(changed(small, path, value))
    assert str(caught.value).startswith(text)


def test_long_values_are_cut_in_messages(small: dict[str, Any]) -> None:
    with pytest.raises(WorldError) as caught:
        read(changed(small, "region", ["x" * 1000]))
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.yml", "a: [", "is not YAML"),
        ("a.json", "{", "is not JSON"),
        ("a.yml", "just text", "world: 'just text' is not allowed, expected a mapping"),
        (None, "", "cannot be read"),
    ],
)
def test_files_that_cannot_be_used(tmp_path: pathlib.Path, name: str | None, text: str, message: str) -> None:
    path = tmp_path / (name or "absent.yml")
    if name:
        path.write_text(text)
    with pytest.raises(WorldError, match=r"^world") as caught:
        read(path)
    assert message in str(caught.value)


def test_json_worlds_do_without_pyyaml(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, small: Any) -> None:
    path = tmp_path / "world.json"
    path.write_text(json.dumps(small))
    monkeypatch.setitem(sys.modules, "yaml", None)
    assert list(read(str(path)).streams) == ["orders", "clicks", "audit"]
    with pytest.raises(WorldError, match=r"needs PyYAML"):
        read(WORLDS / "small.yml")


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ("2026-01-02T03:04:05.678Z", FIXED),
        ("2026-01-02T04:04:05.678+01:00", FIXED),
        ("2026-01-02T03:04:05", FIXED - 678),
        (FIXED, FIXED),
        (str(FIXED), FIXED),
        ("90s", 10_000_000 - 90_000),
        ("1.5h", 10_000_000 - 5_400_000),
        (0, 0),
        (-1, -1),
    ],
)
def test_moments(value: Any, wanted: int) -> None:
    assert parse_moment(value, "x", 10_000_000) == wanted


def test_unquoted_yaml_times(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "w.yml"
    path.write_text("clock: 2026-01-02T03:04:05.678Z\nstreams: [{name: a, created: 2026-01-02}]\n")
    assert read(path).streams["a"].created == FIXED // 86_400_000 * 86_400_000
    path.write_text("clock: 2026-01-02T03:04:05.678Z\nstreams: [{name: a, created: 1d}]\n")
    assert read(path).streams["a"].created == FIXED - 86_400_000


def test_spans_and_iso() -> None:
    assert [parse_span(value, "x") for value in ("5ms", "2m", 3, 0.5)] == [5, 120_000, 3000, 500]
    assert iso(FIXED) == "2026-01-02T03:04:05.678000Z"


def test_clocks() -> None:
    fixed = Clock.parse("2026-01-02T03:04:05.678Z")
    assert fixed.now() == fixed.now() == FIXED
    fixed.advance("1h")
    assert fixed.now() == FIXED + 3_600_000
    assert abs(Clock.parse("-3d").now() - (time.time() - 3 * 86400) * 1000) < 1000
    moving = Clock.parse(None)
    moving.advance(60)
    assert abs(moving.now() - (time.time() + 60) * 1000) < 1000
    assert Clock.parse(moving) is moving


def test_ages_go_by_the_clock_that_is_given(small: dict[str, Any]) -> None:
    world = read(small, clock="2026-01-02T03:04:05.678Z")
    task = world.streams["orders"].tasks["to-obs"]
    assert (task.last_transfer, task.created) == (FIXED - 30_000, FIXED - 7 * 86_400_000)
    assert world.streams["clicks"].tasks["to-obs"].last_transfer == 0
    assert (
        read({"streams": [{"name": "a", "tasks": [{"name": "b", "last_transfer": None}]}]})
        .streams["a"]
        .tasks["b"]
        .last_transfer
        is None
    )


def test_a_hundred_thousand_rows_cost_no_memory() -> None:
    def world(count: int) -> dict[str, Any]:
        return {"streams": [{"name": "a", "tasks": [{"name": "b", "logs": {"count": count}}]}]}

    read(world(1))
    tracemalloc.start()
    loaded = read(world(100_000))
    used = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert used < 100_000
    task = loaded.streams["a"].tasks["b"]
    owner = loaded.project.log_owner(loaded.streams["a"], task)
    newest = json.loads(task.logs.page(0, 1, "desc", "startTime", owner)[0])
    oldest = json.loads(task.logs.page(99_999, 5, "desc", "startTime", owner)[0])
    assert newest["startTime"] - oldest["startTime"] == 99_999 * 300_000
    assert abs(newest["endTime"] - time.time() * 1000) < 2000


def test_generated_streams_and_instances(client_of: Any) -> None:
    plan = {"streams": 12, "tasks": 3, "instances": 2, "sink_tasks": 2, "smart_connect_tasks": 1, "prefix": "s-"}
    plan["logs"] = {"count": 5}
    client = client_of({"credentials": {"tokens": [{"token": "ExampleToken"}]}, "generate": plan})
    listed = client.get("streams/s-0012/transfer-tasks").json
    assert [task["task_name"] for task in listed["tasks"]] == ["task-1", "task-2", "task-3"]
    assert client.logs(listed["tasks"][0]["task_id"]).json["totalNum"] == 5
    instance = client.get("instances?engine=kafka").json["instances"][1]
    sink = client.get(f"connectors/{instance['connector_id']}/sink-tasks").json["tasks"][1]
    shown = client.get(f"connectors/{instance['connector_id']}/sink-tasks/{sink['task_id']}?topic-info=true").json
    assert len(shown["topics_info"][0]["partitions"]) == 3
    assert client.get(f"instances/{instance['instance_id']}/connector/tasks").json["total_number"] == 1


def test_literal_answers(client_of: Any, small: dict[str, Any]) -> None:
    def literal(value: Any) -> dict[str, Any]:
        return {"body": value}

    small["streams"][0]["raw"] = {"tasks": {"body": [1], "status": 201, "headers": {"X-A": "b"}}}
    small["streams"][0]["tasks"][0]["raw"] = {"show": literal({"a": None}), "logs": {"text": "<p>"}}
    small["streams"][1]["raw"] = {"show": literal("text")}
    small["instances"][0]["raw"] = {"show": literal(1)}
    small["instances"][0]["connector"]["raw"] = {"tasks": literal(2)}
    small["instances"][0]["connector"]["sink_tasks"][0]["raw"] = {"show": literal(3)}
    small["instances"][1]["smart_connect"]["raw"] = {"tasks": literal(4)}
    small["instances"][1]["smart_connect"]["tasks"][0]["raw"] = {"show": literal(5)}
    small["raw"] = [{"route": "GET .*/streams/audit$", "body": {"whole": "route"}}]
    client = client_of(small)
    reply = client.get("streams/orders/transfer-tasks")
    assert (reply.status, reply.json, reply.headers["x-a"]) == (201, [1], "b")
    assert client.get("streams/orders/transfer-tasks/to-obs").body == b'{"a":null}'
    logs = client.logs("lJ4Ts5ObPd2UOpcRj3K")
    assert (logs.body, logs.headers["content-type"]) == (b"<p>", "text/html")
    assert client.get("streams/clicks").json == "text"
    assert client.get("streams/audit").json == {"whole": "route"}
    assert client.get("streams/audit", headers={}).status == 401
    events, new = small["instances"][0], small["instances"][1]
    connector, smart = events["connector"], new["smart_connect"]["tasks"][0]["id"]
    sinks = f"connectors/{connector['id']}/sink-tasks"
    paths = [
        f"instances/{events['id']}",
        sinks,
        f"{sinks}/{connector['sink_tasks'][0]['id']}",
        f"instances/{new['id']}/connector/tasks",
        f"instances/{new['id']}/connector/tasks/{smart}",
    ]
    assert [client.get(path).json for path in paths] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("path", sorted(WORLDS.glob("*.yml")), ids=lambda path: path.stem)
def test_the_worlds_that_ship_answer(client_of: Any, path: pathlib.Path) -> None:
    client = client_of(path)
    world = client.emulator.world
    assert world.region == "eu-west-101"
    for stream in list(world.streams.values())[:5]:
        listed = client.get(f"streams/{stream.name}/transfer-tasks").json["tasks"]
        assert {task["task_name"] for task in listed} == set(stream.tasks)
        for task in listed:
            shown = client.get(f"streams/{stream.name}/transfer-tasks/{task['task_name']}").json
            assert (shown["task_id"], shown["state"]) == (task["task_id"], task["state"])
            assert client.logs(task["task_id"]).status == 200
    assert client.get("instances?engine=kafka").json["instance_num"] == len(world.instances) > 0


def test_the_benchmark_world_is_large() -> None:
    world = read(WORLDS / "benchmark.yml")
    assert sum(1 for _pair in world.project.all_tasks()) >= 2000
    assert world.streams["journal"].tasks["rows-100000"].logs.total() == 100_000


def test_a_stream_in_another_project(client_of: Any, small: dict[str, Any]) -> None:
    small["streams"].append({"name": "orders", "project": "eu-west-101_empty"})
    client = client_of(small)
    other = client.send(
        "GET", "/v2/fedcba9876543210fedcba9876543210/streams", headers={"X-Auth-Token": "ExampleTokenOtherProject"}
    )
    assert other.json["stream_names"] == ["orders"]


def test_the_readme_names_everything() -> None:
    text = (WORLDS.parent / "README.md").read_text(encoding="utf-8")
    names = [*vars(Options()), *ACTIONS, *PRESETS, *(path.name for path in WORLDS.parent.glob("[a-z]*.py"))]
    names = [name for name in names if not name.startswith("load")]
    assert [name for name in names if f"`{name}`" not in text] == []


@pytest.mark.parametrize(
    ("path", "value", "asked", "wanted"),
    [
        ("streams[0].tasks[0].destination", None, "streams/orders/transfer-tasks/to-obs", "_destination_"),
        ("streams[0].tasks[0].destination_type", "NOWHERE", "streams/orders/transfer-tasks/to-obs", "_destination_"),
        ("instances[0].omit", ["connector_id"], "instances/59f6d088-7181-4b5e-9bd6-37274ce84577", "connector_id"),
    ],
)
def test_keys_that_then_are_absent(
    client_of: Any, small: dict[str, Any], path: str, value: Any, asked: str, wanted: str
) -> None:
    before = client_of(small).get(asked).json
    assert any(wanted in key for key in before)
    assert not any(wanted in key for key in client_of(changed(small, path, value)).get(asked).json)


def test_partitions_of_a_topic_can_lack_what_they_like(client_of: Any, small: dict[str, Any]) -> None:
    task = small["instances"][0]["connector"]["sink_tasks"][0]
    task["omit"] = ["status"]
    task["topics_info"][0]["partitions"] = [
        {"id": "a", "lag": None, "log_end_offset": "unknown", "omit": ["status"]},
        {"lag": -1},
    ]
    client = client_of(small)
    path = f"connectors/{small['instances'][0]['connector']['id']}/sink-tasks/{task['id']}?topic-info=true"
    shown = client.get(path).json
    assert "status" not in shown
    assert shown["topics_info"][0]["partitions"] == [
        {"partition_id": "a", "last_transfer_offset": "0", "log_end_offset": "unknown", "lag": None},
        {
            "partition_id": "1",
            "status": "RUNNING",
            "last_transfer_offset": "0",
            "log_end_offset": "0",
            "lag": "-1",
        },
    ]


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("world.yml", "streams: [{name: caf\xe9}]".encode("latin-1"), "is not UTF-8 text"),
        ("world.json", b'{"streams": ' + b"[" * 200_000, "is not JSON"),
        ("world.yml", b"streams: " + b"[" * 20_000, "is not YAML"),
        ("world.yml", b"generate: {streams: 1000000000}", "generate.streams"),
        ("world.yml", b"generate: {streams: 1000, tasks: 1000, partitions: 1000}", "generate.partitions"),
        ("world.yml", b"generate: {instances: 1000, sink_tasks: 100000}", "generate.sink_tasks"),
        ("world.yml", b"streams: [{name: a, tasks: [{name: b, partitions: 1000000000}]}]", "partitions"),
    ],
)
def test_a_world_that_cannot_be_held_is_refused_in_a_sentence(
    tmp_path: pathlib.Path, name: str, content: bytes, told: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(WorldError, match=told):
        read(str(tmp_path / name))
