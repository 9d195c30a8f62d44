"""Shortcuts of pages: which keys somebody chose, kept in their browser, which no secret is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode

from services.web.page import Asked
from shared.errors import Invalid
from shared.shortcuts import PRESETS, Keys, checked

#: What a page has a key for besides answers, in the order in which it is asked for.
DOES = ("undo", "skip", "park", "note", "highlights", "criteria")

#: Where answers lead.
LEADS = ("advance", "exclude", "adjudicate")

#: The reasons of a stage have these, so that no answer has them.
OF_REASONS = "123456789"

USUAL = "rayyan"


def keys_of(asked: Asked) -> Keys:
    """The keys that somebody chose in this browser; those of `USUAL` where they chose none, or what is none."""
    try:
        return checked(_tables(said_by(asked)), needs=())
    except Invalid:
        return PRESETS[USUAL]


def said_by(asked: Asked) -> dict[str, str]:
    """What somebody chose in this browser: what it is `like`, and keys by `advance` or `undo`."""
    known = {"like", *LEADS, *DOES}
    return {name: value for name, value in parse_qsl(asked.web.door.keys(asked.request)) if name in known}


def kept(said: Mapping[str, str]) -> str:
    """The same as a browser keeps it. Raises Invalid, naming the field, for keys that cannot be."""
    try:
        checked(_tables(said), needs=())
    except Invalid as error:
        errors = [it | {"at": it["at"].rpartition(".")[2]} for it in error.extra.get("errors") or []]
        raise Invalid(error.detail, errors) from error
    return urlencode({name: value for name, value in said.items() if value})


def _tables(said: Mapping[str, str]) -> dict[str, Any]:
    """As a file of one's own would say it."""
    given = {name: value for name, value in said.items() if value}
    return {
        "like": given.get("like", USUAL),
        "leading": {name: given[name] for name in LEADS if name in given},
        "actions": {name: given[name] for name in DOES if name in given},
    }
