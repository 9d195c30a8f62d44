"""Citing: a revision as reference managers read it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

from services.web import drawing

#: What means something to BibTeX, and how it is written there.
_BIBTEX = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "%": r"\%", "&": r"\&", "$": r"\$", "#": r"\#", "_": r"\_",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
}  # fmt: skip


@dataclass(frozen=True)
class Citation:
    """What is cited: one revision of a review, at the address where it is read; one that has a DOI by that. Its author
    is its team, whose names are nobody's to give away."""

    review: str
    title: str
    number: int
    signed_on: date
    sha256: str
    address: str
    doi: str | None = None
    withdrawn: bool = False

    @property
    def author(self) -> str:
        return drawing.text("findings.author", review=self.review)

    @property
    def whole_title(self) -> str:
        whole = drawing.text("findings.whole_title", title=self.title, n=self.number)
        return drawing.text("findings.withdrawn_title", title=whole) if self.withdrawn else whole

    @property
    def text(self) -> str:
        """A sentence that can be copied."""
        title = self.title if self.title.endswith((".", "?", "!")) else f"{self.title}."
        title = drawing.text("findings.withdrawn_title", title=title) if self.withdrawn else title
        given = {"author": self.author, "title": title, "number": self.number, "year": self.signed_on.year}
        address = f"https://doi.org/{self.doi}" if self.doi else self.address
        where = {"publisher": drawing.text("name"), "address": address, "hash": self.sha256[:12]}
        return drawing.text("findings.citation", on=self.signed_on.isoformat(), **given, **where)

    def bibtex(self) -> str:
        # Braces within braces: the name of a team is one name, and no word of a title is made small.
        fields = {
            "author": f"{{{_bibtex(self.author)}}}",
            "title": f"{{{_bibtex(self.whole_title)}}}",
            "institution": _bibtex(drawing.text("name")),
            "type": _bibtex(drawing.text("findings.kind")),
            "number": str(self.number),
            "year": str(self.signed_on.year),
            "month": str(self.signed_on.month),
            "url": re.sub(r"[{}\\%]", "", self.address),
            **({"doi": re.sub(r"[{}\\%]", "", self.doi)} if self.doi else {}),
            "note": f"SHA-256 {self.sha256}",
        }
        lines = [f"  {name} = {{{value}}}" for name, value in fields.items()]
        key = re.sub(r"[^A-Za-z0-9-]", "-", self.review)
        return f"@techreport{{{key}-{self.number},\n" + ",\n".join(lines) + "\n}\n"

    def ris(self) -> str:
        """The tagged form, of which each line is one field."""
        fields = [
            ("TY", "RPRT"),
            ("AU", self.author),
            ("TI", self.whole_title),
            ("PB", drawing.text("name")),
            ("PY", str(self.signed_on.year)),
            ("DA", f"{self.signed_on:%Y/%m/%d}"),
            ("M1", str(self.number)),
            ("M3", drawing.text("findings.kind")),
            ("UR", self.address),
            *([("DO", self.doi)] if self.doi else []),
            ("N1", f"SHA-256 {self.sha256}"),
            ("ER", ""),
        ]
        return "".join(f"{tag}  - {_on_one_line(value)}\r\n" for tag, value in fields)


def _bibtex(text: str) -> str:
    return "".join(_BIBTEX.get(letter, letter) for letter in _on_one_line(text))


def _on_one_line(text: str) -> str:
    return " ".join(text.split())
