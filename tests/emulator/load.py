# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""World file or dictionary -> state. Knows the top of the file; streams and instances have a reader each beside it."""

from __future__ import annotations

import json
import os
import re
from typing import Any

from .load_kafka import generate_instances, instance
from .load_raw import raw_answer
from .load_streams import generate_streams, stream
from .reader import MISSING, Clock, Section, WorldError, wrong
from .world import AccessKey, Agency, Metadata, Options, Project, Token, User, World, long_id

DEFAULT_PROJECT_ID = "0123456789abcdef0123456789abcdef"
_CHOICES = {
    "log_list": ("list", "object"),
    "log_unknown_task": ("refuse", "empty", "inside"),
    "partition_schema": ("camel", "snake", "documented"),
    "destination_keys": ("documented", "native", "gopher"),
    "task_list_key": ("tasks", "details"),
    "signature_clock": ("world", "real", "off"),
}
_NUMBERS = ("log_page_cap", "log_growth", "log_repeat_page", "task_list_limit", "task_list_cap")


def read(source: str | os.PathLike[str] | dict[str, Any], clock: Any = None) -> World:
    """Load a world from a path (YAML or JSON) or a dictionary; ``clock`` overrides the one in it."""
    content = source if isinstance(source, dict) else _parse(os.fspath(source))
    if not isinstance(content, dict):
        raise wrong("world", content, "a mapping")
    moment = Clock.parse(content.get("clock") if clock is None else clock)
    top = Section(content, "", moment.now())
    top.any("clock")
    region = top.text("region", "eu-west-101")
    projects = _projects(top, region)
    world = World(clock=moment, region=region, projects=projects)
    _credentials(top.section("credentials"), world)
    world.agencies = [_agency(item, world) for item in top.sections("agencies")]
    world.metadata = _metadata(top.section("metadata"), world)
    world.options = _options(top.section("options"))
    for item in top.sections("streams"):
        project = _owner(item, world)
        made = stream(item, project.id)
        _unique(project.streams, made.name, item)
        project.streams[made.name] = made
    for item in top.sections("instances"):
        project = _owner(item, world)
        built = instance(item, project.id)
        _unique(project.instances, built.id, item)
        project.instances[built.id] = built
    plan = top.section("generate")
    if plan is not None:
        generate_streams(plan, world.project)
        generate_instances(plan, world.project)
        plan.close()
    for item in top.sections("raw"):
        route = item.text("route")
        answer = raw_answer(item, closing=True)
        try:
            answer.route = re.compile(route)
        except re.error as error:
            raise wrong(item.place("route"), route, "a regular expression") from error
        world.raw.append(answer)
    world.faults = [item.value for item in top.sections("faults")]
    rate = top.any("rate")
    world.rate = rate if isinstance(rate, dict) or rate is None else {"per_second": rate}
    top.close()
    _ids_unique(world)
    return world


def _parse(path: str) -> Any:
    try:
        with open(path, encoding="utf-8") as stream_:
            text = stream_.read()
    except OSError as error:
        raise WorldError(f"world file {path}: cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise WorldError(f"world file {path}: is not UTF-8 text") from error
    if path.endswith(".json"):
        try:
            return json.loads(text)
        except (ValueError, RecursionError) as error:
            raise WorldError(f"world file {path}: is not JSON ({error})") from error
    try:
        import yaml
    except ImportError as error:
        raise WorldError(f"world file {path}: reading YAML needs PyYAML; a .json world does without") from error
    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise WorldError(f"world file {path}: is not YAML ({error})") from error


def _projects(top: Section, region: str) -> dict[str, Project]:
    names = top.mapping("projects") or {region: DEFAULT_PROJECT_ID}
    projects: dict[str, Project] = {}
    for name, project_id in names.items():
        place = f"projects.{name}"
        if not isinstance(project_id, str) or not project_id:
            raise wrong(place, project_id, "the project's id, a text (in quotes when it is all digits)")
        if project_id in projects:
            raise wrong(place, project_id, "an id that no other project has")
        projects[project_id] = Project(str(name), project_id)
    return projects


def _owner(item: Section, world: World) -> Project:
    name = item.text("project", None)
    return world.project if name is None else _project(world, name, item.place("project"))


def _project(world: World, name: str, place: str) -> Project:
    for project in world.projects.values():
        if name in (project.name, project.id):
            return project
    raise wrong(place, name, "one of " + ", ".join(project.name for project in world.projects.values()))


def _unique(known: dict[str, Any], key: str, item: Section) -> None:
    if key in known:
        raise wrong(item.where, key, "a name or id that is not there already")


def _ids_unique(world: World) -> None:
    for project in world.projects.values():
        seen: set[str] = set()
        for stream_, task in project.all_tasks():
            if task.id in seen:
                raise wrong(f"streams[{stream_.name}].tasks[{task.name}].id", task.id, "an id of its own")
            seen.add(task.id)


def _access_key(item: Section) -> AccessKey:
    key = AccessKey(
        access_key=item.text("access_key"),
        secret_key=item.text("secret_key"),
        security_token=item.text("security_token", None),
        expires=item.moment("expires"),
    )
    item.close()
    return key


def _agency(item: Section, world: World) -> Agency:
    domain = item.text("domain")
    names = item.texts("projects")
    agency = Agency(
        item.text("name"),
        domain,
        item.text("domain_id", long_id("domain", domain).replace("-", "")),
        frozenset(_project(world, name, item.place("projects")).id for name in names) or None,
        item.flag("denied", False),
    )
    item.close()
    return agency


def _credentials(section: Section | None, world: World) -> None:
    if section is None:
        return
    for item in section.sections("users"):
        name, domain = item.text("name"), item.text("domain")
        user_id = item.text("id", long_id("user", domain, name).replace("-", ""))
        domain_id = item.text("domain_id", long_id("domain", domain).replace("-", ""))
        world.users[f"{domain}/{name}"] = User(name, item.text("password"), domain, user_id, domain_id)
        item.close()
    for item in section.sections("access_keys"):
        key = _access_key(item)
        world.access_keys[key.access_key] = key
    for item in section.sections("tokens"):
        value = item.text("token")
        scope = item.any("project", world.project.name)
        project_id = None if scope is None else _project(world, scope, item.place("project")).id
        expires = item.moment("expires")
        if item.flag("expired", False):
            expires = item.now - 3_600_000
        world.tokens[value] = Token(value, project_id, expires, item.text("region", None))
        item.close()
    world.token_lifetime = section.span("token_lifetime", "24h")
    section.close()


def _metadata(section: Section | None, world: World) -> Metadata:
    if section is None:
        return Metadata()
    metadata = Metadata(version=section.text("version", "v2", ("v1", "v2", "off")))
    metadata.put_status = section.number("put_status", 404)
    if metadata.put_status not in (404, 405, 503):
        raise wrong(section.place("put_status"), metadata.put_status, "404, 405 or 503")
    credential = section.section("credential")
    if credential is not None:
        metadata.credential = _access_key(credential)
        if metadata.credential.security_token is None:
            raise WorldError(f"{credential.place('security_token')}: is required")
        if metadata.credential.expires is None:
            metadata.credential.expires = section.now + 86_400_000
        world.access_keys[metadata.credential.access_key] = metadata.credential
    section.close()
    return metadata


def _options(section: Section | None) -> Options:
    options = Options()
    if section is None:
        return options
    for name, default in vars(Options()).items():
        if not section.has(name):
            continue
        if name in _CHOICES:
            value = section.text(name, MISSING, _CHOICES[name])
        elif name == "log_error_code":
            value = section.any(name)
            if value not in (-1, 0, None, "-1", "0", "", "absent") or isinstance(value, bool):
                raise wrong(section.place(name), value, 'one of -1, 0, null, "-1", "0", "", absent')
        elif name == "agency_source_domain_id":
            value = section.text(name, None)
        elif name in _NUMBERS:
            value = section.number(name, default, 0 if name == "log_growth" else 1)
        else:
            value = section.flag(name, default)
        setattr(options, name, value)
    section.close()
    return options
