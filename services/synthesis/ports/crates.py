"""Crates: a revision as one file that is read, cited and verified without this platform (RO-Crate 1.1).

https://www.researchobject.org/ro-crate/specification/1.1/ says what such a package is; a matrix of evidence is beside
the signed document, and the annotations are W3C's (Web Annotation Data Model).
"""

from __future__ import annotations

import json
import lzma
import re
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256 as sha256_of
from io import BytesIO
from typing import Any

import yaml

from services.synthesis.domain.matrix import LARGEST, Matrix, MatrixLink, read
from services.synthesis.domain.provenance import provenance_of
from services.synthesis.domain.verifying import Signed
from shared.errors import Invalid
from shared.events.synthesis import Change
from shared.wire.synthesis import ExportedRevision, RevisionContent, WithdrawnRevision

#: The files of a crate, with what each is and of which type.
FILES = {
    "revision.json": ("The signed document, byte for byte as it was hashed.", "application/json"),
    "signature.jws": ("The signature over its hash, a compact JWS (RFC 7515, EdDSA).", "application/jose"),
    "key.pem": ("The public half of the key that signed; trust the one that is published.", "application/x-pem-file"),
    "changes.json": ("What changed since the revision before.", "application/json"),
    "CHANGES.md": ("The same, to be read.", "text/markdown"),
    "matrix.csv": ("Every link that it rests on, with fragment, report and study, as they stood.", "text/csv"),
    "annotations.jsonld": ("The fragments as W3C Web Annotations.", "application/ld+json"),
    "provenance.json": ("What it came from, as PROV-JSON (W3C).", "application/json"),
    "CITATION.cff": ("How to cite it (Citation File Format 1.2).", "text/yaml"),
    "README.md": ("What is in here, and how to verify it.", "text/markdown"),
}  # fmt: skip

_KNOWN = {"ro-crate-metadata.json", *FILES}

#: What an archive that is broken, or packed in another way, is met with.
_BROKEN = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, NotImplementedError, RuntimeError, EOFError, OSError)

#: Bytes of a crate's file that are read, of each.
_LARGEST_PART = LARGEST

#: The time of every file in the archive, so that the same revision is the same crate (the least that ZIP has).
_THEN = (1980, 1, 1, 0, 0, 0)

#: What Markdown reads as markup wherever it stands (with what a `&` begins), and what it does at the start of a line.
_MARKUP, _AT_ITS_START = re.compile(r"[\\`*_\[\]<>#~|$]|&(?=#?\w)"), re.compile(r"^(\d*)([-+=.):])")

_README = """# {title}

{withdrawn}Revision {number} of the living review `{review}`, signed on {day}. {summary}

- `revision.json` is what was signed: the theories, each CMOC with its status, the rules behind it and its links.
- `CHANGES.md` says what changed since the revision before.
- `matrix.csv` has every link of evidence that it rests on. Quotes of copies that are closed are not in it: where they
  stand in the parsed text, and a salted hash, are.

To verify it you need two things that are not in here, so that you need not trust this file:

- `living`, the program of Living Reviews, the platform that made it. It asks no platform for this.
- `keys.json`, the public keys of that platform. Whoever reads this review in a browser saves them from the page of
  this revision, under "How to check it". `key.pem` in here is the key that this file says it was signed by: do not take
  its word for it.

Then, where both files are:

    living synthesis verify --file {name} --key keys.json

That proves the signature, that the matrix is the one that was signed, and every status and every number of the
revision from the matrix. The rules by which it does are not in here: the program has them within, and says them in
words in its source, under `docs/synthesis.md`. `revision.json` says of each status which of them were met. The other
files say in other forms what is in these, and are not signed.
"""


@dataclass(frozen=True)
class Crate:
    """What is read of a crate: the signed document, and its matrix where it has one."""

    signed: Signed
    matrix: Matrix | None


def made(exported: ExportedRevision, content: RevisionContent, matrix: str | None, doi: str | None = None) -> bytes:
    """A revision as a crate; one that has a DOI is cited by it, and one that was withdrawn says so. One that was signed
    before revisions kept their matrix has none."""
    withdrawn = exported.withdrawn
    files = {
        "revision.json": exported.document,
        "signature.jws": exported.signature,
        "changes.json": _json([change.model_dump(mode="json") for change in content.changes]),
        "CHANGES.md": _changes(content),
        "provenance.json": _json(provenance_of(content, exported.sha256).model_dump(mode="json")),
        "CITATION.cff": _citation(content, exported.sha256, doi, withdrawn),
        "README.md": _README.format(
            title=plain(content.title), number=content.number, review=content.review, summary=plain(content.summary),
            withdrawn=f"**{plain(said_of(withdrawn))}**\n\n" if withdrawn is not None else "",
            day=content.signed_at.date().isoformat(), name=name_of(content.review, content.number),
        ),
    }  # fmt: skip
    if exported.public_key is not None:
        files["key.pem"] = exported.public_key
    if matrix is not None:
        files["matrix.csv"] = matrix
        files["annotations.jsonld"] = _json(collection_of(read(matrix).links))
    archive = BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as kept:
        for name, text in {"ro-crate-metadata.json": _described(content, files, withdrawn), **files}.items():
            kept.writestr(zipfile.ZipInfo(name, _THEN), text.encode(), zipfile.ZIP_DEFLATED)
    return archive.getvalue()


def name_of(review: str, number: int) -> str:
    return f"{review}-revision-{number}.crate.zip"


def is_crate(content: bytes) -> bool:
    return content.startswith(b"PK\x03\x04")


def read_crate(content: bytes) -> Crate:
    """What a crate holds. Raises Invalid with the file at fault."""
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            names = archive.namelist()
            odd = next((name for name in names if names.count(name) > 1 or name not in _KNOWN), None)
            if odd is not None:
                raise Invalid(f"{odd[:100]!r}: a crate has no such file, or has it once")
            document, signature = _part(archive, "revision.json"), _part(archive, "signature.jws")
            text = _part(archive, "matrix.csv") if "matrix.csv" in archive.namelist() else None
    except _BROKEN as error:
        raise Invalid("it is no archive that can be read: `living synthesis crate` writes such a file") from error
    signed = Signed(document, sha256_of(document.encode()).hexdigest(), signature.strip())
    return Crate(signed, read(text) if text is not None else None)


def _part(archive: zipfile.ZipFile, name: str) -> str:
    """A file of a crate as text; no more of it is unpacked than is read."""
    try:
        with archive.open(name) as part:
            found = part.read(_LARGEST_PART + 1)
    except KeyError:
        raise Invalid(f"{name}: the crate has no such file") from None
    if len(found) > _LARGEST_PART:
        raise Invalid(f"{name}: it is larger than any that is read ({_LARGEST_PART} bytes)")
    try:
        return found.decode()
    except UnicodeDecodeError:
        raise Invalid(f"{name}: it is no UTF-8") from None


def _described(content: RevisionContent, files: dict[str, str], withdrawn: WithdrawnRevision | None) -> str:
    """The crate's metadata; nothing of it touches a disk."""
    from rocrate.rocrate import ROCrate  # What it brings along is loaded by whoever asks for a crate.

    crate = ROCrate(version="1.1")
    crate.name = f"{content.title}: revision {content.number}"
    crate.description = content.summary if withdrawn is None else f"{said_of(withdrawn)} {content.summary}"
    if withdrawn is not None:
        crate.root_dataset["creativeWorkStatus"] = "Withdrawn"
    crate.datePublished = content.signed_at
    crate.root_dataset["identifier"] = f"urn:living:revision-{content.revision}"
    crate.root_dataset["version"] = str(content.number)
    crate.root_dataset["creator"] = {"@id": f"urn:living:{content.signed_by}"}
    if content.preceding is not None:
        crate.root_dataset["isBasedOn"] = {"@id": f"urn:living:revision-{content.preceding}"}
    for name, text in files.items():
        about, kind = FILES[name]
        size = str(len(text.encode()))
        crate.add_file(dest_path=name, properties={"description": about, "encodingFormat": kind, "contentSize": size})
    return b"".join(piece for _, piece in crate.metadata.stream()).decode()


def collection_of(links: Sequence[MatrixLink]) -> dict[str, Any]:
    """The fragments as annotations of their reports: the body is what the coder says, the target where it stands."""
    fragments: dict[str, list[MatrixLink]] = {}
    for it in links:
        fragments.setdefault(it.fragment, []).append(it)
    return {
        "@context": "http://www.w3.org/ns/anno.jsonld",
        "type": "AnnotationCollection",
        "total": len(fragments),
        "items": [_annotation(of) for of in fragments.values()],
    }


def _annotation(of: Sequence[MatrixLink]) -> dict[str, Any]:
    it = of[0]
    selectors: list[dict[str, Any]] = [{"type": "FragmentSelector", "value": it.locator}]
    if it.start is not None and it.end is not None:
        position = {"type": "TextPositionSelector", "start": it.start, "end": it.end}
        selectors.append(position | {"living:textSha256": it.parse_sha256, "living:quoteSha256": it.quote_sha256})
    if it.quote is not None:
        selectors.append({"type": "TextQuoteSelector", "exact": it.quote})
    return {
        "id": f"urn:living:{it.fragment}",
        "type": "Annotation",
        "creator": f"urn:living:{it.coder}",
        "motivation": "linking",
        "body": [
            {"type": "TextualBody", "value": it.paraphrase, "purpose": "describing"},
            *(
                {
                    "type": "TextualBody", "purpose": "classifying",
                    "value": f"{link.stance} {link.element} of {link.cmoc} ({link.inference})",
                }
                for link in of
            ),
        ],
        "target": {"source": f"urn:living:{it.record}", "selector": selectors},
    }  # fmt: skip


def _changes(content: RevisionContent) -> str:
    heading = f"# What changed in revision {content.number}: {content.change_class}"
    lines = [heading, "", plain(content.summary), ""]
    lines += [_change(change) for change in content.changes] or ["Nothing changed."]
    return "\n".join(lines) + "\n"


def _change(change: Change) -> str:
    of = f"**{plain(change.cmoc)}**, " if change.cmoc else ""
    return f"- {of}{plain(change.what)}: {_said(change.before)} → {_said(change.after)} ({change.change_class})"


def _said(value: object) -> str:
    return "nothing" if value is None else plain(str(value))


def plain(text: str) -> str:
    """What people wrote, as one line of Markdown in which nothing is markup: it reads as it was written."""
    return _AT_ITS_START.sub(r"\1\\\2", _MARKUP.sub(r"\\\g<0>", " ".join(text.split())))


def said_of(withdrawn: WithdrawnRevision) -> str:
    """That nobody should go by a revision any more, as a person would say it."""
    instead = f" Read revision {withdrawn.replaced_by} instead." if withdrawn.replaced_by is not None else ""
    return f"Withdrawn on {withdrawn.at.date().isoformat()}: {withdrawn.why}{instead}"


def _citation(content: RevisionContent, sha256: str, doi: str | None, withdrawn: WithdrawnRevision | None) -> str:
    of_doi = [{"type": "doi", "value": doi}] if doi is not None else []
    said = {
        "cff-version": "1.2.0",
        "message": said_of(withdrawn) if withdrawn is not None else "To cite this revision of the review:",
        "type": "dataset",
        "title": f"{content.title}: revision {content.number}",
        "version": str(content.number),
        "date-released": content.signed_at.date().isoformat(),
        "authors": [{"name": f"The review team of {content.review}"}],
        "identifiers": [*of_doi, {"type": "other", "value": f"sha256:{sha256}"}],
    }
    return str(yaml.safe_dump(said, sort_keys=False, allow_unicode=True))


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1) + "\n"
