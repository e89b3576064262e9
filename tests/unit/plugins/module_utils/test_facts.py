# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names, types and derived facts, one by one."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.hwcloud.streaming.plugins.module_utils import _shape
from ansible_collections.hwcloud.streaming.plugins.module_utils._dis import facts as _dis_facts
from ansible_collections.hwcloud.streaming.plugins.module_utils._dms import facts as _dms_facts
from ansible_collections.hwcloud.streaming.plugins.module_utils._wire.errors import ShapeError

MASKED = "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"
NOW = 1767323045678
INSTANCE = {"instance_id": "i", "instance_name": "n"}


@pytest.mark.parametrize(
    ("name", "clean"),
    [
        ("partitionId", "partition_id"),
        ("partition_id", "partition_id"),
        ('file_prefix"', "file_prefix"),
        ("retry_duration ", "retry_duration"),
        (" 'quoted',", "quoted"),
        ("transferTaskLogList", "transfer_task_log_list"),
        ("OBSDestination", "obs_destination"),
        ("sasl.jaas.config", "sasl_jaas_config"),
        ("topic-info", "topic_info"),
        ("_private", "_private"),
        ("__ansible_type", "ansible_type"),
        ("__ansibleUnsafe", "ansible_unsafe"),
        ("1st", "_1st"),
        ("---", "_"),
        ("", "_"),
        ("\u00e9t\u00e9", "t"),
    ],
)
def test_names(name: str, clean: str) -> None:
    assert _shape.clean_name(name) == clean
    assert _shape.clean_name(name) == clean  # the second time it is known


@pytest.mark.parametrize(
    ("sent", "tidied"),
    [
        ({"a": 1, "A": None}, {"a": 1}),
        ({"A": None, "a": 1}, {"a": 1}),
        ({"a": None, "A": 1}, {"a": 1}),
        ({"partitionId": "x", "partition_id": "y"}, {"partition_id": "y"}),
        ({"partition_id": "y", "partitionId": "x"}, {"partition_id": "y"}),
        ({"aB": 1, "a B": 2}, {"a_b": 1}),
        ({"a B": 2, "aB": 1}, {"a_b": 2}),
        ({"a": 1, "A": None, "b": 2}, {"a": 1, "b": 2}),
        ({"list": [{"aB": [{"cD": None}]}]}, {"list": [{"a_b": [{"c_d": None}]}]}),
        (
            {"carbon_properties": {"a.b C": 1, "x.password": "p"}},
            {"carbon_properties": {"a.b C": 1, "x.password": MASKED}},
        ),
        (
            {"sasl_properties": {"api-key": "p", "keystorePass": "p", "a-Key": 1}, "tags": {"Access Key": "p"}},
            {
                "sasl_properties": {"api-key": MASKED, "keystorePass": MASKED, "a-Key": 1},
                "tags": {"Access Key": MASKED},
            },
        ),
        ({"tags": {"Cost Center": "x"}}, {"tags": {"Cost Center": "x"}}),
        ({"tags": {"__ansible_type": "x", "_a": 1}}, {"tags": {"ansible_type": "x", "_a": 1}}),
        (
            {"tags": [{"key": "api-key", "value": "p"}, {"key": "Cost Center", "value": "x"}]},
            {"tags": [{"key": "api-key", "value": MASKED}, {"key": "Cost Center", "value": "x"}]},
        ),
        (
            {"a": [{"name": "dbPassword", "value": "p", "b": 1}]},
            {"a": [{"name": "dbPassword", "value": MASKED, "b": 1}]},
        ),
        ({"name": "token-stream", "b": 1}, {"name": "token-stream", "b": 1}),
    ],
)
def test_tidy(sent: dict[str, t.Any], tidied: dict[str, t.Any]) -> None:
    assert _shape.tidy(sent) == tidied


@pytest.mark.parametrize(
    "name",
    "user_password userPassword redis_passwd pwd db_pwd secret client_secret access_key secretKey ak sk token security_token"
    " credential passphrase passWord db_pass pass authorization private_key privateKey api_key sasl.jaas.config".split(),
)
@pytest.mark.parametrize("value", ["hidden", 12345, ["hidden"], {"a": "hidden"}])
def test_secrets_go_by_key(name: str, value: t.Any) -> None:
    assert list(_shape.tidy({name: value}).values()) == [MASKED]
    assert list(_shape.tidy([{"a": {name: value}}])[0]["a"].values()) == [MASKED]


@pytest.mark.parametrize(
    "name",
    "user_name partition_key kms_user_key_id task_id hash_range mask speaker bypass pass_through_id compass".split(),
)
def test_what_is_no_secret_stays(name: str) -> None:
    assert _shape.tidy({name: "x"}) == {name: "x"}
    assert _shape.tidy({"password": "", "secret": None}) == {"password": "", "secret": None}


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (None, None),
        (0, 0),
        (-1, -1),
        (2**63 + 1, 2**63 + 1),
        ("9007199254740993", 9007199254740993),
        ("1599050091026,", 1599050091026),
        (' "7" ', 7),
        ("+7", 7),
        ("-1", -1),
        ("", None),
        (" ", None),
        ("null", None),
        (3.0, 3),
        (2.0**53, 2**53),
        (-(2.0**53), -(2**53)),
    ],
)
def test_numbers(value: t.Any, number: int | None) -> None:
    assert _shape.number({"n": value}, "n") == number
    assert _shape.number({}, "n") is None


@pytest.mark.parametrize(
    "value", [True, False, 1.5, 2.0**53 + 2, 1e300, "x", "1.5", "0x1", "\u0663", "1" * 31, [], {}, [1]]
)
def test_what_is_no_number(value: t.Any) -> None:
    with pytest.raises(ShapeError, match=r"n is .* where a whole number is expected"):
        _shape.number({"n": value}, "n")


@pytest.mark.parametrize(("value", "text"), [(None, None), ("a", "a"), (' "a" ', "a"), ("", ""), (7, "7")])
def test_texts(value: t.Any, text: str | None) -> None:
    assert _shape.text({"n": value}, "n") == text


@pytest.mark.parametrize("value", [True, 1.5, [], {}])
def test_what_is_no_text(value: t.Any) -> None:
    with pytest.raises(ShapeError, match="where text is expected"):
        _shape.text({"n": value}, "n")


def test_what_is_needed() -> None:
    assert _shape.needed({"n": 5}, "n") == "5"
    for value in (None, "", ' "" '):
        with pytest.raises(ShapeError, match=r"n is missing"):
            _shape.needed({"n": value}, "n")


@pytest.mark.parametrize(
    ("value", "joined"), [(None, None), ("a,b", "a,b"), (["a", "b"], "a,b"), ([1, None, "b"], "1,b"), ([], None)]
)
def test_one_text_or_a_list_of_them(value: t.Any, joined: str | None) -> None:
    assert _shape.joined({"n": value}, "n") == joined


@pytest.mark.parametrize(
    ("facts", "objects"),
    [
        ({}, []),
        ({"a": None, "b": None}, []),
        ({"a": None, "b": [{"x": 1}]}, [{"x": 1}]),
        ({"a": [], "b": [{"x": 1}]}, [{"x": 1}]),
        ({"a": {"x": 1}}, [{"x": 1}]),
        ({"a": {}, "b": {}}, []),
        ({"a": [{"x": 1}], "b": [{"x": 2}]}, [{"x": 1}]),
    ],
)
def test_lists_of_objects(facts: dict[str, t.Any], objects: list[t.Any]) -> None:
    assert _shape.objects(facts, "a", "b") == objects


@pytest.mark.parametrize("value", ["x", 5, True, 1.5, [None], [[]], ["x"]])
def test_what_is_no_list_of_objects(value: t.Any) -> None:
    with pytest.raises(ShapeError, match=r"a is .* where a list of objects is expected"):
        _shape.objects({"a": value}, "a")


def test_pages() -> None:
    assert _shape.page_of({"n": "2", "a": None, "b": [{}]}, "n", "a", "b") == (2, [{}])
    assert _shape.page_of({"n": 0}, "n", "a") == (0, [])
    assert _shape.page_of({"a": []}, "n", "a") == (None, [])
    for answer in ({}, {"x": 1}):
        with pytest.raises(ShapeError, match="neither n nor a is"):
            _shape.page_of(answer, "n", "a", "b")
    for answer in ({"n": 2}, {"n": 2, "a": None}):
        with pytest.raises(ShapeError, match=r"n is 2 but there is no a$"):
            _shape.page_of(answer, "n", "a", "b")


@pytest.mark.parametrize(
    ("milliseconds", "moment"),
    [
        (None, None),
        (0, None),
        (-1, None),
        (1, "1970-01-01T00:00:00.001Z"),
        (1767323045678, "2026-01-02T03:04:05.678Z"),
        (1767323045000, "2026-01-02T03:04:05.000Z"),
        (1767398399999, "2026-01-02T23:59:59.999Z"),
        (1767312000000, "2026-01-02T00:00:00.000Z"),
        (253402300799999, "9999-12-31T23:59:59.999Z"),
        (253402300800000, None),
        (10**40, None),
    ],
)
def test_moments(milliseconds: int | None, moment: str | None) -> None:
    assert _shape.moment(milliseconds) == moment


@pytest.mark.parametrize(
    ("milliseconds", "age"),
    [(None, None), (0, None), (-1, None), (1, NOW // 1000), (NOW - 1999, 1), (NOW, 0), (NOW + 5000, 0)],
)
def test_ages(milliseconds: int | None, age: int | None) -> None:
    assert _shape.age(milliseconds, NOW) == age


def test_sums_and_counts() -> None:
    assert _shape.total_of([]) is None
    assert _shape.total_of([None, None]) is None
    assert _shape.total_of([None, 0, 2]) == 2
    entries: list[t.Any] = [{"state": "B"}, {"state": None}, {"state": "A"}, {"state": "B"}, {"state": ""}]
    assert _shape.counts(entries, "state") == {"A": 1, "B": 2, "UNKNOWN": 2}
    assert list(_shape.counts(entries, "state")) == ["A", "B", "UNKNOWN"]


def test_the_answer_wins_over_the_list_where_it_says_something() -> None:
    listed = {"a": 1, "b": 2, "c": 3, "d": None}
    shown = {"a": 9, "b": None, "c": "", "d": 4, "e": None, "f": ""}
    assert _shape.merged(listed, shown) == {"a": 9, "b": 2, "c": 3, "d": 4, "e": None, "f": ""}
    assert _shape.merged(listed, None) == listed


# -- transfer tasks


def task(listed: dict[str, t.Any] | None = None, shown: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
    return _dis_facts.transfer_task("s", {"task_name": "t", **(listed or {})}, shown, NOW)


def test_a_field_that_is_added_tomorrow_passes_through_under_names_that_are_free() -> None:
    shown = {
        "new_fact": {"deep": [1]},
        "problems": "theirs",
        "created_at": "theirs",
        "kind": "x",
        "discarded_records": 99,
    }
    facts = task(None, {"state": "RUNNING", "create_time": 1767323045678, **shown})
    assert (facts["new_fact"], facts["kind"]) == ({"deep": [1]}, "x")
    assert (facts["problems"], facts["created_at"]) == ([], "2026-01-02T03:04:05.678Z")
    assert facts["discarded_records"] is None


@pytest.mark.parametrize(("discards", "total"), [([-3, 3], 3), (["-1", 1], 1), ([-1, -1], None), ([-1, 0], 0)])
def test_records_that_are_not_known_make_up_for_none(discards: list[t.Any], total: int | None) -> None:
    partitions = [{"partition_id": str(number), "discard": told} for number, told in enumerate(discards)]
    assert task(None, {"partitions": partitions})["discarded_records"] == total


def test_doubled_partitions_count_once() -> None:
    one, other = {"partition_id": "0", "discard": 3}, {"partition_id": "1", "discard": "4"}
    facts = task(None, {"partitions": [one, one, other, other]})
    assert ([entry["partition_id"] for entry in facts["partitions"]], facts["discarded_records"]) == (["0", "1"], 7)
    # The same partition with other figures is no double: nothing is hidden.
    facts = task(None, {"partitions": [one, {**one, "state": "ABNORMAL"}]})
    assert len(facts["partitions"]) == 2


def test_partitions_and_topics_without_an_id_may_be_alike_and_yet_several() -> None:
    told = task(shown={"partitions": [{"discard": 3}, {"discard": 3}]})
    assert (len(told["partitions"]), told["discarded_records"]) == (2, 6)
    topics = [{"topic": "a", "partitions": [{"lag": 3}, {"lag": 3}]}, {"partitions": [{"lag": 1}]}]
    listed = {"task_id": "1", "topics_info": [*topics, topics[1]]}
    assert _dms_facts.sink_task(INSTANCE, "c", listed, None)["lag"] == 8
    mixed = [{"partition_id": number, "lag": 1} for number in (2, None, 0, 1)]
    facts = _dms_facts.sink_task(INSTANCE, "c", {"task_id": "1", "topics_info": [{"partitions": mixed}]}, None)
    assert [one["partition_id"] for one in facts["topics_info"][0]["partitions"]] == [None, 0, 1, 2]


def test_without_details_nothing_is_said_about_partitions_and_destination() -> None:
    facts = task({"partitions": [{"discard": 3}], "obs_destination_description": {"a": 1}})
    assert (facts["partitions"], facts["discarded_records"], facts["destination"]) == ([], None, None)
    assert "obs_destination_description" not in facts


def test_the_answer_tells_the_state_by_either_of_its_names() -> None:
    assert task({"state": "RUNNING"}, {"status": "ABNORMAL"})["state"] == "ABNORMAL"
    assert task({"state": "RUNNING"}, {"status": None, "task_id": "x"})["state"] == "RUNNING"
    smart = _dms_facts.smart_connect_task(INSTANCE, {"id": "1", "status": "RUNNING"}, {"state": "PAUSED"})
    assert smart["status"] == "PAUSED"


def test_the_two_names_of_a_state() -> None:
    assert task({"status": "PAUSED"})["state"] == "PAUSED"
    assert task({"state": "RUNNING", "status": "x"})["state"] == "RUNNING"
    partition = _dis_facts.partition({"status": "ACTIVE", "parent_partitions": ["a", "b"], "extra": 1})
    assert (partition["state"], partition["parent_partitions"], partition["extra"]) == ("ACTIVE", "a,b", 1)
    assert "status" not in partition


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        ("obs_destination_description", "obs"),
        ("dws_destination_description", "dws"),
        ("dws_destination_descripton", "dws"),
        ("cloudtable_destination_descripton", "cloudtable"),
        ("cloudtable_destination_description", "cloudtable"),
        ("cloud_table_destination_description", "cloudtable"),
        ("dli_destination_descriptor", "dli"),
    ],
)
def test_destinations_by_any_key(key: str, kind: str) -> None:
    facts = task(None, {key: {"a": 1, "kind": "theirs"}, "destination_type": "OBS"})
    assert facts["destination"] == {"a": 1, "kind": kind}
    assert key not in facts


def test_of_several_destinations_the_one_of_the_tasks_kind() -> None:
    shown = {
        "obs_destination_description": {"a": 1},
        "dli_destination_description": [{"b": 1}],
        "mrs_destination_description": None,
        "dws_destination_description": {},
    }
    assert task(None, {**shown, "destination_type": "DLI"})["destination"] == {"b": 1, "kind": "dli"}
    assert task(None, {**shown, "destination_type": "OBS"})["destination"] == {"a": 1, "kind": "obs"}
    assert task(None, {**shown, "destination_type": None})["destination"] == {"a": 1, "kind": "obs"}
    assert task(None, {"dws_destination_description": {}})["destination"] is None
    several = [{"a": 1}, {"a": 2}]
    assert task(None, {"obs_destination_description": several})["destination"] == {"a": 1, "kind": "obs"}


def test_numbers_inside_a_destination() -> None:
    sent = {"deliver_time_interva": "300", "retry_duration": "soon", "flush_size": "1000000", "reject_limit": "0"}
    assert _shape.repaired(sent) == {
        "deliver_time_interval": 300,
        "retry_duration": "soon",
        "flush_size": 1000000,
        "reject_limit": "0",
    }


def test_lists_inside_a_destination() -> None:
    columns = [{"column_name": "ID"}, {"column_name": "VALUE"}]
    metric = {"type": "String", "value": "v"}
    sent = {
        "cloudtable_schema": {"row_key": {"value": "a"}, "columns": columns},
        "opentsdb_schema": {"metric": metric, "timestamp": {"format": "x"}, "tags": None},
    }
    assert _shape.repaired(sent) == {
        "cloudtable_schema": {"row_key": [{"value": "a"}], "columns": columns},
        "opentsdb_schema": [{"metric": [metric], "timestamp": {"format": "x"}, "tags": []}],
    }
    assert _shape.repaired({"cloudtable_schema": None}) == {"cloudtable_schema": None}


# -- logs


def test_a_row_with_everything_in_another_form() -> None:
    row = _dis_facts.log(
        {"transfer_bytes": "7", "startTime": "1000", "endTime": 900, "state": " 3 ", "userToken": "hidden"}
    )
    assert (row["transfer_bytes"], row["start_time"], row["duration_ms"], row["state"]) == (7, 1000, None, 3)
    assert row["user_token"] == MASKED
    assert _dis_facts.log({"state": " Succeeded "})["state"] == "Succeeded"
    assert _dis_facts.log({"transferBytes": None, "transfer_bytes": 5})["transfer_bytes"] == 5


@pytest.mark.parametrize(
    ("start", "end", "duration"),
    [(1000, 1500, 500), (1000, 1000, 0), (1, 2, 1), (1001, 1000, None), (0, 5, None), (-1, 5, None), (None, 5, None)]
    + [(5, 0, None), (5, -1, None), (5, None, None)],
)
def test_durations(start: int | None, end: int | None, duration: int | None) -> None:
    assert _dis_facts.log({"startTime": start, "endTime": end})["duration_ms"] == duration


def test_a_row_that_tells_a_name_twice() -> None:
    row = _dis_facts.log({"transferBytes": 5, "transfer_bytes": None, "num": 1})
    assert (row["transfer_bytes"], row["num"]) == (5, 1)


@pytest.mark.parametrize("newest_first", [True, False])
@pytest.mark.parametrize(
    ("intervals", "total"),
    [
        ([], 0),
        ([(10, 20)], 10),
        ([(10, 20), (30, 40)], 20),
        ([(30, 40), (10, 20)], 20),
        ([(10, 20), (15, 40)], 30),
        ([(10, 40), (15, 20)], 30),
        ([(10, 20), (30, 40), (5, 50)], 45),
        ([(10, 20), (20, 30), (40, 50), (15, 45)], 40),
        ([(1, 2), (2**62 - 2, 2**62 - 1)], 2),
        ([(2**62 - 1, 2**62)], 0),
        ([(10, 20), (30, 40), (50, 60), (15, 35)], 40),
        ([(10, 20), (30, 40), (50, 60), (35, 55)], 40),
        ([(1, 9), (9, 9), (20, 20)], 8),
        ([(10, 10), (None, 5), (5, None), (0, 9), (-1, 9), (9, 5), (5, 2**63)], 0),
    ],
)
def test_the_union_of_intervals(newest_first: bool, intervals: list[t.Any], total: int) -> None:
    busy = _dis_facts.BusyTime(newest_first)
    for start, end in intervals:
        busy.add(start, end)
    assert busy.milliseconds() == total
    other = _dis_facts.BusyTime(newest_first)
    other.add(2**62 - 9, 2**62 - 7)
    other.merge(busy)
    assert other.milliseconds() == total + 2


@pytest.mark.parametrize("newest_first", [True, False])
def test_intervals_in_their_usual_order_are_appended(newest_first: bool) -> None:
    """What makes a long log cheap: the newest is at the end of the array when the newest comes first."""
    busy = _dis_facts.BusyTime(newest_first)
    for start in sorted(range(10, 100, 10), reverse=newest_first):
        busy.add(start, start + 5)
        assert {abs(busy._starts[-1]), abs(busy._ends[-1])} == {start, start + 5}


def test_rates() -> None:
    assert _dis_facts.per_second(5, 0) is None
    assert _dis_facts.per_second(5, -1) is None
    assert _dis_facts.per_second(7, 1) == 7000.0
    assert _dis_facts.per_second(1, 3000) == 0.333
    assert _dis_facts.per_second(10**6, 1000) == 10**6


# -- sink tasks and Smart Connect tasks


@pytest.mark.parametrize(
    ("sent", "topics", "names", "regex"),
    [
        ({}, None, [], None),
        ({"topics": ""}, "", [], None),
        ({"topics": "a, b.c,"}, "a, b.c,", ["a", "b.c"], None),
        ({"topics": ["a", "b"]}, "a,b", ["a", "b"], None),
        ({"topics": "t.*"}, "t.*", [], "t.*"),
        ({"topics": "t[0-9]{1,3}"}, "t[0-9]{1,3}", [], "t[0-9]{1,3}"),
        ({"topics_regex": "t.*"}, None, [], "t.*"),
        ({"topics": "t.*", "topics_regex": "t.*"}, "t.*", [], "t.*"),
        ({"topics": "a,b", "topics_regex": "c.*"}, "a,b", ["a", "b"], "c.*"),
    ],
)
def test_topics(sent: dict[str, t.Any], topics: str | None, names: list[str], regex: str | None) -> None:
    assert _dms_facts.topics_of(sent) == (topics, names, regex)


def test_what_is_no_topics() -> None:
    wrong: list[t.Any] = [{}, [{"a": 1}], True]
    for value in wrong:
        with pytest.raises(ShapeError):
            _dms_facts.topics_of({"topics": value})


def test_doubled_topics_and_partitions_count_once() -> None:
    partition = {"partition_id": "0", "lag": "5"}
    topic = {"topic": "t", "partitions": [partition, partition]}
    facts = _dms_facts.sink_task(INSTANCE, "c", {"task_id": "1"}, {"topics_info": [topic, topic], "state": "RUNNING"})
    assert (facts["lag"], facts["status"], len(facts["topics_info"])) == (5, "RUNNING", 1)
    assert facts["topics_info"][0]["lag"] == 5
    assert "state" not in facts


@pytest.mark.parametrize(
    ("done", "end", "lag", "expected"),
    [
        (3, 10, 9, 9),  # what is told is not computed
        (3, 10, 0, 0),
        (3, 10, 1, 1),
        ("3", "10", "-1", 7),
        (3, 10, None, 7),
        (0, 10, None, 10),
        (0, 0, None, 0),
        (1, 1, None, 0),
        (10, 3, None, 0),
        (2**60 + 1, 2**60 + 6, -2, 5),
        (-1, 10, None, None),
        (3, -1, None, None),
        (None, 10, -1, None),
        (3, None, None, None),
    ],
)
def test_the_lag_of_a_partition(done: t.Any, end: t.Any, lag: t.Any, expected: int | None) -> None:
    told = {"partition_id": "0", "last_transfer_offset": done, "log_end_offset": end, "lag": lag}
    topic = {"topic": "t", "partitions": [told, {"partition_id": "1", "lag": 5}]}
    facts = _dms_facts.sink_task(INSTANCE, "c", {"task_id": "1"}, {"topics_info": [topic]})
    (info,) = facts["topics_info"]
    assert info["partitions"][0]["lag"] == expected
    assert info["lag"] == facts["lag"] == (None if expected is None else expected + 5)


def test_the_two_names_of_a_status() -> None:
    listed = {"task_id": "1"}
    for build in (
        lambda told: _dms_facts.sink_task(INSTANCE, "c", listed, told),
        lambda told: _dms_facts.smart_connect_task(INSTANCE, {"id": "1"}, told),
        _dms_facts._topic_partition,
    ):
        assert build({"status": "PAUSED"})["status"] == "PAUSED"
        assert build({"state": "PAUSED"})["status"] == "PAUSED"
        assert build({"status": "RUNNING", "state": "PAUSED"})["status"] == "RUNNING"


def test_the_name_in_the_list_wins_over_the_one_echoed() -> None:
    for listed, expected in (({"task_name": "a"}, "a"), ({"task_name": ""}, "A"), ({}, "A")):
        told = {"task_name": "A"}
        assert _dms_facts.sink_task(INSTANCE, "c", {"task_id": "1", **listed}, told)["task_name"] == expected
        assert _dms_facts.smart_connect_task(INSTANCE, {"id": "1", **listed}, told)["task_name"] == expected


def test_topics_beside_the_descriptor_win_over_those_inside() -> None:
    descriptor = {"topics": "inside", "topics_regex": "in.*"}

    def facts(**told: t.Any) -> dict[str, t.Any]:
        return _dms_facts.sink_task(INSTANCE, "c", {"task_id": "1"}, {"obs_destination_descriptor": descriptor, **told})

    assert (facts()["topic_names"], facts()["topics_regex"]) == (["inside"], "in.*")
    assert facts(topics="", topics_regex=None)["topic_names"] == ["inside"]
    told = facts(topics="beside")
    assert (told["topics"], told["topic_names"], told["topics_regex"]) == ("beside", ["beside"], "in.*")


def test_the_two_ends_of_a_smart_connect_task() -> None:
    source, sink = {"task_num": "2"}, {"obs_bucket_name": "b"}
    facts = _dms_facts.smart_connect_task(INSTANCE, {"id": "1"}, {"source_task": [source, {"a": 1}], "sink_task": sink})
    assert (facts["source_task"], facts["sink_task"]) == ({"task_num": 2}, {"obs_bucket_name": "b"})
    for nothing in (None, {}, []):
        facts = _dms_facts.smart_connect_task(INSTANCE, {"id": "1"}, {"source_task": nothing, "sink_task": sink})
        assert (facts["source_task"], facts["sink_task"]) == (None, sink)


def test_smart_connect_ids() -> None:
    assert _dms_facts.smart_connect_id({"id": "a", "task_id": "b"}) == "a"
    assert _dms_facts.smart_connect_id({"id": None, "task_id": "b"}) == "b"
    with pytest.raises(ShapeError):
        _dms_facts.smart_connect_id({})


# -- lag of a transfer task


@pytest.mark.parametrize(
    ("span", "end"),
    [
        ("[0 : 9]", 9),
        (" [9:9] ", 9),
        ("[9 : 8]", None),
        ("[10 : 9]", None),
        ("0 : 9", None),
        ("[a : b]", None),
        ("", None),
        (None, None),
        ({"from": 0}, None),
    ],
)
def test_the_end_of_a_streams_partition(span: t.Any, end: int | None) -> None:
    told = {"partition_id": "1", "status": "ACTIVE", "sequence_number_range": span}
    assert _dis_facts.stream_partition(told) == ("shardId-0000000001", True, end)
    for status in ("DELETED", "EXPIRED"):
        assert _dis_facts.stream_partition({**told, "status": status})[1] is False
    assert _dis_facts.stream_partition({**told, "partition_id": {"a": 1}}) == ("", True, end)


@pytest.mark.parametrize(
    ("offset", "end", "lag"),
    [(3, 9, 6), (0, 9, 9), (9, 9, 0), (0, 0, 0), (10, 9, None), (-1, 9, None), (None, 9, None), (3, None, None)],
)
def test_how_far_a_partition_of_a_dump_is_behind(offset: int | None, end: int | None, lag: int | None) -> None:
    ends = {"shardId-0000000000": end, "shardId-0000000001": 7}
    told = {"partitions": [{"partition_id": "0", "last_transfer_offset": offset}]}
    facts = task(shown={"partitions": [*told["partitions"], {"partition_id": "1", "last_transfer_offset": 5}]})
    _dis_facts.add_lag(facts, ends, frozenset(ends), complete=True)
    assert [(one["log_end_offset"], one["lag"]) for one in facts["partitions"]] == [(end, lag), (7, 2)]
    assert facts["lag"] == (None if lag is None else lag + 2)


def test_a_lag_is_known_only_as_a_whole() -> None:
    one, other = "shardId-0000000000", "shardId-0000000001"

    def lag(*partitions: dict[str, t.Any], counting: tuple[str, ...] = (one, other), complete: bool = True) -> t.Any:
        offset = {"last_transfer_offset": 5}
        facts = task(shown={"partitions": [{**offset, **told} for told in partitions]})
        _dis_facts.add_lag(facts, {one: 9, other: 8}, frozenset(counting), complete)
        return facts["lag"]

    both = ({"partition_id": one}, {"partition_id": other})
    assert lag(*both) == 7
    assert task(shown={"partitions": list(both)})["lag_asked"] is False
    assert lag(*both, complete=False) is None
    assert lag(both[0]) is None  # the task tells nothing of a partition that counts
    assert lag() is lag(counting=()) is None
    assert lag(*both, {"partition_id": "shardId-0000000009"}) is None  # the stream knows no such partition
    # What was left behind by resharding does not count, whoever says so.
    assert lag(*both, counting=(one,)) == 4
    assert lag(both[0], {**both[1], "state": "EXPIRED", "last_transfer_offset": None}, counting=(one,)) == 4


# -- order


def test_what_is_inside_a_task_is_in_order() -> None:
    partitions = [{"partition_id": name} for name in ("shardId-0000000010", "2", "shardId-0000000000")]
    task = _dis_facts.transfer_task("s", {"task_name": "t"}, {"partitions": partitions}, 0)
    assert [entry["partition_id"] for entry in task["partitions"]] == ["shardId-0000000000", "2", "shardId-0000000010"]
    info = [
        {"topic": topic, "partitions": [{"partition_id": number} for number in ("10", 2, 0)]} for topic in ("b", "a")
    ]
    instance = {"instance_id": None, "instance_name": None}
    sink = _dms_facts.sink_task(instance, "c", {"task_id": "i"}, {"topics_info": info})
    assert [entry["topic"] for entry in sink["topics_info"]] == ["a", "b"]
    assert [entry["partition_id"] for entry in sink["topics_info"][0]["partitions"]] == [0, 2, 10]
