"""Receivers that are wrong, each in one way: a rig that finds nothing in them proves nothing."""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from litestar import Litestar, Request, Response, post
from psycopg_pool import AsyncConnectionPool
from standardwebhooks import Webhook, WebhookVerificationError

pool = AsyncConnectionPool(
    os.environ.get("DATABASE_URL", ""), open=False, check=AsyncConnectionPool.check_connection
)
webhook = Webhook(os.environ.get("POSTROOM_SECRET", "none"))

Mail = dict[str, Any]
Take = Callable[[Mail], Awaitable[tuple[object, bool]]]
"""The reference of the ticket, and whether it is new."""


async def keep_no_key(mail: Mail) -> tuple[object, bool]:
    return await file_ticket(mail), True


async def keep_keys_in_memory(mail: Mail) -> tuple[object, bool]:
    if mail["key"] in memory:
        return memory[mail["key"]], False
    memory[mail["key"]] = await file_ticket(mail)
    return memory[mail["key"]], True


memory: dict[str, int] = {}


async def commit_the_key_first(mail: Mail) -> tuple[object, bool]:
    if not await keep(mail["key"]):
        return await ticket_of(mail["key"]), False
    ticket = await file_ticket(mail)
    await execute("UPDATE inbox_key SET ticket = %s WHERE key = %s", [ticket, mail["key"]])
    return ticket, True


async def take_every_key_for_known(_: Mail) -> tuple[object, bool]:
    return "", False


async def answer_first(mail: Mail) -> tuple[object, bool]:
    task = asyncio.create_task(take_rightly(mail))
    tasks.add(task)
    task.add_done_callback(tasks.discard)
    return "", True


tasks: set[asyncio.Task[tuple[object, bool]]] = set()


async def take_rightly(mail: Mail) -> tuple[object, bool]:
    async with pool.connection() as connection:
        kept = "INSERT INTO inbox_key (key) VALUES (%s) ON CONFLICT DO NOTHING"
        if (await connection.execute(kept, [mail["key"]])).rowcount == 0:
            found = "SELECT ticket FROM inbox_key WHERE key = %s"
            [ticket] = await (await connection.execute(found, [mail["key"]])).fetchone() or [0]
            return ticket, False
        filed = "INSERT INTO ticket (subject) VALUES (%s) RETURNING number"
        [ticket] = await (await connection.execute(filed, [mail["key"]])).fetchone() or [0]
        named = "UPDATE inbox_key SET ticket = %s WHERE key = %s"
        await connection.execute(named, [ticket, mail["key"]])
        return ticket, True


async def file_ticket(mail: Mail) -> int:
    subject = mail["email"]["subject"]
    return int(
        await execute("INSERT INTO ticket (subject) VALUES (%s) RETURNING number", [subject])
    )


async def keep(key: str) -> bool:
    """Whether it is new."""
    kept = "INSERT INTO inbox_key (key) VALUES (%s) ON CONFLICT DO NOTHING RETURNING true"
    return bool(await execute(kept, [key]))


async def ticket_of(key: str) -> object:
    return await execute("SELECT ticket FROM inbox_key WHERE key = %s", [key])


async def execute(statement: str, values: list[object]) -> Any:  # noqa: ANN401 - what is selected
    """In a transaction of its own."""
    async with pool.connection() as connection:
        done = await connection.execute(statement.encode(), values)
        row = await done.fetchone() if done.description else None
        return row[0] if row else None


def verified(headers: dict[str, str], body: bytes) -> Any:  # noqa: ANN401 - it is JSON
    return webhook.verify(body, headers)


def unverified(_: dict[str, str], body: bytes) -> Any:  # noqa: ANN401 - it is JSON
    return json.loads(body)


def receiver(take: Take, verify: Callable[[dict[str, str], bytes], Any] = verified) -> Litestar:
    @post("/inbound")
    async def inbound(request: Request[Any, Any, Any]) -> Response[dict[str, str]]:
        try:
            event = verify(dict(request.headers), await request.body())
        except (WebhookVerificationError, ValueError):
            return Response({}, status_code=401)
        if event["type"] != "mail.received":
            return Response({}, status_code=200)
        ticket, is_new = await take(event["data"])
        return Response({"reference": str(ticket)}, status_code=201 if is_new else 208)

    return Litestar([inbound], lifespan=[with_pool])


@asynccontextmanager
async def with_pool(_: Litestar) -> AsyncIterator[None]:
    async with pool:
        yield


no_key = receiver(keep_no_key)
keys_in_memory = receiver(keep_keys_in_memory)
key_first = receiver(commit_the_key_first)
all_known = receiver(take_every_key_for_known)
answer_before = receiver(answer_first)
unsigned = receiver(take_rightly, unverified)
right = receiver(take_rightly)
