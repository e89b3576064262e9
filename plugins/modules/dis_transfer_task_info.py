#!/usr/bin/python

# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Facts about the transfer (dump) tasks of DIS streams."""

from __future__ import annotations

DOCUMENTATION = r"""
module: dis_transfer_task_info
short_description: Gather facts about the transfer (dump) tasks of DIS streams
description:
  - Tells for each transfer task of Data Ingestion Service (DIS) streams whether it runs, where to, when it last moved data, and how far
    each partition is.
  - One call covers any number of streams. What it fetches, it fetches concurrently.
  - A stream or task that was asked for and does not exist is no failure. It is named in RV(not_found).
  - The options of its own are O(stream_names), O(task_names), O(states), O(destination_types), O(details), O(lag),
    O(max_age), O(max_lag), O(max_discarded) and O(only_problems). All others are the connection, which is best left to
    environment variables or to C(module_defaults).
options:
  stream_names:
    description:
      - Names of the streams to look at. A single name works too. When not set, every stream of the project.
    type: list
    elements: str
    aliases:
      - stream_name
  task_names:
    description:
      - Names of the transfer tasks to return. When not set, every task of the streams.
    type: list
    elements: str
    aliases:
      - task_name
  states:
    description:
      - Keep only tasks in these states, such as V(RUNNING) or V(ABNORMAL), in upper or lower case.
      - A task that this takes out is not reported as missing.
    type: list
    elements: str
  destination_types:
    description:
      - Keep only tasks with these destinations, such as V(OBS) or V(DLI), in upper or lower case.
      - A task that this takes out is not reported as missing.
    type: list
    elements: str
  details:
    description:
      - Also ask for the details of each task, which tell its destination and its partitions.
      - This costs one request for each task that passes O(task_names), O(states) and O(destination_types), on top of one request for each
        stream (and one for each 100 streams when O(stream_names) is not set).
    type: bool
    default: true
  lag:
    description:
      - Also tell how far each task is behind. Needs O(details).
      - This costs one more request for each stream that has a task to be returned, whatever the number of its tasks, and one for each
        further 1000 partitions. It is sent after those for the details, at the same time as all that is asked of other streams.
      - The service's own counting of its records is taken as it is. Whether the end of a partition counts the record that comes next
        is not documented.
    type: bool
    default: false
    version_added: 1.1.0
  max_age:
    description:
      - Longest time since data was last moved, in seconds or such as V(15m), V(2h) or V(1d).
      - What is beyond it is one of the RV(problems) and makes the task one that is not healthy. It never fails the module.
    type: raw
    version_added: 1.1.0
  max_lag:
    description:
      - Most records that a task may be behind. Needs O(lag), without which it is ignored, with a warning.
      - What is beyond it is one of the RV(problems) and makes the task one that is not healthy. It never fails the module.
    type: int
    version_added: 1.1.0
  max_discarded:
    description:
      - Most records that a task may have discarded.
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
  - module: hwcloud.streaming.dis_transfer_task_log_info
  - module: hwcloud.streaming.dms_sink_task_info
  - plugin: hwcloud.streaming.healthy
    plugin_type: test
  - plugin: hwcloud.streaming.problems
    plugin_type: filter
  - name: DIS API, querying transfer tasks
    description: The contract of the requests that the module sends.
    link: https://support.huaweicloud.com/intl/en-us/api-dis/ListTransferTasks.html
extends_documentation_fragment:
  - hwcloud.streaming.attributes
  - hwcloud.streaming.connection
version_added: 1.0.0
author:
  - hwcloud.streaming contributors (!UNKNOWN)
"""

EXAMPLES = r"""
# Region and credentials come from the environment, see the connection options.
- name: How are the dumps of two streams doing
  hwcloud.streaming.dis_transfer_task_info:
    stream_names:
      - orders
      - clicks
  register: dumps

- name: Stop the deployment when one is not well, or moved no data for 15 minutes
  ansible.builtin.assert:
    that: dumps is hwcloud.streaming.healthy(max_age='15m')
    fail_msg: "{{ dumps | hwcloud.streaming.problems(max_age='15m') | join('\n') }}"

- name: Which dumps of the project are paused or abnormal, without asking for the details of each
  hwcloud.streaming.dis_transfer_task_info:
    states:
      - paused
      - abnormal
    details: false
  register: standing

- name: Tell which these are, if there are any
  ansible.builtin.debug:
    msg: "{{ standing.transfer_tasks | map(attribute='task_name') | join(', ') }}"
  when: standing.transfer_tasks | length > 0

# Ad hoc, at three in the morning:
#   ansible localhost -m hwcloud.streaming.dis_transfer_task_info -a 'max_age=15m only_problems=true'
"""

RETURN = r"""
msg:
  description: How things stand, in one line. On failure what failed, and what to do about it.
  returned: always
  type: str
  version_added: 1.1.0
  sample: "7 transfer tasks of 5 streams: 5 RUNNING, 1 PAUSED, 1 ABNORMAL; 3 problems"
problems:
  description:
    - All that is wrong, one sentence each, as the filter P(hwcloud.streaming.problems#filter) tells it for the same result with
      O(max_age), O(max_lag) and O(max_discarded).
    - On failure also what failed. Empty when all is well. That there is nothing to judge is a problem too.
  returned: always
  type: list
  elements: str
  version_added: 1.1.0
  sample:
    - "stream orders, task orders-to-obs: state is PAUSED, not RUNNING, last transfer 2d ago"
transfer_tasks:
  description: The tasks, sorted by RV(transfer_tasks[].stream_name) and RV(transfer_tasks[].task_name).
  returned: always
  type: list
  elements: dict
  contains:
    stream_name:
      description: Stream that the task reads.
      type: str
      sample: orders
    stream_id:
      description: ID of the stream. V(null) with O(details=false), and when the service does not tell.
      type: str
      sample: RdMFID6edQdf8eDzc9e
    task_name:
      description: Name of the task.
      type: str
      sample: orders-to-obs
    task_id:
      description:
        - ID of the task, as M(hwcloud.streaming.dis_transfer_task_log_info) takes it. Old services tell it only with details, or not at
          all. V(null) when the service does not tell.
      type: str
      sample: As805BudhcH1lDs6gbn
    state:
      description:
        - State as the service tells it. V(CREATING), V(STARTING), V(RUNNING), V(PAUSED), V(ABNORMAL), V(ERROR) and V(DELETE) are
          known. V(null) when the service does not tell.
      type: str
      sample: RUNNING
    destination_type:
      description:
        - Kind of destination as the service tells it, such as V(OBS), V(MRS), V(DLI), V(DWS) or V(CLOUDTABLE). V(null) when the service
          does not tell.
      type: str
      sample: OBS
    create_time:
      description: When the task was created, in epoch milliseconds. V(null) when the service does not tell.
      type: int
      sample: 1606554932552
    created_at:
      description: The same in ISO 8601, UTC. V(null) when the service does not tell.
      type: str
      sample: "2020-11-28T09:15:32.552Z"
    last_transfer_timestamp:
      description: When the task last moved data, in epoch milliseconds. V(0), V(-1) or V(null) when it never did.
      type: int
      sample: 1606984428612
    last_transfer_at:
      description: The same in ISO 8601, UTC. V(null) when it never did.
      type: str
      sample: "2020-12-03T08:33:48.612Z"
    last_transfer_age:
      description: Seconds since then, by the clock of the host that the module runs on. V(null) when it never did.
      type: int
      sample: 42
    exception_strategy:
      description:
        - What the task does with records that it cannot transfer. V(null) with O(details=false), and when the service does not tell.
      type: str
      sample: ignoreAndBackup
    destination:
      description:
        - The one destination descriptor that the task has, with its fields as the service names them, and C(kind), which is V(obs),
          V(mrs), V(dli), V(dws) or V(cloudtable). Values of passwords and other secrets in it are masked.
        - V(null) with O(details=false), and when the service tells none.
      type: dict
      sample:
        kind: obs
        agency_name: dis_admin_agency
        obs_bucket_path: orders-archive
        deliver_time_interval: 300
        destination_file_type: text
    partitions:
      description: The stream's partitions as this task sees them, sorted by ID. Empty with O(details=false).
      type: list
      elements: dict
      contains:
        partition_id:
          description: ID of the partition. V(null) when the service does not tell.
          type: str
          sample: shardId-0000000000
        state:
          description: State or status of the partition, whichever the service tells. V(null) when the service does not tell.
          type: str
          sample: RUNNING
        last_transfer_timestamp:
          description: When data of the partition was last moved, in epoch milliseconds. V(0), V(-1) or V(null) when none ever was.
          type: int
          sample: 1606984428612
        last_transfer_at:
          description: The same in ISO 8601, UTC. V(null) when none ever was.
          type: str
          sample: "2020-12-03T08:33:48.612Z"
        last_transfer_offset:
          description: Sequence number up to which data was moved. V(null) when the service does not tell.
          type: int
          sample: 289897
        discard:
          description: Records that were discarded because they could not be transferred. V(null) when the service does not tell.
          type: int
          sample: 0
        hash_range:
          description: Range of the hash keys of the partition. V(null) when the service does not tell.
          type: str
          sample: "[0 : 9223372036854775807]"
        sequence_number_range:
          description: Range of the sequence numbers in the partition. V(null) when the service does not tell.
          type: str
          sample: "[289911 : 289927]"
        parent_partitions:
          description: Partitions that this one came from when the stream was resharded. V(null) when the service does not tell.
          type: str
          sample: shardId-0000000001
        log_end_offset:
          description:
            - End of the sequence numbers of the stream's partition, read after RV(transfer_tasks[].partitions[].last_transfer_offset).
              V(null) without O(lag), and when it cannot be read.
          type: int
          version_added: 1.1.0
          sample: 289927
        lag:
          description:
            - Records between the two. V(null) when one of them is not known, and when the offset lies beyond the end, which does not fit.
          type: int
          version_added: 1.1.0
          sample: 30
    discarded_records:
      description: Sum of RV(transfer_tasks[].partitions[].discard). V(null) with O(details=false), and when no partition tells it.
      type: int
      sample: 0
    lag_asked:
      description: Whether the call had O(lag=true). A lag that is not told was then not to be known, otherwise it was not asked for.
      type: bool
      version_added: 1.1.0
      sample: true
    lag:
      description:
        - Records that the task is behind, over all partitions that are not V(DELETED) or V(EXPIRED). V(null) without O(lag), and when
          that of one of them is not known, be it that the task does not tell of a partition that the stream has. It is never guessed.
      type: int
      version_added: 1.1.0
      sample: 30
    problems:
      description:
        - Why the task is not well, going by its state, those of its partitions, and the limits O(max_age), O(max_lag) and
          O(max_discarded). Empty when it is.
      type: list
      elements: str
      sample:
        - "stream orders, task orders-to-obs: state is PAUSED, not RUNNING, last transfer 2d ago"
streams:
  description: The streams that were looked at, sorted by RV(streams[].stream_name).
  returned: always
  type: list
  elements: dict
  contains:
    stream_name:
      description: Name of the stream.
      type: str
      sample: orders
    total_number:
      description:
        - Number of its transfer tasks as the service tells it. It may be larger than the number of those that it lists. V(null) when the
          service does not tell.
      type: int
      sample: 1
    quota:
      description: Number of transfer tasks that it can have. V(null) when the service does not tell.
      type: int
      sample: 5
not_found:
  description: What was asked for by name and does not exist.
  returned: always
  type: list
  elements: dict
  contains:
    stream_name:
      description:
        - The absent stream, or the only stream that was asked for when a task is absent. V(null) when there was none, or more than one.
      type: str
      sample: orders
    task_name:
      description: The absent task. V(null) when the stream itself is absent.
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
      sample: 2
    healthy:
      description: Number of tasks without RV(transfer_tasks[].problems).
      type: int
      sample: 1
    by_state:
      description: Number of tasks in each state.
      type: dict
      sample:
        PAUSED: 1
        RUNNING: 1
    by_destination_type:
      description: Number of tasks with each kind of destination.
      type: dict
      sample:
        OBS: 2
    discarded_records:
      description: Sum over the tasks that tell it. V(null) when none does.
      type: int
      sample: 0
    oldest_transfer_age:
      description: The largest RV(transfer_tasks[].last_transfer_age) in seconds. V(null) when none has one.
      type: int
      sample: 42
    lag:
      description: Sum of RV(transfer_tasks[].lag). V(null) without O(lag), and when that of one task is not known.
      type: int
      version_added: 1.1.0
      sample: 30
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
from ansible_collections.hwcloud.streaming.plugins.module_utils._wire.errors import ConfigurationError

OPTIONS: _options.Spec = {
    "stream_names": _options.names_option("stream_name"),
    "task_names": _options.names_option("task_name"),
    "states": _options.names_option(),
    "destination_types": _options.names_option(),
    "details": {"type": "bool", "default": True},
    "lag": {"type": "bool", "default": False},
    **_options.limit_options("max_age", "max_lag", "max_discarded"),
    "only_problems": {"type": "bool", "default": False},
}
NOTHING = {
    "transfer_tasks": [],
    "streams": [],
    "not_found": [],
    "summary": {
        "total": 0,
        "healthy": 0,
        "by_state": {},
        "by_destination_type": {},
        "discarded_records": None,
        "oldest_transfer_age": None,
        "lag": None,
    },
}


STATES = "ABNORMAL CREATING DELETE ERROR PAUSED RUNNING STARTING"
DESTINATION_TYPES = "CLOUDTABLE DLI DWS MRS NOWHERE OBS OPENTSDB UQUERY"


def line(result: dict[str, t.Any]) -> str:
    """Return how many tasks there are, in one line."""
    from ansible_collections.hwcloud.streaming.plugins.module_utils import _standing

    summary = result["summary"]
    return _standing.tasks_line(
        summary["total"], "transfer task", len(result["streams"]), "stream", summary["by_state"]
    )


def check(options: _call.Options) -> _call.Asked | None:
    """Return what the options ask for."""
    stream_names = options.names("stream_names", longest=64)
    task_names = options.names("task_names", longest=64)
    states = options.words("states", STATES)
    destination_types = options.words("destination_types", DESTINATION_TYPES)
    details, lag = options.params["details"], options.params["lag"]
    if lag and not details:
        raise ConfigurationError(
            "lag is true and details is false: the lag needs the details, leave one of the two out."
        )
    if "max_lag" in options.limits and not lag:
        options.warn("max_lag is ignored without lag: set lag to true, at one more request for each stream.")
    if stream_names == [] or task_names == []:
        return None
    from ansible_collections.hwcloud.streaming.plugins.module_utils._dis import tasks

    wanted = tasks.Wanted(stream_names, task_names, states, destination_types)
    return "dis", lambda client: tasks.transfer_tasks(client, wanted, details, options.now, lag)


QUESTION = _call.Question(OPTIONS, NOTHING, check, line, "transfer_tasks")


def main() -> None:
    """Run the module."""
    _module.run(QUESTION)


if __name__ == "__main__":
    main()
