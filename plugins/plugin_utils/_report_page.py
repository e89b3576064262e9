# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page of the filter html_report, as a Jinja2 template. No style attributes, no script, no address.

Two opening braces in a row must not stand in what it renders to: an older ansible-core would take them for a template.
"""

from __future__ import annotations

# Colours stand in :root alone, once for light and once for dark; a test computes their contrast from there.
STYLE = """
:root{--bg:#fff;--fg:#1b1f24;--dim:#57606a;--line:#d0d7de;--ok:#116329;--bad:#b42318;--unsure:#7a4e00;
--bar:#2f6fbf;--track:#e1e6eb;--gap:#f0968c}
@media (prefers-color-scheme:dark){
:root{--bg:#0d1117;--fg:#e6edf3;--dim:#9aa5b1;--line:#30363d;--ok:#56d364;--bad:#ff9a91;--unsure:#e3b341;
--bar:#79b0ee;--track:#2b333c;--gap:#a8372e}
}
*{box-sizing:border-box}
body{background:var(--bg);color:var(--fg);font:15px/1.45 system-ui,sans-serif;margin:0 auto;max-width:84rem;padding:1.2rem 1rem}
h1{font-size:1.3rem;margin:0}
h2{font-size:1.1rem;margin:1.8rem 0 .3rem}
p{margin:.3rem 0}
footer{margin-top:1.8rem}
small,.dim{color:var(--dim);font-size:.85rem}
.verdict{border-left:.4rem solid;font-size:1.5rem;font-weight:600;line-height:1.25;margin:.8rem 0;padding:.2rem .7rem}
.ok{color:var(--ok)}.bad{color:var(--bad)}.unsure{color:var(--unsure)}
.rules{margin:.2rem 0 .8rem;padding-left:1.2rem}
table{border-collapse:collapse;width:100%}
th,td{padding:.4rem .8rem .4rem 0;text-align:left;vertical-align:top;overflow-wrap:anywhere}
thead th{border-bottom:2px solid var(--line);color:var(--dim);font-size:.85rem;overflow-wrap:normal;vertical-align:bottom}
tbody th{font-weight:600}
tr{border-top:1px solid var(--line)}
.v{font-weight:600;white-space:nowrap}
.s{overflow-wrap:normal}
.n,.k{min-width:5.5rem}
.a,.l,.h{font-variant-numeric:tabular-nums;white-space:nowrap}
.a small,.l small,.h small{display:block}
.p{border-top:0}
.p td{padding-top:0}
.p ul{margin:0;padding-left:1.2rem}
svg{display:block;print-color-adjust:exact;-webkit-print-color-adjust:exact}
svg.m{background:var(--track);margin:.2rem 0;stroke:var(--bar);stroke-width:6}
svg.over{stroke:var(--bad)}
svg.h{border-bottom:1px solid var(--dim);box-sizing:content-box;fill:var(--bar);max-width:100%}
.g{stroke:var(--gap);stroke-width:24}
@media screen and (max-width:60rem){
thead{display:none}
table,tbody,tr,td,tbody th{display:block}
tr{padding:.5rem 0}
tr.p{padding-top:0}
td,tbody th{padding:.1rem 0}
td:empty{display:none}
svg.m{display:inline-block;margin:0 0 .15rem .6rem}
.w::before{content:"Where: "}.n::before{content:"Stream: "}.k::before{content:"Instance: "}.s::before{content:"State: "}
.d::before{content:"To: "}
.a::before{content:"Last transfer: "}.i::before{content:"Last log entry ended: "}
.l::before{content:"Lag: "}
.x::before{content:"Discarded: "}.h::before{content:"Bytes per hour: "}
td::before{color:var(--dim)}
}
@media print{
:root{--bg:#fff;--fg:#000;--dim:#444;--line:#999;--ok:#116329;--bad:#b42318;--unsure:#7a4e00;
--bar:#2f6fbf;--track:#e1e6eb;--gap:#f0968c}
body{font-size:8pt;max-width:none;padding:0}
small,.dim,thead th{font-size:7pt}
.n,.k{min-width:4.9rem}
tr{break-inside:avoid}
.p{break-before:avoid}
thead{display:table-header-group}
}
"""

PAGE = """\
{% macro bar(share) %}
{% if share is not none -%}
<svg class="m{{ ' over' if share > 80 }}" width="80" height="6" aria-hidden="true">\
{% if share %}<path d="M0 3h{{ share if share < 80 else 80 }}"/>{% endif %}</svg>
{%- endif %}
{% endmacro %}
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>{{ verdict }} - {{ title }}</title>
<style>{{ style }}</style>
</head>
<body>
<header>
<h1>{{ title }}</h1>
<p class="dim">As of {{ moment }}{% if places %}, {{ places | join(', ') }}{% endif %}</p>
<p class="verdict {{ sort }}">{{ signs[sort] }} {{ verdict }}</p>
<p>A dump is well when:</p>
<ul class="rules">
{% for rule in rules %}
<li>{{ rule }}</li>
{% endfor %}
</ul>
{% for note in notes %}
<p class="bad">{{ note }}</p>
{% endfor %}
</header>
<main>
{% for table in tables %}
<section>
<h2>{{ table.title }}: <span class="{{ table.sort }}">{{ table.verdict }}</span></h2>
<table>
<thead><tr>
{%- for _name, heading in table.columns %}<th scope="col">{{ heading }}</th>{% endfor -%}
</tr></thead>
<tbody>
{% for row in table.rows %}
<tr>
{%- for name, _title in table.columns -%}
{%- if name == 'verdict' -%}
<td class="v {{ row.sort }}">{{ signs[row.sort] }} {{ row.word }}</td>
{%- elif name == 'task' -%}
<th scope="row">{{ row.task }}</th>
{%- elif name == 'age' -%}
<td class="a">{{ row.age }}{{ bar(row.age_share) }}</td>
{%- elif name == 'lag' -%}
<td class="l">{{ row.lag }}{{ bar(row.lag_share) }}</td>
{%- elif name == 'hours' -%}
<td class="h">{% if row.chart %}{% set chart = row.chart -%}
<svg class="h" width="{{ width }}" height="24"{% if width != hours * 6 %} \
viewBox="0 0 {{ hours * 6 }} 24" preserveAspectRatio="none"{% endif %} aria-hidden="true">
{%- if chart.gaps %}<path class="g" d="{{ chart.gaps }}"/>{% endif -%}
{%- if chart.bars %}<path d="{{ chart.bars }}"/>{% endif -%}
</svg><small>{{ chart.words }}</small>{% endif %}</td>
{%- else -%}
<td class="{{ table.place if name == 'place' else classes[name] }}">{{ row[name] }}</td>
{%- endif -%}
{%- endfor -%}
</tr>
{% if row.problems %}
<tr class="p"><td colspan="{{ table.columns | length }}"><ul>
{%- for problem in row.problems %}<li>{{ problem }}</li>{% endfor -%}
</ul></td></tr>
{% endif %}
{% endfor %}
</tbody>
</table>
{% if table.left_out %}
<p>{{ table.left_out }} more {{ 'dump is' if table.left_out == 1 else 'dumps are' }} well and not listed.</p>
{% endif %}
</section>
{% endfor %}
</main>
<footer>
{% if hours %}
<p class="dim">Bytes per hour: the last {{ hours }} hours, the newest on the right, each dump on a scale of its own.
An hour in which nothing was transferred is a gap: a red band from top to bottom.</p>
{% endif %}
<p class="dim">Bars are full at the limit. Times are UTC. Made with hwcloud.streaming.</p>
</footer>
</body>
</html>
"""
