# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Scripted HTTP conversations through a module's real main(): what must be asked, and what is answered.

A script is a list of groups, each a list of Exchanges; the groups show a reader what follows from what. The order is
free, because the modules ask concurrently, but exchanges that are alike are used from the first to the last. A request
that matches nothing, an exchange that is left over, or a request without its credentials fails the test.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import io
import json
import os
import pathlib
import re
import sys
import tempfile
import threading
import typing as t
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from unittest import mock
from urllib.parse import parse_qsl, urlsplit

import yaml
from ansible.module_utils import basic
from ansible.module_utils.common import warnings as ansible_warnings
from ansible_collections.hwcloud.streaming.plugins.module_utils._wire import pace as _pace

HOME = tempfile.TemporaryDirectory()  # an empty one, which whatever Ansible writes there stays in
PROJECT = "0123456789abcdef0123456789abcdef"
TOKEN = "ExampleToken-0123456789"
CASES = pathlib.Path(__file__).resolve().parents[2] / "fixtures" / "cases"
MODULES = "ansible_collections.hwcloud.streaming.plugins.modules"
FAILURE_FIELDS = set(
    "kind service method path http_status error_code error_msg request_id attempts elapsed endpoint".split()
)  # of `error` in the result
NO_STATS = {"requests": 0, "retries": 0, "throttled": 0, "connections": 0, "elapsed": 0.0}
# Maps whose keys are values of the service or the user's own words.
FREE_MAPS = {"by_state", "by_destination_type", "by_status", "by_sink_type", "carbon_properties"}


class Exchange(t.NamedTuple):
    """One request as it must be sent, and its answer."""

    method: str
    path: str
    query: dict[str, str]
    sent: t.Any  # the JSON body, None for none
    answer: t.Any  # str and bytes go out as they are, the rest as JSON
    status: int = 200
    headers: t.Mapping[str, str] = {}

    def content(self) -> bytes:
        """The answer's bytes."""
        if isinstance(self.answer, bytes):
            return self.answer
        return (self.answer if isinstance(self.answer, str) else json.dumps(self.answer)).encode()


Script = t.Sequence[t.Sequence[Exchange]]


def get(
    path: str, answer: t.Any, status: int = 200, headers: t.Mapping[str, str] | None = None, **query: t.Any
) -> Exchange:
    """A GET below the project; in the names of query parameters "_" stands for "-" if they begin with "topic"."""
    named = {name.replace("_", "-") if name.startswith("topic") else name: str(value) for name, value in query.items()}
    return Exchange("GET", f"/v2/{PROJECT}/{path}", named, None, answer, status, headers or {})


def log_page(
    task_id: str,
    answer: t.Any,
    page: int = 1,
    size: int = 100,
    status: int = 200,
    order: str = "desc",
    sort_by: str = "createTimeStr",
) -> Exchange:
    """A POST that asks for a page of a task's log."""
    sent = {"order": order, "sortBy": sort_by, "pageInfo": {"pageIndex": page, "pageTotal": size}}
    return Exchange("POST", f"/v1/transfertasklog/{task_id}", {}, sent, answer, status)


def case(name: str) -> dict[str, t.Any]:
    """A response case as its file has it."""
    loaded: dict[str, t.Any] = json.loads((CASES / f"{name}.json").read_text(encoding="utf-8"))
    return loaded


def body(name: str) -> t.Any:
    """The body of a response case."""
    return case(name)["body"]


class Conversation:
    """What is left of a script, and what went wrong."""

    def __init__(self, script: Script, scoped: bool) -> None:
        self.scoped = scoped
        self.left = [exchange for group in script for exchange in group]
        self.wrong: list[str] = []
        self.asked: list[tuple[str, str]] = []
        self._lock = threading.Lock()

    def reply(self, method: str, target: str, headers: t.Any, sent: bytes) -> Exchange:
        """The exchange that a request belongs to."""
        url = urlsplit(target)
        query = dict(parse_qsl(url.query, keep_blank_values=True))
        asked = (method, url.path, query, json.loads(sent) if sent else None)
        with self._lock:
            self.asked.append((method, target))
            expected = {"X-Auth-Token": TOKEN, "X-Project-Id": PROJECT if self.scoped else None}
            if {name: headers.get(name) for name in expected} != expected:
                self.wrong.append(f"{asked} without its credentials")
            for place, exchange in enumerate(self.left):
                if exchange[:4] == asked:
                    return self.left.pop(place)
            self.wrong.append(f"unexpected: {asked}")
        return Exchange(method, target, {}, None, "the test did not expect this", 418)

    def finish(self) -> None:
        """Fail unless everything went as scripted."""
        assert not self.wrong, self.wrong
        assert not self.left, f"never asked: {[exchange[:4] for exchange in self.left]}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    conversation: Conversation

    def log_message(self, format: str, *args: t.Any) -> None:  # noqa: A002  # named so by the base class
        """Say nothing."""

    def _answer(self) -> None:
        sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        exchange = type(self).conversation.reply(self.command, self.path, self.headers, sent)
        content = exchange.content()
        self.send_response(exchange.status)
        for name, value in {"Content-Length": str(len(content)), **exchange.headers}.items():
            self.send_header(name, value)
        self._headers_buffer.append(b"\r\n" + content)  # type: ignore[attr-defined]  # one packet for all
        self.flush_headers()

    do_GET = do_POST = _answer  # noqa: N815  # named so by the base class


@functools.cache
def _server() -> ThreadingHTTPServer:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def talk(module: str, script: Script, **options: t.Any) -> dict[str, t.Any]:
    """Run a module's main() through a scripted conversation and return its result, whose shape is checked.

    Without a project_id the conversation has to end before the project is known.
    """
    conversation = Conversation(script, options.get("project_id", PROJECT) is not None)
    _Handler.conversation = conversation
    address = f"http://127.0.0.1:{_server().server_address[1]}"
    connection = {
        "auth_token": TOKEN,
        "project_id": PROJECT,
        "region": "example-1",
        "dis_endpoint": address,
        "dms_endpoint": address,
        "iam_endpoint": address,
        "retries": 0,
        "total_timeout": 20,
    }
    result = run_main(module, {**connection, **options})
    conversation.finish()
    assert result["request_stats"]["requests"] == len(conversation.asked)
    check_shape(module, result)
    return result


def run_main(module: str, options: dict[str, t.Any]) -> dict[str, t.Any]:
    """Run a module's main() as Ansible does and return what it prints, with `failed` also when it did not fail."""
    arguments = json.dumps({"ANSIBLE_MODULE_ARGS": options}).encode()
    main = importlib.import_module(f"{MODULES}.{module}").main
    for kept in ("_global_warnings", "_global_deprecations"):
        getattr(ansible_warnings, kept).clear()  # kept by the process, which is a new one for each task otherwise
    output = io.StringIO()
    with contextlib.ExitStack() as stack:
        stack.enter_context(mock.patch.dict(os.environ, {"HOME": HOME.name, "PATH": os.defpath}, clear=True))
        stack.enter_context(mock.patch.object(basic, "_ANSIBLE_ARGS", arguments))
        if hasattr(basic, "_ANSIBLE_PROFILE"):  # since ansible-core 2.19
            stack.enter_context(mock.patch.object(basic, "_ANSIBLE_PROFILE", "legacy"))
        internal = sys.modules.get("ansible.module_utils._internal")
        if hasattr(internal, "is_controller"):  # a test of a filter in the same process has set it
            stack.enter_context(mock.patch.object(internal, "is_controller", False))
        stack.enter_context(contextlib.redirect_stdout(output))
        try:
            main()
        except SystemExit:
            pass
    result: dict[str, t.Any] = json.loads(output.getvalue())
    result.setdefault("failed", False)
    return result


# -- the documented shape


def check_facts(module: str, facts: dict[str, t.Any]) -> None:
    """Fail unless what a flow returned has the shape that its module documents."""
    common = {"changed": False, "failed": False, "region": None, "project_id": None, "request_stats": NO_STATS}
    common.update(msg="told", problems=[])
    check_shape(module, {**common, **facts})


@functools.cache
def documented(module: str) -> dict[str, t.Any]:
    """RETURN of a module."""
    loaded: dict[str, t.Any] = t.cast(t.Any, yaml).safe_load(importlib.import_module(f"{MODULES}.{module}").RETURN)
    return loaded


# ansible-test forks for each test: what is loaded here, none of them has to load.
importlib.import_module("requests")
for _module in (pathlib.Path(__file__).resolve().parents[4] / "plugins" / "modules").glob("*.py"):
    documented(_module.stem)


def check_shape(module: str, result: dict[str, t.Any]) -> None:
    """Fail unless a result has every documented key in its documented type, and clean names only."""
    returned = {name: spec for name, spec in documented(module).items() if spec["returned"] == "always"}
    assert result["changed"] is False
    assert result["msg"]
    _check_object(module, result, returned)
    assert not {name for name, spec in returned.items() if spec["type"] == "dict" and result[name] is None}
    if result["failed"]:
        assert result["error"] in result["errors"]
        assert all(set(error) == FAILURE_FIELDS for error in result["errors"])
        assert not [error for error in result["errors"] if "internal error" in (error["error_msg"] or "")]
    else:
        assert "error" not in result


def _check_object(where: str, value: dict[str, t.Any], contains: dict[str, t.Any]) -> None:
    assert isinstance(value, dict), where
    for name, spec in contains.items():
        assert name in value, f"{where} lacks {name}"
        _check_value(f"{where}.{name}", value[name], spec)


def _check_value(where: str, value: t.Any, spec: dict[str, t.Any]) -> None:
    kind = spec["type"]
    if kind == "list":
        assert isinstance(value, list), f"{where} is no list"
        for item in value:
            if spec["elements"] == "dict":
                _check_object(where, item, spec.get("contains", {}))
            else:
                assert isinstance(item, str), where
    elif value is not None and kind != "raw":
        types: t.Any = {"str": str, "int": int, "bool": bool, "float": (int, float), "dict": dict}[kind]
        assert isinstance(value, types), f"{where} is {value!r}, not {kind}"
        assert kind == "bool" or not isinstance(value, bool), f"{where} is {value!r}, not {kind}"
        if "contains" in spec:
            _check_object(where, value, spec["contains"])
    if where.count(".") == 1:
        _check_names(where, value)


def _check_names(where: str, value: t.Any) -> None:
    if isinstance(value, list):
        for item in value:
            _check_names(where, item)
    elif isinstance(value, dict):
        for name, item in value.items():
            free = where.rpartition(".")[2] in FREE_MAPS or where.endswith("_properties")
            assert free or re.match(r"[a-z_][a-z0-9_]*\Z", name), f"{where} has the key {name!r}"
            _check_names(f"{where}.{name}", item)


@contextlib.contextmanager
def no_time_to_wait() -> t.Iterator[None]:
    """Let a refusal by throttling be the last word, as where the next attempt would come after `total_timeout`."""
    with mock.patch.object(_pace.Pace, "throttled", return_value=1e6):
        yield
