"""The real servers of a bench: those the environment names, those that run here, or some of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Any
from urllib.parse import urlsplit

from kafka import KafkaAdminClient

from bench.corpus import ROOT
from bench.databases import drop_database
from bench.machine import listener_on
from demo.environment import real_servers
from services.search.ports.index import open_index
from shared.errors import Unavailable
from shared.settings import Settings

_LOCAL = [sys.executable, str(ROOT / "deploy" / "local")]
_OWN = ["--instance", "bench"]

#: What docker-compose.yml sets beside addresses and what is secret, since it is what the real profile stands for.
COMPOSED = {"LIVING_BATCH_SIZE": "2000"}


class _Given(Settings):
    """Settings that the environment of the bench does not change."""

    @classmethod
    def settings_customise_sources(cls, settings_cls: Any, init_settings: Any, **others: Any) -> tuple[Any, ...]:
        return (init_settings,)


def missing() -> list[str]:
    """What this machine lacks to run real servers, unless the environment names some."""
    if _given():
        return []
    return [tool for tool in ("java", "mvn") if shutil.which(tool) is None]


@contextmanager
def at_hand() -> Iterator[None]:
    """Has the environment name real servers within the block, and ends those that it had to start.

    Raises Unavailable when none run and none can be started.
    """
    if _given():
        yield
        return
    before = dict(os.environ)
    own = [] if subprocess.run([*_LOCAL, "status"], capture_output=True).returncode == 0 else _OWN
    try:
        if own and subprocess.run([*_LOCAL, "up", *own], stdout=sys.stderr).returncode:
            raise Unavailable("the real servers could not be started; deploy/local says above why")
        os.environ.update(json.loads(subprocess.check_output([*_LOCAL, "env", "--json", *own])))
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
        if own:
            subprocess.run([*_LOCAL, "down", "--wipe", *own], stdout=sys.stderr)


@contextmanager
def addresses(mark: str) -> Iterator[dict[str, str]]:
    """The settings that lead to topics, databases and an index of one run's own, which are dropped after it."""
    settings = {**real_servers(mark=mark), **COMPOSED}
    try:
        yield settings
    finally:
        _drop(read(settings))


def read(variables: Mapping[str, str]) -> Settings:
    """The settings that a process with these variables, and no others, reads from them."""
    return _Given(**{name.removeprefix("LIVING_").lower(): value for name, value in variables.items()})


def processes(settings: Settings) -> dict[str, int]:
    """The process of each real server that runs on this machine."""
    urls = {"Kafka": settings.log_url, "Elasticsearch": settings.search_url, "PostgreSQL": settings.database_url}
    pids = {name: listener_on(port) for name, url in urls.items() if (port := urlsplit(url).port)}
    return {name: pid for name, pid in pids.items() if pid is not None}


def _given() -> bool:
    return os.environ.get("LIVING_LOG_URL", "").startswith("kafka:")


def _drop(settings: Settings) -> None:
    for owner in ("ingest", "screening", "search", "raw"):
        drop_database(settings.resolved(settings.database_url, owner))
    with closing(open_index(settings.search_url, name=settings.search_index, analyzer=settings.search_analyzer)) as it:
        it.ready()
        it.drop()
    brokers = settings.log_url.removeprefix("kafka://").split(",")
    with closing(KafkaAdminClient(bootstrap_servers=brokers)) as admin:
        groups = [group["group_id"] for group in admin.list_groups()]
        admin.delete_groups([group for group in groups if group.startswith(settings.topic_prefix)])
        admin.delete_topics([topic for topic in admin.list_topics() if topic.startswith(settings.topic_prefix)])
