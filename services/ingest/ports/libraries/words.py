"""The words of library files for kinds of work, in the vocabulary of the sources."""

from __future__ import annotations

import re
from collections.abc import Iterable

from services.ingest.ports.sources import normal
from services.ingest.ports.sources.port import Kind

_NO_LETTERS = re.compile(r"[\W_]+")
_SIGNS = re.compile(r"[;|,]")


def _listed(kinds: dict[Kind, str]) -> dict[str, Kind]:
    return {word: kind for kind, words in kinds.items() for word in words.split("|")}


#: Beside the sources' own: of BibTeX, RIS, CSL, EndNote, Zotero and what databases write into their exports.
_KINDS = _listed(
    {
        "article": "jour|journalarticle|mgzn|magazine|magazinearticle|article magazine|magazine article|news"
        "|newspaper article|newspaperarticle|article newspaper|ejour|electronic article|article in press|short survey"
        "|journals magazines|early access articles|magazines|journal|journals|clinical trial|scholarly journals"
        ""
        "|ieee journals|ieee magazines|ieee early access articles|randomized controlled trial"
        "|peer reviewed journal|academic journal|abst|jfull|briefitem|original article"
        "|academic journals|journal paper|article early access|early access",
        "review": "conference review|literature review|reviews|cochrane review|review early access",
        "preprint": "unpb|unpublished|manuscript|working paper",
        "conference_paper": "inproceedings|proceedings paper|conference|conf|cpaper|conference proceedings"
        "|paper conference"
        "|conferencepaper|conference abstract|conference publication|conferences|conference proceeding|proceedings"
        "|conference paper|meeting abstract|ieee conferences"
        "|conference papers proceedings|article proceedings paper|meeting",
        "book": "books|ebook|edited book|edbook|collection|electronic book|booklet",
        "chapter": "inbook|incollection|chap|book section|booksection|echap|encyclopediaarticle|entry"
        "|entry encyclopedia"
        "|entry dictionary|dictionaryentry|article book chapter|encyclopedia|electronic book section|book chapters"
        "|inreference",
        "thesis": "phdthesis|mastersthesis|thes|dissertations theses|dissertation thesis|doctoral dissertation|theses",
        "report": "techreport|rprt|technical report|reports|govdoc|government document|standard|standards|guideline",
        "editorial": "editorials",
        "letter": "letters|comment letter|correspondence|note",
        "dataset": "data|data paper|data set|datasets",
        "notice": "notice|retracted publication notice|corrigendum|retracted notice|addendum",
        "other": "misc|gen|generic|elec|web page|webpage|online|electronic|document|blog|manual|patent|video|other"
        "|icomm|post|blogpost|post weblog|unused",
    }
)  # fmt: skip
#: A word of the sources for each kind that is none itself.
_AS_SOURCES_SAY = {"conference_paper": "conference-paper", "notice": "erratum"}


def kind_of(words: Iterable[str]) -> Kind | None:
    """What a work is, of all the words that its file has for it; None where none of them is known."""
    known = [kind for said in words for word in (said, *_SIGNS.split(said)) if (kind := _known(word))]
    return normal.kind(map(_AS_SOURCES_SAY.get, known, known)) if known else None


def _known(word: str) -> Kind | None:
    word = " ".join(_NO_LETTERS.sub(" ", word).split()).lower()
    kinds = (normal.kind([form]) for form in (word, word.replace(" ", "-")))
    return next((kind for kind in kinds if kind != "other"), None) or _KINDS.get(word)
