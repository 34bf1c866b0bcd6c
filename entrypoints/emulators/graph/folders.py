"""The folders of one mailbox: a tree, in which some are known by a name that no language changes.

A folder's id never changes: folders have no second, immutable one.
Source: learn.microsoft.com/graph/api/resources/mailfolder.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from postroom.entrypoints.emulators.graph.wire import GraphError, exchange_id

ROOT = "msgfolderroot"

WELL_KNOWN = {
    "archive": "Archive",
    "conversationhistory": "Conversation History",
    "deleteditems": "Deleted Items",
    "drafts": "Drafts",
    "inbox": "Inbox",
    "junkemail": "Junk Email",
    "outbox": "Outbox",
    "sentitems": "Sent Items",
}

_PREFIX = "AQMkA"


@dataclass(frozen=True)
class Folder:
    id: str
    name: str
    parent: "Folder | None" = field(default=None, repr=False)


class Folders:
    def __init__(self, owner: str) -> None:
        self._owner = owner
        self.root = Folder(exchange_id(_PREFIX, owner, ROOT), "Top of Information Store")
        self._all = [self.root]
        self._known = {ROOT: self.root}
        for well_known, name in WELL_KNOWN.items():
            self._known[well_known] = self._make(self.root, name)

    def find(self, name: str) -> Folder:
        """By well-known name, in any case, or by id. Raises GraphError."""
        if known := self._known.get(name.lower()):
            return known
        for folder in self._all:
            if folder.id == name:
                return folder
        if name.startswith(_PREFIX):
            raise GraphError(
                404, "ErrorItemNotFound", "The specified object was not found in the store."
            )
        raise GraphError(400, "ErrorInvalidIdMalformed", "Id is malformed.")

    def has(self, folder: Folder) -> bool:
        return folder in self._all

    def children(self, parent: Folder) -> list[Folder]:
        return sorted(self._children(parent), key=lambda each: each.name)

    def at(self, path: str) -> Folder:
        """For the script of a test: by display names from the top, made where they are missing."""
        folder = self.root
        for name in path.split("/"):
            folder = self._child(folder, name) or self._make(folder, name)
        return folder

    def remove(self, folder: Folder) -> None:
        """With all that is below it."""
        for child in self.children(folder):
            self.remove(child)
        self._all.remove(folder)

    def _child(self, parent: Folder, name: str) -> Folder | None:
        return next((each for each in self._children(parent) if each.name == name), None)

    def _children(self, parent: Folder) -> Iterator[Folder]:
        return (each for each in self._all if each.parent == parent)

    def _make(self, parent: Folder, name: str) -> Folder:
        folder = Folder(exchange_id(_PREFIX, parent.id, name), name, parent)
        self._all.append(folder)
        return folder
