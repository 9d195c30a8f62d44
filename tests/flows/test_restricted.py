"""A stakeholder's account through every service: screened, coded and found by its title, its text nowhere but where its
review's people read it; and when consent is withdrawn, what was coded from it stands no more.

Slow: it starts the platform, and works by what its services hear of each other.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from services.catalog import SERVICES
from shared.events.protocol import Protocol
from shared.runtime.app import create_app
from shared.runtime.platform import Platform
from shared.tokens import Person, issue_token
from tests.flows.conftest import REAL, make_profile
from tests.unit.services.ingest.rig import REVIEW, version
from tests.unit.services.ingest.test_additions import ACCOUNT, SECRET
from tests.waiting import eventually

pytestmark = [pytest.mark.slow, pytest.mark.waits]


class Team:
    """People of a review on a running platform, each asking by their name."""

    def __init__(self, platform: Platform, anybody: TestClient) -> None:
        self._ring, self._anybody = platform.ring, anybody

    def ask(self, role: str, method: str, path: str, body: Any = None, **query: Any) -> Any:
        """What somebody of a role is answered."""
        person = Person.member(f"person-{role}", role, (REVIEW,))
        token = issue_token(self._ring, person, now=datetime.now(UTC), valid_for=timedelta(hours=1))
        where = path.replace("REVIEW", f"reviews/{REVIEW}")
        return self._anybody.request(
            method, where, json=body, params=query, headers={"Authorization": f"Bearer {token}"}
        )

    def get(self, role: str, path: str, **query: Any) -> Any:
        answer = self.ask(role, "GET", path, **query)
        return answer.json() if answer.status_code == 200 else None

    def post(self, role: str, path: str, body: Any) -> Any:
        answer = self.ask(role, "POST", path, body)
        assert answer.is_success, answer.text
        return answer.json()


@pytest.fixture(params=["embedded", REAL])
def team(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Team]:
    """The whole platform in this process, with a review of one stage that takes one vote."""
    profile = make_profile(request)
    settings = profile.settings(tmp_path).model_copy(
        update={"log_level": "error", "crossref_url": "http://127.0.0.1:9"}
    )
    platform = Platform(settings, SERVICES)
    try:
        with TestClient(create_app(platform), raise_server_exceptions=False) as anybody:
            team = Team(platform, anybody)
            team.post("lead", "/protocol/REVIEW/versions", one_vote())
            eventually(lambda: team.get("reader", "/ingest/REVIEW/status"))
            yield team
    finally:
        profile.clear_away()


def one_vote() -> Any:
    protocol: Protocol = version(1).protocol
    stages = [stage.model_copy(update={"votes": 1}) for stage in protocol.stages]
    return protocol.model_copy(update={"stages": stages}).model_dump(mode="json", exclude_unset=True)


def test_an_account_is_screened_coded_and_withdrawn_and_its_text_is_nowhere_else(team, tmp_path):
    record = team.post("reviewer", "/ingest/REVIEW/records", ACCOUNT)["record"]

    task = eventually(lambda: claimed(team))
    assert (task["record"]["record"], task["record"]["title"]) == (record, ACCOUNT["title"])
    assert (task["record"]["restricted"], task["record"]["abstract"]) == (True, None)
    team.post("reviewer", f"/screening/REVIEW/leases/{task['lease']}/vote", {"answer": "include"})
    (found,) = eventually(lambda: hits(team, "manager"))
    assert found["bibliography"]["restricted"] and hits(team, SECRET) == []
    fragment = {"locator": "line 1", "paraphrase": "they met every week", "data_type": "participant_quote"}
    coded = {"record": record, "fragment": fragment, "links": [{"cmoc": "cmoc-1", "element": "whole"}]}
    eventually(lambda: team.ask("reviewer", "POST", "/synthesis/REVIEW/evidence", coded).is_success)
    (link,) = team.get("reviewer", "/synthesis/REVIEW/evidence")["items"]
    assert link["stands"]

    team.post("lead", f"/ingest/REVIEW/records/{record}/withdraw", {"reason": "they took it back"})

    eventually(lambda: not team.get("reviewer", "/synthesis/REVIEW/evidence")["items"][0]["stands"])
    (struck,) = eventually(lambda: [hit for hit in hits(team, "manager") if hit["notices"]])
    assert [notice["kind"] for notice in struck["notices"]] == ["withdrawal"]
    assert SECRET not in str(team.get("lead", "/ingest/REVIEW/additions"))
    elsewhere = [file for file in tmp_path.rglob("*") if file.is_file() and not file.name.startswith("ingest.")]
    assert elsewhere and not [file.name for file in elsewhere if SECRET.encode() in file.read_bytes()]


def claimed(team: Team) -> Any:
    tasks = team.post("reviewer", "/screening/REVIEW/claims", {})["tasks"]
    return tasks[0] if tasks else None


def hits(team: Team, words: str) -> list[Any]:
    found = team.get("reader", "/search/REVIEW/records", q=words)
    return found["items"] if found else []
