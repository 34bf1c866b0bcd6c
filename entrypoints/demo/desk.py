"""`postroom demo --to URL`: the demo's mail goes to a program on the desk, and no tickets are made.

What is printed is what that program answered. Nothing is expected of it.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import IO

from rich.console import Console

from postroom.application.ports import HandoverFilter, HandoverRecord
from postroom.application.remembered import LOOKED_UP_FOR
from postroom.domain.handover.application import Application, InvalidApplication
from postroom.domain.handover.handover import BACKLOG
from postroom.entrypoints.cli.output import Row, print_table
from postroom.entrypoints.container.handovers import check_destination
from postroom.entrypoints.demo.scenes import SCENES
from postroom.entrypoints.demo.stage import TENANT, Stage, open_stage
from postroom.entrypoints.settings import Settings

console = Console(highlight=False, markup=False, soft_wrap=True)

NAME = "desk"
SECRET = "whsec_cG9zdHJvb20gZGVtbzogbm90IGEgc2VjcmV0IQ=="  # noqa: S105 - it guards played mail
"""The same each time, so that the program need not be started again. It is no secret."""

FOR_A_PROGRAM = SCENES[:-1]
"""All but the one that has a program of its own."""

NEVER = datetime.min.replace(tzinfo=UTC)

WITHIN = timedelta(seconds=30)
"""For so long what waits when all is sent may still be taken."""


def desk_at(url: str, now: datetime = NEVER) -> Application:
    """Raises InvalidApplication."""
    desk = Application(
        tenant=TENANT,
        name=NAME,
        destination=url,
        secrets=(SECRET,),
        added_at=now,
    )
    if desk.scheme not in ("http", "https"):
        raise InvalidApplication(
            "the demo calls a program over HTTP: http://127.0.0.1:3000/inbound"
        )
    check_destination(desk)
    return desk


async def play_to(url: str, settings: Settings, log: IO[bytes]) -> bool:
    """Whether the program has taken all that came to it."""
    async with open_stage(settings, log) as stage:
        desk = desk_at(url, stage.clock.now())
        await stage.applications.add(desk)
        await stage.applications.set_route(TENANT, NAME)
        await asyncio.sleep(LOOKED_UP_FOR)  # the worker may have looked the old route up
        console.print(f"Every message goes to your program, signed with {SECRET}\n")
        for number, scene in enumerate(FOR_A_PROGRAM, 1):
            console.print(f"{number:2}. {scene.provider}: {scene.message}")
            with suppress(TimeoutError):
                if awaited := await scene.play(stage):
                    since = awaited.since or desk.added_at
                    await stage.outcome(since, awaited.message, awaited.job_id)
        records = await _settled(stage)
    return _report(records)


async def _settled(stage: Stage) -> Sequence[HandoverRecord]:
    """All that was handed over; what still waits gets WITHIN."""
    with suppress(TimeoutError):
        async with asyncio.timeout(WITHIN.total_seconds()):
            while any(  # noqa: ASYNC110 - it can only be looked at
                each.handover.state in BACKLOG for each in await _records(stage)
            ):
                await asyncio.sleep(0.2)
    return await _records(stage)


async def _records(stage: Stage) -> Sequence[HandoverRecord]:
    return await stage.handover_records.find(HandoverFilter(tenant=TENANT))


def _report(records: Sequence[HandoverRecord]) -> bool:
    console.print("")
    if records:
        print_table([_row(record) for record in records], prose=("answer",))
    taken = sum(record.handover.has_ended for record in records)
    console.print(f"\n{taken} of {len(records)} messages were taken.")
    return 0 < taken == len(records)


def _row(record: HandoverRecord) -> Row:
    handover = record.handover
    return {
        "key": handover.key[:14],
        "mailbox": handover.mailbox,
        "state": handover.state.value,
        "calls": handover.fence,
        "answer": handover.reference or handover.reason,
    }
