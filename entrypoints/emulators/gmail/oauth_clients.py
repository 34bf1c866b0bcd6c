"""OAuth clients, the codes that people's consents give, and their refresh tokens.

Rule 1: a code is for one client, one redirect URI and one PKCE challenge; it is good once, for
ten minutes.
Rule 2: a refresh token is given for `access_type=offline`, at the first consent or with
`prompt=consent`; it is not rotated, unless a test says so (`rotating`).
Rule 3: a client has 100 refresh tokens for a person; the oldest dies for the next.
Rule 4: the loopback address of a desktop client may have any port (RFC 8252 section 7.3).
Source: https://developers.google.com/identity/protocols/oauth2/native-app.
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from postroom.application.ports import Clock
from postroom.entrypoints.emulators.gmail.access import Caller
from postroom.entrypoints.emulators.gmail.wire import PROJECT, GrantError

CODE_LIFETIME = timedelta(minutes=10)
UNUSED_LIFETIME = timedelta(days=183)
MOST_TOKENS = 100

_LOOPBACK = {"127.0.0.1", "::1", "localhost"}


@dataclass(frozen=True)
class OAuthClient:
    """A desktop client has no *redirect_uris*: it is sent back to the loopback address."""

    id: str
    secret: str = field(repr=False)
    project: str = PROJECT
    redirect_uris: tuple[str, ...] = ()

    def may_redirect_to(self, uri: str) -> bool:
        if self.redirect_uris:
            return uri in self.redirect_uris
        parts = urlsplit(uri)
        return parts.scheme == "http" and parts.hostname in _LOOPBACK


@dataclass(frozen=True, kw_only=True)
class Consent:
    """What a person has agreed to, in answer to which request."""

    client: OAuthClient
    address: str
    scopes: frozenset[str]
    redirect_uri: str
    challenge: str
    is_plain: bool
    offline: bool
    at: datetime


@dataclass
class Refresh:
    token: str
    client: OAuthClient
    address: str
    scopes: frozenset[str]
    used_at: datetime
    ends_at: datetime | None

    def caller(self) -> Caller:
        return Caller(self.address, self.client.project, self.scopes, grant=self.token)


class OAuthClients:
    """*testing_lifetime* is that of refresh tokens of a consent screen in "Testing"."""

    def __init__(self, clock: Clock) -> None:
        self.rotating = False
        self.testing_lifetime: timedelta | None = None
        self._clock = clock
        self._clients: dict[str, OAuthClient] = {}
        self._codes: dict[str, Consent | None] = {}  # a code that is spent stands for nothing
        self._refreshes: list[Refresh] = []

    def register(self, client: OAuthClient) -> OAuthClient:
        """Add the client, or give it another secret."""
        self._clients[client.id] = client
        return client

    def find(self, client_id: str) -> OAuthClient | None:
        return self._clients.get(client_id)

    def code(self, consent: Consent) -> str:
        code = f"4/0A{secrets.token_urlsafe(40)}"
        self._codes[code] = consent
        return code

    def redeem(self, form: Mapping[str, str]) -> tuple[Caller, Refresh | None]:
        """Exchange a code. Raises GrantError."""
        client = self._authenticated(form)
        code = _required(form, "code")
        if code not in self._codes:
            raise GrantError(400, "invalid_grant", "Malformed auth code.")
        consent, self._codes[code] = self._codes[code], None
        is_good = consent is not None and self._clock.now() < consent.at + CODE_LIFETIME
        if consent is None or not is_good or consent.client.id != client.id:
            raise GrantError(400, "invalid_grant", "Bad Request")
        if _required(form, "redirect_uri") != consent.redirect_uri:
            raise GrantError(400, "redirect_uri_mismatch", "Bad Request")
        _check_verifier(consent, form.get("code_verifier", ""))
        if not consent.offline:
            return Caller(consent.address, client.project, consent.scopes), None
        refresh = self.issue(client, consent.address, consent.scopes)
        return refresh.caller(), refresh

    def refresh(self, form: Mapping[str, str]) -> Refresh:
        """The refresh token that is shown. Raises GrantError."""
        client = self._authenticated(form)
        found = self.refresh_token(_required(form, "refresh_token"))
        if found is None:
            raise GrantError(400, "invalid_grant", "Token has been expired or revoked.")
        if found.client.id != client.id:
            raise GrantError(401, "unauthorized_client", "Unauthorized")
        found.used_at = self._clock.now()
        if self.rotating:
            self.revoke(found.token)
            return self.issue(client, found.address, found.scopes)
        return found

    def issue(self, client: OAuthClient, address: str, scopes: frozenset[str]) -> Refresh:
        now = self._clock.now()
        token = f"1//0{secrets.token_urlsafe(64)}"
        ends_at = now + self.testing_lifetime if self.testing_lifetime else None
        made = Refresh(token, client, address, scopes, now, ends_at)
        theirs = self.refreshes(client.id, address)
        for oldest in theirs[: max(len(theirs) - MOST_TOKENS + 1, 0)]:
            self.revoke(oldest.token)
        self._refreshes.append(made)
        return made

    def refresh_token(self, token: str) -> Refresh | None:
        """The one called *token*, if it still lives."""
        now = self._clock.now()
        for each in self._refreshes:
            if each.token == token:
                is_over = each.ends_at is not None and now >= each.ends_at
                return None if is_over or now >= each.used_at + UNUSED_LIFETIME else each
        return None

    def refreshes(self, client_id: str, address: str) -> list[Refresh]:
        """Oldest first."""
        return [
            each
            for each in self._refreshes
            if (each.client.id, each.address) == (client_id, address)
        ]

    def revoke(self, token: str) -> None:
        self._refreshes = [each for each in self._refreshes if each.token != token]

    def revoke_all(self, address: str) -> list[str]:
        """Take back what the person has agreed to; gives the refresh tokens of it."""
        revoked = [each.token for each in self._refreshes if each.address == address]
        self._refreshes = [each for each in self._refreshes if each.address != address]
        return revoked

    def _authenticated(self, form: Mapping[str, str]) -> OAuthClient:
        client = self._clients.get(_required(form, "client_id"))
        if client is None:
            raise GrantError(401, "invalid_client", "The OAuth client was not found.")
        if "client_secret" not in form:
            raise GrantError(400, "invalid_request", "client_secret is missing.")
        if not hmac.compare_digest(form["client_secret"].encode(), client.secret.encode()):
            raise GrantError(401, "invalid_client", "The provided client secret is invalid.")
        return client


def _required(form: Mapping[str, str], name: str) -> str:
    if value := form.get(name):
        return value
    raise GrantError(400, "invalid_request", f"Missing required parameter: {name}")


def _check_verifier(consent: Consent, verifier: str) -> None:
    """RFC 7636 section 4.6."""
    if not consent.challenge:
        return
    if not verifier:
        raise GrantError(400, "invalid_grant", "Missing code verifier.")
    digest = hashlib.sha256(verifier.encode()).digest()
    hashed = base64.urlsafe_b64encode(digest).decode().rstrip("=")
    if consent.challenge != (verifier if consent.is_plain else hashed):
        raise GrantError(400, "invalid_grant", "Invalid code verifier.")
