# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bytes per hour of a dump, from the rows of its log, and their picture."""

from __future__ import annotations

import itertools
import math
import typing as t
from collections.abc import Iterable, Mapping

from ansible_collections.hwcloud.streaming.plugins.module_utils._shape import counted

HOUR = 3_600_000
CHART = 23  # the height of the largest hour, of 24
Slots = t.List[t.Optional[float]]  # bytes of each hour, oldest first; None is not known


class Chart(t.NamedTuple):
    """The bytes per hour of one dump, drawn: paths of the bars and of the gaps, and the same in words."""

    bars: str
    gaps: str
    words: str


def slots(
    rows: Iterable[Mapping[str, t.Any]],
    *,
    now: int,
    hours: int,
    truncated: bool = False,
    since: float = 0,
    until: float = math.inf,
) -> Slots:
    """Return the bytes of each of the last hours; 0 is a gap, None an hour of which the rows tell nothing.

    That is an hour before `since` or after `until`, one whose rows tell no bytes and, where the log is `truncated`, one
    beyond the rows that were read.
    """
    start = now - hours * HOUR
    filled, unknown = [0.0] * hours, [0.0] * hours
    begins = []
    for row in rows:
        begin, end, size = row.get("start_time"), row.get("end_time"), counted(row.get("transfer_bytes"))
        begin = end if begin is None else begin
        if begin is not None:
            begins.append(begin)
            to, amount = (unknown, 1) if size is None else (filled, size)
            _add(to, begin - start, max(begin, end or begin) - start, amount)
    if truncated:
        # Read from the newest row on, it tells all since the oldest that was read; from the oldest on the other way round.
        newest_first = all(one >= two for one, two in zip(begins, begins[1:]))
        oldest_first = all(one <= two for one, two in zip(begins, begins[1:]))
        if newest_first:
            since = max(since, min(begins, default=math.inf))
        if oldest_first:
            until = min(until, max(begins, default=0))
        if not newest_first and not oldest_first:
            since = math.inf
    return [
        size if size or (not unknown[at] and start + at * HOUR >= since and start + (at + 1) * HOUR <= until) else None
        for at, size in enumerate(filled)
    ]


def _add(filled: list[float], begin: int, end: int, size: float) -> None:
    """Add the bytes of one log row to its hours; a row that lasts over several is shared out by time."""
    first, last = begin // HOUR, max(begin, end - 1) // HOUR
    if first == last:
        if 0 <= first < len(filled):
            filled[first] += size
        return
    for at in range(max(0, first), min(len(filled) - 1, last) + 1):
        filled[at] += size * (min(end, (at + 1) * HOUR) - max(begin, at * HOUR)) / (end - begin)


def chart(hours: Slots) -> Chart:
    """Draw the hours: six units wide each, the largest as high as the picture, gaps as a band from top to bottom."""
    most = max((size for size in hours if size), default=0)
    heights = [max(1, round(CHART * size / most)) if size else 0 for size in hours]
    bars, before = "M0 24", 0
    for height, run in _runs(heights):
        bars += (f"v{before - height}" if height != before else "") + f"h{6 * run}"
        before = height
    gaps, at = "", 0
    for is_gap, run in _runs([size == 0 for size in hours]):
        gaps += f"M{6 * at} 12h{6 * run}" if is_gap else ""
        at += run
    empty, unknown = hours.count(0), hours.count(None)
    words = bytes_in_words(sum(size or 0 for size in hours))
    words += f", {empty} h without data" if empty else ""
    return Chart(f"{bars}V24" if most else "", gaps, words + (f", {unknown} h not known" if unknown else ""))


def _runs(values: t.Sequence[t.Any]) -> t.Iterator[tuple[t.Any, int]]:
    """Yield each value and how often it follows in a row."""
    return ((value, len(list(run))) for value, run in itertools.groupby(values))


def bytes_in_words(size: float) -> str:
    """Write a number of bytes in three figures: `0 B`, `1.53 MB`, `312 GB`."""
    units = ("B", "kB", "MB", "GB", "TB", "PB")
    for unit in units:
        if size < 999.5 or unit == units[-1]:
            break
        size /= 1000
    figure = f"{size:.0f}" if unit == "B" or size >= 99.95 else f"{size:.1f}" if size >= 9.995 else f"{size:.2f}"
    return f"{figure} {unit}"
