"""The built-in helpdesk's tickets, in PostgreSQL."""

from collections.abc import Sequence
from dataclasses import replace

from postroom.adapters.postgres.comments import insert_comment, read_tickets
from postroom.adapters.postgres.connection import Connection
from postroom.adapters.postgres.database import Database
from postroom.adapters.postgres.text import indexable
from postroom.application.ports import Helpdesk
from postroom.domain.helpdesk.ticket import Comment, Ticket, TicketSummary, in_order
from postroom.domain.mail.message import Address
from postroom.domain.mailbox import Mailbox

# Kept until the ledger block ends. Two mailboxes with one hash only wait for each other.
_ONE_FILING_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtextextended(%s || '/' || %s, 0))"

_CONVERSATIONS = """
SELECT DISTINCT comment.ticket
FROM thread_id JOIN comment ON (comment.tenant, comment.id) = (thread_id.tenant, thread_id.comment)
WHERE thread_id.tenant = %s AND thread_id.mailbox = %s AND thread_id.message_id = ANY (%s)
"""

# The row stays locked until the transaction ends: numbers have no gaps, and are in order of commit.
_NEXT_NUMBER = """
INSERT INTO ticket_counter AS counter (tenant, last) VALUES (%s, 1)
ON CONFLICT (tenant) DO UPDATE SET last = counter.last + 1
RETURNING last
"""

_OPEN = "INSERT INTO ticket (tenant, number, mailbox) VALUES (%s, %s, %s)"

_SET_OPENING = """
UPDATE ticket SET opening = comment.id
FROM comment
WHERE ticket.tenant = %s AND ticket.number = %s AND comment.tenant = ticket.tenant
  AND comment.mailbox = ticket.mailbox AND comment.identity = %s AND comment.digest = %s
"""

_MOVE_COMMENTS = "UPDATE comment SET ticket = %s WHERE tenant = %s AND ticket = %s"

# What was merged into the other before leads on as well.
_LEAD_ON = """
UPDATE ticket SET merged_into = %s, opening = NULL
WHERE tenant = %s AND %s IN (number, merged_into)
"""

_FOLLOW = "SELECT coalesce(merged_into, number) FROM ticket WHERE tenant = %s AND number = %s"

_SUMMARIES = """
SELECT ticket.mailbox, ticket.number, opening.subject, opening.author_name, opening.author_email,
       opening.received_at, held.comments, held.documents
FROM ticket
JOIN comment AS opening ON (opening.tenant, opening.id) = (ticket.tenant, ticket.opening)
CROSS JOIN LATERAL (
    SELECT count(DISTINCT comment.id) AS comments, count(document.comment) AS documents
    FROM comment
    LEFT JOIN document ON (document.tenant, document.comment) = (comment.tenant, comment.id)
    WHERE (comment.tenant, comment.ticket) = (ticket.tenant, ticket.number)
) AS held
WHERE ticket.tenant = %s ORDER BY ticket.number DESC LIMIT %s
"""


class PostgresHelpdesk(Helpdesk):
    def __init__(self, database: Database) -> None:
        self._database = database

    async def conversations(self, mailbox: Mailbox, message_ids: Sequence[str]) -> Sequence[Ticket]:
        if not self._database.in_ledger_block:
            raise RuntimeError("conversations are asked for outside a ledger block")
        wanted = [indexable(message_id) for message_id in message_ids]
        async with self._database.transaction(mailbox.tenant) as connection:
            # A statement of its own, so that the next sees what the filing before has committed.
            await connection.execute(_ONE_FILING_AT_A_TIME, [mailbox.tenant, mailbox.id])
            rows = await connection.execute(_CONVERSATIONS, [mailbox.tenant, mailbox.id, wanted])
            numbers = [number async for (number,) in rows]
            return await read_tickets(connection, mailbox.tenant, numbers)

    async def open_ticket(self, mailbox: Mailbox, opening: Comment) -> Ticket:
        async with self._database.transaction(mailbox.tenant) as connection:
            number = await _next_number(connection, mailbox.tenant)
            await connection.execute(_OPEN, [mailbox.tenant, number, mailbox.id])
            ticket = Ticket(
                tenant=mailbox.tenant, mailbox=mailbox.id, number=number, comments=(opening,)
            )
            await insert_comment(connection, ticket, opening)
            await _set_opening(connection, ticket)
        return ticket

    async def add_comment(self, ticket: Ticket, comment: Comment) -> Ticket:
        longer = replace(ticket, comments=in_order((*ticket.comments, comment)))
        async with self._database.transaction(ticket.tenant) as connection:
            await insert_comment(connection, longer, comment)
            await _set_opening(connection, longer)
        return longer

    async def merge(self, ticket: Ticket, other: Ticket) -> Ticket:
        merged = replace(ticket, comments=in_order(ticket.comments + other.comments))
        move = [ticket.number, ticket.tenant, other.number]
        async with self._database.transaction(ticket.tenant) as connection:
            await connection.execute(_MOVE_COMMENTS, move)
            await connection.execute(_LEAD_ON, move)
            await _set_opening(connection, merged)
        return merged

    async def summaries(self, tenant: str, *, limit: int = 100) -> Sequence[TicketSummary]:
        async with self._database.transaction(tenant) as connection:
            rows = await connection.execute(_SUMMARIES, [tenant, limit])
            return [
                TicketSummary(
                    mailbox=mailbox,
                    number=number,
                    subject=subject,
                    requester=Address(name, email),
                    opened_at=received_at,
                    comments=comments,
                    documents=documents,
                )
                async for (
                    mailbox,
                    number,
                    subject,
                    name,
                    email,
                    received_at,
                    comments,
                    documents,
                ) in rows
            ]

    async def ticket(self, tenant: str, number: int) -> Ticket | None:
        async with self._database.transaction(tenant) as connection:
            rows = await connection.execute(_FOLLOW, [tenant, number])
            numbers = [final async for (final,) in rows]
            found = await read_tickets(connection, tenant, numbers)
        return found[0] if found else None


async def _next_number(connection: Connection, tenant: str) -> int:
    rows = await connection.execute(_NEXT_NUMBER, [tenant])
    row = await rows.fetchone()
    assert row
    return int(row[0])


async def _set_opening(connection: Connection, ticket: Ticket) -> None:
    key = [indexable(ticket.opening.identity), indexable(ticket.opening.digest)]
    await connection.execute(_SET_OPENING, [ticket.tenant, ticket.number, *key])
