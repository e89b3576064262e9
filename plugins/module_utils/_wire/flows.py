# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Flows that wait for replies, and the requests on their way. All flows run in the calling thread and share no lock."""

from __future__ import annotations

import typing as t
from collections import deque

from ansible_collections.hwcloud.streaming.plugins.module_utils._wire.request import Flow, Reply, Request


class Running:
    """A flow that waits for replies."""

    __slots__ = ("generator", "parent", "replies", "single", "slot", "value", "waiting")

    def __init__(self, generator: Flow, parent: Running | None, slot: int) -> None:
        self.generator, self.parent, self.slot = generator, parent, slot
        self.replies: list[t.Any] = []
        self.waiting = 0
        self.single = False
        self.value: t.Any = None


class Job:
    """A request on its way, and the place that waits for its reply."""

    __slots__ = (
        "attempts",
        "credentials",
        "flow",
        "fresh",
        "renewed",
        "request",
        "sent",
        "slot",
        "started",
        "throttled",
    )

    def __init__(self, request: Request, flow: Running, slot: int) -> None:
        self.request, self.flow, self.slot = request, flow, slot
        self.attempts = 0
        self.renewed = 0  # attempts that the old token is to blame for: not held against `retries`
        self.throttled = 0  # attempts that were refused because of too many: waited for as long as there is time
        self.started = self.sent = 0.0
        self.credentials: t.Any = None
        self.fresh = False  # a used connection broke: the next one must not be another that was left open

    @property
    def tried(self) -> int:
        """How many attempts count against `retries`."""
        return self.attempts - self.renewed - self.throttled


class Flows:
    """Runs flows as far as they go; what they ask for waits in `ready`."""

    def __init__(self) -> None:
        self.ready: deque[Job] = deque()

    def start(self, generator: Flow) -> Running:
        """Begin a flow; its `value` is known once it no longer waits."""
        root = Running(generator, None, 0)
        self._resume(root, None)
        return root

    def reply(self, job: Job, reply: Reply) -> None:
        """Hand a request's reply to the flow that waits for it."""
        self._deliver(job.flow, job.slot, reply)

    def _resume(self, flow: Running, sent: t.Any) -> None:
        while True:
            try:
                wanted = flow.generator.send(sent)
            except StopIteration as stop:
                flow.value = stop.value
                break
            flow.single = not isinstance(wanted, list)
            items = [wanted] if flow.single else wanted
            if not items:
                sent = []
                continue
            flow.replies = [None] * len(items)
            flow.waiting = len(items)
            for slot, item in enumerate(items):
                if isinstance(item, Request):
                    self.ready.append(Job(item, flow, slot))
                else:
                    self._resume(Running(item, flow, slot), None)
            return
        if flow.parent is not None:
            self._deliver(flow.parent, flow.slot, flow.value)

    def _deliver(self, flow: Running, slot: int, value: t.Any) -> None:
        flow.replies[slot] = value
        flow.waiting -= 1
        if not flow.waiting:
            replies, flow.replies = flow.replies, []
            self._resume(flow, replies[0] if flow.single else replies)
