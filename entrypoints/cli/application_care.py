"""Commands that look after applications: list, show, pause, resume."""

from dataclasses import replace
from typing import Annotated

import typer

from postroom.domain.handover.application import Application
from postroom.entrypoints.cli.application_lookup import (
    find_application,
    find_own,
    of_owner,
    replace_application,
)
from postroom.entrypoints.cli.application_options import Name, Owner
from postroom.entrypoints.cli.context import AdminContext, with_admin
from postroom.entrypoints.cli.output import AnyTenant, AsJson, Row, print_fields, print_json, show
from postroom.entrypoints.views.applications import ApplicationView, application_view


def list_applications(tenant: AnyTenant = "", *, as_json: AsJson = False) -> None:
    """List the applications, and what waits for each."""

    async def find(admin: AdminContext) -> list[ApplicationView]:
        found = await admin.applications.all(tenant=tenant or None)
        return [await _view(admin, each) for each in found]

    empty = "No application yet: the help desk handles the mail. Add one with:"
    show(
        with_admin(find),
        _row,
        as_json=as_json,
        empty=f"{empty} postroom application add --help",
        prose=("state",),
    )


def show_application(name: Name, tenant: Owner = "", *, as_json: AsJson = False) -> None:
    """Show one application, without its secrets."""

    async def find(admin: AdminContext) -> ApplicationView:
        return await _view(admin, await find_application(admin, tenant, name))

    view = with_admin(find)
    if as_json:
        print_json(view)
    else:
        print_fields({**_row(view), **_details(view)})


def pause(
    name: Name,
    tenant: Owner = "",
    reason: Annotated[str, typer.Option(help="Shown to whoever asks why.")] = "by hand",
) -> None:
    """Stop calling an application. Its messages are accepted, and wait."""

    async def run(admin: AdminContext) -> None:
        before = await find_own(admin, tenant, name)
        since = before.paused_since or admin.clock.now()
        paused = replace(before, paused_since=since, paused_reason=reason)
        await replace_application(admin, before, paused)

    with_admin(run)
    typer.echo(f"{name} is paused. To go on: postroom application resume {name}{of_owner(tenant)}")


def resume(name: Name, tenant: Owner = "") -> None:
    """Call a paused application again."""

    async def run(admin: AdminContext) -> bool:
        before = await find_own(admin, tenant, name)
        if before.paused_since is None:
            return False
        await replace_application(
            admin, before, replace(before, paused_since=None, paused_reason="")
        )
        return True

    resumed = with_admin(run)
    typer.echo(f"{name} {'goes on' if resumed else 'is not paused'}.")


async def _view(admin: AdminContext, application: Application) -> ApplicationView:
    health, _ = await admin.handovers.health(application)
    return application_view(application, health, await admin.handovers.backlog(application))


def _fallback(view: ApplicationView) -> str | None:
    if view.fallback is None:
        return None
    return f"{view.fallback}, after {view.fallback_after_seconds / 60:g} minutes"


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
        "timeout (s)": f"{view.timeout_seconds:g}",
        "body": view.body,
        "max body": view.max_body,
        "max backlog": view.max_backlog,
        "retention (d)": f"{view.retention_days:g}",
        "copies": ", ".join(view.copies),
        "fallback": _fallback(view),
        "added": view.added_at,
    }
