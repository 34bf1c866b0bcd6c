"""What every IdempotencyLedger promises."""

import asyncio
from collections.abc import Coroutine
from contextvars import Context
from dataclasses import replace

import pytest

from postroom.application.ports import IdempotencyLedger
from postroom.domain.identity import MessageIdentity
from postroom.domain.mailbox import Mailbox
from tests.contracts.conftest import Storage
from tests.contracts.samples import comment, failing_block, identity, imap_mailbox, outcome

PORTS = {IdempotencyLedger}

MAILBOX = imap_mailbox()
IDENTITY = identity()

PATIENCE = 0.2
"""Seconds in which a block that does not wait would long have been entered."""


async def is_new(ledger: IdempotencyLedger, message: MessageIdentity = IDENTITY) -> bool:
    async with ledger.once(MAILBOX, message) as new:
        return new


def another_worker(work: Coroutine[None, None, bool]) -> asyncio.Task[bool]:
    """A task that does not belong to the block that this one has open."""
    return asyncio.create_task(work, context=Context())


async def test_a_message_is_new_only_once(ledger: IdempotencyLedger) -> None:
    first = await is_new(ledger)
    second = await is_new(ledger)

    assert (first, second) == (True, False)


async def test_two_messages_under_one_message_id_are_both_new(ledger: IdempotencyLedger) -> None:
    await is_new(ledger, identity(source="imap:INBOX:1:1", digest="d1"))

    other = await is_new(ledger, identity(source="imap:INBOX:1:2", digest="d2"))

    assert other


async def test_a_message_that_was_handled_is_known_by_its_source(
    ledger: IdempotencyLedger,
) -> None:
    await is_new(ledger, identity(name="rfc5322:a@x", source="microsoft:1"))

    assert await ledger.handled(MAILBOX, "microsoft:1") == "rfc5322:a@x"
    assert await ledger.handled(MAILBOX, "microsoft:2") == ""
    assert await ledger.handled(replace(MAILBOX, id="other"), "microsoft:1") == ""


async def test_a_message_whose_block_failed_is_not_known(ledger: IdempotencyLedger) -> None:
    async with failing_block(ledger, MAILBOX):
        pass

    assert await ledger.handled(MAILBOX, IDENTITY.source) == ""


async def test_one_message_in_two_places_is_new_once(ledger: IdempotencyLedger) -> None:
    await is_new(ledger, identity(source="imap:INBOX:1:1"))

    copy = await is_new(ledger, identity(source="imap:Archive:1:9"))

    assert not copy


async def test_one_source_is_one_message_even_if_its_bytes_read_otherwise(
    ledger: IdempotencyLedger,
) -> None:
    await is_new(ledger, identity(name="rfc5322:a@x", digest="d1"))

    again = await is_new(ledger, identity(name="rfc5322:b@x", digest="d2"))

    assert not again


async def test_equal_digests_under_two_message_ids_are_two_messages(
    ledger: IdempotencyLedger,
) -> None:
    await is_new(ledger, identity(name="rfc5322:a@x", source="s1"))

    other = await is_new(ledger, identity(name="rfc5322:b@x", source="s2"))

    assert other


@pytest.mark.parametrize(
    "elsewhere", [imap_mailbox(name="sales"), imap_mailbox(tenant="globex")], ids=lambda m: m.tenant
)
async def test_each_mailbox_of_each_tenant_has_its_own(
    ledger: IdempotencyLedger, elsewhere: Mailbox
) -> None:
    await is_new(ledger)

    async with ledger.once(elsewhere, IDENTITY) as new:
        pass

    assert new


async def test_a_failed_block_is_forgotten(ledger: IdempotencyLedger) -> None:
    with pytest.raises(ZeroDivisionError):
        async with ledger.once(MAILBOX, IDENTITY):
            raise ZeroDivisionError

    assert await is_new(ledger)


async def test_a_cancelled_block_is_forgotten(ledger: IdempotencyLedger) -> None:
    entered = asyncio.Event()

    async def hang() -> None:
        async with ledger.once(MAILBOX, IDENTITY):
            entered.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(hang())
    await entered.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert await is_new(ledger)


async def test_a_failed_block_takes_with_it_what_was_written_in_it(storage: Storage) -> None:
    async with failing_block(storage.ledger, MAILBOX):
        ticket = await storage.helpdesk.open_ticket(MAILBOX, comment("a@x"))
        await storage.helpdesk.add_comment(ticket, comment("b@x", "a@x"))
        await storage.outcomes.record(outcome())

    assert await storage.helpdesk.summaries("acme") == []
    assert await storage.outcomes.find("acme") == []


async def test_what_a_block_wrote_is_kept_when_it_succeeds(storage: Storage) -> None:
    async with storage.ledger.once(MAILBOX, IDENTITY):
        ticket = await storage.helpdesk.open_ticket(MAILBOX, comment("a@x"))
        await storage.outcomes.record(outcome())

    assert await storage.helpdesk.ticket("acme", ticket.number) == ticket
    assert await storage.outcomes.find("acme") == [outcome()]


async def test_a_block_sees_what_it_wrote_and_others_do_not_yet(storage: Storage) -> None:
    written, looked = asyncio.Event(), asyncio.Event()

    async def block() -> int:
        async with storage.ledger.once(MAILBOX, IDENTITY):
            await storage.outcomes.record(outcome())
            written.set()
            await looked.wait()
            return len(await storage.outcomes.find("acme"))

    task = asyncio.create_task(block())
    await written.wait()
    seen_outside = len(await storage.outcomes.find("acme"))
    looked.set()

    assert (await task, seen_outside) == (1, 0)


async def test_what_is_written_beside_a_block_survives_its_failure(storage: Storage) -> None:
    entered, proceed = asyncio.Event(), asyncio.Event()

    async def fail() -> None:
        async with storage.ledger.once(MAILBOX, IDENTITY):
            entered.set()
            await proceed.wait()
            raise ZeroDivisionError

    failing = asyncio.create_task(fail())
    await entered.wait()
    recording = asyncio.create_task(storage.outcomes.record(outcome()))
    proceed.set()
    with pytest.raises(ZeroDivisionError):
        await failing
    await recording

    assert await storage.outcomes.find("acme") == [outcome()]


@pytest.mark.parametrize(
    "same",
    [identity(source="elsewhere"), identity(name="other", digest="d2")],
    ids=["by name and digest", "by source"],
)
async def test_a_second_block_for_a_message_waits_for_the_first(
    ledger: IdempotencyLedger, same: MessageIdentity
) -> None:
    async with ledger.once(MAILBOX, IDENTITY) as first:
        second = another_worker(is_new(ledger, same))
        done, _ = await asyncio.wait([second], timeout=PATIENCE)
        assert not done

    assert first
    assert not await second


async def test_a_waiting_block_takes_over_when_the_first_fails(ledger: IdempotencyLedger) -> None:
    async with failing_block(ledger, MAILBOX):
        second = another_worker(is_new(ledger))
        await asyncio.wait([second], timeout=PATIENCE)

    assert await second


async def test_of_many_blocks_at_once_one_is_new(ledger: IdempotencyLedger) -> None:
    answers = await asyncio.gather(*(is_new(ledger) for _ in range(20)))

    assert answers.count(True) == 1


async def test_blocks_of_two_tenants_do_not_wait_for_each_other(ledger: IdempotencyLedger) -> None:
    both = asyncio.Barrier(2)

    async def meet(tenant: str) -> None:
        async with ledger.once(imap_mailbox(tenant=tenant), IDENTITY):
            await both.wait()

    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        group.create_task(meet("acme"))
        group.create_task(meet("globex"))


async def test_a_block_within_a_block_is_a_mistake(ledger: IdempotencyLedger) -> None:
    async with ledger.once(MAILBOX, IDENTITY):
        with pytest.raises(RuntimeError):
            await is_new(ledger, identity(name="other", source="other"))


async def test_another_tenant_cannot_be_written_to_in_a_block(storage: Storage) -> None:
    async with storage.ledger.once(MAILBOX, IDENTITY):
        with pytest.raises(RuntimeError, match="another tenant"):
            await storage.outcomes.record(outcome(tenant="globex"))
        with pytest.raises(RuntimeError, match="another tenant"):
            await storage.outcomes.find("globex")


async def test_a_task_that_outlives_its_block_writes_for_itself(storage: Storage) -> None:
    ended = asyncio.Event()

    async def afterwards() -> None:
        await ended.wait()
        await storage.outcomes.record(outcome())

    async with storage.ledger.once(MAILBOX, IDENTITY):
        task = asyncio.create_task(afterwards())
    ended.set()
    await task

    assert await storage.outcomes.find("acme") == [outcome()]


async def test_keys_may_be_long_and_hold_anything(ledger: IdempotencyLedger) -> None:
    alphabet = "".join(map(chr, range(0x4E00, 0x5E00)))
    strange = identity(name=alphabet + "\x00\ud800", source=alphabet, digest="d")

    first = await is_new(ledger, strange)
    again = await is_new(ledger, strange)
    other = await is_new(ledger, identity(name=alphabet + "x", source=alphabet + "x", digest="d"))

    assert (first, again, other) == (True, False, True)
