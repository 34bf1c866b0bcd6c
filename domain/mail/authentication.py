"""Whether a message is from whom it says: by what servers found that somebody here trusts."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from postroom.domain.mail.authentication_results import Result, read_results
from postroom.domain.mail.message import Message

MAX_FIELDS = 20
MAX_SIGNATURES = 20
MAX_TEXT = 255
"""Characters of one domain, selector or result."""

_POLICY = re.compile(r"\bp=(\w{1,20})", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class TrustedServers:
    """Whose results count (RFC 8601 section 5): of the servers with these *ids*, in lower case.

    *topmost* trusts the topmost field alone, whatever id it has: of providers that write none.
    """

    ids: frozenset[str] = frozenset()
    topmost: bool = False


NOBODY = TrustedServers()


class Verified(StrEnum):
    """Whether the author's domain stands behind the message; NONE: it does not say."""

    PASS = "pass"  # noqa: S105 - a result
    FAIL = "fail"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Spf:
    result: str
    domain: str | None


@dataclass(frozen=True, slots=True)
class Dkim:
    result: str
    domain: str | None
    selector: str | None


@dataclass(frozen=True, slots=True)
class Dmarc:
    result: str
    domain: str | None
    policy: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Authentication:
    """*server* is the id of who says so, or None. *arc* is the result of that chain alone.

    *from_aligned*: a domain that has passed is the author's, or one is below the other.
    """

    server: str | None
    verified: Verified
    from_aligned: bool
    spf: Spf | None
    dkim: tuple[Dkim, ...]
    dmarc: Dmarc | None
    arc: str | None


def authentication_of(message: Message, trusted: TrustedServers) -> Authentication | None:
    """None if no server that is trusted has said anything."""
    fields = _trusted_fields(message, trusted)
    if not fields:
        return None
    results = [result for _, found in fields for result in found]
    first = {result.method: result for result in reversed(results)}
    spf = _spf(first.get("spf"))
    dkim = tuple(_dkim(result) for result in results if result.method == "dkim")[:MAX_SIGNATURES]
    dmarc = _dmarc(first.get("dmarc"))
    aligned = _is_aligned(_author_domains(message), _passed(spf, dkim, dmarc))
    return Authentication(
        server=fields[0][0][:MAX_TEXT] or None,
        verified=_verified(spf, dmarc, is_aligned=aligned),
        from_aligned=aligned,
        spf=spf,
        dkim=dkim,
        dmarc=dmarc,
        arc=first["arc"].result[:MAX_TEXT] if "arc" in first else None,
    )


def _trusted_fields(
    message: Message, trusted: TrustedServers
) -> Sequence[tuple[str, Sequence[Result]]]:
    values = [
        value for name, value in message.raw_headers if name.lower() == "authentication-results"
    ]
    fields = [read_results(value) for value in values[:MAX_FIELDS]]
    return fields[:1] if trusted.topmost else [each for each in fields if each[0] in trusted.ids]


def _spf(found: Result | None) -> Spf | None:
    if not found:
        return None
    return Spf(found.result[:MAX_TEXT], _domain(found, "smtp.mailfrom", "smtp.helo"))


def _dkim(found: Result) -> Dkim:
    selector = found.properties.get("header.s", "")[:MAX_TEXT]
    return Dkim(found.result[:MAX_TEXT], _domain(found, "header.d", "header.i"), selector or None)


def _dmarc(found: Result | None) -> Dmarc | None:
    if not found:
        return None
    policy = _POLICY.search(found.comment)
    return Dmarc(
        found.result[:MAX_TEXT],
        _domain(found, "header.from"),
        policy[1].lower() if policy else None,
    )


def _domain(found: Result, *properties: str) -> str | None:
    values = (found.properties.get(name, "") for name in properties)
    domains = (value.rpartition("@")[2].lower()[:MAX_TEXT] for value in values)
    return next(filter(None, domains), None)


def _author_domains(message: Message) -> set[str]:
    return {each.email.rpartition("@")[2].lower() for each in message.written.author or ()}


def _passed(spf: Spf | None, dkim: Iterable[Dkim], dmarc: Dmarc | None) -> set[str]:
    """The domains of which something has passed."""
    every: list[Spf | Dkim | Dmarc | None] = [spf, dmarc, *dkim]
    return {each.domain for each in every if each and each.domain and each.result == "pass"}


def _is_aligned(authors: set[str], passed: set[str]) -> bool:
    """RFC 7489 section 3.1, but for its list of public suffixes: none of those sends mail."""
    return bool(authors) and all(
        any(_are_kin(author, each) for each in passed) for author in authors
    )


def _are_kin(one: str, other: str) -> bool:
    short, long = sorted((one, other), key=len)
    return long == short or ("." in short and long.endswith(f".{short}"))


def _verified(spf: Spf | None, dmarc: Dmarc | None, *, is_aligned: bool) -> Verified:
    if dmarc and dmarc.result == "fail":
        return Verified.FAIL
    if is_aligned:
        return Verified.PASS
    return Verified.FAIL if spf and spf.result in {"fail", "hardfail"} else Verified.NONE
