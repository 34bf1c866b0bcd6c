"""Jobs of a provider whose ingress is off, or in shadow."""

from collections.abc import Iterator

import pytest

from postroom.adapters.memory.clock import ManualClock
from postroom.application.consume_job import SET_ASIDE
from postroom.application.providers import Providers
from postroom.application.unless_shadow import UnlessShadow
from postroom.domain.ingress import Ingress, IngressMode
from postroom.domain.outcome import SHADOW, Deferred, Skipped, name_of
from tests.unit.api_rig import Rig, open_rig, toy_mailbox
from tests.unit.telemetry_rig import Processor, Worker, ingesting

MAILBOX = toy_mailbox()
OFF = "ingress of toy is off"
RAW = b"Message-ID: <a@x>\nSubject: Hello\n\nHello!"


@pytest.fixture
def modes() -> dict[str, IngressMode]:
    return {}


@pytest.fixture
def rig(clock: ManualClock, modes: dict[str, IngressMode]) -> Iterator[Rig]:
    with open_rig(clock) as opened:
        opened.server.tokens["support"] = "hush"
        opened.providers = Providers([opened.toy], Ingress(modes))
        yield opened


async def a_message_waits(rig: Rig) -> None:
    await rig.registry.add(MAILBOX)
    await ingesting(rig)(MAILBOX, [rig.server.deliver("support", RAW, rig.clock.now())])


def worker(rig: Rig) -> Worker:
    return Worker(rig, processor=UnlessShadow(Processor(), rig.providers.ingress))


async def test_off_the_lane_waits_at_no_cost_and_goes_on_when_it_is_on_again(
    rig: Rig, modes: dict[str, IngressMode]
) -> None:
    await a_message_waits(rig)
    modes["toy"] = IngressMode.OFF

    set_aside = await worker(rig).work()

    assert set_aside == [Deferred(SET_ASIDE, OFF, with_lane=True)]
    [lane] = await rig.queue.statistics()
    assert (lane.ready, lane.paused) == (1, OFF)
    modes.clear()
    rig.clock.advance(SET_ASIDE)
    assert [name_of(each) for each in await worker(rig).work()] == ["completed"]


async def test_in_shadow_a_message_is_skipped_and_the_ledger_does_not_know_it(
    rig: Rig, modes: dict[str, IngressMode]
) -> None:
    await a_message_waits(rig)
    modes["toy"] = IngressMode.SHADOW

    assert await worker(rig).work() == [Skipped(SHADOW)]

    [record] = await rig.outcomes.find("acme")
    assert record.identity == "rfc5322:a@x"
    modes.clear()
    await ingesting(rig)(MAILBOX, [record.job.pointer])
    assert [name_of(each) for each in await worker(rig).work()] == ["completed"]
