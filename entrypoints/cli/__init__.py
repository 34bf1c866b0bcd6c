"""The command line: `postroom …`.

Exit codes: 0 done, 1 failed, 2 wrong usage or settings. A failure is one line that says what to do.
"""

import signal
import sys
from importlib.metadata import version
from typing import Annotated

import typer

from postroom.entrypoints.cli.application import application
from postroom.entrypoints.cli.dead import dead
from postroom.entrypoints.cli.errors import as_one_line, exit_code
from postroom.entrypoints.cli.handover import handover
from postroom.entrypoints.cli.imports import import_
from postroom.entrypoints.cli.mailbox import mailbox
from postroom.entrypoints.cli.outcomes import outcomes
from postroom.entrypoints.cli.queue import queue
from postroom.entrypoints.cli.replay import replay
from postroom.entrypoints.cli.run import (
    api,
    consume_suspect,
    demo,
    listener,
    maintenance,
    migrate,
    up,
    worker,
)
from postroom.entrypoints.cli.shadow import shadow
from postroom.entrypoints.cli.subscriber import subscriber
from postroom.entrypoints.cli.tickets import tickets

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Receives the mail of your mailboxes and hands every message to your application once.",
)
for command in (up, api, worker, listener, maintenance, migrate, demo, queue, outcomes, replay):
    app.command()(command)
app.command("consume-suspect", hidden=True)(consume_suspect)
app.command("import")(import_)
app.add_typer(mailbox, name="mailbox")
app.add_typer(application, name="application")
app.add_typer(subscriber, name="subscriber")
app.add_typer(handover, name="handover")
app.add_typer(dead, name="dead")
app.add_typer(tickets, name="tickets")
app.add_typer(shadow, name="shadow")


def _print_version(requested: bool) -> None:  # noqa: FBT001 - typer passes the option's value
    if requested:
        typer.echo(f"postroom {version('postroom')}")
        raise typer.Exit


@app.callback()
def options(
    *,
    show_version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version.", callback=_print_version, is_eager=True
        ),
    ] = False,
) -> None:
    pass


def main() -> None:
    """Run the command line and exit."""
    # A command that is told to end stops what it has started, as at Ctrl-C.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    try:
        app(prog_name="postroom")
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        if (line := as_one_line(error)) is None:
            raise
        typer.echo(f"postroom: {line}", err=True)
        sys.exit(exit_code(error))
