# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ansible-playbook -vvvv shows, and what it leaves on disk, holds no secret: every way in, servers that echo."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import pytest

from .conftest import Site

PROJECT = "0123456789abcdef0123456789abcdef"
KEYS = {
    "access_key": "AKEXAMPLE0TEMPORARYX",
    "secret_key": "SKExample/Temporary+00000000000000",
    "security_token": "STExample/+==",
}
PASSWORD = 'Ex/ample "Pass\\word" ü+1='
WAYS: dict[str, dict[str, str]] = {
    "keys": {
        "HW_ACCESS_KEY": KEYS["access_key"],
        "HW_SECRET_KEY": KEYS["secret_key"],
        "HW_SECURITY_TOKEN": KEYS["security_token"],
    },
    "wrong keys": {
        "HW_ACCESS_KEY": KEYS["access_key"],
        "HW_SECRET_KEY": "SKWrong/Example+000000000000000000",
        "HW_SECURITY_TOKEN": KEYS["security_token"],
    },
    "password": {"HW_USER_NAME": "example-user", "HW_USER_PASSWORD": PASSWORD, "HW_DOMAIN_NAME": "example-account"},
    "agency on a profile": {
        "HW_PROFILE": "example",
        "HW_ASSUME_ROLE_AGENCY_NAME": "reader",
        "HW_ASSUME_ROLE_DOMAIN_ID": "0a0a0a0a",
    },
}
PROFILE = {
    "name": "example",
    "mode": "AKSK",
    "accessKeyId": KEYS["access_key"],
    "secretAccessKey": KEYS["secret_key"],
    "securityToken": KEYS["security_token"],
}
HANDED_OUT = ["SKExampleAgency", "STExampleAgency"]  # how the emulator's keys for agencies begin
OPTIONS = {"access_key": "HW_ACCESS_KEY", "secret_key": "HW_SECRET_KEY", "security_token": "HW_SECURITY_TOKEN"}


def forms(secret: str) -> dict[str, str]:
    """A secret as it must not be found."""
    raw = secret.encode()
    return {
        "plain": secret,
        "URL": quote(raw),
        "URL, slashes too": quote(raw, safe=""),
        "URL, form": quote_plus(raw),
        "base64": base64.b64encode(raw).decode().rstrip("="),
        "hex": raw.hex(),
        "JSON": json.dumps(secret)[1:-1],
        "JSON in JSON": json.dumps(json.dumps(secret)[1:-1])[1:-1],
        "Python": repr(secret)[1:-1],
    }


UNKNOWN = "U5nkn0wnExample+=="  # a secret that only its place gives away


def secrets_of(way: str) -> list[str]:
    if "HW_PROFILE" in WAYS[way]:
        return [*HANDED_OUT, *KEYS.values()]
    return [value for name, value in WAYS[way].items() if not name.endswith("_NAME")]


def world(way: str) -> dict[str, Any]:
    echo = " ".join(form for secret in secrets_of(way) if secret not in HANDED_OUT for form in forms(secret).values())
    headers = f"x-auth-token: {UNKNOWN}; X-Security-Token={UNKNOWN}; Signature={UNKNOWN}"
    return {
        "projects": {"eu-west-101": PROJECT},
        "credentials": {
            "users": [{"name": "example-user", "password": PASSWORD, "domain": "example-account"}],
            "access_keys": [KEYS],
        },
        "agencies": [{"name": "reader", "domain": "example-account", "domain_id": "0a0a0a0a"}],
        "streams": [{"name": name, "tasks": [{"name": f"{name}-to-obs"}]} for name in ("orders", "echo", "page")],
        "faults": [
            {
                "route": "streams/echo/",
                "action": "status",
                "code": 400,
                "times": None,
                "body": {"errorCode": "DIS.4200", "message": f"{headers} {echo}", "request_id": secrets_of(way)[-1]},
            },
            {"route": "streams/page/", "action": "status", "code": 502, "times": None, "body": f"<html>{echo}</html>"},
            {"route": "/instances", "action": "status", "code": 403, "times": None, "body": {"error_msg": headers}},
        ],
    }


def play(options: dict[str, str]) -> str:
    """All modules, one after the other, whatever they say; the secrets come from lookups."""
    given = {name: f"{{{{ lookup('env', '{variable}') }}}}" for name, variable in options.items()}
    tasks = [
        {"hwcloud.streaming.dis_transfer_task_info": {"stream_names": ["orders", "echo", "page"], **given}},
        {"hwcloud.streaming.dis_transfer_task_log_info": {"stream_names": ["orders", "echo"], **given}},
        {"hwcloud.streaming.dms_sink_task_info": given},
        {"hwcloud.streaming.dms_smart_connect_task_info": given},
    ]
    tasks = [{**task, "ignore_errors": True, "register": "told"} for task in tasks]
    defaults = {"group/hwcloud.streaming.all": {"retries": 0}}
    return json.dumps([{"hosts": "localhost", "gather_facts": False, "module_defaults": defaults, "tasks": tasks}])


@pytest.mark.parametrize(
    ("way", "source", "inside"),
    [
        ("keys", "options", True),
        ("keys", "options", False),
        ("wrong keys", "environment", True),
        ("password", "environment", True),
        ("password", "environment", False),
        ("agency on a profile", "environment", True),
    ],
)
def test_nothing_secret_at_the_highest_verbosity(
    way: str, source: str, inside: bool, bare: Site, tmp_path: Path
) -> None:
    config = tmp_path / "kept" / "config.json"
    config.parent.mkdir()
    config.write_text(json.dumps({"current": "example", "profiles": [PROFILE]}), encoding="utf-8")
    with bare.emulator(world(way)) as address:
        variables = {**bare.at(address), **WAYS[way], "HW_PROJECT_ID": PROJECT, "HUAWEICLOUD_REGION": "eu-west-101"}
        variables |= {"HUAWEICLOUD_SDK_STS_ENDPOINT": address}
        if "HW_PROFILE" in WAYS[way]:
            variables["HW_SHARED_CONFIG_FILE"] = str(config)
        for name in ("HUAWEICLOUD_SDK_AK", "HUAWEICLOUD_SDK_SK"):
            variables.pop(name)
        folder = bare.folder / "play"
        folder.mkdir()
        log = bare.folder / "ansible.log"
        told = bare.play(
            play(OPTIONS if source == "options" else {}),
            "-vvvv",
            "-e",
            f"hwcloud_streaming_in_process={inside}",
            folder=folder,
            ANSIBLE_LOG_PATH=str(log),
            ANSIBLE_RETRY_FILES_ENABLED="1",
            **variables,
        )
    assert "ignored=4" in told.output, told.output
    assert told.output.count("runs inside the worker process" if inside else "runs as a module process") == 4
    assert (
        "canonicalRequest removed" in told.output if way == "wrong keys" else '"kind": "authorization"' in told.output
    )
    seen = {"output": told.output, "log": log.read_text()}
    seen |= {
        str(path): path.read_bytes().decode("latin-1")
        for path in Path(bare.environment["HOME"]).rglob("*")
        if path.is_file()
    }
    found = [
        (form, place, secret)
        for secret in [*secrets_of(way), UNKNOWN]
        for form, written in forms(secret).items()
        for place, text in seen.items()
        if written.lower() in text.lower()
    ]
    assert found == []
