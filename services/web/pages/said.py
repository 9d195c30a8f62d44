"""What the synthesis says, found by its words beside records: fragments, CMOCs, signed revisions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from services.web import drawing
from services.web.faults import errors_of
from services.web.marking import found_in
from services.web.page import SHEET, Asked, Drawn, Page, Pages
from shared.errors import Invalid

pages = Pages()

#: What is looked for here, the first unless another is chosen; and by what each is narrowed.
KINDS: dict[str, tuple[str, ...]] = {
    "fragments": ("cmoc", "element", "stance", "inference", "standing"),
    "theories": ("theory", "status", "standing"),
    "releases": ("change_class",),
}


@dataclass(frozen=True)
class Value:
    """A value that some of what was found have, how many, and where these alone are."""

    value: str
    count: int
    href: str


@pages.page("/reviews/{review}/said")
async def find_said(asked: Asked) -> Drawn:
    """What is looked for of the chosen kind; or fragments that are like one."""
    review, path = asked.path["review"], drawing.url("reviews", asked.path["review"], "said")
    kind = asked.query.get("kind") if asked.query.get("kind") in KINDS else "fragments"
    assert kind is not None
    narrowed = {name: value for name in KINDS[kind] if (value := asked.query.get(name))}
    chosen: dict[str, Any] = {"kind": kind, "q": asked.query.get("q", ""), **narrowed}
    like = asked.query.get("like") if kind == "fragments" else None
    found: Any = None
    errors: list[dict[str, str]] = []
    try:
        found = await _found(asked, review, chosen, narrowed, like)
    except Invalid as error:
        errors = [{"at": "q", "why": error.detail}] if errors_of(error) else []
    facets = {
        name: [Value(it.value, it.count, drawing.again(path, chosen, **{name: it.value})) for it in values]
        for name, values in getattr(found, "facets", {}).items()
        if values and name not in narrowed
    }
    given = {
        "review": review, "path": path, "kind": kind, "kinds": list(KINDS), "chosen": chosen, "found": found,
        "query": {**chosen, "after": asked.query.get("after")}, "errors": errors, "facets": facets, "like": like,
        "narrowed": [(name, value, drawing.again(path, chosen, **{name: ""})) for name, value in narrowed.items()],
        "marked": [[found_in(piece) for piece in one.marked] for one in found.items] if found else [],
    }  # fmt: skip
    return Page("said.html", given, 422 if errors else 200)


async def _found(asked: Asked, review: str, chosen: dict[str, Any], narrowed: dict[str, str], like: str | None) -> Any:
    search = asked.api.search
    if like:
        return await search.fragments_alike(review, like)
    find: Any = {
        "fragments": search.find_fragments, "theories": search.find_theories, "releases": search.find_releases,
    }[chosen["kind"]]  # fmt: skip
    values = {name: [value] for name, value in narrowed.items()}
    after = asked.query.get("after")
    return await find(review, chosen["q"], **values, facets=after is None, limit=SHEET, cursor=after)
