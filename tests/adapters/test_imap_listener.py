"""What only IMAP has of listening; the rest is in tests/contracts/test_change_listener.py.

And the whole way: from a message in a real mailbox to its pointer, and back to the message.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest

from postroom.adapters.imap.changes import ImapChanges
from postroom.adapters.imap.client import ImapClient
from postroom.adapters.imap.fetcher import ImapFetcher
from postroom.adapters.imap.listener import ImapListener
from postroom.adapters.imap.pool import ConnectionPool
from postroom.application.ports import FetchedMessage, ListenerSession, PositionExpired
from postroom.domain.failure import FolderMissing, Unavailable
from postroom.domain.mailbox import Mailbox
from postroom.entrypoints.emulators.imap_server import ImapServer
from tests.adapters.imap_rig import AT_ONCE, PASSWORD, account, mailbox
from tests.emulators.scripted_imap import scripted_imap
from tests.served_mailbox import ADDED_AT, ServedMailbox

MAIL = b"Subject: Hello\r\n\r\nHello\r\n"
NOON = datetime(2024, 1, 1, 12, tzinfo=UTC)
BRIEF = timedelta(milliseconds=100)
BOUND = timedelta(seconds=20)
LONG = timedelta(minutes=5)


@pytest.fixture
async def server() -> AsyncIterator[ImapServer]:
    async with ImapServer({"ann": PASSWORD}) as server:
        yield server


@pytest.fixture
async def session(server: ImapServer) -> AsyncIterator[ListenerSession]:
    """A session on a folder that has one message."""
    server.deliver("ann", MAIL, received_at=NOON)
    async with ImapListener(ImapClient()).open(mailbox(account(server.port)), "INBOX") as session:
        yield session


# --- Waiting ------------------------------------------------------------------------------------


async def test_a_server_that_tells_nothing_while_idling_is_asked_in_time(
    server: ImapServer, session: ListenerSession
) -> None:
    server.announces_nothing = True
    waiting = asyncio.create_task(session.changed(BRIEF))
    await server.idling.wait()
    server.deliver("ann", MAIL)

    async with asyncio.timeout(AT_ONCE):
        assert await waiting


async def test_what_is_told_right_after_the_folder_was_opened_is_heard() -> None:
    """In one packet with the response to EXAMINE, which tells how many messages there are."""
    opened = "* 1 EXISTS\r\n* OK [UIDVALIDITY 3] valid\r\n* OK [UIDNEXT {}] next\r\nTAG OK\r\n"
    answers = {"EXAMINE": [opened.format(2) + "* 2 EXISTS\r\n", opened.format(3)]}
    async with scripted_imap(answers) as script:
        of = mailbox(account(script.port))
        async with ImapListener(ImapClient()).open(of, "INBOX") as session:
            async with asyncio.timeout(AT_ONCE):
                assert await session.changed(LONG)

        assert "IDLE" not in script.received


async def test_idle_is_renewed_before_anybody_forgets_the_connection(server: ImapServer) -> None:
    listener = ImapListener(ImapClient(), renewal=timedelta(milliseconds=10))
    async with listener.open(mailbox(account(server.port)), "INBOX") as session:
        assert not await session.changed(BRIEF)

        assert server.seen.count("IDLE") > 1
        waiting = asyncio.create_task(session.changed(LONG))
        server.deliver("ann", MAIL)
        async with asyncio.timeout(AT_ONCE):
            assert await waiting


async def test_a_server_without_idle_is_polled(server: ImapServer) -> None:
    server.capabilities = "IMAP4rev1 AUTH=PLAIN"
    listener = ImapListener(ImapClient(), poll=timedelta(milliseconds=10))
    async with listener.open(mailbox(account(server.port)), "INBOX") as session:
        waiting = asyncio.create_task(session.changed(LONG))
        await server.arrived["NOOP"].wait()
        server.deliver("ann", MAIL)

        async with asyncio.timeout(AT_ONCE):
            assert await waiting
    assert "IDLE" not in server.seen


async def test_a_message_that_goes_is_no_change(
    server: ImapServer, session: ListenerSession
) -> None:
    server.expunge("ann", 1)

    assert not await session.changed(BRIEF)


async def test_a_folder_that_is_rebuilt_under_a_session_is_noticed(served: ServedMailbox) -> None:
    """Dovecot does not end the session, and goes on to show the folder as it was."""
    served.create("Anfragen")
    served.deliver(MAIL, folder="Anfragen")
    async with ImapListener(ImapClient()).open(served.mailbox, "Anfragen") as session:
        served.rebuild("Anfragen")

        with suppress(Unavailable):
            assert await session.changed(BRIEF)


async def test_a_folder_that_is_removed_under_a_session_is_missing(server: ImapServer) -> None:
    server.create("ann", "Anfragen")
    of = mailbox(account(server.port))
    async with ImapListener(ImapClient()).open(of, "Anfragen") as session:
        del server.folders["ann"]["Anfragen"]

        with pytest.raises(FolderMissing):
            await session.changed(BRIEF)


async def test_a_session_ends_with_its_block(server: ImapServer) -> None:
    async with ImapListener(ImapClient()).open(mailbox(account(server.port)), "INBOX") as session:
        pass

    with pytest.raises(Unavailable):
        await session.changed(LONG)
    await server.arrived["LOGOUT"].wait()


async def test_listening_that_is_cancelled_ends_at_once(server: ImapServer) -> None:
    async def listen() -> None:
        of = mailbox(account(server.port))
        async with ImapListener(ImapClient()).open(of, "INBOX") as session:
            await session.changed(LONG)

    task = asyncio.create_task(listen())
    await server.idling.wait()
    task.cancel()

    async with asyncio.timeout(AT_ONCE):
        await asyncio.wait([task])
    assert task.cancelled()


# --- The whole way ------------------------------------------------------------------------------

FOLDER = "Anfragen & mehr"
ON_THE_WIRE = "Anfragen &- mehr"


def mail(number: int) -> bytes:
    return b"Subject: %d\r\nMessage-ID: <%d@x.example>\r\n\r\nHello\r\n" % (number, number)


@dataclass
class Listening:
    """Listens and lists as the service does: whenever it is told of a change, and now and then."""

    served: ServedMailbox
    mailbox: Mailbox
    connections: ConnectionPool
    position: str = ""

    def __post_init__(self) -> None:
        self.listener = ImapListener(ImapClient())
        self.changes = ImapChanges(self.connections)
        self.fetcher = ImapFetcher(self.connections)

    def deliver(self, number: int) -> None:
        self.served.deliver(mail(number), folder=ON_THE_WIRE, received_at=ADDED_AT)

    async def fetched(self, session: ListenerSession) -> list[FetchedMessage]:
        """What is new, once *session* has heard of something."""
        assert await session.changed(BOUND)
        found: list[FetchedMessage] = []
        async for page in self.changes.since(self.mailbox, FOLDER, self.position):
            found += [
                await self.fetcher.fetch(self.mailbox, each.pointer) for each in page.arrivals
            ]
            self.position = page.position
        return found


@pytest.fixture
async def listening(served: ServedMailbox) -> AsyncIterator[Listening]:
    served.create(ON_THE_WIRE)
    connections = ConnectionPool(ImapClient())
    of = replace(served.mailbox, account=replace(served.account, folders=(FOLDER,)))
    rig = Listening(served, of, connections)
    rig.deliver(1)
    rig.position = await rig.changes.position(of, FOLDER)
    yield rig
    await connections.aclose()


async def test_what_comes_in_is_listed_and_fetched(listening: Listening) -> None:
    async with listening.listener.open(listening.mailbox, FOLDER) as session:
        for number in (2, 3):
            listening.deliver(number)

            assert [each.raw for each in await listening.fetched(session)] == [mail(number)]


async def test_what_comes_in_while_the_connection_is_cut_off_is_listed(
    listening: Listening,
) -> None:
    async with listening.listener.open(listening.mailbox, FOLDER) as session:
        listening.served.cut_off()
        listening.deliver(2)
        with pytest.raises(Unavailable):
            await listening.fetched(session)
    async with listening.listener.open(listening.mailbox, FOLDER) as session:
        listening.deliver(3)

        assert [each.raw for each in await listening.fetched(session)] == [mail(2), mail(3)]


async def test_in_a_rebuilt_folder_what_is_there_is_listed_by_date(listening: Listening) -> None:
    """Even where the server lets the old session live on: nothing stops silently."""
    before = await fetched_by_date(listening)
    listening.served.rebuild(ON_THE_WIRE)

    async with listening.listener.open(listening.mailbox, FOLDER) as session:
        listening.deliver(2)
        with pytest.raises(PositionExpired):
            await listening.fetched(session)

    again = await fetched_by_date(listening)
    assert again.raw == before.raw  # to be handled once, by its Message-ID
    assert again.source != before.source


async def fetched_by_date(listening: Listening) -> FetchedMessage:
    pages = listening.changes.received_after(listening.mailbox, FOLDER, ADDED_AT)
    page = await anext(pages)
    return await listening.fetcher.fetch(listening.mailbox, page.arrivals[0].pointer)
