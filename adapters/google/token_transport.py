"""Lets google-auth, which blocks in a thread of its own, send by our own client, in our loop."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus

import google.auth.transport
import httpx
from pydantic import BaseModel, ConfigDict, ValidationError

from postroom.adapters.google.errors import grant_failure_of
from postroom.adapters.http.exchange import Response, TooLarge, exchange_from_thread
from postroom.application.ports import Clock
from postroom.domain.failure import Unavailable

MAX_GRANT_BYTES = 64 * 1024
"""Of a response of the token endpoint."""

GRANT_DEADLINE = timedelta(seconds=10)
"""Of the request for a token. A thread waits as long."""


class _Grant(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True)

    access_token: str
    expires_in: int


@dataclass(frozen=True, slots=True)
class _Response(google.auth.transport.Response):
    status: int
    headers: Mapping[str, str]
    data: bytes


class TokenTransport(google.auth.transport.Request):
    """Its exchanges are bounded, and fail, as all of ours.

    google-auth is shown a success only: at a failure it would sleep and try again, which is the
    queue's business.
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
