r"""Reads TeX as plain text: `$\alpha$-synuclein`, `\textit{in vitro}`, `H$_2$O`, and whole `tex-math` elements.

What is no TeX stays as it is, such as a price or a path: outside of a formula only commands count that titles have.
"""

from __future__ import annotations

import re

from shared import folding

#: Formulas longer than this are none: somebody wrote a dollar sign and then another.
_LONGEST_FORMULA = 500
#: How deep groups are followed; what lies deeper keeps its braces.
_DEEPEST = 50


def _names(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


_SYMBOLS = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "varepsilon": "ε", "zeta": "ζ", "eta": "η",
    "theta": "θ", "vartheta": "ϑ", "iota": "ι", "kappa": "κ", "lambda": "λ", "mu": "μ", "nu": "ν", "xi": "ξ", "pi": "π",
    "rho": "ρ", "sigma": "σ", "tau": "τ", "upsilon": "υ", "phi": "φ", "varphi": "φ", "chi": "χ", "psi": "ψ",
    "omega": "ω", "Gamma": "Γ", "Delta": "Δ", "Theta": "Θ", "Lambda": "Λ", "Xi": "Ξ", "Pi": "Π", "Sigma": "Σ",
    "Upsilon": "Υ", "Phi": "Φ", "Psi": "Ψ", "Omega": "Ω", "upmu": "μ", "upalpha": "α", "upbeta": "β", "upgamma": "γ",
    "times": "×", "cdot": "·", "pm": "±", "mp": "∓", "leq": "≤", "le": "≤", "leqslant": "≤", "geq": "≥", "ge": "≥",
    "geqslant": "≥", "neq": "≠", "ne": "≠", "approx": "≈", "sim": "~", "simeq": "≃", "equiv": "≡", "propto": "∝",
    "infty": "∞", "partial": "∂", "nabla": "∇", "sum": "∑", "prod": "∏", "int": "∫", "in": "∈", "subset": "⊂",
    "cup": "∪", "cap": "∩", "rightarrow": "→", "to": "→", "leftarrow": "←", "leftrightarrow": "↔", "Rightarrow": "⇒",
    "uparrow": "↑", "downarrow": "↓", "degree": "°", "circ": "°", "prime": "′", "ell": "ℓ", "hbar": "ℏ", "ast": "*",
    "star": "*", "bullet": "•", "ldots": "…", "dots": "…", "cdots": "…", "dagger": "†", "ll": "≪", "gg": "≫",
    "lt": "<", "gt": ">", "langle": "⟨", "rangle": "⟩", "mid": "|", "vert": "|", "div": "÷", "ss": "ß", "o": "ø",
    "O": "Ø", "ae": "æ", "AE": "Æ", "oe": "œ", "OE": "Œ", "aa": "å", "AA": "Å", "l": "ł", "L": "Ł", "i": "ı",
    "textmu": "μ", "textdegree": "°", "textregistered": "®", "texttrademark": "™", "textbackslash": "\\",
    "textless": "<", "textgreater": ">", "textasciitilde": "~", "textendash": "–", "textemdash": "—", "quad": " ",
    "qquad": " ", "space": " ",
}  # fmt: skip
#: Commands that only say how their argument looks, or how large what follows is.
_FACES = _names(
    "textit textbf textrm textsc textsf texttt textsl textup textmd textnormal text emph underline mbox hbox mathrm"
    " mathbf mathit mathcal mathbb mathsf mathtt mathfrak mathscr mathnormal boldsymbol bm operatorname ensuremath"
    " uppercase lowercase it bf rm sc sl em tt sf cal"
    " displaystyle textstyle scriptstyle left right big Big bigg Bigg limits nolimits centering noindent small"
    " footnotesize tiny large normalsize"
)
_FRACTIONS = frozenset({"frac", "dfrac", "tfrac"})
_ACCENTS = {
    '"': "\u0308", "'": "\u0301", "`": "\u0300", "^": "\u0302", "~": "\u0303", "=": "\u0304", ".": "\u0307",
    "c": "\u0327", "v": "\u030c", "u": "\u0306", "H": "\u030b", "r": "\u030a", "k": "\u0328", "d": "\u0323",
}  # fmt: skip
_MARKED = {"bar": "\u0304", "overline": "\u0304", "hat": "\u0302", "widehat": "\u0302", "tilde": "\u0303",
           "widetilde": "\u0303", "vec": "\u20d7", "dot": "\u0307", "ddot": "\u0308"}  # fmt: skip
#: Commands whose first argument is for the typesetter alone.
_SILENT = _names("documentclass usepackage begin end setlength label tag color hspace vspace phantom textcolor")

_PIECE = re.compile(r"\\[A-Za-z]{1,40}\*?|\\.|[{}^_$~]|[^\\{}^_$~]+|.", re.DOTALL)
_DOCUMENT = re.compile(r"\\begin\s?\{document\}(.*?)(?:\\end\s?\{document\}|\Z)", re.DOTALL)
_BRACE = re.compile(r"[{}]")
_POWER = re.compile(r"\$\s?\^\s?\{?\s?[-−]?[0-9]")
_SIGN = re.compile(r"[\\^_{]")
_PLAIN_FORMULA = re.compile(r"[A-Za-z]{1,2}'?(?:\s?[=<>+-]\s?[\w.,%]{1,20})?")

#: Commands that are TeX also outside of a formula: those with an argument in braces, and symbols by their names.
_WITH_ARGUMENT = [name for name in _FACES if name[:4] in ("text", "math") or name in ("emph", "mbox", "ensuremath")]
_WITH_ARGUMENT += ["textsuperscript", "textsubscript", "underline", "boldsymbol", "uppercase", "lowercase"]
_BY_NAME = [name for name in _SYMBOLS if len(name) > 2 or name in ("mu", "nu", "xi", "pi", "Pi", "Xi", "pm")]
_FREE = re.compile(
    rf"\\(?:{'|'.join(sorted(_WITH_ARGUMENT, key=len, reverse=True))})\s?(?=\{{)"
    rf"|\\(?:{'|'.join(sorted(_BY_NAME, key=len, reverse=True))})(?![A-Za-z])"
    r"|\{(?=\\(?:it|bf|em|rm|sc|sl|tt|sf)\b)"
    r"|\\[\"'`^~=.cvuHrkd]\{\\?[A-Za-z]\}|(?<=[A-Za-z])\\[\"'`^~=.][A-Za-z]"
    r"|\\[(\[]|\\[%&$#_{}](?=\s|\w|$)|\$"
)


def formula(tex: str) -> str:
    r"""The formula of a `tex-math` element or between dollar signs, as text: `$$x^{2}$$` is x^2, `\frac{a}{b}` a/b."""
    whole = _DOCUMENT.search(tex)
    return " ".join(_read(whole[1] if whole else tex).split())


def without_tex(text: str) -> str:
    """Text with its formulas and commands as plain text; all else as it was."""
    if "\\" not in text and "$" not in text:
        return text
    kept, copied = [], 0
    for found in _FREE.finditer(text):
        if found.start() < copied:
            continue
        end = _end_of(text, found)
        if end is not None:
            before, said = text[copied : found.start()], _command(text[found.start() : end])
            # `10$^{6}$` is no 106.
            power = before[-1:].isdigit() and _POWER.match(text, found.start())
            kept += [before, "^" if power else "", said]
            copied = end
    return "".join([*kept, text[copied:]])


def _command(tex: str) -> str:
    """A command outside of a formula, with the blanks that its argument begins or ends with."""
    return re.sub(r"\s+", " ", _read(tex))


def _end_of(text: str, found: re.Match[str]) -> int | None:
    """Where what begins here ends; None where it is no TeX after all."""
    said, end = found[0], found.end()
    if said == "$":
        return _end_of_formula(text, found.start())
    if said in ("\\(", "\\["):
        closing = text.find("\\)" if said == "\\(" else "\\]", end, end + _LONGEST_FORMULA)
        return closing + 2 if closing >= 0 else None
    if said == "{":
        return _end_of_group(text, found.start())
    return _end_of_group(text, end) if text.startswith("{", end) else end


def _end_of_formula(text: str, start: int) -> int | None:
    """The end of a formula between dollar signs, and not of a sum of money: it has a sign of TeX, or is `$n=5$`."""
    sign = "$$" if text.startswith("$$", start) else "$"
    begin = start + len(sign)
    closing = text.find(sign, begin, begin + _LONGEST_FORMULA)
    inner, end = text[begin : max(closing, begin)], closing + len(sign)
    if _SIGN.search(inner):
        return end
    stands_alone = not (start and text[start - 1].isalnum()) and not text[end : end + 1].isdigit()
    return end if stands_alone and _PLAIN_FORMULA.fullmatch(inner) else None


def _end_of_group(text: str, start: int) -> int | None:
    depth = 0
    for brace in _BRACE.finditer(text, start, start + _LONGEST_FORMULA):
        depth += 1 if brace[0] == "{" else -1
        if not depth:
            return brace.end()
    return None


class _Group:
    """What stands between two braces, and what is done with it when they close."""

    def __init__(self, does: str = "") -> None:
        self.does = does
        self.parts: list[str] = []
        #: What waits for the next part: a command that has arguments, `^` or `_`.
        self.waiting: list[str] = []


def _read(tex: str) -> str:
    stack = [_Group()]
    for found in _PIECE.finditer(tex):
        piece, group = found[0], stack[-1]
        if piece == "{" and len(stack) < _DEEPEST:
            stack.append(_Group())
        elif piece == "}" and len(stack) > 1:
            _add(stack[-2], "".join(stack.pop().parts), whole=True)
        elif piece in ("^", "_"):
            group.waiting.append(piece)
        elif piece == "~":
            _add(group, " ")
        elif piece in ("$", "{", "}"):
            continue
        elif piece[0] == "\\":
            _say(group, piece[1:].rstrip("*"))
        else:
            _add(group, piece)
    while len(stack) > 1:
        inner = "".join(stack.pop().parts)
        _add(stack[-1], inner, whole=True)
    return folding.composed("".join(stack[0].parts))


def _say(group: _Group, name: str) -> None:
    if name in _FRACTIONS or name == "sqrt" or name in _ACCENTS or name in _MARKED or name in _SILENT:
        group.waiting.append("frac" if name in _FRACTIONS else name)
    elif name in ("textsuperscript", "textsubscript"):
        group.waiting.append("^" if name == "textsuperscript" else "_")
    elif name in _SYMBOLS:
        _add(group, _SYMBOLS[name])
    elif name in (",", ";", ":", " ", "\\", ">", "\n"):
        _add(group, " ")
    elif name not in _FACES and name not in ("(", ")", "[", "]", "!", "/"):
        _add(group, name)


def _add(group: _Group, text: str, *, whole: bool = False) -> None:
    """Adds a part. A command that waits for an argument takes it, or its first character where it has no braces."""
    while group.waiting and text.strip():
        does = group.waiting.pop()
        taken, text = (text, "") if whole else (text.lstrip()[0], text.lstrip()[1:])
        group.parts.append(_done(does, taken, group.parts))
        if does == "frac":
            group.waiting.append("denominator")
    if text:
        group.parts.append(text)


def _done(does: str, taken: str, before: list[str]) -> str:
    """What a command makes of its argument."""
    if does in _SILENT:
        return ""
    if does in _ACCENTS and does != "^":
        return ("i" if taken == "ı" else taken[:1]) + _ACCENTS[does] + taken[1:]
    match does:
        case "frac":
            return grouped(taken) + "/"
        case "denominator":
            return grouped(taken)
        case "sqrt":
            return "√" + grouped(taken)
        case "^":
            return raised("".join(before[-1:]), taken)
    return taken + _MARKED[does] if does in _MARKED and len(taken) == 1 else taken


def grouped(text: str) -> str:
    """A part of a formula as it stands beside a sign that binds: in parentheses where it is more than one thing."""
    text = text.strip()
    return text if re.fullmatch(r"\w*|[\w.]+|\([^()]*\)|√\w", text) else f"({text})"


def raised(base: str, exponent: str) -> str:
    """An exponent after its base: `^2`, but a charge, a prime or an isotope's mass stands bare, as in Ca2+ and 18F."""
    exponent = exponent.strip()
    if not exponent or not base.strip() or not (base.strip()[-1].isalnum() or base.strip()[-1] in ")]"):
        return exponent
    if exponent[-1] in "+−-–°′*∗®™†" or not any(letter.isalnum() for letter in exponent):
        return exponent
    minus = exponent[0] in "-−–" and exponent[1:].replace(".", "").isalnum()
    return "^" + (exponent if minus else grouped(exponent))
