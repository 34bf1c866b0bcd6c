"""All of Postroom under one command: the engines, and the parts that use them."""

import asyncio

from postroom.entrypoints.engines import started
from postroom.entrypoints.engines.keeper import Keeper
from postroom.entrypoints.engines.migrations import prepare_schema
from postroom.entrypoints.engines.sole import sole_up
from postroom.entrypoints.part_process import ProcessStart, environment_of
from postroom.entrypoints.settings import load_settings
from postroom.entrypoints.supervisor import PARTS, Supervisor
from postroom.entrypoints.tasks import cancel, until_stopped
from postroom.entrypoints.telemetry.logging import configure_logging
from postroom.entrypoints.terminal import show


def run_up() -> None:
    """Run until a signal. Raises InvalidSettings, NotReady, PartFailed."""
    given = load_settings()
    configure_logging(given.log_format)
    with sole_up(given.home, show) as lock:
        with started(given, show) as engines:
            prepare_schema(given, engines.settings, may_be_away=True)
            start = ProcessStart(environment_of(engines.settings), inherited=[lock])
            keepers = [Keeper(server) for server in engines.servers]
            show("The API, a worker, the listener and maintenance start. Ctrl-C stops everything.")
            asyncio.run(until_stopped(lambda stop: _run(Supervisor(PARTS, start), keepers, stop)))
            show("The parts have stopped. The engines do, unless another command uses them …")
        show("Everything has stopped. What was queued is on disk.")


async def _run(supervisor: Supervisor, keepers: list[Keeper], stop: asyncio.Event) -> None:
    watching: list[asyncio.Task[None]] = [asyncio.create_task(keeper.run()) for keeper in keepers]
    watching.append(asyncio.create_task(_show_the_end(stop, supervisor)))
    try:
        await supervisor.run(stop)
    finally:  # the engines are kept for as long as a part may need them
        await cancel(watching)


async def _show_the_end(stop: asyncio.Event, supervisor: Supervisor) -> None:
    await stop.wait()
    seconds = supervisor.grace.total_seconds()
    show(f"Stopping: no more jobs are claimed, and those in work have up to {seconds:g} seconds …")
