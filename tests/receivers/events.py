"""A subscriber: it verifies each call, and stores each event once, by its id.

Run as `uvicorn tests.receivers.events:app`, with DATABASE_URL and POSTROOM_SECRET.
"""

import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from litestar import Litestar, Request, Response, post
from psycopg_pool import AsyncConnectionPool
from standardwebhooks import Webhook, WebhookVerificationError

SCHEMA = """
CREATE TABLE heard_event (id text PRIMARY KEY, body json NOT NULL);
CREATE TABLE heard_call (id text NOT NULL, body text NOT NULL, verified boolean NOT NULL);
"""

pool = AsyncConnectionPool(
    os.environ.get("DATABASE_URL", ""), open=False, check=AsyncConnectionPool.check_connection
)


@asynccontextmanager
async def with_pool(_: Litestar) -> AsyncIterator[None]:
    async with pool:
        yield


@post("/events")
async def events(request: Request[Any, Any, Any]) -> Response[dict[str, str]]:
    body, headers = await request.body(), dict(request.headers)
    id_, verified = headers.get("webhook-id", ""), is_verified(headers, body)
    async with pool.connection() as connection:
        called = "INSERT INTO heard_call (id, body, verified) VALUES (%s, %s, %s)"
        await connection.execute(called, [id_, body.decode(), verified])
        if not verified or json.loads(body)["type"].startswith("postroom."):
            return Response({}, status_code=200 if verified else 401)
        heard = "INSERT INTO heard_event (id, body) VALUES (%s, %s) ON CONFLICT DO NOTHING"
        is_new = (await connection.execute(heard, [id_, body.decode()])).rowcount == 1
    return Response({}, status_code=201 if is_new else 208)


def is_verified(headers: dict[str, str], body: bytes) -> bool:
    try:
        Webhook(os.environ["POSTROOM_SECRET"]).verify(body, headers)
    except WebhookVerificationError:
        return False
    return True


app = Litestar([events], lifespan=[with_pool])
