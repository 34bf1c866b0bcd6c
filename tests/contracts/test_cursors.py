"""What every Cursors promises."""

import asyncio
from datetime import timedelta

import pytest

from postroom.adapters.memory.clock import ManualClock
from postroom.application.ports import Cursor, Cursors
from postroom.domain.mailbox import Mailbox
from tests.contracts.samples import imap_mailbox

PORTS = {Cursors}

MAILBOX = imap_mailbox()


async def test_a_cursor_is_none_until_it_is_set(cursors: Cursors, clock: ManualClock) -> None:
    assert await cursors.read(MAILBOX, "history") is None

    assert await cursors.advance(MAILBOX, "history", before=None, after="100")

    assert await cursors.read(MAILBOX, "history") == Cursor("100", clock.now())


async def test_a_cursor_moves_from_where_it_stands(cursors: Cursors, clock: ManualClock) -> None:
    await cursors.advance(MAILBOX, "history", before=None, after="100")
    clock.advance(timedelta(minutes=1))

    moved = await cursors.advance(MAILBOX, "history", before="100", after="200")

    assert moved
    assert await cursors.read(MAILBOX, "history") == Cursor("200", clock.now())


@pytest.mark.parametrize("before", [None, "50", ""])
async def test_a_cursor_that_stands_elsewhere_does_not_move(
    cursors: Cursors, clock: ManualClock, before: str | None
) -> None:
    await cursors.advance(MAILBOX, "history", before=None, after="100")
    set_at = clock.now()
    clock.advance(timedelta(minutes=1))

    moved = await cursors.advance(MAILBOX, "history", before=before, after="200")

    assert not moved
    assert await cursors.read(MAILBOX, "history") == Cursor("100", set_at)


async def test_a_cursor_that_was_never_set_does_not_move(cursors: Cursors) -> None:
    assert not await cursors.advance(MAILBOX, "history", before="100", after="200")
    assert await cursors.read(MAILBOX, "history") is None


@pytest.mark.parametrize(
    ("mailbox", "name"),
    [
        (imap_mailbox(name="sales"), "history"),
        (imap_mailbox(tenant="globex"), "history"),
        (MAILBOX, "INBOX"),
        (MAILBOX, "Folder " + "".join(map(chr, range(0x4E00, 0x5200)))),
    ],
    ids=["mailbox", "tenant", "name", "long name"],
)
async def test_each_mailbox_has_its_own_of_each_name(
    cursors: Cursors, mailbox: Mailbox, name: str
) -> None:
    await cursors.advance(MAILBOX, "history", before=None, after="100")

    assert await cursors.read(mailbox, name) is None
    assert await cursors.advance(mailbox, name, before=None, after="7")

    for kept, of, position in ((mailbox, name, "7"), (MAILBOX, "history", "100")):
        cursor = await cursors.read(kept, of)
        assert cursor
        assert cursor.position == position


@pytest.mark.parametrize("before", [None, "100"])
async def test_of_many_that_move_a_cursor_at_once_one_does(
    cursors: Cursors, before: str | None
) -> None:
    if before:
        await cursors.advance(MAILBOX, "history", before=None, after=before)

    answers = await asyncio.gather(
        *(cursors.advance(MAILBOX, "history", before=before, after=f"{n}") for n in range(8))
    )

    assert answers.count(True) == 1
