"""Numbers that somebody typed: digits in the words of a report that are ours, which no data gave."""

from __future__ import annotations

import re

from shared.reporting.documents import Document, Table, Words


def typed(document: Document) -> list[str]:
    """Those words of a report that have a digit, and say none of where it comes from."""
    words = [run.text for run in document.runs() if isinstance(run, Words)]
    heads = [
        head for item in document.items for block in item.blocks if isinstance(block, Table) for head in block.head
    ]
    about = [text for item in document.items for text in (item.about, item.section, *(it.asks for it in item.authored))]
    return [text for text in (*words, *heads, *about) if re.search(r"\d", text)]
