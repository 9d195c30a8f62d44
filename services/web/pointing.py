"""Pointing: where a page is drawn again because something was wrong, each line that says what leads to its field, and
the field says that it is wrong, and by which line. So no page needs to name its fields for that.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import unescape
from urllib.parse import unquote, urlsplit

from markupsafe import escape
from starlette.datastructures import ImmutableMultiDict

from services.web.drawing import draw

#: A line of `m.faults` that names where something is wrong.
_LINE = re.compile(r'<a href="#([^"]*)" data-fault="([\w-]+)">(.*?)</a>', re.DOTALL)

#: What says what is wrong; where a page begins that does not.
_LISTED = re.compile(r'<div class="faults"[^>]* data-focus>.*?</div>', re.DOTALL)
_MAIN = '<main id="main" tabindex="-1">'

#: What forms are made of, as templates of ours spell it: what people wrote has no `<` and no `"` by now.
_TAG = re.compile(r"<(/?)(form|details|fieldset|input|select|textarea|button)\b([^>]*)>")
_ATTRIBUTE = re.compile(r'([\w-]+)(?:="([^"]*)")?')

#: The last part of a place within a field, such as which one of its values.
_WITHIN = re.compile(r"(?:\.[^.\[\]]*|\[\d+\])$")


@dataclass(eq=False)
class _Tag:
    """An element as it begins, and the form and the closed details that it is in."""

    name: str
    start: int
    end: int
    about: dict[str, str | None]
    form: _Tag | None
    within: list[_Tag]
    #: Where a form is sent to; what it carries unseen.
    paths: set[str] = field(default_factory=set)
    unseen: dict[str, str] = field(default_factory=dict)

    def is_called(self, at: str) -> bool:
        return at in (unescape(self.about.get("id") or ""), unescape(self.about.get("name") or ""))

    def written(self) -> str:
        said = (name if value is None else f'{name}="{value}"' for name, value in self.about.items())
        return f"<{' '.join([self.name, *said])}>"


def pointed(html: str, path: str, sent: ImmutableMultiDict[str, object]) -> str:
    """A page with its lines leading to the fields of the form that was sent to `path`; a line whose field the page has
    not leads nowhere."""
    lines = list(_LINE.finditer(html))
    if not lines:
        return html
    tags = list(_tags(html))
    own, others = _fields(tags, path, sent)
    edits = {}
    for line in lines:
        found = _called(unescape(line[1]), own, others)
        if found is None:
            edits[line.span()] = line[3]
            continue
        _mark(found, line[2])
        edits[line.span()] = f'<a href="#{found.about["id"]}">{line[3]}</a>'
        edits |= {(tag.start, tag.end): tag.written() for tag in (found, *found.within)}
    for (start, end), new in sorted(edits.items(), reverse=True):
        html = html[:start] + new + html[end:]
    return html


def with_what_it_lacks(
    html: str, errors: Sequence[Mapping[str, str]], words: Sequence[tuple[str, str]], labels: Mapping[str, str]
) -> str:
    """A page with a list of what is wrong, and with what was written in a form of these labels, where it shows no
    such list, or not these words; as where it has the form no more."""
    shown = html.replace("\r\n", "\n")
    lost = [(name, said) for name, said in words if str(escape(said.strip().replace("\r\n", "\n"))) not in shown]
    listed = _LISTED.search(html)
    given = errors if listed is None else []
    if not (given or lost):
        return html
    at = listed.end() if listed else html.index(_MAIN) + len(_MAIN)
    return html[:at] + draw("refused.html", {"errors": given, "words": lost, "labels_sent": labels}) + html[at:]


def _mark(found: _Tag, line: str) -> None:
    found.about["id"] = found.about.get("id") or f"at-{line}"
    found.about["aria-invalid"] = "true"
    found.about["aria-describedby"] = " ".join(filter(None, (found.about.get("aria-describedby"), line)))
    for details in found.within:
        details.about["open"] = None


def _tags(html: str) -> Iterator[_Tag]:
    form: _Tag | None = None
    within: list[_Tag] = []
    for found in _TAG.finditer(html):
        closes, name, rest = found.groups()
        if closes:
            form = None if name == "form" else form
            within = within[:-1] if name == "details" else within
            continue
        about = {one[1]: one[2] for one in _ATTRIBUTE.finditer(rest)}
        tag = _Tag(name, *found.span(), about, form, within)
        if name == "form":
            form = tag
        if name == "details":
            within = [*within, tag]
        yield tag


def _fields(tags: Sequence[_Tag], path: str, sent: ImmutableMultiDict[str, object]) -> tuple[list[_Tag], list[_Tag]]:
    """The fields of the form that was sent, and all others."""
    forms = {tag.about["id"]: tag for tag in tags if tag.name == "form" and "id" in tag.about}
    for tag in tags:
        tag.form = forms.get(tag.about.get("form"), tag.form)
        if tag.name == "form":
            tag.paths.add(_path(tag.about.get("action")))
        elif tag.form is not None and "formaction" in tag.about:
            tag.form.paths.add(_path(tag.about["formaction"]))
        elif tag.form is not None and tag.about.get("type") == "hidden":
            tag.form.unseen[unescape(tag.about.get("name") or "")] = unescape(tag.about.get("value") or "")
    there = [tag for tag in tags if tag.name == "form" and unquote(path) in tag.paths]
    form = max(there, key=lambda it: _alike(it.unseen, sent), default=None)
    shown = [tag for tag in tags if tag.name not in ("form", "details", "button") and tag.about.get("type") != "hidden"]
    return [tag for tag in shown if form and tag.form is form], [tag for tag in shown if form is None]


def _alike(unseen: Mapping[str, str], sent: ImmutableMultiDict[str, object]) -> int:
    """Of several forms that go to one path, how much of what each carries unseen was sent."""
    carried = [sent.get(name) == value for name, value in unseen.items() if name not in ("proof", "once")]
    return sum(1 if same else -len(unseen) for same in carried)


def _path(action: str | None) -> str:
    return unquote(urlsplit(unescape(action or "")).path)


def _called(at: str, own: Sequence[_Tag], others: Sequence[_Tag]) -> _Tag | None:
    """The field that is called so, or within which this is: of the form by its name, else by its id."""
    while at:
        for tag in own:
            if tag.is_called(at):
                return tag
        for tag in others:
            if unescape(tag.about.get("id") or "") == at:
                return tag
        shorter = _WITHIN.sub("", at)
        if shorter == at:
            return None
        at = shorter
    return None
