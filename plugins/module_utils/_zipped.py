# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible sends the utils to the managed host in a zip, uncompiled; this has each of them compiled once, not twice.

Python's own import from a zip compiles a source a first time only to learn its file name: a tenth of a short task.
"""

from __future__ import annotations

import os
import sys
import typing as t
from importlib.machinery import ModuleSpec
from zipimport import zipimporter


class Finder:
    """Finds the modules of one package in a zip, and gives their file names itself."""

    def __init__(self, loader: t.Any, package: str) -> None:
        self.loader, self.prefix = loader, f"{package}._"

    def find_spec(self, fullname: str, path: t.Any = None, target: t.Any = None) -> ModuleSpec | None:
        """Return what the import system needs to load a private module of the package; None for any other."""
        if not fullname.startswith(self.prefix):
            return None
        origin = os.path.join(self.loader.archive, *fullname.split(".")) + ".py"
        spec = ModuleSpec(fullname, self.loader, origin=origin)
        spec.has_location = True
        return spec


def compile_once(spec: ModuleSpec | None) -> None:
    """Find the other utils quicker if the module with this spec came out of a zip; from Python 3.10 on."""
    loader = spec.loader if spec else None
    if spec and isinstance(loader, zipimporter) and hasattr(loader, "exec_module"):
        sys.meta_path.insert(0, Finder(loader, spec.name.rpartition(".")[0]))
