"""The API while a server that it needs hangs: not refused, not closed, only silent."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import httpx
import psycopg
import pytest
from pydantic import SecretStr

from postroom.adapters.crypto import generate_key
from postroom.entrypoints.settings import Settings
from tests.adapters.graph_notifications import OTHER, event, notification
from tests.end_to_end.api_rig import Api, Engines, own_engines, serving, stopped, subscribe_two


@pytest.fixture(scope="module")
def engines(engine_home: Path) -> Iterator[Engines]:
    with own_engines(engine_home / "outages") as engines:
        settings = Settings(
            redis_url=engines.valkey.url,
            database_url=engines.database,
            secret_keys=(SecretStr(generate_key()),),
        )
        asyncio.run(subscribe_two(settings))
        yield engines


@pytest.fixture
async def api(engines: Engines, tmp_path: Path) -> AsyncIterator[Api]:
    """One that knows the first of the two subscriptions."""
    async with serving(engines.valkey.url, engines.database, tmp_path / "home") as api:
        assert (await api.notify(message())).status_code == 202
        yield api


def message(**changes: object) -> dict[str, object]:
    """One that nobody has announced yet."""
    return notification(uuid4().hex, **changes)


def is_to_be_sent_again(response: httpx.Response) -> bool:
    return response.status_code == 503 and response.headers["retry-after"] == "5"


async def check_that_only_who_is_known_is_served(api: Api) -> None:
    """Nobody waits longer than Graph does, however many they are: else the client gives up."""
    for _ in range(3):
        known = [api.notify(message()) for _ in range(20)]
        unknown = [api.notify(message(subscriptionId=OTHER)) for _ in range(20)]
        responses = await asyncio.gather(*known, *unknown, api.notify(event("missed")))

        assert {response.status_code for response in responses[:20]} == {202}
        assert all(map(is_to_be_sent_again, responses[20:]))


async def until_accepted(api: Api, **changes: object) -> None:
    async with asyncio.timeout(30):
        while (await api.notify(message(**changes))).status_code != 202:
            pass


async def test_postgres_is_stopped(api: Api, engines: Engines) -> None:
    with stopped(engines.postgres):
        await check_that_only_who_is_known_is_served(api)
        assert (await api.client.get("/health/ready")).status_code == 503

    await until_accepted(api, subscriptionId=OTHER)


async def test_its_tables_are_locked(api: Api, engines: Engines) -> None:
    async with await psycopg.AsyncConnection.connect(engines.database) as connection:
        await connection.execute("LOCK TABLE postroom.mailbox, postroom.folder_sync")
        await check_that_only_who_is_known_is_served(api)

    assert (await api.notify(message(subscriptionId=OTHER))).status_code == 202


async def test_redis_is_stopped(api: Api, engines: Engines) -> None:
    with stopped(engines.valkey):
        responses = await asyncio.gather(*(api.notify(message()) for _ in range(20)))
        assert all(map(is_to_be_sent_again, responses))

    await until_accepted(api)
