"""Two releases at once on one log, through the whole play: neither hinders the other, and the figures are the same.

The newer one (tests/flows/newer.py) adds an optional field, a type of event, a version, a source and a feature that a
protocol may need. Slow: it plays five yearly cycles for each side that is newer, on each profile.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import httpx
import pytest
import yaml

from demo.environment import Environment
from demo.run import Outcome
from shared.client import Client
from shared.errors import Invalid, LivingError
from shared.events import registry
from shared.events.base import Envelope
from tests.flows import newer
from tests.flows.conftest import REAL, make_profile
from tests.flows.profiles import FIRST_REVIEW, ROOT, Profile, client, demo_run
from tests.waiting import eventually

pytestmark = [pytest.mark.slow, pytest.mark.waits]

REVIEW = "ics-leadership"
TITLE = "A review that weighs"
#: Which services share a process, and so a release.
FINDING, JUDGING = ("people", "protocol", "ingest", "search"), ("screening", "synthesis", "notify")
#: Of those who judge, who cannot do what the newer protocol needs.
NEEDING = ("screening", "synthesis")


@pytest.fixture(scope="module", params=["embedded", REAL])
def profile(request) -> Iterator[Profile]:
    profile = replace(make_profile(request), split=(FINDING, JUDGING))
    yield profile
    profile.clear_away()


def demo_run_with(newer_side: tuple[str, ...], profile: Profile, folder) -> Iterator[tuple[Environment, Outcome]]:
    servers = {**profile.servers, "PYTHONPATH": str(ROOT)}
    with demo_run(replace(profile, servers=servers, programs={newer_side[0]: newer.PROGRAM}), folder) as found:
        yield found


@pytest.fixture(scope="module")
def finding_is_newer(profile, tmp_path_factory):
    yield from demo_run_with(FINDING, profile, tmp_path_factory.mktemp("finding"))


@pytest.fixture
def judging_is_newer(request, tmp_path):
    profile = replace(make_profile(request), split=(FINDING, JUDGING))
    yield profile, tmp_path, demo_run_with(JUDGING, profile, tmp_path)
    profile.clear_away()


def needing(review: str = REVIEW, source: str | None = newer.SOURCE) -> bytes:
    """The first review's protocol, with what only the newer release can do."""
    protocol = yaml.safe_load((FIRST_REVIEW / "protocol.yaml").read_text())
    protocol |= {"review": review, "title": TITLE, "weights": True}
    if source is not None:
        protocol["strategies"].append({"id": "elsewhere", "source": source, "query": "integrated care"})
    return yaml.safe_dump(protocol).encode()


def kinds(profile: Profile, folder) -> Counter[tuple[str, int]]:
    log = profile.log(folder)
    envelopes = [Envelope.from_json(one.value) for one in log.read(registry.TOPICS)]
    log.close()
    return Counter((it.type, it.dataversion) for it in envelopes)


def ready(site: Environment, service: str) -> dict[str, str]:
    """The parts of a service that are down, as `/readyz` has them."""
    answer = httpx.get(f"{site.processes.urls[service]}/readyz", timeout=60).json()
    return {part: seen for part, seen in answer["services"][service].items() if seen != "ok"}


def test_the_figures_are_the_same_while_those_who_find_are_newer(finding_is_newer, profile):
    site, outcome = finding_is_newer

    assert (outcome.differences, outcome.refused_notifications) == ([], 0)
    assert kinds(profile, site.settings.data_dir)["ingest.record.counted", 1] >= 1
    with client(site) as living:
        for service in (*FINDING, *JUDGING):
            assert list(living.operations.dead_letters(service)) == list(living.operations.held(service)) == []


def test_a_version_that_needs_more_waits_for_the_upgrade_of_those_who_need_it(finding_is_newer):
    site, _ = finding_is_newer
    with client(site) as living:
        before = stages(living)
        applied = living.protocol.apply(REVIEW, needing())
        other = living.protocol.apply("another-review", needing("another-review"))
        reviews = {REVIEW, "another-review"}
        eventually(lambda: all({it.key for it in living.operations.put_off(name)} == reviews for name in NEEDING))
        eventually(lambda: all(ready(site, name) == {"needs": "down"} for name in NEEDING))

        # Who can, works by it; who cannot, works on by the one before, and says so.
        assert newer.SOURCE in {watch.source for watch in living.ingest.watches(REVIEW)}
        assert ready(site, "ingest") == {} and stages(living) == before
        assert {it.lacks for name in NEEDING for it in living.operations.put_off(name)} == {newer.FEATURE}
        with pytest.raises(LivingError):
            living.screening.queue("another-review")

        site.processes.kill("screening")
        site.processes.programs["screening"] = newer.PROGRAM
        site.processes.reopen("screening")
        site.processes.start()

        eventually(lambda: stages(living) == {**before, "title": TITLE})
        assert (applied.version, other.version) == (2, 1)
        assert [it.stage for it in living.screening.queue("another-review")] == before["names"]
        for service in NEEDING:
            assert list(living.operations.put_off(service)) == []
            assert list(living.operations.dead_letters(service)) == []


def stages(living: Client) -> dict[str, object]:
    """What synthesis and screening have of the protocol that they work by."""
    return {
        "title": living.synthesis.draft(REVIEW).title,
        "names": [it.stage for it in living.screening.queue(REVIEW)],
    }


@pytest.mark.parametrize("judging_is_newer", ["embedded", REAL], indirect=True)
def test_the_figures_are_the_same_while_those_who_judge_are_newer(judging_is_newer):
    profile, folder, review_runs = judging_is_newer
    for site, outcome in review_runs:
        assert (outcome.differences, outcome.refused_notifications) == ([], 0)
        seen = kinds(profile, folder)
        assert seen["screening.record.weighed", 1] >= 1
        assert seen["screening.task.closed", 2] > 10 and not seen["screening.task.closed", 1]
        with client(site) as living:
            for service in (*FINDING, *JUDGING):
                assert list(living.operations.dead_letters(service)) == list(living.operations.held(service)) == []
            # What only the newer one can do is refused where the older one would have to.
            with pytest.raises(Invalid, match="weights"):
                living.protocol.apply(REVIEW, needing(source=None))
            assert living.protocol.newest(REVIEW).version == 1
