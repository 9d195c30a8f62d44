"""Coming in, signing in and out: by forms alone, and by nobody else's."""

from __future__ import annotations

import gc
import html
import re
import warnings

import pytest

from services.web import policy
from services.web.pages import ALL
from shared.client.asynchronous.people import AsyncPeopleClient
from shared.errors import Unavailable
from tests.unit.services.web.rig import REVIEW, Browser, Site, filled

pytestmark = pytest.mark.waits


@pytest.fixture(scope="module", autouse=True)
def review(site: Site) -> None:
    site.founds()


def test_the_first_admin_comes_in_by_the_link_and_signs_in_by_name_from_then_on(site):
    assert site.admin.at == "/" and REVIEW in site.admin.goes("/").text

    again = Browser(site).signs_in("Ada")

    assert again.at == "/" and again.session is not None


def test_who_is_not_signed_in_is_asked_to_be_and_goes_on_to_the_page_they_asked_for(site):
    browser = Browser(site).goes(f"/reviews/{REVIEW}?x=1")
    assert browser.at == "/sign-in"

    browser.sends("/sign-in", sign_in_as="Ada", password="a sentence of my own")

    assert (browser.at, str(browser.page.url.query)) == (f"/reviews/{REVIEW}", "b'x=1'")


@pytest.mark.parametrize("to", ["https://elsewhere.org/", "//elsewhere.org", "/\\elsewhere.org", "javascript:alert(1)"])
def test_signing_in_leads_nowhere_else(site, to):
    browser = Browser(site)
    browser.sends("/sign-in", to=to, sign_in_as="Ada", password="a sentence of my own")

    assert browser.page.url.host == "testserver" and browser.at == "/"


def test_a_wrong_password_is_said_so_and_keeps_the_name(site):
    browser = Browser(site).signs_in("Ada", "another sentence")

    assert browser.page.status_code == 422 and browser.session is None
    assert "nobody here of that name with that password" in browser.text and 'value="Ada"' in browser.text


def test_too_many_wrong_passwords_have_to_wait(site):
    link = site.client(site.admin).people.invite(REVIEW, {"role": "reader"}).link
    site.comes("Slow", link)
    for _ in range(6):
        browser = Browser(site).signs_in("Slow", "another sentence")

    assert "too many wrong passwords" in Browser(site).signs_in("Slow").text
    assert browser.session is None


def test_a_session_that_somebody_put_there_is_not_the_one_that_is_begun(site):
    theirs = Browser(site).signs_in("Ada")
    fixed = Browser(site)
    fixed.http.cookies.set("living-session", theirs.session or "", domain="testserver.local")
    fixed.http.cookies.clear()
    fixed.goes("/sign-in").signs_in("Ada")

    assert fixed.session not in (None, theirs.session)


def test_cookies_are_kept_from_scripts_and_from_other_sites(site):
    browser = Browser(site)
    first = browser.http.get("/sign-in", follow_redirects=False).headers["set-cookie"]
    form = browser.goes("/sign-in").form("/sign-in")
    begun = browser.http.post(
        "/sign-in", data=form | {"sign_in_as": "Ada", "password": "a sentence of my own"}, follow_redirects=False
    )

    for said in (first, begun.headers.get_list("set-cookie")[0]):
        assert re.search("HttpOnly", said, re.I) and re.search("SameSite=lax", said, re.I) and "Path=/" in said


def test_signing_out_ends_the_session_everywhere(site):
    browser = Browser(site).signs_in("Ada")
    session = browser.session
    browser.goes("/").sends("/sign-out")
    assert browser.at == "/sign-in" and browser.session is None

    browser.http.cookies.set("living-session", session or "")

    assert browser.goes("/account").at == "/sign-in"


def test_my_sessions_are_listed_and_each_can_be_ended(site):
    here, there = Browser(site).signs_in("Ada"), Browser(site).signs_in("Ada")
    key = site.client(there).people.me().key
    assert "this browser" in here.goes("/account").text

    here.sends(f"/account/keys/{key}/end")

    assert here.at == "/account" and "It was ended." in here.text
    site.waits(lambda: there.goes("/account").at == "/sign-in")  # Within seconds, as every service hears of it.


def test_the_name_and_the_password_can_be_changed(site):
    link = site.client(site.admin).people.invite(REVIEW, {"role": "reader"}).link
    browser = site.comes("Renata", link).goes("/account")
    assert "must" in browser.sends("/account/password", sign_in_as="Renata", password="short").text

    browser.goes("/account").sends("/account/password", sign_in_as="Renata", password="a wholly new sentence")

    assert Browser(site).signs_in("Renata").page.status_code == 422
    assert Browser(site).signs_in("Renata", "a wholly new sentence").at == "/"


@pytest.mark.parametrize("link", ["nothing", "living_invitation_" + "0" * 32 + "_" + "x" * 43, "\u2603"])
def test_an_invitation_that_is_none_is_said_so_and_the_form_stays(site, link):
    browser = site.comes("Nobody", link)

    assert (browser.at, browser.page.status_code, browser.session) == ("/join", 422, None)
    assert "is no invitation of this platform" in browser.text and 'value="Nobody"' in browser.text


def test_an_invitation_is_used_once(site):
    link = site.client(site.admin).people.invite(REVIEW, {"role": "reader"}).link
    site.comes("First", link)

    second = site.comes("Second", link)

    assert second.session is None and second.page.status_code == 422 and "it was used already" in second.text


def test_who_is_signed_in_comes_into_one_more_review_as_who_they_are(site):
    link = site.client(site.admin).people.invite(REVIEW, {"role": "reader"}).link
    site.founds(review="ponds", protocol=open_protocol("ponds"))
    other = site.client(site.admin).people.invite("ponds", {"role": "reviewer"}).link
    browser = site.comes("Both", link)

    browser.goes("/join").sends("/join", invitation=other)

    assert browser.at == "/reviews/ponds"
    assert site.client(browser).people.me().roles == {REVIEW: "reader", "ponds": "reviewer"}


def open_protocol(review: str) -> str:
    from tests.unit.services.web.rig import PROTOCOL

    return PROTOCOL.replace(f"review: {REVIEW}", f"review: {review}")


def test_a_form_without_the_proof_does_nothing(site):
    browser = Browser(site).signs_in("Ada").goes("/account")
    form = browser.form("/account/password") | {"sign_in_as": "Eve", "password": "a sentence of Eve"}

    for fields, headers in (
        (form | {"proof": ""}, {}),
        (form | {"proof": "0" * 64}, {}),
        (form, {"Origin": "https://elsewhere.org"}),
        (form, {"Sec-Fetch-Site": "cross-site"}),
    ):
        browser.posts("/account/password", fields, **headers)
        assert browser.page.status_code == 403 and "This form is not known here" in browser.text

    assert Browser(site).signs_in("Eve", "a sentence of Eve").session is None


def test_a_proof_of_one_session_is_none_for_another(site):
    one, other = Browser(site).signs_in("Ada").goes("/account"), Browser(site).signs_in("Ada").goes("/account")
    form = one.form("/account/password") | {"sign_in_as": "Eve", "password": "a sentence of Eve"}

    assert other.posts("/account/password", form).page.status_code == 403


def test_what_was_written_on_a_page_of_an_earlier_session_is_shown_and_goes_on_once_that_is_said(site):
    at = f"/reviews/{REVIEW}/people/invite"
    browser = Browser(site).signs_in("Ada").goes(f"/reviews/{REVIEW}/people")
    form = browser.form(at) | {"role": "reader", "days": "<b>9</b>"}
    browser.signs_in("Ada")
    before = len(list(site.client(site.admin).people.invitations(REVIEW)))

    browser.posts(at, form, Origin="http://testserver")
    assert browser.page.status_code == 403 and "What was written is still here" in browser.text
    assert "&lt;b&gt;9&lt;/b&gt;" in browser.text and form["proof"] not in browser.text
    assert len(list(site.client(site.admin).people.invitations(REVIEW))) == before

    browser.sends(at, days="9")
    assert browser.page.status_code == 200 and "A link for one person" in browser.text
    assert len(list(site.client(site.admin).people.invitations(REVIEW))) == before + 1


@pytest.mark.parametrize("headers", [{}, {"Origin": "https://elsewhere.org"}, {"Sec-Fetch-Site": "same-site"}])
def test_what_no_page_of_ours_surely_sent_is_not_shown_to_be_sent_again(site, headers):
    browser = Browser(site).signs_in("Ada").goes(f"/reviews/{REVIEW}/people")
    form = browser.form(f"/reviews/{REVIEW}/people/invite") | {"role": "admin", "proof": "0" * 64}

    browser.posts(f"/reviews/{REVIEW}/people/invite", form, **headers)

    assert browser.page.status_code == 403 and "This form is not known here" in browser.text


@pytest.fixture
def ended(site):
    """A browser of somebody whose session is over, at a form; and the form."""
    ada = Browser(site).signs_in("Ada").goes("/account")
    form = ada.form("/account/password") | {"sign_in_as": "Ada", "password": "a sentence that nobody sees"}
    ada.http.cookies.delete("living-session")
    return ada, form


def test_whoever_signs_in_where_a_session_ended_sees_what_was_sent_and_as_whom_it_would_be_done(site, ended):
    ada, form = ended
    site.member("Rita of the same desk", "reader")
    ada.posts("/account/password?from=here", form)
    assert ada.page.status_code == 401

    ada.sends("/sign-in", sign_in_as="Rita of the same desk", password="a sentence of my own")

    assert "You are signed in as Rita of the same desk" in ada.text and "Send it as Rita of the same desk" in ada.text
    assert ">Ada<" in ada.text  # What she wrote.
    assert 'action="/account/password?from=here"' in ada.text


def test_a_password_that_was_sent_when_a_session_had_ended_stands_on_no_page_and_is_given_anew(site, ended):
    ada, form = ended

    ada.posts("/account/password", form)
    assert "a sentence that nobody sees" not in html.unescape(ada.text)
    ada.sends("/sign-in", sign_in_as="Ada", password="a sentence of my own")
    assert "a sentence that nobody sees" not in html.unescape(ada.text)
    assert re.search(r'<input[^>]*name="password"', ada.text)

    ada.sends("/account/password", password="a sentence of my own")
    assert ada.at == "/account" and ada.page.status_code == 200


def test_the_longest_form_goes_on_once_its_session_is_begun_anew(site):
    ada = Browser(site).signs_in("Ada").goes("/reviews/new")
    words = 'ф"\n' * 65_000
    form = ada.form("/reviews/new") | {"name": "long-words", "title": words}
    ada.http.cookies.delete("living-session")

    ada.posts("/reviews/new", form)
    assert ada.page.status_code == 401
    ada.sends("/sign-in", sign_in_as="Ada", password="a sentence of my own")

    assert ada.page.status_code == 200 and "You are signed in as Ada" in ada.text
    assert ada.form("/reviews/new")["title"].replace("\r\n", "\n") == words


def test_a_password_is_shown_to_nobody_again(site):
    browser = Browser(site).signs_in("Ada").goes("/account")
    form = browser.form("/account/password") | {"sign_in_as": "Eve", "password": "a sentence of Eve", "proof": "0" * 64}

    browser.posts("/account/password", form, Origin="http://testserver")

    assert browser.page.status_code == 403 and "a sentence of Eve" not in browser.text


def test_signing_out_leaves_nothing_in_the_browser(site):
    browser = Browser(site).signs_in("Ada").goes("/account")
    answer = browser.http.post("/sign-out", data=browser.form("/sign-out"), follow_redirects=False)

    assert answer.headers["clear-site-data"] == '"storage"' and answer.status_code == 303


def test_every_page_says_what_a_browser_may_load_and_that_nobody_keeps_it(site):
    browser = Browser(site).signs_in("Ada")
    for shown in (shown for pages in ALL for shown in pages.all if shown.method == "GET"):
        path = filled(shown.path, stage="sift")
        answer = browser.http.get(path, follow_redirects=False)
        said = answer.headers["content-security-policy"]
        if answer.headers.get("content-type") != "image/svg+xml":
            assert said == policy.policy(shown.allowed if answer.status_code == 200 else ()), path
        assert "unsafe" not in said and "default-src 'none'" in said and "*" not in said
        assert answer.headers["cache-control"] == "no-store" and answer.headers["x-frame-options"] == "DENY"


@pytest.mark.parametrize("path", ["/nothing", "/reviews/nothing", "/reviews/..%2f..", "/static/0/style.css", "/%00"])
def test_what_there_is_not_and_what_one_may_not_see_are_one_page(site, path):
    link = site.client(site.admin).people.invite(REVIEW, {"role": "reader"}).link
    browser = site.comes(f"Reader of {abs(hash(path))}", link).goes(path)

    assert browser.page.status_code == 404 and "There is no such page" in browser.text


def test_the_api_answers_as_before_beside_the_pages(site):
    browser = Browser(site)

    assert browser.goes("/screening/nothing").page.headers["content-type"] == "application/problem+json"
    assert browser.goes("/healthz").page.json() == {"status": "ok"}
    # A session is no token: pages alone are asked by it.
    browser.signs_in("Ada")
    assert browser.goes("/people/me").page.status_code == 401


def test_who_was_interrupted_on_the_way_in_sends_the_same_again_and_is_in(site, monkeypatch):
    link = site.client(site.admin).people.invite(REVIEW, {"role": "reader"}).link
    browser, set_password = Browser(site).goes("/join"), AsyncPeopleClient.set_password

    async def is_away(people: AsyncPeopleClient, asked: object) -> object:
        raise Unavailable("the database is away")

    monkeypatch.setattr(AsyncPeopleClient, "set_password", is_away)
    form = browser.form("/join") | {"invitation": link, "name": "Ivo", "password": "a sentence of my own"}
    # Not as a person would, who tries again until it is done.
    assert browser.http.post("/join", data=form).status_code == 503 and browser.session is None
    monkeypatch.setattr(AsyncPeopleClient, "set_password", set_password)

    browser.goes("/join").sends("/join", invitation=link, name="Ivo", password="a sentence of my own")

    assert browser.at == f"/reviews/{REVIEW}" and site.client(browser).people.me().name == "Ivo"
    assert Browser(site).signs_in("Ivo").at == "/"


def test_who_chose_a_name_that_is_taken_chooses_another_and_is_in(site):
    link = site.client(site.admin).people.invite(REVIEW, {"role": "reader"}).link
    site.comes("Uma", link)
    other = site.client(site.admin).people.invite(REVIEW, {"role": "reader"}).link
    browser = Browser(site).goes("/join").sends("/join", invitation=other, name="Uma", password="a sentence of my own")
    assert browser.page.status_code == 422 and browser.session is None

    browser.sends("/join", invitation=other, name="Uma Two", password="a sentence of my own")

    assert browser.at == f"/reviews/{REVIEW}" and Browser(site).signs_in("Uma Two").at == "/"


@pytest.mark.parametrize("odd", ["\u0663", "cmd_x", "\x00", "x" * 70_000])
def test_what_no_page_of_ours_sends_is_no_mistake_of_ours(site, odd):
    link = site.client(site.admin).people.invite(REVIEW, {"role": "reader"}).link
    browser = Browser(site).goes("/join")
    form = browser.form("/join") | {"invitation": link, "name": f"Odd {len(odd)}", "password": "a sentence of my own"}

    browser.posts("/join", form | {"once": odd})
    assert browser.at in ("/join", f"/reviews/{REVIEW}") and browser.page.status_code in (200, 413, 422)

    browser = Browser(site)
    browser.sends("/sign-in", sign_in_as=odd, password=odd)
    assert browser.page.status_code in (413, 422) and "That went wrong" not in browser.text


@pytest.mark.parametrize(
    "sent",
    [
        '[["a","\\ud800"]]', '[["\\ud800","a"]]', "[" * 50_000, '[["a",' + "[" * 3_000 + "]" * 3_000 + "]]",
        '[["a",{"b":1}]]', '[[["a"],"b"]]', "[1,null]", "{}", "1" * 6_000,
    ],
)  # fmt: skip
@pytest.mark.parametrize("kept", ["%s", '{"fields":%s,"anew":[]}', '{"fields":[],"anew":%s}', '{"fields":%s}'])
def test_a_form_to_go_on_with_that_is_none_of_ours_keeps_nobody_out(site, sent, kept):
    browser = Browser(site)

    browser.sends("/sign-in", sign_in_as="Ada", password="a sentence of my own", sent=kept % sent)

    assert browser.page.status_code == 200 and browser.session is not None and "\ud800" not in browser.text


def test_an_address_that_can_name_nothing_begins_no_question(site, caplog):
    browser = site.admin.goes("/")
    proven = {"proof": browser.form("/sign-out")["proof"]}

    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        for shown in (it for pages in ALL for it in pages.all if "{" in it.path):
            path = re.sub(r"{\w+}", ".é%20x", shown.path)
            page = browser.http.post(path, data=proven) if shown.method == "POST" else browser.http.get(path)
            assert page.status_code in (404, 422), path
        gc.collect()

    assert not [it for it in warned if "never awaited" in str(it.message)]
    assert "never retrieved" not in caplog.text
