"""People in a browser: a lead invites, changes a role and ends a membership; others see who belongs."""

from __future__ import annotations

import re

import pytest
from fastapi.testclient import TestClient

from shared.client import Client
from shared.errors import Forbidden
from tests.unit.services.web.rig import REVIEW, Browser, Site

pytestmark = pytest.mark.waits

AT = f"/reviews/{REVIEW}/people"


@pytest.fixture(scope="module")
def lead(site: Site) -> Browser:
    site.founds()
    return site.member("Lea <b>Lead</b>", "lead")


def test_a_lead_makes_a_link_that_lets_somebody_in_and_is_shown_once(site, lead):
    lead.goes(AT).sends(f"{AT}/invite", role="reviewer")
    (link,) = re.findall(r'readonly value="([^"]+)"', lead.text)
    # Which is copied by a script.
    assert "script-src 'self'" in lead.page.headers["content-security-policy"]

    assert "living_invitation_" not in lead.goes(AT).text and "Links that nobody has used yet" in lead.text
    ana = site.comes("Ana", link)
    assert ana.at == f"/reviews/{REVIEW}" and "Ana" in lead.goes(AT).text
    assert "Links that nobody has used yet" not in lead.text and "Lea &lt;b&gt;Lead&lt;/b&gt;" in lead.text


@pytest.mark.parametrize("days", ["0", "many", "1e9", "91"])
def test_days_that_are_none_are_refused_by_their_name(site, lead, days):
    lead.goes(AT).sends(f"{AT}/invite", role="reader", days=days)

    assert lead.page.status_code == 422 and "days" in lead.text and "readonly" not in lead.text
    # What was chosen and typed is there still.
    assert lead.form(f"{AT}/invite")["days"] == days and '<option value="reader" selected>' in lead.text


def test_nobody_gives_a_role_that_is_more_than_their_own(site, lead):
    lead.goes(AT).sends(f"{AT}/invite", role="admin")

    assert lead.page.status_code == 422 and "more than your own" in lead.text


def test_a_link_that_is_withdrawn_lets_nobody_in(site, lead):
    lead.goes(AT).sends(f"{AT}/invite", role="reader")
    (link,) = re.findall(r'readonly value="([^"]+)"', lead.text)
    (path,) = set(re.findall(rf'action="({AT}/invitations/[^"]+/end)"', lead.goes(AT).text))

    lead.sends(path)

    assert "The link counts no more." in lead.text and site.comes("Late", link).session is None


def test_a_role_is_changed_and_a_membership_ended(site, lead):
    bo = site.member("Bo", "reader")
    person = site.client(bo).people.me().person

    lead.goes(AT).sends(f"{AT}/{person}/role", role="reviewer")
    assert "The role was changed." in lead.text
    site.waits(lambda: "Waiting for you" in bo.goes(f"/reviews/{REVIEW}").text)

    (ends,) = re.findall(rf'href="({AT}/{person}/end)"', lead.goes(AT).text)
    assert "End the membership of Bo?" in lead.goes(ends).text and site.client(bo).people.me().roles
    lead.sends(ends)
    assert "The membership has ended." in lead.text and "Bo" not in lead.text
    site.waits(lambda: bo.goes(f"/reviews/{REVIEW}").page.status_code == 404)


def test_who_is_no_lead_sees_who_belongs_and_no_forms(site, lead):
    rita = site.member("Rita", "reader").goes(AT)

    assert "Rita" in rita.text and "Invite somebody" not in rita.text and "/end" not in rita.text
    form = rita.form("/sign-out") | {"role": "lead"}
    assert rita.posts(f"{AT}/invite", form).page.status_code == 403


def test_what_each_role_may_do_is_said_where_one_invites(lead):
    said = " ".join(lead.goes(AT).words.split())

    assert "adjudicator : also decides conflicts" in said and "reader : reads records" in said


def test_a_review_is_made_public_and_private_again_after_one_more_question(site, lead):
    with site.client(lead) as living:
        for now, button in ((False, "Make it public"), (True, "Make it private")):
            assert living.people.review(REVIEW).public is now and button in lead.goes(AT).text
            lead.goes(f"{AT}/publicity")
            assert living.people.review(REVIEW).public is now and "Leave it as it is" in lead.text
            lead.sends(f"{AT}/publicity")
        assert living.people.review(REVIEW).public is False


def test_a_key_of_ones_own_is_made_shown_once_and_opens_what_it_is_for(site, lead):
    lead.goes("/account").sends("/account/keys", name="my laptop", days="many")
    assert lead.page.status_code == 422 and 'value="my laptop"' in lead.text and "must be a whole number" in lead.text

    lead.goes("/account").sends("/account/keys", name="my laptop", scopes=["records"])
    (key,) = re.findall(r'readonly value="([^"]+)"', lead.text)

    with Client.at("http://testserver", key, client=TestClient(site.app)) as living:
        assert living.people.review(REVIEW).review == REVIEW
        with pytest.raises(Forbidden):
            living.people.invite(REVIEW, {"role": "reader"})
    assert key not in lead.goes("/account").text and "my laptop" in lead.text
