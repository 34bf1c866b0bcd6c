"""Every moment at which a process can die: before and after each call of a port, found by running.

A port is watched by what stands before it. In a run in which nobody dies the moments are written
down; then each run dies at the next of them, until none is left. So nobody lists the calls, and one
that is new is covered by itself.
"""

import inspect
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, fields, is_dataclass
from functools import partial
from typing import Any, TypeVar, cast

from postroom.application import ports

P = TypeVar("P")

WITHIN = {ports.Clock, ports.Offload, ports.HtmlSanitiser, ports.EmailProcessor}
"""Whose calls leave nothing behind, or only by other ports."""

PORTS = {getattr(ports, name) for name in ports.__all__} - WITHIN


class Killed(BaseException):
    """Nobody catches it, as nobody catches a SIGKILL: whatever is open is rolled back."""


@dataclass(frozen=True, slots=True)
class Moment:
    """The *number*th time that *call* is *stage*: "before" or "after", or the edges of a block."""

    call: str
    stage: str
    number: int

    def __str__(self) -> str:
        return f"{self.stage} call {self.number} of {self.call}"


@dataclass
class Process:
    """Dies at the moment *dies_at*, and does nothing more then. *passed* are those that were lived
    to, by it and by those before it. *in_call* is how many calls of ports have not ended.
    """

    dies_at: Moment | None = None
    is_dead: bool = False
    passed: list[Moment] = field(default_factory=list)
    in_call: int = 0
    _counts: Counter[tuple[str, str]] = field(default_factory=Counter)

    def next(self) -> "Process":
        """That which is started when this one has ended, by itself or not."""
        dies_at = None if self.is_dead else self.dies_at
        return Process(dies_at, passed=self.passed, _counts=self._counts)

    def watched(self, adapter: P) -> P:
        return cast("P", _Watched(self, adapter))

    def reach(self, call: str, stage: str) -> None:
        if self.is_dead:  # what would be done to clean up is not done
            raise Killed
        self._counts[call, stage] += 1
        moment = Moment(call, stage, self._counts[call, stage])
        self.passed.append(moment)
        if moment == self.dies_at:
            self.is_dead = True
            raise Killed


class _Watched:
    """An adapter of a port, with its calls, its lists (page by page) and its blocks."""

    def __init__(self, process: Process, adapter: object) -> None:
        self._process = process
        self._adapter = adapter
        self._port = next(_ports_of(adapter))

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        method = getattr(self._adapter, name)
        reach = partial(self._process.reach, f"{self._port}.{name}")
        found = inspect.getattr_static(type(self._adapter), name, None)
        if inspect.iscoroutinefunction(found):
            return partial(_call, self._process, reach, method)
        if inspect.isasyncgenfunction(found):
            return partial(_list, reach, method)
        if inspect.isasyncgenfunction(getattr(found, "__wrapped__", None)):
            return partial(_block, reach, method)
        return method


Reach = Callable[[str], None]


async def _call(
    process: Process,
    reach: Reach,
    method: Callable[..., Any],
    *args: Any,  # noqa: ANN401
    **named: Any,  # noqa: ANN401
) -> Any:  # noqa: ANN401
    reach("before")
    process.in_call += 1
    try:
        result = await method(*args, **named)
    finally:
        process.in_call -= 1
    reach("after")
    return result


async def _list(reach: Reach, method: Callable[..., Any], *args: Any) -> AsyncIterator[Any]:  # noqa: ANN401
    reach("before")
    async for page in method(*args):
        yield page
        reach("between pages of")


@asynccontextmanager
async def _block(reach: Reach, method: Callable[..., Any], *args: Any) -> AsyncIterator[Any]:  # noqa: ANN401
    reach("before")
    async with method(*args) as inside:
        reach("at the beginning of")
        yield inside
        reach("at the end of")
    reach("after")


def unwatched(used: object) -> Iterator[str]:
    """The ports that *used*, or what it is made of, calls without anybody seeing it."""
    seen: set[int] = set()
    yield from _unwatched(used, seen)


def _ports_of(adapter: object) -> Iterator[str]:
    """The names of those it is an adapter of, the narrowest first."""
    for base in type(adapter).__mro__:
        if base in PORTS and getattr(base, "_is_protocol", False):
            yield base.__name__


def _unwatched(used: object, seen: set[int]) -> Iterator[str]:
    if id(used) in seen or isinstance(used, _Watched):
        return
    seen.add(id(used))
    if any(_ports_of(used)):
        yield type(used).__name__
    elif is_dataclass(used):
        for each in fields(used):
            yield from _unwatched(getattr(used, each.name), seen)
    elif isinstance(used, dict):
        for value in used.values():
            yield from _unwatched(value, seen)
