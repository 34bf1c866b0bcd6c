"""Blobs encrypted, under names that only we can make.

A name is the key under AES-SIV (RFC 5297), in hex: deterministic, so that a blob is found, and a
MAC, so that whoever reads the disk cannot try whether a file that he knows is there. Unlike a bare
MAC it can be opened, which is how we find out of what lies there what nothing refers to.
"""

from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from postroom.adapters.crypto.derivation import derived_keys
from postroom.adapters.crypto.sealing import Sealing

_SIV_KEY = 64  # bytes: two keys of AES-256


class BlobSeal:
    """The first of *keys* (POSTROOM_SECRET_KEYS) seals, and all of them open."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._sealing = Sealing(keys, purpose="blob content")
        self._names = [AESSIV(key) for key in derived_keys(keys, "blob name", length=_SIV_KEY)]

    def names(self, tenant: str, key: str) -> Sequence[str]:
        digest, bound = bytes.fromhex(key), [tenant.encode()]
        return [siv.encrypt(digest, bound).hex() for siv in self._names]

    def key_of(self, tenant: str, name: str) -> str | None:
        for siv in self._names:
            try:
                return siv.decrypt(bytes.fromhex(name), [tenant.encode()]).hex()
            except (InvalidTag, ValueError):
                continue
        return None

    def seal(self, tenant: str, key: str, content: bytes) -> bytes:
        return self._sealing.seal(content, _context(tenant, key))

    def open(self, tenant: str, key: str, sealed: bytes) -> bytes:
        """Raises StoreUnavailable."""
        return self._sealing.open(sealed, _context(tenant, key))


def _context(tenant: str, key: str) -> str:
    return f"{tenant}\x1f{key}"
