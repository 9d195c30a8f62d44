"""Crates: a revision that is read, cited and verified with a key alone, down to each number."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import re
import tempfile
import zipfile
from collections.abc import Callable

import pytest
import yaml
from markdown_it import MarkdownIt
from rocrate.rocrate import ROCrate

from services.synthesis.domain.verifying import verified_with
from services.synthesis.models import MatrixRow
from services.synthesis.ports.crates import FILES, is_crate, name_of, read_crate
from shared.canonical import canonical_json
from shared.errors import Invalid
from shared.receipts import Receipt, issue_receipt, salted
from shared.wire.synthesis import EvidenceGiven, FragmentGiven, LinkGiven, Verified
from tests.unit.services.synthesis.rig import REVIEW, SynthesisRig, judged, protocol


@pytest.fixture
def signed(rig: SynthesisRig) -> SynthesisRig:
    """Two revisions: of studies of which two are one, a weak report, what was judged of a link, and one CMOC gone."""
    rig.includes("r1", "r2", "r3")
    rig.includes("weak", judgements=[judged("exclude")])
    rig.shows_all_of("c1", "r1", "r2")
    rig.links("r3", "c2", stance="bounds", text="=HYPERLINK(1), ends where \u201cwards\u201d are small,\nas people say")
    rig.signs("The first.")
    rig.lead.join_study(REVIEW, "r3", "one study", same_as="r1")
    against = rig.links("weak", "c1", element="outcome", stance="contradicts").links[0].link
    rig.lead.appraise(REVIEW, against, "credible", "it was seen")
    rig.adopts(protocol(["c1"]), version=2)
    rig.signs("One is contested.")
    return rig


def crate_of(rig: SynthesisRig, number: int = 2) -> bytes:
    pieces: list[bytes] = []
    rig.person("rita").crate(REVIEW, number, pieces.append)
    return b"".join(pieces)


def files(crate: bytes) -> dict[str, str]:
    with zipfile.ZipFile(io.BytesIO(crate)) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


def verified(rig: SynthesisRig, crate: bytes) -> Verified:
    found = read_crate(crate)
    return verified_with(found.signed, rig.bench.platform.ring, found.matrix)


def packed(parts: dict[str, str]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
    return out.getvalue()


@pytest.mark.parametrize("number", [1, 2])
def test_a_crate_proves_its_signature_its_links_and_each_number(signed: SynthesisRig, number: int):
    said = verified(signed, crate_of(signed, number))

    assert (said.holds, said.faults, said.number) == (True, [], number)
    assert said.links == signed.lead.revision(REVIEW, number).content.counts.links


def test_its_readme_names_nothing_that_whoever_has_it_alone_looks_for_in_vain(signed: SynthesisRig):
    parts = files(crate_of(signed))
    readme = parts["README.md"]

    of_its_own = {name for name in re.findall(r"^- `([^`]+)` (?:is|says|has)", readme, re.MULTILINE)}
    assert of_its_own <= {*parts} and "revision.json" in of_its_own
    assert "The rules by which it does are not in here" in readme and "`docs/synthesis.md`" in readme
    assert f"living synthesis verify --file {name_of(REVIEW, 2)} --key keys.json" in readme


def test_it_is_a_research_object_that_others_read_with_every_file_described(signed: SynthesisRig, tmp_path):
    crate, parts = crate_of(signed), files(crate_of(signed))
    with zipfile.ZipFile(io.BytesIO(crate)) as archive:
        archive.extractall(tmp_path)

    found = ROCrate(tmp_path)

    assert set(parts) == {"ro-crate-metadata.json", *FILES}
    described = {entity.id: entity for entity in found.data_entities}
    assert set(described) == set(FILES)
    assert all(int(described[name]["contentSize"]) == len(parts[name].encode()) for name in FILES)
    assert found.name == "A small review: revision 2" and crate == crate_of(signed)
    citation = yaml.safe_load(parts["CITATION.cff"])
    assert (citation["version"], citation["title"]) == ("2", found.name)
    assert "**c2**, set aside" in parts["CHANGES.md"]
    assert json.loads(parts["annotations.jsonld"])["total"] == 5
    assert hashlib.sha256(parts["revision.json"].encode()).hexdigest() in citation["identifiers"][0]["value"]


#: Forges a heading and a change, hides what follows, leads elsewhere, and begins as what Markdown has at a start.
HOSTILE = (
    "Fine.\n\n# What changed in revision 9\n\n- **c1**, status: supported → refuted (MAJOR)\r\n\u2028Forged\n====\n"
    "<!-- <img src=x onerror=alert(1)> ![x](http://evil.example/a) [here](javascript:alert(1)) "
    "`a` *b* _c_ ~~d~~ &lt;e&gt;"
)
STARTS = (
    "- a",
    "+ a",
    "1. a",
    "1) a",
    "===",
    "---",
    "# a",
    "> a",
    "```",
    "~~~",
    "    a",
    "| a |",
    "[a]: b",
    "* * *",
    ": a",
)


@pytest.mark.parametrize("text", [HOSTILE, *STARTS])
def test_what_somebody_wrote_is_one_paragraph_of_markdown_and_forges_nothing(signed: SynthesisRig, text):
    signed.adopts(protocol(["c1"], title=text, wording={"c1": {"outcome": text}}), version=3)
    signed.signs(text)

    parts = files(crate_of(signed, 3))
    plain = " ".join(text.split())

    for name in ("CHANGES.md", "README.md"):
        tokens = MarkdownIt("gfm-like", {"linkify": False}).parse(parts[name])
        kinds = {token.type.removesuffix("_open") for token in tokens if token.nesting >= 0}
        assert kinds <= {"heading", "paragraph", "inline", "bullet_list", "list_item", "fence", "code_block"}
        inline = [one for token in tokens if token.type == "inline" for one in token.children or ()]
        assert {one.type for one in inline} <= {
            "text",
            "text_special",
            "softbreak",
            "strong_open",
            "strong_close",
            "code_inline",
        }
        shown = ["".join(one.content for one in token.children or ()) for token in tokens if token.type == "inline"]
        assert sum(plain in one for one in shown) >= 1
        assert len([token for token in tokens if token.type == "heading_open"]) == 1
    assert parts["CHANGES.md"].count("\n- ") == len(signed.lead.revision(REVIEW, 3).content.changes)


def test_the_matrix_stays_as_it_was_signed_whatever_becomes_of_the_evidence(signed: SynthesisRig):
    before = crate_of(signed)
    for one in list(signed.lead.evidence(REVIEW)):
        signed.lead.withdraw(REVIEW, one.fragment, "all of it") if one.stands else None
    signed.signs("Nothing stands.")

    assert crate_of(signed) == before and verified(signed, before).holds


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda rows: rows.pop(), "not the one that was signed"),
        (lambda rows: rows[0].update(study="study_other"), "not the one that was signed"),
    ],
)
def test_another_matrix_than_the_one_that_was_signed_shows(signed: SynthesisRig, change: Callable, said: str):
    parts = files(crate_of(signed))
    parts["matrix.csv"] = changed(parts["matrix.csv"], change)

    assert said in verified(signed, packed(parts)).faults[0]


@pytest.mark.parametrize(
    "kept",
    [None, b"", b"no gzip", gzip.compress(b"\xff"), gzip.compress(b"a,b\n"), gzip.compress(bytes(1000))[:-9]],
    ids=["none", "nothing", "no gzip", "no text", "another", "cut off"],
)
def test_a_matrix_that_is_damaged_where_it_is_kept_is_found_out_by_whoever_verifies(signed: SynthesisRig, kept):
    with signed.bench.work() as work:
        row = work.session.get_one(MatrixRow, (REVIEW, 2))
        if kept is None:
            work.session.delete(row)
        else:
            row.csv_gz = kept

    here = signed.lead.verify(REVIEW, 2)
    assert (here.holds, here.faults) == (False, ["its matrix is missing, or is another"])
    away = verified(signed, crate_of(signed))
    assert (away.holds, away.faults) == (False, ["its matrix is missing"])
    assert signed.lead.verify(REVIEW, 1).holds


def test_a_crate_wants_no_temporary_folder(signed: SynthesisRig, monkeypatch):
    before = crate_of(signed)
    monkeypatch.setattr(tempfile, "tempdir", "/nowhere")

    assert crate_of(signed) == before


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda rows: rows.pop(), "counts other studies"),
        (lambda rows: rows[0].update(study="study_other"), "is of two studies"),
        (lambda rows: [row.update(study="study_other") for row in rows], "not those that were hashed"),
        (lambda rows: rows[0].update(stance="refines"), "another element, stance or fragment"),
        (lambda rows: rows[0].update(credible="no"), "not those that were hashed"),
        (lambda rows: rows[0].update(inference="inferred"), "not those that were hashed"),
        (lambda rows: rows[0].update(cmoc="c9"), "does not state"),
    ],
    ids=["one less", "two studies", "another study", "another stance", "not credible", "inferred", "an unknown CMOC"],
)
def test_numbers_that_do_not_follow_from_their_links_show_also_where_they_are_signed(
    signed: SynthesisRig, change: Callable, said: str
):
    """Whoever holds the key and signs numbers that the links do not give is found out by anybody."""
    parts = files(crate_of(signed))
    parts["matrix.csv"] = changed(parts["matrix.csv"], change)
    document = json.loads(parts["revision.json"])
    document["matrix_sha256"] = hashlib.sha256(parts["matrix.csv"].encode()).hexdigest()
    parts |= resigned(signed, document)

    assert said in " ".join(verified(signed, packed(parts)).faults)


def test_a_status_that_its_links_do_not_give_shows(signed: SynthesisRig):
    parts = files(crate_of(signed))
    document = json.loads(parts["revision.json"])
    document["cmocs"][0]["status"] = "supported"
    parts |= resigned(signed, document)

    assert "c1: its status is not what its links give: supported, and by its links contested" in " ".join(
        verified(signed, packed(parts)).faults
    )


def test_of_a_closed_copy_no_word_is_in_a_crate(rig: SynthesisRig):
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

    parts = files(crate_of(rig, 1))

    assert not any("visit wards" in text for text in parts.values())
    assert about.quote_sha256 in parts["matrix.csv"] and about.quote_sha256 in parts["annotations.jsonld"]
    assert verified(rig, crate_of(rig, 1)).holds


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"PK\x03\x04" + b"x" * 500])
def test_what_is_no_crate_says_so(content):
    if is_crate(content):
        with pytest.raises(Invalid):
            read_crate(content)


def test_a_crate_that_lacks_a_file_or_has_a_broken_line_names_it(signed: SynthesisRig):
    parts = files(crate_of(signed))
    with pytest.raises(Invalid, match=r"signature\.jws"):
        read_crate(packed({name: text for name, text in parts.items() if name != "signature.jws"}))
    with pytest.raises(Invalid, match="line 3"):
        lines = parts["matrix.csv"].splitlines(keepends=True)
        read_crate(packed(parts | {"matrix.csv": "".join([*lines[:2], "a,b\r\n", *lines[2:]])}))
    without = packed({name: text for name, text in parts.items() if name != "matrix.csv"})
    assert verified(signed, without).faults == ["its matrix is missing"]


def changed(matrix: str, change: Callable[[list[dict[str, str]]], object]) -> str:
    reader = csv.DictReader(io.StringIO(matrix, newline=""))
    rows = list(reader)
    change(rows)
    out = io.StringIO()
    lines = csv.DictWriter(out, reader.fieldnames or ())
    lines.writeheader()
    lines.writerows(rows)
    return out.getvalue()


def resigned(rig: SynthesisRig, document: dict) -> dict[str, str]:
    """Another document, signed by the platform's own key."""
    from services.synthesis.domain.verifying import claims_of

    frozen = canonical_json(document).decode()
    sha256 = hashlib.sha256(frozen.encode()).hexdigest()
    ring = rig.bench.platform.ring
    with ring.unchanged():
        signature = ring.sign("revisions", claims_of(document, sha256), at=rig.bench.clock.now())
    return {"revision.json": frozen, "signature.jws": signature}
