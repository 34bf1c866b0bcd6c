"""Commands that run: up, api, worker, listener, maintenance, migrate, demo."""

from typing import Annotated

import typer

from postroom.entrypoints.cli.errors import CommandFailed
from postroom.entrypoints.settings import load_settings

# What a command needs is imported in it, so that `postroom --help` does not wait for all of it.


def up() -> None:
    """Run everything: the engines, API, a worker, listener and maintenance. Ctrl-C stops it."""
    from postroom.entrypoints.up import run_up  # noqa: PLC0415

    run_up()


def api() -> None:
    """Serve the webhooks, the health endpoints and /api/v1."""
    from postroom.entrypoints.run import drive, run_api  # noqa: PLC0415

    drive(run_api)


def worker() -> None:
    """Claim pointers, fetch their messages and process them."""
    from postroom.entrypoints.run import after_stores, drive, run_worker  # noqa: PLC0415

    drive(after_stores(run_worker))


def consume_suspect() -> None:
    """Consume the claim on standard input, alone in this process: a worker starts this."""
    from postroom.entrypoints.run_suspect import consume_claim  # noqa: PLC0415

    raise typer.Exit(consume_claim())


def listener() -> None:
    """Listen to the mailboxes whose providers hold a connection open for that."""
    from postroom.entrypoints.run import after_stores, drive, run_listener  # noqa: PLC0415

    drive(after_stores(run_listener))


def maintenance() -> None:
    """Keep mail coming: subscribe, renew, sync, and poll where notifications do not come."""
    from postroom.entrypoints.run import after_stores, drive, run_maintenance  # noqa: PLC0415

    drive(after_stores(run_maintenance))


def migrate() -> None:
    """Bring the database to what this release needs. Safe to run from several hosts at once."""
    from postroom.entrypoints.engines import apply_migrations, engines  # noqa: PLC0415

    with engines(load_settings()) as settings:
        names = apply_migrations(settings)
    typer.echo("\n".join(f"applied {name}" for name in names) or "The database is up to date.")


def demo(
    to: Annotated[
        str, typer.Option("--to", metavar="URL", help="Hand the mail to a program of yours.")
    ] = "",
) -> None:
    """Watch real messages go from three providers to tickets, whatever happens. Takes a minute."""
    from postroom.entrypoints.demo import run_demo  # noqa: PLC0415

    if run_demo(to):
        return
    if to:
        raise CommandFailed("the program has not taken every message; see the table above")
    raise CommandFailed("the demo did not end as expected; see the table above")
