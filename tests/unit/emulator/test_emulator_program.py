# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The emulator as a program, and over TLS."""

from __future__ import annotations

import datetime
import http.client
import ipaddress
import os
import pathlib
import signal
import ssl
import subprocess
import sys
import time
from typing import Any

import pytest
from ansible_collections.hwcloud.streaming.tests.emulator import Emulator, program
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "emulator"
SMALL = str(FOLDER / "worlds" / "small.yml")


def start(cwd: pathlib.Path, *arguments: str) -> subprocess.Popen[str]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "COVERAGE"))}
    return subprocess.Popen(
        [sys.executable, "-W", "error", str(FOLDER), *arguments],
        cwd=cwd,
        env={**environment, "PYTHONDONTWRITEBYTECODE": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_serves_until_the_signal(tmp_path: pathlib.Path, number: int) -> None:
    port_file = tmp_path / "port"
    process = start(tmp_path, "--world", SMALL, "--port-file", str(port_file), "--latency", "1")
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        port = int(port_file.read_text())
        assert line == f"emulator ready: http://127.0.0.1:{port}\n"
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        connection.request("GET", "/v3/projects", headers={"X-Auth-Token": "ExampleToken"})
        assert connection.getresponse().status == 200
    finally:
        process.send_signal(number)
        out, err = process.communicate(timeout=10)
    assert (process.returncode, out, err) == (0, "", "")


def test_says_what_is_wrong(tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    world = tmp_path / "w.json"
    world.write_text('{"colour": 1}')
    assert program.main(["--world", str(world)]) == 2
    assert capsys.readouterr().err.startswith("emulator: colour: this key is not known")
    with Emulator({}) as other:
        assert program.main(["--world", SMALL, "--port", str(other.port)]) == 2
    assert capsys.readouterr().err == f"emulator: port {other.port} of 127.0.0.1: Address already in use\n"
    absent = str(tmp_path / "absent" / "port")
    assert program.main(["--world", SMALL, "--port-file", absent]) == 2
    assert capsys.readouterr().err == f"emulator: {absent}: No such file or directory\n"
    with pytest.raises(SystemExit):
        program.main(["--world", SMALL, "--port", "65536"])
    assert "--port is a number from 0 to 65535" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        program.main(["--world", SMALL, "--tls-cert", "x"])
    assert "go together" in capsys.readouterr().err


def test_options_reach_the_emulator(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Emulator] = []
    monkeypatch.setattr(Emulator, "serve_forever", lambda self, _ready: made.append(self))
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    try:
        arguments = ["--latency", "20", "--rate", "50", "--rate-window", "fixed", "--clock", "2026-01-02T03:04:05Z"]
        assert program.main(["--world", SMALL, *arguments]) == 0
    finally:
        signal.signal(signal.SIGTERM, before[0])
        signal.signal(signal.SIGINT, before[1])
    assert made[0].latency == 0.02
    assert made[0].limiter is not None
    assert (made[0].limiter.per_second, made[0].limiter.window) == (50, "fixed")
    assert made[0].world.now() == 1_767_323_045_000


@pytest.fixture
def certificate(tmp_path: pathlib.Path) -> tuple[str, str]:
    """A self-signed certificate for 127.0.0.1 and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.timezone.utc)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate_file, key_file = tmp_path / "cert.pem", tmp_path / "key.pem"
    certificate_file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return str(certificate_file), str(key_file)


def test_tls_counts_handshakes(client_of: Any, certificate: tuple[str, str]) -> None:
    client = client_of(SMALL, tls=certificate)
    context = ssl.create_default_context(cafile=certificate[0])
    assert client.emulator.url.startswith("https://127.0.0.1:")
    assert client.get("streams", context=context).json["total_number"] == 3
    with pytest.raises(ssl.SSLCertVerificationError):
        client.get("streams", context=ssl.create_default_context(capath=str(FOLDER)))
    client.emulator.inject("/streams", "reset")
    with pytest.raises((ConnectionResetError, ssl.SSLError, http.client.RemoteDisconnected)):
        client.get("streams", context=context)
    assert client.emulator.connections == 3
    assert client.emulator.handshakes in (2, 3)
    assert len(client.emulator.requests) == 2


def test_https_asked_of_the_http_port_is_closed_at_once(client_of: Any) -> None:
    """Without a word the client would wait for the server's part of the handshake until its timeout."""
    client = client_of(SMALL)
    begin = time.monotonic()
    with pytest.raises((ssl.SSLEOFError, ssl.SSLZeroReturnError, ConnectionResetError)):
        client.get("streams", context=ssl.create_default_context())
    assert time.monotonic() - begin < 2
    assert client.emulator.requests == []
    assert client.get("streams").status == 200


def test_a_wrong_certificate_file_fails_at_once(tmp_path: pathlib.Path) -> None:
    with pytest.raises(FileNotFoundError):
        Emulator(SMALL, tls=(str(tmp_path / "absent"), str(tmp_path / "absent")))


def test_ends_with_requests_under_way(client_of: Any) -> None:
    client = client_of(SMALL)
    for action in ("silence", "drip"):
        client.emulator.inject("/streams", action)
        with pytest.raises(TimeoutError):
            client.get("streams", timeout=0.2)
    client.emulator.__exit__(None, None, None)
    with pytest.raises(ConnectionRefusedError):
        client.get("streams")
    client.emulator.stop()
