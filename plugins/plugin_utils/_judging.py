# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the filters that judge have in common: options as templates hand them over, and errors that are Ansible's."""

from __future__ import annotations

import time
import typing as t

from ansible.errors import AnsibleFilterError
from ansible_collections.hwcloud.streaming.plugins.module_utils import _judge
from ansible_collections.hwcloud.streaming.plugins.module_utils._states import SHAPE
from jinja2 import Undefined

OPTIONS = ("max_age", "max_lag", "max_discarded", "now", "allow_empty")
# What values that nobody foresaw can raise, however carefully they are looked at: numbers without end, lists in themselves.
HOSTILE = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)

Answer = t.TypeVar("Answer")


def judged(
    value: t.Any,
    args: t.Sequence[t.Any],
    options: t.Mapping[str, t.Any],
    answer: t.Callable[..., Answer],
    more: t.Sequence[str] = (),
) -> Answer:
    """Return answer(subjects, limits, **others): what was judged, by which limits, and the options named in `more`."""
    known = (*OPTIONS, *more)
    unknown, doubled = set(options).difference(known), set(options).intersection(known[: len(args)])
    if unknown:
        names = ", ".join(sorted(ascii(str(name)[:60])[1:-1] for name in unknown))
        raise AnsibleFilterError(f"unknown option {names}; there are {', '.join(known)}")
    if doubled or len(args) > len(known):
        raise AnsibleFilterError(f"give each option once, by its name; there are {', '.join(known)}")
    given = {name: _without_omitted(one) for name, one in (*zip(known, args), *options.items())}
    for one in (value, *given.values()):
        _raise_if_undefined(one)
    others = {name: given.pop(name) for name in more if name in given}
    now = given.pop("now", None)
    try:
        moment = time.time_ns() // 10**6 if now is None else _judge.parse_now(now)
        limits = _judge.limits_of(now=moment, **given)
        return answer(_judge.subjects(value, limits), limits, **others)
    except _judge.JudgeError as error:
        raise AnsibleFilterError(f"cannot judge this: {error}") from error
    except HOSTILE as error:
        raise AnsibleFilterError(f"cannot judge this: {SHAPE}, got one that cannot be read") from error


def _without_omitted(value: t.Any) -> t.Any:
    """Turn the value of `omit` into None: a marked string before ansible-core 2.19, a private type since."""
    marked = isinstance(value, str) and value.startswith("__omit_place_holder__")
    return None if marked or type(value).__name__ == "_OmitType" else value


def _raise_if_undefined(value: t.Any) -> None:
    """Let an undefined variable, also in a list, tell its own name. ansible-core does so by itself since 2.19."""
    for one in (value, *value) if isinstance(value, (list, tuple)) else (value,):
        if isinstance(one, Undefined):
            str(one)
