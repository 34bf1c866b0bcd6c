"""What every Receptions does with what is asked for between two rounds, and during one."""

from dataclasses import replace

import pytest

from postroom.application.ports import MailboxRegistry, Receptions
from postroom.domain.mailbox import Pause, PausedBy
from postroom.domain.reception import Reception, Request
from tests.contracts.samples import NOON, microsoft_mailbox, subscription
from tests.contracts.taking import HOLD, LATER, TOMORROW, take_one, told


async def stored(receptions: Receptions) -> Reception:
    [reception] = await receptions.all()
    return reception


async def test_what_the_provider_asks_for_is_due_at_once(
    receptions: Receptions, taken: Reception
) -> None:
    await receptions.save(told(taken))

    for request in (Request.RENEW, Request.RECONCILE, Request.RENEW):
        assert await receptions.request("subscription-1", request, LATER)

    asked = await take_one(receptions, LATER)
    assert asked.requests == {Request.RENEW, Request.RECONCILE}
    assert asked.due_at == LATER
    assert asked.subscription == subscription()


async def test_what_is_asked_for_does_not_put_off_what_is_due(
    receptions: Receptions, taken: Reception
) -> None:
    await receptions.save(replace(told(taken), due_at=NOON))

    await receptions.request("subscription-1", Request.RENEW, LATER)

    assert (await take_one(receptions, NOON)).requests == {Request.RENEW}


async def test_nothing_can_be_asked_for_under_an_unknown_subscription(
    receptions: Receptions, taken: Reception
) -> None:
    await receptions.save(told(taken))

    for unknown in ("subscription-2", "", "\x00"):
        assert not await receptions.request(unknown, Request.RENEW, LATER)

    assert await receptions.all() == [told(taken)]


async def test_what_a_round_knew_of_is_done_with_it(
    receptions: Receptions, taken: Reception
) -> None:
    await receptions.save(told(taken))
    await receptions.request("subscription-1", Request.RECREATE, NOON)
    again = await take_one(receptions, NOON)

    assert await receptions.save(told(again))

    after = await stored(receptions)
    assert after.requests == frozenset()
    assert after.due_at == TOMORROW


async def test_what_a_round_has_left_undone_is_left_to_the_next(
    receptions: Receptions, taken: Reception
) -> None:
    await receptions.save(told(taken))
    for request in (Request.RENEW, Request.RECONCILE):
        await receptions.request("subscription-1", request, NOON)
    again = await take_one(receptions, NOON)

    await receptions.save(
        replace(again, requests=frozenset({Request.RECONCILE}), due_at=LATER, trouble="HTTP 500")
    )

    assert await receptions.take_due(NOON, 10, HOLD) == []
    assert (await take_one(receptions, LATER)).requests == {Request.RECONCILE}


@pytest.mark.parametrize("request_", [Request.RENEW, Request.RECREATE])
async def test_what_is_asked_for_while_a_round_goes_on_is_done_in_the_next(
    receptions: Receptions, taken: Reception, request_: Request
) -> None:
    """Even if it is what the round knew of already: that may have been done before it was asked."""
    await receptions.save(told(taken))
    await receptions.request("subscription-1", Request.RECREATE, NOON)
    again = await take_one(receptions, NOON)

    await receptions.request("subscription-1", request_, LATER)
    assert await receptions.take_due(LATER, 10, HOLD) == []
    assert await receptions.save(told(again, "subscription-2"))

    following = await take_one(receptions, LATER)
    assert following.requests == {request_}
    assert following.subscription == subscription("subscription-2")


async def test_what_a_round_that_died_knew_of_is_not_lost(
    receptions: Receptions, taken: Reception
) -> None:
    await receptions.save(told(taken))
    await receptions.request("subscription-1", Request.RENEW, NOON)
    await receptions.request("subscription-1", Request.RECONCILE, NOON)
    await take_one(receptions, NOON)

    again = await take_one(receptions, NOON + HOLD)

    assert again.requests == {Request.RENEW, Request.RECONCILE}


async def test_something_can_be_asked_for_of_all_folders_of_a_mailbox(
    registry: MailboxRegistry, receptions: Receptions
) -> None:
    await registry.add(microsoft_mailbox(folders=("a", "b")))
    await registry.add(microsoft_mailbox(name="other"))
    await registry.add(microsoft_mailbox("globex"))
    for each in await receptions.take_due(NOON, 10, HOLD):
        await receptions.save(replace(each, due_at=TOMORROW))

    assert await receptions.request_all("acme", "sales", Request.RECONCILE, LATER) == 2

    due = await receptions.take_due(LATER, 10, HOLD)
    assert {(r.tenant, r.mailbox, r.folder) for r in due} == {
        ("acme", "sales", "a"),
        ("acme", "sales", "b"),
    }
    assert {r.requests for r in due} == {frozenset({Request.RECONCILE})}
    assert await receptions.request_all("acme", "unknown", Request.RECONCILE, LATER) == 0


async def test_what_is_asked_for_of_all_while_a_round_goes_on_is_left_to_the_next(
    receptions: Receptions, taken: Reception
) -> None:
    await receptions.request_all("acme", "sales", Request.RECONCILE, LATER)

    assert await receptions.save(told(taken))

    assert (await take_one(receptions, LATER)).requests == {Request.RECONCILE}


async def test_a_mailbox_that_is_resumed_is_due_at_once(
    registry: MailboxRegistry, receptions: Receptions, taken: Reception
) -> None:
    await receptions.save(told(taken))
    await registry.pause("acme", "sales", Pause(PausedBy.ACCESS, "invalid_grant", LATER))
    await registry.add(microsoft_mailbox("globex"))
    await receptions.save(told(await take_one(receptions, NOON), "subscription-2"))

    await registry.resume("acme", "sales")

    resumed = await take_one(receptions, LATER)
    assert resumed.tenant == "acme"
    assert resumed.requests == {Request.RECONCILE}


async def test_a_round_that_went_on_when_the_mailbox_was_resumed_is_followed_by_another(
    registry: MailboxRegistry, receptions: Receptions, taken: Reception
) -> None:
    await registry.pause("acme", "sales", Pause(PausedBy.OPERATOR, "moved", NOON))
    await registry.resume("acme", "sales")

    assert await receptions.save(told(taken))

    assert (await take_one(receptions, LATER)).mailbox == "sales"
