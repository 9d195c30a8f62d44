"""Fixtures of the flows: a profile, and the first review played on it once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from demo.environment import Environment
from demo.run import Outcome
from tests.flows.profiles import APART, Profile, demo_run, embedded, real

REAL = pytest.param("real", marks=pytest.mark.real)


def make_profile(request: pytest.FixtureRequest, apart: bool = False) -> Profile:
    if request.param == "embedded":
        return embedded(APART) if apart else embedded()
    return real(*(request.getfixturevalue(f"real_{name}_url") for name in ("kafka", "postgres", "search")))


@pytest.fixture(scope="module", params=["embedded", REAL])
def profile(request) -> Iterator[Profile]:
    profile = make_profile(request)
    yield profile
    profile.clear_away()


@pytest.fixture(params=["embedded", REAL])
def apart(request) -> Iterator[Profile]:
    """A profile whose services each have a process of their own, so that one can be killed alone."""
    profile = make_profile(request, apart=True)
    yield profile
    profile.clear_away()


@pytest.fixture(scope="module")
def the_run(profile, tmp_path_factory) -> Iterator[tuple[Environment, Outcome]]:
    """The first review, played to its end on a platform that goes on running."""
    with demo_run(profile, tmp_path_factory.mktemp(profile.name)) as result:
        yield result
