# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading the log of one transfer task: which pages, in which order, and what a row is counted into."""

from __future__ import annotations

import typing as t
from array import array
from bisect import bisect_left
from functools import partial
from operator import itemgetter

from ansible_collections.hwcloud.streaming.plugins.module_utils import _shape
from ansible_collections.hwcloud.streaming.plugins.module_utils._dis import facts
from ansible_collections.hwcloud.streaming.plugins.module_utils._dis.service import ABSENT, DIS
from ansible_collections.hwcloud.streaming.plugins.module_utils._shape import Facts
from ansible_collections.hwcloud.streaming.plugins.module_utils._wire.client import Client
from ansible_collections.hwcloud.streaming.plugins.module_utils._wire.errors import RefusedInside, ShapeError
from ansible_collections.hwcloud.streaming.plugins.module_utils._wire.request import Flow, Request, path

SUCCESS_CODES = (None, "-1", "0", "")  # the service's own example of a success says -1
ROUNDS = 3  # how often a log that changes while it is read is read again
MOVES = 20  # how often rows that have moved to other pages are looked for
BY_TIME = ("createTimeStr", "startTime", "endTime")
ENDLESS = 2**62  # rows, as long as the service does not tell how many there are


class Query(t.NamedTuple):
    """What to read of each task's log. `limit` None is all; `since` and `until` are epoch milliseconds or None."""

    order: str
    sort_by: str
    limit: int | None
    summary_only: bool
    page_size: int
    since: int | None
    until: int | None
    pages_at_once: int

    def holds(self, start: int | None) -> bool:
        """Tell whether a row with this start time lies in the window."""
        if not self.windowed:
            return True
        return start is not None and max(1, self.since or 1) <= start and (self.until is None or start < self.until)

    @property
    def windowed(self) -> bool:
        """Tell whether there is a window at all."""
        return self.since is not None or self.until is not None


class Task(t.NamedTuple):
    """A transfer task whose log is to be read; the names are None when only the ID is known."""

    task_id: str
    stream_name: str | None = None
    task_name: str | None = None


class Page(t.NamedTuple):
    """One page of a log: how many rows the service has in all (None: not told), the rows of this page as facts, each once."""

    total: int | None
    rows: list[Facts]


def read(client: Client, task: Task, query: Query) -> Flow:
    """Return (a reader that has read, the service's code for "there is no such thing", "" where there is one).

    Under an order that is not one of time new rows land anywhere: a log that grew meanwhile is read anew.
    """
    before = None
    for _round in range(ROUNDS):
        reader = Reader(client, task, query)
        absent = yield reader.read()
        if absent is None and before:  # what came before is better than nothing
            before.more = True
            return before, ""
        if not reader.grown or query.sort_by in BY_TIME:
            break
        before = reader
    return reader, absent


def _identity(row: Facts) -> int:
    name = row["transfer_file_name"]
    return hash((name, row["start_time"]) if name else tuple(map(str, row.values())))


class _Identities:
    """A set of hashes in 8 bytes each, where a set of Python takes ten times that: a log may have any number of rows."""

    def __init__(self) -> None:
        self._buckets = [array("q") for _bucket in range(256)]
        self.count = 0

    def add(self, value: int) -> bool:
        """Add a hash; return whether it is new."""
        bucket = self._buckets[value & 255]
        place = bisect_left(bucket, value)
        if place < len(bucket) and bucket[place] == value:
            return False
        bucket.insert(place, value)
        self.count += 1
        return True


class Reader:
    """Reads one task's log from its near end and keeps what was asked for of it.

    The first page tells the total. A row's place is given by its page, its place on the page and by how far the log has
    grown since the first page: new rows come first under `desc`, last under `asc`. It is known again by its file name,
    which the service documents as unique, and its start. So a row that moves to another page meanwhile is neither lost
    nor doubled, and rows that are newer than the first page are left out.
    """

    def __init__(self, client: Client, task: Task, query: Query) -> None:
        self.client, self.task, self.query = client, task, query
        self._body = {"order": query.order, "sortBy": query.sort_by}
        self.rows: list[Facts] = []
        self.total = self.returned = self.bytes = self.records = self.grown = 0
        self.more = False
        self.first_started: int | None = None
        self.last_ended: int | None = None
        self.busy = facts.BusyTime(query.order == "desc")
        # Times count backwards under `desc`, so that what comes first is always the smaller one.
        self._sign = -1 if query.order == "desc" else 1
        begin = -ENDLESS if query.since is None else query.since
        end = ENDLESS if query.until is None else query.until - 1
        self._near, self._far = sorted((self._sign * begin, self._sign * end))
        self._by_time = query.windowed and query.sort_by == "startTime"
        self._limit = ENDLESS if query.limit is None or query.windowed else query.limit
        self._size = min(query.page_size, self._limit)
        self._endless, self._absent = False, ""
        self._end = ENDLESS  # the first page that brought nothing
        self._known = _Identities()
        self._matching = 0  # rows in the window
        self._kept: list[tuple[int, Facts]] = []  # with their places
        self._covered: list[tuple[int, int]] = []  # the places that each page brought, from and to
        self._starts: dict[int, tuple[int, int]] = {}  # signed, of each page's first and last row

    def read(self) -> Flow:
        """Read what the query needs; return the code for an absent task, else "", None when page 1 had no answer."""
        reply = yield self._page(1)
        if reply.absent:
            return reply.code
        if reply.failure:
            return None
        rows = len(reply.value.rows)
        self._endless = reply.value.total is None and bool(rows)
        self.total = ENDLESS if self._endless else reply.value.total or 0
        self._by_time = (
            self._by_time and bool(rows) and not self._endless
        )  # without a total all rows have to be counted
        self._take(1, reply.value)
        usual = rows in (0, min(self._size, self.total))
        if not usual:  # a page size of the service's own, or its total is too large: page 2 tells
            self._size = rows
        whole = yield from self._read_on(usual)
        if self._endless:
            self.total = self._known.count
        self._finish(whole)
        return self._absent

    def entry(self) -> Facts:
        """Return the task's entry in `tasks`."""
        return {
            "transfer_task_id": self.task.task_id,
            "task_name": self.task.task_name,
            "stream_name": self.task.stream_name,
            "total_num": self.total,
            "returned": self.returned,
            "truncated": self.more,
            "transfer_bytes": self.bytes,
            "transfer_records_num": self.records,
            "first_started_at": _shape.moment(self.first_started),
            "last_ended_at": _shape.moment(self.last_ended),
        }

    # -- which pages

    def _read_on(self, usual: bool) -> Flow:
        """Read batch after batch until nothing that is wanted can follow; return whether all of that has come."""
        page = 1
        while page < self._last_page and not self._done(page):
            last = min(self._last_page, page + (self._batch(page) if usual else 1))
            usual = True
            if not (yield from self._collect(page + 1, last)):
                return False
            last = min(last, self._last_page)
            if self._by_time and not self.grown:  # pages of a log that has grown overlap
                steps = [(self._starts[index][1], self._starts[index + 1][0]) for index in range(page, last)]
                self._by_time = all(before <= after for before, after in steps)
            page = last
        all_read = self._done(page) or self._endless or self._known.count >= self.total
        return all_read and not self._missing(page)

    @property
    def _last_page(self) -> int:
        """The last page that can hold what is wanted. Where no total tells whether there are more, one more row does."""
        return min(-(-min(self.total, self._limit + self._endless) // self._size), self._end - 1)

    def _done(self, page: int) -> bool:
        """Tell whether the limit is passed, or the last row of a page lies behind the window."""
        full = self.query.limit is not None and self._matching > self.query.limit
        return full or (self._by_time and self._starts[page][1] > self._far)

    def _batch(self, page: int) -> int:
        """Return how many pages to read together: all, or as many as the window and the limit probably need."""
        if self.query.limit is None and not self._by_time:
            return self._last_page
        likely = self.query.pages_at_once
        if self._by_time:
            likely = min(likely, self._pages_to(self._far, page))
            if self.query.limit is not None:
                left = -(-(self.query.limit + 1 - self._matching) // self._size)
                likely = min(likely, self._pages_to(self._near, page) + left)
        return max(1, likely)

    def _pages_to(self, moment: int, page: int) -> int:
        """Return how many pages a moment probably is away, going by the time that a page spans."""
        first, last = self._starts[page]
        per_page = (last - first) * self._size // max(1, self._size - 1)
        return max(0, -(-(moment - last) // per_page)) if per_page else 1

    # -- pages

    def _page(self, index: int) -> Request:
        return Request(
            DIS,
            "POST",
            path("v1", "transfertasklog", self.task.task_id),
            f"the log of transfer task {self.task.task_name or self.task.task_id}",
            partial(page_of, first=index == 1),
            body={**self._body, "pageInfo": {"pageIndex": index, "pageTotal": self._size}},
            absent=ABSENT,
        )

    def _collect(self, first: int, last: int) -> Flow:
        """Read these pages, then those that their rows have moved to meanwhile; return whether all had an answer."""
        pages: t.Sequence[int] = range(first, last + 1)
        for again in range(MOVES):
            upcoming = iter(pages)
            lanes = yield [self._lane(upcoming, again > 0) for _lane in range(self.query.pages_at_once)]
            pages = self._missing(min(last, self._last_page))
            if not pages or not all(lanes):
                break
        return all(lanes)

    def _missing(self, page: int) -> list[int]:
        """Return the pages on which rows stand now that should have come up to a page, but moved on as the log grew."""
        if self._sign > 0 or not self.grown or self._known.count >= self.total:
            return []
        wanted = min(page * self._size, self.total) if page >= self._last_page else 0
        pages: set[int] = set()
        reached = 0
        for start, end in [*sorted(self._covered), (wanted, wanted)]:
            if reached < start:
                pages.update(range((reached + self.grown) // self._size, (start - 1 + self.grown) // self._size + 1))
            reached = max(reached, end)
        return [index + 1 for index in sorted(pages)]

    def _lane(self, pages: t.Iterator[int], again: bool) -> Flow:
        """Read the next page as long as there is one. Each is counted at once, so that none is kept longer than needed."""
        for index in pages:
            if index >= self._end and not again:
                break
            reply = yield self._page(index)
            if reply.value is None:
                self._absent = self._absent or reply.code  # gone while it was read
                return False
            new = self._take(index, reply.value)
            # Nothing, or nothing new: whatever the total says, what comes after is not to be had.
            if not again and not new and (not reply.value.rows or self.grown < self._size):
                self._end = min(self._end, index)
        return True

    # -- rows

    def _take(self, index: int, page: Page) -> int:
        """Count the rows of a page that are not known yet and lie in the window; return how many are new."""
        moved = max(0, (page.total or 0) - self.total)
        self.grown = max(self.grown, moved)
        first = (index - 1) * self._size - (moved if self._sign < 0 else 0)
        known = self._known.count
        for place, row in enumerate(page.rows, first):
            if 0 <= place < self.total and self._known.add(_identity(row)) and self.query.holds(row["start_time"]):
                self._matching += 1
                if self.query.summary_only:
                    self._count(row)
                else:
                    self._kept.append((place, row))
        self._covered.append((first, first + len(page.rows)))
        starts = [self._sign * row["start_time"] for row in page.rows if row["start_time"] is not None]
        if starts:
            self._starts[index] = starts[0], starts[-1]
        self._by_time = self._by_time and len(starts) == len(page.rows) and starts == sorted(starts)
        return self._known.count - known

    def _count(self, row: Facts) -> None:
        start, end = row["start_time"], row["end_time"]
        self.returned += 1
        self.bytes += _shape.counted(row["transfer_bytes"]) or 0
        self.records += _shape.counted(row["transfer_records_num"]) or 0
        if start and start > 0:
            self.first_started = min(start, self.first_started or start)
        if end and end > 0:
            self.last_ended = max(end, self.last_ended or end)
        self.busy.add(start, end)

    def _finish(self, whole: bool) -> None:
        """Put the rows into their places (pages may have come in any order), cut them to the limit and count them."""
        self._kept.sort(key=itemgetter(0))
        for _place, row in self._kept[: self.query.limit]:
            row["task_name"], row["stream_name"] = self.task.task_name, self.task.stream_name
            row["transfer_task_id"] = self.task.task_id
            self.rows.append(row)
            self._count(row)
        self._kept = []
        self.more = not whole or self.returned < (self._matching if self.query.windowed else self.total)


def page_of(body: t.Any, first: bool = True) -> Page:
    """Return a page of a log, whose rows may come as a list, as a single object or as null.

    The service tells a failure inside an answer with HTTP status 200: a message, or a code other than -1 and its like.
    The first page of a log that has rows has some; behind the last one null is as good as an empty list.
    """
    told: Facts = {}
    for key, value in body.items():
        name = _shape.clean_name(key)
        if told.get(name) is None:
            told[name] = value
    code, message = _shape.text(told, "error_code"), _shape.text(told, "message")
    if message or code not in SUCCESS_CODES:
        raise RefusedInside("" if code in SUCCESS_CODES else code, message or "the service gives no reason")
    if "total_num" not in told and "transfer_task_log_list" not in told:
        raise ShapeError("neither totalNum nor transferTaskLogList is in the answer")
    rows = [facts.log(row) for row in _shape.objects(told, "transfer_task_log_list")]
    rows = list({_identity(row): row for row in rows}.values())
    total = _shape.number(told, "total_num")
    if first and total and told.get("transfer_task_log_list") is None:
        raise ShapeError(f"totalNum is {total} but there is no transferTaskLogList")
    return Page(None if total is None or total < len(rows) else total, rows)
