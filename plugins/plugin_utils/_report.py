# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page of the filter html_report: what was judged (_judge.py), in rows with bars and pictures, put into the template."""

from __future__ import annotations

import typing as t
from collections.abc import Iterable, Mapping, Sequence

from ansible_collections.hwcloud.streaming.plugins.module_utils import _judge
from ansible_collections.hwcloud.streaming.plugins.module_utils._states import _duration, _flat, _number, _shown
from ansible_collections.hwcloud.streaming.plugins.plugin_utils import _hours, _rows
from ansible_collections.hwcloud.streaming.plugins.plugin_utils._report_page import PAGE, STYLE
from jinja2 import Environment, StrictUndefined
from markupsafe import Markup, escape

Entries = t.List[t.Mapping[str, t.Any]]

MOST_HOURS = 31 * 24
BAR = 80  # pixels of a bar that is full
SIGNS = {"ok": "\N{CHECK MARK}", "bad": "\N{BALLOT X}", "unsure": "?"}
# The tables: the kind of subject, its title, what its dumps belong to, and in what they are counted.
KINDS = {
    "dis": ("DIS transfer tasks", "Stream", "dump"),
    "sink": ("Kafka sink tasks", "Instance", "dump"),
    "smart_connect": ("Smart Connect tasks", "Instance", "dump"),
    "log": ("Logs of transfer tasks", "Stream", "log"),
    "other": ("Not gathered", "Of", "dump"),
}
# The kind of what is missing or failed: that of the list that its result has.
LISTS = {"transfer_tasks": "dis", "sink_tasks": "sink", "smart_connect_tasks": "smart_connect", "tasks": "log"}
COLUMNS = {
    "verdict": "Verdict",
    "where": "Where",
    "place": "",
    "task": "Task",
    "state": "State",
    "destination": "To",
    "age": "Last transfer",
    "log": "Last log entry ended",
    "lag": "Lag",
    "discarded": "Discarded",
    "hours": "",
}
ALWAYS = ("verdict", "place", "task")
# The keys of a destination in OBS that say where in it.
PLACES = ("obs_bucket_path", "obs_bucket_name", "file_prefix", "obs_path")
ANYWHERE = ("anywhere",)
# The classes of cells, by which a narrow page labels them.
CLASSES = {"where": "w", "state": "s", "destination": "d", "log": "a i", "discarded": "x"}


class Row(t.NamedTuple):
    """One dump, or what stands in for it, as the page shows it; what is not known or not had is empty."""

    kind: str
    counted: str  # as a dump or a log; empty: as neither
    sort: str
    word: str
    where: str
    place: str
    task: str
    state: str
    destination: str
    age: str
    age_share: int | None
    log: str
    lag: str
    lag_share: int | None
    discarded: str
    chart: _hours.Chart | None
    problems: list[str]


class Table(t.NamedTuple):
    """The rows of one kind, worst first, and how many healthy ones are not listed."""

    title: str
    verdict: str
    sort: str
    place: str  # the class of its cells, by which a narrow page labels them
    columns: list[tuple[str, str]]
    rows: list[Row]
    left_out: int


class _Logs:
    """The rows of logs, by place and task, and why some are not there."""

    def __init__(self, logs: t.Any, now: int, hours: int) -> None:
        self.notes: list[str] = []
        self._now, self._hours = now, hours
        self._ends: dict[tuple[t.Any, ...], _judge.Subject] = {}
        self._by_key: dict[tuple[t.Any, ...], tuple[_judge.Subject, Entries]] = {}
        if logs is None:
            return
        entries: dict[int, dict[t.Any, Entries]] = {}
        for subject in _judge.subjects(logs, _judge.limits_of(now=now, allow_empty=True)):
            if subject.kind == "failed":
                self.notes += [f"Logs: {subject.where}{problem.sentence}" for problem in subject.problems]
            if subject.kind != "log":
                continue
            its_keys = [(_place(subject) or ANYWHERE, *key) for key in _rows._keys(subject)]
            # Of several results on one log, that counts which tells the latest entry.
            known = self._ends.get(its_keys[0]) if its_keys else None
            if its_keys and (
                known is None or (_judge.log_end(subject.facts) or 0) > (_judge.log_end(known.facts) or 0)
            ):
                self._ends[its_keys[0]] = subject
            of_result = entries.get(id(subject.result))
            if of_result is None:
                of_result = entries[id(subject.result)] = _by_task(subject.result.get("logs") or ())
            found = subject, of_result.get(subject.facts.get("transfer_task_id"), [])
            for key in _rows._keys(subject):
                self._by_key.setdefault((_place(subject) or ANYWHERE, *key), found)
                self._by_key.setdefault((None, *key), found)

    def judged(self, limits: _judge.Limits) -> t.Iterator[_judge.Subject]:
        """Judge the end of each log; what is missing or failed was judged with the tasks."""
        for subject in self._ends.values():
            yield subject._replace(problems=list(_judge._log_problems(subject.facts, limits)))

    def chart(self, subject: _judge.Subject) -> _hours.Chart | None:
        """Return the picture of a task's log, where it was read."""
        # A task that does not tell its place takes any log of its name, and a log that does not is for any place.
        place = _place(subject)
        keys = [(at, *key) for key in _rows._keys(subject) for at in ((place, ANYWHERE) if place else (None,))]
        found = next(filter(None, map(self._by_key.get, keys)), None)
        if found is None:
            return None
        log, entries = found
        if not entries and log.facts.get("last_ended_at"):  # there are some, but the call kept none
            return None
        asked = _asked(log.result)
        slots = _hours.slots(
            entries,
            now=self._now,
            hours=self._hours,
            truncated=bool(log.facts.get("truncated")),
            since=max(self._moment(asked.get("since"), 0), _number(subject.facts.get("create_time")) or 0),
            until=self._moment(asked.get("until"), self._now),
        )
        return _hours.chart(slots) if any(size is not None for size in slots) else None

    def _moment(self, value: t.Any, otherwise: float) -> float:
        """Return an end of the window that the log module was asked for: a time, or an age."""
        if value is None:
            return otherwise
        try:
            return _judge.parse_now(value)
        except _judge.JudgeError:
            return self._now - (_judge.parse_duration(value) or 0)


def _asked(result: Mapping[str, t.Any]) -> Mapping[str, t.Any]:
    """Return the options of the call, empty when the result does not tell them."""
    invocation = result.get("invocation")
    asked = invocation.get("module_args") if isinstance(invocation, Mapping) else None
    return asked if isinstance(asked, Mapping) else {}


def _place(subject: _judge.Subject) -> tuple[str, ...] | None:
    place = _rows._place_of(subject)
    return place if place and set(place) != {str(None)} else None


def _by_task(entries: t.Any) -> dict[t.Any, Entries]:
    """Return the rows of a log by their task.

    Since ansible-core 2.19 a filter is handed containers that look for templates in each value, which takes seconds for
    a large log. The rows of a module hold none, so they are taken as they are; should a time be no number all the same,
    Ansible's own way is taken.
    """
    raw = entries._non_lazy_copy() if hasattr(entries, "_non_lazy_copy") else entries
    found: dict[t.Any, Entries] = {}
    for one in raw:
        if not isinstance(one, Mapping) or isinstance(one.get("start_time"), str):
            return _grouped(entries)
        found.setdefault(one.get("transfer_task_id"), []).append(one)
    return found


def _grouped(entries: t.Any) -> dict[t.Any, Entries]:
    found: dict[t.Any, Entries] = {}
    for one in entries:
        if isinstance(one, Mapping):
            found.setdefault(one.get("transfer_task_id"), []).append(one)
    return found


# -- rows


def _row(row: _rows.Row, limits: _judge.Limits, logs: _Logs) -> Row:
    subject, cells = row.subject, {name: "" if cell == _rows.NONE else cell for name, cell in row.cells.items()}
    facts, first = subject.facts, next(iter(row.cells))
    kind, is_task = subject.kind, subject.kind in KINDS
    if not is_task:
        lists = [LISTS[name] for name in _judge._lists_of(subject.result)]
        kind = lists[0] if lists else "other"
    verdict = _judge.VERDICTS[row.rank]
    last, lag = _number(facts.get("last_transfer_timestamp")), _number(facts.get("lag"))
    discarded = cells["DISC"] if limits.max_discarded is not None or cells["DISC"] != _rows.UNKNOWN else ""
    return Row(
        kind=kind,
        counted=KINDS[kind][2] if is_task or subject.kind == "missing" else "",
        sort={"ok": "ok", "unknown": "unsure"}.get(verdict, "bad"),
        word=cells["VERDICT"],
        where=cells[first] if first != "NAME" else "",
        place=cells["NAME"],
        task=cells["TASK"],
        state=_known(cells["STATE"]),
        destination=_destination(facts) if is_task else "",
        age=_known(cells["LAST"], " ago"),
        age_share=share(limits.now - last, limits.max_age) if cells["LAST"] and last and last > 0 else None,
        log=_known(cells["LOG"], " ago") if subject.kind == "log" else "",
        lag=_known(cells["LAG"]),
        lag_share=share(lag, limits.max_lag) if cells["LAG"] else None,
        discarded=_known(discarded) if discarded != "0" else "",
        chart=logs.chart(subject) if is_task else None,
        problems=[subject.where + problem.sentence for problem in row.problems],
    )


def _known(cell: str, after: str = "") -> str:
    """Write a cell of the table in words: figures in groups of three."""
    if cell == _rows.UNKNOWN:
        return "not known"
    return (
        f"{int(cell):,}"
        if cell.isascii() and cell.isdigit()
        else cell + (after if cell not in ("", _rows.NEVER) else "")
    )


def _destination(facts: Mapping[str, t.Any]) -> str:
    """Write where a dump goes: its kind and the names by which that is known."""
    told = facts.get("destination") or facts.get("sink_task")
    told = told if isinstance(told, Mapping) else {}
    kind = facts.get("destination_type") or facts.get("sink_type") or told.get("kind") or ""
    names = [name for name in PLACES if told.get(name)]
    names += [name for name in told if name.endswith(("_cluster_name", "_database_name", "_table_name"))]
    return f"{_flat(kind)} {'/'.join(_flat(told[name]) for name in names)}".strip()


def share(figure: float | None, limit: float | None) -> int | None:
    """Return how much of a bar a figure fills that must not be larger than its limit; more than BAR is too much."""
    if figure is None or limit is None:
        return None
    if figure > limit:
        return BAR + 1
    return round(BAR * max(0, figure) / limit) if limit else 0


# -- the page


def page(
    subjects: Iterable[_judge.Subject],
    limits: _judge.Limits,
    logs: t.Any = None,
    title: t.Any = None,
    hours: t.Any = None,
    rows: t.Any = None,
    max_log_age: t.Any = None,
) -> str:
    """Return the page on what was judged. Raises JudgeError for a bad option."""
    named, last = _title(title), _whole(hours, "hours", 24, 1, MOST_HOURS)
    most = _whole(rows, "rows", 500, 0, 10**9)
    known = _Logs(logs, limits.now, last)
    log_limits = limits._replace(max_age=_judge.parse_duration(max_log_age, "max_log_age"))
    everything = [*subjects, *(known.judged(log_limits) if max_log_age is not None else ())]
    left_out = sum(subject.facts["count"] for subject in everything if subject.kind == "left_out")
    judged = _rows.rows(everything, limits, logs, log_limits.max_age)
    regions = {_flat(row.subject.result["region"]) for row in judged if row.subject.result.get("region")}
    shown = [_row(row, limits, known) for row in judged]
    found = [_table(kind, [row for row in shown if row.kind == kind], last, most) for kind in KINDS]
    tables = [table for table in found if table.rows]
    verdict = _verdict(shown, left_out)
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, finalize=_text, trim_blocks=True, lstrip_blocks=True
    )
    text = environment.from_string(
        PAGE
    ).render(
        style=Markup(STYLE),  # noqa: S704 (our own)
        title=named,
        moment=_judge._iso(limits.now).replace("T", " ").replace("Z", " UTC"),
        places=sorted(regions),
        verdict=verdict[0].upper() + verdict[1:],
        sort=_sort(shown),
        signs=SIGNS,
        rules=_rules(limits, log_limits.max_age),
        notes=known.notes,
        tables=tables,
        classes=CLASSES,
        hours=last if any(row.chart for row in shown) else 0,
        width=min(max(6 * last, 144), 288),
    )
    # Half of a pair of code units is no text and could not be written to a file.
    return text.encode("utf-8", "replace").decode("utf-8")


def _text(value: t.Any) -> t.Any:
    """Escape what the template puts out, the brace too: no part of the page is ever a template itself."""
    if isinstance(value, Markup):
        return value
    return Markup(str(escape(str(value))).replace("{", "&#123;"))  # noqa: S704 (escaped)


def _table(kind: str, rows: list[Row], hours: int, most: int) -> Table:
    title, place, _noun = KINDS[kind]
    bad = sum(row.sort != "ok" for row in rows)
    kept = rows[: max(most, bad)]
    headings = {**COLUMNS, "place": place, "hours": f"Bytes per hour, last {hours} h"}
    columns = [
        (name, headings[name])
        for name in COLUMNS
        if name in ALWAYS or any(getattr(row, "chart" if name == "hours" else name) for row in kept)
    ]
    return Table(
        title, _verdict(rows), _sort(rows), "n" if place == "Stream" else "k", columns, kept, len(rows) - len(kept)
    )


def _verdict(rows: Sequence[Row], left_out: int = 0) -> str:
    """Say how things stand: the dumps first, then what else was judged and what could not be gathered.

    left_out: how many dumps, all well, are not among the rows.
    """
    parts = []
    for noun, more in (("dump", left_out), ("log", 0)):
        those = [row for row in rows if row.counted == noun]
        bad, count = sum(row.sort != "ok" for row in those), len(those) + more
        if bad:
            parts.append(f"{bad} of {count} {noun}s {'is' if bad == 1 else 'are'} not well")
        elif count:
            parts.append(f"all {count} {noun}s are well" if count > 1 else f"the one {noun} is well")
    rest = [row for row in rows if not row.counted]
    failed = sum(row.word == "failed" for row in rest)
    if failed:
        parts.append(f"not all could be gathered ({failed} failure{'s' if failed > 1 else ''})")
    if len(rest) > failed or not parts:
        parts.append("nothing to judge" if not parts else "parts of it have nothing to judge")
    return "; ".join(parts)


def _sort(rows: Sequence[Row]) -> str:
    """Return the worst sign of the rows."""
    return next((sort for sort in ("bad", "unsure") if any(row.sort == sort for row in rows)), "ok")


def _rules(limits: _judge.Limits, max_log_age: int | None) -> list[str]:
    """Write the rules that the verdict was made by."""
    rules = ["its state is RUNNING, and its partitions are at work or were left behind by resharding"]
    if limits.max_age is not None:
        rules.append(f"it moved data within {_duration(limits.max_age)} (max_age; DIS transfer tasks and their logs)")
    if max_log_age is not None:
        rules.append(f"its last log entry ended within {_duration(max_log_age)} (max_log_age; DIS transfer tasks)")
    if limits.max_lag is not None:
        rules.append(f"its lag is at most {limits.max_lag:,} (max_lag; tasks that tell a lag)")
    if limits.max_discarded is not None:
        rules.append(f"at most {limits.max_discarded:,} records were discarded (max_discarded; DIS transfer tasks)")
    if len(rules) == 1:
        rules.append("no limit on age, lag or discarded records was set: states alone were judged")
    return rules


# -- options


def _title(value: t.Any) -> str:
    if value is None:
        return "Data dumps"
    if not isinstance(value, str) or not value.strip():
        raise _judge.JudgeError(f"title: expected a text, got {_shown(value)}")
    return str(value)


def _whole(value: t.Any, name: str, default: int, least: int, most: int) -> int:
    """Return a whole number; templates hand over numbers as text, too."""
    if value is None:
        return default
    number = value if isinstance(value, int) and not isinstance(value, bool) else None
    if isinstance(value, str) and len(value) < 20 and value.strip().isascii() and value.strip().isdigit():
        number = int(value)
    if number is None or not least <= number <= most:
        upper = f" to {most}" if most == MOST_HOURS else " or more"
        raise _judge.JudgeError(f"{name}: expected a whole number, {least}{upper}, got {_shown(value)}")
    return int(number)
