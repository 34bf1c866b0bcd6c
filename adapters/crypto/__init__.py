"""Secrets at rest."""

from adapters.crypto.fernet import FernetCipher, InvalidKey, generate_key

__all__ = ["FernetCipher", "InvalidKey", "generate_key"]
