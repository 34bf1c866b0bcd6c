"""What the tests of the command line have in common: how a command ended, and some mail."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any

from postroom.adapters.memory.fetcher import InMemoryMessages
from postroom.adapters.microsoft.pointer import MicrosoftPointer
from postroom.application.ports import FetchedMessage
from postroom.domain.retry import YOUNG
from postroom.entrypoints.container import Wired, wire
from postroom.entrypoints.settings import WRONG_SETTINGS, load_settings
from tests.end_to_end.crash_rig import LEASE, MAILBOX, POINTER, fetching, the_message

MISSING = MicrosoftPointer(POINTER.subscription_id, "missing")
EMPTY = MicrosoftPointer(POINTER.subscription_id, "empty")


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended: its exit code, and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:  # noqa: ANN401 - a test looks into it
        return json.loads(self.out)

    @property
    def failure(self) -> str:
        """The one line that a command that failed has said."""
        return self._line(1)

    @property
    def refusal(self) -> str:
        """The one line that a command with wrong settings has said."""
        return self._line(WRONG_SETTINGS)

    def _line(self, code: int) -> str:
        assert self.code == code, self
        assert self.out == ""
        [line] = self.err.splitlines()
        assert line.startswith("postroom: ")
        return line.removeprefix("postroom: ")


Postroom = Callable[..., Ended]
"""`postroom(*arguments, stdin="")`: runs a command to its end."""


def in_container(use: Callable[[Wired], Awaitable[None]]) -> None:
    """Do something on the servers of the environment."""

    async def run() -> None:
        async with wire(load_settings()) as wired:
            await use(wired)

    asyncio.run(run())


async def forget_the_queue(wired: Wired) -> None:
    queue = wired.queue
    while letters := (await queue.dead_letters()).letters:
        await queue.purge([letter.id for letter in letters])
    for lane in await queue.statistics():
        await queue.resume(lane.tenant, lane.mailbox)
    while claims := await queue.claim(1000, LEASE):
        for claim in claims:
            await queue.acknowledge(claim)


async def receive_some_mail(wired: Wired) -> None:
    wired = fetching(wired, _the_messages())
    await wired.registry.add(MAILBOX)
    await wired.ingest(MAILBOX, [POINTER, MISSING, EMPTY])
    consume, queue = wired.consume, wired.queue
    for _ in (POINTER, MISSING, EMPTY):
        [claim] = await queue.claim(1, LEASE)
        # As if it had been tried for a while, or the one that is gone would be asked for again.
        tried = replace(claim, since_first=YOUNG)
        assert (await consume(tried)).settled


def _the_messages() -> InMemoryMessages:
    messages = the_message()
    messages.put(FetchedMessage(f"microsoft:{EMPTY.message_id}", b"", MAILBOX.added_at))
    return messages
