"""Europe PMC's strategies: a field and a colon before a term or a bracket, AND before OR, ranges in square brackets.

Read after its search syntax reference (https://europepmc.org/searchsyntax). A field that is not known here is no fault,
since it has more than a hundred of them; one that looks like a slip is.
"""

from __future__ import annotations

import re
from difflib import get_close_matches

from shared.strategies.reading import QUOTES, Kind, Token, assembled, bounded
from shared.strategies.tree import Field, Read, StrategyFault, Term, words_of

_TEXTS: dict[str, Field] = {"TITLE": "title", "ABSTRACT": "abstract", "TITLE_ABS": "title_abstract", "KW": "subject"}
_ATTRIBUTES = (
    "ACCESSION_ID ACCESSION_TYPE ACK_FUND AFF ANNOTATION_PROVIDER ANNOTATION_TYPE ARXIV_PUBS AUTH AUTH_AFF "
    "AUTH_CON AUTH_FIRST AUTH_LAST AUTH_MAN AUTHORID AUTHORID_TYPE BOOK_ID BODY CASE CHEBITERM CHEBITERM_ID CHEM "
    "CITED CITES COMP_INT CONCL CREATION_DATE DATA_AVAILABILITY DISCUSS DISEASE DOI E_PDATE ED EDITORS "
    "EMBARGO_DATE EXT_ID EXPERIMENTAL_METHOD FIG FIRST_IDATE FIRST_IDATE_D FIRST_PDATE FIRST_PDATE_D "
    "FULL_TEXT_STATUS FT_CDATE FT_ID FUNDER_INITIATIVE GENE_PROTEIN GOTERM GRANT_AGENCY GRANT_ID HAS_ABSTRACT "
    "HAS_ARXIV HAS_BOOK HAS_CHEBI HAS_CHEMBL HAS_CRD_FREE HAS_DATA HAS_DOI HAS_EMBL HAS_FREE_FULLTEXT HAS_FT "
    "HAS_FULLTEXT HAS_FULLTEXTDATA HAS_LABSLINKS HAS_PDB HAS_PDF HAS_PREPRINT HAS_REFLIST HAS_SUPPL HAS_TM "
    "HAS_UNIPROT HAS_VERSION_EVALUATIONS HAS_XREFS IN_EPMC IN_PMC INTRO INVESTIGATOR ISBN ISSN ISSUE JOURNAL "
    "KEYWORD_TYPE LANG LICENSE METHODS MESH NLM_JOURNAL_ID OA OPEN_ACCESS ORGANISM OTHER P_PDATE PAGE_INFO "
    "PDB_PUBS PMCID PREPRINT_REVIEW_STATUS PUB_TYPE PUB_YEAR PUBLISHER REF RELATED RESOURCE_NAME RESULTS "
    "REVIEWED_BY SRC SUPPL TABLE TOP_JOURNAL UNIPROT_PUBS UPDATE_DATE VERSIONS_FOR VOLUME "
)
_FIELDS: dict[str, Field] = {**{name: "attribute" for name in _ATTRIBUTES.split()}, **_TEXTS}
#: Fields that look into the words of a work, of which titles and abstracts have a part.
_WORDY = frozenset({"BODY", "INTRO", "METHODS", "RESULTS", "DISCUSS", "CONCL", "CASE", "FIG", "TABLE", "SUPPL"})

_ONE = re.compile(
    rf"""(?P<blank>\s+)|(?P<bracket>[()])|(?P<quote>[{QUOTES}])
    |(?P<range>[A-Za-z_]+:\s*[\[{{])
    |(?P<field>[A-Za-z][A-Za-z_]*):(?=\s*[({QUOTES}\w\\*])
    |(?P<word>(?:\\.|[^\s(){QUOTES}])+)""",
    re.VERBOSE | re.DOTALL,
)
_NEAR = re.compile(r"~(\d{1,4})")
_OPERATORS: dict[str, Kind] = {"AND": "AND", "&&": "AND", "OR": "OR", "||": "OR", "NOT": "NOT"}


def read_europepmc(text: str) -> Read:
    """Reads a Europe PMC strategy. Raises StrategyFault, naming line and column."""
    bounded(text)
    reader = _Reader(text)
    return assembled(text, reader.tokens(), reader.warnings, left_to_right=False, alone=True)


class _Reader:
    """One pass over the characters; a field before a bracket holds until that bracket is closed."""

    def __init__(self, text: str) -> None:
        self._text, self._at = text, 0
        self._tokens: list[Token] = []
        self.warnings: list[str] = []
        self._field: tuple[int, str] | None = None
        self._held: list[str] = [""]

    def tokens(self) -> list[Token]:
        while (found := _ONE.match(self._text, self._at)) is not None:
            at, kind, piece = self._at, found.lastgroup, found[0]
            self._at = found.end()
            if kind == "field":
                self._begin_field(at, found["field"])
            elif kind == "range":
                self._range(at, piece)
            elif kind == "quote":
                self._quoted(at)
            elif kind == "bracket":
                self._bracket(at, piece)
            elif kind == "word":
                self._word(at, piece)
        self._no_field_waits()
        return self._tokens

    def _begin_field(self, at: int, name: str) -> None:
        self._no_field_waits()
        if name.upper() not in _FIELDS:
            near = get_close_matches(name.upper(), _FIELDS, 1, 0.8)
            if near:
                raise StrategyFault(f"there is no field {name}; did you mean {near[0]}?", self._text, at)
            self.warnings.append(f"the field {name} is not known here, and left to Europe PMC")
        self._field = (at, name.upper())

    def _no_field_waits(self) -> None:
        if self._field is not None:
            raise StrategyFault(f"the field {self._field[1]} has no term behind it", self._text, self._field[0])

    def _taken(self) -> str:
        """The field of the term that is here."""
        name, self._field = (self._field[1] if self._field else self._held[-1]), None
        return name

    def _bracket(self, at: int, piece: str) -> None:
        if piece == "(":
            self._held.append(self._taken())
        else:
            self._no_field_waits()
            if len(self._held) > 1:
                self._held.pop()
        self._tokens.append(Token("(" if piece == "(" else ")", at))

    def _word(self, at: int, piece: str) -> None:
        operator = _OPERATORS.get(piece)
        if operator:
            self._no_field_waits()
            self._tokens.append(Token(operator, at))
            return
        if piece.upper() in ("AND", "OR", "NOT"):
            self.warnings.append(f"{piece!r} is read as a word; operators are written in capitals")
        if piece.endswith(":") and piece[:-1].upper() in _FIELDS:
            raise StrategyFault(f"the field {piece[:-1]} has no term behind it", self._text, at)
        self._add(at, piece.replace("\\", ""), None)

    def _quoted(self, at: int) -> None:
        ends = [end for quote in QUOTES if (end := self._text.find(quote, self._at)) >= 0]
        if not ends:
            raise StrategyFault("this quotation mark is never closed", self._text, at)
        inner, self._at = self._text[self._at : min(ends)], min(ends) + 1
        found = _NEAR.match(self._text, self._at)
        if found is not None:
            self._at = found.end()
        self._add(at, inner, int(found[1]) if found else None)

    def _range(self, at: int, piece: str) -> None:
        self._no_field_waits()
        name = piece.partition(":")[0].upper()
        end = min((end for mark in "]}" if (end := self._text.find(mark, self._at)) >= 0), default=-1)
        inner = self._text[self._at : end] if end >= 0 else ""
        if end < 0:
            raise StrategyFault("this square bracket is never closed", self._text, at)
        if len(inner.split()) != 3 or inner.split()[1] != "TO":
            raise StrategyFault("a range is written [A TO B]", self._text, at)
        self._at = end + 1
        self._tokens.append(Token("term", at, Term(f"[{inner.strip()}]", "attribute", tag=name)))

    def _add(self, at: int, text: str, near: int | None) -> None:
        name = self._taken()
        if not words_of(text):
            if text.strip("*?+- ") == "" and text.strip() not in ("+", "-"):
                raise StrategyFault("there is nothing to look for in this term", self._text, at)
            self.warnings.append(f"{text[:40]!r} holds no word and is passed over")
            return
        field: Field = "all" if not name or name in _WORDY else _FIELDS.get(name, "attribute")
        self._tokens.append(Token("term", at, Term(text, field, near=near, tag=name if field == "attribute" else "")))
