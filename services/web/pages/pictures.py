"""Pictures of a synthesis: the map of its theories, the evidence matrix, support over time, and each CMOC; and how much
each added study still changes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from starlette.responses import Response

from services.web import diagrams, drawing, policy
from services.web.diagrams import Diagram
from services.web.lacking import without_protocol
from services.web.page import Asked, Drawn, Page, Pages
from services.web.picturing import png_of
from services.web.saving import as_file
from services.web.written import numbered
from shared.errors import NotFound, UnknownReview
from shared.wire.synthesis import Statement, StudySpeaking, SupportAt, TheoryMap

pages = Pages()

_AT = "/reviews/{review}/synthesis"
_FIGURES = _AT + "/figures"
_PUBLIC = "/reviews/{review}/findings"

#: Studies on a map that people look at; revisions of which support is drawn, the newest; and rows of the matrix.
_STUDIES, _REVISIONS, _ROWS = 30, 20, 50


@pages.page(_FIGURES, allowed=("scripts",))
async def show_figures_of_synthesis(asked: Asked) -> Drawn:
    """The map of the theories and support over time, each with a table that says the same."""
    review = asked.path["review"]
    try:
        found, revisions = await asyncio.gather(_map(asked), _support(asked))
    except NotFound as error:
        return await _without(asked, error)
    given = {
        "review": review, "found": found, "theories": await _theories(asked, found),
        "map": diagrams.of_map(found, review), "titles": {it.study: it for it in found.studies},
        "opened": diagrams.opened, "theory": asked.query.get("theory", ""),
        **_over_time(review, revisions, lambda cmoc, _: drawing.url("reviews", review, "synthesis", "cmocs", cmoc)),
    }  # fmt: skip
    return Page("pictures.html", given)


@pages.page(_FIGURES + "/map.svg")
async def keep_map(asked: Asked) -> Drawn:
    """The map as SVG."""
    return _svg(diagrams.of_map(await _map(asked)), f"{asked.path['review']}-map")


@pages.page(_FIGURES + "/map.png")
async def keep_map_in_pixels(asked: Asked) -> Drawn:
    """The same as PNG."""
    return await _png(diagrams.of_map(await _map(asked)), f"{asked.path['review']}-map")


@pages.page(_FIGURES + "/map.graphml")
async def keep_graphml(asked: Asked) -> Drawn:
    """The same as GraphML, with as many studies as a map has at most."""
    review = asked.path["review"]
    theory = asked.query.get("theory") or None
    text = await asked.api.synthesis.map_graphml(review, theory=theory, most=200)
    return as_file(text, "application/graphml+xml", f"{review}-map.graphml")


@pages.page(_FIGURES + "/matrix", allowed=("scripts",))
async def show_matrix(asked: Asked) -> Drawn:
    """Which study speaks to which element of which CMOC."""
    review = asked.path["review"]
    try:
        found, sheet = await asyncio.gather(_matrix_map(asked), _rows(asked))
    except NotFound as error:
        return await _without(asked, error)
    given = {
        "review": review, "found": found, "theories": await _theories(asked, found), "sheet": sheet,
        "matrix": _matrix(found, sheet.items, review), "query": asked.query,
        "columns": [it.cmoc for it in found.cmocs[: diagrams.MOST_COLUMNS]], "elements": diagrams.ELEMENTS,
        "mark_of": diagrams.mark_of, "theory": asked.query.get("theory", ""),
    }  # fmt: skip
    return Page("matrix.html", given)


@pages.page(_FIGURES + "/matrix.svg")
async def keep_matrix(asked: Asked) -> Drawn:
    """A page of the matrix as SVG."""
    found, sheet = await asyncio.gather(_matrix_map(asked), _rows(asked))
    return _svg(_matrix(found, sheet.items), f"{asked.path['review']}-matrix")


@pages.page(_FIGURES + "/matrix.png")
async def keep_matrix_in_pixels(asked: Asked) -> Drawn:
    """The same as PNG."""
    found, sheet = await asyncio.gather(_matrix_map(asked), _rows(asked))
    return await _png(_matrix(found, sheet.items), f"{asked.path['review']}-matrix")


@pages.page(_FIGURES + "/saturation", allowed=("scripts",))
async def show_saturation(asked: Asked) -> Drawn:
    """What each study changed that was added, the newest first."""
    review, api = asked.path["review"], asked.api.synthesis
    try:
        found, sheet = await asyncio.gather(
            api.saturation(review), asked.sheet(api.added_studies(review, newest_first=True))
        )
    except NotFound as error:
        return await _without(asked, error)
    return Page("saturation.html", {"review": review, "found": found, "sheet": sheet, "query": asked.query})


@pages.page(_AT + "/cmocs/{cmoc}/diagram.svg")
async def keep_diagram(asked: Asked) -> Drawn:
    """A CMOC as it would be published now, as SVG."""
    return _svg(await _drafted(asked), _name_of_cmoc(asked))


@pages.page(_AT + "/cmocs/{cmoc}/diagram.png")
async def keep_diagram_in_pixels(asked: Asked) -> Drawn:
    """The same as PNG."""
    return await _png(await _drafted(asked), _name_of_cmoc(asked))


# What readers see


@pages.page(_PUBLIC + "/figures", open_to="readers", allowed=("scripts",))
async def show_figures_of_findings(asked: Asked) -> Drawn:
    """Support over time as the published revisions say it, and the way to each CMOC."""
    review = asked.path["review"]
    question, revisions = await asyncio.gather(asked.api.protocol.question(review), _support(asked))

    def stated_at(cmoc: str, number: int) -> str:
        return drawing.url("reviews", review, "findings", str(number), "cmocs", cmoc)

    given = {"review": review, "question": question, **_over_time(review, revisions, stated_at)}
    return Page("findings-figures.html", given)


@pages.page(_PUBLIC + "/figures/support.svg", open_to="readers")
async def keep_support(asked: Asked) -> Drawn:
    """Support over time as SVG."""
    review = asked.path["review"]
    return _svg(diagrams.of_support(_support_title(review), await _support(asked)), f"{review}-support")


@pages.page(_PUBLIC + "/figures/support.png", open_to="readers")
async def keep_support_in_pixels(asked: Asked) -> Drawn:
    """The same as PNG."""
    review = asked.path["review"]
    return await _png(diagrams.of_support(_support_title(review), await _support(asked)), f"{review}-support")


@pages.page(_PUBLIC + "/{number}/cmocs/{cmoc}", open_to="readers", allowed=("scripts",))
async def show_published_cmoc(asked: Asked) -> Drawn:
    """One CMOC as a revision says it, as a picture and as a table."""
    review, (number, cmoc) = asked.path["review"], await _published(asked)
    question = await asked.api.protocol.question(review)
    given = {
        "review": review, "number": number, "cmoc": cmoc, "diagram": diagrams.of_cmoc(cmoc), "question": question,
        "elements": diagrams.ELEMENTS,
    }  # fmt: skip
    return Page("findings-cmoc.html", given)


@pages.page(_PUBLIC + "/{number}/cmocs/{cmoc}/diagram.svg", open_to="readers")
async def keep_published_diagram(asked: Asked) -> Drawn:
    """The same as SVG."""
    _, cmoc = await _published(asked)
    return _svg(diagrams.of_cmoc(cmoc), _name_of_cmoc(asked))


@pages.page(_PUBLIC + "/{number}/cmocs/{cmoc}/diagram.png", open_to="readers")
async def keep_published_diagram_in_pixels(asked: Asked) -> Drawn:
    """The same as PNG."""
    _, cmoc = await _published(asked)
    return await _png(diagrams.of_cmoc(cmoc), _name_of_cmoc(asked))


def _svg(diagram: Diagram, name: str) -> Response:
    svg = _file(diagram)
    kept = policy.headers() | {"Content-Security-Policy": policy.of_picture(svg)}
    disposition = {"Content-Disposition": f'inline; filename="{name}.svg"', "X-Content-Type-Options": "nosniff"}
    return Response(svg, media_type="image/svg+xml", headers=kept | disposition)


async def _png(diagram: Diagram, name: str) -> Response:
    kept = {"Content-Disposition": f'attachment; filename="{name}.png"', "X-Content-Type-Options": "nosniff"}
    return Response(await png_of(_file(diagram)), media_type="image/png", headers=policy.headers() | kept)


def _file(diagram: Diagram) -> str:
    return drawing.draw("picture-file.html", {"of": diagram}).strip()


def _name_of_cmoc(asked: Asked) -> str:
    return "-".join(asked.path[it] for it in ("review", "number", "cmoc") if it in asked.path)


async def _map(asked: Asked, most: int = _STUDIES) -> TheoryMap:
    theory = asked.query.get("theory") or None
    return await asked.api.synthesis.map(asked.path["review"], theory=theory, most=most)


async def _matrix_map(asked: Asked) -> TheoryMap:
    """The CMOCs of the matrix, without studies."""
    return await _map(asked, most=1)


async def _theories(asked: Asked, found: TheoryMap) -> Sequence[Any]:
    """All theories of the review, also where one of them is looked at."""
    if not asked.query.get("theory"):
        return found.theories
    return (await asked.api.synthesis.draft(asked.path["review"])).theories


async def _rows(asked: Asked) -> Any:
    return await asked.sheet(asked.api.synthesis.studies_speaking(asked.path["review"]), _ROWS)


def _matrix(found: TheoryMap, studies: Sequence[StudySpeaking], review: str | None = None) -> Diagram:
    cmocs = [it.cmoc for it in found.cmocs[: diagrams.MOST_COLUMNS]]
    return diagrams.of_matrix(drawing.text("pictures.matrix_of", title=found.title), cmocs, studies, review)


async def _support(asked: Asked) -> list[SupportAt]:
    """The newest revisions, oldest first."""
    listing = asked.api.synthesis.support_at_revisions(asked.path["review"], newest_first=True)
    return list(reversed((await asked.first(listing, _REVISIONS)).items))


def _support_title(review: str) -> str:
    return drawing.text("pictures.support_of", review=review)


def _over_time(review: str, revisions: Sequence[SupportAt], at: Callable[[str, int], str]) -> dict[str, Any]:
    """Support over time as a picture, and what its table says; each CMOC leads to where it is, or was stated last."""
    stated = {state.cmoc: revision.number for revision in revisions for state in revision.states}

    def to(cmoc: str) -> str:
        return at(cmoc, stated[cmoc])

    return {
        "revisions": revisions, "stated": list(stated), "support_of": diagrams.support_of, "to_cmoc": to,
        "more_rows": max(0, len(stated) - diagrams.MOST_ROWS),
        "support": diagrams.of_support(_support_title(review), revisions, to) if revisions else None,
    }  # fmt: skip


async def _drafted(asked: Asked) -> Diagram:
    found = await asked.api.synthesis.cmoc(asked.path["review"], asked.path["cmoc"])
    if found.drafted is None:
        raise NotFound(f"nothing is said of {asked.path['cmoc']!r}", slug="unknown_cmoc")
    return diagrams.of_cmoc(found.drafted)


async def _published(asked: Asked) -> tuple[int, Statement]:
    number = numbered(asked.path["number"])
    content = (await asked.api.synthesis.revision(asked.path["review"], number)).content
    said = next((it for it in content.cmocs if it.cmoc == asked.path["cmoc"]), None)
    if said is None:
        raise NotFound(f"revision {number} says nothing of {asked.path['cmoc']!r}", slug="unknown_cmoc")
    return number, said


async def _without(asked: Asked, error: NotFound) -> Page:
    """Where there is no protocol yet."""
    if error.slug != UnknownReview.slug:
        raise error
    return await without_protocol(asked)
