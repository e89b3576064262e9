# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of the tasks of a list were asked for: one table of filters, looked at twice, for the list and for the details."""

from __future__ import annotations

import typing as t


class Filter(t.NamedTuple):
    """The values of one field of a task that were asked for; None is any. `words` are upper case and compared so."""

    field: str
    values: t.Optional[t.Collection[str]]
    words: bool = False

    def takes(self, task: t.Mapping[str, t.Any], untold: bool) -> bool:
        """Tell whether a task passes; `untold` is the answer where its field is not told."""
        told = task[self.field]
        if self.values is None or told in (None, ""):
            return self.values is None or untold
        return (told.upper() if self.words else told) in self.values


class Filters(t.Tuple[Filter, ...]):
    """All that was asked for."""

    def may_take(self, listed: t.Mapping[str, t.Any]) -> bool:
        """Tell whether a task may be asked for, going by its facts of the list, which need not tell all."""
        return all(one.takes(listed, True) for one in self)

    def take(self, task: t.Mapping[str, t.Any]) -> bool:
        """Tell whether a task is asked for, by all that is known of it; what is not told is not."""
        return all(one.takes(task, False) for one in self)

    def of(self, field: str) -> t.Collection[str] | None:
        """Return the values that a field was asked for."""
        return next((one.values for one in self if one.field == field), None)
