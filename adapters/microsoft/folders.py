"""Finds a folder of a mailbox: by its well-known name, or by its full path of display names.

Well-known names are the same in every language; `Inbox/Orders` is a path. There is no second guess:
a folder that is not there is missing, and what is there instead is told.
Source: learn.microsoft.com/graph/api/resources/mailfolder.
"""

from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass

from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from postroom.adapters.microsoft.account import microsoft_account
from postroom.adapters.microsoft.client import GraphClient
from postroom.domain.failure import FolderMissing, SourceGone, Unavailable
from postroom.domain.mailbox import Mailbox

WELL_KNOWN = frozenset(
    {
        "archive",
        "clutter",
        "conversationhistory",
        "deleteditems",
        "drafts",
        "inbox",
        "junkemail",
        "outbox",
        "recoverableitemsdeletions",
        "scheduled",
        "sentitems",
    }
)

MAX_FOLDERS = 5000
"""Of one mailbox. Exchange Online warns from 10,000 folders in one folder on."""

_QUERY = {"$select": "id,displayName,childFolderCount", "$top": "100"}


@dataclass(frozen=True, slots=True)
class Folder:
    id: str
    path: str


class _Listed(BaseModel):
    id: str
    name: str = Field(alias="displayName")
    children: int = Field(alias="childFolderCount", default=0)


_LISTED = TypeAdapter(list[_Listed])


@dataclass(frozen=True, slots=True)
class GraphFolders:
    graph: GraphClient

    async def find(self, mailbox: Mailbox, name: str) -> Folder:
        """The folder *name*, in any case. Raises FolderMissing, AccessFailed, Throttled."""
        wanted = name.strip("/").casefold()
        if wanted in WELL_KNOWN:
            return await self._well_known(mailbox, wanted)
        async for folder in self.walk(mailbox, towards=wanted):
            if folder.path.casefold() == wanted:
                return folder
        raise FolderMissing([folder.path async for folder in self.walk(mailbox)])

    async def walk(self, mailbox: Mailbox, *, towards: str = "") -> AsyncIterator[Folder]:
        """Every folder that is not hidden, those on top first.

        If a path is given, only what lies on the way *towards* it is opened: that is a call each.
        """
        branches: deque[tuple[tuple[str, ...], str]] = deque([(("mailFolders",), "")])
        count = 0
        while branches:
            path, prefix = branches.popleft()
            async for listed in self._children(mailbox, path):
                folder = Folder(listed.id, prefix + listed.name)
                yield folder
                if listed.children and (not towards or _leads(folder.path, towards)):
                    below = ("mailFolders", listed.id, "childFolders")
                    branches.append((below, f"{folder.path}/"))
                if (count := count + 1) >= MAX_FOLDERS:
                    raise Unavailable(f"the mailbox has more than {MAX_FOLDERS} folders")

    async def _children(self, mailbox: Mailbox, path: tuple[str, ...]) -> AsyncIterator[_Listed]:
        user = microsoft_account(mailbox).user
        async for page in self.graph.pages(mailbox, "users", user, *path, query=_QUERY):
            try:
                folders = _LISTED.validate_python(page)
            except ValidationError:
                raise Unavailable("Graph answered something else than folders") from None
            for folder in folders:
                yield folder

    async def _well_known(self, mailbox: Mailbox, name: str) -> Folder:
        user = microsoft_account(mailbox).user
        path, query = ("users", user, "mailFolders", name), {"$select": "id,displayName"}
        try:
            found = _Listed.model_validate(await self.graph.read(mailbox, *path, query=query))
        except SourceGone:  # not every mailbox has an archive folder
            raise FolderMissing([each.path async for each in self.walk(mailbox)]) from None
        except ValidationError:
            raise Unavailable("Graph answered something else than a folder") from None
        return Folder(found.id, found.name)


def _leads(path: str, towards: str) -> bool:
    return towards.startswith(f"{path.casefold()}/")
