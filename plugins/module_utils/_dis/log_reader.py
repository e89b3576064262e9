# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading the log of one transfer task: which pages, in which order, and what a row is counted into."""

from __future__ import annotations

import typing as t
from array import array
from bisect import bisect_left
from functools import partial

from ansible_collections.hwcloud.streaming.plugins.module_utils import _shape
from ansible_collections.hwcloud.streaming.plugins.module_utils._dis import facts
from ansible_collections.hwcloud.streaming.plugins.module_utils._dis.service import ABSENT, DIS
from ansible_collections.hwcloud.streaming.plugins.module_utils._shape import Facts
from ansible_collections.hwcloud.streaming.plugins.module_utils._wire.client import Client
from ansible_collections.hwcloud.streaming.plugins.module_utils._wire.errors import RefusedInside, ShapeError
from ansible_collections.hwcloud.streaming.plugins.module_utils._wire.request import Flow, Request, path

SUCCESS_CODES = (None, "-1", "0", "")  # the service's own example of a success says -1
ROUNDS = 3  # how often a log that changes while it is read is read again
MOVES = 10  # how often rows that have moved to other pages are looked for
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
        if self.since is None and self.until is None:
            return True
        if start is None or start <= 0:
            return False
        return (self.since is None or self.since <= start) and (self.until is None or start < self.until)

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
    """Return (a reader that has read, whether the task is absent).

    Under an order that is not one of time new rows land anywhere: a log that grew meanwhile is read anew.
    """
    reader = Reader(client, task, query)
    absent = yield reader.read()
    for _round in range(ROUNDS - 1):
        if not reader.grown or query.sort_by in BY_TIME:
            break
        again = Reader(client, task, query)
        absent = yield again.read()
        if absent is None:  # what came before is better than nothing
            reader.more = True
            return reader, False
        reader = again
    return reader, absent


def _identity(row: Facts) -> int:
    name = row["transfer_file_name"]
    return hash((name, row["start_time"]) if name else tuple(map(str, row.values())))


class _Span(t.NamedTuple):
    """What a page told: by how much the log had grown by then, its first and last start times, whether all are in order."""

    moved: int
    first: int | None
    last: int | None
    ordered: bool


class _Identities:
    """A set of hashes in 8 bytes each, where a set of Python takes ten times that: a log may have any number of rows."""

    def __init__(self) -> None:
        self._buckets = [array("q") for _bucket in range(256)]
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, value: int) -> bool:
        """Add a hash; return whether it is new."""
        bucket = self._buckets[value & 255]
        place = bisect_left(bucket, value)
        if place < len(bucket) and bucket[place] == value:
            return False
        bucket.insert(place, value)
        self._count += 1
        return True


class Reader:
    """Reads one task's log from its near end, and keeps what was asked for of it.

    The first page tells the total. A row's place is given by its page, its place on the page and by how far the log has
    grown since the first page: new rows come first under `desc`, last under `asc`. A row is known again by its file
    name, which the service documents as unique, and its start. So one that moves to another page meanwhile is neither
    lost nor doubled, and rows that are newer than the first page are left out.
    """

    def __init__(self, client: Client, task: Task, query: Query) -> None:
        self.client, self.task, self.query = client, task, query
        self.rows: list[Facts] = []
        self.total = 0
        self.returned = 0
        self.more = False
        self.bytes: int | None = None
        self.records: int | None = None
        self.first_started: int | None = None
        self.last_ended: int | None = None
        self.busy = facts.BusyTime(query.order == "desc")
        self.grown = 0
        self._size = query.page_size
        if query.limit is not None and not query.windowed:
            self._size = min(query.page_size, query.limit)
        self._matched = 0  # rows in the window
        self._endless = False
        self._absent = False
        self._known = _Identities()
        self._places: list[int] = []
        self._spans: dict[int, _Span] = {}
        self._end: int | None = None  # the first page that brought nothing

    def read(self) -> Flow:
        """Read what the query needs; return whether the task is absent, None when its first page had no answer."""
        reply = yield self._page(1)
        if reply.absent:
            return True
        if reply.failure:
            return None
        self._endless = reply.value.total is None and len(reply.value.rows) > 0
        self.total = ENDLESS if self._endless else reply.value.total or 0
        rows = self._take(1, reply.value)
        if 0 < rows < self.total:  # the service caps the size of pages without saying so, or has one of its own
            self._size = rows if rows < self._size else max(self._size, rows)
        complete = (yield from self._read_on()) if rows else not self.total
        whole = complete and (self._endless or len(self._known) >= self.total or (self._behind() and not self._lost()))
        if self._endless:
            self.total = len(self._known)
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
            "transfer_bytes": self.bytes or 0,
            "transfer_records_num": self.records or 0,
            "first_started_at": _shape.moment(self.first_started),
            "last_ended_at": _shape.moment(self.last_ended),
        }

    # -- which pages

    def _read_on(self) -> Flow:
        """Read page after page as far as rows are wanted, then those again from which rows have moved away.

        Return whether all of them had an answer. Where the window or the limit may end it, as many pages are read
        together as have been read before.
        """
        page = 1
        for _round in range(MOVES):
            while page < self._last_page and not self._satisfied(page):
                together = min(page, self.query.pages_at_once) if self.query.windowed else self._last_page
                last = min(self._last_page, page + together)
                if not (yield from self._read_pages(range(page + 1, last + 1))):
                    return False
                page = last
            lost = self._lost()
            if not lost:
                break
            if not (yield from self._read_pages(lost)):
                return False
        return True

    @property
    def _last_page(self) -> int:
        """The last page that can hold what is wanted; with a window that is any page."""
        wanted = self.total
        if self.query.limit is not None and not self.query.windowed:
            # Where no total tells whether there are more, one more row does.
            wanted = min(wanted, self.query.limit + self._endless)
        last = -(-(wanted + self._moved(self.grown)) // self._size)
        return last if self._end is None else min(last, self._end - 1)

    def _moved(self, grown: int) -> int:
        return grown if self.query.order == "desc" else 0

    def _satisfied(self, page: int) -> bool:
        """Tell whether what comes after a page can hold nothing that is wanted: the limit is passed, or the window."""
        if self.query.windowed and self.query.limit is not None:
            whole = page * self._size - self._moved(self.grown)  # up to this place all rows have come, or are lost
            if sum(place < whole for place in self._places) > self.query.limit:
                return True
        return self._behind()

    def _behind(self) -> bool:
        """Tell whether what was read last lies behind the window, in a log that is in the order of time as far as was read."""
        if not self.query.windowed or self.query.sort_by != "startTime" or self._endless:
            return False
        spans = [span for _page, span in sorted(self._spans.items()) if span.last is not None]
        if not all(span.ordered for span in spans):
            return False
        newest_first = self.query.order == "desc"
        steps = [(before.last or 0, after.first or 0) for before, after in zip(spans, spans[1:])]
        # Pages of a log that has grown meanwhile overlap.
        if not self.grown and any(last < first if newest_first else last > first for last, first in steps):
            return False
        far = self.query.since if newest_first else self.query.until
        last = spans[-1].last if spans else None
        return far is not None and last is not None and (last < far if newest_first else last >= far)

    def _lost(self) -> list[int]:
        """Return the pages that were told before the log grew while one in front of them was told after it.

        What has moved from that one to them meanwhile is on neither.
        """
        lost, moved = [], 0
        for page, span in sorted(self._spans.items()):
            if span.moved < moved:
                lost.append(page)
            moved = max(moved, span.moved)
        return lost

    # -- pages

    def _page(self, index: int) -> Request:
        return Request(
            DIS,
            "POST",
            path("v1", "transfertasklog", self.task.task_id),
            f"the log of transfer task {self.task.task_name or self.task.task_id}",
            partial(page_of, first=index == 1),
            body={
                "order": self.query.order,
                "sortBy": self.query.sort_by,
                "pageInfo": {"pageIndex": index, "pageTotal": self._size},
            },
            absent=ABSENT,
        )

    def _read_pages(self, pages: t.Iterable[int]) -> Flow:
        """Read pages, some at a time, up to the last one; return whether all had an answer."""
        waiting = iter(pages)
        lanes = yield [self._lane(waiting) for _lane in range(self.query.pages_at_once)]
        return all(lanes)

    def _lane(self, pages: t.Iterator[int]) -> Flow:
        """Read the next page as long as there is one. Each is counted at once, so that none is kept longer than needed."""
        for index in pages:
            if self._end is not None and index >= self._end:
                break
            reply = yield self._page(index)
            if reply.value is None:
                self._absent = self._absent or reply.absent  # gone while it was read
                return False
            known, before = index in self._spans, len(self._known)
            rows = self._take(index, reply.value)
            # Nothing, or nothing new: whatever the total says, what comes after is not to be had.
            if not rows or not (len(self._known) > before or known or self.grown >= self._size):
                self._end = index if self._end is None else min(self._end, index)
        return True

    # -- rows

    def _take(self, index: int, page: Page) -> int:
        """Count the rows of a page that are not known yet and lie in the window; return how many rows it has at all."""
        grown = max(0, (page.total or 0) - self.total)
        self.grown = max(self.grown, grown)
        moved = self._moved(grown)
        for place, row in enumerate(page.rows, (index - 1) * self._size - moved):
            if not 0 <= place < self.total or not self._known.add(_identity(row)):
                continue
            if self.query.holds(row["start_time"]):
                self._matched += 1
                if self.query.summary_only:
                    self._count(row)
                else:
                    self.rows.append(row)
                    self._places.append(place)
        starts = [row["start_time"] for row in page.rows]
        ordered = None not in starts and starts == sorted(starts, reverse=self.query.order == "desc")
        self._spans[index] = _Span(moved, starts[0] if starts else None, starts[-1] if starts else None, ordered)
        return len(starts)

    def _count(self, row: Facts) -> None:
        start, end = row["start_time"], row["end_time"]
        self.returned += 1
        if row["transfer_bytes"] is not None:
            self.bytes = (self.bytes or 0) + row["transfer_bytes"]
        if row["transfer_records_num"] is not None:
            self.records = (self.records or 0) + row["transfer_records_num"]
        if start and start > 0 and (self.first_started is None or start < self.first_started):
            self.first_started = start
        if end and end > 0 and (self.last_ended is None or end > self.last_ended):
            self.last_ended = end
        self.busy.add(start, end)

    def _finish(self, whole: bool) -> None:
        """Put the rows into their places (pages may have come in any order), cut them to the limit and count them."""
        places = self._places
        if any(before > after for before, after in zip(places, places[1:])):
            order = sorted(range(len(places)), key=places.__getitem__)
            self.rows = [self.rows[index] for index in order]
        if self.query.limit is not None:
            del self.rows[self.query.limit :]
        for row in self.rows:
            row["task_name"], row["stream_name"] = self.task.task_name, self.task.stream_name
            row["transfer_task_id"] = self.task.task_id
            self._count(row)
        matching = self._matched if self.query.windowed else self.total
        self.more = not whole or self.returned < matching
        self._places, self._known = [], _Identities()


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
