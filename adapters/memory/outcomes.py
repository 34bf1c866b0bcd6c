from collections.abc import Sequence
from datetime import datetime

from postroom.adapters.memory.database import InMemoryDatabase
from postroom.adapters.memory.events import write
from postroom.application.ports import OutcomeRecord, Outcomes
from postroom.domain.outcome import SHADOW, Dead, Skipped

IN_SHADOW = Skipped(SHADOW)


class InMemoryOutcomes(Outcomes):
    def __init__(self, database: InMemoryDatabase) -> None:
        self._database = database

    async def record(self, record: OutcomeRecord) -> None:
        async with self._database.transaction(record.job.tenant) as tables:
            tables.outcomes.append(record)
            write(self._database, tables, record.event)

    async def find(
        self,
        tenant: str,
        *,
        mailbox: str = "",
        identity: str = "",
        job_id: str = "",
        limit: int = 100,
    ) -> Sequence[OutcomeRecord]:
        matching = [
            record
            for record in self._database.read(tenant).outcomes
            if mailbox in ("", record.job.mailbox)
            and identity in ("", record.identity)
            and job_id in ("", record.job.id)
        ]
        # Sorting is stable: of two with one time, the later recorded is the newer.
        return sorted(matching, key=lambda record: record.at)[: -limit - 1 : -1]

    async def known(
        self, tenant: str, job_ids: Sequence[str], *, dead_before: datetime | None = None
    ) -> frozenset[str]:
        records = self._database.read(tenant).outcomes
        return frozenset(job_ids) & {each.job.id for each in records if _ends(each, dead_before)}

    async def in_shadow(
        self, tenant: str, mailbox: str, since: datetime, *, after: str = "", limit: int = 1000
    ) -> Sequence[OutcomeRecord]:
        last = {
            each.job.id: each
            for each in self._database.read(tenant).outcomes
            if each.job.mailbox == mailbox and each.job.id > after
        }
        found = [each for each in last.values() if each.outcome == IN_SHADOW and each.at >= since]
        return sorted(found, key=lambda each: each.job.id)[:limit]


def _ends(record: OutcomeRecord, dead_before: datetime | None) -> bool:
    match record.outcome:
        case Skipped() as skipped:
            return skipped == IN_SHADOW
        case Dead():
            return dead_before is None or record.at >= dead_before
        case _:
            return True
