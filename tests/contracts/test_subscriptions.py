"""Subscriptions: in memory, Graph's, which calls back before it makes one, and Gmail's watches."""

import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from postroom.adapters.memory.clock import ManualClock
from postroom.application.ports import NotificationsRefused, SubscriptionGone, Subscriptions
from postroom.domain.failure import AccessFailed, Failure, Throttled, Unavailable
from postroom.domain.subscription import Subscription
from tests.contracts.subscriptions_stages import STAGES, Stage

PORTS = {Subscriptions}

DAY = timedelta(days=1)
BUSY = Throttled("busy", retry_after=timedelta(seconds=30))


@pytest.fixture(params=STAGES, ids=lambda open_stage: open_stage.__name__)
async def stage(request: pytest.FixtureRequest, clock: ManualClock) -> AsyncIterator[Stage]:
    async with request.param(clock) as stage:
        yield stage


async def test_a_subscription_lasts_for_days(stage: Stage, clock: ManualClock) -> None:
    made = await stage.subscriptions.create(stage.mailbox(), stage.folder)

    now = clock.now()
    assert (made.created_at, made.renewed_at) == (now, now)
    assert 5 * DAY < made.expires_at - now <= 7 * DAY
    assert made.endpoint == stage.subscriptions.endpoint_of(stage.mailbox())
    assert stage.live(stage.mailbox()) == 1


async def test_a_subscription_keeps_a_digest_of_its_secret_alone(stage: Stage) -> None:
    made = await stage.subscriptions.create(stage.mailbox(), stage.folder)

    secret = stage.shown(made.id)
    assert made.secret_digest == (hashlib.sha256(secret.encode()).hexdigest() if secret else "")
    assert not secret or secret not in repr(made)


async def test_an_id_names_no_address(stage: Stage) -> None:
    made = await stage.subscriptions.create(stage.mailbox(), stage.folder)

    assert stage.mailbox().address not in made.id


async def test_each_subscription_has_a_secret_of_its_own(stage: Stage) -> None:
    one = await stage.subscriptions.create(stage.mailbox(), stage.folder)
    other = await stage.subscriptions.create(stage.mailbox(), stage.other_folder())

    assert one.secret_digest != other.secret_digest
    assert set(await stage.subscriptions.ids(stage.mailbox())) == {one.id, other.id}


async def test_one_of_ours_that_is_there_gives_way(stage: Stage) -> None:
    mailbox = stage.mailbox()
    old = await stage.subscriptions.create(mailbox, stage.folder)

    new = await stage.subscriptions.create(mailbox, stage.folder)

    assert stage.live(mailbox) == 1
    assert new.id != old.id or not stage.shows_ids
    assert set(await stage.subscriptions.ids(mailbox)) <= {new.id}


async def test_one_of_ours_that_goes_elsewhere_gives_way(stage: Stage) -> None:
    mailbox, moved = stage.mailbox(), stage.moved()
    await stage.subscriptions.create(moved, stage.folder)

    made = await stage.subscriptions.create(mailbox, stage.folder)

    assert made.endpoint == stage.subscriptions.endpoint_of(mailbox)
    assert stage.live(mailbox) == 1


async def test_those_of_other_mailboxes_do_not_give_way(stage: Stage) -> None:
    support, sales = stage.mailbox("support"), stage.mailbox("sales")
    await stage.subscriptions.create(sales, stage.folder)
    for _ in range(2):
        await stage.subscriptions.create(support, stage.folder)

    assert (stage.live(support), stage.live(sales)) == (1, 1)


async def test_those_of_other_folders_do_not_give_way(stage: Stage) -> None:
    mailbox = stage.mailbox()
    other = await stage.subscriptions.create(mailbox, stage.other_folder())
    await stage.subscriptions.create(mailbox, stage.folder)
    again = await stage.subscriptions.create(mailbox, stage.folder)

    assert set(await stage.subscriptions.ids(mailbox)) == {again.id, other.id}


async def test_a_subscription_of_someone_else_to_the_folder_stays(stage: Stage) -> None:
    mailbox = stage.mailbox()
    theirs = await stage.at("https://other.example").create(mailbox, stage.folder)

    with pytest.raises(NotificationsRefused, match="another service"):
        await stage.subscriptions.create(mailbox, stage.folder)

    assert await stage.at("https://other.example").ids(mailbox) == [theirs.id]
    assert await stage.subscriptions.ids(mailbox) == []


async def test_a_renewed_subscription_lasts_from_then_on(stage: Stage, clock: ManualClock) -> None:
    mailbox = stage.mailbox()
    made = await stage.subscriptions.create(mailbox, stage.folder)
    clock.advance(3 * DAY)

    renewed = await stage.subscriptions.renew(mailbox, made)

    assert renewed == replace(
        made, renewed_at=made.renewed_at + 3 * DAY, expires_at=made.expires_at + 3 * DAY
    )
    clock.advance(5 * DAY)
    assert stage.live(mailbox) == 1


async def test_a_subscription_is_renewed_long_before_it_ends(stage: Stage) -> None:
    made = await stage.subscriptions.create(stage.mailbox(), stage.folder)

    assert made.renewal_at <= made.renewed_at + (made.expires_at - made.renewed_at) / 2


async def test_a_subscription_that_has_run_out_is_gone_or_made_again(
    stage: Stage, clock: ManualClock
) -> None:
    mailbox = stage.mailbox()
    made = await stage.subscriptions.create(mailbox, stage.folder)
    clock.advance(7 * DAY)

    assert stage.live(mailbox) == 0
    assert await _renewed(stage, made) is stage.revives


async def test_a_subscription_that_the_provider_dropped_is_gone_or_made_again(
    stage: Stage,
) -> None:
    mailbox = stage.mailbox()
    made = await stage.subscriptions.create(mailbox, stage.folder)
    await stage.lose(made.id)

    assert await _renewed(stage, made) is stage.revives


async def _renewed(stage: Stage, subscription: Subscription) -> bool:
    """Whether there is one again; False if it is gone."""
    try:
        await stage.subscriptions.renew(stage.mailbox(), subscription)
    except SubscriptionGone:
        return False
    return stage.live(stage.mailbox()) == 1


async def test_a_subscription_can_be_removed_twice(stage: Stage) -> None:
    mailbox = stage.mailbox()
    made = await stage.subscriptions.create(mailbox, stage.folder)

    for _ in range(2):
        await stage.subscriptions.remove(mailbox, made.id)

    assert stage.live(mailbox) == 0


async def test_what_is_refused_is_refused_with_a_reason(stage: Stage) -> None:
    stage.refuse()

    with pytest.raises(NotificationsRefused) as raised:
        await stage.subscriptions.create(stage.mailbox(), stage.folder)

    assert raised.value.reason
    assert stage.live(stage.mailbox()) == 0


async def test_a_folder_that_is_not_there_is_a_matter_of_access(stage: Stage) -> None:
    with pytest.raises(AccessFailed):
        await stage.subscriptions.create(stage.mailbox(), "Inbox/Nowhere")


async def test_nothing_stands_in_the_way_of_a_mailbox_as_it_should_be(stage: Stage) -> None:
    assert stage.subscriptions.are_ours(stage.mailbox())
    assert stage.subscriptions.obstacle(stage.mailbox()) == ""


@pytest.mark.parametrize("failure", [BUSY, Unavailable("away")])
async def test_a_provider_that_cannot_answer_says_so(
    stage: Stage, failure: Throttled | Unavailable
) -> None:
    mailbox = stage.mailbox()
    made = await stage.subscriptions.create(mailbox, stage.folder)
    provider = stage.subscriptions

    attempts: list[Callable[[], Awaitable[object]]] = [
        lambda: provider.create(mailbox, stage.folder),
        lambda: provider.renew(mailbox, made),
        lambda: provider.remove(mailbox, made.id),
    ]
    if stage.shows_ids:
        attempts.append(lambda: provider.ids(mailbox))
    for attempt in attempts:
        stage.break_down(failure)
        with pytest.raises(Failure) as raised:
            await attempt()
        assert type(raised.value) is type(failure)

    assert stage.live(mailbox) == 1
