"""The corpus of the bench: titles and abstracts, real ones where there are some, repeated with new ids."""

from __future__ import annotations

import csv
import gzip
import os
from collections.abc import Iterator
from functools import cache
from itertools import count as counting
from itertools import cycle, islice
from pathlib import Path

from bench.texts import Text, generated
from shared.errors import NotFound
from shared.events.ingest import Bibliography, RecordDiscovered, SourceRef
from shared.events.values import Identifiers

ROOT = Path(__file__).parent.parent


def records(review: str, count: int, first: int = 0, *, mixed: bool = False) -> Iterator[RecordDiscovered]:
    """`count` discovered records of a review, numbered from `first`; every id is new. `mixed`: a title that comes again
    comes with another abstract."""
    texts = _mixed() if mixed else cycle(_texts())
    for number, (title, abstract, year) in enumerate(islice(texts, count), first):
        source = f"W{number:010d}"
        yield RecordDiscovered(
            review=review,
            record=f"rec_{number:032x}",
            revision=1,
            run="run_bench",
            bibliography=Bibliography(
                title=title,
                abstract=abstract or None,
                authors=["Bench, A.", "Mark, B."],
                venue="Journal of Measurement",
                # The bench measures the usual way, so every record meets the date criterion.
                published=str(max(int(year or 2018), 2018)),
                kind="article",
                language="en",
                identifiers=Identifiers(openalex=source),
                sources=[SourceRef(source="openalex", id=source, run="run_bench")],
                provenance={"title": f"openalex:{source}", "abstract": f"openalex:{source}"},
            ),
        )


def _mixed() -> Iterator[Text]:
    texts = _texts()
    for turn in counting():
        for at, (title, _, year) in enumerate(texts):
            yield title, texts[(at + 31 * turn) % len(texts)][1], year


def titles() -> list[str]:
    """The titles of the texts that records repeat."""
    return [title for title, _, _ in _texts()]


def described() -> str:
    """Which texts these are, for whoever reads the figures."""
    kind = "recorded" if _recorded() else "generated"
    return f"{len(_texts()):,} {kind} titles and abstracts"


@cache
def _texts() -> list[Text]:
    """The recorded texts, or generated ones where there are none. Raises NotFound when LIVING_REALDATA has none."""
    texts: list[Text] = []
    for path in _recorded():
        with gzip.open(path, "rt", newline="") as file:
            texts += [
                (row["title"], row["abstract"], row["publication_date"][:4])
                for row in csv.DictReader(file)
                if row["title"]
            ]
    return texts or generated()


def _recorded() -> list[Path]:
    named = os.environ.get("LIVING_REALDATA")
    folder = Path(named) if named else ROOT.parent / "shared" / "realdata"
    files = sorted((folder / "screening" / "synergy").glob("*.csv.gz"))
    if named and not files:
        raise NotFound(f"{folder} has no recorded titles and abstracts (LIVING_REALDATA)")
    return files
