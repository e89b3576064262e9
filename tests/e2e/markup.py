# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the texts of the documentation refer to is there: O(), V(), RV(), E(), M(), P(), seealso, lists of values."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from .documentation import NAME, Collection, Plugin, paragraphs
from .returned import values_of

# Values that are known once and for all, by the return value whose text lists them; `kind` of an error is in the code.
SERVICES = ["dis", "dms", "iam", "sts", "metadata"]
CLOSED = {
    "error.service": SERVICES,
    "errors[].service": SERVICES,
    "transfer_tasks[].destination": ["obs", "mrs", "dli", "dws", "cloudtable"],
}
# Parts of the documentation whose texts are looked at elsewhere, or that are no texts.
OTHER = ("options", "extends_documentation_fragment", "author", "module", "name")


class Text(NamedTuple):
    """A text of a plugin, where it stands, and the option that it is about."""

    place: str
    option: dict[str, Any]
    text: str


def findings(collection: Collection) -> Iterator[str]:
    """Look for references that lead nowhere."""
    for plugin in collection.plugins.values():
        for text in texts(plugin):
            for mark, content in re.findall(r"\b(O|RV|V|E|M|P)\(((?:[^()\\]|\\.|\([^()]*\))+)\)", text.text):
                complaint = _mark(collection, plugin, text.option, mark, content)
                if complaint:
                    yield f"{plugin.name}: {text.place}: {mark}({content}): {complaint}"
        for entry in plugin.doc.get("seealso", []):
            name, kind = entry.get("module") or entry.get("plugin"), entry.get("plugin_type", "module")
            if name and not _plugin(collection, name, kind):
                yield f"{plugin.name}: seealso: there is no {kind} {name}"
        closed = {**CLOSED, "error.kind": collection.takes["kinds"], "errors[].kind": collection.takes["kinds"]}
        for path, value in values_of(plugin.returned):
            told = [name for name in _listed(value) if name != "null"]
            if path in closed and told != closed[path]:
                yield f"{plugin.name}: {path}: lists {told}, there are {closed[path]}"


def texts(plugin: Plugin) -> Iterator[Text]:
    """Yield all texts of a plugin."""
    yield from _inside({key: value for key, value in plugin.doc.items() if key not in OTHER}, "")
    for name, option in plugin.options.items():
        yield from (Text(name, option, text) for text in paragraphs(option))
    for path, value in values_of(plugin.returned):
        yield from (Text(path, {}, text) for text in [*paragraphs(value), value.get("returned", "")])


def _inside(value: Any, place: str) -> Iterator[Text]:
    if isinstance(value, dict):
        for key, entry in value.items():
            yield from _inside(entry, f"{place}.{key}".lstrip("."))
    elif isinstance(value, list):
        for entry in value:
            yield from _inside(entry, place)
    else:
        yield Text(place, {}, str(value))


def _listed(value: Any) -> list[str]:
    return re.findall(r"\bV\((\w+)\)", " ".join(paragraphs(value)))


def _plugin(collection: Collection, name: str, kind: str) -> bool:
    namespace, _dot, short = name.rpartition(".")
    return namespace != NAME or (kind, short) in collection.plugins


def _choices(option: dict[str, Any]) -> list[str] | None:
    return option.get("choices") or (["true", "false"] if option.get("type") == "bool" else None)


def _mark(collection: Collection, plugin: Plugin, option: dict[str, Any], mark: str, content: str) -> str | None:
    """Return what is wrong with one reference."""
    if mark == "E":
        return None if content in collection.every_variable else "no module reads it"
    if mark == "V":
        choices = _choices(option)
        return None if not choices or content in choices else "it is no choice of the option"
    if mark in ("M", "P"):
        name, _sign, kind = content.partition("#")
        return None if _plugin(collection, name, kind or "module") else "there is no such plugin"
    target, (where, _sign, value) = plugin, content.partition("=")
    if "#" in where:
        qualified, _sign, where = where.partition(":")
        name, _sign, kind = qualified.partition("#")
        found = collection.plugins.get((kind, name.rpartition(".")[2]))
        if found is None:
            return "there is no such plugin"
        target = found
    if mark == "RV":
        named = dict(values_of(target.returned)).get(where)
        if named is None:
            return "no such return value"
        return "no such value" if value and value not in _listed(named) else None
    named = target.options.get(where)
    if named is None:
        return "no such option"
    choices = _choices(named)
    return "no such choice" if value and choices and value not in choices else None
