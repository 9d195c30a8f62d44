"""Lists in a real browser: a filter's answer comes without the rest of the page, and nothing is kept of it.

Slow: a browser is begun; some seconds.
"""

from __future__ import annotations

import re
from hashlib import sha256

import pytest

from services.web.drawing import STATIC
from tests.browsers import Visit, chromium
from tests.unit.services.web.rig import REVIEW, Browser, Site

pytestmark = [pytest.mark.slow, pytest.mark.waits]

AT, CARD = f"/reviews/{REVIEW}/mine", f"/reviews/{REVIEW}/screen/sift"


def test_what_is_another_s_work_is_what_was_published_with_its_licence():
    said = (STATIC / "htmx.LICENSE.txt").read_text()

    assert re.findall("file: sha256-([0-9a-f]{64})", said) == [
        sha256((STATIC / "htmx.min.js").read_bytes()).hexdigest()
    ]
    assert "Zero-Clause BSD" in said


def test_a_filter_s_answer_comes_without_the_rest_of_the_page(site: Site):
    site.founds()
    site.brings("A shared garden", "A pond")
    ana = site.member("Ana", "reviewer").goes(CARD).sends(f"{CARD}/next")
    for _ in range(2):
        ana.sends(f"{CARD}/vote", answer="include")
    with chromium() as browser, site.on_a_port() as url:
        visit = Visit(browser, url)
        visit.context.add_cookies([{"name": "living-session", "value": ana.session or "", "url": url}])
        page = visit.page
        page.goto(AT)
        page.evaluate("document.body.dataset.same = 'yes'")
        page.fill("#words", "pond")
        page.press("#words", "Enter")
        page.wait_for_url("**words=pond**")
        page.wait_for_function("() => !document.querySelector('main').innerText.includes('A shared garden')")

        assert "A pond" in page.inner_text("main") and page.evaluate("document.body.dataset.same") == "yes"
        assert "UTC" not in page.inner_text("time[datetime]")
        page.fill("#words", "none of them")
        page.press("#words", "Enter")
        page.wait_for_function(
            "() => document.querySelector('main').innerText.includes('No vote of yours is like that.')"
        )
        page.go_back()
        page.wait_for_function("() => document.querySelector('main').innerText.includes('A pond')")
        kept = page.evaluate("() => ({...localStorage, ...sessionStorage})")
        assert set(kept) <= {"htmx-current-path-for-history"} and "<" not in "".join(kept.values())
        assert visit.wrong == []


def test_whose_session_ended_signs_in_on_a_whole_page(site: Site):
    answer = Browser(site).http.get(f"{AT}?words=pond", headers={"HX-Request": "true"}, follow_redirects=False)

    assert answer.status_code == 204 and answer.headers["hx-redirect"].startswith("/sign-in?to=")
