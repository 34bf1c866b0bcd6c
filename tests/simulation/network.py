"""What lies between a process and a port: time, and whatever ails the peer.

A call has a way there and a way back, and each can take time, fail or hang: so an effect may have
happened although the caller was told that it had not.
"""

import asyncio
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from random import Random
from typing import Any, TypeVar, cast

from postroom.domain.mailbox import Mailbox
from tests.simulation import failures
from tests.simulation.mailboxes import EPOCH, lane_of, place_of
from tests.simulation.plan import AVOIDED, Fault, Kind
from tests.simulation.process import Process
from tests.simulation.weather import Weather

P = TypeVar("P")
T = TypeVar("T")

AWAITED = 0.6
"""How many ways take time: those of the others end before anything else can happen."""

TOO_MANY = 0.9
"""How many calls a peer refuses that flaps, and how many transactions one that is contended."""

LOCK_TIMEOUT = 20.0
"""Seconds (Timeouts.lock)."""

CONNECTION_TIMEOUT = 5.0
"""Seconds that a call waits for one of the connections of its process (Timeouts.pool)."""

IDLE_TIMEOUT = 120.0
"""Seconds after which a server ends a transaction in which nothing happens (Timeouts.idle)."""

_in_block: ContextVar[bool] = ContextVar("simulated_ledger_block", default=False)


@dataclass(frozen=True, slots=True)
class Link:
    """From *process* to *service*, or (if that is empty) to the provider of whichever mailbox.

    *connections* are those that the process may hold to it at a time; None is any number.
    """

    process: Process
    service: str
    weather: Weather
    random: Random
    connections: asyncio.Semaphore | None = None

    async def travel(self, mailbox: Mailbox | None) -> None:
        """One way. Raises what the real adapter would."""
        await self.process.step()
        place = None if self.service or not mailbox else place_of(mailbox)
        peer = place.source if place else self.service
        if self.random.random() < AWAITED:
            await asyncio.sleep(self.random.expovariate(1 / failures.LATENCY[peer]))
        targets = [peer]
        if place and mailbox:
            targets += [lane_of(mailbox), place.authority]
        for fault in self.weather.of(*targets):
            await self._suffer(fault, failures.DEADLINES[peer])

    async def _suffer(self, fault: Fault, deadline: float) -> None:
        if fault.kind in AVOIDED:
            self.weather.meet(fault)
        match fault.kind:
            case Kind.FLAPS if self.random.random() >= TOO_MANY:
                pass
            case Kind.HANGS | Kind.DRIPS:
                await asyncio.sleep(deadline)
                raise failures.silent(fault)
            case Kind.HANGS_FOR_EVER:
                await asyncio.Future()
            case Kind.SLOW:
                await asyncio.sleep(min(fault.degree / 2, deadline))
                if fault.degree > deadline:
                    raise failures.silent(fault)
            case _:
                if refusal := failures.refusal(fault, _true_time()):
                    raise refusal

    async def wait_for_lock(self) -> None:
        """As a transaction does that is open for a while."""
        if self.weather.has(Kind.CONTENDED, self.service) and self.random.random() < TOO_MANY:
            await asyncio.sleep(LOCK_TIMEOUT)
            raise failures.contended()

    async def locked(self, entering: Awaitable[T]) -> T:
        """A block, which another one may be in: of a process that is stalled, for as long."""
        try:
            async with asyncio.timeout(LOCK_TIMEOUT):
                return await entering
        except TimeoutError:
            raise failures.contended() from None

    def check_idle(self, began: float) -> None:
        """Before the end of a block that was entered then: the server may have ended it."""
        if self.process.stalled_since(began) > IDLE_TIMEOUT:
            raise failures.cut_off()

    @property
    def needs_connection(self) -> bool:
        """In a ledger block there is the block's."""
        return self.connections is not None and not _in_block.get()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[None]:
        """One that the process holds meanwhile, if it needs one."""
        self.process.check()
        if not (self.connections and self.needs_connection):
            yield
            return
        await self._acquire(self.connections)
        try:
            yield
        finally:
            self.connections.release()

    async def _acquire(self, connections: asyncio.Semaphore) -> None:
        if not connections.locked():  # as nearly always, and a timeout takes time of ours
            await connections.acquire()
            return
        try:
            async with asyncio.timeout(CONNECTION_TIMEOUT):
                await connections.acquire()
        except TimeoutError:
            raise failures.no_connection() from None


def _true_time() -> datetime:
    return EPOCH + timedelta(seconds=asyncio.get_running_loop().time())


def remote(link: Link, find: Callable[[], P]) -> P:
    """The port that *find* gives at each call, at the other end of *link*."""
    return cast("P", _Remote(link, find))


class _Remote:
    """Any port: its coroutines, its lists (page by page) and its blocks go over the link.

    A session that a block yields is at the other end as well.
    """

    def __init__(self, link: Link, find: Callable[[], Any], mailbox: Mailbox | None = None) -> None:
        self._link = link
        self._find = find
        self._mailbox = mailbox

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        found = self._find()
        method = getattr(found, name)
        match _shape(type(found), name):
            case "call":
                return partial(self._call, method)
            case "list":
                return partial(self._list, method)
            case "block":
                return partial(self._enter, method)
            case _:
                return method

    async def _call(self, method: Callable[..., Any], *args: Any, **named: Any) -> Any:  # noqa: ANN401
        if self._link.needs_connection:
            async with self._link.connection():
                return await self._exchange(method, *args, **named)
        return await self._exchange(method, *args, **named)

    async def _exchange(self, method: Callable[..., Any], *args: Any, **named: Any) -> Any:  # noqa: ANN401
        mailbox = self._of(args)
        await self._link.travel(mailbox)
        result = await method(*args, **named)
        await self._link.travel(mailbox)
        return result

    async def _list(self, method: Callable[..., Any], *args: Any) -> AsyncIterator[Any]:  # noqa: ANN401
        mailbox = self._of(args)
        async with aclosing(method(*args)) as pages:
            await self._link.travel(mailbox)
            async for page in pages:
                yield page
                await self._link.travel(mailbox)

    @asynccontextmanager
    async def _enter(self, method: Callable[..., Any], *args: Any) -> AsyncIterator[Any]:  # noqa: ANN401
        mailbox = self._of(args)
        async with self._link.connection():
            await self._link.travel(mailbox)
            await self._link.wait_for_lock()
            async with AsyncExitStack() as block:
                inside = await self._link.locked(block.enter_async_context(method(*args)))
                began = asyncio.get_running_loop().time()
                is_session = hasattr(inside, "changed")
                token = _in_block.set(True)
                try:
                    yield _Remote(self._link, lambda: inside, mailbox) if is_session else inside
                finally:
                    _in_block.reset(token)
                await self._link.travel(mailbox)
                self._link.check_idle(began)
            if not is_session:  # it is done, and that may be said to nobody
                await self._link.travel(mailbox)

    def _of(self, args: tuple[Any, ...]) -> Mailbox | None:
        return next((each for each in args if isinstance(each, Mailbox)), self._mailbox)


def _shape(kind: type[Any], name: str) -> str:
    """What *name* is of a *kind* of adapter: a call, a list, a block, or an attribute."""
    if (kind, name) not in _shapes:
        _shapes[kind, name] = _look_at(inspect.getattr_static(kind, name, None))
    return _shapes[kind, name]


def _look_at(found: object) -> str:
    if inspect.iscoroutinefunction(found):
        return "call"
    if inspect.isasyncgenfunction(found):
        return "list"
    if inspect.isasyncgenfunction(getattr(found, "__wrapped__", None)):
        return "block"
    return "attribute"


_shapes: dict[tuple[type[Any], str], str] = {}
