"""The synthesis from a terminal: what a lead reads before signing, and from which record each number comes."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path

import jwt
import pytest

from services.cli import _COMMANDS
from services.cli.printing import counted
from services.synthesis.models import DepositRow
from shared.errors import Conflict, Forbidden, Invalid, NotFound
from shared.keys.file import make, read_ring
from shared.keys.ring import Key, KeyRing
from tests.unit.services.cli.conftest import data
from tests.unit.services.synthesis.rig import REVIEW, protocol


@pytest.fixture
def coded(rig):
    """Two reports, of which one speaks to c1."""
    rig.includes("r1", "r2")
    rig.links("r1", "c1")
    rig.settles()
    return rig


def words(result) -> str:
    """What was printed, however it was broken over lines."""
    return " ".join(result.stdout.split())


@pytest.mark.parametrize("width", [60, 80, 200, None])
def test_where_nothing_is_signed_the_command_that_shows_the_draft_is_whole(coded, as_, terminal, width):
    terminal(width)

    shown = as_("rita", "synthesis", "show", REVIEW, role="reader")

    assert shown.exit_code == 0
    assert f"living synthesis show {REVIEW} --draft" in shown.stdout.splitlines()[0]
    assert data(as_("rita", "synthesis", "show", REVIEW, "--json", role="reader")) is None


@pytest.mark.parametrize("width", [60, 80, 200, None])
def test_a_draft_is_read_with_its_wording_and_its_studies(coded, as_, terminal, width):
    terminal(width)

    seen = words(as_("rita", "synthesis", "show", REVIEW, "--draft", role="reader"))

    assert "Trust Trust helps." in seen
    assert "c1 partially supported 1 study context context of c1 resource resource of c1" in seen
    assert "reasoning reasoning of c1 outcome outcome of c1 studies Title of r1" in seen
    assert "c2 no evidence 0 studies context context of c2" in seen
    assert "No revision is signed yet: this would be the first." in seen


def test_a_draft_tells_what_differs_from_the_last_revision(coded, as_):
    coded.signs()
    show = ["synthesis", "show", REVIEW, "--draft"]
    assert "Nothing differs from revision 1." in words(as_("rita", *show, role="reader"))

    coded.links("r2", "c1")
    coded.adopts(protocol(wording={"c2": {"outcome": "another outcome"}}), version=2)
    coded.settles()

    seen = words(as_("rita", *show, role="reader"))
    assert "What differs from revision 1: 1 link added, 0 withdrawn" in seen
    assert "c1 support 1 2 PATCH" in seen and "c2 outcome outcome of c2 another outcome MINOR" in seen


def test_words_in_brackets_are_shown_as_they_are(coded, as_):
    coded.signs("as [bold]drafted[/] [see 5]")

    assert "as [bold]drafted[/] [see 5]" in as_("rita", "synthesis", "show", REVIEW, role="reader").stdout


def test_a_lead_says_that_a_review_rests_and_why(coded, as_):
    said = as_("dora", "synthesis", "course", REVIEW, "paused", "--why", "No funds.", role="lead")

    assert f"{REVIEW} is paused" in said.stdout
    assert (coded.lead.standing(REVIEW).state, coded.lead.standing(REVIEW).why) == ("paused", "No funds.")


def test_a_lead_withdraws_a_revision_and_whoever_reads_or_verifies_it_is_told(coded, as_):
    for summary in ("the first", "the second"):
        coded.signs(summary)
    command = ["synthesis", "withdraw", REVIEW, "2", "--why", "It is wrong.", "--instead", "1"]
    assert as_("dora", *command, role="lead", typed="n\n").exit_code == 1 and coded.lead.verify(REVIEW, 2).holds
    assert coded.lead.revision(REVIEW, 2).withdrawn is None

    assert "Revision 2 was withdrawn on" in words(as_("dora", *command, "--yes", role="lead"))

    verified = as_("rita", "synthesis", "verify", REVIEW, "2", role="reader")
    assert verified.exit_code == 0 and "It is wrong. Read revision 1 instead." in words(verified)
    shown = words(as_("rita", "synthesis", "show", REVIEW, role="reader"))
    assert "revision 1: MAJOR" in shown and "Revision 2 was withdrawn on" in shown
    assert "It is wrong." in words(as_("rita", "synthesis", "revisions", REVIEW, role="reader"))


def sign(as_, *more: str, typed: str | None = "y\n"):
    return as_("dora", "synthesis", "sign", REVIEW, "--summary", "as drafted", *more, role="lead", typed=typed)


def revisions(rig) -> int:
    return len(list(rig.lead.revisions(REVIEW)))


def test_signing_where_nothing_differs_says_so_before(coded, as_):
    assert "Nothing differs" not in sign(as_).stderr

    again = sign(as_, "--json")

    assert "Nothing differs from revision 1." in again.stderr
    assert data(again)["content"]["number"] == 2


@pytest.mark.parametrize(("answer", "signed"), [("n\n", 0), ("", 0), ("y\n", 1)])
def test_whoever_signs_is_shown_what_differs_and_asked_by_the_name_of_the_draft(coded, as_, answer, signed):
    draft = coded.draft()

    result = sign(as_, typed=answer)

    assert f"Sign {draft.draft} as revision 1?" in result.stderr and "draft of revision 1: MAJOR" in result.stderr
    assert all(f"{it.cmoc} {it.what}: " in result.stderr for it in draft.changes) and draft.changes
    assert (result.exit_code == 0, revisions(coded)) == (bool(signed), signed)


def test_a_program_names_the_draft_that_it_read_and_signs_no_other(coded, as_):
    draft = coded.draft().draft
    assert sign(as_, "--yes", typed=None).exit_code == 2
    assert isinstance(refused := sign(as_, "--yes", "--draft", "draft_old", typed=None).exception, Conflict)
    assert refused.slug == "stale_draft" and revisions(coded) == 0

    assert sign(as_, "--yes", "--draft", draft, typed=None).exit_code == 0 and revisions(coded) == 1


@pytest.mark.parametrize("summary", ["", "  "])
def test_a_summary_that_says_nothing_is_told_in_plain_words(coded, as_, summary):
    refused = as_("dora", "synthesis", "sign", REVIEW, "--summary", summary, role="lead", typed="y\n").exception

    assert isinstance(refused, Invalid) and "body.summary: says nothing; write something" in refused.detail


def test_a_day_is_never_broken_over_lines(coded, as_, terminal):
    coded.signs("a summary of many words " * 5)
    terminal(60)

    assert "2020-01-01" in as_("rita", "synthesis", "revisions", REVIEW, role="reader").stdout


@pytest.mark.parametrize("width", [60, 80, 200])
def test_evidence_names_the_record_the_coder_and_the_day(rig, as_, terminal, width):
    record = "rec_" + "0" * 32
    rig.includes(record)
    fragment = rig.links(record, "c1", text="says " * 30).fragment
    rig.lead.withdraw(REVIEW, fragment, "misread")
    terminal(width)

    lines = as_("rita", "synthesis", "evidence", REVIEW, role="reader").stdout.splitlines()

    assert lines[0] == "c1  resource  supports"
    assert lines[-1] == f"  {record}  coded by ana on 2020-01-01"
    seen = " ".join(" ".join(lines).split())
    assert f"Title of {record}, p. 1 does not stand: withdrawn by dora: misread" in seen
    assert all(len(line) <= width for line in lines[:-1])


def test_whoever_withdrew_a_link_is_called_by_name(rig, as_, terminal, monkeypatch):
    person = "person_" + "0" * 32
    rig.includes("r1")
    fragment = rig.links("r1", "c1").fragment
    at = f"/synthesis/reviews/{REVIEW}/evidence/{fragment}/withdraw"
    answer = rig.bench.person(person, "lead").post(at, json={"why": "misread"})
    assert answer.is_success, answer.text
    monkeypatch.setattr("services.cli.synthesis.called_in", lambda *_: lambda id: {person: "Dora"}.get(id, id))

    for width in (None, 80):
        terminal(width)
        said = words(as_("rita", "synthesis", "evidence", REVIEW, role="reader"))
        assert "withdrawn by Dora: misread" in said and person not in said


def test_evidence_for_another_program_is_a_row_a_link(coded, as_):
    coded.links("r2", "c2")

    heading, *rows = as_("rita", "synthesis", "evidence", REVIEW, role="reader").stdout.splitlines()

    assert " ".join(heading.split()) == "CMOC element stance record report what it says coded by on stands"
    assert [row.split()[3] for row in rows] == ["r1", "r2"]
    assert all(row.split()[-3:] == ["ana", "2020-01-01", "yes"] for row in rows)


@pytest.mark.parametrize(
    ("asked", "seen"),
    [
        (["--cmoc", "c2"], "Nothing is coded for CMOC c2."),
        (["--record", "r2"], "Nothing is coded for record r2."),
        (["--record", "nope"], "Nothing is coded for record nope."),
        (["--cmoc", "c2", "--record", "r1"], "Nothing is coded for CMOC c2 and record r1."),
    ],
)
def test_what_nothing_is_coded_for_is_named(coded, as_, asked, seen):
    assert words(as_("rita", "synthesis", "evidence", REVIEW, *asked, role="reader")) == seen


def test_a_review_without_evidence_says_so(rig, as_):
    assert words(as_("rita", "synthesis", "evidence", REVIEW, role="reader")) == "Nothing is coded yet."


def test_a_cmoc_that_is_none_of_the_reviews_is_not_found(coded, as_):
    refused = as_("rita", "synthesis", "evidence", REVIEW, "--cmoc", "nope", role="reader").exception

    assert isinstance(refused, NotFound) and "no CMOC 'nope'" in refused.detail


def test_one_of_something_is_told_as_one():
    assert [counted(number, "conflict") for number in (0, 1, 2)] == ["0 conflicts", "1 conflict", "2 conflicts"]
    assert [counted(number, "study", "studies") for number in (1, 2)] == ["1 study", "2 studies"]


def test_an_exported_revision_is_verified_with_no_platform_and_no_settings(coded, as_, run, monkeypatch, tmp_path):
    coded.signs("Führung hilft. 🤝")
    to = ["--to", "r1.json"]
    assert (
        "revision 1 of small is in r1.json"
        in as_("rita", "synthesis", "export", REVIEW, "1", *to, role="reader").stdout
    )
    assert isinstance(as_("rita", "synthesis", "export", REVIEW, "1", *to, role="reader").exception, Conflict)
    (tmp_path / "keys.json").write_bytes(coded.bench.person("rita", "reader").get("/signing-keys").content)
    for name in ("LIVING_KEY", "LIVING_URL"):
        monkeypatch.setenv(name, "nonsense")
    monkeypatch.setenv("LIVING_DATABASE_URL", "nonsense")

    verified = run("synthesis", "verify", "--file", "r1.json", "--key", "keys.json")
    assert verified.exit_code == 0, verified.exception
    kid = coded.bench.platform.ring.newest("revisions").kid
    assert f"It is what was signed, by key {kid}" in words(verified)
    assert f"Revision 1 of {REVIEW}, signed by dora on " in words(verified), "a file may have any name"
    shown = data(run("synthesis", "verify", "--file", "r1.json", "--key", "keys.json", "--json"))
    assert (shown["kid"], shown["review"], shown["number"], shown["drill"]) == (kid, REVIEW, 1, False)

    text = (tmp_path / "r1.json").read_text()
    (tmp_path / "r1.json").write_text(text.replace("hilft", "schadet"))
    spoiled = run("synthesis", "verify", "--file", "r1.json", "--key", "keys.json")
    assert (spoiled.exit_code, words(spoiled)) == (1, "the content is not the one that was hashed")


def test_a_drill_is_labelled_wherever_it_shows(coded, as_):
    coded.signs()
    coded.notices("r1", "retraction", drill=True)
    coded.settles()

    assert "draft of revision 2, a drill:" in words(as_("rita", "synthesis", "show", REVIEW, "--draft", role="reader"))
    signed = as_("dora", "synthesis", "sign", REVIEW, "--summary", "An exercise.", role="lead", typed="y\n")
    assert "This draft is a drill" in signed.stderr and "revision 2 is signed: MINOR, a drill" in words(signed)
    diff = ["synthesis", "diff", REVIEW, "1", "2"]
    assert "A drill:" in words(as_("rita", *diff, role="reader"))
    assert data(as_("rita", *diff, "--json", role="reader"))["drill"]
    assert f"Revision 2 of {REVIEW}, a drill, signed by dora" in words(
        as_("rita", "synthesis", "verify", REVIEW, "2", role="reader")
    )
    status = coded.lead.status(REVIEW)
    assert status.open_rejudgements == status.open_drills == 1


def test_a_drill_that_is_only_a_part_of_a_draft_is_said_to_be_one(coded, as_):
    coded.signs()
    coded.notices("r1", "retraction", drill=True)
    coded.links("r2", "c2", text="found meanwhile")
    coded.settles()

    signed = as_("dora", "synthesis", "sign", REVIEW, "--summary", "More.", role="lead", typed="y\n")

    assert "A part of this draft is a drill." in signed.stderr and "a drill" not in words(signed)


def test_a_forger_who_puts_their_own_key_into_the_file_is_found_out(coded, as_, run, tmp_path):
    coded.signs()
    as_("rita", "synthesis", "export", REVIEW, "1", "--to", "r1.json", role="reader")
    make(tmp_path / "forger.pem")
    forger = read_ring(tmp_path / "forger.pem")
    exported = json.loads((tmp_path / "r1.json").read_text())
    claims = jwt.decode(exported["signature"], options={"verify_signature": False})
    exported["signature"] = forger.sign("revisions", claims, at=datetime.now(UTC))
    key = forger.newest("revisions")
    (tmp_path / "forged.json").write_text(json.dumps(exported | {"kid": key.kid, "public_key": key.public_pem}))
    (tmp_path / "key.pem").write_text(coded.bench.platform.ring.newest("revisions").public_pem)

    verify = ["synthesis", "verify", "--key", "key.pem", "--file"]
    assert run(*verify, "r1.json").exit_code == 0
    forged = run(*verify, "forged.json")
    assert forged.exit_code == 1 and "the signature cannot be checked" in words(forged)


@pytest.mark.parametrize(
    ("file", "content", "seen"),
    [
        ("r.json", b"", "it is no JSON"),
        ("r.json", b"\0\0", "it is no JSON"),
        ("r.json", b"[" * 100_000, "it is no JSON"),
        ("r.json", b'{"document": 5}', "'document' is no text"),
        ("r.json", None, "cannot be read: No such file"),
        ("keys.json", b"{}", "no list `keys`"),
        ("keys.json", b"x" * 1_000_001, "is too large"),
        ("keys.json", None, "cannot be read: No such file"),
    ],
)
def test_a_file_that_is_no_revision_or_key_is_one_sentence_with_its_path(run, tmp_path, file, content, seen):
    key = KeyRing([Key.fresh("revisions")]).keys[0].public_pem
    (tmp_path / "keys.json").write_text(key)
    (tmp_path / "r.json").write_text(json.dumps({"document": "{}", "sha256": "", "signature": ""}))
    if content is None:
        (tmp_path / file).unlink()
    else:
        (tmp_path / file).write_bytes(content)

    refused = run("synthesis", "verify", "--file", "r.json", "--key", "keys.json")

    assert isinstance(refused.exception, Invalid)
    assert seen in refused.exception.detail and refused.exception.detail.startswith(file)


def test_a_pipe_keeps_nobody_waiting(run, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    assert "is no file" in run("synthesis", "verify", "--file", "pipe", "--key", "pipe").exception.detail


@pytest.mark.parametrize("given", [[], ["r"], ["r", "1", "--file", "f"], ["--file", "f"], ["--key", "k"]])
def test_what_is_verified_is_said_in_one_of_two_ways(run, given):
    refused = run("synthesis", "verify", *given)
    assert refused.exit_code == 2 and "give REVIEW and REVISION, or --file and --key" in refused.output


def test_past_a_search_by_hand_that_is_overdue_nothing_is_signed_unless_it_is_left_out_with_a_reason(coded, as_):
    by_hand = {"id": "embase", "manual": "Embase", "query": "leader*:ti"}
    coded.adopts(protocol(strategies=[by_hand]), version=2)
    coded.bench.clock.advance(days=1)
    coded.settles()
    overdue = "Embase (embase) is to be searched by hand: overdue since 2020-01-01"
    assert overdue in words(as_("rita", "synthesis", "show", REVIEW, "--draft", role="reader"))
    assert isinstance(refused := sign(as_).exception, Conflict) and refused.slug == "searches_overdue"

    signed = sign(as_, "--without", "embase", "--reason", "No licence.")

    line = "Not searched: Embase (embase), due on 2020-01-01: No licence."
    assert line in words(signed)
    assert line in words(as_("rita", "synthesis", "show", REVIEW, role="reader"))
    assert line in words(as_("rita", "synthesis", "verify", REVIEW, "1", role="reader"))


def test_a_reviewer_says_how_far_a_fragment_is_trusted_for_its_claim(coded, as_):
    [link] = coded.lead.evidence(REVIEW)
    asked = ["synthesis", "appraise", REVIEW, link.link]

    said = as_("ana", *asked, "caution", "--why", "a single remark")

    assert said.exit_code == 0 and words(said) == f"{link.link} is caution from now on."
    assert data(as_("ana", *asked, "credible", "--why", "seen twice", "--json"))["credibility"] == "credible"
    refused = as_("ana", *asked, "certain", "--why", "so")
    assert refused.exit_code == 2 and "not_credible" in refused.stderr


CONCERNS = ["--limitations", "minor", "--coherence", "none", "--adequacy", "moderate", "--relevance", "none"]


def test_an_adjudicator_says_how_sure_one_may_be_of_a_cmoc_and_readers_see_all_that_was_said(coded, as_):
    shown = ["synthesis", "confidence", "show", REVIEW, "c1"]
    asked = ["synthesis", "confidence", "judge", REVIEW, "c1"]
    nothing = as_("rita", *shown, role="reader")
    assert words(nothing) == "Nobody has judged yet how sure one may be of c1."

    said = as_("carol", *asked, "very_low", *CONCERNS, "--why", "[one] study", role="adjudicator")
    as_("dora", *asked, "moderate", *CONCERNS, "--why", "two by now", role="lead")

    assert words(said) == "Confidence in c1 is very low from now on.", said.exception
    seen = words(as_("rita", *shown, role="reader"))
    assert "very low carol" in seen and "[one] study no" in seen and "two by now yes" in seen
    rows = data(as_("rita", *shown, "--json", role="reader"))
    assert [(row["by"], row["confidence"], row["adequacy"]) for row in rows] == [
        ("carol", "very_low", "moderate"), ("dora", "moderate", "moderate"),
    ]  # fmt: skip


def test_members_comment_on_lines_and_a_lead_signs_past_that_only_with_why(coded, as_):
    coded.settles()
    asked = ["synthesis", "comments"]
    line = ["--cmoc", "c1", "--part", "outcome"]
    assert words(as_("rita", *asked, "list", REVIEW, role="reader")) == "There are no comments."
    assert as_("ben", *asked, "make", REVIEW, "whose?", "--cmoc", "c1").exit_code == 2
    made = data(as_("ben", *asked, "make", REVIEW, "[whose]?", *line, "--json"))["comment"]
    theory = as_("ana", *asked, "make", REVIEW, "why?", "--theory", "trust")
    assert "said of: Trust: Trust helps." in words(theory), theory.exception
    as_("ana", *asked, "answer", REVIEW, made, "theirs")

    refused = sign(as_)
    assert "Open comments on it: ben (1), ana (1)" in " ".join(refused.stderr.split())
    assert isinstance(refused.exception, Conflict) and "--despite" in _COMMANDS[refused.exception.slug]
    assert revisions(coded) == 0 and sign(as_, "--despite", "later").exit_code == 0
    assert coded.lead.signing(REVIEW, 1).despite == "later"
    shown = words(as_("rita", "synthesis", "show", REVIEW, role="reader"))
    assert "Signed though comments on its draft were open (2): later" in shown
    assert isinstance(as_("ana", *asked, "resolve", REVIEW, made, "--why", "so").exception, Forbidden)
    as_("ben", *asked, "resolve", REVIEW, made, "--why", "said so")
    listed = as_("rita", *asked, "list", REVIEW, "--state", "resolved", role="reader")
    assert not any(line.endswith(" ") for line in (listed.stdout + refused.stderr).splitlines())
    seen = words(listed)
    assert "[whose]?" in seen and "theirs" in seen and "resolved by ben: said so" in seen and "why?" not in seen


def test_links_to_words_that_are_others_now_are_listed_and_judged_by_name_or_all_of_an_element(coded, as_):
    listed, judge = ["synthesis", "rewordings", "list", REVIEW], ["synthesis", "rewordings", "judge", REVIEW]
    assert words(as_("rita", *listed, role="reader")) == "No link is to be judged anew."
    coded.links("r2", element="outcome")
    parts = {part: f"another {part}" for part in ("context", "resource", "reasoning", "outcome")}
    coded.adopts(protocol(wording={"c1": parts}), version=2)

    [row, *_] = data(as_("rita", *listed, "--json", role="reader"))
    assert "another" in words(as_("rita", *listed, role="reader")) and (row["cmoc"], row["since_version"]) == ("c1", 2)
    assert as_("ana", *judge, "keep", "--why", "so").exit_code == 2
    assert as_("ana", *judge, "keep", "link_1", "--cmoc", "c1", "--why", "so").exit_code == 2
    asked = data(as_("ana", "synthesis", "evidence", REVIEW, "--asked", "--json"))
    gone = as_("carol", *judge, "withdraw", asked[0]["link"], "--why", "not of [these]", role="adjudicator")
    assert "1 link: withdraw." in words(gone), gone.exception
    kept = as_("carol", *judge, "keep", "--cmoc", "c1", "--why", "spelling alone", role="adjudicator")
    assert "0 links of the review left to judge." in words(kept)
    assert words(as_("rita", *listed, role="reader")) == "No link is to be judged anew."


def test_whoever_judges_says_of_each_part_how_concerned_they_are_and_may_judge(coded, as_):
    asked = ["synthesis", "confidence", "judge", REVIEW, "c1", "high"]
    assert "--relevance" in as_("carol", *asked, *CONCERNS[:-2], "--why", "so", role="adjudicator").stderr
    assert as_("carol", *asked, *CONCERNS[:-1], "little", "--why", "so", role="adjudicator").exit_code == 2
    assert isinstance(as_("ana", *asked, *CONCERNS, "--why", "so").exception, Forbidden)
    assert list(coded.lead.confidence(REVIEW, "c1")) == []


def test_what_the_evidence_suggests_is_listed_and_declined_with_a_reason(coded, as_):
    shown = ["synthesis", "proposals", REVIEW]
    assert "The evidence suggests nothing." in words(as_("rita", *shown, role="reader"))
    for record in ("r1", "r2"):
        coded.links(record, element="outcome", stance="refines")
    coded.settles()

    [it] = data(as_("rita", *shown, "--json", role="reader"))
    assert "2 independent studies refine its outcome" in words(as_("rita", *shown, role="reader"))
    declined = as_("dora", "synthesis", "decline", REVIEW, it["proposal"], "--why", "one team wrote both", role="lead")
    assert words(declined) == "Declined: refine c1."
    assert data(as_("rita", *shown, "--state", "open", "--json", role="reader")) == []
    again = as_("dora", "synthesis", "decline", REVIEW, it["proposal"], "--why", "so", role="lead")
    assert again.exit_code == 1 and "one team wrote both" in str(again.exception)


def test_where_a_cmoc_comes_from_and_where_it_went_is_printed(coded, as_):
    asked = ["synthesis", "kin", REVIEW, "c1"]
    assert words(as_("rita", *asked, role="reader")) == "c1 was made of no other, and became none."
    coded.adopts(protocol(["c1"]), version=2)
    plan = protocol(["c1", "c3"])
    worded = [it.model_copy(update={"lineage": ["c1"] if it.id == "c3" else []}) for it in plan.cmocs]
    coded.adopts(plan.model_copy(update={"cmocs": worded}), version=3)

    assert "after it c3 outcome of c3" in words(as_("rita", *asked, role="reader"))
    assert [it["cmoc"] for it in data(as_("rita", *asked, "--json", role="reader"))["after"]] == ["c3"]


def test_a_revision_is_exported_to_be_read_in_a_new_file_or_to_other_programs(coded, as_, tmp_path):
    coded.signs()
    written = as_("rita", "synthesis", "export", REVIEW, "1", "--as", "docx", "--to", "one.docx", role="reader")

    assert written.exit_code == 0 and Path("one.docx").read_bytes().startswith(b"PK\x03\x04")
    again = as_("rita", "synthesis", "export", REVIEW, "1", "--as", "docx", "--to", "one.docx", role="reader")
    assert again.exception is not None
    for form, begins in (
        ("markdown", "# A small review"),
        ("matrix", "cmoc,link,element"),
        ("destiny", '{"visibility"'),
    ):
        shown = as_("rita", "synthesis", "export", REVIEW, "1", "--as", form, "--to", "-", role="reader")
        assert shown.stdout.startswith(begins), form
    assert as_("rita", "synthesis", "export", REVIEW, "1", "--as", "pdf", "--to", "-", role="reader").exit_code == 2


def test_the_dois_of_revisions_are_listed_with_what_keeps_them(coded, as_):
    assert "No revision is to have a DOI yet" in words(as_("rita", "synthesis", "dois", REVIEW, role="reader"))
    coded.signs()
    archive = "https://archive.example/api"
    with coded.bench.work() as work:
        work.add(
            DepositRow(
                review=REVIEW, archive=archive, number=1, state="assigned", deposit="7", doi="10.5281/zenodo.7",
                concept_doi="10.5281/zenodo.6", assigned_at=coded.bench.clock.now(),
            )
        )  # fmt: skip
        work.add(
            DepositRow(
                review=REVIEW, archive=archive, number=2, state="waiting", tries=3, trouble="HTTP 500",
                due_at=coded.bench.clock.now(),
            )
        )  # fmt: skip

    listed = words(as_("rita", "synthesis", "dois", REVIEW, role="reader"))
    for said in ("10.5281/zenodo.7", "10.5281/zenodo.6", "waiting", "HTTP 500"):
        assert said in listed
    assert "https://doi.org/10.5281/zenodo.7" in words(as_("rita", "synthesis", "show", REVIEW, role="reader"))


def test_the_map_is_printed_and_written_as_graphml(coded, as_, tmp_path):
    seen = words(as_("rita", "synthesis", "map", REVIEW, role="reader"))
    assert "c1: partially_supported, 1 study, links: 1" in seen and "Title of r1" in seen

    written = tmp_path / "map.graphml"
    assert as_("rita", "synthesis", "map", REVIEW, "--graphml", str(written), role="reader").exit_code == 0
    assert "<graphml" in written.read_text()
    assert data(as_("rita", "synthesis", "map", REVIEW, "--theory", "trust", "--json", role="reader"))["cmocs"]


def test_saturation_names_what_each_study_changed(coded, as_):
    seen = words(as_("rita", "synthesis", "saturation", REVIEW, role="reader"))
    assert "c1 status: no_evidence -> partially_supported" in seen
    assert "Last MAJOR revision: none yet; studies since: 1." in seen
    printed = data(as_("rita", "synthesis", "saturation", REVIEW, "--json", role="reader"))
    assert (printed["saturation"]["speaking"], printed["studies"][0]["change"]) == (1, "status")
