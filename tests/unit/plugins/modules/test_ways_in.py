# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every way to say who is asking and where, through a module's real main() over HTTP, right and wrong."""

from __future__ import annotations

import pathlib
import threading
import time
import typing as t

import pytest
from ansible_collections.hwcloud.streaming.tests.emulator import Emulator
from ansible_collections.hwcloud.streaming.tests.unit.plugins.modules.calling import (
    KEYS,
    METADATA_KEYS,
    ONE_THING,
    PROJECT,
    REGION,
    TEMPORARY_KEYS,
    TLS,
    TOKEN,
    USER,
    Called,
    ask,
    small_world,
)
from ansible_collections.hwcloud.streaming.tests.unit.plugins.modules.proxy import Proxy

DIS = "dis_transfer_task_info"
NOT_SENT: dict[str, None] = dict.fromkeys(
    ("service", "method", "path", "http_status", "error_code", "request_id", "attempts", "elapsed", "endpoint")
)


@pytest.fixture(scope="module")
def shared() -> t.Iterator[Emulator]:
    with Emulator(small_world()) as running:
        yield running


@pytest.fixture
def emulator(shared: Emulator) -> t.Iterator[Emulator]:
    shared.reset()
    shared.world.metadata.version = "v2"
    shared.world.options.duplicate_projects = False
    yield shared
    shared.reset()


def good(called: Called) -> None:
    assert not called.result.get("failed"), called.result
    assert called.result["project_id"] == PROJECT
    assert called.result["region"] == REGION


def sent(emulator: Emulator) -> list[str]:
    return [f"{record.method} {record.path}" for record in emulator.requests]


def profile(folder: pathlib.Path, text: str) -> str:
    path = folder / "credentials"
    path.write_text(text, encoding="utf-8")
    return str(path)


EVERY_WAY: dict[str, dict[str, t.Any]] = {
    "token": {"auth_token": TOKEN},
    "keys": KEYS,
    "temporary keys": TEMPORARY_KEYS,
    "password, domain by name": USER,
    "metadata": {"auth_type": "metadata"},
}


@pytest.mark.parametrize("module", ONE_THING)
@pytest.mark.parametrize("way", EVERY_WAY)
def test_every_module_by_every_way(way: str, module: str, emulator: Emulator) -> None:
    good(ask(module, emulator.url, **EVERY_WAY[way]))


def test_keys_are_sent_as_a_signature(emulator: Emulator) -> None:
    good(ask(DIS, emulator.url, **TEMPORARY_KEYS))
    headers = emulator.requests[0].headers
    assert headers["authorization"].startswith("SDK-HMAC-SHA256 Access=AKEXAMPLE0TEMPORARYX, SignedHeaders=")
    assert headers["x-security-token"] == TEMPORARY_KEYS["security_token"]
    assert headers["x-project-id"] == PROJECT
    assert "x-auth-token" not in headers


def test_a_password_needs_one_token(emulator: Emulator) -> None:
    good(ask(DIS, emulator.url, **USER))
    assert sent(emulator) == ["POST /v3/auth/tokens", f"GET /v2/{PROJECT}/streams/orders/transfer-tasks"]


def test_a_password_with_the_domain_by_id(emulator: Emulator) -> None:
    user = next(iter(emulator.world.users.values()))
    options = {**USER, "domain_name": None, "domain_id": user.domain_id}
    good(ask(DIS, emulator.url, **options))


def test_a_password_tells_the_project(emulator: Emulator) -> None:
    good(ask(DIS, emulator.url, project_id=None, **USER))
    assert len(emulator.requests) == 2


def test_a_password_of_another_project_by_name(emulator: Emulator) -> None:
    called = ask(DIS, emulator.url, project_id=None, project_name=f"{REGION}_empty", stream_names=None, **USER)
    assert called.result["project_id"] == "fedcba9876543210fedcba9876543210"
    assert called.result["transfer_tasks"] == []


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_metadata_of_both_generations(version: str, emulator: Emulator) -> None:
    emulator.world.metadata.version = version
    good(ask(DIS, emulator.url, auth_type="metadata"))
    assert sent(emulator)[:2] == ["PUT /meta-data/latest/api/token", "GET /openstack/latest/securitykey"]
    assert METADATA_KEYS["access_key"] in emulator.requests[2].headers["authorization"]
    assert ("x-metadata-token" in emulator.requests[1].headers) is (version == "v2")
    assert "x-metadata-token" not in emulator.requests[2].headers


def test_auto_never_touches_the_metadata_address(emulator: Emulator) -> None:
    called = ask(DIS, emulator.url, auth_type="auto")
    assert called.error == {**NOT_SENT, "kind": "configuration", "error_msg": called.result["msg"]}
    assert called.result["msg"].startswith("No credentials found")
    assert emulator.requests == []


def test_a_credentials_file(emulator: Emulator, tmp_path: pathlib.Path) -> None:
    text = (
        f"[global]\nak = other\n\n[basic]\nak = {KEYS['access_key']}\nsk={KEYS['secret_key']}\n"
        f"project_id = {PROJECT}\niam_endpoint = {emulator.url}/v3\n"
    )
    for auth_type in ("auto", "profile"):
        good(
            ask(
                DIS,
                emulator.url,
                auth_type=auth_type,
                credentials_file=profile(tmp_path, text),
                project_id=None,
                iam_endpoint=None,
            )
        )
    assert len(emulator.requests) == 2


def test_the_credentials_file_of_the_home_and_of_the_environment(emulator: Emulator, tmp_path: pathlib.Path) -> None:
    text = (
        f"[basic]\nak={TEMPORARY_KEYS['access_key']}\nsk={TEMPORARY_KEYS['secret_key']}\nsecurity_token=STExample==\n"
    )
    (tmp_path / ".huaweicloud").mkdir()
    profile(tmp_path / ".huaweicloud", text)
    good(ask(DIS, emulator.url, {"HOME": str(tmp_path)}))
    elsewhere = profile(tmp_path, "\ufeff" + text)  # as some editors write it
    good(ask(DIS, emulator.url, {"HUAWEICLOUD_SDK_CREDENTIALS_FILE": elsewhere}))


def test_everything_from_the_environment(emulator: Emulator) -> None:
    environment = {
        "HUAWEICLOUD_REGION": REGION,
        "HUAWEICLOUD_SDK_PROJECT_ID": PROJECT,
        "HUAWEICLOUD_SDK_AK": KEYS["access_key"],
        "HUAWEICLOUD_SDK_SK": KEYS["secret_key"],
        "HUAWEICLOUD_DIS_ENDPOINT": emulator.url,
    }
    good(ask(DIS, emulator.url, environment, region=None, project_id=None, dis_endpoint=None))


def test_options_are_never_mixed_with_the_environment(emulator: Emulator) -> None:
    environment = {"HW_SECRET_KEY": KEYS["secret_key"], "HW_AUTH_TOKEN": TOKEN}
    called = ask(DIS, emulator.url, environment, access_key=KEYS["access_key"])
    assert called.error["kind"] == "configuration"
    assert called.result["msg"].startswith("access_key is given in options but secret_key is not")
    assert emulator.requests == []


def test_options_come_before_the_environment(emulator: Emulator) -> None:
    good(ask(DIS, emulator.url, {"HW_AUTH_TOKEN": "ExampleTokenExpired"}, **KEYS))


@pytest.mark.parametrize(
    ("given", "environment"),
    [
        ({"project_id": None}, {}),
        ({"project_id": None, "project_name": REGION, "region": "other-1"}, {}),
        ({"project_id": None}, {"HW_PROJECT_NAME": REGION}),
        ({"project_id": None, "iam_endpoint": None}, {"OS_AUTH_URL": "{url}/v3/"}),
    ],
)
def test_a_project_is_looked_up_once(given: dict[str, t.Any], environment: dict[str, str], emulator: Emulator) -> None:
    filled = {name: value.replace("{url}", emulator.url) for name, value in environment.items()}
    called = ask(DIS, emulator.url, filled, **KEYS, **given)
    assert called.result["project_id"] == PROJECT
    assert sent(emulator)[0] == "GET /v3/projects"
    assert "x-project-id" not in emulator.requests[0].headers
    assert len(emulator.requests) == 2


def test_a_project_by_id_needs_no_lookup_whatever_its_name(emulator: Emulator) -> None:
    good(ask(DIS, emulator.url, project_name="other", **KEYS))
    assert len(emulator.requests) == 1


def test_several_projects_of_a_name(emulator: Emulator) -> None:
    emulator.world.options.duplicate_projects = True
    called = ask(DIS, emulator.url, project_id=None, **KEYS)
    assert called.error["kind"] == "configuration"
    assert "2 projects have that name" in called.result["msg"]
    assert PROJECT in called.result["msg"]
    assert called.result["msg"].endswith("Check region, or set project_name or project_id.")


def test_no_project_of_the_name(emulator: Emulator) -> None:
    called = ask(DIS, emulator.url, project_id=None, project_name="nowhere", **KEYS)
    assert called.error["kind"] == "configuration"
    assert "'nowhere': these credentials see no such project" in called.result["msg"]


def test_a_token_that_expires_during_the_call_is_renewed_once(emulator: Emulator) -> None:
    fault = emulator.inject("GET .*/transfer-tasks", "unauthorized_401")
    called = ask(DIS, emulator.url, stream_names=["orders", "clicks", "audit", "orders-2"], **USER)
    good(called)
    assert fault.hits == 1
    assert sent(emulator).count("POST /v3/auth/tokens") == 2
    assert called.result["not_found"] == [{"stream_name": "orders-2", "task_name": None}]
    tokens = [record.headers["x-auth-token"] for record in emulator.requests if record.method == "GET"]
    assert len(set(tokens)) == 2


def test_a_token_that_expires_in_the_middle_is_renewed_for_all_that_are_in_flight() -> None:
    world = small_world()
    world["generate"] = {"streams": 30}
    with Emulator(world, latency=0.02) as emulator:

        def expire() -> None:
            deadline = time.monotonic() + 20
            while len(emulator.requests) < 10 and time.monotonic() < deadline:
                time.sleep(0.001)
            emulator.world.expire_tokens()

        expiring = threading.Thread(target=expire)
        expiring.start()
        called = ask(DIS, emulator.url, stream_names=None, concurrency=8, **USER)
        expiring.join()
        good(called)
        assert [record.status for record in emulator.requests].count(401) > 1
        assert len(called.result["streams"]) == 33
        assert sent(emulator).count("POST /v3/auth/tokens") == 2
        assert called.result["request_stats"]["requests"] == len(emulator.requests)


def test_a_new_token_that_is_refused_too_ends_it(emulator: Emulator) -> None:
    emulator.inject("GET", "unauthorized_401", times=None)
    called = ask(DIS, emulator.url, **USER)
    assert called.error["kind"] == "authentication"
    assert called.error["attempts"] == 2
    assert sent(emulator).count("POST /v3/auth/tokens") == 2


def test_a_renewal_that_fails_keeps_what_arrived(emulator: Emulator) -> None:
    emulator.inject("GET .*orders", "unauthorized_401", times=None)
    emulator.inject("POST /v3/auth/tokens", "empty_503", times=None, skip=1)
    called = ask(DIS, emulator.url, stream_names=["clicks", "orders", "views"], concurrency=1, **USER)
    assert [task["stream_name"] for task in called.result["transfer_tasks"]] == ["clicks"]
    kinds = [(error["service"], error["kind"]) for error in called.result["errors"]]
    assert kinds == [("dis", "authentication"), ("dis", "authentication"), ("iam", "server")]
    assert sent(emulator).count("GET /v2/0123456789abcdef0123456789abcdef/streams/views/transfer-tasks") == 0


def test_a_ready_token_is_never_renewed(emulator: Emulator) -> None:
    called = ask(DIS, emulator.url, auth_token="ExampleTokenExpired")
    assert called.error["kind"] == "authentication"
    assert "token expires" in called.result["msg"]
    assert len(emulator.requests) == 1


WRONG: list[tuple[dict[str, t.Any], str, str | None, str]] = [
    ({"auth_token": "nonsense"}, "authentication", "dis", "decrypt token fail"),
    ({"auth_token": "ExampleTokenOtherRegion"}, "authentication", "dis", "and of this region"),
    ({"auth_token": "ExampleTokenOtherProject"}, "authorization", "dis", "Give the user or agency read permission"),
    ({"access_key": "AKEXAMPLE0UNKNOWN00X", "secret_key": "nonsense"}, "authentication", "dis", "not exist"),
    ({**KEYS, "secret_key": "nonsense"}, "authentication", "dis", "verify aksk signature fail"),
    ({**TEMPORARY_KEYS, "security_token": None}, "authentication", "dis", "not exist"),
    ({**USER, "password": "nonsense"}, "authentication", "iam", "The username or password is wrong"),
    ({**USER, "domain_name": "other"}, "authentication", "iam", "The username or password is wrong"),
    ({**USER, "project_id": "f" * 32}, "not_found", "iam", "the project ID"),
    ({"auth_token": ""}, "configuration", None, "auth_token is empty"),
    ({"auth_token": "two words"}, "configuration", None, "auth_token has characters that cannot stand"),
    ({"auth_token": TOKEN, "auth_type": "aksk"}, "configuration", None, "set access_key and secret_key"),
    ({"secret_key": "abc"}, "configuration", None, "set access_key in the same place"),
    ({"security_token": "abc"}, "configuration", None, "set access_key in the same place"),
    ({"username": "example-user"}, "configuration", None, "set password in the same place"),
    ({"password": "abc"}, "configuration", None, "set username in the same place"),
    ({**USER, "domain_name": None}, "configuration", None, "domain_name (the account that the user belongs to)"),
    ({"auth_type": "token"}, "configuration", None, "set auth_token (or HW_AUTH_TOKEN)"),
    ({"auth_type": "profile"}, "configuration", None, "/.huaweicloud/credentials' does not exist"),
    ({"auth_type": "profile", "auth_token": TOKEN}, "configuration", None, "takes no credentials from options"),
    ({"auth_type": "metadata", **KEYS}, "configuration", None, "access_key, secret_key is given"),
    ({"auth_token": TOKEN, "dis_endpoint": "", "region": ""}, "configuration", None, "region is missing"),
    (
        {"auth_token": TOKEN, "region": "", "project_id": ""},
        "configuration",
        None,
        "The project is not known: set region",
    ),
    ({"auth_token": TOKEN, "dis_endpoint": "dis"}, "configuration", None, "dis_endpoint is 'dis'"),
    (
        {"auth_token": TOKEN, "ca_path": "/nonexistent/ca.pem", "dis_endpoint": "https://127.0.0.1"},
        "configuration",
        None,
        "ca_path",
    ),
]


@pytest.mark.parametrize(("options", "kind", "service", "says"), WRONG, ids=lambda value: str(value)[:40])
def test_wrong_credentials_are_refused_with_the_one_thing_to_fix(
    options: dict[str, t.Any], kind: str, service: str | None, says: str, emulator: Emulator
) -> None:
    called = ask(DIS, emulator.url, **options)
    assert (called.error["kind"], called.error["service"]) == (kind, service)
    assert says in called.result["msg"]
    assert len(emulator.requests) == (0 if service is None else 1)
    for secret in ("password", "secret_key", "auth_token"):
        assert len(options.get(secret) or "") < 4 or f"{options[secret]} " not in called.result["msg"]


@pytest.mark.parametrize(
    ("fault", "route", "kind", "says"),
    [
        ({"code": 201, "body": {"token": {}}}, "/v3/auth", "protocol", "no header X-Subject-Token in the answer"),
        ({"code": 200, "body": "<html>"}, "/v3/auth", "protocol", "an HTML page"),
        (
            {"code": 403, "body": {"error": {"message": "Denied.", "code": 403}}},
            "/v3/auth",
            "authorization",
            "HTTP 403 Denied (",
        ),
    ],
)
def test_what_iam_may_say_to_a_password(
    fault: dict[str, t.Any], route: str, kind: str, says: str, emulator: Emulator
) -> None:
    emulator.inject(route, "status", times=None, **fault)
    called = ask(DIS, emulator.url, **USER)
    assert (called.error["kind"], called.error["service"]) == (kind, "iam")
    assert says in called.result["msg"]
    assert called.result["project_id"] == PROJECT


@pytest.mark.parametrize(
    "projects",
    [
        {},
        {"projects": {}},
        {"projects": [{"name": REGION}]},
        {"projects": [{"id": 1}]},
        {"projects": [{"id": "a\nb"}]},
        {"projects": [[]]},
    ],
)
def test_a_list_of_projects_that_is_none(projects: dict[str, t.Any], emulator: Emulator) -> None:
    emulator.inject("/v3/projects", "status", code=200, body=projects)
    called = ask(DIS, emulator.url, project_id=None, **KEYS)
    assert (called.error["kind"], called.error["service"]) == ("protocol", "iam")
    assert called.error["error_msg"] == "no list of projects in the answer"


@pytest.mark.parametrize(
    "told", [{}, {"token": None}, {"token": {"project": []}}, {"token": {"project": {"id": "a/b"}}}]
)
def test_a_token_that_names_no_project_has_it_looked_up(told: dict[str, t.Any], emulator: Emulator) -> None:
    emulator.inject("/v3/auth", "status", code=201, body=told, headers={"X-Subject-Token": TOKEN})
    good(ask(DIS, emulator.url, project_id=None, **USER))
    assert sent(emulator)[1] == "GET /v3/projects"


@pytest.mark.parametrize(
    ("fault", "route", "kind", "says"),
    [
        ({"code": 404}, "securitykey", "not_found", "Only an ECS that has an agency has temporary keys"),
        (
            {"code": 200, "body": {"credential": {"access": "a", "secret": "b"}}},
            "securitykey",
            "protocol",
            "no temporary",
        ),
        ({"code": 200, "body": {"credential": "a"}}, "securitykey", "protocol", "no temporary keys"),
        (
            {"code": 200, "body": {"credential": {"access": "a", "secret": "b c", "securitytoken": "d"}}},
            "securitykey",
            "protocol",
            "no temporary",
        ),
        ({"code": 200, "body": "<html> </html>"}, "api/token", "protocol", "no session token"),
        ({"code": 200, "body": b"\xff"}, "api/token", "protocol", "not JSON"),
        ({"code": 400}, "api/token", "invalid_request", "choose another auth_type"),
    ],
)
def test_what_the_metadata_address_may_say(
    fault: dict[str, t.Any], route: str, kind: str, says: str, emulator: Emulator
) -> None:
    emulator.inject(route, "status", times=None, **fault)
    called = ask(DIS, emulator.url, auth_type="metadata")
    assert (called.error["kind"], called.error["service"]) == (kind, "metadata")
    assert says in called.result["msg"]


def test_new_metadata_keys_are_tried_with_one_request_first() -> None:
    """Keys that the service refuses must not be refused so often that they are locked."""
    world = small_world()
    with Emulator(world, latency=0.02) as emulator:
        emulator.inject("/v2/", "unauthorized_401", times=None)
        called = ask(DIS, emulator.url, auth_type="metadata", stream_names=[f"s{number}" for number in range(40)])
        assert called.error["kind"] == "authentication"
        assert len(emulator.requests) == 2 + 3
        assert len(called.result["errors"]) == 40


def test_a_wrong_key_is_not_locked_even_when_the_first_request_breaks() -> None:
    with Emulator(small_world(), latency=0.02) as emulator:
        emulator.inject("/v2/", "reset")
        names = [f"s{number}" for number in range(40)]
        called = ask(DIS, emulator.url, stream_names=names, **{**KEYS, "secret_key": "nonsense"})
        assert called.error["kind"] == "authentication"
        assert next(iter(emulator.world.access_keys.values())).failures <= 5


def test_netrc_is_never_used(emulator: Emulator, tmp_path: pathlib.Path) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login example password ExampleNetrcPassword\n")
    (tmp_path / ".netrc").chmod(0o600)
    environment = {"HOME": str(tmp_path), "NETRC": str(tmp_path / ".netrc")}
    for options in (KEYS, {"auth_token": TOKEN}):
        good(ask(DIS, emulator.url, environment, **options))
    first, second = emulator.requests
    assert first.headers["authorization"].startswith("SDK-HMAC-SHA256 ")
    assert "authorization" not in second.headers


def test_tls_with_an_own_authority_over_one_context() -> None:
    names = ["orders", "clicks", "audit", "a", "b", "c"]
    with Emulator(small_world(), tls=(str(TLS / "good.pem"), str(TLS / "server.key"))) as secure:
        good(ask(DIS, secure.url, auth_token=TOKEN, ca_path=str(TLS / "ca.pem"), stream_names=names))
        for variable in ("REQUESTS_CA_BUNDLE", "OS_CACERT"):
            good(ask(DIS, secure.url, {variable: str(TLS / "ca.pem")}, auth_token=TOKEN))
        assert secure.handshakes == secure.connections


def test_the_environment_cannot_undo_validate_certs() -> None:
    with Emulator(small_world(), tls=(str(TLS / "unknown.pem"), str(TLS / "server.key"))) as secure:
        for environment in ({}, {"REQUESTS_CA_BUNDLE": ""}, {"CURL_CA_BUNDLE": ""}, {"PYTHONHTTPSVERIFY": "0"}):
            called = ask(DIS, secure.url, environment, auth_token=TOKEN)
            assert called.error["kind"] == "tls"
        assert secure.requests == []
        environment = {"REQUESTS_CA_BUNDLE": str(TLS / "ca.pem"), "SSL_CERT_FILE": str(TLS / "ca.pem")}
        called = ask(DIS, secure.url, environment, auth_token=TOKEN, validate_certs=False)
        good(called)
        assert len([warning for warning in called.result["warnings"] if "validate_certs is false" in str(warning)]) == 1
        assert "InsecureRequestWarning" not in called.stderr


def test_a_folder_of_authorities(tmp_path: pathlib.Path) -> None:
    with Emulator(small_world(), tls=(str(TLS / "good.pem"), str(TLS / "server.key"))) as secure:
        called = ask(DIS, secure.url, auth_token=TOKEN, ca_path=str(tmp_path))
        assert called.error["kind"] == "tls"


def test_a_proxy_for_plain_http(emulator: Emulator) -> None:
    with Proxy() as proxy:
        url = proxy.url.replace("http://", "http://proxy-user:proxy-secret-1@")
        good(ask(DIS, emulator.url, {"http_proxy": url}, auth_token=TOKEN))
        assert len(proxy.heads) == 1
        assert proxy.heads[0].startswith(f"GET {emulator.url}/v2/")
        assert "Proxy-Authorization: Basic " in proxy.heads[0]
        good(ask(DIS, emulator.url, {"all_proxy": proxy.url.replace("http://", "")}, auth_token=TOKEN))
        assert len(proxy.heads) == 2


def test_a_proxy_for_https_sees_the_host_only() -> None:
    with Proxy() as proxy, Emulator(small_world(), tls=(str(TLS / "good.pem"), str(TLS / "server.key"))) as secure:
        environment = {"https_proxy": proxy.url}
        good(ask(DIS, secure.url, environment, auth_token=TOKEN, ca_path=str(TLS / "ca.pem")))
        assert len(proxy.heads) == 1
        assert proxy.heads[0].startswith(f"CONNECT 127.0.0.1:{secure.port} HTTP/1.")
        assert TOKEN not in proxy.heads[0]
        called = ask(DIS, secure.url, environment, auth_token=TOKEN)
        assert called.error["kind"] == "tls"


def test_no_proxy_is_honoured(emulator: Emulator) -> None:
    with Proxy("refuse") as proxy:
        environment = {"http_proxy": proxy.url, "https_proxy": proxy.url, "no_proxy": "example.com,127.0.0.1"}
        good(ask(DIS, emulator.url, environment, auth_token=TOKEN))
        assert proxy.heads == []


def test_the_metadata_address_is_never_asked_through_a_proxy(emulator: Emulator) -> None:
    with Proxy() as proxy:
        good(ask(DIS, emulator.url, {"http_proxy": proxy.url}, auth_type="metadata"))
        assert [head.split()[0] for head in proxy.heads] == ["GET"]
        assert len(emulator.requests) == 3


@pytest.mark.parametrize("proxy", ["ftp://127.0.0.1:1", "socks5://127.0.0.1:1", "http://[", "http://127.0.0.1:port"])
def test_a_proxy_variable_that_cannot_work(proxy: str, emulator: Emulator) -> None:
    called = ask(DIS, emulator.url, {"http_proxy": proxy}, auth_token=TOKEN)
    assert called.error["kind"] == "connection"
    assert "proxy variables" in called.result["msg"]
    assert "internal error" not in called.result["msg"]
