"""Which page of a listing a request asks for."""
# No postponed annotations here: FastAPI must see the bounds that `asking` is given.

from collections.abc import Callable, Coroutine
from typing import Annotated, Any

from fastapi import Query, Request, params

from shared.http.parameters import DIGITS
from shared.paging import CURSOR, PageAsked, decode_cursor, mark_of

#: Where a page begins, as the page before it said.
Cursor = Annotated[str, Query(json_schema_extra={"pattern": f"^{CURSOR}$"})]


def asking(usual: int, most: int = 500) -> params.Depends:
    """For a route's parameter `Annotated[PageAsked, asking(100)]`: its `cursor`, and its `limit`, which is `usual`
    unless told and `most` at most. Raises Invalid for a cursor that this very address, whatever else is asked of it,
    has not given out."""
    return params.Depends(_asker(usual, most))


def _asker(usual: int, most: int) -> Callable[..., Coroutine[Any, Any, PageAsked]]:
    async def ask(
        request: Request, cursor: Cursor | None = None, limit: Annotated[int, Query(ge=1, le=most), DIGITS] = usual
    ) -> PageAsked:
        listing = mark_of(request.scope["route"].path_format.format(**request.path_params))
        return PageAsked(limit, None if cursor is None else decode_cursor(listing, cursor), listing)

    return ask


#: A page of a hundred, or of fifty where each item is large.
Hundred = Annotated[PageAsked, asking(100)]
Fifty = Annotated[PageAsked, asking(50)]
