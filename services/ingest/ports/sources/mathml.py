"""Reads MathML as a line of text: fractions with `/`, exponents with `^`, indices as inline tags would leave them."""

from __future__ import annotations

from collections.abc import Sequence

from services.ingest.ports.sources.tex import grouped, raised
from shared import folding

_INVISIBLE = dict.fromkeys(map(ord, "\u2061\u2062\u2063\u2064\u200b"))
_MARKS = {
    "¯": "\u0304", "‾": "\u0304", "―": "\u0304", "_": "\u0304", "^": "\u0302", "ˆ": "\u0302", "~": "\u0303",
    "˜": "\u0303", "→": "\u20d7", "⃗": "\u20d7", "˙": "\u0307", "¨": "\u0308",
}  # fmt: skip


def rendered(name: str, attributes: dict[str, str], parts: Sequence[str]) -> str:
    """The text of one MathML element, out of the texts of its children (its own text is one of them)."""
    parts = [part.translate(_INVISIBLE) for part in parts]
    first, second, third = [*parts, "", "", ""][:3]
    match name:
        case "mspace":
            return " "
        case "mfrac":
            return f"{grouped(first)}/{grouped(second)}" if second else first
        case "msqrt":
            return f"√{grouped(joined(parts))}"
        case "mroot":
            return f"{grouped(first)}^(1/{second})" if second else first
        case "msub":
            return first + second
        case "msup":
            return first + raised(first, second)
        case "msubsup":
            return first + second + raised(first + second, third)
        case "mover":
            return _over(first, second)
        case "munder":
            return f"{first}_{grouped(second)}" if second.strip() else first
        case "munderover":
            return f"{first}_{grouped(second)}^{grouped(third)}" if second.strip() and third.strip() else first + second
        case "mfenced":
            opening, closing = attributes.get("open", "("), attributes.get("close", ")")
            return opening + (attributes.get("separators", ",")[:1] + " ").join(filter(None, parts)) + closing
        case "mtr" | "mlabeledtr":
            return ", ".join(filter(None, parts))
        case "mtable":
            return "; ".join(filter(None, parts))
        case "semantics":
            return first
        case "math":
            return joined(parts) or attributes.get("alttext", "")
    return joined(parts)


def joined(parts: Sequence[str]) -> str:
    """Parts that follow each other; words of several letters stay apart, as in `sin x`."""
    line: list[str] = []
    before = ""
    for part in filter(None, parts):
        if before.isalpha() and part.isalpha() and max(len(before), len(part)) > 1:
            line.append(" ")
        line.append(part)
        before = part
    return "".join(line)


def _over(base: str, above: str) -> str:
    """A mark over one letter is its accent; what else stands above a thing is left out where it is only a line."""
    mark = _MARKS.get(above.strip())
    if mark is None:
        return f"{base}^{grouped(above)}" if any(sign.isalnum() for sign in above) else base
    return folding.composed(base + mark) if len(base) == 1 else base
