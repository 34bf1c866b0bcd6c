"""A blob store in a directory: `<tenant>/ab/abcdef…`, each file under the SHA-256 of its content.

A file is complete from the moment it has its name: it is written under another one, and fsynced,
before it is renamed; then the directory is fsynced, so that the name survives a power cut too.
"""

import asyncio
import errno
import os
import re
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import TypeVar, TypeVarTuple, Unpack
from uuid import uuid4

from postroom.application.ports import BlobStore
from postroom.domain.failure import StoreUnavailable

ResultT = TypeVar("ResultT")
ArgumentsT = TypeVarTuple("ArgumentsT")

# What domain/mailbox.py allows: no separator, and no dot at the front.
_TENANT = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
_KEY = re.compile(r"[0-9a-f]{64}")

_REASONS = {
    errno.ENOSPC: "the disk of the blob store is full",
    errno.EDQUOT: "the disk quota of the blob store is used up",
    errno.EACCES: "the blob store may not be read or written: check the owner of the directory",
    errno.EROFS: "the blob store is on a read-only file system",
}


class FileBlobStore(BlobStore):
    """Files lie in *directory*; *threads* wait for the disk."""

    def __init__(self, directory: Path, threads: Executor) -> None:
        self._directory = directory
        self._threads = threads

    async def put(self, tenant: str, content: bytes) -> str:
        key = sha256(content).hexdigest()
        path = self._path(tenant, key)
        if path is None:
            raise ValueError("not the name of a tenant")
        await self._in_thread(_write, path, content)
        return key

    async def get(self, tenant: str, key: str) -> bytes | None:
        path = self._path(tenant, key)
        return await self._in_thread(_read, path) if path else None

    async def _in_thread(
        self, work: Callable[[Unpack[ArgumentsT]], ResultT], *arguments: *ArgumentsT
    ) -> ResultT:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work, *arguments)

    def _path(self, tenant: str, key: str) -> Path | None:
        if not (_TENANT.fullmatch(tenant) and _KEY.fullmatch(key)):
            return None
        return self._directory / tenant / key[:2] / key


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        code = errno.errorcode.get(error.errno or 0, "an unknown error")
        reason = _REASONS.get(error.errno or 0, f"the blob store failed with {code}")
        raise StoreUnavailable(reason) from error


def _read(path: Path) -> bytes | None:
    with _translated():
        try:
            return path.read_bytes()
        except FileNotFoundError:
            return None


def _write(path: Path, content: bytes) -> None:
    with _translated():
        _make_directory(path.parent)
        if not path.exists():
            _write_new(path, content)
        # Also if it existed: whoever wrote it may not have got so far yet.
        _fsync(path.parent)


def _write_new(path: Path, content: bytes) -> None:
    unfinished = path.with_name(f".{uuid4().hex}")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(descriptor)
        unfinished.rename(path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise


def _make_directory(path: Path) -> None:
    if path.is_dir():
        return
    _make_directory(path.parent)
    path.mkdir(mode=0o700, exist_ok=True)
    _fsync(path.parent)


def _fsync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
