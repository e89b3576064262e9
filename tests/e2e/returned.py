# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What RETURN says, held against its own samples and against real results, in both directions."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from .documentation import Collection, paragraphs

# What the services fill as they like: any keys may be inside.
OPEN = {"destination", "source_task", "sink_task"}
# Keys that Ansible adds or takes from the module.
ANSIBLE = {"changed", "failed", "invocation", "warnings", "deprecations", "exception"}
TYPES: dict[str, tuple[type, ...]] = {
    "str": (str,),
    "int": (int,),
    "float": (float,),
    "bool": (bool,),
    "list": (list,),
    "dict": (dict,),
    "raw": (str, int, float),
}


def values_of(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield (path, documentation) of all documented return values."""
    for name, value in values.items():
        yield prefix + name, value
        inside = prefix + name + ("[]." if value.get("type") == "list" else ".")
        yield from values_of(value.get("contains", {}), inside)


def findings(collection: Collection) -> Iterator[str]:
    """Look for samples that are not of the documented type, and for values without one."""
    for plugin in collection.plugins.values():
        for path, value in values_of(plugin.returned):
            if value.get("type") not in TYPES:
                yield f"{plugin.name}: {path}: type {value.get('type')}"
            elif "contains" not in value and "sample" in value and not is_documented(value["sample"], value):
                yield f"{plugin.name}: {path}: the sample {value['sample']!r} is no {value['type']}"
            elif plugin.kind == "module" and "contains" not in value and "sample" not in value:
                yield f"{plugin.name}: {path}: no sample"
            if path in ("error.kind", "errors[].kind"):
                listed = re.findall(r"\bV\((\w+)\)", " ".join(paragraphs(value)))
                if [kind for kind in listed if kind != "null"] != collection.takes["kinds"]:
                    yield f"{plugin.name}: {path}: lists {listed}, there are {collection.takes['kinds']}"
        for value in collection.takes["values"].get(plugin.name, []):
            if not is_documented(value, plugin.returned["_value"]):
                yield f"{plugin.name}: _value: {value!r} is no {plugin.returned['_value']['type']}"


def is_documented(value: Any, documented: Mapping[str, Any]) -> bool:
    """Tell whether a value is of the documented type."""
    if isinstance(value, bool) != (documented["type"] == "bool") or not isinstance(value, TYPES[documented["type"]]):
        return False
    elements = documented.get("elements")
    if isinstance(value, list) and elements:
        return all(is_documented(element, {"type": elements}) for element in value)
    return True


def walk(
    result: Mapping[str, Any],
    documented: Mapping[str, Any],
    seen: set[str] | None = None,
    added: frozenset[str] = frozenset(),
) -> list[str]:
    """Walk a real result against RETURN, both ways; `added` names keys that only the API has put there."""
    failed = bool(result.get("failed"))
    expected = {
        name: value
        for name, value in documented.items()
        if value["returned"] == "always" or (failed and value["returned"].startswith("failure"))
    }
    actual = {name: value for name, value in result.items() if name not in ANSIBLE}
    return list(_walk(actual, expected, "", set() if seen is None else seen, added))


def _walk(
    value: Mapping[str, Any], documented: Mapping[str, Any], prefix: str, seen: set[str], added: frozenset[str]
) -> Iterator[str]:
    yield from (f"{prefix}{name}: not documented" for name in sorted(value.keys() - documented.keys() - added))
    yield from (f"{prefix}{name}: documented, not there" for name in sorted(documented.keys() - value.keys()))
    for name in sorted(value.keys() & documented.keys()):
        path, told, one = prefix + name, documented[name], value[name]
        if one is None:
            if told["type"] == "list" or "contains" in told:
                yield f"{path}: null, but a {told['type']} is always there"
            continue
        if not is_documented(one, told):
            yield f"{path}: {one!r} is no {told['type']} of {told.get('elements', 'anything')}"
            continue
        if one not in ([], {}):
            seen.add(path)
        if "contains" in told:
            is_list = told["type"] == "list"
            entries: list[Any] = one if is_list else [one]
            for entry in entries:
                yield from _walk(entry, told["contains"], path + ("[]." if is_list else "."), seen, added)
        elif told["type"] == "dict" and name not in OPEN:
            # Counts by a word of the service.
            yield from (
                f"{path}.{key}: no count"
                for key, count in one.items()
                if not isinstance(count, int) or isinstance(count, bool)
            )
