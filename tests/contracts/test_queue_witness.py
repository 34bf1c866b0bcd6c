"""What every QueueWitness promises."""

import asyncio
from datetime import datetime, timedelta

import pytest

from postroom.application.ports import (
    FolderSyncs,
    MailboxRegistry,
    QueueContents,
    QueueWitness,
    Witnessed,
)
from postroom.domain.mailbox import Pause, PausedBy
from postroom.domain.queue_loss import FAR_BACK, Held, QueueLoss
from tests.contracts.claiming import LATER
from tests.contracts.samples import NOON, microsoft_mailbox

PORTS = {QueueWitness}

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SALES, DESK = ("acme", "sales"), ("globex", "desk")
CLOSE = timedelta(minutes=1)
"""The store's clock is its own."""


async def lost(witness: QueueWitness) -> QueueLoss:
    """The loss of a queue that has confirmed one beat, and holds nothing."""
    beat = await witness.next_beat()
    await witness.confirm(beat.number, floor=beat.floor)
    loss = await witness.record_loss(beat.number)
    assert loss
    return loss


def assert_about(held: Held, now: datetime, since: timedelta, **lanes: timedelta) -> None:
    """That *held* goes back so far from *now*."""
    assert abs(now - since - held.since) < CLOSE
    assert {mailbox for _, mailbox in held.lanes} == lanes.keys()
    for (_, mailbox), moment in held.lanes.items():
        assert abs(now - lanes[mailbox] - moment) < CLOSE


async def test_nothing_is_remembered_of_a_queue_that_never_beat(witness: QueueWitness) -> None:
    assert await witness.load() == Witnessed()


async def test_each_beat_has_the_next_number_whoever_takes_it(witness: QueueWitness) -> None:
    beats = await asyncio.gather(*(witness.next_beat() for _ in range(5)))

    assert sorted(beat.number for beat in beats) == [1, 2, 3, 4, 5]
    assert {beat.floor for beat in beats} == {0}
    assert await witness.load() == Witnessed(number=5)


async def test_what_the_queue_has_confirmed_it_must_hold_from_then_on(
    witness: QueueWitness,
) -> None:
    first, second = await witness.next_beat(), await witness.next_beat()

    for beat in (second, first):  # the slower one takes nothing back
        await witness.confirm(beat.number, floor=beat.floor)

    beat = await witness.next_beat()
    assert (beat.number, beat.floor) == (3, 2)


async def test_numbers_go_on_above_what_the_queue_holds(witness: QueueWitness) -> None:
    """The database may be an older one than the queue: restored from a backup, say."""
    await witness.next_beat()
    await witness.confirm(1_000, floor=0)

    beat = await witness.next_beat()

    assert (beat.number, beat.floor) == (1_001, 1_000)


async def test_a_survey_is_remembered_until_the_next(witness: QueueWitness) -> None:
    await witness.next_beat()
    await witness.record_survey(QueueContents({SALES: 3 * DAY}, 0), [])
    await witness.record_survey(QueueContents({DESK: DAY, SALES: CLOSE}, 7), ["a", "b"])

    surveyed_ago = (await witness.load()).surveyed_ago
    assert surveyed_ago is not None
    assert surveyed_ago < CLOSE
    loss = await lost(witness)
    assert_about(loss.held, loss.noticed_at, FAR_BACK, desk=DAY)
    assert (loss.dead_letters, loss.dead_ids) == (7, ("a", "b"))


async def test_a_queue_that_was_never_surveyed_has_held_its_jobs_since_it_was_last_whole(
    witness: QueueWitness,
) -> None:
    loss = await lost(witness)

    assert loss.held == Held(since=loss.last_beat_at)
    assert timedelta() <= loss.noticed_at - loss.last_beat_at < CLOSE


async def test_after_a_loss_the_queue_need_hold_nothing(witness: QueueWitness) -> None:
    loss = await lost(witness)

    beat = await witness.next_beat()
    assert (beat.number, beat.floor) == (2, 0)
    assert (beat.loss, beat.is_requested) == (loss, False)

    await witness.record_requested(loss)
    assert (await witness.load()).is_requested


async def test_one_of_several_records_a_loss(witness: QueueWitness) -> None:
    beat = await witness.next_beat()
    await witness.confirm(beat.number, floor=0)

    recorded = await asyncio.gather(*(witness.record_loss(1) for _ in range(4)))

    assert sum(loss is not None for loss in recorded) == 1


@pytest.mark.parametrize("floor", [0, 1, 3])
async def test_a_floor_that_is_another_by_now_is_no_loss(witness: QueueWitness, floor: int) -> None:
    for beat in [await witness.next_beat() for _ in range(2)]:
        await witness.confirm(beat.number, floor=beat.floor)

    assert await witness.record_loss(floor) is None
    assert (await witness.load()).loss is None


async def test_a_beat_from_before_a_loss_confirms_nothing(witness: QueueWitness) -> None:
    await witness.confirm((await witness.next_beat()).number, floor=0)
    late = await witness.next_beat()
    await witness.record_loss(1)

    await witness.confirm(late.number, floor=late.floor)

    assert (await witness.load()).floor == 0


async def test_of_two_losses_that_were_not_requested_all_is_to_be_listed(
    witness: QueueWitness,
) -> None:
    await witness.next_beat()
    await witness.record_survey(QueueContents({SALES: 3 * DAY}, 0), [])
    await lost(witness)
    await witness.record_survey(QueueContents({SALES: 2 * DAY, DESK: DAY}, 0), [])

    loss = await lost(witness)

    assert_about(loss.held, loss.noticed_at, FAR_BACK, sales=3 * DAY, desk=DAY)


async def test_of_a_queue_that_may_lack_the_last_only_what_came_after_the_beat_is_lost(
    witness: QueueWitness,
) -> None:
    beat = await witness.next_beat()
    await witness.record_survey(QueueContents({SALES: 3 * DAY}, 0), [])
    await witness.confirm(beat.number, floor=0)

    loss = await witness.record_loss(beat.number, is_tail=True)

    assert loss
    assert loss.is_tail
    assert loss.held == Held(since=loss.last_beat_at)
    assert (await witness.load()).loss == loss


async def test_such_a_loss_and_one_that_was_not_requested_yet_are_a_whole_one(
    witness: QueueWitness,
) -> None:
    await witness.next_beat()
    await witness.record_survey(QueueContents({SALES: 3 * DAY}, 0), [])
    await lost(witness)
    beat = await witness.next_beat()
    await witness.confirm(beat.number, floor=0)

    loss = await witness.record_loss(beat.number, is_tail=True)

    assert loss
    assert not loss.is_tail
    assert loss.held.lanes.keys() == {SALES}


async def test_a_loss_that_was_requested_stands_with_the_folders_and_not_with_the_next(
    witness: QueueWitness,
) -> None:
    await witness.next_beat()
    await witness.record_survey(QueueContents({SALES: 3 * DAY}, 0), [])
    await witness.record_requested(await lost(witness))
    await witness.record_survey(QueueContents({}, 0), [])

    loss = await lost(witness)

    assert_about(loss.held, loss.noticed_at, FAR_BACK)
    assert not (await witness.load()).is_requested


async def test_a_loss_is_forgotten_unless_another_has_come(witness: QueueWitness) -> None:
    earlier = await lost(witness)
    await witness.record_requested(earlier)
    loss = await lost(witness)

    await witness.record_requested(earlier)
    assert not await witness.forget_loss(earlier)
    assert (await witness.load()).loss == loss
    assert not (await witness.load()).is_requested

    assert await witness.forget_loss(loss)
    assert (await witness.load()).loss is None


async def test_folders_count_until_they_have_listed_their_mail_again(
    witness: QueueWitness, registry: MailboxRegistry, folder_syncs: FolderSyncs
) -> None:
    await registry.add(microsoft_mailbox(folders=("a", "b")))
    await registry.add(microsoft_mailbox("globex"))
    loss = await lost(witness)
    for tenant in ("acme", "globex"):
        await folder_syncs.request_relisting(tenant, loss, LATER)
    assert (await witness.load()).relisting == 3

    await registry.pause("acme", "sales", Pause(PausedBy.OPERATOR, "moved", NOON))
    assert (await witness.load()).relisting == 1

    [_, _, other] = await folder_syncs.claim_due(LATER, 10, HOUR)
    await folder_syncs.move_backfill(other, other.backfill_from, None)
    assert (await witness.load()).relisting == 0
