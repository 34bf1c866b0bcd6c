"""The calls that somebody else's server does not answer for a while."""

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta

import pytest

from postroom.application.slow_calls import SlowCalls

AT_ONCE = timedelta()
NEVER = timedelta(hours=1)


@pytest.fixture
def calls() -> Iterator[ExitStack]:
    """What is entered here is under way until the test ends."""
    with ExitStack() as calls:
        yield calls


async def test_a_call_that_has_just_begun_does_not_count(calls: ExitStack) -> None:
    slow_calls = SlowCalls(share=1, slow=NEVER)
    calls.enter_context(slow_calls.calling("acme", ["graph"]))

    assert slow_calls.lasting(NEVER) == 0
    assert not slow_calls.are_too_many("acme", ["graph"])


async def test_a_call_counts_when_it_has_lasted(calls: ExitStack) -> None:
    slow_calls, a_while = SlowCalls(share=2), timedelta(milliseconds=20)
    calls.enter_context(slow_calls.calling("acme", ["graph"]))
    await asyncio.sleep(a_while.total_seconds())
    calls.enter_context(slow_calls.calling("acme", ["graph"]))

    assert slow_calls.lasting(a_while) == 1


async def test_a_call_that_is_over_does_not_count() -> None:
    slow_calls = SlowCalls(share=1, slow=AT_ONCE)
    for _ in range(2):
        with slow_calls.calling("acme", ["graph"]):
            assert slow_calls.lasting(AT_ONCE) == 1

        assert slow_calls.lasting(AT_ONCE) == 0
        assert not slow_calls.are_too_many("acme", ["graph"])


@pytest.mark.parametrize(
    ("tenant", "sources", "has_its_share"),
    [
        ("acme", ["imap"], True),
        ("globex", ["graph", "entra/globex"], True),
        ("globex", ["imap"], False),
        ("graph", ["acme"], False),
    ],
)
async def test_a_tenant_and_a_source_have_a_share(
    calls: ExitStack, tenant: str, sources: list[str], *, has_its_share: bool
) -> None:
    slow_calls = SlowCalls(share=2, slow=AT_ONCE)
    for _ in range(2):
        calls.enter_context(slow_calls.calling("acme", ["graph", "entra/acme"]))

    assert slow_calls.are_too_many(tenant, sources) is has_its_share


async def test_below_its_share_nobody_is_held_up(calls: ExitStack) -> None:
    slow_calls = SlowCalls(share=2, slow=AT_ONCE)
    calls.enter_context(slow_calls.calling("acme", ["graph"]))

    assert not slow_calls.are_too_many("acme", ["graph"])
