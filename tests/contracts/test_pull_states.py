"""What every PullStates promises: one process at a time pulls, and others see what it fails of."""

from datetime import timedelta

import pytest

from postroom.application.ports import PullState, PullStates
from tests.contracts.samples import NOON

PORTS = {PullStates}

LEASE = timedelta(minutes=4)
KEY = ("google", "projects/p/subscriptions/gmail")
OTHERS = [("google", "projects/p/subscriptions/other"), ("toy", KEY[1])]


async def claimed(pull_states: PullStates) -> int:
    token = await pull_states.claim(*KEY, NOON, LEASE)
    assert token is not None
    return token


async def test_what_was_never_pulled_has_no_state(pull_states: PullStates) -> None:
    assert await pull_states.find(*KEY) is None


async def test_what_is_claimed_no_other_may_claim(pull_states: PullStates) -> None:
    await claimed(pull_states)

    assert await pull_states.claim(*KEY, NOON + LEASE / 2, LEASE) is None
    assert await pull_states.find(*KEY) == PullState(NOON + LEASE)


@pytest.mark.parametrize("other", OTHERS)
async def test_claims_of_others_have_nothing_to_do_with_it(
    pull_states: PullStates, other: tuple[str, str]
) -> None:
    await claimed(pull_states)

    assert await pull_states.find(*other) is None
    assert await pull_states.claim(*other, NOON, LEASE)


async def test_a_claim_ends_with_its_lease(pull_states: PullStates) -> None:
    token = await claimed(pull_states)
    end = NOON + LEASE

    assert await pull_states.claim(*KEY, end, LEASE)
    assert not await pull_states.save(*KEY, token, end + LEASE, "")
    assert await pull_states.find(*KEY) == PullState(end + LEASE)


async def test_a_claim_that_is_held_on_to_says_what_pulling_fails_of(
    pull_states: PullStates,
) -> None:
    token, later = await claimed(pull_states), NOON + 2 * LEASE

    assert await pull_states.save(*KEY, token, later, "there is none")
    assert await pull_states.find(*KEY) == PullState(later, "there is none")
    assert await pull_states.claim(*KEY, NOON + LEASE, LEASE) is None

    assert await pull_states.save(*KEY, token, later, "")
    assert await pull_states.find(*KEY) == PullState(later)


async def test_what_is_released_another_may_claim_at_once(pull_states: PullStates) -> None:
    token = await claimed(pull_states)
    await pull_states.save(*KEY, token, NOON + LEASE, "there is none")

    await pull_states.release(*KEY, token, NOON)

    assert await pull_states.find(*KEY) == PullState(NOON)
    assert await pull_states.claim(*KEY, NOON, LEASE)


async def test_who_has_lost_it_releases_nothing(pull_states: PullStates) -> None:
    token = await claimed(pull_states)
    end = NOON + LEASE
    await pull_states.claim(*KEY, end, LEASE)

    await pull_states.release(*KEY, token, end)

    assert await pull_states.find(*KEY) == PullState(end + LEASE)


async def test_what_nobody_has_claimed_cannot_be_held_on_to(pull_states: PullStates) -> None:
    assert not await pull_states.save(*KEY, 1, NOON + LEASE, "")
    await pull_states.release(*KEY, 1, NOON)

    assert await pull_states.find(*KEY) is None
