# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The test healthy: a real bool, whatever is handed over."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.hwcloud.streaming.plugins.test.healthy import TestModule as HealthyModule

healthy = HealthyModule().tests()["healthy"]


@pytest.mark.parametrize(
    ("value", "options", "answer"),
    [
        ({"state": "RUNNING"}, {}, True),
        ({"state": "PAUSED"}, {}, False),
        ({"status": "RUNNING", "lag": 9}, {"max_lag": 9}, True),
        ({"status": "RUNNING", "lag": 9}, {"max_lag": 8}, False),
        ([], {}, False),
        ([], {"allow_empty": True}, True),
        ({"transfer_tasks": [{"state": "RUNNING"}], "not_found": []}, {}, True),
        ({"transfer_tasks": [{"state": "RUNNING"}], "not_found": [{"stream_name": "orders"}]}, {}, False),
        ({"failed": True, "msg": "no"}, {}, False),
        ({"results": [{"transfer_tasks": [{"state": "RUNNING"}]}]}, {}, True),
    ],
)
def test_the_answer_is_a_real_bool(value: t.Any, options: dict[str, t.Any], answer: bool) -> None:
    assert healthy(value, **options) is answer


def test_options_can_be_given_by_position() -> None:
    assert healthy({"status": "RUNNING", "lag": 9}, None, 9) is True
    assert healthy({"status": "RUNNING", "lag": 9}, None, 8) is False
