# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading logs page by page from services that cap, repeat, exaggerate and grow: no row lost, none doubled, no loop."""

from __future__ import annotations

import random
import typing as t
from functools import partial

import pytest
from ansible_collections.hwcloud.streaming.plugins.module_utils import _shape
from ansible_collections.hwcloud.streaming.plugins.module_utils._dis import log_reader as _log_reader
from ansible_collections.hwcloud.streaming.plugins.module_utils._dis import logs as _logs
from ansible_collections.hwcloud.streaming.plugins.module_utils._dis import tasks as _dis_tasks
from ansible_collections.hwcloud.streaming.plugins.module_utils._wire import request as _request
from ansible_collections.hwcloud.streaming.plugins.module_utils._wire.errors import RefusedInside, ShapeError
from ansible_collections.hwcloud.streaming.tests.unit.plugins.module_utils.flows import (
    BROKEN,
    REFUSED,
    STREAM_ABSENT,
    TASK_ABSENT,
    Asked,
    Outcome,
    run,
)

START = 1756500000000
STEP = 300_000
TASK = "lJ4Ts5ObPd2UOpcRj3K"
ALL = _dis_tasks.Wanted(None, None)
QUERY = _log_reader.Query("desc", "createTimeStr", None, False, 10, None, None, 4)


def row(number: int, **changes: t.Any) -> dict[str, t.Any]:
    """Row number 0 is the oldest one."""
    start = START + number * STEP
    return {
        "transferTaskId": TASK,
        "destinationType": "OBS",
        "startTime": start,
        "endTime": start + STEP,
        "transferBytes": 1000 + number,
        "transferRecordsNum": 10,
        "transferFileName": f"{TASK}.orders.0.{start}",
        "state": 0,
        **changes,
    }


class Service:
    """A log that answers as documented, with the liberties that its attributes give it."""

    def __init__(self, rows: int, **liberties: t.Any) -> None:
        self.rows = [row(number) for number in range(rows)]
        self.cap: int = liberties.pop("cap", 1000)
        self.exaggerates: int = liberties.pop("exaggerates", 0)
        self.repeats: bool = liberties.pop("repeats", False)
        self.grows: dict[int, int] = liberties.pop("grows", {})  # rows that are added before the nth request
        self.broken: tuple[int, ...] = liberties.pop("broken", ())  # pages
        self.sort_key: t.Callable[[dict[str, t.Any]], t.Any] = liberties.pop("sort_key", lambda one: one["startTime"])
        self.new_row: t.Callable[[int], dict[str, t.Any]] = liberties.pop("new_row", row)
        self.own_size: int | None = liberties.pop("own_size", None)  # a page size that it has whatever was asked for
        self.total: t.Callable[[int], t.Any] = liberties.pop("total", lambda rows: rows + self.exaggerates)
        self.nothing: t.Any = liberties.pop("nothing", [])  # what a page behind the last one has
        assert not liberties
        self.requests = 0

    def __call__(self, asked: Asked) -> t.Any:
        self.requests += 1
        for _new in range(self.grows.get(self.requests, 0)):
            self.rows.append(self.new_row(len(self.rows)))
        page = asked.sent["pageInfo"]
        index = 1 if self.repeats else page["pageIndex"]
        if page["pageIndex"] in self.broken:
            return BROKEN
        size = self.own_size or min(page["pageTotal"], self.cap)
        ordered = sorted(self.rows, key=self.sort_key, reverse=asked.sent["order"] == "desc")
        return {
            "errorCode": -1,
            "message": None,
            "totalNum": self.total(len(ordered)),
            "transferTaskLogList": ordered[(index - 1) * size : index * size] or self.nothing,
        }


def read(service: t.Callable[[Asked], t.Any], concurrency: int = 4, **query: t.Any) -> Outcome:
    return run(
        lambda client: _logs.facts(client, [_log_reader.Task(TASK)], ALL, QUERY._replace(**query)),
        service,
        concurrency,
    )


def numbers(outcome: Outcome) -> list[int]:
    """The rows that came out, by their number."""
    return [(entry["start_time"] - START) // STEP for entry in outcome.value["logs"]]


def pages(outcome: Outcome) -> list[int]:
    return [asked.sent["pageInfo"]["pageIndex"] for asked in outcome.asked]


def down(first: int, last: int) -> list[int]:
    return list(range(first, last - 1, -1))


def in_any_order(flow: t.Any, service: t.Callable[[Asked], t.Any], chance: random.Random) -> t.Any:
    """Return what a flow returns when any of the requests under way may be answered first, without threads."""
    waiting: list[tuple[t.Any, t.Callable[[t.Any], None]]] = []
    ended: list[t.Any] = []

    def begin(wanted: t.Any, tell: t.Callable[[t.Any], None]) -> None:
        if isinstance(wanted, _request.Request):
            waiting.append((wanted, tell))
        elif isinstance(wanted, list):
            values: dict[int, t.Any] = {}

            def tell_one(place: int, value: t.Any) -> None:
                values[place] = value
                if len(values) == len(wanted):
                    tell([values[index] for index in range(len(wanted))])

            for place, one in enumerate(wanted):
                begin(one, partial(tell_one, place))
        else:
            resume(wanted, tell, None)

    def resume(generator: t.Any, tell: t.Callable[[t.Any], None], value: t.Any) -> None:
        try:
            wanted = generator.send(value)
        except StopIteration as end:
            tell(end.value)
        else:
            begin(wanted, partial(resume, generator, tell))

    begin(flow, ended.append)
    while waiting:
        request, tell = waiting.pop(chance.randrange(len(waiting)))
        answer = service(Asked("POST", request.path, {}, request.body))
        tell(_request.Reply(None if answer is BROKEN else request.shape(answer)))
    return ended[0]


# -- whole logs


@pytest.mark.parametrize("count", [0, 1, 9, 10, 11, 20, 95])
def test_every_row_comes_once_in_order(count: int) -> None:
    outcome = read(Service(count))
    assert numbers(outcome) == down(count - 1, 0)
    assert outcome.failures == []
    assert sorted(pages(outcome)) == list(range(1, max(1, -(-count // 10)) + 1))
    (entry,) = outcome.value["tasks"]
    assert (entry["total_num"], entry["returned"], entry["truncated"]) == (count, count, False)
    assert numbers(read(Service(count), order="asc")) == list(range(count))


@pytest.mark.parametrize("cap", [1, 3, 7])
@pytest.mark.parametrize("order", ["desc", "asc"])
def test_a_silent_cap_of_the_page_size_loses_nothing(cap: int, order: str) -> None:
    outcome = read(Service(25, cap=cap), order=order)
    assert numbers(outcome) == (down(24, 0) if order == "desc" else list(range(25)))
    assert outcome.value["tasks"][0]["truncated"] is False
    assert len(outcome.asked) == -(-25 // cap)


@pytest.mark.parametrize(("exaggerates", "most"), [(1, 8), (10, 8), (1000, 8), (2**60, 8)])
def test_a_total_larger_than_the_list_ends_with_the_rows(exaggerates: int, most: int) -> None:
    outcome = read(Service(30, exaggerates=exaggerates))
    assert numbers(outcome) == down(29, 0)
    assert outcome.value["tasks"][0]["total_num"] == 30 + exaggerates
    assert outcome.value["tasks"][0]["truncated"] is True
    assert len(outcome.asked) <= most


def test_a_page_behind_the_last_one_may_have_null_for_a_list() -> None:
    outcome = read(Service(20, exaggerates=5, nothing=None))
    assert (numbers(outcome), outcome.failures) == (down(19, 0), [])
    assert outcome.value["tasks"][0]["truncated"] is True


@pytest.mark.parametrize("total", [lambda rows: None, lambda rows: 0, lambda rows: ""])
@pytest.mark.parametrize("count", [1, 9, 10, 25, 30])
@pytest.mark.parametrize("cap", [3, 1000])
@pytest.mark.parametrize(
    ("query", "first", "last"),
    [
        ({}, 0, None),
        ({"limit": 10}, 0, 10),
        ({"limit": 40}, 0, 40),
        ({"sort_by": "startTime", "since": START + 2 * STEP, "until": START + 9 * STEP}, 2, 9),
    ],
)
def test_a_total_that_is_not_told(
    total: t.Any, count: int, cap: int, query: dict[str, t.Any], first: int, last: int | None
) -> None:
    outcome = read(Service(count, total=total, cap=cap), order="asc", **query)
    expected = list(range(count))[first:last]
    assert numbers(outcome) == expected
    (task,) = outcome.value["tasks"]
    assert task["truncated"] is (query.get("limit") == 10 and count > 10)
    if "limit" not in query or count <= 10:
        assert task["total_num"] == count
    assert len(outcome.asked) <= -(-count // min(cap, 10)) + 5  # the end is found by some that look at once


@pytest.mark.parametrize("order", ["desc", "asc"])
@pytest.mark.parametrize(("page_size", "limit"), [(3, 12), (5, None), (1, 1), (10, 25)])
def test_a_page_size_of_the_services_own(order: str, page_size: int, limit: int | None) -> None:
    outcome = read(Service(25, own_size=10), order=order, page_size=page_size, limit=limit)
    assert numbers(outcome) == (down(24, 0) if order == "desc" else list(range(25)))[:limit]


def test_rows_of_one_file_name_are_told_apart_by_their_starts() -> None:
    service = Service(0)
    service.rows = [row(number, transferFileName="same") for number in range(3)]
    assert numbers(read(service)) == [2, 1, 0]


def test_a_log_that_is_gone_while_it_is_read() -> None:
    log = Service(45)
    outcome = read(lambda asked: TASK_ABSENT if asked.sent["pageInfo"]["pageIndex"] == 2 else log(asked))
    assert (outcome.value["logs"], outcome.value["tasks"], outcome.failures) == ([], [], [])
    assert [entry["transfer_task_id"] for entry in outcome.value["not_found"]] == [TASK]


def test_a_total_without_rows_is_told_as_it_is() -> None:
    outcome = read(Service(0, exaggerates=7))
    assert (numbers(outcome), len(outcome.asked)) == ([], 1)
    assert (outcome.value["tasks"][0]["total_num"], outcome.value["tasks"][0]["truncated"]) == (7, True)


@pytest.mark.parametrize("cap", [4, 1000])
def test_a_page_that_repeats_ends_the_reading(cap: int) -> None:
    outcome = read(Service(500, repeats=True, cap=cap))
    first = min(cap, 10)
    assert numbers(outcome) == down(499, 500 - first)
    assert outcome.value["tasks"][0]["truncated"] is True
    assert len(outcome.asked) <= 5


def test_doubled_rows_count_once() -> None:
    twice = {"totalNum": 2, "transferTaskLogList": [row(1), row(1), row(0), row(0)]}
    outcome = read(lambda asked: twice)
    assert numbers(outcome) == [1, 0]
    assert outcome.value["summary"]["transfer_bytes"] == 2001
    assert outcome.value["summary"]["total_num"] == 2


def test_rows_without_a_file_name_are_told_apart_by_what_they_say() -> None:
    bare = [row(number, transferFileName=None) for number in (2, 1, 1, 0)]
    assert numbers(read(lambda asked: {"totalNum": 3, "transferTaskLogList": bare})) == [2, 1, 0]


# -- logs that grow


@pytest.mark.parametrize("order", ["desc", "asc"])
@pytest.mark.parametrize("concurrency", [1, 4])
@pytest.mark.parametrize("grows", [{2: 1}, {3: 4}, {2: 1, 3: 1, 4: 1}, {2: 25}, {5: 10}, {4: 3, 6: 9}])
def test_rows_added_while_paging(order: str, concurrency: int, grows: dict[int, int]) -> None:
    outcome = read(Service(60, grows=grows), concurrency, order=order)
    assert numbers(outcome) == (down(59, 0) if order == "desc" else list(range(60)))
    assert outcome.value["tasks"][0]["total_num"] == 60
    assert outcome.value["tasks"][0]["truncated"] is False


@pytest.mark.parametrize("order", ["desc", "asc"])
@pytest.mark.parametrize("grows", [{2: 1}, {3: 4}, {6: 2}])
def test_rows_that_land_anywhere_while_paging(order: str, grows: dict[int, int]) -> None:
    """Sorted by size a new row may come between any two: the log is read anew."""
    size = {"sort_key": lambda one: one["transferBytes"], "new_row": lambda number: row(number, transferBytes=1020.0)}
    outcome = read(Service(60, grows=grows, **size), 1, order=order, sort_by="dataSize")
    assert sorted(numbers(outcome)) == list(range(60 + sum(grows.values())))
    assert [entry["transfer_bytes"] for entry in outcome.value["logs"]] == sorted(
        (entry["transfer_bytes"] for entry in outcome.value["logs"]), reverse=order == "desc"
    )


def test_a_log_that_never_stops_growing_is_not_read_for_ever() -> None:
    service = Service(60, grows=dict.fromkeys(range(1, 1000), 3))
    outcome = read(service, 1, sort_by="records")
    assert len(outcome.asked) < 100
    assert len(set(numbers(outcome))) == len(numbers(outcome))


# -- limits and windows


@pytest.mark.parametrize(
    ("limit", "wanted_pages", "sizes"),
    [(1, [1], {1}), (10, [1], {10}), (11, [1, 2], {10}), (25, [1, 2, 3], {10})],
)
def test_a_limit_reads_no_page_too_many(limit: int, wanted_pages: list[int], sizes: set[int]) -> None:
    outcome = read(Service(95), limit=limit)
    assert numbers(outcome) == down(94, 95 - limit)
    assert sorted(pages(outcome)) == wanted_pages
    assert {asked.sent["pageInfo"]["pageTotal"] for asked in outcome.asked} == sizes
    assert outcome.value["tasks"][0]["truncated"] is True
    assert outcome.value["tasks"][0]["returned"] == limit


def test_a_limit_that_is_just_all_is_not_truncated() -> None:
    assert read(Service(20), limit=20).value["summary"]["truncated"] is False


def test_a_limit_on_a_growing_log_keeps_the_rows_that_were_newest_first() -> None:
    outcome = read(Service(60, grows={2: 3}), 1, limit=20)
    assert numbers(outcome) == down(59, 40)
    assert pages(outcome) == [1, 2, 3]  # where row 40 stands now


def at(number: int) -> int:
    return START + number * STEP


@pytest.mark.parametrize("order", ["desc", "asc"])
@pytest.mark.parametrize("sort_by", ["startTime", "createTimeStr"])
@pytest.mark.parametrize(
    ("since", "until", "first", "last"),
    [
        (None, None, 0, 199),
        (150, None, 150, 199),
        (None, 40, 0, 39),
        (55, 77, 55, 76),
        (60, 61, 60, 60),
        (199, None, 199, 199),
        (0, 1, 0, 0),
        (190, 500, 190, 199),
    ],
)
def test_a_window_keeps_what_starts_in_it(
    order: str, sort_by: str, since: int | None, until: int | None, first: int, last: int
) -> None:
    outcome = read(
        Service(200),
        order=order,
        sort_by=sort_by,
        since=None if since is None else at(since),
        until=None if until is None else at(until),
    )
    assert numbers(outcome) == (
        list(reversed(range(first, last + 1))) if order == "desc" else list(range(first, last + 1))
    )
    assert outcome.value["tasks"][0]["truncated"] is False
    assert outcome.value["tasks"][0]["total_num"] == 200
    assert len(pages(outcome)) == len(set(pages(outcome)))
    # All that comes before the window's far end is read, and the page that tells that it was passed; nothing behind it.
    rows = 201 - (since or 0) if order == "desc" else (until or 200) + 1
    needed = min(20, -(-rows // 10)) if sort_by == "startTime" else 20
    assert sorted(pages(outcome)) == list(range(1, needed + 1))


def reader(**query: t.Any) -> _log_reader.Reader:
    """One that has read a page of ten rows, 100 ms apart, of which all are in the window."""
    one = _log_reader.Reader(t.cast(t.Any, None), _log_reader.Task(TASK), QUERY._replace(**query))
    one.total, one._matching, one._starts[1] = 100, 10, (0, 900)
    return one


@pytest.mark.parametrize(("moment", "away"), [(-500, 0), (899, 0), (900, 0), (901, 1), (1900, 1), (1901, 2), (4900, 4)])
def test_how_many_pages_a_moment_is_away(moment: int, away: int) -> None:
    assert reader()._pages_to(moment, 1) == away
    one = reader()
    one._starts[1] = (5, 5)
    assert one._pages_to(moment, 1) == 1


@pytest.mark.parametrize(
    ("query", "pages_together"),
    [
        ({}, 10),
        ({"sort_by": "createTimeStr", "since": 1, "limit": 5}, 4),
        ({"since": 1, "limit": 35}, 3),
        ({"since": 1, "limit": 39}, 3),
        ({"since": 1, "limit": 40}, 4),
        ({"since": 1901, "limit": 20}, 4),
        ({"until": 1902}, 2),
        ({"until": 1901}, 1),
        ({"until": 901}, 1),
        ({"until": 10**6}, 4),
        ({"until": 1902, "limit": 100}, 2),
        ({"until": 10**6, "limit": 25}, 2),
    ],
)
def test_how_many_pages_are_read_together(query: dict[str, t.Any], pages_together: int) -> None:
    assert reader(**{"order": "asc", "sort_by": "startTime", **query})._batch(1) == pages_together


def test_where_rows_stand_that_have_moved_on() -> None:
    one = reader()
    one._covered = [(30, 40), (0, 20), (-10, 5)]
    assert one._missing(5) == []
    one.grown = 10
    assert one._missing(4) == [4]
    assert one._missing(10) == [4, 6, 7, 8, 9, 10, 11]
    one.grown = 13
    assert one._missing(4) == [4, 5]
    one._end = 6
    assert one._missing(5) == [4, 5, 6, 7]
    one._known.count = 100
    assert one._missing(5) == []
    old_first = reader(order="asc")
    old_first.grown = 10
    assert old_first._missing(10) == []


@pytest.mark.parametrize(("size", "limit", "asked"), [(5, 5, 2), (10, 20, 3)])
def test_one_row_more_than_the_limit_tells_what_a_total_would(size: int, limit: int, asked: int) -> None:
    outcome = read(Service(99, total=lambda rows: None), page_size=size, limit=limit)
    assert numbers(outcome) == down(98, 99 - limit)
    assert (len(outcome.asked), outcome.value["summary"]["truncated"]) == (asked, True)


def test_neither_a_total_nor_rows() -> None:
    outcome = read(lambda asked: {"transferTaskLogList": []})
    assert (len(outcome.asked), outcome.value["summary"]["total_num"], outcome.value["summary"]["truncated"]) == (
        1,
        0,
        False,
    )


@pytest.mark.parametrize("order", ["desc", "asc"])
@pytest.mark.parametrize("edge", range(5))
def test_rows_of_one_moment_at_the_edge_of_a_window(order: str, edge: int) -> None:
    """Fifteen rows start at once, more than a page has: reading goes on until one lies behind the window."""
    service = Service(0)
    service.rows = [row(number, startTime=at(number // 15)) for number in range(75)]
    for bounds, expected in (
        ({"since": at(edge)}, 75 - 15 * edge),
        ({"until": at(edge) + 1}, 15 * edge + 15),
        ({"since": at(edge), "until": at(edge) + 1}, 15),
        ({"since": at(edge) - 1, "until": at(edge)}, 0),
    ):
        outcome = read(service, order=order, sort_by="startTime", **bounds)
        assert outcome.value["summary"]["returned"] == expected
        assert outcome.value["summary"]["truncated"] is False


@pytest.mark.parametrize("count", [30, 40])
@pytest.mark.parametrize("limit", [None, 50])
def test_a_window_that_the_rows_of_a_too_large_total_do_not_fill(count: int, limit: int | None) -> None:
    outcome = read(Service(count, exaggerates=2**60), sort_by="startTime", until=at(count - 4), limit=limit)
    assert numbers(outcome) == down(count - 5, 0)
    assert outcome.value["summary"]["truncated"] is True
    assert len(outcome.asked) <= count // 10 + 4


def test_an_empty_window() -> None:
    outcome = read(Service(200), sort_by="startTime", since=at(1000))
    assert (numbers(outcome), pages(outcome)) == ([], [1])
    assert outcome.value["tasks"][0]["truncated"] is False
    outcome = read(Service(200), sort_by="startTime", until=at(-5))
    assert numbers(outcome) == []
    assert outcome.value["summary"]["returned"] == 0


@pytest.mark.parametrize("sort_by", ["startTime", "createTimeStr"])
@pytest.mark.parametrize(("limit", "truncated"), [(5, True), (19, True), (20, False), (25, False)])
def test_first_the_window_then_the_limit_then_truncated(sort_by: str, limit: int, truncated: bool) -> None:
    outcome = read(Service(200), sort_by=sort_by, since=at(100), until=at(120), limit=limit)
    assert numbers(outcome) == down(119, 120 - min(limit, 20))
    assert outcome.value["tasks"][0]["truncated"] is truncated
    if sort_by == "startTime":  # row 119 is on page 9, the window's last one on page 10, the first behind it on page 11
        assert len(outcome.asked) == {5: 9, 19: 10, 20: 11, 25: 11}[limit]
    else:  # four at a time
        assert len(outcome.asked) == {5: 9, 19: 13, 20: 20, 25: 20}[limit]


@pytest.mark.parametrize("order", ["desc", "asc"])
@pytest.mark.parametrize("size", [1, 2, 10])
@pytest.mark.parametrize(
    ("near", "far", "limit", "more"),
    [
        (0, 30, None, 0),
        (0, 35, None, 0),
        (50, 75, None, 0),
        (30, 31, 50, 0),
        (0, 100, 35, 0),
        (50, None, 10, 1),  # where the window begins is a guess
        (50, None, 30, 1),
        (50, 150, 25, 1),
    ],
)
def test_as_many_pages_are_read_together_as_the_window_and_the_limit_need(
    order: str, size: int, near: int, far: int | None, limit: int | None, more: int
) -> None:
    """With 64 at once; near and far are rows from where the order begins."""
    begin, end = None if near == 0 else near, far
    if order == "desc":
        begin, end = None if end is None else 200 - end, None if begin is None else 200 - begin
    bounds = {name: None if row is None else at(row) for name, row in (("since", begin), ("until", end))}
    outcome = read(
        Service(200), 1, order=order, sort_by="startTime", limit=limit, page_size=size, pages_at_once=64, **bounds
    )
    rows = min(near + (limit or 200), 200 if far is None else far) + 1
    assert -(-rows // size) <= len(outcome.asked) <= -(-rows // size) + (more if size > 1 else 0)


@pytest.mark.parametrize("order", ["desc", "asc"])
@pytest.mark.parametrize("count", [200, 203])
def test_a_window_and_a_limit_wherever_the_window_begins(order: str, count: int) -> None:
    for edge in range(1, count, 7):
        bounds = {"until": at(edge)} if order == "desc" else {"since": at(edge)}
        outcome = read(Service(count), order=order, sort_by="startTime", limit=10, **bounds)
        expected = down(edge - 1, 0) if order == "desc" else list(range(edge, count))
        assert numbers(outcome) == expected[:10], edge
        assert outcome.value["tasks"][0]["truncated"] is (len(expected) > 10), edge


@pytest.mark.parametrize("start", range(0, 150, 25))  # 25 in one: ansible-test forks for each test
def test_any_query_of_any_log_that_grows(start: int) -> None:
    """Against what a plain list says: rows, order, total and whether there are more."""
    for seed in range(start, start + 25):
        chance = random.Random(seed)
        count = chance.choice([0, 1, 5, 23, 60, 120])
        grows = {request: chance.choice([1, 1, 3, 15]) for request in range(2, 60) if chance.random() < 0.2}
        service = Service(count, cap=chance.choice([3, 7, 1000]), grows=grows)
        order, sort_by = chance.choice(["desc", "asc"]), chance.choice(["startTime", "createTimeStr"])
        limit = chance.choice([None, 1, 10, 50])
        since, until = sorted(chance.sample(range(count + 9), 2))
        bounds = {
            "since": at(since) if chance.random() < 0.7 else None,
            "until": at(until) if chance.random() < 0.7 else None,
        }
        size, at_once = chance.choice([1, 5, 10, 100]), chance.choice([1, 2, 8])
        outcome = read(
            service, at_once, order=order, sort_by=sort_by, limit=limit, page_size=size, pages_at_once=at_once, **bounds
        )
        matching = [
            number
            for number in range(count)
            if (bounds["since"] is None or number >= since) and (bounds["until"] is None or number < until)
        ]
        matching = matching[::-1] if order == "desc" else matching
        (task,) = outcome.value["tasks"]
        assert numbers(outcome) == matching[:limit], seed
        assert task["truncated"] is (limit is not None and len(matching) > limit), seed
        assert task["total_num"] == count, seed


@pytest.mark.parametrize("start", range(0, 400, 25))  # 25 in one: ansible-test forks for each test
def test_any_query_of_any_log_whose_pages_come_in_any_order(start: int) -> None:
    """The same with sums, and with more that may go wrong: what was asked for first may be answered last."""
    for seed in range(start, start + 25):
        chance = random.Random(seed)
        count, often, most = (
            chance.choice([0, 1, 23, 60, 300]),
            chance.choice([0, 0.05, 0.2]),
            chance.choice([1, 3, 15]),
        )
        grows = {request: chance.randint(1, most) for request in range(2, 500) if chance.random() < often}
        service = Service(count, cap=chance.choice([3, 7, 1000, 1000]), grows=grows)
        since, until = sorted(chance.sample(range(-3, count + 9), 2))
        bounded = chance.random() < 0.7, chance.random() < 0.7
        limit = chance.choice([None, 1, 10, 50])
        query = QUERY._replace(
            order=chance.choice(["desc", "asc"]),
            sort_by=chance.choice(["startTime", "createTimeStr"]),
            limit=limit,
            summary_only=limit is None and chance.random() < 0.5,
            page_size=chance.choice([1, 5, 10, 100]),
            since=at(since) if bounded[0] else None,
            until=at(until) if bounded[1] else None,
            pages_at_once=chance.choice([1, 2, 8]),
        )
        matching = [
            number
            for number in range(count)
            if not (bounded[0] and number < since) and not (bounded[1] and number >= until)
        ]
        expected = (matching[::-1] if query.order == "desc" else matching)[:limit]
        flow = _logs.facts(t.cast(t.Any, None), [_log_reader.Task(TASK)], ALL, query)
        value = in_any_order(flow, service, chance)
        (task,) = value["tasks"]
        told = [(entry["start_time"] - START) // STEP for entry in value["logs"]]
        assert told == ([] if query.summary_only else expected), query
        assert (task["returned"], task["total_num"]) == (len(expected), count), query
        assert task["transfer_bytes"] == sum(1000 + number for number in expected), query
        assert task["truncated"] is (limit is not None and len(matching) > limit), query


def test_a_window_over_a_log_that_grows_while_its_end_is_searched() -> None:
    """The pages that the search looks into move on, so that rows between them were on none of them."""
    for seed in range(60):
        chance = random.Random(seed)
        count = chance.choice([60, 120, 200])
        grows = {request: 5 for request in range(2, 40) if chance.random() < 0.2}
        since, until = sorted(chance.sample(range(count), 2))
        at_once = chance.choice([1, 4])
        outcome = read(
            Service(count, grows=grows), 1, sort_by="startTime", since=at(since), until=at(until), pages_at_once=at_once
        )
        assert numbers(outcome) == down(until - 1, since), seed
        assert outcome.value["tasks"][0]["truncated"] is False, seed


@pytest.mark.parametrize("order", ["desc", "asc"])
@pytest.mark.parametrize("grows", [{2: 3}, {3: 12}, {4: 1, 5: 1}])
def test_a_window_over_a_growing_log(order: str, grows: dict[int, int]) -> None:
    outcome = read(Service(200, grows=grows), 1, order=order, sort_by="startTime", since=at(50), until=at(90))
    assert sorted(numbers(outcome)) == list(range(50, 90))
    assert numbers(outcome) == sorted(numbers(outcome), reverse=order == "desc")


@pytest.mark.parametrize("order", ["desc", "asc"])
@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize(("since", "until"), [(20, 60), (2, 9), (80, 81)])
def test_a_window_over_a_log_that_is_not_in_order_reads_all_of_it(
    order: str, seed: int, since: int, until: int
) -> None:
    """A service that takes no notice of what to sort by: what is read does not look sorted."""
    places = random.Random(seed).sample(range(100), 100)
    shuffled = Service(100, sort_key=lambda one: places[(one["startTime"] - START) // STEP])
    outcome = read(shuffled, sort_by="startTime", order=order, since=at(since), until=at(until))
    assert sorted(numbers(outcome)) == list(range(since, until))


def test_a_window_over_rows_that_tell_no_times_reads_all_of_them() -> None:
    service = Service(40)
    for one in service.rows[10:]:
        one["startTime"] = None
    service.sort_key = lambda one: one["endTime"]
    outcome = read(service, sort_by="startTime", since=at(0))
    assert numbers(outcome) == down(9, 0)
    assert outcome.value["tasks"][0]["truncated"] is False


def test_a_page_of_one_moment_is_read_on_carefully() -> None:
    service = Service(60)
    for one in service.rows[40:]:
        one["startTime"] = at(59)
    service.sort_key = lambda one: one["endTime"]
    outcome = read(service, sort_by="startTime", since=at(25))
    assert len(numbers(outcome)) == 35
    assert sorted(pages(outcome)) == [1, 2, 3, 4]


@pytest.mark.parametrize("sort_by", ["startTime", "createTimeStr"])
@pytest.mark.parametrize("liberty", [{"exaggerates": 2**60}, {"exaggerates": 15}, {"repeats": True}, {"cap": 3}])
@pytest.mark.parametrize("limit", [None, 8])
def test_a_window_over_a_log_with_liberties_ends(sort_by: str, liberty: dict[str, t.Any], limit: int | None) -> None:
    outcome = read(Service(40, **liberty), sort_by=sort_by, since=at(5), until=at(15), limit=limit)
    assert len(outcome.asked) <= 90
    if "repeats" not in liberty:
        assert numbers(outcome) == down(14, 5)[:limit]
    if limit or "repeats" in liberty:
        assert outcome.value["tasks"][0]["truncated"] is True


@pytest.mark.parametrize("nothing", [None, 0, -1])
@pytest.mark.parametrize("window", [{"since": at(0)}, {"until": at(9)}, {"since": 0, "until": at(9)}])
def test_rows_without_a_start_time_lie_in_no_window(nothing: int | None, window: dict[str, int]) -> None:
    rows = [row(3), row(2, startTime=nothing), row(1)]
    answer = {"totalNum": 3, "transferTaskLogList": rows}
    assert numbers(read(lambda asked: answer, sort_by="startTime", **window)) == [3, 1]
    moment = {"totalNum": 1, "transferTaskLogList": row(0, startTime=1)}
    assert read(lambda asked: moment, until=2).value["summary"]["returned"] == 1


# -- sums


def test_summary_only_keeps_no_row_and_counts_all_of_them() -> None:
    full, sums = read(Service(35)), read(Service(35), summary_only=True)
    assert sums.value["logs"] == []
    assert sums.value["tasks"] == full.value["tasks"]
    assert sums.value["summary"] == full.value["summary"]
    assert sums.value["summary"] == {
        "total_num": 35,
        "returned": 35,
        "truncated": False,
        "transfer_bytes": 35 * 1000 + 35 * 34 // 2,
        "transfer_records_num": 350,
        "bytes_per_second": 3.39,  # 35595 bytes in 35 intervals of 300 s that touch
        "records_per_second": 0.033,
    }
    assert sums.value["tasks"][0]["first_started_at"] == "2025-08-29T20:40:00.000Z"
    assert sums.value["tasks"][0]["last_ended_at"] == "2025-08-29T23:35:00.000Z"


def test_the_busy_time_of_two_tasks_counts_once_where_they_overlap() -> None:
    def service(asked: Asked) -> t.Any:
        offset = 0 if asked.path == "a" else 2
        rows = [row(offset + 2, transferTaskId=asked.path), row(offset, transferTaskId=asked.path)]
        return {"totalNum": 2, "transferTaskLogList": rows}

    tasks = [_log_reader.Task("b"), _log_reader.Task("a")]
    outcome = run(lambda client: _logs.facts(client, tasks, ALL, QUERY), service)
    assert [entry["transfer_task_id"] for entry in outcome.value["tasks"]] == ["b", "a"]
    assert [entry["transfer_task_id"] for entry in outcome.value["logs"]] == ["b", "b", "a", "a"]
    # Intervals 0, 2 of the one and 2, 4 of the other: three of 300 s.
    assert outcome.value["summary"]["records_per_second"] == round(40 / 900, 3)


def test_a_log_without_figures_sums_up_to_nothing() -> None:
    rows = [row(number, transferBytes=None, transferRecordsNum=None) for number in range(2)]
    outcome = read(lambda asked: {"totalNum": 2, "transferTaskLogList": rows})
    (task,) = outcome.value["tasks"]
    assert (task["transfer_bytes"], task["transfer_records_num"], task["returned"]) == (0, 0, 2)
    rows = [row(0, transferBytes=-1, transferRecordsNum="-1"), row(1, transferBytes=7, transferRecordsNum=3)]
    (task,) = read(lambda asked: {"totalNum": 2, "transferTaskLogList": rows}).value["tasks"]
    assert (task["transfer_bytes"], task["transfer_records_num"]) == (7, 3)


def test_times_of_a_log_that_are_none() -> None:
    rows = [row(number, startTime=start, endTime=end) for number, (start, end) in enumerate([(0, 0), (-1, -1), (1, 2)])]
    outcome = read(lambda asked: {"totalNum": 3, "transferTaskLogList": rows})
    (task,) = outcome.value["tasks"]
    assert (task["first_started_at"], task["last_ended_at"]) == ("1970-01-01T00:00:00.001Z", "1970-01-01T00:00:00.002Z")


def test_identities_are_a_set() -> None:
    identities = _log_reader._Identities()
    values = [random.Random(number).randrange(-(2**63), 2**63) for number in range(500)]
    for value in values:
        assert identities.add(value)
        assert not identities.add(value)
    assert identities.count == 500
    assert not any(identities.add(value) for value in values)


def test_a_log_without_times_has_no_rate() -> None:
    rows = [row(1, startTime=0, endTime=-1), row(0, startTime=None, endTime=None, transferBytes=None)]
    outcome = read(lambda asked: {"totalNum": 2, "transferTaskLogList": rows})
    assert outcome.value["summary"]["bytes_per_second"] is None
    assert outcome.value["summary"]["transfer_bytes"] == 1001
    assert [entry["started_at"] for entry in outcome.value["logs"]] == [None, None]
    assert [entry["start_time"] for entry in outcome.value["logs"]] == [0, None]
    assert outcome.value["tasks"][0]["first_started_at"] is None


# -- failures


def test_a_page_that_fails_keeps_the_others() -> None:
    outcome = read(Service(60, broken=(3,)))
    assert numbers(outcome) == [*down(59, 40), *down(29, 0)]
    assert [failure.kind for failure in outcome.failures] == ["server"]
    assert outcome.value["tasks"][0]["truncated"] is True


@pytest.mark.parametrize("query", [{}, {"sort_by": "startTime", "since": at(5), "until": at(20)}, {"limit": 30}])
@pytest.mark.parametrize("cap", [4, 1000])
def test_when_all_pages_but_the_first_fail_the_first_is_kept(query: dict[str, t.Any], cap: int) -> None:
    outcome = read(Service(60, broken=tuple(range(2, 99)), cap=cap), **query)
    assert outcome.value["tasks"][0]["truncated"] is True
    assert 1 <= len(outcome.failures) <= 4
    if not query.get("since"):
        assert numbers(outcome) == down(59, 60 - min(cap, 10))


def test_a_page_that_fails_behind_the_near_end_of_a_window() -> None:
    service = Service(200, broken=(17,))
    outcome = read(service, sort_by="startTime", since=at(20), until=at(60), pages_at_once=1)
    assert [failure.kind for failure in outcome.failures] == ["server"]
    assert outcome.value["tasks"][0]["truncated"] is True
    assert numbers(outcome)[:20] == down(59, 40)


def test_a_page_of_moved_rows_that_fails() -> None:
    broken: list[int] = []

    def service(asked: Asked, log: Service = Service(30, grows={3: 2})) -> t.Any:  # noqa: B008  # one service for the whole conversation
        index = asked.sent["pageInfo"]["pageIndex"]
        if index == 4:
            broken.append(index)
            return BROKEN
        return log(asked)

    outcome = read(service, 1)
    assert (broken, [failure.kind for failure in outcome.failures]) == ([4], ["server"])
    assert numbers(outcome) == down(29, 2)
    assert outcome.value["tasks"][0]["truncated"] is True


def test_when_reading_again_fails_what_came_before_is_kept() -> None:
    """Under an order that is not one of time a log that has grown is read anew."""
    log = Service(20, grows={2: 1})
    first_pages: list[int] = []

    def service(asked: Asked) -> t.Any:
        if asked.sent["pageInfo"]["pageIndex"] == 1:
            first_pages.append(1)
        return BROKEN if len(first_pages) > 1 else log(asked)

    outcome = read(service, 1, sort_by="records")
    assert len(numbers(outcome)) >= 19
    assert outcome.value["tasks"][0]["truncated"] is True
    assert [failure.kind for failure in outcome.failures] == ["server"]


def test_a_first_page_that_fails_leaves_the_task_out() -> None:
    outcome = read(Service(60, broken=(1,)))
    assert outcome.value["tasks"] == outcome.value["logs"] == outcome.value["not_found"] == []
    assert len(outcome.failures) == 1


def test_an_absent_task_asked_for_by_its_id() -> None:
    outcome = read(lambda asked: TASK_ABSENT)
    assert outcome.value["not_found"] == [{"transfer_task_id": TASK, "stream_name": None, "task_name": None}]
    assert outcome.failures == []


# -- tasks by name


def by_name(
    service: dict[str, t.Any] | t.Callable[[Asked], t.Any],
    stream_names: list[str] | None,
    task_names: list[str] | None = None,
) -> Outcome:
    wanted = _dis_tasks.Wanted(stream_names, task_names)
    return run(lambda client: _logs.facts(client, None, wanted, QUERY), service)


def listed(*tasks: tuple[str, str | None]) -> dict[str, t.Any]:
    entries = [{"task_name": name, "task_id": task_id} for name, task_id in tasks]
    return {"total_number": len(tasks), "tasks": entries}


def log_of(*rows: int) -> dict[str, t.Any]:
    return {"totalNum": len(rows), "transferTaskLogList": [row(number) for number in rows]}


def test_tasks_are_found_by_the_names_of_their_streams_and_sorted() -> None:
    service = {
        "streams/b/transfer-tasks": listed(("z", "id-z"), ("y", None)),
        "streams/b/transfer-tasks/y": {"task_id": "id-y"},
        "streams/a/transfer-tasks": listed(("x", "id-x")),
        "id-x": log_of(3),
        "id-y": log_of(2),
        "id-z": log_of(1),
    }
    outcome = by_name(service, ["b", "a"])
    told = [(entry["stream_name"], entry["task_name"], entry["transfer_task_id"]) for entry in outcome.value["tasks"]]
    assert told == [("a", "x", "id-x"), ("b", "y", "id-y"), ("b", "z", "id-z")]
    assert [(entry["task_name"], entry["transfer_task_id"]) for entry in outcome.value["logs"]] == [
        ("x", "id-x"),
        ("y", "id-y"),
        ("z", "id-z"),
    ]
    assert numbers(outcome) == [3, 2, 1]


def test_what_was_asked_for_by_name_and_is_not_there() -> None:
    service = {
        "streams/a/transfer-tasks": listed(("x", "id-x"), ("y", "id-y"), ("v", None)),
        "streams/a/transfer-tasks/v": TASK_ABSENT,
        "id-x": log_of(1),
        "id-y": TASK_ABSENT,
    }
    outcome = by_name(service, ["a"], ["x", "y", "v", "w"])
    assert outcome.value["not_found"] == [
        {"transfer_task_id": None, "stream_name": "a", "task_name": name} for name in ("v", "w", "y")
    ]
    # Without their names they were not asked for.
    assert by_name(service, ["a"]).value["not_found"] == []


def test_a_task_that_one_of_two_streams_still_has_is_not_missing() -> None:
    service = {
        "streams/a/transfer-tasks": listed(("x", "id-1"), ("y", "id-3")),
        "streams/b/transfer-tasks": listed(("x", "id-2")),
        "id-1": TASK_ABSENT,
        "id-2": log_of(1),
        "id-3": TASK_ABSENT,
    }
    outcome = by_name(service, ["a", "b"], ["x", "y"])
    assert outcome.value["not_found"] == [{"transfer_task_id": None, "stream_name": None, "task_name": "y"}]


def test_an_absent_stream() -> None:
    outcome = by_name({"streams/a/transfer-tasks": STREAM_ABSENT}, ["a"])
    assert outcome.value["not_found"] == [{"transfer_task_id": None, "stream_name": "a", "task_name": None}]


def test_a_stream_that_is_gone_when_its_logs_are_read() -> None:
    service = {"streams/a/transfer-tasks": listed(("x", "id-x")), "id-x": STREAM_ABSENT}
    outcome = by_name(service, ["a"])
    assert outcome.value["not_found"] == [{"transfer_task_id": None, "stream_name": "a", "task_name": None}]
    assert outcome.value["tasks"] == outcome.failures == []


def test_a_stream_or_a_task_that_cannot_be_read_is_not_missing() -> None:
    service = {
        "streams/a/transfer-tasks": BROKEN,
        "streams/b/transfer-tasks": listed(("x", None), ("y", None), ("z", "id-z")),
        "streams/b/transfer-tasks/x": REFUSED,
        "streams/b/transfer-tasks/y": {"task_name": "y"},  # tells no ID either
        "id-z": log_of(1),
    }
    outcome = by_name(service, ["a", "b"], ["x", "y", "z", "unheard-of"])
    assert outcome.value["not_found"] == []
    assert [entry["task_name"] for entry in outcome.value["tasks"]] == ["z"]
    assert [failure.kind for failure in outcome.failures] == ["server", "invalid_request", "protocol"]


# -- one answer


@pytest.mark.parametrize("code", [None, -1, "-1", " -1 ", 0, "0", ""])
@pytest.mark.parametrize("message", [None, ""])
def test_the_codes_of_success(code: t.Any, message: t.Any) -> None:
    page = _log_reader.page_of({"errorCode": code, "message": message, "totalNum": 0, "transferTaskLogList": None})
    assert page == _log_reader.Page(0, [])


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ({"errorCode": "DIS.5000", "message": None}, ("DIS.5000", "the service gives no reason")),
        ({"errorCode": -1, "message": "task is broken"}, ("", "task is broken")),
        ({"errorCode": 4354, "message": "gone"}, ("4354", "gone")),
    ],
)
def test_an_error_inside_a_success(answer: dict[str, t.Any], told: tuple[str, str]) -> None:
    with pytest.raises(RefusedInside) as refusal:
        _log_reader.page_of({**answer, "totalNum": 0, "transferTaskLogList": []})
    assert refusal.value.args == told


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"errorCode": -1, "message": None},
        {"totalNum": 3, "transferTaskLogList": None},
        {"errorCode": -1, "message": {"a": 1}, "totalNum": 0, "transferTaskLogList": []},
        {"errorCode": [-1], "totalNum": 0, "transferTaskLogList": []},
        {"totalNum": 3},
        {"totalNum": "three", "transferTaskLogList": []},
        {"totalNum": 1, "transferTaskLogList": ["a row"]},
        {"totalNum": 1, "transferTaskLogList": [{"startTime": 1.5}]},
        {"totalNum": 1, "transferTaskLogList": "rows"},
    ],
)
def test_an_answer_of_another_shape(answer: dict[str, t.Any]) -> None:
    with pytest.raises(ShapeError):
        _log_reader.page_of(answer)


def test_a_total_or_a_list_is_enough() -> None:
    assert _log_reader.page_of({"transferTaskLogList": []}) == _log_reader.Page(None, [])
    assert _log_reader.page_of({"totalNum": 0}) == _log_reader.Page(0, [])


@pytest.mark.parametrize("order", ["desc", "asc"])
def test_the_first_start_and_the_last_end_in_any_order(order: str) -> None:
    (task,) = read(Service(3), order=order).value["tasks"]
    assert task["first_started_at"] == _shape.moment(at(0))
    assert task["last_ended_at"] == _shape.moment(at(3))


def test_totals_that_cannot_be() -> None:
    """They tell as little as none."""
    for told in (None, "", 0, 1):
        page = _log_reader.page_of({"totalNum": told, "transferTaskLogList": [row(0), row(1)]})
        assert (page.total, len(page.rows)) == (None, 2)
    assert _log_reader.page_of({"totalNum": 3, "transferTaskLogList": None}, first=False) == _log_reader.Page(3, [])


def test_of_two_spellings_the_one_that_says_something_counts() -> None:
    page = _log_reader.page_of({"totalNum": None, "total_num": "1", "transferTaskLogList": row(0), "errorCode": None})
    assert (page.total, len(page.rows)) == (1, 1)
    page = _log_reader.page_of({"totalNum": 1, "total_num": None, "transferTaskLogList": row(0)})
    assert page.total == 1
