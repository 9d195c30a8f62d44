"""Proposals of codings: evaluated before anybody sees them, shown to each coder alone, and nothing before one
accepts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.ingest.domain.proposing import Located, held_against, share
from services.ingest.jobs import proposing
from services.ingest.ports.proposers import rules
from services.ingest.ports.proposers.port import Answer, Identity, NotProposed, Paragraph, Proposed, Statement
from services.ingest.ports.sources.catalog import Sources
from shared.events.ingest import ProposerEvaluated, ProposerSwitched
from shared.events.synthesis import EvidenceLinked, LinkMade, LinksRejudged, QuoteMade, TheoryChanged
from shared.receipts import opened_receipt
from tests.unit.services.ingest.rig import REVIEW, IngestBench
from tests.unit.services.ingest.test_passages import parsed
from tests.unit.services.ingest.test_quotes import quote
from tests.unit.services.ingest.test_texts import fill, withdraw

SENTENCES = [f"Board {n} met often because trust grew in week {n}" for n in range(1, 26)]
TEXT = ("\n\n".join(f"{one}. Nothing else of note was said there." for one in SENTENCES)).encode()


class Scripted:
    """Proposes what a test wants."""

    def __init__(self, *proposed: Proposed, trouble: Exception | None = None, goes_out: bool = False) -> None:
        self.proposed, self.trouble, self.asked = list(proposed), trouble, list[Sequence[Paragraph]]()
        self.identity = Identity("rules", rules.VERSION, goes_out=goes_out)

    def propose(
        self, paragraphs: Sequence[Paragraph], statements: Sequence[Statement], stopped: Callable[[], bool]
    ) -> Answer:
        self.asked.append(paragraphs)
        if self.trouble is not None:
            raise self.trouble
        return Answer(self.proposed)


def proposed(exact: str, **other: Any) -> Proposed:
    return Proposed(
        **{"exact": exact, "cmoc": "cmoc-1", "element": "reasoning", "stance": "supports", "why": "w", **other}
    )


@pytest.fixture
def ready(bench: IngestBench) -> IngestBench:
    return fill(bench)


def with_proposer(bench: IngestBench, one: Any) -> Any:
    bench.running.resource(Sources).proposers["rules"] = one
    return one


def coded(bench: IngestBench, text: str, exact: str, *, proposed_by: Any = None) -> str:
    """Somebody's link by a quote, as synthesis tells it."""
    anchor = quote(bench, text, exact)["anchor"]
    where = QuoteMade(
        anchor=anchor["anchor"], text=text, parse_sha256=anchor["parse_sha256"], start=anchor["position"]["start"],
        end=anchor["position"]["end"], quote_sha256=anchor["quote_sha256"], salt="s",
    )  # fmt: skip
    link = f"link_{anchor['anchor']}"
    made = LinkMade(link=link, cmoc="cmoc-1", element="reasoning", stance="supports", inference="explicit")
    bench.hears(
        EvidenceLinked(
            review=REVIEW, record="rec", study="study", fragment="frag", coder="cy", links=[made], quote=where,
            proposed_by=proposed_by,
        )
    )  # fmt: skip
    return link


def ask(bench: IngestBench, method: str, path: str, body: Any = None, *, role: str, by: str, status: int) -> Any:
    answer = bench.person(by, role).request(method, f"/ingest/reviews/{REVIEW}/{path}", json=body)
    assert answer.status_code == status, answer.text
    return answer.json()


def evaluated(bench: IngestBench) -> Any:
    ask(bench, "POST", "proposers/rules/evaluations", role="lead", by="lea", status=201)
    bench.runs(proposing.propose)
    return shown(bench)["evaluation"]


def shown(bench: IngestBench) -> Any:
    return next(it for it in bench.get("proposers") if it["proposer"] == "rules")


def switch(bench: IngestBench, on: bool = True, status: int = 200) -> Any:
    body = {"on": on, "why": "it does well here"}
    return ask(bench, "POST", "proposers/rules/switch", body, role="lead", by="lea", status=status)


def request(bench: IngestBench, text: str, by: str = "cy", status: int = 200) -> Any:
    return ask(bench, "POST", f"texts/{text}/proposals", role="reviewer", by=by, status=status)


def listed(bench: IngestBench, text: str, by: str = "cy", role: str = "reviewer", status: int = 200) -> Any:
    found = ask(bench, "GET", f"texts/{text}/proposals", role=role, by=by, status=status)
    return found["items"] if status == 200 else found


def decide(bench: IngestBench, text: str, proposal: str, how: str, by: str = "cy", status: int | None = None) -> Any:
    wanted = status or (201 if how == "accept" else 200)
    return ask(bench, "POST", f"texts/{text}/proposals/{proposal}/{how}", role="reviewer", by=by, status=wanted)


def switched_on(bench: IngestBench, *more: Proposed) -> tuple[str, Scripted]:
    """A copy of which enough is coded, and a proposer that was evaluated on it and is on."""
    text = parsed(bench, TEXT, licence="cc-by")
    for one in SENTENCES[:20]:
        coded(bench, text, one)
    by = with_proposer(bench, Scripted(*(proposed(one) for one in SENTENCES[:3]), *more))
    evaluated(bench)
    switch(bench)
    return text, by


# Evaluated


def test_a_proposer_is_held_against_what_people_coded_and_that_is_told_with_its_intervals(ready):
    text = parsed(ready, TEXT, licence="cc-by")
    for one in SENTENCES[:20]:
        coded(ready, text, one)
    hits = [proposed(one) for one in SENTENCES[:10]]
    misses = [proposed(SENTENCES[22]), proposed(SENTENCES[0], element="outcome"), proposed("what no copy says at all")]
    with_proposer(ready, Scripted(*hits, *misses))

    found = evaluated(ready)

    assert (found["reports"], found["links"], found["found"]) == (1, 20, 10)
    assert (found["proposed"], found["right"], found["dropped"]) == (12, 10, 1)
    assert found["sensitivity"] == [0.5, 0.2993, 0.7007]
    assert found["enough"] is True
    [event] = ready.emitted(ProposerEvaluated)
    assert (event.links, event.right, event.precision, event.enough) == (20, 10, found["precision"], True)
    assert "Board" not in event.model_dump_json()


def test_too_few_links_are_said_to_be_and_nothing_is_switched_on_by_them(ready):
    text = parsed(ready, TEXT, licence="cc-by")
    coded(ready, text, SENTENCES[0])
    with_proposer(ready, Scripted(proposed(SENTENCES[0])))

    found = evaluated(ready)

    assert (found["links"], found["enough"], found["least_links"]) == (1, False, 20)
    assert switch(ready, status=409)["type"].endswith("too_few_links")
    assert ready.emitted(ProposerSwitched) == []


def test_what_was_withdrawn_or_was_itself_proposed_is_nothing_to_be_held_against(ready):
    text = parsed(ready, TEXT, licence="cc-by")
    links = [coded(ready, text, one) for one in SENTENCES[:3]]
    coded(ready, text, SENTENCES[4], proposed_by={"proposer": "rules", "version": "1"})
    ready.hears(LinksRejudged(review=REVIEW, cmoc="cmoc-1", links=links[:1], verdict="withdraw", why="w", by="lea"))
    gone = TheoryChanged(review=REVIEW, cmoc="cmoc-1", happened="evidence_withdrawn", why="w", links=links[1:2])
    ready.hears(gone)
    with_proposer(ready, Scripted())

    assert evaluated(ready)["links"] == 1


def test_one_that_was_not_evaluated_is_not_switched_on(ready):
    assert switch(ready, status=409)["type"].endswith("not_evaluated")


def test_a_proposer_that_fails_is_asked_again_later_and_then_no_more(ready):
    text = parsed(ready, TEXT, licence="cc-by")
    coded(ready, text, SENTENCES[0])
    with_proposer(ready, Scripted(trouble=NotProposed("it is down")))

    first = evaluated(ready)
    assert (first["state"], first["trouble"]) == ("waiting", "it is down")
    for _ in range(5):
        ready.clock.advance(hours=2)
        ready.runs(proposing.propose)

    assert shown(ready)["evaluation"]["state"] == "failed"
    assert ready.emitted(ProposerEvaluated) == []


def test_a_closed_copy_goes_to_nobody_elses_server_not_even_to_evaluate(ready):
    text = parsed(ready, TEXT, licence="all rights reserved")
    coded(ready, text, SENTENCES[0])
    out = with_proposer(ready, Scripted(proposed(SENTENCES[0]), goes_out=True))

    assert evaluated(ready)["reports"] == 0
    assert out.asked == []


# Shown


def test_nothing_is_proposed_before_a_lead_has_switched_it_on(ready):
    text = parsed(ready, TEXT, licence="cc-by")

    assert request(ready, text, status=409)["type"].endswith("no_proposer")
    assert listed(ready, text) == []


def test_what_verifies_is_shown_and_what_its_copy_does_not_say_is_counted_and_dropped(ready):
    text, _ = switched_on(ready, proposed("trust never grew in week 1"))
    request(ready, text)
    ready.runs(proposing.propose)

    found = listed(ready, text)
    assert [it["exact"] for it in found] == SENTENCES[:3]
    assert (found[0]["cmoc"], found[0]["element"], found[0]["stance"]) == ("cmoc-1", "reasoning", "supports")
    assert (found[0]["proposer"], found[0]["version"], found[0]["locator"]) == ("rules", "1", "p1")
    [reading] = request(ready, text)["readings"]
    assert (reading["state"], reading["proposals"], reading["dropped"]) == ("done", 3, 1)


def test_switched_off_or_of_another_version_it_shows_nothing_more(ready, monkeypatch):
    text, _ = switched_on(ready)
    request(ready, text)
    ready.runs(proposing.propose)
    [first, *_] = listed(ready, text)

    with monkeypatch.context() as patched:
        patched.setattr(rules, "VERSION", "2")
        assert listed(ready, text) == []
        assert (shown(ready)["on"], shown(ready)["evaluation"]) == (False, None)
        assert switch(ready, status=409)["type"].endswith("not_evaluated")
        decide(ready, text, first["proposal"], "accept", status=404)
    assert len(listed(ready, text)) == 3

    switch(ready, on=False)
    assert listed(ready, text) == []


def test_who_may_not_code_or_read_the_copy_is_shown_nothing(ready):
    text, _ = switched_on(ready)

    assert listed(ready, text, by="rea", role="reader", status=403)["type"].endswith("not_a_coder")
    withdraw(ready, text)
    assert listed(ready, text, status=404)["type"].endswith("copy_withdrawn")


# Decided


def test_accepting_anchors_the_words_as_the_coders_own_and_its_receipt_names_the_proposer(ready):
    text, _ = switched_on(ready)
    request(ready, text)
    ready.runs(proposing.propose)
    first = listed(ready, text)[0]["proposal"]

    made, again = (decide(ready, text, first, "accept") for _ in range(2))

    assert made["anchor"] == again["anchor"]
    assert (made["anchor"]["made_by"], made["anchor"]["exact"]) == ("cy", SENTENCES[0])
    receipt = opened_receipt(ready.platform.ring, made["receipt"])
    assert (receipt.proposer, receipt.proposer_version) == ("rules", "1")
    # It stays where it was, as something may yet go wrong with the link that is made of it.
    assert [it["taken"] for it in listed(ready, text)] == [True, *[False] * (len(listed(ready, text)) - 1)]
    assert decide(ready, text, first, "refuse", status=409)["type"].endswith("decided_already")


def test_each_coder_decides_alone_and_is_shown_nothing_of_what_others_decided(ready):
    text, _ = switched_on(ready)
    request(ready, text)
    ready.runs(proposing.propose)
    before = listed(ready, text, by="dee")
    decide(ready, text, before[0]["proposal"], "refuse")
    decide(ready, text, before[1]["proposal"], "accept")

    assert listed(ready, text, by="dee") == before
    mine = [(it["proposal"], it["taken"]) for it in listed(ready, text)]
    assert mine == [(before[1]["proposal"], True), (before[2]["proposal"], False)]


def test_a_report_lists_the_step_with_what_its_evaluation_found(ready):
    assert not any("proposals of codings" in it["step"] for it in ready.get("automations"))
    switched_on(ready)

    step = next(it for it in ready.get("automations") if "proposals of codings" in it["step"])
    assert step["evaluated"] is True
    assert "of 20 links that people coded in 1 copies it found 15 % (95 % interval 5 to 36)" in step["does"]


# Invariants


@given(
    proposed_=st.lists(st.tuples(st.integers(0, 50), st.integers(1, 20), st.sampled_from(["supports", "bounds"]))),
    coded_=st.lists(st.tuples(st.integers(0, 50), st.integers(1, 20), st.sampled_from(["supports", "bounds"]))),
)
def test_shares_lie_within_their_intervals_and_nothing_is_found_that_is_not_there(proposed_, coded_):
    def located(these: Any) -> list[Located]:
        return [Located(at, at + long, "c", "context", stance) for at, long, stance in these]

    found, right = held_against(located(coded_), located(proposed_))
    assert 0 <= found <= len(coded_) and 0 <= right <= len(proposed_)
    assert (found == 0) == (right == 0)
    for part, of in ((found, len(coded_)), (right, len(proposed_))):
        if (it := share(part, of)) is not None:
            assert 0 <= it[1] <= it[0] <= it[2] <= 1


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(exact=st.text(max_size=80), cmoc=st.text(max_size=10), why=st.text(max_size=600))
def test_whatever_a_proposer_says_nothing_that_synthesis_hears_is_told(ready_text, exact, cmoc, why):
    bench, _ = ready_text
    with_proposer(bench, Scripted(proposed(exact, cmoc=cmoc, why=why), proposed(SENTENCES[0], why=why)))
    before = len(bench.all_emitted())
    evaluated(bench)
    after = bench.all_emitted()[before:]
    assert {type(it) for it in after} <= {ProposerEvaluated}


@pytest.fixture
def ready_text(ready: IngestBench) -> tuple[IngestBench, str]:
    text = parsed(ready, TEXT, licence="cc-by")
    coded(ready, text, SENTENCES[0])
    return ready, text
