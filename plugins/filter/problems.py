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


def problems(value: t.Any, *args: t.Any, **options: t.Any) -> list[str]:
    """Return the findings; the test healthy asks here too, so that the two never disagree."""
    unknown, doubled = set(options).difference(OPTIONS), set(options).intersection(OPTIONS[: len(args)])
    if unknown:
        raise AnsibleFilterError(f"unknown option {', '.join(sorted(unknown))}; there are {', '.join(OPTIONS)}")
    if doubled or len(args) > len(OPTIONS):
        raise AnsibleFilterError(f"give each option once, by its name; there are {', '.join(OPTIONS)}")
    given = {name: _without_omitted(one) for name, one in (*zip(OPTIONS, args), *options.items())}
    now = given.pop("now", None)
    try:
        moment = time.time_ns() // 10**6 if now is None else _judge.parse_now(now)
        return _judge.problems(value, now=moment, **given)
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
