"""Requests to Gmail about one mailbox."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from http import HTTPStatus

import httpx

from postroom.adapters.google.errors import failure_of
from postroom.adapters.google.responses import ResponseT, read_response
from postroom.adapters.google.tokens import AccessTokens
from postroom.adapters.http.downloads import DownloadLimits
from postroom.adapters.http.exchange import Response, TooLarge, exchange
from postroom.adapters.http.server_skew import ServerSkew, Skewed, ignored
from postroom.adapters.http.sign_ins import SignIns
from postroom.application.ports import Clock
from postroom.domain.failure import Unavailable
from postroom.domain.mailbox import Mailbox

DEADLINE = timedelta(seconds=45)
"""For the whole exchange."""

TIMEOUT = httpx.Timeout(15, connect=10)
"""Seconds, for each step of the exchange."""

FailureOf = Callable[[int, Mapping[str, str], bytes, datetime], Exception]
"""What a refusal stands for, by its status, headers and body, now."""

MAX_LISTING_BYTES = 8 * 2**20
"""Of a response that holds no message. A page of 500 history records has some 230 KiB."""


class GmailClient:
    """Reads from the Gmail API at *base_url*, each mailbox under its own access."""

    def __init__(
        self,
        http: httpx.AsyncClient,
        clock: Clock,
        sign_ins: SignIns,
        base_url: str = "https://gmail.googleapis.com",
        downloads: DownloadLimits | None = None,
        *,
        skewed: Skewed = ignored,
    ) -> None:
        self._http = http
        self._clock = clock
        self.host = httpx.URL(base_url).host
        self._downloads = downloads or DownloadLimits()
        self.skew = ServerSkew(self.host, skewed)
        self._users = f"{base_url}/gmail/v1/users/me"
        self._tokens = AccessTokens(http, clock, sign_ins)

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
        max_bytes: int = MAX_LISTING_BYTES,
    ) -> ResponseT:
        """What `GET …/users/me/`*path* answers.

        Raises NotFound, TooLarge, AccessFailed, Throttled, Unavailable.
        """
        request = self._http.build_request(
            "GET", f"{self._users}/{path}", params=params, timeout=TIMEOUT
        )
        response = await self._answer(mailbox, request, max_bytes)
        if response.status != HTTPStatus.OK:
            raise self._failure(response, failure_of)
        return read_response(model, response.body)

    async def post(
        self,
        mailbox: Mailbox,
        path: str,
        body: Mapping[str, object] | None = None,
        *,
        failure: FailureOf = failure_of,
    ) -> bytes:
        """What `POST …/users/me/`*path* answers to *body*.

        Raises what *failure* makes of a refusal; AccessFailed, Throttled, Unavailable.
        """
        request = self._http.build_request(
            "POST", f"{self._users}/{path}", json=body, timeout=TIMEOUT
        )
        try:
            response = await self._answer(mailbox, request, MAX_LISTING_BYTES)
        except TooLarge as error:  # which would be taken for a message's
            raise Unavailable(error.reason) from None
        if response.status not in (HTTPStatus.OK, HTTPStatus.NO_CONTENT):
            raise self._failure(response, failure)
        return response.body

    async def _answer(self, mailbox: Mailbox, request: httpx.Request, max_bytes: int) -> Response:
        token = await self._tokens.get(mailbox)
        response = await self._send(request, token, max_bytes)
        if response.status == HTTPStatus.UNAUTHORIZED:  # revoked before its time: once more
            token = await self._tokens.get(mailbox, rejected=token)
            response = await self._send(request, token, max_bytes)
        return response

    def _failure(self, response: Response, failure: FailureOf) -> Exception:
        now = self.skew.theirs(self._clock.now())
        return failure(response.status, response.headers, response.body, now)

    async def _send(self, request: httpx.Request, token: str, max_bytes: int) -> Response:
        request.headers["Authorization"] = f"Bearer {token}"
        sent_at = self._clock.now()
        response = await exchange(
            self._http,
            request,
            peer=request.url.host,
            max_bytes=max_bytes,
            deadline=DEADLINE,
            downloads=self._downloads,
        )
        self.skew.measure(response.headers, sent_at, self._clock.now())
        return response
