# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The questions to IAM and to the ECS metadata service: a token, temporary keys, a project's ID."""

from __future__ import annotations

import typing as t

from ansible_collections.hwcloud.streaming.plugins.module_utils._auth import (
    Credentials,
    Keys,
    Metadata,
    Password,
    Token,
    fit_for_header,
)
from ansible_collections.hwcloud.streaming.plugins.module_utils._client import Client, Flow, Request
from ansible_collections.hwcloud.streaming.plugins.module_utils._errors import ConfigurationError, ShapeError

METADATA_TIMEOUT = 5.0  # seconds; on an ECS it answers at once, elsewhere nobody does
METADATA_TOKEN_LIFETIME = "21600"


def _is_id(value: t.Any) -> bool:
    return isinstance(value, str) and value.isascii() and value.replace("-", "").replace("_", "").isalnum()


class Project(t.NamedTuple):
    """The project that the requests are for; the ID is looked up by the name when it is not given."""

    id: str | None
    name: str | None


def authenticate(client: Client, credentials: Credentials, project: Project, learned: t.Callable[..., None]) -> Flow:
    """Give the client its credentials and its project ID; return whether that worked (if not, the client has a failure).

    `learned` is told every secret that is obtained on the way.
    """
    if isinstance(credentials, Password):
        client.renew = lambda: _token(client, credentials, project, learned)
        if not (yield _token(client, credentials, project, learned)):
            return False
    elif isinstance(credentials, Metadata):
        if not (yield _temporary_keys(client, learned)):
            return False
    else:
        client.credentials = credentials
    client.project_id = project.id or client.project_id
    if client.project_id is None:
        yield _project_id(client, project)
    return client.project_id is not None


def _token(client: Client, user: Password, project: Project, learned: t.Callable[..., None]) -> Flow:
    """Log in with a password. Source: IAM POST /v3/auth/tokens."""
    domain = {"id": user.domain_id} if user.domain_id else {"name": user.domain_name}
    scope = {"id": project.id} if project.id else {"name": project.name, "domain": domain}
    reply = yield Request(
        "iam",
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
                "scope": {"project": scope},
            }
        },
        signed=False,
        scoped=False,
        needed_header="X-Subject-Token",
    )
    if reply.failure:
        return False
    token = reply.headers["X-Subject-Token"]
    learned(token)
    client.credentials = Token(token)
    told = reply.value.get("token")
    told = told.get("project") if isinstance(told, dict) else None
    told = told.get("id") if isinstance(told, dict) else None
    if client.project_id is None and _is_id(told):
        client.project_id = told
    return True


def _temporary_keys(client: Client, learned: t.Callable[..., None]) -> Flow:
    """Fetch the keys of the ECS's agency. Source: the metadata service, its second generation, else its first."""
    shared: dict[str, t.Any] = {"signed": False, "scoped": False, "timeout": METADATA_TIMEOUT}
    reply = yield Request(
        "metadata",
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
        return False
    headers = {}
    if not reply.absent:
        learned(reply.value)
        headers["X-Metadata-Token"] = reply.value
    reply = yield Request(
        "metadata",
        "GET",
        "/openstack/latest/securitykey",
        "the temporary keys of this ECS (does it have an agency?)",
        _keys,
        headers=headers,
        **shared,
    )
    if reply.failure:
        return False
    learned(reply.value.access_key, reply.value.secret_key, reply.value.security_token)
    client.credentials = reply.value
    return True


def _session_token(text: str) -> str:
    token = text.strip()
    if not fit_for_header(token):
        raise ShapeError("no session token in the answer")
    return token


def _keys(body: t.Any) -> Keys:
    credential = body.get("credential")
    credential = credential if isinstance(credential, dict) else {}
    told = [credential.get(name) for name in ("access", "secret", "securitytoken")]
    access_key, secret_key, security_token = (
        value if isinstance(value, str) and fit_for_header(value) else None for value in told
    )
    if access_key is None or secret_key is None or security_token is None:
        raise ShapeError("no temporary keys in the answer")
    return Keys(access_key, secret_key, security_token)


def _project_id(client: Client, project: Project) -> Flow:
    """Look a project up by its exact name. Source: IAM GET /v3/projects?name=."""
    reply = yield Request(
        "iam",
        "GET",
        "/v3/projects",
        f"the ID of project {project.name}",
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
            f"project_id cannot be looked up for {project.name!r}: {found}. "
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
