"""Files by their content, and what is needed to delete those that nothing refers to."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class BlobPage:
    """*blobs* are pairs of a tenant and a key, some of them twice perhaps.

    *next* is where the next page begins, empty after the last.
    """

    blobs: Sequence[tuple[str, str]]
    next: str = ""


class BlobStore(Protocol):
    """Files by their content: what is put twice is stored once."""

    @abstractmethod
    async def put(self, tenant: str, content: bytes) -> str:
        """Store *content* durably and return its key (SHA-256, hex)."""

    @abstractmethod
    async def get(self, tenant: str, key: str) -> bytes | None:
        """The content of *key*, or None."""

    @abstractmethod
    async def delete(self, tenant: str, key: str, *, unused_since: datetime) -> bool:
        """Delete *key* in two steps, unless somebody has put it since; True if it is deleted.

        The first call sets it aside, where `get` finds it all the same; a later call deletes what
        was set aside before its *unused_since*. So what is put at the very moment of a deletion is
        there for as long as it takes to refer to it, and whoever refers to it by then has it.
        """

    @abstractmethod
    async def unused(self, since: datetime, *, after: str = "", limit: int = 1000) -> BlobPage:
        """Blobs of any tenant that nobody has put, nor set aside, since then: up to *limit*.

        *after* is where a page has ended. Those whose keys cannot be read are left out.
        """


class BlobReferences(Protocol):
    """What refers to blobs."""

    @abstractmethod
    async def unreferenced(self, tenant: str, keys: Sequence[str]) -> Sequence[str]:
        """Those of *keys* that nothing of the tenant refers to, in their order, each once."""


@dataclass(frozen=True, slots=True)
class Canary:
    """A blob that a process has written so that others can try whether they can read it."""

    host: str
    pid: int
    key: str
    written_at: datetime


class BlobCanaries(Protocol):
    """The canaries of all processes: one each. Its blob belongs to CANARIES, and is referred to."""

    @abstractmethod
    async def store(self, canary: Canary, *, now: datetime, gone_before: datetime) -> None:
        """Store *canary*, in place of its process's last, as seen *now*.

        Forget the processes that were last seen before *gone_before*.
        """

    @abstractmethod
    async def newest(self, *, seen_since: datetime) -> Sequence[Canary]:
        """That of each host which was written last, of the processes seen since then, by host."""


CANARIES = "_canaries"
"""In place of a tenant, which cannot be called so."""
