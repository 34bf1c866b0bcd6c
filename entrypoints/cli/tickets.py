"""Commands that show the tickets: list, show."""

from typing import Annotated

import typer

from postroom.entrypoints.cli.context import AdminContext, with_admin
from postroom.entrypoints.cli.errors import CommandFailed
from postroom.entrypoints.cli.output import (
    AsJson,
    Limit,
    Row,
    Tenant,
    of_tenant,
    one_line,
    print_json,
    show,
)
from postroom.entrypoints.views.tickets import (
    CommentView,
    TicketSummaryView,
    TicketView,
    ticket_summary_view,
    ticket_view,
)

tickets = typer.Typer(no_args_is_help=True, help="Look at the tickets that mail has become.")


@tickets.command("list")
def list_tickets(tenant: Tenant = "default", limit: Limit = 50, *, as_json: AsJson = False) -> None:
    """List the newest tickets."""

    async def find(admin: AdminContext) -> list[TicketSummaryView]:
        found = await admin.helpdesk.summaries(tenant, limit=limit)
        return [ticket_summary_view(summary) for summary in found]

    show(
        with_admin(find),
        _row,
        as_json=as_json,
        empty=(
            f"The tenant {tenant} has no tickets yet."
            f" What became of mail: postroom outcomes{of_tenant(tenant)}"
        ),
        prose=("subject",),
    )


def _row(ticket: TicketSummaryView) -> Row:
    return {
        "number": ticket.number,
        "opened": ticket.opened_at,
        "mailbox": ticket.mailbox,
        "requester": ticket.requester.email,
        "comments": ticket.comments,
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
            f"the tenant {tenant} has no ticket {number};"
            f" see: postroom tickets list{of_tenant(tenant)}"
        )
    view = ticket_view(ticket)
    if as_json:
        print_json(view)
    else:
        _print_ticket(view)


def _print_ticket(ticket: TicketView) -> None:
    typer.echo(f"Ticket {ticket.number} in {ticket.mailbox}: {one_line(ticket.subject)}")
    for comment in ticket.comments:
        _print_comment(comment, f"/api/v1/tickets/{ticket.number}/documents")


def _print_comment(comment: CommentView, documents: str) -> None:
    typer.echo(f"\n{one_line(comment.author.email)}, {one_line(comment.received_at)} UTC")
    for line in (comment.text or comment.html).splitlines():
        typer.echo(f"  {one_line(line)}".rstrip())
    for document in comment.documents:
        typer.echo(f"  + {one_line(document.filename)} ({document.size} bytes)")
    if original := comment.original:
        typer.echo(f"  the original: {documents}/{original.key} ({original.size} bytes)")
