"""The HTTP client that msal signs in with: bounded in size, and with its failures named.

msal itself would swallow a Retry-After, quote whole answers in its exceptions, and tell a wrong
directory from a network failure by the exception's type alone.
"""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import httpx
from pydantic import TypeAdapter, ValidationError

from postroom.adapters.http.exchange import TooLarge, exchange_from_thread, translated
from postroom.adapters.http.retry_after import retry_after
from postroom.adapters.microsoft.errors import SHORTEST_WAIT, awaits_the_person, sign_in_failure_of
from postroom.application.ports import Clock
from postroom.domain.failure import Unavailable

PEER = "sign-in"

MAX_BYTES = 256 * 1024
"""Tokens and metadata are a few thousand bytes."""

DEADLINE = timedelta(seconds=10)
"""Of one request. A sign-in is two of them, and a thread waits as long."""

_OBJECT = TypeAdapter(dict[str, Any])


class SignInClient:
    """What msal, in its thread, wants of an HTTP client: what it uses of requests.Session.

    *http* is at home in *loop*, which sends. Its methods raise AccessFailed, Throttled or
    Unavailable for whatever is not a success, and these pass through msal. A person who has not
    signed in yet is no failure.
    """

    def __init__(
        self, http: httpx.AsyncClient, clock: Clock, loop: asyncio.AbstractEventLoop
    ) -> None:
        self._http = http
        self._clock = clock
        self._loop = loop

    def get(self, url: str, **kwargs: Any) -> httpx.Response:  # noqa: ANN401 - msal's business
        return self._send("GET", url, **kwargs)

    def post(
        self,
        url: str,
        *,
        data: Mapping[str, str | bytes],
        **kwargs: Any,  # noqa: ANN401
    ) -> httpx.Response:
        # A signed assertion comes as bytes, of which httpx would send the repr.
        form = {name: _text(value) for name, value in data.items()}
        return self._send("POST", url, data=form, **kwargs)

    def _send(self, method: str, url: str, **kwargs: Any) -> httpx.Response:  # noqa: ANN401
        with translated(PEER):
            request = self._http.build_request(method, url, **kwargs)
        try:
            response = exchange_from_thread(
                self._loop,
                self._http,
                request,
                peer=PEER,
                max_bytes=MAX_BYTES,
                deadline=DEADLINE,
            )
        except TooLarge as error:  # which would be taken for the message's
            raise Unavailable(error.reason) from None
        if response.is_success or awaits_the_person(response.body):
            return httpx.Response(response.status, content=_object(response.body))
        header = response.headers.get("Retry-After")
        wait = retry_after(header, self._clock.now(), shortest=SHORTEST_WAIT)
        raise sign_in_failure_of(response.status, response.body, wait)


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


def _object(body: bytes) -> bytes:
    """*body* if it is a JSON object: anything else msal writes to its log, or trips over."""
    try:
        _OBJECT.validate_json(body)
    except ValidationError:
        raise Unavailable("sign-in answered with no JSON object") from None
    return body
