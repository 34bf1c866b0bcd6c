"""Whom a subscription tells of, looked up so that no flood of notifications is one of queries."""

import asyncio
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from postroom.application.ports import Clock, FolderSyncs, SubscribedFolder

TTL = timedelta(seconds=30)
"""How long a subscribed_folder is remembered, and so how late it is seen that a mailbox was paused.
"""

MAX_ENTRIES = 10_000
"""SubscriptionCache that are remembered. Unknown ids are not: anybody can send any number of them.
"""

_Answer = asyncio.Future[Mapping[str, SubscribedFolder]]


class SubscriptionCache:
    """Remembers those that were found, and asks for the others in one query at a time.

    A query takes all ids that gathered while the one before it was on its way.
    """

    def __init__(self, folder_syncs: FolderSyncs, clock: Clock) -> None:
        self._folder_syncs = folder_syncs
        self._clock = clock
        self._kept: dict[str, tuple[SubscribedFolder, datetime]] = {}  # the longest kept come first
        self._wanted: set[str] = set()
        self._answer: _Answer | None = None  # to those who want these
        self._asking: asyncio.Task[None] | None = None

    async def find(self, subscription_ids: Collection[str]) -> Mapping[str, SubscribedFolder]:
        """Those of *subscription_ids* that there are. Raises Unavailable."""
        until = self._clock.now() - TTL
        found: dict[str, SubscribedFolder] = {}
        missing: list[str] = []
        for each in subscription_ids:
            subscribed_folder, found_at = self._kept.get(each, (None, until))
            if subscribed_folder and found_at > until:
                found[each] = subscribed_folder
            else:
                missing.append(each)
        if missing:
            answer = await self._ask(missing)
            found |= {each: answer[each] for each in missing if each in answer}
        return found

    async def _ask(self, subscription_ids: Collection[str]) -> Mapping[str, SubscribedFolder]:
        self._wanted.update(subscription_ids)
        if self._answer is None:
            self._answer = asyncio.get_running_loop().create_future()
        if self._asking is None:
            self._asking = asyncio.create_task(self._ask_for_all())
        # A request that is given up takes nothing back: the answer is everyone's.
        return await asyncio.shield(self._answer)

    async def _ask_for_all(self) -> None:
        try:
            while self._answer:
                wanted, answer = self._wanted, self._answer
                self._wanted, self._answer = set(), None
                await self._ask_once(wanted, answer)
        finally:
            self._asking = None

    async def _ask_once(self, wanted: set[str], answer: _Answer) -> None:
        try:
            found = await self._folder_syncs.subscribed_folders(sorted(wanted))
        except Exception as error:  # noqa: BLE001 - it is raised again, where it is waited for
            answer.set_exception(error)
            answer.exception()  # nobody may be left to hear of it
        else:
            self._keep(found)
            answer.set_result(found)

    def _keep(self, found: Mapping[str, SubscribedFolder]) -> None:
        now = self._clock.now()
        for each, subscribed_folder in found.items():
            self._kept.pop(each, None)
            self._kept[each] = subscribed_folder, now
        while len(self._kept) > MAX_ENTRIES:
            del self._kept[next(iter(self._kept))]
