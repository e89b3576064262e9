# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a region to the base URLs of the services."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from ansible_collections.hwcloud.streaming.plugins.module_utils._options import CONNECTION
from ansible_collections.hwcloud.streaming.plugins.module_utils._wire.errors import ConfigurationError
from ansible_collections.hwcloud.streaming.plugins.module_utils._wire.request import Endpoint

DEFAULT_CLOUD = "myhuaweicloud.com"
EUROPEAN_CLOUD = "myhuaweicloud.eu"
_DOMAIN = re.compile(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*(:[0-9]+)?\Z")

# Other tools want these at the end of the URL.
_TAILS = {"iam": ("/v3/auth/tokens", "/v3.0", "/v3"), "sts": ("/v5",)}


def parse(option: str, value: str) -> Endpoint:
    """Return the endpoint that a full base URL names, or say what is wrong with it."""
    service = option.partition("_")[0]
    example = CONNECTION.get(option, {}).get("default") or f"https://{service}.eu-west-101.{EUROPEAN_CLOUD}"
    way_out = f"{option} takes a full base URL such as {example}"
    value = value.strip()
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:  # its text may quote a password
        raise ConfigurationError(f"{option} is not a URL; {way_out}.") from None
    if parts.username or parts.password:
        raise ConfigurationError(f"{option} must not hold a user name or password; {way_out}.")
    if port == 0:
        raise ConfigurationError(f"{option} is {value!r}: port 0 is no port that can be reached; {way_out}.")
    writable = value.isascii() and value.isprintable() and " " not in value
    if not writable or parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        shown = "not a URL" if "@" in value else repr(value)
        raise ConfigurationError(f"{option} is {shown}; {way_out}.")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    if port and port != {"http": 80, "https": 443}[parts.scheme]:
        host += f":{port}"
    prefix = parts.path.rstrip("/")
    return Endpoint(f"{parts.scheme}://{host}{prefix}", host, prefix)


def is_loopback(endpoint: Endpoint) -> bool:
    """Tell whether what is sent to an endpoint stays on this host."""
    name = (urlsplit(endpoint.url).hostname or "").rstrip(".")
    return name in ("localhost", "::1") or bool(re.match(r"127(\.[0-9]{1,3}){3}\Z", name))


def resolve(service: str, region: str | None, cloud: str | None, override: str | None) -> Endpoint:
    """Return the endpoint of `dis`, `dms`, `iam` or `sts`: the override, or `https://{service}.{region}.{cloud}`."""
    option = f"{service}_endpoint"
    if override:
        endpoint = parse(option, override)
        for tail in _TAILS.get(service, ()):
            if endpoint.prefix.endswith(tail):
                return parse(option, endpoint.url[: -len(tail)])
        return endpoint
    if not region:
        raise ConfigurationError(
            f"region is missing: set region or HUAWEICLOUD_REGION (for example eu-west-101), or {option} to a full base URL."
        )
    if not region.replace("-", "").replace("_", "").isalnum() or not region.isascii():
        raise ConfigurationError(f"region is {region!r}; a region is written like eu-west-101.")
    if cloud and not _DOMAIN.match(cloud.strip("./")):
        raise ConfigurationError(f"cloud is {cloud!r}; it takes a domain such as {DEFAULT_CLOUD}.")
    if not cloud:
        # eu-west-101 and its successors live under their own domain; eu-west-0 does not.
        cloud = EUROPEAN_CLOUD if region.startswith("eu-west-1") else DEFAULT_CLOUD
    return parse("cloud", f"https://{service}.{region}.{cloud.strip('./')}")
