"""Blobs as objects: under the SHA-256 of their content, or sealed, under a name of their own.

Both may lie side by side: what was stored before mail was encrypted, or after that was given up.
"""

import asyncio
import re
from abc import abstractmethod
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from datetime import datetime
from hashlib import sha256
from typing import Protocol, TypeVar, TypeVarTuple, Unpack

from postroom.adapters.blobs.objects import Objects
from postroom.application.ports import BlobPage, BlobStore

ResultT = TypeVar("ResultT")
ArgumentsT = TypeVarTuple("ArgumentsT")

# What domain/mailbox.py allows, and names of ours: no separator, and no dot at the front.
_TENANT = re.compile(r"[a-z0-9_][a-z0-9._-]{0,62}")
_KEY = re.compile(r"[0-9a-f]{64}")


class Seal(Protocol):
    """Encrypts blobs, and their names: nobody else can find out whether a known file is there."""

    @abstractmethod
    def names(self, tenant: str, key: str) -> Sequence[str]:
        """The names that a sealed blob may have; the first is for a new one."""

    @abstractmethod
    def key_of(self, tenant: str, name: str) -> str | None:
        """The key whose blob has that name, or None if it is no name of ours."""

    @abstractmethod
    def seal(self, tenant: str, key: str, content: bytes) -> bytes: ...

    @abstractmethod
    def open(self, tenant: str, key: str, sealed: bytes) -> bytes:
        """Raises StoreUnavailable."""


class StoredBlobs(BlobStore):
    """Blobs lie in *objects*; *threads* wait for them, hash and encrypt.

    *seal* opens what is sealed, and *encrypts* says whether new blobs are sealed too.
    """

    def __init__(
        self,
        objects: Objects,
        threads: Executor,
        *,
        seal: Seal | None = None,
        encrypts: bool = False,
    ) -> None:
        self._objects = objects
        self._threads = threads
        self._seal = seal
        self._new = seal if encrypts else None

    async def put(self, tenant: str, content: bytes) -> str:
        if not _TENANT.fullmatch(tenant):
            raise ValueError("not the name of a tenant")
        return await self._in_thread(self._put, tenant, content)

    async def get(self, tenant: str, key: str) -> bytes | None:
        if not _is_address(tenant, key):
            return None
        return await self._in_thread(self._get, tenant, key)

    async def delete(self, tenant: str, key: str, *, unused_since: datetime) -> bool:
        if not _is_address(tenant, key):
            return False
        return await self._in_thread(self._delete, tenant, key, unused_since)

    async def unused(self, since: datetime, *, after: str = "", limit: int = 1000) -> BlobPage:
        page = await self._in_thread(self._objects.unused, since, after, limit)
        keys = [(tenant, self._key_of(tenant, name)) for tenant, name in page.objects]
        return BlobPage([(tenant, key) for tenant, key in keys if key], page.next)

    def _put(self, tenant: str, content: bytes) -> str:
        key = sha256(content).hexdigest()
        if self._new:
            name = self._new.names(tenant, key)[0]
            self._objects.write(tenant, name, self._new.seal(tenant, key, content))
        else:
            self._objects.write(tenant, key, content)
        return key

    def _get(self, tenant: str, key: str) -> bytes | None:
        for name in self._sealed_names(tenant, key):
            sealed = self._objects.read(tenant, name)
            if sealed is not None and self._seal:
                return self._seal.open(tenant, key, sealed)
        return self._objects.read(tenant, key)

    def _delete(self, tenant: str, key: str, unused_since: datetime) -> bool:
        names = (*self._sealed_names(tenant, key), key)
        deleted = [self._objects.remove(tenant, name, unused_since) for name in names]
        return any(deleted)

    def _sealed_names(self, tenant: str, key: str) -> Sequence[str]:
        return self._seal.names(tenant, key) if self._seal else ()

    def _key_of(self, tenant: str, name: str) -> str | None:
        if _KEY.fullmatch(name):
            return name
        return self._seal.key_of(tenant, name) if self._seal else None

    async def _in_thread(
        self, work: Callable[[Unpack[ArgumentsT]], ResultT], *arguments: *ArgumentsT
    ) -> ResultT:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work, *arguments)


def _is_address(tenant: str, key: str) -> bool:
    return bool(_TENANT.fullmatch(tenant) and _KEY.fullmatch(key))
