"""What only IMAP has of folders; the rest is in tests/contracts/test_mail_folders.py."""

import asyncio
from base64 import b64decode
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroom.adapters.imap.client import ImapClient
from postroom.adapters.imap.folder_names import encode_folder_name
from postroom.adapters.imap.folders import ImapFolders
from postroom.application.ports import FolderSession
from postroom.domain.failure import Unavailable
from postroom.entrypoints.emulators.imap_server import ImapServer
from tests.adapters.imap_rig import AT_ONCE, PASSWORD, account, mailbox
from tests.emulators.scripted_imap import scripted_imap
from tests.served_mailbox import ServedMailbox

MAIL = b"Subject: Hello\r\n\r\nHello\r\n"
NOON = datetime(2024, 1, 1, 12, tzinfo=UTC)
BRIEF = timedelta(milliseconds=100)
LONG = timedelta(minutes=5)


@pytest.fixture
async def server() -> AsyncIterator[ImapServer]:
    async with ImapServer({"ann": PASSWORD}) as server:
        yield server


@pytest.fixture
async def session(server: ImapServer) -> AsyncIterator[FolderSession]:
    """A session on a folder that has one message, which has been listed."""
    server.deliver("ann", MAIL, received_at=NOON)
    async with ImapFolders(ImapClient()).open(mailbox(account(server.port)), "INBOX") as session:
        await session.after(0)
        yield session


# --- Listing ------------------------------------------------------------------------------------


@pytest.mark.parametrize("hours", [-12, -8, 0, 5.5, 14])
async def test_a_listing_by_date_holds_in_every_time_zone(server: ImapServer, hours: float) -> None:
    """SINCE compares days in the server's zone, which may be yesterday or tomorrow."""
    server.zone = timezone(timedelta(hours=hours))
    moments = [datetime(2024, 1, 1, tzinfo=UTC) + timedelta(hours=hour) for hour in range(48)]
    for moment in moments:
        server.deliver("ann", MAIL, received_at=moment)

    async with ImapFolders(ImapClient()).open(mailbox(account(server.port)), "INBOX") as session:
        for count, moment in enumerate(moments):
            expected = tuple(range(count + 1, len(moments) + 1))
            assert (await session.received_since(moment)).uids == expected


async def test_a_listing_by_date_may_be_long(server: ImapServer) -> None:
    server.deliver("ann", MAIL, received_at=NOON - timedelta(seconds=1))
    for _ in range(450):
        server.deliver("ann", MAIL, received_at=NOON)

    async with ImapFolders(ImapClient()).open(mailbox(account(server.port)), "INBOX") as session:
        listing = await session.received_since(NOON)

    assert listing.uids == tuple(range(2, 452))


async def test_a_message_whose_date_cannot_be_read_is_listed() -> None:
    unreadable = '* 1 FETCH (UID 5 INTERNALDATE "whenever")\r\n'
    date = '"01-Jan-2001 00:00:00 +0000"'
    older = f"* 2 FETCH (UID 6 INTERNALDATE {date})\r\n* 2 FETCH (UID 6 FLAGS ())\r\n"
    responses = {
        "EXAMINE": ["* OK [UIDVALIDITY 3] valid\r\n* OK [UIDNEXT 8] next\r\nTAG OK\r\n"],
        "UID SEARCH": ["* SEARCH 5 6 7\r\nTAG OK\r\n"],
        "UID FETCH": [f"{unreadable}{older}TAG OK\r\n"],
    }
    async with scripted_imap(responses) as script:
        of = mailbox(account(script.port))
        async with ImapFolders(ImapClient()).open(of, "INBOX") as session:
            listing = await session.received_since(NOON)

    assert listing.uids == (5,)


async def test_listing_marks_no_message_as_seen(served: ServedMailbox) -> None:
    uid = served.deliver(MAIL)
    async with ImapFolders(ImapClient()).open(served.mailbox, "INBOX") as session:
        await session.received_since(NOON - timedelta(days=1))
        await session.after(0)

    assert not served.is_seen(uid)


async def test_uid_next_does_not_pass_what_the_session_has_not_been_told_of(
    server: ImapServer, session: FolderSession
) -> None:
    """STATUS would count the new message, while a search does not find it yet."""
    uid = server.deliver("ann", MAIL)
    listing = await session.after(1)

    assert listing.uids == ()
    assert listing.uid_next == uid
    assert (await session.after(1)).uids == (uid,)


async def test_a_folder_that_is_rebuilt_under_a_session_is_noticed(served: ServedMailbox) -> None:
    """Dovecot does not end the session, and goes on to show the folder as it was."""
    served.create("Anfragen")
    served.deliver(MAIL, folder="Anfragen")
    async with ImapFolders(ImapClient()).open(served.mailbox, "Anfragen") as session:
        before = await session.uid_validity()
        served.rebuild("Anfragen")
        served.deliver(MAIL, folder="Anfragen")

        with suppress(Unavailable):
            assert await session.uid_validity() != before
            assert (await session.after(0)).uids == (1, 2)


# --- Waiting ------------------------------------------------------------------------------------


async def test_what_is_told_in_the_answer_to_a_search_is_news(
    server: ImapServer, session: FolderSession
) -> None:
    """The server will not tell it again, neither when IDLE begins nor later."""
    server.silent_idle = True
    uid = server.deliver("ann", MAIL)
    assert (await session.after(1)).uids == ()

    async with asyncio.timeout(AT_ONCE):
        assert await session.changed(LONG)
    assert (await session.after(1)).uids == (uid,)


async def test_a_server_that_tells_nothing_while_idling_is_asked_in_time(
    server: ImapServer, session: FolderSession
) -> None:
    server.silent_idle = True
    waiting = asyncio.create_task(session.changed(BRIEF))
    await server.idling.wait()
    uid = server.deliver("ann", MAIL)

    async with asyncio.timeout(AT_ONCE):
        assert await waiting  # since the answer to DONE tells what IDLE did not
    assert (await session.after(1)).uids == (uid,)


async def test_idle_is_renewed_before_anybody_forgets_the_connection(server: ImapServer) -> None:
    folders = ImapFolders(ImapClient(), renewal=timedelta(milliseconds=10))
    async with folders.open(mailbox(account(server.port)), "INBOX") as session:
        await session.after(0)
        assert not await session.changed(BRIEF)

        assert server.seen.count("IDLE") > 1
        waiting = asyncio.create_task(session.changed(LONG))
        server.deliver("ann", MAIL)
        async with asyncio.timeout(AT_ONCE):
            assert await waiting


async def test_a_server_without_idle_is_asked_now_and_then(server: ImapServer) -> None:
    server.capabilities = "IMAP4rev1 AUTH=PLAIN"
    folders = ImapFolders(ImapClient(), poll=timedelta(milliseconds=10))
    async with folders.open(mailbox(account(server.port)), "INBOX") as session:
        await session.after(0)
        waiting = asyncio.create_task(session.changed(LONG))
        await server.arrived["NOOP"].wait()
        server.deliver("ann", MAIL)

        async with asyncio.timeout(AT_ONCE):
            assert await waiting
    assert "IDLE" not in server.seen


async def test_a_session_ends_with_its_block(server: ImapServer) -> None:
    async with ImapFolders(ImapClient()).open(mailbox(account(server.port)), "INBOX") as session:
        pass

    with pytest.raises(Unavailable):
        await session.after(0)
    await server.arrived["LOGOUT"].wait()


async def test_a_watch_that_is_cancelled_ends_at_once(server: ImapServer) -> None:
    async def watch() -> None:
        of = mailbox(account(server.port))
        async with ImapFolders(ImapClient()).open(of, "INBOX") as session:
            await session.after(0)
            await session.changed(LONG)

    task = asyncio.create_task(watch())
    await server.idling.wait()
    task.cancel()

    async with asyncio.timeout(AT_ONCE):
        await asyncio.wait([task])
    assert task.cancelled()


# --- Names --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "wire"),
    [
        ("INBOX", "INBOX"),
        ("a & b", "a &- b"),
        ("~peter/mail/台北/日本語", "~peter/mail/&U,BTFw-/&ZeVnLIqe-"),  # RFC 3501 section 5.1.3
        ("Hi Mom ☺!", "Hi Mom &Jjo-!"),
        ("Entwürfe", "Entw&APw-rfe"),
        ("😀", "&2D3eAA-"),
        ("a\r\nb", "a&AA0ACg-b"),
    ],
)
def test_a_folder_name_goes_over_the_wire_in_modified_utf_7(name: str, wire: str) -> None:
    assert encode_folder_name(name) == wire


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_a_folder_name_is_printable_on_the_wire_and_loses_nothing(name: str) -> None:
    wire = encode_folder_name(name)

    assert wire.isascii()
    assert wire.isprintable()
    assert decode_folder_name(wire) == name


def decode_folder_name(wire: str) -> str:
    text, *runs = wire.split("&")
    for run in runs:
        encoded, _, plain = run.partition("-")
        padded = encoded.replace(",", "/") + "=" * (-len(encoded) % 4)
        text += (b64decode(padded).decode("utf-16-be") or "&") + plain
    return text
