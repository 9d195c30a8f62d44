"""A revision as Markdown: what people wrote in it reads as it was written, and is no markup."""

from __future__ import annotations

from services.synthesis.ports.crates import plain
from services.synthesis.ports.forms.outline import Block, Heading, Item, outline_of
from shared.wire.synthesis import RevisionContent, WithdrawnRevision


def written(
    content: RevisionContent, sha256: str, doi: str | None, withdrawn: WithdrawnRevision | None = None
) -> bytes:
    lines: list[str] = []
    before: Block | None = None
    for block in outline_of(content, sha256, doi, withdrawn):
        if before is not None and not (isinstance(before, Item) and isinstance(block, Item)):
            lines.append("")
        lines.append(_line(block))
        before = block
    return ("\n".join(lines) + "\n").encode()


def _line(block: Block) -> str:
    match block:
        case Heading():
            return f"{'#' * block.level} {plain(block.text)}"
        case Item():
            return f"- **{plain(block.label)}:** {plain(block.text)}"
        case _:
            return plain(block.text)
