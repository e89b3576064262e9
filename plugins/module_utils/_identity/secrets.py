# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Taking secrets out of texts that came from elsewhere, known secrets in every usual encoding, unknown ones by their place."""

from __future__ import annotations

import re
import typing as t

MASK = "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"
SHORTEST = 4  # shorter values stand in any text by chance
SHORTEST_BROKEN = 8  # likewise, when blanks do not count
SHORTEST_NAME = 8  # likewise, in sentences about resources
# Of a part of a secret: with digits and letters in it, with small and capital ones in a way that words do not have, any.
SHORTEST_PART, SHORTEST_MIXED, SHORTEST_WORDLESS = 8, 12, 20
LONGEST_TEXT = 500
LONGEST_READ = 16 * 1024  # characters of a text that are looked at
DEPTH = 3  # encodings within encodings

# The gateway echoes the whole canonical request, signed header values included, after this word.
_CANONICAL = re.compile(r"canonical[ _-]?request.*", re.IGNORECASE | re.DOTALL)
# Between a label and its value: what closes the one, a sign or words of a list of pairs, what opens the other.
_BETWEEN = (
    r"[\\\"'\])]*\s*(?:(?:[:=]|%3A|%3D)>?|[-=]?>|(?<=[\"'])\s*,(?:\s*[\\\"']*value[\\\"']*\s*:)?)"
    r"(?:\s|%20|\+|[\\\"'\[(<]|b(?=[\\\"']))*"
)
_TOKEN = r"(?:x[-_](?:auth|subject|security|metadata)[-_]token)"
# An Authorization value has blanks inside, the others end at the first one. Without a sign between, a value has a digit.
_LABELLED = re.compile(
    rf"(authorization{_BETWEEN})[^|\"'\n]+"
    rf"|((?:{_TOKEN}|signature){_BETWEEN})[^\s,;|\"'}}\])<>&]+"
    rf"|({_TOKEN}[ \[(<]{{1,9}})(?=[^\s\d]{{0,99}}\d)[^\s,;|\"'}}\])<>&]{{8,}}",
    re.IGNORECASE,
)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
# A run of backslashes is looked at from its start only: it may be thousands long.
_ESCAPED = re.compile(r"(?<!\\)\\+(?:u00|x)([0-9a-fA-F]{2})|\\([nrtbf\"'/\\])|\\([0-3][0-7]{2})")
_DIGIT, _LETTER = re.compile(r"[0-9]"), re.compile(r"[^\W\d_]")
_MIXED = re.compile(r"[a-z][A-Z]|[A-Z]{2}[a-z]")
_LETTERS = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}


class Cleaner:
    """Cleans texts of a set of secrets that may grow while a call runs."""

    def __init__(self) -> None:
        self.secrets: set[str] = set()
        self._patterns: tuple[re.Pattern[str], re.Pattern[str]] | None = None

    def add(self, *secrets: str | None) -> None:
        """Remember secrets; None and empty ones are ignored."""
        self.secrets.update(secret for secret in secrets if secret)
        self._patterns = None

    def clean(self, text: str) -> str:
        """Return the text without secrets, on one line and of bounded length."""
        cleaned = decoded = self._masked(text[:LONGEST_READ])
        for decode in _decoders() * DEPTH:
            deeper = decode(decoded)
            decoded = self._masked(deeper)
            if decoded != deeper:  # a secret was in there: only the decoded form can be shown without it
                cleaned = decoded
        broken = self._known()[1]
        whole = "".join(cleaned.split())
        if broken.search(whole) or broken.search(whole.replace(":", "")):
            return MASK
        cleaned = _shown(" ".join(_CONTROL.sub(" ", self._without_parts(cleaned)).split()))
        if len(text) > LONGEST_READ and len(cleaned) <= LONGEST_TEXT:  # the last word may be the half of a secret
            return f"{cleaned.rpartition(' ')[0]} ...".lstrip()
        return bounded(cleaned)

    def mask(self, texts: t.Sequence[str]) -> list[str]:
        """Return sentences of the collection's own without known secrets and control characters, at their whole length.

        Names of resources stand in them, and a secret may be such a name; short ones are left alone, since they also
        stand in names and in the collection's own words by chance. There may be thousands of sentences, so all are
        searched at once first.
        """
        whole = "\n".join(texts).lower()
        forms = {form for secret in self.secrets if len(secret) >= SHORTEST_NAME for form in _forms(secret)}
        found = _any_of(form for form in forms if form.lower() in whole)
        return [_shown(_CONTROL.sub(" ", found.sub(MASK, text))) for text in texts]

    def _masked(self, text: str) -> str:
        text = _CANONICAL.sub("canonicalRequest removed", text)
        text = _LABELLED.sub(lambda found: (found[1] or found[2] or found[3]) + MASK, text)
        return self._known()[0].sub(MASK, text)

    def _without_parts(self, text: str) -> str:
        """Return the text without long beginnings and ends of known secrets: a shortened token is still a part of it."""
        for secret in self.secrets:
            for piece, step in ((_shortest_part(secret), 1), (_shortest_part(secret[::-1])[::-1], -1)):
                text = _without_part(text, secret, piece, step) if piece else text
        return text

    def _known(self) -> tuple[re.Pattern[str], re.Pattern[str]]:
        """Return what finds the known secrets in all their forms, and the long ones in a text without blanks."""
        if self._patterns is None:
            self._patterns = (
                _any_of(form for secret in self.secrets if len(secret) >= SHORTEST for form in _forms(secret)),
                _any_of(
                    "".join(form.split())
                    for secret in self.secrets
                    if len("".join(secret.split())) >= SHORTEST_BROKEN
                    for form in _forms(secret)
                ),
            )
        return self._patterns


def bounded(text: str) -> str:
    """Return a text that names a resource at a length that can be read."""
    return text if len(text) <= LONGEST_TEXT else f"{text[:LONGEST_TEXT]}..."


def _shown(text: str) -> str:
    """Return a text with escapes for what a terminal does not show but does, such as turning the direction of writing."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)


def _shortest_part(secret: str) -> str:
    """Return the shortest beginning of a secret that no text holds by chance, or nothing: it must be no word or number."""
    for length in range(SHORTEST_PART, min(len(secret) - 1, SHORTEST_WORDLESS) + 1):
        part = secret[:length]
        if length == SHORTEST_WORDLESS or (_DIGIT.search(part) and _LETTER.search(part)):
            return part
        if length >= SHORTEST_MIXED and _MIXED.search(part):
            return part
    return ""


def _without_part(text: str, secret: str, piece: str, step: int) -> str:
    """Mask each place where a secret's beginning (step 1) or end (-1) of at least `piece` stands, as far as it goes."""
    place = text.find(piece)
    while place >= 0:
        start, end = place, place + len(piece)
        length = len(piece)
        if step > 0:
            while length < len(secret) and end < len(text) and text[end] == secret[length]:
                length, end = length + 1, end + 1
        else:
            while length < len(secret) and start > 0 and text[start - 1] == secret[-length - 1]:
                length, start = length + 1, start - 1
        text = text[:start] + MASK + text[end:]
        place = text.find(piece, start + len(MASK))
    return text


def _any_of(forms: t.Iterable[str]) -> re.Pattern[str]:
    alternatives = sorted(set(forms), key=lambda form: (-len(form), form))
    return re.compile("|".join(map(re.escape, alternatives)) or r"(?!)", re.IGNORECASE)


def _decoders() -> tuple[t.Callable[[str], str], ...]:
    """Return what takes one layer off: of JSON's and Python's escapes, of those of URLs, of HTML's."""
    import html
    from urllib.parse import unquote

    def unescaped(found: re.Match[str]) -> str:
        if found[2]:
            return _LETTERS.get(found[2], found[2])
        return chr(int(found[1], 16) if found[1] else int(found[3], 8))

    return (lambda text: _ESCAPED.sub(unescaped, text)), unquote, html.unescape


def _forms(secret: str) -> t.Iterator[str]:
    """Yield a secret as it may be written: plain, URL-encoded, base64 at each alignment, hex, in JSON, Python and HTML."""
    import base64
    import html
    import json
    from urllib.parse import quote, quote_plus

    raw = secret.encode("utf-8", "surrogateescape")
    yield from (secret, quote(raw), quote(raw, safe=""), quote(raw, safe="!*'()"), quote_plus(raw), raw.hex())
    for escaped in (json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]):
        yield from (escaped, escaped.replace("/", "\\/"), json.dumps(escaped)[1:-1])
    if not secret.isascii():  # as bytes in Python, and as a header's UTF-8 comes out of http.client
        misread = raw.decode("latin-1")
        yield from (repr(raw)[2:-1], misread, html.escape(misread), json.dumps(misread)[1:-1], quote(misread))
    yield from (repr(secret)[1:-1], html.escape(secret), html.escape(secret, quote=False))
    for offset in range(3):
        # The characters at the ends also depend on the neighbouring bytes; those between are the secret's own.
        start, end = (offset * 8 + 5) // 6, (offset + len(raw)) * 8 // 6
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            inner = encode(b"\0" * offset + raw).decode()[start:end]
            if len(inner) >= SHORTEST:
                yield inner
