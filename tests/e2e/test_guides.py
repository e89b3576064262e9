# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""README and guides are true: what they show is run from their text, and prints what they say (see pages.py)."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from . import documentation, pages
from .conftest import ROOT, Site

RST = ROOT / "docs" / "docsite" / "rst"
FRONT = ROOT / "docs" / "site" / "front.rst"
PAGES = [ROOT / "README.md", FRONT, *sorted(RST.glob("*.rst"))]
# Pages for people who work on the collection, or with its emulator; they are not run from top to bottom.
EMULATOR = ROOT / "tests" / "emulator" / "README.md"
OTHER_PAGES = [ROOT / "CONTRIBUTING.md", EMULATOR]
# Pages whose every block is left alone, because nothing in them is meant to be typed in.
WITHOUT_CODE = {"guide_architecture.rst"}


TEMPORARY_KEY = {
    "access_key": "STSEXAMPLE000000000X",
    "secret_key": "STSExample00000000000000000000000000000",
    "security_token": "ExampleSecurityToken",
}

AGENCY = {"name": "dump-reader", "domain": "other-account", "domain_id": "0a1b2c3d4e5f60718293a4b5c6d7e8f9"}


@pytest.fixture(scope="module")
def reader(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Where a reader types in what a page says: the world of the demo, a temporary key, an ECS with an agency."""
    site = Site(tmp_path_factory.mktemp("reader"), built, Path(sys.executable))
    world = pages.load(site.emulator_program / "worlds" / "demo.yml")
    world["credentials"]["access_keys"].append(TEMPORARY_KEY)
    world["metadata"] = {"credential": TEMPORARY_KEY}
    world["agencies"] = [AGENCY]
    with site.emulator(world) as address:
        others = ("HUAWEICLOUD_METADATA_ENDPOINT", "HUAWEICLOUD_SDK_STS_ENDPOINT")
        site.environment |= {**site.at(address), **dict.fromkeys(others, address)}
        yield site


def run(block: pages.Block, site: Site, folder: Path, changes: list[tuple[str, str, str]] | None = None) -> list[str]:
    """Do with a block what its form asks for; return what is not as the page says.

    Given a list of changes, other output than shown goes there.
    """
    kind = block.kind
    if block.caption:
        path = folder / block.caption
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.text, encoding="utf-8")
        if kind in ("playbook", "tasks"):  # a console after it runs it
            return []
    if kind == "exports":
        told = site.run("bash", "-c", f"set -eu\n{block.text}\nenv -0", cwd=folder)
        if told.status:
            return [told.output]
        site.environment = dict(entry.split("=", 1) for entry in told.output.split("\0") if "=" in entry)
        return []
    if kind in ("playbook", "tasks"):
        inventory = ["-i", "inventory.yml"] if (folder / "inventory.yml").exists() else []
        ran = site.play(block.playbook, *inventory, folder=folder)
        return [] if ran.status == block.status else [f"exit status {ran.status}\n{ran.output}"]
    if kind == "python":
        done = subprocess.run(
            [sys.executable, "-c", block.text],
            env=site.environment,
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        return [] if done.returncode == block.status else [done.stderr]
    wrong = []
    for command, shown in block.commands if kind == "console" else ():
        ran = site.run("bash", "-c", command, cwd=folder)
        if ran.status != block.status:
            wrong.append(f"$ {command}\nexit status {ran.status}, not {block.status}\n{ran.output}")
        elif line := pages.differs(shown, ran.output):
            told = pages.difference(shown, ran.output)
            if told and changes is not None:
                changes.append((command, shown, ran.output))
            else:
                wrong.append(f"$ {command}\n{told or f'not printed where it is shown: {line}'}")
    return wrong


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_everything_on_the_page_works(page: Path, reader: Site, tmp_path: Path) -> None:
    folder = tmp_path / "page"
    folder.mkdir()
    site = Site(tmp_path, reader.installed, Path(sys.executable))
    site.environment = reader.environment | {"HOME": str(tmp_path / "home")}
    found = pages.blocks(page)
    assert found or page.name in WITHOUT_CODE
    changes: list[tuple[str, str, str]] | None = [] if os.environ.get("WRITE_GUIDES") else None
    wrong = [f"{page.name}:{block.line}\n{finding}" for block in found for finding in run(block, site, folder, changes)]
    if changes:
        pages.write(page, changes)
    if wrong:
        pytest.fail("\n\n".join(wrong), pytrace=False)


def test_every_block_is_seen() -> None:
    """A block that the patterns miss would never be run."""
    for page in [*PAGES, *OTHER_PAGES]:
        assert len(pages.blocks(page)) == pages.marks(page), page.name


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("page.rst", "As in this one::\n\n   hosts: localhost\n"),
        ("page.rst", ".. code:: yaml\n\n   hosts: localhost\n"),
        ("page.rst", "- In a list:\n\n  .. code-block:: yaml\n\n     hosts: localhost\n"),
        ("page.md", "```\nhosts: localhost\n```\n"),
        ("page.md", "~~~yaml\nhosts: localhost\n~~~\n"),
    ],
)
def test_a_block_that_is_not_seen_is_found(tmp_path: Path, name: str, text: str) -> None:
    page = tmp_path / name
    page.write_text(text, encoding="utf-8")
    assert len(pages.blocks(page)) < pages.marks(page)


def test_what_make_is_given_is_there() -> None:
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    told = {command.split()[0] for page in [*PAGES, *OTHER_PAGES] for command in pages.made(page)}
    assert len(told) > 5
    assert told <= set(targets)


def test_every_playbook_with_a_name_is_run() -> None:
    """It is kept as a file, and runs only if a block after it names it (or, for a role, its folder)."""
    for page in PAGES:
        found = pages.blocks(page)
        for number, block in enumerate(found):
            if block.caption and block.kind in ("playbook", "tasks"):
                name = block.caption.split("/")[1] if block.caption.startswith("roles/") else block.caption
                assert any(name in later.text for later in found[number + 1 :]), f"{page.name}: {block.caption}"


RESOLVE = """
import json, sys
from ansible_collections.hwcloud.streaming.plugins.module_utils._identity import endpoints
print(json.dumps([endpoints.resolve(*question).url for question in json.loads(sys.argv[1])]))
"""


def test_settings_of_the_clouds_lead_to_the_addresses_beside_them(bare: Site) -> None:
    text = (RST / "guide_authentication.rst").read_text(encoding="utf-8")
    rows = re.findall(r"^     - \| ``(HUAWEICLOUD_REGION=.*)``\n((?: {7}\| ``https://.*``\n?){3})", text, re.MULTILINE)
    assert len(rows) == 7
    questions = []
    for settings, _addresses in rows:
        given = dict(setting.split("=", 1) for setting in settings.split())
        where = (given["HUAWEICLOUD_REGION"], given.get("HW_CLOUD"))
        questions += [("dis", *where, None), ("dms", *where, None), ("iam", *where, given.get("HW_AUTH_URL"))]
    told = [address for _settings, addresses in rows for address in re.findall(r"``(.*)``", addresses)]
    ran = bare.run(sys.executable, "-c", RESOLVE, json.dumps(questions), PYTHONPATH=str(bare.installed))
    assert json.loads(ran.output) == told


def test_the_emulator_starts_as_its_page_says(bare: Site) -> None:
    (shown,) = (block.text for block in pages.blocks(EMULATOR) if block.language == "shell")
    place, command, ready = shown.splitlines()
    assert place.startswith("collection=~/")
    started = subprocess.Popen(
        ["bash", "-c", f"collection=.; exec {command}"],
        cwd=bare.collection,
        env=bare.environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    with started:
        assert started.stdout is not None
        try:
            assert pages.differs(ready.removeprefix("# "), started.stdout.readline()) is None
        finally:
            started.terminate()


def test_the_emulator_takes_the_options_of_its_page(bare: Site) -> None:
    listed = re.findall(r"^\| (`--.*?`) \|", EMULATOR.read_text(encoding="utf-8"), re.MULTILINE)
    told = bare.run(sys.executable, bare.emulator_program, "--help")
    assert set(re.findall(r"--[a-z-]+", " ".join(listed))) == set(re.findall(r"--[a-z-]+", told.output)) - {"--help"}


def test_the_emulator_is_used_in_python_as_its_page_says(bare: Site) -> None:
    (shown,) = (block.text for block in pages.blocks(EMULATOR) if block.language == "python")
    world = {"streams": [{"name": "orders", "tasks": [{"name": "to-obs"}]}]}
    documentation.run_inside(bare.collection, f"world = {world!r}\n{shown}")


def test_guides_are_listed() -> None:
    """antsibull-docs shows the guides that docs/docsite/extra-docs.yml names, and no others."""
    listed = [page for section in pages.load(RST.parent / "extra-docs.yml")["sections"] for page in section["toctree"]]
    assert sorted(listed) == sorted(path.stem for path in RST.glob("*.rst"))


def test_links_and_pictures_are_in_the_tarball(bare: Site) -> None:
    linked = re.findall(r"\]\((?!https?:)([^)#]+)", (ROOT / "README.md").read_text(encoding="utf-8"))
    shown = [
        f"docs/docsite/rst/{name}"
        for page in RST.glob("*.rst")
        for name in re.findall(r"^\.\. image:: (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    ]
    assert len(linked) > 10
    assert len(shown) >= 4
    assert [path for path in {*linked, *shown} if not (bare.collection / path).is_file()] == []


@pytest.mark.parametrize(
    ("shown", "printed"),
    [
        ("at http://127.0.0.1:40231", "at http://127.0.0.1:8080"),
        ('"elapsed": 0.013,', '"elapsed": 1.2,'),
        ("created_at: '2026-05-06T04:44:48.305Z'", "created_at: '2027-05-06T04:44:48Z'"),
        ("last_transfer_timestamp: 1795149888305", "last_transfer_timestamp: 1805149888305"),
        ("last_transfer_age: 173121", "last_transfer_age: 17"),
        ("PLAY [x] ***", "\nPLAY [x] *************\n"),
        ("a\n...\nc", "a\nb\nc"),
        ("...\nb\n...", "a\nb\nc"),
        ("last transfer 3h 5m ago", "last transfer 3h ago"),
    ],
)
def test_the_comparison_overlooks_what_changes_from_run_to_run(shown: str, printed: str) -> None:
    assert pages.differs(shown, printed) is None


@pytest.mark.parametrize(
    ("shown", "printed"),
    [
        ("a\nb", "a"),
        ("a", "a\nb"),
        ("a\n...\nd", "a\nb\nc"),
        ("state: RUNNING", "state: PAUSED"),
        ("lag: 5", "lag: null"),
        ("lag: 5", "lag: 6"),
        ("returned: 263", "returned: 262"),
        ("ok: 2 dumps", "ok: 17 dumps"),
        ("localhost : ok=6 changed=0", "localhost : ok=7 changed=0"),
        ("shardId-0000000001", "shardId-0000000002"),
    ],
)
def test_the_comparison_sees_what_differs(shown: str, printed: str) -> None:
    assert pages.differs(shown, printed) is not None


def test_only_what_differs_is_written_anew(tmp_path: Path) -> None:
    page = tmp_path / "page.rst"
    before = ".. code-block:: console\n\n   $ show\n   at 127.0.0.1:1\n   ...\n   lag: 5\n   end\n"
    page.write_text(before, encoding="utf-8")
    ((command, shown),) = pages.blocks(page)[0].commands
    printed = "at 127.0.0.1:2\n\nmore\nand more\nlag: 6\nend\n"
    assert pages.difference(shown, printed).splitlines()[3:] == [
        " at 127.0.0.1:1",
        " ...",
        "-lag: 5",
        "+lag: 6",
        " end",
    ]
    pages.write(page, [(command, shown, printed)])
    assert page.read_text(encoding="utf-8") == before.replace("lag: 5", "lag: 6")
    ((command, shown),) = pages.blocks(page)[0].commands
    assert pages.differs(shown, printed) is None


def test_a_page_that_is_wrong_is_found(site: Site, tmp_path: Path) -> None:
    page = tmp_path / "wrong.rst"
    page.write_text(
        """
.. code-block:: yaml+jinja

   - hwcloud.streaming.dis_transfer_task_info:
       stream_nams: orders

.. status: 2

.. code-block:: yaml+jinja

   - hosts: localhost
     tasks: []

.. code-block:: console

   $ echo one
   two
""",
        encoding="utf-8",
    )
    assert [bool(run(block, site, tmp_path)) for block in pages.blocks(page)] == [True, True, True]
