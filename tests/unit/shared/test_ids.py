"""Identifiers, and what is none: a name under which somebody acted before people had ids."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from shared.ids import is_old_name, new_id
from shared.tokens import own_token
from shared.wire.people import OldNames
from tests.keys import read_token, ring_of


@pytest.mark.parametrize("actor", ["", "ingest:pull", "people:door", "owner:", ":", "system", "a\n:b"])
def test_what_acts_in_nobodys_name_is_no_old_name(actor):
    assert not is_old_name(actor)


@pytest.mark.parametrize("kind", ["person", "key"])
def test_an_id_is_no_old_name(kind):
    assert not is_old_name(new_id(kind))


def test_whoever_can_read_the_platforms_keys_has_no_old_name():
    ring = ring_of(Ed25519PrivateKey.generate())

    assert not is_old_name(read_token(ring, own_token(ring, "admin")).id)


@pytest.mark.parametrize("actor", ["Ana", "ana ruiz", " ", "person_1", "key_", "Person_" + "0" * 32, "systems", "李"])
def test_all_else_is_one(actor):
    assert is_old_name(actor)


@given(st.dictionaries(st.text(st.characters(codec="utf-8", exclude_characters=":"), max_size=5), st.integers(1, 9)))
def test_of_those_who_acted_the_old_names_are_listed_once_in_order(acts):
    ids = {new_id("person"): 3, "ingest:pull": 4}

    listed = OldNames.of([*ids.items(), *acts.items()]).names

    assert [(it.name, it.acts) for it in listed] == sorted((name, n) for name, n in acts.items() if name)
