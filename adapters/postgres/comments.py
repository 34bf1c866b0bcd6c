"""Comments and their documents, to and from rows."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from psycopg.rows import dict_row

from postroom.adapters.postgres.connection import Connection
from postroom.adapters.postgres.text import indexable
from postroom.domain.helpdesk.ticket import Comment, Document, Ticket, in_order
from postroom.domain.mail.message import Address

_INSERT = """
INSERT INTO comment (tenant, mailbox, ticket, identity, digest, message_id, refs, author_name,
                     author_email, subject, text, html, received_at, original, original_size,
                     headers)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
RETURNING id
"""

_INSERT_THREAD_IDS = """
INSERT INTO thread_id (tenant, mailbox, message_id, comment)
SELECT DISTINCT %s, %s, message_id, %s::bigint FROM unnest(%s::text[]) AS message_id
"""

_INSERT_DOCUMENT = """
INSERT INTO document (tenant, comment, position, filename, content_type, size, blob, content_id,
                      inline)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)
"""

_TICKETS = """
SELECT number, mailbox FROM ticket WHERE tenant = %s AND number = ANY (%s) ORDER BY number
"""

_COMMENTS = """
SELECT id, ticket, identity, digest, message_id, refs, author_name, author_email, subject, text,
       html, received_at, original, original_size, headers
FROM comment WHERE tenant = %s AND ticket = ANY (%s)
"""

_DOCUMENTS = """
SELECT comment, filename, content_type, size, blob, content_id, inline
FROM document WHERE tenant = %s AND comment = ANY (%s) ORDER BY comment, position
"""


async def insert_comment(connection: Connection, ticket: Ticket, comment: Comment) -> None:
    """Add *comment*, its documents and its ids to *ticket*."""
    values = [
        *(ticket.tenant, ticket.mailbox, ticket.number),
        *(indexable(comment.identity), indexable(comment.digest), comment.message_id),
        *(list(comment.references), comment.author.name, comment.author.email),
        *(comment.subject, comment.text, comment.html, comment.received_at),
        *(comment.original, comment.original_size, [list(field) for field in comment.headers]),
    ]
    rows = await connection.execute(_INSERT, values)
    row = await rows.fetchone()
    assert row
    ids = [indexable(message_id) for message_id in comment.message_ids]
    await connection.execute(_INSERT_THREAD_IDS, [ticket.tenant, ticket.mailbox, row[0], ids])
    async with connection.cursor() as cursor:
        await cursor.executemany(
            _INSERT_DOCUMENT,
            [
                [
                    *(ticket.tenant, row[0], position, document.filename, document.content_type),
                    *(document.size, document.blob, document.content_id, document.inline),
                ]
                for position, document in enumerate(comment.documents)
            ],
        )


async def read_tickets(connection: Connection, tenant: str, numbers: Sequence[int]) -> list[Ticket]:
    """The tickets of *numbers* that there are, by number, each with all that it holds."""
    rows = await connection.execute(_TICKETS, [tenant, list(numbers)])
    mailboxes: dict[int, str] = dict(await rows.fetchall())
    comments = await _comments(connection, tenant, numbers)
    return [
        Ticket(tenant=tenant, mailbox=mailbox, number=n, comments=in_order(tuple(comments[n])))
        for n, mailbox in mailboxes.items()
    ]


async def _comments(
    connection: Connection, tenant: str, numbers: Sequence[int]
) -> dict[int, list[Comment]]:
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(_COMMENTS, [tenant, list(numbers)])
        rows = await cursor.fetchall()
    documents = await _documents(connection, tenant, [row["id"] for row in rows])
    comments = defaultdict[int, list[Comment]](list)
    for row in rows:
        comments[row["ticket"]].append(_comment(row, tuple(documents[row["id"]])))
    return comments


async def _documents(
    connection: Connection, tenant: str, comments: Sequence[int]
) -> dict[int, list[Document]]:
    rows = await connection.execute(_DOCUMENTS, [tenant, list(comments)])
    documents = defaultdict[int, list[Document]](list)
    async for comment, *values in rows:
        documents[comment].append(Document(*values))
    return documents


def _comment(row: dict[str, Any], documents: tuple[Document, ...]) -> Comment:
    return Comment(
        identity=row["identity"],
        digest=row["digest"],
        message_id=row["message_id"],
        references=tuple(row["refs"]),
        author=Address(row["author_name"], row["author_email"]),
        subject=row["subject"],
        text=row["text"],
        html=row["html"],
        received_at=row["received_at"],
        documents=documents,
        original=row["original"],
        original_size=row["original_size"],
        headers=tuple((name, value) for name, value in row["headers"]),
    )
