"""A key as the password of Basic authentication, as feed readers and people with curl send it."""

from __future__ import annotations

import base64

from tests.unit.services.people.rig import REVIEW, PeopleBench, done, refused


def basic(key: str) -> dict[str, str]:
    return {"Authorization": f"Basic {base64.b64encode(f'me:{key}'.encode()).decode()}"}


def test_a_key_as_a_password_is_exchanged_once_and_used_again(bench: PeopleBench, monkeypatch):
    ana = bench.comes_in("Ana")
    asked = []
    exchange = bench.app.state.exchange
    real = exchange._ask

    async def counted(key: str):
        asked.append(key)
        return await real(key)

    monkeypatch.setattr(exchange, "_ask", counted)
    client = bench.anybody()
    answers = [client.get("/people/me", headers=basic(ana.key)) for _ in range(3)]

    assert {done(answer)["person"] for answer in answers} == {ana.id}
    assert asked == [ana.key]


def test_a_key_that_counts_no_more_opens_nothing_as_a_password_either(bench: PeopleBench):
    ana = bench.comes_in("Ana")
    client = bench.anybody()
    done(client.get("/people/me", headers=basic(ana.key)))
    id = f"key_{ana.key.split('_')[2]}"
    withdrawn = done(ana.asks.delete(f"/people/keys/{id}"))
    bench.app.state.withdrawn.add(withdrawn["subject"], withdrawn["number"])

    refused(client.get("/people/me", headers=basic(ana.key)), 401, "bad_key")
    refused(client.get("/people/me", headers=basic("living_key_" + "0" * 32 + "_" + "x" * 43)), 401, "bad_key")


def test_a_role_that_was_changed_is_taken_up_by_whoever_sends_a_key(bench: PeopleBench):
    bench.comes_in("Lea", "lead")
    ana = bench.comes_in("Ana")
    client = bench.anybody()
    done(client.get("/people/me", headers=basic(ana.key)))
    done(bench.owner().put(f"/people/reviews/{REVIEW}/members/{ana.id}", json={"role": "lead"}))
    bench.app.state.withdrawn.add(ana.id, 1)

    assert done(client.get("/people/me", headers=basic(ana.key)))["roles"] == {REVIEW: "lead"}
