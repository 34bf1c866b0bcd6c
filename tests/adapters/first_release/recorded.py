"""What the release before leaves behind, put into servers: see tests/samples/first_release."""

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from redis.asyncio import Redis

from postroom.adapters.postgres.connection import Connection
from postroom.adapters.postgres.role import ensure_role

_SAMPLE = Path(__file__).parents[2] / "samples" / "first_release"
_QUEUE: dict[str, Any] = json.loads((_SAMPLE / "queue.json").read_text(encoding="utf-8"))

SECRET_KEY = (_SAMPLE / "secret_key").read_text().strip()
RECORDED_AT = datetime.fromisoformat(_QUEUE["recorded_at"])
"""The moment at which that release ended, by its clock."""

DENIED = "Graph answered 403 ErrorAccessDenied"
"""What that release has met at two of the mailboxes, and kept in many places."""


async def load_database(url: str) -> None:
    """Put its schema, with all rows, into an empty database."""
    statements = (_SAMPLE / "database.sql").read_bytes()
    async with await Connection.connect(url, autocommit=True) as connection:
        await ensure_role(connection)  # a role is of the whole server, and so not in the dump
        await connection.execute(statements)


async def load_queue(redis: Redis) -> None:
    """Put its queue into an empty server."""
    async with redis.pipeline() as pipeline:
        for key, recorded in _QUEUE["keys"].items():
            pipeline.execute_command(*_command(key, recorded["type"], recorded["value"]))
        await pipeline.execute()


def _command(key: str, kind: str, value: Any) -> tuple[str, ...]:  # noqa: ANN401 - it is JSON
    """That which makes the key anew."""
    match kind:
        case "string":
            return "SET", key, value
        case "list":
            return "RPUSH", key, *value
        case "set":
            return "SADD", key, *value
        case "hash":
            return "HSET", key, *(text for field in value.items() for text in field)
        case "zset":
            return (
                "ZADD",
                key,
                *(text for member, score in value.items() for text in (score, member)),
            )
        case _:
            raise AssertionError(kind)


def at(hour: int, minute: int, second: int = 0) -> datetime:
    """A moment of the day of the recording, or of the days after it if *hour* goes on."""
    midnight = RECORDED_AT.replace(hour=0, minute=0, second=0)
    return midnight + timedelta(hours=hour, minutes=minute, seconds=second)
