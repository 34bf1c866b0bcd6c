"""The way of a receiver to PostgreSQL, which breaks at a commit, or ends the receiver there.

So every receiver can be killed between its commit and its answer, with nothing in it for the test.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Self

# Of the protocol (PostgreSQL manual, 54.7): the text of a Query or a Parse; a CommandComplete.
_COMMIT = b"COMMIT\0"
_COMMITTED = b"C\0\0\0\x0bCOMMIT\0"


class Moment(Enum):
    BEFORE_COMMIT = "before its commit"  # the server does not hear of it
    AFTER_COMMIT = "after its commit"  # the receiver does not hear of it


@dataclass(eq=False)
class Link:
    """Use as `async with Link(socket)`, then at `127.0.0.1:port`."""

    target: Path
    port: int = 0
    broken: asyncio.Event = field(default_factory=asyncio.Event)
    _moment: Moment | None = None
    _deed: Callable[[], None] | None = None
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def __aenter__(self) -> Self:
        self._listener = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._listener.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._listener.close()
        await self.cut()

    def break_at(self, moment: Moment, deed: Callable[[], None] | None = None) -> None:
        """At the next such *moment*, do the *deed* and end the connection."""
        self.broken.clear()
        self._moment, self._deed = moment, deed

    def leave_alone(self) -> None:
        self._moment = None

    async def cut(self) -> None:
        """End the connections that there are."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._tasks.add(task)
        try:
            there, back = await asyncio.open_unix_connection(self.target)
            try:
                await asyncio.gather(
                    self._pass(reader, back, Moment.BEFORE_COMMIT, _COMMIT),
                    self._pass(there, writer, Moment.AFTER_COMMIT, _COMMITTED),
                )
            finally:
                back.close()
        except (ConnectionError, asyncio.CancelledError):
            pass  # either end went away, or it was cut
        finally:
            writer.close()
            self._tasks.discard(task)

    async def _pass(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        moment: Moment,
        sign: bytes,
    ) -> None:
        while data := await reader.read(65536):
            if self._moment is moment and sign in data:
                self._break()
            writer.write(data)
            await writer.drain()
        writer.close()

    def _break(self) -> None:
        self._moment = None
        if self._deed:
            self._deed()
        self.broken.set()
        raise ConnectionResetError
