# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One way to read a list page by page; what the next page is and whether there is one is handed in."""

from __future__ import annotations

import typing as t
from functools import partial

from ansible_collections.hwcloud.streaming.plugins.module_utils._wire.errors import ShapeError
from ansible_collections.hwcloud.streaming.plugins.module_utils._wire.request import Flow, Request

ENTRIES_LIMIT = 10_000  # of a list: far beyond every quota, and few enough to be shaped and returned when time is over


class Page(t.NamedTuple):
    """One page, as its request's shape returns it.

    more: whether there is another. total: how many entries the list has, where it goes on until so many have come.
    told: whatever else the page says.
    """

    entries: t.List[t.Any]
    more: bool
    total: t.Optional[int] = None
    told: t.Any = None


class Pages(t.NamedTuple):
    """A list: its entries, each once, whether it could be read to its end, what else each of its pages told.

    absent: the service's code for "there is no such thing", which ended it. stuck: the last page brought nothing new
    although there should have been more. found: what the flow that followed each entry returned.
    """

    entries: t.List[t.Any]
    complete: bool
    told: t.List[t.Any]
    absent: str
    stuck: bool
    found: t.Sequence[t.Any]


def read(
    ask: t.Callable[[t.Optional[Page], int], Request],
    key: t.Callable[[t.Any], t.Hashable],
    ends: frozenset[str] = frozenset(),
    follow: t.Callable[[t.Any], Flow] | None = None,
    may_repeat: bool = True,
) -> Flow:
    """Return the Pages of a list.

    ask: returns the request for the page after a page (None: the first one), with how many entries have come so far.
    key: by what an entry is known when it comes again. ends: the service's codes and kinds of failure that mean, for
    any page but the first, that the list is at its end. follow: a flow for each new entry, run while the next page is
    on its way. A page that brings nothing new ends the list, whatever the service says of more. Where pages may not
    repeat it is a failure, since what is missing is not known, unless it is empty and only a total speaks of more. A
    list of more than ENTRIES_LIMIT entries is a failure of the page after.
    """
    known: dict[t.Hashable, t.Any] = {}
    found: list[t.Any] = []
    told: list[t.Any] = []
    total: int | None = None
    count = 0
    request = ask(None, 0)
    reply = yield request if may_repeat else request._replace(shape=partial(_going_on, request.shape, key, frozenset()))
    while True:
        if reply.failure or reply.absent:
            why = reply.failure.kind if reply.failure else reply.code
            return Pages(list(known.values()), bool(told) and why in ends, told, reply.code, False, found)
        page: Page = reply.value
        told.append(page.told)
        total = total if page.total is None else page.total
        count += len(page.entries)
        new: dict[t.Hashable, t.Any] = {}
        for entry in page.entries:
            if key(entry) not in known:
                new.setdefault(key(entry), entry)
        known.update(new)
        more = _more(page, total, len(known))
        wanted: list[t.Any] = [follow(entry) for entry in new.values()] if follow else []
        if more and new:
            request = ask(page, count)
            if len(known) >= ENTRIES_LIMIT:
                request = request._replace(shape=_without_end)
            elif not may_repeat:
                request = request._replace(shape=partial(_going_on, request.shape, key, frozenset(known)))
            wanted.append(request._replace(absent=request.absent | ends, tolerated=request.tolerated | ends))
        replies = yield wanted
        found += replies[: len(new)] if follow else ()
        if not more or not new:
            return Pages(list(known.values()), True, told, "", more, found)
        reply = replies[-1]


def _more(page: Page, total: int | None, known: int) -> bool:
    return page.more or (total is not None and known < total)


def _going_on(
    shape: t.Callable[[t.Any], Page], key: t.Callable[[t.Any], t.Hashable], known: frozenset[t.Hashable], body: t.Any
) -> Page:
    page = shape(body)
    more = _more(page, page.total, len(known)) if page.entries else page.more
    if more and known.issuperset(map(key, page.entries)):
        raise ShapeError("a page of the list brings nothing new, and the rest is not to be had")
    return page


def _without_end(_body: t.Any) -> t.NoReturn:
    raise ShapeError(f"the list goes on after {ENTRIES_LIMIT} entries")
