# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From regions to base URLs, for every cloud that is known, and what is refused."""

from __future__ import annotations

import pytest
from ansible_collections.hwcloud.streaming.plugins.module_utils._identity.endpoints import (
    Endpoint,
    is_loopback,
    parse,
    resolve,
)
from ansible_collections.hwcloud.streaming.plugins.module_utils._wire.errors import ConfigurationError


@pytest.mark.parametrize(
    ("service", "region", "cloud", "url"),
    [
        ("dis", "cn-north-4", None, "https://dis.cn-north-4.myhuaweicloud.com"),
        ("dms", "ap-southeast-1", "", "https://dms.ap-southeast-1.myhuaweicloud.com"),
        ("iam", "ru-moscow-1", None, "https://iam.ru-moscow-1.myhuaweicloud.com"),
        ("dms", "eu-west-0", None, "https://dms.eu-west-0.myhuaweicloud.com"),
        ("dms", "eu-west-101", None, "https://dms.eu-west-101.myhuaweicloud.eu"),
        ("iam", "eu-west-101", None, "https://iam.eu-west-101.myhuaweicloud.eu"),
        ("dis", "eu-west-101", "myhuaweicloud.com", "https://dis.eu-west-101.myhuaweicloud.com"),
        # Open Telekom Cloud
        ("dis", "eu-de", "otc.t-systems.com", "https://dis.eu-de.otc.t-systems.com"),
        ("iam", "eu-nl", "otc.t-systems.com", "https://iam.eu-nl.otc.t-systems.com"),
        # its Swiss twin, whose IAM does not follow the pattern (below)
        ("dms", "eu-ch2", "sc.otc.t-systems.com", "https://dms.eu-ch2.sc.otc.t-systems.com"),
        # Flexible Engine
        (
            "dms",
            "eu-west-0",
            "prod-cloud-ocb.orange-business.com",
            "https://dms.eu-west-0.prod-cloud-ocb.orange-business.com",
        ),
        (
            "dis",
            "as-south-0",
            "prod-cloud-ocb.orange-business.com",
            "https://dis.as-south-0.prod-cloud-ocb.orange-business.com",
        ),
        # G42
        ("dis", "ae-ad-1", "g42cloud.com", "https://dis.ae-ad-1.g42cloud.com"),
        # Cloud.ru
        ("dis", "ru-moscow-1", ".hc.sbercloud.ru/", "https://dis.ru-moscow-1.hc.sbercloud.ru"),
    ],
)
def test_built_from_service_region_and_cloud(service: str, region: str, cloud: str | None, url: str) -> None:
    host = url[len("https://") :]
    assert resolve(service, region, cloud, None) == Endpoint(url, host, "")


def test_the_swiss_iam_by_its_own_endpoint() -> None:
    told = resolve("iam", "eu-ch2", "sc.otc.t-systems.com", "https://iam-pub.eu-ch2.sc.otc.t-systems.com/v3")
    assert told.url == "https://iam-pub.eu-ch2.sc.otc.t-systems.com"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("https://dis.example.com", ("https://dis.example.com", "dis.example.com", "")),
        (" HTTPS://Dis.Example.com/ ", ("https://dis.example.com", "dis.example.com", "")),
        ("https://h:443/v3", ("https://h/v3", "h", "/v3")),
        ("https://h:20004/a/b//", ("https://h:20004/a/b", "h:20004", "/a/b")),
        ("http://h:80", ("http://h", "h", "")),
        ("http://h:443", ("http://h:443", "h:443", "")),
        ("https://h:80", ("https://h:80", "h:80", "")),
        ("http://[::1]:8080/x", ("http://[::1]:8080/x", "[::1]:8080", "/x")),
    ],
)
def test_full_base_urls(value: str, expected: tuple[str, str, str]) -> None:
    assert parse("dis_endpoint", value) == Endpoint(*expected)


@pytest.mark.parametrize(
    ("value", "prefix"),
    [
        ("https://iam/v3", ""),
        ("https://iam/v3/", ""),
        ("https://iam:443/v3", ""),
        ("https://iam/x/v3", "/x"),
        ("https://iam/v30", "/v30"),
    ],
)
def test_the_version_is_taken_off_the_iam_endpoint(value: str, prefix: str) -> None:
    assert resolve("iam", None, None, value) == Endpoint(f"https://iam{prefix}", "iam", prefix)
    assert resolve("dis", None, None, "https://dis/v3").prefix == "/v3"


@pytest.mark.parametrize(
    "value",
    [
        "dis.example.com",
        "ftp://h",
        "https://",
        "https:///x",
        "https://h?x=1",
        "https://h#x",
        "https://h:port",
        "https://h:99999",
        "https://[::1",
        "https://h x",
        "https://h/\u00e4",
        "",
    ],
)
def test_what_is_no_base_url(value: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^dms_endpoint .* takes a full base URL such as https://"):
        parse("dms_endpoint", value)


@pytest.mark.parametrize(
    "value",
    [
        "https://user:ExampleSecret@h",
        "https://user:ExampleSecret/@h",
        "user:ExampleSecret@h",
        "ftp://user:ExampleSecret@h",
        "https://:ExampleSecret@h",
    ],
)
def test_a_password_in_a_url_is_not_repeated(value: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^iam_endpoint ") as refused:
        parse("iam_endpoint", value)
    assert "ExampleSecret" not in str(refused.value)


@pytest.mark.parametrize("region", [None, ""])
def test_no_region(region: str | None) -> None:
    with pytest.raises(ConfigurationError, match=r"^region is missing: .* or dis_endpoint to a full base URL\.$"):
        resolve("dis", region, None, None)
    assert resolve("dis", region, None, "http://h").url == "http://h"


@pytest.mark.parametrize("region", ["a.b", "a/b", "a b", "ä", "evil.example.com#", "-"])
def test_what_is_no_region(region: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^region is "):
        resolve("dis", region, None, None)


@pytest.mark.parametrize("cloud", ["a b", "https://myhuaweicloud.com", "a..b", "a/b", "a@b", "ä.com"])
def test_a_cloud_that_is_none(cloud: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^cloud is .*; it takes a domain such as myhuaweicloud\.com\.$"):
        resolve("dis", "eu-de", cloud, None)


def test_a_cloud_with_stray_dots_or_a_port() -> None:
    assert resolve("dis", "eu-de", ".otc.t-systems.com/", None).url == "https://dis.eu-de.otc.t-systems.com"
    assert resolve("dis", "eu-de", "cloud.internal:8443", None).url == "https://dis.eu-de.cloud.internal:8443"


@pytest.mark.parametrize("value", ["http://host:0", "https://host:0/x", "http://[::1]:00"])
def test_port_0_is_refused(value: str) -> None:
    with pytest.raises(ConfigurationError, match="port 0"):
        parse("dis_endpoint", value)


@pytest.mark.parametrize(
    ("value", "loopback"),
    [
        ("http://127.0.0.1:8080", True),
        ("http://127.8.8.8", True),
        ("http://localhost/x", True),
        ("http://[::1]:80", True),
        ("http://127.0.0.1.example.com", False),
        ("http://localhost.example.com", False),
        ("http://192.0.2.1", False),
    ],
)
def test_loopback(value: str, loopback: bool) -> None:
    assert is_loopback(parse("dis_endpoint", value)) is loopback
