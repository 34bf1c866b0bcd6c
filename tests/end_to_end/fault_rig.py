"""What the runs of messages through faults have in common: all of Postroom, and who dies."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from pydantic import SecretStr

from postroom.adapters.crypto import generate_key
from postroom.adapters.embedded import EmbeddedValkey
from postroom.entrypoints.demo.stage import Stage, open_stage
from postroom.entrypoints.settings import Settings

Trouble = Callable[[Stage], Awaitable[object]]


@asynccontextmanager
async def staged(database_url: str, home: Path) -> AsyncIterator[Stage]:
    with EmbeddedValkey(home / "valkey") as valkey, (home / "postroom.log").open("wb") as log:
        settings = Settings(
            home=home,
            redis_url=valkey.url,
            database_url=database_url,
            secret_keys=(SecretStr(generate_key()),),
        )
        async with open_stage(settings, log) as stage:
            yield stage


def sync_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look for lost mail every few seconds, and not every quarter of an hour."""
    monkeypatch.setenv("POSTROOM_SYNC_SECONDS", "5")
    monkeypatch.setenv("POSTROOM_POLL_SECONDS", "2")


def dies(part: str) -> Trouble:
    async def kill(stage: Stage) -> None:
        stage.supervisor.children[part].kill()

    return kill
