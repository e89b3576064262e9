# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The vendor's own DIS client, pointed at the emulator, sees what the world holds."""

# mypy: disable-error-code="no-untyped-call,attr-defined"

from __future__ import annotations

import json
from typing import Any

import pytest
from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkcore.exceptions.exceptions import ClientRequestException
from huaweicloudsdkcore.http.http_config import HttpConfig
from huaweicloudsdkcore.region.region import Region
from huaweicloudsdkcore.sdk_request import SdkRequest
from huaweicloudsdkcore.signer.signer import Signer
from huaweicloudsdkdis.v2 import (
    DisClient,
    ListStreamsRequest,
    ListTransferTasksRequest,
    ShowTransferTaskRequest,
)

PROJECT = "0123456789abcdef0123456789abcdef"
KEY = ("AKEXAMPLE0000000000X", "SKExample0000000000000000000000000000000")
TEMPORARY = ("AKEXAMPLE0TEMPORARYX", "SKExampleTemporary0000000000000000000000")


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK uses requests, which listens to these."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def dis(client: Any, credentials: Any) -> Any:
    return (
        DisClient.new_builder()
        .with_http_config(HttpConfig.get_default_config())
        .with_credentials(credentials)
        .with_endpoint(client.emulator.url)
        .build()
    )


def test_lists_streams_and_tasks(client: Any) -> None:
    sdk = dis(client, BasicCredentials(*KEY, PROJECT))
    streams = sdk.list_streams(ListStreamsRequest(limit=100))
    assert streams.stream_names == ["audit", "clicks", "orders"]
    tasks = sdk.list_transfer_tasks(ListTransferTasksRequest(stream_name="orders"))
    assert tasks.total_number == 2
    assert {task.task_name: (task.state, task.destination_type) for task in tasks.tasks} == {
        "to-obs": ("RUNNING", "OBS"),
        "to-warehouse": ("PAUSED", "DWS"),
    }
    held = client.emulator.world.streams["orders"].tasks["to-obs"]
    assert next(task for task in tasks.tasks if task.task_name == "to-obs").create_time == held.created


def test_shows_a_task(client: Any) -> None:
    sdk = dis(client, BasicCredentials(*KEY, PROJECT))
    shown = sdk.show_transfer_task(ShowTransferTaskRequest(stream_name="orders", task_name="to-obs"))
    held = client.emulator.world.streams["orders"].tasks["to-obs"]
    assert (shown.stream_name, shown.task_name, shown.state) == ("orders", "to-obs", "RUNNING")
    assert shown.last_transfer_timestamp == held.last_transfer
    assert shown.obs_destination_description.obs_bucket_path == "orders-dump"
    assert len(shown.partitions) == 2
    dws = sdk.show_transfer_task(ShowTransferTaskRequest(stream_name="orders", task_name="to-warehouse"))
    assert dws.dws_destination_descripton.dws_table_name == "orders"


def test_temporary_key(client: Any) -> None:
    credentials = BasicCredentials(*TEMPORARY, PROJECT).with_security_token("STExample==")
    assert dis(client, credentials).list_streams(ListStreamsRequest()).total_number == 3


def test_looks_the_project_up(client: Any) -> None:
    url = client.emulator.url
    sdk = (
        DisClient.new_builder()
        .with_http_config(HttpConfig.get_default_config())
        .with_credentials(BasicCredentials(*KEY).with_iam_endpoint(url))
        .with_region(Region("eu-west-101", url))
        .build()
    )
    assert sdk.list_streams(ListStreamsRequest()).total_number == 3
    lookup = client.emulator.requests[0]
    assert (lookup.path, lookup.query, lookup.status) == ("/v3/projects", [("name", "eu-west-101")], 200)


def test_a_body_signed_by_the_official_signer(client: Any) -> None:
    body = json.dumps({"order": "asc", "pageInfo": {"pageIndex": 2, "pageTotal": 100}})
    request = SdkRequest(
        method="POST",
        schema="http",
        host=f"127.0.0.1:{client.emulator.port}",
        resource_path="/v1/transfertasklog/gGGu2WN88XbmRTm64nJ",
        query_params=[],
        header_params={"Content-Type": "application/json", "X-Project-Id": PROJECT, "User-Agent": "example/1.0"},
        body=body,
    )
    signed = Signer(BasicCredentials(*KEY, PROJECT)).sign(request)
    reply = client.send("POST", signed.uri, body, signed.header_params)
    assert reply.status == 200
    assert len(reply.json["transferTaskLogList"]) == 100


def test_a_wrong_secret_key_is_refused(client: Any) -> None:
    sdk = dis(client, BasicCredentials(KEY[0], "wrong", PROJECT))
    with pytest.raises(ClientRequestException) as caught:
        sdk.list_streams(ListStreamsRequest())
    assert caught.value.status_code == 401
    assert caught.value.error_code == "APIGW.0301"


def test_an_absent_stream_is_http_400(client: Any) -> None:
    sdk = dis(client, BasicCredentials(*KEY, PROJECT))
    with pytest.raises(ClientRequestException) as caught:
        sdk.list_transfer_tasks(ListTransferTasksRequest(stream_name="absent"))
    assert caught.value.status_code == 400
    assert "DIS.4301" in caught.value.error_msg
