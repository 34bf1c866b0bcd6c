"""What an application shows instead of a secret: a JWT signed with the key of its certificate.

It is checked who signed it, by what it is named, and for whom it is. Its times are the host's, and
the emulator's clock is another. Source: learn.microsoft.com/entra/identity-platform/
certificate-credentials.
"""

import base64
import json
from collections.abc import Mapping

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def proves(form: Mapping[str, str], certificate: x509.Certificate | None) -> bool:
    """Whether the request for a token comes from whoever has the key of *certificate*."""
    if certificate is None or form.get("client_assertion_type") != JWT_BEARER:
        return False
    signed, _, signature = form["client_assertion"].rpartition(".")
    header, claims = (json.loads(_decoded(part)) for part in signed.split("."))
    return (
        header["alg"] == "PS256"
        and _decoded(header["x5t#S256"]) == certificate.fingerprint(hashes.SHA256())
        and claims["iss"] == claims["sub"] == form["client_id"]
        and claims["aud"].endswith("/oauth2/v2.0/token")
        and _signed(signed.encode(), _decoded(signature), certificate)
    )


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _signed(content: bytes, signature: bytes, certificate: x509.Certificate) -> bool:
    key = certificate.public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    pss = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)
    try:
        key.verify(signature, content, pss, hashes.SHA256())
    except InvalidSignature:
        return False
    return True
