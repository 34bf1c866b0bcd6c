"""Authentication-Results: whose count, what they say, and how they cannot be forged."""

import pytest

from postroom.domain.mail.authentication import (
    Authentication,
    Dkim,
    Dmarc,
    Spf,
    TrustedServers,
    Verified,
    authentication_of,
)
from tests.mail import message

OURS = TrustedServers(ids=frozenset({"mx.acme.example"}))
TOPMOST = TrustedServers(topmost=True)
FROM = "From: Jo <jo@example.org>"


def found(*values: str, trusted: TrustedServers = OURS, author: str = FROM) -> Authentication:
    result = authentication_of(
        message(author, *(f"Authentication-Results: {value}" for value in values)), trusted
    )
    assert result
    return result


def test_a_trusted_server_says_what_it_has_found() -> None:
    assert found(
        "MX.acme.example 1; spf=pass (ok) smtp.mailfrom=bounce@example.org;\r\n"
        "\tdkim=pass header.d=example.org header.s=s1 header.b=abc;\r\n"
        "\tdmarc=pass (p=REJECT sp=none dis=none) header.from=example.org; arc=pass (i=1)"
    ) == Authentication(
        server="mx.acme.example",
        verified=Verified.PASS,
        from_aligned=True,
        spf=Spf("pass", "example.org"),
        dkim=(Dkim("pass", "example.org", "s1"),),
        dmarc=Dmarc("pass", "example.org", "reject"),
        arc="pass",
    )


@pytest.mark.parametrize("trusted", [OURS, TrustedServers()])
@pytest.mark.parametrize("lines", [(), ("Authentication-Results: mx.evil.test; dmarc=pass",)])
def test_nobody_who_is_trusted_has_said_anything(
    lines: tuple[str, ...], trusted: TrustedServers
) -> None:
    assert authentication_of(message(FROM, *lines), trusted) is None


def test_several_fields_of_one_server_are_read_together() -> None:
    result = found(
        "mx.acme.example; spf=fail smtp.mailfrom=example.org",
        "mx.evil.test; dmarc=pass header.from=example.org",
        "mx.acme.example; dkim=pass header.i=@mail.example.org",
        "mx.acme.example; spf=pass smtp.mailfrom=example.org",
    )

    assert result.spf == Spf("fail", "example.org")
    assert result.dkim == (Dkim("pass", "mail.example.org", None),)
    assert (result.dmarc, result.verified) == (None, Verified.PASS)


def test_only_the_topmost_field_counts_of_servers_that_write_no_id() -> None:
    result = found(
        "spf=fail (sender IP is 192.0.2.1) smtp.mailfrom=example.org; dkim=none\r\n"
        " (message not signed) header.d=none;dmarc=fail action=quarantine\r\n"
        " header.from=example.org;compauth=fail reason=000",
        "dmarc=pass header.from=example.org",
        trusted=TOPMOST,
    )

    assert (result.server, result.verified) == (None, Verified.FAIL)
    assert result.dmarc == Dmarc("fail", "example.org", None)


@pytest.mark.parametrize(
    ("results", "verified", "is_aligned"),
    [
        ("none", "none", False),
        ("dkim=pass header.d=example.org", "pass", True),
        ("dkim=pass header.d=mail.example.org", "pass", True),
        ("dkim=pass header.d=org", "none", False),
        ("dkim=pass header.d=notexample.org", "none", False),
        ("dkim=fail header.d=example.org", "none", False),
        ("spf=pass smtp.mailfrom=x@other.test", "none", False),
        ("spf=pass smtp.helo=example.org", "pass", True),
        ("spf=softfail smtp.mailfrom=example.org", "none", False),
        ("spf=fail smtp.mailfrom=example.org", "fail", False),
        ("dmarc=fail header.from=example.org; dkim=pass header.d=example.org", "fail", True),
        ("dmarc=temperror header.from=example.org", "none", False),
    ],
)
def test_the_domain_of_the_author_has_to_stand_behind_it(
    *, results: str, verified: str, is_aligned: bool
) -> None:
    result = found(f"mx.acme.example; {results}")

    assert (result.verified, result.from_aligned) == (verified, is_aligned)


def test_of_several_authors_all_have_to_be_verified() -> None:
    value = "mx.acme.example; dkim=pass header.d=example.org"

    both = found(value, author="From: jo@example.org, boss@acme.example")

    assert (both.verified, both.from_aligned) == (Verified.NONE, False)
    assert not found(value, author="Sender: jo@example.org").from_aligned


FORGED = "dmarc=pass header.from=example.org"


@pytest.mark.parametrize(
    "value",
    [
        f'spf=fail smtp.mailfrom="x; {FORGED}"@evil.test',
        f"spf=fail (helo={FORGED}; {FORGED}) smtp.mailfrom=evil.test",
        f"spf=fail (a (b) ; {FORGED}) smtp.mailfrom=evil.test",
        f'spf=fail smtp.mailfrom="a\\"; {FORGED}"@evil.test',
        "spf=fail smtp.mailfrom==?utf-8?q?x;_dmarc=3Dpass_header.from=3Dexample.org?=@evil.test",
        f"spf=fail (never closed; {FORGED}",
        f'spf=fail reason="never closed; {FORGED}',
    ],
)
def test_what_a_server_quotes_of_a_stranger_is_no_result(value: str) -> None:
    result = found(f"mx.acme.example; {value}")

    assert (result.dmarc, result.from_aligned) == (None, False)


def test_time_grows_with_the_field_and_no_faster() -> None:
    for unit in ("(", '"', "\\", "=", ";", " ", "a=b ", "a=b;", '"\\', "a = "):
        result = found("mx.acme.example; " + unit * (60_000 // len(unit)))

        assert len(result.dkim) <= 20
