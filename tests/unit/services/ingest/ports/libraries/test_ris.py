"""RIS in the dialects of those who write it, and what is between its records."""

from __future__ import annotations

import pytest
import rispy

from services.ingest.ports.libraries.catalog import WRITERS
from services.ingest.ports.libraries.port import Entry, Exported, Fault, UnreadableLibrary
from services.ingest.ports.sources.port import Notice
from shared.events.ingest import Bibliography
from shared.events.values import Identifiers
from tests.unit.services.ingest.ports.libraries.reading import entry, opened, read, record


def test_scopus_has_numbers_of_articles_and_its_own_in_the_address():
    found = entry(
        "TY  - JOUR\nTI  - A title\nT2  - Addictive Behaviors\nVL  - 137\nC7  - 107538\nPY  - 2023\nC2  - 36201888\n"
        "DO  - 10.1016/J.addbeh.2022.107538\nAU  - Tulloch, C.\nAU  - Hing, N.\nM3  - Review\nDB  - Scopus\n"
        "N1  - Export Date: 7 December 2022\n"
        "UR  - https://www.scopus.com/inward/record.uri?eid=2-s2.0-85141483180&doi=10.1016%2fj.addbeh&md5=bb\nER  - \n"
    )

    assert (found.record.source_id, found.accession) == ("2-s2.0-85141483180", True)
    assert found.record.identifiers == Identifiers(doi="10.1016/j.addbeh.2022.107538", pmid="36201888")
    assert (found.record.volume, found.record.article_number, found.record.kind) == ("137", "107538", "review")
    assert found.record.authors == ["Tulloch, C.", "Hing, N."]
    assert found.fields["N1"] == "Export Date: 7 December 2022"


def test_embase_has_its_number_in_u2_and_pubmeds_in_c5():
    found = entry(
        "TY  - JOUR\nM3  - Article\nY1  - 2004\nSP  - 253\nEP  - 258\nSN  - 0008-543X\nJF  - Cancer\nJO  - Cancer\n"
        "U2  - L39097156\nC5  - 15368318\nDB  - Embase\nDB  - Medline\nA1  - Eloubeidi M.A.\nT1  - A title\n"
        "LA  - English\nN2  - An abstract.\nER  - \n"
    )

    assert (found.record.source_id, found.record.identifiers.pmid) == ("L39097156", "15368318")
    assert (found.record.venue, found.record.other_venues) == ("Cancer", [])
    assert (found.record.pages, found.record.language, found.record.published) == ("253-258", "en", "2004")
    assert (found.record.abstract, found.record.authors) == ("An abstract.", ["Eloubeidi M.A."])


def test_ovid_numbers_its_records_between_them_and_writes_on_after_the_end():
    found, other, after = read(
        "1.\nTY  - JOUR\nID  - 2019-65183-001\nT1  - A title\nY1  - 2019//\nSP  - No\nEP  - Specified\n"
        "L2  - http://ovidsp.ovid.com/ovidweb.cgi?T=JS&PAGE=reference&D=psyc16&NEWS=N&AN=2019-65183-001\nER  - \n"
        "NL  - Clin Psychol\n\nLink to the full text: https://example.org\n\n2.\n\nTY  - JOUR\nT1  - Another\nER  - \n"
        "NL  - Clin Psychol\nThat is all.\n"
    )

    assert isinstance(found, Entry)
    assert (found.line, found.record.source_id, found.record.pages) == (2, "psyc16:2019-65183-001", None)
    assert isinstance(other, Entry) and other.line == 16
    # What Ovid always writes is nothing to remark on, but what else stands there is.
    assert after == Fault(20, "line 20 is of no record of RIS", "That is all.", is_record=False)


def test_ebsco_proquest_web_of_science_cochrane_and_rayyan_number_their_records_in_their_ways():
    def number_of(*lines: str) -> str:
        return record("\n".join(["TY  - JOUR", "TI  - A title", *lines, "ER  - "])).source_id

    assert number_of("AN  - 2022-96522-001", "DB  - psyh", "DP  - EBSCOhost") == "psyh:2022-96522-001"
    assert (
        number_of("UR  - https://search.ebscohost.com/login.aspx?direct=true&db=i3h&AN=150283836&site=ehost-live")
        == "i3h:150283836"
    )
    assert (
        number_of("AN  - 2214991469; 51887", "UR  - https://search.proquest.com/docview/2214991469?accountid=1")
        == "proquest:2214991469"
    )
    assert number_of("AN  - WOS:000444108200009") == "WOS:000444108200009"
    assert number_of("AN  - CN-01234567", "DB  - Cochrane") == "CN-01234567"
    assert number_of("AN  - rayyan-264552525") == "rayyan-264552525"
    assert number_of("AN  - 21553931", "DP  - NLM") == "21553931"
    # A number that says nowhere of what it is may be another record's elsewhere.
    assert number_of("AN  - 01611111").startswith("sha256:")
    assert number_of("ID  - 369").startswith("sha256:")


def test_endnote_goes_on_in_further_lines_and_zotero_leaves_dates_unfilled():
    found = entry(
        "TY  - JOUR\nAN  - 21553931\nDP  - NLM\nDA  - Jun\nPY  - 2011\nKW  - Animals\nBoswellia/*chemistry\n"
        "N1  - 1179-1926\nSwitzerland\nSP  - 349-69\nT2  - Clin Pharmacokinet\nC2  - PMC3172568\n"
        "ST  - Boswellia serrata\nTI  - Boswellia serrata: an assessment\nID  - 369\nER  - \n"
    )
    zotero = record("TY  - JOUR\nTI  - A title\nDA  - 2019/10//undefined\nPY  - 2019\nJ2  - Tech Col\nER  - \n")

    assert found.record.identifiers == Identifiers(pmid="21553931", pmcid="PMC3172568")
    assert (found.record.published, found.record.pages) == ("2011-06", "349-69")
    assert found.record.other_titles == ["Boswellia serrata"]
    assert found.fields["KW"] == "Animals\nBoswellia/*chemistry"
    assert (zotero.published, zotero.venue) == ("2019-10", "Tech Col")


@pytest.mark.parametrize(
    "tag", ["TI  - ", "TI - ", "ti  - ", "TI\t- ", "TI \t- ", " TI  - ", "T1  - ", "TI  -"], ids=repr
)
def test_a_tag_is_read_however_it_is_set(tag):
    assert record(f"TY  - JOUR\n{tag}A title\nDO  - 10.5555/a\nER  -").title == "A title"


def test_a_line_of_text_with_a_dash_is_no_tag():
    found = record("TY  - JOUR\nTI  - A title\nAB  - One.\nto - day\nER then more\nXX - no\n      set in\nER  - \n")

    assert found.abstract == "One.\nto - day\nER then more\nXX - no set in"


def test_tags_nobody_knows_are_kept_and_so_are_values_glued_together():
    found = entry("TY  - JOUR\nTI  - A title\nXY  - odd\nXY  - odder\nAU  - Doe, J.; Roe, K.\nAD  - A street\nER  - ")

    assert found.fields == {"XY": "odd\nodder"}
    assert found.record.authors == ["Doe, J.", "Roe, K."]


def test_a_record_without_its_end_or_its_beginning_is_one_and_says_so():
    one, two, three = read("TY  - JOUR\nTI  - One\nTY  - JOUR\nTI  - Two\nER  - \nTI  - Three\nER  - \n")

    assert isinstance(one, Entry) and one.remarks == ("it ends without ER",)
    assert isinstance(two, Entry) and two.remarks == ()
    assert isinstance(three, Entry) and three.remarks == ("it begins without TY",)
    assert (three.line, three.record.title) == (6, "Three")


def test_a_file_that_ends_within_a_record_gives_what_can_be_read():
    found = entry("TY  - JOUR\nTI  - One\nAB  - It sto")

    assert found.record.abstract == "It sto"
    assert found.remarks == ("the file ends within it, before ER",)


def test_junk_before_among_and_after_records_is_named_line_by_line():
    before, one, among, two, after = read(
        "Brought by somebody\nOn a Monday\n\nTY  - JOUR\nTI  - One\nPMID - 12345678\n\n% Comment\n"
        "TY  - JOUR\nTI  - Two\nER  - \nER  - \nEnd of export\n"
    )

    assert [it.line for it in (before, one, among, two, after)] == [1, 4, 8, 9, 12]
    assert [it.is_record for it in (before, among, after) if isinstance(it, Fault)] == [False] * 3
    assert isinstance(one, Entry) and one.record.identifiers.pmid == "12345678"
    assert isinstance(after, Fault) and after.reason == "lines 12 to 13 are of no record of RIS"


def test_a_file_without_a_record_is_refused_where_it_ends():
    with pytest.raises(UnreadableLibrary, match=r"export\.txt, line 2: no record of RIS begins up to here"):
        read("Title,Year\nA title,2019", "ris")
    with pytest.raises(UnreadableLibrary, match=r"line 10001: "):
        read("Nothing here\n" * 30_000, "ris")


def test_what_a_title_says_of_another_work_is_heard():
    found = record("TY  - JOUR\nTI  - Erratum to: Leading across boundaries\nDO  - 10.5555/e\nER  - \n")

    assert found.kind == "notice"
    assert found.notices == [
        Notice(kind="correction", text="Leading across boundaries", by="doi:10.5555/e", said="its title")
    ]


def test_what_screening_tools_decided_is_read_from_their_notes():
    found = entry(
        'TY  - JOUR\nTI  - A title\nAN  - rayyan-1\nN1  - RAYYAN-INCLUSION: {"Ana"=>"Included", "Ben"=>"Maybe"} '
        "| RAYYAN-LABELS: Hospital,ML | RAYYAN-EXCLUSION-REASONS: wrong outcome\n"
        "N1  - <p>ASReview_irrelevant</p>\nER  - "
    )

    assert (
        found.fields.items()
        >= {
            "rayyan.inclusion.Ana": "Included",
            "rayyan.inclusion.Ben": "Maybe",
            "rayyan.labels": "Hospital,ML",
            "rayyan.exclusion_reasons": "wrong outcome",
            "asreview": "irrelevant",
        }.items()
    )
    assert opened("TY  - JOUR\nTI  - A\nN1  - RAYYAN-LABELS: x\nER  - ").dialect == "rayyan"


def test_what_is_written_is_what_zotero_endnote_and_rayyan_keep():
    bibliography = Bibliography(
        title="A title",
        abstract="One.\nER  - two.",
        authors=["Doe, Jane"],
        venue="A journal",
        pages="1-9",
        published="2019-04",
        kind="review",
        identifiers=Identifiers(doi="10.5555/a", pmid="1", pmcid="PMC2", openalex="W3"),
    )

    (body,) = WRITERS["ris"]([Exported("rec_1", bibliography, {"stage": "full_text", "reason": "a | b"})])

    assert body.decode().split("\r\n") == [
        "TY  - JOUR", "ID  - rec_1", "TI  - A title", "AU  - Doe, Jane", "PY  - 2019", "DA  - 2019/04//",
        "T2  - A journal", "SP  - 1", "EP  - 9", "DO  - 10.5555/a", "AB  - One.", "AB  - ER - two.",
        "N1  - PMID: 1 | PMCID: PMC2 | OpenAlex: W3 | Kind: review",
        "N1  - LIVING-RECORD: rec_1 | LIVING-STAGE: full_text | LIVING-REASON: a / b", "ER  - ", "", "",
    ]  # fmt: skip
    assert entry(body).fields.items() >= {"living.stage": "full_text", "living.reason": "a / b"}.items()


def test_another_reader_reads_what_is_written():
    bibliography = Bibliography(
        title="A title", abstract="One.\nTwo - three.", authors=["Doe, Jane", "Roe, K"], venue="A journal", issue="2",
        volume="1", pages="1-9", published="2019-04-01", kind="article", language="en", issns=["0006-2960"],
        urls=["https://example.org"], identifiers=Identifiers(doi="10.5555/a"),
    )  # fmt: skip

    body = b"".join(WRITERS["ris"]([Exported("rec_1", bibliography), Exported("rec_2", bibliography)]))
    one, two = rispy.loads(body.decode().replace("\r\n", "\n"))

    assert one | {"id": "rec_2", "notes": ["LIVING-RECORD: rec_2"]} == two
    assert one == {
        "type_of_reference": "JOUR", "id": "rec_1", "title": "A title", "authors": ["Doe, Jane", "Roe, K"],
        "year": "2019", "date": "2019/04/01/", "secondary_title": "A journal", "volume": "1", "number": "2",
        "start_page": "1", "end_page": "9", "issn": "0006-2960", "urls": ["https://example.org"], "language": "en",
        "doi": "10.5555/a", "abstract": "One. Two - three.", "notes": ["LIVING-RECORD: rec_1"],
    }  # fmt: skip
