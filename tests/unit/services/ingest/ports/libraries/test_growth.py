"""A text of whatever kind takes a time that grows with its length, not with the square of it: a file of a few kilobytes
holds up no worker."""

from __future__ import annotations

import contextlib
import io
import time

import pytest

from services.ingest.ports.libraries.catalog import open_library
from services.ingest.ports.libraries.port import Format, UnreadableLibrary

#: Characters of the shorter text, and how many times as many the longer one has.
SHORT, TIMES = 1_000, 40
#: Seconds that are too short to be compared.
NOTHING = 0.01

FILES: dict[str, tuple[Format, str]] = {
    "ris": ("ris", "TY  - JOUR\nTI  - T\nAU  - A%s\nAB  - A%sb\nN1  - RAYYAN-LABELS: x%sb\nKW  - x%sb\nER  - \n"),
    "nbib": ("nbib", "PMID- 1\nTI  - T\nFAU - A%s\nAB  - A%sb\nLID - x%sb\nGN  - x%sb\n"),
    "ciw": ("ciw", "FN x\nVR 1.0\nPT J\nTI T\nAU A%s\nAB A%sb\nSO x%sb\nER\nEF\n"),
    "enw": ("enw", "%%0 Book\n%%T T\n%%A A%s\n%%X A%sb\n%%Z x%sb\n"),
    "bibtex": ("bibtex", "@misc{k,\n title = {T},\n abstract = {A%sb},\n author = {A%s},\n note = a %s b\n}\n"),
    "bibtex in quotes": ("bibtex", '@misc{k,\n title = "T",\n abstract = "A%sb",\n author = "A%s"\n}\n'),
    "bibtex without braces": ("bibtex", "@misc{k,\n title = {T},\n month = jan%sb\n}\n%s"),
    "endnote": ("endnote", "<xml><record><title>T</title><abstract>A%sb</abstract><label>%s</label></record></xml>"),
    "csl-json": ("csl-json", '[{"title": "T", "abstract": "A%sb", "note": "x%sb"}]'),
    "csl-json without an end": ("csl-json", '[{"title": "A%s'),
    "csv": ("csv", 'title,authors,abstract,citation,notes\nT,"A%s","A%sb","a. 2001%sb",RAYYAN-LABELS: x%sb\n'),
    "csv of Springer": ("csv", "Item Title,Item DOI,Authors\nT,,A%s\n"),
    "csv of Embase": ("csv", 'Title,Author Names,Source\nT,A%s 1,"J%s"\n'),
    "columns": ("csv", "title%s\nT\n"),
}  # fmt: skip
FILLS = [" ", "\n", "\\", '\\"', "{", "<", "&", "$", ";", " | ", " and x", "aA", "a", ",a", " # {b}"]


def seconds(format: Format, text: str) -> float:
    """How long a processor takes for a file."""
    start = time.process_time()
    with contextlib.suppress(UnreadableLibrary):
        list(open_library(io.BytesIO(text.encode()), name="library", format=format, source="embase").entries)
    return time.process_time() - start


@pytest.mark.waits
@pytest.mark.parametrize("fill", FILLS)
@pytest.mark.parametrize("file", FILES)
def test_what_is_longer_takes_no_more_than_its_length(file, fill):
    format, text = FILES[file]

    def took(length: int) -> float:
        return seconds(format, text.replace("%%", "%").replace("%s", fill * (length // len(fill))))

    # What a reader loads or makes when it is used first is no part of it.
    took(SHORT)

    # Something else may have held the processor up once, and not each time.
    assert any(took(SHORT * TIMES) < max(took(SHORT), NOTHING) * TIMES * 2 for _ in range(3))
