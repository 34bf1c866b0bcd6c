"""Access tokens for Graph: the application signs in as itself, with no user (app-only).

One token serves all mailboxes of an application. It is kept until shortly before it expires, and
however many fetches want a new one at a time, one request is made for it.
"""

import asyncio
from abc import abstractmethod
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol
from urllib.parse import quote

import httpx
from msal.application import ConfidentialClientApplication
from pydantic import BaseModel

from adapters.microsoft.errors import unreachable
from adapters.microsoft.sign_in import SignInClient
from application.ports import Clock
from domain.failure import Unavailable
from domain.mailbox import MicrosoftAccount, Secret

LOGIN_URL = "https://login.microsoftonline.com"
GRAPH_URL = "https://graph.microsoft.com"
"""The public cloud; the national ones have others: learn.microsoft.com/graph/deployments."""

MARGIN = timedelta(minutes=5)
"""A token this close to its end is not used any more: clocks differ, and calls take time."""


class AccessTokens(Protocol):
    """Where a call to Graph gets its bearer token."""

    @abstractmethod
    async def get(self, account: MicrosoftAccount, *, rejected: str = "") -> str:
        """A valid access token for *account*, and not the *rejected* one.

        Raises AccessFailed, Throttled, Unavailable.
        """


@dataclass(frozen=True, slots=True)
class _Token:
    value: str = field(repr=False)
    good_until: datetime


@dataclass(slots=True)
class _Application:
    """What is known of one application of one directory; the *lock* makes requests take turns."""

    secret: Secret
    token: _Token | None = None
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class _Grant(BaseModel):
    """A successful answer of the token end point (RFC 6749 section 5.1)."""

    access_token: str
    expires_in: timedelta


class MsalTokens(AccessTokens):
    """Tokens for client credentials (RFC 6749 section 4.4) from Entra ID, by msal.

    *http* is a blocking client with timeouts of its own: msal blocks, and so runs in a thread.
    *deadline* bounds a sign-in, which is two requests. Raises ValueError unless *login_url* is
    https: msal sends no secret in the clear.
    """

    def __init__(
        self,
        http: httpx.Client,
        clock: Clock,
        *,
        login_url: str = LOGIN_URL,
        graph_url: str = GRAPH_URL,
        deadline: timedelta = timedelta(seconds=30),
    ) -> None:
        if not login_url.startswith("https://"):
            raise ValueError(f"the login URL must begin with https://, and is {login_url!r}")
        self._http = SignInClient(http, clock)
        self._clock = clock
        self._login_url = login_url
        self._scope = f"{graph_url}/.default"
        self._deadline = deadline
        self._applications: dict[tuple[str, str], _Application] = {}

    async def get(self, account: MicrosoftAccount, *, rejected: str = "") -> str:
        application = self._application(account)
        async with application.lock:
            token = application.token
            if not token or token.value == rejected or token.good_until <= self._clock.now():
                token = application.token = await self._sign_in(account)
            return token.value

    def _application(self, account: MicrosoftAccount) -> _Application:
        key = (account.directory, account.client_id)
        known = self._applications.get(key)
        if not known or known.secret != account.client_secret:
            known = self._applications[key] = _Application(account.client_secret)
        return known

    async def _sign_in(self, account: MicrosoftAccount) -> _Token:
        now = self._clock.now()
        try:
            async with asyncio.timeout(self._deadline.total_seconds()):
                answer = await asyncio.to_thread(self._request, account)
            grant = _Grant.model_validate(answer)
        except TimeoutError as error:
            raise unreachable("sign-in", error) from error
        except (ValueError, KeyError):
            # Not chained: the cause may quote the answer, and with it a token.
            raise Unavailable("sign-in answered something else than a token") from None
        return _Token(grant.access_token, now + grant.expires_in - MARGIN)

    def _request(self, account: MicrosoftAccount) -> Any:  # noqa: ANN401 - msal has no types
        # Built anew for each token: msal's own cache goes by the host's clock, and would give a
        # rejected token again.
        application = ConfidentialClientApplication(  # type: ignore[no-untyped-call]  # no types
            account.client_id,
            client_credential=account.client_secret.value,
            authority=f"{self._login_url}/{quote(account.directory, safe='')}",
            http_client=self._http,
            instance_discovery=False,  # the operator names the login end point; nothing asks around
        )
        return application.acquire_token_for_client([self._scope])  # type: ignore[no-untyped-call]
