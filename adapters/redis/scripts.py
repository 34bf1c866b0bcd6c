"""Our Lua scripts, bound to a server and to the keys that begin with one root."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha1
from importlib.resources import files
from typing import Any, Literal, get_args

from redis.asyncio import Redis
from redis.backoff import ExponentialWithJitterBackoff
from redis.exceptions import NoScriptError, RedisError, ResponseError

from postroom.adapters.redis.errors import may_pass, translated
from postroom.adapters.redis.exchange import Argument, exchange
from postroom.adapters.redis.servers import COMMAND_TIMEOUT

Name = Literal[
    "enqueue",
    "claim",
    "settle",
    "pause",
    "resume",
    "renew",
    "dead_letters",
    "dead_letter",
    "redrive",
    "purge",
    "lanes",
    "statistics",
    "beat",
    "oldest",
    "circuit",
    "circuits",
    "save_circuit",
]

RESEND_WITHIN = 2
"""Seconds. The senders of mail will not wait for long, and leases are not much longer."""

_BACKOFF = ExponentialWithJitterBackoff(cap=0.2, base=0.01)


def no_offset() -> timedelta:
    return timedelta()


def root_of(prefix: str, partition: int) -> str:
    """What all keys of the partition begin with. The braces keep them in one slot of a cluster."""
    return f"{{{prefix}:{partition}}}"


class Scripts:
    """Runs a script by its name; loads it first where the server does not know it (any more).

    *ahead* is how far the time of the scripts is ahead of the server's: tests travel with it.
    """

    def __init__(self, redis: Redis, root: str, ahead: Callable[[], timedelta]) -> None:
        prelude, *texts = (_read(name) for name in ("prelude", *get_args(Name)))
        self._texts = {
            name: f"{prelude}\n{text}" for name, text in zip(get_args(Name), texts, strict=True)
        }
        self._hashes = {
            name: sha1(text.encode(), usedforsecurity=False).hexdigest()
            for name, text in self._texts.items()
        }
        self._redis = redis
        self._root = root
        self._ahead = ahead

    async def run(self, name: Name, *arguments: Argument) -> Any:  # noqa: ANN401 - it is Lua's
        """What the script returns. Raises Unavailable, after RESEND_WITHIN seconds at the latest.

        What may pass (a connection that is lost, a failover) is waited for, and then the script is
        sent again, for each may run twice: what the first run did, the second finds done (and says
        so). A claim whose reply was lost runs out.
        """
        failures: list[RedisError] = []
        with translated():
            try:
                async with asyncio.timeout(RESEND_WITHIN):
                    return await self._send_again_after(failures, name, *arguments)
            except TimeoutError:
                if not failures:
                    raise
                # The last one tells more than that the time is over.
                raise failures[-1] from failures[-1].__cause__

    async def _send_again_after(
        self, failures: list[RedisError], name: Name, *arguments: Argument
    ) -> Any:  # noqa: ANN401
        """Send it until it is answered, noting the failures that may pass."""
        while True:
            try:
                return await self._send(name, *arguments)
            except RedisError as failure:
                if not may_pass(failure):
                    raise
                failures.append(failure)
            await asyncio.sleep(_BACKOFF.compute(len(failures)))

    async def run_when_woken(
        self, name: Name, *arguments: Argument, by: Sequence[str], within: float
    ) -> Any:  # noqa: ANN401
        """As `run`, once there is an element in one of the lists *by*, or after *within* seconds.

        The server goes from the one to the other by itself: no time is lost on the way, and one
        fsync serves both. Raises Unavailable, at once when the connection is lost.
        """
        with translated():
            async with asyncio.timeout(within + COMMAND_TIMEOUT):
                answers = await exchange(
                    self._redis, ("BLPOP", *by, within), self._call(name, *arguments)
                )
            refusals = [answer for answer in answers if isinstance(answer, ResponseError)]
            if not refusals:
                return answers[-1]
            if not isinstance(refusals[0], NoScriptError) and not may_pass(refusals[0]):
                raise refusals[0]
        return await self.run(name, *arguments)

    async def _send(self, name: Name, *arguments: Argument) -> Any:  # noqa: ANN401
        call = self._call(name, *arguments)
        answers = await exchange(self._redis, call)
        if isinstance(answers[-1], NoScriptError):
            load = "SCRIPT", "LOAD", self._texts[name]
            answers = await exchange(self._redis, load, call)
        for answer in answers:
            if isinstance(answer, ResponseError):
                raise answer
        return answers[-1]

    def _call(self, name: Name, *arguments: Argument) -> Sequence[Argument]:
        ahead = self._ahead() // timedelta(microseconds=1)
        return "EVALSHA", self._hashes[name], 1, self._root, ahead, *arguments


def milliseconds(duration: timedelta) -> int:
    return duration // timedelta(milliseconds=1)


def moment(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def rows(fields: Sequence[Any], width: int) -> Iterator[Sequence[Any]]:
    """A script's flat reply, by rows."""
    return (fields[start : start + width] for start in range(0, len(fields), width))


def _read(name: str) -> str:
    return files(__package__).joinpath(f"{name}.lua").read_text()
