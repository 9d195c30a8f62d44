"""Whom a connection believes: who proves a name, and nobody else; the list is read once."""

from __future__ import annotations

import ssl

from shared.outward.trust import trusted


def test_whoever_is_asked_must_prove_a_name_to_an_authority_that_is_known():
    assert trusted().verify_mode is ssl.CERT_REQUIRED and trusted().check_hostname
    assert trusted().cert_store_stats()["x509_ca"] > 0


def test_the_list_is_read_once():
    assert trusted() is trusted()
