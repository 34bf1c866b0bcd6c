"""The dead letters of the queue, and of handovers, as one list.

A dead handover has an id that no job has: its application, a colon, its key.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from postroom.application.dead_letter_pages import (
    LOOKED_AT,
    beginning,
    microseconds,
    moment_after,
)
from postroom.application.orphans import is_orphaned
from postroom.application.ports import (
    Applications,
    DeadLetterPage,
    DeadLetterQueue,
    HandoverRecord,
    HandoverRecords,
)
from postroom.domain.dead_letter import EVERY_LETTER, DeadLetter, DeadLetterFilter
from postroom.domain.handover.handover import DEAD_LETTERS, Handover, State

PREFIXES = ("msg_", "evt_")
"""Of the keys of messages, and of events."""

SEPARATOR = ":"
_SET_ASIDE = DEAD_LETTERS | {State.HELD}


@dataclass(frozen=True, slots=True)
class AllDeadLetters(DeadLetterQueue):
    queue: DeadLetterQueue
    records: HandoverRecords
    applications: Applications

    async def dead_letters(
        self, chosen: DeadLetterFilter = EVERY_LETTER, *, limit: int = 100, after: str = ""
    ) -> DeadLetterPage:
        """Handovers that died at the same moment are on one page, so it may hold a few more."""
        pointers = await self.queue.dead_letters(chosen, limit=limit, after=after)
        records = await self.records.dead(chosen, before=beginning(chosen, after), limit=LOOKED_AT)
        handovers = await self._letters(records)
        seen_to = [moment_after(int(pointers.next))] if pointers.next else []
        seen_to += [handovers[-1].died_at] if len(handovers) >= LOOKED_AT else []
        matching = [letter for letter in handovers if chosen.matches(letter)]
        return _page([*pointers.letters, *matching], limit, max(seen_to, default=None))

    async def dead_letter(self, job_id: str) -> DeadLetter | None:
        if not _is_of_handover(job_id):
            return await self.queue.dead_letter(job_id)
        record = await self._record(job_id)
        return (await self._letters([record]))[0] if record else None

    async def redrive(self, job_ids: Sequence[str]) -> Sequence[str]:
        """A handover whose application was removed stays as it is."""
        found = [(id_, await self.dead_letter(id_)) for id_ in job_ids if _is_of_handover(id_)]
        owned = [id_ for id_, letter in found if letter and not letter.is_orphaned]
        moved = await self._move(owned, State.WAITING, "redriven by hand")
        return [*moved, *await self.queue.redrive(_jobs(job_ids))]

    async def purge(self, job_ids: Sequence[str]) -> Sequence[str]:
        """A handover is skipped, and deleted when its retention ends."""
        handovers = [id_ for id_ in job_ids if _is_of_handover(id_)]
        moved = await self._move(handovers, State.SKIPPED, "purged by hand")
        return [*moved, *await self.queue.purge(_jobs(job_ids))]

    async def _move(self, ids: Sequence[str], to: State, reason: str) -> Sequence[str]:
        moved = []
        for id_ in ids:
            if not _is_of_handover(id_):
                continue
            record = await self._record(id_)
            if record and await self.records.move(record, to, reason):
                moved.append(id_)
        return moved

    async def _letters(self, records: Sequence[HandoverRecord]) -> Sequence[DeadLetter]:
        receivers = {_receiver(each.handover): each.handover for each in records}
        orphaned = {
            receiver
            for receiver, handover in receivers.items()
            if await is_orphaned(self.applications, handover)
        }
        return [
            replace(letter_of(each), is_orphaned=_receiver(each.handover) in orphaned)
            for each in records
        ]

    async def _record(self, id_: str) -> HandoverRecord | None:
        application, _, key = id_.rpartition(SEPARATOR)
        record = await self.records.get(key, application=application)
        return record if record and record.handover.state in _SET_ASIDE else None


def _receiver(handover: Handover) -> tuple[str, str, bool]:
    return handover.tenant, handover.application, handover.is_of_event


def letter_of(record: HandoverRecord) -> DeadLetter:
    handover = record.handover
    died_at = handover.ended_at or handover.due_at
    return DeadLetter(
        id=f"{handover.application}{SEPARATOR}{handover.key}",
        tenant=handover.tenant,
        mailbox=handover.mailbox,
        job=record.job,
        attempts=handover.fence,
        reasons=((died_at, handover.reason),),
        died_at=died_at,
        application=handover.application,
        may_be_handled=handover.may_be_handled,
        keep_key_until=handover.keep_key_until,
    )


def _page(letters: Sequence[DeadLetter], limit: int, seen_to: datetime | None) -> DeadLetterPage:
    """Of *letters* those that both lists have been looked through for."""
    newest = sorted(letters, key=lambda letter: letter.died_at, reverse=True)
    seen = [letter for letter in newest if seen_to is None or letter.died_at >= seen_to]
    page = seen[:limit]
    page += [letter for letter in seen[limit:] if letter.died_at == page[-1].died_at]
    if len(page) < len(seen):
        seen_to = page[-1].died_at
    return DeadLetterPage(page, "" if seen_to is None else str(microseconds(seen_to)))


def _jobs(ids: Sequence[str]) -> Sequence[str]:
    return [id_ for id_ in ids if not _is_of_handover(id_)]


def _is_of_handover(id_: str) -> bool:
    return any(prefix in id_ for prefix in PREFIXES)
