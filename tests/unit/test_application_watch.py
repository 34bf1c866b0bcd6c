"""What the metrics show of applications, and when it is looked up."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from postroom.adapters.memory.clock import ManualClock
from postroom.application.ports import ApplicationSurvey, Backlog, SurveyedApplication
from postroom.domain.failure import StoreUnavailable
from postroom.domain.handover.application_state import ApplicationState
from postroom.entrypoints.application_watch import EVERY, ApplicationWatch
from postroom.entrypoints.telemetry.sdk import Telemetry, open_telemetry

Finds = Sequence[SurveyedApplication] | Exception


@dataclass
class Scripted(ApplicationSurvey):
    """What each look finds, or fails of. Nobody waits for the look after the last."""

    finds: list[Finds]
    looks: int = field(default=0)

    async def applications(self) -> Sequence[SurveyedApplication]:
        if self.looks == len(self.finds):
            raise asyncio.CancelledError
        self.looks += 1
        found = self.finds[self.looks - 1]
        if isinstance(found, Exception):
            raise found
        return found


@pytest.fixture
def telemetry() -> Iterator[Telemetry]:
    with open_telemetry() as opened:
        yield opened


async def shown(telemetry: Telemetry, clock: ManualClock, *finds: Finds) -> str:
    """The metrics after so many looks."""
    watch = ApplicationWatch(Scripted([*finds]), telemetry.instruments, clock)
    with suppress(asyncio.CancelledError):
        await watch.run()
    return telemetry.exposition().decode()


def surveyed(
    clock: ManualClock,
    name: str,
    *,
    owner: str = "",
    state: ApplicationState = ApplicationState.ACTIVE,
    count: int = 0,
    minutes: int = 0,
) -> SurveyedApplication:
    oldest = clock.now() - timedelta(minutes=minutes) if count else None
    backlog = Backlog(count=count, size=1000 * count, oldest=oldest)
    return SurveyedApplication(owner=owner, name=name, state=state, backlog=backlog)


async def test_an_application_is_shown_from_the_first_look_on_with_zeros(
    telemetry: Telemetry, clock: ManualClock
) -> None:
    before = telemetry.exposition().decode()
    after = await shown(telemetry, clock, [surveyed(clock, "crm")])

    assert "crm" not in before
    assert 'postroom_backlog_messages{application="crm"} 0.0' in after
    assert 'postroom_backlog_size_bytes{application="crm"} 0.0' in after
    assert 'postroom_backlog_age_seconds{application="crm"} 0.0' in after
    assert 'postroom_applications{application="crm",state="active"} 1.0' in after
    for state in ("suspect", "paused", "shadow", "off"):
        assert f'postroom_applications{{application="crm",state="{state}"}} 0.0' in after


async def test_what_waits_is_counted_measured_and_timed(
    telemetry: Telemetry, clock: ManualClock
) -> None:
    waits = surveyed(clock, "crm", state=ApplicationState.PAUSED, count=3, minutes=10)
    text = await shown(telemetry, clock, [waits])

    assert 'postroom_backlog_messages{application="crm"} 3.0' in text
    assert 'postroom_backlog_size_bytes{application="crm"} 3000.0' in text
    assert 'postroom_backlog_age_seconds{application="crm"} 600.0' in text
    assert 'postroom_applications{application="crm",state="paused"} 1.0' in text


async def test_those_of_tenants_are_shown_together_and_not_by_name(
    telemetry: Telemetry, clock: ManualClock
) -> None:
    text = await shown(
        telemetry,
        clock,
        [
            surveyed(clock, "crm", count=1, minutes=1),
            surveyed(clock, "hush", owner="acme", count=2, minutes=5),
            surveyed(clock, "secret", owner="globex", state=ApplicationState.OFF, count=4),
        ],
    )

    assert 'postroom_backlog_messages{application="of tenants"} 6.0' in text
    assert 'postroom_backlog_age_seconds{application="of tenants"} 300.0' in text
    assert 'postroom_applications{application="of tenants",state="active"} 1.0' in text
    assert 'postroom_applications{application="of tenants",state="off"} 1.0' in text
    for word in ("hush", "secret", "acme", "globex"):
        assert word not in text


async def test_one_that_was_removed_is_shown_no_more(
    telemetry: Telemetry, clock: ManualClock
) -> None:
    text = await shown(telemetry, clock, [surveyed(clock, "crm")], [surveyed(clock, "shop")])

    assert 'application="shop"' in text
    assert 'application="crm"' not in text


@pytest.mark.parametrize("failure", [StoreUnavailable("away"), KeyError("a bug")])
async def test_what_cannot_be_looked_up_is_not_shown_and_is_looked_up_again(
    telemetry: Telemetry, clock: ManualClock, failure: Exception
) -> None:
    crm, began = [surveyed(clock, "crm")], clock.now()

    with capture_logs():
        away = await shown(telemetry, clock, crm, failure)
        back = await shown(telemetry, clock, failure, crm)

    assert 'application="crm"' not in away
    assert 'application="crm"' in back
    assert clock.now() - began == 4 * EVERY


async def test_to_read_the_metrics_looks_nothing_up(
    telemetry: Telemetry, clock: ManualClock
) -> None:
    survey = Scripted([[surveyed(clock, "crm")]])
    with suppress(asyncio.CancelledError):
        await ApplicationWatch(survey, telemetry.instruments, clock).run()

    for _ in range(3):
        telemetry.exposition()

    assert survey.looks == 1
