"""The command that adds a subscriber."""

from dataclasses import replace
from datetime import timedelta
from typing import Annotated

import typer

from postroom.domain.handover.application import Application, Role
from postroom.entrypoints.cli.application_lookup import check_destination, new_secret, of_owner
from postroom.entrypoints.cli.application_options import Name, changed
from postroom.entrypoints.cli.application_setup import IN_A_TABLE
from postroom.entrypoints.cli.context import AdminContext, with_admin
from postroom.entrypoints.cli.dead_filter import age
from postroom.entrypoints.cli.subscriber_lookup import types_named

Owner = Annotated[
    str, typer.Option("--tenant", help="Whose it is. [the installation's: it hears of any tenant]")
]
Url = Annotated[
    str,
    typer.Argument(
        metavar="DESTINATION",
        help="https://… is called; postgresql://… has an inbox table; redis-stream:NAME.",
    ),
]
Events = Annotated[
    str, typer.Option(help="Only these, such as accepted,dead or mailbox. [all of them]")
]
MaxBacklog = Annotated[
    int | None, typer.Option(help="Events that may wait: the oldest are dropped. [10000]")
]
Retention = Annotated[
    timedelta | None,
    typer.Option(parser=age, metavar="AGE", help="When one that was not taken is dropped. [7d]"),
]


def add(
    name: Name,
    destination: Url,
    tenant: Owner = "",
    events: Events = "",
    max_backlog: MaxBacklog = None,
    retention: Retention = None,
) -> None:
    """Add a subscriber, which hears of events from now on, and print its secret: once."""

    async def run(admin: AdminContext) -> Application:
        fresh = Application(
            tenant=tenant,
            name=name,
            destination=destination,
            role=Role.SUBSCRIBER,
            events=types_named(events),
            added_at=admin.clock.now(),
        )
        bounds = {"max_backlog": max_backlog, "retention": retention}
        added = changed(_by_its_way(fresh), bounds)
        check_destination(added)
        await admin.applications.add(added)
        return added

    added = with_admin(run)
    what = ", ".join(added.events) or "all events"
    typer.echo(f"{name} is added. It hears of {what} from now on.")
    if added.secrets:
        typer.echo(f"Its secret, which is shown this once: {added.secrets[0]}")
    typer.echo(f"Try it: postroom subscriber test {name}{of_owner(tenant)}")


def _by_its_way(fresh: Application) -> Application:
    if fresh.scheme in ("https", "http"):
        return replace(fresh, secrets=(new_secret(),))
    return replace(fresh, in_flight=IN_A_TABLE)
