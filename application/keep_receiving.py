"""Keep the mail of a folder coming, in rounds: each subscribes, or looks at what came in."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from postroom.application.access import Access, watched
from postroom.application.ports import (
    Clock,
    MailboxRegistry,
    NoticesRefused,
    Receptions,
    SubscriptionGone,
    Subscriptions,
)
from postroom.application.reconcile import ReconcileFolder
from postroom.domain.access import NO_FAILURES, SPACING
from postroom.domain.failure import AccessFailed, Failure, Throttled, Unavailable
from postroom.domain.mailbox import Mailbox, PausedBy
from postroom.domain.reception import Found, Pace, Reception

LONGEST_ROUND = timedelta(seconds=150)
"""A round is cut off while the reception is still ours: of two at a time, one would end the
subscription that the other has made. What it has listed by then is queued, and not listed again."""

LEFT_ALONE = timedelta(hours=1)
"""How soon there is a round again for a mailbox that a person paused, unless they resume it."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What a round has made of a reception, and what it *found*, if it looked."""

    before: Reception
    after: Reception
    found: Found | None = None


@dataclass(frozen=True, slots=True)
class KeepReceiving:
    registry: MailboxRegistry
    receptions: Receptions
    subscriptions: Subscriptions
    reconcile: ReconcileFolder
    access: Access
    clock: Clock
    pace: Pace
    longest_round: timedelta = field(default=LONGEST_ROUND)

    async def __call__(self, reception: Reception) -> Kept:
        """Do what is due. A Failure is kept as the reception's trouble, and met again later.

        Raises Unavailable where that cannot be kept; somebody takes the reception again then.
        """
        kept = await self._round(reception)
        await self.receptions.save(kept.after)
        return kept

    async def _round(self, reception: Reception) -> Kept:
        try:
            async with asyncio.timeout(self.longest_round.total_seconds()):
                return await self._attempt(reception)
        except TimeoutError:
            return self._in_trouble(reception, Unavailable("the round took too long"))
        except Failure as failure:
            return self._in_trouble(reception, failure)

    async def _attempt(self, reception: Reception) -> Kept:
        mailbox = await self.registry.get(reception.tenant, reception.mailbox)
        if mailbox is None or (mailbox.paused and mailbox.paused.by is PausedBy.OPERATOR):
            return Kept(reception, replace(reception, due_at=self.clock.now() + LEFT_ALONE))
        async with watched(self.access, mailbox):
            return await self._receive(mailbox, reception)

    def _in_trouble(self, reception: Reception, failure: Failure) -> Kept:
        due_at = self.clock.now() + self._wait_after(failure)
        return Kept(reception, replace(reception, trouble=failure.reason, due_at=due_at))

    async def _receive(self, mailbox: Mailbox, reception: Reception) -> Kept:
        after, trouble = await self._subscribe(mailbox, reception)
        now = self.clock.now()
        if after.subscription and after.subscription != reception.subscription:
            # Webhooks must know it before anything else is done: what was told of meanwhile, and
            # turned away, is found by the look that is due now.
            return Kept(reception, replace(after, requests=frozenset(), due_at=now))
        was_shut = mailbox.access != NO_FAILURES
        if not after.must_reconcile(now, self.pace) and not was_shut:
            return Kept(reception, replace(after, due_at=after.next_due(now, self.pace)))
        found = await self.reconcile(mailbox, after)
        looked = after.reconciled(now, found, trouble=trouble, excused=was_shut)
        looked = await self._unless_silent(mailbox, looked)
        now = self.clock.now()
        due_at = looked.next_due(now, self.pace) if found.complete else now
        return Kept(reception, replace(looked, due_at=due_at), found)

    # --- Notices ---

    async def _subscribe(self, mailbox: Mailbox, reception: Reception) -> tuple[Reception, str]:
        """With a live subscription, or polled where there can be none; and what is wrong."""
        now = self.clock.now()
        if obstacle := self.subscriptions.obstacle(mailbox):
            return reception.obstructed(obstacle), ""
        try:
            return await self._subscribed(mailbox, reception, now), ""
        except (NoticesRefused, AccessFailed) as refusal:
            # If the mailbox can be read all the same, it is; else the look that follows says so.
            return reception.refused(refusal.reason, now), ""
        except Unavailable as failure:
            return reception, failure.reason

    async def _subscribed(self, mailbox: Mailbox, reception: Reception, now: datetime) -> Reception:
        if not reception.wants_subscription(now):
            return reception
        if reception.must_create(self.subscriptions.endpoint, now):
            return await self._create(mailbox, reception)
        if reception.must_renew(now):
            return await self._renew(mailbox, reception)
        return reception

    async def _create(self, mailbox: Mailbox, reception: Reception) -> Reception:
        if reception.subscription:  # it would stand in the way of another for the same folder
            await self.subscriptions.remove(mailbox, reception.subscription.id)
        return reception.subscribed(await self.subscriptions.create(mailbox, reception.folder))

    async def _renew(self, mailbox: Mailbox, reception: Reception) -> Reception:
        assert reception.subscription
        try:
            renewed = await self.subscriptions.renew(mailbox, reception.subscription)
        except SubscriptionGone:
            return await self._create(mailbox, reception)
        return reception.subscribed(renewed)

    async def _unless_silent(self, mailbox: Mailbox, reception: Reception) -> Reception:
        """Polled from now on, if notices have failed to come too often."""
        if not reception.is_silent or reception.subscription is None:
            return reception
        with suppress(Failure):  # if it stays, it does no harm
            await self.subscriptions.remove(mailbox, reception.subscription.id)
        return reception.silenced(self.clock.now())

    def _wait_after(self, failure: Failure) -> timedelta:
        """How long until the next round."""
        match failure:
            case Throttled(retry_after=wish):
                return wish
            case AccessFailed():
                return SPACING
            case Unavailable(retry_after=wish):
                return max(wish or timedelta(), self.pace.poll_every)
            case _:
                return self.pace.poll_every
