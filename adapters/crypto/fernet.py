"""Authenticated encryption with Fernet (AES-128-CBC and HMAC-SHA256), and keys that can be rotated.

Fernet binds no context, so the context travels inside: its length in two bytes, itself, and then
the plaintext. A ciphertext that was moved to another row opens, and is refused.
"""

from collections.abc import Sequence
from hmac import compare_digest

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from postroom.domain.failure import AccessFailed

_LENGTH = 2  # bytes


class InvalidKey(ValueError):
    """A key cannot be used; the message says which, and never repeats it."""


def generate_key() -> str:
    """A new key: 32 random bytes as 44 characters of URL-safe base64."""
    return Fernet.generate_key().decode()


class FernetCipher:
    """The first of *keys* encrypts, and all of them decrypt. Raises InvalidKey."""

    def __init__(self, keys: Sequence[str]) -> None:
        if not keys:
            raise InvalidKey("POSTROOM_SECRET_KEYS is empty: it needs at least one key")
        self._fernet = MultiFernet([_fernet(key, n) for n, key in enumerate(keys, start=1)])

    def seal(self, plaintext: bytes, context: str) -> bytes:
        bound = context.encode()
        return self._fernet.encrypt(len(bound).to_bytes(_LENGTH, "big") + bound + plaintext)

    def open(self, ciphertext: bytes, context: str) -> bytes:
        """Raises AccessFailed if no key fits, or it was sealed in another context."""
        envelope = self.decrypt(ciphertext)
        end = _LENGTH + int.from_bytes(envelope[:_LENGTH], "big")
        if not compare_digest(envelope[_LENGTH:end], context.encode()):
            raise AccessFailed("the credentials cannot be decrypted: they are another mailbox's")
        return envelope[end:]

    def decrypt(self, token: bytes) -> bytes:
        """What somebody else has encrypted with one of the keys, and bound to nothing.

        Raises AccessFailed if no key fits.
        """
        try:
            return self._fernet.decrypt(token)
        except InvalidToken as error:
            raise AccessFailed(
                "the credentials cannot be decrypted: they were encrypted with another key;"
                " keep the old key in POSTROOM_SECRET_KEYS, after the new one"
            ) from error


def _fernet(key: str, position: int) -> Fernet:
    try:
        return Fernet(key)
    except ValueError:
        # Neither the key nor the cause, which may quote it, is passed on.
        raise InvalidKey(
            f"key {position} of POSTROOM_SECRET_KEYS is none: a key is 32 bytes in URL-safe base64"
            " (44 characters)"
        ) from None
