"""Pages: what every one of them has in common, from the door to the answer.

A page is an async function that asks the API and says what is to be drawn. Whether somebody may see it is the API's to
say, and nobody else's.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, asynccontextmanager, nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from hashlib import sha256
from pathlib import Path
from tempfile import gettempdir
from types import MappingProxyType
from typing import Any, Generic, Literal, TypeVar
from urllib.parse import quote

from starlette.datastructures import FormData, UploadFile
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from services.web import door, drawing, policy
from services.web.asking import Api
from services.web.door import Door
from services.web.faults import errors_of
from services.web.files import Ways
from services.web.forms import LARGEST, form_of, form_with_file
from services.web.gate import Gate
from services.web.pointing import pointed, with_what_it_lacks
from services.web.roles import rooms_of
from shared import logging
from shared.client.asking import one_sheet, part, under
from shared.client.asynchronous import AsyncClient
from shared.errors import (
    Busy,
    Conflict,
    Forbidden,
    Invalid,
    LivingError,
    NotFound,
    TooLarge,
    TooMany,
    Unauthenticated,
    Unavailable,
)
from shared.ids import new_id
from shared.storage import SLUGS, fault_of

log = logging.get(__name__)

#: Who a page is for: whoever has signed in, anybody, or the readers of the review in its path: its members, and anybody
#: where it is public.
For = Literal["signed in", "anybody", "readers"]

#: Items of one page of a listing.
SHEET = 50

Item = TypeVar("Item")

#: What no page shows again; and the field of a file, which no page can.
SECRET, FILE = {"password", "invitation"}, "file"

#: Troubles after which the same form may be done, once they have passed.
_PASSES = {"away", "too_many", "ours"}

#: What a form calls its fields that calls them as all do.
NO_LABELS: Mapping[str, str] = MappingProxyType({})

#: The name of what proves a form, and of what it is known by however often it is sent.
PROOF, ONCE = "proof", "once"
_COMMAND = re.compile(r"cmd_[0-9a-f]{32}")

#: How fields end that say what a form showed, and nobody typed.
_CARRIED = (".was", ".seen")

#: What is named by us: an id, or a hash.
_OUR_NAME = re.compile(r"([a-z]+_)?[0-9a-f]{32}|[0-9a-f]{64}")


@dataclass(frozen=True)
class Page:
    """What is to be drawn: a template, with what stands in it."""

    template: str
    given: Mapping[str, Any] = field(default_factory=dict)
    status: int = 200


@dataclass(frozen=True)
class Go:
    """Where a browser goes on to, and asks anew (RFC 9110, 303), so that nothing is sent twice by going back."""

    to: str


@dataclass(frozen=True)
class Sheet(Generic[Item]):
    """One page of a listing: its items, and the cursor at which the next page begins, if there is one."""

    items: Sequence[Item]
    next: str | None


@dataclass(frozen=True)
class Asked:
    """A page that is asked for: by whom, with what. `api` asks as they are, `nobody` as somebody whom nobody knows."""

    web: Web
    request: Request
    api: AsyncClient
    session: str | None
    visitor: str
    form: FormData
    #: Whether they read a public review that they do not belong to.
    public: bool = False

    @property
    def nobody(self) -> AsyncClient:
        return self.web.api.of_nobody()

    @property
    def path(self) -> Mapping[str, str]:
        return self.request.path_params

    @property
    def query(self) -> Mapping[str, str]:
        return self.request.query_params

    async def sheet(self, listing: AsyncIterator[Item], limit: int = SHEET, after: str | None = None) -> Sheet[Item]:
        """One page of a listing of the API's: the one that the address asks for, or a form that goes on from there."""
        with one_sheet(after or self.query.get("after"), limit) as asked:
            items = [item async for item in listing]
        return Sheet(items, asked.next)

    async def first(self, listing: AsyncIterator[Item], limit: int = SHEET) -> Sheet[Item]:
        """The first page of a listing, on a page that has others beside it."""
        with one_sheet(None, limit) as asked:
            items = [item async for item in listing]
        return Sheet(items, asked.next)

    def done_once(self) -> AbstractContextManager[None]:
        """However often this form is sent, the command that is given within the block is done once, and with other
        words in it refused. Without such a block it is known by all that the form says (`known_by`)."""
        given = self.text(ONCE)
        return under(given if _COMMAND.fullmatch(given) else new_id("cmd"))

    def known_by(self) -> str:
        """What the command of a form is known by whose page does not say that itself: the very same form is the same
        command, however often it is sent; with other words in it, or sent elsewhere from the same page, it is another.
        """
        if not _COMMAND.fullmatch(self.text(ONCE)):
            return new_id("cmd")
        said = json.dumps([_address(self.request), _written(self.form)]).replace("\\r\\n", "\\n")
        return f"cmd_{sha256(said.encode()).hexdigest()[:32]}"

    def text(self, name: str) -> str:
        """A field of the form, without what is around it; empty where it is not there. Its lines end as they do
        everywhere else, and not as browsers send them (HTML, "Constructing the entry list")."""
        value = self.form.get(name)
        return value.replace("\r\n", "\n").strip() if isinstance(value, str) else ""

    def texts(self, name: str) -> list[str]:
        """All that a field of the form holds, without what is empty."""
        return [value for value in self.form.getlist(name) if isinstance(value, str) and value]

    def file(self, name: str) -> UploadFile | None:
        """A file of the form; None where none was chosen."""
        value = self.form.get(name)
        return value if isinstance(value, UploadFile) and value.filename else None


Drawn = Page | Go | Response
Make = Callable[[Asked], Awaitable[Drawn]]


@dataclass(frozen=True)
class Shown:
    """One page of the table of all: where it is, for whom, what it may load, and whether a file is sent to it."""

    path: str
    method: str
    name: str
    open_to: For
    allowed: tuple[str, ...]
    make: Make
    #: Bytes of the file that is sent to it; 0 where none is; and of the form.
    takes_file: int = 0
    largest: int = LARGEST
    #: Whether what it asks for is done once however often it is sent.
    once: bool = True
    #: What this form calls its fields, by the names of those texts; any other is called as in all forms.
    labels: Mapping[str, str] = field(default_factory=lambda: NO_LABELS)


class Pages:
    """Pages that belong together, as one table."""

    def __init__(self) -> None:
        self.all: list[Shown] = []

    def page(self, path: str, *, open_to: For = "signed in", allowed: tuple[str, ...] = ()) -> Callable[[Make], Make]:
        """A page that shows something and changes nothing."""
        return partial(self._add, "GET", path, open_to, allowed)

    def form(
        self, path: str, *, open_to: For = "signed in", allowed: tuple[str, ...] = (), once: bool = True,
        largest: int = LARGEST, labels: Mapping[str, str] = NO_LABELS,
    ) -> Callable[[Make], Make]:  # fmt: skip
        """What a form of a page of ours, of so many bytes at most, is sent to; not `once` where each time that it comes
        it is done anew."""
        return partial(self._add, "POST", path, open_to, allowed, once=once, largest=largest, labels=labels)

    def upload(
        self, path: str, *, most: int, allowed: tuple[str, ...] = (), labels: Mapping[str, str] = NO_LABELS
    ) -> Callable[[Make], Make]:
        """What a form with a file of so many bytes at most is sent to. What proves the form stands before the file in
        it."""
        return partial(self._add, "POST", path, "signed in", allowed, takes_file=most, labels=labels)

    def _add(self, method: str, path: str, open_to: For, allowed: tuple[str, ...], make: Make, **about: Any) -> Make:
        self.all.append(Shown(path, method, make.__name__, open_to, allowed, make, **about))
        return make


@dataclass(frozen=True)
class Web:
    """What all pages stand on."""

    api: Api
    gate: Gate
    door: Door
    #: Where people reach the pages.
    address: str
    files_in: Ways = field(default_factory=Ways)
    files_out: Ways = field(default_factory=Ways)
    #: The paths at which something is shown, and not only sent.
    looked_at: set[str] = field(default_factory=set)

    def routes(self, tables: Iterable[Pages]) -> Iterator[Route]:
        for table in tables:
            self.looked_at.update(shown.path for shown in table.all if shown.method == "GET")
            for shown in table.all:
                yield Route(shown.path, partial(self._answer, shown), methods=[shown.method], name=shown.name)

    def page_of(self, request: Request) -> str:
        """Where whoever asks this looks on: the page itself, or that of the form that was sent, which stands above its
        own address."""
        shown = request.scope.get("route")
        if request.method == "GET" or not isinstance(shown, Shown):
            return request.url.path
        path = shown.path
        while path and path not in self.looked_at:
            path = path.rpartition("/")[0]
        return re.sub(r"{(\w+)}", lambda part: quote(request.path_params[part[1]], safe="~:.-_"), path) or "/"

    async def _answer(self, shown: Shown, request: Request) -> Response:
        request.scope["route"] = shown  # By which it is counted.
        session, visitor = self.door.session(request), self.door.visitor(request)
        look = Look(self, shown.allowed, request, session, visitor)
        try:
            # Before its turn: whoever sends slowly keeps nobody else waiting.
            async with self._sent(shown, request, look) as form, self.gate.turn(session):
                return await self._made(shown, request, look, form)
        except ClientDisconnect:
            return Response(status_code=400)  # Nobody hears it.
        except LivingError as error:
            return look.of_error(error)
        except Exception as error:
            log.exception("a page failed", page=shown.name)
            return look.trouble(_of_the_disk(error) or LivingError(type(error).__name__))

    @asynccontextmanager
    async def _sent(self, shown: Shown, request: Request, look: Look) -> AsyncIterator[FormData]:
        """What was sent with a request; a file of somebody who may send none is not kept."""
        if shown.method != "POST":
            yield FormData()
        elif not shown.takes_file:
            request.state.sent = form = await form_of(request, shown.largest)
            yield form
        else:
            refused = await self._refused(look.session)
            with ExitStack() as on_its_way:

                def may(form: FormData) -> bool:
                    request.state.sent = form  # What stands before its file, whatever becomes of that.
                    # Nobody is kept out by whoever may send none, however slowly they send it.
                    if isinstance(refused, Unauthenticated) or not look.made(form, shown.open_to):
                        return False
                    if refused is not None:
                        raise refused
                    on_its_way.enter_context(self.files_in.one(look.session))
                    return True

                async with form_with_file(request, may, shown.takes_file) as form:
                    request.state.sent = form
                    yield form

    async def _refused(self, session: str | None) -> LivingError | None:
        """Why whoever has this session can send no file now."""
        if session is None:
            return Unauthenticated("sign in")
        try:
            await self.api.of(session)
        except LivingError as error:
            return error
        return None

    async def _made(self, shown: Shown, request: Request, look: Look, form: FormData) -> Response:
        if shown.method == "POST" and not look.made(form, shown.open_to):
            return self._not_ours(shown, form, look)
        if shown.open_to == "readers":
            return await self._read(shown, request, form, look)
        if look.session is None and shown.open_to == "signed in":
            return look.at_the_door(form)
        try:
            return look.drawn(await self._as_they_are(shown, request, form, look))
        except Unauthenticated:
            if look.session is None:
                raise
            return await self._without_session(shown, request, form, look)

    async def _read(self, shown: Shown, request: Request, form: FormData, look: Look) -> Response:
        """What members read; and of a public review anybody, whether or not they have signed in. Whoever may not, and
        has not signed in, is asked to, whether or not there is such a review."""
        if look.session is not None:
            try:
                return look.drawn(await self._as_they_are(shown, request, form, look))
            except Unauthenticated:
                look = replace(look, session=None)
            except Forbidden as error:
                if error.slug != "other_review":
                    raise
        try:
            return replace(look, public=True).drawn(await self._as_anybody(shown, request, form, look))
        except Forbidden as error:
            if error.slug != "other_review" or look.session is not None:
                raise
            return look.at_the_door(form)

    async def _as_anybody(self, shown: Shown, request: Request, form: FormData, look: Look) -> Drawn:
        """A page of a public review. Raises Forbidden where it is not public, and where there is none."""
        review = request.path_params["review"]

        async def make() -> Drawn:
            api = await self.api.of_anybody(review)
            _named(request)
            return await shown.make(Asked(self, request, api, None, look.visitor, form, public=True))

        try:
            return await make()
        except Unauthenticated:  # It is public no longer, or was so anew: another token says what holds now.
            self.api.forget_review(review)
            return await make()

    async def _as_they_are(self, shown: Shown, request: Request, form: FormData, look: Look) -> Drawn:
        """A page by the session's token; where that is refused by another one, which says what holds now."""
        try:
            return await self._make(shown, request, form, look)
        except Unauthenticated:
            if look.session is None:
                raise
            self.api.forget(look.session)
        return await self._make(shown, request, form, look)

    async def _without_session(self, shown: Shown, request: Request, form: FormData, look: Look) -> Response:
        """As nobody, whom a browser is from now on."""
        if shown.open_to != "anybody":
            return look.at_the_door(form)
        look = replace(look, session=None)
        answer = look.drawn(await self._make(shown, request, form, look))
        self.door.let_out(answer)
        return answer

    async def _make(self, shown: Shown, request: Request, form: FormData, look: Look) -> Drawn:
        api = await self.api.of(look.session) if look.session is not None else self.api.of_nobody()
        asked = Asked(self, request, api, look.session, look.visitor, form)
        _named(request)
        # Here, so that no form can lack it: whoever heard nothing sends theirs again.
        with under(asked.known_by()) if shown.method == "POST" else nullcontext():
            made = await shown.make(asked)
        return await self._with_rooms(made, look)

    async def _with_rooms(self, made: Drawn, look: Look) -> Drawn:
        """A page of a review with the way to those rooms of it that are for whoever looks; to all of them where that
        cannot be known, since each says itself whom it is for."""
        if not (isinstance(made, Page) and look.session is not None and "review" in made.given):
            return made
        try:
            me = await self.api.me_of(look.session)
        except LivingError:
            return made
        return replace(made, given={"rooms": rooms_of(me, made.given["review"]), **made.given})

    def _not_ours(self, shown: Shown, form: FormData, look: Look) -> Response:
        """A form without the proof: a session that ended meanwhile is begun anew, and the form goes on; so does, once
        whoever is here now says so, that of a page of an earlier session. What another site sent does not."""
        if look.session is None and shown.open_to == "signed in" and not door.is_foreign(look.request):
            return look.at_the_door(form)
        if look.session is not None and door.is_from_here(look.request) and not SECRET & form.keys():
            return look.once_more(form)
        return look.page("trouble.html", {"what": "form", "errors": []}, 403)


@dataclass(frozen=True)
class Look:
    """How answers look to one visitor."""

    web: Web
    allowed: tuple[str, ...]
    request: Request
    session: str | None
    visitor: str
    #: Whether they read a public review that they do not belong to.
    public: bool = False

    @property
    def _labels(self) -> Mapping[str, str]:
        """What the form that was sent calls its fields."""
        shown = self.request.scope.get("route")
        return shown.labels if isinstance(shown, Shown) else {}

    @property
    def proven_by(self) -> str:
        return self.session or self.visitor

    def made(self, form: FormData, open_to: For) -> bool:
        """Whether a form is of a page that this visitor was shown; of one for anybody perhaps before they signed in, or
        after their session had ended."""
        shown_to = {self.proven_by, self.visitor} if open_to == "anybody" else {self.proven_by}
        return any(door.is_ours(self.request, str(form.get(PROOF, "")), of) for of in shown_to)

    def drawn(self, made: Drawn) -> Response:
        if isinstance(made, Response):
            return made
        if isinstance(made, Go):
            return RedirectResponse(made.to, 303, headers=policy.headers())
        return self.page(made.template, made.given, made.status, getattr(self.request.state, "sent", FormData()))

    def page(
        self, template: str, given: Mapping[str, Any], status: int = 200, sent: FormData | None = None
    ) -> Response:
        """A page; where it says what is wrong with the form that was `sent`, all of what that held stands on it."""
        common: dict[str, Any] = {
            "proof": door.proof(self.proven_by),
            "once": new_id("cmd"),
            "here": self.web.page_of(self.request),
            "signed_in": self.session is not None,
            "public": self.public,
            "scripts": "scripts" in self.allowed,
            "labels_sent": self._labels,
        }
        html = drawing.draw(template, {**common, **given})
        if sent is not None and status >= 400:
            html = self._refused(html, given.get("errors") or [], sent)
        answer = HTMLResponse(html, status, policy.headers(self.allowed))
        # Whoever reads what is public is shown no form, and so need not be known again.
        if self.session is None and not self.public:
            self.web.door.remember(answer, self.visitor)
        return answer

    def _refused(self, html: str, errors: Sequence[Mapping[str, str]], sent: FormData) -> str:
        """A page that says what is wrong, with what it does not show by itself of that, and of what was written, as
        where it has the form no more."""
        html = with_what_it_lacks(html, errors, _words(sent), self._labels)
        return pointed(html, self.request.url.path, sent or self.request.query_params)

    def at_the_door(self, form: FormData) -> Response:
        """Asks to sign in, and goes on from there: to the page that was asked for, or with the form that was sent."""
        request, look = self.request, replace(self, allowed=(), session=None)
        if request.method == "GET":
            to = drawing.url("sign-in", to=_address(request))
            answer: Response = RedirectResponse(to, 303, headers=policy.headers())
            if "hx-request" in request.headers:  # What asks for a part of a page goes there as a whole.
                answer = Response(status_code=204, headers=policy.headers() | {"HX-Redirect": to})
        else:
            kept = self._kept(form)
            sent = json.dumps({"fields": kept["fields"], "anew": kept["anew"]}, ensure_ascii=False)
            given = {"to": _address(request), "sent": sent, "errors": [], "sign_in_as": "", "ended": True}
            answer = look.page("sign-in.html", given, 401)
        self.web.door.let_out(answer)
        return answer

    def once_more(self, form: FormData) -> Response:
        """Shows what was written on a page of an earlier session, to be sent by whoever is here now."""
        given = {"to": _address(self.request), **self._kept(form), "earlier": True}
        return replace(self, allowed=()).page("go-on.html", given, 403)

    def went_on(self, to: str, fields: Sequence[tuple[str, str]], anew: Sequence[str], name: str) -> Response:
        """Shows what was sent when a session had ended, to be sent by whoever has signed in, under this name: it may be
        somebody else's."""
        kept = {"fields": fields, "anew": anew, "words": _words(FormData([*fields]))}
        return self.page("go-on.html", {"to": to, **kept, "name": name, "earlier": False})

    def of_error(self, error: LivingError) -> Response:
        """A page that says what happened, and what to do; the log has what is our fault."""
        if _trouble(error)[0] == "ours":
            log.error("a page met what it does not know", error=error.detail, slug=error.slug)
        return self.trouble(error)

    def trouble(self, error: LivingError) -> Response:
        """The same of what the log has already."""
        what, status = _trouble(error)
        errors = [] if what in ("not_there", "ours") else errors_of(error)
        by_itself = status == 503 and error.slug not in SLUGS  # Those a person must mend first.
        again = by_itself and self.request.method == "GET"
        given = {"what": what, "errors": errors, "again": again, **self._what_was_sent(what in _PASSES)}
        answer = replace(self, allowed=("scripts",) if again else ()).page("trouble.html", given, status)
        if by_itself:
            answer.headers["Retry-After"] = "5"
        return answer

    def _what_was_sent(self, passes: bool) -> dict[str, Any]:
        """What was written in a form that is not done, and, where what is wrong passes, where the very same form is
        sent again, under what it was known by the first time. What another site sent is nobody's."""
        shown, form = self.request.scope.get("route"), getattr(self.request.state, "sent", None)
        if not (isinstance(shown, Shown) and form is not None and self.made(form, shown.open_to)):
            return {}
        to = _address(self.request) if passes else None
        return {"to": to, "done_once": shown.once, **self._kept(form)}

    def _kept(self, form: FormData) -> dict[str, Any]:
        """What is kept of a form that is not done: its `fields`, the `words` that a page may show, and what must be
        given `anew`: a file, and what no page shows."""
        shown = self.request.scope.get("route")
        is_multipart = self.request.headers.get("content-type", "").startswith("multipart/")
        is_file = is_multipart and isinstance(shown, Shown) and shown.takes_file
        anew = sorted(SECRET & form.keys()) + [FILE] * bool(is_file)
        fields = [(name, value) for name, value in _written(form) if name not in anew]
        return {"fields": fields, "words": _words(form), "anew": anew}


def _address(request: Request) -> str:
    """Where a form was sent to."""
    return request.url.path + (f"?{request.url.query}" if request.url.query else "")


def _named(request: Request) -> None:
    """Raises NotFound where a part of the path can name nothing: before any question is begun that nobody would wait
    for."""
    try:
        for name in request.path_params.values():
            part(name)
    except Invalid as error:
        raise NotFound("there is no such page") from error


def _of_the_disk(error: Exception) -> Unavailable | None:
    """What a person is told where the disk fails on which files lie on their way; None of any other error."""
    fault = fault_of(Path(gettempdir()), error) if isinstance(error, OSError) else None
    return Unavailable(drawing.text("trouble.no_disk"), slug=fault.slug) if fault is not None else None


def _written(form: FormData) -> list[tuple[str, str]]:
    """The fields of a form, but for what proved it."""
    return [(name, value) for name, value in form.multi_items() if isinstance(value, str) and name != PROOF]


def _words(form: FormData) -> list[tuple[str, str]]:
    """What a person wrote of it, as far as a page may show that."""
    hidden = SECRET | {ONCE, "sent", "do"}
    typed = [it for it in _written(form) if it[1].strip() and it[0] not in hidden and not it[0].endswith(_CARRIED)]
    return [it for it in typed if not _OUR_NAME.fullmatch(it[1])]


def _trouble(error: LivingError) -> tuple[str, int]:
    """What a page says of an error, and its status. A review that one may not see is answered as one that there is
    not."""
    match error:
        case Forbidden(slug="other_review") | NotFound():
            return "not_there", 404
        case Forbidden():
            return "not_yours", 403
        case Busy() | Unavailable():
            return "away", 503
        case TooMany():
            return "too_many", 429
        case Conflict():
            return "conflict", 409
        case Invalid():
            return "invalid", 422
        case TooLarge():
            return "invalid", 413
        case _:
            return "ours", 500
