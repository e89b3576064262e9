# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Distributed Message Service: its error codes, and how a request and a list of its look."""

from __future__ import annotations

import typing as t
from functools import partial

from ansible_collections.hwcloud.streaming.plugins.module_utils import _paging, _shape
from ansible_collections.hwcloud.streaming.plugins.module_utils._shape import Facts
from ansible_collections.hwcloud.streaming.plugins.module_utils._wire.client import Client
from ansible_collections.hwcloud.streaming.plugins.module_utils._wire.request import Flow, Request, Service, path

NO_INSTANCE, NO_CONNECTOR, NO_TASK = "DMS.00404022", "DMS.00404024", "DMS.00404026"
ABSENT = frozenset({NO_INSTANCE, NO_CONNECTOR, NO_TASK})
# An offset at or past the total: what was there when the total was told is gone. The first is what the list of instances
# says, the second the lists below an instance.
PAST_THE_END = frozenset({"DMS.40050010", "DMS.00400062"})
TOO_MANY_REQUESTS = frozenset({"DMS.10240407", "10240407"})  # with the status 404; the number alone is the old form
COUNTS = ("total_number", "max_tasks", "quota_tasks")
ENTRIES_A_PAGE = 50  # the most that the service takes for instances and Smart Connect tasks


def _kind(_status: int, code: str) -> tuple[str, bool] | None:
    return ("throttled", True) if code in TOO_MANY_REQUESTS else None


def _unshaped(body: t.Any) -> t.Any:
    return body


DMS = Service("dms", _kind)


def get(
    client: Client,
    segments: t.Sequence[str],
    purpose: str,
    shape: t.Callable[[t.Any], t.Any] = _unshaped,
    **fields: t.Any,
) -> Request:
    """Return a question to DMS about a resource of the client's project; `listing` and `tasks_of` set shapes of their own."""
    return Request(DMS, "GET", path("v2", client.project_id or "", *segments), purpose, shape, **fields)


def counts(told: Facts) -> Facts:
    """Return what a (tidied) list of tasks says of their number."""
    return {name: _shape.number(told, name) for name in COUNTS}


def listing(
    request: Request,
    key: t.Callable[[t.Any], t.Hashable],
    shape: t.Callable[[Facts], t.Any],
    fields: tuple[str, str],
) -> Flow:
    """Return the Pages of a list that goes by offset; `fields` name its total and its entries, `shape` makes one.

    What else a page tells are COUNTS. An offset at or past the total is an error of the service, so
    the total ends the list (without one, a page that is not full). A server that caps the page size is followed: the
    offset is what has come.
    """

    def ask(_last: _paging.Page | None, count: int) -> Request:
        query = {**(request.query or {}), "limit": ENTRIES_A_PAGE, "offset": count}
        return request._replace(query=query, shape=partial(page, offset=count))

    def page(body: t.Any, offset: int) -> _paging.Page:
        told = _shape.tidy(body)
        total, entries = _shape.page_of(told, *fields, first=not offset)
        more = total is None and len(entries) >= ENTRIES_A_PAGE
        return _paging.Page([shape(entry) for entry in entries], more, total, counts(told))

    pages: _paging.Pages = yield _paging.read(ask, key, PAST_THE_END, may_repeat=False)
    return pages
