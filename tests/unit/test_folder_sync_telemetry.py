"""What is told of receiving: each change once, with its reason, and what was found."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from postroom.application.maintain_folder import MaintainFolder
from postroom.domain.failure import AccessFailed, Unavailable
from postroom.domain.folder_sync import Request
from postroom.entrypoints.telemetry.folder_sync import ObservedAccess, ObservedMaintain
from postroom.entrypoints.telemetry.sdk import Telemetry, open_telemetry
from tests.unit.sync_rig import SALES, Rig

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
FOLDER = {"tenant": "acme", "mailbox": "sales", "folder": "inbox", "provider": "microsoft"}


@pytest.fixture
def telemetry() -> Iterator[Telemetry]:
    with open_telemetry() as telemetry:
        yield telemetry


@pytest.fixture
async def rig(telemetry: Telemetry) -> Rig:
    rig = Rig()
    await rig.registry.add(SALES)
    assert isinstance(rig.maintain, MaintainFolder)
    maintain = replace(rig.maintain, access=ObservedAccess(rig.access))
    rig.maintain = ObservedMaintain(maintain, telemetry)
    return rig


async def told(rig: Rig, duration: timedelta) -> list[dict[str, Any]]:
    """What is told in that time."""
    with capture_logs() as logs:
        await rig.pass_time(duration)
    return [dict(entry) for entry in logs]


def events(logs: list[dict[str, Any]]) -> list[str]:
    return [entry["event"] for entry in logs]


async def test_a_quiet_day_is_told_of_in_one_line(rig: Rig) -> None:
    logs = await told(rig, DAY)

    subscription = (await rig.folder_sync()).subscription
    assert subscription
    assert logs == [
        {
            "event": "subscription created",
            "log_level": "info",
            **FOLDER,
            "subscription_id": subscription.id,
            "until": subscription.expires_at,
        }
    ]


async def test_a_renewal_is_told(rig: Rig) -> None:
    await told(rig, DAY)

    assert events(await told(rig, 3 * DAY)) == ["subscription renewed"]


async def test_mail_that_no_notice_told_of_is_a_warning(rig: Rig, telemetry: Telemetry) -> None:
    await told(rig, MINUTE)
    rig.arrive()
    [found] = await told(rig, 15 * MINUTE)

    assert found == {
        "event": "mail found",
        "log_level": "warning",
        **FOLDER,
        "count": 1,
        "missed": 1,
    }
    assert b"postroom_sync_messages_missed_total 1.0" in telemetry.exposition()


async def test_mail_that_the_provider_owned_up_to_is_none(rig: Rig) -> None:
    await told(rig, MINUTE)
    rig.arrive()
    subscription = (await rig.folder_sync()).subscription
    assert subscription
    await rig.folder_syncs.request_by_subscription(subscription.id, Request.SYNC, rig.clock.now())

    [found] = await told(rig, MINUTE)
    assert (found["event"], found["log_level"]) == ("mail found", "info")


async def test_polling_and_its_end_are_told_once_with_the_reason(rig: Rig) -> None:
    rig.subscriptions.obstructed = "no public URL"
    begun = await told(rig, 10 * MINUTE)
    rig.subscriptions.obstructed = ""
    ended = await told(rig, 10 * MINUTE)

    assert [(each["event"], each["reason"]) for each in begun] == [("polling", "no public URL")]
    assert events(ended) == ["subscription created", "notifications again"]


async def test_trouble_and_its_end_are_told_once_with_the_reason(rig: Rig) -> None:
    await told(rig, MINUTE)
    rig.changes.break_down(SALES, Unavailable("Graph answered 503"))
    begun = await told(rig, 60 * MINUTE)
    rig.changes.repair(SALES)
    ended = await told(rig, 10 * MINUTE)

    assert [(each["event"], each["reason"]) for each in begun] == [
        ("mailbox.waiting", "Graph answered 503")
    ]
    assert events(ended) == ["sync works again"]


async def test_a_mailbox_that_closes_and_opens_again_is_told_of_once(rig: Rig) -> None:
    await told(rig, MINUTE)
    rig.changes.break_down(SALES, AccessFailed("Graph answered 403"))
    begun = await told(rig, 60 * MINUTE)
    rig.changes.repair(SALES)
    ended = await told(rig, 10 * MINUTE)

    closed = [each for each in begun if each["event"] == "mailbox.suspended"]
    assert closed == [
        {
            "event": "mailbox.suspended",
            "log_level": "error",
            "tenant": "acme",
            "mailbox": "sales",
            "provider": "microsoft",
            "reason": "Graph answered 403",
        }
    ]
    assert events(ended) == ["mailbox.resumed", "sync works again"]


async def test_rounds_are_counted_by_mode_and_result(rig: Rig, telemetry: Telemetry) -> None:
    await told(rig, MINUTE)
    rig.changes.break_down(SALES, Unavailable("Graph answered 503"))
    await told(rig, 15 * MINUTE)

    exposition = telemetry.exposition()
    assert b'postroom_sync_runs_total{mode="notifications",result="done"} 2.0' in exposition
    assert b'postroom_sync_runs_total{mode="notifications",result="error"} 2.0' in exposition
