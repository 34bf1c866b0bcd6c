"""Proves who signed a Pub/Sub push.

https://cloud.google.com/pubsub/docs/authenticate-push-subscriptions
"""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Protocol

import google.auth.jwt
import httpx
from google.auth.exceptions import GoogleAuthError

from postroom.adapters.google.certificates import GoogleCertificates
from postroom.adapters.google.verified_tokens import VerifiedTokens
from postroom.application.ports import Clock, Unauthenticated

ISSUERS = ("accounts.google.com", "https://accounts.google.com")

CERTIFICATES = "https://www.googleapis.com/oauth2/v1/certs"

MAX_TOKEN = 8192
"""Characters. Google's tokens have about a tenth of it."""

SKEW = 10
"""Seconds by which the clocks may differ."""


MAX_TIME = 2**53


class PushVerifier(Protocol):
    """Proves who signed a Pub/Sub push (OIDC: signature, audience, issuer, expiry)."""

    @abstractmethod
    async def __call__(self, token: str) -> str:
        """The verified e-mail address of the service account that signed *token*.

        Raises Unauthenticated, Unavailable.
        """


class GooglePushVerifier(PushVerifier):
    """Verifies OIDC tokens for *audience*, signed by a key whose certificate is at *certs_url*.

    google-auth checks the signature (RS256; never `none`, nor HMAC), `iat` and `exp`, by the host's
    clock. A reason never holds the token, nor does a chained cause: google-auth's errors quote it.
    """

    def __init__(
        self, http: httpx.AsyncClient, clock: Clock, *, audience: str, certs_url: str = CERTIFICATES
    ) -> None:
        self._audience = audience
        self._certificates = GoogleCertificates(http, clock, certs_url)
        self._verified = VerifiedTokens(clock)
        self._clock = clock

    async def __call__(self, token: str) -> str:
        """The address that is proven. Raises Unauthenticated; Unavailable without certificates."""
        if len(token) > MAX_TOKEN:
            raise Unauthenticated("the token is too long")
        return self._verified.find(token) or await self._verify(token)

    async def _verify(self, token: str) -> str:
        key_id = _key_id(token)
        certificate = await self._certificates.find(key_id)
        if certificate is None:
            raise Unauthenticated("the token is signed by an unknown key")
        claims, now = _claims(token, key_id, certificate), self._clock.now().timestamp()
        if _number(claims.get("nbf", 0)) - SKEW > now:
            raise Unauthenticated("the token is not valid yet")
        address = self._identity(claims)
        self._verified.store(token, address, _number(claims["exp"]) + SKEW - now)
        return address

    def _identity(self, claims: Mapping[str, object]) -> str:
        if claims.get("aud") != self._audience:
            raise Unauthenticated("the token is for another audience")
        if claims.get("iss") not in ISSUERS:
            raise Unauthenticated("the token is not issued by Google")
        email = claims.get("email")
        if claims.get("email_verified") is not True or not isinstance(email, str) or not email:
            raise Unauthenticated("the token proves no e-mail address")
        return email


def _number(value: object) -> float:
    """Seconds of the epoch. Raises Unauthenticated if *value* is none that a clock could show."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < MAX_TIME:
        raise Unauthenticated("the token's time is not a number")
    return value


def _key_id(token: str) -> str:
    try:
        header = google.auth.jwt.decode_header(token)  # type: ignore[no-untyped-call] # google-auth has no types
    except (GoogleAuthError, ValueError, RecursionError):
        raise Unauthenticated("the token is malformed") from None
    if not isinstance(key_id := header.get("kid"), str):
        raise Unauthenticated("the token names no key")
    return key_id


def _claims(token: str, key_id: str, certificate: str) -> Mapping[str, object]:
    try:
        claims: Mapping[str, object] = google.auth.jwt.decode(  # type: ignore[no-untyped-call] # google-auth has no types
            token, certs={key_id: certificate}, clock_skew_in_seconds=SKEW
        )
    except (GoogleAuthError, ValueError, TypeError, RecursionError):
        raise Unauthenticated("the token's signature, or its time, is not valid") from None
    return claims
