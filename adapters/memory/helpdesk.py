from collections.abc import Sequence
from dataclasses import replace

from postroom.adapters.memory.database import InMemoryDatabase, Tables
from postroom.application.ports import Helpdesk
from postroom.domain.helpdesk.ticket import Comment, Ticket, TicketSummary, in_order
from postroom.domain.mailbox import Mailbox


class InMemoryHelpdesk(Helpdesk):
    def __init__(self, database: InMemoryDatabase) -> None:
        self._database = database

    async def conversations(self, mailbox: Mailbox, message_ids: Sequence[str]) -> Sequence[Ticket]:
        if not self._database.in_ledger_block:
            raise RuntimeError("conversations are asked for outside a ledger block")
        # The block holds off all other filings of the mailbox.
        wanted = set(message_ids)
        return [
            ticket
            for _, ticket in sorted(self._database.read(mailbox.tenant).tickets.items())
            if ticket.mailbox == mailbox.id
            and any(wanted.intersection(comment.message_ids) for comment in ticket.comments)
        ]

    async def open_ticket(self, mailbox: Mailbox, opening: Comment) -> Ticket:
        number = await self._database.next_number(mailbox.tenant)
        async with self._database.transaction(mailbox.tenant) as tables:
            ticket = Ticket(
                tenant=mailbox.tenant,
                mailbox=mailbox.id,
                number=number,
                comments=(opening,),
            )
            return _keep(tables, ticket)

    async def add_comment(self, ticket: Ticket, comment: Comment) -> Ticket:
        async with self._database.transaction(ticket.tenant) as tables:
            return _keep(tables, replace(ticket, comments=in_order((*ticket.comments, comment))))

    async def merge(self, ticket: Ticket, other: Ticket) -> Ticket:
        async with self._database.transaction(ticket.tenant) as tables:
            del tables.tickets[other.number]
            tables.merged[other.number] = ticket.number
            return _keep(
                tables, replace(ticket, comments=in_order(ticket.comments + other.comments))
            )

    async def summaries(self, tenant: str, *, limit: int = 100) -> Sequence[TicketSummary]:
        tickets = self._database.read(tenant).tickets
        return [_summary(tickets[number]) for number in sorted(tickets, reverse=True)[:limit]]

    async def ticket(self, tenant: str, number: int) -> Ticket | None:
        tables = self._database.read(tenant)
        while number in tables.merged:
            number = tables.merged[number]
        return tables.tickets.get(number)


def _keep(tables: Tables, ticket: Ticket) -> Ticket:
    tables.tickets[ticket.number] = ticket
    return ticket


def _summary(ticket: Ticket) -> TicketSummary:
    return TicketSummary(
        mailbox=ticket.mailbox,
        number=ticket.number,
        subject=ticket.subject,
        requester=ticket.opening.author,
        opened_at=ticket.opening.received_at,
        comments=len(ticket.comments),
        documents=sum(len(comment.documents) for comment in ticket.comments),
    )
