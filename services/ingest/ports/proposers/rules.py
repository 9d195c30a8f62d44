"""Proposals by rules: a sentence with a cue of realist coding that has words in common with an element of a CMOC."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from services.ingest.ports.proposers.port import Answer, Identity, Paragraph, Proposed, Statement
from shared.events.synthesis import Element, Stance

#: A change of anything below is another version, which is to be evaluated anew.
VERSION: Final = "1"

#: What people write where they say under which circumstances, by what means, why, and with what effect.
_CUES: Final[Mapping[Element, Sequence[str]]] = {
    "context": (
        "in settings where", "in contexts", "in areas", "where", "when", "among", "depended on", "depends on",
        "depending on", "barrier", "barriers", "in the presence of", "in the absence of", "history of",
    ),
    "resource": (
        "provided", "provides", "offered", "offers", "introduced", "training", "tool", "funding", "support from",
        "by means of", "through", "was given", "were given", "intervention", "programme",
    ),
    "reasoning": (
        "because", "felt", "feel", "believed", "believe", "perceived", "perceive", "trust", "trusted", "motivated",
        "valued", "understood", "confident", "confidence", "so that", "in order to", "feared", "thought",
    ),
    "outcome": (
        "led to", "leads to", "lead to", "resulted in", "results in", "as a result", "improved", "improves",
        "increased", "increases", "reduced", "reduces", "therefore", "consequently", "enabled", "more likely",
        "less likely", "associated with",
    ),
}  # fmt: skip

#: What turns a sentence against what it has words in common with, and what says where that ends.
_AGAINST: Final = (
    "did not", "does not", "do not", "no evidence", "failed to", "no effect", "no difference", "contrary to", "neither"
)  # fmt: skip
_BOUNDS: Final = ("only when", "only where", "only if", "unless", "except", "but not")

#: Characters of a sentence that is proposed, and how many are of one copy at most.
_SHORTEST, _LONGEST, _MOST = 30, 600, 300

#: Words in common that are enough, and as which part of the element's own.
_ENOUGH, _PART = 2, 0.25

_SENTENCE = re.compile(r"[^.!?]+(?:[.!?](?=\S)[^.!?]*)*[.!?]*")
_WORD = re.compile(r"[^\W\d_]{3,}")
_EMPTY: Final = frozenset(
    [
        "the",
        "and",
        "for",
        "that",
        "with",
        "this",
        "from",
        "are",
        "was",
        "were",
        "have",
        "has",
        "had",
        "not",
        "but",
        "its",
        "their",
        "they",
        "them",
        "which",
        "who",
        "whom",
        "whose",
        "what",
        "when",
        "where",
        "will",
        "would",
        "can",
        "could",
        "may",
        "might",
        "must",
        "shall",
        "should",
        "been",
        "being",
        "into",
        "than",
        "then",
        "these",
        "those",
        "there",
        "such",
        "also",
        "more",
        "most",
        "some",
        "any",
        "all",
        "each",
        "other",
        "others",
        "between",
        "within",
        "about",
        "over",
        "under",
        "our",
        "your",
        "his",
        "her",
        "one",
        "two",
        "because",
    ]
)
_SAID = {cue: re.compile(rf"\b{cue}\b") for cues in (*_CUES.values(), _AGAINST, _BOUNDS) for cue in cues}


class Rules:
    """Reads sentence by sentence, and says the same of the same."""

    @property
    def identity(self) -> Identity:
        return Identity("rules", VERSION)

    def propose(
        self, paragraphs: Sequence[Paragraph], statements: Sequence[Statement], stopped: Callable[[], bool]
    ) -> Answer:
        stems = {(it.cmoc, element): _stems(words) for it in statements for element, words in it.elements.items()}
        having = defaultdict[str, list[tuple[str, Element]]](list)
        for key, found in stems.items():
            for stem in found:
                having[stem].append(key)
        proposed: list[Proposed] = []
        for paragraph in paragraphs:
            if stopped() or len(proposed) >= _MOST:
                break
            for sentence in _sentences(paragraph.words):
                proposed += _of(sentence, paragraph.locator, stems, having)
        return Answer(proposed[:_MOST])


def _of(
    sentence: str,
    locator: str,
    stems: Mapping[tuple[str, Element], Mapping[str, str]],
    having: Mapping[str, Sequence[tuple[str, Element]]],
) -> Iterator[Proposed]:
    lowered = sentence.lower()
    cues: dict[Element, str] = {}
    for element, known in _CUES.items():
        if (cue := _said(lowered, known)) is not None:
            cues[element] = cue
    if not cues:
        return
    here = _stems(sentence)
    common = Counter(key for stem in here for key in having.get(stem, ()))
    best: dict[str, tuple[int, Element]] = {}
    for (cmoc, element), count in sorted(common.items()):
        if element not in cues or count < _ENOUGH or count < _PART * len(stems[cmoc, element]):
            continue
        if cmoc not in best or count > best[cmoc][0]:
            best[cmoc] = count, element
    for cmoc, (_, element) in sorted(best.items()):
        shared = sorted(here[stem] for stem in here.keys() & stems[cmoc, element].keys())[:8]
        why = f"says “{cues[element]}”, and has in common with the {element}: {', '.join(shared)}"
        yield Proposed(sentence, cmoc, element, _stance(lowered), why[:500], locator)


def _stance(lowered: str) -> Stance:
    if _said(lowered, _BOUNDS) is not None:
        return "bounds"
    return "supports" if _said(lowered, _AGAINST) is None else "contradicts"


def _said(lowered: str, cues: Sequence[str]) -> str | None:
    return next((cue for cue in cues if _SAID[cue].search(lowered)), None)


def _sentences(words: str) -> Iterator[str]:
    for found in _SENTENCE.finditer(words):
        sentence = found[0].strip()
        if _SHORTEST <= len(sentence) <= _LONGEST:
            yield sentence


def _stems(words: str) -> dict[str, str]:
    """The words that say something, by how they begin, so that endings do not part them."""
    found = (word for word in _WORD.findall(words.lower()) if word not in _EMPTY)
    return {word[:6]: word for word in found}
