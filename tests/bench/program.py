# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The benchmark's main program; `make bench` runs it in its own virtual environment."""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import commands
import judged
import report
import scenes

SCENES: dict[str, Callable[[scenes.Plan], Any]] = {
    "ceiling": scenes.ceiling,
    "one_fact": scenes.one_fact,
    "many_streams": scenes.many_streams,
    "long_log": scenes.long_log,
    "growth": scenes.growth,
    "at_once": scenes.at_once,
    "over_tls": scenes.over_tls,
    "throttled": scenes.throttled,
    "lag": scenes.lag,
    "judged": judged.judged,
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="less of everything, in under two minutes; writes no docs")
    parser.add_argument("--only", nargs="+", choices=sorted(SCENES), help="some of the scenes; writes no docs")
    options = parser.parse_args()
    plan = scenes.QUICK if options.quick else scenes.FULL
    start = time.monotonic()
    results: dict[str, Any] = {"machine": _machine(), "quick": options.quick}
    for name in options.only or SCENES:
        began = time.monotonic()
        results[name] = SCENES[name](plan)
        print(f"{name}: measured in {time.monotonic() - began:.0f} s", flush=True)
    results["seconds"] = round(time.monotonic() - start)
    report.OUTPUT.mkdir(parents=True, exist_ok=True)
    (report.OUTPUT / "results.json").write_text(json.dumps(results, indent=2) + "\n")
    print()
    print(report.as_text(results))
    if not options.only:
        report.plot(results)
    if not options.only and not options.quick:
        report.write_docs(results)
    print(f"Took {results['seconds']} s. {report.OUTPUT.relative_to(report.ROOT)}/ has results.json and results.png.")
    return 0


def _machine() -> dict[str, Any]:
    """The machine in general terms: nothing that names it."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "date": datetime.datetime.now(datetime.timezone.utc).date().isoformat(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_gib": round(memory),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "ansible_core": version("ansible-core"),
        "requests": version("requests"),
        "urllib3": version("urllib3"),
        "sdk": version("huaweicloudsdkdis"),
        "load": round(os.getloadavg()[0], 1),
    }


if __name__ == "__main__":
    commands.WORK.mkdir(parents=True, exist_ok=True)
    sys.exit(main())
