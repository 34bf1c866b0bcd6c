"""The process that watches over the queue, and what it says."""

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from postroom.adapters.memory.clock import ManualClock
from postroom.application.watch_queue import LossHealed, LossNoticed, Watch
from postroom.domain.failure import Unavailable
from postroom.domain.queue_loss import RELIST_MARGIN, Held, QueueLoss
from postroom.entrypoints.queue_watch import BEAT_EVERY, QueueWatch
from postroom.entrypoints.telemetry.privacy import LOGGED
from postroom.entrypoints.telemetry.queue_watch import ObservedWatch
from postroom.entrypoints.telemetry.sdk import Telemetry, open_telemetry
from tests.contracts.samples import NOON

DAY = timedelta(days=1)
LOSS = QueueLoss(
    noticed_at=NOON,
    last_beat_at=NOON - timedelta(seconds=2),
    held=Held(since=NOON, lanes={("acme", "sales"): NOON - DAY}),
)


@dataclass
class Scripted(Watch):
    """What each beat finds, or fails of. Nobody waits for the beat after the last."""

    finds: list[LossNoticed | LossHealed | Exception | None]
    beats: int = field(default=0)

    async def __call__(self) -> LossNoticed | LossHealed | None:
        if self.beats == len(self.finds):
            raise asyncio.CancelledError
        self.beats += 1
        found = self.finds[self.beats - 1]
        if isinstance(found, Exception):
            raise found
        return found


@pytest.fixture
def telemetry() -> Iterator[Telemetry]:
    with open_telemetry() as telemetry:
        yield telemetry


async def logged(watch: Watch, clock: ManualClock) -> list[dict[str, Any]]:
    with capture_logs() as logs, suppress(asyncio.CancelledError):
        await QueueWatch(watch, clock).run()
    return [dict(entry) for entry in logs]


async def test_the_queue_is_watched_every_few_seconds(clock: ManualClock) -> None:
    watch, began = Scripted([None] * 4), clock.now()

    assert await logged(watch, clock) == []

    assert clock.now() - began == 4 * BEAT_EVERY


async def test_a_beat_that_fails_is_said_when_that_changes_and_the_next_goes_on(
    clock: ManualClock,
) -> None:
    away = Unavailable("Redis is away")
    watch = Scripted([away, away, ValueError("hush"), Unavailable("other"), None, None])

    logs = await logged(watch, clock)

    assert [(entry["event"], entry.get("reason")) for entry in logs] == [
        ("queue not watched", "Redis is away"),
        ("queue watch crashed", None),
        ("queue not watched", "other"),
        ("queue watched again", None),
    ]
    assert "hush" not in str(logs)


async def test_a_loss_is_an_error_that_says_how_far_back_and_how_many_folders(
    clock: ManualClock, telemetry: Telemetry
) -> None:
    noticed = LossNoticed(LOSS, folders=12, dead=3, dead_ids=("a", "b"))
    watch = ObservedWatch(Scripted([noticed, None, LossHealed(LOSS)]), telemetry)

    logs = await logged(watch, clock)

    assert logs == [
        {
            "event": "queue.lost",
            "log_level": "error",
            "last_beat": LOSS.last_beat_at,
            "since": NOON - DAY - RELIST_MARGIN,
            "folders": 12,
            "dead_letters": 3,
        },
        {"event": "dead letter lost", "log_level": "error", "job": "a"},
        {"event": "dead letter lost", "log_level": "error", "job": "b"},
        {"event": "queue.healed", "log_level": "info", "since": NOON},
    ]
    assert {name for entry in logs for name in entry} - {"log_level"} <= LOGGED
    assert "postroom_queue_losses_total 1.0" in telemetry.exposition().decode()
