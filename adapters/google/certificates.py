"""Google's public certificates, kept so that a push costs no request and a flood costs none."""

import asyncio
from datetime import datetime, timedelta

import httpx
from pydantic import TypeAdapter, ValidationError

from postroom.adapters.google.exchange import TIMEOUT, exchange
from postroom.application.ports import Clock
from postroom.domain.failure import Unavailable

FRESH = timedelta(hours=1)
"""How long the certificates are kept. Google announces a new key a day before it is used."""

PAUSE = timedelta(minutes=1)
"""Between two requests for the sake of a key that is not among the certificates."""

FIRST_PAUSE = timedelta(seconds=5)
"""The same while there are no certificates at all."""

DEADLINE = timedelta(seconds=5)
"""Pub/Sub waits for our own answer, by default 10 seconds."""

LIMIT = 256 * 1024
"""Bytes of Google's answer; it has about 3 KiB."""

_WIRE = TypeAdapter(dict[str, str])


class GoogleCertificates:
    """The certificates at *url* (a JSON object, PEM by key id), asked for one request at a time."""

    def __init__(self, http: httpx.AsyncClient, clock: Clock, url: str) -> None:
        self._http = http
        self._clock = clock
        self._url = url
        self._asking = asyncio.Lock()
        self._pem: dict[str, str] = {}
        self._asked_at: datetime | None = None
        self._fetched_at: datetime | None = None

    async def find(self, key_id: str) -> str | None:
        """The PEM certificate of *key_id*, or None if Google has no such key.

        Raises Unavailable if there are none to look among. Old ones serve while there are no new.
        """
        underway = self._asking.locked()
        if self._wanted(key_id) and not (underway and key_id in self._pem):
            async with self._asking:
                if self._wanted(key_id):  # unless the one that we waited for has asked
                    await self._ask()
        if not self._pem:
            raise Unavailable("google's certificates could not be fetched")
        return self._pem.get(key_id)

    def _wanted(self, key_id: str) -> bool:
        now = self._clock.now()
        pause = PAUSE if self._pem else FIRST_PAUSE
        if self._asked_at and now - self._asked_at < pause:
            return False
        return key_id not in self._pem or not self._fetched_at or now - self._fetched_at >= FRESH

    async def _ask(self) -> None:
        try:
            self._pem = await self._fetch()
            self._fetched_at = self._clock.now()
        except Unavailable:
            if not self._pem:
                raise
        finally:
            self._asked_at = self._clock.now()

    async def _fetch(self) -> dict[str, str]:
        request = self._http.build_request("GET", self._url, timeout=TIMEOUT)
        answer = await exchange(self._http, request, limit=LIMIT, deadline=DEADLINE)
        try:
            certificates = _WIRE.validate_json(answer.body) if answer.ok else {}
        except ValidationError as error:
            raise Unavailable("google's certificates are unreadable") from error
        if not certificates:
            raise Unavailable(f"google answered {answer.status} without certificates")
        return certificates
