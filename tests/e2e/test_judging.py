# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is judged in plays that bend results, and how the table comes out of a real run. The oldest core runs the same in CI."""

from __future__ import annotations

import json
import re

from .conftest import Emulate, Site

STREAMS = [
    {"name": "orders", "tasks": [{"name": "orders-to-obs", "last_transfer": "40s"}]},
    {"name": "clicks", "tasks": [{"name": "clicks-to-obs", "state": "PAUSED", "last_transfer": "2d"}]},
]
REFUSED = {"route": "streams/clicks/transfer-tasks", "action": "forbidden_403", "times": None}


def test_an_error_counts_whatever_the_play_makes_of_it(world: Emulate, site: Site) -> None:
    world({"streams": STREAMS, "faults": [REFUSED]})
    ran = site.play("""
- hosts: localhost
  gather_facts: false
  tasks:
    - hwcloud.streaming.dis_transfer_task_info: {stream_names: [orders, clicks]}
      register: never
      failed_when: false
    - hwcloud.streaming.dis_transfer_task_info: {stream_names: [orders, clicks]}
      register: by_kind
      failed_when: (by_kind.error | default({})).kind | default('') == 'authentication'
    - hwcloud.streaming.dis_transfer_task_info: {stream_names: "{{ item }}"}
      register: looped
      loop: [orders, clicks]
      failed_when: false
    - hwcloud.streaming.dis_transfer_task_info: {stream_names: [orders, clicks]}
      register: ignored
      ignore_errors: true
    - hwcloud.streaming.dis_transfer_task_info: {stream_namess: orders}
      register: typo
      failed_when: (typo.error | default({})).kind | default('') == 'authentication'
    - ansible.builtin.assert:
        that:
          - never is not failed
          - by_kind is not failed
          - never is not hwcloud.streaming.healthy(allow_empty=true)
          - by_kind is not hwcloud.streaming.healthy(allow_empty=true)
          - looped is not hwcloud.streaming.healthy(allow_empty=true)
          - ignored is not hwcloud.streaming.healthy(allow_empty=true)
          - typo is not hwcloud.streaming.healthy(allow_empty=true)
          - never | hwcloud.streaming.problems | length == 1
          - looped | hwcloud.streaming.problems | length == 1
          - (looped | hwcloud.streaming.problems)[0] is match('item clicks. failed. ')
          - (typo | hwcloud.streaming.problems)[0] is match('failed. Unsupported parameters')
          - (never | hwcloud.streaming.table)[1] is match('clicks .* failed$')
          - never.transfer_tasks is hwcloud.streaming.healthy(max_age='15m')
""")
    assert ran.status == 0, ran.output


def test_the_table_stays_in_one_line_a_task_where_results_are_shown_as_yaml(site: Site) -> None:
    ran = site.play(
        """
- hosts: localhost
  gather_facts: false
  tasks:
    - hwcloud.streaming.dis_transfer_task_info:
      register: dumps
    - hwcloud.streaming.dis_transfer_task_log_info: {stream_names: "{{ streams }}", limit: 1, page_size: 1}
      register: logs
    - hwcloud.streaming.dms_sink_task_info:
      register: sinks
    - hwcloud.streaming.dms_smart_connect_task_info:
      register: connects
    - name: Show
      ansible.builtin.debug:
        msg: "{{ [dumps, sinks, connects] | hwcloud.streaming.table(max_age='15m', max_lag=1000, logs=logs) }}"
  vars:
    streams: "{{ dumps.streams | map(attribute='stream_name') | list }}"
""",
        ANSIBLE_CALLBACK_RESULT_FORMAT="yaml",
    )
    assert ran.status == 0, ran.output
    lines = re.findall(r"^ +- (.*)$", ran.output.partition("TASK [Show]")[2], re.MULTILINE)
    assert lines[0].split() == ["NAME", "TASK", "STATE", "LAST", "LOG", "LAG", "DISC", "VERDICT"]
    order = ["paused", "partition", "late", "behind", "ok"]
    verdicts = [line.split()[-1] for line in lines[1:]]
    assert verdicts == sorted(verdicts, key=order.index)
    assert set(verdicts) == set(order)
    assert max(map(len, lines)) < 80


def test_what_a_service_sends_neither_forges_lines_nor_runs_on_the_terminal(world: Emulate, site: Site) -> None:
    hostile = "ERR\x1b[2J\nPLAY RECAP ***"
    world({"streams": [{"name": "orders", "tasks": [{"name": "orders-to-obs", "state": hostile}]}]})
    ran = site.play(
        """
- hosts: localhost
  gather_facts: false
  tasks:
    - hwcloud.streaming.dis_transfer_task_info: {stream_names: orders}
      register: dumps
    - name: Show
      ansible.builtin.fail:
        msg: "{{ (dumps | hwcloud.streaming.problems + dumps | hwcloud.streaming.table) | join('; ') }}"
""",
        ANSIBLE_CALLBACK_RESULT_FORMAT="yaml",
    )
    assert ran.status == 2, ran.output
    assert "\x1b[2J" not in ran.output
    assert len(re.findall(r"^\s*PLAY RECAP", ran.output, re.MULTILINE)) == 1
    assert r"ERR\x1b[2J PLAY RECAP" in ran.output


def test_an_undefined_variable_keeps_its_name(site: Site) -> None:
    uses = ("nothere | {}.problems", "[nothere] | {}.table", "nothere is {}.healthy")
    tasks = [{"ansible.builtin.debug": {"msg": f"{{{{ {use.format('hwcloud.streaming')} }}}}"}} for use in uses]
    play = {"hosts": "localhost", "gather_facts": False, "ignore_errors": True, "tasks": tasks}
    ran = site.play(json.dumps([play]))
    assert len(re.findall(r"^fatal: .*'nothere' is undefined", ran.output, re.MULTILINE)) == len(uses), ran.output
