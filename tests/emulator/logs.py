# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The log of a transfer task: rows written out in the world, or as many as wanted computed when a page is asked for."""

from __future__ import annotations

from typing import Any

from .protocol import encode

_PLAIN = ("bytes", "records", "state", "start", "end", "partition", "file", "destination_type", "num", "transformed")


class LogOwner:
    """What a row says of its task."""

    __slots__ = ("task_id", "stream_name", "stream_id", "project_id", "destination_type")

    def __init__(self, task_id: str, stream_name: str, stream_id: str, project_id: str, destination_type: str) -> None:
        self.task_id = task_id
        self.stream_name = stream_name
        self.stream_id = stream_id
        self.project_id = project_id
        self.destination_type = destination_type


class LogRows:
    """Rows written out one by one, oldest first or not. Each is a mapping with the keys of the world file."""

    def __init__(self, rows: list[dict[str, Any]]) -> None:
        self.rows = rows

    def total(self) -> int:
        """How many rows there are."""
        return len(self.rows)

    def grow(self, count: int) -> None:
        """Add rows as if the task had gone on."""
        for _number in range(count if self.rows else 0):
            newest = max(self.rows, key=lambda row: int(row["start"]))
            length = max(int(newest["end"]) - int(newest["start"]), 1000)
            self.rows.append({**newest, "start": newest["start"] + length, "end": newest["end"] + length})

    def reach(self, now: int) -> None:
        """What is written out stays as it is."""

    def page(self, first: int, count: int, order: str, sort_by: str, owner: LogOwner) -> list[bytes]:
        """Rows ``first`` to ``first + count`` in the asked order, each as JSON text."""
        key = _SORT_KEYS[sort_by]
        rows = sorted(self.rows, key=lambda row: int(row.get(key) or 0), reverse=order == "desc")
        return [self._wire(row, owner) for row in rows[first : first + count]]

    @staticmethod
    def _wire(row: dict[str, Any], owner: LogOwner) -> bytes:
        file = f"{owner.task_id}.{owner.stream_name}.{row.get('partition', 0)}.{row['start'] + 10}"
        value = {
            "transferTaskId": owner.task_id,
            "destinationType": row.get("destination_type", owner.destination_type),
            "startTime": row["start"],
            "endTime": row["end"],
            "transferBytes": row["bytes"],
            "transferRecordsNum": row["records"],
            "streamId": owner.stream_id,
            "projectId": owner.project_id,
            "transferFileName": row.get("file", file),
            "state": row["state"],
            "transformRecordsNum": row.get("transformed", 0),
            "num": row.get("num", 0),
        }
        value.update({key: item for key, item in row.items() if key not in _PLAIN})
        return encode(value)


class LogGenerator:
    """Rows at even distances, computed page by page: a hundred thousand of them cost no memory."""

    def __init__(self, count: int, every: int, lasting: int, size: int, records: int, start: int, state: int) -> None:
        self.count = count
        self.every = every
        self.lasting = lasting
        self.size = size
        self.records = records
        self.start = start
        self.state = state

    def total(self) -> int:
        """How many rows there are."""
        return self.count

    def grow(self, count: int) -> None:
        """Add rows as if the task had gone on."""
        self.count += count

    def reach(self, now: int) -> None:
        """Go on, row by row, until now."""
        if self.every:
            self.count = max(self.count, (now - self.lasting - self.start) // self.every + 1)

    def page(self, first: int, count: int, order: str, sort_by: str, owner: LogOwner) -> list[bytes]:
        """Rows ``first`` to ``first + count`` in the asked order, each as JSON text.

        Every sort key rises with time or is the same in all rows, so that the order by time serves them all.
        """
        del sort_by
        stop = min(first + count, self.count)
        numbers = range(first, stop) if order == "asc" else range(self.count - 1 - first, self.count - 1 - stop, -1)
        # The constant part is made once a page: this is the hot path of the benchmark.
        row = (
            f'{{{{"transferTaskId":"{owner.task_id}","destinationType":"{owner.destination_type}","startTime":{{0}},'
            f'"endTime":{{1}},"transferBytes":{self.size},"transferRecordsNum":{self.records},'
            f'"streamId":"{owner.stream_id}","projectId":"{owner.project_id}",'
            f'"transferFileName":"{owner.task_id}.{owner.stream_name}.0.{{2}}","state":{self.state},'
            f'"transformRecordsNum":0,"num":0}}}}'
        ).format
        start, every, lasting = self.start, self.every, self.lasting
        return [
            row(moment, moment + lasting, moment + 10).encode()
            for moment in (start + number * every for number in numbers)
        ]


_SORT_KEYS = {
    "createTimeStr": "start",
    "startTime": "start",
    "endTime": "end",
    "state": "state",
    "records": "records",
    "readRecords": "records",
    "dataSize": "bytes",
}
SORT_NAMES = tuple(_SORT_KEYS)
