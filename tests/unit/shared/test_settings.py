"""Settings: one class, read from the environment, each with a word of explanation."""

from __future__ import annotations

import pytest

from shared.settings import Settings


def test_every_setting_is_explained():
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


def test_a_database_without_a_place_for_the_service_is_refused():
    with pytest.raises(ValueError, match=r"LIVING_DATABASE_URL must contain \{service\}"):
        Settings(database_url="sqlite:///one.db", _env_file=None)


def test_places_are_filled_in():
    settings = Settings(data_dir="/somewhere", _env_file=None)

    assert settings.place(settings.database_url, "ingest") == "sqlite:////somewhere/ingest.db"
    assert settings.place(settings.log_url) == "sqlite:/somewhere/log.db"


def test_an_empty_variable_counts_as_not_given(monkeypatch):
    monkeypatch.setenv("LIVING_OPENALEX_KEY", "")
    monkeypatch.setenv("LIVING_PORT", "")

    assert (Settings(_env_file=None).openalex_key, Settings(_env_file=None).port) == (None, 8000)


def test_a_secret_is_not_printed(monkeypatch):
    monkeypatch.setenv("LIVING_OPENALEX_KEY", "very-secret")

    assert "very-secret" not in repr(Settings(_env_file=None))
