"""Which addresses the worker may connect to, and what the allow-list means."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from perdure.engine.guard import (
    Allowed,
    Refused,
    guard,
    parse_allowed,
    resolve_addresses,
    why_refused,
)

REFUSED = [
    ("0.0.0.0", "unspecified"),
    ("0.1.2.3", "unspecified"),
    ("10.0.0.1", "private"),
    ("10.255.255.255", "private"),
    ("100.64.0.1", "carrier-grade NAT"),
    ("100.100.100.200", "metadata"),
    ("100.127.255.255", "carrier-grade NAT"),
    ("127.0.0.1", "loopback"),
    ("127.255.255.254", "loopback"),
    ("168.63.129.16", "metadata"),
    ("169.254.1.1", "link-local"),
    ("169.254.169.254", "metadata"),
    ("172.16.0.1", "private"),
    ("172.31.255.255", "private"),
    ("192.0.0.192", "metadata"),
    ("192.0.0.8", "reserved"),
    ("192.0.2.1", "documentation"),
    ("192.88.99.1", "6to4"),
    ("192.168.1.1", "private"),
    ("198.18.0.1", "benchmarks"),
    ("198.19.255.255", "benchmarks"),
    ("198.51.100.7", "documentation"),
    ("203.0.113.7", "documentation"),
    ("224.0.0.1", "multicast"),
    ("239.255.255.255", "multicast"),
    ("240.0.0.1", "reserved"),
    ("255.255.255.255", "broadcast"),
    ("::", "unspecified"),
    ("::1", "loopback"),
    ("::7f00:1", "not globally routed"),
    ("::ffff:127.0.0.1", "loopback"),
    ("::ffff:10.1.2.3", "private"),
    ("::ffff:169.254.169.254", "metadata"),
    ("64:ff9b::7f00:1", "loopback"),
    ("64:ff9b::a9fe:a9fe", "metadata"),
    ("64:ff9b:1::1", "NAT64"),
    ("100::1", "not globally routed"),
    ("2001::1", "Teredo"),
    ("2001:2::1", "reserved"),
    ("2001:10::1", "reserved"),
    ("2001:db8::1", "documentation"),
    ("2002:7f00:1::1", "6to4"),
    ("3fff::1", "documentation"),
    ("5f00::1", "not globally routed"),
    ("fc00::1", "private"),
    ("fd00:ec2::254", "metadata"),
    ("fd12:3456::1", "private"),
    ("fe80::1", "link-local"),
    ("febf::1", "link-local"),
    ("fec0::1", "private"),
    ("ff02::1", "multicast"),
]
PUBLIC = [
    "1.1.1.1",
    "9.255.255.255",
    "11.0.0.0",
    "100.63.255.255",
    "100.128.0.0",
    "126.255.255.255",
    "128.0.0.1",
    "169.253.255.255",
    "169.255.0.1",
    "172.15.255.255",
    "172.32.0.0",
    "192.0.1.1",
    "192.167.255.255",
    "192.169.0.0",
    "198.17.255.255",
    "198.20.0.0",
    "223.255.255.255",
    "2606:4700:4700::1111",
    "2a00:1450:4001::1",
    "::ffff:8.8.8.8",
    "64:ff9b::808:808",
]


@pytest.mark.parametrize(("address", "reason"), REFUSED)
def test_address_that_is_not_public_is_refused(address: str, reason: str) -> None:
    assert reason in (why_refused(ip_address(address)) or "")


@pytest.mark.parametrize("address", PUBLIC)
def test_public_address_passes(address: str) -> None:
    assert why_refused(ip_address(address)) is None


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("localhost", Allowed("localhost")),
        ("localhost:8080", Allowed("localhost", 8080)),
        (" LocalHost. ", Allowed("localhost")),
        ("*.internal.example.com", Allowed("*.internal.example.com")),
        ("*.internal.example.com:8443", Allowed("*.internal.example.com", 8443)),
        ("127.0.0.1:8080", Allowed("127.0.0.1", 8080)),
        ("::1", Allowed("::1")),
        ("[::1]", Allowed("::1")),
        ("[0:0:0:0:0:0:0:1]:8080", Allowed("::1", 8080)),
    ],
)
def test_entry_of_the_allow_list(entry: str, expected: Allowed) -> None:
    assert parse_allowed(entry) == expected


@pytest.mark.parametrize(
    "entry", ["", "*", "*.", "a.*.b", "**.x", "h:0", "h:65536", "h:", "h:http", ":80"]
)
def test_entry_that_cannot_be_meant(entry: str) -> None:
    with pytest.raises(ValueError, match=r"is not a host|valid port"):
        parse_allowed(entry)


@pytest.mark.parametrize(
    ("allow", "host", "port", "allowed"),
    [
        ("localhost", "localhost", 80, True),
        ("localhost", "LOCALHOST.", 9, True),
        ("localhost:8080", "localhost", 8080, True),
        ("localhost:8080", "localhost", 8081, False),
        ("localhost", "evil-localhost", 80, False),
        ("*.example.com", "a.example.com", 80, True),
        ("*.example.com", "a.b.example.com", 80, True),
        ("*.example.com", "example.com", 80, False),
        ("*.example.com", ".example.com", 80, False),
        ("*.example.com", "badexample.com", 80, False),
        ("*.example.com", "a.example.com.evil.net", 80, False),
        ("[::1]:80", "::1", 80, True),
    ],
)
def test_what_an_entry_allows(allow: str, host: str, port: int, allowed: bool) -> None:
    assert guard([allow]).allows(host, port) is allowed


def test_only_the_public_addresses_of_a_host_remain() -> None:
    mixed = ["127.0.0.1", "1.1.1.1", "::1", "1.1.1.1"]
    assert guard([]).check("mixed.example.com", 80, mixed) == ("1.1.1.1",)


def test_refusal_names_host_address_reason_and_remedy() -> None:
    with pytest.raises(Refused) as refused:
        guard([]).check("db.example.com", 5432, ["10.0.0.9"])
    message = str(refused.value)
    assert "db.example.com:5432" in message
    assert "10.0.0.9 is private" in message
    assert "http.allow" in message


def test_scope_of_an_address_does_not_hide_it() -> None:
    with pytest.raises(Refused, match="link-local"):
        guard([]).check("printer", 80, ["fe80::1%eth0"])


@pytest.mark.parametrize("host", ["2130706433", "0x7f000001", "127.1", "localhost"])
def test_other_spellings_of_loopback_are_refused(host: str) -> None:
    with pytest.raises(Refused):
        guard([]).check(host, 80, resolve_addresses(host, 80))


@pytest.mark.parametrize("host", ["a" * 70 + ".example.com", "a..b"])
def test_name_that_cannot_be_resolved_is_an_os_error(host: str) -> None:
    with pytest.raises(OSError, match=r".+"):
        resolve_addresses(host, 80)
