# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading a world file: typed access to its sections, times and ages, and errors that name the place."""

from __future__ import annotations

import datetime
import re
import time
from collections.abc import Sequence
from typing import Any

_UNITS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_SPAN = re.compile(r"^([0-9]+(?:\.[0-9]+)?)(ms|s|m|h|d)$")
MISSING: Any = object()
MOST = 1_000_000  # of anything that is generated: it is kept in memory


class WorldError(ValueError):
    """The world cannot be used; the message names the place in it, the value and what is allowed."""


def wrong(where: str, value: Any, allowed: str) -> WorldError:
    """An error about one value of the world."""
    shown = repr(value)
    if len(shown) > 80:
        shown = shown[:77] + "..."
    return WorldError(f"{where}: {shown} is not allowed, expected {allowed}")


def required(where: str, written: dict[str, Any]) -> WorldError:
    """An error about a key that is not there; it names the keys that are, one of which may be a slip of the pen."""
    keys = ", ".join(str(key) for key in written)
    return WorldError(f"{where}: is required" + (f", written here are {keys}" if keys else ""))


def parse_span(value: Any, where: str) -> int:
    """A length of time in milliseconds: ``300s``, ``5m``, ``1.5h``, or a number of seconds."""
    if isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 0:
        return int(value * 1000)
    match = _SPAN.match(value) if isinstance(value, str) else None
    if match is None:
        raise wrong(where, value, "a length of time such as 90s, 15m, 24h, 7d, or a number of seconds")
    return int(float(match.group(1)) * _UNITS[match.group(2)])


def parse_moment(value: Any, where: str, now: int) -> int:
    """A point in time in epoch milliseconds: a number as it is, an ISO 8601 text, or an age before ``now``."""
    if isinstance(value, datetime.date) and not isinstance(value, datetime.datetime):
        value = datetime.datetime(value.year, value.month, value.day)
    if isinstance(value, datetime.datetime):  # YAML makes these two of unquoted times
        moment = value if value.tzinfo else value.replace(tzinfo=datetime.timezone.utc)
        return round(moment.timestamp() * 1000)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str):
        if _SPAN.match(value):
            return now - parse_span(value, where)
        if re.match(r"^-?[0-9]+$", value):
            return int(value)
        try:
            moment = datetime.datetime.fromisoformat(re.sub(r"[zZ]$", "+00:00", value))
        except ValueError:
            pass
        else:
            return parse_moment(moment, where, now)
    raise wrong(where, value, "a time: ISO 8601, epoch milliseconds, or an age such as 15m or 3d")


def iso(moment: int, digits: int = 6) -> str:
    """Epoch milliseconds as ISO 8601 in UTC."""
    whole, part = divmod(moment, 1000)
    text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(whole))
    return f"{text}.{part:03d}{'0' * (digits - 3)}Z"


class Clock:
    """The emulator's idea of now: real time plus an offset, or one fixed moment. Milliseconds."""

    def __init__(self, fixed: int | None = None, offset: int = 0) -> None:
        self.fixed = fixed
        self.offset = offset

    def now(self) -> int:
        """Now, in epoch milliseconds."""
        return self.fixed if self.fixed is not None else int(time.time() * 1000) + self.offset

    def advance(self, span: Any) -> None:
        """Move on by a length of time (``15m``, or seconds)."""
        step = parse_span(span, "clock")
        if self.fixed is not None:
            self.fixed += step
        else:
            self.offset += step

    @classmethod
    def parse(cls, value: Any, where: str = "clock") -> Clock:
        """From a world or the command line: None is real time, ``+2h`` or ``-3d`` shifts it, a time fixes it."""
        if value is None:
            return cls()
        if isinstance(value, Clock):
            return value
        if isinstance(value, str) and value[:1] in ("+", "-") and _SPAN.match(value[1:]):
            step = parse_span(value[1:], where)
            return cls(offset=step if value[0] == "+" else -step)
        if isinstance(value, str) and _SPAN.match(value):
            raise wrong(where, value, "a time (ISO 8601 or epoch milliseconds), or a shift with its sign such as -3d")
        return cls(fixed=parse_moment(value, where, 0))


class Section:
    """One mapping of the world. Every key that is asked for counts as known; ``close`` refuses the others."""

    def __init__(self, value: Any, where: str, now: int) -> None:
        if not isinstance(value, dict):
            raise wrong(where or "world", value, "a mapping")
        self.value: dict[str, Any] = value
        self.where = where
        self.now = now
        self._known: set[str] = set()

    def place(self, key: str) -> str:
        """Where a key stands, for messages."""
        return f"{self.where}.{key}" if self.where else key

    def has(self, key: str) -> bool:
        """Whether a key was written at all, be it with null."""
        self._known.add(key)
        return key in self.value

    def any(self, key: str, default: Any = None) -> Any:
        """A value as it stands."""
        self._known.add(key)
        if key not in self.value:
            if default is MISSING:
                raise required(self.place(key), self.value)
            return default
        return self.value[key]

    def text(self, key: str, default: Any = MISSING, choices: Sequence[str] = ()) -> Any:
        """A text, or the default; null only where the default is None."""
        value = self.any(key, default)
        if value is None and default is None:
            return None
        if not isinstance(value, str) or not value:
            raise wrong(self.place(key), value, "a text that is not empty" if not choices else _one_of(choices))
        if choices and value not in choices:
            raise wrong(self.place(key), value, _one_of(choices))
        return value

    def number(self, key: str, default: Any = MISSING, minimum: int | None = 0, maximum: int | None = None) -> Any:
        """A whole number within bounds."""
        value = self.any(key, default)
        if value is None and default is None:
            return None
        bad = not isinstance(value, int) or isinstance(value, bool)
        if bad or (minimum is not None and value < minimum) or (maximum is not None and value > maximum):
            limits = ("" if minimum is None else f" from {minimum}") + ("" if maximum is None else f" to {maximum}")
            raise wrong(self.place(key), value, f"a whole number{limits}")
        return value

    def flag(self, key: str, default: bool) -> bool:
        """true or false."""
        value = self.any(key, default)
        if not isinstance(value, bool):
            raise wrong(self.place(key), value, "true or false")
        return value

    def moment(self, key: str, default: Any = None) -> Any:
        """A time as epoch milliseconds, or None."""
        value = self.any(key, default)
        return None if value is None else parse_moment(value, self.place(key), self.now)

    def span(self, key: str, default: Any = MISSING) -> int:
        """A length of time in milliseconds."""
        return parse_span(self.any(key, default), self.place(key))

    def mapping(self, key: str) -> dict[str, Any]:
        """A free mapping; an empty one when it is left out."""
        value = self.any(key)
        if value is None:
            return {}
        if not isinstance(value, dict):
            raise wrong(self.place(key), value, "a mapping")
        return value

    def texts(self, key: str) -> list[str]:
        """A list of texts."""
        value = self.any(key)
        if value is None:
            return []
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise wrong(self.place(key), value, "a list of texts")
        return list(value)

    def section(self, key: str) -> Section | None:
        """The section under a key, None when it is left out."""
        value = self.any(key)
        return None if value is None else Section(value, self.place(key), self.now)

    def sections(self, key: str) -> list[Section]:
        """The sections of a list."""
        value = self.any(key)
        if value is None:
            return []
        if not isinstance(value, list):
            raise wrong(self.place(key), value, "a list of mappings")
        return [Section(item, f"{self.place(key)}[{number}]", self.now) for number, item in enumerate(value)]

    def close(self) -> None:
        """Refuse keys that nobody asked for."""
        for key in self.value:
            if key not in self._known:
                known = ", ".join(sorted(self._known))
                raise WorldError(f"{self.place(str(key))}: this key is not known, known here are {known}")


def _one_of(choices: Sequence[str]) -> str:
    return "one of " + ", ".join(choices)
