# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook hwcloud.streaming.preflight: what it says, and the exit status that a pipeline goes by."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from .conftest import ROOT, Emulate, Ran, Site

PASSED, FAILED, NO_HOST = 0, 2, 4
GATHERING = "TASK [Gather"


def preflight(site: Site, *options: str, **variables: Any) -> Ran:
    named = {f"preflight_{name}": value for name, value in variables.items()}
    return site.run("ansible-playbook", "hwcloud.streaming.preflight", "-e", json.dumps(named), *options)


def test_passes_and_shows_a_table(site: Site) -> None:
    ran = preflight(site, stream_names=["orders"], max_age="15m", max_log_age="15m")
    assert ran.status == PASSED, ran.output
    rows = re.findall(r'^ +"(.+?)",?$', ran.output, re.MULTILINE)
    assert rows[0].split("  ")[0] == "WHAT"
    assert len(rows) == 3
    starts = {tuple(match.start() for match in re.finditer(r"(?<=  )\S", row)) for row in rows}
    assert len(starts) == 1, rows
    assert all(row.endswith("ok") for row in rows[1:])


def test_judges_the_whole_project_and_fails_with_every_finding(site: Site) -> None:
    ran = preflight(site, "--check", max_age="15m", max_lag=1000, max_discarded=0)
    assert ran.status == FAILED, ran.output
    message = ran.output[ran.output.index("TASK [Stop unless all is well]") :]
    for finding in (
        "stream audit, task audit-to-obs, partition shardId-0000000001: state is ABNORMAL, not RUNNING",
        "stream audit, task audit-to-obs: 1312 records discarded, limit 0",
        "stream clicks, task clicks-to-obs: state is PAUSED, not RUNNING",
        "stream payments, task payments-to-obs: last transfer 3h",
        "task shop-search: lag 95278 messages, limit 1000",
        "instance kafka-plant, task plant-alarms: status is PAUSED, not RUNNING",
    ):
        assert finding in message
    for fit in ("stream orders", "task shop-events", "plant-to-obs", "kafka-scratch", "sensors"):
        assert fit not in message


def test_an_old_and_a_new_kafka_instance_are_judged_as_one(site: Site) -> None:
    ran = preflight(site, instance_names=["kafka-shop", "kafka-plant", "kafka-gone"], max_lag=100000)
    assert ran.status == FAILED, ran.output
    assert "shop-search" in ran.output
    assert "plant-alarms" in ran.output
    findings = json.loads(re.findall(r'"msg": (".*")', ran.output)[-1]).splitlines()
    assert findings == [
        "instance kafka-gone: not found",
        "instance kafka-plant, task plant-alarms: status is PAUSED, not RUNNING",
    ]


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"steam_names": ["orders"]}, "No such variable: preflight_steam_names. There are preflight_access_key, "),
        ({"max_age": "soon"}, "preflight_max_age: expected seconds, or a number with s, m, h or d, such as 15m"),
        ({"max_lag": -1}, "preflight_max_lag: expected a whole number, 0 or more"),
        ({"stream_names": None}, "preflight_stream_names: expected a name or a list of names"),
        ({"instance_ids": "a", "connector_ids": "b"}, "Give at most one of preflight_connector_ids"),
        ({"now": "2026-13-41"}, "now: expected ISO 8601"),
        ({"services": []}, "preflight_services: expected dis, dms or both, got none"),
        ({"services": "dms", "task_names": "x"}, "preflight_services: leaves out dis, but streams or tasks are named"),
        ({"services": ["dis"], "instance_ids": "x"}, "preflight_services: leaves out dms, but connectors or instances"),
        ({"log": False, "max_log_age": "15m"}, "preflight_max_log_age: set, but preflight_log is false"),
    ],
)
def test_refuses_bad_variables_before_any_request(site: Site, variables: dict[str, Any], message: str) -> None:
    ran = preflight(site, **variables)
    assert ran.status == FAILED, ran.output
    assert message in ran.plain
    assert GATHERING not in ran.output


@pytest.mark.parametrize("off", [False, "false"])
def test_the_log_is_not_read_when_it_is_switched_off(site: Site, off: Any) -> None:
    ran = preflight(site, log=off, stream_names=["orders"])
    assert ran.status == PASSED, ran.output
    assert re.search(r"TASK \[Gather the last log entry of each DIS transfer task\] \**\s+skipping", ran.output)


def test_a_wrong_credential_is_tried_once_and_said(site: Site) -> None:
    """Every further try brings an access key nearer to being locked."""
    ran = preflight(site, access_key="AKEXAMPLE0000000000X", secret_key="WrongSecretKey0000000")
    assert ran.status == FAILED, ran.output
    assert "401" in ran.output
    assert "WrongSecretKey" not in ran.output
    assert re.search(r"TASK \[Gather the sink tasks\] \**\s+skipping", ran.output)


def test_what_fails_does_not_hide_what_else_is_wrong(world: Emulate, site: Site) -> None:
    fault = {"route": "/transfer-tasks", "action": "forbidden_403", "times": None}
    sink = {"name": "to-obs", "status": "PAUSED", "topics": ["a"], "topics_info": []}
    world(
        {
            "streams": [{"name": "orders"}, {"name": "clicks"}],
            "instances": [{"name": "shop", "connector": {"sink_tasks": [sink]}}],
            "faults": [fault],
        }
    )
    ran = preflight(site)
    assert ran.status == FAILED, ran.output
    findings = json.loads(re.findall(r'"msg": (".*")', ran.output)[-1]).splitlines()
    assert len(findings) == 3
    assert "HTTP 403" in findings[0]
    assert re.match(r"failed: GET /v2/\w+/streams/orders/transfer-tasks: authorization, HTTP 403", findings[1])
    assert findings[2].endswith("task to-obs: status is PAUSED, not RUNNING")


def test_stops_the_plays_after_it_when_imported(site: Site) -> None:
    playbook = """
- import_playbook: hwcloud.streaming.preflight
  vars: {{preflight_stream_names: [{stream}], preflight_max_age: 15m}}
- hosts: localhost
  gather_facts: false
  tasks:
    - ansible.builtin.debug: {{msg: deployed}}
"""
    passed = site.play(playbook.format(stream="orders"))
    assert (passed.status, '"deployed"' in passed.output) == (PASSED, True), passed.output
    stopped = site.play(playbook.format(stream="payments"))
    assert (stopped.status, '"deployed"' in stopped.output) == (FAILED, False), stopped.output


def test_runs_for_each_host_of_an_inventory_and_never_for_none(site: Site, tmp_path: Path) -> None:
    inventory = tmp_path / "inventory.json"
    hosts = {"good": {"preflight_stream_names": ["orders"]}, "bad": {"preflight_stream_names": ["nowhere"]}}
    inventory.write_text(json.dumps({"all": {"hosts": hosts}}), encoding="utf-8")
    ran = preflight(site, "-i", str(inventory), hosts="all")
    assert ran.status == FAILED, ran.output
    assert re.search(r"^good .*failed=0", ran.output, re.MULTILINE)
    assert re.search(r"^bad .*failed=1", ran.output, re.MULTILINE)
    nobody = preflight(site, hosts="nobody")
    assert nobody.status == NO_HOST, nobody.output
    assert "preflight_hosts matches no host of the inventory" in nobody.output


def test_its_comment_names_the_variables_that_it_takes() -> None:
    """The head of the file is its documentation."""
    text = (ROOT / "playbooks" / "preflight.yml").read_text(encoding="utf-8")
    head = text[: text.index("\n- name:")]
    (play,) = yaml.safe_load(text)
    known = {f"preflight_{name}" for kind in play["vars"]["_preflight_kinds"] for name in kind["names"]}
    assert known == set(re.findall(r"preflight_[a-z_]+", head))
    used = set(re.findall(r"(?<!_)preflight_[a-z_]+", text[text.index("\n- name:") :]))
    assert known == used - {"preflight_"}
