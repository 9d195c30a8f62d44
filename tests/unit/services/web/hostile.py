"""What hostile people and sources write, and whether a page shows it as text and nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from html.parser import HTMLParser
from urllib.parse import urlsplit

#: Markup, ways out of attributes and elements, addresses that run, what templates and browsers might take for theirs,
#: and letters that look like others, turn lines round, or are none.
HOSTILE = [
    "<script>alert(1)</script>", "<SCRIPT SRC=//elsewhere.org/x.js></SCRIPT>", "<img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>', "'><svg/onload=alert(1)>", "<svg><script>alert(1)</script></svg>",
    "<math><mi xlink:href='javascript:alert(1)'>x</mi></math>", "<iframe srcdoc='<script>1</script>'></iframe>",
    "<object data='data:text/html,<script>1</script>'>", "<embed src=//elsewhere.org>",
    "<link rel=stylesheet href=//elsewhere.org>", "<style>*{display:none}</style>", "<base href=//elsewhere.org/>",
    "<meta http-equiv=refresh content='0;url=//elsewhere.org'>", "<form action=//elsewhere.org><input name=proof>",
    "<input autofocus onfocus=alert(1)>", "<button formaction=//elsewhere.org>x", "<details open ontoggle=alert(1)>",
    "<body onload=alert(1)>", "<video><source onerror=alert(1)>", "<marquee onstart=alert(1)>",
    "<a href=//elsewhere.org>x</a>", "<a href='javascript:alert(1)'>x</a>", "<a href='data:text/html,x'>x</a>",
    "<b>bold</b>", "<i title='", "</textarea><script>alert(1)</script>", "</title><script>alert(1)</script>",
    "</style><script>alert(1)</script>", "</script><script>alert(1)</script>", "--><script>alert(1)</script><!--",
    "<!--", "]]>", "<![CDATA[<script>]]>", "<?xml version='1.0'?>", "<!DOCTYPE html>", "' onmouseover='alert(1)",
    '" autofocus onfocus="alert(1)', "` onload=`alert(1)", "javascript:alert(1)", "JaVaScRiPt:alert(1)",
    "data:text/html;base64,PHNjcmlwdD4=", "vbscript:msgbox(1)", "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&#60;script&#62;", "&amp;lt;b&amp;gt;", "&nbsp;&quot;", "{{ 7 * 7 }}", "{% raw %}", "{# a remark #}", "${7*7}",
    "#{7*7}", "<%= 7*7 %>", "%3Cscript%3E", "\\u003cscript\\u003e", '=HYPERLINK("//elsewhere.org")', "\u202etxt.exe",
    "\u2066<script>\u2069", "\uff1cscript\uff1e", "hx-get=/reviews hx-trigger=load data-hx-on:load=alert(1)",
]  # fmt: skip

#: What a page of ours is made of. Whatever else is in one came from somebody's text.
_OURS = {
    "html", "head", "meta", "title", "link", "script", "body", "header", "nav", "main", "section", "article", "aside",
    "footer", "h1", "h2", "h3", "h4", "p", "ul", "ol", "li", "dl", "dt", "dd", "div", "span", "a", "form", "input",
    "button", "label", "select", "option", "optgroup", "textarea", "fieldset", "legend", "details", "summary", "table",
    "caption", "thead", "tbody", "tfoot", "tr", "th", "td", "time", "kbd", "mark", "del", "ins", "strong", "em", "code",
    "pre", "blockquote", "cite", "img", "svg", "g", "rect", "path", "line", "text", "tspan", "defs", "marker", "desc",
    "polyline", "polygon", "circle", "progress", "output", "br", "hr", "s", "template", "colgroup", "col", "abbr",
    "q", "meter", "data", "noscript", "figure", "figcaption", "wbr", "small", "sub", "sup", "dialog", "address",
}  # fmt: skip

#: Where a page may lead to, beside pages of ours.
_OUTSIDE = {"doi.org", "pubmed.ncbi.nlm.nih.gov", "www.ncbi.nlm.nih.gov", "openalex.org", "europepmc.org"}

#: How attributes begin that run something.
_RUNS = ("on", "hx-on", "data-hx-on")

_FILE = re.compile(r"/static/[0-9a-f]{16}/[\w.-]+")


def in_pieces(longest: int, corpus: Sequence[str] = HOSTILE) -> Iterator[str]:
    """All of the corpus, in as few texts as fit a field of at most so many characters."""
    piece = ""
    for one in corpus:
        if piece and len(piece) + 3 + len(one) > longest:
            yield piece
            piece = ""
        piece = f"{piece} / {one}" if piece else one
    yield piece


class Judged(HTMLParser):
    """A page, as a browser reads it: what in it is not ours (`wrong`), and all that it shows as text."""

    def __init__(self, html: str, outside: set[str] = _OUTSIDE) -> None:
        super().__init__(convert_charrefs=True)
        self.wrong: list[str] = []
        self._outside = outside
        self._shown: list[str] = []
        self.feed(html)
        self.close()

    @property
    def shown(self) -> str:
        """Its text, also that within attributes, with each run of blanks as one."""
        return re.sub(r"\s+", " ", " ".join(self._shown))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        about = {name: value or "" for name, value in attrs}
        if tag not in _OURS:
            self.wrong.append(f"<{tag}>")
        if tag == "script" and not _FILE.fullmatch(about.get("src", "")):
            self.wrong.append(f"a script of nobody's: {about}")
        if tag == "meta" and "http-equiv" in about:
            self.wrong.append(f"<meta {about}>")
        self.wrong += [
            f"<{tag} {name}>"
            for name in about
            if name.startswith(("on", "hx-on", "data-hx-on")) or name in ("style", "srcdoc")
        ]
        for name in ("href", "src", "action", "formaction", "data", "xlink:href", "poster"):
            if name in about:
                self._leads(tag, name, about[name])
        self._shown += about.values()

    def handle_data(self, data: str) -> None:
        self._shown.append(data)

    def handle_comment(self, data: str) -> None:
        self.wrong.append(f"<!--{data[:40]}")

    def handle_pi(self, data: str) -> None:
        self.wrong.append(f"<?{data[:40]}")

    def handle_decl(self, decl: str) -> None:
        if decl.lower() != "doctype html":
            self.wrong.append(f"<!{decl[:40]}")

    def unknown_decl(self, data: str) -> None:
        self.wrong.append(f"<![{data[:40]}")

    def _leads(self, tag: str, name: str, where: str) -> None:
        parts = urlsplit(where)
        inside = not parts.scheme and not parts.netloc and where.startswith(("/", "#", "?"))
        if inside and not where.startswith(("//", "/\\")):
            return
        if tag == "a" and parts.scheme in ("http", "https") and parts.hostname in self._outside | {"testserver"}:
            return
        self.wrong.append(f"<{tag} {name}={where[:60]!r}>")
