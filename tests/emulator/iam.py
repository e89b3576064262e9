# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""IAM: tokens for passwords, project ids for names, and the temporary keys of agencies (those of STS too)."""

from __future__ import annotations

import json
import re
from typing import Any

from . import errors
from .auth import authenticate
from .errors import Refusal
from .protocol import Answer, Request
from .reader import iso
from .world import Project, User, World, long_id


def answer(world: World, request: Request, parts: list[str]) -> Answer:
    """Answer a request below /v3."""
    if parts == ["auth", "tokens"]:
        if request.method == "POST":
            return _issue(world, request)
        return errors.iam(405, "Method Not Allowed", "The method is not allowed for the requested URL.")
    if parts == ["projects"] and request.method == "GET":
        return _projects(world, request)
    return errors.iam(404, "Not Found", "Could not find the requested resource.")


def answer_agency(world: World, request: Request) -> Answer:
    """Answer POST /v3.0/OS-CREDENTIAL/securitytokens."""
    if request.method != "POST":
        return errors.iam(405, "Method Not Allowed", "The method is not allowed for the requested URL.")
    identity = authenticate(world, request)
    needed = world.options.agency_source_domain_id
    if needed is not None and request.headers.get("x-domain-id") != needed:
        return errors.iam(401, "Unauthorized", "The X-Auth-Token is invalid!")  # whatever it came with
    signed = request.headers.get("authorization", "").partition("SignedHeaders=")[2].partition(",")[0].split(";")
    if not identity.by_token and needed is not None and "x-domain-id" not in signed:
        return errors.iam(401, "Unauthorized", "The X-Domain-Id header is not signed.")
    asked = _dict(_body(request), "auth", "identity")
    role = _dict(asked, "assume_role")
    seconds = role.get("duration_seconds", 900)
    if asked.get("methods") != ["assume_role"] or not _whole(seconds, 900, 86400):
        return errors.iam(400, "Bad Request", "Request parameter 'assume_role' is invalid.")
    for agency in world.agencies:
        if agency.name == role.get("agency_name") and (
            agency.domain == role.get("domain_name") or agency.domain_id == role.get("domain_id")
        ):
            if agency.denied:
                return errors.iam(
                    403, "Forbidden", "You are not authorized to perform the requested action: iam:agencies:assume."
                )
            key = world.issue_keys(agency, seconds)
            credential = {
                "access": key.access_key,
                "secret": key.secret_key,
                "securitytoken": key.security_token,
                "expires_at": iso(key.expires or 0),
            }
            return Answer.of({"credential": credential}, 201)
    return errors.iam(404, "Not Found", f"Could not find agency: {role.get('agency_name')}.")


def answer_sts(world: World, request: Request, parts: list[str]) -> Answer:
    """Answer a request below /v5 for the Security Token Service, which takes signed requests only."""
    if parts != ["agencies", "assume"] or request.method != "POST":
        return errors.unknown_path(request)
    if authenticate(world, request).by_token:
        return errors.sts(401, "STS5.1101", "The request must be signed with an access key.")
    body = _body(request)
    seconds = body.get("duration_seconds", 3600)
    urn = str(body.get("agency_urn"))
    if not _whole(seconds, 900, 43200) or not body.get("agency_session_name") or not _URN.match(urn):
        return errors.sts(400, "STS5.1102", "The request is invalid.")
    for agency in world.agencies:
        if urn == f"iam::{agency.domain_id}:agency:{agency.name}" and not agency.denied:
            key = world.issue_keys(agency, seconds)
            credentials = {
                "access_key_id": key.access_key,
                "secret_access_key": key.secret_key,
                "security_token": key.security_token,
                "expiration": iso(key.expires or 0, 3),
            }
            assumed = {"urn": f"sts::{agency.domain_id}:assumed-agency:{agency.name}", "id": long_id(urn)}
            return Answer.of({"assumed_agency": assumed, "credentials": credentials})
    return errors.sts(403, "STS5.1106", f"Access denied: sts:agencies:assume on {urn}.", denied=True)


_URN = re.compile(r"iam::[^:]+:agency:.+")


def _whole(value: Any, least: int, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def _body(request: Request) -> dict[str, Any]:
    try:
        body = json.loads(request.body)
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise Refusal(errors.iam(400, "Bad Request", "Request body is not a JSON object."))
    return body


def _dict(value: Any, *keys: str) -> dict[str, Any]:
    """A nested mapping; anything else than mappings on the way is a malformed request."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    if not isinstance(value, dict):
        raise Refusal(errors.iam(400, "Bad Request", f"Request body is incorrect: {'.'.join(keys)}"))
    return value


def _issue(world: World, request: Request) -> Answer:
    try:
        body = json.loads(request.body)
    except (ValueError, RecursionError):
        return errors.iam(400, "Bad Request", "Request body is not a JSON object.")
    identity = _dict(body, "auth", "identity")
    if identity.get("methods") != ["password"]:
        return errors.iam(400, "Bad Request", "The authentication method is not supported here: only password.")
    user = _check_password(world, _dict(identity, "password", "user"))
    if user is None:
        return errors.iam(401, "Unauthorized", "The username or password is wrong.")
    project = None
    scope = _dict(body, "auth").get("scope")
    if scope is not None:
        wanted = _dict(scope, "project") if "domain" not in _dict(body, "auth", "scope") else None
        if wanted is not None:
            project = _find_project(world, wanted)
            if project is None:
                shown = wanted.get("id") or wanted.get("name")
                return errors.iam(404, "Not Found", f"Could not find project: {shown}.")
    token = world.issue_token(project.id if project else None)
    domain = {"id": user.domain_id, "name": user.domain}
    content: dict[str, Any] = {
        "expires_at": iso(token.expires or 0),
        "issued_at": iso(world.now()),
        "methods": ["password"],
        "catalog": [],
        "roles": [{"id": "0", "name": "te_admin"}],
        "user": {"id": user.id, "name": user.name, "domain": domain, "password_expires_at": ""},
    }
    if project is not None:
        content["project"] = {"id": project.id, "name": project.name, "domain": domain}
    return Answer.of({"token": content}, 201, [("X-Subject-Token", token.value)])


def _check_password(world: World, sent: dict[str, Any]) -> User | None:
    domain = sent.get("domain")
    domain = domain if isinstance(domain, dict) else {}
    for user in world.users.values():
        if "id" in sent:
            known = sent["id"] == user.id
        else:
            known = sent.get("name") == user.name and (
                domain.get("name") == user.domain or domain.get("id") == user.domain_id
            )
        if known:
            return user if sent.get("password") == user.password else None
    return None


def _find_project(world: World, wanted: dict[str, Any]) -> Project | None:
    for project in (project for project in world.projects.values() if world.sees(None, project.id)):
        if wanted.get("id") == project.id or ("id" not in wanted and wanted.get("name") == project.name):
            return project
    return None


def _projects(world: World, request: Request) -> Answer:
    agency = authenticate(world, request).agency
    name = request.parameter("name")
    visible = [project for project in world.projects.values() if world.sees(agency, project.id)]
    found = [project for project in visible if name is None or project.name == name]
    rows = [_row(project.name, project.id) for project in found]
    if world.options.duplicate_projects:
        rows += [_row(project.name, long_id(project.id, "duplicate").replace("-", "")) for project in found]
    return Answer.of({"links": {"next": None, "previous": None, "self": request.path}, "projects": rows})


def _row(name: str, project_id: str) -> dict[str, Any]:
    return {
        "id": project_id,
        "name": name,
        "description": "",
        "enabled": True,
        "is_domain": False,
        "domain_id": long_id("domain of", project_id).replace("-", ""),
        "parent_id": long_id("domain of", project_id).replace("-", ""),
    }
