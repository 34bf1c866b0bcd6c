"""What the tests of the command line have in common: how a command ended, and some mail."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import punq

from postroom.adapters.memory.fetcher import InMemoryMessages
from postroom.adapters.microsoft.pointer import MicrosoftPointer
from postroom.application.consume_job import ConsumeJob
from postroom.application.ingest_pointer import Ingest
from postroom.application.ports import FetchedMessage, MailboxRegistry, MessageFetcher, PointerQueue
from postroom.entrypoints.container import wire
from postroom.entrypoints.settings import load_settings
from tests.end_to_end.crash_rig import LEASE, MAILBOX, POINTER, the_message

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
        assert self.code == 1, self
        assert self.out == ""
        [line] = self.err.splitlines()
        assert line.startswith("postroom: ")
        return line.removeprefix("postroom: ")


Postroom = Callable[..., Ended]
"""`postroom(*arguments, stdin="")`: runs a command to its end."""


def in_container(use: Callable[[punq.Container], Awaitable[None]]) -> None:
    """Do something on the servers of the environment."""

    async def run() -> None:
        async with wire(load_settings()) as container:
            await use(container)

    asyncio.run(run())


async def forget_the_queue(container: punq.Container) -> None:
    queue = container.resolve(PointerQueue)
    while letters := (await queue.dead_letters()).letters:
        await queue.purge([letter.id for letter in letters])
    for lane in await queue.statistics():
        await queue.resume(lane.tenant, lane.mailbox)
    while claims := await queue.claim(1000, LEASE):
        for claim in claims:
            await queue.acknowledge(claim)


async def receive_some_mail(container: punq.Container) -> None:
    messages: MessageFetcher = _the_messages()
    container.register(MessageFetcher, instance=messages)
    await container.resolve(MailboxRegistry).add(MAILBOX)
    await container.resolve(Ingest)(MAILBOX, [POINTER, MISSING, EMPTY])
    consume, queue = container.resolve(ConsumeJob), container.resolve(PointerQueue)
    for _ in (POINTER, MISSING, EMPTY):
        [claim] = await queue.claim(1, LEASE)
        assert (await consume(claim)).settled


def _the_messages() -> InMemoryMessages:
    messages = the_message()
    messages.put(FetchedMessage(f"microsoft:{EMPTY.message_id}", b"", MAILBOX.added_at))
    return messages
