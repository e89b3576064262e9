# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The results as a table, as a plot, and as the generated part of the performance guide."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[2]
OUTPUT = ROOT / "build" / "bench"
GUIDE = ROOT / "docs" / "docsite" / "rst" / "guide_performance.rst"
ALONE = (
    "Seconds and memory are those of the module's process alone, from the start of Python to the result written out."
    " What Ansible then does with the result comes on top."
)
INSIDE = "Seconds are in process."
BEGIN, END = ".. begin of what make bench writes", ".. end of what make bench writes"


class Table(NamedTuple):
    """A table of texts; `note` stands below it."""

    title: str
    head: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    note: str = ""


def tables(results: dict[str, Any]) -> Iterator[Table]:
    """Every table that the results have something for."""
    if "one_fact" in results:
        yield _one_fact(results["one_fact"])
    if "many_streams" in results:
        title = "100 streams, the list of each and two details: 300 requests"
        yield _against(title, results["many_streams"])
    if "long_log" in results:
        yield _against("10,000 log rows of one task in pages of 100: 100 requests", results["long_log"])
    if "growth" in results:
        yield from _growth(results["growth"])
    if "at_once" in results:
        rows = []
        for latency, found in results["at_once"].items():
            rows += [
                (f"{latency} ms", count, _seconds(taken), _ratio(taken, found["16"])) for count, taken in found.items()
            ]
        head = ("latency", "requests at once", "seconds", "÷ 16 at once")
        yield Table("300 requests with other values of concurrency, in process", head, rows, INSIDE)
    if "over_tls" in results:
        yield _tls(results["over_tls"])
    if "throttled" in results:
        yield _throttled(results["throttled"])
    if "lag" in results:
        found = results["lag"]
        rows = [(word, f"{found['requests'][word]:,}", _seconds(found["seconds"][word])) for word in found["seconds"]]
        title = f"{found['streams']:,} streams with and without lag, at 20 ms"
        yield Table(title, ("lag", "requests", "seconds"), rows, INSIDE)
    if "judged" in results:
        rows = [
            (f"{found['tasks']:,}", _seconds(found["table"]), _seconds(found["problems"]))
            for found in results["judged"]
        ]
        yield Table("Judging on the control node: the filters' own time", ("tasks", "table", "problems"), rows)
    if "ceiling" in results:
        rates = [(what, f"{rate:.0f}") for what, rate in results["ceiling"].items()]
        yield Table("What the emulator itself can do without latency", ("asked for", "requests a second"), rates)
    note = (
        "The developers set these targets for themselves, to notice what makes the collection slower. None of them is a"
        " promise."
    )
    yield Table("Targets", ("what", "target", "measured", "met"), list(targets(results)), note)


def _one_fact(scene: dict[str, Any]) -> Table:
    labels = {"ping": "ansible.builtin.ping", **WAYS, "uri": "ansible.builtin.uri", "sdk": "script with the SDK"}
    rows = []
    for latency, found in scene.items():
        for name, label in labels.items():
            cells = []
            for kind in ("task", "process", "processor"):
                taken, ping = found[kind].get(name), found[kind]["ping"]
                cells += ["", ""] if taken is None else [_seconds(taken), _ratio(taken, ping)]
            looped = found["loop"].get(name)
            rows.append((f"{latency} ms", label, *cells, "" if looped is None else _seconds(looped)))
    head = ("latency", "task", "one more task", "÷ ping", "own process", "÷ ping", "processor", "÷ ping", "loop of 20")
    note = (
        '"One more task" is what it adds to a play, "own process" its part from the start of Python to the end of the module'
        ' and "processor" the processor time of that. Inside there is no such process.'
    )
    return Table("One fact", head, rows, note)


WAYS = {"ours": "our module, inside the worker", "process": "our module, as a process"}
LABELS = {
    "raw": "raw sockets, 16 in flight (bound)",
    "ours": "our module",
    "ours, sums only": "our module, summary_only",
    "sdk16": "script with the SDK, 16 threads",
    "sdk1": "script with the SDK, one by one",
}


def _against(title: str, scene: dict[str, Any]) -> Table:
    rows = []
    for latency, found in scene.items():
        inside, command, task = found["inside"], found["command"], found["task"]
        for name, seconds in inside.items():
            rows.append(
                (f"{latency} ms", LABELS[name], "in process", _seconds(seconds), _ratio(seconds, inside["raw"]))
            )
        for name, seconds in command.items():
            label = {"ping": "ansible.builtin.ping", "ours, sums only": "our module, inside, summary_only", **WAYS}[
                name
            ]
            rows.append((f"{latency} ms", label, "whole command", _seconds(seconds), _ratio(seconds, command["ping"])))
        for name, seconds in task.items():
            about = "" if name in WAYS or found["loops_whole"] else "about "
            loops = {
                "looped ours": "our module inside, in a loop",
                "looped process": "our module as a process, in a loop",
            }
            label = {**WAYS, **loops}.get(name, "ansible.builtin.uri in a loop")
            rows.append((f"{latency} ms", label, "task", about + _seconds(seconds), _ratio(seconds, task["ours"])))
    note = (
        "Ratios: in process to raw sockets, whole command to that of a ping, task to one task of our module inside the"
        " worker."
    )
    if not all(found["loops_whole"] for found in scene.values()):
        note += ' Where it says "about", a part of the loop was run and multiplied.'
    connections = max(found["connections"] for found in scene.values())
    return Table(title, ("latency", "what", "kind", "seconds", "ratio"), rows, f"{note} Connections: {connections}.")


def _growth(scene: dict[str, Any]) -> Iterator[Table]:
    head = ("requests", "connections", "seconds", "peak memory, MiB")

    def cells(found: dict[str, Any]) -> tuple[str, ...]:
        numbers = (str(found["requests"]), str(found["connections"]))
        return (*numbers, _seconds(found["seconds"]), f"{found['memory']:.0f}")

    rows = [(f"{found['streams']:,}", *cells(found)) for found in scene["streams"]]
    yield Table("Growth with the number of streams (20 ms)", ("streams", *head), rows, ALONE)
    rows = [(f"{found['instances']:,}", found["module"], *cells(found)) for found in scene["instances"]]
    yield Table("Growth with the number of Kafka instances (20 ms)", ("instances", "module", *head), rows, ALONE)
    rows = [("0", "", *cells(scene["no_rows"]), "")]
    for found in scene["rows"]:
        for kind in ("returned", "summary_only"):
            size = f"{found[kind]['json']:.1f}"
            rows.append((f"{found['rows']:,}", kind, *cells(found[kind]), size))
    yield Table("Growth with the number of log rows (20 ms)", ("rows", "rows are", *head, "result, MiB"), rows, ALONE)
    labels = {**WAYS, "ours, sums only": "our module, inside, summary_only"}
    title = f"{scene['rows'][-1]['rows']:,} log rows, the whole command"
    rows = [
        (labels[name], f"{found['seconds']:.1f}", f"{found['memory']:.0f}") for name, found in scene["command"].items()
    ]
    yield Table(title, ("way", "seconds", "peak memory, MiB"), rows, "Memory is that of the largest process.")


def _tls(scene: dict[str, Any]) -> Table:
    inside, handshakes = scene["inside"], scene["handshakes"]
    labels = {"ours, HTTP": "our module over HTTP", "ours": "our module", "raw": "raw sockets, 16 in flight"}
    rows = [
        (
            labels.get(name, f"{name} in 16 threads"),
            _seconds(seconds),
            _ratio(seconds, inside["raw"]),
            str(handshakes[name]),
        )
        for name, seconds in inside.items()
    ]
    return Table("300 requests over HTTPS (20 ms)", ("what", "seconds", "÷ raw", "handshakes"), rows, INSIDE)


def _throttled(scene: list[dict[str, Any]]) -> Table:
    rows = [
        (
            {"bucket": "token bucket", "fixed": "fixed window"}[found["window"]],
            found["retry_after"] or "none",
            _seconds(found["seconds"]),
            _seconds(found["limit"]),
            _ratio(found["seconds"], found["limit"]),
            str(found["refused"]),
        )
        for found in scene
    ]
    head = ("limit", "Retry-After", "seconds", "limit dictates", "ratio", "answers 429")
    return Table("300 requests where 50 a second are allowed", head, rows, f"{INSIDE} None of these calls failed.")


def targets(results: dict[str, Any]) -> Iterator[tuple[str, str, str, str]]:
    """Each target that the results can tell of: what, target, measured, met or not."""

    def at_most(what: str, limit: float, measured: float, unit: str = "") -> tuple[str, str, str, str]:
        met = "yes" if measured <= limit else "no"
        return what, f"at most {limit:g}{unit}", f"{measured:.2f}{unit}", met

    def at_least(what: str, limit: float, measured: float) -> tuple[str, str, str, str]:
        return what, f"at least {limit:g}", f"{measured:.1f}", "yes" if measured >= limit else "no"

    if "one_fact" in results:
        fact = results["one_fact"]["0"]
        task, loop = fact["task"], fact["loop"]
        yield at_most("one fact inside, task ÷ ping, 0 ms", 0.2, task["ours"] / task["ping"])
        yield at_least("one fact, task: uri ÷ ours inside, 0 ms", 6, task["uri"] / task["ours"])
        yield at_least("a loop of 20: as processes ÷ inside, 0 ms", 6, loop["process"] / loop["ours"])
        yield at_most("one fact as a process, task ÷ ping, 0 ms", 1.65, task["process"] / task["ping"])
    for name, what, limit in (("many_streams", "300 requests", 2.0), ("long_log", "10,000 rows", 2.5)):
        found = results.get(name, {}).get("20")
        if found:
            inside = found["inside"]
            yield at_most(f"{what}, in process ÷ raw sockets, 20 ms", limit, inside["ours"] / inside["raw"])
    found = results.get("many_streams", {}).get("20")
    if found:
        command, task = found["command"], found["task"]
        yield at_most("300 requests, inside, whole command ÷ ping, 20 ms", 1.55, command["ours"] / command["ping"])
        yield at_least("300 requests, looped uri ÷ one task inside, 20 ms", 60, task["looped uri"] / task["ours"])
        yield at_most("connections", 16, found["connections"])
    if "lag" in results:
        taken = results["lag"]["seconds"]
        yield at_most("lag asked for ÷ not", 1.6, taken["with"] / taken["without"])
    if "judged" in results:
        taken = {found["tasks"]: found["table"] for found in results["judged"]}
        yield at_most("a table of 2,000 tasks", 1, taken[2000], " s")
        yield at_most("a table of 10,000 tasks ÷ one of 1,000", 15, taken[10_000] / taken[1000])
    if "growth" in results and results["growth"]["rows"][-1]["rows"] == 100_000:
        scene = results["growth"]
        last = scene["rows"][-1]
        label = f"{last['rows']:,} rows"
        returned, sums = last["returned"], last["summary_only"]
        yield at_most(f"{label}, peak memory ÷ the result's JSON", 6, returned["memory"] / returned["json"])
        more = sums["memory"] - scene["no_rows"]["memory"]
        yield at_most(f"{label}, summary_only, memory above a run without rows", 15, more, " MiB")
    if "throttled" in results:
        worst = max(found["seconds"] / found["limit"] for found in results["throttled"])
        yield at_most("throttled, time ÷ what the limit dictates", 1.5, worst)


def as_text(results: dict[str, Any]) -> str:
    """All tables for a terminal."""
    lines = [machine(results), ""]
    for table in tables(results):
        widths = [max(map(len, column)) for column in zip(table.head, *table.rows)]
        lines.append(table.title)
        rows = (table.head, tuple("-" * width for width in widths), *table.rows)
        lines += ["  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows]
        lines += [table.note] * bool(table.note) + [""]
    return "\n".join(lines)


def machine(results: dict[str, Any]) -> str:
    """The machine of a run in one sentence."""
    found = results["machine"]
    return (
        f"Measured on {found['date']}: {found['cores']} cores, {found['memory_gib']} GiB, {found['system']},"
        f" Python {found['python']}, ansible-core {found['ansible_core']}, requests {found['requests']},"
        f" urllib3 {found['urllib3']}, SDK {found['sdk']}; load {found['load']} when it began."
    )


def write_docs(results: dict[str, Any]) -> None:
    """Put the tables between the two marks of the performance guide."""
    before, rest = GUIDE.read_text().split(BEGIN)
    after = rest.split(END)[1]
    lines = [machine(results), ""]
    for table in tables(results):
        lines += [f".. csv-table:: {table.title}", "   :header-rows: 1", ""]
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([table.head, *table.rows])
        lines += [f"   {line}" for line in text.getvalue().splitlines()]
        lines += ["", *([table.note, ""] if table.note else [])]
    GUIDE.write_text(f"{before}{BEGIN}\n\n" + "\n".join(lines) + f"\n{END}{after}")


def plot(results: dict[str, Any]) -> None:
    """Draw 300 requests, a long log and growth side by side."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    figure, (streams, rows, growth) = pyplot.subplots(1, 3, figsize=(16, 5))
    for axes, name, title in ((streams, "many_streams", "300 requests"), (rows, "long_log", "10,000 rows")):
        scene = results[name]
        found = scene.get("20") or next(iter(scene.values()))
        bars = {LABELS[kind]: seconds for kind, seconds in found["inside"].items()}
        bars |= {f"{kind} (task)": seconds for kind, seconds in found["task"].items()}
        axes.barh(list(bars), list(bars.values()))
        axes.set(xscale="log", xlabel="seconds", title=f"{title}, 20 ms")
        axes.invert_yaxis()
    for kind in ("returned", "summary_only"):
        scene = results["growth"]["rows"]
        growth.plot([found["rows"] for found in scene], [found[kind]["memory"] for found in scene], "o-", label=kind)
    growth.set(xscale="log", xlabel="rows", ylabel="MiB", title="Peak memory of the module", ylim=(0, None))
    growth.legend()
    figure.tight_layout()
    figure.savefig(OUTPUT / "results.png", dpi=110)
    pyplot.close(figure)


def _seconds(value: float) -> str:
    return f"{value:.3f}" if value < 10 else f"{value:.1f}"


def _ratio(value: float, base: float) -> str:
    ratio = value / base
    return f"{ratio:.2f}" if ratio < 10 else f"{ratio:.0f}"
