"""A queue that has forgotten is noticed at the next beat, and every message comes once."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest

from postroom.adapters.memory.folder_syncs import InMemoryFolderSyncs
from postroom.adapters.memory.heartbeat import InMemoryQueueHeartbeat, InMemoryQueueSurvey
from postroom.adapters.memory.witness import InMemoryQueueWitness
from postroom.application.ports import Beaten, QueueContents, QueueSurvey
from postroom.application.watch_queue import REMEMBERED, LossHealed, LossNoticed, WatchQueue
from postroom.domain.failure import Failure, Unavailable
from postroom.domain.folder_sync import FolderSync
from postroom.domain.mailbox import Pause, PausedBy
from postroom.domain.mailbox_state import QUEUE_LOST, MailboxState, StateName, state_of
from postroom.domain.queue_loss import RELIST_MARGIN, QueueLoss, held
from tests.contracts.samples import microsoft_mailbox
from tests.unit.sync_rig import LEASE, SALES, Rig

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
Found = LossNoticed | LossHealed | None


@dataclass
class Heartbeat(InMemoryQueueHeartbeat):
    """Of a queue that is away while there is a *failure*."""

    failure: Failure | None = None

    def __post_init__(self) -> None:
        super().__init__()

    async def beat(self, number: int, *, floor: int = 0) -> Beaten:
        if self.failure:
            raise self.failure
        return await super().beat(number, floor=floor)


@dataclass
class Breaking(InMemoryFolderSyncs):
    """Folder syncs that take no request of tenants for as long as they are in *broken*."""

    rig: Rig
    broken: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        super().__init__(self.rig.database)

    async def request_relisting(self, tenant: str, loss: QueueLoss, now: datetime) -> int:
        if tenant in self.broken:
            raise Unavailable("the database is away")
        return await super().request_relisting(tenant, loss, now)


@dataclass
class Watched:
    """A mailbox that receives, a queue, and a watch over it."""

    rig: Rig = field(default_factory=Rig)
    heartbeat: Heartbeat = field(default_factory=Heartbeat)

    def __post_init__(self) -> None:
        rig = self.rig
        self.witness = InMemoryQueueWitness(rig.database, rig.clock)
        self.folder_syncs = Breaking(rig)
        self.watch = WatchQueue(
            witness=self.witness,
            heartbeat=self.heartbeat,
            survey=InMemoryQueueSurvey(rig.queue, rig.clock),
            queue=rig.queue,
            folder_syncs=self.folder_syncs,
            clock=rig.clock,
        )

    def lose(self, *, back_to: int | None = None) -> None:
        """The queue is empty, and its number is as it once was."""
        self.rig.queue.forget()
        self.heartbeat.held = back_to

    async def beats(self, number: int = 1) -> Sequence[Found]:
        return [await self.watch() for _ in range(number)]

    async def noticed(self) -> LossNoticed:
        found = await self.watch()
        assert isinstance(found, LossNoticed)
        return found

    async def state(self) -> MailboxState:
        folder_sync = await self.rig.folder_sync()
        return state_of(await self.rig.mailbox(), [folder_sync], self.rig.clock.now())

    async def bury(self, number: int) -> list[str]:
        """The jobs of so many dead letters, newest first."""
        for _ in range(number):
            await self.rig.arrive_and_notify()
        buried: list[str] = []
        while claims := await self.rig.queue.claim(1, LEASE):
            await self.rig.queue.bury(claims[0], "broken")
            buried.insert(0, claims[0].job.id)
        return buried


@pytest.fixture
async def watched() -> Watched:
    watched = Watched()
    await watched.rig.registry.add(SALES)
    await watched.rig.sync_runs()
    return watched


async def test_a_new_queue_is_not_a_lost_one(watched: Watched) -> None:
    assert await watched.beats(3) == [None, None, None]
    assert watched.heartbeat.held == 3


async def test_a_queue_that_is_there_already_when_it_is_first_watched_is_not_lost(
    watched: Watched,
) -> None:
    """The database is a new one, or an older one that was restored."""
    watched.heartbeat.held = 1_000

    assert await watched.beats(2) == [None, None]
    assert watched.heartbeat.held == 1_001

    watched.heartbeat.held = 500
    await watched.noticed()


@pytest.mark.parametrize("back_to", [None, 1, 4])
async def test_a_queue_that_is_empty_or_as_it_was_before_is_noticed_once(
    watched: Watched, back_to: int | None
) -> None:
    await watched.beats(5)
    watched.lose(back_to=back_to)

    noticed = await watched.noticed()

    assert noticed.folders == 1
    assert noticed.loss.last_beat_at == watched.rig.clock.now()
    assert await watched.beats(3) == [None, None, None]


async def test_what_was_queued_comes_once_and_what_has_ended_does_not_come_again(
    watched: Watched,
) -> None:
    rig = watched.rig
    await rig.arrive_and_notify()
    assert await rig.handle_all() == ["m1"]
    for _ in range(3):
        rig.clock.advance(MINUTE)
        await rig.arrive_and_notify()
    await watched.beats()

    watched.lose()
    await watched.beats()
    await rig.sync_runs()

    assert await rig.handle_all() == ["m2", "m3", "m4"]
    await rig.pass_time(DAY)
    assert await rig.handle_all() == []


async def test_a_mailbox_says_so_until_its_mail_is_listed_again(watched: Watched) -> None:
    rig = watched.rig
    await watched.beats()
    watched.lose()
    noticed = await watched.noticed()

    since = noticed.loss.noticed_at
    assert await watched.state() == MailboxState(StateName.RELISTING, QUEUE_LOST, since)
    assert await watched.beats() == [None]

    await rig.sync_runs()

    assert (await watched.state()).name is StateName.RECEIVING
    assert await watched.beats(2) == [LossHealed(noticed.loss), None]


async def test_a_mailbox_that_a_person_paused_is_not_waited_for(watched: Watched) -> None:
    rig = watched.rig
    await watched.beats()
    watched.lose()
    await watched.beats()
    await rig.registry.pause("acme", "sales", Pause(PausedBy.OPERATOR, "moved", rig.clock.now()))

    [found] = await watched.beats()

    assert isinstance(found, LossHealed)
    await rig.registry.resume("acme", "sales")
    assert (await watched.state()).name is StateName.RELISTING


# --- How far back ---


async def test_what_a_mailbox_had_waiting_for_days_is_listed_in_that_mailbox_alone(
    watched: Watched,
) -> None:
    rig = watched.rig
    await rig.registry.add(microsoft_mailbox(name="desk"))
    rig.clock.advance(DAY)
    await rig.arrive_and_notify()
    await rig.queue.pause("acme", "sales", "moved")
    queued_at = rig.clock.now()
    rig.clock.advance(9 * DAY)
    await watched.beats()

    watched.lose()
    await watched.beats()

    of_sales, of_desk = await _of(rig, "sales"), await _of(rig, "desk")
    assert of_sales.backfill_from == queued_at - RELIST_MARGIN - timedelta.resolution
    assert of_desk.backfill_from
    assert of_desk.backfill_from > rig.clock.now() - DAY
    await rig.sync_runs()
    assert await rig.handle_all() == ["m1"]


async def test_mail_that_a_person_had_listed_from_long_ago_is_listed_again(
    watched: Watched,
) -> None:
    rig = watched.rig
    rig.arrive(ago=40 * DAY)
    await rig.resync(SALES, rig.clock.now() - 50 * DAY)
    await rig.sync_runs()
    await watched.beats()

    watched.lose()
    await watched.beats()
    await rig.sync_runs()

    assert await rig.handle_all() == ["m1"]


async def test_mail_that_was_found_when_its_provider_was_back_after_days_is_listed_again(
    watched: Watched,
) -> None:
    rig = watched.rig
    rig.arrive()
    rig.clock.advance(3 * DAY)
    await rig.sync_runs()
    await watched.beats()

    watched.lose()
    await watched.beats()
    await rig.sync_runs()

    assert await rig.handle_all() == ["m1"]


async def test_mail_from_before_the_mailbox_was_added_is_left_alone() -> None:
    watched = Watched()
    watched.rig.arrive(ago=HOUR)
    await watched.rig.registry.add(SALES)
    await watched.rig.sync_runs()
    await watched.beats()

    watched.lose()
    await watched.beats()
    await watched.rig.sync_runs()

    assert await watched.rig.handle_all() == []


async def test_how_far_back_the_jobs_go_is_surveyed_once_a_minute(watched: Watched) -> None:
    surveyed = []
    for _ in range(4):
        await watched.beats()
        surveyed.append(watched.rig.database.witness.surveyed_at)
        watched.rig.clock.advance(MINUTE / 2)

    assert surveyed[0] == surveyed[1] != surveyed[2] == surveyed[3]


async def test_a_survey_of_a_queue_that_is_being_lost_is_not_remembered(
    watched: Watched,
) -> None:
    @dataclass
    class Late(QueueSurvey):
        """The queue is lost before it is read."""

        async def contents(self) -> QueueContents:
            watched.lose()
            return QueueContents({}, 0)

    rig = watched.rig
    await rig.arrive_and_notify()
    await rig.queue.pause("acme", "sales", "moved")
    rig.clock.advance(DAY)
    await watched.beats()
    rig.clock.advance(2 * MINUTE)
    watched.watch = replace(watched.watch, survey=Late())

    noticed = await watched.noticed()

    assert noticed.loss.held.lanes.keys() == {("acme", "sales")}


def test_of_many_lanes_with_old_jobs_the_oldest_are_remembered_one_by_one() -> None:
    now, ages = SALES.added_at, {("acme", f"m{days}"): days * DAY for days in range(1, 5)}

    found = held(ages | {("acme", "new"): MINUTE}, now, most=2)

    assert found.lanes == {("acme", "m4"): now - 4 * DAY, ("acme", "m3"): now - 3 * DAY}
    assert found.since == now - 2 * DAY


# --- Several processes, and crashes ---


async def test_the_beat_of_another_process_is_not_a_loss(watched: Watched) -> None:
    other = replace(watched.watch)
    for _ in range(3):
        assert await watched.watch() is None
        assert await other() is None


async def test_a_process_that_is_slower_than_another_takes_nothing_for_a_loss(
    watched: Watched,
) -> None:
    @dataclass
    class Slow(Heartbeat):
        """Others beat before its own number gets there."""

        async def beat(self, number: int, *, floor: int = 0) -> Beaten:
            assert await watched.beats(3) == [None, None, None]
            return await watched.heartbeat.beat(number, floor=floor)

    await watched.beats()
    slow = replace(watched.watch, heartbeat=Slow())

    assert await slow() is None
    assert await watched.beats() == [None]


async def test_one_of_two_processes_makes_a_loss_good(watched: Watched) -> None:
    found: list[Found] = []

    @dataclass
    class Slow(Heartbeat):
        async def beat(self, number: int, *, floor: int = 0) -> Beaten:
            before = await watched.heartbeat.beat(number, floor=floor)
            found.extend(await watched.beats(2))
            return before

    await watched.beats()
    watched.lose()

    assert await replace(watched.watch, heartbeat=Slow())() is None

    assert [type(each) for each in found] == [LossNoticed, type(None)]
    assert await watched.beats() == [None]


async def test_a_loss_that_was_recorded_and_not_requested_is_requested_by_the_next_beat(
    watched: Watched,
) -> None:
    await watched.rig.registry.add(microsoft_mailbox("globex"))
    await watched.beats()
    watched.lose()
    watched.folder_syncs.broken = {"globex"}
    with pytest.raises(Unavailable):
        await watched.beats()
    watched.folder_syncs.broken.clear()

    noticed = await watched.noticed()

    assert noticed.folders == 2
    assert await watched.beats() == [None]


async def test_a_queue_that_is_away_is_not_lost_and_one_that_comes_back_empty_is(
    watched: Watched,
) -> None:
    await watched.beats()
    watched.heartbeat.failure = Unavailable("Redis is away")
    for _ in range(3):
        with pytest.raises(Unavailable):
            await watched.beats()
    assert (await watched.witness.load()).loss is None

    watched.heartbeat.failure = None
    watched.lose()

    await watched.noticed()


async def test_a_queue_that_is_lost_again_before_all_is_listed_is_noticed_again(
    watched: Watched,
) -> None:
    rig = watched.rig
    await rig.arrive_and_notify()
    await watched.beats()
    watched.lose()
    await watched.beats(2)
    rig.clock.advance(MINUTE)
    await rig.arrive_and_notify()
    watched.lose()

    await watched.noticed()
    await rig.sync_runs()

    assert await rig.handle_all() == ["m1", "m2"]
    assert [type(each) for each in await watched.beats(2)] == [LossHealed, type(None)]


async def test_a_queue_that_is_lost_again_before_the_next_beat_is_noticed_again(
    watched: Watched,
) -> None:
    rig = watched.rig
    await rig.arrive_and_notify()
    await watched.beats()
    watched.lose()
    await watched.noticed()
    await rig.sync_runs()
    watched.lose()

    await watched.noticed()
    await rig.sync_runs()

    assert await rig.handle_all() == ["m1"]


# --- Dead letters ---


async def test_the_dead_letters_that_are_lost_are_named(watched: Watched) -> None:
    ids = await watched.bury(2)
    await watched.beats()
    watched.lose()

    noticed = await watched.noticed()

    assert (noticed.dead, noticed.dead_ids) == (2, tuple(ids))


async def test_only_the_newest_of_many_dead_letters_are_named_and_all_are_counted(
    watched: Watched,
) -> None:
    ids = await watched.bury(REMEMBERED + 5)
    await watched.beats()
    watched.lose()

    noticed = await watched.noticed()

    assert noticed.dead == REMEMBERED + 5
    assert noticed.dead_ids == tuple(ids[:REMEMBERED])


async def test_a_dead_letter_that_is_still_there_is_not_named(watched: Watched) -> None:
    await watched.bury(1)
    await watched.beats(5)
    watched.heartbeat.held = 2

    noticed = await watched.noticed()

    assert (noticed.dead, noticed.dead_ids) == (0, ())


async def _of(rig: Rig, mailbox: str) -> FolderSync:
    [found] = await rig.folder_syncs.all(tenant="acme", mailbox=mailbox)
    return found


# --- Failovers ---


async def test_where_another_server_has_taken_over_only_the_last_is_listed_again(
    watched: Watched,
) -> None:
    rig = watched.rig
    rig.clock.advance(DAY)
    await rig.arrive_and_notify()
    rig.clock.advance(2 * DAY)
    await watched.beats(2)
    rig.arrive()
    watched.heartbeat.is_taken_over = True

    noticed = await watched.noticed()

    assert noticed.loss.is_tail
    assert noticed.loss.listed_since == rig.clock.now() - RELIST_MARGIN
    assert await watched.beats(2) == [None, None]
    await rig.sync_runs()
    assert await rig.handle_all() == ["m1", "m2"]


async def test_a_server_that_takes_over_and_has_forgotten_more_is_a_loss_like_any(
    watched: Watched,
) -> None:
    await watched.beats(5)
    watched.heartbeat.held, watched.heartbeat.is_taken_over = 2, True

    assert not (await watched.noticed()).loss.is_tail
