# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What somebody reads who has just installed the collection and forgot something."""

from __future__ import annotations

import pytest

from .conftest import KEYS, Ran, Site

TASKS = "dis_transfer_task_info"


@pytest.fixture
def stranger(site: Site) -> Site:
    """An environment that leads to the emulator, but knows no region and no credentials."""
    for name in KEYS:
        del site.environment[name]
    return site


def failed(ran: Ran) -> str:
    """The message of a command that failed, which is there in full and without a traceback."""
    assert ran.status == 2, ran.output
    assert "Traceback" not in ran.output
    message = ran.result["msg"]
    assert isinstance(message, str)
    return message


def test_forgot_the_region(site: Site) -> None:
    del site.environment["HUAWEICLOUD_REGION"]
    ran = site.ask(TASKS, "stream_names=orders")
    assert "region" in failed(ran)
    assert ran.result["request_stats"]["requests"] == 0


WAYS_IN = ("access_key", "HUAWEICLOUD_SDK_AK", "auth_token", "username", ".huaweicloud/credentials")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("region=eu-west-101", WAYS_IN),
        ("region=eu-west-101 access_key=AKEXAMPLE0000000000X", ("secret_key", "HUAWEICLOUD_SDK_SK")),
        ("stream_nams=orders", ("stream_nams", "stream_names")),
        ("region=eu-west-101 auth_token=ExampleToken dis_endpoint=dis.example.com", ("dis_endpoint", "https://")),
    ],
)
def test_forgot_or_mistyped_something(stranger: Site, arguments: str, words: tuple[str, ...]) -> None:
    message = failed(stranger.ask(TASKS, arguments))
    assert [word for word in words if word not in message] == []


def test_used_the_wrong_password(stranger: Site) -> None:
    login = "username=example-user password=Wrong-Pass-99 domain_name=example-account"
    ran = stranger.ask(TASKS, f"region=eu-west-101 {login}")
    message = failed(ran)
    assert "The username or password is wrong" in message
    assert "Wrong-Pass-99" not in ran.output
    assert ran.result["error"]["kind"] == "authentication"
    assert ran.result["error"]["attempts"] == 1


def test_used_the_wrong_secret_key(site: Site) -> None:
    ran = site.ask(TASKS, "stream_names=orders", HUAWEICLOUD_SDK_SK="Wrong0000000000000000000000000000000000")
    assert "Check that the credentials are right" in failed(ran)
    assert "Wrong000" not in ran.output
    assert ran.result["request_stats"]["requests"] == 1


def test_asked_for_a_stream_that_is_not_there(site: Site) -> None:
    """No failure: a fact to branch on."""
    ran = site.ask(TASKS, "stream_names=order")
    assert ran.status == 0, ran.output
    assert ran.result["not_found"] == [{"stream_name": "order", "task_name": None}]
    assert ran.result["transfer_tasks"] == []


def test_asked_the_wrong_kind_of_kafka_instance(site: Site) -> None:
    ran = site.ask("dms_sink_task_info", "instance_names=kafka-plant")
    assert ran.status == 0, ran.output
    assert "dms_smart_connect_task_info" in ran.output


def test_nobody_listens_there(bare: Site) -> None:
    """Port 9 of this machine, where nothing listens."""
    ran = bare.ask(TASKS, "retries=0", **bare.at("http://127.0.0.1:9"))
    message = failed(ran)
    assert "refused" in message
    assert "endpoint" in message
    assert ran.result["error"]["kind"] == "connection"
