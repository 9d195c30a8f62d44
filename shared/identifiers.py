"""What works are called elsewhere: one form for each identifier, and whether it is one.

Every function takes whatever a source or a person wrote, and answers the normal form, or None for what is none.
The library `idutils` does not serve: it takes a DOI with blanks, control characters or digits of other scripts, and
fails on one with escapes; PubMed id 0; and no PMC id that is bare or has a version.
"""

from __future__ import annotations

import re
from urllib.parse import unquote

_DOI = re.compile(r"10\.[0-9]{4,9}/[^\s\x00-\x1f\x7f]+")
_DOI_RESOLVER = re.compile(r"^(?:https?://(?:dx\.)?doi\.org/|doi:\s*)", re.IGNORECASE)
_PMID = re.compile(r"(?:^|/)0*([1-9][0-9]{0,9})/?$")
_PMCID = re.compile(r"(?:^|/)(?:PMC)?0*([1-9][0-9]{0,9})(?:\.[0-9]+)?/?$", re.IGNORECASE)
_OPENALEX = re.compile(r"(?:^|/)(W[0-9]{1,15})/?$", re.IGNORECASE)
_LONGEST_DOI = 300


def without_resolver(text: str) -> str:
    """A DOI as it was written, bare."""
    return _DOI_RESOLVER.sub("", text.strip())


def doi(text: object) -> str | None:
    """In lower case, without its resolver."""
    if not isinstance(text, str):
        return None
    bare = text.strip()
    if resolver := _DOI_RESOLVER.match(bare):
        bare = unquote(bare[resolver.end() :])
    bare = bare.lower()
    return bare if len(bare) <= _LONGEST_DOI and _DOI.fullmatch(bare) else None


def pmid(text: object) -> str | None:
    """A PubMed id, as bare digits."""
    return _tail(_PMID, text)


def pmcid(text: object) -> str | None:
    """A PubMed Central id, as `PMC123`, without a version."""
    digits = _tail(_PMCID, text)
    return digits and f"PMC{digits}"


def openalex(text: object) -> str | None:
    """An OpenAlex work id, as `W123`."""
    tail = _tail(_OPENALEX, text)
    return tail and tail.upper()


def _tail(pattern: re.Pattern[str], text: object) -> str | None:
    found = pattern.search(str(text).strip()) if isinstance(text, str | int) else None
    return found[1] if found else None
