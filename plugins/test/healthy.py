# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The test healthy: is nothing wrong with facts that were gathered? Its documentation is in healthy.yml."""

from __future__ import annotations

import typing as t

from ansible_collections.hwcloud.streaming.plugins.filter.problems import problems


def healthy(value: t.Any, *args: t.Any, **options: t.Any) -> bool:
    """Return whether the filter problems, with the same options, finds nothing."""
    return not problems(value, *args, **options)


class TestModule:
    """What ansible-core asks for the tests."""

    __test__ = False  # Not a class of test cases, whatever pytest makes of the name.

    def tests(self) -> dict[str, t.Callable[..., bool]]:
        return {"healthy": healthy}
