"""What is looked up for each message, and is the same for many."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

LOOKED_UP_FOR = 2.0
"""Seconds for which it is not looked up again."""

MOST_REMEMBERED = 10_000

FoundT = TypeVar("FoundT")


@dataclass(frozen=True, slots=True)
class Remembered(Generic[FoundT]):
    """By owner and name, or tenant and name."""

    _found: dict[tuple[str, str], tuple[float, FoundT]] = field(default_factory=dict)

    async def get(self, key: tuple[str, str], look_up: Callable[[], Awaitable[FoundT]]) -> FoundT:
        now = asyncio.get_running_loop().time()
        if (known := self._found.get(key)) and now - known[0] < LOOKED_UP_FOR:
            return known[1]
        found = await look_up()
        if len(self._found) >= MOST_REMEMBERED:
            self._found.clear()
        self._found[key] = now, found
        return found

    def __len__(self) -> int:
        return len(self._found)
