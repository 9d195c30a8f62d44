"""The queue from a terminal: what is shown suffices to answer, and what is shown can be given."""

from __future__ import annotations

import json
import re

import pytest

from services.cli.marking import AGAINST, FOR, marked
from shared.errors import Conflict, Invalid, NotFound
from shared.events.ingest import SourceRef, TextSought
from shared.events.stages import Highlights
from tests.unit.services.cli.conftest import data
from tests.unit.services.screening.rig import DEPTH, REASONS, REVIEW, SIFT, merged
from tests.unit.services.screening.test_conflicts import parted_on
from tests.unit.services.screening.test_settling import looks_and_gives_back

ANY_NAME = {"doi": "10.1000/gardens", "pmid": "123"}


def lease_of(as_, name: str) -> str:
    return data(as_(name, "queue", "next", REVIEW, "--json"))["lease"]


def cast(rig, record: str) -> dict[str, object]:
    """The fields of the first vote on a record's only stage."""
    return rig.record(record)["stages"][0]["votes"][0]["fields"]


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (["cmocs=c1"], {"cmocs": ["c1"]}),
        (["cmocs=c1", "cmocs=c2", "setting=town"], {"cmocs": ["c1", "c2"], "setting": "town"}),
        (
            ["cmocs=c1", "designs=survey", "note=p. 3 = p. 4"],
            {"cmocs": ["c1"], "designs": ["survey"], "note": "p. 3 = p. 4"},
        ),
    ],
)
def test_a_field_is_sent_as_the_stages_form_takes_it(screening_at, as_, given, kept):
    rig = screening_at(DEPTH)
    rig.discovers("r1")

    voted = as_("ana", "queue", "vote", REVIEW, lease_of(as_, "ana"), "rich", *(f"--field={pair}" for pair in given))

    assert voted.exit_code == 0, voted.exception
    assert cast(rig, "r1") == kept


@pytest.mark.parametrize(
    ("given", "seen"),
    [
        (["cmocs="], "name=value"),
        (["cmocs= "], "name=value"),
        (["=c1"], "name=value"),
        (["cmocs"], "name=value"),
        (["cmocs=c1", "setting=town", "setting=country"], "setting: takes one value, and 2 are given: town, country"),
        (["cmocs=c1", "note=a", "note=b"], "note: takes one value, and 2 are given: a, b"),
        (["cmocs=c1", "settings=town"], "no such field; it has: cmocs, setting, designs, note"),
        (["cmocs=c9"], "this review has no CMOC 'c9'"),
        (["cmocs=c1", "cmocs=c2", "cmocs=c1"], "fields.cmocs: 'c1' is given twice"),
    ],
)
def test_a_field_that_the_form_does_not_take_is_refused_and_nothing_is_voted(screening_at, as_, given, seen):
    rig = screening_at(DEPTH)
    rig.discovers("r1")

    refused = as_("ana", "queue", "vote", REVIEW, lease_of(as_, "ana"), "rich", *(f"--field={pair}" for pair in given))

    assert isinstance(refused.exception, Invalid) and seen in refused.exception.detail
    assert rig.record("r1")["stages"][0]["votes_cast"] == 0


def test_a_lease_that_has_voted_is_told_as_such_with_fields_too(screening_at, as_):
    screening_at(DEPTH).discovers("r1")
    lease = lease_of(as_, "ana")
    words = ["queue", "vote", REVIEW, lease, "rich", "--field=cmocs=c1"]

    assert as_("ana", *words).exit_code == 0
    again = as_("ana", *words)
    assert isinstance(again.exception, Conflict) and again.exception.slug == "already_voted"


@pytest.mark.parametrize("width", [60, 80, 200, None])
def test_the_command_to_copy_is_one_line_however_narrow_the_terminal(screening_at, as_, terminal, width):
    screening_at(DEPTH).discovers("r1")
    terminal(width)

    lines = as_("ana", "queue", "next", REVIEW).stdout.splitlines()

    assert f"living queue vote {REVIEW} {lease_of(as_, 'ana')} ANSWER --reason '...' --field cmocs=..." in lines


@pytest.mark.parametrize("width", [60, 80, 200, None])
def test_what_is_shown_says_where_the_paper_is_what_is_asked_and_what_each_field_takes(
    screening_at, as_, terminal, width
):
    screening_at(DEPTH).discovers("r1", authors=["A, B", "C, D", "E, F", "G, H"], identifiers=ANY_NAME)
    terminal(width)

    shown = as_("ana", "queue", "next", REVIEW).stdout

    lines = [line.rstrip() for line in shown.splitlines()]
    assert {"https://doi.org/10.1000/gardens", "PMID 123", "r1"} <= set(lines)
    assert "E, F; et al." in shown and "G, H" not in shown
    seen = " ".join(shown.split())
    assert "--field cmocs= Which CMOCs? (any of, required)" in seen
    assert "question Is it rich enough?" in seen
    assert "c1: tools -> fruit" in seen and "c2: tools -> fruit" in seen
    assert "--field setting= Where? (one of, may be left out)" in seen and "town, country" in seen
    assert (
        "--field designs= Designs (any of, may be left out)" in seen
        and "--field note= A note (text, may be left out)" in seen
    )


def test_all_authors_are_shown_without_et_al_when_they_are_few(screening_at, as_):
    screening_at().discovers("r1", authors=["A, B", "C, D", "E, F"])

    shown = as_("ana", "queue", "next", REVIEW).stdout
    assert "E, F" in shown and "et al." not in shown


def test_which_answer_needs_a_reason_is_shown(screening_at, as_):
    screening_at(SIFT).discovers("r1")

    assert "include, unsure, exclude (needs a --reason)" in as_("ana", "queue", "next", REVIEW).stdout


def test_an_adjudicator_looks_first_and_is_then_shown_what_decides_and_the_votes(screening_at, as_):
    rig = screening_at(SIFT)
    rig.discovers("r1")
    rig.answers("ana", "include")
    rig.answers("ben", "exclude", reason="no garden")
    take = ["queue", "next", REVIEW, "--conflict"]

    blind = as_("cy", *take, role="adjudicator").stdout
    lease = data(as_("cy", *take, "--json", role="adjudicator"))["lease"]
    assert f"living queue look {REVIEW} {lease} ANSWER --reason '...'" in blind.splitlines()
    assert "answers include, unsure, exclude (needs a --reason)" in " ".join(blind.split()) and "voted" not in blind

    looked = ["queue", "look", REVIEW, lease, "unsure", "--reason", "hard to say"]
    shown = as_("cy", *looked, role="adjudicator").stdout
    seen = data(as_("cy", *take, "--json", role="adjudicator"))

    lines = [" ".join(line.split()) for line in shown.splitlines()]
    assert "answers include (needs a --reason), exclude (needs a --reason)" in lines
    assert "ana voted include" in lines and "ben voted exclude: no garden" in lines
    assert f"living queue vote {REVIEW} {lease} ANSWER --reason '...'" in lines
    assert json.dumps(seen["answers"]).count('"reason_required": true') == len(seen["answers"]) == 2
    decided = as_("cy", "queue", "vote", REVIEW, lease, "include", "--reason", "it fits", role="adjudicator")
    assert decided.exit_code == 0 and "included" not in decided.stdout and "advanced" in decided.stdout


def test_voters_who_decide_together_are_shown_what_the_other_stands_by(screening_at, as_):
    rig = screening_at({**SIFT, "reconciliation": "consensus"})
    rig.discovers("r1")
    rig.answers("ana", "include")
    rig.answers("ben", "exclude", reason="no garden")
    take = ["queue", "next", REVIEW, "--conflict"]

    lease = data(as_("ana", *take, "--json"))["lease"]
    proposed = as_("ana", "queue", "vote", REVIEW, lease, "exclude", "--reason", "ben is right")
    shown = [" ".join(line.split()) for line in as_("ben", *take).stdout.splitlines()]

    assert f"r1 at sift: conflict\nWhoever has yet to decide it takes it by: living queue next {REVIEW} --conflict" in (
        proposed.stdout
    )
    assert "ana voted include" in shown and "ana stands by exclude: ben is right" in shown
    assert "answers include (needs a --reason), exclude" in shown


def test_whoever_decides_a_conflict_is_shown_the_forms_of_both_votes(screening_at, as_):
    rig = screening_at({**DEPTH, "reconciliation": "consensus"})
    rig.discovers("r1")
    rig.answers("ana", "rich", fields={"cmocs": ["c1", "c2"], "designs": ["survey", "interviews"]})
    rig.answers("ben", "thin", fields={"cmocs": ["c1"], "setting": "town"})

    shown = [" ".join(line.split()) for line in as_("ana", "queue", "next", REVIEW, "--conflict").stdout.splitlines()]

    ana, ben = shown.index("ana voted rich"), shown.index("ben voted thin")
    assert shown[ana + 1 : ben] == ["cmocs: c1, c2", "designs: survey, interviews"]
    assert shown[ben + 1 : ben + 3] == ["cmocs: c1", "setting: town"]


@pytest.mark.parametrize(
    "command",
    [["vote", "mine", "include"], ["release", "mine"], ["skip", "mine"], ["park", "mine", "--reason", "asked"],
     ["note", "mine", "odd"], ["tag", "mine", "--tag", "mood=good"]],
    ids=lambda command: command[0],
)  # fmt: skip
def test_the_only_record_that_one_holds_needs_no_id(screening_at, as_, command):
    rig = screening_at({**SIFT, "tags": [{"name": "mood", "label": "A mood"}]})
    rig.discovers("r1")
    name, given, *more = command

    nothing = as_("ana", "queue", name, REVIEW, given, *more)
    held = lease_of(as_, "ana")
    done = as_("ana", "queue", name, REVIEW, given, *more)

    assert isinstance(nothing.exception, NotFound) and nothing.exception.slug == "nothing_held"
    assert done.exit_code == 0 and ("r1 at sift" in done.stdout or "parked" in done.stdout or held in done.stdout)


def test_of_several_records_that_one_holds_none_is_answered_without_its_lease(screening_at, as_):
    rig = screening_at(SIFT)
    rig.discovers("r1", "r2")
    held = rig.asks("/claims", {"count": 2}).json()["tasks"]

    refused = as_("ana", "queue", "vote", REVIEW, "mine", "include")

    assert isinstance(refused.exception, Invalid) and refused.exception.slug == "several_held"
    assert [it["at"] for it in refused.exception.errors] == [it["lease"] for it in held]
    assert rig.record("r1")["stages"][0]["votes_cast"] == 0


def test_the_only_conflict_that_one_holds_needs_no_id_either(screening_at, as_):
    rig = screening_at(SIFT)
    rig.discovers("r1")
    rig.answers("ana", "include")
    rig.answers("ben", "exclude", reason="no garden")
    as_("cy", "queue", "next", REVIEW, "--conflict", role="adjudicator")

    looked = as_("cy", "queue", "look", REVIEW, "mine", "include", role="adjudicator")
    decided = as_("cy", "queue", "vote", REVIEW, "mine", "include", "--reason", "it fits", role="adjudicator")

    assert "ana voted" in looked.stdout and decided.stdout.strip() == "r1 at sift: advanced"


def test_the_card_says_which_tags_one_may_give_for_oneself(screening_at, as_):
    where = {"name": "where", "label": "Where", "kind": "choice", "options": ["town", "country"]}
    screening_at({**SIFT, "tags": [where, {"name": "idea", "label": "An idea"}]}).discovers("r1")

    shown = [" ".join(line.split()) for line in as_("ana", "queue", "next", REVIEW).stdout.splitlines()]

    assert "tag where= Where (town, country); for yourself, by `living queue tag`" in shown
    assert "tag idea= An idea (text); for yourself, by `living queue tag`" in shown


@pytest.mark.parametrize("more", [[], ["--pairs"]])
def test_two_people_who_agree_less_than_the_protocol_asks_for_are_named(screening_at, as_, more):
    rig = screening_at({**SIFT, "agreement_floor": 0.6})
    for number in range(20):
        rig.discovers(f"r{number}")
        rig.answers("ana", "include" if number % 2 else "exclude", reason="no garden")
        rig.answers("ben", "include" if number % 3 else "exclude", reason="no garden")

    shown = as_("lea", "queue", "agreement", REVIEW, *more, role="lead").stdout

    assert "ana and ben agree less at sift than its agreement_floor asks: kappa" in shown.splitlines()[-1]
    assert shown.splitlines()[-1].endswith("over 20 tasks")


def test_a_lead_hands_a_conflict_of_voters_over_to_an_adjudicator(screening_at, as_):
    rig = screening_at({**SIFT, "reconciliation": "consensus"})
    rig.discovers("r1")
    rig.answers("ana", "include")
    rig.answers("ben", "exclude", reason="no garden")
    (waiting,) = data(as_("lea", "queue", "conflicts", REVIEW, "--json", role="lead"))

    handed = as_("lea", "queue", "hand-over", REVIEW, waiting["task"], "--reason", "in circles", role="lead")

    assert handed.stdout.strip() == "r1 at sift: an adjudicator decides"
    assert rig.claims("cy", "adjudicator", kind="conflict") is not None


def test_an_adjudicator_settles_what_they_looked_at_and_hears_what_could_not_be(screening_at, as_):
    rig = screening_at(SIFT)
    parted_on(rig, "r1", "r2")
    tasks = [
        looks_and_gives_back(rig, "cy", record, answer) for record, answer in (("r1", "include"), ("r2", "unsure"))
    ]
    settle = ["queue", "settle", REVIEW, *tasks, "--reason", "we talked"]

    listed = data(as_("cy", "queue", "looked-at", REVIEW, "--json", role="adjudicator"))
    shown = as_("cy", "queue", "looked-at", REVIEW, role="adjudicator").stdout
    settled = as_("cy", *settle, role="adjudicator")

    assert [(it["task"], it["forms_agree"]) for it in listed] == [(task, True) for task in tasks]
    assert "the forms agree" in shown and "On r1" in shown
    assert settled.exit_code == 1 and settled.stdout.startswith("1 conflict settled\n")
    assert tasks[1] in settled.stdout and "asks for an adjudicator" in " ".join(settled.stdout.split())
    again = json.loads(as_("cy", *settle, "--json", role="adjudicator").stdout)
    assert [it["refused"]["slug"] for it in again["conflicts"]] == ["task_closed", "undecided"]


@pytest.mark.parametrize("more", [[], ["--json"]], ids=["for people", "for programs"])
def test_who_still_holds_a_record_of_another_stage_is_told_which_and_how_to_give_it_back(screening_at, as_, more):
    screening_at().discovers("r1")
    lease = lease_of(as_, "ana")
    next_ = ["queue", "next", REVIEW]

    said = as_("ana", *next_, "--stage", "depth", *more).stderr

    assert "You still hold a record of stage 'sift'" in said and f"living queue release {REVIEW} {lease}" in said
    assert as_("ana", *next_, "--stage", "sift", *more).stderr == as_("ana", *next_, *more).stderr == ""


def test_who_still_holds_a_conflict_of_another_stage_is_told_too(screening_at, as_):
    rig = screening_at()
    rig.discovers("r1")
    rig.answers("ana", "include")
    rig.answers("ben", "exclude", reason="no garden")
    next_ = ["queue", "next", REVIEW, "--conflict"]
    as_("dora", *next_, role="lead")

    assert "hold a conflict of stage 'sift'" in as_("dora", *next_, "--stage", "depth", role="lead").stderr


def test_a_vote_is_taken_back_as_the_command_that_cast_it_says(screening_at, as_):
    rig = screening_at(SIFT)
    rig.discovers("r1")
    voted = as_("ana", "queue", "vote", REVIEW, lease_of(as_, "ana"), "include").stdout
    undo = voted.splitlines()[1].removeprefix("Until all its votes are in: living ").split()

    assert undo[:3] == ["queue", "undo", REVIEW]
    assert as_("ana", *undo).stdout == "r1 at sift: your vote is taken back\n"
    again = as_("ana", *undo, "--json")
    assert isinstance(again.exception, NotFound) and again.exception.slug == "no_vote"
    assert rig.record("r1")["stages"][0]["votes_cast"] == 0


def test_a_vote_is_revised_with_fields_as_the_stages_form_takes_them(screening_at, as_):
    rig = screening_at(DEPTH)
    rig.discovers("r1")
    for name in ("ana", "ben"):
        task = rig.answers(name, "rich", fields={"cmocs": ["c1"]})["task"]
    revise = ["queue", "revise", REVIEW, task, "thin", "--reason", "thinner than I thought"]

    assert data(as_("ana", *revise, "--field", "cmocs=c2", "--json"))["state"] == "advanced"
    (revised,) = rig.record("r1")["stages"][0]["revised"]
    assert (revised["answer"], revised["fields"]) == ("thin", {"cmocs": ["c2"]})


def test_a_lead_opens_a_record_again(screening_at, as_):
    rig = screening_at(SIFT)
    rig.discovers("r1")
    for name in ("ana", "ben"):
        rig.answers(name, "exclude", reason="no garden")
    words = ["queue", "reopen", REVIEW, "r1", "--stage", "sift", "--reason", "it has one"]

    assert as_("dora", *words, role="lead").stdout == "r1 at sift: people vote anew\n"
    for name in ("ana", "ben"):
        rig.answers(name, "exclude", reason="no garden")
    assert as_("dora", *words, "--votes-stand", role="lead").stdout == "r1 at sift: waits for an adjudicator\n"
    refused = as_("dora", *words, role="lead")
    assert isinstance(refused.exception, Conflict) and refused.exception.slug == "nothing_to_reopen"


PLOTS = {
    "name": "plots", "label": "Plots", "kind": "number", "least": 1, "most": 500, "help": "As the paper counts them.",
    "definition": "A plot is what one household tends.",
}  # fmt: skip
FORM = {**SIFT, "reasons": REASONS, "judged_for": "cmocs", "fields": [PLOTS]}


def test_a_number_a_reason_and_cmocs_are_given_by_name(screening_at, as_):
    rig = screening_at(FORM)
    rig.discovers("r1")
    about = ["--excluded-for", "opinion", "--judged-for", "c1", "--judged-for", "c2", "--field", "plots=12"]

    voted = as_("ana", "queue", "vote", REVIEW, lease_of(as_, "ana"), "exclude", "--reason", "a view", *about)

    assert voted.exit_code == 0, voted.exception
    [vote] = rig.record("r1")["stages"][0]["votes"]
    assert (vote["excluded_for"], vote["judged_for"], vote["fields"]) == ("opinion", ["c1", "c2"], {"plots": 12})


def test_a_first_look_and_a_revision_are_filled_in_as_a_vote_is(screening_at, as_):
    rig = screening_at(FORM)
    rig.discovers("r1")
    rig.answers("ana", "include", judged_for=["c1"])
    task = rig.answers("ben", "exclude", reason="a view", excluded_for="no-people")["task"]
    about = ["exclude", "--reason", "a view", "--excluded-for", "opinion", "--judged-for", "c1", "--field", "plots=12"]
    lease = data(as_("cy", "queue", "next", REVIEW, "--conflict", "--json", role="adjudicator"))["lease"]

    looked = as_("cy", "queue", "look", REVIEW, lease, *about, "--json", role="adjudicator")
    assert (data(looked)["look"]["excluded_for"], data(looked)["look"]["judged_for"]) == ("opinion", ["c1"])

    assert as_("ana", "queue", "revise", REVIEW, task, *about).exit_code == 0
    [revised] = rig.record("r1")["stages"][0]["revised"]
    assert (revised["excluded_for"], revised["judged_for"], revised["fields"]) == ("opinion", ["c1"], {"plots": 12})


@pytest.mark.parametrize(
    ("given", "seen"),
    [
        (["--excluded-for", "opinions"], "excluded_for: stage 'sift' has no reason 'opinions'"),
        ([], "excluded_for: say for which reason; give one of: no-garden, no-people, opinion"),
        (["--excluded-for", "opinion", "--judged-for", "c9"], "judged_for: this review has no CMOC 'c9'"),
        (["--excluded-for", "opinion", "--field", "plots=many"], "fields.plots: must be a number"),
        (["--excluded-for", "opinion", "--field", "plots=501"], "fields.plots: must be 500 or less; this is 501"),
    ],
)
def test_what_the_form_does_not_take_is_refused_by_name(screening_at, as_, given, seen):
    rig = screening_at(FORM)
    rig.discovers("r1")

    refused = as_("ana", "queue", "vote", REVIEW, lease_of(as_, "ana"), "exclude", "--reason", "a view", *given)

    assert isinstance(refused.exception, Invalid) and seen in refused.exception.detail
    assert rig.record("r1")["stages"][0]["votes_cast"] == 0


def test_the_card_says_all_that_is_to_be_known_for_an_answer(screening_at, as_):
    rig = screening_at(
        FORM,
        {**DEPTH, "needs": "full_text"},
        criteria={"include": ["It is about gardens that people share."], "exclude": ["Nobody tends it."]},
        highlights={"include": ["garden*"], "exclude": ["farm"]},
    )
    rig.discovers("r1", identifiers={"doi": "10.1000/gardens"}, venue="Plots", authors=["Ruiz, A"])

    shown = as_("ana", "queue", "next", REVIEW).stdout

    for said in (
        "https://doi.org/10.1000/gardens", "Ruiz, A · Plots · 2019", "It is about gardens that people share.",
        "Nobody tends it.", "--excluded-for no-garden", "Not about gardens: Parks and farms are none.", "c1: tools",
        "A plot is what one household tends.", "a number, least 1, most 500", "before it", "--judged-for",
    ):  # fmt: skip
        assert said in shown, said
    assert "full text" not in shown


def test_the_card_says_whether_the_full_text_is_here_where_the_stage_needs_it(screening_at, as_):
    rig = screening_at(SIFT, {**DEPTH, "needs": "full_text"})
    rig.discovers("r1")
    for name in ("ana", "ben"):
        rig.answers(name, "include")
    rig.hears(TextSought(review=REVIEW, record="r1"))

    assert f"it is sought: living texts show {REVIEW} r1" in as_("ana", "queue", "next", REVIEW).stdout


def test_the_flow_is_shown_in_lines_and_drawn_into_a_file(screening_at, as_, tmp_path):
    rig = screening_at(FORM)
    rig.discovers("r1", "r2")
    for name in ("ana", "ben"):
        rig.answers(name, "exclude", reason="a view", excluded_for="opinion")
    drawn = tmp_path / "flow.svg"

    said = as_("ana", "queue", "flow", REVIEW, "--svg", str(drawn)).stdout

    assert "excluded for opinion" in said and "not kept 2" in said
    assert "Records included (n = 0)" in drawn.read_text(encoding="utf-8")
    assert data(as_("ana", "queue", "flow", REVIEW, "--json"))["excluded"]["n"] == 1
    assert data(as_("ana", "queue", "flow", REVIEW, "--on", "2019-12-31", "--json"))["identified"]["n"] == 0


def test_the_flow_of_other_methods_stands_beside_that_of_databases_and_a_narrow_terminal_names_no_sources(
    screening_at, as_, terminal
):
    rig = screening_at(FORM)
    rig.discovers("r1", sources=[SourceRef(source="doaj", id="1", run="run_1")])
    rig.discovers("r2", sources=[SourceRef(source="added:website", id="2", run="run_1")])

    wide = as_("ana", "queue", "flow", REVIEW).stdout
    terminal(60)
    narrow = as_("ana", "queue", "flow", REVIEW).stdout

    assert re.search(r"identified +1 +1 +2 +added:website 1, doaj 1", wide)
    assert re.search(r"identified +1 +1 +2 *$", narrow, re.MULTILINE)
    assert "doaj" not in narrow


def test_the_funnel_says_for_which_reasons_how_many_are_out(screening_at, as_):
    rig = screening_at(FORM)
    rig.discovers("r1")
    for name in ("ana", "ben"):
        rig.answers(name, "exclude", reason="a view", excluded_for="opinion")

    assert "opinion 1" in as_("ana", "queue", "funnel", REVIEW).stdout
    assert data(as_("ana", "queue", "funnel", REVIEW, "--json"))["stages"][0]["excluded_for"] == {"opinion": 1}


def test_the_funnel_shows_also_what_is_parked_and_withdrawn(screening_at, as_):
    rig = screening_at()
    rig.discovers("r1", "r2", "r3")
    rig.hears(merged("r3", "r2"))
    as_("ana", "queue", "next", REVIEW)
    as_("ana", "queue", "park", REVIEW, "mine", "--reason", "asked the authors")

    headings, row, *_ = as_("ana", "queue", "funnel", REVIEW).stdout.splitlines()

    assert headings.split()[-3:] == ["waiting", "parked", "withdrawn"] and row.split()[-3:] == ["1", "1", "1"]


@pytest.mark.parametrize(
    ("text", "marks"),
    [
        ("Gardeners in gardens", [("Gardeners", FOR), ("gardens", FOR)]),
        ("FARM or farmland", [("FARM", AGAINST)]),
        ("a community  plot", [("community  plot", FOR)]),
        ("c++ and a.b", [("a.b", AGAINST)]),
        ("axb", []),
    ],
)
def test_whole_words_are_marked_in_whatever_case(text, marks):
    words = Highlights(include=["garden*", "community plot"], exclude=["farm", "a.b"])

    shown = marked(text, words)

    assert [(shown.plain[span.start : span.end], span.style) for span in shown.spans] == marks
