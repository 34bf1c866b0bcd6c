"""Commands on a connection, and the ways in which they fail."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta

import pytest

from postroom.adapters.http.downloads import DownloadLimits, TooSlow
from postroom.adapters.imap.client import ImapClient
from postroom.adapters.imap.connection import MAX_RESPONSE_BYTES, Connection
from postroom.adapters.imap.errors import ConnectionLost
from postroom.domain.failure import AccessFailed, Unavailable, Unprocessable
from postroom.entrypoints.emulators.imap_server import ImapServer
from tests.adapters.imap_rig import AT_ONCE, HASTY, PASSWORD, account
from tests.emulators.scripted_imap import CONTINUED, HANG_UP, scripted_imap
from tests.served_mailbox import ServedMailbox

MAIL = b"Subject: Hello\r\n\r\nHello\r\n"
LONG = timedelta(minutes=5)


@pytest.fixture
async def server() -> AsyncIterator[ImapServer]:
    async with ImapServer({"ann": PASSWORD}) as server:
        yield server


@pytest.fixture
async def connection(server: ImapServer) -> AsyncIterator[Connection]:
    """A connection that waits for nothing longer than *HASTY*, with an open folder."""
    connection = await ImapClient(timeout=HASTY).connect(account(server.port))
    await connection.examine("INBOX")
    connection.protocol.changed.clear()
    yield connection
    await connection.aclose()


async def idling(server: ImapServer, connection: Connection) -> asyncio.Task[None]:
    """A task that idles, the server knowing of it."""
    task = asyncio.create_task(connection.idle(LONG))
    await server.idling.wait()
    return task


async def test_a_folder_may_have_any_name(served: ServedMailbox) -> None:
    served.create("Entw&APw-rfe &- Co")
    connection = await ImapClient().connect(served.account)

    assert (await connection.examine("Entwürfe & Co")).uid_next == 1
    await connection.aclose()


async def test_a_folder_that_is_not_there_leaves_the_connection_in_use(
    served: ServedMailbox,
) -> None:
    connection = await ImapClient().connect(served.account)
    with pytest.raises(AccessFailed):
        await connection.examine("Missing")

    assert (await connection.examine("INBOX")).uid_next == 1
    await connection.aclose()


async def test_no_command_reaches_the_folder_that_was_open_before(
    server: ImapServer, connection: Connection
) -> None:
    """After a failed EXAMINE no folder is open (RFC 3501 section 6.3.1)."""
    with pytest.raises(AccessFailed):
        await connection.examine("Missing")

    with pytest.raises(Exception, match="illegal in state AUTH"):
        await connection.search("ALL")


@pytest.mark.parametrize("said", ["* 1 EXISTS\r\n", "* OK [UIDVALIDITY 0] none\r\n"])
async def test_a_folder_without_uid_validity_cannot_be_used(said: str) -> None:
    async with scripted_imap({"EXAMINE": [f"{said}TAG OK\r\n"]}) as script:
        connection = await ImapClient().connect(account(script.port))
        with pytest.raises(AccessFailed, match="UIDVALIDITY"):
            await connection.examine("INBOX")
        await connection.aclose()


@pytest.mark.parametrize(
    ("last", "uid_next"), [("* SEARCH 7\r\n", 8), ("* SEARCH\r\n", 1), ("", 1)]
)
async def test_a_server_without_uid_next_is_asked_for_its_last_uid(
    last: str, uid_next: int
) -> None:
    responses = {
        "EXAMINE": ["* OK [UIDVALIDITY 3] valid\r\nTAG OK\r\n"],
        "UID SEARCH": [last + "TAG OK\r\n"],
    }
    async with scripted_imap(responses) as script:
        connection = await ImapClient().connect(account(script.port))

        assert (await connection.examine("INBOX")).uid_next == uid_next
        await connection.aclose()


# --- Bounds -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "call"),
    [
        ("EXAMINE", lambda connection: connection.examine("INBOX")),
        ("UID SEARCH", lambda connection: connection.search("ALL")),
        ("UID FETCH", lambda connection: connection.fetch([1], "FLAGS")),
    ],
)
async def test_a_command_that_is_not_answered_ends_in_time(
    server: ImapServer,
    connection: Connection,
    command: str,
    call: Callable[[Connection], Awaitable[object]],
) -> None:
    server.slow[command] = 60

    async with asyncio.timeout(AT_ONCE):
        with pytest.raises(Unavailable, match=f"did not answer {command.removeprefix('UID ')}"):
            await call(connection)

    assert not connection.is_open


async def test_a_command_that_is_given_up_ends_the_connection(
    server: ImapServer, connection: Connection
) -> None:
    """Its answer would be taken for the next command's."""
    server.slow["UID SEARCH"] = 60
    task = asyncio.create_task(connection.search("ALL"))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])

    assert task.cancelled()
    assert not connection.is_open
    with pytest.raises(ConnectionLost):
        await connection.search("ALL")


async def test_an_answer_that_is_too_large_is_not_read(
    server: ImapServer, connection: Connection
) -> None:
    uid = server.deliver("ann", b"x" * (MAX_RESPONSE_BYTES + 2**20))
    await connection.examine("INBOX")

    with pytest.raises(Unprocessable):
        await connection.fetch([uid], "BODY.PEEK[]", max_bytes=1000)
    assert not connection.is_open


async def test_an_answer_may_have_any_number_of_lines(
    server: ImapServer, connection: Connection
) -> None:
    """aioimaplib alone recurses for each line: a RecursionError at a thousand."""
    for _ in range(3000):
        server.deliver("ann", MAIL)
    await connection.examine("INBOX")
    server.folders["ann"]["INBOX"].messages.clear()

    assert await connection.search("ALL") == ()
    assert connection.is_open


async def test_a_command_whose_connection_breaks_fails_at_once(
    server: ImapServer, connection: Connection
) -> None:
    server.slow["UID SEARCH"] = 60
    task = asyncio.create_task(connection.search("ALL"))
    await server.arrived["UID SEARCH"].wait()
    server.drop()

    with pytest.raises(ConnectionLost):
        async with asyncio.timeout(HASTY.total_seconds() / 2):
            await task


async def test_a_message_that_breaks_off_fails_at_once() -> None:
    responses = {
        "EXAMINE": ["* OK [UIDVALIDITY 3] v\r\n* OK [UIDNEXT 8] n\r\nTAG OK\r\n"],
        "UID FETCH": ["* 1 FETCH (UID 7 BODY[] {1000}\r\nonly this" + HANG_UP],
    }
    async with asyncio.timeout(AT_ONCE), scripted_imap(responses) as script:
        connection = await ImapClient().connect(account(script.port))
        await connection.examine("INBOX")

        with pytest.raises(ConnectionLost):
            await connection.fetch([7], "BODY.PEEK[]", max_bytes=1000)


# --- Idling -------------------------------------------------------------------------------------


async def test_news_end_the_wait(server: ImapServer, connection: Connection) -> None:
    task = await idling(server, connection)
    server.deliver("ann", MAIL)

    async with asyncio.timeout(AT_ONCE):
        await task
    assert connection.protocol.changed.is_set()
    assert await connection.search("ALL") == (1,)


async def test_what_is_not_a_new_message_does_not_end_the_wait(
    server: ImapServer, connection: Connection
) -> None:
    uid = server.deliver("ann", MAIL)
    await connection.examine("INBOX")
    connection.protocol.changed.clear()
    task = asyncio.create_task(connection.idle(timedelta(milliseconds=100)))
    await server.idling.wait()
    server.expunge("ann", uid)
    await task

    assert not connection.protocol.changed.is_set()


async def test_a_connection_that_breaks_ends_the_wait_at_once(
    server: ImapServer, connection: Connection
) -> None:
    task = await idling(server, connection)
    server.drop()

    async with asyncio.timeout(AT_ONCE):
        with pytest.raises(ConnectionLost):
            await task


async def test_a_server_that_hangs_up_instead_of_idling_ends_the_wait_at_once(
    server: ImapServer, connection: Connection
) -> None:
    server.hangs_up.add("IDLE")

    async with asyncio.timeout(AT_ONCE):
        with pytest.raises(ConnectionLost):
            await connection.idle(LONG)


async def test_a_server_that_says_good_bye_ends_the_wait_at_once() -> None:
    """Even if it does not close the connection."""
    responses = {
        "EXAMINE": ["* OK [UIDVALIDITY 3] v\r\n* OK [UIDNEXT 8] n\r\nTAG OK\r\n"],
        "IDLE": ["+ idling\r\n* BYE shutting down\r\n"],
    }
    async with asyncio.timeout(AT_ONCE), scripted_imap(responses) as script:
        connection = await ImapClient().connect(account(script.port))
        await connection.examine("INBOX")

        with pytest.raises(ConnectionLost):
            await connection.idle(LONG)


async def test_a_server_that_does_not_answer_idle_is_unavailable_in_time(
    server: ImapServer, connection: Connection
) -> None:
    server.slow["IDLE"] = 60

    async with asyncio.timeout(AT_ONCE):
        with pytest.raises(Unavailable, match="did not answer IDLE"):
            await connection.idle(LONG)
    await asyncio.sleep(0)
    assert not connection.is_open


@pytest.mark.parametrize("response", ["NO not now", "BAD what?", "OK done already"])
async def test_a_server_that_will_not_idle_is_unavailable(
    server: ImapServer, connection: Connection, response: str
) -> None:
    server.refusals["IDLE"] = response

    async with asyncio.timeout(AT_ONCE):
        with pytest.raises(Unavailable):
            await connection.idle(LONG)


async def test_a_server_that_does_not_end_idle_is_unavailable_in_time() -> None:
    responses = {
        "EXAMINE": ["* OK [UIDVALIDITY 3] v\r\n* OK [UIDNEXT 8] n\r\nTAG OK\r\n"],
        "IDLE": ["+ idling\r\n"],
        CONTINUED: [""],
    }
    async with asyncio.timeout(AT_ONCE), scripted_imap(responses) as script:
        connection = await ImapClient(timeout=HASTY).connect(account(script.port))
        await connection.examine("INBOX")

        with pytest.raises(Unavailable, match="did not end IDLE"):
            await connection.idle(timedelta(milliseconds=10))


async def test_after_idling_the_connection_is_as_good_as_before(served: ServedMailbox) -> None:
    connection = await ImapClient().connect(served.account)
    await connection.examine("INBOX")
    connection.protocol.changed.clear()
    for _ in range(3):
        await connection.idle(timedelta(milliseconds=10))

    uid = served.deliver(MAIL)
    await connection.idle(timedelta(seconds=10))
    assert await connection.search("ALL") == (uid,)
    await connection.aclose()


async def test_a_body_that_drips_is_cut_off() -> None:
    drip = "* 1 FETCH (UID 1 BODY[] {100000}\r\nSubject: Hello"
    downloads = DownloadLimits(rate=100_000, within=HASTY)
    script = {"EXAMINE": ["* OK [UIDVALIDITY 1]\r\n* OK [UIDNEXT 2]\r\nTAG OK\r\n"]}
    async with scripted_imap({**script, "UID FETCH": [drip]}) as server:
        connection = await ImapClient(downloads=downloads).connect(account(server.port))
        await connection.examine("INBOX")

        with pytest.raises(TooSlow, match="the IMAP server sent less than 100000 bytes a second"):
            await connection.fetch([1], "BODY.PEEK[]", max_bytes=100_000)

        assert not connection.is_open


async def test_what_comes_after_a_fetch_is_no_part_of_it(
    server: ImapServer, connection: Connection
) -> None:
    server.deliver("ann", MAIL)
    await connection.examine("INBOX")
    await connection.fetch([1], "BODY.PEEK[]", max_bytes=1000)

    connection.protocol.data_received(b"* OK " + b"x" * 60_000 + b"\r\n")

    assert connection.is_open
