# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How things stand: what is wrong in a result, by the judging rules and the limits of the call, and one line on all of it."""

from __future__ import annotations

import typing as t

from ansible_collections.hwcloud.streaming.plugins.module_utils import _judge
from ansible_collections.hwcloud.streaming.plugins.module_utils._wire.errors import ConfigurationError

JUDGED_TASKS = frozenset({"dis", "sink", "smart_connect"})  # the kinds of tasks that have `problems` of their own
# The order in which a line counts states: from at work to gone; those that are not known come last.
STATES = "RUNNING CREATING STARTING WAITING RESTARTING PAUSED ABNORMAL ERROR DELETE".split()


def check_limits(limits: t.Mapping[str, t.Any]) -> None:
    """Refuse limits that cannot be; in the words of an option, not of a filter's argument."""
    takes = {"max_age": _judge.DURATION, "max_lag": "a number, 0 or more", "max_discarded": "a number, 0 or more"}
    for name, value in limits.items():
        try:
            _judge.limits_of(**{name: value}, now=0)
        except _judge.JudgeError:
            shown = repr(value) if isinstance(value, (str, int, float)) else f"a value of type {type(value).__name__}"
            raise ConfigurationError(f"{name} is {shown}: it takes {takes[name]}.") from None


def judge(
    result: dict[str, t.Any],
    limits: t.Mapping[str, t.Any],
    now: int,
    mask: t.Callable[[t.Sequence[str]], list[str]],
) -> list[str]:
    """Return what is wrong, as the filter `problems` would; give each task its part of it, and count the healthy ones.

    `mask` takes secrets out of sentences.
    """
    found: list[str] = []
    tasks: list[tuple[dict[str, t.Any], int, int]] = []  # each with where its sentences begin and end
    for subject in _judge.subjects(result, _judge.limits_of(**limits, now=now)):
        start = len(found)
        found += [subject.where + problem.sentence for problem in subject.problems]
        if subject.kind in JUDGED_TASKS:
            tasks.append((t.cast("dict[str, t.Any]", subject.facts), start, len(found)))
    found = mask(found)
    for task, start, end in tasks:
        task["problems"] = found[start:end]
    if "healthy" in result["summary"]:
        result["summary"] = {**result["summary"], "healthy": sum(start == end for _task, start, end in tasks)}
    return found


def counted(number: int, noun: str) -> str:
    """Return a number of things in words."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def tasks_line(total: int, noun: str, parents: int, parent: str, by_state: t.Mapping[str, int]) -> str:
    """Return how many tasks there are, of how many streams or instances, and in which states."""
    known = {state: place for place, state in enumerate(STATES)}
    states = sorted(by_state, key=lambda state: (known.get(state, len(known)), state))
    line = f"{counted(total, noun)} of {counted(parents, parent)}"
    return f"{line}: {', '.join(f'{by_state[state]} {state}' for state in states)}" if states else line


def with_problems(line: str, problems: t.Sequence[str]) -> str:
    """Return the line that the result says, with how many problems there are."""
    return f"{line}; {counted(len(problems), 'problem') if problems else 'no problems'}"
