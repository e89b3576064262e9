# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which answer is which kind of failure, what services say in their error bodies, and what a person reads."""

from __future__ import annotations

import timeit
import typing as t

import pytest
from ansible_collections.hwcloud.streaming.plugins.module_utils._dis.service import DIS
from ansible_collections.hwcloud.streaming.plugins.module_utils._dms.service import DMS
from ansible_collections.hwcloud.streaming.plugins.module_utils._identity.iam import METADATA
from ansible_collections.hwcloud.streaming.plugins.module_utils._wire.answer import kind_of
from ansible_collections.hwcloud.streaming.plugins.module_utils._wire.errors import ADVICE, Failure
from ansible_collections.hwcloud.streaming.plugins.module_utils._wire.told import error_of, error_of_xml


@pytest.mark.parametrize(
    ("status", "code", "kind", "again"),
    [
        (429, "", "throttled", True),
        (429, "APIG.0308", "throttled", True),
        (400, "DIS.4303", "throttled", True),
        (400, "DIS.4305", "throttled", True),
        (404, "DMS.10240407", "throttled", True),
        (404, "10240407", "throttled", True),
        (403, "APIGW.0308", "throttled", True),
        (400, "APIC.0308", "throttled", True),
        (400, "DIS.4309", "throttled", False),
        (429, "DIS.4309", "throttled", False),
        (403, "DIS.4309", "throttled", False),
        (500, "", "server", True),
        (502, "", "server", True),
        (503, "DMS.111501025", "server", True),
        (504, "", "server", True),
        (501, "", "server", False),
        (505, "", "server", False),
        (599, "", "server", False),
        (401, "APIGW.0301", "authentication", False),
        (441, "DIS.4114", "authentication", False),
        (403, "DIS.4116", "authorization", False),
        (404, "APIGW.0101", "not_found", False),
        (404, "", "not_found", False),
        (407, "", "connection", False),
        (400, "DIS.4301", "invalid_request", False),
        (400, "X.0308", "invalid_request", False),
        (405, "", "invalid_request", False),
        (408, "", "invalid_request", False),
        (410, "", "invalid_request", False),
        (499, "", "invalid_request", False),
        (301, "", "protocol", False),
        (302, "", "protocol", False),
        (399, "", "protocol", False),
        (199, "", "protocol", False),
        # told inside a success
        (200, "DIS.4100", "authentication", False),
        (200, "DIS.4114", "authentication", False),
        (200, "DIS.4115", "invalid_request", False),
        (200, "DIS.4116", "authorization", False),
        (200, "DIS.4117", "invalid_request", False),
        (200, "DIS.4200", "invalid_request", False),
        (200, "DIS.4303", "throttled", True),
        (200, "DIS.4309", "throttled", False),
        (200, "DIS.5000", "server", True),
        (200, "5000", "server", True),
        (200, "1", "server", False),
        (200, "", "server", False),
    ],
)
def test_kinds(status: int, code: str, kind: str, again: bool) -> None:
    service = DMS if code.startswith(("DMS", "1")) else DIS
    assert (service.kind(status, code) or kind_of(status, code)) == (kind, again)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"errorCode": "DIS.4301", "message": "no stream"}, ("DIS.4301", "no stream")),
        ({"error_code": "DMS.00404026", "error_msg": "no task"}, ("DMS.00404026", "no task")),
        ({"error": {"message": "wrong", "code": 401, "title": "Unauthorized"}}, ("401", "wrong")),
        ({"errorCode": "a", "errorMsg": "b"}, ("a", "b")),
        ({"code": "a", "error_message": "b"}, ("a", "b")),
        ({"error_code": None, "errorCode": "a", "error_msg": None, "message": "b"}, ("a", "b")),
        ({"error_code": 0, "error_msg": ""}, ("", "")),
        ({"errorCode": -1, "message": None}, ("", "")),
        ({"error_code": "", "errorCode": "DIS.4301", "error_msg": "", "message": "b"}, ("DIS.4301", "b")),
        ({"error": "invalid_token", "error_description": "b"}, ("", "b")),
        ({"status": 404, "error": "Not Found", "path": "/x"}, ("", "Not Found")),
        ({"error_code": ["a"], "error_msg": {"b": 1}}, ("", "")),
        ({"error": "text", "message": "b"}, ("", "b")),
        ({"errCode": "a", "errMsg": "b"}, ("a", "b")),
        ({"itemNotFound": {"code": 404, "message": "b"}}, ("404", "b")),
        ({"fault": {"faultstring": "b", "detail": {"errorcode": "c"}}}, ("", "b")),
        ({"errors": [{"code": "a", "msg": "b"}, {"code": "c"}]}, ("a", "b")),
        ({"a": {"b": {"c": {"d": {"message": "too deep"}}}}}, ("", "")),
        ({}, ("", "")),
        ([], ("", "")),
        (None, ("", "")),
        ("text", ("", "")),
    ],
)
def test_error_bodies(body: t.Any, told: tuple[str, str]) -> None:
    assert error_of(body) == told


@pytest.mark.parametrize("head", ["<Error><Code>", "<Error><Message>", "<Error><Code><![CDATA[", "<a:Code x"])
def test_an_error_of_many_blanks_is_read_in_time_that_grows_with_them(head: str) -> None:
    def seconds(count: int) -> float:
        text = head + " " * count
        return min(timeit.repeat(lambda: error_of_xml(text), number=3, repeat=5))

    assert error_of_xml(head + " " * 100) == ("", "")
    assert seconds(2000) < 40 * seconds(200)  # 10 times the blanks; as a square it would be 100, as a cube 1,000


def test_an_error_in_xml_is_told_without_what_stands_around_it() -> None:
    for text in (
        "<Code> A </Code><Message>b</Message>",
        "<Code>\n<![CDATA[ A ]]> </Code>\n<x:Message a=1>b </x:Message>",
    ):
        assert error_of_xml(f"<Error>{text}</Error>") == ("A", "b")


def test_a_sentence_says_what_was_asked_what_came_and_what_to_do() -> None:
    failure = Failure(
        "server", "the tasks of stream a", "dis", "GET", "/p", 503, "DIS.5000", "busy", "r1", attempts=5, elapsed=1.5
    )
    assert failure.sentence() == (
        "Could not get the tasks of stream a: server, HTTP 503 DIS.5000 busy (request ID r1) after 5 attempts. "
        "The service has a problem of its own; try again later."
    )
    assert Failure("timeout", "x", attempts=1).sentence() == f"Could not get x: timeout, no answer. {ADVICE['timeout']}"


def test_the_fields_of_a_failure() -> None:
    assert list(Failure("tls", "x").as_dict()) == (
        "kind service method path http_status error_code error_msg request_id attempts elapsed endpoint".split()
    )


def test_advice_fits() -> None:
    kinds = "authentication authorization not_found invalid_request throttled timeout connection tls server protocol"
    assert set(ADVICE) == set(kinds.split())
    for kind in kinds.split():
        assert Failure(kind, "x").sentence().endswith(ADVICE[kind])
    assert "30 minutes" in DIS.advice(Failure("throttled", error_code="DIS.4309"))
    assert "agency" in METADATA.advice(Failure("not_found", service="metadata"))
    assert Failure("configuration", "x").sentence() == "Could not get x: configuration, no answer."
