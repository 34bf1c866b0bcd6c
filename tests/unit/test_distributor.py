"""The loop that distributes events, and what it says."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from structlog.testing import capture_logs

from postroom.application.distribute_events import BATCH, BATCHES, DistributeEvents, OutboxEvents
from postroom.application.ports import Distributed, Outbox
from postroom.domain.failure import StoreUnavailable
from postroom.entrypoints.distributor import Distributor
from postroom.entrypoints.telemetry.outbox import ObservedOutbox
from postroom.entrypoints.telemetry.privacy import LOGGED
from postroom.entrypoints.telemetry.sdk import open_telemetry
from tests.unit.handover_rig import Rig, in_virtual_time

NONE = Distributed(0, {})


@dataclass
class Scripted(Outbox):
    """What each transaction has distributed, or failed of; then there is nothing."""

    finds: list[Distributed | Exception]
    asked: list[int] = field(default_factory=list)

    async def distribute(self, limit: int) -> Distributed:
        self.asked.append(limit)
        found = self.finds.pop(0) if self.finds else NONE
        if isinstance(found, Exception):
            raise found
        return found

    async def expire(self, **_: object) -> int:
        raise NotImplementedError


class Unheard(OutboxEvents):
    def distributed(self, distributed: Distributed) -> None: ...


def full(dropped: Mapping[tuple[str, str], int] | None = None) -> Distributed:
    return Distributed(BATCH, dropped or {})


async def test_a_look_goes_on_until_nothing_is_left() -> None:
    outbox = Scripted([full(), full(), Distributed(3, {})])

    assert await DistributeEvents(outbox, Unheard())() == 2 * BATCH + 3
    assert len(outbox.asked) == 3


async def test_a_look_has_an_end() -> None:
    outbox = Scripted([full()] * (BATCHES + 5))

    assert await DistributeEvents(outbox, Unheard())() == BATCHES * BATCH


@in_virtual_time
async def test_subscribers_are_called_at_once_and_nobody_is_woken_for_nothing(_rig: Rig) -> None:
    woken = await _run(Scripted([NONE, Distributed(1, {}), NONE]), seconds=5)

    assert woken == 1


@in_virtual_time
async def test_whatever_happens_to_a_look_the_next_one_comes(_rig: Rig) -> None:
    away, bug = StoreUnavailable("the database is away"), ZeroDivisionError("secret")
    with capture_logs() as logs:
        woken = await _run(Scripted([away, away, bug, Distributed(1, {})]), seconds=10)

    assert woken == 1
    assert [each["event"] for each in logs] == [
        "database unreachable",
        "events not distributed",
        "database reachable again",
    ]
    assert "secret" not in str(logs)


async def _run(outbox: Outbox, *, seconds: float) -> int:
    """How often subscribers were woken."""
    woken = 0

    def wake() -> None:
        nonlocal woken
        woken += 1

    stop = asyncio.Event()
    distributor = Distributor(distribute=DistributeEvents(outbox, Unheard()), wake=wake)
    running = asyncio.create_task(distributor.run(stop))
    await asyncio.sleep(seconds)
    stop.set()
    await running
    return woken


def test_what_is_dropped_is_said_and_counted() -> None:
    with open_telemetry() as telemetry, capture_logs() as logs:
        ObservedOutbox(telemetry).distributed(full({("", "audit"): 7}))

    [line] = logs
    assert (line["event"], line["subscriber"], line["count"]) == ("events dropped", "audit", 7)
    assert line.keys() - {"log_level"} <= LOGGED
    counted = telemetry.instruments.events_dropped
    assert [each.value for each in counted.observe(None)] == [7]  # type: ignore[arg-type]
