"""One code for each language, however a source writes it."""

from __future__ import annotations

import re
from functools import lru_cache

from langcodes import Language, standardize_tag

_CODE = re.compile(r"[a-z]{2,3}")

#: Codes that name no language: undetermined, and no linguistic content.
_NONE = frozenset(["und", "zxx"])


def language(code: object) -> str | None:
    """A language as ISO 639-1 (two letters) where it has such a code, else as ISO 639-3; without script or region.

    Takes ISO 639-1, both forms of 639-2, 639-3, retired codes, and tags such as `en-GB` (BCP 47, by its registry of
    languages). None for what is no code, such as `english`, and for undetermined ones.
    """
    return _standard(re.split(r"[-_]", code.strip().lower())[0]) if isinstance(code, str) else None


def bibliographic(code: str) -> str:
    """A language's code as libraries have it: ISO 639-2, its bibliographic form (`ger`, `fre`)."""
    return Language.get(code).to_alpha3(variant="B")


@lru_cache(maxsize=1000)
def _standard(base: str) -> str | None:
    if not _CODE.fullmatch(base) or base in _NONE:
        return None
    return standardize_tag(base).split("-")[0]
