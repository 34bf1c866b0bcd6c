"""Records what the release before leaves behind. It runs on that release: see ../README.md."""

import asyncio
import json
import re
import subprocess
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from adapters.embedded import EmbeddedPostgres, EmbeddedValkey
from mailboxes import IMAP_USERS
from redis.asyncio import Redis
from release import running
from story import tell
from tests.engines import DEBIAN_POSTGRES

SAMPLE = Path(__file__).parents[1]


async def main() -> None:
    key = (SAMPLE / "secret_key").read_text().strip()
    with TemporaryDirectory(prefix="postroom-dump-", ignore_cleanup_errors=True) as directory:
        home = Path(directory)
        home.chmod(0o755)  # where we are root, PostgreSQL runs as somebody else
        with (
            EmbeddedPostgres(home / "postgres", DEBIAN_POSTGRES.parent) as postgres,
            EmbeddedValkey(home / "valkey") as valkey,
        ):
            async with running(valkey.url, postgres.url, key, IMAP_USERS, home) as release:
                await tell(release)
                recorded = await queue_dump(release.servers.holding(""), release.clock.now())
            (SAMPLE / "queue.json").write_text(recorded)
            (SAMPLE / "database.sql").write_text(database_dump(postgres.url))


def database_dump(url: str) -> str:
    """Without the versions that made it, and \\restrict, which psql alone understands."""
    options = ("--inserts", "--no-owner", "--schema=postroom")
    command = [DEBIAN_POSTGRES.with_name("pg_dump"), *options, url]
    dumped = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return re.sub(r"(?m)^(-- Dumped |\\(un)?restrict ).*\n", "", dumped).strip() + "\n"


async def queue_dump(redis: Redis, recorded_at: datetime) -> str:
    """Every key by its type: what DUMP gives, only servers of the same kind can RESTORE."""
    keys = {key.decode(): await _read(redis, key) for key in sorted(await redis.keys())}
    recorded = {"recorded_at": recorded_at.isoformat(), "keys": keys}
    return json.dumps(recorded, indent=1, ensure_ascii=False) + "\n"


async def _read(redis: Redis, key: bytes) -> dict[str, object]:
    """All is UTF-8, and so can be read and reviewed as it is."""
    kind = (await redis.type(key)).decode()
    match kind:
        case "string":
            value: object = (await redis.get(key)).decode()
        case "hash":
            fields = await redis.hgetall(key)
            value = {name.decode(): text.decode() for name, text in fields.items()}
        case "list":
            value = [each.decode() for each in await redis.lrange(key, 0, -1)]
        case "set":
            value = sorted(each.decode() for each in await redis.smembers(key))
        case "zset":
            members = await redis.zrange(key, 0, -1, withscores=True)
            value = {member.decode(): f"{score:.0f}" for member, score in members}
        case _:
            raise AssertionError(kind)
    return {"type": kind, "value": value}


if __name__ == "__main__":
    asyncio.run(main())
