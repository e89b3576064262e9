# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What plays do with the modules, the test and the filter, beyond what tests/integration shows on each core."""

from __future__ import annotations

import pytest

from . import pages
from .conftest import ROOT, Emulate, Site

LATE = {"name": "orders", "tasks": [{"name": "orders-to-obs", "last_transfer": "3h"}]}
WELL = {"name": "clicks", "tasks": [{"name": "clicks-to-obs"}]}
LOCAL = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}


def test_defaults_of_the_action_group_reach_every_module(bare: Site, demo: str) -> None:
    ran = bare.play(f"""
- hosts: localhost
  gather_facts: false
  module_defaults:
    group/hwcloud.streaming.all:
      region: eu-west-101
      auth_token: ExampleToken
      dis_endpoint: {demo}
      dms_endpoint: {demo}
      iam_endpoint: {demo}
  tasks:
    - hwcloud.streaming.dis_transfer_task_info: {{stream_names: orders}}
      register: tasks
    - hwcloud.streaming.dis_transfer_task_log_info: {{stream_names: orders, limit: 1}}
      register: logs
    - hwcloud.streaming.dms_sink_task_info: {{instance_names: kafka-shop}}
      register: sinks
    - hwcloud.streaming.dms_smart_connect_task_info: {{instance_names: kafka-plant}}
      register: smart
    - ansible.builtin.assert:
        that:
          - tasks.transfer_tasks | length == 2
          - logs.logs | length == 2
          - sinks.sink_tasks | length == 2
          - smart.smart_connect_tasks | length == 2
          - "[tasks, logs, sinks, smart] | map(attribute='region') | unique == ['eu-west-101']"
          - "[tasks, logs, sinks, smart] | selectattr('changed') | length == 0"
""")
    assert ran.status == 0, ran.output
    assert "ok=5" in ran.output


def test_rescue_branches_on_the_kind_of_failure(world: Emulate, site: Site) -> None:
    refused = {"route": "streams/orders/transfer-tasks", "action": "forbidden_403", "times": None}
    world({"streams": [LATE, WELL], "faults": [refused]})
    ran = site.play("""
- hosts: localhost
  gather_facts: false
  tasks:
    - block:
        - hwcloud.streaming.dis_transfer_task_info: {stream_names: [orders, clicks]}
          register: dumps
      rescue:
        - ansible.builtin.assert:
            that:
              - ansible_failed_result.error.kind == 'authorization'
              - ansible_failed_result.error.http_status == 403
              - ansible_failed_result.errors | length == 1
              - dumps.transfer_tasks | map(attribute='task_name') == ['clicks-to-obs']
              - dumps is not hwcloud.streaming.healthy
              - dumps | hwcloud.streaming.problems | select('search', 'orders') | length == 1
""")
    assert ran.status == 0, ran.output
    assert "rescued=1" in ran.output


def test_until_waits_for_what_is_not_yet_well(world: Emulate, site: Site) -> None:
    """The service is not there for the first two tries; the third one tells that all is well."""
    gone = {"route": "streams/clicks/transfer-tasks", "action": "empty_503", "times": 2}
    world({"streams": [WELL], "faults": [gone]})
    ran = site.play("""
- hosts: localhost
  gather_facts: false
  tasks:
    - hwcloud.streaming.dis_transfer_task_info: {stream_names: clicks, retries: 0}
      register: dumps
      until: dumps is hwcloud.streaming.healthy(max_age='15m')
      retries: 5
      delay: 0.1
    - ansible.builtin.assert:
        that: dumps.attempts == 3
""")
    assert ran.status == 0, ran.output


def test_one_host_for_each_region(world: Emulate, site: Site) -> None:
    """Each host asks for its own project; what they gathered is judged as one, and says where."""
    projects = {"eu-west-101": "0" * 32, "ap-southeast-1": "1" * 32}
    there = {**LATE, "project": "ap-southeast-1"}
    world({"projects": projects, "streams": [WELL, there]})
    inventory = site.inventory({name: {"hwcloud_region": name} for name in projects}, **LOCAL)
    ran = site.play(
        """
- hosts: all
  gather_facts: false
  tasks:
    - hwcloud.streaming.dis_transfer_task_info: {region: "{{ hwcloud_region }}"}
      register: dumps
    - ansible.builtin.assert:
        that:
          - everywhere | map(attribute='region') | list == ['ap-southeast-1', 'eu-west-101']
          - found | length == 1
          - found[0] is match('region ap-southeast-1, project 1+, stream orders, task orders-to-obs. last transfer')
      vars:
        everywhere: "{{ ansible_play_hosts | sort | map('extract', hostvars, 'dumps') | list }}"
        found: "{{ everywhere | hwcloud.streaming.problems(max_age='15m') }}"
      run_once: true
""",
        "-i",
        inventory,
    )
    assert ran.status == 0, ran.output
    assert "2 hosts" in ran.output or ("eu-west-101" in ran.output and "ap-southeast-1" in ran.output)


def test_delegated_to_the_host_that_can_reach_the_services(site: Site) -> None:
    inventory = site.inventory({"application": {"ansible_connection": "no_such_connection"}, "bastion": LOCAL})
    ran = site.play(
        """
- hosts: application
  gather_facts: false
  tasks:
    - hwcloud.streaming.dis_transfer_task_info: {stream_names: orders}
      delegate_to: bastion
      register: dumps
    - ansible.builtin.debug:
        msg: "{{ dumps.summary.total }} dumps, healthy: {{ dumps is hwcloud.streaming.healthy }}"
      delegate_to: bastion
""",
        "-i",
        inventory,
    )
    assert ran.status == 0, ran.output
    assert "2 dumps, healthy: True" in ran.output


@pytest.mark.parametrize(
    ("regions", "judged"),
    [
        (("eu-west-101", "eu-west-101"), None),
        (("eu-west-101", "nowhere-1"), "region nowhere-1, result 2 of 2: failed"),
        (("nowhere-1", "eu-west-101"), "region nowhere-1, result 1 of 2: failed"),
        (("nowhere-1", "nowhere-1"), "result 2 of 2: failed"),
    ],
)
def test_a_region_that_could_not_be_gathered_stops_what_comes_after(
    site: Site, regions: tuple[str, str], judged: str | None
) -> None:
    """The play over several regions as the guide on branching shows it, with a play after it."""
    guide = pages.blocks(ROOT / "docs" / "docsite" / "rst" / "guide_branching.rst")
    (play,) = (block.playbook for block in guide if "hosts: regions" in block.text)
    hosts = {name: {"hwcloud_region": region} for name, region in zip(("europe", "europe_again"), regions)}
    later = """
- name: A play that must not start when something is wrong
  hosts: localhost, regions
  gather_facts: false
  tasks:
    - ansible.builtin.debug: {msg: It has been deployed}
"""
    ran = site.play(play + later, "-i", site.inventory(hosts, **LOCAL), HUAWEICLOUD_SDK_PROJECT_ID="")
    assert (ran.status == 0) == (judged is None), ran.output
    assert ("It has been deployed" in ran.output) == (judged is None)
    assert judged is None or judged in ran.output
