"""Handovers that are saved, with the outcomes of those that end by it."""

from dataclasses import replace
from datetime import datetime

from postroom.adapters.memory.database import InMemoryDatabase, Tables
from postroom.adapters.memory.handover_row import HandoverRow
from postroom.application.ports import OutcomeRecord
from postroom.domain.handover.answer import Answer, as_dict
from postroom.domain.handover.ending import outcome_of
from postroom.domain.handover.handover import Handover, State
from postroom.domain.outcome import Completed, Final


async def save(
    database: InMemoryDatabase, handover: Handover, answer: Answer | None, now: datetime
) -> None:
    """With the answer that changed it, if one did."""
    key = handover.application, handover.key
    async with database.transaction(handover.tenant) as tables:
        row = replace(tables.handovers[key], handover=handover)
        if answer:
            row = replace(row, last_answer={**as_dict(answer), "at": now.isoformat()})
        tables.handovers[key] = row
        if (outcome := outcome_of(handover)) and not _is_recorded(tables, row):
            record_end(tables, row, outcome, now)


def record_end(tables: Tables, row: HandoverRow, outcome: Final, now: datetime) -> None:
    """For its job, if it has one."""
    if row.job:
        tables.outcomes.append(
            OutcomeRecord(
                job=row.job,
                outcome=outcome,
                attempt=row.handover.fence,
                at=now,
                identity=row.handover.identity,
            )
        )


def _is_recorded(tables: Tables, row: HandoverRow) -> bool:
    """A duplicate was recorded before if it has ended before, and the application was heard then.

    One that has not been redriven has not; a recorded end of its job is that of a copy.
    """
    handover = row.handover
    is_again = handover.state is State.DUPLICATE and handover.redriven_at is not None
    return is_again and any(
        isinstance(each.outcome, Completed) and each.job == row.job for each in tables.outcomes
    )
