"""The token of a call, which opens the links of its message, and of no other, for a while.

`v1.<unix seconds>.<MAC>`: the first moment at which it opens nothing any more, and an HMAC-SHA256,
in base64url without padding, over what it opens. Names hold no U+001F, so no two lists are alike.
"""

import hmac
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

VERSION = "v1"

OPENS_FOR = timedelta(hours=1)

_LONGEST = 100
"""Characters; a token has 57."""


@dataclass(frozen=True, slots=True)
class Links:
    """Those of the message that is handed over to *application* under *key*."""

    tenant: str
    application: str
    key: str


@dataclass(frozen=True, slots=True)
class ContentTokens:
    """The first of *keys* makes tokens, and all of them open links."""

    keys: Sequence[bytes] = field(repr=False)

    def make(self, links: Links, now: datetime) -> str:
        expiry = str(int((now + OPENS_FOR).timestamp()))
        return f"{VERSION}.{expiry}.{_mac(self.keys[0], links, expiry)}"

    def opens(self, token: str, links: Links, now: datetime) -> bool:
        """Whether *token* is one of *links*, and has not expired. Takes as long if it is not."""
        version, _, rest = token[:_LONGEST].partition(".")
        expiry, _, shown = rest.partition(".")
        macs = [_mac(key, links, expiry) for key in self.keys]
        matches = [hmac.compare_digest(_bytes(mac), _bytes(shown)) for mac in macs]
        # What the MAC covers is read only once that is ours.
        return version == VERSION and any(matches) and now.timestamp() < int(expiry)


def is_content_token(token: str) -> bool:
    """By its form alone."""
    return token.startswith(f"{VERSION}.")


def _mac(key: bytes, links: Links, expiry: str) -> str:
    covered = f"{VERSION}\x1f{links.tenant}\x1f{links.application}\x1f{links.key}\x1f{expiry}"
    digest = hmac.digest(key, _bytes(covered), "sha256")
    return urlsafe_b64encode(digest).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    return text.encode(errors="replace")
