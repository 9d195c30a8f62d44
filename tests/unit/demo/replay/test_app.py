"""The replay against the documents of the four APIs: paging, dates, headers and errors."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from defusedxml.ElementTree import fromstring
from starlette.testclient import TestClient

from demo.replay.app import replay_app
from demo.replay.papers import PapersCorpus
from shared.clock import ManualClock
from shared.events.protocol import Strategy
from shared.strategies.asking import asked

ROOT = Path(__file__).parents[4]
REVIEW = ROOT / "reviews" / "ics-leadership" / "papers.yaml"
DOCUMENTED = ROOT / "docs" / "strategies.md"


class Ticks:
    """A clock that ages cursors."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(scope="module")
def corpus() -> PapersCorpus:
    return PapersCorpus.load(REVIEW)


@pytest.fixture
def ticks() -> Ticks:
    return Ticks()


@pytest.fixture
def api(corpus, ticks) -> TestClient:
    return TestClient(replay_app(corpus, monotonic=ticks))


def test_nothing_is_wired_to_the_papers(api):
    assert api.get("/openalex/works?filter=title_and_abstract.search:cartilage").json()["results"] == []
    assert api.get("/crossref/works?query.bibliographic=cartilage").json()["message"]["items"] == []
    asked = {"db": "pubmed", "retmode": "json", "term": "cartilage[ti]"}
    assert api.get("/eutils/esearch.fcgi", params=asked).json()["esearchresult"]["count"] == "0"
    asked = {"query": "TITLE:cartilage", "resultType": "core", "format": "json"}
    assert api.get("/europepmc/search", params=asked).json()["hitCount"] == 0


def test_a_strategy_of_concepts_is_answered_as_each_source_is_asked_for_it(api):
    terms = [{"text": "leader*"}, {"text": "governance", "field": "title"}]
    care = {"name": "care", "terms": ["integrated care", "social care"]}
    blocks = {"concepts": [{"name": "leading", "terms": terms}, care], "not": {"name": "where", "terms": ["england"]}}
    strategy = Strategy.model_validate({"id": "a", "sources": ["pubmed", "europepmc", "openalex"], **blocks})
    (term,), (query,), (filter_,) = (asked(strategy, source).strings for source in strategy.searched)

    searched = api.get("/eutils/esearch.fcgi", params={"db": "pubmed", "retmode": "json", "term": term}).json()
    assert searched["esearchresult"]["count"] == "4"
    core = {"query": query, "format": "json", "resultType": "core"}
    assert api.get("/europepmc/search", params=core).json()["hitCount"] == 4
    assert api.get("/openalex/works", params={"filter": filter_}).json()["meta"]["count"] == 7


def test_what_has_not_entered_yet_is_not_shown(corpus):
    clock = ManualClock("2018-02-06T00:00:00+00:00")
    api = TestClient(replay_app(corpus, clock=clock))
    found = api.get("/crossref/works?query=integrated integration&rows=1000").json()["message"]
    assert {item["DOI"] for item in found["items"]} == {"10.5334/ijic.3106", "10.1111/hsc.12537"}
    clock.set("2018-12-31T00:00:00+00:00")
    assert api.get("/crossref/works?query=integrated integration").json()["message"]["total-results"] == 5
    assert api.get("/openalex/works").json()["meta"]["count"] == 5


def test_another_address_is_answered_in_each_apis_way(api):
    assert api.get("/openalex/nothing").headers["content-type"].startswith("text/html")
    crossref = api.get("/crossref/nothing")
    assert (crossref.status_code, crossref.text) == (404, "Resource not found.")
    assert api.get("/eutils/nothing").status_code == api.get("/europepmc/nothing").status_code == 404
    assert "serves" in api.get("/elsewhere").text


# OpenAlex


def works(api: TestClient, **asked: str):
    return api.get("/openalex/works", params=asked)


def test_openalex_pages_by_cursor_until_an_empty_page_without_one(api):
    cursor, sizes, ids = "*", [], []
    while cursor:
        body = works(api, per_page="6", cursor=cursor, select="id").json()
        sizes.append(len(body["results"]))
        ids += [work["id"] for work in body["results"]]
        cursor = body["meta"]["next_cursor"]
    assert sizes == [6, 6, 6, 2, 0]
    assert len(set(ids)) == body["meta"]["count"] == 20
    assert body["meta"]["page"] is None


def test_openalex_filters_by_publication_date_and_words(api):
    body = works(api, filter="from_publication_date:2020-01-01,to_publication_date:2020-12-31").json()
    assert {work["publication_year"] for work in body["results"]} == {2020}
    body = works(api, filter='title.search:"leadership for integrated care" AND study').json()
    assert [work["title"] for work in body["results"]] == ["Leadership for integrated care: a case study"]
    assert works(api, search='"odyssey of integration"').json()["meta"]["count"] == 1
    assert works(api, filter="is_retracted:true").json()["meta"]["count"] == 0
    assert works(api, filter="has_doi:false").json()["meta"]["count"] == 2


def test_openalex_selects_root_fields(api):
    assert set(works(api, select="id,title").json()["results"][0]) == {"id", "title"}


def test_openalex_tells_its_price(api):
    answer = works(api)
    assert answer.headers["X-RateLimit-Credits-Used"] == "1"
    assert works(api, search="care").headers["X-RateLimit-Credits-Used"] == "10"
    assert int(works(api).headers["X-RateLimit-Remaining"]) < int(answer.headers["X-RateLimit-Remaining"])


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"filter": "DOESNTEXIST:1"}, "DOESNTEXIST is not a valid field"),
        ({"filter": "nocolon"}, "Invalid query parameter"),
        ({"select": "DOESNTEXIST"}, "not a valid select field"),
        ({"nonsense": "1"}, "nonsense is not a valid parameter"),
        ({"per_page": "101"}, "between 1 and 100"),
        ({"per_page": "0"}, "between 1 and 100"),
        ({"cursor": "nonsense"}, "Cursor value is invalid"),
        ({"cursor": "WzAsImh0dHBzOi8vb3BlbmFsZXgub3JnL1cxIl0="}, "Cursor value is invalid"),
        ({"cursor": "*", "page": "1"}, "Cannot use page"),
        ({"page": "1000"}, "Cursor pagination is required"),
        ({"filter": "from_publication_date:soon"}, "YYYY-MM-DD"),
        ({"filter": "is_retracted:maybe"}, "true or false"),
        ({"search": "(care"}, "cannot be read"),
    ],
)
def test_openalex_refuses_in_its_words(api, asked, message):
    answer = works(api, **asked)
    assert answer.status_code == 400
    assert set(answer.json()) == {"error", "message"}
    assert message in answer.json()["message"]


# Crossref


def items(api: TestClient, **asked: str):
    return api.get("/crossref/works", params={name.replace("_", "-"): value for name, value in asked.items()})


def test_crossrefs_cursor_stays_the_same_and_comes_back_even_past_the_end(api):
    first = items(api, rows="10", cursor="*").json()["message"]
    cursor, dois = first["next-cursor"], [item["DOI"] for item in first["items"]]
    assert "+" in cursor
    for size in (10, 2, 0, 0):
        page = items(api, rows="10", cursor=cursor).json()["message"]
        assert len(page["items"]) == size
        assert page["next-cursor"] == cursor
        assert page["total-results"] == 22
        dois += [item["DOI"] for item in page["items"]]
    assert len(set(dois)) == len(dois) == 22


def test_crossrefs_cursor_lives_five_minutes(api, ticks):
    cursor = items(api, cursor="*").json()["message"]["next-cursor"]
    ticks.now += 299
    assert items(api, cursor=cursor).status_code == 200
    ticks.now += 301
    answer = items(api, cursor=cursor)
    assert answer.status_code == 404
    assert answer.json()["message"][0]["type"] == "cursor-invalid"


def test_crossref_matches_any_word_and_filters_by_index_date(api):
    asked = {"filter": "from-index-date:2019-01-01,until-index-date:2019-12-31,type:journal-article"}
    found = api.get("/crossref/works", params=asked | {"query.bibliographic": "partnering cartilage"}).json()
    assert [item["DOI"] for item in found["message"]["items"]] == ["10.1108/JHOM-02-2019-0032"]
    assert api.get("/crossref/works", params={"query.author": "Shand"}).json()["message"]["total-results"] == 1


def test_crossref_gives_who_leaves_an_address_the_polite_pool(api):
    assert items(api).headers["x-api-pool"] == "public"
    assert items(api, mailto="a@example.org").headers["x-rate-limit-limit"] == "10"
    agent = {"user-agent": "tool (mailto:a@example.org)"}
    assert api.get("/crossref/works", headers=agent).headers["x-api-pool"] == "polite"


@pytest.mark.parametrize(
    ("asked", "kind"),
    [
        ({"rows": "things"}, "integer-not-valid"),
        ({"rows": "1001"}, "integer-not-valid"),
        ({"offset": "10001"}, "integer-not-valid"),
        ({"sample": "9"}, "parameter-not-allowed"),
        ({"cursor": "*", "offset": "1"}, "parameter-not-allowed"),
        ({"filter": "has-magic:true"}, "filter-not-available"),
        ({"filter": "from-index-date:soon"}, "date-not-valid"),
    ],
)
def test_crossref_refuses_in_its_words(api, asked, kind):
    answer = items(api, **asked)
    assert answer.status_code == 400
    assert answer.json()["message-type"] == "validation-failure"
    assert answer.json()["message"][0]["type"] == kind


def test_crossrefs_old_cursors_make_room(api):
    first = items(api, cursor="*").json()["message"]["next-cursor"]
    for _ in range(200):
        items(api, cursor="*", rows="0")
    assert items(api, cursor=first).status_code == 404


# The E-utilities


def esearch(api: TestClient, **asked: str) -> dict:
    answer = api.post("/eutils/esearch.fcgi", data={"db": "pubmed", "retmode": "json", "term": "care"} | asked)
    return answer.json()["esearchresult"]


def efetch(api: TestClient, **asked: str):
    return api.get("/eutils/efetch.fcgi", params={"db": "pubmed", "retmode": "xml"} | asked)


def test_esearch_keeps_a_result_that_efetch_pages_through(api):
    found = esearch(api, usehistory="y", retmax="0")
    history = {"WebEnv": found["webenv"], "query_key": found["querykey"]}
    assert found["idlist"] == []
    pmids = []
    for start in range(0, int(found["count"]), 5):
        root = fromstring(efetch(api, **history, retstart=str(start), retmax="5").content)
        pmids += [each.text for each in root.iterfind("PubmedArticle/MedlineCitation/PMID")]
    assert pmids == esearch(api, retmax="100")["idlist"]


def test_esearch_has_windows_of_entry_dates_that_need_both_bounds(api):
    window = {"datetype": "edat", "mindate": "2018/03/13", "maxdate": "2018/03/13"}
    assert esearch(api, **window)["idlist"] == ["99000002"]
    assert esearch(api, datetype="edat", mindate="2018/03/13")["count"] == esearch(api)["count"]
    published = {"datetype": "pdat", "mindate": "2022/01/01", "maxdate": "2022/12/31"}
    assert esearch(api, term="health OR healthcare", **published)["count"] == "3"


def test_esearch_knows_headings_by_their_words_and_words_near_each_other(api):
    assert esearch(api, term="care[mh]")["count"] == esearch(api, term="care[tiab]")["count"] != "0"
    near = esearch(api, term='"care integrated"[tiab:~3]')
    assert near["count"] != "0" and "warninglist" not in near
    assert esearch(api, term='"care integrated"[nothing:~3]')["warninglist"]["outputmessages"]


def test_esearch_reads_the_example_of_the_documentation(api):
    example = yaml.safe_load(DOCUMENTED.read_text(encoding="utf-8").split("```yaml\n")[1].split("```")[0])
    (string,) = asked(Strategy.model_validate(example["strategies"][0]), "pubmed").strings

    assert "[mh]" in string and ":~2]" in string
    assert esearch(api, term=string).get("warninglist", {}).get("outputmessages", []) in ([], ["No items found."])


def test_esearch_stops_at_its_ceiling(corpus):
    api = TestClient(replay_app(corpus, pubmed_ceiling=3))
    found = esearch(api, usehistory="y", retmax="100")
    assert int(found["count"]) > 3
    assert len(found["idlist"]) == 3
    assert "'retstart' cannot be larger than 2" in esearch(api, retstart="3")["ERROR"]
    beyond = efetch(api, WebEnv=found["webenv"], query_key="1", retstart="3")
    assert beyond.status_code == 400
    assert "cannot retrieve history data" in beyond.text


def test_esearch_answers_errors_inside_a_200(api):
    assert esearch(api, db="nothing") == {"ERROR": "Invalid db name specified: nothing"}
    assert "Empty term" in esearch(api, term="")["ERROR"]
    assert esearch(api, term="(care")["warninglist"]["outputmessages"] == ["a bracket is not closed"]
    assert esearch(api, term="cartilage")["warninglist"]["outputmessages"] == ["No items found."]


def test_efetch_knows_ids_and_forgets_what_it_never_knew(api):
    root = fromstring(efetch(api, id="99000001,99000010,1").content)
    assert len(root) == 2
    forgotten = efetch(api, WebEnv="MCID_x", query_key="1")
    assert forgotten.status_code == 400
    assert "Cannot retrieve history data" in forgotten.text
    assert efetch(api, db="pmc", id="1").status_code == 400
    assert api.get("/eutils/esearch.fcgi?db=pubmed&term=care").status_code == 400


def test_the_e_utilities_want_long_requests_posted_and_allow_more_with_a_key(api):
    assert api.get("/eutils/esearch.fcgi", params={"term": "x" * 9000}).status_code == 414
    assert esearch(api, term=" OR ".join(["care"] * 3000))["count"] == esearch(api)["count"]
    assert api.get("/eutils/efetch.fcgi").headers["x-ratelimit-limit"] == "3"
    assert api.get("/eutils/efetch.fcgi?api_key=k").headers["x-ratelimit-limit"] == "10"
    assert api.post("/eutils/esearch.fcgi", content=b"x" * 1_000_001).status_code == 413


# Europe PMC


def search(api: TestClient, **asked: str) -> dict:
    seen = {"query": "care OR health OR healthcare", "resultType": "core", "format": "json"} | asked
    answer = api.get("/europepmc/search", params=seen)
    assert answer.status_code == 200
    return answer.json()


def test_europe_pmc_pages_by_marks_and_ends_without_one(api):
    first = search(api, pageSize="5")
    second = search(api, pageSize="5", cursorMark=first["nextCursorMark"])
    assert (first["hitCount"], len(first["resultList"]["result"])) == (9, 5)
    assert len(second["resultList"]["result"]) == 4
    assert "nextCursorMark" not in second
    assert "nextPageUrl" not in second
    assert search(api, cursorMark="%2A")["request"]["cursorMark"] == "%2A"


def test_europe_pmc_has_windows_of_first_indexing(api):
    found = search(api, query="(care) AND FIRST_IDATE:[2020-03-05 TO 2020-03-05]")
    assert [result["id"] for result in found["resultList"]["result"]] == ["99000010"]
    nothing = search(api, query="care AND FIRST_IDATE:[1999-01-01 TO 1999-12-31]")
    assert nothing["resultList"]["result"] == []
    assert "nextCursorMark" not in nothing


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"query": ""}, "No search criteria provided"),
        ({"query": "x" * 1500}, "less than 1500 characters"),
        ({"pageSize": "1001"}, "Invalid page size"),
        ({"pageSize": "many"}, "Invalid page size"),
        ({"cursorMark": "nonsense"}, "Invalid cursorMark"),
        ({"format": "xml"}, "Only format=json"),
        ({"query": "MESH:care"}, "cannot be read"),
    ],
)
def test_europe_pmc_answers_errors_inside_a_200(api, asked, message):
    body = search(api, **asked)
    assert body["errCode"] == 404
    assert message in body["errMsg"]
