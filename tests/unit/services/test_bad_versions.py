"""A protocol version whose document nobody may work by is adopted by no service, and keeps no good one waiting."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import pytest

from services.catalog import SERVICES
from shared.bus.port import Message
from shared.events.base import Event
from shared.events.protocol import Need, VersionPublished
from tests.unit.services.screening.rig import REVIEW, protocol
from tests.unit.shared.bus.rig import ListenerRig

#: People knows by a version that there is a review, and works by none.
ADOPTING = [it for it in SERVICES if VersionPublished.type in it.types and it.name != "people"]
GOOD = VersionPublished.of(protocol(), 1, "lea")


def test_these_services_adopt_versions():
    assert [service.name for service in ADOPTING] == ["ingest", "screening", "synthesis", "search"]


@pytest.fixture(params=ADOPTING, ids=lambda service: service.name)
def rig(request, workbench) -> Iterator[ListenerRig]:
    made = ListenerRig(workbench(request.param, retry_seconds=0.01, log_level="error"))
    made.close()
    made.topics = request.param.topics
    made.listener = made.another()
    yield made
    made.close()


def hears(rig: ListenerRig, event: Event) -> None:
    rig.bench.platform.event_log.append([Message(event.topic, event.key, rig.bench.envelope(event).to_json())])
    rig.listens()


def saying(document: str, **other: Any) -> VersionPublished:
    """The good version with another document, and its hash."""
    sha256 = hashlib.sha256(document.encode()).hexdigest()
    return GOOD.model_copy(update={"document": document, "sha256": sha256, **other})


BAD = {
    "another review's": (GOOD.model_copy(update={"review": "po6"}), "of review 'gardens', and was told of 'po6'"),
    "other bytes": (GOOD.model_copy(update={"document": GOOD.document + " "}), "not the hash of the document's bytes"),
    "no JSON": (saying("{"), "Invalid JSON"),
    "no object": (saying("[]"), "should be an object"),
    "no protocol": (saying(f'{{"review":"{REVIEW}"}}'), "title: Field required"),
}


@pytest.mark.parametrize(("bad", "why"), BAD.values(), ids=list(BAD))
def test_a_version_with_a_bad_document_is_a_letter_that_holds_nothing(rig, bad, why):
    hears(rig, bad)

    (letter,) = rig.letters()
    assert (letter.slug, letter.holds, rig.held()) == ("bad_data", False, {})
    assert why in letter.reason
    assert not adopted(rig, bad.review)


def test_a_version_that_only_another_service_lacks_a_feature_of_is_as_bad_where_it_cannot_be_read(rig):
    need = Need(feature="tomorrow", services=["notify"])
    hears(rig, BAD["no protocol"][0].model_copy(update={"needs": [need]}))

    (letter,) = rig.letters()
    assert (letter.slug, letter.holds, rig.held()) == ("bad_data", False, {})


@pytest.mark.parametrize("bad", [bad for bad, _ in BAD.values()], ids=list(BAD))
def test_the_good_version_after_it_is_adopted(rig, bad):
    hears(rig, bad)
    hears(rig, VersionPublished.of(protocol(), 2, "lea"))

    assert len(rig.letters()) == 1
    assert adopted(rig, REVIEW)


#: Where each service shows that it works by a review's protocol.
SHOWN = {"ingest": "/status", "screening": "/queue", "synthesis": "", "search": "/theories"}


def adopted(rig: ListenerRig, review: str) -> bool:
    """Whether people see that the service works by a version of this review; it answers 404 before."""
    name = rig.bench.service.name
    answer = rig.bench.person("ada", "lead").get(f"/{name}/reviews/{review}{SHOWN[name]}")
    assert answer.status_code in (200, 404), answer.text
    # Search finds by it what it states, and nothing of a review of which it has heard nothing.
    return answer.status_code == 200 and (name != "search" or answer.json()["total"] > 0)
