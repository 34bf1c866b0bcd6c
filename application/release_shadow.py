"""Release what came in shadow: on the day of the change, what is ours to handle is handled."""

from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from postroom.application.ingest_pointer import Ingest
from postroom.application.ports import OutcomeRecord, Outcomes, ShadowRows
from postroom.application.shadow import InShadow, Served, by_mailbox
from postroom.domain.handover.comparison import Result, Theirs
from postroom.domain.handover.handover import State
from postroom.domain.handover.shadow import BEFORE, decide
from postroom.domain.ingress import Ingress, IngressMode
from postroom.domain.mailbox import Mailbox
from postroom.domain.pointer import Pointer, UnknownPointer
from postroom.domain.takeover import CLOCKS_DIFFER, Takeover, may_be

EARLIER = timedelta(days=1)
"""How long before the change a message may have been accepted that was handled after it."""

BATCH = 200
"""Pointers that are queued at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Released:
    """What has become of the messages of a mailbox that were in shadow.

    Handovers *before* the change, or *listed*, are duplicates, and the others are *waiting*. Of the
    *noted* we have not seen the messages yet that the list has. Pointers were *queued* again, or
    *left*: ingress of their provider is in shadow, or this release cannot read them.
    """

    tenant: str
    mailbox: str
    before: int = 0
    listed: int = 0
    waiting: int = 0
    noted: int = 0
    queued: int = 0
    left: int = 0


@dataclass(frozen=True, slots=True)
class ReleaseShadow:
    rows: ShadowRows
    outcomes: Outcomes
    ingest: Ingest
    ingress: Ingress

    async def __call__(
        self, theirs: Sequence[Theirs], served: Served, since: datetime, *, dry_run: bool = False
    ) -> AsyncIterator[Released]:
        """Release the mailboxes that are *served*, one after another.

        *theirs* is what the other system has done from *since* on; what it has failed of is ours.
        To do it once more, or to go on where it was cut off, changes nothing that was done. Raises
        Unavailable.
        """
        listed = by_mailbox(each for each in theirs if each.result is not Result.FAILED)
        for address, mailbox in sorted(served.mailboxes.items()):
            handled = _moments(listed.get(address, []))
            yield await self._release(mailbox, handled, since, dry_run=dry_run)

    async def _release(
        self,
        mailbox: Mailbox,
        handled: Mapping[str, Sequence[datetime]],
        since: datetime,
        *,
        dry_run: bool,
    ) -> Released:
        rows = await self._seen.handovers(mailbox, since - EARLIER)
        decisions, left = decide(rows, handled, since)
        # Of several under one Message-ID that have not come to us, one is remembered: the last.
        latest = {name: max(moments) for name, moments in left.items()}
        noted = {name: at for name, at in latest.items() if may_be(since, at)}
        if not dry_run:
            takeover = Takeover(since=since, handled=noted)
            await self.rows.release(mailbox.tenant, mailbox.id, decisions, takeover)
        # Not before the takeover is stored, by which a worker knows what is not ours.
        queued, unqueued = await self._queue(mailbox, since, dry_run=dry_run)
        before = sum(each.reason == BEFORE for each in decisions)
        waiting = sum(each.state is State.WAITING for each in decisions)
        return Released(
            tenant=mailbox.tenant,
            mailbox=mailbox.id,
            before=before,
            listed=len(decisions) - before - waiting,
            waiting=waiting,
            noted=len(noted),
            queued=queued,
            left=unqueued,
        )

    async def _queue(self, mailbox: Mailbox, since: datetime, *, dry_run: bool) -> tuple[int, int]:
        """Queue again what was skipped from *since* on; how many were, and how many were not.

        It may be some more, as our clock is another than the provider's: the ledger knows whose.
        """
        is_in_shadow = self.ingress.mode_of(mailbox.provider) is IngressMode.SHADOW
        queued = left = 0
        async for page in self._seen.skipped(mailbox, since - CLOCKS_DIFFER):
            pointers = [] if is_in_shadow else _readable(page)
            for start in range(0, 0 if dry_run else len(pointers), BATCH):
                await self.ingest(mailbox, pointers[start : start + BATCH], backfilled=True)
            queued += len(pointers)
            left += len(page) - len(pointers)
        return queued, left

    @property
    def _seen(self) -> InShadow:
        return InShadow(self.rows, self.outcomes)


def _moments(theirs: Iterable[Theirs]) -> Mapping[str, Sequence[datetime]]:
    found: defaultdict[str, list[datetime]] = defaultdict(list)
    for each in theirs:
        found[each.identity].append(each.handled_at)
    return found


def _readable(page: Sequence[OutcomeRecord]) -> Sequence[Pointer]:
    pointers = (each.job.pointer for each in page)
    return [pointer for pointer in pointers if not isinstance(pointer, UnknownPointer)]
