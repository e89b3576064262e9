# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is measured: one fact, many streams, a long log, growth, TLS, throttling; each beside its peers, round by round.

Each scene returns plain data for the report. Times are medians in seconds unless a key says otherwise. A task of ours runs
inside the worker process; "process" is the same as a process of its own, as on remote hosts.
"""

from __future__ import annotations

import contextlib
import datetime
import ipaddress
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import commands
from commands import CONNECTS, LOGS, SINKS, TASKS, connection, median, names, uri
from emulation import PROJECT, Emulation
from worker import Worker

STREAMS = 100  # of two tasks each: 300 requests
ROWS = 10_000
LOOP = 20
HERE = Path(__file__).resolve().parent
A_DAY = datetime.timedelta(days=1)


class Plan(NamedTuple):
    """How much of it: latencies in ms, rounds, the latency whose loops run whole (None: none), which part of the other
    loops runs, sizes of growth.
    """

    fact_latencies: tuple[int, ...]
    latencies: tuple[int, ...]
    rounds: int
    whole_loops_at: int | None
    loop_share: int
    streams: tuple[int, ...]
    instances: tuple[int, ...]
    rows: tuple[int, ...]


FULL = Plan((0, 20, 100), (0, 20, 100), 5, 20, 10, (1, 10, 100, 1000), (1, 10, 100), (1000, 10_000, 100_000))
QUICK = Plan((0,), (20,), 3, None, 25, (1, 100), (1, 10), (1000, 10_000))


def interleaved(rounds: int, works: dict[str, Callable[[], float]]) -> dict[str, float]:
    """Do each work once a round, so that what else the machine does meets all of them; return their medians."""
    taken: dict[str, list[float]] = {name: [] for name in works}
    for _round in range(rounds):
        for name, work in works.items():
            taken[name].append(work())
    return {name: median(values) for name, values in taken.items()}


def as_process(task: dict[str, Any]) -> dict[str, Any]:
    """The same task as a module process."""
    return {**task, "vars": {"hwcloud_streaming_in_process": False}}


def one_fact(plan: Plan) -> dict[str, Any]:
    """A: what one more task of a play costs, and the module's process alone; and a loop."""
    return {str(latency): _one_fact(plan, latency) for latency in plan.fact_latencies}


def _one_fact(plan: Plan, latency: int) -> dict[str, Any]:
    with Emulation(latency) as emulation:
        options = connection(emulation.url, stream_names=["stream-0001"], task_names=["task-1"], details=False)
        page = f"{emulation.url}/v2/{PROJECT}/streams/stream-0001/transfer-tasks"
        ours = {TASKS: options}
        script = [sys.executable, str(HERE / "peers.py"), json.dumps({"how": "sdk", "url": emulation.url})]
        tasks = {"ping": {"ansible.builtin.ping": {}}, "ours": ours, "process": as_process(ours), "uri": uri(page)}
        tasks["sdk"] = {"ansible.builtin.command": {"argv": script}, "changed_when": False}
        times = commands.task_seconds([*tasks.values()] * (plan.rounds + 1))[len(tasks) :]
        more = {name: median(times[place :: len(tasks)]) for place, name in enumerate(tasks)}
        loop: dict[str, float] = {}
        if latency == plan.fact_latencies[0]:
            kinds = ("ours", "process", "uri")
            times = commands.task_seconds([{**tasks[name], "loop": list(range(LOOP))} for name in kinds] * 2)
            loop = {name: min(times[place::3]) for place, name in enumerate(kinds)}
        alone_of = {name: tasks[name] for name in ("ping", "process", "uri")}
        files = {
            name: commands.module_file(module, task[module])
            for name, task in alone_of.items()
            for module in task
            if module != "vars"
        }
        processor: dict[str, list[float]] = {name: [] for name in (*files, "sdk")}
        works = {name: _process([sys.executable, file], processor[name]) for name, file in files.items()}
        works["sdk"] = _process(list(script), processor["sdk"])
        alone = interleaved(plan.rounds * 3, works)
        busy = {name: median(values) for name, values in processor.items()}
    return {"task": more, "loop": loop, "process": alone, "processor": busy}


def many_streams(plan: Plan) -> dict[str, Any]:
    """B: 100 streams, the list of each and two details."""
    return {str(latency): _many_streams(plan, latency) for latency in plan.latencies}


def _many_streams(plan: Plan, latency: int) -> dict[str, Any]:
    with Emulation(latency) as emulation, _workers() as (inside, raw, peers):
        url = emulation.url
        options = connection(url, stream_names=names(STREAMS))
        call = {"module": "dis_transfer_task_info", "options": options}
        for worker, what in ((inside, call), (peers, {"how": "sdk", "url": url, "size": 1, "threads": 1})):
            worker.ask(**what)  # what is imported at first use is not the work
        emulation.counters()
        stats = inside.ask(**call)
        counters = emulation.counters()
        within = interleaved(
            plan.rounds,
            {
                "raw": lambda: float(raw.ask(url=url, what="streams", size=STREAMS)["seconds"]),
                "ours": lambda: float(inside.ask(**call)["seconds"]),
                "sdk16": lambda: float(peers.ask(how="sdk", url=url, size=STREAMS, threads=16)["seconds"]),
            },
        )
        within["sdk1"] = peers.ask(how="sdk", url=url, size=STREAMS, threads=1)["seconds"]
        command = _commands(plan, {TASKS: options})
        pages = [f"{url}/v2/{PROJECT}/streams/{name}/transfer-tasks" for name in names(STREAMS)]
        paths = [page + tail for page in pages for tail in ("", "/task-1", "/task-2")]
        each = connection(url, stream_names=["{{ item }}"])
        whole = latency == plan.whole_loops_at
        loops = _loops(
            plan,
            {TASKS: options},
            {
                "looped ours": ({TASKS: each}, names(STREAMS)),
                "looped process": (as_process({TASKS: each}), names(STREAMS)),
                "looped uri": (uri("{{ item }}"), paths),
            },
            whole,
        )
    return {
        "requests": stats["requests"],
        "connections": counters["connections"],
        "cpu_ms_per_request": 1000 * stats["cpu"] / stats["requests"],
        "inside": within,
        "command": command,
        "task": loops,
        "loops_whole": whole,
    }


def long_log(plan: Plan) -> dict[str, Any]:
    """C: 10,000 rows of one task in pages of 100. The vendor's SDK does not know this API."""
    return {str(latency): _long_log(plan, latency) for latency in plan.latencies}


def _long_log(plan: Plan, latency: int) -> dict[str, Any]:
    with Emulation(latency) as emulation, _workers() as (inside, raw, _peers):
        url = emulation.url
        options = connection(url, task_ids=[f"JournalTask{ROWS:08d}"], limit=0)
        call = {"module": "dis_transfer_task_log_info", "options": options}
        sums = {**call, "options": {**options, "summary_only": True}}
        inside.ask(**call)
        emulation.counters()
        stats = inside.ask(**call)
        counters = emulation.counters()
        within = interleaved(
            plan.rounds,
            {
                "raw": lambda: float(raw.ask(url=url, what="rows", size=ROWS)["seconds"]),
                "ours": lambda: float(inside.ask(**call)["seconds"]),
                "ours, sums only": lambda: float(inside.ask(**sums)["seconds"]),
            },
        )
        command = _commands(plan, {LOGS: options})
        command["ours, sums only"] = _commands(plan, {LOGS: sums["options"]})["ours"]
        page = {
            "order": "desc",
            "sortBy": "createTimeStr",
            "pageInfo": {"pageIndex": "{{ item }}", "pageTotal": 100},
        }
        address = f"{url}/v1/transfertasklog/JournalTask{ROWS:08d}"
        looped = uri(address, method="POST", body=page, body_format="json")
        whole = latency == plan.whole_loops_at
        loops = _loops(plan, {LOGS: options}, {"looped uri": (looped, list(range(1, ROWS // 100 + 1)))}, whole)
    return {
        "requests": stats["requests"],
        "connections": counters["connections"],
        "inside": within,
        "command": command,
        "task": loops,
        "loops_whole": whole,
    }


def growth(plan: Plan) -> dict[str, Any]:
    """D: the module's own process while the question grows: seconds, requests, connections, peak memory in MiB."""
    found: dict[str, Any] = {"streams": [], "instances": [], "rows": []}
    with Emulation(20) as emulation:
        for count in plan.streams:
            options = connection(emulation.url, stream_names=names(count))
            found["streams"].append({"streams": count, **_measured(TASKS, options)})
        for count in plan.instances:
            options = connection(
                emulation.url, instance_names=[f"kafka-{number:04d}" for number in range(1, count + 1)]
            )
            for module in (SINKS, CONNECTS):
                found["instances"].append({"instances": count, "module": module, **_measured(module, options)})
        nothing = connection(emulation.url, stream_names=["stream-0001"], task_names=["task-1"], limit=0)
        found["no_rows"] = _measured(LOGS, nothing)
        for count in plan.rows:
            options = connection(emulation.url, task_ids=[f"JournalTask{count:08d}"], limit=0)
            sums = _measured(LOGS, {**options, "summary_only": True})
            found["rows"].append({"rows": count, "returned": _measured(LOGS, options), "summary_only": sums})
        whole = {"ours": {LOGS: options}, "process": as_process({LOGS: options})}
        whole["ours, sums only"] = {LOGS: {**options, "summary_only": True}}
        commanded = {name: commands.play([{**task, "no_log": True}]) for name, task in whole.items()}
        found["command"] = {
            name: {"seconds": process.seconds, "memory": process.memory} for name, process in commanded.items()
        }
    return found


def at_once(plan: Plan) -> dict[str, Any]:
    """B in process with other values of `concurrency`: what the default is chosen from."""
    found = {}
    for latency in (20, 100) if plan is FULL else (20,):
        with Emulation(latency) as emulation, Worker("inside.py") as inside:
            works = {str(count): _with_concurrency(inside, emulation.url, count) for count in (4, 8, 16, 32, 64)}
            works["16"]()  # what is imported at first use is not the work
            found[str(latency)] = interleaved(3, works)
    return found


def _with_concurrency(inside: Worker, url: str, count: int) -> Callable[[], float]:
    options = connection(url, stream_names=names(STREAMS), concurrency=count)
    return lambda: float(inside.ask(module="dis_transfer_task_info", options=options)["seconds"])


def over_tls(plan: Plan) -> dict[str, Any]:
    """E: B over TLS, at 20 ms; with the handshakes that the emulator counted."""
    tls = _certificate()
    found: dict[str, Any] = {"handshakes": {}}
    with Emulation(20) as plain, Emulation(20, tls=tls) as emulation, _workers() as (inside, raw, peers):
        url = emulation.url
        streams = names(STREAMS)
        secure = connection(url, stream_names=streams, ca_path=tls[0])
        works: dict[str, Callable[[], Any]] = {
            "ours, HTTP": lambda: inside.ask(
                module="dis_transfer_task_info", options=connection(plain.url, stream_names=streams)
            ),
            "ours": lambda: inside.ask(module="dis_transfer_task_info", options=secure),
            "raw": lambda: raw.ask(url=url, what="streams", size=STREAMS, ca=tls[0]),
            "requests.get": lambda: peers.ask(how="requests", url=url, size=STREAMS, threads=16, ca=tls[0]),
        }
        for name, work in works.items():
            work()
            emulation.counters()
            work()
            counters = emulation.counters()
            found["handshakes"][name] = counters["handshakes"]
        found["inside"] = interleaved(plan.rounds, {name: _seconds(work) for name, work in works.items()})
    return found


def _seconds(work: Callable[[], Any]) -> Callable[[], float]:
    return lambda: float(work()["seconds"])


def lag(plan: Plan) -> dict[str, Any]:
    """J: all streams with and without their lag: three requests a stream become four."""
    count = plan.streams[-1]
    with Emulation(20) as emulation, _workers() as (inside, _raw, _peers):
        options = connection(emulation.url, stream_names=names(count))
        calls = {
            word: {"module": "dis_transfer_task_info", "options": {**options, "lag": word == "with"}}
            for word in ("without", "with")
        }
        requests = {word: inside.ask(**call)["requests"] for word, call in calls.items()}
        works = {
            word: lambda call=call: float(inside.ask(**call)["seconds"])  # type: ignore[misc]
            for word, call in calls.items()
        }
        return {"streams": count, "requests": requests, "seconds": interleaved(plan.rounds, works)}


def throttled(plan: Plan) -> list[dict[str, Any]]:
    """300 requests where 50 a second are allowed: the time against what the limit dictates, and the refusals."""
    found = []
    kinds = (("bucket", None), ("bucket", "1"), ("fixed", None), ("fixed", "1"))
    for window, retry_after in kinds if plan is FULL else kinds[:1]:
        with Emulation(20, rate={"per_second": 50, "window": window, "retry_after": retry_after}) as emulation:
            options = connection(emulation.url, stream_names=names(STREAMS))
            with Worker("inside.py") as inside:
                inside.ask(module="dis_transfer_task_info", options=connection(emulation.url, stream_names=[]))
                emulation.counters()
                stats = inside.ask(module="dis_transfer_task_info", options=options)
            refused = emulation.counters()["refused"]
        limit = (3 * STREAMS - 50) / 50  # the first 50 pass at once
        found.append(
            {
                "window": window,
                "retry_after": retry_after,
                "seconds": stats["seconds"],
                "limit": limit,
                "refused": refused,
                "retries": stats["retries"],
            }
        )
    return found


def ceiling(plan: Plan) -> dict[str, float]:
    """How many requests a second the emulator answers without latency, 16 in flight: what it can never be slower than."""
    with Emulation() as emulation, Worker("raw.py") as raw:

        def rate(what: str, size: int) -> float:
            done = raw.ask(url=emulation.url, what=what, size=size, times=5)
            return float(done["requests"] / done["seconds"])

        works = {"streams": lambda: rate("streams", STREAMS), "rows": lambda: rate("rows", ROWS)}
        return interleaved(plan.rounds, works)


@contextlib.contextmanager
def _workers() -> Iterator[tuple[Worker, Worker, Worker]]:
    with Worker("inside.py") as inside, Worker("raw.py") as raw, Worker("peers.py") as peers:
        yield inside, raw, peers


def _process(command: list[str | Path], processor: list[float]) -> Callable[[], float]:
    """Runs a process; its processor time, which neighbours disturb less, is put into the list."""

    def work() -> float:
        process = commands.run(command)
        processor.append(process.cpu)
        return process.seconds

    return work


def _commands(plan: Plan, task: dict[str, Any]) -> dict[str, float]:
    """The whole command `ansible-playbook` with this one task, and with a ping."""
    works = {
        "ping": lambda: commands.play([{"ansible.builtin.ping": {}}]).seconds,
        "ours": lambda: commands.play([task]).seconds,
        "process": lambda: commands.play([as_process(task)]).seconds,
    }
    return interleaved(3, works)


def _loops(
    plan: Plan, ours: dict[str, Any], looped: dict[str, tuple[dict[str, Any], list[Any]]], whole: bool
) -> dict[str, float]:
    """One task of ours and looped ones, in one play; a loop that does not run whole is multiplied up."""
    factor = 1 if whole else plan.loop_share
    tasks = [{"ansible.builtin.ping": {}}, ours, as_process(ours)]
    tasks += [{**task, "loop": items[: len(items) // factor]} for task, items in looped.values()]
    quiet = [{**task, "no_log": True} if "loop" in task else task for task in tasks]
    _ping, once, process, *times = commands.task_seconds(quiet)
    return {"ours": once, "process": process, **{name: seconds * factor for name, seconds in zip(looped, times)}}


def _measured(module: str, options: dict[str, Any]) -> dict[str, Any]:
    """Run a module's process once; what it took, and how large its result is (MiB of JSON)."""
    process, result = commands.direct_process(module, options)
    stats = result["request_stats"]
    return {
        "seconds": process.seconds,
        "memory": process.memory,
        "json": len(process.output) / 2**20,
        "requests": stats["requests"],
        "connections": stats["connections"],
    }


def _certificate() -> tuple[str, str]:
    """Make a certificate of its own for 127.0.0.1; returns the paths of certificate and key."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "emulator")])
    now = datetime.datetime.now(datetime.timezone.utc)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + A_DAY)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    paths = commands.WORK / "emulator.pem", commands.WORK / "emulator-key.pem"
    paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    form = serialization.PrivateFormat.PKCS8
    paths[1].write_bytes(key.private_bytes(serialization.Encoding.PEM, form, plain))
    return str(paths[0]), str(paths[1])
