"""A receiver of mail: Litestar, psycopg, standardwebhooks.

pip install litestar uvicorn 'psycopg[binary,pool]' standardwebhooks
DATABASE_URL=postgresql://… POSTROOM_SECRET=whsec_… uvicorn litestar_receiver:app --port 3000
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from litestar import Litestar, Request, Response, post
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool
from standardwebhooks import Webhook, WebhookVerificationError

webhook = Webhook(os.environ["POSTROOM_SECRET"])
pool = AsyncConnectionPool(
    os.environ["DATABASE_URL"], open=False, check=AsyncConnectionPool.check_connection
)


@asynccontextmanager
async def with_pool(_: Litestar) -> AsyncIterator[None]:
    async with pool:
        yield


@post("/inbound")
async def inbound(request: Request[Any, Any, Any]) -> Response[dict[str, str]]:
    body = await request.body()  # the bytes that were signed: verify before anything parses them
    try:
        event = webhook.verify(body, dict(request.headers))
    except (WebhookVerificationError, ValueError):  # the latter for what is no signature at all
        return Response({"reason": "signature"}, status_code=401)
    if event["type"] != "mail.received":
        return Response({}, status_code=200)  # a ping, a test, or what is new next year
    ticket, is_new = await take(event["data"])
    return Response({"reference": str(ticket)}, status_code=201 if is_new else 208)


async def take(mail: dict[str, Any]) -> tuple[int, bool]:
    """The key and the effect in one transaction, committed before the answer."""
    async with pool.connection() as connection, connection.transaction():
        inserted = await connection.execute(
            "INSERT INTO inbox_key (key) VALUES (%s) ON CONFLICT DO NOTHING", [mail["key"]]
        )
        if inserted.rowcount == 0:
            return await ticket_of(connection, mail["key"]), False
        ticket = await file_ticket(connection, mail)
        await connection.execute(
            "UPDATE inbox_key SET ticket = %s WHERE key = %s", [ticket, mail["key"]]
        )
        return ticket, True


async def ticket_of(connection: AsyncConnection, key: str) -> int:
    found = await connection.execute("SELECT ticket FROM inbox_key WHERE key = %s", [key])
    row = await found.fetchone()
    assert row
    return int(row[0])


async def file_ticket(connection: AsyncConnection, mail: dict[str, Any]) -> int:
    """Stands for your application. Whatever it writes, it writes on *connection*."""
    email = mail["email"]
    sender = email["from"][0]["email"] if email["from"] else None
    filed = await connection.execute(
        "INSERT INTO ticket (sender, subject) VALUES (%s, %s) RETURNING number",
        [sender, email["subject"]],
    )
    row = await filed.fetchone()
    assert row
    return int(row[0])


app = Litestar([inbound], lifespan=[with_pool])
