"""The group of commands for the mailboxes."""

import typer

from postroom.entrypoints.cli.lazy_group import lazy_group
from postroom.entrypoints.cli.mailbox_add import add_commands
from postroom.entrypoints.cli.mailbox_lifecycle import pause, remove, resume, resync
from postroom.entrypoints.cli.mailbox_list import list_mailboxes, show_mailbox
from postroom.entrypoints.cli.mailbox_prepare import prepare_commands
from postroom.entrypoints.cli.mailbox_reconnect import reconnect_commands

mailbox = typer.Typer(
    no_args_is_help=True, help="Add, see and look after the mailboxes that are served."
)
mailbox.add_typer(
    typer.Typer(cls=lazy_group("provider", add_commands)),
    name="add",
    no_args_is_help=True,
    help="Add a mailbox; its credentials are encrypted.",
)
mailbox.add_typer(
    typer.Typer(cls=lazy_group("provider", prepare_commands)),
    name="prepare",
    no_args_is_help=True,
    help="Print the commands that set up a provider for this installation.",
)
mailbox.command("list")(list_mailboxes)
mailbox.command("show")(show_mailbox)
for command in (pause, resume, resync, remove):
    mailbox.command()(command)
mailbox.add_typer(
    typer.Typer(cls=lazy_group("provider", reconnect_commands)),
    name="reconnect",
    no_args_is_help=True,
    help="Give a mailbox other credentials.",
)
