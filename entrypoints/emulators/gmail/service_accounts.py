"""Service accounts: their keys, and tokens for what is delegated to them in the domain.

Sources: https://developers.google.com/identity/protocols/oauth2/service-account and RFC 7523.
"""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from google.auth import jwt

from postroom.entrypoints.emulators.gmail.access import USE_PUBSUB, Caller
from postroom.entrypoints.emulators.gmail.keys import SigningKey, signing_key
from postroom.entrypoints.emulators.gmail.wire import GrantError, Json

ASSERTION_AUDIENCE = "https://oauth2.googleapis.com/token"

_SCOPES_OF = {"https://pubsub.googleapis.com/": USE_PUBSUB}


@dataclass(frozen=True)
class _ServiceAccount:
    key: SigningKey
    scopes: frozenset[str]


class ServiceAccounts:
    def __init__(self) -> None:
        self._accounts: dict[str, _ServiceAccount] = {}

    def key_file(self, email: str, token_uri: str, scopes: Collection[str]) -> str:
        """The JSON key of a service account to which *scopes* are delegated in the domain."""
        key = signing_key(email)
        self._accounts[email] = _ServiceAccount(key, frozenset(scopes))
        content = {
            "type": "service_account",
            "project_id": project_of(email),
            "private_key_id": key.id,
            "private_key": key.private,
            "client_email": email,
            "client_id": "112233445566778899000",
            "auth_uri": "https://accounts.google.com/o/oauth2/auth",
            "token_uri": token_uri,
            "auth_provider_x509_cert_url": "https://www.googleapis.com/oauth2/v1/certs",
            "universe_domain": "googleapis.com",
        }
        return json.dumps(content, indent=2)

    def remove(self, email: str) -> None:
        """Delete the service account; its tokens stay good until they expire."""
        del self._accounts[email]

    def bearer(self, form: Mapping[str, str], addresses: Collection[str]) -> Caller:
        """Who is to be given a token: the user of a delegation, or the account itself.

        Raises GrantError.
        """
        claims = self._verified(form.get("assertion", ""))
        email, scopes = claims["iss"], frozenset(claims.get("scope", "").split())
        if not scopes:
            raise GrantError(400, "invalid_scope", "Empty or missing scope not allowed.")
        if "sub" not in claims or claims["sub"] == email:
            return Caller(email, project_of(email), scopes)
        if not scopes <= self._accounts[email].scopes:
            raise GrantError(
                401,
                "unauthorized_client",
                "Client is unauthorized to retrieve access tokens using this method, or client "
                "not authorized for any of the scopes requested.",
            )
        if claims["sub"] not in addresses:
            raise GrantError(400, "invalid_grant", "Invalid email or User ID")
        return Caller(claims["sub"], project_of(email), scopes)

    def self_signed(self, token: str) -> Caller | None:
        """Who has signed an access token for itself; it is for the account's own use.

        Source: https://google.aip.dev/auth/4111.
        """
        try:
            unverified = jwt.decode(token, verify=False)  # type: ignore[no-untyped-call] # google-auth has no types
            account = self._accounts[unverified["iss"]]
            claims = jwt.decode(token, certs=account.key.certificate)  # type: ignore[no-untyped-call] # google-auth has no types
        except (KeyError, ValueError):
            return None
        if claims.get("sub") != claims["iss"]:
            return None
        scopes = claims.get("scope", "") or _SCOPES_OF.get(claims.get("aud", ""), "")
        return Caller(claims["iss"], project_of(claims["iss"]), frozenset(scopes.split()))

    def _verified(self, assertion: str) -> Json:
        try:
            unverified = jwt.decode(assertion, verify=False)  # type: ignore[no-untyped-call] # google-auth has no types
            account = self._accounts[unverified["iss"]]
            claims: Json = jwt.decode(  # type: ignore[no-untyped-call] # google-auth has no types
                assertion, certs=account.key.certificate, audience=ASSERTION_AUDIENCE
            )
        except KeyError:
            raise GrantError(400, "invalid_grant", "Invalid grant: account not found") from None
        except ValueError:
            raise GrantError(400, "invalid_grant", "Invalid JWT Signature.") from None
        return claims


def project_of(email: str) -> str:
    return email.partition("@")[2].partition(".")[0]
