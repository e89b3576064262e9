# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of the documentation site; as `antsibull-docs sphinx-init` writes them, but for the last part."""

extensions = ["sphinx.ext.autodoc", "sphinx.ext.intersphinx", "sphinx_antsibull_ext"]
pygments_style = "ansible"
highlight_language = "YAML+Jinja"
html_theme = "sphinx_ansible_theme"
html_show_sphinx = display_version = html_use_modindex = html_use_index = html_copy_source = False
html_use_smartypants = True
default_role = "any"

project = title = html_title = html_short_title = "hwcloud.streaming"
copyright = "hwcloud.streaming contributors"  # noqa: A001 - the name that Sphinx reads
# Links into other projects' pages by name would need network; elsewhere.rst has the few that our pages use.
intersphinx_mapping: dict[str, object] = {}
html_static_path = ["static"]
html_css_files = ["site.css"]
# Instead of links to Ansible's own blog and forum; and the logo would lead to the top of the disk where pages are files.
html_theme_options = {
    "topbar_links": {"Ansible documentation": "https://docs.ansible.com/"},
    "documentation_home_url": "#",
}
