"""The mailboxes: messages in folders, each known by two ids, and a journal of what befell them.

Rule 1: the default id changes whenever the message is moved.
Rule 2: the immutable id stays for as long as the message is in the mailbox.
Rule 3: an id is understood only by a request that asks for ids of its kind. (Graph may be more
lenient than that; a client that passes here sends the header everywhere.)
Source: learn.microsoft.com/graph/outlook-immutable-id.
"""

import itertools
from dataclasses import dataclass
from datetime import datetime

from postroom.entrypoints.emulators.graph.folders import Folder, Folders
from postroom.entrypoints.emulators.graph.journal import Journal
from postroom.entrypoints.emulators.graph.wire import GraphError, exchange_id, guid

_DEFAULT, _IMMUTABLE = "AAMkA", "AAkALg"


@dataclass(frozen=True)
class User:
    id: str
    name: str

    @property
    def names(self) -> tuple[str, str]:
        return self.id, self.name


@dataclass(eq=False)
class StoredMessage:
    """*version* counts its changes."""

    user: User
    immutable_id: str
    id: str
    folder: Folder
    raw: bytes
    received_at: datetime
    is_read: bool = False
    version: int = 0

    @property
    def ids(self) -> tuple[str, str]:
        return self.id, self.immutable_id

    def id_of_kind(self, *, immutable: bool) -> str:
        return self.immutable_id if immutable else self.id


class Mailboxes:
    def __init__(self) -> None:
        self.journal = Journal[StoredMessage]()
        self._users: dict[str, User] = {}
        self._folders: dict[User, Folders] = {}
        self._shared: set[tuple[User, str]] = set()
        self._messages: list[StoredMessage] = []
        self._serial = itertools.count(1)

    def add_user(self, name: str) -> User:
        user = self._users.setdefault(name.lower(), User(guid(name.lower()), name))
        self._folders.setdefault(user, Folders(user.id))
        return user

    def user(self, name: str) -> User:
        """By principal name or object id."""
        for user in self._users.values():
            if name.lower() in (user.id, user.name.lower()):
                return user
        raise GraphError(404, "ErrorInvalidUser", f"The requested user '{name}' is invalid.")

    def share(self, owner: User, name: str) -> None:
        """Let another person read this mailbox."""
        self._shared.add((owner, name.lower()))

    def is_open(self, owner: User, name: str) -> bool:
        """Whether the person of this name may read the mailbox."""
        return name.lower() == owner.name.lower() or (owner, name.lower()) in self._shared

    def folders(self, user: User) -> Folders:
        return self._folders[user]

    def messages(self, user: User, folder: Folder | None = None) -> list[StoredMessage]:
        """Of a folder, or of all, in the order of their arrival."""
        return [
            each for each in self._messages if each.user == user and folder in (None, each.folder)
        ]

    def holds(self, folder: Folder, message: StoredMessage) -> bool:
        return message in self._messages and message.folder == folder

    def deliver(self, user: User, raw: bytes, folder: Folder, at: datetime) -> StoredMessage:
        serial = next(self._serial)
        message = StoredMessage(
            user=user,
            immutable_id=exchange_id(_IMMUTABLE, user.id, serial),
            id=exchange_id(_DEFAULT, user.id, serial, folder.id, 0),
            folder=folder,
            raw=raw,
            received_at=at,
        )
        self._messages.append(message)
        self.journal.created(folder, message)
        return message

    def move(self, message: StoredMessage, folder: Folder) -> None:
        self.journal.removed(message.folder, message, message.ids)
        message.id = exchange_id(_DEFAULT, message.immutable_id, folder.id, next(self._serial))
        message.folder = folder
        message.version += 1
        self.journal.created(folder, message)

    def mark_read(self, message: StoredMessage) -> None:
        message.is_read = True
        message.version += 1
        self.journal.updated(message.folder, message)

    def delete(self, message: StoredMessage) -> None:
        self._messages.remove(message)
        self.journal.removed(message.folder, message, message.ids)

    def by_any_id(self, message_id: str) -> StoredMessage:
        """For the script of a test: whatever kind of id it holds."""
        return next(m for m in self._messages if message_id in m.ids)

    def ids_of(self, message_id: str) -> tuple[str, ...]:
        """All ids of the message that has this one; this one alone if none has it."""
        return next((m.ids for m in self._messages if message_id in m.ids), (message_id,))

    def find(self, user: User, message_id: str, *, immutable: bool) -> StoredMessage:
        """As a request finds it."""
        if not message_id.startswith(_IMMUTABLE if immutable else _DEFAULT):
            raise GraphError(400, "ErrorInvalidIdMalformed", "Id is malformed.")
        for message in self._messages:
            if message.id_of_kind(immutable=immutable) == message_id:
                if message.user == user:
                    return message
                raise GraphError(
                    404,
                    "ErrorInvalidMailboxItemId",
                    "Item Id doesn't belong to the current mailbox.",
                )
        raise GraphError(
            404, "ErrorItemNotFound", "The specified object was not found in the store."
        )
