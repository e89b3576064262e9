#!/usr/bin/python

# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Facts about the Smart Connect tasks of Kafka instances."""

from __future__ import annotations

DOCUMENTATION = r"""
module: dms_smart_connect_task_info
short_description: Gather facts about the Smart Connect tasks of DMS for Kafka instances
description:
  - Tells for each Smart Connect task of Distributed Message Service (DMS) for Kafka instances whether it runs, where from and where to.
  - Smart Connect is the successor of the connectors whose sink tasks M(hwcloud.streaming.dms_sink_task_info) shows. Instances that are
    created now are dumped by it.
  - What was asked for and does not exist is no failure. It is named in RV(not_found).
  - The options of its own are O(instance_ids), O(instance_names), O(task_ids), O(task_names), O(statuses),
    O(enterprise_project_id), O(details) and O(only_problems). All others are the connection, which is best left to environment
    variables or to C(module_defaults).
options:
  instance_ids:
    description:
      - IDs of the Kafka instances to look at. A single ID works too.
      - Only one of O(instance_ids) and O(instance_names) can be set. With neither, every Kafka instance of the project that has Smart
        Connect switched on. An instance whose answers do not tell that is asked too.
    type: list
    elements: str
    aliases:
      - instance_id
  instance_names:
    description:
      - Names of the Kafka instances to look at.
    type: list
    elements: str
    aliases:
      - instance_name
  task_ids:
    description:
      - IDs of the Smart Connect tasks to return. When not set, every task.
    type: list
    elements: str
    aliases:
      - task_id
  task_names:
    description:
      - Names of the Smart Connect tasks to return. When not set, every task. With O(task_ids) too, a task has to be in both.
    type: list
    elements: str
    aliases:
      - task_name
  statuses:
    description:
      - Keep only tasks with these statuses, such as V(RUNNING) or V(PAUSED), in upper or lower case.
      - A task that this takes out is not reported as missing.
    type: list
    elements: str
  enterprise_project_id:
    description:
      - Enterprise project whose instances are listed, for users who may read only that one. It goes along with the list of instances.
      - If not set, the value of E(HUAWEICLOUD_ENTERPRISE_PROJECT_ID) or E(HW_ENTERPRISE_PROJECT_ID) is used.
    type: str
    version_added: 1.1.0
  details:
    description:
      - Also ask for each task by itself, at one more request for each. The list already tells nearly all, so V(false) is quicker and
        loses little.
    type: bool
    default: true
  only_problems:
    description:
      - Return only the tasks that have a problem. RV(summary) counts all of them.
    type: bool
    default: false
    version_added: 1.1.0
seealso:
  - module: hwcloud.streaming.dms_sink_task_info
  - plugin: hwcloud.streaming.healthy
    plugin_type: test
  - plugin: hwcloud.streaming.problems
    plugin_type: filter
  - name: DMS for Kafka API, querying Smart Connect tasks
    description: The contract of the requests that the module sends.
    link: https://support.huaweicloud.com/intl/en-us/api-kafka/ListConnectorTasks.html
extends_documentation_fragment:
  - hwcloud.streaming.attributes
  - hwcloud.streaming.connection
version_added: 1.0.0
author:
  - hwcloud.streaming contributors (!UNKNOWN)
"""

EXAMPLES = r"""
- name: How are the Smart Connect tasks of the Kafka instance doing
  hwcloud.streaming.dms_smart_connect_task_info:
    instance_names: kafka-clicks
  register: connects

- name: Stop the deployment when one does not run
  ansible.builtin.assert:
    that: connects is hwcloud.streaming.healthy
    fail_msg: "{{ connects | hwcloud.streaming.problems | join('\n') }}"

- name: Which tasks of the project are paused
  hwcloud.streaming.dms_smart_connect_task_info:
    statuses: paused
    details: false
  register: paused

- name: Name them, if there are any
  ansible.builtin.debug:
    msg: "{{ paused.smart_connect_tasks | map(attribute='task_name') | join(', ') }}"
  when: paused.summary.total > 0

# Ad hoc, all instances of the project:
#   ansible localhost -m hwcloud.streaming.dms_smart_connect_task_info
"""

RETURN = r"""
msg:
  description: How things stand, in one line. On failure what failed, and what to do about it.
  returned: always
  type: str
  version_added: 1.1.0
  sample: "2 Smart Connect tasks of 1 instance: 1 RUNNING, 1 PAUSED; 1 problem"
problems:
  description:
    - All that is wrong, one sentence each, as the filter P(hwcloud.streaming.problems#filter) tells it for the same result with no limits.
    - On failure also what failed. Empty when all is well. That there is nothing to judge is a problem too.
  returned: always
  type: list
  elements: str
  version_added: 1.1.0
  sample:
    - "instance kafka-orders, task orders-to-obs: status is PAUSED, not RUNNING"
smart_connect_tasks:
  description:
    - The tasks, sorted by RV(smart_connect_tasks[].instance_id), RV(smart_connect_tasks[].task_name) and RV(smart_connect_tasks[].task_id).
  returned: always
  type: list
  elements: dict
  contains:
    instance_id:
      description: ID of the Kafka instance.
      type: str
      sample: 59f6d088-7181-4b5e-9bd6-37274ce84577
    instance_name:
      description: Name of the Kafka instance. V(null) when the service does not tell.
      type: str
      sample: kafka-clicks
    task_id:
      description: ID of the task.
      type: str
      sample: 194917d0-7181-4b5e-9bd6-37274ce84577
    task_name:
      description: Name of the task. V(null) when the service does not tell.
      type: str
      sample: clicks-to-obs
    topics:
      description:
        - Topics as the service tells them, names with commas between. V(null) when they are given as a regular expression, or not told.
      type: str
      sample: clicks
    topic_names:
      description: The names in RV(smart_connect_tasks[].topics). Empty when the topics are given as a regular expression.
      type: list
      elements: str
      sample:
        - clicks
    topics_regex:
      description: The regular expression, V(null) when the topics are named.
      type: str
      sample: click.*
    source_type:
      description: Kind of source, such as V(NONE) or V(KAFKA_REPLICATOR_SOURCE). V(null) when the service does not tell.
      type: str
      sample: NONE
    source_task:
      description: Configuration of the source with its fields as the service names them, V(null) when there is none. Secrets are masked.
      type: dict
      sample:
        redis_address: 192.0.2.10:6379
        sync_mode: RDB_ONLY
    sink_type:
      description: Kind of sink, such as V(OBS_SINK) or V(NONE). V(null) when the service does not tell.
      type: str
      sample: OBS_SINK
    sink_task:
      description: Configuration of the sink with its fields as the service names them, V(null) when there is none. Secrets are masked.
      type: dict
      sample:
        obs_bucket_name: clicks-archive
        obs_path: kafka
        deliver_time_interval: 300
    status:
      description:
        - Status as the service tells it. V(RUNNING), V(PAUSED), V(WAITING), V(RESTARTING) and V(CREATING) are known. V(null) when the
          service does not tell.
      type: str
      sample: RUNNING
    create_time:
      description: When the task was created, in epoch milliseconds. V(null) when the service does not tell.
      type: int
      sample: 1708427753133
    created_at:
      description: The same in ISO 8601, UTC. V(null) when the service does not tell.
      type: str
      sample: "2024-02-20T11:15:53.133Z"
    problems:
      description: Why the task is not well, going by its status. Empty when it is.
      type: list
      elements: str
      sample:
        - "instance kafka-clicks, task clicks-to-obs: status is PAUSED, not RUNNING"
instances:
  description:
    - The instances that were looked at, sorted by RV(instances[].instance_id).
    - An instance that was asked for and has no Smart Connect stands here too, with a warning.
  returned: always
  type: list
  elements: dict
  contains:
    instance_id:
      description: ID of the Kafka instance.
      type: str
      sample: 59f6d088-7181-4b5e-9bd6-37274ce84577
    instance_name:
      description: Name of the Kafka instance. V(null) when the service does not tell.
      type: str
      sample: kafka-clicks
    total_number:
      description: Number of Smart Connect tasks. V(null) when there is no Smart Connect, or the service does not tell.
      type: int
      sample: 1
    max_tasks:
      description:
        - Number of Smart Connect tasks that the instance can have. V(null) when there is no Smart Connect, or the service does not tell.
      type: int
      sample: 18
    quota_tasks:
      description: Quota of Smart Connect tasks. V(null) when there is no Smart Connect, or the service does not tell.
      type: int
      sample: 18
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
    task_id:
      description: ID of the absent task. V(null) when it was not asked for.
      type: str
      sample: 194917d0-7181-4b5e-9bd6-37274ce84577
    task_name:
      description: Name of the absent task. V(null) when it was not asked for.
      type: str
      sample: clicks-to-redis
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
      description: Number of tasks without RV(smart_connect_tasks[].problems).
      type: int
      sample: 1
    by_status:
      description: Number of tasks with each status.
      type: dict
      sample:
        RUNNING: 1
    by_sink_type:
      description: Number of tasks with each kind of sink.
      type: dict
      sample:
        OBS_SINK: 1
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
    "instance_ids": _options.names_option("instance_id"),
    "instance_names": _options.names_option("instance_name"),
    "task_ids": _options.names_option("task_id"),
    "task_names": _options.names_option("task_name"),
    "statuses": _options.names_option(),
    **_options.ENTERPRISE_PROJECT,
    "details": {"type": "bool", "default": True},
    "only_problems": {"type": "bool", "default": False},
}
NOTHING = {
    "smart_connect_tasks": [],
    "instances": [],
    "not_found": [],
    "summary": {"total": 0, "healthy": 0, "by_status": {}, "by_sink_type": {}},
}


STATUSES = "CREATING PAUSED RESTARTING RUNNING WAITING"


def line(result: dict[str, t.Any]) -> str:
    """Return how many tasks there are, in one line."""
    from ansible_collections.hwcloud.streaming.plugins.module_utils import _standing

    summary = result["summary"]
    return _standing.tasks_line(
        summary["total"], "Smart Connect task", len(result["instances"]), "instance", summary["by_status"]
    )


def check(options: _call.Options) -> _call.Asked | None:
    """Return what the options ask for."""
    options.one_of("instance_ids", "instance_names")
    instance_ids, instance_names = options.names("instance_ids"), options.names("instance_names", in_path=False)
    task_ids, task_names = options.names("task_ids"), options.names("task_names", in_path=False)
    statuses = options.words("statuses", STATUSES)
    if [] in (instance_ids, instance_names, task_ids, task_names):
        return None
    from ansible_collections.hwcloud.streaming.plugins.module_utils._dms.smart_connect import smart_connect_tasks
    from ansible_collections.hwcloud.streaming.plugins.module_utils._dms.tasks import Wanted

    wanted = Wanted(None, instance_ids, instance_names, task_ids, task_names, statuses, options.enterprise_project())
    details = options.params["details"]
    return "dms", lambda client: smart_connect_tasks(client, wanted, details, options.warn)


QUESTION = _call.Question(OPTIONS, NOTHING, check, line, "smart_connect_tasks")


def main() -> None:
    """Run the module."""
    _module.run(QUESTION)


if __name__ == "__main__":
    main()
