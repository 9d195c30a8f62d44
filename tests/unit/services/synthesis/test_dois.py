"""DOIs: each signed revision that says something else is deposited once, in order, whatever becomes of an answer."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from io import BytesIO
from typing import Any

import pytest
import yaml

from services.synthesis import jobs, store
from services.synthesis.commands import deposits
from services.synthesis.models import MatrixRow
from services.synthesis.ports.dois.open import Dois, open_dois
from services.synthesis.ports.dois.port import About, NotDeposited
from services.synthesis.ports.dois.zenodo import Zenodo
from shared.clock import ManualClock
from shared.events.synthesis import DoiAssigned
from shared.settings import Settings
from shared.wire.synthesis import DepositView
from tests.unit.services.synthesis.archive import TOKEN, Archive
from tests.unit.services.synthesis.rig import REVIEW, SynthesisRig, protocol

#: The archive is a server, with real connections.
pytestmark = pytest.mark.waits

#: What the archive is asked for one revision.
REQUESTS = 13


@pytest.fixture
def archive() -> Iterator[Archive]:
    with Archive() as running:
        yield running


@pytest.fixture
def wall() -> ManualClock:
    return ManualClock("2026-01-01T00:00:00+00:00")


def opens(rig: SynthesisRig, archive: Archive, wall: ManualClock, **settings: Any) -> None:
    """Has the platform deposit there from now on."""
    given = {"doi_url": archive.url, "doi_token": TOKEN, "doi_reviews": f"other, {REVIEW}", "_env_file": None}
    rig.bench.running.resources = replace(open_dois(Settings(**{**given, **settings})), wall=wall)


def signs_two(rig: SynthesisRig) -> SynthesisRig:
    rig.includes("r1", "r2")
    rig.links("r1", "c1")
    rig.signs("The first.")
    rig.links("r2", "c2")
    rig.signs("The second.")
    return rig


def deposits_of(rig: SynthesisRig) -> list[DepositView]:
    return list(rig.person("rita").dois(REVIEW))


def tries_until_done(rig: SynthesisRig, wall: ManualClock, times: int = 4) -> None:
    for _ in range(times):
        rig.bench.runs(jobs.deposit_revisions)
        wall.advance(days=1, seconds=1)


def test_five_revisions_and_one_without_a_change_have_one_concept_and_five_dois(either_rig, archive, wall):
    rig = either_rig
    opens(rig, archive, wall)
    signs_two(rig)
    rig.signs("Nothing changed.")
    for number in (4, 5, 6):
        rig.includes(f"more-{number}")
        rig.links(f"more-{number}", "c1")
        rig.signs(f"The {number}th.")

    rig.bench.runs(jobs.deposit_revisions)
    rig.bench.runs(jobs.deposit_revisions)

    found = deposits_of(rig)
    assert [(it.number, it.state) for it in found if it.state != "assigned"] == [(3, "needless")]
    assigned = [it for it in found if it.state == "assigned"]
    assert len({it.doi for it in assigned}) == 5 and len({it.concept_doi for it in assigned}) == 1
    assert [it.metadata["version"] for it in archive.published] == ["1", "2", "4", "5", "6"]
    assert len(archive.kept) == 5 and len(archive.asked) == 5 * REQUESTS
    said = rig.bench.emitted(DoiAssigned)
    assert [(it.number, it.doi) for it in said] == [(it.number, it.doi) for it in assigned]


def test_a_deposit_says_of_a_revision_what_was_signed_and_holds_its_package_alone(rig, archive, wall):
    opens(rig, archive, wall)
    rig.adopts(protocol(title="<b>Trust & wards</b>"), version=2)
    rig.includes("r1")
    rig.links("r1", "c1")
    rig.signs("It says <script>alert(1)</script>.")
    rig.bench.runs(jobs.deposit_revisions)

    (kept,) = archive.published
    view = rig.lead.revision(REVIEW, 1)
    assert kept.metadata["title"] == "<b>Trust & wards</b>: revision 1"
    assert kept.metadata["description"] == "<p>It says &lt;script&gt;alert(1)&lt;/script&gt;.</p>"
    assert kept.metadata["identifiers"] == [{"scheme": "urn", "identifier": f"urn:living:signed-{view.content_sha256}"}]
    assert kept.metadata["rights"] == [{"id": "cc-by-4.0"}] and "related_identifiers" not in kept.metadata
    assert (view.doi, view.concept_doi) == (kept.doi, f"10.5281/zenodo.{kept.parent}")
    pieces: list[bytes] = []
    rig.person("rita").crate(REVIEW, 1, pieces.append)
    assert kept.files == {f"{REVIEW}-revision-1.crate.zip": b"".join(pieces)}
    with zipfile.ZipFile(BytesIO(b"".join(pieces))) as crate:
        assert yaml.safe_load(crate.read("CITATION.cff"))["identifiers"][0] == {"type": "doi", "value": kept.doi}
    assert rig.lead.verify(REVIEW, 1).holds


def test_whichever_answer_is_lost_each_revision_is_published_once(rig, wall):
    signs_two(rig)
    for lost in range(1, 2 * REQUESTS + 1):
        with Archive(lost_after=lost, lags=lost % 2 == 1) as archive:
            opens(rig, archive, wall)
            tries_until_done(rig, wall)

            mine = [it for it in deposits_of(rig) if it.archive == archive.url]
            assert [(it.number, it.state, it.trouble) for it in mine] == [(1, "assigned", None), (2, "assigned", None)]
            assert [it.metadata["version"] for it in archive.published] == ["1", "2"], f"request {lost}"
            assert len({it.parent for it in archive.published}) == 1
            assert [it.doi for it in mine] == [it.doi for it in archive.published]
    said = rig.bench.emitted(DoiAssigned)
    assert len({(it.archive, it.number) for it in said}) == len(said) == 4 * REQUESTS


@pytest.mark.parametrize("step", ["note_reserved", "note_assigned"])
def test_a_process_that_dies_before_it_has_kept_an_answer_publishes_nothing_twice(
    rig, archive, wall, monkeypatch, step
):
    opens(rig, archive, wall)
    signs_two(rig)

    def dies(*_: object) -> None:
        raise RuntimeError("killed")

    for _ in range(2):
        with monkeypatch.context() as patched:
            patched.setattr(deposits, step, dies)
            with pytest.raises(ExceptionGroup):
                rig.bench.runs(jobs.deposit_revisions)
    rig.bench.runs(jobs.deposit_revisions)

    assert [it.state for it in deposits_of(rig)] == ["assigned", "assigned"]
    assert [it.metadata["version"] for it in archive.published] == ["1", "2"] and len(archive.kept) == 2
    assert len(rig.bench.emitted(DoiAssigned)) == 2


def answers(status: int, content: bytes = b"{}", **headers: str) -> Callable[[str], tuple[int, bytes, dict[str, str]]]:
    return lambda path: (status, content, headers)


REFUSAL = (
    b'{"message": "A validation error occurred.", '
    b'"errors": [{"field": "metadata.rights", "messages": ["No licence\\u0007"]}]}'
)

#: What an archive may answer in place of an answer, what is said of it, and whether somebody should look at it.
ODD: list[tuple[Callable[[str], tuple[int, bytes, dict[str, str]] | None], str, bool]] = [
    (answers(401), "does not take the token", False),
    (answers(429, **{"Retry-After": "7200"}), "HTTP 429", False),
    (answers(500, b"<html>"), "HTTP 500", False),
    (answers(302, b"", Location="http://127.0.0.1/"), "HTTP 302", False),
    (answers(400, REFUSAL), "metadata.rights: No licence", True),
    (answers(404), "HTTP 404", False),
    (answers(200, b"no json"), "none of its answers", False),
    (answers(200, b"[" * 100_000), "none of its answers", False),
    (answers(200, b'{"hits": {"hits": 7}}'), "none of its answers", False),
    (answers(200, b'{"hits": {"hits": [7, {}]}}'), "no id of a deposit", False),
    (answers(200, b" " * 1_100_000), "more than", False),
    (lambda path: None, "did not answer within", False),
]


def test_what_is_no_answer_keeps_nobody_from_signing_and_is_said(rig, wall):
    signs_two(rig)
    for instead, said, refused in ODD:
        with Archive(instead=instead) as archive:
            opens(rig, archive, wall, doi_timeout=0.3)
            rig.bench.runs(jobs.deposit_revisions)
            rig.bench.runs(jobs.deposit_revisions)

            (found,) = [it for it in deposits_of(rig) if it.archive == archive.url]
            assert (found.number, found.state, found.tries, found.refused) == (1, "waiting", 1, refused), said
            assert found.trouble is not None and said in found.trouble and found.trouble.isprintable()
            assert TOKEN not in found.trouble and found.again_at is not None and found.again_at > wall.now()
            assert rig.lead.status(REVIEW).dois_in_trouble == 1
            archive.instead = None
            opens(rig, archive, wall)
            tries_until_done(rig, wall, times=3)
            assert [it.state for it in deposits_of(rig) if it.archive == archive.url] == ["assigned", "assigned"]
    assert rig.lead.status(REVIEW).dois_in_trouble == 0


def test_an_archive_that_asks_for_a_pause_has_it_and_one_that_is_down_is_asked_ever_less(rig, archive, wall):
    opens(rig, archive, wall)
    signs_two(rig)
    archive.instead = answers(429, **{"Retry-After": "7200"})
    rig.bench.runs(jobs.deposit_revisions)
    wall.advance(seconds=7100)
    rig.bench.runs(jobs.deposit_revisions)

    assert deposits_of(rig)[0].tries == 1 == len(archive.asked)
    archive.instead = answers(503)
    for _ in range(300):
        wall.advance(minutes=10)
        rig.bench.runs(jobs.deposit_revisions)
    assert 40 < len(archive.asked) < 60


def test_a_draft_that_somebody_discards_is_begun_anew(rig, wall):
    signs_two(rig)
    with Archive(lost_after=REQUESTS - 1) as archive:
        opens(rig, archive, wall)
        rig.bench.runs(jobs.deposit_revisions)
        archive.kept.clear()
        tries_until_done(rig, wall)

        assert [it.state for it in deposits_of(rig)] == ["assigned", "assigned"] and len(archive.published) == 2


def test_what_somebody_put_into_a_draft_is_not_published(rig, wall):
    signs_two(rig)
    with Archive(lost_after=REQUESTS - 1) as archive:
        opens(rig, archive, wall)
        rig.bench.runs(jobs.deposit_revisions)
        (draft,) = archive.kept.values()
        (ours,) = draft.files
        draft.files |= {ours: b"another", "of/others.zip": b"foreign"}
        tries_until_done(rig, wall)

        assert [{*it.files} for it in archive.published] == [{ours}, {ours.replace("-1.", "-2.")}]
        assert draft.files[ours] != b"another"


def test_a_revision_that_is_not_what_was_signed_is_never_published(rig, archive, wall):
    opens(rig, archive, wall)
    signs_two(rig)
    with rig.bench.work() as work:
        work.session.get_one(MatrixRow, (REVIEW, 1)).csv_gz = b"another"
    rig.bench.runs(jobs.deposit_revisions)

    (found,) = deposits_of(rig)
    assert found.refused and "it is not what was signed: its matrix is missing" in (found.trouble or "")
    assert archive.published == []


def test_an_answer_is_believed_no_doi_that_is_none(rig, archive, wall):
    opens(rig, archive, wall)
    signs_two(rig)
    rig.bench.runs(jobs.deposit_revisions)
    for it in archive.published:
        it.doi = "10.5281/<script>\n"
    with Archive(kept=archive.kept) as other:
        opens(rig, other, wall)
        rig.bench.runs(jobs.deposit_revisions)

        assert [it.trouble for it in deposits_of(rig) if it.archive == other.url] == ["the archive's answer has no DOI"]


def test_exercises_retired_reviews_and_those_that_nobody_named_are_not_deposited(rig, archive, wall):
    opens(rig, archive, wall)
    rig.includes("r1")
    rig.links("r1", "c1")
    rig.signs("An exercise.", drill=True)
    rig.bench.runs(jobs.deposit_revisions)
    assert [it.state for it in deposits_of(rig)] == ["needless"] and not archive.asked

    rig.includes("r2")
    rig.links("r2", "c2")
    rig.signs("In earnest.")
    opens(rig, archive, wall, doi_reviews="other")
    rig.bench.runs(jobs.deposit_revisions)
    opens(rig, archive, wall, doi_token=None, doi_reviews="")
    rig.bench.runs(jobs.deposit_revisions)
    opens(rig, archive, wall)
    rig.lead.set_course(REVIEW, "retired", "It is answered.")
    rig.bench.runs(jobs.deposit_revisions)
    assert not archive.asked

    rig.lead.set_course(REVIEW, "living", "It goes on.")
    rig.bench.runs(jobs.deposit_revisions)
    assert [it.metadata["version"] for it in archive.published] == ["2"]


def test_trouble_is_counted_only_while_the_platform_makes_the_deposit_in_which_it_is(rig, archive, wall):
    signs_two(rig)
    archive.instead = answers(400, REFUSAL)

    def in_trouble(**settings: Any) -> tuple[int, list[bool]]:
        opens(rig, archive, wall, **settings)
        return rig.lead.status(REVIEW).dois_in_trouble, [it.again_at is not None for it in deposits_of(rig)]

    opens(rig, archive, wall)
    rig.bench.runs(jobs.deposit_revisions)
    assert in_trouble() == (1, [True])
    assert in_trouble(doi_reviews="other") == (0, [False])
    assert in_trouble(doi_reviews="", doi_token=None) == (0, [False])
    assert in_trouble(doi_url="https://another.example/api") == (0, [False])

    rig.lead.set_course(REVIEW, "retired", "It is answered.")
    assert in_trouble() == (0, [False])


def test_trouble_of_a_process_that_came_late_is_none_of_a_doi_that_is_assigned(rig, archive, wall):
    opens(rig, archive, wall)
    signs_two(rig)
    with rig.bench.work() as work:
        due = deposits.due_deposit(work, REVIEW, archive.url, "http://127.0.0.1", wall.now())
    assert due is not None
    rig.bench.runs(jobs.deposit_revisions)

    with rig.bench.work() as work:
        deposits.note_trouble(work, due, archive.url, NotDeposited("too late"), wall.now())

    assert [(it.state, it.trouble, it.tries) for it in deposits_of(rig)] == [("assigned", None, 0)] * 2
    assert rig.lead.status(REVIEW).dois_in_trouble == 0


def test_what_a_revision_says_is_read_for_its_package_alone(rig, archive, wall, monkeypatch):
    opens(rig, archive, wall)
    signs_two(rig)
    monkeypatch.setattr(store, "revision", lambda *_: 1 / 0)

    with rig.bench.work() as work:
        assert deposits.due_deposit(work, REVIEW, archive.url, "http://127.0.0.1", wall.now()) is not None


def test_a_server_that_gives_no_doi_to_all_versions_is_refused_before_anything_is_public(rig, wall):
    signs_two(rig)
    with Archive(alone=True) as archive:
        opens(rig, archive, wall)
        tries_until_done(rig, wall)

        (found,) = deposits_of(rig)
        assert (found.state, found.refused, bool(archive.published)) == ("waiting", True, False)
        assert "no DOI to all versions" in (found.trouble or "") and len(archive.kept) == 1


def test_a_server_is_called_zenodo_where_it_is(rig, archive, wall):
    opens(rig, archive, wall)
    signs_two(rig)
    rig.bench.runs(jobs.deposit_revisions)

    assert {it.metadata["publisher"] for it in archive.published} == {"127.0.0.1"}
    about = About("urn:x:1", "A title", "It says.", "The team", "1", date(2026, 1, 1), "http://127.0.0.1")
    zenodo = Zenodo("https://zenodo.org/api", TOKEN, licence="cc-by-4.0", timeout=1)
    assert zenodo._said(about)["metadata"]["publisher"] == "Zenodo"


def test_one_that_is_withdrawn_before_it_is_begun_has_no_doi_and_one_that_has_one_says_so(rig, archive, wall):
    opens(rig, archive, wall)
    signs_two(rig)
    rig.lead.withdraw_revision(REVIEW, 2, "It is wrong.")
    rig.bench.runs(jobs.deposit_revisions)
    rig.lead.withdraw_revision(REVIEW, 1, "So is that.")

    rig.bench.runs(jobs.deposit_revisions)

    assert [(it.number, it.state, it.withdrawn) for it in deposits_of(rig)] == [
        (1, "assigned", True), (2, "needless", False),
    ]  # fmt: skip
    assert len(archive.published) == 1


def test_a_deposit_of_something_else_is_not_taken_for_a_revision(rig, archive, wall):
    opens(rig, archive, wall)
    signs_two(rig)
    archive.lost_after = REQUESTS
    rig.bench.runs(jobs.deposit_revisions)
    archive.published[0].metadata["identifiers"] = []
    wall.advance(days=2)
    rig.bench.runs(jobs.deposit_revisions)

    (found,) = deposits_of(rig)
    assert found.refused and "something else" in (found.trouble or "")


@pytest.mark.parametrize(
    "wrong",
    [
        {"doi_url": "http://zenodo.org/api"},
        {"doi_url": "https://me@zenodo.org/api"},
        {"doi_url": "ftp://zenodo.org"},
        {"doi_token": "a token\r\nX: y"},
    ],
)
def test_a_token_goes_nowhere_in_the_clear(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Settings(**wrong, _env_file=None)


def test_without_a_token_there_is_no_archive_and_the_token_is_not_shown():
    assert open_dois(Settings(_env_file=None)).archive is None
    assert open_dois(Settings(_env_file=None, doi_token=TOKEN)).archive is None
    with pytest.raises(ValueError, match="LIVING_DOI_TOKEN"):
        Settings(_env_file=None, doi_reviews="small")
    dois = open_dois(Settings(_env_file=None, doi_reviews="small", doi_token=TOKEN))
    assert isinstance(dois, Dois) and dois.archive is not None and TOKEN not in repr(dois)
