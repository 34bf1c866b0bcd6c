"""Who pulls what, what is acknowledged and when, and what others see of a pull that fails."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import NoReturn

import pytest

from postroom.adapters.memory.clock import ManualClock
from postroom.application.ports import NotificationsRefused, PullState
from postroom.domain.failure import AccessFailed, Failure, Throttled, Unavailable
from postroom.domain.folder_sync import Request
from postroom.domain.ingress import IngressMode
from postroom.domain.mailbox import Mailbox
from tests.unit.api_providers import PUSH_SUBSCRIPTION, google_mailbox, imap_mailbox
from tests.unit.puller_rig import INFO, REFRESH, SALES, SOON, Rig, open_rig

LEASE = timedelta(minutes=4)
SECOND = timedelta(seconds=1)
KEY = ("google", PUSH_SUBSCRIPTION)
REFUSED = NotificationsRefused("there is no such subscription")


@pytest.fixture
async def rig(clock: ManualClock) -> AsyncIterator[Rig]:
    with open_rig(clock) as opened:
        await opened.registry.add(SALES)
        yield opened


def queued(rig: Rig) -> list[str]:
    return [job.mailbox for job in rig.jobs]


async def requests(rig: Rig, mailbox: Mailbox = SALES) -> set[Request]:
    found = await rig.folder_syncs.all(tenant=mailbox.tenant, mailbox=mailbox.id)
    return {request for each in found for request in each.requests}


# --- What is pulled -----------------------------------------------------------------------------


async def test_what_waits_and_what_comes_is_queued_and_acknowledged(rig: Rig) -> None:
    await rig.publish()
    async with rig.pulling():
        assert queued(rig) == ["sales"]

        await rig.publish(history_id=8)
        await rig.waits.let_pass(SOON)
        assert queued(rig) == ["sales", "sales"]

    assert len(rig.source.acknowledged) == 2
    assert rig.notifications() == {"accepted": 2}


async def test_mailboxes_that_share_a_subscription_are_pulled_as_one(rig: Rig) -> None:
    await rig.registry.add(INFO)
    for mailbox in (SALES, INFO):
        await rig.publish(mailbox)
    async with rig.pulling():
        assert sorted(queued(rig)) == ["info", "sales"]
        assert len(rig.source.pulls) == 2  # the second finds nothing


@pytest.mark.parametrize("other", [google_mailbox(), imap_mailbox()])
async def test_what_is_pushed_or_of_another_kind_is_not_pulled(rig: Rig, other: Mailbox) -> None:
    await rig.registry.remove("acme", "sales")
    await rig.registry.add(other)
    async with rig.pulling():
        assert rig.source.pulls == []
    assert await rig.state() is None


@pytest.mark.parametrize("mode", [IngressMode.OFF, IngressMode.SHADOW])
async def test_what_another_system_is_to_have_is_left_to_it(rig: Rig, mode: IngressMode) -> None:
    rig.modes["google"] = mode
    async with rig.pulling():
        assert rig.source.pulls == []


async def test_a_mailbox_that_is_added_is_pulled_and_one_that_is_removed_is_not(rig: Rig) -> None:
    await rig.registry.remove("acme", "sales")
    async with rig.pulling():
        assert rig.source.pulls == []

        await rig.registry.add(SALES)
        await rig.waits.let_pass(REFRESH.total_seconds())
        assert rig.source.pulls == [SALES]

        await rig.registry.remove("acme", "sales")
        await rig.waits.let_pass(REFRESH.total_seconds())
        assert await rig.state() == PullState(rig.clock.now())


async def test_while_the_mailboxes_cannot_be_looked_up_those_that_are_known_are_pulled(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with rig.pulling():
        with monkeypatch.context() as away:
            away.setattr(rig.registry, "all", _away)
            for _ in range(2):
                await rig.waits.let_pass(REFRESH.total_seconds())
        await rig.publish()
        await rig.waits.let_pass(SOON)
        assert queued(rig) == ["sales"]

    lines = [each for each in rig.logs if each["event"] == "mailboxes cannot be looked up"]
    assert len(lines) == 1


async def _away() -> NoReturn:
    raise Unavailable("postgres is away")


async def test_what_never_will_be_queued_is_acknowledged_and_counted(rig: Rig) -> None:
    rig.publish_nonsense()
    await rig.publish()
    async with rig.pulling():
        assert queued(rig) == ["sales"]

    assert len(rig.source.acknowledged) == 2
    assert rig.notifications() == {"malformed": 1, "accepted": 1}
    [line] = [each for each in rig.logs if each["event"] == "notification"]
    assert line["subscription_id"] == PUSH_SUBSCRIPTION


async def test_what_cannot_be_queued_is_not_acknowledged_and_comes_again(rig: Rig) -> None:
    await rig.publish()
    rig.queue.failure = Unavailable("redis is away")
    async with rig.pulling():
        assert rig.source.acknowledged == []

        rig.queue.failure = None
        rig.source.redeliver()
        await rig.waits.let_pass(1)
        assert queued(rig) == ["sales"]

    assert len(rig.source.acknowledged) == 1
    assert await requests(rig) == set()  # it was no failure of the mailbox's


async def test_what_comes_twice_is_one_job(rig: Rig) -> None:
    async with rig.pulling():
        for _ in range(2):
            await rig.publish()
            await rig.waits.let_pass(SOON)

    assert queued(rig) == ["sales"]


# --- Who pulls ----------------------------------------------------------------------------------


async def test_what_another_process_pulls_is_left_to_it_until_its_lease_ends(rig: Rig) -> None:
    await rig.pull_states.claim(*KEY, rig.clock.now(), LEASE)
    async with rig.pulling():
        assert rig.source.pulls == []

        for _ in range(4):
            await rig.waits.let_pass((LEASE / 4).total_seconds())
        assert rig.source.pulls


async def test_a_claim_is_held_as_long_as_it_is_pulled_and_then_released(rig: Rig) -> None:
    async with rig.pulling():
        for _ in range(6):
            rig.clock.advance(timedelta(minutes=1))
            await rig.waits.let_pass(SOON)
            assert await rig.pull_states.claim(*KEY, rig.clock.now(), LEASE) is None

    assert await rig.pull_states.claim(*KEY, rig.clock.now(), LEASE)


async def test_a_claim_that_was_lost_is_made_again_when_it_is_free(rig: Rig) -> None:
    async with rig.pulling():
        rig.clock.advance(LEASE)
        token = await rig.pull_states.claim(*KEY, rig.clock.now(), LEASE)
        assert token
        for _ in range(2):
            await rig.waits.let_pass(SOON)
        pulls = len(rig.source.pulls)
        await rig.waits.let_pass((LEASE / 4).total_seconds())
        assert len(rig.source.pulls) == pulls

        await rig.pull_states.release(*KEY, token, rig.clock.now())
        await rig.waits.let_pass((LEASE / 4).total_seconds())
        assert len(rig.source.pulls) == pulls + 1


# --- What others see of it ----------------------------------------------------------------------


@pytest.mark.parametrize("failure", [REFUSED, AccessFailed("the key was deleted")])
async def test_a_pull_that_is_refused_is_seen_at_once_and_the_mailbox_is_due(
    rig: Rig, failure: Failure | NotificationsRefused
) -> None:
    rig.source.failures = [failure]
    async with rig.pulling():
        state = await rig.state()
        assert state
        assert state.last_error == failure.reason
        assert await requests(rig) == {Request.SYNC}
        assert [each["event"] for each in rig.logs] == ["pull failing"]

        await rig.waits.let_pass(1)
        state = await rig.state()
        assert state
        assert state.last_error == ""
        assert [each["event"] for each in rig.logs] == ["pull failing", "pull recovered"]


async def test_a_provider_that_is_away_for_a_moment_is_not_worth_a_word(rig: Rig) -> None:
    rig.source.failures = [Unavailable("away"), Throttled("slowly", retry_after=SECOND)]
    async with rig.pulling():
        await rig.waits.let_pass(1)
        await rig.waits.let_pass(2)
        assert len(rig.source.pulls) == 3
        assert rig.logs == []
        assert await requests(rig) == set()


async def test_a_provider_that_is_away_for_minutes_is_seen(rig: Rig) -> None:
    rig.source.failures = [Unavailable("away")] * 12
    async with rig.pulling():
        for seconds in (1, 2, 4, 8, 16, 32, 64):
            await rig.waits.let_pass(seconds)
        state = await rig.state()
        assert state
        assert state.last_error == "away"
        assert await requests(rig) == {Request.SYNC}


async def test_one_that_asks_to_be_left_alone_is(rig: Rig) -> None:
    rig.source.failures = [Throttled("slowly", retry_after=timedelta(seconds=30))]
    async with rig.pulling():
        await rig.waits.let_pass(1)
        assert len(rig.source.pulls) == 1
        await rig.waits.let_pass(30)
        assert len(rig.source.pulls) == 2


async def test_where_the_account_of_one_may_not_pull_that_of_the_next_is_tried(rig: Rig) -> None:
    await rig.registry.add(INFO)
    rig.source.failures = [REFUSED]
    async with rig.pulling():
        await rig.waits.let_pass(1)
        await rig.waits.let_pass(SOON)

    assert [each.id for each in rig.source.pulls][:2] in (["info", "sales"], ["sales", "info"])


async def test_where_what_signs_one_in_stays_away_the_account_of_the_next_is_tried(
    rig: Rig,
) -> None:
    await rig.registry.add(INFO)
    rig.source.failures = [Unavailable("the token endpoint is away")] * 8
    async with rig.pulling():
        for seconds in (1, 2, 4, 8, 16, 32, 64):
            await rig.waits.let_pass(seconds)
        assert len({each.id for each in rig.source.pulls}) == 1, "for two minutes"
        await rig.waits.let_pass(120)
        await rig.waits.let_pass(8)
        assert len({each.id for each in rig.source.pulls}) == 2


async def test_what_a_pull_fails_of_is_seen_for_as_long_as_it_is_left_alone(rig: Rig) -> None:
    rig.source.failures = [REFUSED] * 20
    backoff = [1, 2, 4, 8, 16, 32, 64, 120, 8, 120, 120, 16, 120, 120, 60]
    async with rig.pulling():
        for seconds in backoff:
            await rig.waits.let_pass(seconds)
            state = await rig.state()
            assert state
            assert state.leased_until > rig.clock.now() + timedelta(minutes=2)
            assert state.last_error == REFUSED.reason
        assert len(rig.source.pulls) == 11


async def test_a_bug_is_logged_without_what_it_says_and_does_not_stop_it(rig: Rig) -> None:
    rig.queue.failure = RuntimeError("anna@acme.example")
    await rig.publish()
    async with rig.pulling():
        assert [each["event"] for each in rig.logs if each["log_level"] == "error"] == [
            "puller crashed"
        ]
        assert "anna" not in str(rig.logs)

        rig.queue.failure = None
        await rig.publish(history_id=8)
        await rig.waits.let_pass(1)
        assert queued(rig) == ["sales"]
