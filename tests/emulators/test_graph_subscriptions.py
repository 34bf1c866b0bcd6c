"""The Graph emulator against the shapes that Microsoft documents: subscriptions and
notifications.
"""

from collections.abc import AsyncIterator
from datetime import timedelta
from urllib.parse import parse_qs
from uuid import UUID

import httpx
import pytest

from postroom.adapters.memory.clock import ManualClock
from postroom.entrypoints.emulators.graph import DIRECTORY, GraphError, Json
from tests.emulators.graph_rig import HOOK, RAW, USER, Rig, graph_rig


@pytest.fixture
async def rig(clock: ManualClock) -> AsyncIterator[Rig]:
    async with graph_rig(clock) as rig:
        yield rig


EXPIRY = "2030-01-02T00:00:00.0000000Z"


def subscription_request(clock: ManualClock, **changes: str) -> Json:
    return {
        "changeType": "created",
        "notificationUrl": HOOK,
        "resource": f"/users/{USER}/mailFolders('Inbox')/messages",
        "expirationDateTime": (clock.now() + timedelta(days=6)).isoformat(),
        "clientState": "a secret",
        **changes,
    }


# --- Subscriptions ------------------------------------------------------------------------------


async def test_a_subscription_is_made_after_a_handshake_with_its_url(
    rig: Rig, clock: ManualClock
) -> None:
    rig.graph.deliver(USER, RAW)
    asked = subscription_request(clock, notificationUrl=f"{HOOK}?tenant=acme")

    answer = await rig.http.post("/v1.0/subscriptions", json=asked)

    assert answer.status_code == 201
    made = answer.json()
    assert made["clientState"] == "a secret"
    assert made["expirationDateTime"] == "2030-01-07T00:00:00.0000000Z"
    [handshake] = rig.receiver.handshakes
    assert handshake.method == "POST"
    assert handshake.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert handshake.content == b""
    assert "%20" in handshake.url.query.decode()  # so that an answer that is not decoded fails
    assert parse_qs(handshake.url.query.decode())["tenant"] == ["acme"]


async def test_the_life_cycle_url_proves_itself_too(rig: Rig, clock: ManualClock) -> None:
    rig.graph.deliver(USER, RAW)
    asked = subscription_request(clock, lifecycleNotificationUrl=f"{HOOK}/lifecycle")

    await rig.http.post("/v1.0/subscriptions", json=asked)

    assert [each.url.path for each in rig.receiver.handshakes] == [
        "/webhooks/microsoft",
        "/webhooks/microsoft/lifecycle",
    ]


@pytest.mark.parametrize(
    ("repeat", "media_type"), [("something else", "text/plain"), (None, "text/html")]
)
async def test_without_the_right_answer_there_is_no_subscription(
    rig: Rig, clock: ManualClock, repeat: str | None, media_type: str
) -> None:
    rig.graph.deliver(USER, RAW)
    rig.receiver.repeat, rig.receiver.media_type = repeat, media_type

    answer = await rig.http.post("/v1.0/subscriptions", json=subscription_request(clock))

    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "ValidationError")
    assert (await rig.http.get("/v1.0/subscriptions")).json()["value"] == []


@pytest.mark.parametrize(
    ("silence", "reason"),
    [(httpx.ReadTimeout("late"), "timed out"), (httpx.ConnectError("away"), "request failed")],
)
async def test_who_does_not_answer_is_not_subscribed(
    rig: Rig, clock: ManualClock, silence: httpx.RequestError, reason: str
) -> None:
    rig.graph.deliver(USER, RAW)
    rig.receiver.silence = silence

    answer = await rig.http.post("/v1.0/subscriptions", json=subscription_request(clock))

    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "ValidationError")
    assert reason in answer.json()["error"]["message"]
    assert rig.graph.subscriptions == []


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"expirationDateTime": "2030-01-09T00:00:00Z"}, 400, "ExtensionError"),
        ({"expirationDateTime": "soon"}, 400, "InvalidRequest"),
        ({"resource": "/users/support@example.org/events"}, 400, "InvalidRequest"),
        ({"resource": "/users/nobody@example.org/messages"}, 404, "ErrorInvalidUser"),
        ({"clientState": "x" * 129}, 400, "InvalidRequest"),
    ],
)
async def test_a_subscription_that_cannot_be_is_refused(
    rig: Rig, clock: ManualClock, changes: dict[str, str], status: int, code: str
) -> None:
    rig.graph.deliver(USER, RAW)

    answer = await rig.http.post("/v1.0/subscriptions", json=subscription_request(clock, **changes))

    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)


async def test_a_second_subscription_to_the_same_is_refused(rig: Rig, clock: ManualClock) -> None:
    rig.graph.deliver(USER, RAW)
    first = (await rig.http.post("/v1.0/subscriptions", json=subscription_request(clock))).json()

    second = await rig.http.post("/v1.0/subscriptions", json=subscription_request(clock))

    assert second.status_code == 409
    assert first["id"] in second.json()["error"]["message"]


async def test_a_subscription_is_listed_shown_renewed_and_deleted(
    rig: Rig, clock: ManualClock
) -> None:
    rig.graph.deliver(USER, RAW)
    made = (await rig.http.post("/v1.0/subscriptions", json=subscription_request(clock))).json()
    path = f"/v1.0/subscriptions/{made['id']}"

    assert (await rig.http.get(path)).json() == made
    assert made.pop("@odata.context").endswith("/v1.0/$metadata#subscriptions/$entity")
    assert (await rig.http.get("/v1.0/subscriptions")).json()["value"] == [made]

    renewed = await rig.http.patch(path, json={"expirationDateTime": "2030-01-02T00:00:00Z"})
    assert renewed.status_code == 200
    assert renewed.json().items() >= (made | {"expirationDateTime": EXPIRY}).items()

    assert (await rig.http.delete(path)).status_code == 204
    assert (await rig.http.get(path)).status_code == 404
    assert (await rig.http.delete(path)).status_code == 404


async def test_a_subscription_ends_with_its_time_which_is_45_minutes_at_the_least(
    rig: Rig, clock: ManualClock
) -> None:
    rig.graph.deliver(USER, RAW)
    asked = subscription_request(clock, expirationDateTime="2030-01-01T00:01:00Z")
    made = (await rig.http.post("/v1.0/subscriptions", json=asked)).json()
    assert made["expirationDateTime"] == "2030-01-01T00:45:00.0000000Z"

    clock.advance(timedelta(minutes=45))
    path = f"/v1.0/subscriptions/{made['id']}"
    renewed = await rig.http.patch(path, json={"expirationDateTime": "2030-01-02T00:00:00Z"})

    assert (renewed.status_code, renewed.json()["error"]["code"]) == (404, "ResourceNotFound")
    assert await rig.graph.notify(rig.graph.deliver(USER, RAW)) == []


# --- Notifications --------------------------------------------------------------------------------


async def test_a_notice_has_the_form_that_graph_documents(rig: Rig) -> None:
    subscription = await rig.graph.subscribe(USER, HOOK, "a secret")
    message = rig.graph.deliver(USER, RAW)

    await rig.graph.notify(message)

    [(url, body)] = rig.receiver.notifications
    assert url == HOOK
    assert set(body) == {"value"}
    [item] = body["value"]
    user_id = item["resource"].split("/")[1].partition("@")[0]
    UUID(user_id)
    assert item == {
        "id": item["id"],
        "subscriptionId": subscription,
        "subscriptionExpirationDateTime": "2030-01-04T00:00:00.0000000Z",
        "clientState": "a secret",
        "changeType": "created",
        "resource": f"users/{user_id}@{DIRECTORY}/messages/{message}",
        "tenantId": DIRECTORY,
        "resourceData": {
            "@odata.type": "#Microsoft.Graph.Message",
            "@odata.id": f"Users/{user_id}@{DIRECTORY}/Messages/{message}",
            "@odata.etag": item["resourceData"]["@odata.etag"],
            "id": message,
        },
    }
    assert item == rig.graph.notification(subscription, message)


async def test_a_subscription_made_without_the_preference_announces_default_ids(rig: Rig) -> None:
    await rig.graph.subscribe(USER, HOOK, "secret", immutable=False)
    message = rig.graph.deliver(USER, RAW)

    [batch] = await rig.graph.notify(message)

    assert batch.items[0]["resourceData"]["id"] == rig.graph.default_id(message) != message


async def test_only_messages_of_the_folder_and_the_mailbox_are_announced(rig: Rig) -> None:
    await rig.graph.subscribe(USER, HOOK, "secret", folder="Inbox")
    mine = rig.graph.deliver(USER, RAW)
    others = (
        rig.graph.deliver(USER, RAW, folder="junkemail"),
        rig.graph.deliver("sales@example.org", RAW),
    )

    [batch] = await rig.graph.notify(mine, *others)

    assert [each["resourceData"]["id"] for each in batch.items] == [mine]


async def test_one_batch_a_url_holds_items_of_several_subscriptions(rig: Rig) -> None:
    await rig.graph.subscribe(USER, HOOK, "one")
    await rig.graph.subscribe("sales@example.org", HOOK, "two")
    await rig.graph.subscribe("boss@example.org", f"{HOOK}?elsewhere", "three")
    users = (USER, "sales@example.org", "boss@example.org")

    await rig.graph.notify(*(rig.graph.deliver(user, RAW) for user in users))

    assert [
        (url, [each["clientState"] for each in body["value"]])
        for url, body in rig.receiver.notifications
    ] == [(HOOK, ["one", "two"]), (f"{HOOK}?elsewhere", ["three"])]


async def test_a_batch_that_is_not_accepted_is_sent_again_as_it_was(rig: Rig) -> None:
    await rig.graph.subscribe(USER, HOOK, "secret")
    rig.receiver.statuses = [503, 500, 202]

    await rig.graph.notify(rig.graph.deliver(USER, RAW))
    await rig.graph.redeliver()
    [accepted] = await rig.graph.redeliver()

    assert accepted.statuses == [503, 500, 202]
    assert await rig.graph.redeliver() == []
    first, second, third = rig.receiver.notifications
    assert first == second == third


async def test_a_batch_that_nobody_answered_is_sent_again(rig: Rig) -> None:
    await rig.graph.subscribe(USER, HOOK, "secret")
    rig.receiver.silence = httpx.ReadTimeout("late")

    await rig.graph.notify(rig.graph.deliver(USER, RAW))
    rig.receiver.silence = None
    [accepted] = await rig.graph.redeliver()

    assert accepted.statuses == [0, 202]


async def test_a_batch_is_dropped_after_four_hours(rig: Rig, clock: ManualClock) -> None:
    await rig.graph.subscribe(USER, HOOK, "secret")
    rig.receiver.statuses = [503]
    await rig.graph.notify(rig.graph.deliver(USER, RAW))

    clock.advance(timedelta(hours=4))

    assert await rig.graph.redeliver() == []
    assert len(rig.receiver.notifications) == 1


async def test_a_script_that_subscribes_shakes_hands_as_well(rig: Rig) -> None:
    rig.receiver.repeat = "something else"

    with pytest.raises(GraphError, match="400 ValidationError"):
        await rig.graph.subscribe(USER, HOOK, "secret")
