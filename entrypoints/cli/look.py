"""Commands that look up what became of mail: outcomes, tickets."""

from dataclasses import asdict
from typing import Annotated

import typer

from postroom.application.ports import OutcomeRecord
from postroom.domain.helpdesk.ticket import Comment, Ticket, TicketSummary
from postroom.domain.outcome import Completed, Dead, Duplicate, Expanded, Final, Skipped, name_of
from postroom.entrypoints.cli.context import AdminContext, with_admin
from postroom.entrypoints.cli.errors import CommandFailed
from postroom.entrypoints.cli.output import (
    AsJson,
    Limit,
    Row,
    Tenant,
    one_line,
    print_json,
    show,
)

tickets = typer.Typer(no_args_is_help=True, help="Look at the tickets that mail has become.")


def outcomes(
    tenant: Tenant = "default",
    mailbox: Annotated[str, typer.Option(help="Only of this mailbox.")] = "",
    identity: Annotated[str, typer.Option(help="Only of this message (rfc5322:…).")] = "",
    job: Annotated[str, typer.Option(help="Only of this job id.")] = "",
    limit: Limit = 50,
    *,
    as_json: AsJson = False,
) -> None:
    """Look up what became of each pointer, newest first."""

    async def find(admin: AdminContext) -> list[Row]:
        found = await admin.outcomes.find(
            tenant, mailbox=mailbox, identity=identity, job_id=job, limit=limit
        )
        return [_outcome(record) for record in found]

    show(
        with_admin(find),
        as_json=as_json,
        empty=f"No outcome of the tenant {tenant} matches. What still waits: postroom queue",
        only_json=("provider", "job"),
        prose=("detail",),
    )


def _outcome(record: OutcomeRecord) -> Row:
    return {
        "at": record.at,
        "mailbox": record.job.mailbox,
        "provider": record.job.pointer.provider,
        "outcome": name_of(record.outcome),
        "detail": detail_of(record.outcome),
        "attempt": record.attempt,
        "identity": record.identity,
        "job": record.job.id,
    }


def detail_of(outcome: Final) -> str:
    """What the outcome's name does not tell yet."""
    match outcome:
        case Completed(effect=effect, reference=reference):
            return f"{effect} {reference}"
        case Expanded(count=count):
            return f"{count} message{'' if count == 1 else 's'}"
        case Skipped(reason=reason) | Dead(reason=reason):
            return reason
        case Duplicate():
            return ""


@tickets.command("list")
def list_tickets(tenant: Tenant = "default", limit: Limit = 50, *, as_json: AsJson = False) -> None:
    """List the newest tickets."""

    async def find(admin: AdminContext) -> list[Row]:
        return [_summary(ticket) for ticket in await admin.helpdesk.summaries(tenant, limit=limit)]

    show(
        with_admin(find),
        as_json=as_json,
        empty=f"The tenant {tenant} has no tickets yet. What became of mail: postroom outcomes",
        only_json=("documents",),
        prose=("subject",),
    )


def _summary(ticket: TicketSummary) -> Row:
    return {
        "number": ticket.number,
        "opened": ticket.opened_at,
        "mailbox": ticket.mailbox,
        "requester": ticket.requester.email,
        "comments": ticket.comments,
        "documents": ticket.documents,
        "subject": ticket.subject,
    }


@tickets.command("show")
def show_ticket(
    number: Annotated[int, typer.Argument(help="As `postroom tickets list` shows it.")],
    tenant: Tenant = "default",
    *,
    as_json: AsJson = False,
) -> None:
    """Show one ticket with its comments and documents."""
    ticket = with_admin(lambda admin: admin.helpdesk.ticket(tenant, number))
    if ticket is None:
        raise CommandFailed(
            f"the tenant {tenant} has no ticket {number}; see: postroom tickets list"
        )
    if as_json:
        print_json(_ticket(ticket))
    else:
        _read_out(ticket)


def _ticket(ticket: Ticket) -> Row:
    return {
        "number": ticket.number,
        "mailbox": ticket.mailbox,
        "subject": ticket.subject,
        "comments": [_comment(comment) for comment in ticket.comments],
    }


def _comment(comment: Comment) -> Row:
    return {
        "identity": comment.identity,
        "received": comment.received_at,
        "author": comment.author.email,
        "subject": comment.subject,
        "text": comment.text,
        "html": comment.html,
        "documents": [asdict(document) for document in comment.documents],
    }


def _read_out(ticket: Ticket) -> None:
    typer.echo(f"Ticket {ticket.number} in {ticket.mailbox}: {one_line(ticket.subject)}")
    for comment in ticket.comments:
        typer.echo(f"\n{one_line(comment.author.email)}, {one_line(comment.received_at)} UTC")
        for line in (comment.text or comment.html).splitlines():
            typer.echo(f"  {one_line(line)}".rstrip())
        for document in comment.documents:
            typer.echo(f"  + {one_line(document.filename)} ({document.size} bytes)")
