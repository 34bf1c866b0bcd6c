"""Asking Gmail about one mailbox."""

from collections.abc import Mapping
from http import HTTPStatus

import httpx

from postroom.adapters.google.errors import refusal
from postroom.adapters.google.exchange import TIMEOUT, Answer, exchange
from postroom.adapters.google.responses import ResponseT, read_response
from postroom.adapters.google.tokens import AccessTokens
from postroom.application.ports import Clock
from postroom.domain.mailbox import Mailbox

LISTING_LIMIT = 8 * 2**20
"""Bytes of an answer that holds no message. A page of 500 history records has some 230 KiB."""


class GmailClient:
    """Reads from the Gmail API at *base_url*, each mailbox under its own access."""

    def __init__(
        self, http: httpx.AsyncClient, clock: Clock, base_url: str = "https://gmail.googleapis.com"
    ) -> None:
        self._http = http
        self._clock = clock
        self._users = f"{base_url}/gmail/v1/users/me"
        self._tokens = AccessTokens(http, clock)

    async def sign_in(self, mailbox: Mailbox) -> None:
        """Have a token for *mailbox*. Raises AccessFailed, Throttled, Unavailable."""
        await self._tokens.get(mailbox)

    async def get(
        self,
        mailbox: Mailbox,
        path: str,
        model: type[ResponseT],
        *,
        params: Mapping[str, str] | None = None,
        limit: int = LISTING_LIMIT,
    ) -> ResponseT:
        """What `GET …/users/me/`*path* answers.

        Raises NotFound, TooLarge, AccessFailed, Throttled, Unavailable.
        """
        request = self._http.build_request(
            "GET", f"{self._users}/{path}", params=params, timeout=TIMEOUT
        )
        token = await self._tokens.get(mailbox)
        answer = await self._send(request, token, limit)
        if answer.status == HTTPStatus.UNAUTHORIZED:  # revoked before its time: once more
            token = await self._tokens.get(mailbox, rejected=token)
            answer = await self._send(request, token, limit)
        if not answer.ok:
            raise refusal(answer.status, answer.headers, answer.body, self._clock.now())
        return read_response(model, answer.body)

    async def _send(self, request: httpx.Request, token: str, limit: int) -> Answer:
        request.headers["Authorization"] = f"Bearer {token}"
        return await exchange(self._http, request, limit=limit)
