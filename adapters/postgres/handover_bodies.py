"""Bodies of handovers as they are stored: compressed, and encrypted if the installation wants it.

What was stored under another setting is read as well: each body says by its first bytes what it is.
"""

import zlib
from abc import abstractmethod
from dataclasses import dataclass
from typing import Protocol

from postroom.domain.failure import StoreUnavailable
from postroom.domain.handover.handover import Handover

_FAST = 1
"""zlib's level: a body is compressed while others wait, and the next levels take off little."""

DAMAGED = "its stored body is damaged: skip it, or replay its original as a new one"


class BodyCipher(Protocol):
    """Binds what it seals to a handover: in the row of another it does not open."""

    @abstractmethod
    def seal_body(self, tenant: str, application: str, key: str, body: bytes) -> bytes:
        """*body* as it is stored, encrypted or not."""

    @abstractmethod
    def open_body(self, tenant: str, application: str, key: str, stored: bytes) -> bytes:
        """What was sealed for that handover, or was stored plain. Raises StoreUnavailable."""


@dataclass(frozen=True, slots=True)
class Bodies:
    """Without a *cipher* they are stored plain."""

    cipher: BodyCipher | None = None

    def packed(self, handover: Handover, body: bytes) -> bytes:
        compressed = zlib.compress(body, _FAST)
        if self.cipher is None:
            return compressed
        return self.cipher.seal_body(*_name(handover), compressed)

    def unpacked(self, handover: Handover, stored: bytes) -> bytes:
        """Raises StoreUnavailable, with what to do, if this one cannot be read."""
        opened = self.cipher.open_body(*_name(handover), stored) if self.cipher else stored
        try:
            return zlib.decompress(opened)
        except zlib.error as error:
            raise StoreUnavailable(DAMAGED) from error


def _name(handover: Handover) -> tuple[str, str, str]:
    return handover.tenant, handover.application, handover.key
