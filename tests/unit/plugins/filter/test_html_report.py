# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter html_report: what stands on the page, that nothing of it is ever more than text, how large it grows."""

from __future__ import annotations

import itertools
import re
import time
import typing as t
from html.parser import HTMLParser

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.hwcloud.streaming.plugins.filter.html_report import FilterModule
from ansible_collections.hwcloud.streaming.plugins.filter.problems import problems
from ansible_collections.hwcloud.streaming.plugins.plugin_utils import _hours
from ansible_collections.hwcloud.streaming.plugins.plugin_utils._report_page import STYLE

html_report = FilterModule().filters()["html_report"]
NOW = 1767323045678
HOUR = 3_600_000
PLACE = {"region": "eu-west-101", "project_id": "0123456789abcdef0123456789abcdef"}
ALLOWED = set(
    "html head meta title style body header main footer section h1 h2 p ul li table thead tbody tr th td span small svg"
    " path".split()
)
VOID = {"meta", "path"}


class Page(HTMLParser):
    """A page that was read: its elements with their attributes, its text, and its tables row by row."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.source = text
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.texts: list[str] = []
        self.rows: list[list[str]] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" in self.open:
            return
        self.texts.append(data)
        if "td" in self.open or "th" in self.open:
            self.rows[-1][-1] += data

    @property
    def text(self) -> str:
        return " ".join("".join(self.texts).split())

    @property
    def verdict(self) -> str:
        return re.findall(r'<p class="verdict \w+">(.*)</p>', self.source)[0]


def task(number: int = 1, **facts: t.Any) -> dict[str, t.Any]:
    return {
        "stream_name": "orders",
        "task_name": f"orders-{number}",
        "task_id": f"id-{number}",
        "state": "RUNNING",
        "create_time": NOW - 90 * 24 * HOUR,
        "last_transfer_timestamp": NOW - 60_000,
        "destination_type": "OBS",
        "destination": {"kind": "obs", "obs_bucket_path": "archive", "file_prefix": "orders"},
        "partitions": [],
        "discarded_records": 0,
        **facts,
    }


def sink(**facts: t.Any) -> dict[str, t.Any]:
    return {
        "instance_name": "kafka-shop",
        "connector_id": "c",
        "task_id": "s",
        "task_name": "shop-events",
        "status": "RUNNING",
        "topics_info": [],
        "lag": 7,
        **facts,
    }


def result(*tasks: dict[str, t.Any], **keys: t.Any) -> dict[str, t.Any]:
    return {"changed": False, "transfer_tasks": list(tasks), "not_found": [], **PLACE, **keys}


def log_of(*hours: int, number: int = 1, size: int = 1000, **keys: t.Any) -> dict[str, t.Any]:
    """The result of the log module with one entry in each of these hours before NOW, the newest first."""
    entries = [
        {
            "transfer_task_id": f"id-{number}",
            "start_time": NOW - hour * HOUR - 600_000,
            "end_time": NOW - hour * HOUR - 300_000,
            "transfer_bytes": size * (hour + 1),
        }
        for hour in hours
    ]
    last = "2026-01-02T02:59:05Z" if hours else None
    tasks = [{"transfer_task_id": f"id-{number}", "truncated": False, "last_ended_at": last, **keys}]
    return {"changed": False, "logs": entries, "tasks": tasks, "not_found": [], **PLACE}


# -- what stands on it


def test_the_verdict_the_rules_and_the_worst_first() -> None:
    text = html_report(
        [
            result(
                task(1),
                task(2, last_transfer_timestamp=NOW - 3 * HOUR),
                task(3, state="PAUSED"),
                not_found=[{"stream_name": "returns", "task_name": None}],
            ),
            {"changed": False, "sink_tasks": [sink(), sink(task_name="late", lag=95278)], **PLACE},
        ],
        max_age="15m",
        max_lag=10_000,
        max_discarded=0,
        now=NOW,
        title="The shop",
    )
    page = Page(text)
    assert page.verdict == "✗ 4 of 6 dumps are not well"
    assert "<title>4 of 6 dumps are not well - The shop</title>" in text
    assert "As of 2026-01-02 03:04:05 UTC, eu-west-101" in page.text
    for rule in ("within 15m (max_age", "at most 10,000 (max_lag", "at most 0 records were discarded (max_discarded"):
        assert rule in page.text
    assert "DIS transfer tasks: 3 of 4 dumps are not well" in page.text
    assert "Kafka sink tasks: 1 of 2 dumps is not well" in page.text
    words = [row[0] for row in page.rows if row[0][:1] in ("✗", "✓", "?")]
    assert words == ["✗ missing", "✗ paused", "✗ late", "✓ ok", "✗ behind", "✓ ok"]
    late = next(row for row in page.rows if row[0] == "✗ late")
    assert late == ["✗ late", "orders", "orders-2", "RUNNING", "OBS archive/orders", "3h ago"]
    behind = next(row for row in page.rows if row[0] == "✗ behind")
    assert behind == ["✗ behind", "kafka-shop", "late", "RUNNING", "95,278"]


def test_every_sentence_of_the_filter_problems_stands_below_its_row() -> None:
    value = result(task(1, state="ABNORMAL", discarded_records=5), task(2), error={"kind": "server"}, msg="HTTP 503")
    page = Page(html_report(value, max_discarded=0, now=NOW))
    told = problems(value, max_discarded=0, now=NOW)
    assert len(told) == 3
    for sentence in told:
        assert sentence in page.text
    below = [row for row in page.rows if len(row) == 1]
    assert any("ABNORMAL" in row[0] and "5 records discarded" in row[0] for row in below)


@pytest.mark.parametrize(
    ("value", "verdict", "sort"),
    [
        (result(task(1), task(2)), "✓ All 2 dumps are well", "ok"),
        (result(task(1)), "✓ The one dump is well", "ok"),
        (result(task(1), task(2, state=None)), "? 1 of 2 dumps is not well", "unsure"),
        (result(), "✗ Nothing to judge", "bad"),
        (
            result(task(1), failed=True, error={"kind": "server"}, msg="HTTP 503"),
            "✗ The one dump is well; not all could be gathered (1 failure)",
            "bad",
        ),
        ({"failed": True, "msg": "no such thing"}, "✗ Not all could be gathered (1 failure)", "bad"),
    ],
)
def test_the_verdict_is_never_better_than_the_truth(value: dict[str, t.Any], verdict: str, sort: str) -> None:
    text = html_report(value, now=NOW)
    assert Page(text).verdict == verdict
    assert f'<p class="verdict {sort}">' in text
    assert (sort == "ok") == (problems(value, now=NOW) == [])


def test_tasks_that_only_problems_left_out_are_counted() -> None:
    whole = {"total": 7, "healthy": 5}
    ill = [task(number, state="PAUSED", problems=["state"]) for number in (1, 2)]
    assert Page(html_report(result(*ill, summary=whole), now=NOW)).verdict == "\N{BALLOT X} 2 of 7 dumps are not well"
    none_ill = result(summary={"total": 7, "healthy": 7})
    assert Page(html_report(none_ill, now=NOW)).verdict == "\N{CHECK MARK} All 7 dumps are well"
    # A list that the play has narrowed: nobody knows how the others are.
    narrowed = result(task(1), task(2), summary=whole)
    assert Page(html_report(narrowed, now=NOW)).verdict == "\N{CHECK MARK} All 2 dumps are well"


def test_an_empty_result_that_may_be_empty_is_well() -> None:
    page = Page(html_report(result(), now=NOW, allow_empty=True))
    assert page.verdict == "✓ Nothing to judge"


def test_without_limits_the_page_says_that_states_alone_were_judged() -> None:
    assert "states alone were judged" in html_report(task(), now=NOW)
    assert "states alone were judged" not in html_report(task(), now=NOW, max_age="1h")


def test_bars_are_full_at_the_limit_and_there_only_with_one() -> None:
    def bars(age: int, **options: t.Any) -> list[str]:
        text = html_report(task(last_transfer_timestamp=NOW - age), now=NOW, **options)
        return re.findall(r'<svg class="m( over)?" .*?(M0 3h\d+|</svg>)', text)

    assert bars(450_000) == []
    assert bars(450_000, max_age="15m") == [("", "M0 3h40")]
    assert bars(900_000, max_age="15m") == [("", "M0 3h80")]
    assert bars(900_001, max_age="15m") == [(" over", "M0 3h80")]
    assert bars(0, max_age=0) == [("", "</svg>")]


def test_healthy_rows_beyond_the_number_are_counted_and_problems_are_not() -> None:
    tasks = [task(number, state="PAUSED" if number < 3 else "RUNNING") for number in range(7)]
    page = Page(html_report(result(*tasks), now=NOW, rows=4))
    assert sum(row[0] == "✗ paused" for row in page.rows) == 3
    assert sum(row[0] == "✓ ok" for row in page.rows) == 1
    assert "3 more dumps are well and not listed." in page.text
    page = Page(html_report(result(*tasks), now=NOW, rows=0))
    assert sum(row[0] == "✗ paused" for row in page.rows) == 3
    assert "4 more dumps are well" in page.text
    assert page.verdict == "✗ 3 of 7 dumps are not well"


def test_results_of_several_regions_say_where() -> None:
    page = Page(html_report([result(task(1)), result(task(1), region="eu-west-102")], now=NOW))
    assert [row[:2] for row in page.rows[1:]] == [["✓ ok", "eu-west-101"], ["✓ ok", "eu-west-102"]]


def test_what_is_not_known_says_so() -> None:
    value = [
        task(1, last_transfer_timestamp=0, lag_asked=True, lag=None),
        sink(lag=None),
    ]
    text = Page(html_report(value, now=NOW, max_lag=1, max_age="1h")).text
    assert "never" in text
    assert text.count("not known") >= 4  # two cells and two sentences


# -- bytes per hour


def test_gaps_are_seen() -> None:
    text = html_report(result(task(1)), now=NOW, logs=log_of(0, 1, 4), hours=6)
    assert re.findall(r'<path class="g" d="(.*?)"', text) == ["M0 12h6M12 12h12"]
    assert "8.00 kB, 3 h without data" in text
    assert "the last 6 hours" in text


def test_a_task_that_moved_nothing_is_one_gap_and_one_that_was_not_read_has_no_picture() -> None:
    text = html_report(result(task(1), task(2)), now=NOW, logs=log_of(), hours=6)
    assert re.findall(r'<path class="g" d="(.*?)"', text) == ["M0 12h36"]
    assert text.count('class="h" width') == 1
    assert "0 B, 6 h without data" in text


def test_hours_before_the_task_was_made_are_no_gaps() -> None:
    text = html_report(task(1, create_time=NOW - 3 * HOUR), now=NOW, logs=log_of(0), hours=6)
    assert "2 h without data, 3 h not known" in text


@pytest.mark.parametrize(
    ("read_hours", "words"),
    [
        ((1, 2), "1 h without data, 3 h not known"),
        ((2, 1), "3 h without data, 1 h not known"),
        ((1, 3, 2), "3 h not known"),
    ],
    ids=["newest first", "oldest first", "neither"],
)
def test_what_a_truncated_log_does_not_tell_is_not_known(read_hours: tuple[int, ...], words: str) -> None:
    text = html_report(task(1), now=NOW, logs=log_of(*read_hours, truncated=True), hours=6)
    assert words in text


def test_hours_outside_of_the_window_that_was_asked_for_are_not_known() -> None:
    asked = {"invocation": {"module_args": {"since": "3h", "until": "1h"}}}
    text = html_report(task(1), now=NOW, logs={**log_of(1), **asked}, hours=6)
    assert "1 h without data, 4 h not known" in text
    asked = {"invocation": {"module_args": {"since": str(NOW - 3 * HOUR), "until": None}}}
    text = html_report(task(1), now=NOW, logs={**log_of(1), **asked}, hours=6)
    assert "2 h without data, 3 h not known" in text


def test_entries_that_were_not_kept_are_no_gaps() -> None:
    logs = log_of(1)
    logs["logs"] = []
    assert "without data" not in html_report(task(1), now=NOW, logs=logs)


def test_an_entry_that_lasts_over_several_hours_is_shared_out() -> None:
    entry = {"start_time": NOW - 3 * HOUR, "end_time": NOW - HOUR, "transfer_bytes": 1000}
    assert _hours.slots([entry], now=NOW, hours=4) == [0, 500, 500, 0]
    entry = {"start_time": NOW - 9 * HOUR, "end_time": NOW + HOUR, "transfer_bytes": 1000}
    assert _hours.slots([entry], now=NOW, hours=2) == [100, 100]
    entry = {"start_time": NOW - HOUR, "end_time": None, "transfer_bytes": None}
    assert _hours.slots([entry, {}], now=NOW, hours=2) == [0, None]
    assert _hours.slots([{**entry, "transfer_bytes": -1}], now=NOW, hours=1) == [None]
    told = {**entry, "transfer_bytes": 100}
    assert _hours.slots([entry, told], now=NOW, hours=1) == [100]


def test_bars_of_hours() -> None:
    assert _hours.chart([0, 1, 500, 500, None]).bars == "M0 24h6v-1h6v-22h12v23h6V24"
    assert _hours.chart([None, None]) == ("", "", "0 B, 2 h not known")


@pytest.mark.parametrize(
    ("size", "words"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (999.6, "1.00 kB"),
        (12_345, "12.3 kB"),
        (312e9, "312 GB"),
        (9.996e6, "10.0 MB"),
        (1e20, "100000 PB"),
    ],
)
def test_bytes_in_words(size: float, words: str) -> None:
    assert _hours.bytes_in_words(size) == words


def test_logs_that_could_not_be_read_are_told() -> None:
    page = Page(html_report(task(1), now=NOW, logs=[{"failed": True, "msg": "HTTP 503", "error": {"kind": "server"}}]))
    assert "Logs: result 1 of 1: failed: HTTP 503" in page.text


def test_logs_are_judged_when_they_have_a_limit_of_their_own() -> None:
    day, last = log_of(), log_of(3, last_ended_at="2026-01-02T00:04:05Z")
    value = result(task(1))
    assert Page(html_report(value, now=NOW, logs=[day, last])).verdict == "✓ The one dump is well"
    assert Page(html_report(value, now=NOW, logs=[day, last], max_log_age="4h")).verdict == "✓ The one dump is well"
    page = Page(html_report(value, now=NOW, logs=[day, last], max_log_age="15m"))
    assert page.verdict == "✗ 1 of 1 dumps is not well"
    assert "last log entry ended 3h ago (2026-01-02T00:04:05Z), limit 15m" in page.text
    assert "its last log entry ended within 15m (max_log_age" in page.text
    with pytest.raises(AnsibleFilterError, match="max_log_age: expected seconds"):
        html_report(value, logs=last, max_log_age="soon")


def test_a_task_whose_log_was_not_read_is_not_well_when_logs_have_a_limit() -> None:
    limited = {"max_log_age": "2h"}
    read = Page(html_report(result(task()), now=NOW, logs=log_of(0), **limited))
    assert read.verdict == "\N{CHECK MARK} The one dump is well"
    skipped = {"skipped": True, "changed": False}
    for logs, count in (
        (None, "2 of 2 dumps are"),
        (skipped, "2 of 2 dumps are"),
        (log_of(0, number=2), "1 of 2 dumps is"),
    ):
        page = Page(html_report(result(task(1), task(2)), now=NOW, logs=logs, **limited))
        assert page.verdict == f"? {count} not well"
        assert "task orders-1: its log was not read, limit 2h" in page.text


def test_the_log_of_another_region_is_not_shown() -> None:
    text = html_report(result(task(1), region="eu-west-102"), now=NOW, logs=log_of(1))
    assert 'class="h" width' not in text


def test_never_a_row_of_a_log() -> None:
    logs = log_of(1)
    logs["logs"][0]["transfer_file_name"] = "a-file-of-theirs"
    assert "a-file-of-theirs" not in html_report([result(task(1)), logs], now=NOW, logs=logs)


# -- nothing of it is more than text

HOSTILE = [
    "<script>alert(1)</script>",
    "</title><script>alert(1)</script>",
    "\"'><img src=x onerror=alert(1)>",
    "</td></table><style>*{display:none}</style>",
    "{{ 7 * 7 }}",
    "{% for x in y %}",
    "{# never seen #}",
    "{{ lookup('pipe', 'id') }}",
    "&lt;b&gt; &amp; &#123;",
    "\ud800 half a pair",
    "-->]]>",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_names_stay_text(text: str) -> None:
    facts = {"stream_name": text, "task_name": text, "state": text, "destination_type": text}
    value = [
        result(
            task(1, **facts, destination={"obs_bucket_path": text}),
            not_found=[{"stream_name": text, "task_name": text}],
            failed=True,
            error={"kind": "server", "path": text},
            msg=text,
            region=text,
        ),
        {"changed": False, "sink_tasks": [sink(instance_name=text, task_name=text, status=text)], "region": "b"},
    ]
    logs = {"failed": True, "msg": text, "error": {"kind": "server"}}
    page_text = html_report(value, now=NOW, title=text, logs=logs)
    page = Page(page_text)
    assert {tag for tag, _attributes in page.elements} <= ALLOWED
    for _tag, attributes in page.elements:
        assert not {name for name in attributes if name.startswith("on") or name in ("src", "href", "style", "srcdoc")}
    for opening in ("{{", "{%", "{#"):
        assert opening not in page_text
    assert page_text.encode()
    shown = text.replace("\ud800", "?")
    assert shown in page.text
    body = page_text[page_text.index("</style>") :]
    assert "{" not in body


def test_the_page_needs_nothing_and_may_fetch_nothing() -> None:
    text = html_report(result(task(1)), now=NOW, logs=log_of(1))
    page = Page(text)
    policies = [attributes for tag, attributes in page.elements if attributes.get("http-equiv")]
    assert policies == [
        {"http-equiv": "Content-Security-Policy", "content": "default-src 'none'; style-src 'unsafe-inline'"}
    ]
    assert not re.search(r"https?:|url\(|@import|<script|javascript:|//", text)
    assert text.startswith("<!DOCTYPE html>\n")
    assert {tag for tag, _attributes in page.elements} <= ALLOWED


# -- options


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"tittle": "x"},
            "unknown option tittle; there are max_age, .*, allow_empty, logs, title, hours, rows, max_log_age",
        ),
        ({"title": 5}, "title: expected a text, got 5"),
        ({"title": " "}, "title: expected a text, got ' *'"),
        ({"title": ["a"]}, "title: expected a text, got a value of type list"),
        ({"hours": 0}, "hours: expected a whole number, 1 to 744, got 0"),
        ({"hours": 745}, "hours: expected a whole number, 1 to 744, got 745"),
        ({"hours": "a day"}, "hours: expected a whole number, 1 to 744, got 'a day'"),
        ({"hours": True}, "hours: expected a whole number, 1 to 744, got True"),
        ({"hours": 1.5}, "hours: expected a whole number, 1 to 744, got 1.5"),
        ({"rows": -1}, "rows: expected a whole number, 0 or more, got -1"),
        ({"rows": "-1"}, "rows: expected a whole number, 0 or more, got '-1'"),
        ({"logs": 7}, "cannot judge this"),
        ({"logs": {"sink_tasks": []}}, None),
        ({"logs": result(task(1))}, "logs: expected"),
        ({"max_age": "soon"}, "max_age: expected"),
    ],
)
def test_what_is_wrong_with_the_call_is_an_error_of_ansible(options: dict[str, t.Any], message: str | None) -> None:
    if message is None:
        html_report(task(), **options)
        return
    with pytest.raises(AnsibleFilterError, match=message):
        html_report(task(), **options)


def test_numbers_may_come_as_text_and_options_may_be_omitted() -> None:
    text = html_report(task(), now=str(NOW), hours="6", rows="1", title=None, logs=None, max_age=None)
    assert text == html_report(task(), now=NOW, hours=6, rows=1)
    assert text == html_report(task(), None, None, None, NOW, False, None, "Data dumps", 6, 1)


# -- size and looks


def page_with_logs(count: int) -> tuple[str, float]:
    """A page of many tasks with a day of logs, and the seconds that it took."""
    tasks = [
        task(
            number,
            stream_name=f"stream-{number:04d}",
            task_name=f"dump-{number:04d}",
            state="PAUSED",
            lag_asked=True,
            lag=9,
        )
        for number in range(count)
    ]
    entries = [
        {
            "transfer_task_id": f"id-{number}",
            "start_time": NOW - at * 650_000,
            "end_time": NOW - at * 650_000 + 300_000,
            "transfer_bytes": 1_000_000 + number * at,
        }
        for number, at in itertools.product(range(count), range(133))
    ]
    ends = [
        {"transfer_task_id": f"id-{number}", "truncated": False, "last_ended_at": "2026-01-02T03:00:00Z"}
        for number in range(count)
    ]
    logs = {"logs": entries, "tasks": ends, **PLACE}
    started = time.process_time()
    text = html_report(result(*tasks), now=NOW, max_age="15m", max_lag=1, logs=logs, rows=1000)
    return text, time.process_time() - started


def test_a_thousand_tasks_with_a_day_of_logs_stay_small_and_quick() -> None:
    """Ten times as many take about ten times as long; what grows with the square takes a hundred times."""
    small = min(page_with_logs(100)[1] for _try in range(3))
    text, took = page_with_logs(1000)
    assert text.count('class="h" width') == 1000
    assert len(text.encode()) < 1_000_000
    assert took < 30 * small


def luminance(colour: str) -> float:
    digits = "".join(digit * 2 for digit in colour) if len(colour) == 3 else colour
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_contrast_in_light_dark_and_print() -> None:
    themes = [
        dict(re.findall(r"--(\w+):#([0-9a-f]+)", theme)) for theme in re.findall(r":root\{(.*?)\}", STYLE, re.DOTALL)
    ]
    assert len(themes) == 3
    for theme in themes:
        background = luminance(theme["bg"])
        for name, least in {"fg": 4.5, "dim": 4.5, "ok": 4.5, "bad": 4.5, "unsure": 4.5, "bar": 3}.items():
            lighter, darker = sorted((luminance(theme[name]), background), reverse=True)
            assert (lighter + 0.05) / (darker + 0.05) >= least, name
    assert set(re.findall(r"#[0-9a-f]{3,6}\b", re.sub(r":root\{.*?\}", "", STYLE, flags=re.DOTALL))) == set()
