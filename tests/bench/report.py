# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The results as tables, as a plot, as the page of benchmarks, and as the two pictures of the guide on speed."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[2]
OUTPUT = ROOT / "build" / "bench"
GUIDES = ROOT / "docs" / "docsite" / "rst"
GUIDE = GUIDES / "guide_benchmarks.rst"
LICENCE = """<!--
Copyright: hwcloud.streaming contributors
GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
SPDX-License-Identifier: GPL-3.0-or-later
-->"""
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
        yield from _one_fact(results["one_fact"])
    if "many_streams" in results:
        yield from _against("300 requests", results["many_streams"])
    if "long_log" in results:
        yield from _against("10,000 log rows", results["long_log"])
    if "growth" in results:
        yield from _growth(results["growth"])
    if "at_once" in results:
        scene = results["at_once"]
        counts = {count: count for counts in scene.values() for count in counts}
        yield _by_latency("300 requests with other values of concurrency, in process", scene, counts, "16", "at once")
    if "over_tls" in results:
        yield _tls(results["over_tls"])
    if "throttled" in results:
        yield _throttled(results["throttled"])
    if "lag" in results:
        found = results["lag"]
        rows = [(word, f"{found['requests'][word]:,}", _seconds(found["seconds"][word])) for word in found["seconds"]]
        title = f"{found['streams']:,} streams with and without lag, at 20 ms"
        yield Table(title, ("lag", "requests", "seconds"), rows)
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


WAYS = {"ours": "our module, inside", "process": "our module, as a process"}
OTHERS = {"ping": "ansible.builtin.ping", "uri": "ansible.builtin.uri", "sdk": "script with the SDK"}
IN_PROCESS = {
    "raw": "raw sockets, 16 in flight (bound)",
    "ours": "our module",
    "ours, sums only": "our module, summary_only",
    "sdk16": "script with the SDK, 16 threads",
    "sdk1": "script with the SDK, one by one",
}
COMMAND = {"ping": "ansible.builtin.ping", **WAYS, "ours, sums only": "our module, inside, summary_only"}
TASK = {
    **WAYS,
    "looped ours": "our module, inside, in a loop",
    "looped process": "our module, as a process, in a loop",
    "looped uri": "ansible.builtin.uri in a loop",
}


def _by_latency(title: str, scene: dict[str, Any], labels: dict[str, str], base: str, what: str = "what") -> Table:
    """A column for each latency; in brackets the ratio to the line `base`, which says so in its label."""
    rows = []
    for name, label in labels.items():
        cells = [
            f"{_seconds(found[name])} ({_ratio(found[name], found[base])})" if name in found else ""
            for found in scene.values()
        ]
        if any(cells):
            rows.append((label, *cells))
    return Table(title, (what, *(f"{latency} ms" for latency in scene)), rows)


def _one_fact(scene: dict[str, Any]) -> Iterator[Table]:
    kinds = {
        "task": "what it adds to a play",
        "process": "its own process, from the start of Python to the end",
        "processor": "processor time of that process",
    }
    for kind, title in kinds.items():
        found = {latency: of[kind] for latency, of in scene.items()}
        yield _by_latency(f"One fact: {title} (÷ ping)", found, OTHERS | WAYS, "ping")
    loops = {latency: found["loop"] for latency, found in scene.items()}
    yield _by_latency("One fact: a loop of 20 (÷ ours inside)", loops, OTHERS | WAYS, "ours")


def _against(title: str, scene: dict[str, Any]) -> Iterator[Table]:
    for kind, what, labels, base in (
        ("inside", "in process (÷ raw sockets)", IN_PROCESS, "raw"),
        ("command", "whole command (÷ ping)", COMMAND, "ping"),
        ("task", "task (÷ one task inside)", TASK, "ours"),
    ):
        found = {latency: of[kind] for latency, of in scene.items()}
        table = _by_latency(f"{title}: {what}", found, labels, base)
        parts = [latency for latency, of in scene.items() if not of["loops_whole"]]
        note = f"Loops at {' and '.join(parts)} ms: a part was run, and multiplied." if parts and kind == "task" else ""
        if kind == "inside":
            note = f"Connections: {max(of['connections'] for of in scene.values())}."
        yield table._replace(note=note)


def _growth(scene: dict[str, Any]) -> Iterator[Table]:
    head = ("requests", "seconds", "peak memory, MiB")

    def cells(found: dict[str, Any]) -> tuple[str, ...]:
        return (str(found["requests"]), _seconds(found["seconds"]), f"{found['memory']:.0f}")

    rows = [(f"{found['streams']:,}", *cells(found)) for found in scene["streams"]]
    yield Table("Growth with the number of streams (20 ms)", ("streams", *head), rows)
    rows = [
        (f"{found['instances']:,}", found["module"].rpartition(".")[2].split("_task")[0], *cells(found))
        for found in scene["instances"]
    ]
    yield Table("Growth with the number of Kafka instances (20 ms)", ("instances", "module", *head), rows)
    rows = [("0", "", *cells(scene["no_rows"]), "")]
    for found in scene["rows"]:
        for kind in ("returned", "summary_only"):
            size = f"{found[kind]['json']:.1f}"
            rows.append((f"{found['rows']:,}", kind, *cells(found[kind]), size))
    yield Table("Growth with the number of log rows (20 ms)", ("rows", "rows are", *head, "result, MiB"), rows)
    title = f"{scene['rows'][-1]['rows']:,} log rows, the whole command"
    rows = [
        (COMMAND[name], f"{found['seconds']:.1f}", f"{found['memory']:.0f}") for name, found in scene["command"].items()
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
    return Table("300 requests over HTTPS (20 ms)", ("what", "seconds", "÷ raw", "handshakes"), rows)


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
    return Table("300 requests where 50 a second are allowed", head, rows, "None of these calls failed.")


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
    """Put the tables between the two marks of the page of benchmarks, and draw the pictures of the guide on speed."""
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
    task = results["many_streams"]["20"]["task"]
    chosen = {"looped uri": "uri, in a loop", "looped ours": "our module, in a loop", "ours": "our module, one task"}
    _draw("speed_300", "300 requests, 20 ms each: seconds", [(label, task[name]) for name, label in chosen.items()])
    task = results["one_fact"]["0"]["task"]
    chosen = {"uri": "uri", "ping": "ping", "process": "our module, as a process", "ours": "our module, inside"}
    _draw("speed_fact", "One fact: seconds that a task adds", [(label, task[name]) for name, label in chosen.items()])


def _draw(name: str, title: str, bars: list[tuple[str, float]]) -> None:
    """Write a bar chart; it brings its own light ground, so that it is read on any."""
    longest = max(seconds for _label, seconds in bars)
    height = 42 + 46 * len(bars)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="480" height="{height}" viewBox="0 0 480 {height}" role="img"'
        ' font-family="sans-serif" font-size="15" fill="#1b1b1b">',
        LICENCE,
        f"<title>{title}</title>",
        f'<rect width="480" height="{height}" rx="6" fill="#f6f8fa"/>',
        f'<text x="14" y="26" font-weight="bold">{title}</text>',
    ]
    for number, (label, seconds) in enumerate(bars):
        top = 42 + 46 * number
        ours = "#0b6e4f" if label.startswith("our") else "#8a6d3b"
        width = max(390 * seconds / longest, 1.5)
        lines += [
            f'<text x="14" y="{top + 14}">{label}</text>',
            f'<rect x="14" y="{top + 20}" width="{width:.1f}" height="14" fill="{ours}"/>',
            f'<text x="{width + 20:.1f}" y="{top + 32}">{_seconds(seconds)}</text>',
        ]
    (GUIDES / f"{name}.svg").write_text("\n".join([*lines, "</svg>"]) + "\n")


def plot(results: dict[str, Any]) -> None:
    """Draw 300 requests, a long log and growth side by side."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    figure, (streams, rows, growth) = pyplot.subplots(1, 3, figsize=(16, 5))
    for axes, name, title in ((streams, "many_streams", "300 requests"), (rows, "long_log", "10,000 rows")):
        scene = results[name]
        found = scene.get("20") or next(iter(scene.values()))
        bars = {IN_PROCESS[kind]: seconds for kind, seconds in found["inside"].items()}
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
