"""Whether hosts share their blobs: with directories for hosts, and a clock that is moved."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from postroom.adapters.blobs import FileBlobStore
from postroom.adapters.crypto import BlobSeal, generate_key
from postroom.adapters.memory.blobs import InMemoryBlobCanaries, InMemoryBlobStore
from postroom.adapters.memory.clock import ManualClock
from postroom.adapters.memory.database import InMemoryDatabase
from postroom.application.check_blobs import CheckBlobs
from postroom.application.ports import CANARIES, BlobCanaries, BlobStore, Canary
from postroom.domain.failure import StoreUnavailable, Unavailable
from postroom.entrypoints.blob_watch import BlobWatch
from tests.threads import THREADS

MINUTE = timedelta(minutes=1)
NOT_SHARED = (
    "the blobs that {} writes cannot be read here: set POSTROOM_BLOBS to a place that all hosts"
    " share"
)


class Hosts:
    """Processes that share a database, and a directory or none."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.canaries: BlobCanaries = InMemoryBlobCanaries(InMemoryDatabase())

    def process(self, host: str, blobs: BlobStore, *, pid: int = 1) -> CheckBlobs:
        return CheckBlobs(blobs=blobs, canaries=self.canaries, clock=self.clock, host=host, pid=pid)

    def on(self, host: str, directory: Path, *, pid: int = 1) -> CheckBlobs:
        return self.process(host, FileBlobStore(directory, THREADS), pid=pid)


@pytest.fixture
def hosts(clock: ManualClock) -> Hosts:
    return Hosts(clock)


async def complaint(check: CheckBlobs) -> str:
    try:
        await check()
    except StoreUnavailable as failure:
        return failure.reason
    return ""


async def test_one_host_alone_is_well(hosts: Hosts, tmp_path: Path) -> None:
    api, worker = hosts.on("one", tmp_path), hosts.on("one", tmp_path, pid=2)

    assert [await complaint(each) for each in (api, worker, api)] == ["", "", ""]


async def test_hosts_that_share_a_directory_are_well(hosts: Hosts, tmp_path: Path) -> None:
    one, two = hosts.on("one", tmp_path), hosts.on("two", tmp_path)

    assert [await complaint(each) for each in (one, two)] == ["", ""]
    hosts.clock.advance(MINUTE)
    assert [await complaint(each) for each in (one, two)] == ["", ""]


async def test_of_hosts_with_a_directory_each_all_are_unwell_that_have_seen_another(
    hosts: Hosts, tmp_path: Path
) -> None:
    one, two = hosts.on("one", tmp_path / "1"), hosts.on("two", tmp_path / "2")

    assert await complaint(one) == ""
    assert await complaint(two) == NOT_SHARED.format("one")
    hosts.clock.advance(MINUTE)
    assert await complaint(one) == NOT_SHARED.format("two")


async def test_what_was_found_is_good_for_half_a_minute(hosts: Hosts, tmp_path: Path) -> None:
    one, two = hosts.on("one", tmp_path / "1"), hosts.on("two", tmp_path / "2")
    await complaint(one)
    await complaint(two)

    hosts.clock.advance(timedelta(seconds=29))
    assert await complaint(one) == ""
    hosts.clock.advance(timedelta(seconds=1))
    assert await complaint(one) == NOT_SHARED.format("two")


async def test_a_host_that_was_mended_is_well_with_its_next_process(
    hosts: Hosts, tmp_path: Path
) -> None:
    one, two = hosts.on("one", tmp_path / "1"), hosts.on("two", tmp_path / "2")
    await complaint(one)
    await complaint(two)
    hosts.clock.advance(MINUTE)

    two = hosts.on("two", tmp_path / "1", pid=2)

    assert [await complaint(each) for each in (two, one)] == ["", ""]


async def test_a_host_that_is_gone_is_in_nobodys_way_for_long(hosts: Hosts, tmp_path: Path) -> None:
    one, two = hosts.on("one", tmp_path / "1"), hosts.on("two", tmp_path / "2")
    await complaint(two)
    assert await complaint(one) == NOT_SHARED.format("two")

    hosts.clock.advance(6 * MINUTE)

    assert await complaint(one) == ""


async def test_what_cannot_be_read_back_is_unwell(hosts: Hosts) -> None:
    class Forgetful(InMemoryBlobStore):
        async def get(self, *_: str) -> bytes | None:
            return None

    assert "cannot be read back" in await complaint(hosts.process("one", Forgetful()))


async def test_a_place_that_somebody_has_emptied_is_well_again(
    hosts: Hosts, tmp_path: Path
) -> None:
    check = hosts.on("one", tmp_path / "blobs")
    await check()
    (tmp_path / "blobs").rename(tmp_path / "gone")
    hosts.clock.advance(MINUTE)
    assert "cannot be read back" in await complaint(check)

    hosts.clock.advance(MINUTE)

    assert await complaint(check) == ""


async def test_hosts_that_encrypt_with_other_keys_are_unwell(hosts: Hosts, tmp_path: Path) -> None:
    def encrypting(host: str) -> CheckBlobs:
        seal = BlobSeal([generate_key()])
        blobs = FileBlobStore(tmp_path, THREADS, seal=seal, encrypts=True)
        check = hosts.process(host, blobs)
        check.encrypts = True
        return check

    one, two = encrypting("one"), encrypting("two")

    assert await complaint(one) == ""
    assert await complaint(two) == (
        NOT_SHARED.format("one") + ", and POSTROOM_SECRET_KEYS to the same keys"
    )


async def test_each_hour_a_process_writes_a_new_canary(hosts: Hosts, clock: ManualClock) -> None:
    check = hosts.process("one", InMemoryBlobStore())

    keys = []
    for _ in range(5):
        await check()
        [canary] = await hosts.canaries.newest(seen_since=clock.now())
        keys.append(canary.key)
        clock.advance(timedelta(minutes=30))

    assert [keys.index(key) for key in keys] == [0, 0, 2, 2, 4]


async def test_a_store_that_is_away_is_tried_each_time(hosts: Hosts) -> None:
    class Flapping(InMemoryBlobStore):
        away = True

        async def put(self, tenant: str, content: bytes) -> str:
            if self.away:
                raise StoreUnavailable("the disk is full")
            return await super().put(tenant, content)

    blobs = Flapping()
    check = hosts.process("one", blobs)
    assert await complaint(check) == "the disk is full"

    blobs.away = False

    assert await complaint(check) == ""


async def test_of_a_database_that_is_away_another_check_complains(hosts: Hosts) -> None:
    class Away(BlobCanaries):
        async def store(self, *_: object, **__: object) -> None:
            raise Unavailable("PostgreSQL is away")

        async def newest(self, **_: object) -> Sequence[Canary]:
            raise Unavailable("PostgreSQL is away")

    hosts.canaries = Away()

    assert await complaint(hosts.process("one", InMemoryBlobStore())) == ""


# --- The process that looks by itself


class Looks:
    """Lets a watch look so many times."""

    def __init__(self, check: CheckBlobs, clock: ManualClock) -> None:
        self.watch = BlobWatch(check, clock)
        self.clock = clock

    async def look(self) -> list[dict[str, Any]]:
        with capture_logs() as logs:
            await self.watch._look()
        self.clock.advance(MINUTE)
        return [dict(entry) for entry in logs]


async def test_what_is_wrong_is_logged_once_and_so_is_its_end(hosts: Hosts, tmp_path: Path) -> None:
    one, two = hosts.on("one", tmp_path / "1"), hosts.on("two", tmp_path / "2")
    looks = Looks(one, hosts.clock)
    await complaint(two)

    logged = [await looks.look(), await looks.look()]
    hosts.clock.advance(6 * MINUTE)
    logged += [await looks.look(), await looks.look()]

    assert [[entry["event"] for entry in entries] for entries in logged] == [
        ["blobs out of order"],
        [],
        ["blobs in order again"],
        [],
    ]
    assert logged[0][0]["reason"] == NOT_SHARED.format("two")


async def test_a_bug_in_the_check_stops_nothing(hosts: Hosts) -> None:
    class Broken(InMemoryBlobStore):
        async def put(self, *_: object) -> str:
            raise ZeroDivisionError("a secret")

    [entry] = await Looks(hosts.process("one", Broken()), hosts.clock).look()

    assert entry["event"] == "blob watch crashed"
    assert "secret" not in str(entry)


async def test_a_canary_is_no_tenants(hosts: Hosts) -> None:
    blobs = InMemoryBlobStore()
    await hosts.process("one", blobs)()
    [canary] = await hosts.canaries.newest(seen_since=hosts.clock.now())

    assert await blobs.get(CANARIES, canary.key)
    assert not CANARIES[0].isalnum(), "or a tenant might be called so"
