"""Flow: the PRISMA 2020 diagram of a review, at any date or of one cycle."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from services.web import drawing, policy
from services.web.faults import errors_of
from services.web.page import Asked, Drawn, Page, Pages
from services.web.picturing import png_of
from services.web.written import day_of, whole
from shared.errors import Invalid

pages = Pages()


@pages.page("/reviews/{review}/flow", allowed=("pictures", "scripts"))
async def show_flow(asked: Asked) -> Drawn:
    """The diagram, and its figures as a table."""
    review = asked.path["review"]
    given: dict[str, Any] = {"review": review, "query": asked.query, "errors": [], "flow": None}
    try:
        chosen = _chosen(asked)
        given["flow"] = await asked.api.screening.flow(review, **chosen)
    except Invalid as error:
        return Page("flow.html", given | {"errors": errors_of(error)}, 422)
    asked_for = {name: str(value) for name, value in chosen.items() if value is not None}
    given["picture"] = drawing.url("reviews", review, "flow.svg", **asked_for)
    given["pixels"] = drawing.url("reviews", review, "flow.png", **asked_for)
    return Page("flow.html", given)


@pages.page("/reviews/{review}/flow.svg")
async def show_picture(asked: Asked) -> Drawn:
    """The diagram as SVG, also to be kept."""
    review = asked.path["review"]
    svg = await asked.api.screening.flow_svg(review, **_chosen(asked))
    kept = policy.headers() | {"Content-Security-Policy": policy.of_picture(svg)}
    name = f'inline; filename="{review}-flow.svg"'
    return Response(svg, media_type="image/svg+xml", headers=kept | {"Content-Disposition": name})


@pages.page("/reviews/{review}/flow.png")
async def show_pixels(asked: Asked) -> Drawn:
    """The diagram as PNG, for documents that take no SVG."""
    review = asked.path["review"]
    png = await png_of(await asked.api.screening.flow_svg(review, **_chosen(asked)))
    name = f'attachment; filename="{review}-flow.png"'
    return Response(png, media_type="image/png", headers=policy.headers() | {"Content-Disposition": name})


def _chosen(asked: Asked) -> dict[str, Any]:
    """The date or the cycle that is asked for. Raises Invalid for what is neither."""
    cycle = asked.query.get("cycle", "")
    return {"on": day_of(asked, "on"), "cycle": whole(cycle, "cycle", drawing.text("flow.no_cycle")) if cycle else None}
