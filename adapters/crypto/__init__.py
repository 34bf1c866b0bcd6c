"""Secrets and mail at rest."""

from postroom.adapters.crypto.blobs import BlobSeal
from postroom.adapters.crypto.bodies import BodySeal
from postroom.adapters.crypto.derivation import derived_keys
from postroom.adapters.crypto.fernet import FernetCipher, InvalidKey, generate_key

__all__ = ["BlobSeal", "BodySeal", "FernetCipher", "InvalidKey", "derived_keys", "generate_key"]
