"""The keys that Entra ID signs tokens with, cached so that a notification costs no request.

https://learn.microsoft.com/entra/identity-platform/signing-key-rollover: keys roll over at any
time, and a token with an unknown one is a reason to ask for them again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import Any

import httpx
import jwt
from pydantic import BaseModel, ValidationError

from postroom.adapters.http.exchange import exchange
from postroom.adapters.http.key_cache import KeyCache
from postroom.application.ports import Clock
from postroom.domain.failure import Unavailable

FRESH = timedelta(hours=24)
"""How long the keys are cached, as Microsoft's own libraries do."""

DEADLINE = timedelta(seconds=2)
"""For the request: Graph waits 3 seconds for our own response."""

MAX_BYTES = 512 * 1024
"""Of the response; it has about 20 KiB."""

ALGORITHM = "RS256"

ANY_DIRECTORY = "{tenantid}"
"""Stands where a directory's id would, in the issuer of a key that signs for all of them."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """*issuer* is whose tokens the key may sign; empty if Entra ID does not say."""

    public: jwt.PyJWK
    issuer: str

    def signs_for(self, directory: str, issuer: str) -> bool:
        return not self.issuer or self.issuer.replace(ANY_DIRECTORY, directory) == issuer


class _KeySet(BaseModel):
    keys: list[dict[str, Any]]


class SigningKeys:
    """The keys at *url* (a JSON Web Key Set, RFC 7517)."""

    def __init__(self, http: httpx.AsyncClient, clock: Clock, url: str) -> None:
        self._http = http
        self._url = url
        self._cache = KeyCache(self._fetch, clock, name="the keys of Entra ID", fresh_for=FRESH)

    async def find(self, key_id: str) -> SigningKey | None:
        """The key of that id, as `KeyCache.find` gives it."""
        return await self._cache.find(key_id)

    async def _fetch(self) -> Mapping[str, SigningKey]:
        request = self._http.build_request("GET", self._url)
        response = await exchange(
            self._http, request, peer="Entra ID", max_bytes=MAX_BYTES, deadline=DEADLINE
        )
        if response.status != HTTPStatus.OK:
            raise Unavailable(f"Entra ID answered {response.status} without keys")
        return _read(response.body)


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
