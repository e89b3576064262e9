# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is asking: IAM tokens and SDK-HMAC-SHA256 signatures, checked as the gateway checks them.

This is a second implementation on purpose. It shares no code with the collection's plugins, so that a mistake in
their signing cannot hide in a verifier that makes the same mistake.
"""

from __future__ import annotations

import calendar
import hashlib
import hmac
import re
import time
from urllib.parse import quote, unquote

from .errors import Refusal, gateway, unauthenticated
from .protocol import Request
from .reader import iso
from .world import AccessKey, Agency, World

ALGORITHM = "SDK-HMAC-SHA256"
UNSIGNED = "UNSIGNED-PAYLOAD"
DATE_WINDOW = 15 * 60 * 1000
LOCK_AFTER = 5  # wrong signatures in a row

_AUTHORIZATION = re.compile(rf"^{ALGORITHM} Access=([^,\s]+), ?SignedHeaders=([^,\s]+), ?Signature=([0-9a-fA-F]+)$")
_DATE = re.compile(r"^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$")
_PLAIN_PATH = re.compile(r"^[A-Za-z0-9_./~-]*$")


class Identity:
    """Who asks: with a token its project (None when it has no scope), with a key no project of its own."""

    __slots__ = ("agency", "by_token", "project_id")

    def __init__(self, by_token: bool, project_id: str | None, agency: Agency | None = None) -> None:
        self.by_token = by_token
        self.project_id = project_id
        self.agency = agency


def authenticate(world: World, request: Request) -> Identity:
    """Check the credentials of a request or raise the gateway's refusal."""
    token = request.headers.get("x-auth-token")
    if token is not None:
        return _by_token(world, request, token)
    authorization = request.headers.get("authorization")
    if authorization is None:
        raise Refusal(unauthenticated(request, "x-auth-token not found"))
    return _by_signature(world, request, authorization)


def _by_token(world: World, request: Request, value: str) -> Identity:
    token = world.tokens.get(value)
    if token is None:
        raise Refusal(unauthenticated(request, "decrypt token fail"))
    if token.region is not None and token.region != world.region:
        raise Refusal(gateway(request, 401, "APIGW.0307", "The token must be updated."))
    if token.expires is not None and token.expires <= world.now():
        raise Refusal(unauthenticated(request, f"token expires, expires_at: {iso(token.expires)}"))
    return Identity(True, token.project_id)


def _by_signature(world: World, request: Request, authorization: str) -> Identity:
    match = _AUTHORIZATION.match(authorization)
    if match is None:
        raise Refusal(unauthenticated(request, "the Authorization header is not in a known form"))
    access, signed, signature = match.group(1), match.group(2).split(";"), match.group(3).lower()
    key = world.access_keys.get(access)
    if key is None:
        raise Refusal(unauthenticated(request, f"ak {access} not exist"))
    if world.options.lock_keys and key.failures > LOCK_AFTER:
        raise Refusal(unauthenticated(request, "AK access failed to reach the limit,forbidden."))
    _check_security_token(world, request, key)
    date = request.headers.get("x-sdk-date", "")
    _check_date(world, request, date)
    missing = [name for name in signed if name not in request.headers]
    canonical = canonical_request(request, signed)
    wanted = sign(canonical, date, key.secret_key)
    complete = "host" in signed and "x-sdk-date" in signed and not missing
    if not complete or not hmac.compare_digest(wanted, signature):
        key.failures += 1
        echo = canonical.replace("\n", "|")
        raise Refusal(unauthenticated(request, f"verify aksk signature fail,canonicalRequest:{echo}"))
    key.failures = 0
    project_id = request.headers.get("x-project-id")
    if project_id is not None and not world.sees(key.agency, project_id):
        raise Refusal(gateway(request, 403, "APIGW.0302", f"The project {project_id} is not one of this account."))
    return Identity(False, project_id, key.agency)


def _check_security_token(world: World, request: Request, key: AccessKey) -> None:
    sent = request.headers.get("x-security-token")
    if key.security_token is None and sent is None:
        return
    if sent is None:
        # Without its security token the gateway does not know a temporary key at all.
        raise Refusal(unauthenticated(request, f"ak {key.access_key} not exist"))
    if sent != key.security_token:
        raise Refusal(unauthenticated(request, "decrypt token fail"))
    if key.expires is not None and key.expires <= world.now():
        raise Refusal(unauthenticated(request, f"token expires, expires_at: {iso(key.expires)}"))


def _check_date(world: World, request: Request, date: str) -> None:
    match = _DATE.match(date)
    if match is None:
        raise Refusal(unauthenticated(request, "the X-Sdk-Date header is missing or not in the form 20060102T150405Z"))
    mode = world.options.signature_clock
    if mode == "off":
        return
    sent = calendar.timegm(tuple(int(part) for part in match.groups())) * 1000
    now = int(time.time() * 1000) if mode == "real" else world.now()
    if abs(now - sent) > DATE_WINDOW:
        raise Refusal(unauthenticated(request, f"the request has expired, X-Sdk-Date: {date}"))


def canonical_request(request: Request, signed: list[str]) -> str:
    """The text whose hash is signed, made from the request as it came over the wire."""
    headers = "".join(f"{name}:{request.headers.get(name, '').strip()}\n" for name in signed)
    return "\n".join(
        (
            request.method,
            canonical_path(request.path),
            canonical_query(request),
            headers,
            ";".join(signed),
            _payload_hash(request),
        )
    )


def canonical_path(path: str) -> str:
    """The decoded path, each segment encoded anew, with a slash at its end."""
    if not _PLAIN_PATH.match(path):
        path = "/".join(quote(part, safe="~") for part in unquote(path).split("/"))
    return path if path.endswith("/") else path + "/"


def canonical_query(request: Request) -> str:
    """The decoded parameters, sorted by name and value, encoded anew."""
    if not request.query_string:
        return ""
    return "&".join(f"{quote(name, safe='~')}={quote(value, safe='~')}" for name, value in sorted(request.query))


def _payload_hash(request: Request) -> str:
    if request.body and request.headers.get("x-sdk-content-sha256") == UNSIGNED:
        return UNSIGNED
    return hashlib.sha256(request.body).hexdigest()


def sign(canonical: str, date: str, secret_key: str) -> str:
    """The signature of a canonical request; no key is derived."""
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    return hmac.new(secret_key.encode(), f"{ALGORITHM}\n{date}\n{digest}".encode(), "sha256").hexdigest()
