"""What every Receptions promises."""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from application.ports import IdempotencyLedger, MailboxRegistry, Receptions, Subscriber
from domain.mailbox import Pause, PausedBy
from domain.reception import Mode, Reception, Request
from tests.contracts.samples import NOON, identity, microsoft_mailbox, subscription

HOLD = timedelta(minutes=10)
LATER = NOON + timedelta(minutes=1)
TOMORROW = NOON + timedelta(days=1)


@pytest.fixture
async def taken(registry: MailboxRegistry, receptions: Receptions) -> Reception:
    """The reception of the one folder of a mailbox, taken at noon."""
    await registry.add(microsoft_mailbox())
    return await take_one(receptions, NOON)


async def take_one(receptions: Receptions, now: datetime) -> Reception:
    [reception] = await receptions.take_due(now, 10, HOLD)
    return reception


async def stored(receptions: Receptions) -> Reception:
    [reception] = await receptions.all()
    return reception


def told(reception: Reception, name: str = "subscription-1") -> Reception:
    """What a round has made of *reception* that ended well."""
    return replace(
        reception.subscribed(subscription(name)),
        due_at=TOMORROW,
        reconciled_at=NOON,
        requests=frozenset(),
    )


# --- Who takes what -----------------------------------------------------------------------------


async def test_what_is_due_is_taken_longest_due_first(
    registry: MailboxRegistry, receptions: Receptions
) -> None:
    for minutes, (tenant, name) in enumerate([("globex", "b"), ("acme", "a"), ("acme", "b")]):
        added_at = NOON + timedelta(minutes=minutes)
        await registry.add(replace(microsoft_mailbox(tenant, name), added_at=added_at))

    first = await receptions.take_due(LATER, 1, HOLD)
    others = await receptions.take_due(LATER, 10, HOLD)

    assert [(r.tenant, r.mailbox) for r in (*first, *others)] == [("globex", "b"), ("acme", "a")]
    assert await receptions.take_due(LATER, 10, HOLD) == []


async def test_nothing_is_due_before_its_moment(
    registry: MailboxRegistry, receptions: Receptions
) -> None:
    await registry.add(microsoft_mailbox())

    assert await receptions.take_due(NOON - timedelta(microseconds=1), 10, HOLD) == []
    assert await receptions.take_due(NOON, 10, HOLD)


async def test_of_many_that_take_at_once_each_gets_what_no_other_gets(
    registry: MailboxRegistry, receptions: Receptions
) -> None:
    folders = tuple(f"folder-{n}" for n in range(6))
    for tenant in ("acme", "globex"):
        await registry.add(microsoft_mailbox(tenant, folders=folders))

    takes = await asyncio.gather(*(receptions.take_due(NOON, 20, HOLD) for _ in range(4)))

    got = [(r.tenant, r.folder) for take in takes for r in take]
    assert sorted(got) == [(tenant, f) for tenant in ("acme", "globex") for f in folders]


async def test_who_had_to_wait_for_the_tenants_mail_takes_nothing_twice(
    registry: MailboxRegistry, receptions: Receptions, ledger: IdempotencyLedger
) -> None:
    await registry.add(microsoft_mailbox())
    entered, leave = asyncio.Event(), asyncio.Event()

    async def file_a_message() -> None:
        async with ledger.once(microsoft_mailbox(), identity()):
            entered.set()
            await leave.wait()

    filing = asyncio.create_task(file_a_message())
    await entered.wait()
    takers = [asyncio.create_task(receptions.take_due(NOON, 10, HOLD)) for _ in range(2)]
    await asyncio.sleep(0)  # they have begun, and wait where tenants are one at a time
    leave.set()

    assert sorted([len(await taker) for taker in takers]) == [0, 1]
    await filing


async def test_what_is_held_too_long_is_taken_again(
    receptions: Receptions, taken: Reception
) -> None:
    assert await receptions.take_due(NOON + HOLD - timedelta(microseconds=1), 10, HOLD) == []

    again = await take_one(receptions, NOON + HOLD)

    assert replace(again, version=0) == replace(taken, version=0)


async def test_what_was_saved_is_taken_when_it_is_due(
    receptions: Receptions, taken: Reception
) -> None:
    await receptions.save(replace(taken, due_at=LATER))

    assert await receptions.take_due(NOON, 10, HOLD) == []
    assert (await take_one(receptions, LATER)).mailbox == "sales"


# --- What is saved ------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["notices", "polling"])
async def test_what_a_round_has_made_of_it_comes_back(
    receptions: Receptions, taken: Reception, kind: str
) -> None:
    made = replace(told(taken), silent_looks=2, trouble="HTTP 500")
    if kind == "polling":
        made = replace(taken, due_at=LATER, refusals=2).refused("no answer", NOON)
    assert made.mode is Mode(kind)

    assert await receptions.save(made)

    assert await receptions.all() == [made]
    assert replace(await take_one(receptions, TOMORROW), version=0) == replace(made, version=0)


async def test_a_round_that_somebody_has_taken_over_is_not_saved(
    receptions: Receptions, taken: Reception
) -> None:
    other = await take_one(receptions, NOON + HOLD)

    assert not await receptions.save(told(taken))

    assert await receptions.all() == [other]
    assert await receptions.save(told(other, "subscription-2"))
    assert not await receptions.save(told(taken))
    assert await receptions.all() == [told(other, "subscription-2")]


async def test_a_round_of_a_mailbox_that_is_gone_is_not_saved(
    registry: MailboxRegistry, receptions: Receptions, taken: Reception
) -> None:
    await registry.remove("acme", "sales")

    assert not await receptions.save(told(taken))

    assert await receptions.all() == []


async def test_a_round_of_an_earlier_mailbox_of_that_name_is_not_saved(
    registry: MailboxRegistry, receptions: Receptions, taken: Reception
) -> None:
    await registry.remove("acme", "sales")
    await registry.add(microsoft_mailbox())
    other = await take_one(receptions, NOON)

    assert not await receptions.save(told(taken))

    assert await receptions.all() == [other]


async def test_only_the_folder_that_was_worked_on_is_saved(
    registry: MailboxRegistry, receptions: Receptions
) -> None:
    for tenant in ("acme", "globex"):
        await registry.add(microsoft_mailbox(tenant, folders=("a", "b")))
    taken = await receptions.take_due(NOON, 10, HOLD)
    made = [replace(each, trouble=f"{each.tenant} {each.folder}") for each in taken]

    for each in reversed(made):
        assert await receptions.save(each)

    assert await receptions.all() == made


# --- What is asked for --------------------------------------------------------------------------


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


# --- Whom a subscription tells of ---------------------------------------------------------------


async def test_each_subscription_leads_to_whom_it_tells_of(
    registry: MailboxRegistry, receptions: Receptions
) -> None:
    await registry.add(microsoft_mailbox(folders=("a", "b")))
    await registry.add(microsoft_mailbox("globex"))
    for each in await receptions.take_due(NOON, 10, HOLD):
        await receptions.save(told(each, f"{each.tenant}-{each.folder}"))
    await registry.pause("globex", "sales", Pause(PausedBy.ACCESS, "invalid_grant", NOON))
    await registry.add(microsoft_mailbox(name="new"))

    found = await receptions.subscribers(
        ["globex-inbox", "unknown", "acme-b", "", "\x00", "acme-b"]
    )

    b = Subscriber(
        tenant="acme",
        id="sales",
        provider="microsoft",
        folder="b",
        secret_digest="5e" * 32,
        application="client-1",
        is_paused=False,
    )
    assert found == {
        "acme-b": b,
        "globex-inbox": replace(b, tenant="globex", folder="inbox", is_paused=True),
    }
    assert await receptions.subscribers([]) == {}


async def test_a_subscription_that_gave_way_leads_nowhere(
    receptions: Receptions, taken: Reception
) -> None:
    await receptions.save(told(taken))
    again = await take_one(receptions, TOMORROW)
    await receptions.save(told(again, "subscription-2"))

    assert set(await receptions.subscribers(["subscription-1", "subscription-2"])) == {
        "subscription-2"
    }


async def test_the_receptions_of_a_tenant_and_of_a_mailbox_come_apart(
    registry: MailboxRegistry, receptions: Receptions
) -> None:
    await registry.add(microsoft_mailbox("globex"))
    await registry.add(microsoft_mailbox(name="b"))
    await registry.add(microsoft_mailbox(name="a", folders=("y", "x")))

    a_x, a_y, b, globex = everything = await receptions.all()

    assert [(r.tenant, r.mailbox, r.folder) for r in everything] == [
        *(("acme", "a", "x"), ("acme", "a", "y"), ("acme", "b", "inbox")),
        ("globex", "sales", "inbox"),
    ]
    assert await receptions.all(tenant="acme") == [a_x, a_y, b]
    assert await receptions.all(tenant="acme", mailbox="a") == [a_x, a_y]
    assert await receptions.all(tenant="globex", mailbox="a") == []
    assert await receptions.all(tenant="globex") == [globex]
