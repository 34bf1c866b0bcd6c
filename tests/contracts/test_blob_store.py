"""What every BlobStore promises."""

from hashlib import sha256
from pathlib import Path

import pytest

from postroom.adapters.blobs import FileBlobStore
from postroom.adapters.memory.blobs import InMemoryBlobStore
from postroom.application.ports import BlobStore
from tests.threads import THREADS

PORTS = {BlobStore}

CONTENT = b"%PDF-1.7 \x00\xff"
KEY = sha256(CONTENT).hexdigest()


@pytest.fixture(params=["memory", "files"])
def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> BlobStore:
    return (
        InMemoryBlobStore()
        if request.param == "memory"
        else FileBlobStore(tmp_path / "blobs", THREADS)
    )


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
