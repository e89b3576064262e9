# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter problems: what is wrong with facts that were gathered. Documentation: problems.yml; rules: _judge.py."""

from __future__ import annotations

import typing as t

from ansible_collections.hwcloud.streaming.plugins.module_utils._judge import Limits, Subject
from ansible_collections.hwcloud.streaming.plugins.plugin_utils._judging import OPTIONS, judged

__all__ = ["OPTIONS", "FilterModule", "problems"]


def problems(value: t.Any, *args: t.Any, **options: t.Any) -> list[str]:
    """Return the problems in words; the test healthy asks here too, so that the two never disagree."""
    return judged(value, args, options, _sentences)


def _sentences(subjects: t.Iterable[Subject], _limits: Limits) -> list[str]:
    return [subject.where + problem.sentence for subject in subjects for problem in subject.problems]


class FilterModule:
    """What ansible-core asks for the filters."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"problems": problems}
