"""How files lie on the disk."""

import asyncio
import errno
import os
from hashlib import sha256
from pathlib import Path

import pytest

from postroom.adapters.blobs import FileBlobStore
from postroom.domain.failure import Unavailable
from tests.threads import THREADS

CONTENT = b"content"
KEY = sha256(CONTENT).hexdigest()


def files(directory: Path) -> list[str]:
    return [str(p.relative_to(directory)) for p in directory.rglob("*") if p.is_file()]


async def test_a_file_lies_under_its_tenant_and_key(tmp_path: Path) -> None:
    await FileBlobStore(tmp_path / "blobs", THREADS).put("acme", CONTENT)

    assert files(tmp_path) == [f"blobs/acme/{KEY[:2]}/{KEY}"]


async def test_only_the_owner_can_read_it(tmp_path: Path) -> None:
    await FileBlobStore(tmp_path / "blobs", THREADS).put("acme", CONTENT)

    modes = {path.stat().st_mode & 0o777 for path in (tmp_path / "blobs").rglob("*")}
    assert modes == {0o600, 0o700}
    assert (tmp_path / "blobs").stat().st_mode & 0o777 == 0o700


async def test_what_is_there_is_not_written_again(tmp_path: Path) -> None:
    blobs = FileBlobStore(tmp_path, THREADS)
    await blobs.put("acme", CONTENT)
    before = (tmp_path / files(tmp_path)[0]).stat()

    await blobs.put("acme", CONTENT)

    assert (tmp_path / files(tmp_path)[0]).stat() == before


async def test_many_that_put_one_content_at_once_leave_one_file(tmp_path: Path) -> None:
    blobs = FileBlobStore(tmp_path, THREADS)

    keys = await asyncio.gather(*(blobs.put("acme", CONTENT) for _ in range(16)))

    assert set(keys) == {KEY}
    assert files(tmp_path) == [f"acme/{KEY[:2]}/{KEY}"]


async def test_a_file_and_its_name_are_synced_before_it_counts_as_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    fsync = os.fsync

    def record(descriptor: int) -> None:
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        synced.append("file" if path.is_file() else str(path.relative_to(tmp_path)))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", record)

    await FileBlobStore(tmp_path, THREADS).put("acme", CONTENT)

    assert synced == [".", "acme", "file", f"acme/{KEY[:2]}"]


async def test_a_write_that_fails_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    blobs = FileBlobStore(tmp_path, THREADS)
    await blobs.put("acme", b"other")  # the directories are there
    monkeypatch.setattr(os, "fsync", full)

    with pytest.raises(Unavailable, match="the disk of the blob store is full"):
        await blobs.put("acme", CONTENT)

    assert len(files(tmp_path)) == 1
    assert await blobs.get("acme", KEY) is None


async def test_a_directory_that_cannot_be_used_is_named_by_the_error(tmp_path: Path) -> None:
    (tmp_path / "blobs").write_text("a file")

    with pytest.raises(Unavailable, match=r"ENOTDIR|EEXIST"):
        await FileBlobStore(tmp_path / "blobs", THREADS).put("acme", CONTENT)


@pytest.mark.parametrize("tenant", ["", "..", "../acme", "a/b", "/etc", "ACME", "a\x00", ".hidden"])
async def test_no_tenant_leads_out_of_the_directory(tmp_path: Path, tenant: str) -> None:
    blobs = FileBlobStore(tmp_path / "blobs", THREADS)

    with pytest.raises(ValueError, match="not the name of a tenant"):
        await blobs.put(tenant, CONTENT)

    assert files(tmp_path) == []
    assert await blobs.get(tenant, KEY) is None
