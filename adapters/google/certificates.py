"""Google's public certificates, cached so that a push costs no request and a flood costs none."""

from collections.abc import Mapping
from datetime import timedelta
from http import HTTPStatus

import httpx
from pydantic import TypeAdapter, ValidationError

from postroom.adapters.http.exchange import exchange
from postroom.adapters.http.key_cache import KeyCache
from postroom.application.ports import Clock
from postroom.domain.failure import Unavailable

FRESH = timedelta(hours=1)
"""How long the certificates are cached. Google announces a new key a day before it is used."""

DEADLINE = timedelta(seconds=5)
"""Pub/Sub waits for our own response, by default 10 seconds."""

MAX_BYTES = 256 * 1024
"""Of Google's response; it has about 3 KiB."""

_WIRE = TypeAdapter(dict[str, str])


class GoogleCertificates:
    """The certificates at *url* (a JSON object, PEM by key id)."""

    def __init__(self, http: httpx.AsyncClient, clock: Clock, url: str) -> None:
        self._http = http
        self._url = url
        self._cache = KeyCache(self._fetch, clock, name="google's certificates", fresh_for=FRESH)

    async def find(self, key_id: str) -> str | None:
        """The PEM certificate of *key_id*, as `KeyCache.find` gives it."""
        return await self._cache.find(key_id)

    async def _fetch(self) -> Mapping[str, str]:
        request = self._http.build_request("GET", self._url)
        response = await exchange(
            self._http, request, peer=request.url.host, max_bytes=MAX_BYTES, deadline=DEADLINE
        )
        try:
            found = _WIRE.validate_json(response.body) if response.status == HTTPStatus.OK else {}
        except ValidationError as error:
            raise Unavailable("google's certificates are unreadable") from error
        if not found:
            raise Unavailable(f"google answered {response.status} without certificates")
        return found
