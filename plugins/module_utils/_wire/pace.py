# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How fast to ask: what one request learns of a service's limits holds for all of them."""

from __future__ import annotations

import random
from collections import deque

BACKOFF_FIRST, BACKOFF_LONGEST = 0.5, 30.0  # seconds
TELLING = 20  # successes within a second
SLOWEST_RATE = 5.0  # requests a second to go on with when nothing is known of a service's limit
TOO_MANY = 503  # what a load balancer says of one connection too many
ONE_MORE = 20  # answers after which one more connection is tried, times those in a row that failed


class Pace:
    """When the next request may leave: what one request learns of the service's limit holds for all of them."""

    def __init__(self) -> None:
        self.free_at = 0.0
        self._rate = 0.0  # requests a second at the last slow-down, 0 is unlimited
        self._growth = 0.0
        self._slowed_at = -1.0
        self._streak = 0
        self._successes: deque[float] = deque(maxlen=1000)

    def sent(self, now: float) -> None:
        if self._rate:
            # Stay near the rate that is known to be good, then look for a better one faster and faster.
            since = now - self._slowed_at
            self.free_at = max(self.free_at, now) + 1 / (self._rate * (1 + self._growth * (since + since**3)))

    def succeeded(self, now: float) -> None:
        self._streak = 0
        self._successes.append(now)

    def throttled(self, sent_at: float, now: float, wait: float | None, longest: float = BACKOFF_LONGEST) -> float:
        """Slow all down after a refusal; return the seconds until the next request may leave.

        wait: as the service asks for; without it at most `longest`.
        """
        if sent_at > self._slowed_at:  # one that left after the last slow-down: still too fast
            reached = sum(1 for at in self._successes if at > now - 1)
            self._rate = max(SLOWEST_RATE, 0.95 * reached)
            # What was reached in a second is the limit, if it is enough to tell: each attempt at more costs a pause.
            self._growth = 0.0007 if reached >= TELLING else 0.05
            self._slowed_at = now
            self._streak += 1
            wait = min(backoff(self._streak), longest) if wait is None else wait
        self.free_at = max(self.free_at, now + (wait or 0.0))
        return self.free_at - now


def backoff(attempt: int) -> float:
    """Return the seconds to wait after the given failed attempt (1 is the first): exponential, with jitter, bounded."""
    return min(BACKOFF_LONGEST, BACKOFF_FIRST * 2.0 ** min(attempt - 1, 30)) * random.uniform(0.5, 1.0)


def retry_after(value: str | None, now: float) -> float | None:
    """Return the seconds that a Retry-After header asks for, in either of its forms; None when it says nothing usable."""
    text = (value or "").strip()
    if not text:
        return None
    numbers = [part.strip() for part in text.split(",")]  # a header that was sent twice is joined with a comma
    if all(part.isascii() and part.isdigit() for part in numbers):
        return max(map(float, numbers)) or None  # "at once" is no wait that lets a service recover
    from email.utils import parsedate_to_datetime

    try:
        moment = parsedate_to_datetime(text)
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
    wait = moment.timestamp() - now if moment.tzinfo else 0.0
    return wait if wait > 0 else None


class Ceiling:
    """How many requests may be on their way at once: `most`, or what a service that takes few connections leaves of it."""

    def __init__(self, most: int) -> None:
        self.value = self._most = most
        self._unopened = self._streak = 0  # new connections in a row that failed; answers since

    def answered(self, opened: bool) -> None:
        """Try one more now and then."""
        self._streak += 1
        if opened:
            self._unopened = 0
        if self.value < self._most and self._streak >= ONE_MORE * max(1, self._unopened):
            self.value, self._streak = self.value + 1, 0

    def refused(self, living: int) -> None:
        """Keep to the living connections when a new one could not be had twice."""
        self._unopened += 1
        self._streak = 0
        if self._unopened > 1 and living:
            self.value = min(self.value, living)
