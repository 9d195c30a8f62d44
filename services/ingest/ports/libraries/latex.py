r"""Text as BibTeX has it, read and written: `Erd{\H o}s`, `\textit{in vitro}`, `10\,\%`, and formulas.

pylatexenc knows the commands; formulas are read as those of every source are. Texts without any TeX, as most are, do
not go through it, for it is slow.
"""

from __future__ import annotations

import re

from pylatexenc.latex2text import LatexNodes2Text, MacroTextSpec, get_default_latex_context_db

from services.ingest.ports.sources.tex import without_tex
from shared import folding

_SIGNS = re.compile(r"[\\${}~]|--|``|''|[?!]`|<<|>>|,,")
_BARE = re.compile(r"(?<!\\)((?:\\\\)*)([%&#])")
_BARE_DOLLAR = re.compile(r"(?<!\\)\$")
#: Blanks are looked through once, from the first of them on.
_PARAGRAPHS = re.compile(
    r"(?<![ \t])[ \t]*+\n[ \t]*+\n\s*|(?<!\s)\s*+\\par(?![A-Za-z])\s*|\\\\(?![A-Za-z])\s*|\\newline(?![A-Za-z])\s*"
)
_BLANKS = re.compile(r"[ \t\r\n]+")
_FORMULA = re.compile(r"(?<!\\)\$\$?[^$]{1,500}(?<!\\)\$\$?|\\\([^$]{1,500}?\\\)")
_RELATION = re.compile(r"\$\s*[<>=~+/*-]{1,2}\s*\$")
_LONGEST = 250_000

_ADDRESS = re.compile(r"\\textbraceleft(?:\{\})?|\\textbraceright(?:\{\})?|\\textbackslash(?:\{\})?|\\([_%&#~{}$\\])")
_AROUND_ADDRESS = re.compile(r"\\url\s*\{(.*)\}", re.DOTALL)
_NAMED = {
    "\\textbraceleft": "{", "\\textbraceright": "}", "\\textbackslash": "\\", "\\textasciitilde": "~",
    "\\textasciicircum": "^",
}  # fmt: skip
_ACCENTS = {'"': "\u0308", "'": "\u0301", "`": "\u0300", "^": "\u0302", "~": "\u0303", "=": "\u0304", ".": "\u0307"}
_LIGATURES = {
    "---": "\u2014",
    "--": "\u2013",
    "``": "\u201c",
    "''": "\u201d",
    "~": "\u00a0",
    "?`": "\u00bf",
    "!`": "\u00a1",
}
#: All the TeX that most texts have; what has other commands goes the long way.
_QUICK = re.compile(
    r"\\(?P<escaped>[%&#_${}])|\\(?P<named>text(?:backslash|braceleft|braceright|asciitilde|asciicircum))"
    r"(?:\{\}|(?![A-Za-z]) ?)"
    r"|\\(?P<accent>[\"'`^~=.])(?:\{(?=[A-Za-z]\}|\\i\}))?(?P<letter>[A-Za-z]|\\i(?![A-Za-z]))"
    r"|---?|``|''|~|[?!]`|[{}]"
)

_WRITTEN = {
    "\\": "\\textbackslash{}", "{": "\\textbraceleft{}", "}": "\\textbraceright{}", "~": "\\textasciitilde{}",
    "^": "\\textasciicircum{}", "$": "\\$", "&": "\\&", "%": "\\%", "#": "\\#", "_": "\\_",
}  # fmt: skip
_TO_WRITE = re.compile(r"[\\{}~^$&%#_]|-(?=-)|`(?=`)|'(?=')|[?!](?=`)|<(?=<)|>(?=>)|,(?=,)|^@", re.MULTILINE)


def _converter() -> LatexNodes2Text:
    known = get_default_latex_context_db()
    known.add_context_category(
        "library",
        prepend=True,
        macros=[
            MacroTextSpec("url", simplify_repl="%s"),
            MacroTextSpec("textbraceleft", simplify_repl="{"),
            MacroTextSpec("textbraceright", simplify_repl="}"),
            MacroTextSpec("textasciitilde", simplify_repl="~"),
            MacroTextSpec("textasciicircum", simplify_repl="^"),
        ],
    )
    return LatexNodes2Text(latex_context=known, math_mode="text", keep_comments=True)


_CONVERTER = _converter()


def lines_of(tex: str) -> str:
    """A text of several lines: an empty line ends one, and any other is a blank."""
    return "\n".join(filter(None, map(line_of, _PARAGRAPHS.split(tex))))


def line_of(tex: str) -> str:
    """A text of one line."""
    tex = _BLANKS.sub(" ", tex).strip(" ")
    if not _SIGNS.search(tex) or len(tex) > _LONGEST:
        return tex
    parts, copied = [], 0
    for formula in _FORMULA.finditer(tex):
        # Sums of money have dollar signs, too; what is no formula stays.
        read = without_tex(formula[0]) if not _RELATION.fullmatch(formula[0]) else formula[0].strip("$ ")
        if read != formula[0]:
            parts += [_text(tex[copied : formula.start()]), read]
            copied = formula.end()
    return "".join([*parts, _text(tex[copied:])]).strip(" ")


def _text(tex: str) -> str:
    if not _SIGNS.search(tex):
        return tex
    if "\\" not in _QUICK.sub("", tex):
        return folding.composed(_QUICK.sub(_as_text, tex))
    escaped = _BARE_DOLLAR.sub(r"\\$", _BARE.sub(r"\1\\\2", tex))
    try:
        # It cuts blanks at the ends.
        before, after = tex[: len(tex) - len(tex.lstrip(" "))], tex[len(tex.rstrip(" ")) :]
        text: str = _CONVERTER.latex_to_text(escaped)
        return before + _BLANKS.sub(" ", text).strip(" ") + after
    except Exception:
        # It raises whatever it stumbles on, and what is no TeX is text.
        return tex


def _as_text(sign: re.Match[str]) -> str:
    if sign["accent"]:
        return ("i" if sign["letter"] == "\\i" else sign["letter"]) + _ACCENTS[sign["accent"]]
    if sign["named"]:
        return _NAMED[f"\\{sign['named']}"]
    return sign["escaped"] or _LIGATURES.get(sign[0], "")


def address_of(tex: str) -> str:
    r"""An address or identifier, in which only what TeX would take for its own is escaped: `10.1007/a\_b`."""
    tex = tex.strip()
    if whole := _AROUND_ADDRESS.fullmatch(tex):
        tex = whole[1].strip()
    if "\\" not in tex:
        return tex
    return _ADDRESS.sub(lambda found: found[1] or _NAMED[found[0].removesuffix("{}")], tex)


def written(text: str) -> str:
    """A text as `lines_of` reads it again; its braces are balanced, as BibTeX wants them."""
    return _TO_WRITE.sub(_as_written, text).replace("\n", "\n\n")


def _as_written(sign: re.Match[str]) -> str:
    if sign[0] == "@":
        return "{@}"  # What begins a line so would begin an entry.
    return _WRITTEN.get(sign[0]) or sign[0] + "{}"


def written_address(text: str) -> str:
    """An address as `address_of` reads it again."""
    return re.sub(r"[\\{}]", lambda sign: _WRITTEN[sign[0]], text)
