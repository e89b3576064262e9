# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stand-in for Huawei Cloud IAM, DIS, DMS for Kafka and the ECS metadata service, over real HTTP.

    with Emulator("worlds/small.yml") as emulator:
        ...  # point dis_endpoint, dms_endpoint, iam_endpoint, metadata_endpoint to emulator.url

or as a program: ``python3 tests/emulator --world tests/emulator/worlds/demo.yml``. The README beside this file has
the format of a world, the faults and the options.
"""

from __future__ import annotations

from .faults import Fault
from .reader import Clock, WorldError
from .server import Emulator, Record
from .world import World

__all__ = ["Clock", "Emulator", "Fault", "Record", "World", "WorldError"]
