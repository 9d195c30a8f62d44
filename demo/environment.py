"""The environment of a demo run: the platform, the replayed sources, the clock, the keys of its people."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from starlette.types import ASGIApp

from demo.processes import ALL, Processes, opened
from demo.replay.server import ReplayServer
from shared.client import Client
from shared.clock import FileClock
from shared.db.engine import Database
from shared.errors import Conflict, Unavailable
from shared.keys.file import open_ring
from shared.settings import Settings
from shared.tokens import ALL_REVIEWS, own_token
from shared.wire.people import Arrived

#: Marks a folder as the demo's own, which a new demo may clear away.
_MARK = ".living-demo"

#: Seconds that a start of it is waited for.
_PATIENCE = 60.0


@dataclass(frozen=True)
class Environment:
    """What a demo run stands on: the running processes, the file of its clock, and who came in."""

    processes: Processes
    clock: Path
    settings: Settings
    arrived: dict[tuple[str, str, str], Arrived] = field(default_factory=dict)

    def key(self, name: str, role: str, review: str = ALL_REVIEWS) -> str:
        """The key of a person of the run, who comes in by an invitation when first asked for."""
        made = self.person(name, role, review).key
        assert made is not None  # Who comes in by a link as somebody new has one.
        return made.key

    def person(self, name: str, role: str, review: str = ALL_REVIEWS) -> Arrived:
        """A person of the run, as the platform knows them."""
        if (name, role, review) not in self.arrived:
            self.arrived[name, role, review] = self._come_in(name, role, review)
        return self.arrived[name, role, review]

    def _come_in(self, name: str, role: str, review: str) -> Arrived:
        urls = self.processes.urls
        with Client.at(urls, own_token(open_ring(self.settings), "admin"), patience=_PATIENCE) as owner:
            if review == ALL_REVIEWS:
                link = owner.people.grant({"role": role}).link
            else:
                link = owner.people.invite(review, {"role": role}).link
        with Client.at(urls, "", patience=_PATIENCE) as door:
            # The secret is ours, so that whoever gets no answer is answered the same again.
            return door.people.accept({"invitation": link, "name": name, "secret": secrets.token_urlsafe(32)})


@contextmanager
def prepared(
    folder: Path,
    sources: ASGIApp,
    *,
    clock: Path,
    split: Sequence[Sequence[str]] = (ALL,),
    servers: Mapping[str, str] | None = None,
    programs: Mapping[str, str] | None = None,
    **more: str,
) -> Iterator[Environment]:
    """Opens an environment in `folder`: the platform reads the replayed `sources` and the clock in the file `clock`.

    `split` says which services share a process, `programs` what runs them (`Processes`); `servers` holds the settings
    that lead to real Kafka, PostgreSQL and Elasticsearch, or nothing for the embedded profile; `more` are further
    settings.
    """
    with ReplayServer(sources) as replay:
        environment = {
            "LIVING_DATA_DIR": str(folder),
            "LIVING_CLOCK": f"file:{clock}",
            "LIVING_SCHEDULER_TICK": "0.25",
            "LIVING_WEBHOOK_PRIVATE": "true",
            "LIVING_LOG_FORMAT": "json",
            "LIVING_OPENALEX_URL": f"{replay.url}/openalex",
            "LIVING_CROSSREF_URL": f"{replay.url}/crossref",
            "LIVING_PUBMED_URL": f"{replay.url}/eutils",
            "LIVING_EUROPEPMC_URL": f"{replay.url}/europepmc",
            "LIVING_DOAJ_URL": f"{replay.url}/doaj",
            "LIVING_ARXIV_URL": f"{replay.url}/arxiv",
            "LIVING_SEMANTICSCHOLAR_URL": f"{replay.url}/semanticscholar",
            "LIVING_UNPAYWALL_URL": f"{replay.url}/unpaywall",
            "LIVING_CONTACT": "demo@example.org",
            # What the replay says of where texts are open leads out of it.
            "LIVING_FETCH_TEXTS": "false",
            **(servers or {}),
            **more,
        }
        settings = Settings(data_dir=folder, _env_file=None)
        open_ring(settings)  # Made here, so that of several processes no two make it.
        with opened(Processes(folder, environment, split, programs)) as processes:
            yield Environment(processes, clock, settings)


def clear(folder: Path) -> Path:
    """An empty folder for a new run. Raises Conflict for one that holds something which is not a run's, or on which
    a platform runs, and Unavailable for one that cannot be made."""
    try:
        if folder.exists() and any(folder.iterdir()):
            if not (folder / _MARK).exists():
                raise Conflict(f"{folder} holds something that is not a demo's; name another folder with --folder")
            _require_at_rest(folder)
            shutil.rmtree(folder)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        (folder / _MARK).touch(mode=0o600)
    except OSError as error:
        reason = f"the folder {folder} cannot be made: {error.strerror}; name another with --folder"
        raise Unavailable(reason) from error
    return folder


def _require_at_rest(folder: Path) -> None:
    for file in folder.glob("*.db"):
        with closing(Database(f"sqlite:///{file}")) as database:
            relay = database.leadership("relay")
            if not relay.hold():
                raise Conflict(f"a platform runs in {folder}: stop it first, or name another folder with --folder")
            relay.release()


def set_clock(path: Path, at: datetime) -> Path:
    FileClock.write(path, at)
    return path


def real_servers(
    names: Iterable[str] = ("LIVING_LOG_URL", "LIVING_DATABASE_URL", "LIVING_SEARCH_URL"), *, mark: str
) -> dict[str, str]:
    """The settings of the real servers that the environment names, with topics, databases and index of one
    run's own. Raises Conflict when one is missing or not real."""
    given = {name: os.environ.get(name, "") for name in names}
    if not all(given.values()) or not given["LIVING_LOG_URL"].startswith("kafka:"):
        raise Conflict(
            'the real servers are not given: `python deploy/local up`, then `eval "$(python deploy/local env)"`'
        )
    return {
        **given,
        "LIVING_DATABASE_URL": given["LIVING_DATABASE_URL"].replace("{service}", f"{mark}_{{service}}"),
        "LIVING_BLOBS_URL": "database:",
        "LIVING_TOPIC_PREFIX": f"{mark}.",
        "LIVING_SEARCH_INDEX": mark,
        "LIVING_SEARCH_ANALYZER": os.environ.get("LIVING_SEARCH_ANALYZER", "english"),
    }
