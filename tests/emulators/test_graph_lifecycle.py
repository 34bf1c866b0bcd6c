"""The Graph emulator's notifications of the life cycle, and what else ends or keeps a
subscription.
"""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from postroom.adapters.memory.clock import ManualClock
from postroom.entrypoints.emulators.graph import DIRECTORY, GraphError
from tests.emulators.graph_rig import HOOK, RAW, USER, Rig, graph_rig

LIFECYCLE = f"{HOOK}/lifecycle"


@pytest.fixture
async def rig(clock: ManualClock) -> AsyncIterator[Rig]:
    async with graph_rig(clock) as rig:
        yield rig


async def subscribe(rig: Rig, user: str = USER) -> str:
    return await rig.graph.subscribe(user, HOOK, "a secret", lifecycle_url=LIFECYCLE)


def events(rig: Rig) -> list[tuple[str, str]]:
    """Which subscriptions were told what about their lives."""
    return [
        (item["subscriptionId"], item["lifecycleEvent"])
        for url, body in rig.receiver.notifications
        if url == LIFECYCLE
        for item in body["value"]
    ]


async def test_a_notice_of_the_life_cycle_has_the_form_that_graph_documents(rig: Rig) -> None:
    subscription = await subscribe(rig)

    await rig.graph.remove_subscription(subscription)

    [(url, body)] = rig.receiver.notifications
    assert url == LIFECYCLE
    assert body == {
        "value": [
            {
                "subscriptionId": subscription,
                "subscriptionExpirationDateTime": "2030-01-04T00:00:00.0000000Z",
                "tenantId": DIRECTORY,
                "clientState": "a secret",
                "lifecycleEvent": "subscriptionRemoved",
            }
        ]
    }


async def test_a_removed_subscription_announces_nothing_and_can_be_made_anew(rig: Rig) -> None:
    subscription = await subscribe(rig)
    await rig.graph.remove_subscription(subscription)

    assert (await rig.http.get(f"/v1.0/subscriptions/{subscription}")).status_code == 404
    assert await rig.graph.notify(rig.graph.deliver(USER, RAW)) == []
    assert await subscribe(rig) != subscription


async def test_a_subscription_can_end_without_a_word(rig: Rig) -> None:
    await rig.graph.remove_subscription(await subscribe(rig), notify=False)

    assert rig.graph.subscriptions == []
    assert rig.receiver.notifications == []


async def test_without_a_url_for_it_the_life_cycle_is_not_told(rig: Rig) -> None:
    subscription = await rig.graph.subscribe(USER, HOOK, "a secret")

    assert await rig.graph.require_reauthorization(subscription) == []
    assert await rig.graph.remove_subscription(subscription) == []


async def test_the_url_of_the_life_cycle_cannot_be_added_later(rig: Rig) -> None:
    subscription = await rig.graph.subscribe(USER, HOOK, "a secret")
    path = f"/v1.0/subscriptions/{subscription}"

    await rig.http.patch(path, json={"lifecycleNotificationUrl": LIFECYCLE})

    assert (await rig.http.get(path)).json()["lifecycleNotificationUrl"] is None


# --- Authorisation ------------------------------------------------------------------------------


async def test_notices_go_on_for_a_while_after_the_challenge(rig: Rig) -> None:
    subscription = await subscribe(rig)
    await rig.graph.require_reauthorization(subscription)

    assert len(await rig.graph.notify(rig.graph.deliver(USER, RAW))) == 1
    assert events(rig) == [(subscription, "reauthorizationRequired")]


@pytest.mark.parametrize("renew", [False, True])
async def test_what_happens_in_the_pause_is_lost_until_it_is_authorised_anew(
    rig: Rig, *, renew: bool
) -> None:
    subscription = await subscribe(rig)
    path = f"/v1.0/subscriptions/{subscription}"
    await rig.graph.require_reauthorization(subscription, pause=True)
    assert await rig.graph.notify(rig.graph.deliver(USER, RAW)) == []

    if renew:
        answer = await rig.http.patch(path, json={"expirationDateTime": "2030-01-06T00:00:00Z"})
    else:
        answer = await rig.http.post(f"{path}/reauthorize")

    assert answer.status_code == (200 if renew else 204)
    [batch] = await rig.graph.notify(rig.graph.deliver(USER, RAW))
    assert len(batch.items) == 1
    assert await rig.graph.report_missed() == []


async def test_to_reauthorise_extends_nothing(rig: Rig, clock: ManualClock) -> None:
    path = f"/v1.0/subscriptions/{await subscribe(rig)}"
    clock.advance(timedelta(minutes=30))
    before = (await rig.http.get(path)).json()

    await rig.http.post(f"{path}/reauthorize")

    assert (await rig.http.get(path)).json() == before
    assert (await rig.http.post("/v1.0/subscriptions/none/reauthorize")).status_code == 404


# --- Missed notifications -------------------------------------------------------------------------


async def test_lost_notices_are_reported_once_to_those_whose_they_were(rig: Rig) -> None:
    mine = await subscribe(rig)
    await subscribe(rig, "sales@example.org")
    rig.graph.lose_notifications()

    lost = await rig.graph.notify(rig.graph.deliver(USER, RAW))
    heard = await rig.graph.notify(rig.graph.deliver("sales@example.org", RAW))
    await rig.graph.report_missed()
    await rig.graph.report_missed()

    assert (lost, len(heard)) == ([], 1)
    assert events(rig) == [(mine, "missed")]


async def test_notices_that_were_given_up_after_four_hours_are_missed(
    rig: Rig, clock: ManualClock
) -> None:
    subscription = await subscribe(rig)
    rig.receiver.statuses = [503]
    await rig.graph.notify(rig.graph.deliver(USER, RAW))
    clock.advance(timedelta(hours=4))
    await rig.graph.redeliver()

    await rig.graph.report_missed()

    assert events(rig) == [(subscription, "missed")]


async def test_a_notice_of_the_life_cycle_that_is_not_accepted_is_sent_again(rig: Rig) -> None:
    subscription = await subscribe(rig)
    rig.receiver.statuses = [503]

    await rig.graph.remove_subscription(subscription)
    [accepted] = await rig.graph.redeliver()

    assert accepted.statuses == [503, 202]


# --- One of a kind ------------------------------------------------------------------------------


async def test_a_second_subscription_is_refused_however_its_resource_is_cased(rig: Rig) -> None:
    first = await subscribe(rig)

    with pytest.raises(GraphError, match="409") as refused:
        await rig.graph.subscribe(USER.upper(), f"{HOOK}?other", "another", folder="INBOX")

    assert first in refused.value.message


async def test_the_place_of_a_subscription_is_free_when_it_has_expired(
    rig: Rig, clock: ManualClock
) -> None:
    first = await subscribe(rig)
    clock.advance(timedelta(days=3))

    assert await subscribe(rig) != first


async def test_an_application_neither_sees_nor_ends_what_another_has_subscribed_to(
    rig: Rig,
) -> None:
    subscription = await subscribe(rig)
    theirs = {"Authorization": f"Bearer {rig.graph.issue_token('another')}"}
    path = f"/v1.0/subscriptions/{subscription}"

    assert (await rig.http.get("/v1.0/subscriptions", headers=theirs)).json()["value"] == []
    assert (await rig.http.delete(path, headers=theirs)).status_code == 404
    assert (await rig.http.get(path)).status_code == 200


async def test_a_subscription_to_a_folder_that_is_not_there_is_refused(rig: Rig) -> None:
    with pytest.raises(GraphError, match="400 ErrorInvalidIdMalformed"):
        await rig.graph.subscribe(USER, HOOK, "secret", folder="Orders")


async def test_a_subscription_can_be_turned_to_another_url_which_proves_itself(rig: Rig) -> None:
    path = f"/v1.0/subscriptions/{await subscribe(rig)}"
    handshakes = len(rig.receiver.handshakes)

    await rig.http.patch(path, json={"notificationUrl": f"{HOOK}?new"})
    await rig.graph.notify(rig.graph.deliver(USER, RAW))

    assert len(rig.receiver.handshakes) == handshakes + 1
    assert [url for url, _ in rig.receiver.notifications] == [f"{HOOK}?new"]
