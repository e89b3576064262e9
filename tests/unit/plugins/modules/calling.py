# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Running a module's real main() against an emulator: with which options and environment, and all that it lets out."""

from __future__ import annotations

import contextlib
import copy
import functools
import importlib
import io
import json
import os
import pathlib
import sys
import tempfile
import time
import typing as t
from unittest import mock

import yaml
from ansible.module_utils import basic
from ansible.module_utils.common import warnings as ansible_warnings
from ansible_collections.hwcloud.streaming.plugins.module_utils._wire import pace as _pace

MODULES = "ansible_collections.hwcloud.streaming.plugins.modules"
TESTS = pathlib.Path(__file__).resolve().parents[3]
TLS = TESTS / "unit" / "fixtures" / "tls"
HOME = tempfile.TemporaryDirectory()  # an empty one, which whatever Ansible writes there stays in
PROJECT = "0123456789abcdef0123456789abcdef"
REGION = "eu-west-101"
TOKEN = "ExampleToken"
KEYS: dict[str, t.Any] = {
    "access_key": "AKEXAMPLE0000000000X",
    "secret_key": "SKExample0000000000000000000000000000000",
}
TEMPORARY_KEYS: dict[str, t.Any] = {
    "access_key": "AKEXAMPLE0TEMPORARYX",
    "secret_key": "SKExampleTemporary0000000000000000000000",
    "security_token": "STExample==",
}
METADATA_KEYS: dict[str, t.Any] = {
    "access_key": "AKEXAMPLE00METADATAX",
    "secret_key": "SKExampleMetadata00000000000000000000000",
    "security_token": "STExampleMetadata==",
}
USER: dict[str, t.Any] = {
    "username": "example-user",
    "password": "Example-Password-1",
    "domain_name": "example-account",
}
CONNECTOR = "2e148bed-0000-4617-8ade-b52e84a33eeb"
LOG_TASK = "lJ4Ts5ObPd2UOpcRj3K"

# A module and options with which it asks the small world for one thing, in as few requests as can be.
ONE_THING: dict[str, dict[str, t.Any]] = {
    "dis_transfer_task_info": {"stream_names": ["orders"], "details": False},
    "dis_transfer_task_log_info": {"task_ids": [LOG_TASK]},
    "dms_sink_task_info": {"connector_ids": [CONNECTOR], "topic_info": False},
    "dms_smart_connect_task_info": {"instance_ids": ["8a205bbd-7181-4b5e-9bd6-37274ce84577"]},
}


class Called(t.NamedTuple):
    """What a run of a module came to."""

    result: dict[str, t.Any]
    stdout: str
    stderr: str
    syslog: list[str]
    seconds: float

    @property
    def error(self) -> dict[str, t.Any]:
        """The failure; the test fails when there was none."""
        assert self.result.get("failed"), f"no failure: {self.result}"
        error: dict[str, t.Any] = self.result["error"]
        return error


@functools.cache
def _small() -> dict[str, t.Any]:
    text = (TESTS / "emulator" / "worlds" / "small.yml").read_text(encoding="utf-8")
    world: dict[str, t.Any] = yaml.safe_load(text)
    return world


# ansible-test forks for each test: what is loaded here, none of them has to load.
for _loaded in (
    "requests",
    *(f"{MODULES}.{path.stem}" for path in (TESTS.parent / "plugins" / "modules").glob("*.py")),
):
    importlib.import_module(_loaded)
_small()


def small_world() -> dict[str, t.Any]:
    """The emulator's small world, to be changed by the test."""
    return copy.deepcopy(_small())


def at(url: str) -> dict[str, str]:
    """The options that point all services at one address."""
    return dict.fromkeys(("dis_endpoint", "dms_endpoint", "iam_endpoint", "sts_endpoint", "metadata_endpoint"), url)


def call(
    module: str, options: dict[str, t.Any], environment: t.Mapping[str, str] | None = None, quick: bool = True
) -> Called:
    """Run a module as Ansible does, with this environment and no other. `quick` cuts the backoff to almost nothing."""
    hidden = {"_ansible_verbosity": 4, "_ansible_no_log": False, "_ansible_debug": True}
    arguments = json.dumps({"ANSIBLE_MODULE_ARGS": {**hidden, **options}}).encode()
    main = importlib.import_module(f"{MODULES}.{module}").main
    for kept in ("_global_warnings", "_global_deprecations"):
        getattr(ansible_warnings, kept).clear()  # kept by the process, which is a new one for each task otherwise
    stdout, stderr = io.StringIO(), io.StringIO()
    syslog: list[str] = []
    with contextlib.ExitStack() as stack:
        surroundings = {"HOME": HOME.name, "PATH": os.defpath, **(environment or {})}
        stack.enter_context(mock.patch.dict(os.environ, surroundings, clear=True))
        stack.enter_context(mock.patch.object(basic, "_ANSIBLE_ARGS", arguments))
        stack.enter_context(mock.patch.object(basic, "has_journal", False))
        stack.enter_context(mock.patch("syslog.syslog", lambda *told: syslog.append(str(told[-1]))))
        if hasattr(basic, "_ANSIBLE_PROFILE"):  # since ansible-core 2.19
            stack.enter_context(mock.patch.object(basic, "_ANSIBLE_PROFILE", "legacy"))
        internal = sys.modules.get("ansible.module_utils._internal")
        if hasattr(internal, "is_controller"):  # a test of a filter in the same process has set it
            stack.enter_context(mock.patch.object(internal, "is_controller", False))
        if quick:
            stack.enter_context(mock.patch.object(_pace, "BACKOFF_FIRST", 0.01))
        stack.enter_context(contextlib.redirect_stdout(stdout))
        stack.enter_context(contextlib.redirect_stderr(stderr))
        began = time.monotonic()
        try:
            main()
        except SystemExit:
            pass
        seconds = time.monotonic() - began
    result = json.loads(stdout.getvalue())
    # From ansible-core 2.22 on a module names its secrets to the control node, which masks them there.
    handed_over = result.pop("_ansible_new_secrets", None)
    printed = stdout.getvalue().replace(json.dumps(handed_over), "") if handed_over else stdout.getvalue()
    return Called(result, printed, stderr.getvalue(), syslog, seconds)


def ask(module: str, url: str, environment: t.Mapping[str, str] | None = None, **options: t.Any) -> Called:
    """Ask for one thing at an address, with a token unless the options say otherwise; retry once and quickly."""
    ways = set("auth_token access_key secret_key security_token username password auth_type".split())
    ways |= {"profile", "shared_config_file"}
    given: dict[str, t.Any] = {} if ways & set(options) or environment else {"auth_token": TOKEN}
    settings = {"region": REGION, "project_id": PROJECT, "retries": 1, "timeout": 5, "total_timeout": 20}
    return call(module, {**at(url), **settings, **ONE_THING[module], **given, **options}, environment)
