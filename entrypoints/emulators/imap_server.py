"""A small scriptable IMAP4rev1 server (RFC 3501) on the standard library, for tests and the demo.

Folders go by their names on the wire. Each session has its own view of its folder, which catches up
at the end of a command and while idling, as RFC 3501 section 5.2 has it and Dovecot does. So it
shows what a client overlooks that trusts its last look.

What goes wrong is scripted:

* `drop`, `expunge`, `change_uidvalidity`  the connection, a message, or all its UIDs go
* `refusals["LOGIN"] = "NO [UNAVAILABLE] …"`  the answer to a command, whatever it asks
* `slow["FETCH"] = 60`  seconds until a command is answered
* `hangs_up = {"IDLE"}`  the commands that are answered by hanging up
* `announces_nothing`  news are not told
* `content`  what is sent in the place of a message, if anything: see `Content`
* `greeting = "BYE …"`  no service at all
"""

import asyncio
import ssl
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from itertools import count
from typing import Self

from postroom.adapters.clock import SystemClock
from postroom.application.ports import Clock
from postroom.entrypoints.emulators.imap_folder import Folder, StoredMessage
from postroom.entrypoints.emulators.imap_session import Content, Session, as_it_is

_new_validity = count(1_700_000_001)


@dataclass(eq=False)
class ImapServer:
    """Use as `async with ImapServer({"user": "password"}) as server`, then at `server.port`.

    *tls* protects every connection, or with *starttls* those that ask. *zone* is that of the
    server's INTERNALDATE. *validities* are those of the folders to come. *seen* holds the commands
    of all sessions, in order; *arrived* tells when the first of a kind came, and *idling* when
    somebody began to idle.
    """

    users: dict[str, str] = field(default_factory=dict)
    tls: ssl.SSLContext | None = None
    starttls: bool = False
    zone: tzinfo = UTC
    clock: Clock = field(default_factory=SystemClock)
    port: int = 0

    capabilities: str = "IMAP4rev1 IDLE LITERAL+ AUTH=PLAIN"
    greeting: str = ""
    refusals: dict[str, str] = field(default_factory=dict)
    slow: dict[str, float] = field(default_factory=dict)
    hangs_up: set[str] = field(default_factory=set)
    announces_nothing: bool = False
    content: Content = as_it_is
    validities: Iterator[int] = field(default=_new_validity, repr=False)

    connections: int = 0
    seen: list[str] = field(default_factory=list)
    idling: asyncio.Event = field(default_factory=asyncio.Event)
    arrived: dict[str, asyncio.Event] = field(default_factory=lambda: defaultdict(asyncio.Event))
    folders: dict[str, dict[str, Folder]] = field(default_factory=lambda: defaultdict(dict))
    _sessions: dict[asyncio.Task[None], Session] = field(default_factory=dict)

    async def __aenter__(self) -> Self:
        tls = None if self.starttls else self.tls
        self._listener = await asyncio.start_server(
            self._serve, "127.0.0.1", self.port, ssl=tls, limit=2**20
        )
        self.port = self._listener.sockets[0].getsockname()[1]
        for user in self.users:
            self.create(user, "INBOX")
        return self

    async def __aexit__(self, *_: object) -> None:
        self._listener.close()
        tasks = list(self._sessions)
        self.drop()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._listener.wait_closed()

    def create(self, user: str, folder: str) -> None:
        self.folders[user].setdefault(folder, Folder(next(self.validities)))

    def deliver(
        self,
        user: str,
        raw: bytes,
        *,
        folder: str = "INBOX",
        received_at: datetime | None = None,
        flags: frozenset[str] = frozenset(),
    ) -> int:
        """Put a message into the folder, tell who is idling, and return its UID."""
        moment = (received_at or self.clock.now()).astimezone(self.zone).replace(microsecond=0)
        uid = self.folders[user][folder].add(StoredMessage(raw, moment, set(flags)))
        self._announce(user)
        return uid

    def expunge(self, user: str, uid: int, *, folder: str = "INBOX") -> None:
        del self.folders[user][folder].messages[uid]
        self._announce(user)

    def change_uidvalidity(self, user: str, *, folder: str = "INBOX") -> None:
        """Rebuild the folder: every message gets another UID, and sessions are thrown out."""
        old, new = self.folders[user][folder], Folder(next(self.validities))
        for message in old.messages.values():
            new.add(message)
        self.folders[user][folder] = new
        self.drop(user)

    def drop(self, user: str = "") -> None:
        """Reset the connections (of *user* if given) without a word."""
        for session in list(self._sessions.values()):
            if user in ("", session.user):
                session.writer.transport.abort()

    def _announce(self, user: str) -> None:
        if not self.announces_nothing:
            for session in self._sessions.values():
                if session.user == user and session.idling:
                    session.catch_up()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        session, task = Session(self, reader, writer), asyncio.current_task()
        assert task
        self._sessions[task] = session
        try:
            await session.run()
        except (ConnectionError, ssl.SSLError, EOFError, asyncio.CancelledError):
            pass  # the client went away, was dropped, or the server stops
        finally:
            del self._sessions[task]
            writer.close()
