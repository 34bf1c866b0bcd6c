"""Google's identities: service accounts that are given tokens, and keys that sign pushes.

Sources: https://developers.google.com/identity/protocols/oauth2/service-account and RFC 7523.
"""

import json
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from google.auth import crypt, jwt

from postroom.entrypoints.emulators.gmail.wire import GoogleError, GrantError, Json

READ_MAIL = "https://www.googleapis.com/auth/gmail.readonly"
ASSERTION_AUDIENCE = "https://oauth2.googleapis.com/token"
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"


@dataclass(frozen=True)
class SigningKey:
    """An RSA key with its self-signed certificate, both in PEM."""

    id: str
    private: str = field(repr=False)
    certificate: str = field(repr=False)

    def sign(self, payload: Json) -> str:
        signer = crypt.RSASigner.from_string(self.private, self.id)  # type: ignore[no-untyped-call] # google-auth has no types
        token: bytes = jwt.encode(signer, payload)  # type: ignore[no-untyped-call] # google-auth has no types
        return token.decode()


@cache
def signing_key(name: str) -> SigningKey:
    """The key called *name*: made once in a process, since making one takes a while."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    certificate = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2049, 1, 1, tzinfo=UTC))
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    public = certificate.public_bytes(serialization.Encoding.PEM)
    key_id = certificate.fingerprint(hashes.SHA256()).hex()[:40]
    return SigningKey(key_id, private.decode(), public.decode())


@dataclass(frozen=True)
class _ServiceAccount:
    key: SigningKey
    scopes: frozenset[str]


class TokenEndPoint:
    """Gives tokens for mailboxes to service accounts that may act for their users."""

    def __init__(self) -> None:
        self.lifetime = 3599
        self._accounts: dict[str, _ServiceAccount] = {}
        self._tokens: dict[str, str] = {}

    def key_file(self, email: str, token_uri: str, scopes: Collection[str]) -> str:
        """The JSON key of a service account to which *scopes* are delegated in the domain."""
        key = signing_key(email)
        self._accounts[email] = _ServiceAccount(key, frozenset(scopes))
        project = email.partition("@")[2].partition(".")[0]
        content = {
            "type": "service_account",
            "project_id": project,
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

    def grant(self, form: Mapping[str, str], addresses: Collection[str]) -> Json:
        """Answer a request for a token. Raises GrantError."""
        if form.get("grant_type") != JWT_BEARER:
            raise GrantError(400, "unsupported_grant_type", "Invalid grant_type.")
        claims = self._verified(form.get("assertion", ""))
        if not set(claims["scope"].split()) <= self._accounts[claims["iss"]].scopes:
            raise GrantError(
                401,
                "unauthorized_client",
                "Client is unauthorized to retrieve access tokens using this method, or client "
                "not authorized for any of the scopes requested.",
            )
        if claims.get("sub") not in addresses:
            raise GrantError(400, "invalid_grant", "Invalid email or User ID")
        token = f"ya29.{secrets.token_urlsafe(48)}"
        self._tokens[token] = claims["sub"]
        return {"access_token": token, "expires_in": self.lifetime, "token_type": "Bearer"}

    def revoke(self, address: str) -> None:
        """Make every token of the mailbox invalid before its time."""
        self._tokens = {token: of for token, of in self._tokens.items() if of != address}

    def address_of(self, authorization: str) -> str:
        """Whose mailbox the bearer may read. Raises GoogleError."""
        if address := self._tokens.get(authorization.removeprefix("Bearer ")):
            return address
        raise GoogleError(
            401, "authError", "Request had invalid authentication credentials. Expected OAuth 2."
        )

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
