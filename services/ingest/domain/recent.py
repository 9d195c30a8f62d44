"""Texts that are quoted at this time, as they are searched: to fold a book takes a second, to look in it a moment."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import Final

from services.ingest.domain.passages import Parse
from shared.quoting import Searched

#: Characters that are kept at most, those of each text and of the folded one: of books two or more, of reports about a
#: hundred.
_MOST: Final = 16_000_000

#: As how many characters a passage counts, and a hyphen that was dropped: so much more memory they take.
_APIECE: Final = 50


class Recent:
    """Parses that were searched of late in this process, each by the hash of its bytes, with what their texts fold to.

    A character takes six bytes, and ten in rare scripts: so all of it 100 MB of memory; twice that where texts consist
    of signs that fold to many, as ligatures do. The text that was used longest ago goes first; one that is longer than
    all may be is not kept. That somebody may read what they are given, others have looked at before; and what is kept
    is never shown, as in a log.
    """

    def __init__(self, most: int = _MOST) -> None:
        self._most, self._characters, self._lock = most, 0, Lock()
        self._kept: OrderedDict[str, tuple[Parse, Searched, int]] = OrderedDict()

    def of(self, sha256: str, read: Callable[[], Parse]) -> tuple[Parse, Searched]:
        """The parse of these bytes; `read` reads one that is not kept."""
        with self._lock:
            if sha256 in self._kept:
                self._kept.move_to_end(sha256)
                return self._kept[sha256][:2]
        # Nobody waits for it who looks in another: two who need the same at once may both read it.
        parse = read()
        searched = Searched(parse.text)
        characters = _characters(parse, searched)
        with self._lock:
            if characters <= self._most and sha256 not in self._kept:
                self._kept[sha256] = parse, searched, characters
                self._characters += characters
                while self._characters > self._most:
                    self._characters -= self._kept.popitem(last=False)[1][2]
        return parse, searched


def _characters(parse: Parse, searched: Searched) -> int:
    folded, _ = searched.folded, searched.bare  # Made when they are first asked for, and counted with the folded text.
    return len(parse.text) + len(folded.text) + _APIECE * (len(parse.passages) + len(folded.breaks))
