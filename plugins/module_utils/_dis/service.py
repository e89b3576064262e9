# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Data Ingestion Service: its error codes, and how a request to it looks."""

from __future__ import annotations

import typing as t

from ansible_collections.hwcloud.streaming.plugins.module_utils._wire.client import Client
from ansible_collections.hwcloud.streaming.plugins.module_utils._wire.errors import Failure
from ansible_collections.hwcloud.streaming.plugins.module_utils._wire.request import Request, Service, path

# "Stream does not exist" and "transfer task does not exist" come with HTTP status 400.
NO_STREAM, NO_TASK = "DIS.4301", "DIS.4354"
ABSENT = frozenset({NO_STREAM, NO_TASK})
TOO_MANY_REQUESTS = frozenset({"DIS.4303", "DIS.4305"})  # with the status 400
BLACKLISTED = "DIS.4309"


def _kind(status: int, code: str) -> tuple[str, bool] | None:
    if code == BLACKLISTED:
        return "throttled", False
    if code in TOO_MANY_REQUESTS:
        return "throttled", True
    if status != 200:
        return None
    if code == "DIS.4116":
        return "authorization", False
    if code.startswith("DIS.41") and code < "DIS.4115":
        return "authentication", False
    return ("invalid_request", False) if code.startswith("DIS.4") else None


def _advice(failure: Failure) -> str:
    if failure.error_code == BLACKLISTED:
        return "The service has blacklisted this address for too many failed requests: stop asking for 30 minutes."
    return ""


DIS = Service("dis", _kind, _advice)


def get(
    client: Client, segments: t.Sequence[str], purpose: str, shape: t.Callable[[t.Any], t.Any], **fields: t.Any
) -> Request:
    """Return a question to DIS about a resource of the client's project."""
    return Request(DIS, "GET", path("v2", client.project_id or "", *segments), purpose, shape, **fields)
