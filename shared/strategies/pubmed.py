"""PubMed's strategies: terms with a field behind them in square brackets, operators from left to right.

Read after the PubMed user guide (https://pubmed.ncbi.nlm.nih.gov/help/): its search field tags, truncation, proximity.
"""

from __future__ import annotations

import re

from shared.events.protocol import LEAST_STEM
from shared.strategies.reading import QUOTES, Kind, Token, assembled, bounded
from shared.strategies.tree import Field, Read, StrategyFault, Term, meant, words_of

_TEXTS: dict[Field, str] = {
    "title": "ti, title, tt, transliterated title",
    "abstract": "ab, abstract",
    "text": "tiab, title/abstract, tw, text word, text words, ot, other term",
    "all": "all, all fields",
    "subject": "mh, mesh, mesh terms, mesh:noexp, mh:noexp, mesh terms:noexp, majr, mesh major topic, majr:noexp, "
    "mesh major topic:noexp, nm, supplementary concept, pa, pharmacological action",
    "attribute": "sh, mesh subheading, subheading, pt, publication type, au, author, 1au, author - first, lastau, "
    "author - last, fau, full author name, cn, author - corporate, corporate author, ad, affiliation, auid, "
    "author - identifier, ir, fir, investigator, full investigator name, ed, editor, dp, pdat, date - publication, "
    "publication date, edat, date - entry, entry date, crdt, date - create, create date, mhda, date - mesh, mesh date, "
    "dcom, date - completion, lr, mdat, date - modification, epdat, ppdat, la, lang, language, ta, journal, jour, jid, "
    "nlm unique id, is, issn, vi, volume, ip, issue, pg, pagination, pl, place of publication, pubn, publisher, "
    "aid, article identifier, doi, lid, location id, pmid, uid, pmcid, si, secondary source id, rn, "
    "ec/rn number, ps, subject - personal name, personal name as subject, sb, subset, filter, gr, grants and funding, "
    "grant number, isbn, bti, book, cois, conflict of interest statements, coi, stat, status",
}
_FIELDS: dict[str, Field] = {name: field for field, names in _TEXTS.items() for name in names.split(", ")}
_NEAR = re.compile(r"(.*?)\s*:\s*~\s*(\d{1,4})", re.DOTALL)
_NEAR_IN = ("title", "text")

_ONE = re.compile(rf"\s+|[()]|\[|[{QUOTES}]|[^\s()\[\]{QUOTES}]+")
_OPERATORS: dict[str, Kind] = {"and": "AND", "or": "OR", "not": "NOT"}


def read_pubmed(text: str) -> Read:
    """Reads a PubMed strategy. Raises StrategyFault, naming line and column."""
    bounded(text)
    reader = _Reader(text)
    return assembled(text, reader.tokens(), reader.warnings, left_to_right=True, alone=False)


class _Reader:
    """One pass over the characters; a run of bare words is one term, which a field behind it belongs to."""

    def __init__(self, text: str) -> None:
        self._text, self._at = text, 0
        self._tokens: list[Token] = []
        self.warnings: list[str] = []
        # The run of words that is being read: where each begins, and each.
        self._run: list[tuple[int, str]] = []

    def tokens(self) -> list[Token]:
        while (found := _ONE.match(self._text, self._at)) is not None:
            at, piece = self._at, found[0]
            self._at = found.end()
            if piece.isspace():
                continue
            if piece in QUOTES:
                self._end_run()
                self._quoted(at, piece)
            elif piece == "[":
                self._tagged(at)
            elif piece in "()":
                self._end_run()
                self._tokens.append(Token("(" if piece == "(" else ")", at))
            else:
                self._word(at, piece)
        self._end_run()
        return self._ranges(self._tokens)

    def _word(self, at: int, piece: str) -> None:
        operator = _OPERATORS.get(piece.lower())
        if operator and (piece.isupper() or self._is_operator_here()):
            self._end_run()
            if not piece.isupper():
                self.warnings.append(f"operators in small letters ({piece}) are read as operators; write {operator}")
            self._tokens.append(Token(operator, at))
        else:
            self._run.append((at, piece))

    def _is_operator_here(self) -> bool:
        """Whether and, or, not in small letters joins what is complete; within a run of words it is one of them."""
        rest = self._text[self._at : self._at + 200].lstrip()
        behind = bool(self._tokens) and not self._run and self._tokens[-1].kind in (")", "term")
        return behind or rest[:1] in ("(", *QUOTES)

    def _quoted(self, at: int, mark: str) -> None:
        ends = [end for quote in QUOTES if (end := self._text.find(quote, self._at)) >= 0]
        if not ends:
            raise StrategyFault("this quotation mark is never closed", self._text, at)
        inner = self._text[self._at : min(ends)]
        if "[" in inner:
            raise StrategyFault("this quotation mark is not closed before the next field", self._text, at)
        self._at = min(ends) + 1
        if mark != '"' or self._text[min(ends)] != '"':
            self.warnings.append("typographic quotation marks are read as plain ones")
        self._add(at, inner, exact=True)

    def _end_run(self) -> None:
        if self._run:
            at, (words, self._run) = self._run[0][0], (self._run, [])
            self._add(at, " ".join(word for _, word in words), exact=len(words) == 1)

    def _add(self, at: int, text: str, *, exact: bool) -> None:
        if text == ":":
            self._tokens.append(Token("term", at, Term(":", "attribute")))
        elif not words_of(text):
            if exact and text.strip() in ("", "*", "?"):
                raise StrategyFault("there is nothing to look for in this term", self._text, at)
            self.warnings.append(f"{text[:40]!r} holds no word and is passed over")
        else:
            self._check_truncation(at, text)
            self._tokens.append(Token("term", at, Term(text, "all", exact)))

    def _check_truncation(self, at: int, text: str) -> None:
        for word in text.split():
            stem, star, _ = word.partition("*")
            if star and len(words_of(stem)[-1] if words_of(stem) else "") < LEAST_STEM:
                self.warnings.append(f"PubMed wants {LEAST_STEM} letters before a *: {word[:40]!r}")

    def _tagged(self, at: int) -> None:
        """The field in square brackets belongs to the term before it."""
        self._end_run()
        end = self._text.find("]", self._at)
        if end < 0:
            raise StrategyFault("this square bracket is never closed", self._text, at)
        tag = " ".join(self._text[self._at : end].split())
        self._at = end + 1
        if not self._tokens or not isinstance(term := self._tokens[-1].node, Term) or term.tag:
            raise StrategyFault(f"the field [{tag[:40]}] has no term before it", self._text, at)
        name, near = tag.lower(), None
        if (found := _NEAR.fullmatch(name)) is not None:
            name, near = found[1], int(found[2])
        field = _FIELDS.get(name)
        if field is None:
            raise StrategyFault(f"there is no field [{tag[:40]}]{meant(name, _FIELDS)}", self._text, at)
        if near is not None and field not in _NEAR_IN:
            raise StrategyFault("proximity (~) is for [ti] and [tiab] alone", self._text, at)
        self._tokens[-1] = Token("term", self._tokens[-1].at, Term(term.text, field, term.exact, near, tag))

    def _ranges(self, tokens: list[Token]) -> list[Token]:
        """A range of dates (`"2018/01/01"[dp] : "3000"[dp]`) is one term."""
        joined: list[Token] = []
        at = 0
        while at < len(tokens):
            token = tokens[at]
            if isinstance(token.node, Term) and token.node.text == ":":
                following = tokens[at + 1].node if at + 1 < len(tokens) else None
                before = joined[-1].node if joined else None
                if not isinstance(before, Term) or not isinstance(following, Term):
                    raise StrategyFault("a range (:) needs a date on either side", self._text, token.at)
                both = f"{before.text}:{following.text}"
                joined[-1] = Token("term", joined[-1].at, Term(both, "attribute", tag=following.tag or before.tag))
                at += 2
                continue
            joined.append(token)
            at += 1
        return joined
