"""What every adapter of MailFolders keeps: the one in memory, and IMAP on each server."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

import pytest

from postroom.adapters.imap.client import ImapClient
from postroom.adapters.imap.folders import ImapFolders
from postroom.adapters.memory.folders import InMemoryMailFolders
from postroom.application.ports import FolderSession, MailFolders
from postroom.domain.failure import AccessFailed, Unavailable
from postroom.domain.mailbox import Mailbox
from tests.contracts.samples import IMAP, google_mailbox, imap_mailbox
from tests.dovecot import IMAP_SERVERS, new_mailbox
from tests.served_mailbox import ADDED_AT as NOON

PORTS = {MailFolders, FolderSession}

FOLDER = "Anfragen"
MAIL = b"Subject: Hello\r\n\r\nHello\r\n"

SOON = timedelta(seconds=10)
"""More than any server takes to tell of news; nothing here waits for it to pass."""

NOW = timedelta(milliseconds=50)


@dataclass(frozen=True)
class Rig:
    """The folders under test, and what happens in one of them behind their back."""

    folders: MailFolders
    mailbox: Mailbox
    deliver: Callable[[datetime], int]
    rebuild: Callable[[], None]
    cut_off: Callable[[], None]


@pytest.fixture(params=["memory", *IMAP_SERVERS])
async def rig(request: pytest.FixtureRequest) -> AsyncIterator[Rig]:
    if request.param == "memory":
        mailbox, folders = imap_mailbox(), InMemoryMailFolders()
        mailbox = replace(mailbox, account=replace(IMAP, folders=(FOLDER,)))
        yield Rig(
            folders,
            mailbox,
            lambda moment: folders.deliver(mailbox, moment, folder=FOLDER),
            partial(folders.rebuild, mailbox, folder=FOLDER),
            partial(folders.break_down, mailbox, Unavailable("cut off")),
        )
        return
    async with new_mailbox(request.param, request) as served:
        served.create(FOLDER)
        yield Rig(
            ImapFolders(ImapClient()),
            served.mailbox,
            lambda moment: served.deliver(MAIL, folder=FOLDER, received_at=moment),
            partial(served.rebuild, FOLDER),
            served.cut_off,
        )


@pytest.fixture
async def session(rig: Rig) -> AsyncIterator[FolderSession]:
    """A session on a folder that holds two messages, which have been listed."""
    rig.deliver(NOON)
    rig.deliver(NOON + timedelta(hours=1))
    async with rig.folders.open(rig.mailbox, FOLDER) as session:
        await session.after(0)
        yield session


async def test_an_empty_folder_lists_nothing(rig: Rig) -> None:
    async with rig.folders.open(rig.mailbox, FOLDER) as session:
        by_uid, by_date = await session.after(0), await session.received_since(NOON)

    assert by_uid.uids == by_date.uids == ()
    assert by_uid.uid_next == by_date.uid_next == 1


async def test_messages_after_a_uid_are_listed_in_order(session: FolderSession) -> None:
    everything, later = await session.after(0), await session.after(1)

    assert everything.uids == (1, 2)
    assert later.uids == (2,)


async def test_a_folder_without_news_lists_nothing(session: FolderSession) -> None:
    """`n:*` holds the last message of an IMAP folder even if n is beyond it."""
    assert (await session.after(2)).uids == ()
    assert (await session.after(99)).uids == ()


async def test_uid_next_is_beyond_all_that_was_there_when_the_folder_was_opened(
    rig: Rig, session: FolderSession
) -> None:
    listing = await session.after(0)

    assert listing.uid_next == 3


async def test_a_message_that_came_in_meanwhile_is_never_below_uid_next(
    rig: Rig, session: FolderSession
) -> None:
    """A cursor that is set to uid_next must not pass over what this session did not list."""
    uid = rig.deliver(NOON)
    listing = await session.after(2)

    assert listing.uids == (uid,) or listing.uid_next <= uid


async def test_messages_since_a_moment_are_listed_to_the_second(session: FolderSession) -> None:
    at, past = NOON + timedelta(hours=1), NOON + timedelta(hours=1, seconds=1)

    assert (await session.received_since(NOON)).uids == (1, 2)
    assert (await session.received_since(at)).uids == (2,)
    assert (await session.received_since(past)).uids == ()


async def test_a_fraction_of_a_second_hides_no_message(session: FolderSession) -> None:
    """An INTERNALDATE has no fractions: what came within the second of the moment may be later."""
    moment = NOON + timedelta(hours=1, milliseconds=999)

    assert (await session.received_since(moment)).uids == (2,)


async def test_a_listing_names_the_uid_validity(rig: Rig, session: FolderSession) -> None:
    uid_validity = await session.uid_validity()

    assert (await session.after(0)).uid_validity == uid_validity
    async with rig.folders.open(rig.mailbox, FOLDER) as another:
        assert await another.uid_validity() == uid_validity


async def test_a_rebuilt_folder_has_another_uid_validity(rig: Rig) -> None:
    rig.deliver(NOON)
    async with rig.folders.open(rig.mailbox, FOLDER) as session:
        before = await session.uid_validity()

    rig.rebuild()

    async with rig.folders.open(rig.mailbox, FOLDER) as session:
        assert await session.uid_validity() != before
        assert (await session.received_since(NOON)).uids == (1,)


async def test_a_message_that_comes_while_waiting_is_news(rig: Rig, session: FolderSession) -> None:
    waiting = asyncio.create_task(session.changed(SOON))
    await asyncio.sleep(NOW.total_seconds())
    uid = rig.deliver(NOON)

    assert await waiting
    assert (await session.after(2)).uids == (uid,)


async def test_a_message_that_comes_between_listing_and_waiting_is_news(
    rig: Rig, session: FolderSession
) -> None:
    uid = rig.deliver(NOON)

    assert await session.changed(SOON)
    assert (await session.after(2)).uids == (uid,)


async def test_news_stay_news_until_they_are_listed(rig: Rig, session: FolderSession) -> None:
    rig.deliver(NOON)

    assert await session.changed(SOON)
    assert await session.changed(SOON)


async def test_what_was_never_listed_is_news(rig: Rig) -> None:
    rig.deliver(NOON)

    async with rig.folders.open(rig.mailbox, FOLDER) as session:
        assert await session.changed(SOON)


async def test_without_news_the_wait_ends_in_time(session: FolderSession) -> None:
    assert not await session.changed(NOW)


async def test_a_folder_that_is_not_there_cannot_be_opened(rig: Rig) -> None:
    with pytest.raises(AccessFailed):
        async with rig.folders.open(rig.mailbox, "Missing"):
            pass


async def test_a_mailbox_of_another_provider_has_no_folders(rig: Rig) -> None:
    with pytest.raises(AccessFailed):
        async with rig.folders.open(google_mailbox(), FOLDER):
            pass


async def test_a_session_that_was_cut_off_says_so(rig: Rig, session: FolderSession) -> None:
    waiting = asyncio.create_task(session.changed(SOON))
    await asyncio.sleep(NOW.total_seconds())
    rig.cut_off()

    with pytest.raises(Unavailable):
        await waiting
    for use in (session.uid_validity(), session.after(0), session.changed(NOW)):
        with pytest.raises(Unavailable):
            await use
