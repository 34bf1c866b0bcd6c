"""What befell the messages of each folder, in order: the ground of delta queries."""

from dataclasses import dataclass
from enum import Enum, auto
from typing import Generic, TypeVar

from postroom.entrypoints.emulators.graph.folders import Folder

_Message = TypeVar("_Message")


class Kind(Enum):
    CREATED = auto()
    UPDATED = auto()
    REMOVED = auto()


@dataclass(frozen=True)
class Removed:
    """A message that is in the folder no more, by the ids that it had there."""

    id: str
    immutable_id: str

    def id_of_kind(self, *, immutable: bool) -> str:
        return self.immutable_id if immutable else self.id


@dataclass(frozen=True)
class Change(Generic[_Message]):
    """*removed* is there if, and only if, the message left the folder."""

    kind: Kind
    message: _Message
    removed: Removed | None = None


@dataclass(frozen=True)
class _Entry(Generic[_Message]):
    folder: Folder
    change: Change[_Message]


class Journal(Generic[_Message]):
    def __init__(self) -> None:
        self._entries: list[_Entry[_Message]] = []

    @property
    def now(self) -> int:
        """A place in the journal: after all that has happened."""
        return len(self._entries)

    def created(self, folder: Folder, message: _Message) -> None:
        """Delivered or moved into *folder*."""
        self._entries.append(_Entry(folder, Change(Kind.CREATED, message)))

    def updated(self, folder: Folder, message: _Message) -> None:
        self._entries.append(_Entry(folder, Change(Kind.UPDATED, message)))

    def removed(self, folder: Folder, message: _Message, ids: tuple[str, str]) -> None:
        """Deleted or moved out of *folder*, where it had these *ids*."""
        self._entries.append(_Entry(folder, Change(Kind.REMOVED, message, Removed(*ids))))

    def created_before(self, folder: Folder, place: int) -> list[_Message]:
        """What came into *folder* before that place in the journal."""
        return [
            entry.change.message
            for entry in self._entries[:place]
            if entry.folder == folder and entry.change.kind is Kind.CREATED
        ]

    def changes(self, folder: Folder, since: int) -> list[Change[_Message]]:
        """What is otherwise than it was at the place *since*: one for each stay of a message."""
        open_stays: dict[_Message, list[Change[_Message]]] = {}
        stays: list[list[Change[_Message]]] = []
        for entry in self._entries[since:]:
            if entry.folder != folder:
                continue
            message = entry.change.message
            if message not in open_stays:
                stays.append(open_stays.setdefault(message, []))
            open_stays[message].append(entry.change)
            if entry.change.kind is Kind.REMOVED:
                del open_stays[message]  # who comes back begins another
        return [change for stay in stays if (change := _net(stay)) is not None]


def _net(stay: list[Change[_Message]]) -> Change[_Message] | None:
    """What came and went between two looks was never there."""
    first, last = stay[0], stay[-1]
    if last.kind is Kind.REMOVED:
        return None if first.kind is Kind.CREATED else last
    return first if first.kind is Kind.CREATED else last
