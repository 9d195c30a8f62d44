"""Unpaywall: where a work is open, by its DOI."""

from __future__ import annotations

import re
from typing import Any, NoReturn, Unpack, get_args
from urllib.parse import quote

import httpx

from services.ingest.ports.fulltext.port import FullText, Host, Location, Openness, Version
from services.ingest.ports.sources.http import Access, Answer, Limits, Malformed, PoliteClient, Refused, Timing
from services.ingest.ports.sources.markup import squeeze
from services.ingest.ports.sources.port import Keep, SourceRefused, keep_nothing
from services.ingest.ports.sources.reading import as_dict, as_list, as_text
from shared import identifiers

NAME = "unpaywall"
#: Works that one address may ask for in a day, as its terms have it.
MOST_A_DAY = 100_000

_VERSIONS: dict[str, Version] = {
    "publishedVersion": "published",
    "acceptedVersion": "accepted",
    "submittedVersion": "submitted",
}
_HOST = re.compile(r"[\w.-]+|[0-9a-f:.]+")
_MOST_LOCATIONS, _LONGEST_URL, _LONGEST_LICENCE = 100, 2_000, 300


class Unpaywall:
    """Asks https://api.unpaywall.org/v2/{doi}, one DOI a request.

    It wants an e-mail address in the address of the request: the one thing that says who asks which we send there. It
    is left out of what is kept.
    """

    name = NAME
    most_a_day = MOST_A_DAY

    def __init__(
        self, access: Access, client: httpx.Client, *, limits: Limits | None = None, **timing: Unpack[Timing]
    ) -> None:
        self._contact = access.contact
        self._http = PoliteClient(NAME, access, client, interval=0.1, limits=limits or Limits(), **timing)

    def find(self, doi: str, keep: Keep = keep_nothing) -> FullText | None:
        bare = identifiers.doi(doi)
        if bare is None:
            raise SourceRefused(f"{NAME} is asked by DOI, and {doi[:100]!r} is none", source=NAME)
        if not self._contact:
            raise SourceRefused(f"{NAME} wants an e-mail address; set LIVING_CONTACT", source=NAME)
        try:
            return self._http.ask(
                "GET",
                quote(bare, safe=""),
                lambda answer: read_work(answer, bare),
                refused=read_refusal,
                params={"email": self._contact},
                keep=keep,
            )
        except SourceRefused as refusal:
            if isinstance(refusal.__cause__, Unknown):
                return None
            raise


class Unknown(Refused):
    """It knows no work with this DOI."""


def read_refusal(answer: Answer) -> NoReturn:
    """Reads {"message"} of a 404, which is an unknown DOI, or of a 422, which is an address that it does not take."""
    body = as_dict(answer.json()) if answer.is_json else {}
    message = as_text(body.get("message")) or f"HTTP {answer.status}: {answer.excerpt()}"
    raise Unknown(message) if answer.status == 404 else Refused(message)


def read_work(answer: Answer, doi: str) -> FullText:
    """Reads one answer; raises Malformed when it is none, or is about another work.

    `evidence` and `updated` of a location are no longer filled there, so they are not read.
    """
    body = as_dict(answer.json())
    is_open, locations = body.get("is_oa"), body.get("oa_locations")
    if not isinstance(is_open, bool) or not isinstance(locations, list | None):
        raise Malformed("the answer has no is_oa or no list of oa_locations")
    if identifiers.doi(body.get("doi")) != doi:
        raise Malformed(f"{doi} was asked for, and the answer is about {str(body.get('doi'))[:100]!r}")
    said = [body.get("best_oa_location"), *as_list(locations)[:_MOST_LOCATIONS]]
    # The best one is among the others too.
    read = [_location(each) for index, each in enumerate(said) if each and each not in said[:index]]
    usable = list(dict.fromkeys(each for each in read if each is not None))
    remarks = [f"{read.count(None)} of its locations have no address that can be used"] if None in read else []
    status = body.get("oa_status")
    if status is not None and status not in get_args(Openness):
        remarks.append(f"{squeeze(str(status))[:100]} is no way of being open that we know")
    if is_open and not usable:
        remarks.append("it is said to be open, and nothing says where")
    return FullText(
        doi=doi,
        openness=status if status in get_args(Openness) else None,
        locations=usable,
        remarks=[*answer.remarks, *remarks],
    )


def _location(location: Any) -> Location | None:
    """A location; None where it has no address that can be followed."""
    location = as_dict(location)
    pdf, page = _address(location.get("url_for_pdf")), _address(location.get("url_for_landing_page"))
    url = _address(location.get("url")) or pdf or page
    if url is None:
        return None
    host, licence = location.get("host_type"), as_text(location.get("license"))
    return Location(
        url=url,
        pdf=pdf,
        page=page,
        licence=squeeze(licence)[:_LONGEST_LICENCE] if licence else None,
        version=_VERSIONS.get(str(location.get("version"))),
        host=host if host in get_args(Host) else None,
    )


def _address(url: Any) -> str | None:
    """An address of the web, as it is; None for any other, for text that is none, for one that names a user, and for
    one that holds what cannot be seen."""
    written = url.strip() if isinstance(url, str) else ""
    if not 0 < len(written) <= _LONGEST_URL or not written.isprintable() or {" ", "\ufffd"} & set(written):
        return None
    try:
        parsed = httpx.URL(written)
        is_of_web = parsed.scheme in {"http", "https"} and _HOST.fullmatch(parsed.host) is not None
        is_plain = not parsed.userinfo and (parsed.port or 1) in range(1, 65_536)
    # A name that is none under IDNA is a UnicodeError.
    except (httpx.InvalidURL, ValueError):
        return None
    return written if is_of_web and is_plain else None
