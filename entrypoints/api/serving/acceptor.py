"""Accepts connections, few at a time, and as many as there is room for.

asyncio's own server takes all that have come in one go, before it looks at any of them. When it has
no file descriptor left, it logs a line for each that it could not take, thousands a second, and is
deaf for a second.
"""

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress

from postroom.entrypoints.api.serving.connections import Connections
from postroom.entrypoints.api.serving.refusals import RESPONSES, Refusal

MOST_AT_ONCE = 32
"""Connections that are accepted before others get their turn on the event loop."""

PAUSE = 0.1
"""Seconds after which to try again where the system had no resources for another connection."""


class Acceptor:
    """To uvicorn it is a server of asyncio. *make* makes the protocol of a connection."""

    def __init__(
        self,
        listening: socket.socket,
        make: Callable[[], asyncio.Protocol],
        connections: Connections,
    ) -> None:
        self._listening = listening
        self._make = make
        self._connections = connections
        self._loop = asyncio.get_running_loop()
        self._opening: set[asyncio.Task[None]] = set()
        self._is_open = False

    def open(self) -> None:
        self._listening.settimeout(0)
        self._is_open = True
        self._resume()

    def close(self) -> None:
        self._is_open = False
        self._loop.remove_reader(self._listening)

    async def wait_closed(self) -> None:
        await asyncio.gather(*self._opening, return_exceptions=True)

    def _resume(self) -> None:
        if self._is_open:
            self._loop.add_reader(self._listening, self._accept_some)

    def _accept_some(self) -> None:
        for _ in range(MOST_AT_ONCE):
            try:
                accepted, _address = self._listening.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError:  # of file descriptors, of memory; it would be raised at once again
                self._pause()
                return
            if self._connections.admits_another():
                self._take(accepted)
            else:
                self._turn_away(accepted)

    def _pause(self) -> None:
        self._connections.refusals.add(Refusal.NO_ROOM)
        self._connections.make_room()
        self._loop.remove_reader(self._listening)
        self._loop.call_later(PAUSE, self._resume)

    def _take(self, accepted: socket.socket) -> None:
        accepted.settimeout(0)
        self._connections.opening += 1
        task = self._loop.create_task(self._connect(accepted))
        self._opening.add(task)
        task.add_done_callback(self._opening.discard)

    async def _connect(self, accepted: socket.socket) -> None:
        try:
            await self._loop.connect_accepted_socket(self._make, accepted)
        except OSError:  # it has gone already
            accepted.close()
        finally:
            self._connections.opening -= 1

    def _turn_away(self, accepted: socket.socket) -> None:
        self._connections.refusals.add(Refusal.NO_ROOM)
        accepted.settimeout(0)
        with accepted, suppress(OSError):
            accepted.send(RESPONSES[Refusal.NO_ROOM])
