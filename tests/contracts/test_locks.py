"""What all Locks promise."""

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from postroom.adapters.memory.locks import InMemoryLocks
from postroom.adapters.redis.locks import RedisLocks
from postroom.adapters.redis.servers import open_redis
from postroom.application.ports import Locks

PORTS = {Locks}


@pytest.fixture
async def locks(server_url: str) -> AsyncIterator[Locks]:
    if not server_url:
        yield InMemoryLocks()
        return
    async with open_redis(server_url) as servers:
        yield RedisLocks(servers, prefix=uuid4().hex)


async def test_one_holds_a_lock_and_no_other_waits_for_it(locks: Locks) -> None:
    async with locks.held("suspect") as ours, locks.held("suspect") as theirs:
        assert (ours, theirs) == (True, False)


async def test_a_lock_that_was_held_is_free_again(locks: Locks) -> None:
    async with locks.held("suspect"):
        pass
    async with locks.held("suspect") as ours:
        assert ours


async def test_whoever_did_not_get_it_frees_nothing(locks: Locks) -> None:
    async with locks.held("suspect"):
        async with locks.held("suspect"):
            pass
        async with locks.held("suspect") as theirs:
            assert not theirs


async def test_locks_of_other_names_have_nothing_to_do_with_it(locks: Locks) -> None:
    async with locks.held("suspect"), locks.held("migration") as other:
        assert other


async def test_a_failure_frees_it(locks: Locks) -> None:
    with pytest.raises(ZeroDivisionError):
        async with locks.held("suspect"):
            raise ZeroDivisionError
    async with locks.held("suspect") as ours:
        assert ours
