"""Whether a message is from whom it says: by what servers found that somebody here trusts."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from postroom.domain.mail.authentication_results import Result, read_results
from postroom.domain.mail.message import Message
from postroom.domain.mail.trusted_servers import TrustedServers

MAX_FIELDS = 20
MAX_SIGNATURES = 20
MAX_TEXT = 255
"""Characters of one domain, selector or result."""

_POLICY = re.compile(r"\bp=(\w{1,20})", re.IGNORECASE)


Field = tuple[str, Sequence[Result]]
"""The id of the server, and what it has found."""


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
    results = _topmost_of_each_method(fields)
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


def _trusted_fields(message: Message, trusted: TrustedServers) -> Sequence[Field]:
    names = [name.lower() for name, _ in message.raw_headers]
    places = [place for place, name in enumerate(names) if name == "authentication-results"]
    if trusted.topmost:
        places = places[:1]
    else:
        received = [place for place, name in enumerate(names) if name == "received"]
        end = received[trusted.hops] if len(received) > trusted.hops else len(names)
        places = [place for place in places if place < end]
    fields = [read_results(message.raw_headers[place][1]) for place in places[:MAX_FIELDS]]
    is_any = trusted.topmost and not trusted.ids
    return [each for each in fields if is_any or each[0] in trusted.ids]


def _topmost_of_each_method(fields: Iterable[Field]) -> Sequence[Result]:
    """A field further down is older, and no server says twice what it has found."""
    chosen, known = list[Result](), set[str]()
    for _, results in fields:
        chosen += [result for result in results if result.method not in known]
        known |= {result.method for result in results}
    return chosen


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
