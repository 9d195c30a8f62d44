"""Articles in JATS for tests, as their publishers mark them up."""

from __future__ import annotations

from collections.abc import Sequence
from xml.sax.saxutils import escape

_HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<!DOCTYPE article PUBLIC "-//NLM//DTD JATS (Z39.96) Journal Archiving DTD v1.2//EN" "JATS-archivearticle1.dtd">\n'
    '<article article-type="research-article" dtd-version="1.2"><front><article-meta><title-group>'
    "<article-title>How boards decide</article-title></title-group>"
)


def article(body: str, *, front: str = "", back: str = "") -> bytes:
    """An article with this body, which may be none."""
    within = f"<body>{body}</body>" if body else ""
    return f"{_HEAD}{front}</article-meta></front>{within}{back}</article>".encode()


def of_paragraphs(paragraphs: Sequence[str]) -> bytes:
    """An article of sections with six paragraphs each, marked up here and there."""
    body = ""
    for number, paragraph in enumerate(paragraphs):
        if number % 6 == 0:
            body += "</sec>" if number else ""
            body += f"<sec><title>Section {number // 6 + 1}</title>"
        words = escape(paragraph).split(" ")
        words[len(words) // 2] = f"<italic>{words[len(words) // 2]}</italic>"
        cited = '<xref ref-type="bibr" rid="b1"><sup>1</sup></xref>'
        body += f"<p>{' '.join(words)}{cited}</p>\n"
    return article(f"{body}</sec>")
