"""Commands for applications: add, set, list, show, route, rotate, pause, resume, remove."""

from dataclasses import replace
from datetime import datetime
from typing import Annotated

import typer

from postroom.domain.handover.application import Application, InvalidApplication
from postroom.entrypoints.cli.application_options import (
    AlertUrl,
    Copies,
    Fallback,
    FallbackAfter,
    InFlight,
    InlineBelow,
    MaxBacklog,
    MaxBody,
    Name,
    OfBody,
    OfMode,
    OfOrder,
    OfUnsure,
    Owner,
    Retention,
    ShadowUrl,
    Timeout,
    changed,
)
from postroom.entrypoints.cli.context import AdminContext, with_admin
from postroom.entrypoints.cli.errors import CommandFailed
from postroom.entrypoints.cli.output import (
    AnyTenant,
    AsJson,
    Row,
    print_fields,
    print_json,
    show,
)
from postroom.entrypoints.cli.prompts import confirm
from postroom.entrypoints.views.applications import ApplicationView, application_view

application = typer.Typer(
    no_args_is_help=True, help="Look after the applications that messages are handed over to."
)

IN_A_TABLE = 100
"""Messages at a time that go into an inbox table, which takes them in one statement."""

Url = Annotated[
    str,
    typer.Argument(
        metavar="DESTINATION",
        help="https://… is called; postgresql://… has an inbox table; python:NAME is a processor.",
    ),
]


@application.command("add")
def add(
    name: Name,
    destination: Url,
    tenant: Owner = "",
    mode: OfMode = None,
    order: OfOrder = None,
    when_unsure: OfUnsure = None,
    in_flight: InFlight = None,
    timeout: Timeout = None,
    body: OfBody = None,
    max_body: MaxBody = None,
    inline_below: InlineBelow = None,
    max_backlog: MaxBacklog = None,
    retention: Retention = None,
    fallback: Fallback = None,
    fallback_after: FallbackAfter = None,
    copies: Copies = None,
    alert_url: AlertUrl = None,
    shadow_url: ShadowUrl = None,
) -> None:
    """Add an application, and print the secret that its calls are signed with: once."""
    given = dict(locals())
    for argument in ("name", "destination", "tenant"):
        given.pop(argument)

    async def run(admin: AdminContext) -> Application:
        fresh = _new(admin, tenant, name, destination)
        added = changed(fresh, given)
        admin.check_destination(added)
        await _require(admin, added)
        await admin.applications.add(added)
        return added

    added = with_admin(run)
    typer.echo(f"{name} is added. It gets no mail yet: postroom application route {name}")
    if added.secrets:
        typer.echo(f"Its secret, which is shown this once: {added.secrets[0]}")
        typer.echo(f"Try it: postroom application test {name}{_of(tenant)}")


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
    return replace(fresh, secrets=(admin.generate_secret(),))


@application.command("set")
def set_(
    name: Name,
    tenant: Owner = "",
    destination: Annotated[str | None, typer.Option(help="Another destination.")] = None,
    mode: OfMode = None,
    order: OfOrder = None,
    when_unsure: OfUnsure = None,
    in_flight: InFlight = None,
    timeout: Timeout = None,
    body: OfBody = None,
    max_body: MaxBody = None,
    inline_below: InlineBelow = None,
    max_backlog: MaxBacklog = None,
    retention: Retention = None,
    fallback: Fallback = None,
    fallback_after: FallbackAfter = None,
    copies: Copies = None,
    alert_url: AlertUrl = None,
    shadow_url: ShadowUrl = None,
) -> None:
    """Change what is given of an application. What waits already is called as it was rendered."""
    given = dict(locals())
    for argument in ("name", "tenant"):
        given.pop(argument)

    async def run(admin: AdminContext) -> None:
        before = await find_application(admin, tenant, name)
        after = changed(before, given)
        admin.check_destination(after)
        await _require(admin, after)
        await _replace(admin, before, after)

    with_admin(run)
    typer.echo(f"{name} is changed. Workers use it within seconds.")


@application.command("list")
def list_applications(tenant: AnyTenant = "", *, as_json: AsJson = False) -> None:
    """List the applications, and what waits for each."""

    async def find(admin: AdminContext) -> list[ApplicationView]:
        found = await admin.applications.all(tenant=tenant or None)
        return [await _view(admin, each) for each in found]

    empty = "No application yet: the built-in help desk handles the mail. Add one with:"
    show(
        with_admin(find),
        _row,
        as_json=as_json,
        empty=f"{empty} postroom application add --help",
        prose=("state",),
    )


@application.command("show")
def show_application(name: Name, tenant: Owner = "", *, as_json: AsJson = False) -> None:
    """Show one application, without its secrets."""

    async def find(admin: AdminContext) -> ApplicationView:
        return await _view(admin, await find_application(admin, tenant, name))

    view = with_admin(find)
    if as_json:
        print_json(view)
    else:
        print_fields({**_row(view), **_details(view)})


@application.command("route")
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
            raise CommandFailed(f"there is no mailbox {tenant}/{mailbox}; see: postroom mailbox list")

    with_admin(run)
    whose = f"{tenant}/{mailbox}" if mailbox else f"the tenant {tenant}"
    typer.echo(f"Mail of {whose} that is accepted from now on goes to {name or 'the default'}.")


@application.command("rotate")
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
            after = _rotated(before, admin.generate_secret(), admin.clock.now())
        await _replace(admin, before, after)
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


@application.command("pause")
def pause(
    name: Name,
    tenant: Owner = "",
    reason: Annotated[str, typer.Option(help="Shown to whoever asks why.")] = "by hand",
) -> None:
    """Stop calling an application. Its messages are accepted, and wait."""

    async def run(admin: AdminContext) -> None:
        before = await find_application(admin, tenant, name)
        paused = replace(before, paused_since=admin.clock.now(), paused_reason=reason)
        await _replace(admin, before, paused)

    with_admin(run)
    typer.echo(f"{name} is paused. To go on: postroom application resume {name}{_of(tenant)}")


@application.command("resume")
def resume(name: Name, tenant: Owner = "") -> None:
    """Call a paused application again."""

    async def run(admin: AdminContext) -> bool:
        before = await find_application(admin, tenant, name)
        if before.paused_since is None:
            return False
        await _replace(admin, before, replace(before, paused_since=None, paused_reason=""))
        return True

    resumed = with_admin(run)
    typer.echo(f"{name} {'goes on' if resumed else 'is not paused'}.")


@application.command("remove")
def remove(
    name: Name,
    tenant: Owner = "",
    *,
    discard: Annotated[
        bool, typer.Option("--discard", help="Delete what waits for it, for good.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Remove an application. Refused while messages wait for it, unless they are discarded."""

    async def waiting(admin: AdminContext) -> int:
        found = await find_application(admin, tenant, name)
        return (await admin.handovers.backlog(found)).count

    count = with_admin(waiting)
    if count and not discard:
        raise CommandFailed(
            f"{count} messages wait for {name}: let them be handed over, or add --discard"
        )
    if not yes:
        confirm(f"Remove {name}, and discard {count} messages?", "it stays; to be asked nothing, add --yes")

    async def run(admin: AdminContext) -> int:
        found = await find_application(admin, tenant, name)
        discarded = await admin.handover_records.discard(found) if discard else 0
        await admin.applications.remove(found)
        return discarded

    discarded = with_admin(run)
    typer.echo(f"{name} is removed. Messages discarded: {discarded}.")


async def find_application(admin: AdminContext, tenant: str, name: str) -> Application:
    """Raises CommandFailed."""
    found = await admin.applications.get(tenant, name)
    if found is None:
        whose = f" of the tenant {tenant}" if tenant else ""
        raise CommandFailed(f"there is no application {name}{whose}; see: postroom application list")
    return found


async def _require(admin: AdminContext, application: Application) -> None:
    """Its fallback and its copies must be there. Raises InvalidApplication."""
    for name in filter(None, (application.fallback, *application.copies)):
        if await admin.applications.get(application.tenant, name) is None:
            raise InvalidApplication(f"there is no application {name}: add it first")


async def _replace(admin: AdminContext, before: Application, after: Application) -> None:
    if not await admin.applications.replace(before, after):
        raise CommandFailed("somebody else has changed it just now: look at it, and try again")


async def _view(admin: AdminContext, application: Application) -> ApplicationView:
    health, _ = await admin.handovers.health(application)
    return application_view(application, health, await admin.handovers.backlog(application))


def _row(view: ApplicationView) -> Row:
    return {
        "tenant": view.tenant or "(any)",
        "application": view.name,
        "destination": view.destination,
        "state": f"{view.state}: {view.reason}" if view.reason else view.state,
        "waiting": view.waiting,
        "oldest": view.oldest,
    }


def _details(view: ApplicationView) -> Row:
    return {
        "since": view.since,
        "mode": view.mode.value,
        "order": view.order,
        "when unsure": view.when_unsure,
        "in flight": view.in_flight,
        "timeout (s)": view.timeout_seconds,
        "body": view.body,
        "max body": view.max_body,
        "max backlog": view.max_backlog,
        "retention (d)": view.retention_days,
        "fallback": view.fallback,
        "copies": ", ".join(view.copies),
        "added": view.added_at,
    }


def _of(tenant: str) -> str:
    return f" --tenant {tenant}" if tenant else ""
