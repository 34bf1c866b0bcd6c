"""The HTTP client that msal signs in with: bounded in size, and with its failures named.

msal itself would swallow a Retry-After, quote whole answers in its exceptions, and tell a wrong
directory from a network failure by the exception's type alone.
"""

from collections.abc import Mapping
from typing import Any

import httpx
from pydantic import TypeAdapter, ValidationError

from postroom.adapters.microsoft.errors import awaits_the_person, sign_in_failure, unreachable
from postroom.adapters.microsoft.retry_after import retry_after
from postroom.application.ports import Clock
from postroom.domain.failure import Unavailable

MAX_BYTES = 256 * 1024
"""Tokens and metadata are a few thousand bytes."""


_OBJECT = TypeAdapter(dict[str, Any])


class SignInClient:
    """What msal wants of an HTTP client: the part of requests.Session that it uses.

    Its methods raise AccessFailed, Throttled or Unavailable for whatever is not a success, and
    these pass through msal. A person who has not signed in yet is no failure.
    """

    def __init__(self, http: httpx.Client, clock: Clock) -> None:
        self._http = http
        self._clock = clock

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
        try:
            with self._http.stream(method, url, **kwargs) as response:
                body = _read(response)
        except httpx.RequestError as error:
            raise unreachable("sign-in", error) from error
        if response.is_success or awaits_the_person(body):
            return httpx.Response(response.status_code, content=_object(body))
        wait = retry_after(response.headers.get("Retry-After"), self._clock.now())
        raise sign_in_failure(response.status_code, body, wait)


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


def _read(response: httpx.Response) -> bytes:
    body = bytearray()
    for chunk in response.iter_bytes():
        body += chunk
        if len(body) > MAX_BYTES:
            raise Unavailable(f"sign-in answered with more than {MAX_BYTES} bytes")
    return bytes(body)


def _object(body: bytes) -> bytes:
    """*body* if it is a JSON object: anything else msal writes to its log, or trips over."""
    try:
        _OBJECT.validate_json(body)
    except ValidationError:
        raise Unavailable("sign-in answered with no JSON object") from None
    return body
