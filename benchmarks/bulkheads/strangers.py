"""The strangers: mailboxes whose mail server, or whose sign-in, never comes to an end."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from postroom.entrypoints.emulators.loopback import AsgiApp

HANGS_FOR = "hangs-"
"""How the name of a directory begins whose sign-in hangs."""

DRIPS_FOR = "drips-"
"""How the name of a mailbox begins of which Graph sends nothing but a byte a second."""


class Way(StrEnum):
    """How a server does not come to an end."""

    HANGS = "hangs"
    DRIPS = "drips a byte a second"


_ANSWERS = {
    "CAPABILITY": "* CAPABILITY IMAP4rev1 IDLE\r\n",
    "EXAMINE": "* OK [UIDVALIDITY 1] it is\r\n* OK [UIDNEXT 1000000] it is\r\n",
}


@asynccontextmanager
async def stuck_imap(way: Way) -> AsyncIterator[int]:
    """An IMAP server that is fine until it is asked for a message; yields its port."""
    conversations: set[asyncio.Task[None]] = set()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        conversations.add(task)
        try:
            await _talk(reader, writer, way)
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            conversations.discard(task)
            writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in conversations:
            task.cancel()


async def _talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, way: Way) -> None:
    writer.write(b"* OK hello\r\n")
    while line := await reader.readline():
        tag, _, rest = line.decode().strip().partition(" ")
        if "BODY.PEEK[]" in rest:
            await _never_end(writer, way)
        said = _ANSWERS.get(rest.partition(" ")[0].upper(), "")
        if "RFC822.SIZE" in rest:
            said = f"* 1 FETCH (UID {rest.split()[2]} RFC822.SIZE 100000)\r\n"
        writer.write(f"{said}{tag} OK done\r\n".encode())


async def _never_end(writer: asyncio.StreamWriter, way: Way) -> None:
    if way is Way.DRIPS:
        writer.write(b'* 1 FETCH (UID 1 INTERNALDATE "01-Jan-2026 00:00:00 +0000" BODY[] {100000}')
        writer.write(b"\r\n")
        while not writer.is_closing():
            writer.write(b"x")
            await asyncio.sleep(1)
    await asyncio.Event().wait()


@dataclass(frozen=True, slots=True)
class StuckMicrosoft:
    """Entra ID, which never answers for some directories, and Graph, which drips for some users."""

    app: AsgiApp

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401
        if scope["type"] == "http" and scope["path"].startswith(f"/{HANGS_FOR}"):
            with suppress(asyncio.CancelledError):  # by the server, when all is over
                await asyncio.Event().wait()
            return
        if scope["type"] == "http" and f"/users/{DRIPS_FOR}" in scope["path"]:
            await _drip(send)
            return
        await self.app(scope, receive, send)


async def _drip(send: Any) -> None:  # noqa: ANN401
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    with suppress(asyncio.CancelledError, ConnectionError):
        for _ in range(120):  # whoever has left by then, or not
            await send({"type": "http.response.body", "body": b" ", "more_body": True})
            await asyncio.sleep(1)
