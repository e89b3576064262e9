# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs flows through the real client over a transport that is a function, so that no socket is needed."""

from __future__ import annotations

import json
import typing as t
from urllib.parse import parse_qsl, unquote, urlsplit

from ansible_collections.hwcloud.streaming.plugins.module_utils._identity import endpoints as _endpoints
from ansible_collections.hwcloud.streaming.plugins.module_utils._identity.secrets import Cleaner
from ansible_collections.hwcloud.streaming.plugins.module_utils._wire import client as _client
from ansible_collections.hwcloud.streaming.plugins.module_utils._wire import request as _request
from ansible_collections.hwcloud.streaming.plugins.module_utils._wire.errors import Failure
from ansible_collections.hwcloud.streaming.plugins.module_utils._wire.transport import Answer

PROJECT = "0123456789abcdef0123456789abcdef"
STREAM_ABSENT = (400, {"errorCode": "DIS.4301", "message": "Stream does not exist."})
TASK_ABSENT = (400, {"errorCode": "DIS.4354", "message": "The transfer task does not exist."})
INSTANCE_ABSENT = (404, {"error_code": "DMS.00404022", "error_msg": "This instance does not exist."})
CONNECTOR_ABSENT = (404, {"error_code": "DMS.00404024", "error_msg": "Connector does not exist."})
SINK_TASK_ABSENT = (404, {"error_code": "DMS.00404026", "error_msg": "The dumping task does not exist."})
BROKEN = (500, {"errorCode": "DIS.5000", "message": "System error."})
REFUSED = (400, {"errorCode": "DIS.4200", "message": "Invalid request."})


class Asked(t.NamedTuple):
    """A request as it would have left."""

    method: str
    path: str  # without the version and the project
    query: dict[str, str]
    sent: t.Any


Service = t.Callable[[Asked], t.Any]  # returns a body, or (status, body)


class _Transport:
    connections = 0

    def __init__(self, service: Service) -> None:
        self.service = service
        self.asked: list[Asked] = []

    def send(
        self,
        method: str,
        base: str,
        url: str,
        headers: dict[str, str],
        body: bytes,
        longest: float,
        proxied: bool,
        fresh: bool,
    ) -> Answer:
        parts = urlsplit(url)
        path = unquote(parts.path).replace(f"/v2/{PROJECT}/", "").replace("/v1/transfertasklog/", "")
        asked = Asked(method, path, dict(parse_qsl(parts.query)), json.loads(body) if body else None)
        self.asked.append(asked)
        answer = self.service(asked)
        status, value = answer if isinstance(answer, tuple) else (200, answer)
        return Answer(status, {}, value if isinstance(value, bytes) else json.dumps(value).encode())

    def close(self) -> None:
        """Nothing is open."""


class Outcome(t.NamedTuple):
    """What a flow came to."""

    value: t.Any
    failures: list[Failure]
    asked: list[Asked]


def run(
    flow: t.Callable[[_client.Client], _request.Flow], service: Service | dict[str, t.Any], concurrency: int = 4
) -> Outcome:
    """Run a flow to its end. A service is a function, or a dict of answers by path."""
    answers = service if isinstance(service, dict) else {}
    transport = _Transport(service if callable(service) else lambda asked: answers[asked.path])
    client = _client.Client(
        t.cast(t.Any, transport),
        lambda _name: _endpoints.parse("dis_endpoint", "http://127.0.0.1"),
        _client.Policy(20.0, 0, concurrency),
        Cleaner().clean,
        lambda _count: None,
    )
    client.project_id = PROJECT
    try:
        value = client.run(flow(client))
    finally:
        client.close()
    failures = sorted(client.failures, key=lambda entry: t.cast(t.Any, entry[0]))
    return Outcome(value, [failure for _place, failure in failures], transport.asked)
