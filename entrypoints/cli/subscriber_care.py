"""Commands that look after subscribers: list, remove."""

from typing import Annotated

import typer

from postroom.domain.handover.application import Application
from postroom.entrypoints.cli.application_options import Name
from postroom.entrypoints.cli.context import AdminContext, with_admin
from postroom.entrypoints.cli.errors import CommandFailed
from postroom.entrypoints.cli.output import AnyTenant, AsJson, Row, show
from postroom.entrypoints.cli.subscriber_lookup import find_subscriber
from postroom.entrypoints.cli.subscriber_setup import Owner
from postroom.entrypoints.views.applications import SubscriberView, subscriber_view


def list_subscribers(tenant: AnyTenant = "", *, as_json: AsJson = False) -> None:
    """List the subscribers, and what waits for each."""

    async def find(admin: AdminContext) -> list[SubscriberView]:
        found = await admin.applications.subscribers()
        return [await _view(admin, each) for each in found if tenant in ("", each.tenant)]

    show(
        with_admin(find),
        _row,
        as_json=as_json,
        empty="No subscriber yet. Add one with: postroom subscriber add --help",
        prose=("events", "state"),
    )


def remove(
    name: Name,
    tenant: Owner = "",
    *,
    discard: Annotated[
        bool, typer.Option("--discard", help="Delete the events that wait for it, for good.")
    ] = False,
) -> None:
    """Remove a subscriber. Refused while events wait for it, unless they are discarded."""

    async def run(admin: AdminContext) -> int:
        found = await find_subscriber(admin.applications, tenant, name)
        waiting = (await admin.handovers.backlog(found)).count
        if waiting and not discard:
            number = f"{waiting} event{' waits' if waiting == 1 else 's wait'}"
            raise CommandFailed(f"{number} for {name}: let them be taken, or add --discard")
        await admin.applications.remove(found)  # it gets no more
        return await admin.handover_records.discard(found)

    discarded = with_admin(run)
    typer.echo(f"{name} is removed. Events discarded: {discarded}.")


async def _view(admin: AdminContext, subscriber: Application) -> SubscriberView:
    health, _ = await admin.handovers.health(subscriber)
    return subscriber_view(subscriber, health, await admin.handovers.backlog(subscriber))


def _row(view: SubscriberView) -> Row:
    return {
        "tenant": view.tenant or "(any)",
        "subscriber": view.name,
        "destination": view.destination,
        "events": ", ".join(view.events) or "all",
        "state": f"{view.state}: {view.reason}" if view.reason else view.state,
        "waiting": view.waiting,
        "oldest": view.oldest,
    }
