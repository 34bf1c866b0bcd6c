"""The scene in which an application of one's own is away, and what it needs."""

import asyncio
import os
import sqlite3
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from datetime import datetime, timedelta
from pathlib import Path

from postroom.domain.handover.application import Application
from postroom.entrypoints.container.handovers import generate_secret
from postroom.entrypoints.demo.messages import compose, identity_of
from postroom.entrypoints.demo.stage import IMAP_USER, TENANT, Stage, free_port

NAMES = ("away-1", "away-2", "away-3")
AWAY_FOR = 3.0
"""Seconds for which nothing listens, from the moment on that all messages are accepted."""


async def play(stage: Stage, sender: str) -> datetime | None:
    """When the last message was accepted; None if any has not come, or has come twice."""
    port, secret, file = free_port(), generate_secret(), stage.home / "crm.sqlite"
    await _add(stage, f"http://127.0.0.1:{port}/inbound", secret)
    started = stage.clock.now()
    for name in NAMES:
        mail = compose(stage.clock, name, name, "Is anybody there?", sender=sender)
        stage.imap.deliver(IMAP_USER, mail.as_bytes())
    accepted = [await stage.outcome(started, identity_of(name)) for name in NAMES]
    await asyncio.sleep(AWAY_FOR)
    async with _receiving(port, secret, file):
        for name, record in zip(NAMES, accepted, strict=True):
            await stage.outcome(record.at + timedelta.resolution, identity_of(name))
    return accepted[-1].at if _subjects(file) == [*NAMES] else None


async def _add(stage: Stage, url: str, secret: str) -> None:
    application = Application(
        tenant=TENANT,
        name="crm",
        destination=url,
        secrets=(secret,),
        added_at=stage.clock.now(),
    )
    await stage.applications.add(application)
    await stage.registry.set_application(TENANT, "office", application.name)


@asynccontextmanager
async def _receiving(port: int, secret: str, file: Path) -> AsyncIterator[None]:
    """The application runs, in a process of its own."""
    process = await asyncio.create_subprocess_exec(
        *[sys.executable, "-m", "postroom.entrypoints.demo.receiver", str(port), str(file)],
        env={**os.environ, "RECEIVER_SECRET": secret},
    )
    try:
        yield
    finally:
        process.terminate()
        await process.wait()


def _subjects(file: Path) -> Sequence[str]:
    with closing(sqlite3.connect(file)) as database:
        rows = database.execute("SELECT subject FROM ticket ORDER BY subject").fetchall()
    return [subject for (subject,) in rows]
