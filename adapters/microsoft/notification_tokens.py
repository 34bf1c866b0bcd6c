"""Proves that Microsoft Graph has sent a rich notification, by a token that comes with it.

https://learn.microsoft.com/graph/change-notifications-with-resource-data#how-to-validate
"""

from datetime import timedelta

import httpx
import jwt
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from postroom.adapters.microsoft.entra import LOGIN_URL
from postroom.adapters.microsoft.signing_keys import ALGORITHM, SigningKey, SigningKeys
from postroom.application.ports import Clock, Unauthenticated

CHANGE_TRACKING = "0bf30f3b-4a52-48df-9a82-234910c4a086"
"""The application "Microsoft Graph Change Tracking", which sends notifications in every directory.
"""

MAX_TOKEN = 8192
"""Characters. Graph's tokens have about a fifth of it."""

SKEW = timedelta(minutes=5)
"""By which the clocks may differ: what Microsoft's own libraries allow."""

_JWS = jwt.PyJWS()


class _Claims(BaseModel):
    """learn.microsoft.com/entra/identity-platform/access-token-claims-reference, v1.0 and v2.0."""

    model_config = ConfigDict(strict=True)

    audience: str = Field(alias="aud", min_length=1)
    issuer: str = Field(alias="iss")
    directory: str = Field(alias="tid", pattern=r"^[0-9A-Za-z.-]+$")
    expires: int = Field(alias="exp", lt=2**40)
    begins: int = Field(default=0, alias="nbf", lt=2**40)
    application: str = Field(default="", alias="appid")
    party: str = Field(default="", alias="azp")

    @property
    def sender(self) -> str:
        """What v1.0 calls `appid` is `azp` in v2.0."""
        return self.application or self.party


class GraphNotificationTokenVerifier:
    """Verifies tokens that Entra ID at *login_url* has issued to Graph's own sender of
    notifications.

    PyJWT checks the signature only (RS256; never `none`, nor HMAC), since it would go by the host's
    clock. A reason never holds the token, and no cause is chained: it might quote it.
    """

    def __init__(
        self, http: httpx.AsyncClient, clock: Clock, *, login_url: str = LOGIN_URL
    ) -> None:
        self._clock = clock
        self._login_url = login_url
        self._keys = SigningKeys(http, clock, f"{login_url}/common/discovery/v2.0/keys")

    async def __call__(self, token: str) -> str:
        """The client id of the application that *token* is made out to.

        Raises Unauthenticated; Unavailable without keys.
        """
        if len(token) > MAX_TOKEN:
            raise Unauthenticated("the token is too long")
        key = await self._keys.find(_key_id(token))
        if key is None:
            raise Unauthenticated("the token is signed by an unknown key")
        claims = _claims(token, key)
        self._check_issuer(claims, key)
        self._check_times(claims)
        if claims.sender != CHANGE_TRACKING:
            raise Unauthenticated("the token was not issued to Graph's sender of notifications")
        return claims.audience

    def _check_issuer(self, claims: _Claims, key: SigningKey) -> None:
        """A key that is kept for one directory signs for no other."""
        current = f"{self._login_url}/{claims.directory}/v2.0"
        if claims.issuer not in (current, f"https://sts.windows.net/{claims.directory}/"):
            raise Unauthenticated("the token is not issued by Entra ID")
        if not key.signs_for(claims.directory, current):
            raise Unauthenticated("the token's key is not for its directory")

    def _check_times(self, claims: _Claims) -> None:
        now, skew = self._clock.now().timestamp(), SKEW.total_seconds()
        if not claims.begins - skew <= now < claims.expires + skew:
            raise Unauthenticated("the token has expired, or is not valid yet")


def _key_id(token: str) -> str:
    try:
        key_id = jwt.get_unverified_header(token).get("kid")
    except (jwt.PyJWTError, ValueError, RecursionError):
        raise Unauthenticated("the token is malformed") from None
    if not isinstance(key_id, str):
        raise Unauthenticated("the token names no key")
    return key_id


def _claims(token: str, key: SigningKey) -> _Claims:
    try:
        return _Claims.model_validate_json(_JWS.decode(token, key.public, [ALGORITHM]))
    except ValidationError:
        raise Unauthenticated("the token lacks a claim that Graph's tokens have") from None
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError):
        raise Unauthenticated("the token's signature is not valid") from None
