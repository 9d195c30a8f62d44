"""Quotes that were found in copies: synthesis believes the receipt alone, and keeps of closed copies no word."""

from __future__ import annotations

from typing import Any

import pytest

from services.synthesis import jobs
from services.synthesis.models import FragmentRow
from shared.errors import Invalid
from shared.events.ingest import AnchorFound, AnchorLost
from shared.events.synthesis import EvidenceLinked, FragmentDescribed, TheoryChanged
from shared.receipts import Receipt, issue_receipt, salted
from shared.wire.synthesis import EvidenceGiven, FragmentGiven, LinkGiven
from tests.unit.services.synthesis.rig import REVIEW, SynthesisRig

WORDS = "leaders who visit wards are trusted more than those who write to them"


@pytest.fixture
def rig(rig: SynthesisRig) -> SynthesisRig:
    rig.includes("r1", "r2")
    return rig


def receipt(rig: SynthesisRig, **about: Any) -> str:
    """As ingest gives one of these words, of an open copy unless it is said to be closed."""
    closed = about.get("closed", False)
    said = {
        "review": REVIEW, "record": "r1", "text": "text_1", "anchor": "anchor_1", "parse_sha256": "ab" * 32,
        "locator": "Results, paragraph 3", "page": 4, "start": 100, "end": 169, "salt": "5a",
        "quote_sha256": salted(WORDS, "5a"), "words": 13, "closed": closed, "exact": None if closed else WORDS,
        "made_by": "ana", "at": rig.bench.clock.now(),
    }  # fmt: skip
    return issue_receipt(rig.bench.platform.ring, Receipt(**said | about))


def links(rig: SynthesisRig, signed: str, record: str = "r1", **fragment: Any) -> Any:
    given = FragmentGiven(paraphrase="Visits build trust.", data_type="participant_quote", receipt=signed, **fragment)
    return rig.person("ana").link_one(
        REVIEW, EvidenceGiven(record=record, fragment=given, links=[LinkGiven(cmoc="c1", element="reasoning")])
    )


def test_a_quote_that_was_found_is_kept_with_its_words_and_where_they_stand(rig: SynthesisRig):
    links(rig, receipt(rig))

    [seen] = rig.lead.evidence(REVIEW)
    assert (seen.quoted, seen.quote, seen.locator) == ("verified", WORDS, "Results, paragraph 3")
    assert seen.selector is not None and (seen.selector.start, seen.selector.end, seen.selector.page) == (100, 169, 4)
    [event] = rig.bench.emitted(EvidenceLinked)
    assert event.quote is not None and event.quote.quote_sha256 == salted(WORDS, "5a")
    assert WORDS not in event.model_dump_json()


def test_of_a_closed_copy_no_word_is_kept_and_its_hash_proves_them_to_whoever_has_them(rig: SynthesisRig):
    links(rig, receipt(rig, closed=True))

    [seen] = rig.lead.evidence(REVIEW)
    assert (seen.quoted, seen.quote) == ("withheld", None)
    assert seen.selector is not None and salted(WORDS, seen.selector.salt) == seen.selector.quote_sha256
    with rig.bench.work() as work:
        row = work.session.get(FragmentRow, seen.fragment)
        assert row is not None and WORDS not in str(row.model_dump())
    assert not any("visit wards" in str(envelope.data) for envelope in rig.bench.journal())


def test_words_of_a_closed_copy_are_not_kept_though_a_lead_let_them_be_shown_when_they_were_quoted(rig: SynthesisRig):
    links(rig, receipt(rig, closed=True, exact=WORDS))

    [seen] = rig.lead.evidence(REVIEW)
    assert (seen.quoted, seen.quote) == ("withheld", None)


def test_what_a_fragment_says_is_told_with_the_words_of_an_open_copy_until_they_are_lost(rig: SynthesisRig):
    links(rig, receipt(rig))
    rig.bench.runs(jobs.describe_fragments)
    rig.hears_of(AnchorLost(review=REVIEW, record="r1", text="text_1", anchor="anchor_1", why="it was withdrawn"))
    rig.bench.runs(jobs.describe_fragments)

    assert [seen.quote for seen in rig.bench.emitted(FragmentDescribed)] == [WORDS, None]


@pytest.mark.parametrize("shown", [None, WORDS], ids=["not shown", "let be shown"])
def test_no_event_has_a_run_of_the_words_of_a_closed_copy(rig: SynthesisRig, shown):
    links(rig, receipt(rig, closed=True, exact=shown))
    rig.bench.runs(jobs.describe_fragments)

    [seen] = rig.bench.emitted(FragmentDescribed)
    assert (seen.paraphrase, seen.quote) == ("Visits build trust.", None)
    assert "leaders who visit" not in str([envelope.data for envelope in rig.bench.journal()])


def test_the_same_quote_again_is_the_same_fragment_whenever_its_receipt_was_given(rig: SynthesisRig):
    first = links(rig, receipt(rig))
    rig.bench.clock.advance(hours=1)
    again = links(rig, receipt(rig, at=rig.bench.clock.now()))

    assert (again.fragment, again.changed) == (first.fragment, False)


@pytest.mark.parametrize(
    ("about", "why"),
    [
        ({"review": "other"}, "and not of 'r1'"),
        ({"record": "r2"}, "and not of 'r1'"),
        ({"exact": "other words"}, "hash"),
    ],
    ids=["another review", "another record", "other words"],
)
def test_a_receipt_of_something_else_is_refused_at_its_field_and_nothing_is_kept(rig: SynthesisRig, about, why):
    with pytest.raises(Invalid, match=why) as refused:
        links(rig, receipt(rig, **about))

    assert refused.value.errors[0]["at"].endswith("fragment.receipt")
    assert list(rig.lead.evidence(REVIEW)) == []


@pytest.mark.parametrize("forged", ["", "a.b.c", "x" * 300])
def test_what_is_no_receipt_is_refused(rig: SynthesisRig, forged):
    with pytest.raises(Invalid):
        links(rig, forged)
    head, claims, seal = receipt(rig).split(".")
    for broken in (f"{head}.{claims}.{'A' * len(seal)}", f"{head}.{claims[:-4]}AAAA.{seal}"):
        with pytest.raises(Invalid, match="no receipt"):
            links(rig, broken)


def test_beside_a_receipt_neither_quote_nor_locator_is_given_and_without_one_a_locator_is(rig: SynthesisRig):
    for more in ({"quote": "other words"}, {"locator": "p. 9"}):
        with pytest.raises(ValueError, match="the receipt says it"):
            FragmentGiven(paraphrase="so", data_type="observation", receipt="x", **more)
    with pytest.raises(ValueError, match="say where in the report it is"):
        FragmentGiven(paraphrase="so", data_type="observation")
    rig.links("r1")
    [seen] = rig.lead.evidence(REVIEW)
    assert (seen.quoted, seen.selector) == (None, None)


def test_a_receipt_of_a_record_that_was_merged_is_one_of_the_record_that_lives_on(rig: SynthesisRig):
    signed = receipt(rig)
    rig.merges("r1", "r2")

    assert links(rig, signed, record="r2").record == "r2"


def test_a_quote_that_a_new_parse_has_no_more_is_lost_and_comes_back_while_its_fragment_stands(rig: SynthesisRig):
    links(rig, receipt(rig))
    about = {"review": REVIEW, "record": "r1", "text": "text_1", "anchor": "anchor_1"}
    rig.hears_of(AnchorLost(**about, why="the copy says it twice"))
    [lost] = rig.lead.evidence(REVIEW)
    assert (lost.quoted, lost.quote, lost.stands) == ("lost", None, True)
    with pytest.raises(Invalid, match="no copy says this any more"):
        rig.person("ben").link_one(
            REVIEW,
            EvidenceGiven(
                record="r1", links=[LinkGiven(cmoc="c2", element="whole")],
                fragment=FragmentGiven(paraphrase="so", data_type="observation", receipt=receipt(rig)),
            ),
        )  # fmt: skip
    assert lost.selector is not None and lost.selector.lost == "the copy says it twice"

    rig.hears_of(
        AnchorFound(**about, parse_sha256="cd" * 32, locator="Results, paragraph 2", start=90, end=159, was_lost=True)
    )
    [found] = rig.lead.evidence(REVIEW)
    # Its words went when it was lost, since the copy might have been withdrawn.
    assert (found.quoted, found.quote, found.locator) == ("withheld", None, "Results, paragraph 2")
    assert found.selector is not None and (found.selector.start, found.selector.lost) == (90, None)


def test_a_quote_that_was_proposed_to_its_coder_bears_what_proposed_it_also_in_its_event(rig: SynthesisRig):
    by = {"proposer": "rules", "version": "1"}
    links(rig, receipt(rig, proposer="rules", proposer_version="1"))
    links(rig, receipt(rig, anchor="anchor_2"))

    assert [it.proposed_by and it.proposed_by.model_dump() for it in rig.lead.evidence(REVIEW)] == [by, None]
    events = rig.bench.emitted(EvidenceLinked)
    assert [it.proposed_by and it.proposed_by.model_dump() for it in events] == [by, None]


def test_which_links_were_taken_back_is_told_with_their_cmoc(rig: SynthesisRig):
    made = links(rig, receipt(rig))
    rig.person("ana").withdraw(REVIEW, made.fragment, "the wrong report")

    [event] = [it for it in rig.bench.emitted(TheoryChanged) if it.happened == "evidence_withdrawn"]
    assert event.links == [made.links[0].link]
