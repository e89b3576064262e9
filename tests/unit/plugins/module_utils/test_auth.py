# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signatures against the recorded ones, and where credentials are taken from: order, halves, files, what is refused."""

from __future__ import annotations

import json
import pathlib
import typing as t

import pytest
from ansible_collections.hwcloud.streaming.plugins.module_utils._identity import credentials as _credentials
from ansible_collections.hwcloud.streaming.plugins.module_utils._identity.credentials import (
    Keys,
    Metadata,
    Password,
    Token,
    fit_for_header,
)
from ansible_collections.hwcloud.streaming.plugins.module_utils._identity.signature import canonical_request, sign
from ansible_collections.hwcloud.streaming.plugins.module_utils._identity.sources import find
from ansible_collections.hwcloud.streaming.plugins.module_utils._options import CREDENTIALS
from ansible_collections.hwcloud.streaming.plugins.module_utils._wire.errors import ConfigurationError, Failure
from ansible_collections.hwcloud.streaming.plugins.module_utils._wire.request import encode_query

FIXTURES = pathlib.Path(__file__).resolve().parents[2] / "fixtures"
RECORDED = json.loads((FIXTURES / "signature_vectors.json").read_text(encoding="utf-8"))
SECRET = "Example-Secret-Value"


def query_of(vector: dict[str, t.Any]) -> str:
    return encode_query(dict(vector["query"]))


@pytest.mark.parametrize("vector", RECORDED["vectors"], ids=lambda vector: vector["name"])
def test_recorded_signatures(vector: dict[str, t.Any]) -> None:
    keys = Keys(RECORDED["ak"], RECORDED["sk"])
    headers = {"Host": vector["host"], **vector["headers"], "X-Sdk-Date": vector["x_sdk_date"]}
    body = vector["body"].encode()
    canonical, names = canonical_request(vector["method"], vector["path"], query_of(vector), headers, body)
    assert canonical == vector["canonical_request"]
    signed = sign(keys.access_key, keys.secret_key, vector["method"], vector["path"], query_of(vector), headers, body)
    assert signed == vector["authorization"]
    assert f"SignedHeaders={names}," in signed


def test_headers_of_temporary_keys() -> None:
    keys = Keys("AK", "SK", "ST", clock=lambda: 1_704_067_200.9)
    extra = {"Content-Type": "application/json", "X-Project-Id": "p"}
    headers = keys.headers("GET", "h:8080", "/v2/a", "b=c", b"", extra)
    assert list(headers) == ["X-Sdk-Date", "X-Security-Token", "Authorization"]
    assert headers["X-Sdk-Date"] == "20240101T000000Z"
    assert headers["X-Security-Token"] == "ST"
    everything = {"Host": "h:8080", **extra, "X-Sdk-Date": "20240101T000000Z", "X-Security-Token": "ST"}
    assert headers["Authorization"] == sign(keys.access_key, keys.secret_key, "GET", "/v2/a", "b=c", everything, b"")
    names = "content-type;host;x-project-id;x-sdk-date;x-security-token"
    assert f"SignedHeaders={names}, " in headers["Authorization"]
    assert "X-Security-Token" not in Keys("AK", "SK").headers("GET", "h", "/", "", b"", {})


def test_canonical_form_of_odd_input() -> None:
    canonical, names = canonical_request("POST", "/a%20b/~/", "", {"B_under": "x", "Host": "  h  "}, b"{}")
    assert names == "host"
    assert canonical.split("\n")[1] == "/a%20b/~/"
    assert "host:h\n" in canonical
    assert canonical_request("GET", "", "", {}, b"")[0].split("\n")[1] == "/"


def test_queries_as_signed_and_sent() -> None:
    query = {"b": "x y+z", "a": True, "c": False, "topic-info": "~", "ä": 1}
    assert encode_query(query) == "a=true&b=x%20y%2Bz&c=false&topic-info=~&%C3%A4=1"
    assert encode_query({}) == ""


def test_a_token_is_a_header() -> None:
    assert Token("T").headers("GET", "h", "/", "", b"", {}) == {"X-Auth-Token": "T"}


def test_what_must_never_be_shown() -> None:
    assert Token("T").secrets() == ("T",)
    assert Keys("A", "S", "T").secrets() == ("A", "S", "T")
    assert Password("u", "p", "d", None).secrets() == ("p",)
    assert Metadata().secrets() == ()


# -- where credentials come from


def options(**given: t.Any) -> dict[str, t.Any]:
    nothing = dict.fromkeys(CREDENTIALS)
    rest = {"auth_type": "auto", "credentials_file": "/nonexistent/file", "domain_name": None, "domain_id": None}
    return {**nothing, **rest, **given}


FULL = {
    "auth_token": "T",
    "access_key": "A",
    "secret_key": "S",
    "security_token": "X",
    "username": "u",
    "password": "p",
    "domain_name": "d",
}


def found(params: dict[str, t.Any], environment: dict[str, str]) -> t.Any:
    """Return the credentials without where they were taken from."""
    credentials: t.Any = find(params, environment)[0]
    return credentials._replace(origin="") if hasattr(credentials, "origin") else credentials


@pytest.mark.parametrize(
    ("auth_type", "expected"),
    [
        ("auto", Token("T")),
        ("token", Token("T")),
        ("aksk", Keys("A", "S", "X")),
        ("password", Password("u", "p", "d", None)),
    ],
)
def test_the_kind_of_credentials_is_the_first_that_is_complete_or_the_one_named(
    auth_type: str, expected: t.Any
) -> None:
    assert found(options(**FULL, auth_type=auth_type), {}) == expected
    environment = {CREDENTIALS[name][0]: value for name, value in FULL.items() if name in CREDENTIALS}
    assert found(options(domain_name="d", auth_type=auth_type), environment) == expected


def test_credentials_say_where_they_were_taken_from(written: Written) -> None:
    environment = {"HW_ACCESS_KEY": "A", "OS_ACCESS_KEY": "B", "HUAWEICLOUD_SDK_SK": "S", "HW_SECURITY_TOKEN": "X"}
    path = written("[basic]\nak = A\nsk = S\n")
    for given, variables, origin in (
        (FULL, environment, "auth_token"),
        ({"domain_name": "d"}, environment, "HW_ACCESS_KEY, HUAWEICLOUD_SDK_SK, HW_SECURITY_TOKEN"),
        ({}, {"OS_AUTH_TOKEN": "T", **environment}, "OS_AUTH_TOKEN"),
        ({"credentials_file": path}, {}, path),
    ):
        credentials: t.Any = find(options(**given), variables)[0]
        assert credentials.origin == origin
        refused = Failure("authentication", service="dis", path="/v2/p/streams")
        assert credentials.advice(refused).endswith(f" They were taken from {origin}.")
        assert credentials.advice(refused._replace(kind="authorization")) == ""
        assert credentials.advice(refused._replace(service="sts")) == ""
    profile = {"name": "example", "accessKeyId": "A", "secretAccessKey": "S"}
    path = written(json.dumps({"profiles": [profile]}))
    credentials = find(options(shared_config_file=path, profile="example"), {})[0]
    assert credentials.origin == f"Profile 'example' of shared_config_file {path!r}"


@pytest.mark.parametrize(
    ("name", "place"), [(name, place) for name in CREDENTIALS for place in range(len(CREDENTIALS[name]))]
)
def test_every_variable_in_its_order(name: str, place: int) -> None:
    """The first that is set and not empty; those after it are not looked at."""
    variables = CREDENTIALS[name]
    environment = dict.fromkeys(variables[:place], "")
    environment.update({variable: f"{number}" for number, variable in enumerate(variables) if number >= place})
    others = {"access_key": "secret_key", "secret_key": "access_key", "username": "password", "password": "username"}
    partners = {"security_token": ("access_key", "secret_key")}.get(name, (others[name],) if name in others else ())
    environment.update({CREDENTIALS[partner][0]: "partner" for partner in partners})
    credentials, _profile = find(options(domain_id="d"), environment)
    field = {"auth_token": "token"}.get(name, name)
    assert getattr(credentials, field) == f"{place}"


def test_a_domain_by_id_will_do() -> None:
    assert find(options(username="u", password=" p ", domain_id="i"), {})[0] == Password("u", " p ", None, "i")


def test_blanks_around_a_secret_are_a_slip() -> None:
    assert found(options(auth_token=" T\n"), {}) == Token("T")


@pytest.mark.parametrize("value", ["a b", "a\nb", "ä", "a\tb", "a\x7fb"])
def test_what_cannot_stand_in_a_header(value: str) -> None:
    assert not fit_for_header(value)
    with pytest.raises(ConfigurationError, match="secret_key has characters that cannot stand") as refused:
        find(options(access_key="A", secret_key=value), {})
    assert value not in str(refused.value)
    assert fit_for_header("a-b_c/+=~")
    assert not fit_for_header("")


@pytest.mark.parametrize("name", CREDENTIALS)
def test_an_empty_option_is_an_error(name: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"^{name} is empty"):
        find(options(**{name: " "}), {})


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("access_key", "secret_key"),
        ("secret_key", "access_key"),
        ("security_token", "access_key"),
        ("username", "password"),
        ("password", "username"),
    ],
)
@pytest.mark.parametrize("source", ["options", "the environment"])
def test_half_a_credential_names_the_other_half(one: str, other: str, source: str) -> None:
    given = {one: SECRET} if source == "options" else {}
    environment = {} if source == "options" else {CREDENTIALS[one][-1]: SECRET}
    if source == "options":  # the other half in the environment does not help
        environment = {CREDENTIALS[other][0]: SECRET}
    with pytest.raises(ConfigurationError) as refused:
        find(options(**given), environment)
    told = str(refused.value)
    assert told.startswith(f"{one} is given in {source} but {other} is not: set {other} in the same place")
    assert CREDENTIALS[other][0] in told
    assert SECRET not in told


@pytest.mark.parametrize(
    ("auth_type", "needed"),
    [
        ("token", "auth_token"),
        ("aksk", "access_key and secret_key"),
        ("password", "username, password and domain_name"),
    ],
)
def test_a_kind_that_is_asked_for_and_not_there(auth_type: str, needed: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"auth_type is {auth_type}, but .* set {needed}"):
        find(options(auth_type=auth_type), {})
    if auth_type != "token":
        with pytest.raises(ConfigurationError, match=f"auth_type is {auth_type}"):
            find(options(auth_type=auth_type, auth_token="T"), {})


def test_a_password_without_a_domain() -> None:
    with pytest.raises(ConfigurationError, match=r"^domain_name "):
        find(options(username="u", password="p"), {})


def test_half_a_credential_of_another_kind_is_not_the_point() -> None:
    with pytest.raises(ConfigurationError, match="auth_type is password"):
        find(options(auth_type="password", access_key="A"), {})
    with pytest.raises(ConfigurationError, match="auth_type is aksk"):
        find(options(auth_type="aksk", username="u"), {})


def test_metadata_only_when_asked_for() -> None:
    assert find(options(auth_type="metadata"), {"HW_AUTH_TOKEN": "T"})[0] == Metadata()
    for auth_type in ("metadata", "profile"):
        with pytest.raises(ConfigurationError, match=r"takes no credentials from options, but auth_token, password"):
            find(options(auth_type=auth_type, auth_token="T", password="p"), {})


# -- the file


@pytest.fixture
def written(tmp_path: pathlib.Path) -> t.Callable[[t.Any], str]:
    def write(text: t.Any) -> str:
        path = tmp_path / "credentials"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return str(path)

    return write


Written = t.Callable[[t.Any], str]


def test_the_file_in_full(written: Written) -> None:
    path = written("[basic]\nAK = A\nsk = S%%x\nsecurity_token = X\nproject_id = p\ndomain_id = d\niam_endpoint = e\n")
    profile = find(options(credentials_file=path), {})[1]
    assert found(options(credentials_file=path), {}) == Keys("A", "S%%x", "X")
    assert {name: profile.values[name] for name in ("project_id", "domain_id", "iam_endpoint")} == {
        "project_id": "p",
        "domain_id": "d",
        "iam_endpoint": "e",
    }


def test_the_file_is_last_and_never_mixed(written: Written) -> None:
    path = written("[basic]\nak = A\nsk = S\n")
    assert found(options(credentials_file=path, auth_token="T"), {}) == Token("T")
    assert found(options(credentials_file=path), {"OS_AUTH_TOKEN": "T"}) == Token("T")
    assert find(options(credentials_file=path), {"OS_AUTH_TOKEN": "T"})[1] == _credentials.Profile({})
    assert found(options(credentials_file=path, auth_type="profile"), {"OS_AUTH_TOKEN": "T"}) == Keys("A", "S")
    # Half a credential in the environment is not complete, so the file is; a half among the options ends the search.
    assert found(options(credentials_file=path), {"HW_ACCESS_KEY": "other"}) == Keys("A", "S")
    with pytest.raises(ConfigurationError, match="access_key is given in options"):
        find(options(credentials_file=path, access_key="other"), {})
    with pytest.raises(ConfigurationError, match="auth_type is token"):
        find(options(credentials_file=path, auth_type="token"), {})


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (f"[basic]\nak = {SECRET}\n", "lacks ak or sk in its section [basic]"),
        (f"[basic]\nak =\nsk = {SECRET}\n", "lacks ak or sk"),
        (f"[global]\nsk = {SECRET}\n", "has no section [basic]"),
        (f"sk = {SECRET}\n", "is not an INI file"),
        (f"[basic]\n{SECRET}\n", "is not an INI file"),
        (f"[basic]\nsk = {SECRET}\nsk = {SECRET}\n", "is not an INI file"),
        (b"[basic]\nsk = \xff" + SECRET.encode(), "cannot be read"),
        (f"[basic]\nak = A\nsk = {SECRET} {SECRET}\n", "secret_key has characters"),
    ],
)
def test_what_is_wrong_with_a_file_is_said_without_quoting_it(text: t.Any, says: str, written: Written) -> None:
    with pytest.raises(ConfigurationError) as refused:
        find(options(credentials_file=written(text)), {})
    assert says in str(refused.value)
    assert SECRET not in str(refused.value)
    assert SECRET not in repr(refused.value.__cause__)


def test_a_file_that_is_none(tmp_path: pathlib.Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        find(options(credentials_file=str(tmp_path)), {})
    missing = str(tmp_path / "missing")
    with pytest.raises(ConfigurationError, match="does not exist on the host"):
        find(options(credentials_file=missing, auth_type="profile"), {})
    with pytest.raises(ConfigurationError, match=rf"^No credentials found: set access_key .* or write {missing}; "):
        find(options(credentials_file=missing), {})
