"""Mail at rest, encrypted."""

from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest

from postroom.adapters.blobs import FileBlobStore
from postroom.adapters.crypto import BlobSeal, BodySeal, derived_keys, generate_key
from postroom.adapters.crypto.sealing import MARK, Sealing
from postroom.domain.failure import StoreUnavailable
from tests.threads import THREADS

OLD, NEW = generate_key(), generate_key()
PLAIN = b"Subject: Secret\r\n\r\nhunter2"
KEY = sha256(PLAIN).hexdigest()
LATER = datetime(2100, 1, 1, tzinfo=UTC)


def sealing(*keys: str) -> Sealing:
    return Sealing(keys, purpose="test")


# --- Texts


@pytest.mark.parametrize("plain", [PLAIN, b"", bytes(1_000_000)], ids=["mail", "empty", "large"])
def test_what_was_sealed_opens_in_its_context(plain: bytes) -> None:
    sealed = sealing(NEW).seal(plain, "acme")

    assert sealing(NEW).open(sealed, "acme") == plain
    assert sealed.startswith(MARK)
    assert b"hunter2" not in sealed
    assert len(sealed) == len(plain) + 36


def test_sealing_twice_gives_two_ciphertexts() -> None:
    assert sealing(NEW).seal(PLAIN, "acme") != sealing(NEW).seal(PLAIN, "acme")


def test_every_key_opens_and_the_first_seals() -> None:
    sealed, rotated = sealing(OLD).seal(PLAIN, "acme"), sealing(NEW, OLD)

    assert rotated.open(sealed, "acme") == PLAIN
    assert sealing(NEW).open(rotated.seal(PLAIN, "acme"), "acme") == PLAIN
    with pytest.raises(StoreUnavailable, match="keep the old key in POSTROOM_SECRET_KEYS"):
        sealing(NEW).open(sealed, "acme")


def test_another_context_and_another_purpose_are_refused() -> None:
    sealed = sealing(NEW).seal(PLAIN, "acme")

    with pytest.raises(StoreUnavailable, match="damaged"):
        sealing(NEW).open(sealed, "globex")
    with pytest.raises(StoreUnavailable):
        Sealing([NEW], purpose="another").open(sealed, "acme")


@pytest.mark.parametrize("at", [0, 3, 5, 10, 20, -1])
def test_a_changed_byte_is_refused_wherever_it_is(at: int) -> None:
    damaged = bytearray(sealing(NEW).seal(PLAIN, "acme"))
    damaged[at] ^= 1

    with pytest.raises(StoreUnavailable):
        sealing(NEW).open(bytes(damaged), "acme")


@pytest.mark.parametrize("length", [0, 1, 8, 12, 20, 35])
def test_a_torn_text_is_refused(length: int) -> None:
    with pytest.raises(StoreUnavailable):
        sealing(NEW).open(sealing(NEW).seal(PLAIN, "acme")[:length], "acme")


def test_derived_keys_differ_by_key_purpose_and_length() -> None:
    found = {
        *derived_keys([OLD, NEW], "a"),
        *derived_keys([OLD, NEW], "b"),
        *derived_keys([OLD], "c", length=64),
    }

    assert len(found) == 5
    assert derived_keys([OLD], "a") == derived_keys([OLD], "a")


# --- Bodies


def test_a_body_opens_for_its_handover_alone() -> None:
    seal = BodySeal([NEW], encrypts=True)
    stored = seal.seal_body("acme", "crm", "msg_1", PLAIN)

    assert b"hunter2" not in stored
    assert seal.open_body("acme", "crm", "msg_1", stored) == PLAIN
    for other in (("globex", "crm", "msg_1"), ("acme", "erp", "msg_1"), ("acme", "crm", "msg_2")):
        with pytest.raises(StoreUnavailable):
            seal.open_body(*other, stored)


def test_bodies_are_read_whatever_the_setting_was_when_they_were_stored() -> None:
    plain, sealed = BodySeal([NEW], encrypts=False), BodySeal([NEW], encrypts=True)
    handover = "acme", "crm", "msg_1"

    assert plain.seal_body(*handover, b"{}") == b"{}"
    assert sealed.open_body(*handover, plain.seal_body(*handover, b"{}")) == b"{}"
    assert plain.open_body(*handover, sealed.seal_body(*handover, b"{}")) == b"{}"


# --- Blobs


def store(directory: Path, *keys: str, encrypts: bool = True) -> FileBlobStore:
    return FileBlobStore(directory, THREADS, seal=BlobSeal(keys), encrypts=encrypts)


def files(directory: Path) -> list[Path]:
    return [path for path in directory.rglob("*") if path.is_file()]


async def test_on_the_disk_there_is_neither_the_content_nor_its_digest(tmp_path: Path) -> None:
    key = await store(tmp_path, NEW).put("acme", PLAIN)

    [file] = files(tmp_path)
    assert key == KEY
    assert KEY not in str(file)
    assert b"hunter2" not in file.read_bytes()
    assert await store(tmp_path, NEW).get("acme", key) == PLAIN


async def test_one_file_of_two_tenants_has_two_names(tmp_path: Path) -> None:
    for tenant in ("acme", "globex"):
        await store(tmp_path, NEW).put(tenant, PLAIN)

    assert len({file.name for file in files(tmp_path)}) == 2


async def test_a_file_that_was_moved_to_another_name_or_tenant_is_refused(tmp_path: Path) -> None:
    seal, other = BlobSeal([NEW]), sha256(b"other").hexdigest()
    await store(tmp_path, NEW).put("acme", PLAIN)
    [file] = files(tmp_path)
    [name] = seal.names("acme", other)
    (tmp_path / "acme" / name[:2]).mkdir(exist_ok=True)
    file.rename(tmp_path / "acme" / name[:2] / name)

    with pytest.raises(StoreUnavailable, match="not what it is taken for"):
        await store(tmp_path, NEW).get("acme", other)


async def test_stores_of_both_kinds_and_of_old_keys_are_read_and_deleted(tmp_path: Path) -> None:
    await store(tmp_path, OLD, encrypts=False).put("acme", b"plain")
    await store(tmp_path, OLD).put("acme", b"old")
    await store(tmp_path, NEW, OLD).put("acme", b"new")

    for blobs in (store(tmp_path, NEW, OLD), store(tmp_path, NEW, OLD, encrypts=False)):
        for content in (b"plain", b"old", b"new"):
            assert await blobs.get("acme", sha256(content).hexdigest()) == content

    assert len(files(tmp_path)) == 3
    blobs = store(tmp_path, NEW, OLD)
    for content in (b"plain", b"old", b"new"):
        for _ in range(2):
            await blobs.delete("acme", sha256(content).hexdigest(), unused_since=LATER)
    assert files(tmp_path) == []


async def test_with_a_lost_key_a_blob_is_not_there_and_is_not_swept(tmp_path: Path) -> None:
    await store(tmp_path, OLD).put("acme", PLAIN)

    assert await store(tmp_path, NEW).get("acme", KEY) is None
    assert (await store(tmp_path, NEW).unused(LATER)).blobs == []
    assert (await store(tmp_path, NEW, OLD).unused(LATER)).blobs == [("acme", KEY)]
