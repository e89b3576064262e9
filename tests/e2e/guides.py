# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What README and guides say in tables, lists and prose about options, variables and kinds, held against the collection."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from . import examples, pages
from .documentation import NAME, Collection

# What else begins with the collection's name: its playbooks, its event source, its action group, the labels of the guides.
OTHER_NAMES = {"preflight", "report", "show", "dumps", "all", "docsite"}
KIND = r"``(\w+)``"


def findings(folder: Path, collection: Collection) -> Iterator[str]:
    """Look into README and guides below a folder of the form of this repository."""
    paths = [folder / "README.md", *sorted((folder / "docs" / "docsite" / "rst").glob("*.rst"))]
    texts = {path.stem: path.read_text(encoding="utf-8") for path in paths}
    role = folder / "roles" / "preflight" / "meta" / "argument_specs.yml"
    variables = yaml.safe_load(role.read_text(encoding="utf-8"))["argument_specs"]["main"]["options"]
    for check in (name_findings, default_findings, kind_findings, table_findings):
        yield from check(texts, collection)
    yield from preflight_findings(texts["guide_preflight"], variables)
    for path in [*paths, folder / "tests" / "emulator" / "README.md"]:
        for block in pages.blocks(path):
            if block.kind in ("playbook", "tasks", "data"):
                data = yaml.safe_load(block.text)
                told = examples.complaints(collection, data if isinstance(data, list) else [data])
                yield from (f"{path.stem}: line {block.line}: {complaint}" for complaint in told)


def name_findings(texts: Mapping[str, str], collection: Collection) -> Iterator[str]:
    """Look for plugins and environment variables that there are not."""
    plugins = {name for _kind, name in collection.plugins} | OTHER_NAMES
    variables = collection.every_variable
    for page, text in texts.items():
        for name in re.findall(rf"\b{re.escape(NAME)}\.(\w+)", text):
            if name not in plugins:
                yield f"{page}: there is no {NAME}.{name}"
        for name, kind in re.findall(rf":ansplugin:`{re.escape(NAME)}\.(\w+)#(\w+)`", text):
            if (kind, name) not in collection.plugins:
                yield f"{page}: there is no {kind} {name}"
        for name in re.findall(r"\b(?:HUAWEICLOUD|HW|OS)_[A-Z_]*[A-Z]\b", text):
            if name not in variables:
                yield f"{page}: no module reads {name}"
    listed = re.findall(r"^\| (module|test|filter) `(\w+)` \|", texts["README"], re.MULTILINE)
    if sorted(listed) != sorted(collection.plugins):
        yield f"README: lists {sorted(listed)}"


def default_findings(texts: Mapping[str, str], collection: Collection) -> Iterator[str]:
    """Compare defaults, as in "``retries`` (4)", with those of the options."""
    options: dict[str, Any] = {}
    for taken in collection.takes["modules"].values():
        options |= taken
    for page, text in texts.items():
        for name, told in re.findall(r"``(\w+)`` \((\d+)(?: seconds)?\)", text):
            real = options.get(name, {}).get("default")
            if str(real) != told:
                yield f"{page}: {name} ({told}): the default is {real}"


def kind_findings(texts: Mapping[str, str], collection: Collection) -> Iterator[str]:
    """Compare the places that go through all kinds of errors with the kinds that there are."""
    failing = texts["guide_troubleshooting"]
    one_of = re.findall(r"``error\.kind`` is one of (.*)\.$", texts["guide_branching"], re.MULTILINE)
    told = {
        "guide_troubleshooting": re.findall(r"^([a-z_]+)\n-+$", failing, re.MULTILINE),
        "guide_branching": re.findall(KIND, one_of[0] if one_of else ""),
    }
    for page, kinds in told.items():
        if kinds != collection.takes["kinds"]:
            yield f"{page}: goes through {kinds}, there are {collection.takes['kinds']}"
    faults = csv.reader(line.strip() for line in failing.partition("The message holds\n")[2].splitlines())
    for row in faults:
        if row[2] not in collection.takes["kinds"]:
            yield f"guide_troubleshooting: there is no kind {row[2]}"


def table_findings(texts: Mapping[str, str], collection: Collection) -> Iterator[str]:
    """Compare the tables of environment variables and of the judging options with what is read and taken."""
    told = {
        option.strip("`"): re.findall(r"``(\w+)``", variables)
        for option, variables in rows(texts["guide_authentication"], "variables")
    }
    for option in told.keys() | collection.variables.keys():
        real = collection.variables.get(option, [])
        if told.get(option, []) != real:
            yield f"guide_authentication: {option}: lists {told.get(option)}, is read from {real}"
    if list(told) != [option for option in collection.variables if option in told]:
        yield "guide_authentication: the options are in another order than in the option table"
    named = [row[0] for row in rows(texts["guide_assert"], "takes") if row[0].startswith("``")]
    judging = re.findall(r"``(\w+)``", " ".join(named))
    if judging != list(collection.takes["judging"]):
        yield f"guide_assert: lists the options {judging}"


def preflight_findings(text: str, variables: Mapping[str, Any]) -> Iterator[str]:
    """Compare the variables of the guide with the argument spec of the role."""
    listed = [name for names, _meaning in rows(text, "meaning") for name in re.findall(r"``(\w+)``", names)]
    yield from (f"guide_preflight: there is no {name}" for name in listed if name not in variables)
    yield from (f"guide_preflight: {name} is not in the table" for name in sorted(set(variables) - set(listed)))
    yield from (f"guide_preflight: {name} is there twice" for name in sorted(set(listed)) if listed.count(name) > 1)


def rows(text: str, heading: str) -> list[list[str]]:
    """Return the rows of the list-tables whose last column has this heading, each a list of its cells."""
    found = []
    for table in re.findall(r"^\.\. list-table::.*\n(?:(?:   .*)?\n)+", text, re.MULTILINE):
        joined = re.sub(r"\n {7}(?=\S)", " ", table)
        cells = [
            re.findall(r"^   [* ] -(?: (.*))?$", row, re.MULTILINE)
            for row in re.split(r"^(?=   \* )", joined, flags=re.MULTILINE)
        ]
        if len(cells) > 1 and cells[1][-1] == heading:
            found += cells[2:]
    return found
