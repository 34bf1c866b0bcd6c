"""Subscriptions that no folder sync knows are ended, and those that are in use never are."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from postroom.adapters.memory.registry import InMemoryMailboxRegistry
from postroom.adapters.memory.subscriptions import InMemorySubscriptions
from postroom.application.remove_orphans import RemoveOrphans
from postroom.domain.failure import AccessFailed, Unavailable
from postroom.domain.mailbox import Mailbox, Pause, PausedBy
from tests.unit.sync_rig import SALES, Rig

HOUR = timedelta(hours=1)


@pytest.fixture
async def rig() -> Rig:
    rig = Rig()
    await rig.registry.add(SALES)
    await rig.sync_runs()
    return rig


class _NotRemoving(InMemorySubscriptions):
    """The same subscriptions, of a provider that lists them and cannot end any."""

    def __init__(self, other: InMemorySubscriptions) -> None:
        vars(self).update(vars(other))
        self.is_away = True

    async def remove(self, mailbox: Mailbox, subscription_id: str) -> None:
        if self.is_away:
            raise Unavailable("Graph answered 503")
        await super().remove(mailbox, subscription_id)


@pytest.fixture
def sweep(rig: Rig) -> RemoveOrphans:
    return RemoveOrphans(rig.registry, rig.folder_syncs, rig.providers)


async def _orphan(rig: Rig) -> str:
    """One of a mailbox that was removed, by the same application, while Graph was away."""
    removed = replace(SALES, id="removed")
    return (await rig.subscriptions.create(removed, "inbox")).id


async def test_an_orphan_is_ended_at_the_second_sweep(rig: Rig, sweep: RemoveOrphans) -> None:
    orphan = await _orphan(rig)

    assert await sweep() == 0
    assert await sweep() == 1
    assert rig.subscriptions.removed == [orphan]


async def test_what_is_in_use_is_left_alone(rig: Rig, sweep: RemoveOrphans) -> None:
    for _ in range(3):
        assert await sweep() == 0


async def test_one_that_is_recorded_meanwhile_was_none(rig: Rig, sweep: RemoveOrphans) -> None:
    (taken,) = await rig.folder_syncs.claim_due((await rig.folder_sync()).due_at, 1, HOUR)
    subscription = await rig.subscriptions.create(SALES, "inbox")
    await sweep()
    await rig.folder_syncs.save(replace(taken, subscription=subscription))

    assert await sweep() == 0
    assert rig.subscriptions.removed == []


@pytest.mark.parametrize("failure", [AccessFailed("403"), Unavailable("503")])
async def test_what_cannot_be_listed_is_left_for_the_next_sweep(
    rig: Rig, sweep: RemoveOrphans, failure: AccessFailed | Unavailable
) -> None:
    await _orphan(rig)
    await sweep()
    rig.subscriptions.failures = [failure]

    assert await sweep() == 0
    await sweep()
    assert await sweep() == 1


async def test_what_cannot_be_ended_is_tried_again(rig: Rig, sweep: RemoveOrphans) -> None:
    orphan = await _orphan(rig)
    await sweep()
    subscriptions = _NotRemoving(rig.subscriptions)
    rig.subscriptions = subscriptions
    sweep.providers = rig.providers

    assert await sweep() == 0
    subscriptions.is_away = False
    assert await sweep() == 1
    assert rig.subscriptions.removed == [orphan]


class _Locked(InMemoryMailboxRegistry):
    """A registry that lacks the key to one mailbox."""

    async def get(self, tenant: str, mailbox_id: str) -> Mailbox | None:
        if mailbox_id == "locked":
            raise AccessFailed("no key fits")
        return await super().get(tenant, mailbox_id)

    async def all(self, *, tenant: str = "") -> Sequence[Mailbox]:
        raise AccessFailed(f"no key fits one of {tenant!r}")


async def test_a_mailbox_whose_key_is_missing_does_not_keep_the_others_from_being_swept(
    rig: Rig, sweep: RemoveOrphans
) -> None:
    await rig.registry.add(replace(SALES, id="locked", address="locked@acme.example"))
    await _orphan(rig)
    sweep.registry = _Locked(rig.database)
    await sweep()

    assert await sweep() == 1


async def test_mailboxes_that_one_application_opens_are_asked_for_once(
    rig: Rig, sweep: RemoveOrphans
) -> None:
    for number in range(10):
        await rig.registry.add(replace(SALES, id=f"box{number}", address=f"{number}@acme.example"))
    rig.subscriptions.failures = [Unavailable("503")] * 10
    await sweep()

    assert len(rig.subscriptions.failures) == 9


async def test_a_paused_mailbox_is_not_asked(rig: Rig, sweep: RemoveOrphans) -> None:
    await rig.registry.pause(SALES.tenant, SALES.id, Pause(PausedBy.OPERATOR, "", SALES.added_at))
    rig.subscriptions.failures = [Unavailable("must not be called")]

    assert await sweep() == 0
    assert rig.subscriptions.failures
