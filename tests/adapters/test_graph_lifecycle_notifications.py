"""What Graph requests about its subscriptions, at either path."""

import pytest

from postroom.adapters.memory.clock import ManualClock
from postroom.application.ports import (
    Announced,
    Lifecycle,
    NotificationResult,
    Rejected,
    Route,
)
from postroom.domain.folder_sync import Request
from tests.adapters.graph_notifications import OTHER, SUBSCRIPTION, event, notification
from tests.adapters.notification_rig import BAD_SIGNATURE, Rig, mailbox_of

IGNORED = Rejected(NotificationResult.IGNORED, SUBSCRIPTION, "acme", "support")


@pytest.fixture
def rig(clock: ManualClock) -> Rig:
    return Rig(clock)


@pytest.fixture
async def route(rig: Rig) -> Route:
    return await rig.subscribe(mailbox_of())


@pytest.mark.parametrize(
    ("name", "request_"),
    [
        ("reauthorizationRequired", Request.RENEW),
        ("subscriptionRemoved", Request.RECREATE),
        ("missed", Request.SYNC),
    ],
)
@pytest.mark.parametrize("path", ["", "/lifecycle"])
async def test_an_event_requests_something_of_the_subscription_s_folder(
    rig: Rig, route: Route, name: str, request_: Request, path: str
) -> None:
    read = await rig.read(event(name), path=path)

    assert read == [Lifecycle(route, SUBSCRIPTION, request_)]


@pytest.mark.parametrize("path", ["", "/lifecycle"])
async def test_items_of_both_kinds_may_come_together(rig: Rig, route: Route, path: str) -> None:
    read = await rig.read(event("missed"), notification("1"), event("missed"), path=path)

    assert [type(each) for each in read] == [Lifecycle, Announced, Lifecycle]


@pytest.mark.parametrize("state", ["wrong", "", None])
async def test_who_does_not_know_the_secret_requests_nothing(
    rig: Rig, route: Route, state: str | None
) -> None:
    read = await rig.read(event(clientState=state))

    assert read == [BAD_SIGNATURE]
    assert "wrong" not in repr(read)


async def test_an_unknown_subscription_is_named(rig: Rig, route: Route) -> None:
    read = await rig.read(event(subscriptionId=OTHER))

    assert read == [Rejected(NotificationResult.UNKNOWN_SUBSCRIPTION, OTHER)]


@pytest.mark.parametrize("name", ["renamedInSpring", "", "MISSED"])
async def test_an_event_that_nobody_knows_is_ignored(rig: Rig, route: Route, name: str) -> None:
    read = await rig.read(event(name), notification("1", lifecycleEvent=name))

    assert read == [IGNORED, IGNORED]


async def test_a_bad_item_does_not_cost_the_others(rig: Rig, route: Route) -> None:
    read = await rig.read(event(7), {}, event("missed"), notification("1"))

    malformed = Rejected(NotificationResult.MALFORMED)
    assert read[:3] == [malformed, malformed, Lifecycle(route, SUBSCRIPTION, Request.SYNC)]
    assert isinstance(read[3], Announced)
