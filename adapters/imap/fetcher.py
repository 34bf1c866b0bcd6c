"""Fetches the one message that an IMAP pointer points at."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from postroom.adapters.imap.account import ImapAccount
from postroom.adapters.imap.connection import Connection, OpenFolder
from postroom.adapters.imap.pointer import ImapPointer
from postroom.adapters.imap.pool import ConnectionPool
from postroom.adapters.imap.responses import FetchData
from postroom.application.ports import FetchedMessage, MessageFetcher
from postroom.domain.failure import SourceGone, Unavailable, Unprocessable
from postroom.domain.identity import normalise_message_id
from postroom.domain.mail.message import SourceHints
from postroom.domain.mailbox import Mailbox
from postroom.domain.pointer import Pointer

_OF_THE_SYSTEM = {rf"\{word}": f"${word}" for word in ("seen", "answered", "flagged", "draft")}
_MESSAGE_ID = re.compile(rb"^message-id:(.*)", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class ImapFetcher(MessageFetcher):
    """Reads at most *max_message_bytes* bytes. Whether the message was seen stays as it is."""

    connections: ConnectionPool
    max_message_bytes: int = 50 * 2**20

    async def fetch(self, mailbox: Mailbox, pointer: Pointer) -> FetchedMessage:
        account = mailbox.account
        if not (isinstance(account, ImapAccount) and isinstance(pointer, ImapPointer)):
            raise Unprocessable(f"a {pointer.provider} pointer for a {mailbox.provider} mailbox")
        return await self.connections.use(account, partial(self._read, pointer))

    async def _read(self, pointer: ImapPointer, connection: Connection) -> FetchedMessage:
        # Opened for each message: a session does not know those that were not announced in it.
        folder = await connection.examine(pointer.folder)
        uid = await _find(connection, folder, pointer)
        size = await self._size(connection, uid)
        await connection.make_room_for(size)
        raw, received_at, flags = await self._body(connection, uid, size)
        await connection.make_room_for(max(len(raw) - size, 0))  # of which the server has not told
        source = _source(folder, pointer.folder, uid, size, received_at)
        hints = SourceHints(
            id=f"{pointer.folder};UIDVALIDITY={folder.uid_validity};UID={uid}",
            folder=pointer.folder,
            keywords=_keywords(flags),
        )
        return FetchedMessage(source, raw, received_at, hints)

    async def _size(self, connection: Connection, uid: int) -> int:
        sizes = (data.size for data in await _data(connection, uid, "RFC822.SIZE"))
        size = next((size for size in sizes if size is not None), None)
        if size is None:
            raise SourceGone("the message is no longer in the folder")
        if size > self.max_message_bytes:
            raise Unprocessable(f"the message has {size} bytes, more than {self.max_message_bytes}")
        return size

    async def _body(
        self, connection: Connection, uid: int, size: int
    ) -> tuple[bytes, datetime, tuple[str, ...]]:
        items = "FLAGS INTERNALDATE BODY.PEEK[]"
        for data in await _data(connection, uid, items, max_bytes=self.max_message_bytes):
            if data.content is None:
                continue
            if data.received_at is None:
                raise Unprocessable("the IMAP server does not say when the message arrived")
            if size and not data.content:
                raise Unavailable("the IMAP server answered with an empty message")
            return data.content, data.received_at, data.flags
        raise SourceGone("the message left the folder while it was fetched")


def _keywords(flags: Iterable[str]) -> tuple[str, ...]:
    """RFC 8621 section 4.1.1: in lower case, and of the system's flags those that have a word."""
    words = (_OF_THE_SYSTEM.get(flag.lower(), flag.lower()) for flag in flags)
    return tuple(sorted({word for word in words if not word.startswith("\\")}))


def _source(folder: OpenFolder, path: str, uid: int, size: int, received_at: datetime) -> str:
    """A UID alone may come again, as another message: after a server was restored from a backup."""
    return f"imap:{path}:{folder.uid_validity}:{uid}:{size}:{received_at.timestamp():.0f}"


async def _find(connection: Connection, folder: OpenFolder, pointer: ImapPointer) -> int:
    """The UID that *pointer*'s message has by now."""
    if folder.uid_validity != pointer.uid_validity:
        return await _find_by_message_id(connection, pointer)
    if pointer.uid >= folder.uid_next:
        raise Unavailable("this IMAP server has not heard of the message yet")  # a lagging replica
    return pointer.uid


async def _find_by_message_id(connection: Connection, pointer: ImapPointer) -> int:
    wanted = normalise_message_id(pointer.message_id)
    if not (wanted and wanted.isascii() and wanted.isprintable()):
        raise SourceGone("the folder was rebuilt, and the message cannot be looked up by an id")
    quoted = wanted.replace("\\", r"\\").replace('"', r"\"")
    # The search is for a part of the header (RFC 3501 section 6.4.4): look at what it found.
    for uid in await connection.search("HEADER", "Message-ID", f'"{quoted}"'):
        for data in await _data(connection, uid, "BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)]"):
            header = _MESSAGE_ID.match(data.content or b"")
            if header and normalise_message_id(header[1].decode("ascii", "replace")) == wanted:
                return uid
    raise SourceGone("the folder was rebuilt, and the message is no longer in it")


async def _data(
    connection: Connection, uid: int, items: str, *, max_bytes: int = 0
) -> list[FetchData]:
    return (await connection.fetch([uid], items, max_bytes=max_bytes))[uid]
