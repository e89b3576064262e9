#!/usr/bin/python

# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Facts about what the transfer tasks of DIS streams have moved, from their logs."""

from __future__ import annotations

DOCUMENTATION = r"""
module: dis_transfer_task_log_info
short_description: Gather the logs of transfer (dump) tasks of DIS streams
description:
  - Reads the logs of Data Ingestion Service (DIS) transfer tasks, one entry for each file that was written, and sums them up.
  - The pages of all tasks are fetched concurrently. Entries that are added meanwhile are neither doubled nor do they push others out.
  - The options of its own are O(task_ids), O(stream_names), O(task_names), O(order), O(sort_by), O(limit), O(summary_only),
    O(page_size), O(since), O(until) and O(max_age). All others are the connection, which is best left to environment variables or to
    C(module_defaults).
options:
  task_ids:
    description:
      - IDs of the transfer tasks to read. A single ID works too.
      - Exactly one of O(task_ids) and O(stream_names) is required. M(hwcloud.streaming.dis_transfer_task_info) returns the IDs and the
        names that there are.
    type: list
    elements: str
    aliases:
      - task_id
  stream_names:
    description:
      - Names of the streams whose transfer tasks to read. Their IDs are looked up, at one request for each stream.
    type: list
    elements: str
    aliases:
      - stream_name
  task_names:
    description:
      - Names of the transfer tasks to read. When not set, every task of O(stream_names).
      - Cannot be set together with O(task_ids).
    type: list
    elements: str
    aliases:
      - task_name
  order:
    description:
      - Whether the entries come from the last to the first or from the first to the last, in terms of O(sort_by).
    type: str
    default: desc
    choices:
      - desc
      - asc
  sort_by:
    description:
      - What the service sorts by. V(createTimeStr) is its default, the time at which the entry was created.
    type: str
    default: createTimeStr
    choices:
      - createTimeStr
      - startTime
      - endTime
      - state
      - records
      - readRecords
      - dataSize
  limit:
    description:
      - Entries to return for each task at most. V(0) returns all. No more pages than needed are fetched.
      - Large results cost time and memory in Ansible itself. Use O(summary_only=true) when the sums are enough.
    type: int
    default: 100
  summary_only:
    description:
      - Read all entries that match and return their sums only. RV(logs) is empty, RV(tasks) and RV(summary) cover them all, and
        O(limit) does not count. Memory stays flat however long the log is.
    type: bool
    default: false
  page_size:
    description:
      - Entries to ask for with one request, from 1 to 1000. The service may send fewer, which is noticed and followed.
    type: int
    default: 100
  since:
    description:
      - Keep only entries that started at this time or later. Takes ISO 8601, epoch milliseconds, or an age such as V(90s), V(15m), V(24h)
        or V(7d).
      - First the window counts, then O(limit).
      - With O(sort_by=startTime) reading begins at the end of the log that O(order) puts first and stops behind the window. What lies in
        front of the window costs a request for each page, so a window long ago is cheaper with O(order=asc) and O(page_size=1000).
      - With every other order each page has to be looked at.
    type: str
  until:
    description:
      - Keep only entries that started before this time, which is given like O(since).
    type: str
  max_age:
    description:
      - Longest time since the last entry of a task ended, in seconds or such as V(15m), V(2h) or V(1d).
      - What is beyond it is one of the RV(problems). It never fails the module.
    type: raw
    version_added: 1.1.0
seealso:
  - module: hwcloud.streaming.dis_transfer_task_info
  - plugin: hwcloud.streaming.healthy
    plugin_type: test
  - name: DIS API, querying the log of a transfer task
    description: The contract of the requests that the module sends.
    link: https://support.huaweicloud.com/intl/en-us/api-dis/Showtransfertasklog.html
extends_documentation_fragment:
  - hwcloud.streaming.attributes
  - hwcloud.streaming.connection
version_added: 1.0.0
author:
  - hwcloud.streaming contributors (!UNKNOWN)
"""

EXAMPLES = r"""
- name: What has been dumped from the stream in the last day
  hwcloud.streaming.dis_transfer_task_log_info:
    stream_names: orders
    since: 24h
    sort_by: startTime
    summary_only: true
  register: day

- name: Stop when nothing has been
  ansible.builtin.assert:
    that: day.summary.transfer_records_num > 0
    fail_msg: "Nothing was dumped from orders in 24 hours."

- name: The ten largest files of one task
  hwcloud.streaming.dis_transfer_task_log_info:
    task_ids: As805BudhcH1lDs6gbn
    sort_by: dataSize
    limit: 10
  register: largest

- name: Show them, unless the task is gone
  ansible.builtin.debug:
    msg: "{{ item.transfer_file_name }}: {{ item.transfer_bytes }} bytes"
  loop: "{{ largest.logs }}"
  loop_control:
    label: "{{ item.transfer_file_name }}"
  when: largest.not_found | length == 0

# Ad hoc:
#   ansible localhost -m hwcloud.streaming.dis_transfer_task_log_info -a 'stream_names=orders limit=5'
"""

RETURN = r"""
msg:
  description: How things stand, in one line. On failure what failed, and what to do about it.
  returned: always
  type: str
  version_added: 1.1.0
  sample: "100 of 288 log entries of 1 transfer task: 3294300 records in 3071868300 bytes; no problems"
problems:
  description:
    - All that is wrong, one sentence each, as the filter P(hwcloud.streaming.problems#filter) tells it for the same result with O(max_age).
    - On failure also what failed. Empty when all is well. That there is nothing to judge is a problem too.
  returned: always
  type: list
  elements: str
  version_added: 1.1.0
  sample:
    - "stream orders, task orders-to-dli: not found"
logs:
  description: The entries in the order asked for, task after task in the order of O(task_ids), or sorted by the names of stream and task.
  returned: always
  type: list
  elements: dict
  contains:
    transfer_task_id:
      description: ID of the task.
      type: str
      sample: As805BudhcH1lDs6gbn
    task_name:
      description: Name of the task, V(null) when it was asked for by ID.
      type: str
      sample: orders-to-obs
    stream_name:
      description: Name of the stream, V(null) when the task was asked for by ID.
      type: str
      sample: orders
    destination_type:
      description: Kind of destination. V(null) when the service does not tell.
      type: str
      sample: OBS
    state:
      description:
        - State of the entry as the service tells it, a number as far as is known. Its meaning is not documented. V(null) when the service
          does not tell.
      type: raw
      sample: 0
    start_time:
      description: When the transfer started, in epoch milliseconds. V(null) when the service does not tell.
      type: int
      sample: 1756539753280
    started_at:
      description: The same in ISO 8601, UTC. V(null) when the service does not tell.
      type: str
      sample: "2025-08-30T07:42:33.280Z"
    end_time:
      description: When the transfer ended, in epoch milliseconds. V(null) when the service does not tell.
      type: int
      sample: 1756540056070
    ended_at:
      description: The same in ISO 8601, UTC. V(null) when the service does not tell.
      type: str
      sample: "2025-08-30T07:47:36.070Z"
    duration_ms:
      description: Milliseconds between the two. V(null) when one of them is not known.
      type: int
      sample: 302790
    transfer_bytes:
      description: Bytes that were moved. V(null) when the service does not tell.
      type: int
      sample: 30718683
    transfer_records_num:
      description: Records that were moved. V(null) when the service does not tell.
      type: int
      sample: 32943
    transform_records_num:
      description: Records that were transformed. V(null) when the service does not tell.
      type: int
      sample: 0
    stream_id:
      description: ID of the stream. V(null) when the service does not tell.
      type: str
      sample: bxdSOIEYPwJdSlAqq5z
    project_id:
      description: ID of the project. V(null) when the service does not tell.
      type: str
      sample: 0123456789abcdef0123456789abcdef
    transfer_file_name:
      description: Name of the file that was written, unique for each entry. V(null) when the service does not tell.
      type: str
      sample: As805BudhcH1lDs6gbn.orders.0.1756539753290
    num:
      description: A number that the service sends along. Its meaning is not documented. V(null) when the service does not tell.
      type: int
      sample: 0
tasks:
  description: One entry for each task, in the same order.
  returned: always
  type: list
  elements: dict
  contains:
    transfer_task_id:
      description: ID of the task.
      type: str
      sample: As805BudhcH1lDs6gbn
    task_name:
      description: Name of the task, V(null) when it was asked for by ID.
      type: str
      sample: orders-to-obs
    stream_name:
      description: Name of the stream, V(null) when the task was asked for by ID.
      type: str
      sample: orders
    total_num:
      description: Number of entries that the service has, whatever the window.
      type: int
      sample: 288
    returned:
      description: Number of entries that the figures here cover, which are those in RV(logs). With O(summary_only=true), all that match.
      type: int
      sample: 100
    truncated:
      description: Whether there are more that match.
      type: bool
      sample: true
    transfer_bytes:
      description: Sum over the entries covered.
      type: int
      sample: 3071868300
    transfer_records_num:
      description: Sum over the entries covered.
      type: int
      sample: 3294300
    first_started_at:
      description: Earliest start of the entries covered, in ISO 8601, UTC. V(null) when none tells it.
      type: str
      sample: "2025-08-29T23:27:33.280Z"
    last_ended_at:
      description: Latest end of the entries covered, in ISO 8601, UTC. V(null) when none tells it.
      type: str
      sample: "2025-08-30T07:47:36.070Z"
not_found:
  description: What was asked for and does not exist.
  returned: always
  type: list
  elements: dict
  contains:
    transfer_task_id:
      description: ID of the absent task. V(null) when it was not asked for by ID.
      type: str
      sample: As805BudhcH1lDs6gbn
    stream_name:
      description:
        - Name of the absent stream, or the only stream that was asked for when a task is absent. V(null) when there was none, or more
          than one.
      type: str
      sample: orders
    task_name:
      description: Name of the absent task. V(null) when the stream itself is absent, or the task was asked for by ID.
      type: str
      sample: orders-to-dli
summary:
  description: All tasks in figures.
  returned: always
  type: dict
  contains:
    total_num:
      description: Sum of RV(tasks[].total_num).
      type: int
      sample: 288
    returned:
      description: Sum of RV(tasks[].returned).
      type: int
      sample: 100
    truncated:
      description: Whether any task has more entries that match.
      type: bool
      sample: true
    transfer_bytes:
      description: Sum of RV(tasks[].transfer_bytes).
      type: int
      sample: 3071868300
    transfer_records_num:
      description: Sum of RV(tasks[].transfer_records_num).
      type: int
      sample: 3294300
    bytes_per_second:
      description: Bytes a second over the time in which at least one transfer was under way. V(null) when there is none.
      type: float
      sample: 101452.105
    records_per_second:
      description: Records a second over the same time. V(null) when there is none.
      type: float
      sample: 108.798
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
    "task_ids": _options.names_option("task_id"),
    "stream_names": _options.names_option("stream_name"),
    "task_names": _options.names_option("task_name"),
    "order": {"type": "str", "default": "desc", "choices": ["desc", "asc"]},
    "sort_by": {
        "type": "str",
        "default": "createTimeStr",
        "choices": ["createTimeStr", "startTime", "endTime", "state", "records", "readRecords", "dataSize"],
    },
    "limit": {"type": "int", "default": 100},
    "summary_only": {"type": "bool", "default": False},
    "page_size": {"type": "int", "default": 100},
    "since": {"type": "str"},
    "until": {"type": "str"},
    **_options.limit_options("max_age"),
}
NOTHING = {
    "logs": [],
    "tasks": [],
    "not_found": [],
    "summary": {
        "total_num": 0,
        "returned": 0,
        "truncated": False,
        "transfer_bytes": 0,
        "transfer_records_num": 0,
        "bytes_per_second": None,
        "records_per_second": None,
    },
}


def line(result: dict[str, t.Any]) -> str:
    """Return how many entries there are, in one line."""
    from ansible_collections.hwcloud.streaming.plugins.module_utils import _standing

    summary = result["summary"]
    entries = f"{summary['returned']} of {summary['total_num']} log entries"
    moved = f"{_standing.counted(summary['transfer_records_num'], 'record')}"
    return (
        f"{entries} of {_standing.counted(len(result['tasks']), 'transfer task')}: {moved}"
        f" in {_standing.counted(summary['transfer_bytes'], 'byte')}"
    )


def moment(options: _call.Options, option: str) -> int | None:
    """Return an end of the window in epoch milliseconds."""
    from ansible_collections.hwcloud.streaming.plugins.module_utils import _judge

    value = (options.params[option] or "").strip()
    if not value:
        return None
    try:
        if value[-1] in "smhd":
            return options.now - (_judge.parse_duration(value) or 0)
        return _judge.parse_now(value)
    except _judge.JudgeError:
        raise ConfigurationError(
            f"{option} is {value!r}: it takes ISO 8601 such as 2026-01-02T03:04:05Z, epoch milliseconds, or an age such as 15m or 7d."
        ) from None


def check(options: _call.Options) -> _call.Asked | None:
    """Return what the options ask for."""
    params = options.params
    if params["task_ids"] is None and params["stream_names"] is None:
        raise ConfigurationError(
            "one of the following is required: task_ids, stream_names. The names of streams and tasks, and the tasks' IDs, "
            "are what hwcloud.streaming.dis_transfer_task_info returns: in transfer_tasks, as stream_name, task_name, task_id."
        )
    options.one_of("task_ids", "stream_names")
    options.one_of("task_ids", "task_names")
    task_ids = options.names("task_ids")
    stream_names, task_names = options.names("stream_names", longest=64), options.names("task_names", longest=64)
    since, until = moment(options, "since"), moment(options, "until")
    if since is not None and until is not None and since >= until:
        raise ConfigurationError(
            f"since ({params['since']}) is not before until ({params['until']}): no log can lie between."
        )
    if params["limit"] < 0:
        raise ConfigurationError(f"limit is {params['limit']}: it takes 1 or more, or 0 for all.")
    if not 1 <= params["page_size"] <= 1000:
        raise ConfigurationError(f"page_size is {params['page_size']}: it takes 1 to 1000.")
    if [] in (task_ids, stream_names, task_names):
        return None
    from ansible_collections.hwcloud.streaming.plugins.module_utils._dis import log_reader, logs, tasks

    query = log_reader.Query(
        order=params["order"],
        sort_by=params["sort_by"],
        limit=None if params["summary_only"] or params["limit"] == 0 else params["limit"],
        summary_only=params["summary_only"],
        page_size=params["page_size"],
        since=since,
        until=until,
        pages_at_once=params["concurrency"],
    )
    by_id = None if task_ids is None else [log_reader.Task(task_id) for task_id in task_ids]
    wanted = tasks.Wanted(stream_names, task_names)
    return "dis", lambda client: logs.facts(client, by_id, wanted, query)


QUESTION = _call.Question(OPTIONS, NOTHING, check, line)


def main() -> None:
    """Run the module."""
    _module.run(QUESTION)


if __name__ == "__main__":
    main()
