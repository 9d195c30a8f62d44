"""The guard: no spelling, name or trick leads us into our own network."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared.errors import Invalid
from shared.outward.target import find_target, is_allowed

PUBLIC = ["93.184.216.34"]


def target(url: str, *, private: bool = False, at: list[str] | None = None):
    return find_target(url, private=private, resolve=lambda host: PUBLIC if at is None else at)


@pytest.mark.parametrize(
    ("url", "host", "port", "path", "authority"),
    [
        ("https://hooks.example.org", "hooks.example.org", 443, "/", "hooks.example.org"),
        ("https://Hooks.Example.ORG/a/b?c=d&e", "hooks.example.org", 443, "/a/b?c=d&e", "hooks.example.org"),
        ("https://hooks.example.org:8443/x", "hooks.example.org", 8443, "/x", "hooks.example.org:8443"),
        ("https://my_host/x", "my_host", 443, "/x", "my_host"),
        ("https://xn--bcher-kva.example/", "xn--bcher-kva.example", 443, "/", "xn--bcher-kva.example"),
        ("https://93.184.216.34/", "93.184.216.34", 443, "/", "93.184.216.34"),
        ("https://[2606:2800:0220::1]:444/", "2606:2800:220::1", 444, "/", "[2606:2800:220::1]:444"),
    ],
)
def test_an_honest_address_is_read(url, host, port, path, authority):
    found = target(url)

    assert (found.host, found.port, found.path, found.authority) == (host, port, path, authority)


HOSTILE_URLS = [
    # Other schemes, and no scheme.
    "http://hooks.example.org/",
    "ftp://hooks.example.org/",
    "file:///etc/passwd",
    "gopher://hooks.example.org:11211/_stats",
    "javascript:alert(1)",
    "//hooks.example.org/",
    "hooks.example.org",
    "",
    # Our own network, plainly.
    "https://127.0.0.1/",
    "https://127.8.9.10/",
    "https://10.0.0.1/",
    "https://172.16.0.1/",
    "https://172.31.255.255/",
    "https://192.168.1.1/",
    "https://169.254.169.254/latest/meta-data/",
    "https://100.64.0.1/",
    "https://100.100.100.200/",
    "https://0.0.0.0/",
    "https://192.0.0.192/",
    "https://198.18.0.1/",
    "https://224.0.0.1/",
    "https://240.0.0.1/",
    "https://255.255.255.255/",
    # The same in other spellings.
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0x7f.0x0.0x0.0x1/",
    "https://0177.0.0.1/",
    "https://127.1/",
    "https://127.0.1/",
    "https://127.0.0.1./",
    "https://0/",
    "https://0x/",
    "https://127.0.0.0x1/",
    "https://hooks.example.127/",
    "https://017700000001/",
    "https://127.0.0.01/",
    "https://127.0.0.256/",
    "https://%31%32%37.0.0.1/",
    "https://127。0。0。1/",
    "https://①②⑦.⓪.⓪.①/",
    # IPv6, with IPv4 inside, in tunnels, with zones.
    "https://[::1]/",
    "https://[::]/",
    "https://[0:0:0:0:0:0:0:1]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:7f00:1]/",
    "https://[::ffff:169.254.169.254]/",
    "https://[::127.0.0.1]/",
    "https://[64:ff9b::127.0.0.1]/",
    "https://[64:ff9b::a9fe:a9fe]/",
    "https://[64:ff9b:1::7f00:1]/",
    "https://[2002:7f00:1::]/",
    "https://[2002:c0a8:101::1]/",
    "https://[2001::1]/",
    "https://[2001:db8::1]/",
    "https://[3fff::1]/",
    "https://[fc00::1]/",
    "https://[fd00:ec2::254]/",
    "https://[fe80::1]/",
    "https://[fe80::1%25eth0]/",
    "https://[2606:2800:220::1%25lo]/",
    "https://[fec0::1]/",
    "https://[ff02::1]/",
    "https://[100::1]/",
    "https://[::1/",
    "https://[v1.x]/",
    "https://[]/",
    "https://[127.0.0.1]/",
    # Credentials and what readers of URLs disagree about.
    "https://user@hooks.example.org/",
    "https://user:pass@hooks.example.org/",
    "https://hooks.example.org@127.0.0.1/",
    "https://127.0.0.1@hooks.example.org/",
    "https://127.0.0.1:80\\@hooks.example.org/",
    "https://hooks.example.org\\.evil.example/",
    "https://hooks.example.org#@127.0.0.1/",
    "https://hooks.example.org/#fragment",
    "https://hooks.example.org/#",
    "https:///path",
    "https://",
    "https://?x",
    "https://.",
    "https://..example.org/",
    "https://.example.org/",
    "https://example..org/",
    "https://example.org./",
    "https://-example.org/",
    "https://example-.org/",
    "https://exa mple.org/",
    "https://exam\tple.org/",
    "https://exam\r\nple.org/",
    "https://hooks.example.org/\r\nX-Injected: yes",
    "https://hooks.example.org/ HTTP/1.1",
    "https://hooks.example.org/\x00",
    "https://hooks.example.org/\x7f",
    " https://hooks.example.org/",
    "https://bücher.example/",
    "https://examp\u200ble.org/",
    "https://ｅxample.org/",
    "https://hooks.example.org/ü",
    "https://" + "a" * 64 + ".example/",
    "https://" + "a." * 130 + "example/",
    "https://hooks.example.org/" + "x" * 2000,
    "https://hooks.example.org:0/",
    "https://hooks.example.org:/",
    "https://hooks.example.org:65536/",
    "https://hooks.example.org:-1/",
    "https://hooks.example.org:8o/",
    "https://hooks.example.org:٤٤٣/",
    "https://hooks.example.org:443:22/",
]


@pytest.mark.parametrize("url", HOSTILE_URLS)
def test_a_hostile_address_is_refused_with_a_reason(url):
    with pytest.raises(Invalid) as refused:
        target(url)

    assert refused.value.slug == "unusable_url"
    assert refused.value.errors[0]["at"] == "url"


INSIDE = [
    "127.0.0.1", "10.1.2.3", "172.20.0.5", "192.168.0.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.251",
    "::1", "fe80::1", "fe80::1%eth0", "fd00::1", "::ffff:10.0.0.1", "64:ff9b::10.0.0.1", "2002:a00:1::",
    "not an address",
]  # fmt: skip


@pytest.mark.parametrize("address", INSIDE)
def test_a_name_that_leads_inside_is_refused_even_beside_a_public_address(address):
    for found in ([address], [*PUBLIC, address], [address, *PUBLIC]):
        with pytest.raises(Invalid, match="not an address of the open internet"):
            target("https://rebound.example.org/", at=found)


def test_localhost_is_refused_by_where_it_leads():
    with pytest.raises(Invalid):
        find_target("https://localhost/", private=False, resolve=lambda host: ["127.0.0.1", "::1"])


def test_a_name_without_an_address_is_refused():
    def nowhere(host: str) -> list[str]:
        raise OSError(-2, "Name or service not known")

    with pytest.raises(Invalid, match="cannot be looked up: Name or service not known"):
        find_target("https://gone.example/", private=False, resolve=nowhere)
    with pytest.raises(Invalid, match="has no address"):
        target("https://gone.example/", at=[])


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:9000/", "http://[::1]/", "https://10.0.0.1/", "http://172.16.0.1/", "http://[fd00::1]/"]
)
def test_a_demo_may_send_to_private_addresses(url):
    assert target(url, private=True).addresses


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest/meta-data",
        "http://[fe80::1]/",
        "http://0.0.0.0/",
        "http://224.0.0.1/",
        "http://[::ffff:169.254.169.254]/",
        "http://[64:ff9b::a9fe:a9fe]/",
        "http://2130706433/",
        "http://user@127.0.0.1/",
        "ftp://127.0.0.1/",
    ],
)
def test_even_a_demo_may_not_send_to_link_local_or_disguised_addresses(url):
    with pytest.raises(Invalid):
        target(url, private=True)


#: The networks that the registries of special purposes (RFC 6890 and after) keep off the open internet.
KEPT_4 = [
    IPv4Network(network)
    for network in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
        "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
        "224.0.0.0/4", "240.0.0.0/4",
    )
]  # fmt: skip


@given(number=st.integers(0, 2**32 - 1))
@example(number=int(IPv4Address("127.0.0.1")))
@example(number=int(IPv4Address("169.254.169.254")))
def test_an_ipv4_address_is_allowed_when_no_registry_keeps_it_and_in_ipv6_dress_likewise(number):
    address = IPv4Address(number)
    expected = not any(address in network for network in KEPT_4)

    assert is_allowed(str(address), private=False) is expected
    assert is_allowed(f"::ffff:{address}", private=False) is expected
    assert is_allowed(f"64:ff9b::{address}", private=False) is expected
    assert not is_allowed(f"::{address}", private=False)
    assert not is_allowed(str(IPv6Address((0x2002 << 112) | (number << 80))), private=False)


@given(network=st.sampled_from(KEPT_4), offset=st.integers(min_value=0))
def test_no_address_that_a_registry_keeps_is_allowed(network, offset):
    address = network[offset % network.num_addresses]

    assert not is_allowed(str(address), private=False)


@given(number=st.integers(0, 2**128 - 1))
def test_only_global_unicast_is_allowed_in_ipv6(number):
    translated = any(IPv6Address(number) in IPv6Network(inner) for inner in ("::ffff:0:0/96", "64:ff9b::/96"))

    if not translated and is_allowed(str(IPv6Address(number)), private=False):
        assert number >> 125 == 0b001


@given(url=st.text() | st.text(alphabet="htps:/@[]#?.%\\-_x0123456789abf").map(lambda rest: "https://" + rest))
def test_no_text_breaks_the_guard_or_slips_by_it_inside(url):
    try:
        found = target(url)
    except Invalid:
        return
    assert all(is_allowed(address, private=False) for address in found.addresses)
    assert found.host.isascii()
    assert "@" not in found.authority
