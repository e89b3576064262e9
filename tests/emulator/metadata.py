# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ECS metadata service: the session token of its second generation, and the temporary key."""

from __future__ import annotations

import secrets

from .protocol import Answer, Request
from .reader import iso
from .world import World

TOKEN_PATH = "/meta-data/latest/api/token"
KEY_PATH = "/openstack/latest/securitykey"
_PLAIN = "text/plain; charset=utf-8"


def answer(world: World, request: Request) -> Answer:
    """Answer a request for the metadata address."""
    metadata = world.metadata
    if metadata.version == "off":
        return Answer(404, b"404 Not Found", content_type=_PLAIN)
    if request.path == TOKEN_PATH:
        if metadata.version == "v1":
            return Answer(metadata.put_status, b"not supported", content_type=_PLAIN)
        if request.method != "PUT":
            return Answer(405, b"405 Method Not Allowed", content_type=_PLAIN)
        seconds = request.headers.get("x-metadata-token-ttl-seconds", "")
        if not seconds.isdigit() or not 1 <= int(seconds) <= 21600:
            return Answer(400, b"400 Bad Request", content_type=_PLAIN)
        token = "MetadataExampleToken" + secrets.token_hex(16)
        metadata.tokens.add(token)
        return Answer(200, token.encode(), [("X-Metadata-Token-Ttl-Seconds", seconds)], _PLAIN)
    if request.method != "GET":
        return Answer(405, b"405 Method Not Allowed", content_type=_PLAIN)
    if metadata.version == "v2" and request.headers.get("x-metadata-token") not in metadata.tokens:
        return Answer(401, b"401 Unauthorized", content_type=_PLAIN)
    key = metadata.credential
    if key is None or request.path != KEY_PATH:  # None: no agency is bound to the server
        return Answer(404, b"404 Not Found", content_type=_PLAIN)
    return Answer.of(
        {
            "credential": {
                "access": key.access_key,
                "secret": key.secret_key,
                "securitytoken": key.security_token,
                "expires_at": iso(key.expires or 0),
            }
        }
    )
