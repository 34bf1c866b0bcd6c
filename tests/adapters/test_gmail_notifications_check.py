"""Trying what the notifications of a Gmail mailbox come by: each fault, and what mends it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

import httpx
import pytest

from postroom.adapters.google.account import GoogleAccount, PersonalAccess
from postroom.adapters.google.notifications_check import CONSUME, NotificationsCheck
from postroom.adapters.google.pubsub import PubsubClient
from postroom.adapters.google.watches import GmailSubscriptions
from postroom.adapters.memory.clock import ManualClock
from postroom.application.ports import CheckStep
from postroom.domain.account import Secret
from postroom.domain.mailbox import Mailbox
from postroom.entrypoints.emulators.gmail import GmailEmulator, GoogleError
from postroom.entrypoints.emulators.gmail.script_sign_in import SERVICE_ACCOUNT
from postroom.entrypoints.emulators.gmail.subscriptions import PushSubscription, Subscription
from postroom.entrypoints.emulators.gmail.topics import TOPIC
from tests.adapters.gmail_rig import SUPPORT, URL, Rig, gmail_rig
from tests.threads import sign_ins

PUBLIC_URL = "https://postroom.example"
ENDPOINT = f"{PUBLIC_URL}/webhooks/google"
PUSHER = "pusher@project.iam.gserviceaccount.com"
NAME = "projects/project/subscriptions/gmail"
PUSHES = PushSubscription(name=NAME, endpoint=ENDPOINT, identity=PUSHER, expires=False)
PULLED = Subscription(name=NAME, expires=False)


@dataclass(frozen=True)
class Stage:
    rig: Rig
    check: NotificationsCheck

    @property
    def gmail(self) -> GmailEmulator:
        return self.rig.gmail

    def mailbox(self, **changes: object) -> Mailbox:
        mailbox = self.rig.mailbox()
        assert isinstance(mailbox.account, GoogleAccount)
        account = replace(mailbox.account, pubsub_topic=TOPIC)
        return replace(mailbox, account=replace(account, **changes))  # type: ignore[arg-type]

    async def steps(self, mailbox: Mailbox | None = None) -> list[CheckStep]:
        return [step async for step in self.check.check(mailbox or self.mailbox())]


@pytest.fixture
async def stage(clock: ManualClock) -> AsyncIterator[Stage]:
    async with gmail_rig(clock) as rig:
        transport = rig.gmail.transport()
        async with httpx.AsyncClient(transport=transport) as http:
            watches = GmailSubscriptions(rig.client, clock, PUBLIC_URL)
            pubsub = PubsubClient(http, clock, sign_ins(clock), URL)
            rig.gmail.pubsub.create_topic()
            yield Stage(rig, NotificationsCheck(pubsub, watches, ENDPOINT))


def names(steps: list[CheckStep]) -> list[str]:
    assert not [step for step in steps if step.failed or step.note]
    return [step.step for step in steps]


async def test_pushes_that_will_come_pass_each_step(stage: Stage) -> None:
    stage.gmail.pubsub.subscribe(PUSHES)

    assert names(await stage.steps()) == [
        "looking at the topic",
        "looking at the subscription",
        "watching the mailbox",
    ]
    assert stage.gmail.calls["watch"] == 1


async def test_what_is_pulled_is_pulled_by_whom_it_may_be(stage: Stage) -> None:
    stage.gmail.pubsub.subscribe(PULLED)
    mailbox = stage.mailbox(pubsub_pull=True, push_service_account="")

    assert "pulling" in names(await stage.steps(mailbox))

    stage.gmail.pubsub.rights.take(CONSUME, SERVICE_ACCOUNT)
    [*_, last] = await stage.steps(mailbox)
    assert (last.step, last.failed) == (
        "pulling",
        "the service account may not consume the subscription",
    )
    assert "roles/pubsub.subscriber" in last.remedy


@pytest.mark.parametrize(
    ("subscription", "failed", "remedy"),
    [
        (PULLED, "it does not push", "--pubsub-pull"),
        (
            replace(PUSHES, endpoint="https://old.example/hook"),
            f"it pushes to https://old.example/hook, not to {ENDPOINT}",
            f"--push-endpoint={ENDPOINT}",
        ),
        (
            replace(PUSHES, identity="other@project.iam.gserviceaccount.com"),
            "its pushes are signed by other@project.iam.gserviceaccount.com",
            f"--push-auth-service-account={PUSHER}",
        ),
        (
            replace(PUSHES, audience="postroom"),
            f"its audience is postroom, not {ENDPOINT}",
            f"--push-auth-token-audience={ENDPOINT}",
        ),
        (
            replace(PUSHES, unwrapped=True),
            "it pushes the payload alone (payload unwrapping)",
            "--clear-push-no-wrapper-config",
        ),
        (None, "there is none of that name", "subscriptions create"),
    ],
)
async def test_a_subscription_is_said_as_it_is_and_as_it_should_be(
    stage: Stage, subscription: Subscription | None, failed: str, remedy: str
) -> None:
    if subscription:
        stage.gmail.pubsub.subscribe(subscription)

    [*_, last] = await stage.steps()

    assert (last.step, last.failed) == ("looking at the subscription", failed)
    assert remedy in last.remedy
    assert stage.gmail.calls["watch"] == 0


async def test_what_pushes_is_not_pulled(stage: Stage) -> None:
    stage.gmail.pubsub.subscribe(PUSHES)

    [*_, last] = await stage.steps(stage.mailbox(pubsub_pull=True, push_service_account=""))

    assert last.failed == f"it pushes to {ENDPOINT}"


async def test_a_subscription_of_another_topic_is_told_from_ours(stage: Stage) -> None:
    stage.gmail.pubsub.create_topic("projects/project/topics/other")
    stage.gmail.pubsub.subscribe(replace(PUSHES, topic="projects/project/topics/other"))

    [*_, last] = await stage.steps()

    assert last.failed == "it is of the topic projects/project/topics/other"


async def test_a_subscription_that_may_expire_passes_with_a_note(stage: Stage) -> None:
    stage.gmail.pubsub.subscribe(replace(PUSHES, expires=True))

    [_, found, _] = await stage.steps()

    assert not found.failed
    assert "--expiration-period=never" in found.note


async def test_who_may_not_look_at_them_may_use_them_all_the_same(stage: Stage) -> None:
    mailbox = stage.mailbox()
    stage.gmail.pubsub.subscribe(PUSHES)
    for right in ("pubsub.topics.get", "pubsub.subscriptions.get"):
        stage.gmail.pubsub.rights.take(right, SERVICE_ACCOUNT)

    topic, subscription, watch = await stage.steps(mailbox)

    assert "Pub/Sub Viewer" in topic.note
    assert "Pub/Sub Viewer" in subscription.note
    assert watch == CheckStep("watching the mailbox")


async def test_a_topic_that_is_not_there_or_not_gmails_to_publish_to_fails(stage: Stage) -> None:
    stage.gmail.pubsub.subscribe(PUSHES)
    missing = stage.mailbox(pubsub_topic="projects/project/topics/none")
    [step] = await stage.steps(missing)
    assert (step.step, step.failed) == ("looking at the topic", "there is none of that name")

    stage.gmail.pubsub.topics.get(TOPIC).publishers.clear()
    [*_, last] = await stage.steps()
    assert last.step == "watching the mailbox"
    assert (
        "give gmail-api-push@system.gserviceaccount.com the role Pub/Sub Publisher" in last.failed
    )


@pytest.mark.parametrize("call", ["topics.get", "subscriptions.get", "watch"])
async def test_a_google_that_is_away_stands_in_the_step(stage: Stage, call: str) -> None:
    stage.gmail.pubsub.subscribe(PUSHES)
    stage.gmail.fail(call, GoogleError(503, "backendError"))

    [*_, last] = await stage.steps()

    answered_by = "gmail" if call == "watch" else "pubsub"
    assert last.failed.startswith(f"{answered_by} answered 503")
    assert last.remedy == "try again later"


async def test_what_nobody_can_push_to_is_polled_and_that_is_said(stage: Stage) -> None:
    watches = replace(stage.check.watches, public_url="http://localhost:8080")
    check = replace(stage.check, watches=watches)

    [step] = [step async for step in check.check(stage.mailbox())]

    assert not step.failed
    assert "POSTROOM_PUBLIC_URL" in step.note
    assert "polled" in step.note


async def test_in_shadow_no_watch_is_made(stage: Stage) -> None:
    stage.gmail.pubsub.subscribe(PUSHES)
    check = replace(stage.check, makes_watch=False)

    assert [step.step async for step in check.check(stage.mailbox())][-1] != "watching the mailbox"
    assert stage.gmail.calls["watch"] == 0


async def test_a_person_is_not_asked_about_pubsub(stage: Stage) -> None:
    person = PersonalAccess("client", Secret("secret"), Secret("token"))
    mailbox = stage.mailbox(person=person, service_account=Secret(""), pubsub_topic="")

    assert await stage.steps(mailbox) == []


async def test_no_step_names_a_user(stage: Stage) -> None:
    stage.gmail.fail("watch", GoogleError(400, "failedPrecondition", f"{SUPPORT} has no Gmail"))
    stage.gmail.pubsub.subscribe(PUSHES)

    assert not [step for step in await stage.steps() if SUPPORT in f"{step.failed}{step.remedy}"]
