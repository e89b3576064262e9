# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the documentation of the plugins says, held against what they take and return: each check returns findings."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import yaml

NAME = "hwcloud.streaming"
# What the services fill as they like: any keys may be inside.
OPEN = {"destination", "source_task", "sink_task"}
# Keys that Ansible adds or takes from the module.
ANSIBLE = {"changed", "failed", "msg", "invocation", "warnings", "deprecations", "exception"}
TYPES: dict[str, tuple[type, ...]] = {
    "str": (str,),
    "int": (int,),
    "float": (float,),
    "bool": (bool,),
    "list": (list,),
    "dict": (dict,),
    "raw": (str, int, float),
}
SPECIFICATION = f"""
import importlib, json, sys
from ansible_collections.{NAME}.plugins.module_utils import _auth, _module

class Recorder:
    def __init__(self, **arguments):
        options = arguments.pop("argument_spec")
        for option in options.values():
            if "fallback" in option:
                option["fallback"] = option["fallback"][1]
        told[name] = {{"options": options, "rules": arguments}}
        raise SystemExit

told = {{}}
_module.AnsibleModule = Recorder
for name in sys.argv[1:]:
    try:
        importlib.import_module("ansible_collections.{NAME}.plugins.modules." + name).main()
    except SystemExit:
        pass
print(json.dumps({{"modules": told, "secrets": _auth.SECRET_ENVIRONMENT, "connection": list(_module.connection_options())}}))
"""


class Plugin(NamedTuple):
    """A plugin's documentation: options with those of its fragments, examples as text, return values."""

    kind: str
    name: str
    doc: dict[str, Any]
    options: dict[str, Any]
    examples: str
    returned: dict[str, Any]


class Collection(NamedTuple):
    """All plugins by (kind, name), what the modules take, and where it all lies."""

    root: Path
    plugins: dict[tuple[str, str], Plugin]
    takes: dict[str, Any]

    @property
    def modules(self) -> dict[str, Plugin]:
        return {name: plugin for (kind, name), plugin in self.plugins.items() if kind == "module"}


def read(root: Path) -> Collection:
    """Read the collection that lies at `root`, a folder ansible_collections/hwcloud/streaming."""
    plugins = {}
    fragments = {
        path.stem: yaml.safe_load(_texts(path)["DOCUMENTATION"])
        for path in (root / "plugins" / "doc_fragments").glob("[a-z]*.py")
    }
    for path in sorted((root / "plugins" / "modules").glob("[a-z]*.py")):
        plugins["module", path.stem] = _plugin("module", path.stem, _texts(path), fragments)
    for kind in ("test", "filter"):
        for path in sorted((root / "plugins" / kind).glob("*.yml")):
            plugins[kind, path.stem] = _plugin(kind, path.stem, yaml.safe_load(path.read_text(encoding="utf-8")), {})
    names = [name for kind, name in plugins if kind == "module"]
    done = subprocess.run(
        [sys.executable, "-c", SPECIFICATION, *names],
        env={"PYTHONPATH": str(root.parents[2]), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return Collection(root, plugins, json.loads(done.stdout))


def _texts(path: Path) -> dict[str, str]:
    """Return the documentation that stands as texts in a Python file, also inside of a class."""
    texts = {}
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if (
            isinstance(node, ast.Assign)
            and isinstance(node.value, ast.Constant)
            and isinstance(node.targets[0], ast.Name)
        ):
            if isinstance(node.value.value, str):
                texts[node.targets[0].id] = node.value.value
    return texts


def _plugin(kind: str, name: str, texts: Mapping[str, Any], fragments: Mapping[str, Any]) -> Plugin:
    documentation, returned = texts["DOCUMENTATION"], texts.get("RETURN", {})
    documentation = yaml.safe_load(documentation) if isinstance(documentation, str) else documentation
    returned = yaml.safe_load(returned) if isinstance(returned, str) else returned
    options = dict(documentation.get("options", {}))
    for fragment in documentation.get("extends_documentation_fragment", []):
        options.update(fragments[fragment.rpartition(".")[2]].get("options", {}))
    return Plugin(kind, name, documentation, options, texts["EXAMPLES"], returned)


def paragraphs(option: Mapping[str, Any]) -> list[str]:
    """Return the paragraphs of a description."""
    description = option.get("description", [])
    return [description] if isinstance(description, str) else list(description)


# -- options


def option_findings(collection: Collection) -> Iterator[str]:
    """Compare documented options with the argument specification."""
    for name, plugin in collection.modules.items():
        taken = collection.takes["modules"][name]["options"]
        yield from (f"{name}: {option} is documented, not taken" for option in plugin.options.keys() - taken.keys())
        yield from (f"{name}: {option} is taken, not documented" for option in taken.keys() - plugin.options.keys())
        for option in plugin.options.keys() & taken.keys():
            for key in ("type", "elements", "default", "choices", "aliases", "required"):
                documented, real = plugin.options[option].get(key), taken[option].get(key)
                if documented != real and (documented or real):
                    yield f"{name}: {option}: {key} is documented as {documented}, is {real}"
            if not paragraphs(plugin.options[option]):
                yield f"{name}: {option} has no description"


def environment_findings(collection: Collection) -> Iterator[str]:
    """Compare the environment variables that the text names with those that are read, in their order."""
    for name, plugin in collection.modules.items():
        for option, taken in collection.takes["modules"][name]["options"].items():
            read_ones = collection.takes["secrets"].get(option) or taken.get("fallback", [])
            told = re.findall(r"E\((\w+)\)", " ".join(paragraphs(plugin.options.get(option, {}))))
            if told != list(read_ones):
                yield f"{name}: {option}: documents {told}, reads {list(read_ones)}"


def fragment_findings(collection: Collection) -> Iterator[str]:
    """Compare the connection fragment with the option table."""
    texts = _texts(collection.root / "plugins" / "doc_fragments" / "connection.py")
    documented = list(yaml.safe_load(texts["DOCUMENTATION"])["options"])
    if documented != collection.takes["connection"]:
        yield f"connection: documents {documented}, the table has {collection.takes['connection']}"


def group_findings(collection: Collection) -> Iterator[str]:
    """Compare the action group with the modules that there are."""
    runtime = yaml.safe_load((collection.root / "meta" / "runtime.yml").read_text(encoding="utf-8"))
    group = runtime["action_groups"]["all"]
    if sorted(group) != sorted(collection.modules):
        yield f"action group all: {sorted(group)}, modules: {sorted(collection.modules)}"


EXCLUSIVE = re.compile(r"^(Exactly|At most|Only) one of ((?:O\(\w+\)|, | and | or )+)")


def rule_findings(collection: Collection) -> Iterator[str]:
    """Compare mutually_exclusive and required_one_of with what the text says."""
    for name, plugin in collection.modules.items():
        rules = collection.takes["modules"][name]["rules"]
        exclusive = {frozenset(group) for group in rules.get("mutually_exclusive", [])}
        required = {frozenset(group) for group in rules.get("required_one_of", [])}
        told: dict[frozenset[str], str] = {}
        for option, documented in plugin.options.items():
            for paragraph in paragraphs(documented):
                sentence = EXCLUSIVE.match(paragraph)
                if sentence:
                    told[frozenset(re.findall(r"O\((\w+)\)", sentence[2]))] = sentence[1]
                other = re.match(r"(?:Cannot be set|Not) together with O\((\w+)\)", paragraph)
                if other:
                    told[frozenset({option, other[1]})] = "Only"
        for group in exclusive - told.keys():
            yield f"{name}: no text says that {sorted(group)} exclude each other"
        for group in told.keys() - exclusive:
            yield f"{name}: {sorted(group)} exclude each other in the text only"
        for group, amount in told.items():
            if (amount == "Exactly") != (group in required):
                yield f"{name}: whether one of {sorted(group)} is required differs"
        yield from (f"{name}: no text says that one of {sorted(group)} is required" for group in required - told.keys())


# -- markup


def markup_findings(collection: Collection) -> Iterator[str]:
    """Look for O(), RV(), V(), E(), M() and P() that lead nowhere."""
    known = set(collection.takes["secrets"])
    variables = {name for names in collection.takes["secrets"].values() for name in names}
    for module in collection.takes["modules"].values():
        variables |= {name for option in module["options"].values() for name in option.get("fallback", [])}
        known |= module["options"].keys()
    for plugin in collection.plugins.values():
        for place, option, text in _descriptions(plugin):
            for mark, content in re.findall(r"\b(O|RV|V|E|M|P)\(((?:[^()\\]|\\.|\([^()]*\))+)\)", text):
                complaint = _mark(collection, plugin, option, mark, content, variables)
                if complaint:
                    yield f"{plugin.name}: {place}: {mark}({content}): {complaint}"


def _descriptions(plugin: Plugin) -> Iterator[tuple[str, Any, str]]:
    """Yield (place, option if it is one, text) of all texts of a plugin."""
    for key in ("description", "notes"):
        yield from ((key, None, text) for text in paragraphs({"description": plugin.doc.get(key, [])}))
    for name, option in plugin.options.items():
        yield from ((name, option, text) for text in paragraphs(option))
    for path, value in _returned(plugin.returned):
        yield from ((path, None, text) for text in paragraphs(value))


def _returned(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name, value in values.items():
        yield prefix + name, value
        inside = prefix + name + ("[]." if value.get("type") == "list" else ".")
        yield from _returned(value.get("contains", {}), inside)


def _mark(
    collection: Collection, plugin: Plugin, option: Any, mark: str, content: str, variables: set[str]
) -> str | None:
    if mark == "E":
        return None if content in variables else "no module reads it"
    if mark == "V":
        choices = (option or {}).get("choices")
        return None if not choices or content in choices else "it is no choice of the option"
    if mark in ("M", "P"):
        name, _sign, kind = content.partition("#")
        known = (kind or "module", name.rpartition(".")[2]) in collection.plugins
        return None if not name.startswith(NAME) or known else "there is no such plugin"
    target, (where, _sign, value) = plugin, content.partition("=")
    if "#" in where:
        qualified, _sign, where = where.partition(":")
        name, _sign, kind = qualified.partition("#")
        found = collection.plugins.get((kind, name.rpartition(".")[2]))
        if found is None:
            return "there is no such plugin"
        target = found
    if mark == "RV":
        return None if where in dict(_returned(target.returned)) else "no such return value"
    named = target.options.get(where)
    if named is None:
        return "no such option"
    choices = named.get("choices") or (["true", "false"] if named.get("type") == "bool" else None)
    return "no such choice" if value and choices and value not in choices else None


# -- return values


def sample_findings(collection: Collection) -> Iterator[str]:
    """Look for samples that are not of the documented type, and for values without one."""
    for plugin in collection.plugins.values():
        for path, value in _returned(plugin.returned):
            if value.get("type") not in TYPES:
                yield f"{plugin.name}: {path}: type {value.get('type')}"
            elif "contains" not in value and "sample" in value and not _is(value["sample"], value):
                yield f"{plugin.name}: {path}: the sample {value['sample']!r} is no {value['type']}"
            elif plugin.kind == "module" and "contains" not in value and "sample" not in value:
                yield f"{plugin.name}: {path}: no sample"


def _is(value: Any, documented: Mapping[str, Any]) -> bool:
    if isinstance(value, bool) != (documented["type"] == "bool") or not isinstance(value, TYPES[documented["type"]]):
        return False
    elements = documented.get("elements")
    if isinstance(value, list) and elements:
        return all(_is(element, {"type": elements}) for element in value)
    return True


def walk(
    result: Mapping[str, Any],
    documented: Mapping[str, Any],
    seen: set[str] | None = None,
    added: frozenset[str] = frozenset(),
) -> list[str]:
    """Walk a real result against RETURN, both ways.

    `seen` collects the paths that had a value; `added` names keys that only the API has put there.
    """
    failed = bool(result.get("failed"))
    expected = {
        name: value
        for name, value in documented.items()
        if value["returned"] == "always" or (failed and value["returned"].startswith("failure"))
    }
    actual = {name: value for name, value in result.items() if name not in ANSIBLE}
    return list(_walk(actual, expected, "", seen if seen is not None else set(), added))


def _walk(
    value: Mapping[str, Any], documented: Mapping[str, Any], prefix: str, seen: set[str], added: frozenset[str]
) -> Iterator[str]:
    yield from (f"{prefix}{name}: not documented" for name in sorted(value.keys() - documented.keys() - added))
    yield from (f"{prefix}{name}: documented, not there" for name in sorted(documented.keys() - value.keys()))
    for name in sorted(value.keys() & documented.keys()):
        path, told, one = prefix + name, documented[name], value[name]
        if one is None:
            continue
        if not _is(one, told):
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


def leaves(plugin: Plugin) -> set[str]:
    """Return the paths of all documented values."""
    return {path for path, _type in _returned(plugin.returned)}


# -- examples


def example_findings(collection: Collection) -> Iterator[str]:
    """Look for options in examples that the modules do not take, and for what every module's examples show."""
    for plugin in collection.plugins.values():
        for task in yaml.safe_load(plugin.examples):
            for key, arguments in task.items():
                if not key.startswith(f"{NAME}."):
                    continue
                name = key.rpartition(".")[2]
                if name not in collection.takes["modules"]:
                    yield f"{plugin.name}: there is no module {name}"
                    continue
                options = collection.takes["modules"][name]["options"]
                spellings = set(options).union(*(option.get("aliases", []) for option in options.values()))
                for option in (arguments or {}).keys() - spellings:
                    yield f"{plugin.name}: {name} takes no {option}"
        if plugin.kind == "module":
            shown = {"assert": "ansible.builtin.assert", "when": "\n  when:", "command": "ansible localhost -m"}
            yield from (
                f"{plugin.name}: no example with {what}" for what, text in shown.items() if text not in plugin.examples
            )


def commands(plugin: Plugin) -> list[str]:
    """Return the ad-hoc commands that the comments of the examples show."""
    return re.findall(r"^#\s+(ansible localhost .*)$", plugin.examples, re.MULTILINE)


STATIC = (
    option_findings,
    environment_findings,
    fragment_findings,
    group_findings,
    rule_findings,
    markup_findings,
    sample_findings,
    example_findings,
)


def findings(collection: Collection) -> list[str]:
    """Return what all checks find that need no service."""
    return [finding for check in STATIC for finding in check(collection)]
