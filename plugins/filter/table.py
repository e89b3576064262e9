# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter table: gathered tasks at a glance. Documentation: table.yml; rules: _judge.py; rows: _rows.py."""

from __future__ import annotations

import typing as t

from ansible_collections.hwcloud.streaming.plugins.module_utils._judge import (
    Limits,
    Subject,
    parse_duration,
    subjects,
)
from ansible_collections.hwcloud.streaming.plugins.plugin_utils._judging import judged
from ansible_collections.hwcloud.streaming.plugins.plugin_utils._rows import lines, rows

MORE = ("logs", "max_log_age")  # the options beyond those of problems


def table(value: t.Any, *args: t.Any, **options: t.Any) -> list[str]:
    """Return a header and one line for each task, worst first."""
    return judged(value, args, options, _lines, more=MORE)


def _lines(
    judged_tasks: t.Iterable[Subject], limits: Limits, logs: t.Any = None, max_log_age: t.Any = None
) -> list[str]:
    age = parse_duration(max_log_age, "max_log_age")
    if age is None:
        return lines(rows(judged_tasks, limits, logs), limits)
    by_log = limits._replace(max_age=age, allow_empty=True)
    judged_logs = () if logs is None else subjects(logs, by_log)
    return lines(rows([*judged_tasks, *judged_logs], limits, logs, age), by_log)


class FilterModule:
    """What ansible-core asks for the filters."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"table": table}
