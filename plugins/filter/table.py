# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter table: gathered tasks at a glance. Documentation: table.yml; rules: _judge.py; rows: _rows.py."""

from __future__ import annotations

import typing as t

from ansible_collections.hwcloud.streaming.plugins.module_utils._judge import Limits, Subject
from ansible_collections.hwcloud.streaming.plugins.plugin_utils._judging import judged
from ansible_collections.hwcloud.streaming.plugins.plugin_utils._rows import lines, rows

MORE = ("logs",)  # the options beyond those of problems


def table(value: t.Any, *args: t.Any, **options: t.Any) -> list[str]:
    """Return a header and one line for each task, worst first."""
    return judged(value, args, options, _lines, more=MORE)


def _lines(subjects: t.Iterable[Subject], limits: Limits, logs: t.Any = None) -> list[str]:
    return lines(rows(subjects, limits, logs), limits)


class FilterModule:
    """What ansible-core asks for the filters."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"table": table}
