# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Literal answers in a world, for replaying what a service once said."""

from __future__ import annotations

from .protocol import encode
from .reader import MISSING, Section, wrong
from .world import Raw


def raw_answer(section: Section, closing: bool = False) -> Raw:
    """A literal answer: ``body`` (any JSON) or ``text``, with status, content_type and headers."""
    text = section.any("text")
    if text is not None and not isinstance(text, str):
        raise wrong(section.place("text"), text, "a text")
    body = section.any("body", MISSING if text is None else None)
    raw = Raw(
        body=encode(body) if text is None else text.encode(),
        status=section.number("status", 200, 200, 599),
        content_type=section.text("content_type", "application/json" if text is None else "text/html"),
        headers=[(str(name), str(value)) for name, value in section.mapping("headers").items()],
    )
    if closing:
        section.close()
    return raw


def raw_answers(section: Section | None, calls: tuple[str, ...]) -> dict[str, Raw]:
    """Literal answers by the call that they stand for."""
    if section is None:
        return {}
    found = {}
    for call in calls:
        part = section.section(call)
        if part is not None:
            found[call] = raw_answer(part, closing=True)
    section.close()
    return found
