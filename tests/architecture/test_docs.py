"""What is written down is checked: generated pages are fresh, links lead somewhere, names are still so."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from docs.generate import PAGES
from shared.settings import Settings

ROOT = Path(__file__).parent.parent.parent
TRACKED = [
    ROOT / name
    for name in subprocess.check_output(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT, text=True
    ).split()
]
PAGES_BY_HAND = [path for path in TRACKED if path.suffix == ".md" and path.exists() and path not in PAGES]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_a_generated_page_is_what_the_code_says_now(path):
    assert path.read_text() == PAGES[path](), f"{path.name} is stale: make docs"


@pytest.mark.parametrize("page", PAGES_BY_HAND, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_and_file_a_page_names_is_there(page):
    text = page.read_text()
    links = re.findall(r"\]\((?!https?:|#|mailto:)([^)#]+)", text)
    files = re.findall(r"`((?:services|shared|demo|deploy|docs|tests|reviews|bench)/[\w./-]+)`", text)

    missing = [link for link in links if not (page.parent / link).exists()]
    missing += [name for name in files if not (ROOT / name).exists()]
    assert missing == []


@pytest.mark.parametrize("page", PAGES_BY_HAND, ids=lambda page: str(page.relative_to(ROOT)))
def test_what_a_page_says_is_in_a_file_is_there(page):
    named = re.findall(r"`([\w.]+)`\s+(?:in\s+|\()`((?:services|shared|demo)/[\w./]+\.py)`", page.read_text())

    missing = [(name, file) for name, file in named if not _defines((ROOT / file).read_text(), name.split(".")[-1])]
    assert missing == []


def _defines(code: str, name: str) -> bool:
    return re.search(rf"\b(def|class) {name}\b|^ *{name}\b *[:=]", code, re.MULTILINE) is not None


@pytest.mark.parametrize("page", PAGES_BY_HAND, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_setting_a_page_names_exists(page):
    known = {f"LIVING_{name.upper()}" for name in Settings.model_fields}
    named = set(re.findall(r"\bLIVING_[A-Z_]+[A-Z]\b", page.read_text()))

    assert {
        name
        for name in named - known
        if not name.startswith(
            ("LIVING_TEST_", "LIVING_REALDATA", "LIVING_POSTGRES_PASSWORD", "LIVING_LOCAL", "LIVING_SERVERS")
        )
    } == set()


def test_nothing_that_lands_names_one_machine_or_a_registry():
    words = re.compile(r"(?<![\w.])/(?:work|root)/|pypi\.org|files\.pythonhosted|repo1?\.maven|registry\.npmjs")
    own = Path(__file__)

    named = [
        str(path.relative_to(ROOT))
        for path in TRACKED
        if path != own and path.is_file() and words.search(path.read_text(errors="ignore"))
    ]
    assert named == []


def test_lock_files_hold_hashes_and_no_addresses():
    for lock in ROOT.glob("requirements*.lock"):
        text = lock.read_text()
        assert "--hash=sha256:" in text and "://" not in text


def test_the_tour_shows_every_picture_that_is_taken_for_it():
    shown = set(re.findall(r"\]\((tour/[\w-]+\.png)\)", (ROOT / "docs" / "tour.md").read_text()))

    assert shown == {f"tour/{path.name}" for path in (ROOT / "docs" / "tour").iterdir()}
