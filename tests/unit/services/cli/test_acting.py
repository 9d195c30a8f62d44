"""Who acts: what counts as a person's needs that person's token; reading needs a token or the key."""

from __future__ import annotations

import pytest

from services.cli import context
from shared.errors import Unauthenticated
from shared.keys import SigningKey
from shared.settings import Settings
from shared.tokens import read_token
from tests.unit.services.cli.conftest import data, forget
from tests.unit.services.protocol.examples import SMALL, as_yaml


def key() -> SigningKey:
    return SigningKey.open(Settings(_env_file=None))


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
    how = f"export LIVING_TOKEN=$(living token issue NAME --role {role} --review small)"
    assert how in result.exception.detail


def test_whoever_can_read_the_key_may_read_and_apply_a_protocol(run, protocol, tmp_path):
    file = tmp_path / "small.yaml"
    file.write_text(as_yaml(SMALL))

    assert "small: version 1 is applied" in run("review", "apply", str(file)).stdout
    (row,) = data(run("review", "list", "--json"))
    assert row["review"] == "small" and row["published_by"].startswith("owner:")


@pytest.mark.parametrize("role", ["reader", "lead", "admin"])
def test_a_token_made_from_the_key_has_no_persons_name_and_no_more_than_its_role(role):
    person = read_token(key(), context._own_token(role))

    assert person.role == role and person.name.startswith("owner:")


def test_without_a_token_or_a_key_the_way_to_one_is_told_and_no_key_is_made(run, tmp_path):
    result = run("review", "list")

    assert isinstance(result.exception, Unauthenticated) and "living token issue" in result.exception.detail
    assert list(tmp_path.iterdir()) == []


def test_a_client_command_reads_its_few_settings_as_all_commands_do(tmp_path, monkeypatch):
    whole = Settings(_env_file=None)
    monkeypatch.delenv("LIVING_URL")
    forget()
    assert context.setting("url") == Settings(_env_file=None).url
    assert str(context.key_path()) == whole.place(whole.signing_key)

    (tmp_path / ".env").write_text("LIVING_URL=http://elsewhere:1\nliving_data_dir='da ta'\nLIVING_TOKEN=\n")
    forget()
    read = Settings()
    assert context.setting("url") == read.url == "http://elsewhere:1"
    assert context.key_path().parent == read.data_dir
    assert context.setting("token") == "" and read.token is None

    monkeypatch.setenv("LIVING_URL", "http://nearer:1")
    forget()
    assert context.setting("url") == Settings().url == "http://nearer:1"
