# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module dms_smart_connect_task_info, inside the worker process where nothing can tell the difference (_in_process.py)."""

from __future__ import annotations

from ansible_collections.hwcloud.streaming.plugins.plugin_utils._in_process import ActionModule, main_of

__all__ = ["ActionModule"]
main = main_of("dms_smart_connect_task_info")
