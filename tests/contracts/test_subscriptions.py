"""Subscriptions: in memory, and Graph's, which calls back before it makes one."""

import hashlib
from abc import abstractmethod
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Protocol

import pytest

from postroom.adapters.memory.clock import ManualClock
from postroom.adapters.memory.subscriptions import InMemorySubscriptions
from postroom.application.ports import NotificationsRefused, SubscriptionGone, Subscriptions
from postroom.domain.failure import AccessFailed, Failure, Throttled, Unavailable
from postroom.domain.mailbox import Mailbox
from tests.adapters.graph_rig import ACCOUNT, Rig, a_mailbox, graph_rig

PORTS = {Subscriptions}

DAY = timedelta(days=1)
BUSY = Throttled("busy", retry_after=timedelta(seconds=30))


class Stage(Protocol):
    """Subscriptions under test, and what a provider can do about them."""

    subscriptions: Subscriptions

    @abstractmethod
    def at(self, public_url: str) -> Subscriptions:
        """The same provider, for a Postroom elsewhere."""

    @abstractmethod
    def refuse(self) -> None: ...

    @abstractmethod
    async def lose(self, subscription_id: str) -> None: ...

    @abstractmethod
    def shown(self, subscription_id: str) -> str:
        """The secret that its notifications show."""

    @abstractmethod
    def break_down(self, failure: Throttled | Unavailable) -> None: ...


@dataclass
class InMemory(Stage):
    rig: Rig

    def __post_init__(self) -> None:
        self.subscriptions = self._provider = InMemorySubscriptions(self.rig.clock)

    def at(self, public_url: str) -> Subscriptions:
        return replace(self._provider, endpoint=f"{public_url}/webhooks/microsoft")

    def refuse(self) -> None:
        self._provider.refusal = "nobody answers there"

    async def lose(self, subscription_id: str) -> None:
        self._provider.lose(subscription_id)

    def shown(self, subscription_id: str) -> str:
        return self._provider.shown[subscription_id]

    def break_down(self, failure: Throttled | Unavailable) -> None:
        self._provider.failures.append(failure)


@dataclass
class Graph(Stage):
    rig: Rig

    def __post_init__(self) -> None:
        self.subscriptions = self.rig.subscriptions()

    def at(self, public_url: str) -> Subscriptions:
        return self.rig.subscriptions(public_url)

    def refuse(self) -> None:
        self.rig.subscribed_folder.repeat = "not what was asked for"

    async def lose(self, subscription_id: str) -> None:
        await self.rig.graph.remove_subscription(subscription_id, notify=False)

    def shown(self, subscription_id: str) -> str:
        [found] = [each for each in self.rig.graph.subscriptions if each["id"] == subscription_id]
        return str(found["clientState"])

    def break_down(self, failure: Throttled | Unavailable) -> None:
        wait = failure.retry_after
        self.rig.graph.fail(
            "subscriptions",
            status=429 if isinstance(failure, Throttled) else 500,
            retry_after=str(int(wait.total_seconds())) if wait else "",
        )


@pytest.fixture(params=[InMemory, Graph])
async def stage(request: pytest.FixtureRequest, clock: ManualClock) -> AsyncIterator[Stage]:
    async with graph_rig(clock) as rig:
        for user in ("support@example.org", "sales@example.org"):
            rig.graph.add_folder(user, "Inbox/Orders")
        yield request.param(rig)


def mailbox_of(name: str = "support") -> Mailbox:
    user = f"{name}@example.org"
    account = replace(ACCOUNT, folders=("inbox", "Inbox/Orders"))
    return replace(a_mailbox(user, account), id=name, address=user)


async def test_a_subscription_lasts_for_days_and_keeps_a_digest_of_its_secret_alone(
    stage: Stage, clock: ManualClock
) -> None:
    made = await stage.subscriptions.create(mailbox_of(), "inbox")

    now = clock.now()
    assert (made.created_at, made.renewed_at) == (now, now)
    assert 5 * DAY < made.expires_at - now < 7 * DAY
    assert made.endpoint == stage.subscriptions.endpoint_of(mailbox_of())
    secret = stage.shown(made.id)
    assert made.secret_digest == hashlib.sha256(secret.encode()).hexdigest()
    assert secret not in repr(made)


async def test_each_subscription_has_a_secret_of_its_own(stage: Stage) -> None:
    one = await stage.subscriptions.create(mailbox_of(), "inbox")
    other = await stage.subscriptions.create(mailbox_of(), "Inbox/Orders")

    assert one.secret_digest != other.secret_digest
    assert set(await stage.subscriptions.ids(mailbox_of())) == {one.id, other.id}


async def test_one_of_ours_that_is_there_gives_way(stage: Stage) -> None:
    mailbox = mailbox_of()
    old = await stage.subscriptions.create(mailbox, "inbox")

    new = await stage.subscriptions.create(mailbox, "inbox")

    assert new.id != old.id
    assert await stage.subscriptions.ids(mailbox) == [new.id]


async def test_those_of_other_folders_and_mailboxes_do_not_give_way(stage: Stage) -> None:
    support, sales = mailbox_of("support"), mailbox_of("sales")
    others = [
        await stage.subscriptions.create(support, "Inbox/Orders"),
        await stage.subscriptions.create(sales, "inbox"),
    ]
    await stage.subscriptions.create(support, "inbox")
    again = await stage.subscriptions.create(support, "inbox")

    assert set(await stage.subscriptions.ids(support)) == {again.id, *(each.id for each in others)}


async def test_a_subscription_of_someone_else_to_the_folder_stays(stage: Stage) -> None:
    theirs = await stage.at("https://other.example").create(mailbox_of(), "inbox")

    with pytest.raises(NotificationsRefused, match="another service"):
        await stage.subscriptions.create(mailbox_of(), "inbox")

    assert await stage.at("https://other.example").ids(mailbox_of()) == [theirs.id]
    assert await stage.subscriptions.ids(mailbox_of()) == []


async def test_a_renewed_subscription_lasts_from_then_on(stage: Stage, clock: ManualClock) -> None:
    mailbox = mailbox_of()
    made = await stage.subscriptions.create(mailbox, "inbox")
    clock.advance(3 * DAY)

    renewed = await stage.subscriptions.renew(mailbox, made)

    assert renewed == replace(
        made, renewed_at=made.renewed_at + 3 * DAY, expires_at=made.expires_at + 3 * DAY
    )
    clock.advance(5 * DAY)
    assert await stage.subscriptions.ids(mailbox) == [made.id]


async def test_a_subscription_that_has_run_out_is_gone(stage: Stage, clock: ManualClock) -> None:
    mailbox = mailbox_of()
    made = await stage.subscriptions.create(mailbox, "inbox")
    clock.advance(7 * DAY)

    assert await stage.subscriptions.ids(mailbox) == []
    with pytest.raises(SubscriptionGone):
        await stage.subscriptions.renew(mailbox, made)


async def test_a_subscription_that_the_provider_dropped_is_gone(stage: Stage) -> None:
    mailbox = mailbox_of()
    made = await stage.subscriptions.create(mailbox, "inbox")
    await stage.lose(made.id)

    with pytest.raises(SubscriptionGone):
        await stage.subscriptions.renew(mailbox, made)


async def test_a_subscription_can_be_removed_twice(stage: Stage) -> None:
    mailbox = mailbox_of()
    made = await stage.subscriptions.create(mailbox, "inbox")

    for _ in range(2):
        await stage.subscriptions.remove(mailbox, made.id)

    assert await stage.subscriptions.ids(mailbox) == []


async def test_who_does_not_prove_itself_is_refused(stage: Stage) -> None:
    stage.refuse()

    with pytest.raises(NotificationsRefused) as raised:
        await stage.subscriptions.create(mailbox_of(), "inbox")

    assert raised.value.reason
    assert await stage.subscriptions.ids(mailbox_of()) == []


async def test_a_folder_that_is_not_there_is_a_matter_of_access(stage: Stage) -> None:
    with pytest.raises(AccessFailed):
        await stage.subscriptions.create(mailbox_of(), "Inbox/Nowhere")


async def test_nothing_stands_in_the_way_of_a_mailbox_as_it_should_be(stage: Stage) -> None:
    assert stage.subscriptions.obstacle(mailbox_of()) == ""


@pytest.mark.parametrize("failure", [BUSY, Unavailable("away")])
async def test_a_provider_in_trouble_says_so(
    stage: Stage, failure: Throttled | Unavailable
) -> None:
    mailbox = mailbox_of()
    made = await stage.subscriptions.create(mailbox, "inbox")
    provider = stage.subscriptions

    for attempt in (
        lambda: provider.create(mailbox, "inbox"),
        lambda: provider.renew(mailbox, made),
        lambda: provider.remove(mailbox, made.id),
        lambda: provider.ids(mailbox),
    ):
        stage.break_down(failure)
        with pytest.raises(Failure) as raised:
            await attempt()
        assert type(raised.value) is type(failure)

    assert await provider.ids(mailbox) == [made.id]
