"""Fixtures of notify: a bench whose webhooks may go to this machine, and a receiver on it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from services.notify.manifest import SERVICE
from services.notify.ports.channels.open import Channels, channels_of
from shared.clock import ManualClock
from shared.ids import new_id
from shared.settings import Settings
from tests.databases import drop_database
from tests.unit.services.notify.rig import REVIEW, Receiver
from tests.workbench import Workbench


class NotifyBench(Workbench):
    """A workbench with words for what subscribers do. `wall` is the machine's clock, moved by hand as well."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        self.wall = ManualClock(datetime.now(UTC))
        service = replace(SERVICE, resources=self._channels)
        super().__init__(service, *args, **{"webhook_private": True, "webhook_timeout": 30.0, **settings})

    def _channels(self, settings: Settings) -> Channels:
        return channels_of(settings, self.wall, jitter=lambda: 0.0)

    def subscribe(self, url: str, by: str = "ana", role: str = "reader", **wish: Any) -> dict[str, Any]:
        body = {"channel": "webhook", "url": url, **wish}
        answer = self.person(by, role).post(f"/notify/reviews/{REVIEW}/subscriptions", json=body)
        assert answer.status_code == 201, answer.text
        return answer.json()

    def deliveries(self, subscription: dict[str, Any], by: str = "ana") -> list[dict[str, Any]]:
        path = f"/notify/reviews/{REVIEW}/subscriptions/{subscription['id']}/deliveries"
        answer = self.person(by, "reader").get(path)
        assert answer.status_code == 200, answer.text
        return answer.json()["items"]


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.real)])
def bench(request: pytest.FixtureRequest, tmp_path: Any) -> Iterator[NotifyBench]:
    """Notify on each database."""
    if request.param == "sqlite":
        made = NotifyBench(tmp_path)
        yield made
        made.close()
        return
    server = request.getfixturevalue("real_postgres_url")
    url = server.format(database=new_id("test") + "_{service}")
    made = NotifyBench(tmp_path, database_url=url)
    try:
        yield made
    finally:
        made.close()
        drop_database(url.format(service="notify"))


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as listening:
        yield listening
