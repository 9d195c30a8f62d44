"""A protocol is checked whole: every error with its place, and nothing hostile gets through."""

from __future__ import annotations

import copy
import json
import time
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from services.protocol.domain import MOST_ERRORS, check, digest
from shared.errors import Invalid
from tests.unit.services.protocol.examples import SMALL, as_yaml, small


def errors_of(text: str | bytes, **about: Any) -> dict[str, dict[str, Any]]:
    """The errors of a malformed protocol, by place."""
    with pytest.raises(Invalid) as caught:
        check(text, **about)
    by_position = {error["at"]: error for error in caught.value.errors}
    assert len(by_position) == len(caught.value.errors), "a place is told twice"
    return by_position


def test_a_good_protocol_is_the_same_from_yaml_and_from_json():
    from_yaml = check(as_yaml(SMALL), review="small")
    from_json = check(json.dumps(SMALL, indent="\t"), form="json", review="small")

    assert from_yaml == from_json
    assert digest(from_yaml) == digest(from_json)
    assert from_yaml.stages[0].votes == 2


def test_the_order_of_fields_and_the_comments_of_a_file_do_not_change_its_digest():
    reordered = "# a comment\n" + as_yaml(dict(reversed(SMALL.items())))

    assert digest(check(reordered)) == digest(check(as_yaml(SMALL)))
    assert digest(check(as_yaml(small(title="Another")))) != digest(check(as_yaml(SMALL)))


def test_a_search_that_begins_after_the_last_day_of_publication_is_an_error():
    days = {"published_after": "2015-12-31", "published_until": "2017-12-31"}

    assert check(as_yaml(small(**days, search_from="2017-12-31"))).search_from is not None
    assert list(errors_of(as_yaml(small(**days, search_from="2018-01-01")))) == ["search_from"]


def test_every_error_is_told_with_its_path_and_line():
    text = """\
review: small
title: A small review
question: 42
published_after: 2017-12-31
published_until: 2016-01-01
definitions: {context: a, mechanism: b, outcome: c}
strategies:
  - {id: a, source: scopus, query: x}
  - {id: a, source: pubmed, query: x}
stages:
  - name: one
    question: Q
    votes: 0
    answers:
      - {value: in, leads_to: advance}
      - {value: in, leads_to: nowhere}
    fields:
      - {name: x, label: L, kind: choice}
      - {name: x, label: L, options: [a]}
theories:
  - {id: t, heading: H, statement: S}
cmocs:
  - {id: c1, theory: other, context: c, resource: r, reasoning: m}
  - {id: c1, theory: t, context: c, resource: r, reasoning: m, outcome: o, colour: red}
"""
    errors = errors_of(text, review="another")

    assert {at: error["line"] for at, error in errors.items()} == {
        "review": 1,
        "question": 3,
        "published_until": 5,
        "strategies[0].source": 8,
        "strategies[1].id": 9,
        "stages[0].votes": 13,
        "stages[0].answers": 14,
        "stages[0].answers[1].leads_to": 16,
        "stages[0].answers[1].value": 16,
        "stages[0].fields[0].options": 18,
        "stages[0].fields[1].name": 19,
        "stages[0].fields[1].options": 19,
        "cmocs[0].theory": 23,
        "cmocs[0].outcome": 23,
        "cmocs[1].id": 24,
        "cmocs[1].colour": 24,
    }
    assert "put it in quotes" in errors["question"]["why"]
    assert "openalex" in errors["strategies[0].source"]["why"]
    assert "exclude" in errors["stages[0].answers"]["why"]


def test_a_name_that_is_none_is_told_in_words_and_not_as_a_pattern():
    why = errors_of(as_yaml(small(review="Small Review")))["review"]["why"]

    assert "lower-case letters and digits" in why and "'Small Review'" in why and "^" not in why


def test_json_has_paths_and_no_lines():
    errors = errors_of(json.dumps(small(cmocs=[])), form="json")

    assert list(errors) == ["cmocs"]
    assert "line" not in errors["cmocs"]


def test_a_yes_or_no_that_yaml_makes_a_boolean_is_explained():
    spoiled = as_yaml(SMALL).replace("value: maybe", "value: no")

    assert "False is read as true or false" in errors_of(spoiled)["stages[0].answers[1].value"]["why"]


@pytest.mark.parametrize(
    ("position", "value", "seen"),
    [
        ("published_after", 0, "date"),
        ("published_after", "2017", "date"),
        ("publish_every_days", "30", "whole number"),
        ("publish_every_days", True, "whole number"),
        ("title", 1, "put it in quotes"),
    ],
)
def test_a_value_of_another_kind_is_an_error_in_both_forms(position, value, seen):
    spoiled = small(**{position: value})

    assert seen in errors_of(as_yaml(spoiled))[position]["why"]
    assert seen in errors_of(json.dumps(spoiled), form="json")[position]["why"]


@pytest.mark.parametrize(
    ("position", "value", "why"),
    [
        ("cmocs", [], "at least 1 must stand here, and there are 0"),
        ("strategies", {"id": "one"}, "a list must stand here, each item behind a -"),
        ("definitions", "none", "keys with values must stand here (it is 'none')"),
        ("publish_every_days", 0, "this must be 1 or more (it is '0')"),
        ("publish_every_days", 5000, "this must be 3660 or less (it is '5000')"),
        ("published_after", "soon", "a date must stand here, such as 2018-01-31 (it is 'soon')"),
        ("title", "", "this text must not be empty (it is '')"),
        ("title", ["a"], "a text must stand here"),
    ],
)
def test_what_has_not_its_shape_is_told_in_words_of_a_protocol(position, value, why):
    assert errors_of(as_yaml(small(**{position: value})))[position]["why"] == why


def test_a_one_is_no_truth_value_in_a_protocol():
    stage = SMALL["stages"][0] | {"fields": [{"name": "x", "label": "L", "required": 1}]}

    errors = errors_of(json.dumps(small(stages=[stage])), form="json")

    assert "true or false" in errors["stages[0].fields[0].required"]["why"]


@pytest.mark.parametrize(
    ("tags", "wrong"),
    [
        ([{"name": "a", "label": "A"}, {"name": "b", "label": "B", "kind": "choice", "options": ["x", "y"]}], []),
        ([{"name": "a", "label": "A"}, {"name": "a", "label": "B"}], ["tags[1].name"]),
        ([{"name": "a", "label": "A", "kind": "choice"}], ["tags[0].options"]),
        ([{"name": "a", "label": "A", "kind": "choice", "options": ["x", "x"]}], ["tags[0].options"]),
        ([{"name": "a", "label": "A", "kind": "number", "options": ["1"]}], ["tags[0].options"]),
        ([{"name": "a", "label": "A", "kind": "colour"}], ["tags[0].kind"]),
    ],
)
def test_the_tags_of_a_stage_have_names_of_their_own_and_options_where_one_chooses(tags, wrong):
    text = as_yaml(small(stages=[SMALL["stages"][0] | {"tags": tags}]))

    assert [f"stages[0].{at}" for at in wrong] == (list(errors_of(text)) if wrong else [])
    assert wrong or check(text).stages[0].tags[1].options == ["x", "y"]


@pytest.mark.parametrize(("times", "fits"), [(1, True), (20, True), (0, False), (21, False)])
def test_a_task_is_parked_after_one_to_twenty_leases_that_came_to_nothing(times, fits):
    text = as_yaml(small(stages=[SMALL["stages"][0] | {"parks_after": times}]))

    assert fits or list(errors_of(text)) == ["stages[0].parks_after"]
    assert not fits or check(text).stages[0].parks_after == times


def test_a_stage_that_can_never_advance_a_record_is_an_error():
    stage = SMALL["stages"][0] | {"answers": [SMALL["stages"][0]["answers"][2], SMALL["stages"][0]["answers"][1]]}

    assert "never" not in errors_of(as_yaml(small(stages=[stage])))["stages[0].answers"]["why"]
    assert "'advance'" in errors_of(as_yaml(small(stages=[stage])))["stages[0].answers"]["why"]


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("", "empty"),
        ("just words", "keys with values"),
        ("a: [1,\nb: }", "found '}'"),
        ("a:\n\t- b", "cannot start any token"),
        ("a: 1\n---\nb: 2", "another document"),
        (b"a: \xff", "not UTF-8"),
        ("a: \x07", "does not allow"),
        ("a: &x [1]\nb: *x", "alias"),
        ("a: &x [*x]", "alias"),
        ("!!python/object/apply:os.system ['true']", "tag"),
        ("a: !!binary aGVsbG8=", "tag"),
        ("a: !!set {x, y}", "tag"),
        ("published_after: 2017-13-45", "put it in quotes"),
        ("n: " + "9" * 5000, "put it in quotes"),
        ("n: 1" + ":59" * 20, "too long"),
        ("n: 0x" + "f" * 50, "too long"),
        ("a: " + "x" * 5_000_000, "larger than"),
        ('title: "a\\0b"', "cannot be stored"),
        ("title: a\ntitle: b", "named twice: on line 1 and on line 2"),
        ("? [a, b]\n: c", "a name must be plain text"),
    ],
)
def test_what_is_not_a_plain_yaml_document_is_told(text, seen):
    errors = errors_of(text)

    assert any(seen in error["why"] for error in errors.values()), errors


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["bare", "behind a byte order mark"])
def test_the_line_of_a_letter_that_is_not_utf_8_is_told(mark):
    assert errors_of(mark + b"a: 1\n\n\xff")["(the whole file)"]["line"] == 3


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("{", "property name"),
        ('{"a": NaN}', "NaN is not a JSON number"),
        ('{"a": 1, "a": 2}', "named twice in one object: a"),
        (f'{{"{"a" * 100}": 1, "{"a" * 100}": 2}}', f"named twice in one object: {'a' * 80}"),
        ('{"title": "a\\u0000b"}', "cannot be stored"),
        ('{"title": "\\ud800"}', "cannot be stored"),
        ("[" * 100_000, "recursion"),
        ("9" * 5000, "cannot be read as JSON"),
        ("[" * 900 + "]" * 900, "nested more than"),
        ("[" + "1," * 60_000 + "1]", "more than 50000 values"),
    ],
)
def test_what_is_not_a_plain_json_document_is_told(text, seen):
    errors = errors_of(text, form="json")

    assert any(seen in error["why"] for error in errors.values()), errors


def test_a_name_that_cannot_be_written_is_told_in_writing():
    with pytest.raises(Invalid) as caught:
        check('{"\\ud800": 1, "\\ud800": 2}', form="json")

    assert "named twice in one object: \ufffd" in json.dumps(caught.value.errors, ensure_ascii=False).encode().decode()


@pytest.mark.waits
@pytest.mark.parametrize(
    "bomb",
    [
        "[" * 400_000,
        "a: 1\n" * 200_000,
        "cmocs: [" + "1," * 400_000 + "]",
        "a: " + "{x: " * 100_000,
        "a: 1" + ":1" * 400_000,
        "a: 1" + ":1" * 400_000 + ".5",
        "a: &b [" + "x, " * 9 + "x]\n" + "".join(f"c{n}: [*b, *b]\n" for n in range(1000)),
    ],
    ids=["deep", "many names", "many values", "deep maps", "base sixty", "base sixty with a fraction", "aliases"],
)
def test_a_document_made_to_be_slow_is_refused_soon(bomb):
    begun = time.thread_time()
    errors_of(bomb)

    # Of work, not of waiting for a busy machine: far more than it takes, far less than an unguarded reader would.
    assert time.thread_time() - begun < 20


def test_a_file_of_nothing_but_errors_is_answered_with_a_bounded_list():
    spoiled = small(cmocs=[{"x": position} for position in range(400)])

    with pytest.raises(Invalid) as caught:
        check(as_yaml(spoiled))

    assert len(caught.value.errors) == MOST_ERRORS
    assert f"of which {MOST_ERRORS} are listed" in caught.value.detail


def test_a_protocol_too_large_for_one_message_is_refused():
    long = [SMALL["cmocs"][0] | {"id": f"c{number}", "context": "x" * 5000} for number in range(200)]

    assert "larger than" in errors_of(json.dumps(small(cmocs=long)), form="json")["(the whole file)"]["why"]


def _positions(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Every place in a document, the root aside."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [position for name, item in items for position in [(*path, name), *_positions(item, (*path, name))]]


@given(st.sampled_from(_positions(SMALL)), st.sampled_from([None, [], {}, 7, "", "no such thing", [[]], True]))
def test_whatever_one_place_holds_the_answer_is_a_protocol_or_errors_that_name_a_line(position, value):
    spoiled = copy.deepcopy(SMALL)
    holder: Any = spoiled
    for part in position[:-1]:
        holder = holder[part]
    holder[position[-1]] = value

    try:
        check(as_yaml(spoiled))
    except Invalid as error:
        assert error.errors
        assert all(one["why"] and one["line"] >= 1 for one in error.errors)


@given(st.text(max_size=200))
def test_no_text_breaks_the_reader(text):
    for form in ("yaml", "json"):
        with pytest.raises(Invalid):
            check(text, form=form)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=20),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
        max_leaves=20,
    )
)
def test_no_document_breaks_the_checker(data):
    with pytest.raises(Invalid):
        check(yaml.safe_dump(data, allow_unicode=False))
    with pytest.raises(Invalid):
        check(json.dumps(data), form="json")
