"""End subscriptions that send notices to us, and that no reception knows: nobody would renew them.

They are left where a crash fell between a subscription and the record of it, or where a mailbox was
removed while its provider was away.
"""

from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from postroom.application.ports import MailboxRegistry, Receptions, Subscriptions
from postroom.domain.failure import AccessFailed, Failure
from postroom.domain.mailbox import Mailbox, sign_in_of
from postroom.domain.reception import Reception


@dataclass(slots=True)
class RemoveOrphans:
    """One that is unknown may be about to be recorded, and so is ended only at the next sweep."""

    registry: MailboxRegistry
    receptions: Receptions
    subscriptions: Subscriptions
    _suspected: frozenset[str] = field(default=frozenset(), init=False)

    async def __call__(self) -> int:
        """Sweep through all mailboxes; returns how many were ended. Raises Unavailable."""
        receptions = await self.receptions.all()
        ours = {each.subscription.id for each in receptions if each.subscription}
        seen: dict[str, Mailbox] = {}
        for mailbox in await self._openers(receptions):
            seen |= dict.fromkeys(await self._listed(mailbox), mailbox)
        unknown = seen.keys() - ours
        ended = 0
        for subscription_id in unknown & self._suspected:
            ended += await self._end(seen[subscription_id], subscription_id)
        self._suspected = frozenset(unknown)
        return ended

    async def _openers(self, receptions: Sequence[Reception]) -> Collection[Mailbox]:
        """One mailbox of each sign-in, for which all that it shows is listed once."""
        openers: dict[object, Mailbox] = {}
        for tenant, mailbox_id in {(each.tenant, each.mailbox): None for each in receptions}:
            with suppress(AccessFailed):  # a key that is missing is told of by the keeper as well
                mailbox = await self.registry.get(tenant, mailbox_id)
                if mailbox and not mailbox.paused:
                    openers.setdefault(sign_in_of(mailbox.account), mailbox)
        return openers.values()

    async def _listed(self, mailbox: Mailbox) -> list[str]:
        try:
            return list(await self.subscriptions.ids(mailbox))
        except Failure:
            return []  # what is wrong there, `KeepReceiving` finds out and tells

    async def _end(self, mailbox: Mailbox, subscription_id: str) -> bool:
        try:
            await self.subscriptions.remove(mailbox, subscription_id)
        except Failure:
            return False
        return True
