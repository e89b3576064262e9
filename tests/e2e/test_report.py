# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page of the filter html_report, made by a play from facts of the demo, and opened in a browser where one is found."""

from __future__ import annotations

import functools
import http.server
import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from . import pages
from .conftest import KEYS, PROJECT, ROOT, Site

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "firefox", "firefox-esr")
BROWSER = next(filter(None, map(shutil.which, BROWSERS)), "")
# It takes pictures, but neither tells what it holds of a page nor prints one.
FIREFOX = "firefox" in Path(BROWSER).name
needs_browser = pytest.mark.skipif(not BROWSER, reason="not run here: no chromium, chrome or firefox was found")
needs_chromium = pytest.mark.skipif(not BROWSER or FIREFOX, reason="not run here: no chromium or chrome was found")
PICTURE = ROOT / "docs" / "docsite" / "rst" / "report.png"
MOMENT = "2026-01-05T08:00:00Z"
HOSTILE = [
    "<script>alert(1)</script>",
    "\"'><img src=x>",
    "{{ 7 * 7 }}",
    "{% if true %}x{% endif %}",
    "{# c #}",
    "{{ lookup('pipe', 'touch pwned') }}",
]
PLAY = """
- hosts: localhost
  gather_facts: false
  tasks:
    - hwcloud.streaming.dis_transfer_task_info:
      register: dumps
    - hwcloud.streaming.dms_sink_task_info:
      register: sinks
    - hwcloud.streaming.dis_transfer_task_log_info:
        stream_names: [orders, clicks, payments, audit]
        since: 24h
        sort_by: startTime
        limit: 0
      register: logs
    - ansible.builtin.copy:
        content: "{{ [dumps, sinks] | hwcloud.streaming.html_report(max_age='15m', max_lag=10000, logs=logs) }}"
        dest: page.html
        mode: "0600"
"""
# Names as a service sends them: by a result, by a fact that older cores template again, and as the page's own title.
NAMES = """
- hosts: localhost
  gather_facts: false
  vars:
    from_file: "{{ lookup('ansible.builtin.file', 'names.json') | from_json }}"
  tasks:
    - ansible.builtin.command: cat names.json
      register: read
    - ansible.builtin.set_fact:
        names: "{{ read.stdout | from_json }}"
    - ansible.builtin.set_fact:
        page: "{{ names | hwcloud.streaming.html_report(title=names[2].task_name, now='2026-01-02T03:04:05Z') }}"
    - ansible.builtin.copy: {content: "{{ page }}", dest: fact.html, mode: "0600"}
    - ansible.builtin.copy:
        content: "{{ from_file | hwcloud.streaming.html_report(title=names[2].task_name, now='2026-01-02T03:04:05Z') }}"
        dest: direct.html
        mode: "0600"
"""


@pytest.fixture(scope="module")
def page(built: Path, demo: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    site = Site(tmp_path_factory.mktemp("report"), built, Path(sys.executable))
    ran = site.play(PLAY, **site.at(demo))
    assert ran.status == 0, ran.output
    return site.folder / "page.html"


def test_a_play_writes_the_page(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert "dumps are not well</p>" in text
    assert "stream clicks, task clicks-to-obs: state is PAUSED" in text
    assert 'class="g"' in text, "no gap is drawn"
    assert page.stat().st_mode & 0o777 == 0o600


def test_hostile_names_stay_text_through_a_play(site: Site) -> None:
    tasks = [{"stream_name": name, "task_name": name, "state": name} for name in HOSTILE]
    (site.folder / "names.json").write_text(json.dumps(tasks), encoding="utf-8")
    ran = site.play(NAMES)
    assert ran.status == 0, ran.output
    text = (site.folder / "fact.html").read_text(encoding="utf-8")
    assert text == (site.folder / "direct.html").read_text(encoding="utf-8")
    assert not (site.folder / "pwned").exists()
    assert "<script" not in text
    assert "<img" not in text
    assert not re.search(r"\{[{%#]", text)
    assert text.count("&#123;&#123; 7 * 7 }}") >= 3


def test_the_playbook_writes_the_page_where_the_command_was_typed(site: Site, tmp_path: Path) -> None:
    folder = tmp_path / "typed here"
    folder.mkdir()
    command = [
        "ansible-playbook",
        "hwcloud.streaming.report",
        "-e",
        "report_dest=dumps.html",
        "-e",
        "report_max_age=15m",
    ]
    ran = site.run(*command, cwd=folder, PWD=str(folder))
    assert ran.status == 0, ran.output
    text = (folder / "dumps.html").read_text(encoding="utf-8")
    assert "dumps are not well</p>" in text
    assert "within 15m (max_age" in text
    assert (folder / "dumps.html").stat().st_mode & 0o777 == 0o600
    assert 'class="g"' in text, "no gap is drawn"


def test_the_playbook_as_a_gate_fails_after_the_page_was_written(site: Site, tmp_path: Path) -> None:
    options = {"report_dest": str(tmp_path / "gate.html"), "report_mode": "0644", "report_fail": True}
    ran = site.run("ansible-playbook", "hwcloud.streaming.report", "-e", json.dumps(options))
    assert ran.status == 2
    assert "state is PAUSED, not RUNNING" in ran.plain
    assert (tmp_path / "gate.html").stat().st_mode & 0o777 == 0o644


def test_several_hosts_have_a_page_each_and_check_mode_writes_none(site: Site) -> None:
    options = ["-e", "report_hosts=all", "-e", "report_stream_names=orders"]
    command = ["ansible-playbook", "hwcloud.streaming.report", "-i", "a,b", *options]
    own = site.folder / "{{ inventory_hostname }}.html"
    same = site.run(*command, "-e", f"report_dest={site.folder}/all.html")
    assert same.status == 2, same.output
    assert f"several hosts would write {site.folder}/all.html, each over the other" in same.plain
    checked = site.run(*command, "--check", "-e", f"report_dest={own}")
    assert checked.output.count(".html (check mode: not written)") == 2, checked.output
    assert not list(site.folder.glob("*.html"))


def test_the_playbook_refuses_what_cannot_be_before_any_request(bare: Site) -> None:
    ran = bare.run(
        "ansible-playbook",
        "hwcloud.streaming.report",
        "-e",
        '{"report_hours": "x", "report_fail": "maybe", "report_dest": "", "report_mode": "0690"}',
    )
    assert ran.status == 2
    assert "report_dest: expected a path; report_hours: expected a whole number from 1 to 744" in ran.plain
    assert "report_mode: expected the mode of a file as text, such as 0640 or u=rw,g=r" in ran.plain
    assert "report_fail: expected true or false" in ran.plain


# -- in a browser


class Asked(http.server.SimpleHTTPRequestHandler):
    """Serves the folder and notes every path that is asked for."""

    paths: list[str]

    def do_GET(self) -> None:
        self.paths.append(self.path)
        super().do_GET()

    def log_message(self, *_arguments: object) -> None:
        pass


@pytest.fixture
def served(page: Path) -> Iterator[tuple[str, list[str]]]:
    paths: list[str] = []
    handler = type("Handler", (Asked,), {"paths": paths})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(handler, directory=str(page.parent)))
    with server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/{page.name}", paths
        server.shutdown()


def browse(folder: Path, address: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Open an address in a browser that reaches nothing else."""
    command = [
        BROWSER,
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--hide-scrollbars",
        "--enable-logging=stderr",
        "--disable-background-networking",
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
        f"--user-data-dir={folder / 'browser'}",
        *options,
        address,
    ]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=90, check=False)


def shoot(folder: Path, address: str, width: int, height: int = 2000, scheme: str = "light") -> bytes:
    """Take a picture of an address; in chromium nothing may have been complained about."""
    shot = folder / "shot.png"
    if FIREFOX:
        profile = folder / "browser"
        profile.mkdir(exist_ok=True)
        settings = {"ui.systemUsesDarkTheme": int(scheme == "dark"), "network.proxy.type": 1}
        settings |= {
            "network.proxy.http": "127.0.0.1",
            "network.proxy.http_port": 9,
            "network.proxy.share_proxy_settings": True,
        }
        lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in settings.items()]
        (profile / "user.js").write_text("".join(lines), encoding="utf-8")
        command = [
            BROWSER,
            "--headless",
            "--no-remote",
            "--profile",
            str(profile),
            "--window-size",
            f"{width},{height}",
        ]
        command += ["--screenshot", str(shot), address]
        told = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=90, check=False)
    else:
        # 0 is dark, 1 is light.
        options = (f"--window-size={width},{height}", f"--blink-settings=preferredColorScheme={int(scheme == 'light')}")
        told = browse(folder, address, *options, f"--screenshot={shot}")
        assert "CONSOLE" not in told.stderr
    assert told.returncode == 0, told.stderr
    picture = shot.read_bytes()
    assert picture[:8] == b"\x89PNG\r\n\x1a\n"
    assert int.from_bytes(picture[16:20], "big") == width
    return picture


@needs_browser
@pytest.mark.parametrize("width", [400, 1300])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_browser_shows_it_without_asking_for_anything(
    served: tuple[str, list[str]], tmp_path: Path, width: int, scheme: str
) -> None:
    address, paths = served
    picture = shoot(tmp_path, address, width, scheme=scheme)
    assert paths[0] == "/page.html"
    # A browser asks for an icon by itself; the page names none.
    assert set(paths) <= {"/page.html", "/favicon.ico"}
    assert len(picture) > 20_000, "nothing is on it"


@needs_chromium
@pytest.mark.parametrize("width", [400, 700, 1300])
def test_nothing_of_it_is_wider_than_the_window(page: Path, tmp_path: Path, width: int) -> None:
    """The page itself can run nothing, so the page around a frame measures it."""
    frame = tmp_path / "frame.html"
    frame.write_text(
        f"<!DOCTYPE html><iframe id=f width={width} height=600 srcdoc='' sandbox='allow-same-origin'></iframe><p id=p></p>"
        "<script>const f = document.getElementById('f');"
        f"f.onload = () => {{ if (f.contentDocument.title) document.getElementById('p').textContent = 'wide ' + "
        "(f.contentDocument.documentElement.scrollWidth - f.contentDocument.documentElement.clientWidth) };"
        f"f.srcdoc = {json.dumps(page.read_text(encoding='utf-8'))}</script>",
        encoding="utf-8",
    )
    told = browse(tmp_path, frame.as_uri(), "--dump-dom", "--virtual-time-budget=5000", "--window-size=1500,900")
    assert '<p id="p">wide 0</p>' in told.stdout, told.stdout[-300:]


@needs_chromium
def test_it_is_printed_in_dark_on_white_whatever_the_screen_is(page: Path, tmp_path: Path) -> None:
    printed = {}
    for scheme in ("dark", "light"):
        paper = tmp_path / f"{scheme}.pdf"
        told = browse(
            tmp_path,
            page.as_uri(),
            f"--blink-settings=preferredColorScheme={int(scheme == 'light')}",
            "--no-pdf-header-footer",
            f"--print-to-pdf={paper}",
        )
        assert told.returncode == 0, told.stderr
        printed[scheme] = re.sub(rb"\(D:\d+[^)]*\)", b"", paper.read_bytes())
    assert printed["dark"] == printed["light"]
    # The columns stay beside each other on paper too.
    assert len(re.findall(rb"/Type /Page\b", printed["light"])) == 1


@needs_chromium
def test_the_picture_in_the_documentation_is_small(bare: Site, tmp_path: Path) -> None:
    """The picture of README and guides. CONTRIBUTING.md says how it is written anew."""
    world = pages.load(bare.emulator_program / "worlds" / "demo.yml")
    token = {"HUAWEICLOUD_REGION": KEYS["HUAWEICLOUD_REGION"], "HUAWEICLOUD_SDK_PROJECT_ID": PROJECT}
    with bare.emulator(world, "--clock", MOMENT) as address:
        there = bare.at(address) | token | dict.fromkeys(("HUAWEICLOUD_SDK_AK", "HUAWEICLOUD_SDK_SK"), "")
        play = PLAY.replace("since: 24h", "since: 2026-01-04T08:00:00Z").replace(
            "logs=logs", f"logs=logs, now='{MOMENT}'"
        )
        ran = bare.play(play, folder=tmp_path, **there, HW_AUTH_TOKEN="ExampleToken")
    assert ran.status == 0, ran.output
    picture = shoot(tmp_path, (tmp_path / "page.html").as_uri(), 1100, 810)
    assert 20_000 < len(picture) < 150_000
    if os.environ.get("WRITE_PICTURES"):
        PICTURE.write_bytes(picture)
    assert PICTURE.read_bytes()[:24] == picture[:24], "of another size"
