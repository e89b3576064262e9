# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The logs of DIS transfer tasks: which pages to read, in which order, and what a row is counted into."""

from __future__ import annotations

import typing as t
from array import array
from bisect import bisect_left
from functools import partial

from ansible_collections.hwcloud.streaming.plugins.module_utils import _shape
from ansible_collections.hwcloud.streaming.plugins.module_utils._dis import facts as _facts
from ansible_collections.hwcloud.streaming.plugins.module_utils._dis import tasks as _dis
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


def tasks_by_name(client: Client, wanted: _dis.Wanted) -> Flow:
    """Return (the tasks of the streams sorted by name, what does not exist). Tasks whose ID the list lacks are asked one by one."""

    def follow(stream_name: str) -> Flow:
        stream = yield _dis.listed_tasks(client, stream_name, 0)
        if stream.tasks is None:
            return stream
        filters = wanted.filters
        asked = [listed.facts for listed in stream.listed if filters.may_take(listed.facts)]
        unknown = [task["task_name"] for task in asked if not task["task_id"]]
        replies = yield [_dis.shown_task(client, stream_name, name, _task_id) for name in unknown]
        ids = {task["task_name"]: task["task_id"] for task in asked}
        ids.update((name, reply.value) for name, reply in zip(unknown, replies))
        gone = {name for name, reply in zip(unknown, replies) if reply.absent}
        return stream._replace(
            tasks=[{"task_name": name, "task_id": task_id} for name, task_id in ids.items() if task_id],
            listed=[listed for listed in stream.listed if listed.facts["task_name"] not in gone],
        )

    streams, complete = yield _dis.each_stream(client, wanted, follow)
    found = {listed.facts["task_name"] for stream in streams for listed in stream.listed}
    tasks = [
        Task(task["task_id"], stream.stream_name, task["task_name"])
        for stream in streams
        for task in stream.tasks or []
    ]
    tasks.sort(key=lambda task: (task.stream_name, task.task_name))
    return tasks, _dis.not_found(wanted, streams, found, complete)


def _task_id(shown: Facts) -> str:
    return _shape.needed(shown, "task_id")


def facts(client: Client, by_id: list[Task] | None, wanted: _dis.Wanted, query: Query) -> Flow:
    """Return the facts of dis_transfer_task_log_info, for the tasks with these IDs or for those that are wanted by name."""
    not_found: list[Facts] = []
    if by_id is None:
        tasks, missing = yield tasks_by_name(client, wanted)
        not_found = [{"transfer_task_id": None, **entry} for entry in missing]
    else:
        tasks = by_id
    outcomes = yield [_read(client, task, query) for task in tasks]
    present = [reader for reader, absent in outcomes if absent is False]
    gone = [reader.task for reader, absent in outcomes if absent]
    if by_id is not None:
        not_found += [{"transfer_task_id": task.task_id, "stream_name": None, "task_name": None} for task in gone]
    elif wanted.task_names is not None:
        # What the list named and is gone when asked was asked for only if it was by its own name.
        left = {reader.task.task_name for reader, absent in outcomes if not absent}
        for name in sorted({task.task_name or "" for task in gone} - left):
            not_found.append({"transfer_task_id": None, **_dis.absent_task(wanted, name)})
    entries = [reader.entry() for reader in present]
    busy = _facts.BusyTime(query.order == "desc")
    for reader in present:
        busy.merge(reader.busy)
    size, records = (sum(entry[name] for entry in entries) for name in ("transfer_bytes", "transfer_records_num"))
    return {
        "logs": [row for reader in present for row in reader.rows],
        "tasks": entries,
        "not_found": sorted(not_found, key=lambda entry: tuple(value or "" for value in entry.values())),
        "summary": {
            "total_num": sum(entry["total_num"] for entry in entries),
            "returned": sum(entry["returned"] for entry in entries),
            "truncated": any(entry["truncated"] for entry in entries),
            "transfer_bytes": size,
            "transfer_records_num": records,
            "bytes_per_second": _facts.per_second(size, busy.milliseconds()),
            "records_per_second": _facts.per_second(records, busy.milliseconds()),
        },
    }


def _read(client: Client, task: Task, query: Query) -> Flow:
    """Return (a reader that has read, whether the task is absent).

    Under an order that is not one of time new rows land anywhere: a log that grew meanwhile is read anew.
    """
    reader = _Reader(client, task, query)
    absent = yield reader.read()
    for _round in range(ROUNDS - 1):
        if not reader.grown or query.sort_by in BY_TIME:
            break
        again = _Reader(client, task, query)
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
    """What a page brought: rows that were not known, rows at all, the start times at its two ends, whether all are in order."""

    new: int
    rows: int
    first: int | None
    last: int | None
    ordered: bool


class _Places:
    """A set of places in a log, a byte each in blocks, as a total may be wrong by any measure."""

    def __init__(self) -> None:
        self._blocks: dict[int, bytearray] = {}

    def add(self, place: int) -> None:
        block = self._blocks.get(place >> 12)
        if block is None:
            block = self._blocks[place >> 12] = bytearray(4096)
        block[place & 4095] = 1

    def __contains__(self, place: int) -> bool:
        block = self._blocks.get(place >> 12)
        return block is not None and block[place & 4095] == 1


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


class _Reader:
    """Reads one task's log and keeps what was asked for of it.

    The first page tells the total, the others follow together. A row's place is given by its page, its place on the
    page and by how far the log has grown since the first page: new rows come first under `desc`, last under `asc`. It
    is known again by its file name, which the service documents as unique, and its start. So a row that moves to
    another page meanwhile is neither lost nor doubled, and rows that are newer than the first page are left out.
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
        self.busy = _facts.BusyTime(query.order == "desc")
        self._size = query.page_size
        if query.limit is not None and not query.windowed:
            self._size = min(query.page_size, query.limit)
        self._matched: dict[int, int] = {}  # rows in the window, by the page that brought them
        self._endless = False
        self._absent = False
        self.grown = 0
        self._known = _Identities()
        self._covered = _Places()
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
        span = self._take(1, reply.value)
        whole = span.rows > 0 or not self.total
        capped = 0 < span.rows < min(self._size, self.total)
        if capped:  # the server caps the page size without saying so, or its total is too large: page 2 tells
            self._size = span.rows
        self._size = max(self._size, span.rows)  # or it has a page size of its own
        if whole and self._needs_more(1):
            if capped:
                whole = yield from self._collect(2, 2)
            if whole and self.query.windowed and self.query.sort_by == "startTime" and not self._endless:
                whole = yield from self._read_sorted(span)
            elif whole:
                whole = yield from self._read_on()
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

    @property
    def _last_page(self) -> int:
        """The last page that can hold what is wanted; with a window that is any page."""
        wanted = self.total
        if self.query.limit is not None and not self.query.windowed:
            # Where no total tells whether there are more, one more row does.
            wanted = min(wanted, self.query.limit + self._endless)
        last = -(-wanted // self._size)
        return last if self._end is None else min(last, self._end - 1)

    def _needs_more(self, page: int) -> bool:
        """Tell whether anything that is wanted can stand after a page."""
        full = self.query.limit is not None and self._matched_to(page) > self.query.limit
        return page < self._last_page and not full

    def _matched_to(self, page: int) -> int:
        """Return how many rows in the window have come up to a page; pages behind it may have been looked into."""
        return sum(count for index, count in self._matched.items() if index <= page)

    def _read_on(self) -> Flow:
        """Read all pages; with a window and a limit in batches, until the limit is passed. Return whether all rows have come."""
        page = 1
        while self._needs_more(page):
            last = self._last_page
            if self.query.windowed and self.query.limit is not None:
                last = min(last, page + self.query.pages_at_once)
            if not (yield from self._collect(page + 1, last)):
                return False
            page = last
        return self._endless or len(self._known) >= self.total

    def _read_sorted(self, span: _Span) -> Flow:
        """Skip to the window's near end, then read on, as many pages together as it probably reaches into, to its far end.

        Return whether the window was read whole. If the rows are not in the order of time after all, every page is read.
        """
        page = 1
        if self._side(span.last) < 0:
            low, high = 2, self._last_page
            while low <= high:
                page = (low + high) // 2
                if not (yield from self._collect(page, page)):
                    return False
                if page > self._last_page:  # it brought nothing
                    high = self._last_page
                elif self._side(self._spans[page].last) < 0:
                    low = page + 1
                elif low < high:
                    high = page
                else:
                    break
            page = min(page, self._last_page)
            span = self._spans[page]
        near = page
        while self._in_order() and self._needs_more(page) and self._side(span.last) <= 0:
            last = min(self._last_page, page + self._likely(page, span))
            if not (yield from self._collect(page + 1, last)):
                return False
            page = min(last, self._last_page)
            span = self._spans[page]
        if not self._in_order():
            return (yield from self._read_on())
        if self.grown:  # rows may have moved past the near end, and between the pages that were looked into
            near = max(1, near - 1 - self.grown // self._size)
            if not (yield from self._collect(near, page)) or self._lost(near, page):
                return False
        return self._end is None or self._side(span.last) > 0

    def _side(self, start: int | None) -> int:
        """Return where a start time lies in the order asked for: -1 before the window, 0 in it, 1 behind it."""
        if start is None or self.query.holds(start):
            return 0
        older = self.query.since is not None and start < self.query.since
        return 1 if older == (self.query.order == "desc") else -1

    def _in_order(self) -> bool:
        """Tell whether all that was read so far is in the order of time."""
        spans = [span for _page, span in sorted(self._spans.items()) if span.rows]
        if not all(span.ordered for span in spans):
            return False
        # Pages of a log that has grown meanwhile overlap.
        steps = [] if self.grown else [(before.last or 0, after.first or 0) for before, after in zip(spans, spans[1:])]
        return all(last >= first if self.query.order == "desc" else last <= first for last, first in steps)

    def _likely(self, page: int, span: _Span) -> int:
        """Return how many more pages the window probably reaches into, going by the last page's span of time; at least 1."""
        end = self.query.since if self.query.order == "desc" else self.query.until
        if end is None:
            likely = self.query.pages_at_once if self.query.limit is not None else self._last_page
        elif span.first is None or span.last is None or span.first == span.last:
            likely = 1
        else:
            per_page = abs(span.first - span.last) * span.rows // max(1, span.rows - 1)
            likely = -(-abs(span.last - end) // max(1, per_page))
        if self.query.limit is not None:
            likely = min(likely, -(-(self.query.limit + 1 - self._matched_to(page)) // self._size))
        return max(1, likely)

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

    def _collect(self, first: int, last: int) -> Flow:
        """Read these pages, and again what has moved to other pages meanwhile; return whether all had an answer."""
        complete = yield from self._read_pages(index for index in range(first, last + 1) if index not in self._spans)
        for _round in range(MOVES):
            if not complete or not self.grown:
                break
            moved = self.grown if self.query.order == "desc" else 0
            lost = sorted({(place + moved) // self._size + 1 for place in self._lost(first, last)})
            if not lost:
                break
            complete = yield from self._read_pages(iter(lost))
        return complete

    def _lost(self, first: int, last: int) -> list[int]:
        """Return the places of these pages whose rows have not come: they have moved to other pages meanwhile."""
        places = range((first - 1) * self._size, min(min(last, self._last_page) * self._size, self.total))
        return [place for place in places if place not in self._covered]

    def _read_pages(self, pages: t.Iterator[int]) -> Flow:
        """Read pages, some at a time, up to the last one; return whether all had an answer."""
        lanes = yield [self._lane(pages) for _lane in range(self.query.pages_at_once)]
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
            known = index in self._spans
            span = self._take(index, reply.value)
            # Nothing, or nothing new: whatever the total says, what comes after is not to be had.
            if not span.rows or not (span.new or known or self.grown >= self._size):
                self._end = index if self._end is None else min(self._end, index)
        return True

    # -- rows

    def _take(self, index: int, page: Page) -> _Span:
        """Count the rows of a page that are not known yet and lie in the window."""
        moved = max(0, (page.total or 0) - self.total)
        self.grown = max(self.grown, moved)
        start = (index - 1) * self._size - (moved if self.query.order == "desc" else 0)
        new = 0
        for place, row in enumerate(page.rows, start):
            if not 0 <= place < self.total:
                continue
            if not self._known.add(_identity(row)):
                continue
            self._covered.add(place)
            new += 1
            if self.query.holds(row["start_time"]):
                self._matched[index] = self._matched.get(index, 0) + 1
                if self.query.summary_only:
                    self._count(row)
                else:
                    self.rows.append(row)
                    self._places.append(place)
        starts = [row["start_time"] for row in page.rows]
        ordered = None not in starts and starts == sorted(starts, reverse=self.query.order == "desc")
        span = _Span(new, len(starts), starts[0] if starts else None, starts[-1] if starts else None, ordered)
        self._spans[index] = span
        return span

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
        matching = sum(self._matched.values()) if self.query.windowed else self.total
        self.more = not whole or self.returned < matching
        self._places, self._known, self._covered = [], _Identities(), _Places()


def page_of(body: t.Any, first: bool = True) -> Page:
    """Return a page of a log, whose rows may come as a list, as a single object or as null.

    The service tells a failure inside an answer with HTTP status 200: a message, or a code other than -1 and its like.
    The first page of a log that has rows has some; behind the last one null is as good as an empty list.
    """
    facts: Facts = {}
    for key, value in body.items():
        name = _shape.clean_name(key)
        if facts.get(name) is None:
            facts[name] = value
    code, message = _shape.text(facts, "error_code"), _shape.text(facts, "message")
    if message or code not in SUCCESS_CODES:
        raise RefusedInside("" if code in SUCCESS_CODES else code, message or "the service gives no reason")
    if "total_num" not in facts and "transfer_task_log_list" not in facts:
        raise ShapeError("neither totalNum nor transferTaskLogList is in the answer")
    rows = [_facts.log(row) for row in _shape.objects(facts, "transfer_task_log_list")]
    rows = list({_identity(row): row for row in rows}.values())
    total = _shape.number(facts, "total_num")
    if first and total and facts.get("transfer_task_log_list") is None:
        raise ShapeError(f"totalNum is {total} but there is no transferTaskLogList")
    return Page(None if total is None or total < len(rows) else total, rows)
