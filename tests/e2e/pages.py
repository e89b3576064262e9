# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The code blocks of README and guides, and what is done with each, which follows from its form.

| block | what is done with it |
|---|---|
| `yaml`, a list with `hosts` or `import_playbook` in it | run as a playbook |
| `yaml`, a list of tasks | run as the tasks of a play on localhost |
| any, with a caption | kept as a file of that name for the blocks after it, and not run by itself |
| `yaml`, a mapping | read; a captioned one serves commands and plays after it |
| `console` | the commands behind `$` are run, what they print is compared |
| `shell`, only `export` lines | holds for the rest of the page |
| `python` | run |
| `ini`, `text`, `shell` of other kinds, indented in Markdown | left alone, but for the commands that `make` is given |

A caption in Markdown is a line before the block that ends in "(`name`):". A comment before a block (`.. status: 2`, in
Markdown `<!-- status: 2 -->`) says which exit status is meant; 0 without one.
"""

from __future__ import annotations

import difflib
import re
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import yaml


class Block(NamedTuple):
    """A code block: where it begins, its language, its text, the file name that it has, the exit status expected."""

    line: int
    language: str
    text: str
    caption: str | None
    status: int

    @property
    def kind(self) -> str:
        """Return playbook, tasks, data, console, exports, python or prose."""
        if self.language.startswith("yaml"):
            data = yaml.safe_load(self.text)
            if not isinstance(data, list):
                return "data"
            plays = [
                entry for entry in data if {"hosts", "import_playbook", "ansible.builtin.import_playbook"} & set(entry)
            ]
            return "playbook" if plays else "tasks"
        if self.language in ("console", "python"):
            return self.language
        lines = self.text.replace("\\\n", " ").strip().splitlines()
        if self.language == "shell" and all(line.startswith(("export ", "unset ")) for line in lines):
            return "exports"
        return "prose"

    @property
    def playbook(self) -> str:
        """The text as a playbook."""
        if self.kind == "playbook":
            return self.text
        return "- hosts: localhost\n  gather_facts: false\n  tasks:\n" + textwrap.indent(self.text, "    ")

    @property
    def commands(self) -> list[tuple[str, str]]:
        """The commands of a console and what each prints."""
        parts = re.split(r"^\$ ((?:.*\\\n)*.*)\n?", self.text, flags=re.MULTILINE)
        assert not parts[0].strip(), f"line {self.line}: a console begins with a command"
        return list(zip(parts[1::2], parts[2::2], strict=True))


def blocks(path: Path) -> list[Block]:
    """Return the code blocks of a page."""
    text = path.read_text(encoding="utf-8")
    return list(_markdown(text) if path.suffix == ".md" else _restructured(text))


def _markdown(text: str) -> Iterator[Block]:
    pattern = r"(?:^.*\(`(?P<caption>[^`]+)`\):\n\n)?(?:^<!-- status: (?P<status>\d+) -->\n)?^```(?P<language>\w+)\n(?P<text>.*?)^```$"
    for match in re.finditer(pattern, text, re.MULTILINE | re.DOTALL):
        line = text.count("\n", 0, match.start("text"))
        yield Block(line, match["language"], match["text"], match["caption"], int(match["status"] or 0))
    outside = re.sub(r"^```.*?^```$", lambda match: "\n" * match[0].count("\n"), text, flags=re.MULTILINE | re.DOTALL)
    for match in re.finditer(r"(?<=\n\n)(?: {4,}\S.*\n)+", outside):
        line = text.count("\n", 0, match.start())
        yield Block(line, "indented", textwrap.dedent(match[0]), None, 0)


def marks(path: Path) -> int:
    """Return how many blocks of code a page has, in whatever form they are written."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".md":
        fences = re.findall(r"^ *(?:```|~~~)", text, re.MULTILINE)
        return len(fences) // 2 + sum(block.language == "indented" for block in blocks(path))
    directives = re.findall(r"^ *\.\. (?:code-block|code|sourcecode|highlight|parsed-literal)::", text, re.MULTILINE)
    literal = re.findall(r"^(?! *\.\. ).*::$", text, re.MULTILINE)
    return len(directives) + len(literal)


def made(path: Path) -> list[str]:
    """Return the commands with `make` that a page shows, in blocks and in prose."""
    shell = ("shell", "bash", "console", "indented")
    text = "".join(block.text for block in blocks(path) if block.language in shell)
    shown = re.findall(r"^(?:\$ )?(?:\w+=\S+ |\w+=\".*?\" )*make (.*?) *(?:#.*)?$", text, re.MULTILINE)
    return shown + re.findall(r"`make ([^`]+)`", path.read_text(encoding="utf-8"))


def _restructured(text: str) -> Iterator[Block]:
    pattern = (
        r"(?:^\.\. status: (?P<status>\d+)\n\n)?"
        r"^\.\. code-block:: (?P<language>[\w+-]+)\n(?:   :caption: (?P<caption>.+)\n)?\n"
        r"(?P<text>(?:(?:   .*)?\n)+)"
    )
    for match in re.finditer(pattern, text, re.MULTILINE):
        line = text.count("\n", 0, match.start("language")) + 1
        body = textwrap.dedent(match["text"]).strip("\n") + "\n"
        yield Block(line, match["language"], body, match["caption"], int(match["status"] or 0))


# What changes from run to run, and what stands for it in the comparison. All other figures are the same each time.
VARYING = (
    (r"/\S*/", "/"),
    (r"\b127\.0\.0\.1:\d+", "127.0.0.1:#"),
    (r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?", "TIME"),
    (r"\b1[789]\d{11}\b", "TIME"),
    (r"\b(\d+[dhms] ?)+ago\b", "# ago"),
    (r"(?<= )(\d+[dhms]){1,2}(?= )", "#"),
    (r'\b((elapsed|connections|requests|retries|throttled|\w+_age)"?: )[\d.]+', r"\1#"),
    (r"\*+", "*"),
)


def shape(text: str) -> list[str]:
    """Reduce an output to what does not change from run to run: no folders, ports, times, ages, costs, blanks."""
    for pattern, instead in VARYING:
        text = re.sub(pattern, instead, text)
    return [" ".join(line.split()) for line in text.strip().splitlines() if line.strip()]


def differs(shown: str, printed: str) -> str | None:
    """Return the first line of what a page shows that is not printed there; a line "..." stands for any lines."""
    actual = shape(printed)
    place, free = 0, False
    for line in shape(shown):
        if line == "...":
            free = True
            continue
        found = next((at for at in range(place, len(actual)) if actual[at] == line), None) if free else place
        if found is None or found >= len(actual) or actual[found] != line:
            return line
        place, free = found + 1, False
    if free or not shown.strip() or place == len(actual):
        return None
    return f"(the page lacks: {actual[place]})"


def renewed(shown: str, printed: str) -> str:
    """Return what a page shows as it has to be: lines that differ only in what varies, and "...", stay as they are."""
    old, new = ([line for line in text.splitlines() if line.strip()] for text in (shown, printed))
    matcher = difflib.SequenceMatcher(None, *([" ".join(shape(line)) for line in text] for text in (old, new)), False)
    lines: list[str] = []
    for kind, begin, end, first, last in matcher.get_opcodes():
        if kind == "equal":
            lines += old[begin:end]
        elif "..." in (gap := [line.strip() for line in old[begin:end]]):  # it stands for what is not shown around it
            before, after = gap.index("..."), gap[::-1].index("...")
            lines += [*new[first : min(first + before, last)], old[begin + before]]
            lines += new[max(first + before, last - after) : last]
        else:
            lines += new[first:last]
    return "".join(f"{line}\n" for line in lines)


def difference(shown: str, printed: str) -> str:
    """Return a unified diff from what a page shows to what it has to show."""
    old = [line for line in shown.splitlines() if line.strip()]
    return "\n".join(
        difflib.unified_diff(old, renewed(shown, printed).splitlines(), "shown", "printed", n=2, lineterm="")
    )


def write(page: Path, changes: Sequence[tuple[str, str, str]]) -> None:
    """Put (command, shown, printed) into a page anew."""
    text = page.read_text(encoding="utf-8")
    indent = "" if page.suffix == ".md" else "   "
    for command, shown, printed in changes:
        old, new = (textwrap.indent(f"$ {command}\n{part}", indent) for part in (shown, renewed(shown, printed)))
        assert old in text, f"{page.name}: {command} is not found in the page"
        text = text.replace(old, new, 1)
    page.write_text(text, encoding="utf-8")


def load(path: Path) -> Any:
    """Read a YAML file."""
    return yaml.safe_load(path.read_text(encoding="utf-8"))
