# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A worker that calls one of our modules as a function: the time from main() to exit_json, imports already done."""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
from typing import Any, NoReturn

from worker import serve

sys.path.insert(0, os.environ["ANSIBLE_COLLECTIONS_PATH"])

from ansible.module_utils import basic


class _Ended(Exception):
    """The module has its result."""


def _ended(_module: object, **result: Any) -> NoReturn:
    raise _Ended(result)


def work(wanted: dict[str, Any]) -> dict[str, Any]:
    module = importlib.import_module(f"ansible_collections.hwcloud.streaming.plugins.modules.{wanted['module']}")
    basic._ANSIBLE_ARGS = json.dumps({"ANSIBLE_MODULE_ARGS": wanted["options"]}).encode()
    basic._ANSIBLE_PROFILE = "legacy"
    result: dict[str, Any] = {"error": "the module did not end"}
    start, cpu = time.perf_counter(), time.process_time()
    try:
        module.main()
    except _Ended as ended:
        result = ended.args[0]
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    if "error" in result:
        raise RuntimeError(result["error"])
    return {"seconds": seconds, "cpu": cpu, **result["request_stats"]}


if __name__ == "__main__":
    for name in ("exit_json", "fail_json"):
        setattr(basic.AnsibleModule, name, _ended)
    serve(work)
