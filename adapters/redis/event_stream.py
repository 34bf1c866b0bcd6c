"""Hands events over by a stream on the installation's Redis: an entry each, the oldest trimmed.

A call that was cut off is made again, so an event may be there twice, under one `id`.
"""

import asyncio
import json
import re
from collections.abc import Sequence
from typing import Any

from redis.exceptions import RedisError, ResponseError

from postroom.adapters.redis.errors import failure_of
from postroom.adapters.redis.exchange import Argument, exchange
from postroom.adapters.redis.servers import Servers
from postroom.application.ports import ApplicationCaller, Call
from postroom.domain.handover.answer import Answer, Done, Failed, Unreachable
from postroom.domain.handover.application import Application, InvalidApplication, SetBy

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9:._-]{0,127}")
"""None that a key of the queue has: those begin with a brace."""

MAX_ENTRIES = 100

_NOT_A_TENANTS = Unreachable(reason="a tenant's subscriber has an https:// URL")


def stream_of(destination: str) -> str:
    """The name in `redis-stream:name`. Raises InvalidApplication."""
    name = destination.partition(":")[2]
    if not _NAME.fullmatch(name):
        raise InvalidApplication("the stream's name: use 1 to 128 of a-z A-Z 0-9 : . _ -")
    return name


class EventStreamCaller(ApplicationCaller):
    """*length* is about how many entries a stream holds (`MAXLEN ~`)."""

    def __init__(self, servers: Servers, *, length: int) -> None:
        self._servers = servers
        self._length = length

    @property
    def batch(self) -> int:
        return MAX_ENTRIES

    async def call(self, application: Application, calls: Sequence[Call]) -> Sequence[Answer]:
        try:
            commands = [self._add(stream_of(application.destination), call) for call in calls]
        except InvalidApplication as error:
            return [Unreachable(reason=str(error))] * len(calls)
        answers = await self._exchange(application, commands)
        return [answers] * len(calls) if isinstance(answers, Answer) else answers

    async def ping(self, application: Application) -> Answer:
        try:
            command = ["EXISTS", stream_of(application.destination)]
        except InvalidApplication as error:
            return Unreachable(reason=str(error))
        answers = await self._exchange(application, [command])
        return answers if isinstance(answers, Answer) else answers[0]

    async def _exchange(
        self, application: Application, commands: Sequence[Sequence[Argument]]
    ) -> Sequence[Answer] | Answer:
        """One answer if it is that of all."""
        if application.set_by is SetBy.TENANT:
            return _NOT_A_TENANTS
        redis = self._servers.holding(stream_of(application.destination))
        try:
            async with asyncio.timeout(application.timeout.total_seconds()):
                replies = await exchange(redis, *commands)
        except TimeoutError as error:
            return Failed(reason=failure_of(error).reason, sure=False)
        except (RedisError, OSError) as error:
            return Unreachable(reason=failure_of(error).reason)
        return [_answer(reply) for reply in replies]

    def _add(self, stream: str, call: Call) -> Sequence[Argument]:
        body = json.loads(call.body)
        entry = {
            "id": call.handover.key,
            "type": body["type"],
            "tenant": call.handover.tenant,
            "time": body["timestamp"],
            "data": json.dumps(body["data"], ensure_ascii=False),
        }
        fields = [part for field in entry.items() for part in field]
        return ["XADD", stream, "MAXLEN", "~", self._length, "*", *fields]


def _answer(reply: Any) -> Answer:  # noqa: ANN401 - it is the server's
    """To an entry, that is its id in the stream."""
    if isinstance(reply, ResponseError):
        return Failed(reason=failure_of(reply).reason, sure=True)
    return Done(reference=reply.decode()) if isinstance(reply, bytes) else Done()
