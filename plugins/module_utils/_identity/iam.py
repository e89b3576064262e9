# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The questions to IAM, STS and the ECS metadata service: a token, temporary keys, a project's ID."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.hwcloud.streaming.plugins.module_utils._identity.agency import Agency
from ansible_collections.hwcloud.streaming.plugins.module_utils._identity.credentials import (
    Credentials,
    Keys,
    Metadata,
    Password,
    Token,
    fit_for_header,
)
from ansible_collections.hwcloud.streaming.plugins.module_utils._wire.client import Client
from ansible_collections.hwcloud.streaming.plugins.module_utils._wire.errors import (
    ConfigurationError,
    Failure,
    ShapeError,
)
from ansible_collections.hwcloud.streaming.plugins.module_utils._wire.request import Flow, Request, Service

METADATA_TIMEOUT = 5.0  # seconds; on an ECS it answers at once, elsewhere nobody does
METADATA_TOKEN_LIFETIME = "21600"
AGENCY_RENEWED_EVERY = 300.0  # seconds, at most that often; the keys live for 900 at least


_PROTECTED = re.compile(
    r"login[ _-]?protect|\bmfa\b|multi[ -]?factor|two[ -]?(?:factor|step)|second[ -]factor|verification code|\btotp\b",
    re.IGNORECASE,
)


def _advice(failure: Failure) -> str:
    """Return the way out of a failure to get a token, an agency's keys, or a project's ID."""
    if failure.kind not in ("authentication", "authorization", "not_found", "invalid_request"):
        return ""
    path = failure.path or ""
    if path.endswith("/securitytokens") or failure.service == "sts":
        if failure.kind == "not_found":
            other = "agency_domain_name (IAM v3)" if failure.service == "sts" else "agency_domain_id (STS v5)"
            return (
                "Check agency_name and the account that it belongs to. A cloud that does not have this API may have "
                f"the other one: set {other} in place of the other option."
            )
        first = "Check that the credentials are right and not expired. " if failure.kind == "authentication" else ""
        return (
            f"{first}Check agency_name and the account that it belongs to, that the agency trusts the account that asks, and "
            "that the user may switch to it (IAM: Agent Operator; STS: sts:agencies:assume). Some clouds also ask for "
            "the ID of the asking account: set domain_id (HUAWEICLOUD_SDK_DOMAIN_ID)."
        )
    if path.endswith("/projects") and failure.kind in ("authorization", "not_found"):
        return (
            "The project's ID is looked up only because project_id is not set: set project_id "
            "(HUAWEICLOUD_SDK_PROJECT_ID; the console shows it under My Credentials), or give the user the right "
            "iam:projects:listProjects."
        )
    if path.endswith("/auth/tokens") and failure.kind == "not_found":
        return "Check region, project_name and the project ID, and that the endpoint is one of IAM."
    if failure.method == "POST" and failure.kind in ("authentication", "authorization"):
        if _PROTECTED.search(failure.error_msg or ""):
            return (
                "The user has login protection, so that a password alone is not enough: use an access key, "
                "or a user for programmatic access without login protection."
            )
        return "Check username and password, and that domain_name is the name of the account that the user belongs to."
    return ""


def _advice_of_metadata(_failure: Failure) -> str:
    return "Only an ECS that has an agency has temporary keys: bind one to it, or choose another auth_type."


IAM, STS = Service("iam", advice=_advice), Service("sts", advice=_advice)
METADATA = Service("metadata", advice=_advice_of_metadata, proxied=False)


def _is_id(value: t.Any) -> bool:
    return isinstance(value, str) and value.isascii() and value.replace("-", "").replace("_", "").isalnum()


class Project(t.NamedTuple):
    """The project that the requests are for; the ID is looked up by the name when it is not given.

    origin: where the name came from, when it was a variable.
    """

    id: str | None
    name: str | None
    origin: str = ""


class Acting(t.NamedTuple):
    """An agency to act as, and the ID of the account that asks for it, when it is known."""

    agency: Agency
    domain_id: str | None


Learned = t.Callable[..., None]  # is told every secret that is obtained on the way


def authenticate(
    client: Client, credentials: Credentials, project: Project, learned: Learned, acting: Acting | None = None
) -> Flow:
    """Give the client its credentials and its project ID; return whether that worked (if not, the client has a failure).

    What the client has of them already, from a call before, it keeps.
    """

    def obtain() -> Flow:
        obtained = yield _obtained(client, credentials, project, learned, acting)
        client.credentials = obtained or client.credentials
        return obtained is not None

    if acting:
        client.renewal.flow, client.renewal.every = obtain, AGENCY_RENEWED_EVERY
    elif isinstance(credentials, Password) or (isinstance(credentials, Metadata) and client.credentials):
        client.renewal.flow = obtain
    if client.credentials is None and not (yield obtain()):
        return False
    client.project_id = project.id or client.project_id
    if client.project_id is None:
        yield _project_id(client, project)
    return client.project_id is not None


def _obtained(
    client: Client, credentials: Credentials, project: Project, learned: Learned, acting: Acting | None
) -> Flow:
    """Return the credentials to ask with, or None (the client has a failure then)."""
    base: t.Any = credentials
    if isinstance(credentials, Password):
        base, domain_id = yield _token(client, credentials, None if acting else project, learned)
        acting = acting and acting._replace(domain_id=acting.domain_id or domain_id)
    elif isinstance(credentials, Metadata):
        base = yield _temporary_keys(learned)
    if base is None or acting is None:
        return base
    return (yield (_assumed_of_sts if acting.agency.domain_id else _assumed_of_iam)(base, acting, learned))


def _assumed_of_iam(base: Token | Keys, acting: Acting, learned: Learned) -> Flow:
    """Return an agency's keys. Source: IAM POST /v3.0/OS-CREDENTIAL/securitytokens."""
    agency = acting.agency
    role = {
        "agency_name": agency.name,
        "domain_name": agency.domain_name,
        "duration_seconds": agency.duration,
    }
    reply = yield Request(
        IAM,
        "POST",
        "/v3.0/OS-CREDENTIAL/securitytokens",
        f"the temporary keys of agency {agency.name} of account {agency.domain_name}",
        lambda body: _keys(body, "credential", ("access", "secret", "securitytoken")),
        body={"auth": {"identity": {"methods": ["assume_role"], "assume_role": role}}},
        **_asking(base, acting),
    )
    return _kept(reply, learned)


def _assumed_of_sts(base: Keys, acting: Acting, learned: Learned) -> Flow:
    """Return an agency's keys. Source: STS POST /v5/agencies/assume."""
    agency = acting.agency
    reply = yield Request(
        STS,
        "POST",
        "/v5/agencies/assume",
        f"the temporary keys of agency {agency.name} of account {agency.domain_id}",
        lambda body: _keys(body, "credentials", ("access_key_id", "secret_access_key", "security_token")),
        body={
            "agency_urn": f"iam::{agency.domain_id}:agency:{agency.name}",
            "agency_session_name": agency.session_name,
            "duration_seconds": agency.duration,
        },
        **_asking(base, acting),
    )
    return _kept(reply, learned)


def _asking(base: Token | Keys, acting: Acting) -> dict[str, t.Any]:
    """Return what a request with the base credentials has: some clouds refuse it without the ID of the account that asks."""
    headers = {"X-Domain-Id": acting.domain_id} if acting.domain_id else None
    return {"signed": False, "scoped": False, "credentials": base, "headers": headers}


def _kept(reply: t.Any, learned: Learned) -> Keys | None:
    if reply.failure:
        return None
    keys: Keys = reply.value
    learned(*keys.secrets())
    return keys


def _token(client: Client, user: Password, project: Project | None, learned: Learned) -> Flow:
    """Log in with a password, for a project or (None) for the account. Source: IAM POST /v3/auth/tokens.

    Returns the token and the ID of the user's account, each None when there is none.
    """
    domain = {"id": user.domain_id} if user.domain_id else {"name": user.domain_name}
    scope: dict[str, t.Any] = {"domain": domain}
    if project:
        scope = {"project": {"id": project.id} if project.id else {"name": project.name, "domain": domain}}
    reply = yield Request(
        IAM,
        "POST",
        "/v3/auth/tokens",
        f"a token for user {user.username}",
        lambda body: body,
        body={
            "auth": {
                "identity": {
                    "methods": ["password"],
                    "password": {"user": {"name": user.username, "password": user.password, "domain": domain}},
                },
                "scope": scope,
            }
        },
        signed=False,
        scoped=False,
        needed_header="X-Subject-Token",
    )
    if reply.failure:
        return None, None
    token = reply.headers["X-Subject-Token"]
    learned(token)
    told = reply.value.get("token")
    project_id, domain_id = _id_in(told, "project"), _id_in(told, "user", "domain")
    if project and client.project_id is None:
        client.project_id = project_id
    return Token(token), domain_id


def _id_in(told: t.Any, *keys: str) -> str | None:
    for key in (*keys, "id"):
        told = told.get(key) if isinstance(told, dict) else None
    return str(told) if _is_id(told) else None


def _temporary_keys(learned: Learned) -> Flow:
    """Return the keys of the ECS's agency. Source: the metadata service, its second generation, else its first."""
    shared: dict[str, t.Any] = {"signed": False, "scoped": False, "timeout": METADATA_TIMEOUT}
    reply = yield Request(
        METADATA,
        "PUT",
        "/meta-data/latest/api/token",
        "a session token of the ECS metadata service",
        _session_token,
        headers={"X-Metadata-Token-Ttl-Seconds": METADATA_TOKEN_LIFETIME},
        absent=frozenset({404, 405, 503}),  # the first generation knows no such token
        text=True,
        **shared,
    )
    if reply.failure:
        return None
    headers = {}
    if not reply.absent:
        learned(reply.value)
        headers["X-Metadata-Token"] = reply.value
    reply = yield Request(
        METADATA,
        "GET",
        "/openstack/latest/securitykey",
        "the temporary keys of this ECS (does it have an agency?)",
        lambda body: _keys(body, "credential", ("access", "secret", "securitytoken")),
        headers=headers,
        **shared,
    )
    return _kept(reply, learned)


def _session_token(text: str) -> str:
    token = text.strip()
    if not fit_for_header(token):
        raise ShapeError("no session token in the answer")
    return token


def _keys(body: t.Any, place: str, names: tuple[str, str, str]) -> Keys:
    credential = body.get(place)
    credential = credential if isinstance(credential, dict) else {}
    told = [credential.get(name) for name in names]
    access_key, secret_key, security_token = (
        value if isinstance(value, str) and fit_for_header(value) else None for value in told
    )
    if access_key is None or secret_key is None or security_token is None:
        raise ShapeError("no temporary keys in the answer")
    return Keys(access_key, secret_key, security_token)


def _project_id(client: Client, project: Project) -> Flow:
    """Look a project up by its exact name. Source: IAM GET /v3/projects?name=."""
    reply = yield Request(
        IAM,
        "GET",
        "/v3/projects",
        f"the ID of project {project.name}{project.origin}",
        _projects,
        query={"name": project.name},
        scoped=False,
    )
    if reply.failure:
        return
    ids = sorted({entry["id"] for entry in reply.value if entry.get("name") in (project.name, None)})
    if len(ids) != 1:
        found = (
            f"{len(ids)} projects have that name ({', '.join(ids)})" if ids else "these credentials see no such project"
        )
        raise ConfigurationError(
            f"project_id cannot be looked up for {project.name!r}{project.origin}: {found}. "
            "Check region, or set project_name or project_id."
        )
    client.project_id = ids[0]


def _projects(body: t.Any) -> list[dict[str, t.Any]]:
    projects = body.get("projects")
    if not isinstance(projects, list) or not all(
        isinstance(entry, dict) and _is_id(entry.get("id")) for entry in projects
    ):
        raise ShapeError("no list of projects in the answer")
    return projects
