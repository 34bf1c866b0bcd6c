"""What only IMAP has of lists; the rest is in tests/contracts/test_change_source.py."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroom.adapters.imap.changes import PAGE_SIZE, ImapChanges
from postroom.adapters.imap.client import ImapClient
from postroom.adapters.imap.pointer import ImapPointer
from postroom.adapters.imap.pool import ConnectionPool
from postroom.adapters.imap.position import FolderPosition
from postroom.application.ports import Arrival, BackfillPage, ChangesPage, PositionExpired
from postroom.domain.failure import AccessFailed, FolderMissing
from postroom.domain.mailbox import Mailbox
from postroom.entrypoints.emulators.imap_server import ImapServer
from tests.adapters.imap_rig import FOREIGN, PASSWORD, account, mailbox
from tests.emulators.scripted_imap import scripted_imap
from tests.served_mailbox import ServedMailbox

MAIL = b"Subject: Hello\r\n\r\nHello\r\n"
FOLDER = "Anfragen"
NOON = datetime(2024, 1, 1, 12, tzinfo=UTC)
SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)


@pytest.fixture
async def server() -> AsyncIterator[ImapServer]:
    async with ImapServer({"ann": PASSWORD}) as server:
        yield server


@pytest.fixture
async def changes() -> AsyncIterator[ImapChanges]:
    pool = ConnectionPool(ImapClient())
    yield ImapChanges(pool)
    await pool.aclose()


async def pages_since(
    changes: ImapChanges, of: Mailbox, position: object, folder: str = "INBOX"
) -> list[ChangesPage]:
    return [page async for page in changes.since(of, folder, str(position))]


async def pages_by_date(
    changes: ImapChanges, of: Mailbox, moment: datetime, folder: str = "INBOX"
) -> list[BackfillPage]:
    return [page async for page in changes.received_after(of, folder, moment)]


def uids(pages: Sequence[ChangesPage | BackfillPage]) -> list[int]:
    return [
        arrival.pointer.uid
        for page in pages
        for arrival in page.arrivals
        if isinstance(arrival.pointer, ImapPointer)
    ]


async def by_uid(changes: ImapChanges, served: ServedMailbox, uid: int) -> list[int]:
    """What is listed in FOLDER after *uid*."""
    position = FolderPosition(served.uid_validity(FOLDER), uid)
    return uids(await pages_since(changes, served.mailbox, position, FOLDER))


async def by_date(changes: ImapChanges, served: ServedMailbox, moment: datetime) -> list[int]:
    return uids(await pages_by_date(changes, served.mailbox, moment, FOLDER))


@pytest.fixture
def filled(served: ServedMailbox) -> ServedMailbox:
    """FOLDER holds two messages."""
    served.create(FOLDER)
    served.deliver(MAIL, folder=FOLDER, received_at=NOON)
    served.deliver(MAIL, folder=FOLDER, received_at=NOON + HOUR)
    return served


# --- By UID -------------------------------------------------------------------------------------


async def test_an_empty_folder_lists_nothing(served: ServedMailbox, changes: ImapChanges) -> None:
    served.create(FOLDER)
    position = await changes.position(served.mailbox, FOLDER)

    assert position == f"{served.uid_validity(FOLDER)}:0"
    assert await pages_since(changes, served.mailbox, position, FOLDER) == [
        ChangesPage((), position, is_last=True)
    ]
    assert await by_date(changes, served, NOON) == []


async def test_a_position_is_behind_all_that_is_in_the_folder(
    filled: ServedMailbox, changes: ImapChanges
) -> None:
    position = await changes.position(filled.mailbox, FOLDER)

    assert position == f"{filled.uid_validity(FOLDER)}:2"


async def test_messages_after_a_uid_are_listed_in_order(
    filled: ServedMailbox, changes: ImapChanges
) -> None:
    assert await by_uid(changes, filled, 0) == [1, 2]
    assert await by_uid(changes, filled, 1) == [2]


async def test_a_message_is_listed_with_its_date(
    filled: ServedMailbox, changes: ImapChanges
) -> None:
    uid_validity = filled.uid_validity(FOLDER)
    position = FolderPosition(uid_validity, 1)

    [page] = await pages_since(changes, filled.mailbox, position, FOLDER)

    wanted = Arrival(ImapPointer(FOLDER, 2, uid_validity), NOON + HOUR)
    assert page == ChangesPage([wanted], f"{uid_validity}:2", is_last=True)


async def test_a_folder_without_news_lists_nothing(
    filled: ServedMailbox, changes: ImapChanges
) -> None:
    """`n:*` holds the last message of an IMAP folder even if n is beyond it."""
    assert await by_uid(changes, filled, 2) == []
    assert await by_uid(changes, filled, 99) == []


async def test_a_message_that_just_came_in_is_listed_on_a_connection_that_was_open(
    filled: ServedMailbox, changes: ImapChanges
) -> None:
    """A session does not find what it has not been told of."""
    position = await changes.position(filled.mailbox, FOLDER)
    uid = filled.deliver(MAIL, folder=FOLDER)

    assert uids(await pages_since(changes, filled.mailbox, position, FOLDER)) == [uid]


async def test_a_position_does_not_pass_what_comes_in_while_it_is_listed(
    server: ImapServer, changes: ImapChanges
) -> None:
    of = mailbox(account(server.port))
    position = await changes.position(of, "INBOX")
    server.deliver("ann", MAIL)
    pages = changes.since(of, "INBOX", position)
    first = await anext(pages)
    late = server.deliver("ann", MAIL)

    assert uids([first]) == [1]
    assert uids(await pages_since(changes, of, first.position)) == [late]


async def test_a_position_does_not_go_back_on_a_server_that_lags_behind(
    filled: ServedMailbox, changes: ImapChanges
) -> None:
    """One of several servers for a mailbox may not know yet what another has shown."""
    ahead = FolderPosition(filled.uid_validity(FOLDER), 7)

    [page] = await pages_since(changes, filled.mailbox, ahead, FOLDER)

    assert page.position == str(ahead)


async def test_a_backlog_of_any_size_comes_in_pages(
    server: ImapServer, changes: ImapChanges
) -> None:
    of = mailbox(account(server.port))
    position = FolderPosition.parse(await changes.position(of, "INBOX"))
    for _ in range(2 * PAGE_SIZE + 1):
        server.deliver("ann", MAIL)

    pages = await pages_since(changes, of, position)

    assert [len(page.arrivals) for page in pages] == [PAGE_SIZE, PAGE_SIZE, 1]
    assert uids(pages) == list(range(1, 2 * PAGE_SIZE + 2))
    reached = [FolderPosition.parse(page.position).uid for page in pages]
    assert reached == [PAGE_SIZE, 2 * PAGE_SIZE, 2 * PAGE_SIZE + 1]
    assert [page.is_last for page in pages] == [False, False, True]


async def test_a_message_that_goes_while_it_is_listed_is_listed(changes: ImapChanges) -> None:
    """Its fetch says that it is gone; a server that lags behind must not have it passed over."""
    answers = {
        "EXAMINE": ["* OK [UIDVALIDITY 3] valid\r\n* OK [UIDNEXT 8] next\r\nTAG OK\r\n"],
        "UID SEARCH": ["* SEARCH 7\r\nTAG OK\r\n"],
    }
    async with scripted_imap(answers) as script:
        [page] = await pages_since(changes, mailbox(account(script.port)), "3:6")

    assert page.arrivals == [Arrival(ImapPointer("INBOX", 7, 3))]


# --- By date ------------------------------------------------------------------------------------


async def test_messages_since_a_moment_are_listed_to_the_second(
    filled: ServedMailbox, changes: ImapChanges
) -> None:
    assert await by_date(changes, filled, NOON) == [1, 2]
    assert await by_date(changes, filled, NOON + HOUR) == [2]
    assert await by_date(changes, filled, NOON + HOUR + SECOND) == []


async def test_a_fraction_of_a_second_hides_no_message(
    filled: ServedMailbox, changes: ImapChanges
) -> None:
    """An INTERNALDATE has no fractions: what came within the second of the moment may be later."""
    moment = NOON + HOUR + timedelta(milliseconds=999)

    assert await by_date(changes, filled, moment) == [2]


@pytest.mark.parametrize("hours", [-12, -8, 0, 5.5, 14])
async def test_a_list_by_date_holds_in_every_time_zone(
    server: ImapServer, changes: ImapChanges, hours: float
) -> None:
    """SINCE compares days in the server's zone, which may be yesterday or tomorrow."""
    server.zone = timezone(timedelta(hours=hours))
    moments = [datetime(2024, 1, 1, tzinfo=UTC) + timedelta(hours=hour) for hour in range(48)]
    for moment in moments:
        server.deliver("ann", MAIL, received_at=moment)

    for count, moment in enumerate(moments):
        pages = await pages_by_date(changes, mailbox(account(server.port)), moment)
        assert uids(pages) == list(range(count + 1, len(moments) + 1))


async def test_a_list_by_date_goes_by_date_and_not_by_uid(
    server: ImapServer, changes: ImapChanges
) -> None:
    """Mail that was moved in may be older than what came before it."""
    for hours in (3, 1, 2, 1):
        server.deliver("ann", MAIL, received_at=NOON + hours * HOUR)

    [page] = await pages_by_date(changes, mailbox(account(server.port)), NOON)

    assert uids([page]) == [2, 4, 3, 1]
    assert page.reached == NOON + 3 * HOUR


async def test_a_list_by_date_may_be_long(server: ImapServer, changes: ImapChanges) -> None:
    server.deliver("ann", MAIL, received_at=NOON - SECOND)
    for number in range(450):
        server.deliver("ann", MAIL, received_at=NOON + number * SECOND)

    pages = await pages_by_date(changes, mailbox(account(server.port)), NOON)

    assert uids(pages) == list(range(2, 452))
    assert [len(page.arrivals) for page in pages] == [200, 200, 50]
    assert [page.reached for page in pages] == [NOON + n * SECOND for n in (199, 399, 449)]


async def test_a_page_of_a_single_moment_has_not_reached_it(
    server: ImapServer, changes: ImapChanges
) -> None:
    """A list that went on from there would never get further."""
    for _ in range(450):
        server.deliver("ann", MAIL, received_at=NOON)
    server.deliver("ann", MAIL, received_at=NOON + HOUR)

    pages = await pages_by_date(changes, mailbox(account(server.port)), NOON)

    assert len(uids(pages)) == 451
    assert [page.reached for page in pages] == [None, None, NOON + HOUR]


async def test_a_message_whose_date_cannot_be_read_is_listed(changes: ImapChanges) -> None:
    unreadable = '* 1 FETCH (UID 5 INTERNALDATE "whenever")\r\n'
    date = '"01-Jan-2001 00:00:00 +0000"'
    older = f"* 2 FETCH (UID 6 INTERNALDATE {date})\r\n* 2 FETCH (UID 6 FLAGS ())\r\n"
    answers = {
        "EXAMINE": ["* OK [UIDVALIDITY 3] valid\r\n* OK [UIDNEXT 8] next\r\nTAG OK\r\n"],
        "UID SEARCH": ["* SEARCH 5 6 7\r\nTAG OK\r\n"],
        "UID FETCH": [f"{unreadable}{older}TAG OK\r\n"],
    }
    undated = Arrival(ImapPointer("INBOX", 5, 3))
    async with scripted_imap(answers) as script:
        of = mailbox(account(script.port))
        pages = await pages_by_date(changes, of, NOON)
        [changed] = await pages_since(changes, of, "3:0")

    assert pages == [BackfillPage([undated])]
    assert changed.arrivals[0] == undated


# --- The folder ---------------------------------------------------------------------------------


async def test_listing_marks_no_message_as_seen(
    served: ServedMailbox, changes: ImapChanges
) -> None:
    uid = served.deliver(MAIL)
    position = FolderPosition(served.uid_validity(), 0)

    assert uids(await pages_by_date(changes, served.mailbox, NOON - timedelta(days=1))) == [uid]
    assert uids(await pages_since(changes, served.mailbox, position)) == [uid]
    assert not served.is_seen(uid)


async def test_in_a_rebuilt_folder_every_position_has_expired(
    filled: ServedMailbox, changes: ImapChanges
) -> None:
    """Even on a connection that was open: Dovecot goes on to show the folder as it was."""
    before = await changes.position(filled.mailbox, FOLDER)
    filled.rebuild(FOLDER)

    with pytest.raises(PositionExpired):
        await pages_since(changes, filled.mailbox, before, FOLDER)
    assert await changes.position(filled.mailbox, FOLDER) == f"{filled.uid_validity(FOLDER)}:2"
    assert await by_date(changes, filled, NOON) == [1, 2]


async def test_a_folder_that_the_server_does_not_list_is_missing(
    filled: ServedMailbox, changes: ImapChanges
) -> None:
    with pytest.raises(FolderMissing) as caught:
        await changes.position(filled.mailbox, "Missing")

    assert set(caught.value.paths) == {"INBOX", FOLDER}


async def test_a_folder_that_the_server_lists_is_not_missing(
    server: ImapServer, changes: ImapChanges
) -> None:
    server.create("ann", "Entw&APw-rfe")
    server.refusals["EXAMINE"] = "NO [NOPERM] not for you"

    with pytest.raises(AccessFailed, match="NOPERM") as caught:
        await changes.position(mailbox(account(server.port)), "Entwürfe")

    assert not isinstance(caught.value, FolderMissing)


@pytest.mark.parametrize("name", ["INBOX", "inbox"])
async def test_the_inbox_is_never_missing(
    server: ImapServer, changes: ImapChanges, name: str
) -> None:
    del server.folders["ann"]["INBOX"]

    with pytest.raises(AccessFailed) as caught:
        await changes.position(mailbox(account(server.port)), name)

    assert not isinstance(caught.value, FolderMissing)


async def test_a_connection_that_broke_while_it_lay_idle_is_replaced(
    served: ServedMailbox, changes: ImapChanges
) -> None:
    position = await changes.position(served.mailbox, "INBOX")
    served.cut_off()

    assert await changes.position(served.mailbox, "INBOX") == position


async def test_a_mailbox_of_another_provider_cannot_be_listed(changes: ImapChanges) -> None:
    with pytest.raises(AccessFailed):
        await changes.position(FOREIGN, "INBOX")
    with pytest.raises(AccessFailed):
        await pages_since(changes, FOREIGN, "1:1")
    with pytest.raises(AccessFailed):
        await pages_by_date(changes, FOREIGN, NOON)


# --- The position -------------------------------------------------------------------------------


@given(st.integers(1, 2**32 - 1), st.integers(0, 2**32 - 1))
def test_a_position_is_read_as_it_was_written(uid_validity: int, uid: int) -> None:
    position = FolderPosition(uid_validity, uid)

    assert FolderPosition.parse(str(position)) == position


@pytest.mark.parametrize("position", ["", "7", "1:2:3", "a:b"])
def test_a_position_that_is_none_is_not_read(position: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - whichever
        FolderPosition.parse(position)
