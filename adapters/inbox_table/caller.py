"""Hands over by rows: those that were there already are duplicates, the new ones are done."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from types import TracebackType
from typing import Self

import psycopg

from postroom.adapters.inbox_table.connection import Connection, Connections
from postroom.adapters.inbox_table.errors import answer_without_end, is_of_the_row
from postroom.adapters.inbox_table.table import MAX_ROWS, Progress, insert, look, portions
from postroom.application.ports import ApplicationCaller, Call
from postroom.domain.handover.answer import Answer, Done, Unreachable
from postroom.domain.handover.application import Application, SetBy

_NOT_A_TENANTS = Unreachable(reason="a tenant's application has an https:// URL")
"""A database is inside: it has no public addresses that could be checked."""


class InboxTableCaller(ApplicationCaller):
    """Closed by `async with`. An application has one connection, and its calls take turns."""

    def __init__(self) -> None:
        self._connections = Connections()

    @property
    def batch(self) -> int:
        return MAX_ROWS

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._connections.close()

    async def call(self, application: Application, calls: Sequence[Call]) -> Sequence[Answer]:
        """Those that come after a failure share it, and wait for another call."""
        progress, within = Progress(), application.timeout

        async def insert_all(connection: Connection) -> None:
            for portion in portions(calls):
                progress.answers += await _insert(connection, portion, within, progress)

        failure = await self._failure_of(application, progress, insert_all)
        rest = len(calls) - len(progress.answers)
        return [*progress.answers, *([failure] * rest if failure else [])]

    async def ping(self, application: Application) -> Answer:
        async def look_at_it(connection: Connection) -> None:
            await look(connection, application.timeout)

        return await self._failure_of(application, Progress(), look_at_it) or Done()

    async def _failure_of(
        self,
        application: Application,
        progress: Progress,
        work: Callable[[Connection], Awaitable[None]],
    ) -> Answer | None:
        if application.set_by is SetBy.TENANT:
            return _NOT_A_TENANTS
        try:
            async with (
                asyncio.timeout(application.timeout.total_seconds()),
                self._connections.lend(application.destination) as connection,
            ):
                progress.connected = True
                await work(connection)
        except (psycopg.Error, OSError, ValueError) as error:  # the last is of a host that is none
            return answer_without_end(
                error, connected=progress.connected, committing=progress.committing
            )
        return None


async def _insert(
    connection: Connection, calls: Sequence[Call], within: timedelta, progress: Progress
) -> Sequence[Answer]:
    """Each row alone where one is at fault, which must not be the fault of the others."""
    try:
        return await insert(connection, calls, within, progress)
    except psycopg.Error as error:
        if not is_of_the_row(error):
            raise
        if len(calls) == 1:  # what the server has refused, it has not committed
            return [answer_without_end(error, connected=True, committing=False)]
    alone = [await _insert(connection, [call], within, progress) for call in calls]
    return [answer for answers in alone for answer in answers]
