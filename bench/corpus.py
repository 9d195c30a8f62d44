"""The corpus of the bench: real titles and abstracts, repeated with new ids until there are enough."""

from __future__ import annotations

import csv
import gzip
import os
from collections.abc import Iterator
from itertools import cycle, islice
from pathlib import Path

from shared.errors import NotFound
from shared.events.ingest import Bibliography, RecordDiscovered, SourceRef
from shared.events.values import Identifiers

ROOT = Path(__file__).parent.parent


def records(review: str, count: int, first: int = 0) -> Iterator[RecordDiscovered]:
    """`count` discovered records of a review, numbered from `first`; every description is real, every id is new.

    Raises NotFound where the recorded data are not (LIVING_REALDATA).
    """
    for number, (title, abstract, year) in enumerate(islice(cycle(_texts()), count), first):
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


def _texts() -> list[tuple[str, str, str]]:
    folder = Path(os.environ.get("LIVING_REALDATA") or ROOT.parent / "shared" / "realdata")
    files = sorted((folder / "screening" / "synergy").glob("*.csv.gz"))
    if not files:
        raise NotFound(f"{folder} has no recorded titles and abstracts (LIVING_REALDATA)")
    texts: list[tuple[str, str, str]] = []
    for path in files:
        with gzip.open(path, "rt", newline="") as file:
            texts += [
                (row["title"], row["abstract"], row["publication_date"][:4])
                for row in csv.DictReader(file)
                if row["title"]
            ]
    return texts
