"""Handles a message, and kills itself with SIGKILL where its second argument says."""

import asyncio
import os
import signal
import sys

from postroom.adapters.postgres.database import Database
from postroom.application.processing import Done, Handover, Mail
from tests.contracts.samples import JOB
from tests.processing import MAILBOX, Desk, insert, mail


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


async def main(conninfo: str, where: str) -> None:
    async def process(message: Mail, handover: Handover) -> Done:
        done = await insert(message, handover)
        if where == "in the processor":
            die()
        return done

    async with Database(conninfo) as database:
        desk, inbound = Desk(database, process), mail()
        call = await desk.processor.prepare(MAILBOX, inbound, JOB)
        async with desk.ledger.once(MAILBOX, inbound.identity):
            await call()
            if where == "before the commit":
                die()
    die()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
