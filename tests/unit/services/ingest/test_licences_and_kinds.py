"""What licences let people do, and what files are: by their words and their bytes alone."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.domain import licences
from services.ingest.domain.kinds import ENDINGS, HEAD, NoText, kind_of, require_whole
from services.ingest.domain.licences import class_of, licence_in_jats, readers_of
from services.ingest.domain.texts import MOST_TRIES, RetrievalStates, next_try
from shared.states import IllegalMove
from shared.wire.ingest import LicenceClass, TextKind, TextReaders
from tests.unit.services.ingest.rig import NOW

DOCTYPE = b'<!DOCTYPE article PUBLIC "-//NLM//DTD JATS v1.2//EN" "x.dtd">'
JATS = b'<?xml version="1.0"?>\n' + DOCTYPE + b"\n<article><front/><body/></article>"


@pytest.mark.parametrize(
    ("licence", "of"),
    [
        ("cc-by", "open"),
        ("CC BY 4.0", "open"),
        ("cc-by-sa", "open"),
        ("https://creativecommons.org/licenses/by/4.0/", "open"),
        ("http://creativecommons.org/publicdomain/zero/1.0/", "open"),
        ("cc0", "open"),
        ("pd", "open"),
        ("public-domain", "open"),
        ("mit", "open"),
        ("distributed under the Creative Commons Attribution License, which permits unrestricted use", "open"),
        ("cc-by-nc", "open_noncommercial_or_noderivs"),
        ("CC BY-NC-ND 4.0", "open_noncommercial_or_noderivs"),
        ("cc-by-nd", "open_noncommercial_or_noderivs"),
        ("https://creativecommons.org/licenses/by-nc-sa/3.0/igo/", "open_noncommercial_or_noderivs"),
        ("Creative Commons Attribution-NonCommercial-NoDerivs License", "open_noncommercial_or_noderivs"),
        ("Creative Commons Attribution Non-Commercial License", "open_noncommercial_or_noderivs"),
        ("CC BY 4.0 (text), CC BY-NC 4.0 (figures)", "open_noncommercial_or_noderivs"),
        ("(c) 2019 Elsevier. All rights reserved.", "closed"),
        ("none", "closed"),
        ("publisher-specific-oa", "unknown"),
        ("implied-oa", "unknown"),
        ("elsevier-specific: oa user license", "unknown"),
        ("nobody knows", "unknown"),
        ("", "unknown"),
        (None, "unknown"),
    ],
)
def test_a_licence_is_of_one_class(licence, of):
    assert class_of(licence) == of


@given(st.text(max_size=300))
def test_no_words_are_too_odd_to_be_of_a_class(words):
    assert class_of(words) in get_args(LicenceClass)


def test_every_class_has_readers_and_every_readers_a_role():
    assert {readers_of(each) for each in get_args(LicenceClass)} <= set(get_args(TextReaders))
    assert set(licences.ROLES) == set(get_args(TextReaders))
    assert [readers_of(each) for each in ("closed", "unknown")] == ["reviewers", "reviewers"]


@pytest.mark.parametrize(
    ("article", "licence"),
    [
        ('<license xlink:href="http://creativecommons.org/licenses/by/4.0/"><p>Open</p></license>', "creativecommons"),
        ("<license><license-p>All rights reserved &amp; kept</license-p></license>", "All rights reserved & kept"),
        ("<ali:license_ref>https://creativecommons.org/licenses/by-nc/4.0/</ali:license_ref>", "by-nc"),
        (
            "<copyright-statement>Ada et al. Under the Creative Commons Attribution License.</copyright-statement>",
            "Ada et al. Under the Creative Commons",
        ),
        (f"<license>{'words ' * 90}Creative Commons Attribution</license>", "Creative Commons Attribution"),
        ("<copyright-statement>Copyright 2010 Cancer Research UK</copyright-statement>", None),
        (
            '<license><p>See <ext-link xlink:href="https://creativecommons.org/licenses/by/4.0/">it</ext-link></p></license>',
            "by/4.0",
        ),
        ('<license license-type="open" xlink:href="https://creativecommons.org/licenses/by/4.0/"/>', "by/4.0"),
        ("<license " * 30_000, None),
        ("<license>" * 30_000, None),
        ("<license_ref " * 20_000 + "<copyright-statement>" * 5_000, None),
        ("<permissions><copyright-year>2019</copyright-year></permissions>", None),
    ],
)
def test_an_article_names_its_licence(article, licence):
    found = licence_in_jats(article)

    assert found is None if licence is None else licence in str(found)


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj", "pdf"),
        (b"\xef\xbb\xbf%PDF-1.4", "pdf"),
        (b"junk of a mail\r\n\r\n%PDF-1.4\n", "pdf"),
        (JATS, "jats"),
        (b"<!-- made --><article article-type='research-article' xmlns:x='y'><front>", "jats"),
        (b'<pmc-articleset><article article-type="review-article"><body>', "jats"),
        (JATS.decode().encode("utf-16"), "jats"),
        (b"<!DOCTYPE html>\n<html><body>Sign in</body></html>", "html"),
        (b"  \n<HTML lang=en><head>", "html"),
        (b'<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml">', "html"),
        (b"<!doctype html><p>about %PDF-1.4</p>", "html"),
        ("Leadership in wards, as it was told: é ü".encode(), "txt"),
        ("caf\xe9 boards".encode("cp1252"), "txt"),
        ("boards \u4e00".encode("utf-16"), "txt"),
        (("x" * (HEAD - 1) + "é").encode()[:HEAD], "txt"),
        (b"a < b and <c> is more", "txt"),
    ],
)
def test_a_text_is_known_by_its_bytes(content, kind):
    assert kind_of(content[:HEAD]) == kind


@pytest.mark.parametrize(
    ("content", "looks_like"),
    [
        (b"", "empty"),
        (b" \n", "empty"),
        (b"PK\x03\x04\x14\0[Content_Types].xml", "ZIP"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "Office"),
        (b"\x1f\x8b\x08\0", "gzip"),
        (b"\x89PNG\r\n\x1a\n", "PNG"),
        (b"{\\rtf1\\ansi", "RTF"),
        (b"%!PS-Adobe-3.0", "PostScript"),
        (b"\0\1\2\3\4", "binary"),
        (b"\x7fELF\2\1", "program"),
        (b"plain \x01 and not", "binary"),
        (b'<?xml version="1.0"?><rss><channel/></rss>', "'rss'"),
        (b'<?xml version="1.0"?><article xmlns="http://docbook.org/ns/docbook"><para/></article>', "'article'"),
        (b"<feed></feed>", "'feed'"),
        (
            b'<?xml version="1.0"?><!DOCTYPE article [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><article dtd-version="1"/>',
            "entities",
        ),
        (b'<!DOCTYPE article [<!-- ]> --><!ENTITY a "ha">]><article dtd-version="1"/>', "XML"),
        (b'<?xml version="1.0"?>' + b"<!-- x -->" * 20_000 + JATS, "XML without"),
    ],
)
def test_what_is_no_text_is_refused_with_what_it_looks_like(content, looks_like):
    with pytest.raises(NoText, match=looks_like):
        kind_of(content[:HEAD])


@given(st.binary(max_size=2000))
def test_no_bytes_are_too_odd_to_be_looked_at(content):
    try:
        assert kind_of(content) in get_args(TextKind)
    except NoText as error:
        assert str(error)


@pytest.mark.parametrize(
    ("kind", "end", "whole"),
    [
        ("pdf", b"startxref\n9\n%%EOF\n", True),
        ("pdf", b"startxref\n9\n%%EOF" + b"\0" * 900, True),
        ("pdf", b"endobj\n7 0 obj << /Len", False),
        ("jats", b"</body></article>\n", True),
        ("jats", b"</nlm:article >", True),
        ("jats", "</article>".encode("utf-16-le"), True),
        ("jats", b"</article-meta></front><body><p>and so", False),
        ("html", b"<p>and so", True),
        ("txt", b"and so", True),
    ],
)
def test_a_text_whose_end_is_missing_is_none(kind, end, whole):
    with nullcontext() if whole else pytest.raises(NoText, match="breaks off"):
        require_whole(kind, end)


def test_every_kind_has_an_ending():
    assert set(ENDINGS) == set(get_args(TextKind))


@pytest.mark.realdata
def test_recorded_articles_of_pubmed_central_are_jats(realdata: Path):
    articles = sorted((realdata / "api-responses" / "pubmed-titipata").rglob("*.nxml*"))
    plain = [each for each in articles if each.suffix == ".nxml"]

    assert plain and {kind_of(each.read_bytes()[:HEAD]) for each in plain} == {"jats"}
    named = {each.stem: class_of(licence_in_jats(each.read_text())) for each in plain}
    assert [stem for stem, known in named.items() if known == "unknown"] == ["6605965a"]


def test_a_text_makes_no_move_that_its_machine_does_not_have():
    for before, after in (("retrieved", "not_retrieved"), (None, "retrieved"), (None, "not_retrieved")):
        with pytest.raises(IllegalMove):
            RetrievalStates.check(before, after)


def test_pauses_grow_and_end():
    pauses = [next_try(NOW, tries, None) for tries in range(1, MOST_TRIES + 1)]

    assert pauses[-1] is None
    known = [each for each in pauses if each is not None]
    assert known == sorted(set(known))
    assert next_try(NOW, 1, 86_400) == next_try(NOW, 1, 86_400.0) and (next_try(NOW, 1, 86_400) or NOW) > known[2]
