# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the services' shape to the collection's: clean names, repaired types, derived facts. Pure functions.

Times are epoch milliseconds (int), ages seconds (int), `now` is the epoch time in milliseconds. Every function raises
ShapeError for a value that is of no form the services are known to send; None means "the service did not tell".
"""

from __future__ import annotations

import re
import typing as t
from datetime import datetime, timedelta

from ansible_collections.hwcloud.streaming.plugins.module_utils._identity.secrets import MASK
from ansible_collections.hwcloud.streaming.plugins.module_utils._wire.errors import RefusedInside, ShapeError
from ansible_collections.hwcloud.streaming.plugins.module_utils._wire.told import error_of

Facts = t.Dict[str, t.Any]
_SECRET_KEY = re.compile(
    r"pass_?w(or)?d|passphrase|(^|_)pass$|(^|_)pwd(_|$)|secret|token|credential|authorization|private_?key|access_?key|api_?key"
    r"|jaas|^(ak|sk)$",
    re.IGNORECASE,
)
# Maps whose keys are the user's own words, not names of fields.
_FREE_KEYS = re.compile(r"_properties$|^tags$")
DESTINATION = re.compile(r"([a-z]+(?:_[a-z]+)?)_destination_descrip")
# Inside a destination or a Smart Connect task; the documentation itself sends some of them as strings.
STATE = ("state", "status")  # two names for one thing
_NUMBERS = frozenset(
    "deliver_time_interval deliver_size_interval retry_duration obs_part_size flush_size task_num replication_factor"
    " target_db full_sync_wait_ms full_sync_max_retry ratelimit".split()
)
# A CloudTable destination's schemas, and the lists in them.
_SCHEMAS = frozenset({"cloudtable_schema", "opentsdb_schema"})
_SCHEMA_LISTS = frozenset({"opentsdb_schema", "row_key", "columns", "metric", "tags"})
_names: dict[str, str] = {}


def clean_name(name: str) -> str:
    """Return a key as a snake_case identifier: camelCase is split, stray quotes and blanks go."""
    known = _names.get(name)
    if known is None:
        words = re.sub(r"([a-z0-9])([A-Z])|([A-Z])(?=[A-Z][a-z])", r"\1\3_\2", name.strip(" \t\r\n\"'`,:"))
        known = re.sub(r"\W+", "_", words, flags=re.ASCII).strip("_" if not words.startswith("_") else "").lower()
        if not known or known[0].isdigit():
            known = f"_{known}"
        _names[name] = _unmarked(known)
    return _names[name]


def _unmarked(key: str) -> str:
    """Return a key that Ansible does not take for a mark of its own, which would cost the whole result."""
    return key.lstrip("_") if key.startswith("__ansible_") else key


def tidy(value: t.Any) -> t.Any:
    """Return an answer with clean keys and without the secrets that a resource holds, at every depth."""
    if isinstance(value, dict):
        return _tidy_object(value)
    if isinstance(value, list):
        return [tidy(item) for item in value]
    return value


def _tidy_object(value: dict[str, t.Any], free: bool = False) -> Facts:
    tidied: Facts = {}
    exact: set[str] = set()
    for key, item in value.items():
        name = _unmarked(key) if free else clean_name(key)
        # Of two spellings of one name the one that says something wins, then the one that is spelled as documented.
        if name in tidied and (item is None or (tidied[name] is not None and (name in exact or key != name))):
            continue
        if key == name:
            exact.add(name)
        # A user's own key stays as it is written, but is looked at as if it were a field's name.
        if (_SECRET_KEY.search(name) or (free and _SECRET_KEY.search(clean_name(key)))) and item not in (None, ""):
            tidied[name] = MASK
        elif isinstance(item, dict):
            tidied[name] = _tidy_object(item, bool(_FREE_KEYS.search(name)))
        elif isinstance(item, list):
            tidied[name] = tidy(item)
        else:
            tidied[name] = item
    named = tidied.get("key", tidied.get("name"))  # of a tag, or of a property in a list of them
    if tidied.get("value") not in (None, "") and isinstance(named, str) and _SECRET_KEY.search(clean_name(named)):
        tidied["value"] = MASK
    return tidied


def number(facts: Facts, name: str) -> int | None:
    """Return a field as an integer: numbers may come as text, with stray quotes, blanks and commas around."""
    value = facts.get(name)
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    if isinstance(value, float) and value.is_integer() and abs(value) <= 2**53:
        return int(value)
    if isinstance(value, str):
        digits = value.strip(" \t\r\n\"',")
        if not digits or digits.lower() == "null":
            return None
        if re.match(r"[+-]?[0-9]{1,30}\Z", digits):
            return int(digits)
    raise ShapeError(f"{name} is {_described(value)} where a whole number is expected")


def text(facts: Facts, name: str) -> str | None:
    """Return a field as text; a number is put into words, blanks and quotes around it go."""
    value = facts.get(name)
    if value is None:
        return None
    if isinstance(value, str):
        return value.strip(' \t\r\n"')
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise ShapeError(f"{name} is {_described(value)} where text is expected")


def flag(facts: Facts, name: str) -> bool | None:
    """Return a field as true or false, which may come as text or as 1 or 0; None for anything else: it is not known."""
    return {"true": True, "1": True, "false": False, "0": False}.get(str(facts.get(name)).strip().lower())


def joined(facts: Facts, name: str) -> str | None:
    """Return a field that may be one text or a list of them as one text, with commas between."""
    value = facts.get(name)
    if isinstance(value, list):
        return ",".join(filter(None, (text({name: item}, name) for item in value))) or None
    return text(facts, name)


def needed(facts: Facts, name: str) -> str:
    """Return a field without which a thing cannot be told from others."""
    value = text(facts, name)
    if not value:
        raise ShapeError(f"{name} is missing in an entry")
    return value


def objects(facts: Facts, *names: str) -> list[Facts]:
    """Return the first of the named fields that holds any, as a list of objects; a single object counts as a list of one."""
    for name in names:
        value = facts.get(name)
        if isinstance(value, dict):
            value = [value] if value else []
        if value is not None and not (isinstance(value, list) and all(isinstance(item, dict) for item in value)):
            raise ShapeError(f"{name} is {_described(value)} where a list of objects is expected")
        if value:
            return value
    return []


def distinct(entries: list[Facts], key: str) -> list[Facts]:
    """Return the entries without those that are sent twice. Of those without an ID or name no one knows: all are kept."""
    named = {repr(entry): entry for entry in entries if entry[key] is not None}
    return [*named.values(), *(entry for entry in entries if entry[key] is None)]


def merged(listed: Facts, shown: Facts | None) -> Facts:
    """Return what an entry in a list and its own answer tell together; the answer wins where it says something."""
    told = shown or {}
    if any(told.get(name) for name in STATE):
        listed = {name: value for name, value in listed.items() if name not in STATE}
    return {**listed, **{name: told[name] for name in told if told[name] not in (None, "") or name not in listed}}


def page_of(facts: Facts, total: str, *lists: str, first: bool = True) -> tuple[int | None, list[Facts]]:
    """Return (total, entries) of a list answer; with neither of them in it, it is none.

    A total without its list is none either, but for pages after the first: total may be larger than the list.
    """
    if total not in facts and not any(name in facts for name in lists):
        raise ShapeError(f"neither {total} nor {lists[0]} is in the answer")
    count, entries = number(facts, total), objects(facts, *lists)
    if first and count and all(facts.get(name) is None for name in lists):
        raise ShapeError(f"{total} is {count} but there is no {lists[0]}")
    if not entries:
        refuse(facts)
    return count, entries


def refuse(facts: Facts) -> None:
    """Raise RefusedInside for a list without entries that is a failure, told with the status 200."""
    code, message = error_of(facts, depth=1)
    if code:
        raise RefusedInside(code, message)


def _described(value: t.Any) -> str:
    kinds = {
        dict: "an object",
        list: "a list",
        str: "text",
        bool: "true or false",
        float: "a fraction",
        int: "a number",
    }
    return kinds.get(type(value), "a value of another kind")


class Listed(t.NamedTuple):
    """A task in a list: the entry as sent (tidied), and what it tells."""

    entry: Facts
    facts: Facts


# -- derived facts


_days: dict[int, str] = {}


def moment(milliseconds: int | None) -> str | None:
    """Return the ISO 8601 UTC twin of an epoch time; None for a time of 0, -1, unknown or beyond the calendar."""
    if milliseconds is None or milliseconds <= 0:
        return None
    day, rest = divmod(milliseconds, 86_400_000)
    date = _days.get(day)
    if date is None:  # dates are remembered: a log has two times a row, and few days
        try:
            date = _days[day] = (datetime(1970, 1, 1) + timedelta(days=day)).date().isoformat()
        except OverflowError:
            return None
    seconds, rest = divmod(rest, 1000)
    return f"{date}T{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}.{rest:03d}Z"


def age(milliseconds: int | None, now: int) -> int | None:
    """Return the whole seconds since an epoch time, at least 0; None for a time of 0, -1 or unknown."""
    if milliseconds is None or milliseconds <= 0:
        return None
    return max(0, (now - milliseconds) // 1000)


def counted(number: int | None) -> int | None:
    """Return a count as it goes into a sum: one below 0 says that it is not known, and must not make up for others."""
    return None if number is None or number < 0 else number


def total_of(values: t.Iterable[int | None]) -> int | None:
    """Return the sum of the values that are known, None when none is."""
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def sum_of_all(values: t.Iterable[int | None]) -> int | None:
    """Return the sum, None when one of the values is not known."""
    total = 0
    for value in values:
        if value is None:
            return None
        total += value
    return total


def counts(facts: t.Iterable[Facts], name: str) -> dict[str, int]:
    """Return how often each value of a field occurs, in the order of the values; an unknown one counts as UNKNOWN."""
    found: dict[str, int] = {}
    for value in sorted(str(entry[name] or "UNKNOWN") for entry in facts):
        found[value] = found.get(value, 0) + 1
    return found


def with_unknown(facts: Facts, raw: Facts, *consumed: str) -> Facts:
    """Return the facts plus what the service sent beyond the documented fields, under its clean name."""
    for name, value in raw.items():
        if name not in facts and name not in consumed:
            facts[name] = value
    return facts


def summary(tasks: list[Facts]) -> Facts:
    """Return the part of `summary` that every kind of task has; none counts as healthy before it was judged."""
    return {"total": len(tasks), "healthy": 0}


# -- destinations


def destination_of(raw: Facts, keys: list[str], destination_type: str | None) -> Facts | None:
    """Return the one descriptor that is there. Its key, not the task's type, says what it is: the two may differ."""
    found = []
    for key in keys:
        matched = DESTINATION.match(key)
        for entry in objects(raw, key)[:1]:
            kind = (matched[1] if matched else key).replace("_", "")
            found.append({**repaired(entry), "kind": kind})
    found.sort(key=lambda facts: facts["kind"] != (destination_type or "").lower())
    return found[0] if found else None


def repaired(entry: Facts) -> Facts:
    """Return a configuration with its known numbers as numbers and lists as lists; what is neither stays as it is."""
    facts = dict(entry)
    if "deliver_time_interva" in facts:  # a slip in the vendor's examples
        facts.setdefault("deliver_time_interval", facts.pop("deliver_time_interva"))
    for name in _NUMBERS.intersection(facts):
        try:
            facts[name] = number(facts, name)
        except ShapeError:
            continue
    for name in _SCHEMAS.intersection(facts):
        facts[name] = _with_lists(facts[name], name)
    return facts


def _with_lists(value: t.Any, name: str = "") -> t.Any:
    if name in _SCHEMA_LISTS and not isinstance(value, list):
        value = [value] if value else []
    if isinstance(value, list):
        return [_with_lists(item) for item in value]
    if isinstance(value, dict):
        return {key: _with_lists(item, key) for key, item in value.items()}
    return value
