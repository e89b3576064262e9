#!/usr/bin/python

# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Facts about the sink (dump) tasks of connectors of Kafka instances."""

from __future__ import annotations

DOCUMENTATION = r"""
module: dms_sink_task_info
short_description: Gather facts about the sink (dump) tasks of DMS for Kafka connectors
description:
  - Tells for each sink task of the connectors of Distributed Message Service (DMS) for Kafka instances whether it runs, where to, and how
    far it lags behind each partition.
  - One call covers any number of connectors and instances. What it fetches, it fetches concurrently.
  - What was asked for and does not exist is no failure. It is named in RV(not_found).
  - Instances that are created now are dumped by Smart Connect tasks, see M(hwcloud.streaming.dms_smart_connect_task_info).
  - The options of its own are O(connector_ids), O(instance_ids), O(instance_names), O(task_ids), O(task_names), O(statuses),
    O(enterprise_project_id), O(topic_info), O(max_lag) and O(only_problems). All others are the connection, which is best left to
    environment variables or to C(module_defaults).
options:
  connector_ids:
    description:
      - IDs of the connectors to look at. A single ID works too.
      - At most one of O(connector_ids), O(instance_ids) and O(instance_names) can be set. With none of them, every Kafka instance of the
        project that has a connector.
    type: list
    elements: str
    aliases:
      - connector_id
  instance_ids:
    description:
      - IDs of the Kafka instances whose connectors to look at, at one more request for each.
    type: list
    elements: str
    aliases:
      - instance_id
  instance_names:
    description:
      - Names of the Kafka instances whose connectors to look at, at one or two more requests for each.
    type: list
    elements: str
    aliases:
      - instance_name
  task_ids:
    description:
      - IDs of the sink tasks to return. When not set, every task.
    type: list
    elements: str
    aliases:
      - task_id
  task_names:
    description:
      - Names of the sink tasks to return. When not set, every task. With O(task_ids) too, a task has to be in both.
    type: list
    elements: str
    aliases:
      - task_name
  statuses:
    description:
      - Keep only tasks with these statuses, such as V(RUNNING), in upper or lower case.
      - A task that this takes out is not reported as missing.
    type: list
    elements: str
  enterprise_project_id:
    description:
      - Enterprise project whose instances are listed, for users who may read only that one. It goes along with the list of instances.
      - If not set, the value of E(HUAWEICLOUD_ENTERPRISE_PROJECT_ID) or E(HW_ENTERPRISE_PROJECT_ID) is used.
    type: str
    version_added: 1.1.0
  topic_info:
    description:
      - Whether to ask for the offsets and the lag of each partition too. The number of requests is the same, one for each task and one for
        each connector, but the service has more to do.
    type: bool
    default: true
  max_lag:
    description:
      - Most messages that a task may be behind.
      - What is beyond it is one of the RV(problems) and makes the task one that is not healthy. It never fails the module.
    type: int
    version_added: 1.1.0
  only_problems:
    description:
      - Return only the tasks that have a problem. RV(summary) counts all of them.
    type: bool
    default: false
    version_added: 1.1.0
seealso:
  - module: hwcloud.streaming.dms_smart_connect_task_info
  - module: hwcloud.streaming.dis_transfer_task_info
  - plugin: hwcloud.streaming.healthy
    plugin_type: test
  - plugin: hwcloud.streaming.problems
    plugin_type: filter
  - name: DMS for Kafka API, querying a dumping task
    description: The contract of the requests that the module sends.
    link: https://support.huaweicloud.com/intl/en-us/api-kafka/ListSinkTasks.html
extends_documentation_fragment:
  - hwcloud.streaming.attributes
  - hwcloud.streaming.connection
version_added: 1.0.0
author:
  - hwcloud.streaming contributors (!UNKNOWN)
"""

EXAMPLES = r"""
- name: How far are the dumps of the Kafka instance behind
  hwcloud.streaming.dms_sink_task_info:
    instance_names: kafka-orders
  register: sinks

- name: Stop the deployment when one is not well, or lags by more than 1000 messages
  ansible.builtin.assert:
    that: sinks is hwcloud.streaming.healthy(max_lag=1000)
    fail_msg: "{{ sinks | hwcloud.streaming.problems(max_lag=1000) | join('\n') }}"

- name: Only the status of one task
  hwcloud.streaming.dms_sink_task_info:
    connector_ids: 2e148bed-0000-4617-8ade-b52e84a33eeb
    task_names: orders-to-obs
    topic_info: false
  register: sink

- name: Say so when the task is not there
  ansible.builtin.debug:
    msg: "There is no sink task {{ sink.not_found[0].task_name }}."
  when: sink.not_found | length > 0

# Ad hoc, all connectors of the project:
#   ansible localhost -m hwcloud.streaming.dms_sink_task_info
"""

RETURN = r"""
msg:
  description: How things stand, in one line. On failure what failed, and what to do about it.
  returned: always
  type: str
  version_added: 1.1.0
  sample: "3 sink tasks of 2 connectors: 2 RUNNING, 1 PAUSED; 1 problem"
problems:
  description:
    - All that is wrong, one sentence each, as the filter P(hwcloud.streaming.problems#filter) tells it for the same result with O(max_lag).
    - On failure also what failed. Empty when all is well. That there is nothing to judge is a problem too.
  returned: always
  type: list
  elements: str
  version_added: 1.1.0
  sample:
    - "instance kafka-orders, task orders-to-obs: lag 95278 messages, limit 1000"
sink_tasks:
  description: The tasks, sorted by RV(sink_tasks[].connector_id), RV(sink_tasks[].task_name) and RV(sink_tasks[].task_id).
  returned: always
  type: list
  elements: dict
  contains:
    instance_id:
      description: ID of the Kafka instance, V(null) when only the connector is known.
      type: str
      sample: 59f6d088-7181-4b5e-9bd6-37274ce84577
    instance_name:
      description: Name of the Kafka instance, V(null) when only the connector is known.
      type: str
      sample: kafka-orders
    connector_id:
      description: ID of the connector.
      type: str
      sample: 2e148bed-0000-4617-8ade-b52e84a33eeb
    task_id:
      description: ID of the task.
      type: str
      sample: 2e148bed-3038-4617-8ade-b52e84a33eeb
    task_name:
      description: Name of the task. V(null) when the service does not tell.
      type: str
      sample: orders-to-obs
    destination_type:
      description: Kind of destination, V(OBS) as far as is known. V(null) when the service does not tell.
      type: str
      sample: OBS
    create_time:
      description: When the task was created, in epoch milliseconds. V(null) when the service does not tell.
      type: int
      sample: 1628126621283
    created_at:
      description: The same in ISO 8601, UTC. V(null) when the service does not tell.
      type: str
      sample: "2021-08-05T01:23:41.283Z"
    status:
      description: Status as the service tells it, such as V(RUNNING). V(null) when the service does not tell.
      type: str
      sample: RUNNING
    topics:
      description:
        - Topics as the service tells them, names with commas between or a regular expression. V(null) when the service does not tell.
      type: str
      sample: orders,payments
    topic_names:
      description: The names in RV(sink_tasks[].topics). Empty when it is a regular expression.
      type: list
      elements: str
      sample:
        - orders
        - payments
    topics_regex:
      description: The regular expression, V(null) when the topics are named.
      type: str
      sample: order.*
    destination:
      description:
        - The OBS descriptor with its fields as the service names them, and C(kind). Secrets in it are masked. V(null) when the service
          does not tell.
      type: dict
      sample:
        kind: obs
        obs_bucket_name: orders-archive
        obs_path: kafka
        deliver_time_interval: 300
    topics_info:
      description: The topics with their partitions, sorted by name. Empty with O(topic_info=false).
      type: list
      elements: dict
      contains:
        topic:
          description: Name of the topic. V(null) when the service does not tell.
          type: str
          sample: orders
        lag:
          description: Sum over the partitions, V(null) when that of one is not known.
          type: int
          sample: 0
        partitions:
          description: The partitions of the topic, sorted by number.
          type: list
          elements: dict
          contains:
            partition_id:
              description: Number of the partition. V(null) when the service does not tell.
              type: int
              sample: 0
            status:
              description: Status of the partition. V(null) when the service does not tell.
              type: str
              sample: RUNNING
            last_transfer_offset:
              description: Offset up to which messages were moved. V(null) when the service does not tell.
              type: int
              sample: 3
            log_end_offset:
              description: Offset of the end of the partition. V(null) when the service does not tell.
              type: int
              sample: 3
            lag:
              description:
                - Messages still to be moved, as the service tells it or computed from the two offsets. V(null) when neither is told.
              type: int
              sample: 0
    lag:
      description: Messages still to be moved, over all partitions. V(null) when that of one is not known, and with O(topic_info=false).
      type: int
      sample: 0
    problems:
      description:
        - Why the task is not well, going by its status, those of its partitions, and O(max_lag). Empty when it is.
      type: list
      elements: str
      sample:
        - "instance kafka-orders, task orders-to-obs: status is PAUSED, not RUNNING"
connectors:
  description:
    - The connectors that were looked at, sorted by RV(connectors[].connector_id) and RV(connectors[].instance_id).
    - An instance that was asked for and has no connector stands here too, without one.
  returned: always
  type: list
  elements: dict
  contains:
    connector_id:
      description: ID of the connector, V(null) when the instance has none.
      type: str
      sample: 2e148bed-0000-4617-8ade-b52e84a33eeb
    instance_id:
      description: ID of the Kafka instance, V(null) when only the connector is known.
      type: str
      sample: 59f6d088-7181-4b5e-9bd6-37274ce84577
    instance_name:
      description: Name of the Kafka instance, V(null) when only the connector is known.
      type: str
      sample: kafka-orders
    total_number:
      description: Number of sink tasks. V(null) when there is no connector, or the service does not tell.
      type: int
      sample: 1
    max_tasks:
      description: Number of sink tasks that the connector can have. V(null) when there is no connector, or the service does not tell.
      type: int
      sample: 9
    quota_tasks:
      description: Quota of sink tasks. V(null) when there is no connector, or the service does not tell.
      type: int
      sample: 10
not_found:
  description: What was asked for and does not exist, with its one parent beside it.
  returned: always
  type: list
  elements: dict
  contains:
    instance_id:
      description: ID of the instance. V(null) when it was not asked for.
      type: str
      sample: 59f6d088-7181-4b5e-9bd6-37274ce84577
    instance_name:
      description: Name of the instance. V(null) when it was not asked for.
      type: str
      sample: kafka-orders
    connector_id:
      description: ID of the connector. V(null) when it was not asked for.
      type: str
      sample: 2e148bed-0000-4617-8ade-b52e84a33eeb
    task_id:
      description: ID of the absent task. V(null) when it was not asked for.
      type: str
      sample: 2e148bed-3038-4617-8ade-b52e84a33eeb
    task_name:
      description: Name of the absent task. V(null) when it was not asked for.
      type: str
      sample: orders-to-dli
summary:
  description: The tasks in figures, after the filters.
  returned: always
  type: dict
  contains:
    total:
      description: Number of tasks.
      type: int
      sample: 1
    healthy:
      description: Number of tasks without RV(sink_tasks[].problems).
      type: int
      sample: 1
    by_status:
      description: Number of tasks with each status.
      type: dict
      sample:
        RUNNING: 1
    lag:
      description: Sum of RV(sink_tasks[].lag), V(null) when that of one is not known.
      type: int
      sample: 0
region:
  description: The region as used, V(null) when none was needed.
  returned: always
  type: str
  sample: eu-west-101
project_id:
  description: ID of the project as used, looked up if it was not given. V(null) when the lookup failed or nothing was asked.
  returned: always
  type: str
  sample: 0123456789abcdef0123456789abcdef
request_stats:
  description: What the call cost.
  returned: always
  type: dict
  contains:
    requests:
      description: Requests sent, retries included.
      type: int
      sample: 3
    retries:
      description: Requests that were sent again.
      type: int
      sample: 0
    throttled:
      description: Answers that asked to slow down.
      type: int
      sample: 0
    connections:
      description: Connections opened.
      type: int
      sample: 2
    elapsed:
      description: Seconds from the first request to the last answer.
      type: float
      sample: 0.214
error:
  description: The failure that C(msg) speaks of.
  returned: failure, but not when Ansible's own argument check refuses the options
  type: dict
  contains: &failure
    kind:
      description:
        - What kind of failure it is. One of V(configuration), V(authentication), V(authorization), V(not_found) (the path, not the
          resource), V(invalid_request), V(throttled), V(timeout), V(connection), V(tls), V(server) and V(protocol).
      type: str
      sample: authentication
    service:
      description: Service that was asked, one of V(dis), V(dms), V(iam), V(sts) and V(metadata). V(null) for RV(error.kind=configuration).
      type: str
      sample: dis
    method:
      description: HTTP method. V(null) for RV(error.kind=configuration).
      type: str
      sample: GET
    path:
      description: Path of the request, that of the endpoint included, without its query. V(null) for RV(error.kind=configuration).
      type: str
      sample: /v2/0123456789abcdef0123456789abcdef/streams/orders/transfer-tasks
    endpoint:
      description:
        - Base URL that was asked, without credentials. V(null) for RV(error.kind=configuration).
        - Where a wrong host may be the cause, C(msg) says which option or variable it comes from.
      type: str
      version_added: 1.1.0
      sample: https://dis.eu-west-101.myhuaweicloud.eu
    http_status:
      description: HTTP status of the answer, V(null) when none came.
      type: int
      sample: 401
    error_code:
      description: The service's own code. V(null) when it told none.
      type: str
      sample: APIGW.0301
    error_msg:
      description: The service's own words, or what happened on the way, without secrets.
      type: str
      sample: "Incorrect IAM authentication information: decrypt token fail"
    request_id:
      description: The service's ID of the request, for its support. V(null) when it told none.
      type: str
      sample: 8080d377bffeb6d519b0567c09cebe6b
    attempts:
      description:
        - How often it was sent. V(0) when time ran out, or the credentials were refused, before its turn. V(null) for
          RV(error.kind=configuration).
      type: int
      sample: 1
    elapsed:
      description: Seconds from the first attempt to the end of the last one. V(null) for RV(error.kind=configuration).
      type: float
      sample: 0.05
errors:
  description: One entry for each request that failed for good, in a stable order. Since version 1.1.0 of this collection at most 100.
  returned: failure, but not when Ansible's own argument check refuses the options
  type: list
  elements: dict
  contains: *failure
errors_left_out:
  description: How many failures RV(errors) does not show.
  returned: failure, but not when Ansible's own argument check refuses the options
  type: int
  sample: 0
  version_added: 1.1.0
"""

import typing as t

from ansible_collections.hwcloud.streaming.plugins.module_utils import _call, _module, _options

OPTIONS: _options.Spec = {
    "connector_ids": _options.names_option("connector_id"),
    "instance_ids": _options.names_option("instance_id"),
    "instance_names": _options.names_option("instance_name"),
    "task_ids": _options.names_option("task_id"),
    "task_names": _options.names_option("task_name"),
    "statuses": _options.names_option(),
    **_options.ENTERPRISE_PROJECT,
    "topic_info": {"type": "bool", "default": True},
    **_options.limit_options("max_lag"),
    "only_problems": {"type": "bool", "default": False},
}
NOTHING = {
    "sink_tasks": [],
    "connectors": [],
    "not_found": [],
    "summary": {"total": 0, "healthy": 0, "by_status": {}, "lag": 0},
}


STATUSES = "CREATING PAUSED RESTARTING RUNNING WAITING"


def line(result: dict[str, t.Any]) -> str:
    """Return how many tasks there are, in one line."""
    from ansible_collections.hwcloud.streaming.plugins.module_utils import _standing

    summary = result["summary"]
    connectors = sum(connector["connector_id"] is not None for connector in result["connectors"])
    return _standing.tasks_line(summary["total"], "sink task", connectors, "connector", summary["by_status"])


def check(options: _call.Options) -> _call.Asked | None:
    """Return what the options ask for."""
    options.one_of("connector_ids", "instance_ids", "instance_names")
    connector_ids, instance_ids = options.names("connector_ids"), options.names("instance_ids")
    instance_names = options.names("instance_names", in_path=False)
    task_ids, task_names = options.names("task_ids"), options.names("task_names", in_path=False)
    statuses = options.words("statuses", STATUSES)
    if [] in (connector_ids, instance_ids, instance_names, task_ids, task_names):
        return None
    from ansible_collections.hwcloud.streaming.plugins.module_utils._dms.sink import sink_tasks
    from ansible_collections.hwcloud.streaming.plugins.module_utils._dms.tasks import Wanted

    wanted = Wanted(
        connector_ids, instance_ids, instance_names, task_ids, task_names, statuses, options.enterprise_project()
    )
    topic_info = options.params["topic_info"]
    return "dms", lambda client: sink_tasks(client, wanted, topic_info, options.warn)


QUESTION = _call.Question(OPTIONS, NOTHING, check, line, "sink_tasks")


def main() -> None:
    """Run the module."""
    _module.run(QUESTION)


if __name__ == "__main__":
    main()
