# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The gateway's checks: signatures against the official vectors, tokens, what a refusal says."""

from __future__ import annotations

import json
import pathlib
import time
from typing import Any

import pytest
from ansible_collections.hwcloud.streaming.tests.emulator import auth
from ansible_collections.hwcloud.streaming.tests.emulator.protocol import Request

VECTORS = json.loads((pathlib.Path(__file__).resolve().parents[1] / "fixtures" / "signature_vectors.json").read_text())
PROJECT = "0123456789abcdef0123456789abcdef"
KEY = ("AKEXAMPLE0000000000X", "SKExample0000000000000000000000000000000")
TEMPORARY = ("AKEXAMPLE0TEMPORARYX", "SKExampleTemporary0000000000000000000000")


@pytest.mark.parametrize("vector", VECTORS["vectors"], ids=lambda vector: vector["name"])
def test_official_vectors(vector: dict[str, Any]) -> None:
    headers = {name.lower(): value.strip() for name, value in vector["headers"].items()}
    headers.update({"host": vector["host"], "x-sdk-date": vector["x_sdk_date"]})
    request = Request(vector["method"], vector["uri"], headers, vector["body"].encode(), "1")
    signed = vector["authorization"].split("SignedHeaders=")[1].split(",")[0].split(";")
    canonical = auth.canonical_request(request, signed)
    assert canonical == vector["canonical_request"]
    assert vector["authorization"].endswith("=" + auth.sign(canonical, vector["x_sdk_date"], VECTORS["sk"]))


def signed_headers(
    client: Any, method: str, target: str, body: str = "", key: tuple[str, str] = KEY, **extra: str
) -> dict[str, str]:
    """Headers that sign a request; extra ones are signed too, with ``_`` for ``-`` in their names."""
    headers = {name.replace("_", "-"): value for name, value in extra.items()}
    headers["host"] = f"127.0.0.1:{client.emulator.port}"
    headers.setdefault("x-sdk-date", time.strftime("%Y%m%dT%H%M%SZ", time.gmtime()))
    request = Request(method, target, headers, body.encode(), "1")
    names = sorted(headers)
    signature = auth.sign(auth.canonical_request(request, names), headers["x-sdk-date"], key[1])
    value = f"SDK-HMAC-SHA256 Access={key[0]}, SignedHeaders={';'.join(names)}, Signature={signature}"
    return {**headers, "Authorization": value}


PATH = f"/v2/{PROJECT}/streams?start_stream_name=a%20b&limit=5"


def message(reply: Any) -> str:
    assert reply.status == 401
    assert reply.json["error_code"] == "APIGW.0301"
    assert reply.json["request_id"] == reply.headers["x-request-id"]
    text = reply.json["error_msg"]
    assert text.startswith("Incorrect IAM authentication information: ")
    return str(text).partition(": ")[2]


def test_a_good_signature_is_accepted(client: Any) -> None:
    reply = client.send("GET", PATH, headers=signed_headers(client, "GET", PATH, x_project_id=PROJECT))
    assert reply.status == 200
    assert reply.json["stream_names"] == ["audit", "clicks", "orders"]


def test_a_wrong_signature_is_refused_and_echoes_the_canonical_request(client: Any) -> None:
    headers = signed_headers(
        client, "GET", PATH, key=(TEMPORARY[0], "wrong"), x_security_token="STExample==", x_trace="shown"
    )
    text = message(client.send("GET", PATH, headers=headers))
    assert text.startswith("verify aksk signature fail,canonicalRequest:GET|/v2/")
    assert "|x-security-token:STExample==|" in text
    assert "|x-trace:shown|" in text


@pytest.mark.parametrize("change", ["body", "query", "header", "unsigned_host"])
def test_what_was_signed_cannot_be_changed(client: Any, change: str) -> None:
    target, body = "/v1/transfertasklog/gGGu2WN88XbmRTm64nJ", '{"order":"asc"}'
    headers = signed_headers(client, "POST", target, body, x_project_id=PROJECT)
    assert client.send("POST", target, body, headers).status == 200
    if change == "body":
        body = '{"order":"desc"}'
    elif change == "query":
        target += "?a=b"
    elif change == "header":
        headers["x-project-id"] = "fedcba9876543210fedcba9876543210"
    else:
        headers["Authorization"] = headers["Authorization"].replace("host;", "")
    assert message(client.send("POST", target, body, headers)).startswith("verify aksk signature fail")


@pytest.mark.parametrize("left_out", ["host", "x-sdk-date"])
def test_host_and_date_must_be_among_the_signed_headers(client: Any, left_out: str) -> None:
    headers = signed_headers(client, "GET", PATH)
    request = Request("GET", PATH, headers, b"", "1")
    names = [name for name in ("host", "x-sdk-date") if name != left_out]
    signature = auth.sign(auth.canonical_request(request, names), headers["x-sdk-date"], KEY[1])
    headers["Authorization"] = (
        f"SDK-HMAC-SHA256 Access={KEY[0]}, SignedHeaders={';'.join(names)}, Signature={signature}"
    )
    assert message(client.send("GET", PATH, headers=headers)).startswith("verify aksk signature fail")


def test_the_canonical_query_is_sorted_by_name_then_value() -> None:
    request = Request("GET", "/v3/projects?b=2&a=z&b=1&a=%C3%A9&c", {}, b"", "1")
    assert auth.canonical_query(request) == "a=z&a=%C3%A9&b=1&b=2&c="


def test_unknown_key(client: Any) -> None:
    headers = signed_headers(client, "GET", PATH, key=("AKUNKNOWN", "x"))
    assert message(client.send("GET", PATH, headers=headers)) == "ak AKUNKNOWN not exist"


def test_temporary_key_needs_its_security_token(client: Any) -> None:
    good = signed_headers(client, "GET", PATH, key=TEMPORARY, x_security_token="STExample==")
    assert client.send("GET", PATH, headers=good).status == 200
    wrong = signed_headers(client, "GET", PATH, key=TEMPORARY, x_security_token="STWrong")
    assert message(client.send("GET", PATH, headers=wrong)) == "decrypt token fail"
    without = signed_headers(client, "GET", PATH, key=TEMPORARY)
    assert message(client.send("GET", PATH, headers=without)) == f"ak {TEMPORARY[0]} not exist"
    client.emulator.world.access_keys[TEMPORARY[0]].expires = client.emulator.world.now() - 1
    assert message(client.send("GET", PATH, headers=good)).startswith("token expires, expires_at: 2")


@pytest.mark.parametrize(("shift", "status"), [(-14, 200), (14, 200), (-16, 401), (16, 401)])
def test_the_date_must_be_near_the_clock(client: Any, shift: int, status: int) -> None:
    date = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(time.time() + shift * 60))
    headers = signed_headers(client, "GET", PATH, x_sdk_date=date)
    assert client.send("GET", PATH, headers=headers).status == status


def test_a_date_in_no_known_form(client: Any) -> None:
    headers = signed_headers(client, "GET", PATH, x_sdk_date="yesterday")
    assert "X-Sdk-Date" in message(client.send("GET", PATH, headers=headers))


def test_with_a_fixed_clock_signatures_may_go_by_real_time(client_of: Any, small: dict[str, Any]) -> None:
    small["clock"] = "2026-01-02T03:04:05Z"
    client = client_of(small)
    assert client.send("GET", PATH, headers=signed_headers(client, "GET", PATH)).status == 401
    client.emulator.world.options.signature_clock = "real"
    assert client.send("GET", PATH, headers=signed_headers(client, "GET", PATH)).status == 200


def test_six_wrong_signatures_in_a_row_lock_the_key(client: Any) -> None:
    bad = signed_headers(client, "GET", PATH, key=(KEY[0], "wrong"))
    for _number in range(6):
        assert "canonicalRequest" in message(client.send("GET", PATH, headers=bad))
    good = signed_headers(client, "GET", PATH)
    assert message(client.send("GET", PATH, headers=good)).startswith("AK access failed to reach the limit")
    client.emulator.reset()
    assert client.send("GET", PATH, headers=good).status == 200


def test_a_good_signature_forgives_the_wrong_ones_before(client: Any) -> None:
    bad = signed_headers(client, "GET", PATH, key=(KEY[0], "wrong"))
    good = signed_headers(client, "GET", PATH)
    for _round in range(2):
        assert [client.send("GET", PATH, headers=bad).status for _number in range(5)] == [401] * 5
        assert client.send("GET", PATH, headers=good).status == 200


@pytest.mark.parametrize(
    ("token", "text"),
    [
        ("nonsense", "decrypt token fail"),
        ("ExampleTokenExpired", "token expires, expires_at: "),
        (None, "x-auth-token not found"),
    ],
)
def test_tokens_that_are_refused(client: Any, token: str | None, text: str) -> None:
    headers = {} if token is None else {"X-Auth-Token": token}
    assert message(client.send("GET", PATH, headers=headers)).startswith(text)


def test_a_token_of_another_region(client: Any) -> None:
    reply = client.get("streams", headers={"X-Auth-Token": "ExampleTokenOtherRegion"})
    assert (reply.status, reply.json["error_code"]) == (401, "APIGW.0307")


@pytest.mark.parametrize("token", ["ExampleTokenOtherProject", "ExampleTokenUnscoped"])
def test_the_scope_of_a_token_must_match_the_path(client: Any, token: str) -> None:
    headers = {"X-Auth-Token": token}
    assert client.get("streams", headers=headers).json["errorCode"] == "DIS.4116"
    reply = client.get("instances?engine=kafka", headers=headers)
    assert (reply.status, reply.json["error_code"]) == (401, "DMS.10240104")


def test_an_unknown_project(client: Any) -> None:
    for path, key in (("streams", "errorCode"), ("instances?engine=kafka", "error_code")):
        target = f"/v2/unknown/{path}"
        reply = client.send("GET", target, headers=signed_headers(client, "GET", target))
        assert reply.status == 400
        assert reply.json[key] in ("DIS.4117", "DMS.00400002")


def test_bearer_is_no_known_form(client: Any) -> None:
    assert "Authorization" in message(client.send("GET", PATH, headers={"Authorization": "Bearer abc"}))


def test_the_log_api_takes_the_project_from_the_header(client: Any) -> None:
    target = "/v1/transfertasklog/gGGu2WN88XbmRTm64nJ"
    headers = signed_headers(client, "POST", target)
    assert client.send("POST", target, headers=headers).json["errorCode"] == "DIS.4117"
    headers = signed_headers(client, "POST", target, x_project_id=PROJECT)
    assert client.send("POST", target, headers=headers).json["totalNum"] == 250
    other = client.logs("gGGu2WN88XbmRTm64nJ", headers={"X-Auth-Token": "ExampleTokenOtherProject"})
    assert other.json["errorCode"] == "DIS.4354"
