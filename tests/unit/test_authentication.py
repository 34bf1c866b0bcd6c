"""Authentication-Results: whose count, what they say, and how they cannot be forged."""

import pytest

from postroom.domain.mail.authentication import (
    Authentication,
    Dkim,
    Dmarc,
    Spf,
    Verified,
    authentication_of,
)
from postroom.domain.mail.trusted_servers import TrustedServers
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


# --- Forged ---

HOP = "Received: from x by y; Fri, 27 Nov 2026 09:00:00 +0000"
GENUINE = "Authentication-Results: mx.acme.example; spf=fail smtp.mailfrom=example.org"
FORGED = "Authentication-Results: mx.acme.example; spf=pass smtp.mailfrom=example.org"
STRANGE = "Authentication-Results: mx.evil.test; dmarc=pass header.from=example.org"


def verdict(*lines: str, trusted: TrustedServers = OURS) -> str | None:
    found = authentication_of(message(*lines, FROM), trusted)
    return found.verified.value if found else None


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ((GENUINE, HOP, FORGED), "fail"),
        ((HOP, GENUINE, HOP, FORGED), "fail"),
        ((HOP, HOP, FORGED), None),
        ((HOP, STRANGE, HOP, FORGED), None),
        ((HOP, STRANGE, HOP), None),
        ((HOP, GENUINE, FORGED), "fail"),
        ((HOP, FORGED), "pass"),  # where the server does not remove such fields, as it must
    ],
    ids=[
        "below the hop",
        "below the next hop",
        "without a genuine one",
        "beside a stranger's",
        "with a stranger's id",
        "right below the genuine one",
        "in the hop itself",
    ],
)
def test_a_field_that_was_there_before_the_message_came_to_us_does_not_count(
    lines: tuple[str, ...], expected: str | None
) -> None:
    assert verdict(*lines) == expected


def test_a_server_may_stand_behind_others_of_ours() -> None:
    behind = TrustedServers(ids=OURS.ids, hops=2)

    assert verdict(HOP, HOP, GENUINE, HOP, FORGED) is None
    assert verdict(HOP, HOP, GENUINE, HOP, FORGED, trusted=behind) == "fail"
    assert verdict(HOP, HOP, HOP, FORGED, trusted=behind) is None


def test_a_method_counts_from_the_topmost_field_that_has_it() -> None:
    result = found(
        "mx.acme.example; dkim=fail header.d=example.org",
        "mx.acme.example; dkim=pass header.d=example.org; spf=none",
    )

    assert [each.result for each in result.dkim] == ["fail"]
    assert (result.spf, result.verified) == (Spf("none", None), Verified.NONE)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ((HOP, HOP, GENUINE, HOP, FORGED), "fail"),
        ((HOP, STRANGE, FORGED), None),
        ((HOP, HOP), None),
    ],
)
def test_of_a_provider_with_an_id_the_topmost_field_counts_if_it_has_that(
    lines: tuple[str, ...], expected: str | None
) -> None:
    provider = TrustedServers(ids=OURS.ids, topmost=True)

    assert verdict(*lines, trusted=provider) == expected
