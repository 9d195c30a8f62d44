"""What people add by hand: it comes in as what a source brings, once, with who, how and why; and what is restricted
is nowhere but where the review's people read it."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from services.ingest import store
from services.ingest.jobs import exporting
from shared.errors import Unavailable
from shared.events.ingest import RecordAdded, RecordDiscovered, RecordMerged, RecordNoticed, RecordUpdated
from tests.unit.services.ingest.rig import LONG_TITLE, PEOPLE, REVIEW, IngestBench, strategy, work

#: What must be nowhere but where the review's people may read it.
SECRET = "qsecretq"

PAPER = {
    "kind": "paper", "title": "Boards that learn to decide together in new systems", "authors": ["Okoye, Ada"],
    "published": "2021", "doi": "https://doi.org/10.5555/Boards", "venue": "Journal of Shared Care",
    "how": "hand_search", "where": "Journal of Shared Care, 2021", "why": "its table of contents",
}  # fmt: skip
ACCOUNT = {
    "kind": "account", "title": "A manager of a new system, 2", "abstract": f"They {SECRET} said so.",
    "authors": [f"{SECRET}, Ada"], "venue": f"{SECRET} trust", "url": f"https://{SECRET}.example.org/notes",
    "language": "en", "published": "2021-05-03", "how": "contact", "where": f"interview at {SECRET}",
    "why": f"{SECRET} knows how boards meet", "consent": f"{SECRET} agreed; noted by A. Okoye, 3 May",
}  # fmt: skip


@pytest.fixture
def ready(bench: IngestBench) -> IngestBench:
    bench.adopt(strategy("crossref"))
    return bench


def add(bench: IngestBench, asked: dict[str, Any], status: int = 201, role: str = "reviewer", **more: Any) -> Any:
    return bench.post("records", {**asked, **more}, role=role, status=status)


def only(bench: IngestBench) -> Any:
    (record,) = bench.records()
    return record


@pytest.mark.parametrize("kind", ["paper", "grey", "policy"])
def test_what_is_added_is_a_record_with_who_found_it_how_where_and_why(ready, kind):
    made = add(ready, PAPER, kind=kind)

    assert (made["what"], made["evidence"], made["questions"]) == ("new", [], [])
    record = only(ready)
    assert made["record"] == record["record"]
    described = record["bibliography"]
    assert (described["title"], described["identifiers"]["doi"]) == (PAPER["title"], "10.5555/boards")
    assert "restricted" not in described
    (addition,) = ready.items("additions")
    assert addition == record["additions"][0]
    said = {
        "kind": kind, "how": "hand_search", "where": PAPER["where"], "why": PAPER["why"], "added_by": "lea",
        "restricted": False, "consented": False,
    }  # fmt: skip
    assert {name: addition[name] for name in said} == said
    (discovered,), (added,) = ready.emitted(RecordDiscovered), ready.emitted(RecordAdded)
    assert discovered.record == added.record == made["record"]
    assert (added.kind, added.how, added.where, added.why) == (kind, "hand_search", PAPER["where"], PAPER["why"])


def test_each_way_of_finding_is_a_watch_that_coverage_counts_and_nobody_pulls(ready):
    add(ready, PAPER)
    add(ready, PAPER, title="Trust between hospitals and councils", doi=None, how="website")

    run = ready.get(f"runs/{only_run(ready, 'added:website')}")
    assert (run["purpose"], run["state"], run["counts"]["new"]) == ("addition", "complete", 1)
    counted = {share["name"]: share["records"] for share in ready.get("coverage")["strategies"]}
    assert counted == {"added:hand_search": 1, "added:website": 1, "crossref": 0}
    ready.pull_again(days=400)
    (watch, _) = ready.items("watches", purpose="addition")
    assert ready.post(f"watches/{watch['watch']}/pull", status=409)["type"].endswith("watch_of_files")


def only_run(bench: IngestBench, source: str) -> str:
    (run,) = [each["run"] for each in bench.items("runs") if each["source"] == source]
    return run


def test_the_same_said_twice_changes_nothing(ready):
    first = add(ready, PAPER)
    before = len(ready.journal())

    again = add(ready, PAPER, role="lead")

    assert (again["what"], again["record"], again["addition"]) == ("known", first["record"], first["addition"])
    assert len(ready.journal()) == before and len(ready.items("runs")) == 1


def test_who_found_the_same_otherwise_says_so_beside_and_it_stays_one_record(ready):
    first = add(ready, PAPER)

    again = add(ready, PAPER, why="an expert named it")

    assert (again["what"], again["record"]) == ("known", first["record"])
    assert [each["why"] for each in only(ready)["additions"]] == [PAPER["why"], "an expert named it"]
    assert len(only(ready)["source_records"]) == 1
    assert [added.why for added in ready.emitted(RecordAdded)] == [PAPER["why"], "an expert named it"]


def test_what_a_source_has_becomes_one_with_it_and_says_why(ready):
    ready.sources["crossref"].put(work("crossref", "10.5555/boards", PAPER["title"], doi="10.5555/boards"))
    ready.pull()

    made = add(ready, PAPER, authors=PEOPLE, published="2018")

    assert made["what"] == "merged" and "both have the DOI 10.5555/boards" in made["evidence"]
    record = only(ready)
    assert made["record"] == record["record"]
    assert {one["source"] for one in record["source_records"]} == {"crossref", "added:hand_search"}
    assert record["bibliography"]["provenance"]["title"] == "crossref:10.5555/boards"
    assert ready.emitted(RecordUpdated)[-1].record == record["record"]


def test_what_may_be_one_with_another_is_asked_about(ready):
    ready.sources["crossref"].put(work("crossref", "w1"))
    ready.pull()

    made = add(ready, PAPER, title=LONG_TITLE, authors=[], published="2018", doi=None, venue=None)

    assert made["what"] == "new" and len(ready.records()) == 2
    (question,) = made["questions"]
    assert question["title"] == LONG_TITLE and "authors are missing" in question["evidence"]
    assert [pair["state"] for pair in ready.items("duplicates")] == ["open"]


def test_a_lead_parts_what_was_added_from_a_record_again(ready):
    ready.sources["crossref"].put(work("crossref", "10.5555/boards", PAPER["title"], doi="10.5555/boards"))
    ready.pull()
    record = add(ready, PAPER, authors=PEOPLE, published="2018")["record"]
    (addition,) = ready.items("additions")

    ready.post(f"records/{record}/split", {"source_records": [addition["source_record"]], "reason": "a reprint"})

    assert {frozenset(one.split(":")[0] for one in cluster) for cluster in ready.clusters()} == {
        frozenset({"crossref"}), frozenset({"added"}),
    }  # fmt: skip
    (moved,) = ready.items("additions")
    assert moved["record"] != record and ready.items("additions", record=record) == []


def test_a_dry_run_says_what_would_become_of_it_and_keeps_nothing(ready):
    ready.sources["crossref"].put(work("crossref", "10.5555/boards", PAPER["title"], doi="10.5555/boards"))
    ready.pull()
    events, runs = len(ready.journal()), len(ready.items("runs"))

    would = add(ready, PAPER, authors=PEOPLE, published="2018", dry_run=True)
    new = add(ready, PAPER, title="Trust between hospitals and councils", doi=None, dry_run=True)

    assert (would["what"], would["record"], would["addition"]) == ("merged", only(ready)["record"], None)
    assert (new["what"], new["record"], new["dry_run"]) == ("new", None, True)
    assert ready.items("additions") == [] and len(only(ready)["source_records"]) == 1
    assert (len(ready.journal()), len(ready.items("runs"))) == (events, runs)
    assert add(ready, PAPER, authors=PEOPLE, published="2018")["what"] == "merged"


# What is restricted


def test_an_account_is_restricted_and_its_text_is_read_by_reviewers_alone(ready):
    made = add(ready, ACCOUNT)

    described = only(ready)["bibliography"]
    assert (described["title"], described["restricted"], described["published"]) == (
        ACCOUNT["title"], True, "2021-05-03",
    )  # fmt: skip
    path = f"/ingest/reviews/{REVIEW}/additions/{made['addition']}"
    shown = ready.person("rob", "reviewer").get(path).json()
    assert shown["held_back"] == {name: ACCOUNT[name] for name in ("authors", "venue", "url", "abstract")}
    assert (shown["consent"], shown["where"], shown["why"]) == tuple(
        ACCOUNT[name] for name in ("consent", "where", "why")
    )
    assert ready.reader.get(path).status_code == 403
    program = ready.person("key_1", "reader", scopes=frozenset({"records", "events", "import"}))
    assert program.get(path).status_code == 403
    (added,) = ready.emitted(RecordAdded)
    assert (added.restricted, added.consent, added.where, added.why) == (True, True, None, None)


def test_what_is_restricted_is_in_no_event_no_file_and_nothing_that_readers_see(ready):
    add(ready, ACCOUNT)
    add(
        ready,
        PAPER,
        kind="grey",
        doi=None,
        restricted=True,
        abstract=SECRET,
        authors=[SECRET],
        where=SECRET,
        why=SECRET,
    )

    assert all(SECRET not in envelope.to_json().decode() for envelope in ready.journal())
    record = ready.records()[0]["record"]
    seen = [
        ready.reader.get(f"/ingest/reviews/{REVIEW}/{path}").text
        for path in ("records", f"records/{record}", "additions", "runs", "status", "coverage", "duplicates")
    ]
    assert ACCOUNT["title"] in seen[0] and not [text for text in seen if SECRET in text]
    asked = ready.post("exports", {"format": "csv"}, role="reviewer", status=202)
    ready.runs(exporting.make_exports)
    file = ready.reader.get(f"/ingest/reviews/{REVIEW}/exports/{asked['id']}/file").content
    assert ACCOUNT["title"].encode() in file and SECRET.encode() not in file


def test_two_accounts_of_one_title_are_two_and_nobody_is_asked(ready):
    one = add(ready, ACCOUNT)
    ready.sources["crossref"].put(work("crossref", "w1", ACCOUNT["title"], published="2021", authors=[]))
    ready.pull()

    other = add(ready, ACCOUNT, abstract="another told otherwise")
    again = add(ready, ACCOUNT, role="lead")

    assert (other["what"], other["questions"]) == ("new", [])
    assert again["record"] == one["record"] != other["record"]
    assert len(ready.records()) == 3 and ready.items("duplicates") == []


def test_a_person_may_say_that_an_account_is_one_with_another_record(ready):
    one = add(ready, ACCOUNT)["record"]
    other = add(ready, PAPER)["record"]

    ready.post(f"records/{one}/merge", {"other": other, "reason": "what was told is in print"})

    record = only(ready)
    assert record["bibliography"]["restricted"] and record["bibliography"]["authors"] == PAPER["authors"]
    assert SECRET not in str(record)
    assert len(ready.emitted(RecordMerged)) == 1


def test_a_correction_tells_nothing_that_is_held_back(ready):
    record = add(ready, ACCOUNT)["record"]
    correction = {"field": "abstract", "value": SECRET, "reason": "typed anew"}

    refused = ready.post(f"records/{record}/corrections", correction, status=409)
    ready.post(f"records/{record}/corrections", {**correction, "field": "title", "value": "A manager, 2"}, status=201)

    assert refused["type"].endswith("restricted")
    assert only(ready)["bibliography"]["title"] == "A manager, 2"


# What is wrong with it


@pytest.mark.parametrize(
    ("more", "at"),
    [
        ({"consent": None}, "consent"),
        ({"consent": " "}, "consent"),
        ({"doi": "10.5555/boards"}, "doi"),
        ({"published": "2021-02-30"}, "published"),
        ({"published": "0000"}, "published"),
        ({"published": "soon"}, "published"),
        ({"language": "und"}, "language"),
        ({"url": "ftp://example.org"}, "url"),
        ({"how": "luck"}, "how"),
        ({"kind": "poem"}, "kind"),
        ({"where": ""}, "where"),
        ({"why": None}, "why"),
        ({"title": "x" * 5_001}, "title"),
        ({"authors": [""]}, "authors"),
        ({"nonsense": 1}, "nonsense"),
    ],
)
def test_what_cannot_be_so_is_refused_by_its_field_and_nothing_is_kept(ready, more, at):
    problem = add(ready, ACCOUNT, status=422, **more)

    assert at in problem["errors"][0]["at"]
    assert ready.items("additions") == [] and ready.items("runs") == []


def test_a_doi_that_is_none_is_refused(ready):
    assert add(ready, PAPER, status=422, doi="boards")["errors"][0]["at"] == "body.doi"


def test_readers_and_programs_add_nothing(ready):
    add(ready, PAPER, role="reader", status=403)
    program = ready.person("key_1", "reader", scopes=frozenset({"records", "import"}))
    assert program.post(f"/ingest/reviews/{REVIEW}/records", json=PAPER).status_code == 403
    assert ready.items("additions") == []


def test_nothing_is_added_to_a_review_that_is_none(ready):
    ready.review = "none"

    assert ready.post("records", PAPER, status=404)["type"].endswith("unknown_review")


# Withdrawn


def test_withdrawn_consent_deletes_the_text_and_strikes_the_record(ready):
    made = add(ready, ACCOUNT)
    record = made["record"]

    answer = ready.post(f"records/{record}/withdraw", {"reason": "they took it back"})

    (addition,) = answer["additions"]
    assert (addition["withdrawn_by"], addition["withdrawn_why"], addition["consented"]) == (
        "lea", "they took it back", False,
    )  # fmt: skip
    shown = ready.lead.get(f"/ingest/reviews/{REVIEW}/additions/{made['addition']}").json()
    assert SECRET not in str(shown) and shown["held_back"] is None
    with ready.work() as unit:
        assert SECRET not in str(store.addition_of(unit, REVIEW, made["addition"]).model_dump())
    (notice,) = ready.emitted(RecordNoticed)
    assert (notice.record, notice.kind, notice.reason) == (record, "withdrawal", "they took it back")
    assert only(ready)["bibliography"]["title"] == ACCOUNT["title"]


def test_what_was_withdrawn_is_withdrawn_once_and_never_comes_back(ready):
    record = add(ready, ACCOUNT)["record"]
    ready.post(f"records/{record}/withdraw", {"reason": "they took it back"})

    again = ready.post(f"records/{record}/withdraw", {"reason": "again"})
    readded = add(ready, ACCOUNT, status=409)
    reinstated = ready.post(f"records/{record}/notices", {"kind": "reinstatement", "reason": "so"}, status=409)

    assert again["additions"][0]["withdrawn_why"] == "they took it back"
    assert readded["type"].endswith("was_withdrawn") and reinstated["type"].endswith("was_withdrawn")
    assert len(ready.emitted(RecordNoticed)) == 1


def test_a_withdrawal_goes_with_the_account_out_of_a_record_that_it_was_made_one_with(ready):
    account = add(ready, ACCOUNT)["record"]
    paper = add(ready, PAPER)["record"]
    ready.post(f"records/{account}/merge", {"other": paper, "reason": "one text"})
    ready.post(f"records/{account}/withdraw", {"reason": "they took it back"})
    (source_record,) = [each["source_record"] for each in ready.items("additions") if each["restricted"]]

    ready.post(f"records/{account}/split", {"source_records": [source_record], "reason": "the paper stands"})

    struck = {one["bibliography"]["title"]: [each["kind"] for each in one["notices"]] for one in ready.records()}
    assert struck == {ACCOUNT["title"]: ["withdrawal"], PAPER["title"]: []}


def test_what_nobody_restricted_cannot_be_withdrawn(ready):
    record = add(ready, PAPER)["record"]

    assert ready.post(f"records/{record}/withdraw", {"reason": "so"}, status=409)["type"].endswith("not_restricted")
    ready.post("records/rec_0/withdraw", {"reason": "so"}, status=404)


@pytest.mark.parametrize("role", ["reader", "reviewer", "adjudicator"])
def test_leads_alone_withdraw(ready, role):
    record = add(ready, ACCOUNT)["record"]

    ready.post(f"records/{record}/withdraw", {"reason": "so"}, role=role, status=403)


# Many at once, and kills


@pytest.mark.waits
def test_twenty_people_add_one_paper_at_once_and_it_is_one_record(ready):
    together, answers = threading.Barrier(20), []

    def adds(number: int) -> None:
        client = ready.person(f"ana-{number}", "reviewer")
        together.wait()
        while (
            answer := client.post(f"/ingest/reviews/{REVIEW}/records", json={**PAPER, "why": f"it is {number}"})
        ).is_error:
            assert answer.status_code == 503, answer.text
        answers.append(answer.json())

    people = [threading.Thread(target=adds, args=(number,)) for number in range(20)]
    for one in people:
        one.start()
    for one in people:
        one.join()

    assert sorted(answer["what"] for answer in answers) == ["known"] * 19 + ["new"]
    assert len({answer["record"] for answer in answers}) == 1
    assert len(only(ready)["additions"]) == 20
    assert len(ready.emitted(RecordDiscovered)) == 1


def test_a_kill_before_the_end_keeps_nothing_and_the_next_time_it_is_new(ready, monkeypatch):
    def dies(*given: Any) -> None:
        raise Unavailable("the database is away")

    with monkeypatch.context() as patched:
        patched.setattr(store, "note_origins", dies)
        add(ready, ACCOUNT, status=503)
    assert ready.items("additions") == [] and ready.records() == [] and ready.items("runs") == []

    assert add(ready, ACCOUNT)["what"] == "new"
    assert len(ready.emitted(RecordAdded)) == 1
