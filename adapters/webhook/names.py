"""Looks names up, each but once at a time.

A lookup holds one of the threads that all share, for as long as a stranger's name server likes:
so a name may hold one of them, however many calls wait for it.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence

Resolver = Callable[[str], Awaitable[Sequence[str]]]
"""The addresses of a name, in the order to try them. Raises OSError or UnicodeError."""


class Names:
    def __init__(self) -> None:
        self._lookups: dict[str, asyncio.Task[Sequence[str]]] = {}

    async def __call__(self, name: str) -> Sequence[str]:
        lookup = self._lookups.get(name)
        if lookup is None:
            lookup = self._lookups[name] = asyncio.create_task(_look_up(name))
            lookup.add_done_callback(lambda ended: self._ended(name, ended))
        return await asyncio.shield(lookup)

    def _ended(self, name: str, lookup: asyncio.Task[Sequence[str]]) -> None:
        del self._lookups[name]
        if not lookup.cancelled():
            lookup.exception()  # nobody may be left to hear of it


async def _look_up(name: str) -> Sequence[str]:
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))
