"""A subscriber to events: FastAPI, psycopg, standardwebhooks.

pip install fastapi uvicorn 'psycopg[binary,pool]' standardwebhooks
psql "$DATABASE_URL" -f events.sql
DATABASE_URL=postgresql://… POSTROOM_SECRET=whsec_… uvicorn event_subscriber:app --port 3001
"""

import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from psycopg_pool import AsyncConnectionPool
from standardwebhooks import Webhook, WebhookVerificationError

webhook = Webhook(os.environ["POSTROOM_SECRET"])
pool = AsyncConnectionPool(
    os.environ["DATABASE_URL"], open=False, check=AsyncConnectionPool.check_connection
)


@asynccontextmanager
async def with_pool(_: FastAPI) -> AsyncIterator[None]:
    async with pool:
        yield


app = FastAPI(lifespan=with_pool)


@app.post("/events")
async def events(request: Request) -> JSONResponse:
    body = await request.body()  # the bytes that were signed: verify before anything parses them
    try:
        event = webhook.verify(body, dict(request.headers))
    except (WebhookVerificationError, ValueError):  # the latter for what is no signature at all
        return JSONResponse({"reason": "signature"}, 401)
    if event["type"].startswith("postroom."):
        return JSONResponse({})  # a ping, or a test
    return JSONResponse({}, 201 if await note(event) else 208)


async def note(event: dict[str, Any]) -> bool:
    """Whether it is new. An event comes at least once: its id is what doubles are known by."""
    async with pool.connection() as connection:
        inserted = await connection.execute(
            "INSERT INTO heard_event (id, type, at, body) VALUES (%s, %s, %s, %s)"
            " ON CONFLICT DO NOTHING",
            [event["data"]["id"], event["type"], event["timestamp"], json.dumps(event)],
        )
        return inserted.rowcount == 1
