"""The emulated Pub/Sub, pulled and pushed: leases, acks, refusals, and what it is made of."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from googleapiclient.errors import HttpError

from postroom.adapters.memory.clock import ManualClock
from postroom.entrypoints.emulators.gmail import (
    TOPIC,
    GmailEmulator,
    PushSubscription,
    Subscription,
)
from postroom.entrypoints.emulators.gmail.access import READ_MAIL
from postroom.entrypoints.emulators.gmail.rights import CONSUME
from postroom.entrypoints.emulators.gmail.script_sign_in import SERVICE_ACCOUNT
from tests.emulators.discovery import served
from tests.emulators.gmail_rig import (
    END_POINT,
    SUPPORT,
    Answer,
    Receiver,
    emulated,
    execute,
    pubsub_service,
)

NAME = "projects/project/subscriptions/gmail"
SECOND = timedelta(seconds=1)

Projects = Answer


@pytest.fixture
def receiver() -> Receiver:
    return Receiver()


@pytest.fixture
async def gmail(clock: ManualClock, receiver: Receiver) -> AsyncIterator[GmailEmulator]:
    async with emulated(clock, receiver) as gmail:
        gmail.pubsub.create_topic()
        yield gmail


@pytest.fixture
async def projects(gmail: GmailEmulator) -> AsyncIterator[Projects]:
    async with served(gmail) as url:
        service = await pubsub_service(gmail, url)
        yield service.projects()
        service.close()


async def pull(projects: Projects, most: int = 10) -> list[Answer]:
    request = projects.subscriptions().pull(subscription=NAME, body={"maxMessages": most})
    received: list[Answer] = (await execute(request)).get("receivedMessages", [])
    return received


async def acknowledge(projects: Projects, *received: Answer) -> None:
    body = {"ackIds": [each["ackId"] for each in received]}
    await execute(projects.subscriptions().acknowledge(subscription=NAME, body=body))


async def set_deadline(projects: Projects, seconds: int, *received: Answer) -> None:
    body = {"ackIds": [each["ackId"] for each in received], "ackDeadlineSeconds": seconds}
    await execute(projects.subscriptions().modifyAckDeadline(subscription=NAME, body=body))


def history_id(received: Answer) -> int:
    found: int = json.loads(base64.b64decode(received["message"]["data"]))["historyId"]
    return found


# --- Pulls --------------------------------------------------------------------------------------


async def test_what_is_published_is_pulled_until_it_is_acknowledged(
    gmail: GmailEmulator, projects: Projects, clock: ManualClock
) -> None:
    gmail.pubsub.subscribe(Subscription())
    gmail.pubsub.publish(TOPIC, SUPPORT, 1710)

    [received] = await pull(projects)

    assert set(received) == {"ackId", "message"}
    assert set(received["message"]) == {"data", "messageId", "publishTime"}
    content = json.loads(base64.b64decode(received["message"]["data"]))
    assert content == {"emailAddress": SUPPORT, "historyId": 1710}

    await acknowledge(projects, received)
    clock.advance(timedelta(minutes=20))

    assert await pull(projects) == []


async def test_what_is_not_acknowledged_in_time_comes_again(
    gmail: GmailEmulator, projects: Projects, clock: ManualClock
) -> None:
    gmail.pubsub.subscribe(Subscription())
    gmail.pubsub.publish(TOPIC, SUPPORT, 1710)
    [first] = await pull(projects)

    assert await pull(projects) == []

    clock.advance(10 * SECOND)
    await acknowledge(projects, first)  # too late
    [second] = await pull(projects)

    assert second["message"] == first["message"]
    assert second["ackId"] != first["ackId"]


async def test_a_lease_can_be_made_longer(
    gmail: GmailEmulator, projects: Projects, clock: ManualClock
) -> None:
    gmail.pubsub.subscribe(Subscription())
    gmail.pubsub.publish(TOPIC, SUPPORT, 1710)
    [received] = await pull(projects)

    await set_deadline(projects, 60, received)
    clock.advance(59 * SECOND)

    assert await pull(projects) == []

    clock.advance(SECOND)

    assert len(await pull(projects)) == 1


async def test_a_lease_can_be_given_back(gmail: GmailEmulator, projects: Projects) -> None:
    gmail.pubsub.subscribe(Subscription())
    gmail.pubsub.publish(TOPIC, SUPPORT, 1710)
    [received] = await pull(projects)

    await set_deadline(projects, 0, received)

    assert len(await pull(projects)) == 1


async def test_what_is_given_back_may_have_to_wait(
    gmail: GmailEmulator, projects: Projects, clock: ManualClock
) -> None:
    gmail.pubsub.subscribe(Subscription(backoff=(10, 600)))
    gmail.pubsub.publish(TOPIC, SUPPORT, 1710)

    await set_deadline(projects, 0, *await pull(projects))

    assert await pull(projects) == []

    clock.advance(10 * SECOND)
    await set_deadline(projects, 0, *await pull(projects))
    clock.advance(19 * SECOND)

    assert await pull(projects) == []

    clock.advance(SECOND)

    assert len(await pull(projects)) == 1


async def test_what_was_acknowledged_may_come_again(
    gmail: GmailEmulator, projects: Projects
) -> None:
    gmail.pubsub.subscribe(Subscription())
    gmail.pubsub.publish(TOPIC, SUPPORT, 1710)
    await acknowledge(projects, *await pull(projects))

    gmail.pubsub.backlog(NAME).repeat()

    assert len(await pull(projects)) == 1


async def test_the_order_may_be_lost(gmail: GmailEmulator, projects: Projects) -> None:
    gmail.pubsub.subscribe(Subscription(newest_first=True))
    for number in (1, 2, 3):
        gmail.pubsub.publish(TOPIC, SUPPORT, number)

    received = [*await pull(projects, 2), *await pull(projects, 2)]

    assert [history_id(each) for each in received] == [3, 2, 1]


async def test_a_message_is_forgotten_after_a_week(
    gmail: GmailEmulator, projects: Projects, clock: ManualClock
) -> None:
    gmail.pubsub.subscribe(Subscription())
    gmail.pubsub.publish(TOPIC, SUPPORT, 1710)

    clock.advance(timedelta(days=7))

    assert await pull(projects) == []


async def test_what_is_refused_too_often_is_a_dead_letter(
    gmail: GmailEmulator, projects: Projects
) -> None:
    backlog = gmail.pubsub.subscribe(Subscription(dead_letters=True, most_attempts=5))
    gmail.pubsub.publish(TOPIC, SUPPORT, 1710)

    attempts = []
    while pulled := await pull(projects):
        attempts += [each["deliveryAttempt"] for each in pulled]
        await set_deadline(projects, 0, *pulled)

    assert attempts == [1, 2, 3, 4, 5]
    assert len(backlog.dead) == 1


async def test_a_pull_waits_for_what_is_published(gmail: GmailEmulator) -> None:
    backlog = gmail.pubsub.subscribe(Subscription())
    await gmail.pubsub.pull(backlog, 1, 0.001)
    gmail.pubsub.publish(TOPIC, SUPPORT, 1710)

    assert len(await gmail.pubsub.pull(backlog, 1, 60)) == 1


# --- Pushes -------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [102, 200, 201, 202, 204])
async def test_these_answers_to_a_push_are_acks(
    gmail: GmailEmulator, receiver: Receiver, clock: ManualClock, status: int
) -> None:
    gmail.pubsub.subscribe(PushSubscription(endpoint=END_POINT))
    gmail.pubsub.publish(TOPIC, SUPPORT, 1710)
    receiver.statuses = [status]

    assert await gmail.deliver_pushes() == (status,)

    clock.advance(timedelta(days=1))

    assert await gmail.deliver_pushes() == ()


async def test_a_push_that_is_refused_is_due_after_a_wait_that_doubles(
    gmail: GmailEmulator, receiver: Receiver, clock: ManualClock
) -> None:
    gmail.pubsub.subscribe(PushSubscription(endpoint=END_POINT))
    gmail.pubsub.publish(TOPIC, SUPPORT, 1710)
    receiver.statuses = [203, 400, 503]

    answers = [await gmail.deliver_pushes(), await gmail.deliver_pushes()]
    for milliseconds in (100, 200, 400):
        clock.advance(timedelta(milliseconds=milliseconds - 1))
        answers.append(await gmail.deliver_pushes())
        clock.advance(timedelta(milliseconds=1))
        answers.append(await gmail.deliver_pushes())

    assert answers == [(203,), (), (), (400,), (), (503,), (), (204,)]


async def test_a_push_may_be_the_payload_alone(gmail: GmailEmulator, receiver: Receiver) -> None:
    gmail.pubsub.subscribe(PushSubscription(endpoint=END_POINT, unwrapped=True, with_metadata=True))
    gmail.pubsub.publish(TOPIC, SUPPORT, 1710)

    await gmail.deliver_pushes()

    [push] = receiver.pushes
    assert json.loads(push.content) == {"emailAddress": SUPPORT, "historyId": 1710}
    assert push.headers["x-goog-pubsub-subscription-name"] == NAME


async def test_what_is_published_can_be_pushed_by_itself(
    gmail: GmailEmulator, receiver: Receiver
) -> None:
    gmail.pubsub.subscribe(PushSubscription(endpoint=END_POINT))
    pushed = receiver.expect(2)

    async with asyncio.timeout(30), gmail.pushing():
        gmail.watch(SUPPORT)
        gmail.pubsub.publish(TOPIC, SUPPORT, 1710)
        await pushed.wait()

    assert len(receiver.pushes) == 2


async def test_notifications_can_be_lost_and_watches_end_early(
    gmail: GmailEmulator, receiver: Receiver
) -> None:
    gmail.pubsub.subscribe(PushSubscription(endpoint=END_POINT))
    gmail.lose_notifications()
    gmail.watch(SUPPORT)
    gmail.pubsub.publish(TOPIC, SUPPORT, 1710)

    await gmail.deliver_pushes()
    gmail.end_watches(SUPPORT)

    assert len(receiver.pushes) == 1
    assert gmail.watches(SUPPORT) == []


# --- What it is made of -------------------------------------------------------------------------


async def test_a_push_subscription_shows_where_it_pushes_and_as_whom(
    gmail: GmailEmulator, projects: Projects
) -> None:
    gmail.pubsub.subscribe(
        PushSubscription(endpoint=END_POINT, audience="postroom", dead_letters=True, expires=False)
    )

    assert await execute(projects.subscriptions().get(subscription=NAME)) == {
        "name": NAME,
        "topic": TOPIC,
        "pushConfig": {
            "pushEndpoint": END_POINT,
            "attributes": {"x-goog-version": "v1"},
            "oidcToken": {
                "serviceAccountEmail": "pusher@project.iam.gserviceaccount.com",
                "audience": "postroom",
            },
        },
        "ackDeadlineSeconds": 10,
        "messageRetentionDuration": "604800s",
        "expirationPolicy": {},
        "retryPolicy": {"minimumBackoff": "0.1s", "maximumBackoff": "60s"},
        "deadLetterPolicy": {"deadLetterTopic": f"{TOPIC}-dead", "maxDeliveryAttempts": 5},
        "state": "ACTIVE",
    }


async def test_a_pulled_subscription_has_nothing_to_push(
    gmail: GmailEmulator, projects: Projects
) -> None:
    gmail.pubsub.subscribe(Subscription())

    shown = await execute(projects.subscriptions().get(subscription=NAME))

    assert shown["pushConfig"] == {}
    assert shown["expirationPolicy"] == {"ttl": "2678400s"}


async def test_a_subscription_may_outlive_its_topic(
    gmail: GmailEmulator, projects: Projects
) -> None:
    gmail.pubsub.subscribe(Subscription())
    gmail.pubsub.topics.delete(TOPIC)

    shown = await execute(projects.subscriptions().get(subscription=NAME))

    assert shown["topic"] == "_deleted-topic_"


async def test_a_subscription_that_nobody_uses_is_deleted_after_31_days(
    gmail: GmailEmulator, projects: Projects, clock: ManualClock
) -> None:
    gmail.pubsub.subscribe(Subscription())
    clock.advance(timedelta(days=30))
    await pull(projects)
    clock.advance(timedelta(days=30))
    await pull(projects)
    clock.advance(timedelta(days=31))

    assert (await refused(projects.subscriptions().get(subscription=NAME)))[0] == 404


async def test_a_topic_shows_who_may_publish(gmail: GmailEmulator, projects: Projects) -> None:
    topics = projects.topics()

    assert await execute(topics.get(topic=TOPIC)) == {"name": TOPIC}
    policy = await execute(topics.getIamPolicy(resource=TOPIC))
    assert policy["bindings"] == [
        {
            "role": "roles/pubsub.publisher",
            "members": ["serviceAccount:gmail-api-push@system.gserviceaccount.com"],
        }
    ]


async def test_rights_can_be_tried(gmail: GmailEmulator, projects: Projects) -> None:
    gmail.pubsub.subscribe(Subscription())
    wanted = {"permissions": [CONSUME, "pubsub.subscriptions.get"]}
    request = projects.subscriptions().testIamPermissions(resource=NAME, body=wanted)

    assert await execute(request) == wanted

    gmail.pubsub.rights.take(CONSUME, SERVICE_ACCOUNT)

    assert await execute(request) == {"permissions": ["pubsub.subscriptions.get"]}


# --- Refusals -----------------------------------------------------------------------------------


async def refused(request: Answer) -> tuple[int, str, str]:
    """The status, its name, and what Pub/Sub says."""
    with pytest.raises(HttpError) as caught:
        await execute(request)
    error = json.loads(caught.value.content)["error"]
    assert set(error) == {"code", "message", "status"}  # there is no list of errors here
    return error["code"], error["status"], error["message"]


async def test_who_may_not_consume_pulls_nothing(gmail: GmailEmulator, projects: Projects) -> None:
    gmail.pubsub.subscribe(Subscription())
    gmail.pubsub.rights.take(CONSUME, SERVICE_ACCOUNT)
    request = projects.subscriptions().pull(subscription=NAME, body={"maxMessages": 1})

    status, name, text = await refused(request)

    assert (status, name) == (403, "PERMISSION_DENIED")
    assert text == "User not authorized to perform this action."


async def test_what_is_pushed_cannot_be_pulled(gmail: GmailEmulator, projects: Projects) -> None:
    gmail.pubsub.subscribe(PushSubscription(endpoint=END_POINT))
    request = projects.subscriptions().pull(subscription=NAME, body={"maxMessages": 1})

    status, name, text = await refused(request)

    assert (status, name) == (400, "FAILED_PRECONDITION")
    assert "not supported for this subscription type" in text


async def test_what_is_not_there_is_not_found(projects: Projects) -> None:
    missing = projects.subscriptions().get(subscription=NAME)

    assert await refused(missing) == (
        404,
        "NOT_FOUND",
        "Resource not found (resource=gmail).",
    )


async def test_what_belongs_to_others_is_closed(projects: Projects) -> None:
    theirs = projects.topics().get(topic="projects/theirs/topics/gmail")

    assert (await refused(theirs))[:2] == (403, "PERMISSION_DENIED")


@pytest.mark.parametrize(
    ("verb", "body"),
    [
        ("pull", {}),
        ("pull", {"maxMessages": 0}),
        ("acknowledge", {}),
        ("acknowledge", {"ackIds": ["nonsense"]}),
        ("modifyAckDeadline", {"ackIds": ["nonsense"], "ackDeadlineSeconds": 10}),
        ("modifyAckDeadline", {"ackIds": ["nonsense"], "ackDeadlineSeconds": 601}),
    ],
)
async def test_what_makes_no_sense_is_refused(
    gmail: GmailEmulator, projects: Projects, verb: str, body: dict[str, object]
) -> None:
    gmail.pubsub.subscribe(Subscription())
    request = getattr(projects.subscriptions(), verb)(subscription=NAME, body=body)

    assert (await refused(request))[:2] == (400, "INVALID_ARGUMENT")


async def test_a_token_must_be_for_pubsub(gmail: GmailEmulator, projects: Projects) -> None:
    gmail.pubsub.subscribe(Subscription())
    credentials = projects._http.credentials
    projects._http.credentials = credentials.with_scopes([READ_MAIL])

    shown = await refused(projects.subscriptions().get(subscription=NAME))

    assert shown == (403, "PERMISSION_DENIED", "Request had insufficient authentication scopes.")
