"""Issuing tokens: with the platform's own key, for reviews that it knows."""

from __future__ import annotations

import pytest

from shared.errors import Invalid, NotFound, Unavailable
from shared.keys.file import open_ring
from shared.settings import Settings
from tests.keys import read_token
from tests.unit.services.protocol.examples import SMALL, as_yaml


def person(printed: str):
    return read_token(open_ring(Settings(_env_file=None)), printed.strip())


def test_where_there_is_no_key_none_is_made(run, tmp_path):
    result = run("token", "issue", "ana")

    assert isinstance(result.exception, NotFound) and "living serve" in result.exception.detail
    assert list(tmp_path.iterdir()) == []


def test_a_review_that_the_platform_does_not_know_is_refused_unless_told_to(run, protocol):
    refused = run("token", "issue", "ana", "--review", "small")
    assert isinstance(refused.exception, Invalid) and "--unknown-review" in refused.exception.detail

    issued = run("token", "issue", "ana", "--review", "small", "--unknown-review")
    assert person(issued.stdout).reviews == ("small",)


def test_a_review_that_the_platform_knows_is_named_in_the_token(run, protocol, tmp_path):
    file = tmp_path / "small.yaml"
    file.write_text(as_yaml(SMALL))
    run("review", "apply", str(file))

    ana = person(run("token", "issue", "ana", "--review", "small", "--role", "adjudicator").stdout)
    assert (ana.name, ana.role, ana.reviews) == ("ana", "adjudicator", ("small",))


def test_a_platform_that_cannot_be_asked_is_told_with_what_to_do(run):
    open_ring(Settings(_env_file=None))

    result = run("token", "issue", "ana", "--review", "small")

    assert isinstance(result.exception, Unavailable) and "--unknown-review" in result.exception.detail
    assert person(run("token", "issue", "ana").stdout).reviews == ("*",)


@pytest.mark.parametrize(
    "name", ["ingest:pull", "screening:listener", "owner:root", "system", " System ", "ingest\uff1apull", ":"]
)
def test_a_name_that_reads_as_the_platform_itself_is_refused(run, name):
    open_ring(Settings(_env_file=None))

    refused = run("token", "issue", name).exception

    assert isinstance(refused, Invalid) and refused.slug == "reserved_name"
    assert name in refused.detail or repr(name) in refused.detail


@pytest.mark.parametrize("name", ["ana", "Ana de la Cruz", "systematic", "ana@example.org", "o'neill"])
def test_a_persons_name_is_taken_as_it_is(run, name):
    open_ring(Settings(_env_file=None))

    assert person(run("token", "issue", name).stdout).name == name


def test_a_role_that_there_is_none_of_is_refused(run):
    open_ring(Settings(_env_file=None))

    assert isinstance(run("token", "issue", "ana", "--role", "king").exception, Invalid)
