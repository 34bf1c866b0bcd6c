"""A worker that kills itself with SIGKILL at the step of its first job that its argument names.

It is the real one, on real servers (the settings say which). Only the provider is in memory, and
the lease is short.
"""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime

from postroom.application.consume_job import Consumed
from postroom.application.ports import (
    Claim,
    IdempotencyLedger,
)
from postroom.domain.identity import MessageIdentity
from postroom.domain.mailbox import Mailbox
from postroom.entrypoints.container import Wired, wire
from postroom.entrypoints.settings import load_settings
from postroom.entrypoints.worker import Worker
from tests.consuming import unexpected
from tests.end_to_end.crash_rig import LEASE, fetcher_of, fetching, the_message


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def die_in(port: object, method: str, *, before: bool = False) -> None:
    """Have *method* of *port* kill us, before its work or after it."""
    work = getattr(port, method)

    async def fatal(*args: object, **options: object) -> object:
        if before:
            die()
        result = await work(*args, **options)
        die()
        return result

    setattr(port, method, fatal)


def die_around_the_block(ledger: IdempotencyLedger, *, inside: bool) -> None:
    """Kill us when the ledger block has been entered, or when it has been committed."""
    once = ledger.once

    @asynccontextmanager
    async def fatal(
        mailbox: Mailbox, identity: MessageIdentity, received_at: datetime
    ) -> AsyncIterator[bool]:
        async with once(mailbox, identity, received_at) as is_new:
            if inside:
                die()
            yield is_new
        die()

    setattr(ledger, "once", fatal)  # noqa: B010 - mypy allows no assignment to a method


STEPS: dict[str, Callable[[Wired], None]] = {
    "claimed": lambda held: die_in(fetcher_of(held), "fetch", before=True),
    "fetched": lambda held: die_in(fetcher_of(held), "fetch"),
    "in the block": lambda held: die_around_the_block(held.consume.ledger, inside=True),
    "processed": lambda held: die_in(held.helpdesk, "open_ticket"),
    "recorded": lambda held: die_in(held.outcomes, "record"),
    "committed": lambda held: die_around_the_block(held.consume.ledger, inside=False),
    "acknowledging": lambda held: die_in(held.queue, "acknowledge", before=True),
    "acknowledged": lambda held: die_in(held.queue, "acknowledge"),
}


async def work(doom: Callable[[Wired], None]) -> None:
    async with wire(load_settings()) as opened:
        wired = fetching(opened, the_message())
        doom(wired)
        await a_worker(wired, wired.consume).run(asyncio.Event())


def a_worker(wired: Wired, consume: Callable[[Claim], Awaitable[Consumed]]) -> Worker:
    return Worker(
        queue=wired.queue,
        consume=consume,
        overran=unexpected,
        run_suspect=consume,  # here, since the tests kill it more than once
        lease=LEASE,
    )


if __name__ == "__main__":
    asyncio.run(work(STEPS[sys.argv[1]]))
