# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tasks of EXAMPLES: their options are checked as Ansible would check them, and what a run of them shows is read."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterator, Sequence
from typing import Any

import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from .documentation import NAME, Collection, Plugin

HOLDERS = ("tasks", "pre_tasks", "post_tasks", "handlers", "block", "rescue", "always")
GROUP = f"group/{NAME}.all"


def findings(collection: Collection) -> Iterator[str]:
    """Look for options in examples that the modules do not take, and for what every module's examples show."""
    for plugin in collection.plugins.values():
        entries = yaml.safe_load(plugin.examples)
        yield from (f"{plugin.name}: {complaint}" for complaint in complaints(collection, entries))
        names = [task.get("name") for task in tasks(entries)]
        if None in names or len(set(names)) < len(names):
            yield f"{plugin.name}: an example without a name of its own"
        if plugin.kind == "module":
            shown = {"assert": "ansible.builtin.assert", "when": "\n  when:", "command": "ansible localhost -m"}
            yield from (
                f"{plugin.name}: no example with {what}" for what, text in shown.items() if text not in plugin.examples
            )


def tasks(entries: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield the tasks of plays, of blocks, and those that stand alone."""
    for entry in entries:
        held = [name for name in HOLDERS if name in entry]
        for name in held:
            yield from tasks(entry[name] or [])
        if not held:
            yield entry


def complaints(collection: Collection, entries: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Yield what Ansible's own check of the options would refuse: names, types, choices; templates are left out."""
    modules = collection.takes["modules"]
    for task in tasks(entries):
        for key, arguments in task.items():
            name = str(key).removeprefix(f"{NAME}.")
            if name != str(key):
                yield from (
                    _refusals(modules[name], name, arguments) if name in modules else [f"there is no module {name}"]
                )
    for entry in entries:
        defaults = entry.get("module_defaults", {}).get(GROUP)
        for name, options in modules.items() if defaults else ():
            yield from _refusals(options, name, defaults)


def _refusals(options: dict[str, Any], name: str, arguments: dict[str, Any] | None) -> Iterator[str]:
    # What only the module can fill in is no matter here.
    spec = {
        option: {key: value for key, value in told.items() if key != "fallback"} for option, told in options.items()
    }
    given = {
        option: spec.get(option, {}).get("default") if "{{" in json.dumps(value) else value
        for option, value in (arguments or {}).items()
    }
    for message in ArgumentSpecValidator(spec).validate(given).error_messages:
        yield f"{name}: {message}"


def playbook(plugin: Plugin, *keywords: str) -> str:
    """Return the examples as a playbook."""
    head = "".join(f"  {keyword}\n" for keyword in keywords)
    return f"- hosts: localhost\n  gather_facts: false\n{head}  tasks:\n{textwrap.indent(plugin.examples, '    ')}"


def outcomes(output: str) -> dict[str, str]:
    """Return for each task of a run what is printed about it."""
    parts = re.split(r"^TASK \[(.*)\] \*+\n", output.partition("\nPLAY RECAP")[0], flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def run_findings(plugin: Plugin, *outputs: str) -> Iterator[str]:
    """Look into runs in several worlds for examples that failed, other than by what they assert, or that never ran."""
    ran = set()
    for output in outputs:
        told = outcomes(output)
        for name, text in told.items():
            if re.search(r"^(ok|changed): ", text, re.MULTILINE):
                ran.add(name)
            elif re.search(r"^(fatal|failed): ", text, re.MULTILINE) and '"assertion":' not in text:
                yield f"{plugin.name}: {name}: {text}"
    for task in tasks(yaml.safe_load(plugin.examples)):
        if task["name"] not in ran:
            yield f"{plugin.name}: {task['name']}: never ran"


def commands(plugin: Plugin) -> list[str]:
    """Return the ad-hoc commands that the comments of the examples show."""
    return re.findall(r"^#\s+(ansible localhost .*)$", plugin.examples, re.MULTILINE)
