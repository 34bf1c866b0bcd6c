from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from postroom.adapters.memory.database import InMemoryDatabase
from postroom.application.ports import Clock, QueueContents, QueueWitness, Witnessed
from postroom.domain.mailbox import PausedBy
from postroom.domain.queue_loss import Held, QueueLoss, held


class InMemoryQueueWitness(QueueWitness):
    def __init__(self, database: InMemoryDatabase, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def load(self) -> Witnessed:
        row, now = self._database.witness, self._clock.now()
        return Witnessed(
            number=row.number,
            floor=row.floor,
            surveyed_ago=now - row.surveyed_at if row.surveyed_at else None,
            loss=row.loss,
            is_requested=row.is_requested,
            relisting=self._relisting() if row.loss else 0,
        )

    async def next_beat(self) -> Witnessed:
        self._change(number=self._database.witness.number + 1)
        return await self.load()

    async def confirm(self, number: int, *, floor: int) -> None:
        row = self._database.witness
        if row.floor < floor:
            return
        self._change(
            number=max(number, row.number),
            floor=max(number, row.floor),
            confirmed_at=self._clock.now(),
        )

    async def record_survey(self, contents: QueueContents, dead_ids: Sequence[str]) -> None:
        now = self._clock.now()
        self._change(
            surveyed_at=now,
            held=held(contents.ages, now),
            dead=contents.dead,
            dead_ids=tuple(dead_ids),
        )

    async def record_loss(self, floor: int, *, is_tail: bool = False) -> QueueLoss | None:
        row = self._database.witness
        if row.floor != floor or row.confirmed_at is None:
            return None
        since_then = Held(since=row.confirmed_at)
        loss = QueueLoss(
            noticed_at=self._clock.now(),
            last_beat_at=row.confirmed_at,
            held=since_then if is_tail else row.held or since_then,
            is_tail=is_tail,
            dead_letters=row.dead,
            dead_ids=row.dead_ids,
        )
        if row.loss and not row.is_requested:
            loss = loss.with_earlier(row.loss)
        self._change(floor=0, loss=loss, is_requested=False, dead=0, dead_ids=())
        return loss

    async def record_requested(self, loss: QueueLoss) -> None:
        if self._database.witness.loss == loss:
            self._change(is_requested=True)

    async def forget_loss(self, loss: QueueLoss) -> bool:
        if self._database.witness.loss != loss:
            return False
        self._change(loss=None)
        return True

    def _change(self, **values: Any) -> None:  # noqa: ANN401 - its own fields
        self._database.witness = replace(self._database.witness, **values)

    def _relisting(self) -> int:
        return sum(
            row.folder_sync.lost_at is not None
            for tables in self._database.across_tenants()
            for key, row in tables.folder_syncs.items()
            if not ((pause := tables.mailboxes[key[0]].paused) and pause.by is PausedBy.OPERATOR)
        )
