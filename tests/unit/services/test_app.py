"""What `living serve` says of where it listens, and where its links lead."""

from __future__ import annotations

import socket
from contextlib import closing

import pytest

from services.app import _leads_here, _linking_to, _own_link
from shared.settings import Settings


def listening(host: str) -> closing[socket.socket]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return closing(socket.create_server((host, 0), family=family))


@pytest.mark.parametrize(("host", "link"), [("127.0.0.1", "127.0.0.1"), ("0.0.0.0", "127.0.0.1"), ("::1", "[::1]")])
def test_links_lead_to_where_it_listens(monkeypatch, host, link):
    monkeypatch.delenv("LIVING_PUBLIC_URL", raising=False)
    with listening(host) as at:
        expected = f"http://{link}:{at.getsockname()[1]}"

        assert _own_link(at) == expected
        assert _linking_to(at, Settings(_env_file=None), whole=True).public_url == expected


def test_a_part_of_the_platform_is_not_where_links_lead(monkeypatch):
    monkeypatch.delenv("LIVING_PUBLIC_URL", raising=False)
    with listening("127.0.0.1") as at:
        settings = Settings(_env_file=None)

        assert _linking_to(at, settings, whole=False) == settings


def test_an_address_that_the_settings_give_is_kept():
    with listening("127.0.0.1") as at:
        given = Settings(_env_file=None, public_url="https://living.example.org")

        assert _linking_to(at, given, whole=True).public_url == "https://living.example.org"


@pytest.mark.parametrize(
    ("url", "public_url", "here"),
    [
        ("http://127.0.0.1:{port}", "", True),
        ("http://localhost:{port}/", "", True),
        ("https://living.example.org", "https://living.example.org/", True),
        ("http://127.0.0.1:9", "", False),
        ("https://elsewhere.example.org", "https://living.example.org", False),
    ],
)
def test_commands_come_here_by_its_address_or_the_one_that_people_know(url, public_url, here):
    with listening("127.0.0.1") as at:
        port = at.getsockname()[1]
        given = {"public_url": public_url} if public_url else {"public_url": _own_link(at)}

        assert _leads_here(Settings(_env_file=None, url=url.format(port=port), **given), at) == here
