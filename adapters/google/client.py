"""Requests to Gmail about one mailbox."""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from http import HTTPStatus
from urllib.parse import quote

import httpx

from postroom.adapters.google.credentials import TOKEN_URL
from postroom.adapters.google.errors import FailureOf, failure_of
from postroom.adapters.google.pauses import Pauses
from postroom.adapters.google.raw_message import RawReader, UnreadableMessage
from postroom.adapters.google.responses import RawMessage, ResponseT, read_response
from postroom.adapters.google.tokens import AccessTokens
from postroom.adapters.http.downloads import DownloadLimits
from postroom.adapters.http.exchange import Response, TooLarge, exchange
from postroom.adapters.http.public_url import is_loopback
from postroom.adapters.http.server_skew import ServerSkew, Skewed, ignored
from postroom.adapters.http.sign_ins import SignIns
from postroom.application.ports import Clock, MailboxRegistry
from postroom.domain.failure import Unavailable
from postroom.domain.mailbox import Mailbox

DEADLINE = timedelta(seconds=45)
"""For the whole exchange."""

TIMEOUT = httpx.Timeout(15, connect=10)
"""Seconds, for each step of the exchange."""

MAX_LISTING_BYTES = 8 * 2**20
"""Of a response that holds no message. A page of 500 history records has some 230 KiB."""

Params = Mapping[str, str | Sequence[str]]


class GmailClient:
    """Reads from the Gmail API at *base_url*, each mailbox under its own access (see tokens.py)."""

    def __init__(
        self,
        http: httpx.AsyncClient,
        clock: Clock,
        sign_ins: SignIns,
        base_url: str = "https://gmail.googleapis.com",
        downloads: DownloadLimits | None = None,
        *,
        skewed: Skewed = ignored,
        registry: MailboxRegistry | None = None,
        token_url: str = TOKEN_URL,
    ) -> None:
        self._http = http
        self._clock = clock
        self.host = httpx.URL(base_url).host
        self.is_here = is_loopback(base_url)
        self._downloads = downloads or DownloadLimits()
        self.skew = ServerSkew(self.host, skewed)
        self._pauses = Pauses()
        self._users = f"{base_url}/gmail/v1/users/me"
        self.tokens = AccessTokens(http, clock, sign_ins, registry, token_url)

    async def sign_in(self, mailbox: Mailbox) -> None:
        """Have a token for *mailbox*. Raises AccessFailed, Throttled, Unavailable."""
        await self.tokens.get(mailbox)

    async def get(
        self,
        mailbox: Mailbox,
        path: str,
        model: type[ResponseT],
        *,
        params: Params | None = None,
    ) -> ResponseT:
        """What `GET …/users/me/`*path* answers, if it holds no message.

        Raises NotFound, AccessFailed, Throttled, Unavailable.
        """
        request = self._request(path, params or {})
        try:
            response = await self._answer(mailbox, request, MAX_LISTING_BYTES)
        except TooLarge as error:  # which would be taken for a message's
            raise Unavailable(error.reason) from None
        return read_response(model, response.body)

    async def get_raw(self, mailbox: Mailbox, message_id: str, *, max_bytes: int) -> RawMessage:
        """The message of that id, if it has no more than *max_bytes*.

        Raises NotFound, TooLarge, AccessFailed, Throttled, Unavailable.
        """
        request = self._request(f"messages/{quote(message_id, safe='')}", {"format": "raw"})
        reader = RawReader()
        # It is a third longer in base64, and there is as much around it as in a listing.
        limit = max_bytes * 4 // 3 + MAX_LISTING_BYTES
        try:
            await self._answer(mailbox, request, limit, into=reader)
        except UnreadableMessage:
            raise Unavailable("gmail sent an unreadable message") from None
        message = read_response(RawMessage, bytes(reader.rest))
        raw = reader.message()
        if len(raw) > max_bytes:
            raise TooLarge(f"the message is larger than {max_bytes} bytes")
        return message.model_copy(update={"raw": raw})

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
            response = await self._answer(mailbox, request, MAX_LISTING_BYTES, failure=failure)
        except TooLarge as error:  # which would be taken for a message's
            raise Unavailable(error.reason) from None
        return response.body

    def _request(self, path: str, params: Params) -> httpx.Request:
        return self._http.build_request(
            "GET", f"{self._users}/{path}", params=params, timeout=TIMEOUT
        )

    async def _answer(
        self,
        mailbox: Mailbox,
        request: httpx.Request,
        max_bytes: int,
        *,
        into: Callable[[bytes], None] | None = None,
        failure: FailureOf = failure_of,
    ) -> Response:
        token = await self.tokens.get(mailbox)
        response = await self._send(request, token, max_bytes, into)
        if response.status == HTTPStatus.UNAUTHORIZED:  # revoked before its time: once more
            token = await self.tokens.get(mailbox, rejected=token)
            response = await self._send(request, token, max_bytes, into)
        self._raise_for_status(mailbox, response, failure)
        return response

    def _raise_for_status(self, mailbox: Mailbox, response: Response, failure: FailureOf) -> None:
        now, key = self._clock.now(), (mailbox.tenant, mailbox.id)
        if response.status in (HTTPStatus.OK, HTTPStatus.NO_CONTENT):
            self._pauses.end(key)
            return
        raise failure(
            response.status,
            response.headers,
            response.body,
            self.skew.theirs(now),
            lambda: self._pauses.next(key, now),
        )

    async def _send(
        self,
        request: httpx.Request,
        token: str,
        max_bytes: int,
        into: Callable[[bytes], None] | None = None,
    ) -> Response:
        request.headers["Authorization"] = f"Bearer {token}"
        sent_at = self._clock.now()
        response = await exchange(
            self._http,
            request,
            peer=request.url.host,
            max_bytes=max_bytes,
            deadline=DEADLINE,
            downloads=self._downloads,
            into=into,
        )
        self.skew.measure(response.headers, sent_at, self._clock.now())
        return response
