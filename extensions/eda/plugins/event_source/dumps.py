# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Event source for ansible-rulebook: tells when a dump turns ill, and when it is well again."""

from __future__ import annotations

import sys
import typing as t
from pathlib import Path

DOCUMENTATION = r"""
name: dumps
short_description: Tell ansible-rulebook when a dump turns ill, and when it is well again
description:
  - Asks DIS and DMS at intervals, as the modules of this collection do, and makes an event of what has changed since. What stays as it
    is makes none.
  - A dump is ill exactly when the module's RV(ignore:problems) say so. Limits such as O(max_age) belong to that judgement.
  - Options are those of M(hwcloud.streaming.dis_transfer_task_info), M(hwcloud.streaming.dms_sink_task_info) and
    M(hwcloud.streaming.dms_smart_connect_task_info), by O(kinds), with the same environment variables. One that none of the modules of
    O(kinds) has is refused.
  - Options that are wrong end C(ansible-rulebook) with the reason. So does a first poll that fails as C(configuration),
    C(authentication), C(authorization) or C(tls). Each later failure is one event for its kind, then there is silence until it is over.
  - What could not be read is taken to be as it was.
options:
  kinds:
    description:
      - What to look at. V(dis) are transfer tasks of streams, V(sink) are sink tasks of connectors, V(smart_connect) are Smart Connect
        tasks.
      - They are asked one after the other, over the same connections.
    type: list
    elements: str
    choices: [dis, sink, smart_connect]
    default: [dis]
  interval:
    description:
      - Seconds from the start of one poll to that of the next one, 10 or more. It varies by 5 %, so that many sources do not ask at once.
    type: float
    default: 60
  initial:
    description:
      - What is told at the start. V(problems) are dumps that are ill or missing, V(all) are those that are well too, V(none) is nothing.
    type: str
    choices: [problems, all, none]
    default: problems
  confirm:
    description:
      - So many polls in a row have to agree before a change is told, so that what flaps is not.
      - What the start tells, and failures, need no confirmation.
    type: int
    default: 1
  heartbeat:
    description:
      - Seconds between events that say that the source is at work and how things stand, one for each of O(kinds). V(0) means none.
      - Each follows a poll, whether that failed or not, so there are never more than polls.
    type: float
    default: 0
  max_backoff:
    description:
      - After a second failure in a row the pause is twice O(interval), and doubles with each further one up to so many seconds.
    type: float
    default: 600
  stream_names:
    description: [Names of the streams to look at. When not set, every stream of the project.]
    type: list
    elements: str
    aliases: [stream_name]
  connector_ids:
    description: [IDs of the connectors to look at.]
    type: list
    elements: str
    aliases: [connector_id]
  instance_ids:
    description: [IDs of the Kafka instances to look at.]
    type: list
    elements: str
    aliases: [instance_id]
  instance_names:
    description: [Names of the Kafka instances to look at.]
    type: list
    elements: str
    aliases: [instance_name]
  task_ids:
    description: [IDs of the sink or Smart Connect tasks to look at.]
    type: list
    elements: str
    aliases: [task_id]
  task_names:
    description:
      - Names of the tasks to look at. When not set, every task.
      - All of O(kinds) are asked for them, and each tells of those that it has not.
    type: list
    elements: str
    aliases: [task_name]
  states:
    description: [Tell only of transfer tasks that come into or leave one of these states. All of them are looked at.]
    type: list
    elements: str
  statuses:
    description: [Tell only of sink and Smart Connect tasks that come into or leave one of these statuses. All of them are looked at.]
    type: list
    elements: str
  destination_types:
    description: [Look only at transfer tasks with these destinations.]
    type: list
    elements: str
  enterprise_project_id:
    description:
      - Enterprise project whose instances are listed.
      - If not set, the value of E(HUAWEICLOUD_ENTERPRISE_PROJECT_ID) or E(HW_ENTERPRISE_PROJECT_ID) is used.
    type: str
  details:
    description:
      - Also ask for each transfer or Smart Connect task by itself, at one more request a task. Without it partitions, which can be ill by
        themselves, are not known.
    type: bool
    default: true
  lag:
    description: [Also tell how far each transfer task is behind, at one more request a stream.]
    type: bool
    default: false
  topic_info:
    description: [Whether to ask for the lag of sink tasks.]
    type: bool
    default: true
  max_age:
    description: [A transfer task that has moved nothing for longer is ill, in seconds or such as V(15m), V(2h) or V(1d).]
    type: raw
  max_lag:
    description: [A task that is further behind is ill, in records or messages. For transfer tasks it needs O(lag).]
    type: int
  max_discarded:
    description: [A transfer task that has discarded more records is ill.]
    type: int
notes:
  - Give credentials by the environment of C(ansible-rulebook), or as variables of a file that C(--vars) names. A literal secret in a
    rulebook is printed by C(ansible-rulebook -vv).
  - Needs C(ansible-core) and C(requests) beside C(ansible-rulebook).
  - All keys of an event are below C(event.hwcloud). C(kind) is one of C(initial), C(changed), C(appeared), C(disappeared),
    C(gather_failed), C(gather_recovered) and C(heartbeat). C(task_kind) is one of O(kinds).
  - On the first four there are C(health) and C(was) (C(healthy), C(unhealthy), C(missing), or null where nothing was known before),
    C(state) and C(was_state), C(since) (when this was seen first, in epoch milliseconds), C(stream_name) or C(instance_name) and
    C(instance_id), C(task_name), C(problems) (sentences), and C(task), which is all that the module tells of it. C(task) is null for
    what was asked for and was never there.
  - On C(gather_failed) and C(gather_recovered) there are C(error) and C(msg), as modules return them.
  - On C(heartbeat) there are C(summary), C(problems) and C(request_stats), as modules return them.
extends_documentation_fragment:
  - hwcloud.streaming.connection
version_added: 1.1.0
author:
  - hwcloud.streaming contributors (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Watch the dumps of two streams
  hosts: all
  sources:
    - name: dumps
      hwcloud.streaming.dumps:
        stream_names: [orders, clicks]
        max_age: 15m
        confirm: 2
  rules:
    - name: A dump is ill
      condition: event.hwcloud.health == "unhealthy"
      action:
        debug:
          msg: "{{ event.hwcloud.problems | join('; ') }}"

- name: Watch all dumps of a project, and that they can be watched
  hosts: all
  sources:
    - name: dumps
      hwcloud.streaming.dumps:
        region: eu-west-101
        access_key: "{{ streaming_access_key }}"
        secret_key: "{{ streaming_secret_key }}"
        kinds: [dis, sink, smart_connect]
        interval: 120
        heartbeat: 600
  rules:
    - name: Something changed
      condition: event.hwcloud.kind in ["initial", "changed", "appeared", "disappeared"]
      action:
        debug:
          msg: "{{ event.hwcloud.task_name }} is {{ event.hwcloud.health }}"

    - name: The services cannot be asked
      condition: event.hwcloud.kind == "gather_failed"
      action:
        debug:
          msg: "{{ event.hwcloud.msg }}"
"""


def _collection() -> t.Any:
    """Return the part that is imported: this file is run by its path, outside of any package."""
    above = Path(__file__).absolute().parents[6]
    if str(above.parent) not in sys.path:
        sys.path.append(str(above.parent))
    import ansible_collections

    if str(above) not in ansible_collections.__path__:  # a distribution of many collections has a package of this name
        ansible_collections.__path__.append(str(above))
    from ansible_collections.hwcloud.streaming.plugins.plugin_utils import _event_source

    return _event_source


async def main(queue: t.Any, args: dict[str, t.Any]) -> None:
    """Put events into the queue until cancelled."""
    await _collection().run(queue, args)


if __name__ == "__main__":
    import asyncio
    import json

    class Printer:
        """Stands in for the queue of ansible-rulebook."""

        async def put(self, event: t.Any) -> None:
            """Print an event."""
            print(json.dumps(event))  # noqa: T201

    asyncio.run(main(Printer(), json.loads(sys.argv[1])))
