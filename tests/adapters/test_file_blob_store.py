"""How files lie on the disk."""

import asyncio
import errno
import os
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest

from postroom.adapters.blobs import FileBlobStore, Files
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


async def test_what_is_there_is_not_written_again_but_counts_as_put_now(tmp_path: Path) -> None:
    blobs = FileBlobStore(tmp_path, THREADS)
    await blobs.put("acme", CONTENT)
    file = tmp_path / files(tmp_path)[0]
    os.utime(file, (0, 0))
    before = file.stat()

    await blobs.put("acme", CONTENT)

    after = file.stat()
    assert after.st_ino == before.st_ino
    assert after.st_mtime > before.st_mtime


async def test_of_two_that_delete_at_once_none_deletes_what_is_put_between(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One is about to rename the file, which somebody puts: it is set aside as new."""
    store = Files(tmp_path)
    store.write("acme", KEY, CONTENT)
    file = tmp_path / "acme" / KEY[:2] / KEY
    later = datetime.now(UTC) + timedelta(minutes=1)
    replace = Path.replace

    def put_first(path: Path, target: Path) -> Path:
        store.write("acme", KEY, CONTENT)
        return replace(path, target)

    os.utime(file, (0, 0))
    monkeypatch.setattr(Path, "replace", put_first)

    assert not store.remove("acme", KEY, later - timedelta(hours=1))
    assert not store.remove("acme", KEY, later - timedelta(hours=1))

    assert store.read("acme", KEY) == CONTENT


async def test_what_is_set_aside_counts_as_used_at_that_moment(tmp_path: Path) -> None:
    store = Files(tmp_path)
    store.write("acme", KEY, CONTENT)
    os.utime(tmp_path / "acme" / KEY[:2] / KEY, (0, 0))
    an_hour_ago = datetime.now(UTC) - timedelta(hours=1)

    for _ in range(3):
        assert not store.remove("acme", KEY, an_hour_ago)

    assert store.read("acme", KEY) == CONTENT


async def test_what_a_killed_writer_has_left_over_is_deleted_after_a_day(tmp_path: Path) -> None:
    blobs = FileBlobStore(tmp_path, THREADS)
    await blobs.put("acme", CONTENT)
    now = datetime.now(UTC)
    old, new = [tmp_path / "acme" / KEY[:2] / name for name in (".old", ".new")]
    for left_over, age in ((old, timedelta(days=2)), (new, timedelta(hours=2))):
        left_over.write_bytes(b"half")
        os.utime(left_over, ((now - age).timestamp(),) * 2)

    page = await blobs.unused(now + timedelta(minutes=1))

    assert page.blobs == [("acme", KEY)]
    assert (old.exists(), new.exists()) == (False, True)


async def test_what_is_no_blob_is_left_alone(tmp_path: Path) -> None:
    for name in ("README", "lost+found/x", "acme/ab/notes.txt", "acme/file"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")

    page = await FileBlobStore(tmp_path, THREADS).unused(datetime.now(UTC) + timedelta(days=3))

    assert page.blobs == []
    assert len(files(tmp_path)) == 4


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
