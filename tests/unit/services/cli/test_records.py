"""`living records`: what people add by hand, one by one or by a file, what is held back of it, and taking it away."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

from services.cli.records import HOWS, KINDS
from shared.errors import Conflict, Forbidden, Invalid, NotFound
from shared.wire.ingest import AdditionKind, FoundBy
from tests.unit.services.cli.conftest import data
from tests.unit.services.ingest.rig import REVIEW, IngestBench, strategy, work

FORM = """
- kind: grey
  title: Leading across systems
  published: 2021
  how: website
  where: NHS Confederation website
  why: it tests the theory of trust
- kind: account
  title: A manager of a new system, 2
  published: 2021-05-03
  abstract: |
    We met every week.
    It helped.
  how: contact
  where: interview
  why: how boards meet
  consent: may be quoted without a name; noted by A. Okoye
"""


@pytest.fixture
def ingest(serve, tmp_path) -> Iterator[IngestBench]:
    bench = IngestBench(tmp_path / "added")
    serve(bench)
    bench.adopt(strategy("crossref"))
    yield bench
    bench.close()


def add(as_, *given: str, role: str = "reviewer"):
    return as_("rob", "records", "add", REVIEW, *given, role=role)


def grey(as_, *more: str):
    return add(
        as_, "--kind", "grey", "--title", "Leading across systems", "--how", "website", "--where", "its website",
        "--why", "it tests a theory", *more,
    )  # fmt: skip


def test_one_is_added_listed_and_shown(ingest, as_):
    made = grey(
        as_, "--year", "2021", "--organisation", "NHS Confederation", "--author", "Okoye, Ada", "--language", "en"
    )

    (record,) = ingest.records()
    assert f"Leading across systems: is a new record, {record['record']}" in made.stdout
    described = record["bibliography"]
    assert (described["venue"], described["published"], described["authors"]) == (
        "NHS Confederation", "2021", ["Okoye, Ada"],
    )  # fmt: skip
    listed = data(as_("rita", "records", "additions", REVIEW, "--json", role="reader"))
    assert [(row["kind"], row["how"], row["added_by"]) for row in listed] == [("grey", "website", "rob")]
    assert "its website" in as_("rita", "ingest", "record", REVIEW, record["record"], role="reader").stdout
    assert "was added before" in grey(
        as_, "--year", "2021", "--organisation", "NHS Confederation", "--author", "Okoye, Ada", "--language", "en"
    ).stdout  # fmt: skip


def test_what_it_is_one_with_or_may_be_is_said(ingest, as_):
    ingest.sources["crossref"].put(work("crossref", "10.5555/a", "Leading across systems", doi="10.5555/a"))
    ingest.sources["crossref"].put(work("crossref", "w2", "Trust between hospitals and councils"))
    ingest.pull()

    would = grey(as_, "--doi", "10.5555/a", "--dry-run")
    merged = grey(as_, "--doi", "10.5555/a")
    asked = grey(as_, "--title", "Trust between hospitals and councils", "--year", "2018")

    assert "would be one with rec_" in would.stdout and "both have the DOI 10.5555/a" in would.stdout
    assert "is one with rec_" in merged.stdout
    assert "may be one with rec_" in asked.stdout


def test_an_account_is_read_by_reviewers_and_taken_away_by_leads(ingest, as_):
    Path("notes.txt").write_text("We met every week.\nIt helped.\n")
    account = [
        "--kind",
        "account",
        "--title",
        "A manager, 2",
        "--how",
        "contact",
        "--where",
        "interview",
        "--why",
        "boards",
    ]
    add(as_, *account, "--abstract", "@notes.txt", "--consent", "noted by A. Okoye")
    (record,) = [each["record"] for each in ingest.items("records")]

    shown = as_("rob", "records", "show", REVIEW, record).stdout
    assert "We met every week.\nIt helped." in shown and "noted by A. Okoye" in shown
    assert isinstance(as_("rita", "records", "show", REVIEW, record, role="reader").exception, Forbidden)
    assert "living records show" in as_("rita", "ingest", "record", REVIEW, record, role="reader").stdout

    gone = as_("lea", "records", "withdraw", REVIEW, record, "--reason", "taken back", role="lead")

    assert "is gone" in gone.stdout
    shown = as_("rob", "records", "show", REVIEW, record).stdout
    assert "taken back" in shown and "We met" not in shown and "Okoye" not in shown


def test_a_form_adds_many_and_again_changes_nothing(ingest, as_):
    Path("additions.yaml").write_text(FORM)

    would = add(as_, "--from", "additions.yaml", "--dry-run")
    assert would.stdout.count("would be a new record") == 2 and ingest.records() == []
    made = data(add(as_, "--from", "additions.yaml", "--json"))
    again = add(as_, "--from", "additions.yaml")

    assert [each["what"] for each in made] == ["new", "new"]
    assert again.stdout.count("was added before") == 2
    assert sorted(one["bibliography"]["published"] for one in ingest.records()) == ["2021", "2021-05-03"]


def test_a_form_in_json_is_read_as_well(ingest, as_):
    Path("additions.json").write_text(
        '[{"kind": "policy", "title": "The plan", "how": "organisation", "where": "NHS England", "why": "scoping"}]'
    )

    assert "is a new record" in add(as_, "--from", "additions.json").stdout


@pytest.mark.parametrize(
    ("form", "why"),
    [
        (FORM.replace("consent:", "agreed:"), "additions.yaml, entry 2, agreed (line 17): nothing here takes this"),
        (
            FORM.partition("  consent")[0],
            "additions.yaml, entry 2, consent (line 8): an account needs what was consented to",
        ),
        (FORM.replace("how: website", "how: luck"), "additions.yaml, entry 1, how (line 5): "),
        (
            FORM.replace("kind: grey", "kind: grey\n  kind: paper"),
            "additions.yaml, entry 1, kind (line 2): named twice",
        ),
        (FORM.replace("published: 2021\n", "published: 2021-13\n"), "additions.yaml, entry 1, published (line 4): "),
        ("- just text", "additions.yaml, entry 1 (line 1): is no list of names and values"),
        ("kind: grey", "additions.yaml holds no list of additions"),
        ("- kind: [", "additions.yaml cannot be read: "),
        ("", "additions.yaml cannot be read: it is empty"),
    ],
)
def test_a_form_with_a_fault_names_entry_field_and_line_and_nothing_is_added(ingest, as_, form, why):
    Path("additions.yaml").write_text(form)

    refused = add(as_, "--from", "additions.yaml").exception

    assert isinstance(refused, Invalid) and str(refused).startswith(why), refused
    assert ingest.items("additions") == []


def test_where_one_of_a_form_may_not_be_added_none_is(ingest, as_):
    account = FORM[FORM.index("- kind: account") :]
    Path("account.yaml").write_text(account)
    Path("additions.yaml").write_text(FORM)
    add(as_, "--from", "account.yaml")
    (record,) = [each["record"] for each in ingest.items("records")]
    as_("lea", "records", "withdraw", REVIEW, record, "--reason", "taken back", role="lead")

    refused = add(as_, "--from", "additions.yaml").exception

    assert isinstance(refused, Conflict) and str(refused).startswith("entry 2, A manager of a new system, 2: ")
    assert len(ingest.items("records")) == 1


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (["--kind", "grey"], "--title, --how, --where, --why must be given, or --from a file"),
        (["--from", "nothing.yaml"], "nothing.yaml is no file that is there"),
        (["--from", "nothing.yaml", "--kind", "grey"], "--from has all that is added: leave --kind out"),
    ],
)
def test_what_is_said_wrongly_is_refused(ingest, as_, given, why):
    refused = add(as_, *given).exception

    assert isinstance(refused, Invalid) and str(refused).startswith(why)
    assert ingest.items("additions") == []


@pytest.mark.parametrize(
    ("more", "why"),
    [
        (["--abstract", "@nowhere.txt"], "--abstract: nowhere.txt is no file that is there"),
        (["--doi", "boards"], "doi: "),
        (["--url", "www.example.org"], "url: "),
        (["--kind", "account"], "consent: "),
    ],
)
def test_an_option_that_cannot_be_so_is_named(ingest, as_, more, why):
    refused = grey(as_, *more).exception

    assert isinstance(refused, Invalid) and str(refused).startswith(why), refused


def test_readers_add_nothing_and_a_record_that_nobody_added_has_nothing_to_show(ingest, as_):
    ingest.sources["crossref"].put(work("crossref", "w1", "Boards that decide"))
    ingest.pull()
    (record,) = [each["record"] for each in ingest.items("records")]

    assert isinstance(as_("rob", "records", "show", REVIEW, record).exception, NotFound)
    assert isinstance(
        add(
            as_, "--kind", "grey", "--title", "x", "--how", "other", "--where", "x", "--why", "x", role="reader"
        ).exception,
        Forbidden,
    )


def test_all_kinds_and_ways_to_find_may_be_named():
    assert (set(KINDS), set(HOWS)) == (set(get_args(AdditionKind)), set(get_args(FoundBy)))
