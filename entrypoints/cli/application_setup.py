"""Commands that set an application up: add, set, route, rotate."""

from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any

import typer

from postroom.domain.handover.application import Application, InvalidApplication
from postroom.entrypoints.cli.application_lookup import (
    find_application,
    of_owner,
    replace_application,
)
from postroom.entrypoints.cli.application_options import (
    Name,
    Owner,
    changed,
    with_application_options,
)
from postroom.entrypoints.cli.context import AdminContext, with_admin
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
        _check(added)
        await _require(admin, added)
        await admin.applications.add(added)
        return added

    added = with_admin(run)
    typer.echo(f"{name} is added. It gets no mail yet: postroom application route {name}")
    if added.secrets:
        typer.echo(f"Its secret, which is shown this once: {added.secrets[0]}")
        typer.echo(f"Try it: postroom application test {name}{of_owner(tenant)}")


def _new(admin: AdminContext, tenant: str, name: str, destination: str) -> Application:
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
    return replace(fresh, secrets=(_secret(),))


@with_application_options
def set_(
    name: Name,
    tenant: Owner = "",
    destination: Annotated[str | None, typer.Option(help="Another destination.")] = None,
    **given: Any,  # noqa: ANN401 - whatever the options are
) -> None:
    """Change what is given of an application. What waits already is called as it was rendered."""

    async def run(admin: AdminContext) -> None:
        before = await find_application(admin, tenant, name)
        after = changed(before, {"destination": destination, **given})
        _check(after)
        await _require(admin, after)
        await replace_application(admin, before, after)

    with_admin(run)
    typer.echo(f"{name} is changed. Workers use it within seconds.")


def route(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="An application, `helpdesk`, or '' for none.")
    ],
    tenant: Annotated[str, typer.Option(help="All mailboxes of this tenant.")] = "default",
    mailbox: Annotated[str, typer.Option(help="Only this mailbox of it.")] = "",
) -> None:
    """Say where the mail of a tenant, or of one mailbox, goes from now on."""

    async def run(admin: AdminContext) -> None:
        if name not in ("", "helpdesk"):
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
        before = await find_application(admin, tenant, name)
        if finish:
            after = replace(before, secrets=before.secrets[:1], rotated_at=None)
        else:
            after = _rotated(before, _secret(), admin.clock.now())
        await replace_application(admin, before, after)
        return after

    after = with_admin(run)
    if finish:
        typer.echo(f"{name} signs with its newest secret alone.")
    else:
        typer.echo(f"The new secret of {name}, which is shown this once: {after.secrets[0]}")
        typer.echo(f"Both sign for 24 hours, or until: postroom application rotate {name} --finish")


def _rotated(before: Application, secret: str, now: datetime) -> Application:
    """The secret before the last one signs no more."""
    return replace(before, secrets=(secret, *before.secrets[:1]), rotated_at=now)


async def _require(admin: AdminContext, application: Application) -> None:
    """Those that get its copies must be there. Raises InvalidApplication."""
    for name in application.copies:
        if await admin.applications.get(application.tenant, name) is None:
            raise InvalidApplication(f"there is no application {name}: add it first")


def _check(application: Application) -> None:
    """Raises InvalidApplication if it cannot be where it is said to be."""
    # Imported here, so that `postroom --help` does not wait for it.
    from postroom.entrypoints.container.handovers import check_destination  # noqa: PLC0415

    check_destination(application)


def _secret() -> str:
    from postroom.entrypoints.container.handovers import generate_secret  # noqa: PLC0415

    return generate_secret()
