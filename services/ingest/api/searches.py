"""The routes of searches that people make by hand."""

from __future__ import annotations

from services.ingest import store, views
from services.ingest.api.router import Reading, Unit, router
from services.ingest.commands import searches
from shared.http.auth import Importer, Reader, Searcher
from shared.http.paging import Fifty
from shared.http.parameters import Name, Word
from shared.http.units import IdempotencyKey
from shared.paging import Page
from shared.wire.ingest import NewSearch, NothingNew, SearchView


@router.get("/reviews/{review}/searches")
def list_searches(
    review: Name, work: Reading, person: Reader, page: Fifty, watch: Word | None = None
) -> Page[SearchView]:
    """Every search that was made by hand, the newest first; of one manual strategy by its watch if given."""
    store.review_of(work, review)
    found = store.page_of_searches(work, review, watch, page)
    return found.shown_as(views.search_views(work, found.rows))


@router.get("/reviews/{review}/searches/{search}")
def show_search(review: Name, search: Name, work: Reading, person: Reader) -> SearchView:
    """One of them: what was searched, its files, and what it lacks."""
    return views.search_views(work, [store.search_of(work, review, search)])[0]


@router.post("/reviews/{review}/watches/{watch}/searches", status_code=201)
def add_search_of_watch(
    review: Name, watch: Name, body: NewSearch, work: Unit, person: Importer, key: IdempotencyKey = None
) -> SearchView:
    """Says that a manual strategy was searched: in which database, by which string, when, with how many records found.
    It is made once its files (imports that name it) are in and hold as many."""

    def begin() -> SearchView:
        return views.search_views(work, [searches.begin_search(work, review, watch, body)])[0]

    return work.once(key, f"search {watch}", body, begin)


@router.post("/reviews/{review}/watches/{watch}/nothing-new", status_code=201)
def sign_nothing_new(
    review: Name, watch: Name, body: NothingNew, work: Unit, person: Searcher, key: IdempotencyKey = None
) -> SearchView:
    """Signs, as whoever owns the search or leads the review, that a manual strategy was searched and brought nothing
    new."""

    def sign() -> SearchView:
        return views.search_views(work, [searches.sign_nothing_new(work, review, watch, body, person)])[0]

    return work.once(key, f"sign nothing new {watch}", body, sign)
