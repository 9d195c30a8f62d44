"""Members say what they think of a line of the draft, and a lead who signs past that says why."""

from __future__ import annotations

import pytest

from shared.errors import Conflict, Forbidden, Invalid, NotFound
from shared.events.synthesis import CommentAnswered, CommentMade, CommentResolved
from tests.unit.services.synthesis.rig import REVIEW, SynthesisRig, protocol

OUTCOME = {"cmoc": "c1", "part": "outcome", "words": "outcome of c1", "text": "better for whom?"}


def test_a_comment_is_answered_resolved_and_stays(rig: SynthesisRig):
    draft = rig.draft()
    made = rig.person("ben").comment(REVIEW, OUTCOME)
    rig.person("ana").answer_comment(REVIEW, made.comment, "for those who were referred")
    resolved = rig.lead.resolve_comment(REVIEW, made.comment, "said so in the context")

    assert (made.state, made.draft, made.earlier, made.by) == ("open", draft.draft, False, "ben")
    assert (resolved.state, resolved.resolved_by, resolved.resolved_why) == (
        "resolved", "dora", "said so in the context",
    )  # fmt: skip
    [kept] = rig.lead.comments(REVIEW)
    assert kept == resolved and [(it.by, it.text) for it in kept.answers] == [("ana", "for those who were referred")]
    assert list(rig.lead.comments(REVIEW, state="open")) == [] == list(rig.lead.comments(REVIEW, cmoc="c2"))
    assert [event.by for event in rig.bench.emitted(CommentAnswered)] == ["ana"]
    assert [event.by for event in rig.bench.emitted(CommentResolved)] == ["dora"]


def test_the_event_of_a_comment_has_none_of_its_words(rig: SynthesisRig):
    rig.draft()
    rig.person("ben").comment(REVIEW, OUTCOME)

    [event] = rig.bench.emitted(CommentMade)
    assert (event.cmoc, event.part, event.by) == ("c1", "outcome", "ben") and "whom" not in event.model_dump_json()


def test_a_comment_on_words_that_are_others_by_now_says_so(rig: SynthesisRig):
    rig.draft()
    theory = {"theory": "trust", "part": "statement", "words": "Trust: Trust helps.", "text": "when does it?"}
    status = {"cmoc": "c1", "part": "status", "words": "no_evidence", "text": "is it set aside, then?"}
    for said in (OUTCOME, theory, status):
        rig.person("ana").comment(REVIEW, said)
    rig.adopts(protocol(wording={"c1": {"outcome": "a better one"}}), version=2)
    rig.includes("r1")
    rig.links("r1")
    rig.settles()

    found = {(it.cmoc or it.theory, it.part): it for it in rig.lead.comments(REVIEW)}
    assert {line: it.earlier for line, it in found.items()} == {
        ("c1", "outcome"): True, ("trust", "statement"): False, ("c1", "status"): True,
    }  # fmt: skip
    assert (found["c1", "outcome"].words, found["c1", "outcome"].words_now) == ("outcome of c1", "a better one")
    rig.adopts(protocol(["c2"]), version=3)
    assert {it.words_now for it in rig.lead.comments(REVIEW, cmoc="c1")} == {None}


def test_whoever_saw_other_words_than_the_line_has_is_shown_these(rig: SynthesisRig):
    rig.draft()
    with pytest.raises(Conflict, match="reads otherwise by now: 'outcome of c1'"):
        rig.lead.comment(REVIEW, OUTCOME | {"words": "something else"})
    assert list(rig.lead.comments(REVIEW)) == []


@pytest.mark.parametrize(
    ("wrong", "at"),
    [
        ({"cmoc": "c9"}, "cmoc"), ({"cmoc": None, "theory": "c1"}, "part"), ({"cmoc": None}, "cmoc"),
        ({"part": "whole"}, "part"), ({"part": "statement"}, "part"), ({"text": " "}, "text"),
        ({"text": "x" * 2001}, "text"), ({"cmoc": None, "theory": "t9", "part": "statement"}, "theory"),
    ],
)  # fmt: skip
def test_a_comment_on_no_line_is_refused_with_its_field(rig: SynthesisRig, wrong: dict[str, object], at: str):
    rig.draft()
    with pytest.raises(Invalid, match=at):
        rig.lead.comment(REVIEW, OUTCOME | wrong)
    assert list(rig.lead.comments(REVIEW)) == [] == rig.bench.emitted(CommentMade)


def test_before_there_is_a_draft_there_is_nothing_to_comment_on(rig: SynthesisRig):
    with pytest.raises(NotFound, match="no draft yet"):
        rig.lead.comment(REVIEW, OUTCOME)
    with pytest.raises(NotFound, match="no comment"):
        rig.lead.answer_comment(REVIEW, "comment_1", "so?")


def test_only_who_made_it_or_a_lead_resolves_and_nothing_is_said_after_that(rig: SynthesisRig):
    rig.draft()
    with pytest.raises(Forbidden):
        rig.person("rita").comment(REVIEW, OUTCOME)
    made = rig.person("ben").comment(REVIEW, OUTCOME)
    with pytest.raises(Forbidden, match="only they or a lead"):
        rig.person("carol").resolve_comment(REVIEW, made.comment, "done")
    rig.person("ben").resolve_comment(REVIEW, made.comment, "done")

    with pytest.raises(Conflict, match="was resolved by ben: done"):
        rig.lead.resolve_comment(REVIEW, made.comment, "again")
    with pytest.raises(Conflict, match="was resolved"):
        rig.lead.answer_comment(REVIEW, made.comment, "one more thing")


def test_no_more_are_open_at_once_than_people_can_read(rig: SynthesisRig, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("services.synthesis.commands.comments.MOST_OPEN", 1)
    monkeypatch.setattr("services.synthesis.commands.comments.MOST_ANSWERS", 1)
    rig.draft()
    made = rig.lead.comment(REVIEW, OUTCOME)
    rig.lead.answer_comment(REVIEW, made.comment, "first")

    with pytest.raises(Conflict, match="resolve some first"):
        rig.lead.comment(REVIEW, OUTCOME)
    with pytest.raises(Conflict, match="1 answers"):
        rig.lead.answer_comment(REVIEW, made.comment, "second")


def test_a_draft_says_whose_comments_are_open_and_is_signed_past_them_only_with_why(rig: SynthesisRig):
    rig.draft()
    for by in ("ben", "ana", "ben"):
        rig.person(by).comment(REVIEW, OUTCOME)

    assert [(it.person, it.open) for it in rig.draft().comments] == [("ben", 2), ("ana", 1)]
    assert rig.lead.status(REVIEW).open_comments == 3
    with pytest.raises(Conflict, match="say why you sign"):
        rig.signs()
    revision = rig.signs(despite="they are for the next cycle")

    signing = rig.person("rita").signing(REVIEW, 1)
    assert (signing.open_comments, signing.despite) == (3, "they are for the next cycle")
    assert signing.comments == [it.comment for it in rig.lead.comments(REVIEW)]
    assert "next cycle" not in rig.lead.export(REVIEW, revision.content.number).document


def test_nobody_signs_despite_comments_that_they_have_not_seen(rig: SynthesisRig):
    rig.draft()
    rig.person("ben").comment(REVIEW, OUTCOME)
    seen = sum(it.open for it in rig.draft().comments)
    rig.person("ana").comment(REVIEW, OUTCOME)

    with pytest.raises(Conflict, match="open comments: 2, and you saw 1"):
        rig.signs(despite="it is for the next cycle", open_comments=seen)
    assert rig.lead.status(REVIEW).revisions == 0
    rig.signs(despite="both are for the next cycle", open_comments=2)
    assert rig.lead.signing(REVIEW, 1).open_comments == 2


def test_a_revision_that_was_signed_with_none_open_says_so(rig: SynthesisRig):
    made = rig.draft() and rig.lead.comment(REVIEW, OUTCOME)
    rig.lead.resolve_comment(REVIEW, made.comment, "done")
    rig.signs(despite="in case of any")

    assert (rig.lead.signing(REVIEW, 1).open_comments, rig.lead.signing(REVIEW, 1).despite) == (0, None)
