"""Checking: whoever reads a revision takes keys and document away, and finds out alone whether it was changed."""

from __future__ import annotations

import html
import re
import shlex
import zipfile
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import get_args

import pytest
from click.testing import CliRunner, Result

from services.cli import app
from services.synthesis.models import DepositRow
from services.synthesis.ports.crates import FILES, name_of
from shared.keys.published import key_set, read_keys
from shared.wire.synthesis import EvidenceForm, ExportForm, file_of
from tests.unit.services.web.rig import REVIEW, Browser, Site
from tests.unit.services.web.test_findings import publishes

pytestmark = pytest.mark.waits

AT = f"/reviews/{REVIEW}/findings/1"


@pytest.fixture(scope="module")
def anybody(site: Site) -> Browser:
    """Somebody who reads a public review, with one revision, and has not signed in."""
    publishes(site)
    return Browser(site)


@pytest.fixture(scope="module")
def member(site: Site, anybody: Browser) -> Browser:
    return site.member("Rita", "reader")


@pytest.fixture
def laptop(tmp_path, monkeypatch) -> Path:
    """A folder on a machine that has nothing of the platform but its program."""
    monkeypatch.chdir(tmp_path)
    for name in ("LIVING_URL", "LIVING_KEY", "LIVING_DATA_DIR"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def saves(browser: Browser, folder: Path, link: str) -> None:
    """Saves what a link leads to, under the name that it comes with."""
    page = browser.http.get(link)
    (name,) = re.findall(r'filename="([^"]+)"', page.headers["content-disposition"])
    (folder / name).write_bytes(page.content)


def runs_as_printed(browser: Browser) -> Result:
    """Runs the command that a page shows, as somebody who copies it."""
    (printed,) = re.findall(r"<code>(living [^<]*)</code>", browser.text)
    name, *words = shlex.split(html.unescape(printed))
    assert name == "living"
    return CliRunner().invoke(app, words)


def test_from_the_page_of_a_revision_anybody_finds_the_keys_and_saves_them_as_the_platform_has_them(site, anybody):
    assert (
        f'href="{AT}/keys"' in anybody.goes(AT).text and f'href="{AT}/keys"' in anybody.goes(f"{AT}/verification").text
    )
    ring = site.app.state.platform.ring.current()
    key = ring.newest("revisions")

    anybody.goes(f"{AT}/keys")

    assert key.kid in anybody.words and key.fingerprint in anybody.words and "signed revision 1" in anybody.words
    assert ring.newest("tokens").kid not in anybody.words
    kept = anybody.goes(f"{AT}/keys.json").page
    assert kept.headers["content-type"] == "application/jwk-set+json"
    assert key_set(read_keys(kept.content)) == key_set(ring) and "PRIVATE" not in kept.text


def test_the_command_on_that_page_checks_what_its_links_save_as_it_is_printed(anybody, laptop):
    anybody.goes(f"{AT}/keys")
    for link in sorted(set(re.findall(r'href="([^"]+)" download', anybody.text))):
        saves(anybody, laptop, link)

    checked = runs_as_printed(anybody)

    assert checked.exit_code == 0 and "It is what was signed" in checked.output, checked.output
    signed = laptop / f"{REVIEW}-1.json"
    signed.write_text(signed.read_text().replace("trust", "doubt"))
    assert runs_as_printed(anybody).exit_code == 1


def test_a_member_saves_all_of_a_revision_by_a_link_that_says_what_is_in_it(anybody, member, laptop):
    member.goes(AT)
    assert f'href="{AT}/crate" download' in member.text
    for name in (*FILES, "ro-crate-metadata.json"):
        assert name in member.words, name
    for link in (f"{AT}/crate", f"{AT}/keys.json"):
        saves(member, laptop, link)

    content = (laptop / name_of(REVIEW, 1)).read_bytes()
    assert set(zipfile.ZipFile(BytesIO(content)).namelist()) <= {*FILES, "ro-crate-metadata.json"}
    checked = runs_as_printed(member.goes(AT))
    assert checked.exit_code == 0 and "follows from its 1 link" in checked.output, checked.output


def test_whoever_is_no_member_is_shown_no_such_link_and_gets_no_such_file(site, anybody):
    assert f"{AT}/crate" not in anybody.goes(AT).text
    assert anybody.goes(f"{AT}/crate").at == "/sign-in"
    with site.client(site.admin) as living:
        living.people.found("elsewhere")
    otto = site.member("Otto", "lead", review="elsewhere")
    assert f"{AT}/crate" not in otto.goes(AT).text and otto.goes(f"{AT}/crate").page.status_code == 404


@pytest.mark.parametrize("number", ["0", "9", "x"])
def test_of_a_revision_that_there_is_not_there_is_nothing_to_check(member, number):
    for what in ("keys", "crate"):
        assert member.goes(f"/reviews/{REVIEW}/findings/{number}/{what}").page.status_code == 404


def test_a_revision_is_taken_along_in_every_form_and_what_it_rests_on_by_members_alone(site, anybody, member):
    anybody.goes(AT)
    offered = sorted(set(re.findall(rf'href="({AT}/(?:as|evidence)/[a-z]+)" download', anybody.text)))
    assert offered == [f"{AT}/as/{form}" for form in sorted(get_args(ExportForm))]
    for link in offered:
        kept = anybody.http.get(link)
        name, kind = file_of(REVIEW, 1, link.rpartition("/")[2])
        assert kept.status_code == 200 and kept.headers["content-type"].startswith(kind) and kept.content
        assert f'filename="{name}"' in kept.headers["content-disposition"]

    member.goes(AT)
    for form in get_args(EvidenceForm):
        link = f"{AT}/evidence/{form}"
        assert f'href="{link}" download' in member.text
        kept = member.http.get(link)
        assert kept.status_code == 200 and file_of(REVIEW, 1, form)[0] in kept.headers["content-disposition"]
        assert anybody.goes(link).at == "/sign-in"
    for link in (f"{AT}/as/pdf", f"{AT}/evidence/pdf"):
        assert member.http.get(link).status_code == 404


def test_a_revision_that_has_a_doi_is_cited_by_it(site, anybody):
    assert "doi.org" not in anybody.goes(AT).text
    archive = "https://archive.example/api"
    row = DepositRow(
        review=REVIEW, archive=archive, number=1, state="assigned", deposit="7", doi="10.5281/zenodo.7",
        concept_doi="10.5281/zenodo.6", assigned_at=datetime(2026, 1, 1, tzinfo=UTC),
    )  # fmt: skip
    with site.app.state.platform.running["synthesis"].work("test") as work:
        work.add(row)
    try:
        anybody.goes(AT)
        for doi in ("10.5281/zenodo.7", "10.5281/zenodo.6"):
            assert f'<a href="https://doi.org/{doi}">{doi}</a>' in anybody.text
        assert '<meta name="citation_doi" content="10.5281/zenodo.7">' in anybody.text
        assert "https://doi.org/10.5281/zenodo.7 (signed document" in anybody.words
        assert "doi = {10.5281/zenodo.7}" in anybody.http.get(f"{AT}/cite.bib").text
        assert "DO  - 10.5281/zenodo.7\r\n" in anybody.http.get(f"{AT}/cite.ris").text
    finally:
        with site.app.state.platform.running["synthesis"].work("test") as work:
            work.session.delete(work.session.get_one(DepositRow, (REVIEW, archive, 1)))
