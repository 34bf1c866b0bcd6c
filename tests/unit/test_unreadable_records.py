"""A record of the queue that cannot be read ends as every job does: said, and with an outcome."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
import structlog

from postroom.adapters.memory.clock import ManualClock
from postroom.application.ports import Claim
from postroom.domain.outcome import Dead
from postroom.domain.pointer import UnknownPointer
from tests.contracts.pointer_queue.samples import job
from tests.unit.api_rig import LEASE, Rig, open_rig
from tests.unit.telemetry_rig import Worker

REASON = "unreadable record: imap/2 6 int_type"


@pytest.fixture
def rig(clock: ManualClock) -> Iterator[Rig]:
    with open_rig(clock) as opened:
        yield opened


@pytest.fixture
async def unreadable(rig: Rig) -> Claim:
    """A claim of a job of which Redis holds no more than its id and its lane."""
    await rig.queue.enqueue([job("bad")])
    [claim] = await rig.queue.claim(1, LEASE)
    return replace(
        claim, job=replace(job("bad"), pointer=UnknownPointer("", {})), unreadable=REASON
    )


async def test_it_is_buried_with_its_outcome(rig: Rig, unreadable: Claim) -> None:
    assert await Worker(rig).consume(unreadable) == Dead(REASON)

    letter = await rig.queue.dead_letter("bad")
    assert letter
    assert letter.reason == REASON
    [record] = await rig.outcomes.find("acme", job_id="bad")
    assert (record.outcome, record.job.pointer.provider) == (Dead(REASON), "")


async def test_an_error_is_logged(rig: Rig, unreadable: Claim) -> None:
    with structlog.testing.capture_logs() as logs:
        await Worker(rig).consume(unreadable)

    assert [(entry["event"], entry["log_level"]) for entry in logs] == [
        ("claimed", "info"),
        ("dead", "error"),
    ]
    assert (logs[1]["job"], logs[1]["mailbox"], logs[1]["reason"]) == ("bad", "support", REASON)
