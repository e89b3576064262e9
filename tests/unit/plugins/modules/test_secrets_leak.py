# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No secret gets out, in no encoding: every module, every way in, servers that echo all they are sent; facts stay whole."""

from __future__ import annotations

import base64
import contextlib
import itertools
import json
import pathlib
import typing as t
from urllib.parse import quote, quote_plus

import pytest
from ansible_collections.hwcloud.streaming.tests.emulator import Emulator
from ansible_collections.hwcloud.streaming.tests.emulator.protocol import Answer
from ansible_collections.hwcloud.streaming.tests.unit.plugins.modules.calling import (
    KEYS,
    METADATA_KEYS,
    ONE_THING,
    REGION,
    TEMPORARY_KEYS,
    TOKEN,
    USER,
    Called,
    ask,
    small_world,
)

DIS = "dis_transfer_task_info"
ODD_PASSWORD = 'Ex/ample "Pass\\word" ü+1='


def forms(secret: str) -> dict[str, str]:
    """A secret as it must not be found."""
    raw = secret.encode()
    return {
        "plain": secret,
        "URL": quote(raw),
        "URL, slashes too": quote(raw, safe=""),
        "URL, form": quote_plus(raw),
        "base64": base64.b64encode(raw).decode().rstrip("="),
        "base64, URL": base64.urlsafe_b64encode(raw).decode().rstrip("="),
        "hex": raw.hex(),
        "JSON": json.dumps(secret)[1:-1],
        "JSON, not ASCII": json.dumps(secret, ensure_ascii=False)[1:-1],
        "Python": repr(secret)[1:-1],
    }


class Echo(Emulator):
    """An emulator that can throw back at the client what it sent."""

    def __init__(self, world: dict[str, t.Any]) -> None:
        super().__init__(world)
        self.echo: t.Callable[[list[str]], Answer] | None = None
        self.where: tuple[str, ...] = ()
        self.known: list[str] = []

    def answer(self, request: t.Any) -> Answer:
        if self.echo is None or not request.path.startswith(self.where):
            return super().answer(request)
        sent = [f"{name}: {value}" for name, value in request.headers.items()]
        return self.echo([*sent, *self.known, request.body.decode("utf-8", "replace")])


def _gateway(status: int, message: str, **more: t.Any) -> Answer:
    body = {"error_code": "APIGW.0301", "error_msg": message, "request_id": "r1", **more}
    return Answer.of(body, status)


def _every_form(sent: list[str]) -> str:
    words = {word.strip("\"',{}") for line in sent for word in (line, line.partition(": ")[2], *line.split())}
    return " ".join(form for word in sorted(words) if len(word) > 7 for form in forms(word).values())


ECHOES: dict[str, t.Callable[[list[str]], Answer]] = {
    "canonical request": lambda sent: _gateway(
        401, f"verify aksk signature fail,canonicalRequest:GET|/v2/||{'|'.join(sent)}|e3b0c442"
    ),
    "headers": lambda sent: _gateway(400, "; ".join(sent)),
    "headers as Python": lambda sent: _gateway(403, repr(dict(line.split(": ", 1) for line in sent if ": " in line))),
    "headers as JSON in JSON": lambda sent: _gateway(404, json.dumps({"sent": sent})),
    "DIS inside 200": lambda sent: Answer.of({"errorCode": "DIS.4100", "message": json.dumps(sent)}),
    "HTML": lambda sent: Answer(502, f"<html>{'<br>'.join(sent)}</html>".encode(), content_type="text/html"),
    "not JSON": lambda sent: Answer(200, " ".join(sent).encode()),
    "every form": lambda sent: _gateway(500, _every_form(sent)[:20000]),
    "code and request ID": lambda sent: _gateway(400, "x", error_code=sent[-2], request_id=sent[-2]),
    "header": lambda sent: Answer(400, b"{}", [("X-Request-Id", sent[-2].encode("ascii", "replace").decode())]),
}

AGENCY = {"agency_name": "reader"}
AGENCY_DOMAIN = "0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a"
SECRETS_OF = ("auth_token", "access_key", "secret_key", "security_token", "password")
WAYS: dict[str, tuple[dict[str, t.Any], dict[str, str]]] = {
    "token": ({"auth_token": TOKEN}, {}),
    "keys": (KEYS, {}),
    "temporary keys": (TEMPORARY_KEYS, {}),
    "password": ({**USER, "password": ODD_PASSWORD}, {}),
    "token of the environment": ({}, {"OS_AUTH_TOKEN": TOKEN}),
    "keys of the environment": (
        {},
        {
            "HW_ACCESS_KEY": TEMPORARY_KEYS["access_key"],
            "HW_SECRET_KEY": TEMPORARY_KEYS["secret_key"],
            "HW_SECURITY_TOKEN": TEMPORARY_KEYS["security_token"],
        },
    ),
    "password of the environment": (
        {"domain_name": USER["domain_name"]},
        {"OS_USERNAME": USER["username"], "OS_PASSWORD": ODD_PASSWORD},
    ),
    "file": ({"auth_type": "profile"}, {}),
    "metadata": ({"auth_type": "metadata"}, {}),
    "profile of KooCLI": ({"profile": "example"}, {}),
    "profile of KooCLI of the environment": ({}, {"HW_SHARED_CONFIG_FILE": "~/.hcloud/config.json"}),
    "agency by IAM": ({**USER, "password": ODD_PASSWORD, **AGENCY, "agency_domain_name": USER["domain_name"]}, {}),
    "agency by STS": ({"auth_type": "metadata", **AGENCY, "agency_domain_id": AGENCY_DOMAIN}, {}),
    "agency by a profile": ({"profile": "example", **AGENCY, "agency_domain_id": AGENCY_DOMAIN}, {}),
}


@pytest.fixture(scope="module")
def shared() -> t.Iterator[Echo]:
    world = small_world()
    world["credentials"]["users"][0]["password"] = ODD_PASSWORD
    world["agencies"] = [{"name": "reader", "domain": USER["domain_name"], "domain_id": AGENCY_DOMAIN}]
    with Echo(world) as running:
        yield running


def begin(emulator: Echo, echo: str | None, *where: str) -> None:
    """Make an emulator like a new one, which throws back what is sent to these paths."""
    emulator.reset()
    emulator.world.metadata.tokens.clear()  # what other calls were given is unknown to this one
    keys = emulator.world.access_keys
    for name in [name for name, key in keys.items() if key.agency is not None]:
        del keys[name]
    emulator.echo, emulator.where = ECHOES[echo] if echo else None, where


@pytest.fixture
def emulator(shared: Echo) -> t.Iterator[Echo]:
    begin(shared, None)
    yield shared
    shared.echo = None


@pytest.fixture
def home(tmp_path: pathlib.Path) -> dict[str, str]:
    (tmp_path / ".huaweicloud").mkdir()
    (tmp_path / "tmp").mkdir()
    lines = ["[basic]", f"ak = {KEYS['access_key']}", f"sk = {KEYS['secret_key']}", ""]
    (tmp_path / ".huaweicloud" / "credentials").write_text("\n".join(lines))
    (tmp_path / ".hcloud").mkdir()
    kept = zip(("accessKeyId", "secretAccessKey", "securityToken"), TEMPORARY_KEYS.values())
    example = {"name": "example", "mode": "AKSK", **dict(kept)}
    (tmp_path / ".hcloud" / "config.json").write_text(json.dumps({"current": "example", "profiles": [example]}))
    return {"HOME": str(tmp_path), "TMPDIR": str(tmp_path / "tmp"), "ANSIBLE_DEBUG": "1"}


def secrets_in(emulator: Emulator, way: str) -> set[str]:
    """Everything secret that a way in gives, reads or obtains."""
    options, environment = WAYS[way]
    found = {str(options[name]) for name in SECRETS_OF if options.get(name)}
    found |= {value for name, value in environment.items() if name not in ("OS_USERNAME", "HW_SHARED_CONFIG_FILE")}
    if "profile" in way:
        found |= set(TEMPORARY_KEYS.values())
    for key in emulator.world.access_keys.values():
        if key.agency is not None:
            found |= {key.access_key, key.secret_key, key.security_token or ""}
    if way == "file":
        found |= set(KEYS.values())
    if options.get("auth_type") == "metadata":
        found |= set(METADATA_KEYS.values()) | set(emulator.world.metadata.tokens)
    for record in emulator.requests:
        found |= {record.headers[name] for name in ("x-auth-token", "x-metadata-token") if name in record.headers}
    return found


def leaks(called: Called, secrets: t.Iterable[str], home: str) -> list[tuple[str, str, str]]:
    """Where a secret is found: its form, the place, the secret."""
    places = {"stdout": called.stdout, "stderr": called.stderr, "syslog": "\n".join(called.syslog)}
    for path in pathlib.Path(home).rglob("*"):
        if path.is_file() and path.name not in ("credentials", "config.json"):
            places[str(path)] = path.read_bytes().decode("latin-1")
    # What stdout says is JSON: look at what it means, too.
    places["result"] = "\n".join(_texts(called.result))
    return [
        (form, place, secret)
        for secret in secrets
        for form, written in forms(secret).items()
        for place, text in places.items()
        if len(written) > 3 and written.lower() in text.lower()
    ]


def _texts(value: t.Any) -> t.Iterator[str]:
    if isinstance(value, dict):
        for name, item in value.items():
            yield str(name)
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    else:
        yield str(value)


# One test for all echoes: ansible-test forks for each test, which takes longer than the call.
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("module", ONE_THING)
def test_no_secret_gets_out(module: str, way: str, emulator: Echo, home: dict[str, str]) -> None:
    options, environment = WAYS[way]
    for echo in (None, *ECHOES):
        begin(emulator, echo, "/v1/", "/v2/")
        emulator.known = sorted(secrets_in(emulator, way))
        called = ask(module, emulator.url, {**home, **environment}, retries=0, **options)
        assert (echo, called.result.get("failed", False)) == (echo, echo is not None)
        secrets = secrets_in(emulator, way)
        assert secrets
        assert (echo, leaks(called, secrets, home["HOME"])) == (echo, [])
        signatures = {record.headers.get("authorization", "") for record in emulator.requests} - {""}
        signatures = {line.rpartition("Signature=")[2] for line in signatures}
        assert (echo, leaks(called, signatures, home["HOME"])) == (echo, [])


@pytest.mark.parametrize(
    "way", ["password", "password of the environment", "metadata", "agency by IAM", "agency by a profile"]
)
def test_no_secret_gets_out_when_the_way_in_is_barred(way: str, emulator: Echo, home: dict[str, str]) -> None:
    options, environment = WAYS[way]
    for echo in ECHOES:
        begin(emulator, echo, "/v3/", "/v3.0/", "/v5/", "/openstack/")
        # Keys that the metadata service has not handed out yet cannot be known, nor would a server that refuses them tell.
        secrets = secrets_in(emulator, way) - set(METADATA_KEYS.values())
        emulator.known = sorted(secrets)
        called = ask(DIS, emulator.url, {**home, **environment}, retries=0, **options)
        service = {"metadata": "metadata", "agency by a profile": "sts"}.get(way, "iam")
        assert (echo, called.error["service"]) == (echo, service)
        secrets |= secrets_in(emulator, way) - set(METADATA_KEYS.values())
        assert (echo, leaks(called, secrets, home["HOME"])) == (echo, [])


FAULTS = ["throttle_429_hour", "dis_4309", "html_502", "redirect_302", "reset", "close_mid_body", "silence", "bad_gzip"]


@pytest.mark.parametrize("way", WAYS)
def test_no_secret_gets_out_with_a_fault_on_any_request(way: str, emulator: Echo, home: dict[str, str]) -> None:
    options, environment = WAYS[way]
    for fault, skip in itertools.product(FAULTS, (0, 1, 2)):
        emulator.reset()
        emulator.inject(".", fault, times=None, skip=skip)
        called = ask(DIS, emulator.url, {**home, **environment}, retries=0, timeout=0.05, **options)
        assert (fault, skip, leaks(called, secrets_in(emulator, way), home["HOME"])) == (fault, skip, [])


@pytest.mark.parametrize(
    "wrong",
    [
        {"dis_endpoint": "nonsense"},
        {"auth_type": "profile", "credentials_file": "{home}/broken"},
        {"ca_path": "{home}/nonexistent", "dis_endpoint": "https://127.0.0.1:1"},
        {"security_token": "Example Secret with blanks", **KEYS},
        {"access_key": KEYS["access_key"]},
        {"profile": "example", "shared_config_file": "{home}/broken"},
        {"profile": "none", "shared_config_file": "{home}/.hcloud/config.json"},
        {"stream_names": ["not a name"], **KEYS},
    ],
)
def test_no_secret_gets_out_with_a_wrong_option(wrong: dict[str, t.Any], emulator: Echo, home: dict[str, str]) -> None:
    broken = pathlib.Path(home["HOME"]) / "broken"
    broken.write_text(f"[basic]\nak = {KEYS['access_key']}\n{KEYS['secret_key']}\n")
    options = {name: str(v).replace("{home}", home["HOME"]) if isinstance(v, str) else v for name, v in wrong.items()}
    called = ask(DIS, emulator.url, {**home, "OS_PASSWORD": ODD_PASSWORD}, **options)
    assert called.error["kind"] == "configuration"
    broken.unlink()
    secrets = {*KEYS.values(), *TEMPORARY_KEYS.values(), ODD_PASSWORD, "Example Secret with blanks"}
    assert leaks(called, secrets, home["HOME"]) == []


def test_a_proxys_password_stays_inside(emulator: Echo, home: dict[str, str]) -> None:
    proxy = "http://proxy-user:Proxy%2FPassword1@127.0.0.1:1"
    called = ask(DIS, emulator.url, {**home, "http_proxy": proxy, "HTTPS_PROXY": proxy}, auth_token=TOKEN)
    assert called.error["kind"] == "connection"
    assert leaks(called, {"Proxy/Password1"}, home["HOME"]) == []


# -- facts stay whole

PASSWORDS = ["o", "s", "orders", "stream", "orders-of-today"]


@contextlib.contextmanager
def world_with(password: str, name: str) -> t.Iterator[Emulator]:
    world = small_world()
    world["credentials"]["users"][0]["password"] = password
    world["streams"][0]["name"] = name
    with Emulator(world) as running:
        yield running


@pytest.mark.parametrize("source", ["option", "environment"])
@pytest.mark.parametrize("password", PASSWORDS)
def test_a_secret_that_stands_in_a_fact_leaves_it_alone(password: str, source: str) -> None:
    name = password if len(password) > 1 else "orders"
    given = {**USER, "password": password} if source == "option" else {"domain_name": USER["domain_name"]}
    environment = {} if source == "option" else {"HW_USER_NAME": USER["username"], "HW_USER_PASSWORD": password}
    with world_with(password, name) as emulator:
        called = ask(DIS, emulator.url, environment, stream_names=[name], details=True, **given)
        assert not called.result.get("failed"), called.result
        tasks = called.result["transfer_tasks"]
        assert [(task["stream_name"], task["task_name"]) for task in tasks] == [
            (name, "to-obs"),
            (name, "to-warehouse"),
        ]
        assert tasks[0]["state"] == "RUNNING"
        assert tasks[0]["partitions"][0]["last_transfer_offset"] == 9007199254740993
        assert called.result["streams"][0]["stream_name"] == name
        assert called.result["region"] == REGION
        emulator.inject("streams", "forbidden_403", times=None)
        called = ask(DIS, emulator.url, environment, stream_names=[name], **given)
        assert called.result["msg"].startswith("Could not get the transfer tasks of stream ")
        assert called.error["kind"] == "authorization"
        assert called.error["error_msg"] == "Invalid RBAC."


@pytest.mark.parametrize("source", ["option", "environment"])
def test_a_token_that_is_a_streams_name(source: str) -> None:
    world = small_world()
    world["streams"][0]["name"] = TOKEN
    with Emulator(world) as emulator:
        options = {"auth_token": TOKEN} if source == "option" else {}
        environment = {} if source == "option" else {"HW_AUTH_TOKEN": TOKEN}
        called = ask(DIS, emulator.url, environment, stream_names=[TOKEN], **options)
        assert called.result["transfer_tasks"][0]["stream_name"] == TOKEN
