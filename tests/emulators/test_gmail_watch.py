"""Watches of the emulated Gmail: what they announce, how long, and which are refused."""

import json
from collections.abc import AsyncIterator, Collection
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
from tests.emulators.discovery import served
from tests.emulators.gmail_rig import (
    END_POINT,
    MAIL,
    SUPPORT,
    Answer,
    Receiver,
    Users,
    emulated,
    execute,
    gmail_service,
)

SECOND = timedelta(seconds=1)


@pytest.fixture
def receiver() -> Receiver:
    return Receiver()


@pytest.fixture
async def gmail(clock: ManualClock, receiver: Receiver) -> AsyncIterator[GmailEmulator]:
    async with emulated(clock, receiver) as gmail:
        gmail.pubsub.create_topic()
        yield gmail


@pytest.fixture
async def users(gmail: GmailEmulator) -> AsyncIterator[Users]:
    async with served(gmail) as url:
        service = await gmail_service(gmail, url)
        yield service.users()
        service.close()


async def watch(users: Users, topic: str = TOPIC, **body: object) -> Answer:
    return await execute(users.watch(userId="me", body={"topicName": topic} | body))


def announced(gmail: GmailEmulator, subscription: Subscription) -> list[int]:
    """The history ids that wait there."""
    waiting = gmail.pubsub.backlog(subscription.name).waiting
    return [json.loads(delivery.message.data)["historyId"] for delivery in waiting]


async def test_a_watch_lasts_a_week(gmail: GmailEmulator, users: Users, clock: ManualClock) -> None:
    answer = await watch(users, labelIds=["INBOX"])

    in_a_week = clock.now() + timedelta(days=7)
    assert answer == {
        "historyId": str(gmail.history_id(SUPPORT)),
        "expiration": str(int(in_a_week.timestamp() * 1000)),
    }
    assert [each.topic for each in gmail.watches(SUPPORT)] == [TOPIC]

    clock.advance(timedelta(days=7))

    assert gmail.watches(SUPPORT) == []


async def test_watching_is_announced_at_once(gmail: GmailEmulator, users: Users) -> None:
    subscription = Subscription()
    gmail.pubsub.subscribe(subscription)

    await watch(users)

    assert announced(gmail, subscription) == [gmail.history_id(SUPPORT)]


async def test_changes_are_announced_while_the_watch_lives(
    gmail: GmailEmulator, users: Users, clock: ManualClock
) -> None:
    subscription = Subscription()
    gmail.pubsub.subscribe(subscription)
    gmail.deliver(SUPPORT, MAIL)
    await watch(users)
    first = gmail.history_id(SUPPORT)
    clock.advance(SECOND)
    gmail.deliver(SUPPORT, MAIL)
    second = gmail.history_id(SUPPORT)

    await execute(users.stop(userId="me"))
    clock.advance(SECOND)
    gmail.deliver(SUPPORT, MAIL)

    assert announced(gmail, subscription) == [first, second]


async def test_what_comes_within_a_second_is_not_announced(
    gmail: GmailEmulator, clock: ManualClock
) -> None:
    subscription = Subscription()
    gmail.pubsub.subscribe(subscription)
    gmail.watch(SUPPORT)
    gmail.deliver(SUPPORT, MAIL)

    assert len(announced(gmail, subscription)) == 1

    clock.advance(SECOND)
    gmail.deliver(SUPPORT, MAIL)

    assert len(announced(gmail, subscription)) == 2


@pytest.mark.parametrize(
    ("behaviour", "labels", "is_announced"),
    [
        ("include", ["INBOX"], True),
        ("include", ["SENT"], False),
        ("INCLUDE", ["INBOX", "UNREAD"], True),
        ("exclude", ["INBOX"], False),
        ("EXCLUDE", ["SENT"], True),
    ],
)
async def test_a_watch_may_be_for_some_labels(
    gmail: GmailEmulator,
    users: Users,
    clock: ManualClock,
    behaviour: str,
    labels: Collection[str],
    *,
    is_announced: bool,
) -> None:
    subscription = Subscription()
    await watch(users, labelIds=["INBOX"], labelFilterBehavior=behaviour)
    gmail.pubsub.subscribe(subscription)
    clock.advance(SECOND)

    gmail.deliver(SUPPORT, MAIL, labels=labels)

    assert bool(announced(gmail, subscription)) is is_announced


async def test_a_label_that_is_taken_away_is_announced(
    gmail: GmailEmulator, clock: ManualClock
) -> None:
    message_id = gmail.deliver(SUPPORT, MAIL)
    gmail.watch(SUPPORT, labels=["INBOX"])
    subscription = Subscription()
    gmail.pubsub.subscribe(subscription)
    clock.advance(SECOND)

    gmail.relabel(SUPPORT, message_id, remove=["INBOX"])

    assert len(announced(gmail, subscription)) == 1


async def test_what_is_announced_is_pushed(
    gmail: GmailEmulator, users: Users, receiver: Receiver
) -> None:
    gmail.pubsub.subscribe(PushSubscription(endpoint=END_POINT))

    await watch(users)

    assert await gmail.deliver_pushes() == (204,)
    assert str(receiver.pushes[0].url) == END_POINT
    assert await gmail.deliver_pushes() == ()


async def test_without_a_watch_nothing_is_pushed(gmail: GmailEmulator, receiver: Receiver) -> None:
    gmail.pubsub.subscribe(PushSubscription(endpoint=END_POINT))
    gmail.deliver(SUPPORT, MAIL)

    assert await gmail.deliver_pushes() == ()
    assert await gmail.push(SUPPORT, PushSubscription(endpoint=END_POINT)) == ()
    assert receiver.pushes == []


# --- Renewals and refusals ----------------------------------------------------------------------


async def test_watching_the_same_topic_again_is_a_renewal(
    gmail: GmailEmulator, users: Users, clock: ManualClock
) -> None:
    first = await watch(users, labelIds=["INBOX"])
    clock.advance(timedelta(days=1))

    second = await watch(users, labelIds=["SENT"])

    assert int(second["expiration"]) - int(first["expiration"]) == 24 * 3600 * 1000
    assert [each.labels for each in gmail.watches(SUPPORT)] == [frozenset({"SENT"})]


async def test_another_topic_is_refused_until_the_watch_is_stopped(
    gmail: GmailEmulator, users: Users
) -> None:
    other = gmail.pubsub.create_topic("projects/project/topics/other")
    await watch(users)

    with pytest.raises(HttpError, match="Only one user push notification client") as caught:
        await watch(users, other)

    assert refusal(caught.value) == (400, "invalidArgument")

    await execute(users.stop(userId="me"))
    await watch(users, other)

    assert [each.topic for each in gmail.watches(SUPPORT)] == [other]


async def test_stopping_what_is_not_watched_is_well(users: Users) -> None:
    await execute(users.stop(userId="me"))


@pytest.mark.parametrize(
    "topic",
    [
        "",
        "gmail",
        "projects/project/subscriptions/gmail",
        "projects/other/topics/gmail",
        "projects/project/topics/gmail/x",
        f"{TOPIC}\n",
    ],
)
async def test_a_topic_must_be_one_of_the_callers_project(users: Users, topic: str) -> None:
    with pytest.raises(HttpError, match=r"does not match projects/project/topics/\*") as caught:
        await watch(users, topic)

    assert refusal(caught.value) == (400, "invalidArgument")


async def test_a_topic_that_is_not_there_is_refused(users: Users) -> None:
    with pytest.raises(HttpError, match=r"Cloud PubSub .*/away : Resource not found") as caught:
        await watch(users, "projects/project/topics/away")

    assert refusal(caught.value) == (404, "notFound")


async def test_a_topic_that_gmail_may_not_publish_to_is_refused(
    gmail: GmailEmulator, users: Users
) -> None:
    closed = gmail.pubsub.create_topic("projects/project/topics/closed", publishers=())

    with pytest.raises(HttpError, match="User not authorized to perform") as caught:
        await watch(users, closed)

    assert refusal(caught.value) == (403, "forbidden")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"labelIds": ["Nonsense"]}, "Invalid label"),
        ({"labelFilterBehavior": "sometimes"}, "Invalid value"),
        ({"topics": TOPIC}, "Unknown name"),
    ],
)
async def test_a_watch_that_makes_no_sense_is_refused(
    users: Users, body: dict[str, object], reason: str
) -> None:
    with pytest.raises(HttpError, match=reason) as caught:
        await execute(users.watch(userId="me", body={"topicName": TOPIC} | body))

    assert refusal(caught.value) == (400, "invalidArgument")


async def test_a_new_user_of_the_same_address_is_not_watched(gmail: GmailEmulator) -> None:
    gmail.watch(SUPPORT)

    gmail.recreate_mailbox(SUPPORT)

    assert gmail.watches(SUPPORT) == []


def refusal(error: HttpError) -> tuple[int, str]:
    details: Answer = error.error_details
    return error.status_code, details[0]["reason"]
