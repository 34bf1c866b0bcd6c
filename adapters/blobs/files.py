"""Objects in a directory: `<tenant>/ab/abcdef…`.

A file is complete from the moment it has its name: it is written under another one, and fsynced,
before it is renamed; then the directory is fsynced, so that the name survives a power cut too.

When it was put last is its time of modification. That of a file which is there already is renewed
before anything else, and no power cut that undoes it does harm: whoever relied on it is gone too.
What is set aside, and only that, has a suffix. It is renewed first and renamed then, in one step.
"""

import errno
import os
import re
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from uuid import uuid4

from postroom.adapters.blobs.objects import ObjectPage, Objects
from postroom.adapters.blobs.store import Seal, StoredBlobs
from postroom.domain.failure import StoreUnavailable

ASIDE = ".aside"

ABANDONED = timedelta(days=1)
"""After so long a file that was never completed belongs to a writer that was killed."""

_NAME = re.compile(rf"([0-9a-f]{{64,128}})(?:{re.escape(ASIDE)})?")

_REASONS = {
    errno.ENOSPC: "the disk of the blob store is full",
    errno.EDQUOT: "the disk quota of the blob store is used up",
    errno.EACCES: "the blob store may not be read or written: check the owner of the directory",
    errno.EROFS: "the blob store is on a read-only file system",
}


class Files(Objects):
    """Files lie in *directory*."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def write(self, tenant: str, name: str, content: bytes) -> None:
        path = self._path(tenant, name)
        with _translated():
            _make_directory(path.parent)
            if not _is_renewed(path):
                _write_new(path, content)
            # Also if it was there: whoever wrote it may not have got so far yet.
            _fsync(path.parent)

    def read(self, tenant: str, name: str) -> bytes | None:
        path = self._path(tenant, name)
        with _translated():
            for either in (path, _aside(path)):
                with suppress(FileNotFoundError):
                    return either.read_bytes()
        return None

    def remove(self, tenant: str, name: str, unused_since: datetime) -> bool:
        path = self._path(tenant, name)
        with _translated(), suppress(FileNotFoundError):
            if path.exists():
                if _used_at(path) < unused_since:
                    os.utime(path)
                    path.replace(_aside(path))
            elif _used_at(_aside(path)) < unused_since:
                _aside(path).unlink()
                return True
        return False

    def unused(self, since: datetime, after: str, limit: int) -> ObjectPage:
        """What a writer that was killed has left over is deleted on the way."""
        with _translated():
            found = list(islice(self._unused(since, after), limit + 1))
        page = found[:limit]
        return ObjectPage(
            [(tenant, matched[1]) for tenant, name in page if (matched := _NAME.fullmatch(name))],
            next="/".join(page[-1]) if len(found) > limit else "",
        )

    def _unused(self, since: datetime, after: str) -> Iterator[tuple[str, str]]:
        """Tenants and file names after the one that `tenant/name` says, in order."""
        first, _, name_after = after.partition("/")
        for tenant in _names_in(self._directory):
            if tenant >= first:
                begin = name_after if tenant == first else ""
                for file in _files_after(begin, self._directory / tenant):
                    if _is_unused(file, since):
                        yield tenant, file.name

    def _path(self, tenant: str, name: str) -> Path:
        return self._directory / tenant / name[:2] / name


class FileBlobStore(StoredBlobs):
    """Blobs as files in *directory*; *threads* wait for the disk."""

    def __init__(
        self,
        directory: Path,
        threads: Executor,
        *,
        seal: Seal | None = None,
        encrypts: bool = False,
    ) -> None:
        super().__init__(Files(directory), threads, seal=seal, encrypts=encrypts)


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        code = errno.errorcode.get(error.errno or 0, "an unknown error")
        reason = _REASONS.get(error.errno or 0, f"the blob store failed with {code}")
        raise StoreUnavailable(reason) from error


def _aside(path: Path) -> Path:
    return path.with_name(path.name + ASIDE)


def _is_renewed(path: Path) -> bool:
    """Whether it is there, and counts as put now."""
    with suppress(FileNotFoundError):
        os.utime(path)
        return True
    return False


def _used_at(path: Path) -> datetime:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)


def _files_after(begin: str, directory: Path) -> Iterator[Path]:
    for shard in _names_in(directory):
        if shard >= begin[:2]:
            for name in _names_in(directory / shard):
                if name > begin:
                    yield directory / shard / name


def _is_unused(path: Path, since: datetime) -> bool:
    with suppress(FileNotFoundError):
        if _NAME.fullmatch(path.name):
            return _used_at(path) < since
        if path.name.startswith(".") and _used_at(path) < since - ABANDONED:
            path.unlink()
    return False


def _names_in(directory: Path) -> list[str]:
    with suppress(FileNotFoundError, NotADirectoryError):
        return sorted(entry.name for entry in directory.iterdir())
    return []


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
