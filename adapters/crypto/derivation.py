"""Keys for one purpose each, out of the keys of POSTROOM_SECRET_KEYS (HKDF, RFC 5869)."""

from base64 import urlsafe_b64decode
from collections.abc import Sequence

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


def derived_keys(keys: Sequence[str], purpose: str, *, length: int = 32) -> list[bytes]:
    """One of *length* bytes for each of *keys*, in their order; none says anything of another."""
    info = f"postroom 1 {purpose}".encode()
    return [HKDF(SHA256(), length, None, info).derive(urlsafe_b64decode(key)) for key in keys]
