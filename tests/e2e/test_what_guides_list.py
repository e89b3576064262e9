# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""README and guides name the plugins, variables, kinds and options that there are: all of them, and no others."""

from __future__ import annotations

import re

import pytest

from . import pages
from .conftest import ROOT
from .documentation import NAME, Collection
from .test_guides import PAGES, RST

# What else begins with the collection's name: its playbooks, its event source, its action group, the labels of the guides.
OTHER_NAMES = {"preflight", "report", "show", "dumps", "all", "docsite"}


def read(guide: str) -> str:
    return (RST / f"guide_{guide}.rst").read_text(encoding="utf-8")


def rows(guide: str, heading: str) -> list[list[list[str]]]:
    """Return the rows of the table whose last column has this heading: for each cell the names that stand in it."""
    (body,) = re.findall(rf"^     - {heading}\n((?: .*\n)+)", read(guide), re.MULTILINE)[-1:]
    cells = [row.split("\n     - ") for row in re.split(r"^   \* - ", body, flags=re.MULTILINE)[1:]]
    return [[re.findall(r"``(\w+)``", cell) for cell in row] for row in cells]


@pytest.fixture(scope="module")
def text() -> str:
    return "".join(page.read_text(encoding="utf-8") for page in PAGES)


def test_plugins(collection: Collection, text: str) -> None:
    named = {*re.findall(rf"\b{re.escape(NAME)}\.(\w+)", text)}
    assert named == {name for _kind, name in collection.plugins} | OTHER_NAMES
    linked = {(kind, name) for name, kind in re.findall(rf":ansplugin:`{re.escape(NAME)}\.(\w+)#(\w+)`", text)}
    assert linked
    assert linked <= collection.plugins.keys()
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| (module|test|filter) `(\w+)` \|", readme, re.MULTILINE)
    assert sorted(listed) == sorted(collection.plugins)


def test_environment_variables(collection: Collection, text: str) -> None:
    assert {*re.findall(r"\b(?:(?:HUAWEICLOUD|HW|OS)_[A-Z_]*[A-Z]|\w+_CA_BUNDLE|SSL_CERT_FILE)\b", text)} == (
        collection.every_variable
    )
    listed = [(option, variables) for (option,), variables in rows("authentication", "variables")]
    assert listed == list(collection.variables.items())


def test_kinds_of_errors(collection: Collection) -> None:
    assert re.findall(r"^([a-z_]+)\n-+$", read("troubleshooting"), re.MULTILINE) == collection.takes["kinds"]


def test_judging_options(collection: Collection) -> None:
    *listed, _any_of_them = (names for names, _takes in rows("assert", "takes"))
    assert [name for names in listed for name in names] == list(collection.takes["judging"])


def test_variables_of_the_preflight() -> None:
    spec = pages.load(ROOT / "roles" / "preflight" / "meta" / "argument_specs.yml")["argument_specs"]["main"]
    listed = [name for names, _meaning in rows("preflight", "meaning") for name in names]
    assert sorted(listed) == sorted(spec["options"])
