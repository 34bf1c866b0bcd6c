"""A client certificate as msal takes it, from a PEM file in which it lies beside its key."""

import re
from dataclasses import dataclass, field

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from postroom.domain.account import Secret
from postroom.domain.failure import AccessFailed

_BLOCK = r"-----BEGIN {0}-----.+?-----END {0}-----"
_CERTIFICATE = re.compile(_BLOCK.format("CERTIFICATE"), re.DOTALL)
_KEY = re.compile(_BLOCK.format("(?:RSA |EC |ENCRYPTED )?PRIVATE KEY"), re.DOTALL)


@dataclass(frozen=True, slots=True)
class Certificate:
    """The parts in PEM: of a chain the first, which is the application's own."""

    public: str
    key: str = field(repr=False)

    def for_msal(self) -> dict[str, str]:
        """Msal derives the thumbprint (SHA-256) from the certificate, and signs with PS256."""
        return {"private_key": self.key, "public_certificate": self.public}


def read_certificate(pem: Secret) -> Certificate:
    """Raises AccessFailed if a part is missing, cannot be read, or is none of the other's."""
    public, key = _CERTIFICATE.search(pem.value), _KEY.search(pem.value)
    if public is None or key is None:
        missing = "private key" if public else "certificate"
        raise AccessFailed(f"the certificate's file has no {missing} in PEM")
    try:
        ours = load_pem_private_key(key[0].encode(), password=None)
        theirs = x509.load_pem_x509_certificate(public[0].encode()).public_key()
    except (ValueError, TypeError):  # TypeError: the key is encrypted. Causes may quote it.
        raise AccessFailed(
            "the certificate's file cannot be read: it must hold a certificate and its private key,"
            " unencrypted"
        ) from None
    if not isinstance(ours, RSAPrivateKey):
        raise AccessFailed("the certificate's key is not RSA, which is all that Entra ID takes")
    if ours.public_key() != theirs:
        raise AccessFailed("the certificate's file holds the key of another certificate")
    return Certificate(public[0], key[0])
