# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tasks of EXAMPLES: what they show, and what a run of them prints. Names and options are ansible-lint's to check."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Sequence

import yaml

from .documentation import Collection, Plugin

SHOWN = {"assert": "ansible.builtin.assert", "when": "\n  when:", "command": "ansible localhost -m"}


def findings(collection: Collection) -> Iterator[str]:
    """Look for what every module's examples have to show."""
    for name, plugin in collection.modules.items():
        yield from (f"{name}: no example with {what}" for what, text in SHOWN.items() if text not in plugin.examples)


def playbook(plugins: Sequence[Plugin], *keywords: str) -> str:
    """Return the examples as a playbook, with a play for each plugin."""
    head = "".join(f"  {keyword}\n" for keyword in ("hosts: localhost", "gather_facts: false", *keywords, "tasks:"))
    return "".join(f"- name: {plugin.name}\n{head}{textwrap.indent(plugin.examples, '    ')}" for plugin in plugins)


def outcomes(output: str) -> dict[tuple[str, str], str]:
    """Return for each (play, task) of a run what is printed about it."""
    plays = re.split(r"^PLAY \[(.*)\] \*+\n", output.partition("\nPLAY RECAP")[0], flags=re.MULTILINE)
    return {
        (play, task): text
        for play, told in zip(plays[1::2], plays[2::2], strict=True)
        for task, text in re.findall(r"^TASK \[(.*)\] \*+\n((?:(?!TASK ).*\n?)*)", told, re.MULTILINE)
    }


def run_findings(plugins: Sequence[Plugin], *outputs: str) -> Iterator[str]:
    """Look into runs in several worlds for examples that failed, other than by what they assert, or that never ran."""
    ran = set()
    for output in outputs:
        for where, text in outcomes(output).items():
            if re.search(r"^(ok|changed): ", text, re.MULTILINE):
                ran.add(where)
            elif re.search(r"^(fatal|failed): ", text, re.MULTILINE) and '"assertion":' not in text:
                yield f"{where}: {text}"
    shown = {(plugin.name, task["name"]) for plugin in plugins for task in yaml.safe_load(plugin.examples)}
    yield from (f"{where}: never ran" for where in sorted(shown - ran))


def commands(plugin: Plugin) -> list[str]:
    """Return the ad-hoc commands that the comments of the examples show."""
    return re.findall(r"^#\s+(ansible localhost .*)$", plugin.examples, re.MULTILINE)
