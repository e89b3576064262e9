# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the import of utils from a zip, as on a managed host."""

from __future__ import annotations

import importlib
import importlib.util
import subprocess
import sys
import zipfile
import zipimport
from pathlib import Path

import pytest
from ansible_collections.hwcloud.streaming.plugins.module_utils import _zipped

PROGRAM = """
import sys, zipimport
sys.path.insert(0, sys.argv[1])
compiled = []
compile_source = zipimport._compile_source
zipimport._compile_source = lambda path, source: compiled.append(path) or compile_source(path, source)
if sys.argv[2] == "once":
    from package import _first
from package import _second
print(_second.VALUE, _second.__file__.endswith("_second.py"), _second.__spec__.name, sum("_second" in path for path in compiled))
"""


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    path = tmp_path / "archive.zip"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("package/__init__.py", "")
        file.write(_zipped.__file__, "package/_zipped.py")
        file.writestr("package/_first.py", "from package._zipped import compile_once\ncompile_once(__spec__)\n")
        file.writestr("package/_second.py", "VALUE = 42\n")
    return path


@pytest.mark.parametrize("how", ["once", "as python does"])
def test_a_module_in_a_zip_is_the_same_and_compiled_once(archive: Path, how: str) -> None:
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(archive), how], capture_output=True, text=True, check=True, timeout=60
    )
    value, located, name, compiled = run.stdout.split()
    assert (value, located, name) == ("42", "True", "package._second")
    if how == "once":
        assert int(compiled) == 1 if sys.version_info >= (3, 10) else int(compiled) >= 1


def test_outside_a_zip_nothing_changes(archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    finders = list(sys.meta_path)
    _zipped.compile_once(None)
    _zipped.compile_once(_zipped.__spec__)
    assert sys.meta_path == finders


def test_only_private_modules_of_the_package_are_found(archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    monkeypatch.syspath_prepend(str(archive))
    spec = importlib.util.find_spec("package._second")
    assert spec is not None
    assert isinstance(spec.loader, zipimport.zipimporter)
    _zipped.compile_once(spec)
    assert isinstance(sys.meta_path[0], _zipped.Finder) is (sys.version_info >= (3, 10))
    finder = _zipped.Finder(spec.loader, "package")
    found = finder.find_spec("package._second")
    assert found is not None
    assert found.has_location
    assert found.origin == str(archive / "package" / "_second.py")
    assert finder.find_spec("package.second") is None
    assert finder.find_spec("json") is None
