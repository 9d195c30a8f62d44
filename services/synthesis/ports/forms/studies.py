"""The included studies as a sheet (CSV), a study a line and a characteristic a column."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence

from services.synthesis.domain.matrix import cell
from shared.wire.synthesis import CharacteristicAnswer, CharacteristicStanding, CharacteristicView, StudyCharacteristics

#: What stands where a report does not say, and between answers that differ.
_NOT_REPORTED, _OR = "not reported", " | "


def written(asked: Sequence[CharacteristicView], studies: Iterable[StudyCharacteristics]) -> Iterator[str]:
    """In RFC 4180's form, line by line; what begins as a formula of a spreadsheet does has a blank before it. Behind
    the characteristics it says how many must be answered and are not, and in which people differ."""
    yield _line(["study", "records", "titles", *(it.label for it in asked), "lacking", "people differ in"])
    for study in studies:
        apart = "; ".join(it.characteristic for it in study.characteristics if it.state == "differs")
        yield _line(
            [
                study.study,
                "; ".join(it.record for it in study.reports),
                "; ".join(it.title or "" for it in study.reports),
                *map(_said, study.characteristics),
                study.lacking,
                apart,
            ]
        )


def _line(cells: Sequence[object]) -> str:
    out = io.StringIO()
    csv.writer(out).writerow([cell(value) for value in cells])
    return out.getvalue()


def _said(one: CharacteristicStanding) -> str:
    return _OR.join(dict.fromkeys(map(_words, one.answers)))


def _words(answer: CharacteristicAnswer) -> str:
    if answer.not_reported:
        return _NOT_REPORTED
    if isinstance(answer.value, list):
        return "; ".join(answer.value)
    return str(cell(answer.value)).strip() if isinstance(answer.value, bool) else str(answer.value)
