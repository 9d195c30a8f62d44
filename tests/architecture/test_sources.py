"""What docs/sources.md says of every source is what the code says, and a source is known wherever sources are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import httpx
import pytest

from demo.replay.corpus import SourceName
from services.cli import doctor
from services.ingest.ports.sources.catalog import open_sources
from services.ingest.ports.sources.citing import Citing
from services.ingest.ports.sources.port import Source
from shared.events.protocol import CITING_SOURCES, FEATURES, SOURCES
from shared.settings import Settings

PAGE = (Path(__file__).parents[2] / "docs" / "sources.md").read_text(encoding="utf-8")
_ROW = re.compile(r"\| (?P<shown>[^|]+) \| `(?P<name>\w+)` \| (?P<datings>[^|]+) \| (\d+) \| (\d+) \| ([\d.]+) \|")


@pytest.fixture(scope="module")
def sources(tmp_path_factory) -> Iterator[dict[str, Source]]:
    with httpx.Client() as client:
        yield open_sources(Settings(data_dir=tmp_path_factory.mktemp("data"), _env_file=None), client)


def test_the_page_has_a_row_for_every_source_and_its_figures(sources):
    rows = {row["name"]: (row["datings"].split(", "), row[4], row[5], row[6]) for row in _ROW.finditer(PAGE)}

    assert rows == {
        name: (list(each.datings), str(each.least_overlap_days), str(each.ids_at_once), f"{each.slack:g}")
        for name, each in sources.items()
    }


def test_the_page_tells_the_traps_of_every_source():
    explained = set(re.findall(r"^- \*\*([^*]+)\.\*\*", PAGE, re.MULTILINE))

    assert explained == {row["shown"] for row in _ROW.finditer(PAGE)}


def test_a_source_is_known_to_protocols_the_replay_the_doctor_and_the_settings(sources):
    assert set(sources) == set(SOURCES) == set(get_args(SourceName))
    assert set(sources) == {each.name for each in doctor._SOURCES.values()}
    assert {f"{name}_url" for name in sources} <= set(Settings.model_fields)


def test_every_source_that_knows_citations_may_be_named_for_them_and_has_its_row(sources):
    rows = dict(re.findall(r"^\| `(\w+)` \| [^|]+ \| [^|]+ \| (\d+) \|$", PAGE, re.MULTILINE))
    citing = {name: each for name, each in sources.items() if isinstance(each, Citing)}

    assert set(citing) == set(CITING_SOURCES)
    assert rows == {name: str(each.seeds_at_once) for name, each in citing.items()}
    assert FEATURES["citations"].services == ("ingest",)


def test_a_source_that_came_later_is_a_feature_of_ingest():
    first = {"openalex", "crossref", "pubmed", "europepmc"}

    assert {name for name in FEATURES if name.startswith("source:")} == {f"source:{name}" for name in SOURCES} - {
        f"source:{name}" for name in first
    }
    assert {FEATURES[f"source:{name}"].services for name in set(SOURCES) - first} == {("ingest",)}
