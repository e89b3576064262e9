# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter problems: what is wrong with facts that were gathered. Documentation: problems.yml; rules: _judge.py."""

from __future__ import annotations

import time
import typing as t

from ansible.errors import AnsibleFilterError
from ansible_collections.hwcloud.streaming.plugins.module_utils import _judge

OPTIONS = ("max_age", "max_lag", "max_discarded", "now", "allow_empty")


def problems(
    value: t.Any,
    max_age: t.Any = None,
    max_lag: t.Any = None,
    max_discarded: t.Any = None,
    now: t.Any = None,
    allow_empty: t.Any = False,
    **unknown: t.Any,
) -> list[str]:
    """Return the findings; the test healthy asks here too, so that the two never disagree."""
    if unknown:
        raise AnsibleFilterError(f"unknown option {', '.join(sorted(unknown))}; there are {', '.join(OPTIONS)}")
    given = _without_omitted(now)
    try:
        return _judge.findings(
            value,
            max_age=_without_omitted(max_age),
            max_lag=_without_omitted(max_lag),
            max_discarded=_without_omitted(max_discarded),
            now=time.time_ns() // 10**6 if given is None else _judge.parse_now(given),
            allow_empty=_without_omitted(allow_empty),
        )
    except _judge.JudgeError as error:
        raise AnsibleFilterError(f"cannot judge this: {error}") from error


def _without_omitted(value: t.Any) -> t.Any:
    """Turn the value of `omit` into None: a marked string before ansible-core 2.19, a private type since."""
    marked = isinstance(value, str) and value.startswith("__omit_place_holder__")
    return None if marked or type(value).__name__ == "_OmitType" else value


class FilterModule:
    """What ansible-core asks for the filters."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"problems": problems}
