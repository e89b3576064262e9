# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the event source `dumps` does beside telling events: its options, when it asks, and asking without being in the way."""

from __future__ import annotations

import asyncio
import concurrent.futures
import importlib
import logging
import random
import threading
import time
import typing as t

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.errors import UnsupportedError
from ansible_collections.hwcloud.streaming.plugins.module_utils import _call, _module, _options
from ansible_collections.hwcloud.streaming.plugins.module_utils._identity.secrets import Cleaner
from ansible_collections.hwcloud.streaming.plugins.module_utils._wire.errors import ConfigurationError
from ansible_collections.hwcloud.streaming.plugins.plugin_utils import _events

MODULES = {
    "dis": "dis_transfer_task_info",
    "sink": "dms_sink_task_info",
    "smart_connect": "dms_smart_connect_task_info",
}
OWN: dict[str, dict[str, t.Any]] = {
    "kinds": {"type": "list", "elements": "str", "choices": [*MODULES], "default": ["dis"]},
    "interval": {"type": "float", "default": 60},
    "initial": {"type": "str", "choices": ["problems", "all", "none"], "default": "problems"},
    "confirm": {"type": "int", "default": 1},
    "heartbeat": {"type": "float", "default": 0},
    "max_backoff": {"type": "float", "default": 600},
}
LEAST = {"interval": 10, "confirm": 1, "heartbeat": 0, "max_backoff": 0}
LONGEST = 10**8  # seconds
# Nothing that time mends: where the first answer is one of these, somebody has to look.
FATAL = frozenset({"configuration", "authentication", "authorization", "tls"})

logger = logging.getLogger("hwcloud.streaming.dumps")


class CannotWatch(Exception):
    """Options that are wrong, or a first answer that says that no other will be better. The text holds no secret."""


class Settings(t.NamedTuple):
    """The options of the source itself, those of the modules and the connection, and the states to tell of by kind."""

    own: dict[str, t.Any]
    params: dict[str, t.Any]
    states: dict[str, frozenset[str] | None]


class Clock:
    """Time, for which tests put their own."""

    monotonic = staticmethod(time.monotonic)
    epoch = staticmethod(time.time)
    sleep = staticmethod(asyncio.sleep)


class Queue(t.Protocol):
    """What ansible-rulebook takes events by."""

    async def put(self, event: t.Any) -> None:
        """Take an event."""


def options(kinds: t.Iterable[str]) -> dict[str, dict[str, t.Any]]:
    """Return the argument spec of the source when it looks at these kinds."""
    taken = dict(_options.CONNECTION)
    for kind in kinds:
        taken |= _question(kind).options
    del taken["only_problems"]  # what is well would look as if it had gone
    return {**OWN, **_module.argument_spec(taken)}


def settings(args: t.Mapping[str, t.Any], warn: t.Callable[[str], None] = logger.warning) -> Settings:
    """Return the options as given in the rulebook, checked."""
    named = {name: value for name, value in args.items() if name == "kinds"}
    kinds = list(dict.fromkeys(_validated({"kinds": OWN["kinds"]}, named, args)["kinds"]))
    if not kinds:
        raise CannotWatch(f"kinds is empty: it takes one or more of {', '.join(MODULES)}.")
    given = _validated(options(kinds), args, args)
    for name, least in LEAST.items():
        if not least <= given[name] <= LONGEST:
            raise CannotWatch(f"{name} is {given[name]:g}: it takes {least} or more, up to {LONGEST}.")
    params = {name: value for name, value in given.items() if name not in OWN}
    states = {}
    for kind in kinds:
        # The state is looked at in what came back: a task that leaves it is not gone.
        option = "states" if kind == "dis" else "statuses"
        try:
            states[kind] = _call.Options(given, warn).words(option, getattr(_module_of(kind), option.upper()))
        except ConfigurationError as error:
            raise CannotWatch(str(error)) from None
    params |= {"states": None, "statuses": None}
    return Settings({name: given[name] for name in OWN} | {"kinds": kinds}, params, states)


def _module_of(kind: str) -> t.Any:
    return importlib.import_module(f"ansible_collections.hwcloud.streaming.plugins.modules.{MODULES[kind]}")


def _question(kind: str) -> _call.Question:
    question: _call.Question = _module_of(kind).QUESTION
    return question


def _validated(
    spec: dict[str, dict[str, t.Any]], given: t.Mapping[str, t.Any], args: t.Mapping[str, t.Any]
) -> dict[str, t.Any]:
    result = ArgumentSpecValidator(spec).validate(dict(given))
    if result.error_messages:
        cleaner = Cleaner()
        secret = [
            (name, *option.get("aliases", ())) for name, option in _options.CONNECTION.items() if option.get("no_log")
        ]
        cleaner.add(*(str(args[name]) for names in secret for name in names if args.get(name)))
        told = [
            "Unsupported options: " * isinstance(error, UnsupportedError) + error.msg for error in result.errors.errors
        ]
        raise CannotWatch(cleaner.clean("; ".join(told)))
    params: dict[str, t.Any] = result.validated_parameters
    return params


async def watch(
    queue: Queue, wanted: Settings, ask: t.Callable[[str], t.Awaitable[_events.Facts]], clock: t.Any = Clock
) -> t.NoReturn:
    """Ask for each kind when its time has come, and put into the queue what there is to tell, until cancelled."""
    own = wanted.own
    watches = {kind: _events.Watch(kind, own["initial"], own["confirm"], wanted.states[kind]) for kind in own["kinds"]}
    due = dict.fromkeys(watches, clock.monotonic())
    beat_due = dict(due)
    asked = set()
    while True:
        kind = min(due, key=due.__getitem__)
        await clock.sleep(max(0.0, due[kind] - clock.monotonic()))
        started = clock.monotonic()
        result = await ask(kind)
        if kind not in asked:
            _refuse(result)
            asked.add(kind)
        events = watches[kind].look(result, int(clock.epoch() * 1000))
        now = clock.monotonic()
        if own["heartbeat"] and now >= beat_due[kind]:
            events.append(_events.heartbeat(kind, result))
            beat_due[kind] = now + own["heartbeat"] - own["interval"] / 10  # polls come a little sooner or later
        for event in events:
            await queue.put({"hwcloud": event})
        failures = watches[kind].failures
        pause = own["interval"] * random.uniform(0.95, 1.05)
        if failures:
            pause = max(pause, min(own["max_backoff"], pause * 2.0 ** min(failures - 1, 30)))
            due[kind] = now + pause
        else:
            due[kind] = max(now, started + pause)


def _refuse(result: _events.Facts) -> None:
    """End the source where its first answer is a failure that time does not mend."""
    if not result.get("failed"):
        return
    for error in (result["error"], *result["errors"]):
        if error["kind"] in FATAL:
            msg = result["msg"]
            raise CannotWatch(msg if error == result["error"] else f"{msg} ({error['kind']}: {error['error_msg']})")


def in_thread(work: t.Callable[[], _events.Facts]) -> t.Awaitable[_events.Facts]:
    """Do blocking work in a thread that the end of the process does not wait for, as a pool's threads would have it."""
    done: concurrent.futures.Future[_events.Facts] = concurrent.futures.Future()

    def run() -> None:
        done.set_running_or_notify_cancel()
        try:
            done.set_result(work())
        except BaseException as error:  # noqa: BLE001  # it is raised where the result is awaited
            done.set_exception(error)

    threading.Thread(target=run, daemon=True, name=logger.name).start()
    return asyncio.wrap_future(done)


async def run(queue: Queue, args: t.Mapping[str, t.Any], clock: t.Any = Clock) -> None:
    """Be the event source."""
    wanted = settings(args)
    warned: set[str] = set()

    def warn(text: str) -> None:
        if text not in warned:  # each poll gives the same ones
            warned.add(text)
            logger.warning("%s", text)

    session = _call.Session(
        wanted.params, _call.Caller(warn, lambda text: logger.debug("%s", text), lambda *_secrets: None)
    )
    try:
        await watch(queue, wanted, lambda kind: in_thread(lambda: session.ask(_question(kind))), clock)
    finally:
        session.close()
