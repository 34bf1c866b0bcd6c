"""Tokens that were verified, so that their signature is not checked again at every push.

Pub/Sub sends one token with many pushes, until it is about to expire.
"""

from datetime import datetime, timedelta

from postroom.adapters.google.certificates import FRESH
from postroom.application.ports import Clock

MAX_TOKENS = 256
"""Of 8 KiB at the most each. Anybody may have Google sign tokens for any audience."""

GOOD_FOR = FRESH.total_seconds()
"""Seconds, whatever a token says: so much longer than its key it is believed, at the most."""


class VerifiedTokens:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._found: dict[str, tuple[str, datetime]] = {}  # the oldest come first

    def find(self, token: str) -> str:
        """The address that *token* proves; empty if it is to be verified."""
        found = self._found.get(token)
        return found[0] if found and self._clock.now() < found[1] else ""

    def store(self, token: str, address: str, seconds: float) -> None:
        """Remember that *token* proves *address*, for *seconds* at the most."""
        self._found.pop(token, None)
        self._found[token] = address, self._clock.now() + timedelta(seconds=min(GOOD_FOR, seconds))
        while len(self._found) > MAX_TOKENS:
            del self._found[next(iter(self._found))]
