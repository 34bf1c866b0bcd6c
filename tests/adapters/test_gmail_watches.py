"""Watches at the emulated Gmail: what is asked for, and what each refusal means."""

from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest

from postroom.adapters.google.account import FOLDER
from postroom.adapters.google.changes import GmailChanges
from postroom.adapters.google.watch_errors import FOREIGN_TOPIC, NO_PUBLISHER, NO_TOPIC
from postroom.adapters.google.watches import RENEW_EVERY, TAKEN, GmailSubscriptions
from postroom.adapters.memory.clock import ManualClock
from postroom.application.ports import NotificationsRefused
from postroom.domain.failure import AccessFailed, Throttled, Unavailable
from postroom.domain.mailbox import Mailbox
from postroom.entrypoints.emulators.gmail import GoogleError
from tests.adapters.gmail_rig import MAIL, SUPPORT, Rig, gmail_rig, responding
from tests.contracts.gmail_subscriptions_stage import OTHER_TOPIC, TOPIC, with_topic

DAY = timedelta(days=1)
ONE_CLIENT = (
    "Only one user push notification client allowed per developer (call /stop then try again)"
)


@pytest.fixture
async def rig(clock: ManualClock) -> AsyncIterator[Rig]:
    async with gmail_rig(clock) as rig:
        rig.gmail.pubsub.create_topic(TOPIC)
        rig.gmail.pubsub.create_topic(OTHER_TOPIC)
        yield rig


@pytest.fixture
def watches(rig: Rig, clock: ManualClock) -> GmailSubscriptions:
    return GmailSubscriptions(rig.client, clock)


@pytest.fixture
def mailbox(rig: Rig) -> Mailbox:
    return with_topic(rig.mailbox(), TOPIC)


async def test_the_whole_mailbox_is_watched(
    rig: Rig, watches: GmailSubscriptions, mailbox: Mailbox
) -> None:
    await watches.create(mailbox, FOLDER)

    [watch] = rig.gmail.watches(SUPPORT)
    assert (watch.topic, watch.labels) == (TOPIC, frozenset())
    assert watch.announces({"Label_7"}), "a message that a rule has archived"


async def test_a_watch_is_renewed_every_day_and_announces_itself(
    watches: GmailSubscriptions, mailbox: Mailbox
) -> None:
    made = await watches.create(mailbox, FOLDER)

    assert made.renewal_at - made.renewed_at == RENEW_EVERY == DAY
    assert made.announced
    assert (made.secret_digest, made.endpoint) == ("", TOPIC)


async def test_a_mailbox_without_a_topic_is_watched_by_its_operator(
    rig: Rig, watches: GmailSubscriptions
) -> None:
    assert not watches.are_ours(rig.mailbox())


async def test_where_a_watch_says_that_the_mailbox_stands_is_no_position(
    rig: Rig, watches: GmailSubscriptions, mailbox: Mailbox, clock: ManualClock
) -> None:
    """What came in before the watch, and after the last sync, would be skipped."""
    changes = GmailChanges(rig.client, clock)
    position = await changes.position(mailbox, FOLDER)
    rig.gmail.deliver(SUPPORT, MAIL)

    made = await watches.create(mailbox, FOLDER)
    renewed = await watches.renew(mailbox, made)

    history_id = str(rig.gmail.history_id(SUPPORT))
    assert history_id not in repr(made)
    assert history_id not in repr(renewed)
    pages = [page async for page in changes.since(mailbox, FOLDER, position)]
    assert len(pages[0].arrivals) == 1


async def test_a_watch_for_another_topic_is_stopped_once(
    rig: Rig, watches: GmailSubscriptions, mailbox: Mailbox
) -> None:
    rig.gmail.watch(SUPPORT, OTHER_TOPIC)

    await watches.create(mailbox, FOLDER)

    assert [each.topic for each in rig.gmail.watches(SUPPORT)] == [TOPIC]
    assert (rig.gmail.calls["watch"], rig.gmail.calls["stop"]) == (2, 1)


async def test_a_watch_for_another_topic_that_comes_back_is_left_alone(
    rig: Rig, watches: GmailSubscriptions, mailbox: Mailbox
) -> None:
    rig.gmail.fail("watch", GoogleError(400, "failedPrecondition", ONE_CLIENT), times=2)

    with pytest.raises(NotificationsRefused) as raised:
        await watches.create(mailbox, FOLDER)

    assert raised.value.reason == TAKEN
    assert rig.gmail.calls["stop"] == 1


async def test_a_watch_of_another_project_is_no_matter(
    rig: Rig, watches: GmailSubscriptions, mailbox: Mailbox
) -> None:
    theirs = rig.gmail.pubsub.create_topic("projects/other/topics/mail")
    rig.gmail.watch(SUPPORT, theirs)

    made = await watches.create(mailbox, FOLDER)
    await watches.remove(mailbox, made.id)

    assert [each.topic for each in rig.gmail.watches(SUPPORT)] == [theirs]


async def test_a_watch_that_is_renewed_for_a_topic_nobody_may_publish_to_is_refused(
    rig: Rig, watches: GmailSubscriptions, mailbox: Mailbox
) -> None:
    made = await watches.create(mailbox, FOLDER)
    rig.gmail.pubsub.topics.get(TOPIC).publishers.clear()

    with pytest.raises(NotificationsRefused, match="gmail-api-push@system"):
        await watches.renew(mailbox, made)


@pytest.mark.parametrize(
    ("topic", "reason"),
    [
        ("projects/project/topics/nowhere", NO_TOPIC),
        ("projects/strangers/topics/postroom", FOREIGN_TOPIC),
    ],
)
async def test_a_topic_that_cannot_do_is_refused_with_what_to_do(
    rig: Rig, watches: GmailSubscriptions, topic: str, reason: str
) -> None:
    with pytest.raises(NotificationsRefused) as raised:
        await watches.create(with_topic(rig.mailbox(), topic), FOLDER)

    assert raised.value.reason.startswith(reason)
    assert topic not in raised.value.reason


@pytest.mark.parametrize(
    ("fault", "failure", "reason"),
    [
        (GoogleError(403, "forbidden"), NotificationsRefused, NO_PUBLISHER),
        (GoogleError(403, "insufficientPermissions"), AccessFailed, "gmail answered 403"),
        (GoogleError(403, "accessNotConfigured"), AccessFailed, "gmail answered 403"),
        (GoogleError(400, "failedPrecondition"), AccessFailed, "gmail answered 400"),
        (GoogleError(403, "userRateLimitExceeded"), Throttled, "gmail answered 403"),
        (GoogleError(429, "rateLimitExceeded"), Throttled, "gmail answered 429"),
        (GoogleError(500, "backendError"), Unavailable, "gmail answered 500"),
    ],
)
async def test_each_refusal_of_a_watch_has_its_meaning(
    rig: Rig,
    watches: GmailSubscriptions,
    fault: GoogleError,
    failure: type[NotificationsRefused | AccessFailed | Throttled | Unavailable],
    reason: str,
) -> None:
    rig.gmail.fail("watch", fault)

    with pytest.raises(failure) as raised:
        await watches.create(with_topic(rig.mailbox(), TOPIC), FOLDER)

    assert type(raised.value) is failure
    assert raised.value.reason.startswith(reason)


@pytest.mark.parametrize(
    "answer",
    [
        *(b"", b"[]", b"{}", b'{"historyId": "7"}', b'{"expiration": "soon"}', b"<h1>No</h1>"),
        b"x" * 9 * 2**20,
    ],
    ids=lambda answer: answer[:10].decode(),
)
async def test_a_200_that_is_no_watch_is_asked_for_again(
    rig: Rig, clock: ManualClock, mailbox: Mailbox, answer: bytes
) -> None:
    async with responding(clock, lambda _: httpx.Response(200, content=answer)) as client:
        with pytest.raises(Unavailable):
            await GmailSubscriptions(client, clock).create(mailbox, FOLDER)


async def test_a_token_that_was_revoked_is_renewed_for_a_watch_too(
    rig: Rig, watches: GmailSubscriptions, mailbox: Mailbox
) -> None:
    await rig.client.sign_in(mailbox)
    rig.gmail.revoke_tokens(SUPPORT)

    await watches.create(mailbox, FOLDER)

    assert len(rig.gmail.watches(SUPPORT)) == 1
