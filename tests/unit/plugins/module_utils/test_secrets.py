# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets go out of texts: known ones in every encoding, unknown ones by their place; nothing else does."""

from __future__ import annotations

import base64
import html
import json
import re
import time
import typing as t
from urllib.parse import quote, quote_plus

import pytest
from ansible_collections.hwcloud.streaming.plugins.module_utils._identity.secrets import (
    LONGEST_READ,
    LONGEST_TEXT,
    MASK,
    Cleaner,
)
from hypothesis import given, settings
from hypothesis import strategies as some

SECRETS = [
    "Example/Secret+1=",
    "quote\"back\\slash'",
    "ümlaut und blanks",
    "<tag>&amp;",
    "a\nb\tc",
    "MIIEexample0123==",
]
FORMS: dict[str, t.Callable[[str], str]] = {
    "plain": str,
    "lower case": str.lower,
    "URL": quote,
    "URL, slashes too": lambda text: quote(text, safe=""),
    "URL, form": quote_plus,
    "URL, small letters": lambda text: quote(text, safe="").replace("%2F", "%2f").replace("%3D", "%3d"),
    "URL, as JavaScript": lambda text: quote(text, safe="!~*'()"),
    "hex": lambda text: text.encode().hex(),
    "HEX": lambda text: text.encode().hex().upper(),
    "JSON": lambda text: json.dumps(text)[1:-1],
    "JSON, not ASCII": lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
    "JSON, slashes too": lambda text: json.dumps(text)[1:-1].replace("/", "\\/"),
    "JSON in JSON": lambda text: json.dumps(json.dumps(text)[1:-1])[1:-1],
    "Python": lambda text: repr(text)[1:-1],
    "HTML": html.escape,
    "Python, bytes": lambda text: repr(text.encode())[2:-1],
    "UTF-8 read as Latin-1": lambda text: text.encode().decode("latin-1"),
    "URL, twice": lambda text: quote(quote(text, safe=""), safe=""),
    "URL, every byte": lambda text: "".join(f"%{byte:02X}" for byte in text.encode()),
    "JSON, every ASCII letter": lambda text: "".join(
        f"\\u{ord(letter):04x}" if letter.isascii() else letter for letter in text
    ),
    "Python, every ASCII letter": lambda text: "".join(
        f"\\x{ord(letter):02X}" if letter.isascii() else letter for letter in text
    ),
    "JSON, signs of HTML too": lambda text: re.sub(
        "[=&<>']", lambda sign: f"\\u{ord(sign[0]):04x}", json.dumps(text, ensure_ascii=False)[1:-1]
    ),
    "octal, every byte": lambda text: "".join(f"\\{byte:03o}" for byte in text.encode()),
    "HTML, numbers": lambda text: "".join(f"&#{ord(letter)};" for letter in text),
    "HTML, hex numbers": lambda text: "".join(f"&#x{ord(letter):X};" for letter in text),
}


def cleaner_of(*secrets: str | None) -> Cleaner:
    cleaner = Cleaner()
    cleaner.add(*secrets)
    return cleaner


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("secret", SECRETS)
def test_every_form_of_a_known_secret(secret: str, form: str) -> None:
    written = FORMS[form](secret)
    told = cleaner_of(secret).clean(f"before [{written}] after")
    assert told == f"before [{MASK}] after"


@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
@pytest.mark.parametrize("around", ["", "u", "us", "use", "user:", "Basic user:"])
def test_base64_wherever_the_secret_begins(around: str, encode: t.Callable[[bytes], bytes]) -> None:
    secret = "Example?Secret>Value~~~"
    written = encode(f"{around}{secret}tail".encode()).decode()
    told = cleaner_of(secret).clean(written)
    assert MASK in told
    left = told.replace(MASK, "")
    assert len(left) <= len(written) - len(secret)  # what is left holds the surroundings
    alone = encode(secret.encode()).decode()
    assert MASK in cleaner_of(secret).clean(alone)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(some.text(min_size=6, max_size=30).filter(lambda text: text.strip() == text))
def test_any_secret_in_any_form(secret: str) -> None:
    for form, write in FORMS.items():
        if form == "lower case":
            continue  # not for every letter there is one of the other case
        if form.startswith("HTML, ") and not secret.isprintable():
            continue  # HTML has no numbers for these
        try:
            written = write(secret)
        except UnicodeEncodeError:
            continue
        assert written not in cleaner_of(secret).clean(f"before {written} after"), form


LABELLED = [
    "X-Auth-Token: {}",
    "x-auth-token={}",
    'x-security-token": "{}"',
    "'X-Subject-Token': '{}'",
    "('x-security-token', '{}')",
    "b'X-Auth-Token': b'{}'",
    '\\"x-auth-token\\": \\"{}\\"',
    "x-auth-token%3A%20{}",
    "x-metadata-token:{}",
    "Signature={}",
    "Signature={}, more",
    "signature: {}",
    "x-auth-token: {}|x-project-id: p",
    "Authorization: SDK-HMAC-SHA256 Access=AK, SignedHeaders=a;b, Signature={}",
    "'authorization': 'Basic {}'",
    "authorization={}",
    "authorization%3ABasic%20{}",
    "verify aksk signature fail,canonicalRequest:GET|/v2/||x-security-token:{}|host;x|e3b0",
    "canonicalRequest: GET\n/v2/\n\nx-security-token:{}\n",
    '{{"canonicalRequest": "x {}"}}',
    "CANONICAL_REQUEST = {}",
    "X-Auth-Token => {}",
    "x-auth-token -> {}",
    "x-auth-token: <{}>",
    "<x-auth-token>{}</x-auth-token>",
    '[{{"name":"X-Auth-Token","value":"{}"}}]',
    "x-auth-token\\u003a{}",
    "header x-auth-token [{}] rejected",
    "x_auth_token={}",
    "X-Auth-Token {} is wrong",
    "x%2Dsecurity%2Dtoken%3D{}",
]


@pytest.mark.parametrize("text", LABELLED)
def test_unknown_secrets_by_their_place(text: str) -> None:
    told = Cleaner().clean("before, " + text.format("U5nkn0wn/Value+=="))
    assert "U5nkn0wn" not in told
    assert told.startswith("before, ")


@pytest.mark.parametrize(
    "text",
    [
        "Incorrect IAM authentication information: x-auth-token not found",
        "The token must be updated.",
        "authorization failed for user example",
        "verify aksk signature fail",
        "Invalid Token header. [ExampleTask]",
        "x-auth-token expires, expires_at: 2026",
        "100% of {a} &amp; <b> \\u0041 %41",
    ],
)
def test_plain_words_stay(text: str) -> None:
    assert Cleaner().clean(text) == text


@pytest.mark.parametrize(
    "broken",
    [
        lambda secret: secret[:9] + "\n  " + secret[9:],
        " ".join,
        lambda secret: secret.encode().hex(":"),
        lambda secret: secret.encode().hex(" "),
        lambda secret: base64.encodebytes(secret.encode() * 2).decode(),
    ],
)
def test_a_secret_with_blanks_in_between(broken: t.Callable[[str], str]) -> None:
    secret = "Example/Secret+Value~0123456789abcdef0123456789abcdef0123456789"
    assert cleaner_of(secret).clean(f"before {broken(secret)} after") == MASK
    assert cleaner_of("them").clean("the message") == "the message"  # too short to be looked for so


def test_a_huge_text_is_cut_before_it_is_looked_through() -> None:
    assert cleaner_of("Example-Secret").clean("x" * 40_000_000 + "Example-Secret") == "x" * LONGEST_TEXT + "..."


def test_a_secret_is_not_halved_where_a_huge_text_is_cut() -> None:
    for before in (LONGEST_READ - 5, LONGEST_READ - 1):
        assert cleaner_of("Example-Secret").clean("word" + " " * (before - 4) + "Example-Secret") == "word ..."
    assert Cleaner().clean("word" + " " * LONGEST_READ) == "..."


def test_short_secrets_would_garble_any_text() -> None:
    assert cleaner_of("a", "abc", None, "").clean("a b abc abcd") == "a b abc abcd"
    assert cleaner_of("abcd").clean("xabcdx") == f"x{MASK}x"


def test_the_longest_form_goes_first() -> None:
    assert cleaner_of("token", "token-and-more").clean("token-and-more, token") == f"{MASK}, {MASK}"


def test_secrets_that_are_learned_later() -> None:
    cleaner = cleaner_of("first-secret")
    assert cleaner.clean("second-secret") == "second-secret"
    cleaner.add("second-secret")
    assert cleaner.clean("first-secret second-secret") == f"{MASK} {MASK}"


def test_one_line_of_bounded_length_and_nothing_that_moves_the_cursor() -> None:
    assert Cleaner().clean("a\n b\r\n\tc\x1b[31m\x00d\x9be") == "a b c [31m d e"
    assert Cleaner().clean("x" * LONGEST_TEXT) == "x" * LONGEST_TEXT
    assert Cleaner().clean("x" * (LONGEST_TEXT + 1)) == "x" * LONGEST_TEXT + "..."


LONG_TOKEN = "MIIExampleToken0123456789abcdefExampleEnd=="


@pytest.mark.parametrize(
    ("secret", "part"),
    [
        (LONG_TOKEN, LONG_TOKEN[:-1]),
        (LONG_TOKEN, LONG_TOKEN[:12]),
        (LONG_TOKEN, LONG_TOKEN[-14:]),
        (LONG_TOKEN, LONG_TOKEN[1:]),
        ("AKEXAMPLE0000000001", "AKEXAMPLE0"),
        ("Passw0rd-of-the-example", "Passw0rd"),
        ("correct-horse-battery-staple", "correct-horse-battery"),
    ],
)
def test_a_shortened_secret_is_still_a_part_of_it(secret: str, part: str) -> None:
    for text in ("token:{}...", "{}", "({})", "a {}, {} b"):
        assert cleaner_of(secret).clean(text.format(part, part)) == text.format(MASK, MASK)


@pytest.mark.parametrize(
    ("secret", "text"),
    [
        ("production-database-2026", "the production environment, the database"),
        ("authorization-1", "authorization failed"),
        ("2026010203040506070809", "in 20260102 and 0809"),
        ("Not-found-0001", "Not-found"),
        ("streaming", "streamin"),
        ("InvalidParameter42", "Invalid"),
        (LONG_TOKEN, "MIIExample and End=="),
    ],
)
def test_common_words_are_no_parts_of_secrets(secret: str, text: str) -> None:
    assert cleaner_of(secret).clean(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "\\" * LONGEST_READ,
        "authorization" + "\\" * LONGEST_READ,
        "x-auth-token " + "[" * LONGEST_READ,
        "signature=" + " " * LONGEST_READ,
        "'\\\"" * LONGEST_READ,
    ],
)
def test_the_time_grows_with_the_text_only(text: str) -> None:
    """Ten times as long a text takes about ten times as long: what grows with the square takes a hundred times."""
    cleaner = Cleaner()
    cleaner.add(*SECRETS)

    def seconds(text: str) -> float:
        began = time.process_time()
        cleaner.clean(text)
        return time.process_time() - began

    small = min(seconds(text[: len(text) // 10]) for _try in range(3))
    assert seconds(text) < 40 * max(small, 0.001)
