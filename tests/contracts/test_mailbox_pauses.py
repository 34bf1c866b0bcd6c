"""What every MailboxRegistry promises of pauses, and of failures of access that lead to one."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from postroom.application.ports import FolderSyncs, MailboxRegistry
from postroom.domain.access import NO_FAILURES, AccessTally
from postroom.domain.mailbox import Pause, PausedBy
from tests.contracts.samples import NOON, imap_mailbox, microsoft_mailbox

PORTS = {MailboxRegistry}

BY_OPERATOR = Pause(PausedBy.OPERATOR, "the customer has asked for it", NOON)
BY_ACCESS = Pause(PausedBy.ACCESS, "invalid_grant", NOON + timedelta(minutes=5))


@pytest.mark.parametrize("pause", [BY_OPERATOR, BY_ACCESS], ids=lambda pause: pause.by)
async def test_a_mailbox_is_paused_with_its_reason(registry: MailboxRegistry, pause: Pause) -> None:
    mailboxes = [imap_mailbox(), imap_mailbox(name="other"), imap_mailbox(tenant="globex")]
    for mailbox in mailboxes:
        await registry.add(mailbox)

    assert await registry.pause("acme", "support", pause)

    assert await registry.get("acme", "support") == replace(imap_mailbox(), paused=pause)
    for other in mailboxes[1:]:
        assert await registry.get(other.tenant, other.id) == other


@pytest.mark.parametrize("first", [BY_OPERATOR, BY_ACCESS], ids=lambda pause: pause.by)
async def test_a_person_pauses_even_what_is_paused(registry: MailboxRegistry, first: Pause) -> None:
    await registry.add(replace(imap_mailbox(), paused=first))
    again = replace(BY_OPERATOR, reason="it is moved")

    assert await registry.pause("acme", "support", again)

    assert await registry.get("acme", "support") == replace(imap_mailbox(), paused=again)


@pytest.mark.parametrize("first", [BY_OPERATOR, BY_ACCESS], ids=lambda pause: pause.by)
async def test_failing_access_pauses_nothing_that_is_paused(
    registry: MailboxRegistry, first: Pause
) -> None:
    await registry.add(replace(imap_mailbox(), paused=first))

    assert not await registry.pause("acme", "support", replace(BY_ACCESS, reason="403"))

    assert await registry.get("acme", "support") == replace(imap_mailbox(), paused=first)


async def test_of_many_workers_whose_access_fails_one_pauses(registry: MailboxRegistry) -> None:
    await registry.add(imap_mailbox())

    answers = await asyncio.gather(
        *(registry.pause("acme", "support", BY_ACCESS) for _ in range(6))
    )

    assert answers.count(True) == 1


async def test_a_mailbox_that_is_not_there_is_neither_paused_nor_resumed(
    registry: MailboxRegistry,
) -> None:
    await registry.add(replace(imap_mailbox(), paused=BY_OPERATOR))

    assert not await registry.pause("globex", "support", BY_OPERATOR)
    assert not await registry.resume("globex", "support")

    assert await registry.all() == [replace(imap_mailbox(), paused=BY_OPERATOR)]


@pytest.mark.parametrize(
    ("pause", "asked"),
    [
        (BY_OPERATOR, None),
        (BY_ACCESS, None),
        (BY_OPERATOR, PausedBy.OPERATOR),
        (BY_ACCESS, PausedBy.ACCESS),
    ],
)
async def test_a_mailbox_that_is_resumed_goes_on_with_its_failures_forgotten(
    registry: MailboxRegistry, pause: Pause, asked: PausedBy | None
) -> None:
    for tenant in ("acme", "globex"):
        await registry.add(replace(imap_mailbox(tenant), paused=pause, access=AccessTally(3, NOON)))

    assert await registry.resume("acme", "support", paused_by=asked)

    assert await registry.get("acme", "support") == imap_mailbox()
    other = await registry.get("globex", "support")
    assert other
    assert other.paused == pause


@pytest.mark.parametrize(
    ("pause", "asked"),
    [
        (BY_OPERATOR, PausedBy.ACCESS),
        (BY_ACCESS, PausedBy.OPERATOR),
        (None, None),
        (None, PausedBy.ACCESS),
    ],
)
async def test_a_mailbox_that_is_not_paused_like_that_is_not_resumed(
    registry: MailboxRegistry,
    folder_syncs: FolderSyncs,
    pause: Pause | None,
    asked: PausedBy | None,
) -> None:
    mailbox = replace(microsoft_mailbox(), paused=pause, access=AccessTally(2, NOON))
    await registry.add(mailbox)
    before = await folder_syncs.all()

    assert not await registry.resume("acme", "sales", paused_by=asked)

    assert await registry.all() == [mailbox]
    assert await folder_syncs.all() == before


async def test_failures_of_access_are_kept(registry: MailboxRegistry) -> None:
    for tenant in ("acme", "globex"):
        await registry.add(imap_mailbox(tenant))
    tally = AccessTally(2, NOON)

    await registry.save_access(imap_mailbox(), tally)

    assert await registry.all() == [
        replace(imap_mailbox(), access=tally),
        imap_mailbox("globex"),
    ]
    await registry.save_access(imap_mailbox(), NO_FAILURES)
    assert await registry.get("acme", "support") == imap_mailbox()


async def test_failures_of_a_mailbox_that_is_gone_are_forgotten(registry: MailboxRegistry) -> None:
    await registry.save_access(imap_mailbox(), AccessTally(2, NOON))

    assert await registry.all() == []
