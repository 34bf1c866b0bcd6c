from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta, timezone

import pytest

from postroom.adapters.imap.client import ImapClient
from postroom.adapters.imap.fetcher import ImapFetcher
from postroom.adapters.imap.pointer import ImapPointer
from postroom.adapters.imap.pool import ConnectionPool
from postroom.domain.failure import AccessFailed, SourceGone, Unavailable, Unprocessable
from tests.adapters.imap_rig import account, mailbox
from tests.emulators.scripted_imap import HANG_UP, scripted_imap
from tests.served_mailbox import ServedMailbox

FOLDER = "Anfragen"
MAIL = b"Subject: Hello\r\n\r\nHello\r\n"
EXAMINED = "* OK [UIDVALIDITY 3] valid\r\n* OK [UIDNEXT 8] next\r\nTAG OK\r\n"


def mail(message_id: str) -> bytes:
    return b"Subject: Hello\r\nMessage-ID: %s\r\n\r\nHello\r\n" % message_id.encode()


def pointer(
    served: ServedMailbox, uid: int, message_id: str = "", *, folder: str = "INBOX"
) -> ImapPointer:
    return ImapPointer(folder, uid, served.uid_validity(folder), message_id)


@pytest.fixture
async def fetcher() -> AsyncIterator[ImapFetcher]:
    pool = ConnectionPool(ImapClient())
    yield ImapFetcher(pool)
    await pool.aclose()


@pytest.mark.parametrize(
    "raw",
    [
        MAIL,
        b"\r\n",
        b"no end of line",
        b"Subject: )(\r\n\r\n* BYE\r\nA1 OK done\r\n+ go on\r\n{12}\r\n* 1 FETCH (UID 9)\r\n.\r\n",
        "Subject: Grüße\r\n\r\n".encode() + bytes(range(0x20, 0x100)) + b"\r\n",
        b"Subject: Big\r\n\r\n" + b"0123456789" * 300_000,
    ],
    ids=["plain", "bare", "no-newline", "like-imap", "eight-bit", "3-megabytes"],
)
async def test_a_message_is_fetched_byte_for_byte(
    served: ServedMailbox, fetcher: ImapFetcher, raw: bytes
) -> None:
    uid = served.deliver(raw)
    fetched = await fetcher.fetch(served.mailbox, pointer(served, uid))

    assert fetched.raw == raw
    assert fetched.source.startswith(f"imap:INBOX:{served.uid_validity()}:{uid}:{len(raw)}:")


async def test_a_uid_that_comes_again_is_another_source(fetcher: ImapFetcher) -> None:
    """As after a restore from a backup that is older than the message."""
    sources = set()
    for size, hour in ((5, 12), (5, 13), (6, 12)):
        date = f'"01-Jan-2024 {hour}:00:00 +0000"'
        responses = {
            "EXAMINE": [EXAMINED],
            "UID FETCH": [
                f"* 1 FETCH (UID 7 RFC822.SIZE {size})\r\nTAG OK\r\n",
                f'* 1 FETCH (BODY[] "Hello" INTERNALDATE {date} UID 7)\r\nTAG OK\r\n',
            ],
        }
        async with scripted_imap(responses) as script:
            fetched = await fetcher.fetch(mailbox(account(script.port)), ImapPointer("INBOX", 7, 3))
        sources.add(fetched.source)

    assert len(sources) == 3


@pytest.mark.parametrize("body", ["{0}\r\n", '""'])
async def test_a_message_that_should_not_be_empty_is_asked_for_again(
    fetcher: ImapFetcher, body: str
) -> None:
    date = '"01-Jan-2024 12:00:00 +0000"'
    responses = {
        "EXAMINE": [EXAMINED],
        "UID FETCH": [
            "* 1 FETCH (UID 7 RFC822.SIZE 5)\r\nTAG OK\r\n",
            f"* 1 FETCH (BODY[] {body} INTERNALDATE {date} UID 7)\r\nTAG OK\r\n",
        ],
    }
    async with scripted_imap(responses) as script:
        with pytest.raises(Unavailable, match="empty message"):
            await fetcher.fetch(mailbox(account(script.port)), ImapPointer("INBOX", 7, 3))


@pytest.mark.parametrize("body", ["{0}\r\n", '""'])
async def test_an_empty_message_is_a_message(fetcher: ImapFetcher, body: str) -> None:
    date = '"01-Jan-2024 12:00:00 +0000"'
    responses = {
        "EXAMINE": [EXAMINED],
        "UID FETCH": [
            "* 1 FETCH (UID 7 RFC822.SIZE 0)\r\nTAG OK\r\n",
            f"* 1 FETCH (BODY[] {body} INTERNALDATE {date} UID 7)\r\nTAG OK\r\n",
        ],
    }
    async with scripted_imap(responses) as script:
        of = mailbox(account(script.port))
        fetched = await fetcher.fetch(of, ImapPointer("INBOX", 7, 3))

    assert fetched.raw == b""


async def test_a_message_was_received_when_the_server_says(
    served: ServedMailbox, fetcher: ImapFetcher
) -> None:
    """Not when its sender says."""
    moment = datetime(2024, 2, 29, 23, 59, 59, tzinfo=timezone(timedelta(hours=-8)))
    raw = b"Date: Mon, 1 Jan 2001 00:00:00 +0000\r\n\r\nHello\r\n"
    uid = served.deliver(raw, received_at=moment)
    fetched = await fetcher.fetch(served.mailbox, pointer(served, uid))

    assert fetched.received_at == moment
    assert fetched.received_at.tzinfo is UTC


async def test_a_fetched_message_is_as_unseen_as_before(
    served: ServedMailbox, fetcher: ImapFetcher
) -> None:
    uid = served.deliver(MAIL)
    await fetcher.fetch(served.mailbox, pointer(served, uid))

    assert not served.is_seen(uid)


async def test_a_folder_with_a_foreign_name_is_found(
    served: ServedMailbox, fetcher: ImapFetcher
) -> None:
    served.create("M&APY-bel &- mehr")
    uid = served.deliver(MAIL, folder="M&APY-bel &- mehr")
    validity = served.uid_validity("M&APY-bel &- mehr")
    fetched = await fetcher.fetch(served.mailbox, ImapPointer("Möbel & mehr", uid, validity))

    assert fetched.source.startswith(f"imap:Möbel & mehr:{validity}:{uid}:")


async def test_a_message_that_just_came_in_is_found_on_a_connection_that_was_open(
    served: ServedMailbox, fetcher: ImapFetcher
) -> None:
    """A session that has not been told of a message does not find it."""
    first, other = served.deliver(MAIL), pointer(served, 2)
    await fetcher.fetch(served.mailbox, pointer(served, first))
    served.deliver(mail("<second@x.example>"))

    assert b"second" in (await fetcher.fetch(served.mailbox, other)).raw


# --- What cannot be fetched ---------------------------------------------------------------------


async def test_a_message_that_the_server_has_not_heard_of_is_not_gone(
    served: ServedMailbox, fetcher: ImapFetcher
) -> None:
    """One of several servers for the same mailbox may lag behind that which we listened to."""
    served.deliver(MAIL)

    with pytest.raises(Unavailable):
        await fetcher.fetch(served.mailbox, pointer(served, 2))


async def test_a_message_that_goes_while_it_is_fetched_is_gone(fetcher: ImapFetcher) -> None:
    responses = {
        "EXAMINE": [EXAMINED],
        "UID FETCH": ["* 1 FETCH (UID 7 RFC822.SIZE 9)\r\nTAG OK\r\n", "TAG OK\r\n"],
    }
    async with scripted_imap(responses) as script:
        with pytest.raises(SourceGone):
            await fetcher.fetch(mailbox(account(script.port)), ImapPointer("INBOX", 7, 3))


async def test_a_message_without_a_date_of_arrival_is_not_gone(fetcher: ImapFetcher) -> None:
    responses = {
        "EXAMINE": [EXAMINED],
        "UID FETCH": [
            "* 1 FETCH (UID 7 RFC822.SIZE 1)\r\nTAG OK\r\n",
            '* 1 FETCH (UID 7 INTERNALDATE "whenever" BODY[] "x")\r\nTAG OK\r\n',
        ],
    }
    async with scripted_imap(responses) as script:
        with pytest.raises(Unprocessable):
            await fetcher.fetch(mailbox(account(script.port)), ImapPointer("INBOX", 7, 3))


async def test_what_the_server_says_of_other_messages_is_not_taken_for_this_one(
    fetcher: ImapFetcher,
) -> None:
    """A server tells of flags that change, of any message and at any time (RFC 3501 section 7)."""
    flags = "* 1 FETCH (UID 7 FLAGS ())\r\n* 2 FETCH (FLAGS ())\r\n"
    other = '* 3 FETCH (UID 5 INTERNALDATE "01-Jan-2001 12:00:00 +0000" BODY[] "no")\r\n'
    this = '* 1 FETCH (UID 7 INTERNALDATE "01-Jan-2024 12:00:00 +0000" BODY[] {3}\r\nyes)\r\n'
    responses = {
        "EXAMINE": [EXAMINED],
        "UID FETCH": [
            f"{flags}* 1 FETCH (UID 7 RFC822.SIZE 3)\r\nTAG OK\r\n",
            f"{flags}{other}{this}{flags}* 9 EXISTS\r\nTAG OK\r\n",
        ],
    }
    async with scripted_imap(responses) as script:
        of = mailbox(account(script.port))
        fetched = await fetcher.fetch(of, ImapPointer("INBOX", 7, 3))

    assert fetched.raw == b"yes"
    assert fetched.received_at == datetime(2024, 1, 1, 12, tzinfo=UTC)


async def test_where_only_another_message_comes_ours_is_not_there(fetcher: ImapFetcher) -> None:
    """It is asked for again before that is believed."""
    other = '* 3 FETCH (UID 5 INTERNALDATE "01-Jan-2001 12:00:00 +0000" BODY[] "no")\r\n'
    responses = {
        "EXAMINE": [EXAMINED],
        "UID FETCH": [
            "* 1 FETCH (UID 7 RFC822.SIZE 3)\r\nTAG OK\r\n",
            f"{other}TAG OK\r\n",
        ],
    }
    async with scripted_imap(responses) as script:
        with pytest.raises(SourceGone):
            await fetcher.fetch(mailbox(account(script.port)), ImapPointer("INBOX", 7, 3))


async def test_what_is_no_imap_is_asked_for_again(fetcher: ImapFetcher) -> None:
    responses = {"EXAMINE": ["HTTP/1.1 200 OK\r\n\r\n<h1>Please wait</h1>\r\n" + HANG_UP]}
    async with scripted_imap(responses) as script:
        with pytest.raises(Unavailable):
            await fetcher.fetch(mailbox(account(script.port)), ImapPointer("INBOX", 7, 3))


async def test_a_message_that_is_too_large_is_not_fetched(served: ServedMailbox) -> None:
    uid = served.deliver(MAIL)
    pool = ConnectionPool(ImapClient())

    with pytest.raises(Unprocessable, match=f"{len(MAIL)} bytes"):
        await ImapFetcher(pool, len(MAIL) - 1).fetch(served.mailbox, pointer(served, uid))
    fits = await ImapFetcher(pool, len(MAIL)).fetch(served.mailbox, pointer(served, uid))
    assert fits.raw == MAIL
    await pool.aclose()


async def test_a_missing_folder_is_for_a_person_to_mend(
    served: ServedMailbox, fetcher: ImapFetcher
) -> None:
    with pytest.raises(AccessFailed):
        await fetcher.fetch(served.mailbox, ImapPointer("Missing", 1, 1))


# --- Folders that were rebuilt ------------------------------------------------------------------


@pytest.fixture
def rebuilt(served: ServedMailbox) -> ServedMailbox:
    """A folder whose messages 2 and 3 have become 1 and 2 under another UIDVALIDITY."""
    served.create(FOLDER)
    first = served.deliver(mail("<gone@x.example>"), folder=FOLDER)
    served.deliver(mail("<11@x.example>"), folder=FOLDER)
    served.deliver(mail("\r\n <1@X.Example>"), folder=FOLDER)
    served.expunge(first, folder=FOLDER)
    return served


@pytest.mark.parametrize("message_id", ["<1@x.example>", "1@x.example", "<1@X.EXAMPLE>"])
async def test_in_a_rebuilt_folder_the_message_is_looked_up_by_its_id(
    rebuilt: ServedMailbox, fetcher: ImapFetcher, message_id: str
) -> None:
    """The old UID now is another message's, or nobody's. A search finds `<11@x.example>` too."""
    old = pointer(rebuilt, 3, message_id, folder=FOLDER)
    rebuilt.rebuild(FOLDER)
    fetched = await fetcher.fetch(rebuilt.mailbox, old)

    assert b"<1@X.Example>" in fetched.raw
    assert fetched.source.startswith(f"imap:{FOLDER}:{rebuilt.uid_validity(FOLDER)}:2:")


@pytest.mark.parametrize(
    ("message_id", "reason"),
    [
        ("", "cannot be looked up"),
        ("<grüße@x.example>", "cannot be looked up"),
        ("<gone@x.example>", "no longer in it"),
        ("<@x.example>", "no longer in it"),
        ('<a"b\\c@x.example>', "no longer in it"),
        ('x" ALL UID "1', "no longer in it"),
    ],
)
async def test_in_a_rebuilt_folder_a_message_that_is_not_found_is_gone(
    rebuilt: ServedMailbox, fetcher: ImapFetcher, message_id: str, reason: str
) -> None:
    """It must not be taken for the message that has its UID by now."""
    old = pointer(rebuilt, 2, message_id, folder=FOLDER)
    rebuilt.rebuild(FOLDER)

    with pytest.raises(SourceGone, match=reason):
        await fetcher.fetch(rebuilt.mailbox, old)
