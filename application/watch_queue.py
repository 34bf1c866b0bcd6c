"""Watch over the queue: find out that it has lost what it was given, and have it listed again.

Each beat stores a number in the queue that is higher than the one before, and a witness outside of
the queue remembers which the queue has confirmed. A queue that holds a lower one, or none, was
lost, or is as it was at an earlier time. Any number of processes may beat: each compares with what
was confirmed before its own number was taken, so no process takes another's beat for a loss.

A loss is recorded before the queue is given another number: until then, whatever process beats next
finds it out as well. Requests that a crash has cut short are made by the next beat.
"""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from postroom.application.ports import (
    Clock,
    DeadLetterQueue,
    FolderSyncs,
    QueueContents,
    QueueHeartbeat,
    QueueSurvey,
    QueueWitness,
    Witnessed,
)
from postroom.domain.failure import Failure
from postroom.domain.queue_loss import QueueLoss

SURVEY_EVERY = timedelta(minutes=1)
"""How often it is recorded how far back the jobs go, for which a little of each lane is read."""

REMEMBERED = 100
"""Dead letters that are known by name when they are lost."""


@dataclass(frozen=True, slots=True)
class LossNoticed:
    """*folders* list again. The dead letters of the jobs *dead_ids* are gone, as *dead* are in all.

    Nobody can have those back. What they were is among the outcomes.
    """

    loss: QueueLoss
    folders: int
    dead: int = 0
    dead_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LossHealed:
    """All that *loss* has cost is listed again, but for what lies in mailboxes that are paused."""

    loss: QueueLoss


class Watch(Protocol):
    """What `WatchQueue` does, for those who are handed it observed."""

    @abstractmethod
    async def __call__(self) -> LossNoticed | LossHealed | None: ...


@dataclass(frozen=True, slots=True)
class WatchQueue(Watch):
    witness: QueueWitness
    heartbeat: QueueHeartbeat
    survey: QueueSurvey
    queue: DeadLetterQueue
    folder_syncs: FolderSyncs
    clock: Clock

    async def __call__(self) -> LossNoticed | LossHealed | None:
        """One beat. Raises Unavailable; the next one goes on from there."""
        now = await self.witness.next_beat()
        if now.loss and not now.is_requested:
            return await self._request_relisting(now.loss)
        survey = await self._survey(now)
        before = await self.heartbeat.beat(now.number, floor=now.floor)
        held = before.number or 0
        if before.has_lost(now.floor):
            loss = await self.witness.record_loss(now.floor, is_tail=held >= now.floor)
            return await self._request_relisting(loss) if loss else None
        await self.witness.confirm(max(now.number, held), floor=now.floor)
        if survey:  # of a queue that was whole after it
            await self.witness.record_survey(*survey)
        return await self._healed(now)

    async def _request_relisting(self, loss: QueueLoss) -> LossNoticed:
        """Of every folder; once more, if a crash has cut it short: none must be left out.

        The queue is given a number first: should it be lost again, with what is listed from now on,
        the next beat finds that out.
        """
        now = await self.witness.next_beat()
        before = await self.heartbeat.beat(now.number, floor=now.floor)
        if not before.has_lost(now.floor):
            await self.witness.confirm(max(now.number, before.number or 0), floor=now.floor)
        tenants = sorted({each.tenant for each in await self.folder_syncs.all()})
        due_at = self.clock.now()
        folders = [
            await self.folder_syncs.request_relisting(tenant, loss, due_at) for tenant in tenants
        ]
        await self.witness.record_requested(loss)
        dead_ids = await self._lost_letters(loss)
        all_are_gone = len(dead_ids) == len(loss.dead_ids)
        dead = loss.dead_letters if all_are_gone else len(dead_ids)
        return LossNoticed(loss, sum(folders), dead, dead_ids)

    async def _lost_letters(self, loss: QueueLoss) -> tuple[str, ...]:
        """Of those that are known by name; all, if the queue is away again."""
        try:
            there = [await self.queue.dead_letter(job_id) for job_id in loss.dead_ids]
        except Failure:
            return loss.dead_ids
        found = zip(loss.dead_ids, there, strict=True)
        return tuple(job_id for job_id, letter in found if letter is None)

    async def _survey(self, now: Witnessed) -> tuple[QueueContents, Sequence[str]] | None:
        """What the queue holds, and the jobs of its newest dead letters, when that is due."""
        if now.surveyed_ago is not None and now.surveyed_ago < SURVEY_EVERY:
            return None
        contents = await self.survey.contents()
        page = await self.queue.dead_letters(limit=REMEMBERED)
        return contents, [letter.id for letter in page.letters]

    async def _healed(self, now: Witnessed) -> LossHealed | None:
        if now.loss and not now.relisting and await self.witness.forget_loss(now.loss):
            return LossHealed(now.loss)
        return None
