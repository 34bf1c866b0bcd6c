"""A person signs in, in a browser, and lets us read their mail.

The browser ends at a port of this machine; or, where it runs on another, at an address that it
cannot open, and that the person pastes.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from http import HTTPStatus

import httpx
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from postroom.adapters.google.account import GoogleAccount, PersonalAccess, google_account
from postroom.adapters.google.account_options import PASTE
from postroom.adapters.google.consent import CONSENT_URL, ConsentRequest
from postroom.adapters.google.credentials import SCOPE, TOKEN_URL
from postroom.adapters.google.errors import grant_failure_of
from postroom.adapters.google.loopback import Loopback, loopback
from postroom.adapters.google.token_transport import GRANT_DEADLINE, MAX_GRANT_BYTES
from postroom.adapters.http.exchange import TooLarge, exchange, of_source
from postroom.application.option_values import flag
from postroom.application.ports import Clock, OptionValue, PendingSignIn, SignIn, SignInPrompt
from postroom.domain.account import Account, Secret
from postroom.domain.failure import AccessFailed, Throttled, Unavailable
from postroom.domain.mailbox import Mailbox

LIFETIME = timedelta(minutes=10)
"""How long a person has. A code that Google gives is good for as long."""

AGAIN_AFTER = timedelta(seconds=5)
"""How soon a code is shown again to a token endpoint that is away."""

PASTED_FROM = "http://127.0.0.1:47471"
"""Where a browser on another machine ends: nothing listens there."""


class _Consent(BaseModel):
    """RFC 6749 section 5.1. *scope* is what the person has ticked."""

    model_config = ConfigDict(hide_input_in_errors=True)

    refresh_token: str = Field(default="", repr=False)
    scope: str = ""


@dataclass(frozen=True, slots=True)
class GoogleSignIn(SignIn):
    http: httpx.AsyncClient
    clock: Clock
    consent_url: str = CONSENT_URL
    token_url: str = TOKEN_URL
    lifetime: timedelta = LIFETIME

    def is_needed(self, account: Account) -> bool:
        match account:
            case GoogleAccount(person=PersonalAccess(refresh_token=token)):
                return not token.value
            case _:
                return False

    @asynccontextmanager
    async def open(
        self, mailbox: Mailbox, values: Mapping[str, OptionValue]
    ) -> AsyncIterator[PendingSignIn]:
        account = google_account(mailbox)
        if account.person is None:
            raise AccessFailed("the mailbox is not a person's to open")
        request = ConsentRequest(account.person.client_id, mailbox.address)
        expires_at = self.clock.now() + self.lifetime
        if flag(values, PASTE):
            yield _Pending(self, account, account.person, request, expires_at)
            return
        async with loopback(request.is_answered_by) as listening:
            yield _Pending(self, account, account.person, request, expires_at, listening)

    async def redeem(self, person: PersonalAccess, form: Mapping[str, str]) -> Secret:
        """The refresh token for a code. Raises AccessFailed, Throttled, Unavailable."""
        content = {
            "grant_type": "authorization_code",
            "client_id": person.client_id,
            "client_secret": person.client_secret.value,
            **form,
        }
        request = self.http.build_request("POST", self.token_url, data=content)
        host = request.url.host
        with of_source(host):
            try:
                response = await exchange(
                    self.http,
                    request,
                    peer=host,
                    max_bytes=MAX_GRANT_BYTES,
                    deadline=GRANT_DEADLINE,
                )
            except TooLarge as error:  # which would be taken for the message's
                raise Unavailable(error.reason) from None
            if response.status != HTTPStatus.OK:
                now = self.clock.now()
                raise grant_failure_of(response.status, response.headers, response.body, now)
            return _refresh_token(response.body)


@dataclass(frozen=True, slots=True)
class _Pending(PendingSignIn):
    """Where nobody is *listening*, the person pastes the answer."""

    sign_in: GoogleSignIn
    account: GoogleAccount
    person: PersonalAccess
    request: ConsentRequest
    expires_at: datetime
    listening: Loopback | None = None

    @property
    def prompt(self) -> SignInPrompt:
        return SignInPrompt(
            uri=self.request.uri(self.sign_in.consent_url, self._redirect_uri),
            expires_at=self.expires_at,
            is_pasted=self.listening is None,
        )

    async def finish(self, pasted: str = "") -> Account:
        query = await self._answered(self.listening) if self.listening else self._query_of(pasted)
        form = {
            "code": self.request.code_in(query),
            "redirect_uri": self._redirect_uri,
            "code_verifier": self.request.verifier,
        }
        token = await self._redeemed(form)
        return replace(self.account, person=replace(self.person, refresh_token=token))

    @property
    def _redirect_uri(self) -> str:
        return self.listening.uri if self.listening else PASTED_FROM

    async def _answered(self, listening: Loopback) -> str:
        left = self.expires_at - self.sign_in.clock.now()
        try:
            async with asyncio.timeout(left.total_seconds()):
                return await listening.query
        except TimeoutError:
            raise AccessFailed("nobody has signed in in time") from None

    def _query_of(self, pasted: str) -> str:
        address, _, query = pasted.strip().partition("?")
        if address.rstrip("/") != PASTED_FROM or not self.request.is_answered_by(query):
            raise AccessFailed("what was pasted is not the address at which this sign-in ends")
        return query

    async def _redeemed(self, form: Mapping[str, str]) -> Secret:
        """A token endpoint that is away ends nothing: the code stays good, for a while."""
        while True:
            try:
                return await self.sign_in.redeem(self.person, form)
            except (Throttled, Unavailable) as failure:
                wait = failure.retry_after or AGAIN_AFTER
                if self.sign_in.clock.now() + wait >= self.expires_at:
                    raise
            await self.sign_in.clock.sleep(wait)


def _refresh_token(body: bytes) -> Secret:
    try:
        consent = _Consent.model_validate_json(body)
    except ValidationError:
        raise Unavailable("sign-in answered something else than a token") from None
    if SCOPE not in consent.scope.split():  # a person may tick less than was asked for
        raise AccessFailed("the person has not allowed us to read their mail")
    if not consent.refresh_token:
        raise AccessFailed("sign-in gave no refresh token")
    return Secret(consent.refresh_token)
