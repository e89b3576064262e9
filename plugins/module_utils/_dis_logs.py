# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The logs of DIS transfer tasks: which pages to read, in which order, and what a row is counted into."""

from __future__ import annotations

import typing as t

from ansible_collections.hwcloud.streaming.plugins.module_utils import _dis, _facts
from ansible_collections.hwcloud.streaming.plugins.module_utils._client import Client, Flow, Request
from ansible_collections.hwcloud.streaming.plugins.module_utils._errors import RefusedInside, ShapeError
from ansible_collections.hwcloud.streaming.plugins.module_utils._facts import Facts

SUCCESS_CODES = (None, -1, "-1", 0, "0", "")  # the service's own example of a success says -1
ROUNDS = 3  # how often a log that changes while it is read is read again


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
        return start is not None and (self.since or 0) <= start and (self.until is None or start < self.until)

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
    """One page of a log: all rows that the service has, and the rows of this page as sent and as facts."""

    total: int
    rows: list[Facts]


def tasks_by_name(client: Client, wanted: _dis.Wanted) -> Flow:
    """Return (the tasks of the streams sorted by name, what does not exist). Tasks whose ID the list lacks are asked one by one."""

    def follow(stream_name: str) -> Flow:
        stream = yield _dis.listed_tasks(client, stream_name)
        if stream.tasks is None:
            return stream
        entries = [
            entry for entry in stream.entries if wanted.task_names is None or entry["task_name"] in wanted.task_names
        ]
        unknown = [entry["task_name"] for entry in entries if not _facts.text(entry, "task_id")]
        replies = yield [_dis.shown_task(client, stream_name, name, _task_id) for name in unknown]
        ids = {entry["task_name"]: _facts.text(entry, "task_id") for entry in entries}
        ids.update((name, reply.value) for name, reply in zip(unknown, replies))
        gone = {name for name, reply in zip(unknown, replies) if reply.absent}
        return stream._replace(
            tasks=[{"task_name": name, "task_id": task_id} for name, task_id in ids.items() if task_id],
            entries=[entry for entry in stream.entries if entry["task_name"] not in gone],
        )

    streams, complete = yield _dis.each_stream(client, wanted, follow)
    found = {entry["task_name"] for stream in streams for entry in stream.entries}
    tasks = [
        Task(task["task_id"], stream.stream_name, task["task_name"])
        for stream in streams
        for task in stream.tasks or []
    ]
    tasks.sort(key=lambda task: (task.stream_name, task.task_name))
    return tasks, _dis.not_found(wanted, streams, found, complete)


def _task_id(body: t.Any) -> str:
    return _facts.needed(_dis.shown_facts(body), "task_id")


def facts(client: Client, by_id: list[Task] | None, wanted: _dis.Wanted, query: Query) -> Flow:
    """Return the facts of dis_transfer_task_log_info, for the tasks with these IDs or for those that are wanted by name."""
    not_found: list[Facts] = []
    if by_id is None:
        tasks, missing = yield tasks_by_name(client, wanted)
        not_found = [{"transfer_task_id": None, **entry} for entry in missing]
    else:
        tasks = by_id
    readers = [_Reader(client, task, query) for task in tasks]
    outcomes = yield [reader.read() for reader in readers]
    present = [reader for reader, absent in zip(readers, outcomes) if absent is False]
    for reader, absent in zip(readers, outcomes):
        # A task that the list named and that is gone now was not asked for, unless it was by its own name.
        if absent and (by_id is not None or wanted.task_names is not None):
            task_id = reader.task.task_id if by_id is not None else None
            not_found.append(
                {
                    "transfer_task_id": task_id,
                    "stream_name": reader.task.stream_name,
                    "task_name": reader.task.task_name,
                }
            )
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


class _Span(t.NamedTuple):
    """What a page brought: how many rows that were not known, how many rows at all, and the start times at its two ends."""

    new: int
    rows: int
    first: int | None
    last: int | None


class _Reader:
    """Reads one task's log and keeps what was asked for of it.

    The first page tells the total, the others follow together. A row's place is given by its page, its place on the
    page and by how far the log has grown since the first page: new rows come first under `desc`, last under `asc`. It
    is known again by its file name, which the service documents as unique. So a row that moves to another page
    meanwhile is neither lost nor doubled, and rows that are newer than the first page are left out.
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
        self._matched = 0
        self._grown = 0
        self._known: set[int] = set()
        self._covered = bytearray()  # a flag for each place
        self._places: list[int] = []

    def read(self) -> Flow:
        """Read what the query needs; return whether the task is absent, None when its first page had no answer."""
        reply = yield self._page(1)
        if reply.absent:
            return True
        if reply.failure:
            return None
        first = reply.value
        self.total = first.total
        self._covered = bytearray(self.total)
        span = self._take(1, first)
        whole = True
        if self.total > span.rows:
            capped = span.rows < self._size
            if capped:  # the server caps the page size without saying so, or its total is too large: page 2 tells
                self._size = max(1, span.rows)
            if self._needs_more(1):
                whole = span.rows > 0
                if capped and whole:
                    second = yield self._collect(2, 2)
                    whole = second is not None and second[-1].new > 0
                if whole and self.query.windowed and self.query.sort_by == "startTime":
                    whole = yield self._read_sorted(span)
                elif whole:
                    whole = yield self._read_on()
        self._finish(whole)
        return False

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
            "first_started_at": _facts.moment(self.first_started),
            "last_ended_at": _facts.moment(self.last_ended),
        }

    # -- which pages

    @property
    def _last_page(self) -> int:
        """The last page that can hold what is wanted; with a window that is any page."""
        wanted = self.total
        if self.query.limit is not None and not self.query.windowed:
            wanted = min(wanted, self.query.limit)
        return -(-wanted // self._size)

    def _needs_more(self, page: int) -> bool:
        """Tell whether anything that is wanted can stand after a page."""
        return page < self._last_page and not (self.query.limit is not None and self._matched > self.query.limit)

    def _read_on(self) -> Flow:
        """Read all pages; with a window and a limit in batches, until the limit is passed. Return whether all could be read."""
        batch = self._last_page
        if self.query.windowed and self.query.limit is not None:
            batch = self.query.pages_at_once
        page = 1
        while self._needs_more(page):
            if all(self._covered[page * self._size : (page + 1) * self._size]):
                page += 1
                continue
            last = min(self._last_page, page + batch)
            if (yield self._collect(page + 1, last)) is None:
                return False
            page = last
        return True

    def _read_sorted(self, span: _Span) -> Flow:
        """Skip to the window's near end, then read on, as many pages together as it probably reaches into, to its far end.

        Return whether all could be read. If the rows are not in the order of time after all, every page is read.
        """
        page = 1
        if self._side(span.last) < 0:
            low, high = 2, self._last_page
            read: dict[int, _Span] = {}
            while low not in read:
                page = (low + high) // 2
                spans = yield self._collect(page, page)
                if spans is None:
                    return False
                read[page] = spans[-1]
                if low < high and self._side(spans[-1].last) < 0:
                    low = page + 1
                else:
                    high = page
            page, span = low, read[low]
        while self._needs_more(page) and self._side(span.last) <= 0:
            last = min(self._last_page, page + self._likely(span))
            spans = yield self._collect(page + 1, last)
            if spans is None:
                return False
            if any(not self._in_order(one) for one in spans):
                return (yield self._read_on())
            page, span = last, spans[-1]
        return True

    def _side(self, start: int | None) -> int:
        """Return where a start time lies in the order asked for: -1 before the window, 0 in it, 1 behind it."""
        if start is None or self.query.holds(start):
            return 0
        older = self.query.since is not None and start < self.query.since
        return 1 if older == (self.query.order == "desc") else -1

    def _in_order(self, span: _Span) -> bool:
        if span.first is None or span.last is None:
            return span.rows == 0
        return span.first >= span.last if self.query.order == "desc" else span.first <= span.last

    def _likely(self, span: _Span) -> int:
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
            likely = min(likely, -(-(self.query.limit + 1 - self._matched) // self._size))
        return max(1, likely)

    # -- pages

    def _page(self, index: int) -> Request:
        return Request(
            "dis",
            "POST",
            _dis.path("v1", "transfertasklog", self.task.task_id),
            f"the log of transfer task {self.task.task_name or self.task.task_id}",
            page_of,
            body={
                "order": self.query.order,
                "sortBy": self.query.sort_by,
                "pageInfo": {"pageIndex": index, "pageTotal": self._size},
            },
            absent=_dis.ABSENT,
        )

    def _followed(self, index: int) -> Flow:
        """Read a page and count it at once, so that no page is kept longer than needed; None when it had no answer."""
        reply = yield self._page(index)
        return None if reply.value is None else self._take(index, reply.value)

    def _collect(self, first: int, last: int) -> Flow:
        """Read these pages together, and again what has moved to other pages meanwhile; return their spans, None on failure."""
        spans = yield [self._followed(index) for index in range(first, last + 1)]
        for _round in range(ROUNDS):
            if None in spans or not self._grown:
                break
            moved = self._grown if self.query.order == "desc" else 0
            places = range((first - 1) * self._size, min(last * self._size, self.total))
            lost = sorted({(place + moved) // self._size + 1 for place in places if not self._covered[place]})
            if not lost:
                break
            if None in (yield [self._followed(index) for index in lost]):
                return None
        return None if None in spans else spans

    # -- rows

    def _take(self, index: int, page: Page) -> _Span:
        """Count the rows of a page that are not known yet and lie in the window."""
        moved = max(0, page.total - self.total)
        self._grown = max(self._grown, moved)
        start = (index - 1) * self._size - (moved if self.query.order == "desc" else 0)
        new = 0
        for place, row in enumerate(page.rows, start):
            if not 0 <= place < self.total:
                continue
            identity = hash(row["transfer_file_name"] or tuple(map(str, row.values())))
            if identity in self._known:
                continue
            self._known.add(identity)
            self._covered[place] = 1
            new += 1
            if self.query.holds(row["start_time"]):
                self._matched += 1
                if self.query.summary_only:
                    self._count(row)
                else:
                    self.rows.append(row)
                    self._places.append(place)
        ends = [row["start_time"] for row in (page.rows[:1] + page.rows[-1:])]
        return _Span(new, len(page.rows), ends[0] if ends else None, ends[-1] if ends else None)

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
        self._places, self._known = [], set()


def page_of(body: t.Any) -> Page:
    """Return a page of a log, whose rows may come as a list, as a single object or as null.

    The service tells a failure inside an answer with HTTP status 200: a message, or a code other than -1 and its like.
    """
    facts = {_facts.clean_name(key): value for key, value in body.items()}
    code, message = facts.get("error_code"), facts.get("message")
    if message or code not in SUCCESS_CODES:
        raise RefusedInside(
            "" if code in SUCCESS_CODES else str(code),
            message if isinstance(message, str) else "the service gives no reason",
        )
    if "total_num" not in facts and "transfer_task_log_list" not in facts:
        raise ShapeError("neither totalNum nor transferTaskLogList is in the answer")
    rows = [_facts.log(row) for row in _facts.objects(facts, "transfer_task_log_list")]
    total = _facts.number(facts, "total_num")
    if total and facts.get("transfer_task_log_list") is None:
        raise ShapeError(f"totalNum is {total} but there is no transferTaskLogList")
    return Page(max(total or 0, len(rows)), rows)
