"""Recorded OpenAlex works out of zip files."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from zipfile import ZipFile

import orjson
import pytest

from demo.replay.works import OpenAlexWorksCorpus
from shared.errors import Invalid


def work(number: int, **fields) -> dict:
    seen = {
        "id": f"https://openalex.org/W{number}",
        "title": f"Work {number}",
        "publication_date": "2018-04-01",
        "created_date": "2019-01-02",
    }
    return seen | fields


def archive(folder: Path, name: str, *members: list[dict]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with ZipFile(folder / name, "w") as file:
        for number, works in enumerate(members):
            file.writestr(f"works_{number}.json", orjson.dumps(works))
        file.writestr("README.txt", "not works")


def test_every_work_is_served_as_it_is(tmp_path):
    archive(tmp_path / "set", "works.zip", [work(2), work(1)], [work(3, abstract_inverted_index={"b": [1], "a": [0]})])
    corpus = OpenAlexWorksCorpus(tmp_path)
    entries = corpus.entries("openalex")
    assert [entry.key for entry in entries] == ["W2", "W1", "W3"]
    assert entries[2].wire() == work(3, abstract_inverted_index={"b": [1], "a": [0]})
    assert entries[2].text().abstract == "a b"
    assert (entries[0].published, entries[0].entered) == (date(2018, 4, 1), date(2019, 1, 2))
    assert corpus.entries("crossref") == []


def test_a_work_in_two_sets_is_served_once(tmp_path):
    archive(tmp_path / "a", "works.zip", [work(1), work(2)])
    archive(tmp_path / "b", "works.zip", [work(2), work(3)])
    assert sorted(entry.key for entry in OpenAlexWorksCorpus(tmp_path).entries("openalex")) == ["W1", "W2", "W3"]


def test_of_two_builds_the_newer_is_served(tmp_path):
    archive(tmp_path / "a", "works_2023-04.zip", [work(1, title="New")])
    archive(tmp_path / "b", "works_2023-03.zip", [work(1, title="Old")])
    (entry,) = OpenAlexWorksCorpus(tmp_path).entries("openalex")
    assert entry.wire()["title"] == "New"


def test_a_folder_without_works_is_refused(tmp_path):
    with pytest.raises(Invalid, match="no file"):
        OpenAlexWorksCorpus(tmp_path)


def test_a_work_without_dates_or_venue_is_served_too(tmp_path):
    archive(tmp_path, "works.zip", [work(1, title=None, publication_date=None, created_date=None)])
    (entry,) = OpenAlexWorksCorpus(tmp_path).entries("openalex")
    assert entry.published.year == 1
    assert entry.text().title == ""
