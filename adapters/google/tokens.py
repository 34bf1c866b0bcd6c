"""Access to mailboxes: a service account acts for the mailbox's user (domain-wide delegation).

https://developers.google.com/identity/protocols/oauth2/service-account
"""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus

import google.auth.transport
import httpx
from google.auth.exceptions import GoogleAuthError
from google.oauth2.service_account import Credentials
from pydantic import BaseModel, ConfigDict, ValidationError

from postroom.adapters.google.account import GoogleAccount
from postroom.adapters.google.errors import grant_failure_of
from postroom.adapters.http.exchange import Response, TooLarge, exchange_from_thread, of_source
from postroom.adapters.http.sign_ins import SignIns
from postroom.application.ports import Clock
from postroom.domain.failure import AccessFailed, Unavailable
from postroom.domain.mailbox import Mailbox

SCOPE = "https://www.googleapis.com/auth/gmail.readonly"

GOOGLES_HOST = "oauth2.googleapis.com"

MAX_GRANT_BYTES = 64 * 1024
"""Of a response of the token endpoint."""

GRANT_DEADLINE = timedelta(seconds=10)
"""Of the request for a token. A thread waits as long."""

DEADLINE = timedelta(seconds=30)
"""Of a sign-in, with its wait for a thread."""


def token_host(account: GoogleAccount) -> str:
    """What signs *account* in; Google's own where its key does not say."""
    return _host_in(account.service_account.value)


def _host_in(key: str) -> str:
    try:
        return httpx.URL(json.loads(key)["token_uri"]).host
    except (ValueError, TypeError, KeyError, httpx.InvalidURL):
        return GOOGLES_HOST


class AccessTokens:
    """Caches each mailbox's token until shortly before it expires; one refresh at a time for each.

    google-auth blocks while it reads the key, signs and asks, so it does all that in a thread.
    """

    def __init__(self, http: httpx.AsyncClient, clock: Clock, sign_ins: SignIns) -> None:
        self._http = http
        self._clock = clock
        self._sign_ins = sign_ins
        self._delegations: dict[tuple[str, str], _Delegation] = {}
        self._own: dict[tuple[str, str], _Delegation] = {}

    async def get(self, mailbox: Mailbox, *, rejected: str = "") -> str:
        """A token for *mailbox*, and not the one that Gmail has *rejected*.

        Raises AccessFailed, Throttled, Unavailable.
        """
        return await self._get(self._delegation(mailbox), rejected)

    async def of_itself(self, key: str, scope: str, *, rejected: str = "") -> str:
        """The same for the service account of a JSON *key*, which acts for nobody."""
        if (key, scope) not in self._own:
            self._own[key, scope] = _Delegation(key, "", scope)
        return await self._get(self._own[key, scope], rejected)

    async def _get(self, delegation: "_Delegation", rejected: str) -> str:
        async with delegation.refreshing:
            if (token := delegation.token) and token != rejected:
                return token
            return await self._sign_in(delegation)

    async def _sign_in(self, delegation: "_Delegation") -> str:
        transport = _Transport(self._http, self._clock, asyncio.get_running_loop())
        with of_source(_host_in(delegation.key)):
            return await self._sign_ins.run(
                delegation.key,
                lambda: delegation.refresh(transport),
                peer="the token endpoint",
                deadline=DEADLINE,
            )

    def _delegation(self, mailbox: Mailbox) -> "_Delegation":
        """The mailbox's own; a new one where its access has been set anew."""
        if not isinstance(mailbox.account, GoogleAccount):
            raise AccessFailed(f"the mailbox is at {mailbox.provider}, not at google")
        found = self._delegations.get((mailbox.tenant, mailbox.id))
        key, subject = mailbox.account.service_account.value, mailbox.address
        if found is None or (found.key, found.subject) != (key, subject):
            found = self._delegations[mailbox.tenant, mailbox.id] = _Delegation(key, subject)
        return found


class _Delegation:
    """The service account of a JSON *key*, acting for *subject*, or else for itself."""

    def __init__(self, key: str, subject: str, scope: str = SCOPE) -> None:
        self.key = key
        self.subject = subject
        self.scope = scope
        self.refreshing = asyncio.Lock()
        self._credentials: Credentials | None = None

    @property
    def token(self) -> str:
        """Empty if there is none that will be good for a while."""
        credentials = self._credentials
        return str(credentials.token) if credentials and credentials.valid else ""

    def refresh(self, transport: "_Transport") -> str:
        """A new token. Blocks."""
        self._credentials = self._credentials or self._read_key()
        try:
            self._credentials.refresh(transport)  # type: ignore[no-untyped-call] # google-auth has no types
        except GoogleAuthError as error:  # it would not even ask
            raise AccessFailed("google-auth cannot use the service account's key") from error
        return str(self._credentials.token)

    def _read_key(self) -> Credentials:
        try:
            credentials: Credentials = Credentials.from_service_account_info(  # type: ignore[no-untyped-call] # google-auth has no types
                json.loads(self.key), subject=self.subject or None, scopes=[self.scope]
            )
        except (ValueError, TypeError, AttributeError) as error:
            raise AccessFailed("the service account's key is no JSON key of Google's") from error
        return credentials


class _Grant(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True)

    access_token: str
    expires_in: int


@dataclass(frozen=True, slots=True)
class _Response(google.auth.transport.Response):
    status: int
    headers: Mapping[str, str]
    data: bytes


class _Transport(google.auth.transport.Request):
    """Lets google-auth, in its thread, send by our own client, in the loop of that.

    So its exchanges are bounded, and fail, as all of ours. It is shown a success only: at a failure
    it would sleep and try again, which is the queue's business.
    """

    def __init__(
        self, http: httpx.AsyncClient, clock: Clock, loop: asyncio.AbstractEventLoop
    ) -> None:
        self._http = http
        self._clock = clock
        self._loop = loop

    def __call__(
        self,
        url: str,
        method: str = "GET",
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,  # noqa: ARG002 - the exchange has its own
        **_: object,
    ) -> _Response:
        request = self._http.build_request(method, url, content=body, headers=headers)
        response = self._exchange(request)
        if response.status != HTTPStatus.OK:
            raise grant_failure_of(
                response.status, response.headers, response.body, self._clock.now()
            )
        try:
            _Grant.model_validate_json(response.body)
        except ValidationError as error:
            raise Unavailable("the token endpoint sent no token") from error
        return _Response(response.status, response.headers, response.body)

    def _exchange(self, request: httpx.Request) -> Response:
        try:
            return exchange_from_thread(
                self._loop,
                self._http,
                request,
                peer=request.url.host,
                max_bytes=MAX_GRANT_BYTES,
                deadline=GRANT_DEADLINE,
            )
        except TooLarge as error:  # which would be taken for the message's
            raise Unavailable(error.reason) from None
