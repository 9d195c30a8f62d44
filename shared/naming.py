"""Naming: sentences of the API, which name people by their ids, with what these are called in their stead."""

from __future__ import annotations

import re
from collections.abc import Callable

#: Ids of persons as sentences have them.
_PERSON = re.compile(r"\bperson_[0-9a-f]{32}\b")


def naming(called: Callable[[str], str], sentence: str) -> str:
    """A sentence with what people are called in the stead of their ids."""
    return _PERSON.sub(lambda found: called(found[0]), sentence)
