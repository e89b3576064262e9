# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each failure tells the way out: the host that was asked, what named it, and what to set, in the service's own words."""

from __future__ import annotations

import pathlib
import sys
import types
import typing as t
from unittest import mock

import pytest
from ansible_collections.hwcloud.streaming.tests.emulator import Emulator
from ansible_collections.hwcloud.streaming.tests.unit.plugins.modules.calling import (
    KEYS,
    REGION,
    TOKEN,
    USER,
    ask,
    call,
    small_world,
)

DIS = "dis_transfer_task_info"


@pytest.fixture(scope="module")
def shared() -> t.Iterator[Emulator]:
    with Emulator(small_world()) as running:
        yield running


@pytest.fixture
def emulator(shared: Emulator) -> Emulator:
    shared.reset()
    return shared


def host(emulator: Emulator) -> str:
    return emulator.url.partition("//")[2]


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("unauthorized_401", "authentication"),
        ("forbidden_403", "authorization"),
        ("no_api_404", "not_found"),
        ("html_200", "protocol"),
    ],
)
def test_the_host_is_named_where_it_may_be_the_cause(fault: str, kind: str, emulator: Emulator) -> None:
    emulator.inject(".", fault, times=None)
    called = ask(DIS, emulator.url)
    assert called.error["kind"] == kind
    assert called.error["endpoint"] == emulator.url
    assert f". The host asked was {host(emulator)} (dis_endpoint). " in called.result["msg"]
    called = ask(DIS, emulator.url, {"HUAWEICLOUD_DIS_ENDPOINT": emulator.url}, dis_endpoint=None, auth_token=TOKEN)
    told = f"The host asked was {host(emulator)} (dis_endpoint, from HUAWEICLOUD_DIS_ENDPOINT). "
    assert told in called.result["msg"]


@pytest.mark.parametrize("fault", ["server_500", "dis_4309", "reset"])
def test_the_host_is_not_named_twice_nor_where_it_is_not_the_cause(fault: str, emulator: Emulator) -> None:
    emulator.inject(".", fault, times=None)
    called = ask(DIS, emulator.url, retries=0)
    assert called.error["endpoint"] == emulator.url
    assert ("The host asked was" in called.result["msg"]) is (fault == "reset")


@pytest.mark.parametrize(
    ("variables", "options", "told"),
    [
        (
            {"OS_REGION_NAME": "eu-de", "HW_CLOUD": "cloud.invalid"},
            {},
            "region, from OS_REGION_NAME and cloud, from HW_CLOUD",
        ),
        ({"OS_REGION_NAME": "eu-de"}, {"cloud": "cloud.invalid"}, "region, from OS_REGION_NAME and cloud"),
        ({"OS_REGION_NAME": "eu-de"}, {"region": "eu-nl", "cloud": "cloud.invalid"}, "region and cloud"),
    ],
)
def test_an_address_that_is_built_names_what_it_is_built_of(
    variables: dict[str, str], options: dict[str, t.Any], told: str
) -> None:
    given = {"auth_token": TOKEN, "project_id": "p", "stream_names": "orders", "retries": 0, "total_timeout": 10}
    called = call(DIS, {**given, **options}, variables)
    assert called.error["kind"] in ("connection", "timeout")
    assert called.error["endpoint"].endswith(".cloud.invalid")
    if called.error["kind"] == "connection":
        assert f" (built of {told}). " in called.result["msg"]


def test_an_address_of_a_file_names_the_file(emulator: Emulator, tmp_path: pathlib.Path) -> None:
    emulator.inject("v3/projects", "forbidden_403", times=None)
    path = tmp_path / "credentials"
    path.write_text(
        f"[basic]\nak = {KEYS['access_key']}\nsk = {KEYS['secret_key']}\niam_endpoint = {emulator.url}\n",
        encoding="utf-8",
    )
    options = {"auth_type": "profile", "credentials_file": str(path), "iam_endpoint": None, "project_id": None}
    called = ask(DIS, emulator.url, **options)
    assert f"The host asked was {host(emulator)} (iam_endpoint, from credentials_file). " in called.result["msg"]


def test_the_path_after_a_base_path_is_the_whole_one(emulator: Emulator) -> None:
    called = ask(DIS, emulator.url, dis_endpoint=f"{emulator.url}/dis/")
    assert called.error["path"].startswith("/dis/v2/")
    assert called.error["path"] == emulator.requests[0].path
    assert called.error["endpoint"] == f"{emulator.url}/dis"


@pytest.mark.parametrize("tail", ["/v3", "/v3/", "/v3/auth/tokens", "/v3/auth/tokens/", ""])
def test_what_other_tools_want_at_the_end_of_the_address_of_iam(tail: str, emulator: Emulator) -> None:
    called = ask(DIS, emulator.url, {"OS_AUTH_URL": emulator.url + tail}, iam_endpoint=None, **USER)
    assert not called.result.get("failed"), called.result


def test_variables_of_another_cloud_are_named(emulator: Emulator) -> None:
    environment = {
        "HUAWEICLOUD_SDK_AK": "AKEXAMPLEUNKNOWN000X",
        "HUAWEICLOUD_SDK_SK": KEYS["secret_key"],
        "OS_AUTH_URL": emulator.url,
        "OS_PROJECT_NAME": "admin",
    }
    called = ask(DIS, emulator.url, environment, iam_endpoint=None, project_id=None)
    assert called.error["kind"] == "authentication"
    assert "Could not get the ID of project admin (from OS_PROJECT_NAME): " in called.result["msg"]
    assert f"{host(emulator)} (iam_endpoint, from OS_AUTH_URL)" in called.result["msg"]
    # The key has no security token and is not known: it may be a temporary one.
    assert "set security_token (HUAWEICLOUD_SDK_SECURITY_TOKEN)" in called.result["msg"]


def test_keys_with_a_security_token_do_not_lack_one(emulator: Emulator) -> None:
    called = ask(DIS, emulator.url, access_key="AKEXAMPLEUNKNOWN000X", secret_key="S" * 40, security_token="T" * 20)
    assert called.error["kind"] == "authentication"
    assert "set security_token" not in called.result["msg"]
    assert "They were taken from access_key, secret_key, security_token." in called.result["msg"]


@pytest.mark.parametrize(
    ("variable", "value", "option"),
    [
        ("OS_TENANT_NAME", f"{REGION}_empty", "project_name"),
        ("OS_TENANT_ID", "fedcba9876543210fedcba9876543210", "project_id"),
    ],
)
def test_the_old_names_of_a_project(variable: str, value: str, option: str, emulator: Emulator) -> None:
    called = ask(DIS, emulator.url, {variable: value}, project_id=None, stream_names=None, **USER)
    assert called.result["project_id"] == "fedcba9876543210fedcba9876543210", option
    newer = {"OS_PROJECT_NAME": REGION} if option == "project_name" else {"OS_PROJECT_ID": "0123456789abcdef"}
    called = ask(DIS, emulator.url, {variable: value, **newer}, project_id=None, stream_names=None, **USER)
    assert called.result.get("project_id") != "fedcba9876543210fedcba9876543210"


@pytest.mark.parametrize("variable", ["CURL_CA_BUNDLE", "SSL_CERT_FILE"])
def test_other_names_of_the_certificates(variable: str) -> None:
    called = ask(DIS, "https://127.0.0.1:1", {variable: "/nonexistent/bundle"}, auth_token=TOKEN)
    assert called.error["kind"] == "configuration"
    assert "ca_path is '/nonexistent/bundle'" in called.result["msg"]
    assert variable in called.result["msg"]


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        ({"errCode": "X.1", "errMsg": "told"}, "X.1", "told"),
        ({"badRequest": {"code": 400, "message": "told"}}, "400", "told"),
        ({"error": {"code": "111401001", "message": "told"}}, "111401001", "told"),
        ({"errors": [{"error_code": "X.2", "error_msg": "told"}]}, "X.2", "told"),
        ({"Code": "X.3", "Message": "told"}, "X.3", "told"),
        ("<Error><Code>X.4</Code><Message>told &amp; more</Message></Error>", "X.4", "told & more"),
        (
            '<?xml version="1.0"?>\n<e:Error xmlns:e="x"><e:Code>X.5</e:Code><e:Message>told</e:Message></e:Error>',
            "X.5",
            "told",
        ),
        ("<fault><faultstring><![CDATA[told]]></faultstring></fault>", None, "told"),
        ("<Denied/>", None, "an XML document (9 bytes)"),
        ("<html><Error><Code>X</Code></Error></html>", None, "an HTML page (42 bytes)"),
        ("<h1>no</h1>", None, "an HTML page (11 bytes)"),
    ],
)
def test_a_refusal_in_the_services_own_words(body: t.Any, code: str | None, message: str, emulator: Emulator) -> None:
    emulator.inject(".", "status", code=400, body=body, times=None)
    called = ask(DIS, emulator.url)
    assert (called.error["error_code"], called.error["error_msg"]) == (code, message)
    assert called.error["kind"] == "invalid_request"


def test_a_user_with_login_protection(emulator: Emulator) -> None:
    body = {"error": {"code": 401, "message": "The user must use MFA to log in.", "title": "Unauthorized"}}
    emulator.inject("auth/tokens", "status", code=401, body=body, times=None)
    called = ask(DIS, emulator.url, **USER)
    assert "login protection" in called.result["msg"]
    assert "access key" in called.result["msg"]
    assert "Check username and password" not in called.result["msg"]


def test_a_look_up_that_is_not_allowed_is_not_needed(emulator: Emulator) -> None:
    emulator.inject("v3/projects", "forbidden_403", times=None)
    called = ask(DIS, emulator.url, project_id=None, **KEYS)
    assert called.error["kind"] == "authorization"
    assert "set project_id (HUAWEICLOUD_SDK_PROJECT_ID" in called.result["msg"]
    assert not ask(DIS, emulator.url, **KEYS).result.get("failed")


def test_a_token_that_a_gateway_shortens_is_masked(emulator: Emulator) -> None:
    token = "MIIExampleToken0123456789abcdef0123456789"
    body = {"error_code": "APIGW.0301", "error_msg": f"decrypt token fail, token:{token[:14]}..."}
    emulator.inject(".", "status", code=401, body=body, times=None)
    called = ask(DIS, emulator.url, auth_token=token)
    assert called.error["error_msg"] == "decrypt token fail, token:VALUE_SPECIFIED_IN_NO_LOG_PARAMETER..."


@pytest.mark.parametrize("scheme", ["socks", "ftp", "quic"])
def test_a_proxy_of_an_unknown_kind_names_its_variable(scheme: str, emulator: Emulator) -> None:
    called = ask(DIS, emulator.url, {"ALL_PROXY": f"{scheme}://127.0.0.1:9"}, auth_token=TOKEN)
    assert f"ALL_PROXY names a proxy of an unknown kind ('{scheme}')" in called.result["msg"]
    assert called.error["attempts"] == 1
    assert emulator.requests == []


# -- what is not told is asked


def otc_world() -> dict[str, t.Any]:
    """Instances as some clouds show them: whether Smart Connect is on is not told, in the list and alone."""
    world = small_world()
    untold = ["connector_enable", "connector_id"]
    task = {"name": "to-obs", "status": "PAUSED"}
    world["instances"] = [
        {"name": "with", "omit": untold, "smart_connect": {"tasks": [task]}},
        {"name": "without", "omit": untold},
        {"name": "off", "connector_enable": False},
    ]
    return world


def test_an_instance_that_does_not_tell_of_smart_connect_is_asked() -> None:
    with Emulator(otc_world()) as emulator:
        called = ask("dms_smart_connect_task_info", emulator.url, instance_ids=None)
        assert [task["status"] for task in called.result["smart_connect_tasks"]] == ["PAUSED"]
        assert [entry["instance_name"] for entry in called.result["instances"]] == ["with"]
        assert "warnings" not in called.result
        off = next(one.id for one in emulator.world.instances.values() if one.name == "off")
        assert not any(f"{off}/connector/tasks" in record.path for record in emulator.requests)


@pytest.mark.parametrize("code", ["DMS.40050010", "DMS.00400062"])
def test_both_codes_for_the_end_of_a_list(code: str) -> None:
    world = small_world()
    tasks = [{"name": f"task-{number}"} for number in range(60)]
    world["instances"] = [{"name": "many", "smart_connect": {"tasks": tasks}}]
    with Emulator(world) as emulator:
        body = {"error_code": code, "error_msg": "Invalid {0} parameter in the request."}
        emulator.inject(r"connector/tasks\?.*offset=50", "status", code=400, body=body, times=None)
        called = ask("dms_smart_connect_task_info", emulator.url, instance_ids=None, details=False)
        assert not called.result.get("failed"), called.result
        assert len(called.result["smart_connect_tasks"]) == 50
        emulator.inject(r"connector/tasks\?.*offset=0", "status", code=400, body=body, times=None)
        called = ask("dms_smart_connect_task_info", emulator.url, instance_ids=None, details=False)
        assert called.error["error_code"] == code


@pytest.mark.parametrize("module", ["dms_sink_task_info", "dms_smart_connect_task_info"])
@pytest.mark.parametrize(
    ("environment", "value", "sent"),
    [
        ({}, "0", "0"),
        ({"HW_ENTERPRISE_PROJECT_ID": "e-1"}, None, "e-1"),
        ({"HUAWEICLOUD_ENTERPRISE_PROJECT_ID": "e-2", "HW_ENTERPRISE_PROJECT_ID": "e-1"}, "", "e-2"),
        ({}, None, None),
    ],
)
def test_an_enterprise_project_goes_with_the_list_of_instances(
    module: str, environment: dict[str, str], value: str | None, sent: str | None, emulator: Emulator
) -> None:
    parents = {"connector_ids": None} if module == "dms_sink_task_info" else {"instance_ids": None}
    options = {**parents, "auth_token": TOKEN, "enterprise_project_id": value}
    called = ask(module, emulator.url, environment, **options)
    assert not called.result.get("failed"), called.result
    for record in emulator.requests:
        query = dict(record.query)
        assert query.get("enterprise_project_id") == (sent if "engine" in query else None)


def test_an_enterprise_project_that_is_none(emulator: Emulator) -> None:
    called = ask("dms_sink_task_info", emulator.url, enterprise_project_id="a b")
    assert called.error["kind"] == "configuration"
    assert "enterprise_project_id is 'a b'" in called.result["msg"]


@pytest.mark.parametrize("names", [{}, {"register_secrets": lambda: None}])
def test_an_ansible_that_hides_secrets_in_another_way_costs_no_result(
    names: dict[str, t.Any], emulator: Emulator
) -> None:
    changed = types.SimpleNamespace(**names)
    with mock.patch.dict(sys.modules, {"ansible.module_utils.secrets": changed}):
        asked = ask("dis_transfer_task_info", emulator.url)
    assert not asked.result.get("failed")
    assert asked.result["transfer_tasks"]
