"""Fixtures of pages: a whole platform in this process, and browsers without scripts."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.unit.services.web.rig import Site


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Iterator[Site]:
    made = Site(tmp_path_factory.mktemp("pages"))
    yield made
    made.close()
