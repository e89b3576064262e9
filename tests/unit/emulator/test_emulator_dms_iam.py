# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What DMS, IAM and the metadata service answer, as far as it is not an error of the gateway."""

from __future__ import annotations

import socket
from typing import Any

import pytest

PROJECT = "0123456789abcdef0123456789abcdef"
CONNECTOR = "2e148bed-0000-4617-8ade-b52e84a33eeb"
SINK = "2e148bed-3038-4617-8ade-b52e84a33eeb"
SMART = "8a205bbd-7181-4b5e-9bd6-37274ce84577"
PLAIN = "7b1d0c5e-7181-4b5e-9bd6-37274ce84577"


def options(client: Any, **values: Any) -> None:
    for name, value in values.items():
        assert hasattr(client.emulator.world.options, name)
        setattr(client.emulator.world.options, name, value)


# DMS


def test_instances(client: Any) -> None:
    listed = client.get("instances?engine=kafka").json
    assert [row["name"] for row in listed["instances"]] == ["kafka-events", "kafka-new", "kafka-plain"]
    assert listed["instance_num"] == 3
    rows = {row["name"]: row for row in listed["instances"]}
    assert (rows["kafka-events"]["connector_enable"], rows["kafka-events"]["connector_id"]) == (True, CONNECTOR)
    assert (rows["kafka-plain"]["connector_enable"], rows["kafka-plain"]["connector_id"]) == (False, "")
    assert isinstance(rows["kafka-plain"]["created_at"], str)
    assert client.get(f"instances/{PLAIN}").json == rows["kafka-plain"]
    options(client, instance_list_connector_id=False)
    assert "connector_id" not in client.get("instances?engine=kafka").json["instances"][0]
    assert client.get(f"instances/{PLAIN}").json["connector_id"] == ""


def names(reply: Any) -> list[str]:
    return [row["name"] for row in reply.json["instances"]]


def test_instances_by_filter(client: Any, client_of: Any, small: dict[str, Any]) -> None:
    small["instances"].append({"name": "kafka-events-2", "status": "CREATEFAILED"})
    small["instances"].append({"name": "rabbit", "engine": "rabbitmq"})
    other = client_of(small)
    base = "instances?engine=kafka"
    assert names(other.get(f"{base}&name=events")) == ["kafka-events", "kafka-events-2"]
    assert names(other.get(f"{base}&name=kafka-events&exact_match_name=true")) == ["kafka-events"]
    assert names(other.get(f"{base}&include_failure=false&name=events")) == ["kafka-events"]
    assert names(other.get(f"{base}&status=CREATEFAILED")) == ["kafka-events-2"]
    assert names(other.get(f"{base}&instance_id={PLAIN}")) == ["kafka-plain"]
    assert names(other.get("instances?engine=rabbitmq")) == ["rabbit"]
    options(other, instance_exact_name=False)
    assert len(names(other.get(f"{base}&name=kafka-events&exact_match_name=true"))) == 2
    assert client.get("instances").json["error_code"] == "DMS.00400062"


@pytest.mark.parametrize("base", ["instances?engine=kafka", f"instances/{SMART}/connector/tasks?"])
def test_offset_and_limit(client: Any, base: str) -> None:
    key = "instances" if "engine" in base else "tasks"
    whole = client.get(base).json[key]
    assert client.get(f"{base}&limit=1&offset=1").json[key] == whole[1:2]
    for offset in (str(len(whole)), "99", "-1", "x"):
        reply = client.get(f"{base}&offset={offset}")
        assert (reply.status, reply.json["error_code"]) == (400, "DMS.40050010")
        assert reply.json["error_msg"] == "Offset parameter is invalid."
    for limit in ("0", "51", "x"):
        assert client.get(f"{base}&limit={limit}").json["error_code"] == "DMS.00400062"


def test_ten_instances_a_page_by_default(client_of: Any) -> None:
    client = client_of({"credentials": {"tokens": [{"token": "ExampleToken"}]}, "generate": {"instances": 11}})
    assert len(client.get("instances?engine=kafka").json["instances"]) == 10
    empty = client_of({"credentials": {"tokens": [{"token": "ExampleToken"}]}})
    assert empty.get("instances?engine=kafka&offset=0").json == {"instances": [], "instance_num": 0}


def test_sink_tasks(client: Any) -> None:
    listed = client.get(f"connectors/{CONNECTOR}/sink-tasks").json
    assert (listed["total_number"], listed["max_tasks"], listed["quota_tasks"]) == (2, 9, 10)
    assert listed["tasks"][0]["task_id"] == SINK
    assert listed["tasks"][0]["topics"] == "events,errors"
    assert "obs_destination_descriptor" not in listed["tasks"][0]


def test_details_of_a_sink_task(client: Any) -> None:
    path = f"connectors/{CONNECTOR}/sink-tasks/{SINK}"
    shown = client.get(f"{path}?topic-info=true").json
    assert "task_id" not in shown
    assert shown["obs_destination_descriptor"]["consumer_strategy"] == "latest"
    assert shown["topics_info"][0]["topic"] == "events"
    assert shown["topics_info"][0]["partitions"][0] == {
        "partition_id": "0",
        "status": "RUNNING",
        "last_transfer_offset": "100",
        "log_end_offset": "103",
        "lag": "3",
    }
    assert "topics_info" not in client.get(path).json
    assert "topics_info" not in client.get(f"{path}?topic-info=false").json
    assert client.get(f"{path}?topic-info=1").status == 400


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("instances/unknown", "DMS.00404022"),
        ("instances/unknown/connector/tasks", "DMS.00404022"),
        ("connectors/unknown/sink-tasks", "DMS.00404024"),
        (f"connectors/{CONNECTOR}/sink-tasks/unknown", "DMS.00404026"),
        (f"instances/{PLAIN}/connector/tasks", "DMS.00404024"),
        (f"instances/{SMART}/connector/tasks/unknown", "DMS.00404026"),
    ],
)
def test_what_is_absent_in_dms_is_http_404(client: Any, path: str, code: str) -> None:
    reply = client.get(path)
    assert (reply.status, reply.json["error_code"]) == (404, code)
    assert reply.json["error_msg"]


def test_smart_connect_tasks(client: Any) -> None:
    listed = client.get(f"instances/{SMART}/connector/tasks").json
    assert (listed["total_number"], listed["max_tasks"]) == (2, 18)
    first = listed["tasks"][0]
    assert (first["task_name"], first["topics_regex"], first["source_task"]) == ("events-to-obs", "events-.*", None)
    assert client.get(f"instances/{SMART}/connector/tasks/{first['id']}").json == first


# IAM and metadata


def password(**changes: Any) -> dict[str, Any]:
    user = {"name": "example-user", "password": "Example-Password-1", "domain": {"name": "example-account"}}
    user.update(changes.pop("user", {}))
    identity = {"methods": ["password"], "password": {"user": user}}
    return {"auth": {"identity": identity, "scope": {"project": {"name": "eu-west-101"}}, **changes}}


def test_a_token_for_a_password(client: Any) -> None:
    reply = client.send("POST", "/v3/auth/tokens", password(), headers={})
    assert reply.status == 201
    assert reply.json["token"]["project"]["id"] == PROJECT
    token = {"X-Auth-Token": reply.headers["x-subject-token"]}
    assert client.get("streams", headers=token).status == 200
    client.emulator.world.expire_tokens()
    assert "token expires" in client.get("streams", headers=token).json["error_msg"]


def test_ways_to_name_user_and_project(client: Any) -> None:
    user = next(iter(client.emulator.world.users.values()))
    by_id = password(scope={"project": {"id": PROJECT}})
    by_id["auth"]["identity"]["password"]["user"] = {"id": user.id, "password": user.password}
    assert client.send("POST", "/v3/auth/tokens", by_id, headers={}).status == 201
    by_domain_id = password(user={"domain": {"id": user.domain_id}})
    assert client.send("POST", "/v3/auth/tokens", by_domain_id, headers={}).status == 201
    unscoped = client.send("POST", "/v3/auth/tokens", password(scope={"domain": {"name": "x"}}), headers={})
    assert (unscoped.status, "project" in unscoped.json["token"]) == (201, False)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (password(user={"password": "wrong"}), 401),
        (password(user={"name": "nobody"}), 401),
        (password(user={"domain": {"name": "elsewhere"}}), 401),
        (password(scope={"project": {"name": "unknown"}}), 404),
        (password(scope={"project": "eu-west-101"}), 400),
        (password(identity={"methods": ["totp"]}), 400),
        ({"auth": {}}, 400),
        ("{", 400),
    ],
)
def test_no_token(client: Any, body: Any, status: int) -> None:
    reply = client.send("POST", "/v3/auth/tokens", body, headers={})
    assert (reply.status, reply.json["error"]["code"]) == (status, status)
    assert "x-subject-token" not in reply.headers
    assert client.send("GET", "/v3/auth/tokens").status == 405
    assert client.send("GET", "/v3/else").json["error"]["title"] == "Not Found"


def test_project_ids_by_name(client: Any) -> None:
    found = client.send("GET", "/v3/projects?name=eu-west-101").json["projects"]
    assert [(row["name"], row["id"]) for row in found] == [("eu-west-101", PROJECT)]
    assert client.send("GET", "/v3/projects?name=absent").json["projects"] == []
    assert len(client.send("GET", "/v3/projects").json["projects"]) == 2
    assert client.send("GET", "/v3/projects", headers={}).status == 401
    options(client, duplicate_projects=True)
    assert len(client.send("GET", "/v3/projects?name=eu-west-101").json["projects"]) == 2


META_TOKEN, META_KEY = "/meta-data/latest/api/token", "/openstack/latest/securitykey"
TTL = {"X-Metadata-Token-Ttl-Seconds": "60"}


def test_metadata_second_generation(client: Any) -> None:
    assert client.send("GET", META_KEY, headers={}).status == 401
    assert client.send("PUT", META_TOKEN, headers={}).status == 400
    assert client.send("GET", META_TOKEN, headers={}).status == 405
    assert client.send("PUT", META_KEY, headers={}).status == 405
    token = client.send("PUT", META_TOKEN, headers=TTL).body.decode()
    credential = client.send("GET", META_KEY, headers={"X-Metadata-Token": token}).json["credential"]
    assert (credential["access"], credential["securitytoken"]) == ("AKEXAMPLE00METADATAX", "STExampleMetadata==")
    assert credential["access"] in client.emulator.world.access_keys


@pytest.mark.parametrize("status", [404, 405, 503])
def test_metadata_first_generation(client_of: Any, small: dict[str, Any], status: int) -> None:
    small["metadata"].update(version="v1", put_status=status)
    client = client_of(small)
    assert client.send("PUT", META_TOKEN, headers=TTL).status == status
    assert client.send("GET", META_KEY, headers={}).json["credential"]["secret"].startswith("SKExample")
    client.emulator.world.metadata.credential = None
    assert client.send("GET", META_KEY, headers={}).status == 404


def test_no_metadata(client_of: Any, small: dict[str, Any]) -> None:
    del small["metadata"]
    client = client_of(small)
    assert client.send("PUT", META_TOKEN, headers=TTL).status == 404
    assert client.send("GET", META_KEY, headers={}).status == 404


@pytest.mark.parametrize("path", ["/v3/auth/tokens", "/v3.0/OS-CREDENTIAL/securitytokens", "/v1/transfertasklog/x"])
def test_a_body_that_is_nested_too_deeply_is_a_malformed_one(client: Any, path: str) -> None:
    answer = client.send("POST", path, '{"auth": ' + "[" * 200_000)
    assert answer.status in (400, 404)


def test_a_length_in_other_digits_is_refused(client: Any) -> None:
    with socket.create_connection(("127.0.0.1", client.emulator.port), 5) as peer:
        peer.sendall("POST /v3/auth/tokens HTTP/1.1\r\nHost: x\r\nContent-Length: \u00b2\r\n\r\n".encode("latin-1"))
        assert peer.recv(100).startswith(b"HTTP/1.1 400 ")
