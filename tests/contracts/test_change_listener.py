"""What every adapter of ChangeListener keeps: the one in memory, and IMAP on each server."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial

import pytest

from postroom.adapters.imap.client import ImapClient
from postroom.adapters.imap.listener import ImapListener
from postroom.adapters.memory.listener import InMemoryListener
from postroom.application.ports import ChangeListener, ListenerSession
from postroom.domain.failure import AccessFailed, FolderMissing, Unavailable
from postroom.domain.mailbox import Mailbox
from tests.adapters.imap_rig import FOREIGN, account, mailbox
from tests.dovecot import IMAP_SERVERS, new_mailbox

PORTS = {ChangeListener, ListenerSession}

FOLDERS = ("INBOX", "Anfragen")
FOLDER = FOLDERS[1]
MAIL = b"Subject: Hello\r\n\r\nHello\r\n"

SOON = timedelta(seconds=10)
"""More than any server takes to tell of a change; nothing here waits for it to pass."""

NOW = timedelta(milliseconds=50)


@dataclass(frozen=True)
class Rig:
    """The listener under test, and what happens in a folder behind its back."""

    listener: ChangeListener
    mailbox: Mailbox
    deliver: Callable[[str], object]
    cut_off: Callable[[], None]


@pytest.fixture(params=["memory", *IMAP_SERVERS])
async def rig(request: pytest.FixtureRequest) -> AsyncIterator[Rig]:
    if request.param == "memory":
        listener, of = InMemoryListener(), mailbox(replace(account(143), folders=FOLDERS))
        yield Rig(
            listener,
            of,
            partial(listener.announce, of),
            partial(listener.break_down, of, Unavailable("cut off")),
        )
        return
    async with new_mailbox(request.param, request) as served:
        served.create(FOLDER)
        served.deliver(MAIL, folder=FOLDER)
        yield Rig(
            ImapListener(ImapClient()),
            replace(served.mailbox, account=replace(served.account, folders=FOLDERS)),
            lambda folder: served.deliver(MAIL, folder=folder),
            served.cut_off,
        )


@pytest.fixture
async def session(rig: Rig) -> AsyncIterator[ListenerSession]:
    """A session on a folder; one of a server holds a message."""
    async with rig.listener.open(rig.mailbox, FOLDER) as session:
        yield session


async def test_what_was_there_when_the_session_was_opened_is_no_change(
    session: ListenerSession,
) -> None:
    assert not await session.changed(NOW)


async def test_a_message_that_comes_while_waiting_is_a_change(
    rig: Rig, session: ListenerSession
) -> None:
    waiting = asyncio.create_task(session.changed(SOON))
    await asyncio.sleep(NOW.total_seconds())
    rig.deliver(FOLDER)

    assert await waiting


async def test_a_message_that_comes_between_opening_and_waiting_is_a_change(
    rig: Rig, session: ListenerSession
) -> None:
    rig.deliver(FOLDER)

    assert await session.changed(SOON)


async def test_a_message_that_comes_between_two_waits_is_a_change(
    rig: Rig, session: ListenerSession
) -> None:
    for _ in range(3):
        rig.deliver(FOLDER)
        assert await session.changed(SOON)

        assert not await session.changed(NOW)


async def test_many_messages_between_two_waits_are_one_change(
    rig: Rig, session: ListenerSession
) -> None:
    for _ in range(3):
        rig.deliver(FOLDER)

    assert await session.changed(SOON)
    assert not await session.changed(NOW)


async def test_a_message_in_another_folder_is_no_change(rig: Rig, session: ListenerSession) -> None:
    rig.deliver("INBOX")

    assert not await session.changed(NOW)


async def test_each_session_hears_of_a_change(rig: Rig) -> None:
    async with (
        rig.listener.open(rig.mailbox, FOLDER) as one,
        rig.listener.open(rig.mailbox, FOLDER) as another,
    ):
        rig.deliver(FOLDER)

        assert await one.changed(SOON)
        assert await another.changed(SOON)


async def test_a_folder_that_is_not_there_cannot_be_opened(rig: Rig) -> None:
    with pytest.raises(FolderMissing):
        async with rig.listener.open(rig.mailbox, "Missing"):
            pass


async def test_a_mailbox_of_another_provider_cannot_be_listened_to(rig: Rig) -> None:
    with pytest.raises(AccessFailed):
        async with rig.listener.open(FOREIGN, FOLDER):
            pass


async def test_a_session_that_was_cut_off_says_so(rig: Rig, session: ListenerSession) -> None:
    waiting = asyncio.create_task(session.changed(SOON))
    await asyncio.sleep(NOW.total_seconds())
    rig.cut_off()

    with pytest.raises(Unavailable):
        await waiting
    with pytest.raises(Unavailable):
        await session.changed(NOW)
