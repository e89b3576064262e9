# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The attributes that all modules of the collection share."""

from __future__ import annotations


class ModuleDocFragment:
    """Attributes of info modules."""

    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    support: full
    details:
      - The module only reads. It does the same in check mode.
    description: Can run in C(check_mode) and return changed status prediction without modifying target.
  diff_mode:
    support: N/A
    details:
      - The module changes nothing.
    description: Returns details on what has changed (or possibly needs changing in check_mode), when in diff mode.
  idempotent:
    support: full
    details:
      - The module changes nothing.
    description: When run twice in a row outside check mode, with the same arguments, the second invocation indicates no change.
  action_group:
    support: full
    description: Use C(group/hwcloud.streaming.all) in C(module_defaults) to set the connection once for a play.
    membership:
      - hwcloud.streaming.all
"""
