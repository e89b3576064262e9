# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The house: which room may know which, by their imports, and how large a room may be."""

from __future__ import annotations

import ast
import pathlib
import typing as t

import pytest

PLUGINS = pathlib.Path(__file__).resolve().parents[4] / "plugins"
UTILS = PLUGINS / "module_utils"
PREFIX = "ansible_collections.hwcloud.streaming.plugins."
# A room, and all that it may know besides itself. What is not named may know everything that is below `_module`.
KNOWS: dict[str, set[str]] = {
    "_wire": set(),
    "_options": {"_wire"},
    "_identity": {"_wire", "_options"},
    "_shape": {"_wire", "_identity.secrets"},
    "_paging": {"_wire"},
    "_filters": set(),
    "_states": set(),
    "_limits": {"_states"},
    "_judge": {"_states", "_limits"},
    "_standing": {"_judge", "_wire"},
    "_dis": {"_wire", "_shape", "_paging", "_filters", "_states"},
    "_dms": {"_wire", "_shape", "_paging", "_filters", "_states"},
}
LONGEST_FILE, LONGEST_FUNCTION, LONGEST_CLASS = 400, 60, 250  # lines
FILES = sorted(path for path in UTILS.rglob("*.py") if path.name != "__init__.py")


def imports(path: pathlib.Path) -> t.Iterator[str]:
    """Yield what a file imports, wherever in it: the collection's own by the name below module_utils."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = (node.module or "").replace(f"{PREFIX}module_utils", "")
            yield from (f"{module}.{alias.name}".lstrip(".") for alias in node.names)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(UTILS)))
def test_a_room_knows_only_what_is_below_it(path: pathlib.Path) -> None:
    room = path.relative_to(UTILS).parts[0].replace(".py", "")
    known = list(imports(path))
    assert not [name for name in known if name.startswith(PREFIX)], "nothing of the other plugins"
    if room != "_module":
        assert not [name for name in known if name.partition(".")[0] in ("ansible", "_module")]
    for name in known:
        if name.startswith("_") and not name.startswith("__") and room in KNOWS and name.partition(".")[0] != room:
            assert any(name == one or name.startswith(f"{one}.") for one in KNOWS[room]), f"{room} must not know {name}"


@pytest.mark.parametrize("path", [*FILES, *sorted((PLUGINS / "plugin_utils").glob("*.py"))], ids=lambda path: path.stem)
def test_no_room_is_too_large(path: pathlib.Path) -> None:
    text = path.read_text(encoding="utf-8")
    large = {path.name: text.count("\n")} if text.count("\n") > LONGEST_FILE else {}
    for node in ast.walk(ast.parse(text)):
        longest = {ast.FunctionDef: LONGEST_FUNCTION, ast.ClassDef: LONGEST_CLASS}.get(type(node))
        if longest and isinstance(node, (ast.FunctionDef, ast.ClassDef)) and node.end_lineno:
            lines = node.end_lineno - node.lineno + 1
            large.update({node.name: lines} if lines > longest else {})
    assert large == {}
