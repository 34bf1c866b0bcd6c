"""Handovers that are saved, with the outcomes of those that end by it."""

from dataclasses import replace
from datetime import datetime

from postroom.adapters.memory.database import InMemoryDatabase, Tables
from postroom.adapters.memory.events import write
from postroom.adapters.memory.handover_row import HandoverRow
from postroom.application.ports import OutcomeRecord
from postroom.domain.events.of_messages import event_of_end
from postroom.domain.handover.answer import Answer, as_dict
from postroom.domain.handover.ending import outcome_of
from postroom.domain.handover.handover import DEAD_LETTERS, Handover, State
from postroom.domain.outcome import Completed, Dead, Skipped


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
            record_end(database, tables, row, outcome, now)


async def delete_taken(database: InMemoryDatabase, handover: Handover) -> None:
    """If it was handed over, and is an event's: nobody looks such a one up any more."""
    async with database.transaction(handover.tenant) as tables:
        if handover.has_ended and handover.state not in DEAD_LETTERS:
            del tables.handovers[handover.application, handover.key]


def record_end(
    database: InMemoryDatabase,
    tables: Tables,
    row: HandoverRow,
    outcome: Completed | Skipped | Dead,
    now: datetime,
) -> None:
    """For its job, if it has one, with its event."""
    if row.job:
        event = event_of_end(row.handover, outcome, now, job_id=row.job.id)
        write(database, tables, event)
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
