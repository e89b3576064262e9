# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the documentation of the plugins says about their options, held against what they take: each check returns findings.

What validate-modules compares (names, types, defaults, choices of modules) is left to it. The other checks are in
returned.py and examples.py.
"""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import yaml

NAME = "hwcloud.streaming"
# Told of a filter or test: which kinds of value an option takes, and what comes out of it.
SPECIFICATION = f"""
import importlib, json, sys
from ansible.errors import AnsibleFilterError
from ansible_collections.{NAME}.plugins.filter import html_report, problems, table
from ansible.module_utils import basic
from ansible_collections.{NAME}.plugins.module_utils import _options
from ansible_collections.{NAME}.plugins.module_utils._wire import errors
from ansible_collections.{NAME}.plugins.test import healthy

class Recorder:
    def __init__(self, argument_spec, **rules):
        for option in argument_spec.values():
            if "fallback" in option:
                option["fallback"] = option["fallback"][1]
        modules[name] = argument_spec
        raise SystemExit

modules = {{}}
basic.AnsibleModule = Recorder
for name in sys.argv[1:]:
    try:
        importlib.import_module("ansible_collections.{NAME}.plugins.modules." + name).main()
    except SystemExit:
        pass

def takes(option, *values):
    for value in values:
        try:
            problems.problems([], **{{"allow_empty": True, option: value}})
            return True
        except AnsibleFilterError:
            pass
    return False

PROBES = {{"int": [1767323045000], "str": ["15m", "2026-01-02T03:04:05Z"], "bool": [True]}}
print(json.dumps({{
    "modules": modules,
    "secrets": _options.CREDENTIALS,
    "connection": list(_options.CONNECTION),
    "kinds": ["configuration", *errors.ADVICE],
    "judging": {{name: [kind for kind in PROBES if takes(name, *PROBES[kind])] for name in problems.OPTIONS}},
    "more": {{"healthy": [], "problems": [], "table": table.MORE, "html_report": html_report.MORE}},
    "values": {{
        name: [judge([], allow_empty=empty) for empty in (True, False)]
        for part in (
            *(plugin.FilterModule().filters() for plugin in (html_report, problems, table)),
            healthy.TestModule().tests(),
        )
        for name, judge in part.items()
    }},
}}))
"""
# Runs a module once for each pair of options and environment variables, in one process: the imports take longest.
CALLS = f"""
import contextlib, importlib, io, json, os, sys
from ansible.module_utils import basic

module = importlib.import_module("ansible_collections.{NAME}.plugins.modules." + sys.argv[1])
results = []
for options, variables in json.load(sys.stdin):
    basic._ANSIBLE_ARGS = json.dumps({{"ANSIBLE_MODULE_ARGS": options}}).encode()
    basic._ANSIBLE_PROFILE = "legacy"
    os.environ.update(variables)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.suppress(SystemExit):
        module.main()
    results.append(json.loads(printed.getvalue()))
    for name in variables:
        del os.environ[name]
print(json.dumps(results))
"""
Call = tuple[dict[str, Any], dict[str, str]]


class Plugin(NamedTuple):
    """A plugin's documentation: all of it with its fragments, options with those of fragments, examples as text, return values."""

    kind: str
    name: str
    doc: dict[str, Any]
    options: dict[str, Any]
    examples: str
    returned: dict[str, Any]


class Collection(NamedTuple):
    """All plugins by (kind, name), what they take, and where it all lies."""

    root: Path
    plugins: dict[tuple[str, str], Plugin]
    takes: dict[str, Any]

    @property
    def modules(self) -> dict[str, Plugin]:
        return {name: plugin for (kind, name), plugin in self.plugins.items() if kind == "module"}

    @property
    def variables(self) -> dict[str, list[str]]:
        """The environment variables of each connection option that has any, in the order of the option table."""
        spec = next(iter(self.takes["modules"].values()))
        found = {
            name: self.takes["secrets"].get(name) or spec[name].get("fallback") for name in self.takes["connection"]
        }
        return {name: list(variables) for name, variables in found.items() if variables}

    def read_for(self, module: str, option: str) -> list[str]:
        """The environment variables of any option of a module."""
        own = self.takes["modules"][module].get(option, {}).get("fallback")
        return self.variables.get(option, list(own or []))

    @property
    def every_variable(self) -> set[str]:
        """The environment variables of all options of all modules."""
        asked = [(module, option) for module, options in self.takes["modules"].items() for option in options]
        return {name for module, option in asked for name in self.read_for(module, option)}


def read(root: Path, takes: dict[str, Any] | None = None) -> Collection:
    """Read the collection that lies at `root`, a folder ansible_collections/hwcloud/streaming.

    `takes` is what its plugins take, when that is known already.
    """
    plugins = {}
    fragments = {
        path.stem: _load(_texts(path)["DOCUMENTATION"])
        for path in (root / "plugins" / "doc_fragments").glob("[a-z]*.py")
    }
    for path in sorted((root / "plugins" / "modules").glob("[a-z]*.py")):
        plugins["module", path.stem] = _plugin("module", path.stem, _texts(path), fragments)
    for kind in ("test", "filter"):
        for path in sorted((root / "plugins" / kind).glob("*.yml")):
            plugins[kind, path.stem] = _plugin(kind, path.stem, _load(path.read_text(encoding="utf-8")), {})
    names = [name for kind, name in plugins if kind == "module"]
    return Collection(root, plugins, takes or json.loads(run_inside(root, SPECIFICATION, *names)))


def run_module(root: Path, name: str, calls: Sequence[Call]) -> list[dict[str, Any]]:
    """Run a module without Ansible once for each (options, environment variables); return its results."""
    results: list[dict[str, Any]] = json.loads(run_inside(root, CALLS, name, stdin=json.dumps(calls)))
    return results


def run_inside(root: Path, program: str, *arguments: str, stdin: str = "") -> str:
    """Run a Python program that imports from the collection; return what it prints."""
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        env={"PYTHONPATH": str(root.parents[2]), "PYTHONDONTWRITEBYTECODE": "1"},
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def _load(text: str) -> Any:
    return yaml.load(text, Loader=yaml.CSafeLoader)


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
    doc = _load(documentation) if isinstance(documentation, str) else dict(documentation)
    returned = _load(returned) if isinstance(returned, str) else returned
    for fragment in doc.get("extends_documentation_fragment", []):
        for key, value in fragments[fragment.rpartition(".")[2]].items():
            if isinstance(value, list):
                doc[key] = [*doc.get(key, []), *value]
            else:
                doc[key] = {**doc.get(key, {}), **value}
    return Plugin(kind, name, doc, doc.get("options", {}), texts["EXAMPLES"], returned)


def paragraphs(option: Mapping[str, Any]) -> list[str]:
    """Return the paragraphs of a description."""
    description = option.get("description", [])
    return [description] if isinstance(description, str) else list(description)


# -- modules


def secret_findings(collection: Collection) -> Iterator[str]:
    """Look for secrets that Ansible would show: the credentials, and whatever else is named like one."""
    credentials = collection.takes["secrets"].keys() - {"username"}
    for name, options in collection.takes["modules"].items():
        for option, spec in options.items():
            secret = option in credentials or re.search(r"password|secret|token$|(access|private)_key", option)
            if bool(secret) != bool(spec.get("no_log")):
                yield f"{name}: {option}: no_log is {spec.get('no_log')}"


def environment_findings(collection: Collection) -> Iterator[str]:
    """Compare the environment variables that the text names with those that are read, in their order."""
    for name, plugin in collection.modules.items():
        for option in collection.takes["modules"][name]:
            told = re.findall(r"E\((\w+)\)", " ".join(paragraphs(plugin.options.get(option, {}))))
            real = collection.read_for(name, option)
            if told != real:
                yield f"{name}: {option}: documents {told}, reads {real}"


def value_findings(collection: Collection) -> Iterator[str]:
    """Look for O(option=value) and RV(error.kind=value) with a value that there is not; all else antsibull-docs finds."""
    for plugin in collection.plugins.values():
        text = json.dumps([plugin.doc, plugin.returned], default=str)
        for name, value in re.findall(r"\bO\((\w+)=([^()]*)\)", text):
            option = plugin.options.get(name, {})
            choices = option.get("choices") or (["true", "false"] if option.get("type") == "bool" else [value])
            if value not in choices:
                yield f"{plugin.name}: O({name}={value}): no such choice"
        for value in set(re.findall(r"\bRV\(error\.kind=(\w+)\)", text)) - set(collection.takes["kinds"]):
            yield f"{plugin.name}: RV(error.kind={value}): no such kind"


# -- test and filter


def judging_findings(collection: Collection) -> Iterator[str]:
    """Compare the options of test and filter with those that they take, and with each other."""
    taken = collection.takes["judging"]
    judging = [plugin for (kind, _name), plugin in collection.plugins.items() if kind != "module"]
    for plugin in judging:
        documented, more = [name for name in plugin.options if name != "_input"], collection.takes["more"][plugin.name]
        if documented != [*taken, *more]:
            yield f"{plugin.name}: documents {documented}, takes {[*taken, *more]}"
        for name in taken.keys() & plugin.options.keys():
            told, kinds = plugin.options[name].get("type"), taken[name]
            if told != (kinds[0] if len(kinds) == 1 else "raw"):
                yield f"{plugin.name}: {name}: type is documented as {told}, takes {kinds}"
            default = False if name == "allow_empty" else None
            if plugin.options[name].get("default") is not default:
                yield f"{plugin.name}: {name}: default is documented as {plugin.options[name].get('default')}"
    for plugin in judging[1:]:
        for name in (plugin.options.keys() | judging[0].options.keys()) - set(collection.takes["more"][plugin.name]):
            if plugin.options.get(name) != judging[0].options.get(name):
                yield f"{plugin.name} and {judging[0].name} document {name} differently"


STATIC = (secret_findings, environment_findings, value_findings, judging_findings)


def findings(collection: Collection) -> list[str]:
    """Return what these checks find."""
    return [finding for check in STATIC for finding in check(collection)]
