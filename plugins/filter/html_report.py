# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter html_report: gathered facts, judged, as one HTML page. Documentation: html_report.yml; page: _report.py."""

from __future__ import annotations

import typing as t

from ansible_collections.hwcloud.streaming.plugins.plugin_utils._judging import judged
from ansible_collections.hwcloud.streaming.plugins.plugin_utils._report import page

MORE = ("logs", "title", "hours", "rows", "max_log_age")  # the options beyond those of problems


def html_report(value: t.Any, *args: t.Any, **options: t.Any) -> str:
    """Return one HTML page on the gathered tasks."""
    return judged(value, args, options, page, more=MORE)


class FilterModule:
    """What ansible-core asks for the filters."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"html_report": html_report}
