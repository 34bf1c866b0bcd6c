"""Keys that sign: those of service accounts, and Google's own."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from google.auth import crypt, jwt

from postroom.entrypoints.emulators.gmail.wire import Json


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
