"""Cells that no spreadsheet takes for a formula, and that are read again as what they were."""

from __future__ import annotations

import re

#: How a cell begins that some spreadsheet would work out (OWASP, CSV injection), and one that looks already defused.
_FORMULA = re.compile(r"'*[=+\-@\t\r\n\uff0b\uff0d\uff1d\uff20]")
_DEFUSED = re.compile(r"''*[=+\-@\t\r\n\uff0b\uff0d\uff1d\uff20]")

#: Where a cell begins for a spreadsheet that divides a line by other signs than we do, as Excel does by semicolons
#: where numbers have commas: there a quotation mark of ours is no more than a character.
_WITHIN = r"([;\t\r\n][ \xa0\"]*)"
_INNER_FORMULA = re.compile(rf"{_WITHIN}(?='*[=+\-@\uff0b\uff0d\uff1d\uff20])")
_INNER_DEFUSED = re.compile(rf"{_WITHIN}'(?='*[=+\-@\uff0b\uff0d\uff1d\uff20])")


def defused(text: str) -> str:
    """The text with an apostrophe before it where it begins like a formula, as spreadsheets write text."""
    return f"'{text}" if _FORMULA.match(text) else text


def undefused(text: str) -> str:
    """What `defused` was given."""
    return text[1:] if _DEFUSED.match(text) else text


def defused_throughout(text: str) -> str:
    """The same for a line of text, in which a cell may begin elsewhere for others."""
    return defused(_INNER_FORMULA.sub(r"\1'", text))


def undefused_throughout(text: str) -> str:
    """What `defused_throughout` was given."""
    return _INNER_DEFUSED.sub(r"\1", undefused(text))
