# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write the EXAMPLES of every plugin of a collection as playbooks: `write_examples.py COLLECTION FOLDER`.

ansible-lint reads examples as YAML only; as playbooks it reads them as tasks, with the options that they give.
"""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import yaml


def ansible_doc(*arguments: str) -> dict[str, Any]:
    command = [str(Path(sys.executable).parent / "ansible-doc"), "--json", *arguments]
    answer = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert isinstance(answer, dict)
    return answer


def main(collection: str, folder: Path) -> None:
    folder.mkdir(parents=True)
    for kind in ("module", "filter", "test"):
        for name in ansible_doc("-t", kind, "-l", collection):
            examples = ansible_doc("-t", kind, name)[name]["examples"].strip().removeprefix("---")
            (folder / f"{kind}-{name}.yml").write_text(f"---\n{_play(name, examples)}\n")


def _play(name: str, examples: str) -> str:
    """The examples as they stand when they are plays, else as the tasks of one."""
    if "hosts" in yaml.safe_load(examples)[0]:
        return examples
    head = f"- name: Examples of {name}\n  hosts: localhost\n  gather_facts: false\n  tasks:\n"
    return head + textwrap.indent(examples.strip("\n"), "    ")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
