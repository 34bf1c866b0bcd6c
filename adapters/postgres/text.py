"""Texts of strangers, made fit for PostgreSQL."""

import re
from hashlib import sha256

from psycopg.abc import Buffer
from psycopg.types.string import StrDumperUnknown

# A text column takes no NUL (PostgreSQL manual, section 8.3), and UTF-8 no surrogates (RFC 3629).
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")

MAX_INDEXED = 512
"""Bytes of a text in a key. A B-tree row holds 2,704 bytes, and a key has several columns."""


class StorableText(StrDumperUnknown):
    """Sends every text with a U+FFFD in place of what cannot be stored, so no query can forget."""

    def dump(self, obj: str) -> Buffer | None:
        return super().dump(storable(obj))


def indexable(text: str) -> str:
    """What stands for *text* in a key: itself, or its head and its SHA-256 where it is long."""
    encoded = storable(text).encode()
    if len(encoded) <= MAX_INDEXED:
        return text
    return f"{text[:64]}…{sha256(encoded).hexdigest()}"


def storable(text: str) -> str:
    """*text* as `StorableText` sends it. In JSON it must be so already, if SQL is to read that."""
    return _UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", text)
