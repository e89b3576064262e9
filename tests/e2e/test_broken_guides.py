# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""README and guides agree with the collection, and what does not is found: the checks are shown copies that are broken."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from . import documentation, guides
from .conftest import ROOT

RST = "docs/docsite/rst"
ROLE = "roles/preflight/meta"
AUTHENTICATION, PREFLIGHT = f"{RST}/guide_authentication.rst", f"{RST}/guide_preflight.rst"
TROUBLE, BRANCHING = (f"{RST}/guide_{name}.rst" for name in ("troubleshooting", "branching"))
EMULATOR = "tests/emulator/README.md"
BROKEN = [
    (AUTHENTICATION, "``HW_PROJECT_NAME``, ``OS_PROJECT_NAME``", "``OS_PROJECT_NAME``", "project_name: lists"),
    (AUTHENTICATION, "   * - ``auth_type``\n     - ``HUAWEICLOUD_AUTH_TYPE``\n", "", "auth_type: lists None"),
    (
        AUTHENTICATION,
        "   * - ``auth_type``\n     - ``HUAWEICLOUD_AUTH_TYPE``\n   * - ``metadata_endpoint``\n"
        "     - ``HUAWEICLOUD_METADATA_ENDPOINT``\n",
        "   * - ``metadata_endpoint``\n     - ``HUAWEICLOUD_METADATA_ENDPOINT``\n   * - ``auth_type``\n"
        "     - ``HUAWEICLOUD_AUTH_TYPE``\n",
        "in another order",
    ),
    (AUTHENTICATION, "export HW_USER_NAME", "export HW_USERS_NAME", "no module reads HW_USERS_NAME"),
    (PREFLIGHT, "   * - ``preflight_max_lag``", "   * - ``preflight_max_lags``", "there is no preflight_max_lags"),
    (PREFLIGHT, "``preflight_retries``, ", "``preflight_timeout``, ", "preflight_timeout is there twice"),
    (TROUBLE, "``retries`` (4)", "``retries`` (5)", "retries (5): the default is 4"),
    (TROUBLE, "no,tls,certificate has", "no,ssl,certificate has", "there is no kind ssl"),
    (TROUBLE, "\nthrottled\n---------\n", "\nthrottling\n----------\n", "guide_troubleshooting: goes through"),
    (
        BRANCHING,
        "``throttled``, ``timeout``, ``connection``",
        "``throttled``, ``connection``",
        "guide_branching: goes through",
    ),
    (BRANCHING, "       details: false\n", "       detail: false\n", "detail. Supported parameters"),
    (f"{RST}/guide_assert.rst", "   * - ``now``\n", "   * - ``at``\n", "guide_assert: lists the options"),
    (f"{RST}/guide_kafka.rst", "dms_sink_task_info#module", "dms_sink_task_info#test", "no test dms_sink_task_info"),
    ("README.md", "| filter `problems` |", "| filter `problem` |", "README: lists"),
    (
        "README.md",
        "is hwcloud.streaming.healthy",
        "is hwcloud.streaming.health",
        "there is no hwcloud.streaming.health",
    ),
    (EMULATOR, "    auth_token: ExampleToken", "    token: ExampleToken", "token. Supported parameters"),
    (f"{ROLE}/argument_specs.yml", "preflight_services:", "preflight_service:", "there is no preflight_services"),
]


def test_there_is_nothing_to_find(collection: documentation.Collection) -> None:
    assert list(guides.findings(ROOT, collection)) == []


@pytest.mark.parametrize(("file", "text", "instead", "finding"), BROKEN)
def test_what_is_broken_is_found(
    collection: documentation.Collection,
    tmp_path: Path,
    file: str,
    text: str,
    instead: str,
    finding: str,
) -> None:
    for folder in (RST, ROLE):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    for page in ("README.md", EMULATOR):
        (tmp_path / page).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / page, tmp_path / page)
    before = (tmp_path / file).read_text(encoding="utf-8")
    assert text in before, "the test itself is out of date"
    (tmp_path / file).write_text(before.replace(text, instead), encoding="utf-8")
    found = list(guides.findings(tmp_path, collection))
    assert [one for one in found if finding in one], found
