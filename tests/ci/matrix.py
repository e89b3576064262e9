# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`make matrix`: every supported line of ansible-core, on every Python of this machine that it runs on, as a table."""

from __future__ import annotations

from collections.abc import Sequence

import workspace
from ansible_cores import CORES, OLDEST_TARGET, AnsibleTest
from job import Lane, Result, run_lanes

HEAD = ("ansible-core", "control node", "sanity", "unit tests", "integration", f"on Python {OLDEST_TARGET}")


def run(lines: Sequence[str]) -> int:
    """Run the lines that are named, or all of them."""
    cores = [core for core in CORES if not lines or core.line in lines]
    tests = [AnsibleTest(core, control) for core in cores for control in core.available_controls]
    if not tests:
        raise workspace.Missing("No Python of this machine runs a line of ansible-core that was asked for.")
    lanes = [_lane(test) for test in tests]
    results = run_lanes(lanes, 2)
    by_name = {result.name: result for result in results}
    print("\n| " + " | ".join(HEAD) + " |\n|" + "---|" * len(HEAD))
    for test in tests:
        print(_row(test, by_name))
    for core in cores:
        missing = [control for control in core.controls if control not in core.available_controls]
        if missing:
            print(f"Not run: ansible-core {core.line} on Python {', '.join(missing)}, not on this machine.")
    failed = sum(not result.passed for result in results)
    print(f"\n{len(results) - failed} passed, {failed} failed")
    return 1 if failed else 0


def _lane(test: AnsibleTest) -> Lane:
    """Sanity reads all Pythons itself, so once a line is enough; managed hosts on the oldest Python likewise."""
    steps = [test.units(), test.integration()]
    if _is_first(test):
        steps.insert(0, test.sanity())
        if OLDEST_TARGET in workspace.pythons():
            steps += [test.units_on(OLDEST_TARGET), test.integration_on(OLDEST_TARGET)]
    return Lane(test.name, steps)


def _is_first(test: AnsibleTest) -> bool:
    return test.control == test.core.available_controls[0]


def _row(test: AnsibleTest, results: dict[str, Result]) -> str:
    def cell(*names: str) -> str:
        found = [results[name] for name in names if name in results]
        if not found:
            return ""
        return "passed" if all(result.passed for result in found) else "FAILED"

    oldest = [test.units_on(OLDEST_TARGET).name, test.integration_on(OLDEST_TARGET).name]
    sanity = ", without ".join([cell(test.sanity().name), *(test.core.sanity_skips if _is_first(test) else ())])
    cells = [test.core.line, f"Python {test.control}", sanity, cell(test.units().name)]
    cells += [cell(test.integration().name), cell(*oldest)]
    return f"| {' | '.join(cells)} |"
