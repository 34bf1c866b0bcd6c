"""The keys that Entra ID signs tokens with, kept so that a notification costs no request.

https://learn.microsoft.com/entra/identity-platform/signing-key-rollover: keys roll over at any
time, and a token with an unknown one is a reason to ask for them again.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import httpx
import jwt
from pydantic import BaseModel, ValidationError

from postroom.adapters.microsoft.errors import unreachable
from postroom.application.ports import Clock
from postroom.domain.failure import Unavailable

FRESH = timedelta(hours=24)
"""How long the keys are kept, as Microsoft's own libraries do."""

PAUSE = timedelta(minutes=1)
"""Between two requests for a key that is not among those that are kept."""

FIRST_PAUSE = timedelta(seconds=5)
"""The same while there are no keys at all."""

DEADLINE = timedelta(seconds=2)
"""For the request: Graph waits 3 seconds for our own answer."""

LIMIT = 512 * 1024
"""Bytes of the answer; it has about 20 KiB."""

ALGORITHM = "RS256"

ANY_DIRECTORY = "{tenantid}"
"""Stands where a directory's id would, in the issuer of a key that signs for all of them."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """*issuer* is whose tokens the key may sign; empty if that was not told."""

    public: jwt.PyJWK
    issuer: str

    def signs_for(self, directory: str, issuer: str) -> bool:
        return not self.issuer or self.issuer.replace(ANY_DIRECTORY, directory) == issuer


class _KeySet(BaseModel):
    keys: list[dict[str, Any]]


class SigningKeys:
    """The keys at *url* (a JSON Web Key Set, RFC 7517), with one request for them at a time."""

    def __init__(self, http: httpx.AsyncClient, clock: Clock, url: str) -> None:
        self._http = http
        self._clock = clock
        self._url = url
        self._asking = asyncio.Lock()
        self._keys: Mapping[str, SigningKey] = {}
        self._asked_at: datetime | None = None
        self._fetched_at: datetime | None = None

    async def find(self, key_id: str) -> SigningKey | None:
        """The key of that id, or None if Entra ID has no such key.

        Raises Unavailable if there are none to look among. Old ones serve while there are no new.
        """
        underway = self._asking.locked()
        if self._wanted(key_id) and not (underway and key_id in self._keys):
            async with self._asking:
                if self._wanted(key_id):  # unless the one that we waited for has asked
                    await self._ask()
        if not self._keys:
            raise Unavailable("the keys of Entra ID could not be fetched")
        return self._keys.get(key_id)

    def _wanted(self, key_id: str) -> bool:
        now = self._clock.now()
        pause = PAUSE if self._keys else FIRST_PAUSE
        if self._asked_at and now - self._asked_at < pause:
            return False
        return key_id not in self._keys or not self._fetched_at or now - self._fetched_at >= FRESH

    async def _ask(self) -> None:
        try:
            self._keys = _read(await self._fetch())
            self._fetched_at = self._clock.now()
        except Unavailable:
            if not self._keys:
                raise
        finally:
            self._asked_at = self._clock.now()

    async def _fetch(self) -> bytes:
        body = bytearray()
        try:
            async with (
                asyncio.timeout(DEADLINE.total_seconds()),
                self._http.stream("GET", self._url) as response,
            ):
                if response.status_code != httpx.codes.OK:
                    raise Unavailable(f"Entra ID answered {response.status_code} without keys")
                async for chunk in response.aiter_bytes():
                    body += chunk
                    if len(body) > LIMIT:
                        raise Unavailable(f"Entra ID sent more than {LIMIT} bytes of keys")
        except (httpx.HTTPError, TimeoutError) as error:
            raise unreachable("Entra ID", error) from error
        return bytes(body)


def _read(body: bytes) -> Mapping[str, SigningKey]:
    try:
        found = _KeySet.model_validate_json(body).keys
    except ValidationError as error:
        raise Unavailable("the keys of Entra ID are unreadable") from error
    keys = _usable(found)
    if not keys:
        raise Unavailable("Entra ID has answered without a key that we can use")
    return keys


def _usable(found: Sequence[Mapping[str, Any]]) -> dict[str, SigningKey]:
    """Those of *found* that can verify what we accept; there may be others beside them."""
    keys: dict[str, SigningKey] = {}
    for key in found:
        kind, use, key_id = (key.get(name) for name in ("kty", "use", "kid"))
        if kind == "RSA" and use in {"sig", None} and isinstance(key_id, str):
            try:
                public = jwt.PyJWK.from_dict(dict(key), algorithm=ALGORITHM)
            except (jwt.PyJWTError, ValueError, TypeError):
                continue
            keys[key_id] = SigningKey(public, str(key.get("issuer") or ""))
    return keys
