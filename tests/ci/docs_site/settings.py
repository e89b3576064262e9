# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of the documentation site: appended to the conf.py that antsibull-docs writes."""

project = "hwcloud.streaming"
copyright = "hwcloud.streaming contributors"  # noqa: A001 - the name that Sphinx reads
title = html_title = html_short_title = "hwcloud.streaming"
# Links into other projects' pages by name would need network; elsewhere.rst has the few that our pages use.
intersphinx_mapping: dict[str, object] = {}

html_static_path = ["static"]
html_css_files = ["site.css"]
# Instead of links to Ansible's own blog and forum; and the logo would lead to the top of the disk where pages are files.
html_theme_options = {
    "topbar_links": {"Ansible documentation": "https://docs.ansible.com/"},
    "documentation_home_url": "#",
}
