"""Comparing with another system, and releasing what came in shadow, over stores in memory."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest

from postroom.adapters.imap.pointer import ImapPointer
from postroom.adapters.memory.clock import ManualClock
from postroom.adapters.memory.database import InMemoryDatabase
from postroom.adapters.memory.ledger import InMemoryIdempotencyLedger
from postroom.adapters.memory.outcomes import InMemoryOutcomes
from postroom.adapters.memory.queue import InMemoryPointerQueue
from postroom.adapters.memory.registry import InMemoryMailboxRegistry
from postroom.adapters.memory.shadow_rows import InMemoryShadowRows
from postroom.application.compare_shadow import CompareShadow
from postroom.application.ingest_pointer import IngestPointer
from postroom.application.ports import OutcomeRecord
from postroom.application.release_shadow import BATCH, Released, ReleaseShadow
from postroom.application.shadow import AmbiguousAddress, Served
from postroom.domain.handover.comparison import Result, Theirs
from postroom.domain.handover.handover import State
from postroom.domain.handover.shadow import ShadowRow
from postroom.domain.identity import MessageIdentity
from postroom.domain.ingress import Ingress, IngressMode
from postroom.domain.outcome import SHADOW, Completed, Effect, Skipped
from postroom.domain.pointer import Pointer, PointerJob, UnknownPointer, job_id
from tests.contracts.samples import NOON, imap_mailbox

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
SUPPORT = imap_mailbox()
OTHER = imap_mailbox(name="other")
ELSEWHERE = imap_mailbox(tenant="globex", address="Support@acme.example")


@dataclass
class Rig:
    clock: ManualClock
    modes: dict[str, IngressMode] = field(default_factory=dict)

    def __post_init__(self) -> None:
        database = InMemoryDatabase()
        self.registry = InMemoryMailboxRegistry(database)
        self.rows = InMemoryShadowRows(database)
        self.outcomes = InMemoryOutcomes(database)
        self.ledger = InMemoryIdempotencyLedger(database)
        self.queue = InMemoryPointerQueue(self.clock)
        ingest = IngestPointer(self.queue, self.clock)
        self.release_shadow = ReleaseShadow(self.rows, self.outcomes, ingest, Ingress(self.modes))
        self.compare = CompareShadow(self.rows, self.outcomes)

    async def put(self, key: str, name: str, *, after: timedelta = MINUTE) -> None:
        """A handover in shadow, of a message taken in so long *after* noon."""
        row = ShadowRow(
            application="crm",
            key=key,
            identity=f"rfc5322:{name}",
            received_at=NOON + after,
            accepted_at=NOON + after,
            state=State.SHADOW,
        )
        await self.rows.put(SUPPORT.tenant, SUPPORT.id, row)

    async def skip(
        self, uid: int, name: str, *, after: timedelta = MINUTE, pointer: Pointer | None = None
    ) -> OutcomeRecord:
        """A message of the help desk that was skipped in shadow."""
        pointer = pointer or ImapPointer("INBOX", uid, 1)
        job = PointerJob(
            id=f"job-{uid}" if isinstance(pointer, UnknownPointer) else self.job_id(pointer),
            tenant=SUPPORT.tenant,
            mailbox=SUPPORT.id,
            pointer=pointer,
            enqueued_at=NOON + after,
        )
        record = OutcomeRecord(
            job=job,
            outcome=Skipped(SHADOW),
            attempt=1,
            at=NOON + after,
            identity=f"rfc5322:{name}",
        )
        await self.outcomes.record(record)
        return record

    def job_id(self, pointer: Pointer) -> str:
        return job_id(SUPPORT.tenant, SUPPORT.id, pointer)

    async def release(
        self, *theirs: Theirs, since: datetime = NOON, dry_run: bool = False
    ) -> list[Released]:
        served = await Served.of(self.registry)
        steps = self.release_shadow(theirs, served, since, dry_run=dry_run)
        return [step async for step in steps]

    async def states(self) -> dict[str, State]:
        rows = await self.rows.page(SUPPORT.tenant, SUPPORT.id, since=NOON - DAY)
        return {row.key: row.state for row in rows}

    async def waiting(self) -> Sequence[int]:
        """UIDs of what is queued."""
        claims = await self.queue.claim(1000, HOUR)
        return sorted(
            each.job.pointer.uid for each in claims if isinstance(each.job.pointer, ImapPointer)
        )

    async def is_new(self, name: str, digest: str, *, after: timedelta) -> bool:
        """Whether a message that comes now is ours to handle."""
        identity = MessageIdentity(f"rfc5322:{name}", f"imap:{name}:{digest}", digest)
        async with self.ledger.once(SUPPORT, identity, NOON + after) as is_new:
            return is_new


@pytest.fixture
async def rig() -> Rig:
    rig = Rig(ManualClock(NOON + DAY))
    await rig.registry.add(SUPPORT)
    return rig


def handled(name: str, *, after: timedelta = 2 * MINUTE, result: Result = Result.HANDLED) -> Theirs:
    return Theirs(
        line=1,
        identity=f"rfc5322:{name}",
        mailbox=SUPPORT.address.lower(),
        handled_at=NOON + after,
        result=result,
    )


# --- Handovers ---


async def test_each_row_becomes_what_the_list_and_the_moment_say(rig: Rig) -> None:
    await rig.put("k1", "a@x", after=-HOUR)
    await rig.put("k2", "b@x")
    await rig.put("k3", "c@x")

    released = await rig.release(handled("b@x"))

    assert released == [Released(tenant="acme", mailbox="support", before=1, listed=1, waiting=1)]
    assert await rig.states() == {
        "k1": State.DUPLICATE,
        "k2": State.DUPLICATE,
        "k3": State.WAITING,
    }


@pytest.mark.parametrize(
    ("result", "state"),
    [(Result.SKIPPED, State.DUPLICATE), (Result.FAILED, State.WAITING)],
)
async def test_what_the_other_system_has_failed_of_is_ours(
    rig: Rig, result: Result, state: State
) -> None:
    await rig.put("k1", "a@x")

    await rig.release(handled("a@x", result=result))

    assert await rig.states() == {"k1": state}


async def test_a_dry_run_counts_and_changes_nothing(rig: Rig) -> None:
    await rig.put("k1", "a@x")
    await rig.skip(7, "b@x")

    [released] = await rig.release(dry_run=True)

    assert (released.waiting, released.queued) == (1, 1)
    assert await rig.states() == {"k1": State.SHADOW}
    assert await rig.waiting() == []
    assert await rig.is_new("c@x", "d", after=-HOUR)


async def test_to_release_once_more_changes_nothing(rig: Rig) -> None:
    await rig.put("k1", "a@x")
    await rig.put("k2", "b@x")
    await rig.release(handled("a@x"), handled("c@x"))
    states = await rig.states()
    assert not await rig.is_new("c@x", "late", after=MINUTE)

    [again] = await rig.release(handled("a@x"), handled("c@x"))

    assert (again.before, again.listed, again.waiting) == (0, 0, 0)
    assert await rig.states() == states
    assert await rig.is_new("c@x", "another", after=MINUTE), "its entry stands for the first"
    assert await rig.is_new("a@x", "another", after=MINUTE), "its entry stands for the row"


# --- Messages that are still to come ---


async def test_what_was_listed_and_comes_later_is_not_ours(rig: Rig) -> None:
    [released] = await rig.release(handled("a@x"))

    assert released.noted == 1
    assert not await rig.is_new("a@x", "d1", after=MINUTE)
    assert await rig.is_new("a@x", "d2", after=MINUTE), "another message under the same id"


async def test_what_came_in_before_the_change_is_not_ours_whenever_we_see_it(rig: Rig) -> None:
    await rig.release()

    assert not await rig.is_new("a@x", "d1", after=-MINUTE)
    assert await rig.is_new("b@x", "d2", after=timedelta())


async def test_what_was_handled_long_before_the_change_is_not_remembered(rig: Rig) -> None:
    [released] = await rig.release(handled("a@x", after=-HOUR))

    assert released.noted == 0


# --- What the help desk has skipped ---


async def test_what_was_skipped_since_the_change_is_queued_again(rig: Rig) -> None:
    await rig.skip(6, "z@x", after=-HOUR)
    await rig.skip(7, "a@x", after=-MINUTE)  # by our clock
    await rig.skip(8, "b@x")
    await rig.skip(9, "c@x")

    [released] = await rig.release(handled("b@x"))

    assert (released.queued, released.noted) == (3, 1)
    assert await rig.waiting() == [7, 8, 9]


async def test_what_has_been_handled_since_is_not_queued_again(rig: Rig) -> None:
    record = await rig.skip(8, "b@x")
    await rig.release()
    assert await rig.waiting() == [8]
    done = replace(record, outcome=Completed(Effect.TICKET, "1"), at=rig.clock.now())
    await rig.outcomes.record(done)

    [again] = await rig.release()

    assert again.queued == 0


async def test_while_ingress_is_in_shadow_what_was_skipped_is_left(rig: Rig) -> None:
    await rig.skip(8, "b@x")
    rig.modes["imap"] = IngressMode.SHADOW

    [released] = await rig.release()

    assert (released.queued, released.left) == (0, 1)
    assert await rig.waiting() == []


async def test_a_pointer_of_another_release_is_left(rig: Rig) -> None:
    await rig.skip(8, "b@x", pointer=UnknownPointer("jmap", {"id": "M1"}))

    [released] = await rig.release()

    assert (released.queued, released.left) == (0, 1)


async def test_more_than_a_page_is_queued_whole(rig: Rig) -> None:
    count = 5 * BATCH + 7  # a page has 1000
    for uid in range(1, count + 1):
        await rig.skip(uid, f"{uid}@x")

    [released] = await rig.release()

    [lane] = await rig.queue.statistics()
    assert (released.queued, lane.ready) == (count, count)


# --- Mailboxes ---


async def test_each_mailbox_is_released_by_what_is_listed_of_it(rig: Rig) -> None:
    await rig.registry.add(OTHER)
    await rig.put("k1", "a@x")

    released = await rig.release(replace(handled("a@x"), mailbox=OTHER.address))

    assert [(each.mailbox, each.waiting, each.noted) for each in released] == [
        ("other", 0, 1),
        ("support", 1, 0),
    ]


async def test_an_address_of_two_tenants_wants_a_tenant(rig: Rig) -> None:
    await rig.registry.add(ELSEWHERE)

    with pytest.raises(AmbiguousAddress, match="acme and globex"):
        await Served.of(rig.registry)

    served = await Served.of(rig.registry, tenant="globex")
    assert list(served.mailboxes) == ["support@acme.example"]


async def test_some_mailboxes_can_be_named(rig: Rig) -> None:
    await rig.registry.add(OTHER)

    served = await Served.of(rig.registry, only=["other"])

    assert [each.id for each in served.mailboxes.values()] == ["other"]


# --- Comparing ---


async def test_both_kinds_of_what_came_in_shadow_are_compared(rig: Rig) -> None:
    await rig.put("k1", "a@x")
    await rig.skip(8, "b@x")
    await rig.skip(9, "c@x")
    served = await Served.of(rig.registry)
    theirs = [handled("a@x", after=MINUTE), handled("b@x", after=MINUTE), handled("d@x")]

    found = await rig.compare(theirs, served, since=NOON, until=NOON + HOUR)

    assert found.same == 2
    assert [each.identity for each in found.only_there] == ["rfc5322:d@x"]
    assert [each.identity for each in found.only_here] == ["rfc5322:c@x"]


async def test_copies_of_a_handover_are_one_message(rig: Rig) -> None:
    await rig.put("k1", "a@x")
    [row] = await rig.rows.page("acme", "support", since=NOON)
    await rig.rows.put("acme", "support", replace(row, application="archive"))

    served = await Served.of(rig.registry)
    found = await rig.compare([handled("a@x")], served, since=NOON, until=NOON + HOUR)

    assert (found.same, found.only_here) == (1, [])


async def test_mail_of_a_mailbox_that_is_not_served_is_only_there(rig: Rig) -> None:
    stranger = replace(handled("a@x"), mailbox="stranger@acme.example")
    served = await Served.of(rig.registry)

    found = await rig.compare([stranger], served, since=NOON, until=NOON + HOUR)

    assert found.only_there == [stranger]
