# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The emulator as a program; ``python3 tests/emulator --help`` tells its options."""

from __future__ import annotations

import importlib
import os
import sys

_PACKAGE = __package__
if not _PACKAGE:
    # Started by its path: take the folder itself off the path (its files are no top-level modules), put the parent on.
    _HERE = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry or ".") != _HERE]
    sys.path.insert(0, os.path.dirname(_HERE))
    _PACKAGE = os.path.basename(_HERE)

if __name__ == "__main__":
    sys.exit(importlib.import_module(f"{_PACKAGE}.program").main())
