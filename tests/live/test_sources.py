"""Whether today's APIs are still those that the adapters know, asked with the keys that the settings have."""

from __future__ import annotations

import os
from datetime import UTC, datetime

import httpx
import pytest

from services.ingest.ports.sources.catalog import open_sources
from services.ingest.ports.sources.probing import STRATEGIES, probe, query_of
from shared.settings import Settings

pytestmark = pytest.mark.skipif(
    not os.environ.get("LIVING_TEST_LIVE"), reason="asks the live sources: LIVING_TEST_LIVE=1 where there is a network"
)


@pytest.mark.parametrize("name", sorted(STRATEGIES))
def test_a_live_source_has_all_that_its_adapter_needs(name, tmp_path):
    with httpx.Client() as client:
        source = open_sources(Settings(data_dir=tmp_path), client)[name]
        failed = [
            f"{finding.check}: {finding.said}"
            for finding in probe(source, query_of(source, datetime.now(UTC).date()))
            if finding.state == "fail"
        ]
    assert failed == []
