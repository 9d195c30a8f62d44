"""Reading kept answers again: a record can be had anew from what a source once said, without asking it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl

import httpx

from services.ingest.ports.sources.http import Answer, Busy, Refused
from services.ingest.ports.sources.port import Heard, Page


@dataclass(frozen=True, slots=True)
class Asked:
    """What a kept answer answers: the address without its parameters, and the parameters, of a form too."""

    address: str
    sent: Mapping[str, str]


def read_again(heard: Heard, read: Callable[[Answer, Asked], Page | None]) -> Page | None:
    """What `read` makes of a kept answer, as a page without a place in a walk; None where it carried no works, as an
    error does, or what is in no documented form."""
    if heard.status != 200:
        return None
    # Of its headers the one is kept that reading depends on.
    headers = httpx.Headers({"content-type": heard.content_type}, encoding="utf-8")
    try:
        page = read(Answer(heard.status, headers, heard.body), asked_of(heard.asked))
    except (Busy, Refused):
        return None
    return page and page.model_copy(update={"cursor": None, "reported": None, "missing": []})


def asked_of(asked: str) -> Asked:
    """The parts of what `Access.asked` made of a request."""
    address, _, parameters = asked.partition(" ")[2].partition("?")
    return Asked(address, dict(parse_qsl(parameters, keep_blank_values=True)))
