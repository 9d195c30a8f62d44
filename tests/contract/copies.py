"""The first review's papers as sources would have them that its file does not tell of."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import yaml

from demo.replay.corpus import SourceName
from demo.replay.facts import Copy, Paper, PapersFile
from demo.replay.papers import PapersCorpus

#: An id of the form that the source gives its works, made of a number and a hash.
IDS: dict[SourceName, Callable[[int, str], str]] = {
    "doaj": lambda number, digest: digest[:32],
    "semanticscholar": lambda number, digest: digest[:40],
    "arxiv": lambda number, digest: f"1812.9{number:04}",
}


def corpus_with_copies(path: Path) -> PapersCorpus:
    """The papers of a file, each also in every source of IDS, which took it in on the day the first other one did."""
    papers = PapersFile.model_validate(yaml.safe_load(path.read_text(encoding="utf-8"))).papers
    return PapersCorpus([_copied(number, paper) for number, paper in enumerate(papers, 1)])


def corpus_with_citations(path: Path, reach: int = 5) -> PapersCorpus:
    """The same, each paper citing those before it in the file, so many at most, and one without a DOI that no source
    has."""
    papers = PapersFile.model_validate(yaml.safe_load(path.read_text(encoding="utf-8"))).papers
    lost = papers[0].model_copy(update={"key": "lost", "title": "A thesis in no index", "doi": None, "sources": {}})
    return PapersCorpus(
        [
            _copied(number, paper).model_copy(
                update={"cites": [lost.key, *(one.key for one in papers[max(0, number - 1 - reach) : number - 1])]}
            )
            for number, paper in enumerate(papers, 1)
        ]
        + [lost]
    )


def _copied(number: int, paper: Paper) -> Paper:
    digest = hashlib.sha256(paper.key.encode()).hexdigest()
    entered = min(copy.entered for copy in paper.sources.values())
    copies = {name: Copy(id=make(number, digest), entered=entered) for name, make in IDS.items()}
    return paper.model_copy(update={"sources": copies | paper.sources})
