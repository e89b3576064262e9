# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The emulator as a worker in a process of its own, that tells its counters. Run as a program it is that process."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

from worker import Worker, serve

TESTS = Path(__file__).resolve().parent.parent
WORLD = TESTS / "emulator" / "worlds" / "benchmark.yml"
PROJECT = "0123456789abcdef0123456789abcdef"
TOKEN = "ExampleToken"
KEYS = ("AKEXAMPLE0000000000X", "SKExample0000000000000000000000000000000")


class Emulation(Worker):
    """An emulator with the world of the benchmark. `rate` is a mapping as the emulator takes it."""

    def __init__(self, latency_ms: int = 0, rate: dict[str, Any] | None = None, tls: tuple[str, str] | None = None):
        super().__init__("emulation.py")
        self.url: str = self.ask(latency=latency_ms / 1000, rate=rate, tls=tls)["url"]

    def counters(self) -> dict[str, int]:
        """Return what was counted since the last time: requests, connections, handshakes, refused."""
        counted: dict[str, int] = self.ask(counters=True)
        return counted


def main() -> None:
    sys.path.insert(0, str(TESTS))
    emulator_class = importlib.import_module("emulator").Emulator

    running: list[Any] = []
    refused = 0

    def work(wanted: dict[str, Any]) -> dict[str, Any]:
        nonlocal refused
        if not running:
            tls = tuple(wanted["tls"]) if wanted["tls"] else None
            options = {"latency": wanted["latency"], "rate": wanted["rate"], "tls": tls}
            running.append(emulator_class(str(WORLD), record=False, **options))
            running[0].__enter__()
            return {"url": running[0].url}
        emulator = running[0]
        now = emulator.limiter.refused if emulator.limiter else 0
        counted = {
            "requests": emulator.answered,
            "connections": emulator.connections,
            "handshakes": emulator.handshakes,
            "refused": now - refused,
        }
        refused = now
        emulator.reset()
        return counted

    serve(work)


if __name__ == "__main__":
    main()
