# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which options exclude each other and of which one is needed: what the prose says, held against what the modules refuse."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from typing import Any

from .documentation import Collection, Plugin, paragraphs, run_module
from .markup import texts

# Enough for a request, to an address where nobody listens.
CONNECTION = {
    "project_id": "0123456789abcdef0123456789abcdef",
    "auth_token": "ExampleToken",
    "retries": 0,
    "dis_endpoint": "http://127.0.0.1:9",
    "dms_endpoint": "http://127.0.0.1:9",
}
EXCLUDED = re.compile(r"mutually exclusive")
NEEDED = re.compile(r"one of the following is required")
# How prose says it, of the options that a sentence names and of the one that it describes ("one of" names them all).
EXCLUDING = re.compile(
    r"exclusive|exclude|together|conflict|incompatible|\bnot both\b|\balternative to\b|\binstead of\b|\beither\b"
    r"|\b(at most|only|exactly) one of\b|^not with\b"
    r"|\b(cannot|can not|must not|may not|never|not) (be )?(set|given|used|combined|allowed)\b.* with\b",
    re.IGNORECASE,
)
NEEDING = re.compile(r"\b(required|needed|necessary|mandatory)\b|\b(exactly|at least) one of\b", re.IGNORECASE)
Groups = set[frozenset[str]]


def findings(collection: Collection) -> Iterator[str]:
    """Compare what the texts of every module say with what it does."""
    for name in collection.modules:
        yield from findings_of(collection, name)


def findings_of(collection: Collection, name: str) -> Iterator[str]:
    """Compare what the texts of one module say with what it does."""
    told_pairs, told_groups = claims(collection.modules[name])
    pairs, groups = behaviour(collection, name, told_pairs)
    for told, real, what in ((told_pairs, pairs, "exclude each other"), (told_groups, groups, "one is needed")):
        yield from (f"{name}: {sorted(group)}: {what}, says the text only" for group in told - real)
        yield from (f"{name}: {sorted(group)}: {what}, and no text says so" for group in real - told)


def claims(plugin: Plugin) -> tuple[Groups, Groups]:
    """Return (pairs of options that exclude each other, groups of which one is needed), as the prose has it."""
    pairs: Groups = set()
    groups: Groups = set()
    places = [(name, text) for name, option in plugin.options.items() for text in paragraphs(option)]
    places += [("", text.text) for text in texts(plugin) if text.place in ("description", "notes")]
    for name, text in places:
        for sentence in re.split(r"(?<=[.;])\s+", text):
            named = {option for option in plugin.options if re.search(_naming(option), sentence)}
            if not named:
                continue
            group = named if re.search(r"\bone of\b", sentence, re.IGNORECASE) else named | {name} - {""}
            if EXCLUDING.search(sentence):
                pairs |= {frozenset(pair) for pair in itertools.combinations(sorted(group), 2)}
            if NEEDING.search(sentence):
                groups.add(frozenset(group))
    return pairs, groups


def _naming(option: str) -> str:
    """Return a pattern for an option in prose; a name that is no word of the language counts without O() too."""
    return rf"\b{option}\b" if "_" in option else rf"\bO\({option}[=)]"


def behaviour(collection: Collection, name: str, told: Groups) -> tuple[Groups, Groups]:
    """Return the same as the module has it: each pair of its own options is tried, and what the prose says of others."""
    options = collection.takes["modules"][name]
    own = [option for option in options if option not in collection.takes["connection"]]
    pairs = sorted({frozenset(pair) for pair in itertools.combinations(own, 2)} | told, key=sorted)

    def ask(calls: list[list[str]]) -> list[Any]:
        given = [{**CONNECTION, **{option: _value(options[option]) for option in call}} for call in calls]
        return run_module(collection.root, name, [(options, {}) for options in given])

    alone, *singly = ask([[], *([option] for option in own)])
    groups: Groups = set()
    if _refused(alone, NEEDED):
        groups.add(frozenset(own[at] for at, result in enumerate(singly) if not _refused(result, NEEDED)))
    # A pair is completed by one that is needed, so that it is not refused for the lack of it; each of them in turn.
    for extra in sorted(frozenset().union(*groups)) or [""]:
        calls = [[*pair] if pair & frozenset().union(*groups) else [*pair, extra] for pair in pairs]
        answers = ask([[option for option in call if option] for call in calls])
        pairs = [pair for pair, result in zip(pairs, answers, strict=True) if _refused(result, EXCLUDED)]
    return set(pairs), groups


def _value(spec: dict[str, Any]) -> Any:
    """Return a value other than the default."""
    if spec.get("choices"):
        return spec["choices"][-1]
    kinds: dict[str, Any] = {"list": ["a"], "bool": not spec.get("default"), "int": 1, "float": 1.0}
    return kinds.get(spec.get("type", "str"), "1h")


def _refused(result: dict[str, Any], why: re.Pattern[str]) -> bool:
    """Tell whether a module refused its options for this reason, before it sent anything."""
    asked = result.get("request_stats", {}).get("requests")
    return bool(result.get("failed") and not asked and why.search(result["msg"]))
