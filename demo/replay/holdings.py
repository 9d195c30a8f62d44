"""What the replayed APIs share: a source's entries as they stood on a day, and JSON answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import orjson
from starlette.responses import Response

from demo.replay.corpus import Corpus, Entry, SourceName
from demo.replay.matcher import Test
from shared.clock import Clock


@dataclass(frozen=True)
class Holdings:
    """One source's entries. What entered after the clock's `today` is not to be shown yet."""

    corpus: Corpus
    source: SourceName
    clock: Clock

    def matching(self, *tests: Test) -> list[Entry]:
        """The entries that pass every test, in the corpus's order; give cheap tests first."""
        return [entry for entry in self.corpus.entries(self.source) if all(test(entry) for test in tests)]

    @property
    def today(self) -> date:
        return self.clock.now().date()


def json_answer(body: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(orjson.dumps(body), status, dict(headers or {}), media_type="application/json")
