# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The agency to act as, on top of other credentials."""

from __future__ import annotations

import typing as t

from ansible_collections.hwcloud.streaming.plugins.module_utils._identity.credentials import (
    Credentials,
    Password,
    Token,
)
from ansible_collections.hwcloud.streaming.plugins.module_utils._wire.errors import ConfigurationError

AGENCY_DURATION = (900, 86400)  # seconds
LONGEST_AGENCY_DURATION_OF_STS = 43200


class Agency(t.NamedTuple):
    """An agency to act as, on top of other credentials; its account is named by one of the two domains."""

    name: str
    domain_name: str | None
    domain_id: str | None
    duration: int
    session_name: str = "hwcloud.streaming"

    @property
    def service(self) -> str:
        """Return the service that gives its keys: a domain's ID leads to STS v5, its name to IAM v3."""
        return "sts" if self.domain_id else "iam"


def agency(params: t.Mapping[str, t.Any], credentials: Credentials, told: t.Callable[[str], str]) -> Agency | None:
    """Return the agency to act as, or None; `told` says where an option's value came from. Raises ConfigurationError."""
    name, duration = params["agency_name"], params["agency_duration"]
    domains = {key: params[key] for key in ("agency_domain_name", "agency_domain_id") if params[key]}
    least, most = AGENCY_DURATION
    if not least <= duration <= most:
        raise ConfigurationError(f"{told('agency_duration')} is {duration}: it takes {least} to {most} seconds.")
    if not name:
        if domains:
            raise ConfigurationError(
                f"{told(next(iter(domains)))} is set but agency_name is not: set agency_name "
                "(HW_ASSUME_ROLE_AGENCY_NAME), or leave both out."
            )
        return None
    if not domains:
        raise ConfigurationError(
            f"{told('agency_name')} is set, but not the account that the agency belongs to: set agency_domain_name "
            "(HW_ASSUME_ROLE_DOMAIN_NAME; IAM v3) or agency_domain_id (HW_ASSUME_ROLE_DOMAIN_ID; STS v5)."
        )
    if len(domains) > 1:
        given = " and ".join(told(key) for key in domains)
        raise ConfigurationError(f"{given} are both set: set only one, the name (for IAM v3) or the ID (for STS v5).")
    for key, value in (("agency_name", name), *domains.items()):
        if not value.strip() or not value.isprintable():
            raise ConfigurationError(f"{told(key)} is {value!r}, which names nothing.")
    found = Agency(name, params["agency_domain_name"], params["agency_domain_id"], duration)
    if found.domain_id is None:
        return found
    if not found.domain_id.replace("-", "").replace("_", "").isalnum() or not found.domain_id.isascii():
        raise ConfigurationError(
            f"{told('agency_domain_id')} is {found.domain_id!r}: an ID has letters, digits, '-' and '_' only; "
            "the name of an account goes into agency_domain_name."
        )
    if duration > LONGEST_AGENCY_DURATION_OF_STS:
        raise ConfigurationError(
            f"{told('agency_duration')} is {duration}: with agency_domain_id it takes {least} to "
            f"{LONGEST_AGENCY_DURATION_OF_STS} seconds."
        )
    if isinstance(credentials, (Token, Password)):
        kind = "a token" if isinstance(credentials, Token) else "a user name and password"
        raise ConfigurationError(
            f"{told('agency_domain_id')} asks STS for the agency's keys, which takes signed requests only, but the "
            f"credentials are {kind}: give an access key, or name the account by agency_domain_name."
        )
    return found
