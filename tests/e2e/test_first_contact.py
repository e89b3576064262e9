# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What somebody reads who has just installed the collection and forgot something."""

from __future__ import annotations

from .conftest import KEYS, Ran, Site

TASKS = "dis_transfer_task_info"


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


def test_forgot_the_credentials(bare: Site) -> None:
    message = failed(bare.ask(TASKS, "stream_names=orders region=eu-west-101"))
    for way in ("access_key", "HUAWEICLOUD_SDK_AK", "auth_token", "username", ".huaweicloud/credentials"):
        assert way in message


def test_gave_half_of_the_credentials(bare: Site) -> None:
    message = failed(bare.ask(TASKS, "region=eu-west-101", HUAWEICLOUD_SDK_AK=KEYS["HUAWEICLOUD_SDK_AK"]))
    assert "secret_key" in message
    assert "HUAWEICLOUD_SDK_SK" in message


def test_mistyped_an_option(site: Site) -> None:
    message = failed(site.ask(TASKS, "stream_nams=orders"))
    assert "stream_nams" in message
    assert "stream_names" in message


def test_mistyped_the_address(site: Site) -> None:
    message = failed(site.ask(TASKS, "dis_endpoint=dis.example.com"))
    assert "dis_endpoint" in message
    assert "https://" in message


def test_used_the_wrong_password(bare: Site, demo: str) -> None:
    bare.environment |= {name: demo for name in bare.at(demo) if name.endswith("ENDPOINT")}
    ran = bare.ask(TASKS, "region=eu-west-101 username=example-user password=Wrong-Pass-99 domain_name=example-account")
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
