"""What a service says of itself is so: its docstring, its table, its topics, its migrations."""

from __future__ import annotations

import importlib
import inspect

import pytest

from services.catalog import SERVICES
from shared.db import migrate
from shared.db.engine import Database
from shared.events import registry
from shared.ids import new_id
from tests.databases import drop_database

EACH = pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)


@EACH
def test_the_docstring_names_what_the_table_says(service):
    seen = inspect.getdoc(importlib.import_module(f"services.{service.name}")) or ""

    for word in ("Owns", "Reacts to", "Emits"):
        assert word.lower() in seen.lower(), f"services/{service.name}/__init__.py does not say what it {word.lower()}"
    for event in [reaction.event for reaction in service.reactions] + list(service.emits):
        assert event.type in seen, f"services/{service.name}/__init__.py does not name {event.type}"


@EACH
def test_a_service_emits_only_what_it_produces(service):
    assert {event.type.split(".")[0] for event in service.emits} <= {service.name}


@EACH
def test_a_handler_is_named_for_its_effect(service):
    names = [reaction.effect.__name__ for reaction in service.reactions]

    assert not [name for name in names if name.startswith(("on_", "handle"))]
    assert all(inspect.getdoc(reaction.effect) for reaction in service.reactions)


def test_every_event_is_told_by_its_producer_and_by_no_other():
    seen = [event for service in SERVICES for event in service.emits]

    assert sorted(event.type for event in seen) == sorted(event.type for event in registry.EVENTS)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.real)])
def url(request, tmp_path):
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/empty.db"
        return
    url = request.getfixturevalue("real_postgres_url").format(database=new_id("drift"))
    yield url
    drop_database(url)


@EACH
def test_the_migrations_lead_from_an_empty_database_to_the_models(service, url):
    database = Database(url)
    try:
        migrate.upgrade(database, service)

        assert migrate.current(database) == migrate.head(service) is not None
        assert migrate.drift(database, service) == []
        migrate.upgrade(database, service)
    finally:
        database.close()
