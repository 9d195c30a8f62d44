"""Exports: a revision as files for people and programs elsewhere, in which nothing that somebody wrote is a command."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from pathlib import Path
from typing import get_args

import jsonschema_rs
import pytest
from docx import Document
from httpx import Response

from services.cli import synthesis as commands
from services.synthesis.models import MatrixRow
from services.synthesis.ports.forms.catalog import EVIDENCE, FORMS
from services.synthesis.ports.forms.destiny import SHAPE
from shared.receipts import Receipt, issue_receipt, salted
from shared.wire.synthesis import EvidenceForm, EvidenceGiven, ExportForm, FragmentGiven, LinkGiven, file_of
from tests.unit.services.synthesis.rig import REVIEW, SynthesisRig, protocol

#: The schema of a line of its file of references, made by the package (Apache License 2.0) whose version it names.
DESTINY = Path(__file__).parent / "shapes" / f"destiny-{SHAPE}.json"

HOSTILE = '=HYPERLINK("http://evil.example")\x07 </w:t> <b>|# `x`\n\n# Forged \u2028\ufffe 𝄞'


@pytest.fixture
def signed(rig: SynthesisRig) -> SynthesisRig:
    rig.adopts(protocol(wording={"c2": {"outcome": HOSTILE}}, title=HOSTILE), version=2)
    rig.includes("r1", "r2")
    rig.shows_all_of("c1", "r1", "r2")
    rig.links("r2", "c2", stance="contradicts", text=HOSTILE, rationale="@SUM(1)")
    rig.signs(HOSTILE)
    return rig


def answered(rig: SynthesisRig, what: str, *, by: str = "rita", number: int = 1) -> Response:
    role = {"rita": "reader"}.get(by, "public")
    return rig.bench.person(by, role, (REVIEW,)).get(f"/synthesis/reviews/{REVIEW}/revisions/{number}/{what}")


def file(rig: SynthesisRig, form: ExportForm) -> bytes:
    pieces: list[bytes] = []
    rig.person("rita").file(REVIEW, 1, form, pieces.append)
    return b"".join(pieces)


def evidence_file(rig: SynthesisRig, form: EvidenceForm) -> bytes:
    pieces: list[bytes] = []
    rig.person("rita").evidence_file(REVIEW, 1, form, pieces.append)
    return b"".join(pieces)


def test_the_command_line_knows_every_form():
    assert (get_args(ExportForm), get_args(EvidenceForm)) == (commands.FORMS, commands.EVIDENCE)
    assert (tuple(FORMS), tuple(EVIDENCE)) == (get_args(ExportForm), get_args(EvidenceForm))


@pytest.mark.parametrize("what", [*(f"files/{it}" for it in FORMS), *(f"evidence/{it}" for it in EVIDENCE)])
def test_the_same_revision_is_the_same_file_under_a_name_and_a_type_of_its_own(signed: SynthesisRig, what: str):
    one, other = answered(signed, what), answered(signed, what)

    name, kind = file_of(REVIEW, 1, what.partition("/")[2])
    assert one.status_code == 200 and one.content == other.content and one.content
    assert one.headers["content-type"].startswith(kind)
    assert f'filename="{name}"' in one.headers["content-disposition"]
    assert one.headers["x-content-type-options"] == "nosniff"


def test_a_word_document_says_what_was_signed_whatever_people_wrote(signed: SynthesisRig):
    document = Document(io.BytesIO(file(signed, "docx")))

    text = "\n".join(it.text for it in document.paragraphs)
    for said in ("context of c1", "supported; support: 2 independent studies", "=HYPERLINK", "</w:t> <b>|# `x` # F"):
        assert said in text
    assert "\x07" not in text and "\ufffe" not in text and "𝄞" in text
    assert [it.text for it in document.paragraphs if it.style.name == "Heading 3"] == ["c1", "c2"]
    assert document.core_properties.author == f"The review team of {REVIEW}"


def test_markdown_says_the_same_and_nothing_in_it_is_markup_of_others(signed: SynthesisRig):
    text = file(signed, "markdown").decode()

    assert text.count("\n# ") == 0 and text.startswith("# ")
    assert "### c1\n\n- **Context:** context of c1 (evidence: explicit)" in text
    assert "\n# Forged" not in text and "\\<b\\>" in text


def test_no_cell_of_a_sheet_is_a_formula(signed: SynthesisRig):
    for content in (file(signed, "csv"), evidence_file(signed, "matrix")):
        rows = list(csv.reader(io.StringIO(content.decode(), newline="")))
        cells = [cell for row in rows for cell in row]
        assert len(rows) > 2 and any(cell.startswith(" =HYPERLINK") for cell in cells)
        assert not any(cell[:1] in {*"=+-@\t\r"} for cell in cells if cell)


def test_the_sheet_of_cmocs_has_a_line_for_each(signed: SynthesisRig):
    one, other = csv.DictReader(io.StringIO(file(signed, "csv").decode(), newline=""))

    assert (one["cmoc"], one["status"], one["support"], one["resource_evidence"]) == (
        "c1",
        "supported",
        "2",
        "explicit",
    )
    assert (other["contradicts"], other["links"]) == ("1", "1")


def test_linked_data_says_what_it_is_what_it_came_from_and_to_members_where_its_evidence_stands(signed: SynthesisRig):
    public, annotated = (json.loads(it) for it in (file(signed, "jsonld"), evidence_file(signed, "annotated")))

    about, *claims = public["@graph"]
    content = signed.lead.revision(REVIEW, 1).content
    assert about["@id"] == f"urn:living:revision-{content.revision}" and about["version"] == "1"
    assert len(about["prov:wasDerivedFrom"]) == 2
    assert [(it["name"], it["living:status"]) for it in claims] == [("c1", "supported"), ("c2", "contested")]
    assert annotated["@graph"][:-1] == public["@graph"]
    notes = annotated["@graph"][-1]
    assert notes["@context"] == "http://www.w3.org/ns/anno.jsonld" and notes["total"] == content.counts.fragments


def test_each_line_for_destiny_is_a_reference_as_its_package_has_them(signed: SynthesisRig):
    lines = evidence_file(signed, "destiny").decode("ascii").splitlines()

    shape = jsonschema_rs.validator_for(json.loads(DESTINY.read_text()))
    references = [json.loads(line) for line in lines]
    assert len(references) == 2 and f"destiny-{SHAPE}." in file_of(REVIEW, 1, "destiny")[0]
    for reference in references:
        assert shape.is_valid(reference) and not shape.is_valid(reference | {"visibility": "secret"})
        assert reference["identifiers"][0]["other_identifier_name"] == "living:record"
    said = [note for it in references for part in it["enhancements"] for note in part["content"].get("annotations", ())]
    assert (
        len([it for it in said if it["scheme"] == "living:contradicts" and it["data"]["rationale"] == " @SUM(1)"]) == 1
    )
    assert len([it for it in said if it["scheme"] == "living:credible"]) == 5


def test_whoever_reads_a_public_review_has_what_it_says_and_not_what_it_rests_on(signed: SynthesisRig):
    assert all(answered(signed, f"files/{form}", by="anybody").status_code == 200 for form in FORMS)
    assert all(answered(signed, f"evidence/{form}", by="anybody").status_code == 403 for form in EVIDENCE)


def test_of_a_closed_copy_no_word_leaves(rig: SynthesisRig):
    words = "leaders who visit wards are trusted more than those who write to them"
    rig.includes("r1")
    about = Receipt(
        review=REVIEW, record="r1", text="text_1", anchor="anchor_1", parse_sha256="ab" * 32, locator="p. 4", start=1,
        end=70, salt="5a", quote_sha256=salted(words, "5a"), words=13, closed=True, made_by="ana",
        at=rig.bench.clock.now(),
    )  # fmt: skip
    given = FragmentGiven(
        paraphrase="Visits build trust.", data_type="observation", receipt=issue_receipt(rig.bench.platform.ring, about)
    )
    links = [LinkGiven(cmoc="c1", element="reasoning")]
    rig.person("ana").link_one(REVIEW, EvidenceGiven(record="r1", fragment=given, links=links))
    rig.signs()

    made = [file(rig, form) for form in FORMS] + [evidence_file(rig, form) for form in EVIDENCE]
    with zipfile.ZipFile(io.BytesIO(file(rig, "docx"))) as unpacked:
        made += [unpacked.read(name) for name in unpacked.namelist()]
    assert not any(b"visit wards" in it for it in made)
    assert all(about.quote_sha256.encode() in evidence_file(rig, form) for form in EVIDENCE)


def test_what_there_is_none_of_is_named(signed: SynthesisRig):
    assert answered(signed, "files/pdf").status_code == 422
    assert answered(signed, "files/docx", number=9).status_code == 404
    with signed.bench.work() as work:
        work.session.get_one(MatrixRow, (REVIEW, 1)).csv_gz = b"spoiled"

    assert answered(signed, "evidence/matrix").json()["type"].endswith("spoiled_revision")
    assert answered(signed, "files/markdown").status_code == 200
