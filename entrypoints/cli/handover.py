"""Commands for handovers: list, show, redrive, skip, done, table."""

from datetime import timedelta
from typing import Annotated

import typer

from postroom.application.ports import HandoverFilter
from postroom.domain.handover.handover import State
from postroom.entrypoints.cli.context import AdminContext, with_admin
from postroom.entrypoints.cli.dead_filter import age
from postroom.entrypoints.cli.handover_settle import (
    Key,
    OfApplication,
    done,
    find_handover,
    redrive,
    skip,
)
from postroom.entrypoints.cli.output import (
    AnyTenant,
    AsJson,
    Limit,
    Row,
    print_fields,
    print_json,
    show,
)
from postroom.entrypoints.views.handovers import HandoverView, handover_view

handover = typer.Typer(
    no_args_is_help=True, help="Look at what is handed over to applications, and settle it by hand."
)

for command in (redrive, skip, done):
    handover.command()(command)

SHOWN = 14
"""Characters of a key in a table: enough to find it by."""


@handover.command("list")
def list_handovers(
    tenant: AnyTenant = "",
    application: Annotated[str, typer.Option(help="Only of this application.")] = "",
    mailbox: Annotated[str, typer.Option(help="Only of this mailbox.")] = "",
    states: Annotated[
        list[State] | None, typer.Option("--state", help="Only in this state. Repeatable.")
    ] = None,
    since: Annotated[
        timedelta | None,
        typer.Option(parser=age, metavar="AGE", help="Only what was accepted since: 15m, 3h, 2d."),
    ] = None,
    limit: Limit = 50,
    after: Annotated[str, typer.Option(help="Go on where a list ended.")] = "",
    *,
    unsure: Annotated[
        bool, typer.Option("--unsure", help="Only what the application may have handled.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List handovers, newest first: those of events if --application names a subscriber."""

    async def find(admin: AdminContext) -> list[HandoverView]:
        chosen = HandoverFilter(
            tenant=tenant,
            application=application,
            mailbox=mailbox,
            states=frozenset(states or ()),
            unsure=unsure,
            of_messages=not application,
            since=None if since is None else admin.clock.now() - since,
        )
        last = (await find_handover(admin, after)).handover.key if after else ""
        found = await admin.handover_records.find(chosen, limit=limit, after=last)
        return [handover_view(record) for record in found]

    found = with_admin(find)
    empty = "No handover matches. What is not accepted yet: postroom queue"
    row = _row if tenant else _row_with_tenant
    show(found, row, as_json=as_json, empty=empty, prose=("reason",))
    if len(found) >= limit:
        typer.echo(f"There may be more: add --after {found[-1].key[:SHOWN]}", err=True)


@handover.command("show")
def show_handover(key: Key, application: OfApplication = "", *, as_json: AsJson = False) -> None:
    """Show one handover: where it stands, and what the application said last."""

    async def find(admin: AdminContext) -> HandoverView:
        return handover_view(await find_handover(admin, key, application))

    view = with_admin(find)
    if as_json:
        print_json(view)
    else:
        print_fields({**_row_with_tenant(view), **_details(view)})


@handover.command("table")
def table() -> None:
    """Print the SQL of the inbox table, for a destination postgresql://…"""
    from postroom.entrypoints.container.handovers import TABLE_SQL  # noqa: PLC0415

    typer.echo(TABLE_SQL)


def _row(view: HandoverView) -> Row:
    return {
        "key": view.key[:SHOWN],
        "mailbox": view.mailbox,
        "application": view.application,
        "state": view.state,
        "accepted": view.accepted_at,
        "calls": view.attempts,
        "reason": view.reason or view.reference,
    }


def _row_with_tenant(view: HandoverView) -> Row:
    row = _row(view)
    return {"key": row["key"], "tenant": view.tenant, **row}


def _details(view: HandoverView) -> Row:
    last = view.last_answer
    return {
        "key": view.key,
        "reason": view.reason,
        "last answer": " ".join(str(last[name]) for name in ("kind", "status") if last.get(name)),
        "identity": view.identity,
        "reference": view.reference,
        "url": view.url,
        "may be handled": "yes" if view.may_be_handled else "no",
        "unsure calls": view.unsure,
        "charged": view.charged,
        "received": view.received_at,
        "due": view.due_at,
        "ended": view.ended_at,
        "key is good until": view.keep_key_until,
        "job": view.job.id if view.job else None,
    }
