"""A logged-in IMAP connection: commands as methods, refusals as failures, nothing unbounded."""

import asyncio
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from aioimaplib import aioimaplib

from postroom.adapters.http.downloads import DownloadLimits
from postroom.adapters.imap.errors import ConnectionLost, failure_of
from postroom.adapters.imap.folder_names import encode_folder_name
from postroom.adapters.imap.protocol import LOST, Protocol, ignore
from postroom.adapters.imap.responses import (
    FetchData,
    Lines,
    fetch_data,
    folder_names,
    response_code,
    search_result,
)
from postroom.domain.failure import AccessFailed, FolderMissing, Unavailable, Unprocessable

MAX_RESPONSE_BYTES = 8 * 2**20
"""Of a response, beside the bodies requested with it: a search may find a million UIDs."""

LONGEST = timedelta(minutes=5)
"""How long a command may take whose response is still coming in."""


@dataclass(frozen=True, slots=True)
class OpenFolder:
    """A folder as EXAMINE found it. All messages there have UIDs below *uid_next*."""

    uid_validity: int
    uid_next: int


class Connection:
    """One task at a time may use it. After any failure but a plain refusal it is closed.

    Every method raises Unavailable when the server does not answer within *timeout*, or refuses
    for the time being; ConnectionLost (an Unavailable) when the connection ends; AccessFailed when
    the server refuses for good; Unprocessable when an answer is larger than it may be.
    """

    def __init__(self, protocol: Protocol, timeout: timedelta, downloads: DownloadLimits) -> None:
        self.protocol = protocol
        self._timeout = timeout.total_seconds()
        self._downloads = downloads

    @property
    def is_open(self) -> bool:
        return not (self.protocol.lost.is_set() or self.protocol.transport.is_closing())

    @property
    def capabilities(self) -> frozenset[str]:
        return frozenset(self.protocol.capabilities)

    async def request_capabilities(self) -> None:
        """As is due after TLS and after a login (RFC 3501 sections 6.2.1 and 6.2.2)."""
        lines = await self.command("CAPABILITY")
        self.protocol.capabilities = {
            word.decode("ascii", "replace").upper() for line in lines[:-1] for word in line.split()
        }

    async def command(
        self, name: str, *arguments: str, continuations: Sequence[bytes] = ()
    ) -> Lines:
        """Run any command that has no method here; *continuations* go to continuation requests."""
        self.protocol.continuations.clear()
        self.protocol.continuations.extend(continuations)
        return await self._run(aioimaplib.Command(name, self._tag(), *arguments))

    async def examine(self, folder: str) -> OpenFolder:
        """Open the folder read-only, with all that is in it by now (RFC 3501 section 6.3.2).

        Raises FolderMissing, AccessFailed.
        """
        # Without a folder until the server says otherwise (section 6.3.1).
        self.protocol.state = aioimaplib.AUTH
        lines = await self._examine(folder)
        self.protocol.state = aioimaplib.SELECTED
        uid_validity = response_code(lines, "UIDVALIDITY")
        if not uid_validity:  # nor is 0 one (RFC 3501 section 9, nz-number)
            raise AccessFailed("the IMAP server gives the folder no UIDVALIDITY")
        uid_next = response_code(lines, "UIDNEXT")
        if uid_next is None:  # RFC 3501 lets old servers leave it out
            uid_next = max(await self.search("UID", "*"), default=0) + 1
        return OpenFolder(uid_validity, uid_next)

    async def _examine(self, folder: str) -> Lines:
        try:
            return await self.command("EXAMINE", aioimaplib.quoted(encode_folder_name(folder)))
        except AccessFailed as refusal:
            names = await self.folders()
            if folder in names or folder.upper() == "INBOX":
                raise
            raise FolderMissing(names) from refusal

    async def folders(self) -> list[str]:
        """The names of all folders that can be opened."""
        return list(folder_names(await self.command("LIST", '""', '"*"')))

    async def search(self, *criteria: str) -> tuple[int, ...]:
        """UIDs of the messages that match, ascending.

        No CHARSET is named: Exchange Online refuses it (BADCHARSET), and ours are ASCII.
        """
        return search_result(
            await self._run(aioimaplib.Command("SEARCH", self._tag(), *criteria, prefix="UID"))
        )

    async def fetch(
        self, uids: Sequence[int], items: str, *, max_bytes: int = 0
    ) -> dict[int, list[FetchData]]:
        """What the server says of each of *uids*; *max_bytes* bounds the bodies requested.

        Raises TooSlow (an Unavailable), too. (Within LONGEST it is the pace that counts.)
        """
        command = aioimaplib.FetchCommand(
            self._tag(), ",".join(map(str, uids)), f"({items})", prefix="UID", timeout=self._timeout
        )
        lines = await self._run_at_min_rate(command, max_bytes + MAX_RESPONSE_BYTES)
        found: dict[int, list[FetchData]] = {uid: [] for uid in uids}
        for data in fetch_data(lines):
            if data.uid in found:
                found[data.uid].append(data)
        return found

    async def make_room_for(self, size: int) -> None:
        """Wait until a message of so many bytes may be in hand. Raises Contended."""
        await self._downloads.in_hand.take(size)

    async def idle(self, within: timedelta) -> None:
        """Idle until the server says that messages have come, or *within* has passed (RFC 2177)."""
        seconds = within.total_seconds()
        command = aioimaplib.IdleCommand(self._tag(), asyncio.Queue())
        idling = asyncio.create_task(self._run(command, within=seconds + 2 * self._timeout))
        try:
            if not await _first(self.protocol.idle_began(), idling, self._timeout):
                raise Unavailable("the IMAP server did not answer IDLE in time")
            await _first(self.protocol.changed.wait(), idling, seconds)
            if idling.done():
                idling.result()
                raise Unavailable("the IMAP server ended IDLE by itself")
            self.protocol.idle_done()
            async with asyncio.timeout(self._timeout):
                await idling
        except TimeoutError as error:
            raise Unavailable("the IMAP server did not end IDLE in time") from error
        finally:
            idling.cancel()

    def close(self) -> None:
        """Say good-bye, and do not wait for the answer."""
        if self.is_open:
            self.protocol.send(f"{self._tag()} LOGOUT")
            self.protocol.transport.close()

    async def aclose(self) -> None:
        """Say good-bye, and wait a little until the connection is down."""
        self.close()
        try:
            async with asyncio.timeout(1):
                await self.protocol.lost.wait()
        finally:
            self.abort()

    def abort(self) -> None:
        self.protocol.transport.abort()

    def _tag(self) -> str:
        return self.protocol.new_tag()

    async def _run_at_min_rate(self, command: aioimaplib.Command, max_bytes: int) -> Lines:
        within = LONGEST.total_seconds()
        async with self._downloads.at_min_rate("the IMAP server") as (arrived, _):
            self.protocol.arrived = arrived
            try:
                return await self._run(command, max_bytes=max_bytes, within=within)
            finally:
                self.protocol.arrived = ignore

    async def _run(
        self, command: aioimaplib.Command, *, within: float = 0, max_bytes: int = MAX_RESPONSE_BYTES
    ) -> Lines:
        if not self.is_open:
            raise ConnectionLost("the connection to the IMAP server was lost")
        self.protocol.allowance = max_bytes
        try:
            async with asyncio.timeout(within or self._timeout):
                response = await self.protocol.execute(command)
        except (TimeoutError, aioimaplib.CommandTimeout) as error:
            self.abort()
            raise Unavailable(f"the IMAP server did not answer {command.name} in time") from error
        except BaseException:
            self.abort()  # an answer may come yet, and would be taken for the next command's
            raise
        if response.result == "OK":
            return list(response.lines)
        if self.protocol.overrun:
            raise Unprocessable(f"the IMAP server sent more than {max_bytes} bytes")
        if response.result == LOST:
            raise ConnectionLost(f"the connection to the IMAP server was lost in {command.name}")
        raise failure_of(command.name, response.result, bytes(response.lines[-1]))


async def _first(
    event: Coroutine[Any, Any, Any], command: asyncio.Task[Lines], seconds: float
) -> bool:
    """Whether *event*, or the end of *command*, came within *seconds*."""
    task = asyncio.ensure_future(event)
    try:
        done, _ = await asyncio.wait(
            {task, command}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED
        )
        return bool(done)
    finally:
        task.cancel()
