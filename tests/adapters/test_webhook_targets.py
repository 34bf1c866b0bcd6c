"""What a URL may be, by who set it; and which addresses are public."""

import pytest

from postroom.adapters.webhook.addresses import is_public
from postroom.adapters.webhook.targets import check_target
from postroom.domain.handover.application import InvalidApplication, SetBy

TENANT, OPERATOR = SetBy.TENANT, SetBy.OPERATOR


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:3000/inbound",
        "http://localhost:3000/inbound",
        "http://crm/inbound",
        "http://[::1]/",
        "https://user:password@crm.internal:8444/a?b=c#d",
        "https://bücher.example/",
        "HTTPS://CRM.EXAMPLE",
    ],
)
def test_an_operator_may_name_any_host(url: str) -> None:
    check_target(url, OPERATOR)


@pytest.mark.parametrize(
    "url",
    [
        "https://crm.example/inbound",
        "https://crm.example:443/inbound?tenant=1",
        "https://crm.example:8443/",
        "https://a-b.c_d.crm.co.uk/",
        "https://bücher.example/",
        "https://xn--bcher-kva.xn--p1ai/",
        "https://1.crm.example/",
    ],
)
def test_a_tenant_may_name_a_public_host(url: str) -> None:
    check_target(url, TENANT)


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://crm.example/", "https"),
        ("https://crm.example:22/", "port"),
        ("https://crm.example:80/", "port"),
        ("https://crm.example:8444/", "port"),
        ("https://user@crm.example/", "user"),
        ("https://:password@crm.example/", "user"),
        ("https://user:password@crm.example/", "user"),
        ("https://93.184.216.34/", "IP address"),
        ("https://[2606:2800:220:1::1]/", "IP address"),
        ("https://[::ffff:127.0.0.1]/", "IP address"),
        ("https://127.1/", "IP address"),
        ("https://2130706433/", "IP address"),
        ("https://0x7f000001/", "IP address"),
        ("https://0x7f.0.0.1/", "IP address"),
        ("https://0177.0.0.1/", "cannot be read"),
        ("https://crm.example.1/", "IP address"),
        ("https://localhost/", "full name"),
        ("https://crm/", "full name"),
        ("https://crm.example./", "full name"),
        ("https://.crm.example/", "full name"),
        ("https://-crm.example/", "full name"),
        ("https://crm..example/", "full name"),
        ("https://%63rm.example/", "https://host"),
        ("https://crm.example%00.evil.example/", "https://host"),
        ("https://crm.example\\@evil.example/", "user"),
    ],
)
def test_a_tenant_may_name_nothing_else(url: str, why: str) -> None:
    with pytest.raises(InvalidApplication, match=why):
        check_target(url, TENANT)


@pytest.mark.parametrize("set_by", SetBy)
@pytest.mark.parametrize(
    "url",
    [
        "",
        "/inbound",
        "crm.example",
        "https:",
        "https://",
        "https:///inbound?token=secret",
        "ftp://crm.example/secret",
        "file:///etc/secret",
        "gopher://crm.example/secret",
        "postgresql://crm.example/secret",
        "https://crm.example:port/secret",
        "https://crm.example:70000/secret",
        "https://crm.example:0/secret",
        "https://crm.example:-1/secret",
        "https://[secret/",
        "https://crm.example/secret\r\nhost: evil.example",
        "https://crm.example\x00/secret",
        "https://" + "a" * 70_000,
        "https://\ud800.example/secret",
    ],
)
def test_what_is_no_url_of_the_web_is_refused_and_not_repeated(url: str, set_by: SetBy) -> None:
    with pytest.raises(InvalidApplication) as refused:
        check_target(url, set_by)

    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    "address",
    [
        "93.184.216.34",
        "1.1.1.1",
        "100.63.255.255",
        "100.128.0.0",
        "172.15.0.1",
        "172.32.0.1",
        "192.167.1.1",
        "223.255.255.255",
        "2606:2800:220:1:248:1893:25c8:1946",
        "2a00:1450::1",
        "2003::1",
    ],
)
def test_these_are_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.255.255.254", "::1"),  # loopback
        *("0.0.0.0", "0.1.2.3", "::"),  # unspecified
        *("10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1"),  # private
        *("169.254.169.254", "fe80::1", "fe80::1%eth0"),  # link-local, metadata
        *("168.63.129.16", "100.100.100.200", "192.0.0.192", "fd00:ec2::254"),  # metadata
        *("100.64.0.1", "100.127.255.255"),  # CGNAT
        *("224.0.0.1", "239.255.255.255", "ff02::1"),  # multicast
        *("240.0.0.1", "255.255.255.255"),  # reserved
        *("192.0.2.1", "198.51.100.1", "203.0.113.1", "2001:db8::1", "3fff::1"),  # documentation
        *("198.18.0.1", "198.19.255.255", "2001:2::1"),  # benchmarks
        *("::ffff:93.184.216.34", "::ffff:127.0.0.1", "::127.0.0.1"),  # IPv4 in IPv6
        *("64:ff9b::5db8:d822", "64:ff9b::7f00:1", "64:ff9b:1::1"),  # NAT64
        *("2002:7f00:1::1", "2002:5db8:d822::1", "192.88.99.1"),  # 6to4
        *("2001::1", "2001:0:53aa:64c::1"),  # Teredo
        *("fc00::1", "fd12:3456::1"),  # unique local
        *("fec0::1", "3ffe::1", "100::1", "5f00::1", "4000::1"),  # site-local, and no one's
        *("", "crm.example", "1.2.3", "1.2.3.4.5", "0x7f.1", "1.2.3.4/32"),  # no address
    ],
)
def test_these_are_not(address: str) -> None:
    assert not is_public(address)
