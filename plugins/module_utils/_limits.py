# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The limits that are judged by, and the forms in which people write durations and moments. No I/O, no clock."""

from __future__ import annotations

import re
import typing as t
from datetime import datetime, timedelta, timezone

from ansible_collections.hwcloud.streaming.plugins.module_utils._states import TOO_LARGE, JudgeError, _number, _shown

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
DURATION = "seconds, or a number with s, m, h or d, such as 15m"
MOMENT = "ISO 8601, such as 2026-01-02T03:04:05Z, or epoch milliseconds"


class Limits(t.NamedTuple):
    """What is still well, both ends included: milliseconds, messages, records. None sets no limit."""

    max_age: int | None
    max_lag: float | None
    max_discarded: float | None
    now: int
    allow_empty: bool


def limits_of(
    *,
    max_age: t.Any = None,
    max_lag: t.Any = None,
    max_discarded: t.Any = None,
    now: int,
    allow_empty: t.Any = False,
) -> Limits:
    """Return the limits as they were given to a filter or a module.

    `max_age` is a duration (see parse_duration), `max_lag` is in messages or records, `max_discarded` in records, `now`
    in epoch milliseconds. Raises JudgeError for a bad argument.
    """
    if allow_empty is not None and not isinstance(allow_empty, bool):
        raise JudgeError(f"allow_empty: expected true or false, got {_shown(allow_empty)}")
    return Limits(
        parse_duration(max_age, "max_age"),
        _parse_count(max_lag, "max_lag"),
        _parse_count(max_discarded, "max_discarded"),
        now,
        bool(allow_empty),
    )


def parse_duration(value: t.Any, name: str = "max_age") -> int | None:
    """Return a duration (seconds, `90`, `15m`, `1.5h`) in milliseconds; None stays None."""
    if value is None:
        return None
    seconds = _number(value)
    if isinstance(value, str):
        text = value.strip()
        factor = {"s": 1, "m": 60, "h": 3600, "d": 86400}.get(text[-1:])
        digits = text[:-1].rstrip() if factor else text
        if len(digits) <= 400 and digits.isascii() and digits.replace(".", "", 1).isdigit():
            seconds = float(digits) * (factor or 1)
    if seconds is None or not 0 <= seconds * 1000 < TOO_LARGE:
        raise JudgeError(f"{name}: expected {DURATION}, got {_shown(value)}")
    return round(seconds * 1000)


def parse_now(value: t.Any, name: str = "now") -> int:
    """Return ISO 8601 (no zone means UTC), epoch milliseconds or a datetime with a zone in epoch milliseconds."""
    moment: float | None = _number(value)
    if isinstance(value, str):
        text = value.strip()
        moment = float(text) if len(text) <= 400 and text.isascii() and text.isdigit() else iso_to_ms(text)
    elif isinstance(value, datetime):
        # The template function now() returns one without a zone, of local time or of UTC: nobody can tell.
        if value.utcoffset() is None:
            raise JudgeError(f"{name}: the datetime has no time zone; give {MOMENT}")
        moment = (value - EPOCH) // timedelta(milliseconds=1)
    if moment is None or not 0 <= moment < TOO_LARGE:
        raise JudgeError(f"{name}: expected {MOMENT}, got {_shown(value)}")
    # A moment of this century in seconds: taken for milliseconds, no transfer would ever be too old.
    if 10**9 <= moment < 10**10:
        raise JudgeError(f"{name}: {int(moment)} looks like epoch seconds; expected {MOMENT}")
    return int(moment)


def _parse_count(value: t.Any, name: str) -> float | None:
    number = _number(value)
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,30}", value.strip()):
        number = int(value)
    if value is not None and (number is None or not 0 <= number < TOO_LARGE):
        raise JudgeError(f"{name}: expected a number, 0 or more, got {_shown(value)}")
    return number


def iso_to_ms(text: str) -> int | None:
    """Return ISO 8601 as epoch milliseconds, None when it is none; no zone means UTC."""
    date = r"(\d{4})-?(\d\d)-?(\d\d)"
    time = r"(\d\d):?(\d\d)(?::?(\d\d)(?:[.,](\d+))?)?"
    zone = r"[Zz]|([+-])([01]\d):?([0-5]\d)?"
    match = re.fullmatch(f"{date}(?:[Tt ]{time}(?:{zone})?)?", text, re.ASCII)
    if not match:
        return None
    *fields, fraction, sign, hours, minutes = match.groups()
    year, month, day, hour, minute, second = (int(field or 0) for field in fields)
    try:
        moment = datetime(year, month, day, hour, minute, second, tzinfo=timezone.utc)
    except ValueError:
        return None
    offset = timedelta(hours=int(hours or 0), minutes=int(minutes or 0)) * (-1 if sign == "-" else 1)
    ms = (moment - EPOCH - offset) // timedelta(milliseconds=1)
    return ms + int(((fraction or "") + "000")[:3])
