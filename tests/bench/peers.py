# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A worker that asks for the same facts as our module, as scripts do: the vendor's SDK, or `requests.get`.

With the question as an argument it is such a script itself, which asks for one list.
"""

# mypy: disable-error-code="no-untyped-call,attr-defined"

from __future__ import annotations

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from emulation import KEYS, PROJECT, TOKEN
from worker import serve

TASKS = ("task-1", "task-2")


def _sdk_client(url: str) -> Any:
    from huaweicloudsdkcore.auth.credentials import BasicCredentials
    from huaweicloudsdkdis.v2 import DisClient

    return DisClient.new_builder().with_credentials(BasicCredentials(*KEYS, PROJECT)).with_endpoint(url).build()


def script(wanted: dict[str, Any]) -> None:
    from huaweicloudsdkdis.v2 import ListTransferTasksRequest

    listed = _sdk_client(wanted["url"]).list_transfer_tasks(ListTransferTasksRequest(stream_name="stream-0001"))
    print(listed.total_number)


def by_sdk(wanted: dict[str, Any]) -> None:
    """One client for all requests, `threads` streams at a time."""
    from huaweicloudsdkdis.v2 import ListTransferTasksRequest, ShowTransferTaskRequest

    client = _sdk_client(wanted["url"])

    def one(stream: str) -> None:
        listed = client.list_transfer_tasks(ListTransferTasksRequest(stream_name=stream))
        for task in listed.tasks:
            client.show_transfer_task(ShowTransferTaskRequest(stream_name=stream, task_name=task.task_name))

    _each(one, wanted)


def by_requests(wanted: dict[str, Any]) -> None:
    """`requests.get` for each request: a connection each."""
    import requests

    options: dict[str, Any] = {"headers": {"X-Auth-Token": TOKEN}, "verify": wanted.get("ca") or True, "timeout": 60}

    def one(stream: str) -> None:
        path = f"{wanted['url']}/v2/{PROJECT}/streams/{stream}/transfer-tasks"
        for tail in ("", *(f"/{task}" for task in TASKS)):
            answer = requests.get(path + tail, **options)
            answer.raise_for_status()
            answer.json()

    _each(one, wanted)


def _each(one: Any, wanted: dict[str, Any]) -> None:
    streams = [f"stream-{number:04d}" for number in range(1, wanted["size"] + 1)]
    with ThreadPoolExecutor(wanted["threads"]) as executor:
        list(executor.map(one, streams))


def work(wanted: dict[str, Any]) -> dict[str, Any]:
    start = time.perf_counter()
    {"sdk": by_sdk, "requests": by_requests}[wanted["how"]](wanted)
    return {"seconds": time.perf_counter() - start}


if __name__ == "__main__":
    if len(sys.argv) > 1:
        script(json.loads(sys.argv[1]))
    else:
        serve(work)
