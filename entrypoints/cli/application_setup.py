"""Commands that set an application up: add, set, route, rotate."""

from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any

import typer

from postroom.application.route_message import HELPDESK
from postroom.domain.handover.application import Application, InvalidApplication
from postroom.entrypoints.cli.application_lookup import (
    check_destination,
    find_application,
    find_own,
    new_secret,
    of_owner,
    replace_application,
    require_others,
)
from postroom.entrypoints.cli.application_options import (
    Name,
    Owner,
    changed,
    with_application_options,
)
from postroom.entrypoints.cli.context import AdminContext, with_admin
from postroom.entrypoints.cli.errors import CommandFailed
from postroom.entrypoints.cli.mailbox_lookup import unknown_mailbox

IN_A_TABLE = 100
"""Messages at a time that go into an inbox table, which takes them in one statement."""

Url = Annotated[
    str,
    typer.Argument(
        metavar="DESTINATION",
        help="https://… is called; postgresql://… has an inbox table; python:NAME is a processor.",
    ),
]


@with_application_options
def add(
    name: Name,
    destination: Url,
    tenant: Owner = "",
    **given: Any,  # noqa: ANN401 - whatever the options are
) -> None:
    """Add an application, and print the secret that its calls are signed with: once."""

    async def run(admin: AdminContext) -> Application:
        added = changed(_new(admin, tenant, name, destination), given)
        check_destination(added)
        await require_others(admin, added)
        await admin.applications.add(added)
        return added

    added = with_admin(run)
    whose = of_owner(tenant)
    typer.echo(f"{name} is added. It gets no mail yet: postroom application route {name}{whose}")
    if added.secrets:
        typer.echo(f"Its secret, which is shown this once: {added.secrets[0]}")
        typer.echo(f"Try it: postroom application test {name}{whose}")


def _new(admin: AdminContext, tenant: str, name: str, destination: str) -> Application:
    if name == HELPDESK:
        raise InvalidApplication(f"{HELPDESK} is the built-in help desk: choose another name")
    fresh = Application(
        tenant=tenant,
        name=name,
        destination=destination,
        added_at=admin.clock.now(),
    )
    if fresh.scheme == "postgresql":
        return replace(fresh, in_flight=IN_A_TABLE)
    if fresh.scheme == "python":
        return fresh
    return replace(fresh, secrets=(new_secret(),))


@with_application_options
def set_(
    name: Name,
    tenant: Owner = "",
    destination: Annotated[str | None, typer.Option(help="Another destination.")] = None,
    **given: Any,  # noqa: ANN401 - whatever the options are
) -> None:
    """Change what is given of an application. What waits already is called as it was rendered."""
    values = {"destination": destination, **given}
    if all(value is None for value in values.values()):
        raise typer.BadParameter("give what is to change, such as --timeout 10")

    async def run(admin: AdminContext) -> None:
        before = await find_own(admin, tenant, name)
        after = changed(before, values)
        if _way(after) != _way(before):
            raise InvalidApplication(
                f"{name} is {_way(before)}: for {_way(after)} add another application, and route"
                " the mail to that"
            )
        check_destination(after)
        await require_others(admin, after)
        await replace_application(admin, before, after)

    with_admin(run)
    typer.echo(f"{name} is changed. Workers use it within seconds.")


def _way(application: Application) -> str:
    ways = {"postgresql": "an inbox table", "python": "a processor"}
    return ways.get(application.scheme, "called over HTTP")


def route(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="An application, `helpdesk`, or '' for none.")
    ],
    tenant: Annotated[str, typer.Option(help="All mailboxes of this tenant.")] = "default",
    mailbox: Annotated[str, typer.Option(help="Only this mailbox of it.")] = "",
) -> None:
    """Say where the mail of a tenant, or of one mailbox, goes from now on."""

    async def run(admin: AdminContext) -> None:
        if name not in ("", HELPDESK):
            await find_application(admin, tenant, name)
        if not mailbox:
            await admin.applications.set_route(tenant, name)
        elif not await admin.registry.set_application(tenant, mailbox, name):
            raise unknown_mailbox(tenant, mailbox)

    with_admin(run)
    whose = f"{tenant}/{mailbox}" if mailbox else f"the tenant {tenant}"
    typer.echo(f"Mail of {whose} that is accepted from now on goes to {name or 'the default'}.")


def rotate(
    name: Name,
    tenant: Owner = "",
    *,
    finish: Annotated[
        bool, typer.Option("--finish", help="Stop signing with the old secret now.")
    ] = False,
) -> None:
    """Add a new secret: for 24 hours both sign, so that no call fails."""

    async def run(admin: AdminContext) -> Application:
        before = await find_own(admin, tenant, name)
        if not before.secrets:
            raise CommandFailed(f"{name} has no secret: {_way(before)} needs none")
        if finish:
            after = replace(before, secrets=before.secrets[:1], rotated_at=None)
        else:
            after = _rotated(before, new_secret(), admin.clock.now())
        await replace_application(admin, before, after)
        return after

    after = with_admin(run)
    if finish:
        typer.echo(f"Calls of {name} are signed with its newest secret alone.")
    else:
        end = f"postroom application rotate {name}{of_owner(tenant)} --finish"
        typer.echo(f"The new secret of {name}, which is shown this once: {after.secrets[0]}")
        typer.echo(f"Both sign for 24 hours, or until: {end}")


def _rotated(before: Application, secret: str, now: datetime) -> Application:
    """The secret before the last one signs no more."""
    return replace(before, secrets=(secret, *before.secrets[:1]), rotated_at=now)
