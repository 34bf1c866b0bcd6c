"""Any receiver, made moody: it fails, it answers too late, and all its calls are written down.

Run as `uvicorn tests.receivers.faulty:app`. RECEIVER is `module:name` of an ASGI application, and
FAULTS the share of calls that each of three faults befalls, drawn by SEED: 500 and 503 before it
has the call, and no answer within TIMEOUT once it has committed.
"""

import asyncio
import hashlib
import os
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import asynccontextmanager
from importlib import import_module
from random import Random
from typing import Any

from psycopg_pool import AsyncConnectionPool
from standardwebhooks import Webhook, WebhookVerificationError

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

FAULTS = float(os.environ.get("FAULTS", "0"))
TIMEOUT = float(os.environ.get("TIMEOUT", "1"))
UNANSWERED = 0.03
"""Seconds, at the most, between a commit and its answer: the longer, the more kills fall there."""

SCHEMA = """
CREATE TABLE seen_call (key text, body text, verified boolean, at timestamptz DEFAULT now());
CREATE FUNCTION take_a_while() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN PERFORM pg_sleep(TG_ARGV[0]::float * random()); RETURN NEW; END $$;
CREATE TRIGGER slow BEFORE INSERT ON ticket FOR EACH ROW EXECUTE FUNCTION take_a_while({seconds});
"""
"""Added to the tables of the receivers: an effect takes up to so long, and kills fall into it."""

dice = Random(os.environ.get("SEED", "0"))
pool = AsyncConnectionPool(
    os.environ.get("DATABASE_URL", ""), open=False, check=AsyncConnectionPool.check_connection
)


def load(name: str) -> Any:  # noqa: ANN401 - an ASGI application, which has no type of its own
    module, _, attribute = name.partition(":")
    return getattr(import_module(module), attribute)


receiver = load(os.environ.get("RECEIVER", "tests.receivers.controls:right"))


async def app(scope: Message, receive: Receive, send: Send) -> None:
    if scope["type"] != "http":
        async with opened():
            await receiver(scope, receive, send)
        return
    body = await read(receive)
    if body is None:
        return
    await write_down({name.decode(): value.decode() for name, value in scope["headers"]}, body)
    draw = dice.random()
    if draw < 2 * FAULTS:
        await answer(send, 500 if draw < FAULTS else 503)
        return
    said = await ask(scope, body)
    await asyncio.sleep(UNANSWERED * dice.random())
    if draw < 3 * FAULTS:
        await asyncio.sleep(2 * TIMEOUT)
    for each in said:
        await send(each)


@asynccontextmanager
async def opened() -> Any:  # noqa: ANN401 - a generator of nothing
    async with pool:
        yield


async def read(receive: Receive) -> bytes | None:
    """None if the caller went away in the middle of it."""
    body, more = b"", True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return body


async def write_down(headers: dict[str, str], body: bytes) -> None:
    values = [headers.get("webhook-id"), hashlib.sha256(body).hexdigest(), verifies(headers, body)]
    async with pool.connection() as connection:
        added = "INSERT INTO seen_call (key, body, verified) VALUES (%s, %s, %s)"
        await connection.execute(added, values)


def verifies(headers: dict[str, str], body: bytes) -> bool:
    try:
        Webhook(os.environ["POSTROOM_SECRET"]).verify(body, headers)
    except WebhookVerificationError:
        return False
    return headers.get("idempotency-key") == f'"{headers["webhook-id"]}"'


async def ask(scope: Message, body: bytes) -> list[Message]:
    """What the receiver answers."""
    said: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    async def hear(message: Message) -> None:
        said.append(message)

    await receiver(scope, receive, hear)
    return said


async def answer(send: Send, status: int) -> None:
    await send({"type": "http.response.start", "status": status, "headers": []})
    await send({"type": "http.response.body", "body": b""})
