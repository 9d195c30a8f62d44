"""Who acts: what counts as a person's needs that person's token; reading needs a token or the key."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest
from pydantic import TypeAdapter
from structlog.testing import capture_logs

from demo.replay.server import ReplayServer
from services.catalog import SERVICES
from services.cli import context
from shared.client.http import NAME
from shared.errors import Invalid, NotFound, Unauthenticated, Unavailable
from shared.http.parameters import Name
from shared.keys.file import open_ring
from shared.keys.ring import KeyRing
from shared.runtime.app import create_app
from shared.runtime.platform import Platform
from shared.settings import Settings
from tests.keys import read_token
from tests.unit.services.cli.conftest import data, forget
from tests.unit.services.protocol.examples import SMALL, as_yaml, small


def key() -> KeyRing:
    return open_ring(Settings(_env_file=None))


@pytest.fixture
def platform(monkeypatch) -> Iterator[None]:
    """Every service, answering at LIVING_URL, with its key in the data folder."""
    whole = Platform(Settings(scheduler=False, _env_file=None), SERVICES)
    whole.start()
    try:
        with capture_logs(), ReplayServer(create_app(whole)) as server:
            monkeypatch.setenv("LIVING_URL", server.url)
            yield
    finally:
        whole.stop()


@pytest.mark.parametrize(
    ("words", "role"),
    [
        (["queue", "next", "small"], "reviewer"),
        (["queue", "next", "small", "--conflict"], "adjudicator"),
        (["queue", "vote", "small", "lease_1", "include"], "reviewer"),
        (["queue", "release", "small", "lease_1"], "reviewer"),
        (["synthesis", "sign", "small", "--summary", "s"], "lead"),
    ],
)
def test_whoever_can_read_the_key_may_not_act_for_a_person(run, words, role):
    key()

    result = run(*words)

    assert isinstance(result.exception, Unauthenticated)
    assert f"living people invite small --role {role}" in result.exception.detail
    assert "living login LINK" in result.exception.detail


def test_whoever_can_read_the_key_may_read_and_apply_a_protocol(run, protocol, tmp_path):
    file = tmp_path / "small.yaml"
    file.write_text(as_yaml(SMALL))

    assert "small: version 1 is applied" in run("review", "apply", str(file)).stdout
    (row,) = data(run("review", "list", "--json"))
    assert row["review"] == "small" and row["published_by"].startswith("owner:")


def test_why_a_protocol_is_amended_is_said_and_shown_with_it(run, protocol, tmp_path):
    file = tmp_path / "small.yaml"
    file.write_text(as_yaml(SMALL))
    run("review", "apply", str(file))
    file.write_text(as_yaml(small(title="Larger")))

    assert "version 2 is applied" in run("review", "apply", str(file), "--why", "it grew,\nas planned").stdout
    assert "\n# it grew,\n# as planned\n" in run("review", "show", "small").stdout


@pytest.mark.parametrize("role", ["reader", "lead", "admin"])
def test_a_token_made_from_the_key_has_no_persons_name_and_no_more_than_its_role(role):
    person = read_token(key(), context._own_token(role)())

    assert person.role == role and person.id.startswith("owner:")


def test_without_a_token_or_a_key_the_way_to_one_is_told_and_no_key_is_made(run, tmp_path):
    result = run("review", "list")

    assert isinstance(result.exception, Unauthenticated) and "living login LINK" in result.exception.detail
    assert list(tmp_path.iterdir()) == []


def test_a_client_command_reads_its_few_settings_as_all_commands_do(tmp_path, monkeypatch):
    whole = Settings(_env_file=None)
    monkeypatch.delenv("LIVING_URL")
    forget()
    assert context.setting("url") == Settings(_env_file=None).url
    assert str(context.key_path()) == whole.resolved(whole.signing_key)

    (tmp_path / ".env").write_text("LIVING_URL=http://elsewhere:1\nliving_data_dir='da ta'\nLIVING_KEY=\n")
    forget()
    read = Settings()
    assert context.setting("url") == read.url == "http://elsewhere:1"
    assert context.key_path().parent == read.data_dir
    assert context.setting("key") == "" and read.key is None

    monkeypatch.setenv("LIVING_URL", "http://nearer:1")
    forget()
    assert context.setting("url") == Settings().url == "http://nearer:1"


def test_a_review_that_is_none_is_told_in_the_same_words_by_every_command(run, platform):
    for words in (
        ["search", "query", "nope", "care"],
        ["events", "tail", "nope"],
        ["review", "rejections", "nope"],
        ["ingest", "rejections", "nope"],
        ["review", "rejections", "nope", "--source", "openalex"],
        ["review", "show", "nope"],
        ["review", "status", "nope"],
        ["queue", "status", "nope"],
        ["synthesis", "show", "nope"],
    ):
        result = run(*words)

        assert isinstance(result.exception, NotFound), words
        assert result.exception.detail.startswith(
            "there is no review 'nope' with a protocol; one that was just applied arrives in seconds"
        )


@pytest.mark.parametrize("name", ["Bad Name", "bé", "", "a/b", "../x", "a?b", "a\nb"])
@pytest.mark.parametrize(
    "words",
    [
        ["review", "status"],
        ["search", "query"],
        ["events", "tail"],
        ["dead-letters", "retry", "screening"],
        ["synthesis", "show"],
    ],
    ids=" ".join,
)
def test_what_can_be_no_name_is_refused_before_anything_is_asked(run, words, name):
    key()

    result = run(*words, name)

    assert isinstance(result.exception, Invalid)
    assert f"{name!r} can be neither a review's name nor an id" in result.exception.detail


def test_the_client_takes_the_names_that_the_api_takes():
    assert TypeAdapter(Name).json_schema()["pattern"] == f"^{NAME}$"


def test_a_token_that_no_header_can_carry_is_told_as_that(run, monkeypatch):
    monkeypatch.setenv("LIVING_KEY", "tok\nen")

    assert isinstance(run("review", "list").exception, Unauthenticated)


def test_whoever_waits_at_a_terminal_is_told_after_a_second(run, monkeypatch, capsys):
    key()
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)

    with pytest.raises(Unavailable, match="living serve"), context.client(patience=3) as living:
        list(living.protocol.reviews())

    (line,) = capsys.readouterr().err.splitlines()
    assert "does not answer" in line and "asking again for" in line
