"""Nothing is connected here: the URLs lead nowhere."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import fields
from pathlib import Path
from typing import get_type_hints

import httpx
import pytest
from punq import Container
from pydantic import SecretStr
from redis.asyncio import Redis
from structlog.testing import capture_logs

from postroom.adapters.clock import SystemClock
from postroom.adapters.crypto import generate_key
from postroom.adapters.imap.pool import ConnectionPool
from postroom.adapters.postgres.database import Database
from postroom.application.file_message import FileMessage
from postroom.application.ingest_pointer import IngestPointer
from postroom.application.route_message import RouteMessage
from postroom.application.unless_shadow import UnlessShadow
from postroom.domain.handover.content_token import ContentTokens, Links
from postroom.domain.ingress import IngressMode
from postroom.entrypoints.container import Wired, wire
from postroom.entrypoints.container.blobs import bind_blobs
from postroom.entrypoints.container.pools import open_pools
from postroom.entrypoints.run import run_api, say_what_is_not_received
from postroom.entrypoints.settings import InvalidSettings, Settings
from tests.buckets import BucketServer

PARTS = [each.name for each in fields(Wired) if each.name not in {"health", "ingest"}]


def settings(home: Path, **given: object) -> Settings:
    usable: dict[str, object] = {
        "home": home,
        "redis_url": "redis://127.0.0.1:1",
        "database_url": "postgresql://127.0.0.1:1/nowhere",
        "secret_keys": (SecretStr(generate_key()),),
    }
    return Settings(**(usable | given))  # type: ignore[arg-type]  # pydantic checks them


@pytest.fixture
async def wired(tmp_path: Path) -> AsyncIterator[Wired]:
    async with wire(settings(tmp_path)) as wired:
        yield wired


# --- What is in it


@pytest.mark.parametrize("part", PARTS)
async def test_each_part_is_what_it_says(wired: Wired, part: str) -> None:
    kind: type = get_type_hints(Wired)[part]

    assert kind in type(getattr(wired, part)).__mro__


async def test_pointers_are_ingested_into_the_queue(wired: Wired) -> None:
    assert callable(wired.ingest)
    assert IngestPointer not in type(wired.ingest).__mro__, "it must be observed"


async def test_all_use_cases_share_their_ports(wired: Wired) -> None:
    assert wired.consume.queue is wired.queue
    assert wired.consume.registry is wired.registry is wired.remove.registry
    assert wired.consume.providers is wired.providers
    assert wired.consume.trigger_sync.maintain is wired.maintain
    router = wired.consume.processor
    assert isinstance(router, RouteMessage)
    assert router.applications is wired.applications is router.accept.applications
    assert router.handovers is wired.handovers is wired.hand_over.handovers
    processor = router.helpdesk
    assert isinstance(processor, UnlessShadow)
    assert isinstance(processor.processor, FileMessage)
    assert processor.ingress is wired.providers.ingress is wired.release_shadow.ingress


async def test_ingress_is_as_the_settings_say(tmp_path: Path) -> None:
    given = settings(tmp_path, ingress_google="shadow", ingress_imap="off")

    async with wire(given) as wired:
        modes = {name: wired.providers.ingress.mode_of(name) for name in wired.providers}

    assert modes == {
        "microsoft": IngressMode.QUEUE,
        "google": IngressMode.SHADOW,
        "imap": IngressMode.OFF,
    }


async def test_what_is_not_as_usual_is_said_at_the_start(tmp_path: Path) -> None:
    given = settings(
        tmp_path,
        port=0,
        ingress_imap="off",
        handoff_compatibility="static-header",
        handoff_secrets={"acme": SecretStr("a secret of another system")},
    )
    stop = asyncio.Event()
    stop.set()

    with capture_logs() as logs:
        async with wire(given) as wired:
            say_what_is_not_received(wired)
            await run_api(wired, given, stop)

    said = [each for each in logs if each["log_level"] == "warning"]
    assert [each["event"] for each in said] == ["ingress restricted", "hand-offs are not signed"]
    assert said[0]["reason"] == "ingress of imap is off"
    assert "proves nothing about the body" in said[1]["reason"]
    assert "another system" not in str(logs)


async def test_every_provider_is_there_with_its_parts(wired: Wired) -> None:
    parts = {
        name: tuple(
            bool(part)
            for part in (each.subscriptions, each.notifications, each.listener, each.puller)
        )
        for name, each in wired.providers.items()
    }

    assert parts == {
        "microsoft": (True, True, False, False),
        "google": (True, True, False, True),
        "imap": (False, True, True, False),
    }


async def test_the_health_of_all_that_is_needed_is_checked(wired: Wired) -> None:
    assert [check.name for check in wired.health] == [
        "redis",
        "partitions",
        "postgres",
        "migrations",
        "blobs",
    ]


async def test_retries_are_as_the_settings_say(tmp_path: Path) -> None:
    given = settings(tmp_path, max_attempts=3, retry_base_seconds=0.5, retry_ceiling_seconds=7)

    async with wire(given) as wired:
        policy = wired.policy

    assert policy.max_attempts == 3
    assert (policy.base.total_seconds(), policy.ceiling.total_seconds()) == (0.5, 7)


async def test_blobs_lie_in_the_home(tmp_path: Path) -> None:
    async with wire(settings(tmp_path)) as wired:
        key = await wired.blobs.put("acme", b"content")

    assert [path.name for path in (tmp_path / "blobs").rglob("*") if key in path.name]


async def test_blobs_lie_where_the_settings_say(tmp_path: Path) -> None:
    async with wire(settings(tmp_path, blobs=f"file://{tmp_path}/shared")) as wired:
        key = await wired.blobs.put("acme", b"content")

    assert [path for path in (tmp_path / "shared").rglob("*") if key in path.name]


async def test_blobs_lie_in_a_bucket(tmp_path: Path, bucket_server: BucketServer) -> None:
    access = bucket_server.access()
    given = settings(
        tmp_path,
        blobs=f"s3://{access.bucket}/mail",
        s3_endpoint_url=access.endpoint_url,
        s3_access_key_id=access.access_key_id,
        s3_secret_access_key=SecretStr(access.secret_access_key),
    )

    async with wire(given) as wired:
        key = await wired.blobs.put("acme", b"content")

    assert bucket_server.keys(access) == [f"mail/acme/{key[:2]}/{key}"]


async def test_mail_is_encrypted_if_the_settings_say_so(tmp_path: Path) -> None:
    async with wire(settings(tmp_path, encrypt_mail=True)) as wired:
        key = await wired.blobs.put("acme", b"content")
        assert await wired.blobs.get("acme", key) == b"content"

    [file] = [path for path in (tmp_path / "blobs").rglob("*") if path.is_file()]
    assert key not in file.name
    assert b"content" not in file.read_bytes()


async def test_content_tokens_are_made_and_opened_by_the_secret_keys(tmp_path: Path) -> None:
    old, new = SecretStr(generate_key()), SecretStr(generate_key())
    links, tokens = Links("acme", "crm", "msg_1"), []
    for keys in ((old,), (new, old)):
        container = Container()
        async with AsyncExitStack() as resources:
            pools = await resources.enter_async_context(open_pools(2**20))
            given = settings(tmp_path, secret_keys=keys)
            bind_blobs(container, given, Database("dbname=x"), pools, resources)
        tokens.append(container.resolve(ContentTokens))

    now = SystemClock().now()
    assert tokens[1].opens(tokens[0].make(links, now), links, now)
    assert not tokens[0].opens(tokens[1].make(links, now), links, now)


# --- What is refused


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"redis_url": "redis://user:hush@localhost:port"}, "POSTROOM_REDIS_URL: use"),
        ({"database_url": "postgresql://user:hu@sh@localhost/mail"}, "POSTROOM_DATABASE_URL"),
        ({"database_url": "postgresql://user:hush@localhost:port/mail"}, "POSTROOM_DATABASE_URL"),
        ({"secret_keys": (SecretStr("hush"),)}, "key 1 of POSTROOM_SECRET_KEYS"),
        ({"secret_keys": ()}, "POSTROOM_SECRET_KEYS is empty"),
        (
            {"blobs": "s3://bucket", "s3_secret_access_key": SecretStr("hush")},
            "POSTROOM_S3_ACCESS_KEY_ID",
        ),
    ],
    ids=["redis", "database", "database port", "key", "no key", "half of the credentials"],
)
async def test_what_cannot_be_wired_is_told_in_a_line_without_the_secret(
    tmp_path: Path, given: dict[str, object], told: str
) -> None:
    with pytest.raises(InvalidSettings) as refused:
        async with wire(settings(tmp_path, **given)):
            pytest.fail("it was wired")

    line = str(refused.value)
    assert told in line
    assert "\n" not in line
    assert "hush" not in line
    assert "sh@" not in line
    assert refused.value.__suppress_context__


# --- How it is closed


@pytest.fixture
def closed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The resources that have been closed, in order."""
    order: list[str] = []

    def watch(kind: type, method: str) -> None:
        close = getattr(kind, method)

        async def watched(self: object, *arguments: object) -> object:
            order.append(kind.__name__)
            return await close(self, *arguments)

        monkeypatch.setattr(kind, method, watched)

    watch(Redis, "aclose")
    watch(Database, "__aexit__")
    watch(httpx.AsyncClient, "__aexit__")
    watch(ConnectionPool, "aclose")
    return order


async def test_resources_are_closed_in_reverse(tmp_path: Path, closed: list[str]) -> None:
    async with wire(settings(tmp_path)):
        opened = list(closed)

    assert opened == []
    assert closed == ["ConnectionPool", "AsyncClient", "Database", "Redis"]


async def test_resources_are_closed_when_what_uses_them_fails(
    tmp_path: Path, closed: list[str]
) -> None:
    with pytest.raises(asyncio.CancelledError):
        async with wire(settings(tmp_path)):
            raise asyncio.CancelledError

    assert closed == ["ConnectionPool", "AsyncClient", "Database", "Redis"]


async def test_what_was_opened_before_the_wiring_failed_is_closed(
    tmp_path: Path, closed: list[str]
) -> None:
    with pytest.raises(InvalidSettings):
        async with wire(settings(tmp_path, secret_keys=())):
            pytest.fail("it was wired")

    assert closed == ["Database"]  # no connection to Redis was made yet
