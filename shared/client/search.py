"""The client's view of search."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Literal, TypedDict, Unpack

from shared.client.forms import Forms
from shared.client.http import Http, part

if TYPE_CHECKING:
    from datetime import date

    from shared.wire import search as wire
else:
    wire = Forms("shared.wire.search")


class About(TypedDict, total=False):
    """What narrows and orders what is found; None is as good as left out."""

    published_from: date | str | None
    published_until: date | str | None
    status: Sequence[str] | None
    stage: Sequence[str] | None
    source: Sequence[str] | None
    kind: Sequence[str] | None
    language: Sequence[str] | None
    venue: Sequence[str] | None
    notice: Sequence[str] | None
    sort: Literal["relevance", "newest"]
    facet: Sequence[str] | None
    limit: int
    cursor: str | None


class Narrowed(TypedDict, total=False):
    """What narrows what the synthesis says; None is as good as left out."""

    cmoc: Sequence[str] | None
    element: Sequence[str] | None
    stance: Sequence[str] | None
    inference: Sequence[str] | None
    theory: Sequence[str] | None
    status: Sequence[str] | None
    standing: Sequence[str] | None
    change_class: Sequence[str] | None
    facets: bool
    limit: int
    cursor: str | None


class SearchClient:
    """Finding records, saved searches, and rebuilding the index."""

    def __init__(self, http: Http) -> None:
        self._http = http

    def find(self, review: str, q: str = "", **about: Unpack[About]) -> wire.SearchPage:
        """One page. `about`: published_from, published_until, status, stage, source, kind, language, venue, notice,
        sort, facet, limit, cursor. Raises Invalid, with the place, when the query cannot be understood."""
        return self._http.get(f"/search/reviews/{part(review)}/records", wire.SearchPage, q=q, **about)

    def alike(self, review: str, record: str, *, limit: int = 10) -> wire.AlikeRecords:
        """Records that are like one, the most alike first."""
        return self._http.get(
            f"/search/reviews/{part(review)}/records/{part(record)}/alike", wire.AlikeRecords, limit=limit
        )

    def find_fragments(self, review: str, q: str = "", **about: Unpack[Narrowed]) -> wire.FragmentPage:
        """One page of the fragments that count. `about`: cmoc, element, stance, inference, standing, facets, limit,
        cursor."""
        return self._http.get(f"/search/reviews/{part(review)}/fragments", wire.FragmentPage, q=q, **about)

    def fragments_alike(self, review: str, fragment: str, *, limit: int = 10) -> wire.AlikeFragments:
        """Fragments that are like one, the most alike first."""
        path = f"/search/reviews/{part(review)}/fragments/{part(fragment)}/alike"
        return self._http.get(path, wire.AlikeFragments, limit=limit)

    def find_theories(self, review: str, q: str = "", **about: Unpack[Narrowed]) -> wire.TheoryPage:
        """One page of CMOCs, set-aside ones too. `about`: theory, status, standing, facets, limit, cursor."""
        return self._http.get(f"/search/reviews/{part(review)}/theories", wire.TheoryPage, q=q, **about)

    def find_releases(self, review: str, q: str = "", **about: Unpack[Narrowed]) -> wire.ReleasePage:
        """One page of signed revisions. `about`: change_class, facets, limit, cursor."""
        return self._http.get(f"/search/reviews/{part(review)}/releases", wire.ReleasePage, q=q, **about)

    def save(self, review: str, asked: wire.NewSavedSearch | Mapping[str, object]) -> wire.SavedSearch:
        """Saves a search of mine under a name."""
        return self._http.post(f"/search/reviews/{part(review)}/saved", wire.SavedSearch, asked)

    def saved(self, review: str) -> Iterator[wire.SavedSearch]:
        """The searches that I saved in a review, the oldest first."""
        return self._http.pages(f"/search/reviews/{part(review)}/saved", wire.SavedSearch)

    def alert(self, review: str, saved: str, *, alert: bool = True) -> wire.SavedSearch:
        """Has a search of mine tell of what comes to match it, or nothing more."""
        path = f"/search/reviews/{part(review)}/saved/{part(saved)}/alert"
        return self._http.send("PUT", path, wire.SavedSearch, {"alert": alert})

    def forget(self, review: str, saved: str) -> wire.SavedSearch:
        """Forgets a search of mine."""
        return self._http.send("DELETE", f"/search/reviews/{part(review)}/saved/{part(saved)}", wire.SavedSearch)

    def rebuild(self) -> wire.RebuildView:
        """Asks for the index to be made anew from the log."""
        return self._http.post("/search/rebuilds", wire.RebuildView)

    def rebuilds(self) -> wire.Rebuilds:
        """The newest rebuilds, newest first."""
        return self._http.get("/search/rebuilds", wire.Rebuilds)
