"""Secrets at rest."""

from postroom.adapters.crypto.fernet import FernetCipher, InvalidKey, generate_key

__all__ = ["FernetCipher", "InvalidKey", "generate_key"]
