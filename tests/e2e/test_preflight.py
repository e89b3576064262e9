# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The gate, as playbook and as role, and the playbook show: what they say, and the exit status that a pipeline goes by."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from . import pages
from .conftest import KEYS, ROOT, Emulate, Ran, Site
from .documentation import Collection

PASSED, FAILED, NO_HOST = 0, 2, 4
GATHERING = " : Gather"


def preflight(site: Site, *options: str, **variables: Any) -> Ran:
    named = {f"preflight_{name}": value for name, value in variables.items()}
    return site.run("ansible-playbook", "hwcloud.streaming.preflight", "-e", json.dumps(named), *options)


def shown(output: str) -> list[str]:
    """The lines of the table, and the two that close it."""
    return re.findall(r'^ +"(.+?)",?$', output, re.MULTILINE)


def test_passes_and_shows_a_table(site: Site) -> None:
    ran = preflight(site, stream_names=["orders"], max_age="15m", max_log_age="15m")
    assert ran.status == PASSED, ran.output
    header, *rows, count, rule = shown(ran.output)
    assert header.split() == ["NAME", "TASK", "STATE", "LAST", "LOG", "VERDICT"]
    assert len(rows) == 2
    assert all(row.endswith("  ok") for row in rows)
    assert (count, rule) == ("2 tasks, 0 problems", "judged by state, max_age 15m, max_log_age 15m")
    assert max(map(len, shown(ran.output))) < 80


def test_judges_the_whole_project_and_fails_with_every_problem(site: Site) -> None:
    ran = preflight(site, "--check", max_age="15m", max_lag=1000, max_discarded=0)
    assert ran.status == FAILED, ran.output
    message = json.loads(re.findall(r'"msg": (".*")', ran.output)[-1])
    for problem in (
        "stream audit, task audit-to-obs, partition shardId-0000000001: state is ABNORMAL, not RUNNING",
        "stream audit, task audit-to-obs: 1312 records discarded, all by partition shardId-0000000001, limit 0",
        "stream clicks, task clicks-to-obs: state is PAUSED, not RUNNING (so are its 2 partitions), last transfer 2d",
        "stream payments, task payments-to-obs: last transfer 3h",
        "stream payments, task payments-to-obs: lag 95278 records, limit 1000",
        "instance kafka-shop, task shop-search: lag 95278 messages, limit 1000",
        "instance kafka-plant, task plant-alarms: status is PAUSED, not RUNNING",
    ):
        assert message.count(problem) == 1
    for fit in ("stream orders", "task shop-events", "plant-to-obs", "kafka-scratch", "sensors"):
        assert fit not in message
    # Before its own word on the failure, which newer cores give twice, nothing has been said twice.
    before = ran.output[: ran.output.index("TASK [hwcloud.streaming.preflight : Stop unless all is well]")]
    assert "not RUNNING" not in before
    assert len(before.splitlines()) < 60


def test_says_that_states_alone_were_judged(site: Site) -> None:
    ran = preflight(site, stream_names="payments", max_age="", max_lag=None)
    assert ran.status == PASSED, ran.output
    header, *_rows, rule = shown(ran.output)
    assert header.endswith("VERDICT (states alone)")
    assert rule == "no limit was set, so states alone were judged"


def test_an_old_and_a_new_kafka_instance_are_judged_as_one(site: Site) -> None:
    ran = preflight(site, instance_names=["kafka-shop", "kafka-plant", "kafka-gone"], max_lag=100000)
    assert ran.status == FAILED, ran.output
    assert "shop-search" in ran.output
    assert "plant-alarms" in ran.output
    problems = json.loads(re.findall(r'"msg": (".*")', ran.output)[-1]).splitlines()
    assert problems == [
        "instance kafka-gone: not found",
        "instance kafka-plant, task plant-alarms: status is PAUSED, not RUNNING",
    ]


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"steam_names": ["orders"]}, "No such variable: preflight_steam_names. There are preflight_access_key, "),
    ({"max_age": "soon"}, "preflight_max_age: expected seconds, or a number with s, m, h or d, such as 15m"),
    ({"max_lag": -1}, "preflight_max_lag: expected a whole number, 0 or more"),
    ({"stream_names": None}, "preflight_stream_names: expected a name or a list of names"),
    ({"stream_names": ["orders", ""]}, "preflight_stream_names: expected a name or a list of names"),
    ({"task_names": ""}, "preflight_task_names: expected a name or a list of names"),
    ({"secret_key": ["SecretInAList"]}, "preflight_secret_key: expected a text"),
    ({"instance_ids": "a", "connector_ids": "b"}, "Give at most one of preflight_connector_ids"),
    ({"now": "2026-13-41"}, "now: expected ISO 8601"),
    ({"services": []}, "preflight_services: expected dis, dms or both, got none"),
    ({"services": "dms", "task_names": "x"}, "preflight_services: leaves out dis, but streams or tasks are named"),
    ({"services": ["dis"], "instance_ids": "x"}, "preflight_services: leaves out dms, but connectors or instances"),
    ({"log": False, "max_log_age": "15m"}, "preflight_max_log_age: set, but preflight_log is false"),
]


def test_refuses_bad_variables_before_any_request(site: Site) -> None:
    role = {"ansible.builtin.include_role": {"name": "hwcloud.streaming.preflight"}}
    given = [{f"preflight_{name}": value for name, value in variables.items()} for variables, _message in REFUSED]
    said = {"ansible.builtin.debug": {"msg": "said: {{ ansible_failed_result.msg }}"}}
    tasks = [{"block": [{**role, "vars": variables}], "rescue": [said]} for variables in given]
    ran = site.play(json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]))
    assert ran.status == PASSED, ran.output
    for (_variables, message), told in zip(REFUSED, re.findall(r'"msg": "(said: .*)"', ran.output), strict=True):
        assert message in told
    assert "SecretInAList" not in ran.output
    assert GATHERING not in ran.output


def test_blanks_of_a_survey_count_as_left_out(site: Site) -> None:
    blank = ("max_age", "max_log_age", "max_lag", "max_discarded", "region", "retries", "log", "allow_empty", "now")
    blank += ("validate_certs", "timeout", "auth_token", "ca_path", "services", "hosts", "profile", "agency_duration")
    for value in ("", None):
        ran = preflight(site, stream_names="orders", **dict.fromkeys(blank, value))
        assert ran.status == PASSED, ran.output


def test_vaulted_values_work_for_every_kind_of_variable(site: Site, tmp_path: Path) -> None:
    (tmp_path / "password").write_text("example", encoding="utf-8")
    told = {"stream_names": "orders", "max_age": "15m", "secret_key": KEYS["HUAWEICLOUD_SDK_SK"], "log": "false"}
    told |= {"access_key": KEYS["HUAWEICLOUD_SDK_AK"], "validate_certs": "true", "max_lag": "100000"}
    vault = ["--vault-password-file", str(tmp_path / "password")]
    named = [word for name in told for word in ("--name", f"preflight_{name}")]
    made = site.run("ansible-vault", "encrypt_string", *vault, *named, *told.values())
    text = made.output[made.output.index("preflight_stream_names: ") :].replace("Encryption successful", "")
    (tmp_path / "vaulted.yml").write_text(text, encoding="utf-8")
    ran = site.run("ansible-playbook", "hwcloud.streaming.preflight", "-e", f"@{tmp_path / 'vaulted.yml'}", *vault)
    assert ran.status == PASSED, ran.output
    assert "judged by state, max_age 15m, max_lag 100000" in ran.output
    assert KEYS["HUAWEICLOUD_SDK_SK"] not in ran.output


def test_the_log_is_not_read_when_it_is_switched_off(site: Site) -> None:
    ran = preflight(site, log="false", stream_names=["orders"])
    assert ran.status == PASSED, ran.output
    assert re.search(r"Gather the last log entry of each DIS transfer task\] \**\s+skipping", ran.output)


def test_a_wrong_credential_is_tried_once_and_said(site: Site) -> None:
    """Every further try brings an access key nearer to being locked."""
    ran = preflight(site, access_key="AKEXAMPLE0000000000X", secret_key="WrongSecretKey0000000")
    assert ran.status == FAILED, ran.output
    assert "401" in ran.output
    assert "WrongSecretKey" not in ran.output
    assert re.search(r"Gather the sink tasks\] \**\s+skipping", ran.output)


def test_what_fails_does_not_hide_what_else_is_wrong(world: Emulate, site: Site) -> None:
    fault = {"route": "/transfer-tasks", "action": "forbidden_403", "times": None}
    sink = {"name": "to-obs", "status": "PAUSED", "topics": ["a"], "topics_info": []}
    instances = [{"name": "shop", "connector": {"sink_tasks": [sink]}}]
    world({"streams": [{"name": "orders"}, {"name": "clicks"}], "instances": instances, "faults": [fault]})
    ran = preflight(site)
    assert ran.status == FAILED, ran.output
    problems = json.loads(re.findall(r'"msg": (".*")', ran.output)[-1]).splitlines()
    assert len(problems) == 3
    assert "HTTP 403" in problems[0]
    assert re.match(r"failed: GET /v2/\w+/streams/orders/transfer-tasks: authorization, HTTP 403", problems[1])
    assert problems[2].endswith("task to-obs: status is PAUSED, not RUNNING")
    assert '"errors"' not in ran.output


def test_a_log_that_was_not_read_is_a_problem_when_logs_have_a_limit(world: Emulate, site: Site) -> None:
    gone = {"route": "transfertasklog/B", "action": "status", "code": 404, "body": {"errorCode": "DIS.4354"}}
    dump = {"name": "to-obs", "logs": {"count": 2}}
    streams = [{"name": name, "tasks": [{**dump, "id": its_id}]} for name, its_id in (("orders", "A"), ("clicks", "B"))]
    world({"streams": streams, "faults": [{**gone, "times": None}]})
    ran = preflight(site, max_log_age="2h")
    assert ran.status == FAILED, ran.output
    assert [line.split()[-1] for line in shown(ran.output)[1:3]] == ["unknown", "ok"]
    assert shown(ran.output)[3] == "2 tasks, 1 problem"
    assert '"stream clicks, task to-obs: its log was not read, limit 2h"' in ran.output
    assert preflight(site).status == PASSED


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


DEPLOY = """
- hosts: all
  connection: local
  gather_facts: false
  tasks:
    - ansible.builtin.debug: {msg: deployed}
"""
# Nothing of this may count: nobody answers there, and there is no such Python.
ELSEWHERE = {
    "ansible_connection": "ssh",
    "ansible_host": "127.0.0.2",
    "ansible_port": 9,
    "ansible_become": True,
    "ansible_python_interpreter": "/nowhere/python",
}

UNKNOWN = {
    "ansible_connection": "no.such.plugin",
    "ansible_become_method": "no.such.plugin",
    "ansible_shell_type": "no",
}


@pytest.fixture
def inventory(site: Site) -> str:
    good = {"preflight_stream_names": ["orders"], **ELSEWHERE}
    ill = {"preflight_stream_names": ["nowhere"], **ELSEWHERE, **UNKNOWN}
    return site.inventory({"good": good, "ill": ill, "web": {}})


@pytest.mark.parametrize("strategy", ["linear", "free"])
def test_one_ill_host_of_several_ends_the_run_after_all_have_shown_their_table(
    site: Site, inventory: str, strategy: str
) -> None:
    play = "- import_playbook: hwcloud.streaming.preflight\n  vars: {preflight_hosts: 'good,ill'}\n" + DEPLOY
    ran = site.play(play, "-i", inventory, ANSIBLE_STRATEGY=strategy)
    assert ran.status == FAILED, ran.output
    assert ran.output.count("states alone were judged") == 2
    assert re.search(r"^ill .*unreachable=0 +failed=1", ran.output, re.MULTILINE)
    assert '"deployed"' not in ran.output


def test_never_ends_well_without_having_judged(site: Site, inventory: str) -> None:
    nobody = preflight(site, hosts="nobody")
    assert nobody.status == NO_HOST, nobody.output
    assert "preflight_hosts matches no host of the inventory" in nobody.output
    for hosts in ({}, {"hosts": "good,ill"}):
        limited = preflight(site, "-i", inventory, "--limit", "web", **hosts)
        assert limited.status == NO_HOST, limited.output
        assert "--limit leaves out every host of preflight_hosts" in limited.output
    for hosts in ("good,ill", ["good", "ill"]):
        some = preflight(site, "-i", inventory, "--limit", "good", hosts=hosts)
        assert some.status == PASSED, some.output
    (site.folder / "some.retry").write_text("web\n", encoding="utf-8")
    by_file = preflight(site, "-i", inventory, "--limit", "@some.retry", hosts="good,ill")
    assert by_file.status == NO_HOST, by_file.output
    assert "--limit of @FILE cannot be followed" in by_file.output
    skipped = preflight(site, "--skip-tags", "tagged")
    assert skipped.status == NO_HOST, skipped.output
    assert "--skip-tags tagged leaves out" in skipped.output
    tagged = preflight(site, "--tags", "deploy", stream_names=["nowhere"])
    assert tagged.status == FAILED, tagged.output
    assert "stream nowhere: not found" in tagged.output


@pytest.mark.parametrize("tags", [[], ["--tags", "deploy"]])
def test_the_role_is_the_same_gate_and_leaves_nothing_behind(site: Site, inventory: str, tags: list[str]) -> None:
    ran = site.play(
        """
- hosts: good
  gather_facts: false
  vars: {preflight_max_age: 15m}
  roles:
    - {role: hwcloud.streaming.preflight, vars: {preflight_stream_names: [orders]}}
- hosts: good
  gather_facts: false
  pre_tasks:
    - ansible.builtin.import_role: {name: hwcloud.streaming.preflight}
      vars: {preflight_stream_names: [orders], preflight_max_lag: 1000}
- hosts: web
  gather_facts: false
  vars: {ansible_connection: local}
  tasks:
    - ansible.builtin.import_role: {name: hwcloud.streaming.preflight}
      vars: {preflight_stream_names: [payments], preflight_max_age: 15m}
    - ansible.builtin.debug: {msg: deployed}
      tags: [always]
""",
        "-i",
        inventory,
        *tags,
    )
    assert ran.status == FAILED, ran.output
    assert re.search(r"^good .*failed=0", ran.output, re.MULTILINE), ran.output
    assert re.findall(r"judged by state, (\w+ \w+)", ran.output) == ["max_age 15m", "max_lag 1000", "max_age 15m"]
    assert "stream payments, task payments-to-obs: last transfer 3h" in ran.output
    assert '"deployed"' not in ran.output


def test_show_fails_only_when_something_could_not_be_gathered(site: Site) -> None:
    ran = site.run("ansible-playbook", "hwcloud.streaming.show", "-e", "show_max_age=15m show_of_hands=1")
    assert ran.status == PASSED, ran.output
    assert re.search(r'"clicks +clicks-to-obs +PAUSED .* paused"', ran.output)
    wrong = site.run(
        "ansible-playbook", "hwcloud.streaming.show", "-e", "show_auth_token=NoSuchToken show_stream_names=orders"
    )
    assert wrong.status == FAILED, wrong.output
    assert "HTTP 401" in wrong.output


def test_the_table_of_its_variables_fits_the_modules(collection: Collection) -> None:
    """Each option that all modules have is a variable; each variable has words for its kind that the role knows."""
    role = ROOT / "roles" / "preflight"
    options = pages.load(role / "meta" / "argument_specs.yml")["argument_specs"]["main"]["options"]
    kinds = pages.load(role / "vars" / "main.yml")
    own = {f"preflight_{name}" for name in kinds["_preflight_own"] + kinds["_preflight_dms_only"]}
    assert set(options) - own == {f"preflight_{name}" for name in collection.takes["connection"]}
    for name, option in options.items():
        assert option["description"][-1].removeprefix("Expected: ").removesuffix(".") in kinds["_preflight_kinds"], name
        assert option["type"] in ("str", "path", "raw")
        assert not {"default", "no_log", "required"} & set(option)
