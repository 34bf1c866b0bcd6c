"""When a mailbox is closed, what becomes of its jobs meanwhile, and how it opens again."""

from dataclasses import replace
from datetime import timedelta

import pytest

from postroom.application.track_access import tracking
from postroom.domain.access import FAILURE_WINDOW, MAX_FAILURES, NO_FAILURES, AccessTally
from postroom.domain.failure import AccessFailed, FolderMissing, Unavailable
from postroom.domain.mailbox import Pause, PausedBy
from tests.contracts.samples import IMAP, imap_mailbox
from tests.unit.sync_rig import LEASE, SALES, Rig

NOW = SALES.added_at
REVOKED = AccessFailed("Graph answered 403 ErrorAccessDenied")


@pytest.fixture
async def rig() -> Rig:
    rig = Rig()
    await rig.registry.add(SALES)
    return rig


async def _fail(rig: Rig, times: int = 1, *, every: timedelta = FAILURE_WINDOW) -> bool:
    closed = False
    for _ in range(times):
        closed = await rig.access.failed(await rig.mailbox(), REVOKED)
        rig.clock.advance(every)
    return closed


# --- The tally ----------------------------------------------------------------------------------


def test_failures_in_one_second_count_once() -> None:
    tally = NO_FAILURES
    for _ in range(100):
        tally = tally.failed(NOW)

    assert tally == AccessTally(1, NOW)


def test_failures_count_that_lie_apart() -> None:
    tally = NO_FAILURES
    for number in range(MAX_FAILURES):
        assert not tally.is_suspended
        tally = tally.failed(NOW + number * FAILURE_WINDOW)

    assert tally.is_suspended


# --- The mailbox --------------------------------------------------------------------------------


async def test_a_hundred_failures_in_one_second_do_not_close_a_mailbox(rig: Rig) -> None:
    await _fail(rig, 100, every=timedelta(milliseconds=10))

    assert (await rig.mailbox()).paused is None


async def test_the_third_failure_in_ten_minutes_closes_it_and_says_why(rig: Rig) -> None:
    assert not await _fail(rig, 2)
    assert await _fail(rig)

    paused = (await rig.mailbox()).paused
    assert paused
    assert (paused.by, paused.reason) == (PausedBy.ACCESS, REVOKED.reason)


async def test_it_is_closed_once_however_often_it_fails(rig: Rig) -> None:
    await _fail(rig, 3)

    assert not await _fail(rig, 5)


async def test_a_success_in_between_starts_the_count_anew(rig: Rig) -> None:
    await _fail(rig, 2)
    assert not await rig.access.worked(await rig.mailbox())
    await _fail(rig, 2)

    mailbox = await rig.mailbox()
    assert mailbox.paused is None
    assert mailbox.access.failures == 2


async def test_what_a_person_paused_is_not_closed_beside(rig: Rig) -> None:
    pause = Pause(PausedBy.OPERATOR, "we move house", NOW)
    await rig.registry.pause(SALES.tenant, SALES.id, pause)

    assert not await _fail(rig, 5)
    assert not await rig.access.worked(await rig.mailbox())
    assert (await rig.mailbox()).paused == pause


async def test_a_closed_mailbox_opens_when_it_can_be_got_into(rig: Rig) -> None:
    await _fail(rig, 3)

    assert await rig.access.worked(await rig.mailbox())

    mailbox = await rig.mailbox()
    assert (mailbox.paused, mailbox.access) == (None, NO_FAILURES)


async def test_a_mailbox_that_nobody_would_open_again_is_not_closed(rig: Rig) -> None:
    support = replace(imap_mailbox(), account=replace(IMAP, folders=()))
    await rig.registry.add(support)
    for _ in range(5):
        mailbox = await rig.registry.get(support.tenant, support.id)
        assert mailbox
        assert not await rig.access.failed(mailbox, REVOKED)
        rig.clock.advance(FAILURE_WINDOW)


# --- Its lane -----------------------------------------------------------------------------------


async def _due(rig: Rig) -> int:
    return len(await rig.queue.claim(10, LEASE))


async def test_one_failure_holds_up_nobody(rig: Rig) -> None:
    await rig.arrive_and_notify()
    await _fail(rig, every=timedelta())

    assert await _due(rig) == 1


async def test_a_success_lets_the_lane_go_on_at_once(rig: Rig) -> None:
    await rig.arrive_and_notify()
    await _fail(rig, 2, every=timedelta(seconds=1))
    await rig.queue.back_off(SALES.tenant, SALES.id, REVOKED.reason, FAILURE_WINDOW)
    await rig.access.worked(await rig.mailbox())

    assert await _due(rig) == 1


# --- Watching -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "failure", [AccessFailed("403"), FolderMissing(), Unavailable("503"), ZeroDivisionError()]
)
async def test_only_a_failure_of_access_is_counted_as_one(rig: Rig, failure: Exception) -> None:
    with pytest.raises(type(failure)):
        async with tracking(rig.access, SALES):
            raise failure

    expected = 1 if type(failure) is AccessFailed else 0
    assert (await rig.mailbox()).access.failures == expected


async def test_what_ends_well_has_got_in(rig: Rig) -> None:
    await _fail(rig, 2)
    async with tracking(rig.access, await rig.mailbox()):
        pass

    assert (await rig.mailbox()).access == NO_FAILURES


async def test_a_failure_that_says_nothing_of_the_access_leaves_the_count(rig: Rig) -> None:
    await _fail(rig, 2)
    with pytest.raises(Unavailable):
        async with tracking(rig.access, await rig.mailbox()):
            raise Unavailable("503")

    assert (await rig.mailbox()).access.failures == 2
