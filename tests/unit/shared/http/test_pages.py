"""The API pages work without any other host, under a policy that would stop one."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest

from shared.http import pages
from tests.toy import TOY

ASSETS = Path(pages.__file__).parent / "assets"


@pytest.fixture
def visitor(workbench):
    return workbench(TOY).anybody()


def test_the_page_and_all_it_names_are_served_from_here(visitor):
    page = visitor.get("/docs")
    named = re.findall(r'(?:src|href)="([^"]+)"', page.text)

    assert page.headers["content-type"].startswith("text/html")
    assert {"docs/docs.js", "docs/docs.css", "docs/swagger-ui-bundle.js", "docs/swagger-ui.css", "openapi.json"} < {
        *named
    }
    for name in named:
        assert name == "data:," or visitor.get(f"/{name}").status_code == 200, name


def test_no_script_but_our_own_may_run_and_none_is_written_into_the_page(visitor):
    page = visitor.get("/docs")

    assert re.findall(r"<script(?![^>]*\bsrc=)", page.text) == []
    policy = dict(rule.split(" ", 1) for rule in page.headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"


def test_the_script_is_served_as_one_and_asked_for_again_only_when_it_changed(visitor):
    first = visitor.get("/docs/docs.js")
    assert first.headers["content-type"].startswith("text/javascript")
    assert (first.headers["x-content-type-options"], first.headers["cache-control"]) == ("nosniff", "no-cache")
    assert "http" not in first.text


@pytest.mark.parametrize("path", ["/redoc", "/docs/README.md", "/docs/..%2fapp.py", "/docs/oauth2-redirect"])
def test_nothing_else_is_served(visitor, path):
    assert visitor.get(path).status_code == 404


def test_what_others_wrote_is_as_they_published_it():
    written = dict(re.findall(r"\| `([\w.-]+)` \| `([0-9a-f]{64})` \|", (ASSETS / "README.md").read_text()))

    assert set(written) == {"swagger-ui-bundle.js", "swagger-ui.css"}
    for name, sha256 in written.items():
        assert hashlib.sha256((ASSETS / name).read_bytes()).hexdigest() == sha256
