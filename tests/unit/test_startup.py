"""A part waits for what it needs, and says so once."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from structlog.testing import capture_logs

from postroom.application.ports import HealthCheck
from postroom.domain.failure import Unavailable
from postroom.entrypoints import startup
from postroom.entrypoints.settings import NotReady
from postroom.entrypoints.startup import until_ready


class Check(HealthCheck):
    """It fails for each of these *reasons*, and then no more."""

    name = ""

    def __init__(self, name: str, reasons: Sequence[str] = ()) -> None:
        self.name = name
        self.reasons = list(reasons)

    async def __call__(self) -> None:
        if self.reasons:
            raise Unavailable(self.reasons.pop(0))


@dataclass
class Waits:
    seconds: list[float] = field(default_factory=list)

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)


async def test_a_part_whose_stores_are_there_does_not_wait_and_says_nothing() -> None:
    waits = Waits()
    with capture_logs() as logs:
        await until_ready([Check("redis"), Check("migrations")], waits)

    assert (waits.seconds, logs) == ([], [])


async def test_a_part_whose_store_is_away_waits_longer_each_time_and_says_so_once() -> None:
    waits = Waits()
    with capture_logs() as logs:
        await until_ready([Check("redis"), Check("postgres", ["it is away"] * 8)], waits)

    assert waits.seconds == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0]
    assert [(line["event"], line.get("check"), line.get("reason")) for line in logs] == [
        ("waiting until ready", "postgres", "it is away"),
        ("ready after a wait", None, None),
    ]


async def test_a_part_of_another_release_than_the_database_does_not_wait() -> None:
    waits = Waits()

    with pytest.raises(NotReady, match="the database is newer"):
        await until_ready(
            [Check("postgres"), Check("migrations", ["the database is newer"])], waits
        )

    assert waits.seconds == []


async def test_a_store_that_never_answers_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    class Hanging(Check):
        hangs = True

        async def __call__(self) -> None:
            if self.hangs:
                self.hangs = False
                await asyncio.Event().wait()

    monkeypatch.setattr(startup, "TIME_LIMIT", 0.01)
    with capture_logs() as logs:
        await until_ready([Hanging("postgres")], Waits())

    assert logs[0]["reason"] == "no answer in 0.01 seconds"
