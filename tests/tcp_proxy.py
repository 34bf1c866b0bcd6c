"""A TCP proxy that a test can have fall silent, as a server does that is stopped."""

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self


@dataclass(eq=False)
class Proxy:
    """Use as `async with Proxy(path)`, then at `127.0.0.1:port`.

    *target* is a Unix socket. While it *is_silent*, it accepts whoever comes and acknowledges what
    is sent, and passes nothing on.
    """

    target: Path
    port: int = 0
    is_silent: bool = False
    accepted: int = 0
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def __aenter__(self) -> Self:
        self._listener = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._listener.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._listener.close()
        await self.heal()

    async def heal(self) -> None:
        """Pass on what new connections send; those that there are end, with what they lost."""
        self.is_silent = False
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        task = asyncio.current_task()
        assert task
        self._tasks.add(task)
        try:
            there, back = await asyncio.open_unix_connection(self.target)
            try:
                await asyncio.gather(self._pass(reader, back), self._pass(there, writer))
            finally:
                back.close()
        except (ConnectionError, asyncio.CancelledError):
            pass  # either end went away, or the test is over
        finally:
            writer.close()
            self._tasks.discard(task)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            if not self.is_silent:
                writer.write(data)
                await writer.drain()
        writer.close()
