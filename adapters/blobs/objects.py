"""What a place must do for us to keep blobs there."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class ObjectPage:
    """*objects* are pairs of a tenant and a name; *next* is empty after the last page."""

    objects: Sequence[tuple[str, str]]
    next: str = ""


class Objects(Protocol):
    """Bytes under names, apart for each tenant. Names are in hex.

    Every method blocks, and raises StoreUnavailable. What they promise is what BlobStore does.
    """

    @abstractmethod
    def write(self, tenant: str, name: str, content: bytes) -> None: ...

    @abstractmethod
    def read(self, tenant: str, name: str) -> bytes | None: ...

    @abstractmethod
    def remove(self, tenant: str, name: str, unused_since: datetime) -> bool: ...

    @abstractmethod
    def unused(self, since: datetime, after: str, limit: int) -> ObjectPage: ...
