"""Our IMAP server behaves as a real one does, towards a client that is not ours."""

import asyncio
import imaplib
from datetime import UTC, datetime
from typing import Any

from tests.served_mailbox import ServedMailbox

MAIL = b"Subject: Hello\r\nMessage-ID: <%d@x.example>\r\n\r\nHello\r\n"

_SUBJECT = b"Subject: Hello\r\n\r\n"


def converse(served: ServedMailbox) -> list[Any]:
    """What Python's own client sees of a session that touches every command, times left out."""
    with imaplib.IMAP4("127.0.0.1", served.port, timeout=10) as client:
        seen: list[Any] = ["IMAP4REV1" in client.capabilities]
        seen.append(_refused(client.authenticate, "PLAIN", lambda _: b"\0nobody\0nothing"))
        credentials = f"\0{served.user}\0{served.password}".encode()
        seen.append(client.authenticate("PLAIN", lambda _: credentials)[0])
        seen.append(b"IDLE" in client.capability()[1][0].split())
        seen += [client.noop()[0], client.select("Missing")[0], _folders(client)]
        for number, day in enumerate((1, 2, 3), 1):
            date = imaplib.Time2Internaldate(datetime(2024, 1, day, 12, tzinfo=UTC))
            seen.append(client.append("INBOX", None, date, MAIL % number)[0])
        seen.append(client.select("INBOX", readonly=True))
        seen.append(client.response("UIDNEXT"))
        seen += [_search(client, *keys) for keys in _SEARCHES]
        seen.append(client.uid("FETCH", "2", "(RFC822.SIZE BODY.PEEK[])"))
        seen.append(client.fetch("3", "(UID BODY.PEEK[HEADER.FIELDS (SUBJECT)])"))
        seen += [client.uid("FETCH", "99", "(UID)"), client.select("INBOX")]
        seen += [_flags(client, 1), client.fetch("1", "(BODY.PEEK[])")[0], _flags(client, 1)]
        seen += [client.fetch("1", "(BODY[])")[0], _flags(client, 1)]
        seen.append(client.store("2", "+FLAGS", r"(\Deleted)")[0])
        seen += [client.expunge(), _search(client, "ALL"), client.noop()[0]]
        seen.append(client.logout()[0])
    return seen


_SEARCHES = [
    ("ALL",),
    ("UID", "2:*"),
    ("UID", "99:*"),
    ("SINCE", "2-Jan-2024"),
    ("SINCE", "1-Jan-2025"),
    ("HEADER", "Message-ID", '"2@X.example"'),
    ("HEADER", "Message-ID", '"@x.example"', "SINCE", "3-Jan-2024"),
]


def _search(client: imaplib.IMAP4, *keys: str) -> Any:  # noqa: ANN401 - as imaplib has it
    return client.uid("SEARCH", *keys)


def _folders(client: imaplib.IMAP4) -> list[bytes]:
    """Names: a server may quote them or not."""
    _, listed = client.list()
    return [line.split()[-1].strip(b'"') for line in listed if isinstance(line, bytes)]


def _flags(client: imaplib.IMAP4, number: int) -> set[bytes]:
    _, (answer,) = client.fetch(str(number), "(FLAGS)")
    assert isinstance(answer, bytes)
    return set(imaplib.ParseFlags(answer)) - {rb"\Recent"}


def _refused(call: Any, *arguments: Any) -> bool:  # noqa: ANN401 - as imaplib has it
    try:
        call(*arguments)
    except imaplib.IMAP4.error:
        return True
    return False


async def test_pythons_own_client_sees_what_a_real_server_would_show(
    served: ServedMailbox,
) -> None:
    seen = await asyncio.to_thread(converse, served)

    assert seen == [
        *(True, True, "OK", True, "OK", "NO", [b"INBOX"]),
        *("OK", "OK", "OK"),
        ("OK", [b"3"]),
        ("UIDNEXT", [b"4"]),
        *(("OK", [found]) for found in (b"1 2 3", b"2 3", b"3", b"2 3", b"", b"2", b"3")),
        ("OK", [(b"2 (UID 2 RFC822.SIZE 52 BODY[] {52}", MAIL % 2), b")"]),
        ("OK", [(b"3 (UID 3 BODY[HEADER.FIELDS (SUBJECT)] {18}", _SUBJECT), b")"]),
        *(("OK", [None]), ("OK", [b"3"])),
        *(set(), "OK", set(), "OK", {rb"\Seen"}),
        *("OK", ("OK", [b"2"]), ("OK", [b"1 3"]), "OK"),
        "BYE",
    ]
