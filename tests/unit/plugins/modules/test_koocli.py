# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The profiles of KooCLI: what is read, when, what stands in for what, and what is refused before any request."""

from __future__ import annotations

import json
import os
import pathlib
import typing as t

import pytest
from ansible_collections.hwcloud.streaming.tests.emulator import Emulator
from ansible_collections.hwcloud.streaming.tests.unit.plugins.modules.calling import (
    KEYS,
    METADATA_KEYS,
    PROJECT,
    REGION,
    TEMPORARY_KEYS,
    TOKEN,
    Called,
    ask,
    small_world,
)

DIS = "dis_transfer_task_info"
OWN = {"accessKeyId": KEYS["access_key"], "secretAccessKey": KEYS["secret_key"]}
EXAMPLE: dict[str, t.Any] = {"name": "example", "mode": "AKSK", **OWN, "region": REGION, "projectId": PROJECT}
TEMPORARY: dict[str, t.Any] = {
    "name": "temporary",
    "mode": "AKSK",
    "accessKeyId": TEMPORARY_KEYS["access_key"],
    "secretAccessKey": TEMPORARY_KEYS["secret_key"],
    "securityToken": TEMPORARY_KEYS["security_token"],
}
ON_ECS = {"name": "server", "mode": "ecsAgency", "region": REGION}
CONTENT = {"current": "temporary", "language": "en", "profiles": [EXAMPLE, TEMPORARY, ON_ECS]}


@pytest.fixture(scope="module")
def shared() -> t.Iterator[Emulator]:
    with Emulator(small_world()) as running:
        yield running


@pytest.fixture
def emulator(shared: Emulator) -> Emulator:
    shared.reset()
    return shared


@pytest.fixture
def home(tmp_path: pathlib.Path) -> pathlib.Path:
    (tmp_path / ".hcloud").mkdir()
    (tmp_path / ".hcloud" / "config.json").write_text(json.dumps(CONTENT))
    return tmp_path


def with_profile(
    emulator: Emulator, home: pathlib.Path, environment: t.Mapping[str, str] | None = None, **options: t.Any
) -> Called:
    return ask(DIS, emulator.url, {"HOME": str(home), **(environment or {})}, **options)


def key_used(emulator: Emulator) -> str:
    header: str = emulator.requests[-1].headers["authorization"]
    return header.partition("Access=")[2].partition(",")[0]


@pytest.mark.parametrize(
    ("options", "environment", "key"),
    [
        ({"profile": "example"}, {}, KEYS["access_key"]),
        ({"profile": "temporary"}, {}, TEMPORARY_KEYS["access_key"]),
        ({"profile": "temporary", "auth_type": "profile"}, {}, TEMPORARY_KEYS["access_key"]),
        ({"profile": "server"}, {}, METADATA_KEYS["access_key"]),
        ({"shared_config_file": "~/.hcloud/config.json"}, {}, TEMPORARY_KEYS["access_key"]),
        ({}, {"HW_PROFILE": "example"}, KEYS["access_key"]),
        ({}, {"HW_SHARED_CONFIG_FILE": "~/.hcloud/config.json"}, TEMPORARY_KEYS["access_key"]),
        ({"profile": "example"}, {"HW_PROFILE": "none"}, KEYS["access_key"]),
        # Half a credential of the environment is not complete, so the profile is next.
        ({"profile": "example"}, {"HW_ACCESS_KEY": "half"}, KEYS["access_key"]),
        ({"profile": "example", "auth_type": "profile"}, {"HW_AUTH_TOKEN": TOKEN}, KEYS["access_key"]),
    ],
)
def test_what_is_read(
    options: dict[str, t.Any], environment: dict[str, str], key: str, emulator: Emulator, home: pathlib.Path
) -> None:
    called = with_profile(emulator, home, environment, **options)
    assert not called.result.get("failed"), called.result
    assert key_used(emulator) == key


@pytest.mark.parametrize("options", [{"auth_token": TOKEN}, KEYS, {}])
def test_options_and_environment_go_before_a_profile(
    options: dict[str, t.Any], emulator: Emulator, home: pathlib.Path
) -> None:
    environment = {} if options else {"HW_AUTH_TOKEN": TOKEN}
    called = with_profile(emulator, home, environment, profile="none", **options)
    assert not called.result.get("failed"), called.result


def test_a_profile_goes_before_the_file_of_the_sdk(emulator: Emulator, home: pathlib.Path) -> None:
    (home / ".huaweicloud").mkdir()
    (home / ".huaweicloud" / "credentials").write_text("[basic]\nak = A\nsk = S\n")
    assert not with_profile(emulator, home, profile="example").result.get("failed")
    assert key_used(emulator) == KEYS["access_key"]
    with_profile(emulator, home)
    assert key_used(emulator) == "A"


def test_region_project_and_domain_stand_in_for_what_nothing_else_gives(emulator: Emulator, home: pathlib.Path) -> None:
    called = with_profile(emulator, home, profile="example", region=None, project_id=None)
    assert (called.result["region"], called.result["project_id"]) == (REGION, PROJECT)
    assert len(emulator.requests) == 1
    called = with_profile(emulator, home, {"OS_REGION_NAME": "r"}, profile="example", region=None, project_id="p")
    assert (called.result["region"], called.result["project_id"]) == ("r", "p")


def test_the_project_of_a_profile_is_not_the_one_of_an_agency(emulator: Emulator, home: pathlib.Path) -> None:
    from ansible_collections.hwcloud.streaming.tests.emulator.world import Agency

    emulator.world.agencies = [Agency("reader", "other-account", "0a0a")]
    try:
        called = with_profile(
            emulator,
            home,
            profile="example",
            project_id=None,
            project_name=f"{REGION}_empty",
            stream_names=None,
            agency_name="reader",
            agency_domain_id="0a0a",
        )
        assert called.result["project_id"] == "fedcba9876543210fedcba9876543210"
    finally:
        emulator.world.agencies = []


SECRET = "SKEncryptedExample/" + "x" * 60 + "=="


@pytest.mark.parametrize(
    ("content", "options", "says"),
    [
        (CONTENT, {"profile": "none"}, "has no profile 'none' (profile); it has example, server, temporary: set"),
        ({**CONTENT, "current": "gone"}, {}, "has no profile 'gone' (its current one)"),
        ({"profiles": [EXAMPLE]}, {}, "names no current profile: set profile (HW_PROFILE)"),
        ({"current": "x"}, {}, "is not a JSON file of KooCLI with a list of profiles"),
        ([], {}, "is not a JSON file of KooCLI"),
        ("{", {}, "is not a JSON file of KooCLI"),
        ("", {}, "is not a JSON file of KooCLI"),
        ("[" * 100_000, {}, "is not a JSON file of KooCLI"),
        (b'{"a": "\xff"}', {}, "cannot be read: check its permissions and encoding"),
        (b" " * (1024 * 1024 + 1), {}, "is larger than 1 MiB"),
        ({"current": "a", "profiles": [{**EXAMPLE, "name": "a", "mode": "SSO"}]}, {}, "has mode 'SSO': only AKSK and"),
        ({"current": "a", "profiles": [{"name": "a", "mode": "AKSK"}]}, {}, "lacks accessKeyId or secretAccessKey"),
        (
            {"current": "a", "profiles": [{**EXAMPLE, "name": "a", "secretAccessKey": SECRET}]},
            {},
            "hcloud configure set --cli-auth-encrypt=false",
        ),
        (
            {"current": "example", "authEncrypt": "true", "profiles": [EXAMPLE]},
            {},
            "hcloud configure set --cli-auth-encrypt=false",
        ),
        (
            {"current": "a", "profiles": [{**EXAMPLE, "name": "a", "authEncrypt": True}]},
            {},
            "is encrypted, which only KooCLI can read",
        ),
        (
            {"current": "a", "profiles": [{**EXAMPLE, "name": "a", "secretAccessKey": "SKExample with blanks"}]},
            {},
            "secretAccessKey of Profile 'a'",
        ),
    ],
)
def test_what_cannot_be_used_is_refused_before_any_request(
    content: t.Any, options: dict[str, t.Any], says: str, emulator: Emulator, tmp_path: pathlib.Path
) -> None:
    path = tmp_path / "config.json"
    raw = content if isinstance(content, (bytes, str)) else json.dumps(content)
    path.write_bytes(raw if isinstance(raw, bytes) else raw.encode())
    called = with_profile(emulator, tmp_path, shared_config_file=str(path), **options)
    assert called.error["kind"] == "configuration"
    assert says in called.result["msg"]
    assert str(path) in called.result["msg"]
    assert emulator.requests == []
    for secret in (SECRET, "with blanks", *OWN.values()):
        assert secret not in called.stdout


def test_an_unencrypted_file_may_say_so(emulator: Emulator, home: pathlib.Path) -> None:
    content = {**CONTENT, "authEncrypt": False}
    (home / ".hcloud" / "config.json").write_text(json.dumps(content))
    assert not with_profile(emulator, home, profile="example").result.get("failed")


@pytest.mark.parametrize("option", ["shared_config_file", "credentials_file"])
@pytest.mark.parametrize("what", ["missing", "folder", "pipe"])
def test_a_file_that_is_none(option: str, what: str, emulator: Emulator, tmp_path: pathlib.Path) -> None:
    path = tmp_path / what
    if what == "folder":
        path.mkdir()
    elif what == "pipe":
        os.mkfifo(path)  # reading it would never end
    called = with_profile(emulator, tmp_path, **{option: str(path), "auth_type": "profile"})
    assert called.error["kind"] == "configuration"
    said = "does not exist on the host" if what == "missing" else "cannot be read: it is not a regular file"
    assert f"{option} {str(path)!r} {said}" in called.result["msg"]
    assert emulator.requests == []


def test_a_large_credentials_file_is_none(emulator: Emulator, tmp_path: pathlib.Path) -> None:
    path = tmp_path / "credentials"
    path.write_text("[basic]\n" + "#" * 1024 * 1024)
    called = with_profile(emulator, tmp_path, credentials_file=str(path))
    assert called.error["kind"] == "configuration"
    assert "is larger than 1 MiB" in called.result["msg"]
