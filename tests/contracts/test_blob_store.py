"""What every BlobStore promises."""

from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest

from postroom.adapters.blobs import FileBlobStore, StoredBlobs
from postroom.adapters.blobs.s3 import open_bucket
from postroom.adapters.clock import SystemClock
from postroom.adapters.crypto import BlobSeal, generate_key
from postroom.adapters.memory.blobs import InMemoryBlobStore
from postroom.adapters.memory.clock import ManualClock
from postroom.application.ports import BlobStore
from tests.buckets import BucketServer
from tests.threads import THREADS

PORTS = {BlobStore}

CONTENT = b"%PDF-1.7 \x00\xff"
KEY = sha256(CONTENT).hexdigest()

SOON = timedelta(minutes=1)
"""More than a store's clock is coarse."""


@dataclass(frozen=True)
class Stage:
    """*now* is the time by the store's own clock."""

    blobs: BlobStore
    now: Callable[[], datetime]

    async def delete(self, key: str = KEY, *, put_before: timedelta = SOON) -> bool:
        """Delete what was put, or set aside, up to so long from now."""
        return await self.blobs.delete("acme", key, unused_since=self.now() + put_before)


@pytest.fixture(params=["memory", "files", "sealed files", "bucket", "sealed bucket"])
async def stage(
    request: pytest.FixtureRequest, tmp_path: Path, clock: ManualClock
) -> AsyncIterator[Stage]:
    kind = request.param
    if kind == "memory":
        yield Stage(InMemoryBlobStore(clock), clock.now)
        return
    seal, encrypts = BlobSeal([generate_key()]), kind.startswith("sealed")
    with ExitStack() as resources:
        if kind.endswith("files"):
            blobs: BlobStore = FileBlobStore(tmp_path, THREADS, seal=seal, encrypts=encrypts)
        else:
            server: BucketServer = request.getfixturevalue("bucket_server")
            bucket = resources.enter_context(open_bucket(server.access()))
            blobs = StoredBlobs(bucket, THREADS, seal=seal, encrypts=encrypts)
        yield Stage(blobs, SystemClock().now)


@pytest.fixture
def blobs(stage: Stage) -> BlobStore:
    return stage.blobs


@pytest.mark.parametrize("content", [CONTENT, b"", bytes(1_000_000)], ids=["pdf", "empty", "large"])
async def test_content_comes_back_by_its_key(blobs: BlobStore, content: bytes) -> None:
    key = await blobs.put("acme", content)

    assert key == sha256(content).hexdigest()
    assert await blobs.get("acme", key) == content


async def test_the_same_content_twice_has_one_key(blobs: BlobStore) -> None:
    assert await blobs.put("acme", CONTENT) == await blobs.put("acme", CONTENT)
    assert await blobs.get("acme", KEY) == CONTENT


async def test_each_tenant_has_its_own(blobs: BlobStore) -> None:
    await blobs.put("acme", CONTENT)

    assert await blobs.get("globex", KEY) is None


@pytest.mark.parametrize("key", ["0" * 64, "", "x", "../../etc/passwd", f"../acme/{KEY}", "\x00"])
async def test_an_unknown_key_is_none(blobs: BlobStore, key: str) -> None:
    await blobs.put("acme", CONTENT)

    assert await blobs.get("acme", key) is None


# --- Deleting


async def test_what_is_deleted_is_set_aside_first_and_read_all_the_same(stage: Stage) -> None:
    await stage.blobs.put("acme", CONTENT)

    assert not await stage.delete()
    assert await stage.blobs.get("acme", KEY) == CONTENT

    assert await stage.delete()
    assert await stage.blobs.get("acme", KEY) is None
    assert not await stage.delete()


async def test_what_was_put_since_is_not_deleted_however_often_that_is_tried(stage: Stage) -> None:
    await stage.blobs.put("acme", CONTENT)

    for _ in range(3):
        assert not await stage.delete(put_before=-SOON)

    assert await stage.blobs.get("acme", KEY) == CONTENT


async def test_what_was_set_aside_since_is_not_deleted(stage: Stage) -> None:
    await stage.blobs.put("acme", CONTENT)
    await stage.delete()

    assert not await stage.delete(put_before=-SOON)
    assert await stage.blobs.get("acme", KEY) == CONTENT


async def test_what_was_set_aside_and_put_again_is_as_if_new(stage: Stage) -> None:
    await stage.blobs.put("acme", CONTENT)
    await stage.delete()
    await stage.blobs.put("acme", CONTENT)

    assert not await stage.delete()
    assert await stage.blobs.get("acme", KEY) == CONTENT
    assert await stage.delete()
    assert await stage.blobs.get("acme", KEY) is None


async def test_what_was_deleted_can_be_put_again(stage: Stage) -> None:
    for _ in range(2):
        await stage.blobs.put("acme", CONTENT)
        assert await stage.blobs.get("acme", KEY) == CONTENT
        await stage.delete()
        await stage.delete()


async def test_a_deletion_takes_nothing_of_another_tenant_or_key(stage: Stage) -> None:
    other = await stage.blobs.put("acme", b"other")
    for tenant in ("acme", "globex"):
        await stage.blobs.put(tenant, CONTENT)

    await stage.delete()
    await stage.delete()

    assert await stage.blobs.get("globex", KEY) == CONTENT
    assert await stage.blobs.get("acme", other) == b"other"


@pytest.mark.parametrize("key", ["0" * 64, "", "../../etc/passwd"])
async def test_what_is_not_there_is_not_deleted(stage: Stage, key: str) -> None:
    await stage.blobs.put("acme", CONTENT)

    assert not await stage.delete(key)


# --- Finding what is unused


async def listed(stage: Stage, *, put_before: timedelta = SOON, limit: int = 1000) -> list[str]:
    """All pages, each blob as `tenant/key`."""
    found, after, ends = list[str](), "", set[str]()
    while True:
        since = stage.now() + put_before
        page = await stage.blobs.unused(since, after=after, limit=limit)
        found += [f"{tenant}/{key}" for tenant, key in page.blobs]
        assert len(page.blobs) <= limit
        if not page.next:
            return found
        assert page.next not in ends
        ends.add(after := page.next)


@pytest.mark.parametrize("limit", [1, 2, 5, 1000])
async def test_all_that_nobody_has_put_since_is_found_page_by_page(
    stage: Stage, limit: int
) -> None:
    put = [
        f"{tenant}/{await stage.blobs.put(tenant, str(n).encode())}"
        for tenant in ("acme", "acme.eu", "globex", "_canaries")
        for n in range(5)
    ]

    assert sorted(await listed(stage, limit=limit)) == sorted(put)


async def test_what_was_put_since_is_not_found(stage: Stage) -> None:
    await stage.blobs.put("acme", CONTENT)

    assert await listed(stage, put_before=-SOON) == []


async def test_what_is_set_aside_is_found_and_what_is_deleted_is_not(stage: Stage) -> None:
    await stage.blobs.put("acme", CONTENT)
    await stage.delete()
    assert set(await listed(stage)) == {f"acme/{KEY}"}

    await stage.delete()
    assert await listed(stage) == []


async def test_where_nothing_is_nothing_is_found(stage: Stage) -> None:
    assert await listed(stage) == []
