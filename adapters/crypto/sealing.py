"""Authenticated encryption of what mail says: AES-256-GCM, with keys that can be rotated.

A sealed text is its head (a mark and version, which key it was, a nonce) and the ciphertext with
its tag. Head and context are authenticated. Nonces are random, which is safe for 2**32 texts of
one key (NIST SP 800-38D, section 8.3).
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from postroom.adapters.crypto.derivation import derived_keys
from postroom.domain.failure import StoreUnavailable

MARK = b"PRS\x01"
"""No JSON, no compressed data and no text begins like that."""

_KEY_ID = 4  # bytes
_NONCE = 12
_HEAD = len(MARK) + _KEY_ID + _NONCE

UNREADABLE = (
    "what is stored cannot be decrypted: it was encrypted with another key; keep the old key in"
    " POSTROOM_SECRET_KEYS, after the new one"
)
DAMAGED = "what is stored cannot be decrypted: it is damaged, or is not what it is taken for"


@dataclass(frozen=True, slots=True)
class _Key:
    id: bytes
    cipher: AESGCM


class Sealing:
    """The first of *keys* seals, and all of them open. They must be valid (`FernetCipher`)."""

    def __init__(self, keys: Sequence[str], *, purpose: str) -> None:
        ids = derived_keys(keys, f"id of {purpose}", length=_KEY_ID)
        secrets = derived_keys(keys, purpose)
        self._keys = [_Key(*both) for both in zip(ids, map(AESGCM, secrets), strict=True)]

    def seal(self, plaintext: bytes, context: str) -> bytes:
        key = self._keys[0]
        head = MARK + key.id + os.urandom(_NONCE)
        return head + key.cipher.encrypt(head[-_NONCE:], plaintext, head + context.encode())

    def open(self, sealed: bytes, context: str) -> bytes:
        """Raises StoreUnavailable if no key fits, or it was sealed in another context."""
        head, ciphertext = sealed[:_HEAD], sealed[_HEAD:]
        fitting = [key for key in self._keys if head.startswith(MARK + key.id)]
        for key in fitting:
            try:
                return key.cipher.decrypt(head[-_NONCE:], ciphertext, head + context.encode())
            except (InvalidTag, ValueError):
                continue
        raise StoreUnavailable(DAMAGED if fitting else UNREADABLE)


def is_sealed(stored: bytes) -> bool:
    return stored.startswith(MARK)
