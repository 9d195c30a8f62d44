"""Names of people as cells and fields write them together: one after another, with many kinds of signs between."""

from __future__ import annotations

import ast
import re
import warnings

from shared.events.bounds import LONGEST_AUTHORS

#: Initials as databases write them: `TR`, `T.R.`, `T. R.`, `J-P`, `Z-H Jr`.
_INITIALS = re.compile(r"(?:[^\W\d_]\.?[- ]?){1,4}(?: (?:Jr|Sr|I{1,3}|IV)\.?)?")
#: `Smith A`, `Liu R.`, `van der Berg J-P`: a family name, which has two letters, and initials, in capitals.
_TWO_LETTERS, _CAPITALS = re.compile(r"[^\W\d_]{2}"), re.compile(r"(?:[A-Z]\.?-?){1,4}")
_PARTICLE = re.compile(r"(?:v[ao]n|d[eiu]|del|della|den|der|l[ae]|el|al|ten|ter|st\.?) ", re.IGNORECASE)
_NOBODY = re.compile(
    r"\[?(?:no authors?(?: name)?(?: (?:listed|available|id available))?|anonymous|anon|et al)\]?\.?", re.IGNORECASE
)
_AND = re.compile(r" and | & (?=\S+,)", re.IGNORECASE)
_ESCAPED = re.compile(r"\\(.)")
_UNESCAPED_SEMICOLON = re.compile(r"((?:[^\\;]|\\.)+)")
#: Where one name ends and the next begins with nothing between, but not within McDonald.
_GLUED = re.compile(r"(?<=[^\W\d_A-Z])(?<!\bMc)(?<!\bMac)(?<!\bDe)(?<!\bLe)(?<!\bVan)(?=[A-Z][^\W\d_]{0,50}\.? )")


def joined(names: list[str]) -> str:
    r"""Names in one cell, so that `listed` knows each again: a semicolon within one is `\;`."""
    return "; ".join(name.replace("\\", "\\\\").replace(";", "\\;") for name in names)


def listed(text: str) -> list[str]:
    """The names that `joined` has put together."""
    return [_ESCAPED.sub(r"\1", name.removeprefix(" ")) for name in _UNESCAPED_SEMICOLON.findall(text)]


def split(text: str, *, glued: bool = False) -> list[str]:
    """The names in a cell, by the sign that stands between them; `glued` where none does, but a capital tells.

    What is longer than all names of a work may be stays as it is.
    """
    text = text.strip()
    if len(text) > LONGEST_AUTHORS:
        return [text]
    if (names := literal(text)) is not None:
        return named(names)
    for sign in ("\n", "||", "|", ";"):
        if sign in text:
            # A list may also be divided by lines that have signs of another kind at their ends.
            return named([part.rstrip(";|") for part in text.split(sign)])
    if len(parts := _AND.split(text := " ".join(text.split()))) > 1:
        # `A, B and C` of English, and not `Family, Given and Family, Given`.
        if parts[0].count(",") > 1 and all("," not in part for part in parts[1:]):
            return named([*_by_commas(parts[0].rstrip(",")), *parts[1:]])
        return named(parts)
    return named(_GLUED.split(text) if glued else _by_commas(text))


def literal(text: str) -> list[str] | None:
    """A list as Python writes it, which is how some tools write tables; None for any other text."""
    if not (text.startswith("[") and text.endswith("]")) or len(text) > LONGEST_AUTHORS:
        return None
    try:
        with warnings.catch_warnings():
            # Of what the text would be as a program.
            warnings.simplefilter("ignore")
            names = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None
    return [name for name in names if isinstance(name, str)] if isinstance(names, list) else None


def _by_commas(text: str) -> list[str]:
    """`Smith A, Walter B` and `Ada Smith, Ben Walter` are two; `Smith, Ada` is one; `Smith, A., Walter, B.` are two."""
    parts = [part.strip() for part in text.rstrip(" ,").split(",")] if text.count(",") else [text]
    if len(parts) == 1:
        return [text]
    if all(" " in part for part in parts) and not (len(parts) == 2 and _PARTICLE.match(parts[0])):
        return parts
    if len(parts) % 2 == 0 and all(_INITIALS.fullmatch(part) for part in parts[1::2]):
        return [f"{family}, {given}" for family, given in zip(parts[::2], parts[1::2], strict=True)]
    if len(parts) == 2:
        return [text]
    return parts


def named(names: list[str]) -> list[str]:
    """Those that are names, without what stands for nobody and signs at their ends; `Smith A` is `Smith, A` where all
    of them are written so."""
    stripped = (" ".join(name.split()).strip(" ,;") for name in names)
    found = [name for name in stripped if name and not _NOBODY.fullmatch(name)]
    if len(found) > 1 and found[-1].endswith(".") and not any("." in name for name in (*found[:-1], found[-1][:-1])):
        found[-1] = found[-1][:-1]  # The end of the list, and no initial's.
    parts = [name.rpartition(" ") for name in found]
    if not all(_TWO_LETTERS.search(family) and _CAPITALS.fullmatch(rest) for family, _, rest in parts):
        return found
    return found if any("," in name for name in found) else [f"{family}, {rest}" for family, _, rest in parts]
