"""What the four replayed APIs share: a source's entries as they stood on a day, and JSON answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import orjson
from starlette.responses import Response

from services.ingest.replay.corpus import Corpus, Entry
from services.ingest.replay.matcher import Test
from shared.clock import Clock


@dataclass(frozen=True)
class Shelf:
    """One source's entries. What entered after the clock's `today` is not to be shown yet."""

    corpus: Corpus
    source: str
    clock: Clock

    def matching(self, *tests: Test) -> list[Entry]:
        """The entries that pass every test, in the corpus's order; give cheap tests first."""
        return [entry for entry in self.corpus.entries(self.source) if all(test(entry) for test in tests)]

    @property
    def today(self) -> date:
        return self.clock.now().date()


def json_answer(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(orjson.dumps(body), status, dict(headers or {}), media_type="application/json")
