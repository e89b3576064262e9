# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`make bench`: what the collection costs, measured against the emulator, beside its peers. `--help` tells the options.

This part needs only Python 3.11 or newer: it makes the virtual environment, in which the rest runs.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "ci"))

import workspace  # noqa: E402  # found through the path set above


def main() -> int:
    # One version wherever it is there, so that runs can be compared.
    current = f"{sys.version_info.major}.{sys.version_info.minor}"
    version = "3.11" if "3.11" in workspace.pythons() else current
    print("Setting up …", flush=True)
    bins = workspace.make_venv("bench", version)
    work = workspace.CACHE / "bench"
    shutil.rmtree(work / "collections", ignore_errors=True)
    # A copy at the path that Ansible wants; what is measured is the working tree.
    tree = work / "collections" / "ansible_collections" / "hwcloud" / "streaming"
    for name in workspace.source_files():
        if name.startswith(("plugins/", "meta/", "galaxy.yml")):
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(workspace.ROOT / name, tree / name)
    environment = workspace.clean_environment(work / "home", bins)
    # An installed Python compiles its libraries once; what a module imports must not be compiled anew in each run.
    environment.pop("PYTHONDONTWRITEBYTECODE")
    environment |= {"ANSIBLE_COLLECTIONS_PATH": str(work / "collections"), "BENCH_WORK": str(work)}
    command: workspace.Command = [bins / "python", HERE / "program.py", *sys.argv[1:]]
    return subprocess.run(command, cwd=workspace.ROOT, env=environment, check=False).returncode


if __name__ == "__main__":
    try:
        sys.exit(main())
    except workspace.Missing as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
