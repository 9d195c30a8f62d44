"""The API against its own description: every operation, asked by schemathesis in every way its document allows and
forbids. Run by test_described.py, and by itself for longer: `python -m tests.flows.described 100 SEED`."""

from __future__ import annotations

import json
import re
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import schemathesis
from fastapi.testclient import TestClient
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events, from_schema
from starlette.types import Receive, Scope, Send

from services.catalog import SERVICES
from shared import logging
from shared.events.ingest import Bibliography, RecordDiscovered
from shared.runtime.app import create_app
from shared.runtime.platform import Platform
from shared.settings import Settings
from shared.tokens import Person, issue_token
from tests.flows.profiles import FIRST_REVIEW
from tests.waiting import eventually

REVIEW = "ics-leadership"

#: How the path of a stream ends: it has no end itself, for which this client waits, and is asked by
#: tests/unit/services/screening/test_stream.py.
ENDLESS = "/stream"

#: What a request may be refused for although its document allows it, each with the reason why the document cannot
#: say so. All are answers of 422, told apart by the problem's slug or the place of its first fault.
EXCUSED = {
    "cursor": "a cursor is what the page before gave out; nobody can make one up",
    r"text:\d+": "what is looked for has a grammar of its own",
    "unknown_cmoc": "which CMOCs there are is the protocol's to say",
    "unknown_link|unknown_line": "which links and lines of a draft there are is the review's to say",
    "unfit_line": "a comment is on a line of a CMOC or of a programme theory, and of one of them",
    "malformed_protocol": "the parts of a protocol must fit one another: names, stages, answers that lead on",
    r"body\.(evidence\.\d+\.)?links": "one element, one stance, one link",
    "unusable_url": "where a webhook's address leads is found by looking it up",
    "unfit_addition": "an account needs consent, what is restricted has no DOI, a day must be one of the calendar",
    "nothing_to_split|all_of_it|unknown_source_record": "what of a record can be parted is the record's to say",
    "unknown_field|missing_field": "what a batch takes depends on its kind, and what a ballot has on its stage",
    "minutes": "how often is for a digest, which must be asked for",
    "records": "records that are named, a share, a sample, and those that fit are ways of which one is asked",
    "same_record": "a record is not one with, nor apart from, itself",
    "value": "what a correction may say depends on the field that it corrects",
    "doi|pmid": "identifiers have forms of their own, in many spellings",
    "unfit_characteristic": "what is asked of studies, and what may be answered, is the protocol's to say",
    "unknown_answer|unknown_stage|unknown_tag": "which there are is the protocol's to say",
    r"body\.(evidence\.\d+\.)?fragment": "where a fragment stands and what it quotes is said once",
    r"(evidence\[\d+\]\.)?fragment\.receipt": "a receipt is what the platform signed",
    "past_day": "which days are still to come is the clock's to say",
    "cycle": "a cycle and days are two ways to say when",
    "since|until": "days begin before they end, and how many may be asked for at once is counted between them",
    "stage_not_reached": "which stages a record came to is the record's to say",
    "unusable_name|reserved_name": "what a name may be takes more than a pattern",
    r"people\[\d+\]": "who is named twice is told once blanks around names are gone",
    r"body\.strategies\..*|unknown_source|too_many_strings": "a strategy is one of three ways to search",
    "(malformed|unsayable)_strategy": "what a source is asked is in a grammar of its own",
    r"body\.address": "of an address at most 64 characters stand before the @",
    r"body\.zone": "which time zones there are is the world's to say",
    "quote_(not_found|ambiguous|everywhere|elsewhere)|exact|locator": "what a copy says, and where, is its own to say",
    "not_your_review|beyond_ones_own": "which reviews and powers one has is people's to say",
}


@dataclass
class Findings:
    """What a run found: how many requests it made, and each deviation by its kind and operation, once."""

    requests: int = 0
    deviations: dict[tuple[str, str], str] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    operations: set[str] = field(default_factory=set)

    def summary(self) -> str:
        return "\n\n".join(
            [*self.errors, *(f"{kind} at {position}:\n{what}" for (kind, position), what in self.deviations.items())]
        )


@contextmanager
def platform(folder: Path, servers: dict[str, Any] | None = None) -> Iterator[TestClient]:
    """The whole platform in this process, with the first review, a record that waits, and sources nobody answers at."""
    nowhere = "http://127.0.0.1:9"
    chosen = Settings(
        data_dir=folder, log_level="error", openalex_url=nowhere, crossref_url=nowhere, pubmed_url=nowhere,
        europepmc_url=nowhere, doaj_url=nowhere, arxiv_url=nowhere, semanticscholar_url=nowhere,
        unpaywall_url=nowhere, smtp_host="127.0.0.1", smtp_port=9, smtp_security="none", mail_from="team@example.org",
        _env_file=None, **(servers or {}),
    )  # fmt: skip
    logging.configure(chosen)
    running = Platform(chosen, SERVICES)
    now = datetime.now(UTC)
    token = issue_token(running.ring, Person.member("mallory", "admin", ("*",)), now=now, valid_for=timedelta(days=1))
    headers = {"Authorization": f"Bearer {token}"}
    with TestClient(create_app(running), headers=headers, raise_server_exceptions=False) as client:
        applied = client.post(
            f"/protocol/reviews/{REVIEW}/versions",
            content=(FIRST_REVIEW / "protocol.yaml").read_bytes(),
            headers={"Content-Type": "application/yaml"},
        )
        assert applied.status_code < 300, applied.text
        for path in ("/screening/reviews/{}/queue", "/synthesis/reviews/{}/draft", "/ingest/reviews/{}/status"):
            eventually(lambda path=path: client.get(path.format(REVIEW)).status_code == 200)
        with running.running["ingest"].work("mallory") as work:
            about = Bibliography(title="Leading across boundaries", published="2019-04")
            work.emit(RecordDiscovered(review=REVIEW, record="rec_1", revision=1, run="run_1", bibliography=about))
        eventually(lambda: client.get(f"/screening/reviews/{REVIEW}/records/rec_1").status_code == 200)
        yield client


def look(client: TestClient, examples: int, seed: int | None = None) -> Findings:
    """Asks everything the description allows and forbids, `examples` random requests an operation beside what
    follows from it without chance; without a seed the same ones every time."""
    config = SchemathesisConfig.from_dict(
        {
            "seed": seed or 1,
            "continue-on-failure": True,
            "request-timeout": 120,  # On a busy machine one may take longer than the ten seconds that are usual.
            "suppress-health-check": ["all"],
            "headers": {"Authorization": client.headers["Authorization"]},
            "parameters": {"path.review": REVIEW},
            "generation": {
                "max-examples": examples,
                "database": "none",
                "no-shrink": True,
                "deterministic": seed is None,
            },
            "cache": {"enabled": False},
        }
    )
    schema = schemathesis.openapi.from_asgi("/openapi.json", _without_lifespan(client.app), config=config)
    schema = schema.exclude(path_regex=f"{ENDLESS}$")
    findings = Findings()
    for event in from_schema(schema).execute():
        if isinstance(event, events.NonFatalError | events.FatalError):
            findings.errors.append(str(getattr(event, "info", None) or event.exception))
        elif isinstance(event, events.SchemaAnalysisWarnings):
            findings.errors += map(str, event.warnings)
        elif isinstance(event, events.ScenarioFinished):
            _take_in(findings, event.recorder)
    return findings


def _take_in(findings: Findings, recorder: Any) -> None:
    findings.requests += len(recorder.interactions)
    for case_id, checks in recorder.checks.items():
        operation = recorder.cases[case_id].value.operation.label
        findings.operations.add(operation)
        answer = recorder.interactions[case_id].response
        for check in checks:
            if check.failure_info is not None and not _is_excused(check, answer):
                summary = check.failure_info.failure.message
                what = f"{summary}\n{check.failure_info.code_sample}\n{answer and answer.content[:1000]!r}"
                findings.deviations.setdefault((check.name, operation), what)


def _is_excused(check: Any, answer: Any) -> bool:
    if check.name == "negative_data_rejection":
        # A spoiled name of the review is never sent: this run puts the real one in its place.
        return "parameter `review` in path" in check.failure_info.failure.message
    if check.name == "ensure_resource_availability":
        # A key is asked for by its id; its secret, which is shown once as `key`, is no name of anything.
        return bool(re.search(r"/people/keys/living_key_\w+", check.failure_info.code_sample))
    if check.name != "positive_data_acceptance" or answer is None or answer.status_code != 422:
        return False
    problem = json.loads(answer.content)
    summary = [problem["type"].rpartition(":")[2], *(fault["at"] for fault in problem.get("errors", [])[:1])]
    return any(re.fullmatch(pattern, word) for pattern in EXCUSED for word in summary)


def _without_lifespan(app: Any) -> Callable[[Scope, Receive, Send], Awaitable[None]]:
    """The application as it runs already: whoever asks need not start and stop it."""

    async def asked(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            return await app(scope, receive, send)
        for done in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{done}.complete"})

    return asked


def _documented(client: TestClient) -> set[str]:
    """What is to be asked."""
    paths = client.get("/openapi.json").json()["paths"]
    return {
        f"{method.upper()} {path}"
        for path, methods in paths.items()
        if not path.endswith(ENDLESS)
        for method in methods
    }


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as position, platform(Path(position)) as asked:
        found = look(asked, *(map(int, sys.argv[1:3] or ["100"])))
        if unasked := _documented(asked) - found.operations:
            found.errors.append(f"never asked: {sorted(unasked)}")
    print(found.summary())
    print(f"{found.requests} requests, {len(found.operations)} operations, {len(found.deviations)} deviations")
    sys.exit(bool(found.deviations or found.errors))
