"""The queue's Lua scripts, bound to a server and to the keys of one partition."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from typing import Any, Literal, get_args

from redis.asyncio import Redis
from redis.backoff import ExponentialWithJitterBackoff
from redis.exceptions import ConnectionError, TimeoutError  # noqa: A004 - Redis's own, not Python's

from adapters.redis.errors import may_pass, translated

Name = Literal[
    "enqueue",
    "claim",
    "settle",
    "pause",
    "resume",
    "renew",
    "redrive",
    "dead_letters",
    "lanes",
    "statistics",
]

Argument = str | bytes | int

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
        self._scripts = {
            name: redis.register_script(f"{prelude}\n{text}")
            for name, text in zip(get_args(Name), texts, strict=True)
        }
        self._root = root
        self._ahead = ahead

    async def run(self, name: Name, *arguments: Argument) -> Any:  # noqa: ANN401 - it is Lua's
        """What the script returns. Raises Unavailable, after RESEND_WITHIN seconds at the latest.

        When a connection is lost, it is sent again: each script may run twice. What the first run
        did, the second finds done (and says so). A claim whose reply was lost runs out.
        """
        now = asyncio.get_running_loop().time
        end, failures = now() + RESEND_WITHIN, 0
        with translated():
            async with asyncio.timeout_at(end):
                while True:
                    try:
                        return await self._send(name, *arguments)
                    except (ConnectionError, TimeoutError) as error:
                        failures += 1
                        pause = _BACKOFF.compute(failures)
                        if not may_pass(error) or now() + pause > end:
                            raise
                        await asyncio.sleep(pause)

    async def _send(self, name: Name, *arguments: Argument) -> Any:  # noqa: ANN401
        ahead = self._ahead() // timedelta(microseconds=1)
        return await self._scripts[name]([self._root], [ahead, *arguments])


def milliseconds(duration: timedelta) -> int:
    return duration // timedelta(milliseconds=1)


def moment(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def rows(fields: Sequence[Any], width: int) -> Iterator[Sequence[Any]]:
    """A script's flat reply, by rows."""
    return (fields[start : start + width] for start in range(0, len(fields), width))


def _read(name: str) -> str:
    return files(__package__).joinpath(f"{name}.lua").read_text()
