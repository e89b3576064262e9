# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Acting as an agency, by IAM v3 and by STS v5, against an emulator that checks each signature."""

from __future__ import annotations

import json
import typing as t

import pytest
from ansible_collections.hwcloud.streaming.plugins.module_utils._identity import iam as _iam
from ansible_collections.hwcloud.streaming.tests.emulator import Emulator
from ansible_collections.hwcloud.streaming.tests.unit.plugins.modules.calling import (
    KEYS,
    METADATA_KEYS,
    REGION,
    TEMPORARY_KEYS,
    TOKEN,
    USER,
    Called,
    ask,
    small_world,
)

DIS = "dis_transfer_task_info"
OTHER_PROJECT = "00112233445566778899aabbccddeeff"  # one of the agency's account, with the region's name
SOURCE_DOMAIN = "0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d"
AGENCY_DOMAIN = "0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a"
BY_NAME = {"agency_name": "reader", "agency_domain_name": "other-account"}
BY_ID = {"agency_name": "reader", "agency_domain_id": AGENCY_DOMAIN}
IAM_PATH, STS_PATH = "/v3.0/OS-CREDENTIAL/securitytokens", "/v5/agencies/assume"


def world() -> dict[str, t.Any]:
    content = small_world()
    # Projects of two accounts have the same name, as they have in real life.
    content["projects"] = {**content["projects"], "theirs": OTHER_PROJECT}
    content["agencies"] = [
        {"name": "reader", "domain": "other-account", "domain_id": AGENCY_DOMAIN, "projects": ["theirs"]},
        {"name": "denied", "domain": "other-account", "domain_id": AGENCY_DOMAIN, "denied": True},
        {"name": "own", "domain": "example-account"},
    ]
    content["streams"].append({"name": "their-orders", "project": "theirs", "tasks": [{"name": "to-obs"}]})
    return content


@pytest.fixture
def emulator() -> t.Iterator[Emulator]:
    with Emulator(world()) as running:
        running.world.projects[OTHER_PROJECT].name = REGION
        yield running


def ask_theirs(emulator: Emulator, environment: t.Mapping[str, str] | None = None, **options: t.Any) -> Called:
    return ask(DIS, emulator.url, environment, **{"project_id": None, "stream_names": ["their-orders"], **options})


def paths(emulator: Emulator) -> list[str]:
    return [record.path for record in emulator.requests]


BASES: dict[str, dict[str, t.Any]] = {
    "keys": KEYS,
    "temporary keys": TEMPORARY_KEYS,
    "metadata": {"auth_type": "metadata"},
    "token": {"auth_token": TOKEN},
    "password": USER,
}
SIGNING = ("keys", "temporary keys", "metadata")


@pytest.mark.parametrize(("base", "agency"), [*((base, "name") for base in BASES), *((base, "id") for base in SIGNING)])
def test_all_else_is_asked_with_the_keys_of_the_agency(base: str, agency: str, emulator: Emulator) -> None:
    called = ask_theirs(emulator, **BASES[base], **(BY_NAME if agency == "name" else BY_ID))
    assert not called.result.get("failed"), called.result
    assert called.result["project_id"] == OTHER_PROJECT
    assert [task["task_name"] for task in called.result["transfer_tasks"]] == ["to-obs"]
    asking = IAM_PATH if agency == "name" else STS_PATH
    assert paths(emulator)[-3:] == [
        asking,
        "/v3/projects",
        f"/v2/{OTHER_PROJECT}/streams/their-orders/transfer-tasks",
    ]
    assert all(record.status in (200, 201) for record in emulator.requests)
    new = next(key for key in emulator.world.access_keys.values() if key.agency is not None)
    for record in emulator.requests[-2:]:
        assert new.access_key in record.headers["authorization"]
        assert record.headers["x-security-token"] == new.security_token
    printed = called.stdout + called.stderr + "".join(called.syslog)
    assert not any(secret in printed for secret in (new.access_key, new.secret_key, new.security_token or ""))


def test_what_is_sent_for_an_agency(emulator: Emulator) -> None:
    ask_theirs(emulator, **KEYS, **BY_NAME, domain_id=SOURCE_DOMAIN, agency_duration=900)
    ask_theirs(emulator, **KEYS, **BY_ID, agency_duration=43200)
    by_name, by_id = (record for record in emulator.requests if record.path in (IAM_PATH, STS_PATH))
    role = {"agency_name": "reader", "domain_name": "other-account", "duration_seconds": 900}
    assert json.loads(by_name.body) == {
        "auth": {"identity": {"methods": ["assume_role"], "assume_role": role}},
    }
    assert by_name.headers["x-domain-id"] == SOURCE_DOMAIN
    assert "x-project-id" not in by_name.headers
    assert json.loads(by_id.body) == {
        "agency_urn": f"iam::{AGENCY_DOMAIN}:agency:reader",
        "agency_session_name": "hwcloud.streaming",
        "duration_seconds": 43200,
    }
    assert "x-domain-id" not in by_id.headers


def test_a_password_logs_in_to_its_account_and_not_to_the_project_of_the_other(emulator: Emulator) -> None:
    ask_theirs(emulator, **USER, **BY_NAME)
    login = json.loads(emulator.requests[0].body)
    assert login["auth"]["scope"] == {"domain": {"name": USER["domain_name"]}}
    user = next(iter(emulator.world.users.values()))
    assert emulator.requests[1].headers["x-domain-id"] == user.domain_id  # the token's answer tells it


@pytest.mark.parametrize("base", ["keys", "token"])
def test_a_cloud_that_demands_the_domain_that_asks(base: str, emulator: Emulator) -> None:
    emulator.world.options.agency_source_domain_id = SOURCE_DOMAIN
    called = ask_theirs(emulator, **BASES[base], **BY_NAME)
    assert called.error["kind"] == "authentication"
    assert called.error["error_msg"] == "The X-Auth-Token is invalid!"
    assert "set domain_id (HUAWEICLOUD_SDK_DOMAIN_ID)" in called.result["msg"]
    called = ask_theirs(emulator, {"OS_USER_DOMAIN_ID": SOURCE_DOMAIN}, **BASES[base], **BY_NAME)
    assert not called.result.get("failed"), called.result


def test_an_agency_of_the_own_account_and_a_project_by_id(emulator: Emulator) -> None:
    options = {"agency_name": "own", "agency_domain_name": "example-account"}
    called = ask(DIS, emulator.url, **KEYS, **options)
    assert not called.result.get("failed"), called.result
    assert len(emulator.requests) == 2  # the project's ID is known


def test_an_agency_by_the_environment(emulator: Emulator) -> None:
    environment = {
        "HW_ACCESS_KEY": KEYS["access_key"],
        "HW_SECRET_KEY": KEYS["secret_key"],
        "HW_ASSUME_ROLE_AGENCY_NAME": "reader",
        "HW_ASSUME_ROLE_DOMAIN_ID": AGENCY_DOMAIN,
        "HW_ASSUME_ROLE_DURATION": "1800",
        "HUAWEICLOUD_SDK_STS_ENDPOINT": f"{emulator.url}/v5",
    }
    called = ask_theirs(emulator, environment, sts_endpoint=None)
    assert not called.result.get("failed"), called.result
    assert json.loads(emulator.requests[0].body)["duration_seconds"] == 1800


# -- renewal


@pytest.mark.parametrize(("base", "agency"), [("keys", BY_ID), ("password", BY_NAME), ("metadata", BY_NAME)])
def test_keys_that_expire_meanwhile_are_renewed(base: str, agency: dict[str, str], emulator: Emulator) -> None:
    """The first request after the look-up of the project finds the keys expired, and those after it go on."""
    expire_on(emulator, "/transfer-tasks", 1)
    called = ask_theirs(emulator, **BASES[base], **agency, details=True)
    assert not called.result.get("failed"), called.result
    assert sum(path in (IAM_PATH, STS_PATH) for path in paths(emulator)) == 2


def test_keys_are_renewed_as_often_as_they_expire(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_iam, "AGENCY_RENEWED_EVERY", 0.0)
    expire_on(emulator, "/transfer-tasks", 2)
    called = ask_theirs(emulator, **KEYS, **BY_ID, details=True)
    assert not called.result.get("failed"), called.result
    assert paths(emulator).count(STS_PATH) == 3


def test_new_keys_that_are_refused_at_once_are_not_renewed_again(emulator: Emulator) -> None:
    emulator.inject("transfer-tasks", "unauthorized_401", times=None)
    called = ask_theirs(emulator, **KEYS, **BY_ID)
    assert called.error["kind"] == "authentication"
    assert paths(emulator).count(STS_PATH) == 2


def expire_on(emulator: Emulator, part: str, times: int) -> None:
    """Let the agency's keys expire just before a request, so many times."""
    route = emulator.answer
    left = [times]

    def answer(request: t.Any) -> t.Any:
        if part in request.path and left[0] and request.method == "GET":
            left[0] -= 1
            emulator.world.expire_keys()
        return route(request)

    emulator.answer = answer  # type: ignore[method-assign]


# -- refusals


@pytest.mark.parametrize(
    ("options", "environment", "says"),
    [
        ({"agency_name": "reader"}, {}, "agency_name is set, but not the account"),
        ({}, {"HW_ASSUME_ROLE_AGENCY_NAME": "reader"}, "HW_ASSUME_ROLE_AGENCY_NAME is set, but not the account"),
        ({"agency_domain_name": "other-account"}, {}, "agency_domain_name is set but agency_name is not"),
        ({}, {"HW_ASSUME_ROLE_DOMAIN_ID": "x"}, "HW_ASSUME_ROLE_DOMAIN_ID is set but agency_name is not"),
        ({**BY_NAME, **BY_ID}, {}, "agency_domain_name and agency_domain_id are both set"),
        (BY_NAME, {"HW_ASSUME_ROLE_DOMAIN_ID": "x"}, "agency_domain_name and HW_ASSUME_ROLE_DOMAIN_ID are both set"),
        ({**BY_NAME, "agency_duration": 899}, {}, "agency_duration is 899: it takes 900 to 86400 seconds"),
        ({**BY_NAME, "agency_duration": 86401}, {}, "agency_duration is 86401"),
        (BY_NAME, {"HW_ASSUME_ROLE_DURATION": "10"}, "HW_ASSUME_ROLE_DURATION is 10"),
        ({**BY_ID, "agency_duration": 43201}, {}, "agency_domain_id it takes 900 to 43200 seconds"),
        ({**BY_ID, "agency_domain_id": "my account"}, {}, "the name of an account goes into agency_domain_name"),
        ({**BY_ID, "agency_name": " "}, {}, "which names nothing"),
    ],
)
def test_what_cannot_be_an_agency_is_refused_before_any_request(
    options: dict[str, t.Any], environment: dict[str, str], says: str, emulator: Emulator
) -> None:
    called = ask_theirs(emulator, environment, **KEYS, **options)
    assert called.error["kind"] == "configuration"
    assert says in called.result["msg"]
    assert emulator.requests == []


@pytest.mark.parametrize("base", [base for base in BASES if base not in SIGNING])
def test_sts_takes_no_token_and_no_password(base: str, emulator: Emulator) -> None:
    called = ask_theirs(emulator, **BASES[base], **BY_ID)
    assert called.error["kind"] == "configuration"
    assert "give an access key, or name the account by agency_domain_name" in called.result["msg"]
    assert emulator.requests == []


@pytest.mark.parametrize(
    ("options", "service", "kind", "status", "code", "says"),
    [
        ({**BY_NAME, "agency_name": "denied"}, "iam", "authorization", 403, "403", "the agency trusts the account"),
        ({**BY_NAME, "agency_name": "none"}, "iam", "not_found", 404, "404", "set agency_domain_id (STS v5)"),
        ({**BY_ID, "agency_name": "denied"}, "sts", "authorization", 403, "STS5.1106", "the agency trusts the account"),
    ],
)
def test_an_agency_that_is_refused(
    options: dict[str, t.Any], service: str, kind: str, status: int, code: str, says: str, emulator: Emulator
) -> None:
    called = ask_theirs(emulator, **KEYS, **options)
    error = called.error
    assert (error["service"], error["kind"], error["http_status"], error["error_code"]) == (service, kind, status, code)
    assert error["endpoint"] == emulator.url
    assert says in called.result["msg"]
    assert f"of agency {options['agency_name']} of account" in called.result["msg"]
    assert f"The host asked was {emulator.url.partition('//')[2]} ({service}_endpoint)." in called.result["msg"]
    assert "ExampleEncodedMessage" not in called.stdout


@pytest.mark.parametrize("agency", [BY_NAME, BY_ID])
@pytest.mark.parametrize(
    "body", [{}, {"credential": None, "credentials": []}, {"credential": {"access": "A"}}, {"credentials": {"a": 1}}]
)
def test_an_answer_without_keys(agency: dict[str, str], body: t.Any, emulator: Emulator) -> None:
    emulator.inject(IAM_PATH if agency is BY_NAME else STS_PATH, "status", code=200, body=body)
    called = ask_theirs(emulator, **KEYS, **agency)
    assert called.error["kind"] == "protocol"
    assert "no temporary keys in the answer" in called.result["msg"]
    assert METADATA_KEYS["access_key"] not in called.stdout
