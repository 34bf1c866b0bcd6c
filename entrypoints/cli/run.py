"""Commands that run: up, api, worker, listener, maintenance, migrate, demo."""

import asyncio
import signal
from collections.abc import Awaitable, Callable

import punq
import typer

from postroom.entrypoints.cli.context import with_container
from postroom.entrypoints.cli.errors import CommandFailed
from postroom.entrypoints.settings import Settings, load_settings

Driver = Callable[[punq.Container, Settings, asyncio.Event], Awaitable[None]]

# What a command needs is imported in it, so that `postroom --help` does not wait for all of it.


def up() -> None:
    """Run everything: the engines, API, a worker, listener and maintenance. Ctrl-C stops it."""
    from postroom.entrypoints.engines import ready  # noqa: PLC0415
    from postroom.entrypoints.supervisor import PARTS, Supervisor, environment_of  # noqa: PLC0415
    from postroom.entrypoints.telemetry.logging import configure_logging  # noqa: PLC0415

    given = load_settings()
    configure_logging(given.log_format)
    with ready(given) as settings:
        supervisor = Supervisor(PARTS, environment_of(settings))
        asyncio.run(_until_stopped(supervisor.run))


def api() -> None:
    """Serve the webhooks, the health endpoints and /api/v1."""
    from postroom.entrypoints.run import run_api  # noqa: PLC0415

    _drive(run_api)


def worker() -> None:
    """Claim pointers, fetch their messages and process them."""
    from postroom.entrypoints.run import run_worker  # noqa: PLC0415

    _drive(run_worker)


def listener() -> None:
    """Listen to the IMAP mailboxes for new mail."""
    from postroom.entrypoints.run import run_listener  # noqa: PLC0415

    _drive(run_listener)


def maintenance() -> None:
    """Keep mail coming: subscribe, renew, reconcile, poll where notifications do not come."""
    from postroom.entrypoints.run import run_maintenance  # noqa: PLC0415

    _drive(run_maintenance)


def migrate() -> None:
    """Bring the database to what this release needs. Safe to run from several hosts at once."""
    from postroom.entrypoints.engines import apply_migrations, engines  # noqa: PLC0415

    with engines(load_settings()) as settings:
        names = apply_migrations(settings)
    typer.echo("\n".join(f"applied {name}" for name in names) or "The database is up to date.")


def demo() -> None:
    """Watch real messages go from three providers to tickets, whatever happens. Takes a minute."""
    from postroom.entrypoints.demo import run_demo  # noqa: PLC0415

    if not run_demo():
        raise CommandFailed("the demo did not end as expected; see the table above")


def _drive(driver: Driver) -> None:
    from postroom.entrypoints.telemetry.logging import configure_logging  # noqa: PLC0415

    async def run(container: punq.Container, settings: Settings) -> None:
        configure_logging(settings.log_format)
        await _until_stopped(lambda stop: driver(container, settings, stop))

    with_container(run)


async def _until_stopped(run: Callable[[asyncio.Event], Awaitable[None]]) -> None:
    """Run until it ends, or until a signal or the death of our supervisor sets its *stop*."""
    from postroom.entrypoints.supervisor import parent_is_gone  # noqa: PLC0415

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    watch = asyncio.create_task(parent_is_gone())
    watch.add_done_callback(lambda _: stop.set())
    try:
        await run(stop)
    finally:
        watch.cancel()
