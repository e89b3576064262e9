# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Taking secrets out of texts that came from elsewhere, known secrets in every usual encoding, unknown ones by their place."""

from __future__ import annotations

import re
import typing as t

MASK = "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"
SHORTEST = 4  # shorter values stand in any text by chance
LONGEST_TEXT = 500

# The gateway echoes the whole canonical request, signed header values included, after this word.
_CANONICAL = re.compile(r"canonical[ _-]?request.*", re.IGNORECASE | re.DOTALL)
# Between a label and its value: quotes, as they are or escaped, and a colon, equals sign or (in a list) comma.
_BETWEEN = r"(?:[\\\"']*\s*(?:[:=]|%3A|%3D|(?<=[\"'])\s*,)>?(?:\s|%20|\+)*[\[(]?b?[\\\"']+|[\\\"']*\s*(?:[:=]|%3A|%3D)(?:\s|%20|\+)*)"
# An Authorization value has blanks inside, the others end at the first one.
_LABELLED = re.compile(
    rf"(authorization{_BETWEEN})[^|\"'\n]+"
    rf"|((?:x-auth-token|x-subject-token|x-security-token|x-metadata-token|signature){_BETWEEN})[^\s,;|\"'}}\])<&]+",
    re.IGNORECASE,
)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]+")


class Cleaner:
    """Cleans texts of a set of secrets that may grow while a call runs."""

    def __init__(self) -> None:
        self.secrets: set[str] = set()
        self._pattern: re.Pattern[str] | None = None

    def add(self, *secrets: str | None) -> None:
        """Remember secrets; None and empty ones are ignored."""
        self.secrets.update(secret for secret in secrets if secret)
        self._pattern = None

    def clean(self, text: str) -> str:
        """Return the text without secrets, on one line and of bounded length."""
        text = _CANONICAL.sub("canonicalRequest removed", text)
        text = _LABELLED.sub(lambda found: (found[1] or found[2]) + MASK, text)
        if self._pattern is None:
            forms = {form for secret in self.secrets if len(secret) >= SHORTEST for form in _forms(secret)}
            alternatives = sorted(forms, key=lambda form: (-len(form), form))
            self._pattern = re.compile("|".join(map(re.escape, alternatives)) or r"(?!)", re.IGNORECASE)
        text = " ".join(_CONTROL.sub(" ", self._pattern.sub(MASK, text)).split())
        return text if len(text) <= LONGEST_TEXT else text[:LONGEST_TEXT] + "..."


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
    yield from (repr(secret)[1:-1], html.escape(secret), html.escape(secret, quote=False))
    for offset in range(3):
        # The characters at the ends also depend on the neighbouring bytes; those between are the secret's own.
        start, end = (offset * 8 + 5) // 6, (offset + len(raw)) * 8 // 6
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            inner = encode(b"\0" * offset + raw).decode()[start:end]
            if len(inner) >= SHORTEST:
                yield inner
