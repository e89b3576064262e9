# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Our signatures and those of the vendor's own signer are the same, for any request."""

# mypy: disable-error-code="no-untyped-call,attr-defined"

from __future__ import annotations

import typing as t
from urllib.parse import quote

from ansible_collections.hwcloud.streaming.plugins.module_utils._identity.signature import sign
from ansible_collections.hwcloud.streaming.plugins.module_utils._wire.request import encode_query
from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkcore.sdk_request import SdkRequest
from huaweicloudsdkcore.signer.signer import Signer
from hypothesis import given, settings
from hypothesis import strategies as some

WORDS = some.text(some.characters(codec="utf-8"), max_size=12)
SEGMENTS = WORDS.filter(lambda word: "/" not in word)
ASCII = some.text(some.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=20)
HEADERS = some.dictionaries(some.from_regex(r"X-[A-Za-z][A-Za-z_-]{0,8}", fullmatch=True), ASCII, max_size=4)


@settings(max_examples=300, deadline=None)
@given(
    method=some.sampled_from(["GET", "POST", "PUT"]),
    segments=some.lists(SEGMENTS, max_size=5),
    query=some.dictionaries(WORDS.filter(bool), some.one_of(WORDS, some.integers(), some.booleans()), max_size=4),
    headers=HEADERS,
    body=WORDS,
    secret=ASCII,
)
def test_same_as_the_vendors(
    method: str, segments: list[str], query: dict[str, t.Any], headers: dict[str, str], body: str, secret: str
) -> None:
    path = "/" + "/".join(quote(segment, safe="~") for segment in segments)
    headers = {name: value for name, value in headers.items() if name.lower() != "x-sdk-content-sha256"}
    if len({name.lower() for name in headers}) < len(headers):
        return
    everything = {**headers, "Content-Type": "application/json", "X-Sdk-Date": "20240101T000000Z"}
    request = SdkRequest(
        method=method,
        schema="https",
        host="dis.example.com:20004",
        resource_path=path,
        uri=path,
        header_params=dict(everything),
        query_params=list(query.items()),
        body=body,
    )
    signer = Signer(BasicCredentials("AKEXAMPLE", secret))
    theirs = signer.sign(request).header_params["Authorization"]
    ours = sign(
        "AKEXAMPLE",
        secret,
        method,
        path,
        encode_query(query),
        {"Host": "dis.example.com:20004", **everything},
        body.encode(),
    )
    assert ours == theirs
