"""Commands for handovers: list, show, redrive, skip, done, table."""

from datetime import datetime, timedelta
from typing import Annotated

import typer

from postroom.application.ports import HandoverFilter, HandoverRecord
from postroom.domain.handover.handover import State
from postroom.entrypoints.cli.context import AdminContext, with_admin
from postroom.entrypoints.cli.dead_filter import age
from postroom.entrypoints.cli.errors import CommandFailed
from postroom.entrypoints.cli.output import (
    AnyTenant,
    AsJson,
    Limit,
    Row,
    print_fields,
    print_json,
    show,
)
from postroom.entrypoints.cli.prompts import confirm
from postroom.entrypoints.views.handovers import HandoverView, handover_view

handover = typer.Typer(
    no_args_is_help=True, help="Look at what is handed over to applications, and settle it by hand."
)

Key = Annotated[
    str,
    typer.Argument(metavar="KEY", help="As `postroom handover list` shows it; its head will do."),
]
OfApplication = Annotated[str, typer.Option("--application", help="Only of this application.")]
Why = Annotated[str, typer.Option("--reason", help="Shown to whoever asks why.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


@handover.command("list")
def list_handovers(
    tenant: AnyTenant = "",
    application: OfApplication = "",
    mailbox: Annotated[str, typer.Option(help="Only of this mailbox.")] = "",
    states: Annotated[
        list[State] | None, typer.Option("--state", help="Only in this state. Repeatable.")
    ] = None,
    since: Annotated[
        timedelta | None,
        typer.Option(parser=age, metavar="AGE", help="Only what was accepted since: 15m, 3h, 2d."),
    ] = None,
    limit: Limit = 50,
    after: Annotated[str, typer.Option(help="Go on after this key.")] = "",
    *,
    unsure: Annotated[
        bool, typer.Option("--unsure", help="Only what the application may have handled.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List handovers, newest first."""

    async def find(admin: AdminContext) -> list[HandoverView]:
        chosen = HandoverFilter(
            tenant=tenant,
            application=application,
            mailbox=mailbox,
            states=frozenset(states or ()),
            unsure=unsure,
            since=None if since is None else admin.clock.now() - since,
        )
        found = await admin.handover_records.find(chosen, limit=limit, after=after)
        return [handover_view(record) for record in found]

    show(with_admin(find), _row, as_json=as_json, empty="No handover matches.", prose=("reason",))


@handover.command("show")
def show_handover(key: Key, application: OfApplication = "", *, as_json: AsJson = False) -> None:
    """Show one handover: where it stands, and what the application said last."""

    async def find(admin: AdminContext) -> HandoverView:
        return handover_view(await find_handover(admin, key, application))

    view = with_admin(find)
    if as_json:
        print_json(view)
    else:
        print_fields({**_row(view), **_details(view)})


@handover.command("redrive")
def redrive(key: Key, application: OfApplication = "", *, yes: Yes = False) -> None:
    """Call with it again, as if it had never been tried: it was dead, refused, or held."""
    record = with_admin(lambda admin: find_handover(admin, key, application))
    if not yes and (doubt := _doubt(record, with_admin(_now))):
        confirm(f"{doubt} Call again?", "nothing was changed; to be asked nothing, add --yes")
    _move(record, State.WAITING, "redriven by hand")
    typer.echo(f"{record.handover.key} waits for its call.")


@handover.command("skip")
def skip(key: Key, application: OfApplication = "", reason: Why = "skipped by hand") -> None:
    """Have nothing done with it: no more calls."""
    record = with_admin(lambda admin: find_handover(admin, key, application))
    _move(record, State.SKIPPED, reason)
    typer.echo(f"{record.handover.key} is skipped.")


@handover.command("done")
def done(key: Key, application: OfApplication = "", reason: Why = "done by hand") -> None:
    """Say that the application has it: no more calls."""
    record = with_admin(lambda admin: find_handover(admin, key, application))
    _move(record, State.DONE, reason)
    typer.echo(f"{record.handover.key} is done.")


@handover.command("table")
def table() -> None:
    """Print the SQL of the inbox table, for a destination postgresql://…"""
    from postroom.entrypoints.container.handovers import TABLE_SQL  # noqa: PLC0415

    typer.echo(TABLE_SQL)


async def find_handover(admin: AdminContext, key: str, application: str) -> HandoverRecord:
    """Raises CommandFailed."""
    record = await admin.handover_records.get(key, application=application)
    if record is None:
        raise CommandFailed(f"no handover has the key {key}; see: postroom handover list")
    return record


async def _now(admin: AdminContext) -> datetime:
    return admin.clock.now()


def _doubt(record: HandoverRecord, now: datetime) -> str:
    """What a person should know before it is called again; empty if there is nothing."""
    if now >= record.handover.keep_key_until:
        return "The application may have forgotten its key by now, and would do it twice."
    if record.handover.state in (State.DONE, State.DUPLICATE):
        return "The application has it already, and does nothing if it still has the key."
    return ""


def _move(record: HandoverRecord, to: State, reason: str) -> None:
    if not with_admin(lambda admin: admin.handover_records.move(record, to, reason)):
        raise CommandFailed("it has changed just now: look at it, and try again")


def _row(view: HandoverView) -> Row:
    return {
        "key": view.key,
        "tenant": view.tenant,
        "mailbox": view.mailbox,
        "application": view.application,
        "state": view.state,
        "accepted": view.accepted_at,
        "calls": view.attempts,
        "reason": view.reason or view.reference,
    }


def _details(view: HandoverView) -> Row:
    return {
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
