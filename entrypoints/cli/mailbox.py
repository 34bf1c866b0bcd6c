"""The group of commands for the mailboxes."""

import typer

from postroom.entrypoints.cli.google import add_google
from postroom.entrypoints.cli.imap import add_imap
from postroom.entrypoints.cli.mailbox_lifecycle import pause, remove, resume, resync
from postroom.entrypoints.cli.mailbox_list import list_mailboxes, show_mailbox
from postroom.entrypoints.cli.microsoft import add_microsoft
from postroom.entrypoints.cli.reconnect import reconnect

mailbox = typer.Typer(
    no_args_is_help=True, help="Add, see and look after the mailboxes that are served."
)
add = typer.Typer(no_args_is_help=True, help="Add a mailbox; its credentials are encrypted.")
mailbox.add_typer(add, name="add")

add.command("microsoft")(add_microsoft)
add.command("imap")(add_imap)
add.command("google")(add_google)
mailbox.command("list")(list_mailboxes)
mailbox.command("show")(show_mailbox)
for command in (pause, resume, resync, remove, reconnect):
    mailbox.command()(command)
