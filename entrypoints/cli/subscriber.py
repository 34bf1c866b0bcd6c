"""Commands for subscribers: who hears what happened to messages, mailboxes and applications."""

import typer

from postroom.entrypoints.cli.subscriber_care import list_subscribers, remove
from postroom.entrypoints.cli.subscriber_setup import add
from postroom.entrypoints.cli.subscriber_try import try_

subscriber = typer.Typer(
    no_args_is_help=True, help="Look after who hears what happens: see docs/events.md."
)
subscriber.command("add")(add)
subscriber.command("list")(list_subscribers)
subscriber.command("test")(try_)
subscriber.command("remove")(remove)
