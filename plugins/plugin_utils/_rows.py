# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rows of a table of judged tasks, worst first, and how they are written below 80 columns. No I/O, no clock."""

from __future__ import annotations

import re
import typing as t
from collections.abc import Mapping
from urllib.parse import unquote

from ansible_collections.hwcloud.streaming.plugins.module_utils import _judge
from ansible_collections.hwcloud.streaming.plugins.module_utils._states import (
    SHAPE,
    Problem,
    _duration,
    _flat,
    _number,
    _placed,
)

WIDTH = 79  # the YAML result format folds longer lines
NONE, UNKNOWN, NEVER = "-", "?", "never"
STATE_WIDTH = 8  # a state is cut to this only where the line would be too wide; its verdict says it in full
ANYWHERE = ("*",)
COLUMNS = ("NAME", "TASK", "STATE", "LAST", "LOG", "LAG", "DISC", "VERDICT")
FIGURES = COLUMNS[3:7]
# The header of the last column when no limit is set: the longest that fits.
STATES_ALONE = ("VERDICT (states alone)", "VERDICT BY STATE", "STATES ALONE", "BY STATE")
# What a failed request was about, as its path tells.
ASKED = re.compile(r"/(streams|connectors|instances|transfertasklog)/([^/?]+)(?:/(?:transfer|sink)-tasks/([^/?]+))?")

Place = t.Optional[t.Tuple[str, ...]]  # what PLACES of a result say; None for tasks without a result


class Row(t.NamedTuple):
    """A line of the table: the facts behind it, how bad it is (the place in VERDICTS), its cells by column, its problems."""

    rank: int
    cells: dict[str, str]
    subject: _judge.Subject
    problems: list[Problem]
    log: Mapping[str, t.Any] | None


class _Logs:
    """What the results of the log module tell of each task; of a task that they do not know, nothing."""

    def __init__(self, logs: t.Any, now: int) -> None:
        self.incomplete = False
        self._by_key: dict[tuple[t.Any, ...], Mapping[str, t.Any]] = {}
        if logs is None:
            return
        for subject in _judge.subjects(logs, _judge.limits_of(now=now, allow_empty=True)):
            if subject.kind == "log":
                for key in _keys(subject):
                    self._by_key.setdefault((_place_of(subject), *key), subject.facts)
                    self._by_key.setdefault((ANYWHERE, *key), subject.facts)
            elif subject.kind == "failed":
                self.incomplete = True
            elif subject.kind != "missing":
                raise _judge.JudgeError(f"logs: {SHAPE}: that of dis_transfer_task_log_info, got tasks of another kind")

    def of(self, place: Place, keys: t.Sequence[tuple[str, str]]) -> Mapping[str, t.Any] | None:
        for key in keys:
            # Logs that were handed over without their result (place None) belong to any place, and so do tasks.
            found = self._by_key.get((place or ANYWHERE, *key)) or self._by_key.get((None, *key))
            if found is not None:
                return found
        return None


def rows(
    subjects: t.Iterable[_judge.Subject], limits: _judge.Limits, logs: t.Any = None, max_log_age: int | None = None
) -> list[Row]:
    """Return a row for each task and for each thing that is missing or could not be gathered, worst first.

    With `max_log_age` a DIS task whose log was not read is a problem: that it keeps the limit is not known.
    """
    known_logs, judged = _Logs(logs, limits.now), [subject for subject in subjects if subject.kind != "left_out"]
    # One result has many tasks: since ansible-core 2.19 each look into it costs.
    of_result = {id(subject.result): subject for subject in judged}
    place_of = {key: _place_of(subject) for key, subject in of_result.items()}
    where = _where_column(place_of.values())
    instances: dict[int, dict[t.Any, t.Any]] = {}
    merged: list[tuple[dict[str, str], _judge.Subject, list[Problem], Mapping[str, t.Any] | None]] = []
    places: dict[tuple[t.Any, ...], int] = {}
    # What a log or a failed request says of a task that has a row stands there.
    for subject in sorted(judged, key=lambda one: one.kind in ("log", "failed")):
        place, names = place_of[id(subject.result)], _keys(subject) if subject.kind in ("dis", "log") else []
        log = subject.facts if subject.kind == "log" else known_logs.of(place, names)
        name, task = _names(subject, instances)
        service = _service(subject)
        keys = [(place, service, name, task), *((place, service, *key) for key in names)]
        row = None
        if subject.kind in ("log", "failed"):
            row = next((places[key] for key in keys if key in places and key[2:] != (NONE, NONE)), None)
        if row is not None:
            cells, first, problems, its_log = merged[row]
            if subject.kind == "log":
                cells["LOG"], its_log = _log_cell(log, limits.now), log
            merged[row] = cells, first, problems + subject.problems, its_log
            continue
        for key in keys:
            places.setdefault(key, len(merged))
        cells = {
            **({where: _where(subject, where)} if where else {}),
            "NAME": name,
            "TASK": task,
            **_figures(subject, log, limits.now, UNKNOWN if known_logs.incomplete else NONE),
        }
        merged.append((cells, subject, list(subject.problems), log))
    if max_log_age is not None:
        unread = Problem("unknown", "unknown", f": its log was not read, limit {_duration(max_log_age)}")
        for _cells, subject, problems, log in merged:
            if subject.kind == "dis" and log is None:
                problems.extend(_placed(subject.facts, [unread]))
    done = [
        Row(rank, {**cells, "VERDICT": word}, subject, problems, log)
        for cells, subject, problems, log in merged
        for rank, word in [_verdict(problems)]
    ]
    return sorted(done, key=lambda row: (row.rank, row.cells["NAME"], row.cells["TASK"], row.cells.get(where, "")))


def lines(table: t.Sequence[Row], limits: _judge.Limits) -> list[str]:
    """Write the rows with a header: below 80 columns where that is possible, each figure of a column under the other."""
    by_state = limits.max_age is None and limits.max_lag is None and limits.max_discarded is None
    columns = _columns(table, limits)
    cells = [[row.cells[column] for column in columns] for row in table]
    last = STATES_ALONE[-1] if by_state else "VERDICT"
    for gap, state_width in ((2, 0), (1, 0), (1, STATE_WIDTH)):
        if state_width and "STATE" in columns:
            at = columns.index("STATE")
            for line in cells:
                line[at] = line[at] if len(line[at]) <= state_width else f"{line[at][: state_width - 1]}~"
        written = _written([[*columns[:-1], last], *cells], columns, gap)
        if max(map(len, written)) <= WIDTH:
            break
    if by_state:
        begin = written[0][: -len(last)]
        fits = (title for title in STATES_ALONE if len(begin) + len(title) <= WIDTH)
        written[0] = begin + next(fits, STATES_ALONE[-1])
    return written


def _columns(table: t.Sequence[Row], limits: _judge.Limits) -> list[str]:
    """Return the columns that have something to tell."""
    first = next(iter(table[0].cells)) if table else "NAME"
    columns = ["NAME"] if first == "NAME" else [first, "NAME"]
    for column in COLUMNS[1:-1]:
        told = {row.cells[column] for row in table} - {NONE}
        if column == "LAG" and limits.max_lag is None:
            told -= {UNKNOWN}
        if column == "DISC" and limits.max_discarded is None:
            told -= {UNKNOWN, "0"}
        if told:
            columns.append(column)
    return [*columns, "VERDICT"]


def _written(cells: t.Sequence[t.Sequence[str]], columns: t.Sequence[str], gap: int) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*cells)]
    between = " " * gap
    name = columns.index("NAME")
    block = widths[name]
    if "TASK" in columns:
        # Name and task share their width: where a long name stands beside a short task and the other way round, tasks
        # move to the left rather than make all lines too wide.
        aligned = block + gap + widths[name + 1]
        least = max(len(line[name]) + gap + len(line[name + 1]) for line in cells)
        rest = sum(widths) - widths[name] - widths[name + 1] + gap * (len(widths) - 2)
        block = min(aligned, max(least, WIDTH - rest))
    written = []
    for line in cells:
        parts: list[str] = []
        for at, (column, cell) in enumerate(zip(columns, line)):
            if column == "TASK":
                start = min(widths[name] + gap, block - len(cell))
                parts[-1] = f"{parts[-1].rstrip():{start}}{cell}".ljust(block)
            elif column in FIGURES:
                parts.append(cell.rjust(widths[at]))
            else:
                parts.append(cell.ljust(widths[at]))
        written.append(between.join(parts).rstrip())
    return written


def _verdict(problems: t.Iterable[Problem]) -> tuple[int, str]:
    worst = min(((_judge.VERDICTS.index(problem.verdict), problem.word) for problem in problems), default=None)
    return worst or (len(_judge.VERDICTS) - 1, "ok")


def _names(subject: _judge.Subject, instances: dict[int, dict[t.Any, t.Any]]) -> tuple[str, str]:
    """Return what stands under NAME and TASK; `instances` keeps the names of instances, for each result once."""
    facts = subject.facts
    if subject.kind == "failed":
        return _names_of_request(subject, instances)
    name = next(
        (facts[key] for key in ("stream_name", "instance_name", "connector_id", "instance_id") if facts.get(key)), ""
    )
    task = facts.get("task_name") or facts.get("task_id") or facts.get("transfer_task_id") or NONE
    return _flat(name or subject.label.removeprefix("item ") or NONE), _flat(task)


def _names_of_request(subject: _judge.Subject, instances: dict[int, dict[t.Any, t.Any]]) -> tuple[str, str]:
    asked = ASKED.search(str(subject.facts.get("path") or ""))
    if not asked:
        service = subject.facts.get("service")
        item = subject.label.removeprefix("item ") if subject.label.startswith("item ") else ""
        label = item or (f"({_flat(service)})" if service else subject.label or NONE)
        return label, NONE
    kind, name, task = (unquote(part or "") for part in asked.groups())
    if kind == "transfertasklog":
        return NONE, _flat(name)
    if kind != "streams":
        if id(subject.result) not in instances:
            instances[id(subject.result)] = _instance_names(subject.result)
        name = instances[id(subject.result)].get(name) or name
    return _flat(name), _flat(task or NONE)


def _instance_names(result: Mapping[str, t.Any]) -> dict[t.Any, t.Any]:
    names: dict[t.Any, t.Any] = {}
    for key in ("connectors", "instances"):
        for entry in result.get(key) or ():
            if isinstance(entry, Mapping):
                names[entry.get("connector_id")] = names[entry.get("instance_id")] = entry.get("instance_name")
    return names


def _service(subject: _judge.Subject) -> str:
    """Return dis or dms: a stream and an instance may have the same name, and their tasks too."""
    if subject.kind == "failed":
        return "dis" if re.search("/streams|/transfertasklog", str(subject.facts.get("path"))) else "dms"
    return "dms" if subject.kind in ("sink", "smart_connect") or "instance_id" in subject.facts else "dis"


def _figures(subject: _judge.Subject, log: Mapping[str, t.Any] | None, now: int, no_log: str) -> dict[str, str]:
    kind, facts = subject.kind, subject.facts
    cells = dict.fromkeys(COLUMNS[2:-1], NONE)
    if kind in ("dis", "sink", "smart_connect"):
        state = facts.get("state" if kind == "dis" else "status")
        cells["STATE"] = UNKNOWN if state is None else _flat(state) or UNKNOWN
    if kind == "dis" and "last_transfer_timestamp" in facts:
        last = facts["last_transfer_timestamp"]
        cells["LAST"] = NEVER if last is None else _age_cell(_number(last), now)
    if log is not None:
        cells["LOG"] = _log_cell(log, now)
    elif kind == "dis":
        cells["LOG"] = no_log
    if "lag" in facts and _judge.has_lag(facts, kind):
        cells["LAG"] = _figure(facts["lag"])
    if kind == "dis" and "discarded_records" in facts:
        cells["DISC"] = _figure(facts["discarded_records"])
    return cells


def _log_cell(log: Mapping[str, t.Any] | None, now: int) -> str:
    if not log or log.get("last_ended_at") is None:
        return NEVER
    return _age_cell(_judge.log_end(log), now)


def _age_cell(moment: float | None, now: int) -> str:
    """Write an age in six characters or fewer: its two largest units, whole days beyond a hundred."""
    if moment is None:
        return UNKNOWN
    if moment <= 0:
        return NEVER
    seconds = max(0, int(now - moment) // 1000)
    days = seconds // 86400
    return f"{days}d" if days >= 100 else _duration(seconds * 1000, exact=False, joined="")


def _figure(value: t.Any) -> str:
    number = _number(value)
    return UNKNOWN if number is None else str(number)


def _keys(subject: _judge.Subject) -> list[tuple[str, str]]:
    """Return by what a task and its log can be brought together: its ID, and its stream and name."""
    facts = subject.facts
    its_id = facts.get("task_id") or facts.get("transfer_task_id")
    keys = [("id", str(its_id))] if its_id else []
    if facts.get("stream_name") and facts.get("task_name"):
        keys.append((str(facts["stream_name"]), str(facts["task_name"])))
    return keys


def _place_of(subject: _judge.Subject) -> Place:
    return tuple(str(subject.result.get(key)) for key in _judge.PLACES) if subject.result else None


def _where_column(of_results: t.Iterable[Place]) -> str:
    """Return which column tells apart the results: none, HOST, REGION, PROJECT, or as few of them as it takes."""
    places = {place for place in of_results if place is not None}
    chosen: list[int] = []
    for at in range(len(_judge.PLACES)):
        # A result that failed early does not tell: that makes no second place.
        if len({place[at] for place in places} - {str(None)}) > 1 and len(
            {tuple(place[one] for one in chosen) for place in places}
        ) < len({tuple(place[one] for one in [*chosen, at]) for place in places}):
            chosen.append(at)
    return "/".join(list(_judge.PLACES.values())[at].upper() for at in chosen)


def _where(subject: _judge.Subject, column: str) -> str:
    keys = {word.upper(): key for key, word in _judge.PLACES.items()}
    return "/".join(_flat(subject.result.get(keys[word]) or NONE) for word in column.split("/"))
