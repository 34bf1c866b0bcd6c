"""Access tokens: who bears one, for how long, and what it opens."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from postroom.application.ports import Clock
from postroom.entrypoints.emulators.gmail.wire import GoogleError

READ_MAIL = "https://www.googleapis.com/auth/gmail.readonly"
MODIFY_MAIL = "https://www.googleapis.com/auth/gmail.modify"
READ_METADATA = "https://www.googleapis.com/auth/gmail.metadata"
ALL_MAIL = "https://mail.google.com/"
USE_PUBSUB = "https://www.googleapis.com/auth/pubsub"
USE_CLOUD = "https://www.googleapis.com/auth/cloud-platform"


@dataclass(frozen=True)
class Caller:
    """*address* is a mailbox's; or the service account's own, which has no mailbox.

    *project* is the developer's: that of the service account or of the OAuth client.
    *grant* is the refresh token that the access goes back to, if there is one.
    """

    address: str
    project: str
    scopes: frozenset[str]
    grant: str = ""


class AccessTokens:
    """*lifetime* is in seconds, and that of the tokens which are given from now on."""

    def __init__(self, clock: Clock) -> None:
        self.lifetime = 3599
        self._clock = clock
        self._callers: dict[str, tuple[Caller, datetime]] = {}

    def issue(self, caller: Caller) -> str:
        token = f"ya29.{secrets.token_urlsafe(48)}"
        self._callers[token] = (caller, self._clock.now() + timedelta(seconds=self.lifetime))
        return token

    def caller(self, authorization: str) -> Caller:
        """Who bears the token of an Authorization header. Raises GoogleError."""
        scheme, _, token = authorization.partition(" ")
        caller, expires_at = self._callers.get(token, (None, self._clock.now()))
        if scheme.lower() == "bearer" and caller and self._clock.now() < expires_at:
            return caller
        raise GoogleError(
            401,
            "authError",
            "Request had invalid authentication credentials. Expected OAuth 2 access token, login "
            "cookie or other valid authentication credential.",
        )

    def find(self, token: str) -> Caller | None:
        caller, _ = self._callers.get(token, (None, None))
        return caller

    def revoke(self, address: str) -> None:
        """Make every token of the mailbox invalid before its time."""
        self._retain(lambda caller: caller.address != address)

    def revoke_grant(self, grant: str) -> None:
        self._retain(lambda caller: caller.grant != grant)

    def _retain(self, wanted: Callable[[Caller], bool]) -> None:
        self._callers = {t: each for t, each in self._callers.items() if wanted(each[0])}
