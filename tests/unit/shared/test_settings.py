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

    assert settings.resolved(settings.database_url, "ingest") == "sqlite:////somewhere/ingest.db"
    assert settings.resolved(settings.log_url) == "sqlite:/somewhere/log.db"


def test_an_empty_variable_counts_as_not_given(monkeypatch):
    monkeypatch.setenv("LIVING_OPENALEX_KEY", "")
    monkeypatch.setenv("LIVING_PORT", "")

    assert (Settings(_env_file=None).openalex_key, Settings(_env_file=None).port) == (None, 8000)


def test_a_secret_is_not_printed(monkeypatch):
    monkeypatch.setenv("LIVING_OPENALEX_KEY", "very-secret")

    assert "very-secret" not in repr(Settings(_env_file=None))


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("clock", "nonsense"), ("clock", "file:"), ("log_url", "foo://x"), ("log_url", "kafka://"),
        ("log_url", "kafka://a:b"), ("log_url", "sqlite:"), ("search_url", "ftp://x"), ("search_url", ""),
        ("database_url", "mysql://{service}"), ("database_url", "///{service}"),
    ],
)  # fmt: skip
def test_an_address_of_an_unknown_kind_is_refused_with_what_it_may_be(setting, value):
    with pytest.raises(ValueError, match=rf"{setting}\n.* must be '"):
        Settings(**{setting: value}, _env_file=None)


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("clock", "file:/tmp/clock"), ("log_url", "kafka://one:9092,[::1]:9093"), ("log_url", "sqlite:{data}/log.db"),
        ("search_url", "https://user:word@host:9200"), ("database_url", "postgresql+psycopg://u:p@h:5/l_{service}"),
    ],
)  # fmt: skip
def test_an_address_of_a_known_kind_is_taken(setting, value):
    assert getattr(Settings(**{setting: value}, _env_file=None), setting) == value
