# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The signature of a request (SDK-HMAC-SHA256). Source: the official SDK's signer."""

from __future__ import annotations

import hashlib
import hmac
import typing as t
from urllib.parse import quote, unquote

ALGORITHM = "SDK-HMAC-SHA256"


def canonical_request(method: str, path: str, query: str, headers: t.Mapping[str, str], body: bytes) -> tuple[str, str]:
    """Return (canonical request, names of the signed headers).

    `path` is percent-encoded as on the wire; the canonical form is encoded anew and ends with a slash, which the
    request itself does not. `query` is already sorted and encoded. Headers with "_" in their name are not signed.
    Source: the official SDK's signer.
    """
    uri = "/".join(quote(part, safe="~") for part in unquote(path).split("/"))
    signed = {name.lower(): value.strip() for name, value in headers.items() if "_" not in name}
    names = ";".join(sorted(signed))
    lines = "".join(f"{name}:{signed[name]}\n" for name in sorted(signed))
    slash = "" if uri.endswith("/") else "/"
    return f"{method}\n{uri}{slash}\n{query}\n{lines}\n{names}\n{hashlib.sha256(body).hexdigest()}", names


def sign(
    access_key: str, secret_key: str, method: str, path: str, query: str, headers: t.Mapping[str, str], body: bytes
) -> str:
    """Return the Authorization header's value for a request whose headers hold Host and X-Sdk-Date."""
    canonical, names = canonical_request(method, path, query, headers, body)
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    to_sign = f"{ALGORITHM}\n{headers['X-Sdk-Date']}\n{digest}"
    signature = hmac.new(secret_key.encode(), to_sign.encode(), hashlib.sha256).hexdigest()
    return f"{ALGORITHM} Access={access_key}, SignedHeaders={names}, Signature={signature}"
