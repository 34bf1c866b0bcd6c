"""Whose word counts, of what servers write into the header of a message about its sender."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TrustedServers:
    """Whose results count (RFC 8601 section 5): of the servers with these *ids*, in lower case.

    Only as long as no more than *hops* Received fields stand above: what is below was there before
    the message came to our servers, and a stranger can write any id. *topmost* trusts the topmost
    field alone, of a provider that always writes one; without *ids*, whatever id it has.
    """

    ids: frozenset[str] = frozenset()
    topmost: bool = False
    hops: int = 1


NOBODY = TrustedServers()
