import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import structlog
from litestar.testing import AsyncTestClient

from postroom.adapters.memory.clock import ManualClock
from postroom.adapters.memory.health import InMemoryHealthCheck
from postroom.application.ports import NotificationResult
from postroom.domain.failure import Unavailable
from postroom.entrypoints.api import health
from postroom.entrypoints.telemetry.notifications import note
from tests.unit.api_rig import Rig, open_rig, problem, toy_mailbox

Client = AsyncTestClient[Any]


@pytest.fixture
def rig(clock: ManualClock) -> Iterator[Rig]:
    with open_rig(clock) as opened:
        yield opened


@pytest.fixture
async def client(rig: Rig) -> AsyncIterator[Client]:
    async with AsyncTestClient(rig.app()) as opened:
        yield opened


@dataclass
class Waiting(InMemoryHealthCheck):
    """Is well as soon as *until* is set."""

    until: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self) -> None:
        await self.until.wait()


class Buggy(InMemoryHealthCheck):
    async def __call__(self) -> None:
        raise ValueError(self.complaint)


async def test_a_process_that_answers_lives_whatever_is_away(client: Client, rig: Rig) -> None:
    rig.health.append(InMemoryHealthCheck("redis", "away"))

    response = await client.get("/health/live")

    assert response.status_code == 200
    assert response.json() == {"status": "alive"}


async def test_ready_names_every_check(client: Client, rig: Rig) -> None:
    rig.health += [InMemoryHealthCheck("redis"), InMemoryHealthCheck("postgres")]

    response = await client.get("/health/ready")

    assert response.status_code == 200
    assert response.json() == {
        "status": "ready",
        "checks": {"redis": "ok", "postgres": "ok"},
        "details": {},
    }


async def test_a_queue_that_was_lost_is_a_detail_for_as_long_as_folders_list_again(
    client: Client, rig: Rig
) -> None:
    """The API works, and must not be taken away for it."""
    await rig.registry.add(toy_mailbox())
    await rig.witness.confirm((await rig.witness.next_beat()).number, floor=0)
    loss = await rig.witness.record_loss(1)
    assert loss
    await rig.folder_syncs.request_relisting("acme", loss, rig.clock.now())

    response = await client.get("/health/ready")

    assert response.status_code == 200
    assert response.json()["details"] == {
        "queue": "found to be lost at 2030-01-01 00:00:00 UTC;"
        " folders that are still to list their mail again: 1"
    }


async def test_a_detail_that_cannot_be_had_stands_in_the_way_of_nothing(
    client: Client, rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away() -> None:
        raise Unavailable("PostgreSQL is away")

    monkeypatch.setattr(rig.witness, "load", away)

    response = await client.get("/health/ready")

    assert response.status_code == 200
    assert response.json()["details"] == {}


async def test_not_ready_says_what_is_wrong_and_what_to_do(client: Client, rig: Rig) -> None:
    rig.health += [
        InMemoryHealthCheck("redis", "appendonly is off: set appendonly yes"),
        InMemoryHealthCheck("postgres"),
    ]

    response = await client.get("/health/ready")

    assert response.status_code == 503
    told = problem(response)
    assert told["type"] == "urn:postroom:problem:not-ready"
    assert told["detail"] == "redis: appendonly is off: set appendonly yes"
    assert told["checks"] == {
        "redis": "appendonly is off: set appendonly yes",
        "postgres": "ok",
    }


async def test_a_check_that_does_not_answer_is_not_waited_for(
    client: Client, rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "TIME_LIMIT", 0.05)
    rig.health += [Waiting("redis"), InMemoryHealthCheck("postgres")]

    response = await client.get("/health/ready")

    assert response.status_code == 503
    assert problem(response)["checks"] == {
        "redis": "no answer in 0.05 seconds",
        "postgres": "ok",
    }


async def test_checks_are_made_at_the_same_time(client: Client, rig: Rig) -> None:
    @dataclass
    class Opener(InMemoryHealthCheck):
        async def __call__(self) -> None:
            opened.set()

    opened = asyncio.Event()
    rig.health += [Waiting("waits for the other", until=opened), Opener("opens")]

    response = await client.get("/health/ready")

    assert response.status_code == 200


async def test_a_check_with_a_bug_is_not_ready_and_tells_the_log_alone(
    client: Client, rig: Rig
) -> None:
    rig.health.append(Buggy("redis", "password hush"))

    with structlog.testing.capture_logs() as logs:
        response = await client.get("/health/ready")

    assert response.status_code == 503
    assert "hush" not in response.text
    assert [(told["event"], told["check"]) for told in logs] == [("health check crashed", "redis")]


async def test_metrics_are_in_the_format_of_prometheus(client: Client, rig: Rig) -> None:
    note(rig.telemetry, "google", NotificationResult.MALFORMED)

    response = await client.get("/metrics")

    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/plain; version=")
    assert 'postroom_notifications_total{provider="google",result="malformed"} 1.0' in response.text
