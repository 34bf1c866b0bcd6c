"""One user's mailbox on an IMAP server, as a test wants to handle it: from behind, not by our code.

Folder names are those on the wire.
"""

import imaplib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self
from uuid import uuid4

from postroom.adapters.imap.account import ImapAccount, Security
from postroom.domain.account import Secret
from postroom.domain.mailbox import Mailbox
from postroom.entrypoints.emulators.imap_server import ImapServer

# In the past: Dovecot keeps no message with a later date.
ADDED_AT = datetime(2024, 1, 1, 12, tzinfo=UTC)


@dataclass
class ServedMailbox(ABC):
    port: int
    user: str
    password: str

    @property
    def account(self) -> ImapAccount:
        return ImapAccount(
            host="127.0.0.1",
            port=self.port,
            username=self.user,
            password=Secret(self.password),
            security=Security.NONE,
        )

    @property
    def mailbox(self) -> Mailbox:
        return Mailbox(
            tenant="acme",
            id="support",
            address="support@acme.example",
            account=self.account,
            added_at=ADDED_AT,
        )

    @abstractmethod
    def create(self, folder: str) -> None: ...

    @abstractmethod
    def deliver(
        self, raw: bytes, *, folder: str = "INBOX", received_at: datetime = ADDED_AT
    ) -> int:
        """Put a message into the folder; return its UID."""

    @abstractmethod
    def expunge(self, uid: int, *, folder: str = "INBOX") -> None: ...

    @abstractmethod
    def flag(self, uid: int, *flags: str, folder: str = "INBOX") -> None: ...

    @abstractmethod
    def rebuild(self, folder: str) -> None:
        """Void the folder's UIDs: it has another UIDVALIDITY, and what is left counts from 1.

        Not for the INBOX, which real servers do not let go.
        """

    @abstractmethod
    def cut_off(self) -> None:
        """End all sessions of the user."""

    @abstractmethod
    def uid_validity(self, folder: str = "INBOX") -> int: ...

    @abstractmethod
    def is_seen(self, uid: int) -> bool: ...


@dataclass
class FakeMailbox(ServedMailbox):
    server: ImapServer

    @classmethod
    def on(cls, server: ImapServer) -> Self:
        user, password = f"user {uuid4().hex}", 'pä ss"wo\\rd'
        server.users[user] = password
        server.create(user, "INBOX")
        return cls(server.port, user, password, server)

    def create(self, folder: str) -> None:
        self.server.create(self.user, folder)

    def deliver(
        self, raw: bytes, *, folder: str = "INBOX", received_at: datetime = ADDED_AT
    ) -> int:
        return self.server.deliver(self.user, raw, folder=folder, received_at=received_at)

    def expunge(self, uid: int, *, folder: str = "INBOX") -> None:
        self.server.expunge(self.user, uid, folder=folder)

    def flag(self, uid: int, *flags: str, folder: str = "INBOX") -> None:
        self.server.folders[self.user][folder].messages[uid].flags.update(flags)

    def rebuild(self, folder: str) -> None:
        self.server.change_uidvalidity(self.user, folder=folder)

    def cut_off(self) -> None:
        self.server.drop(self.user)

    def uid_validity(self, folder: str = "INBOX") -> int:
        return self.server.folders[self.user][folder].uid_validity

    def is_seen(self, uid: int) -> bool:
        return r"\Seen" in self.server.folders[self.user]["INBOX"].messages[uid].flags


@dataclass
class DovecotMailbox(ServedMailbox):
    """Handled by Python's own client. Its calls block, for a few milliseconds each."""

    kick: Callable[[str], None]

    @classmethod
    def on(cls, port: int, password: str, kick: Callable[[str], None]) -> Self:
        return cls(port, f'ü "{uuid4().hex}', password, kick)

    def create(self, folder: str) -> None:
        with self._session() as session:
            _ok(session.create(_quoted(folder)))

    def deliver(
        self, raw: bytes, *, folder: str = "INBOX", received_at: datetime = ADDED_AT
    ) -> int:
        date = imaplib.Time2Internaldate(received_at)
        with self._session() as session:
            _ok(session.append(_quoted(folder), "", date, raw))
            return int(_ok(session.response("APPENDUID"))[0].split()[1])

    def expunge(self, uid: int, *, folder: str = "INBOX") -> None:
        with self._session(folder) as session:
            _ok(session.uid("STORE", str(uid), "+FLAGS", r"(\Deleted)"))
            _ok(session.expunge())

    def flag(self, uid: int, *flags: str, folder: str = "INBOX") -> None:
        with self._session(folder) as session:
            _ok(session.uid("STORE", str(uid), "+FLAGS", f"({' '.join(flags)})"))

    def rebuild(self, folder: str) -> None:
        with self._session(folder) as session:
            found = _ok(session.fetch("1:*", "(INTERNALDATE BODY.PEEK[])"))
            _ok(session.unselect())
            _ok(session.delete(_quoted(folder)))
            _ok(session.create(_quoted(folder)))
            for answer in found:
                if isinstance(answer, tuple):
                    date = answer[0].decode().split('"')[1]
                    _ok(session.append(_quoted(folder), "", f'"{date}"', answer[1]))

    def cut_off(self) -> None:
        self.kick(self.user)

    def uid_validity(self, folder: str = "INBOX") -> int:
        with self._session(folder) as session:
            return int(_ok(session.response("UIDVALIDITY"))[0])

    def is_seen(self, uid: int) -> bool:
        with self._session("INBOX") as session:
            return rb"\Seen" in _ok(session.uid("FETCH", str(uid), "(FLAGS)"))[0]

    @contextmanager
    def _session(self, folder: str = "") -> Iterator[imaplib.IMAP4]:
        with imaplib.IMAP4("127.0.0.1", self.port, timeout=10) as session:
            credentials = f"\0{self.user}\0{self.password}".encode()
            _ok(session.authenticate("PLAIN", lambda _: credentials))
            if folder:
                _ok(session.select(_quoted(folder)))
            yield session


def _quoted(folder: str) -> str:
    return f'"{folder}"'


def _ok(answer: tuple[str, Sequence[Any]]) -> Sequence[Any]:
    result, data = answer
    assert result in ("OK", "APPENDUID", "UIDVALIDITY"), data
    return data
