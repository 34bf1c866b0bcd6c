"""What became of a pointer."""

from dataclasses import dataclass
from datetime import datetime
from typing import assert_never

from postroom.application.ports import OutcomeRecord
from postroom.domain.outcome import (
    Accepted,
    Completed,
    Dead,
    Duplicate,
    Effect,
    Expanded,
    Final,
    Skipped,
    name_of,
)
from postroom.entrypoints.views.jobs import JobView, job_view


@dataclass(frozen=True, slots=True)
class OutcomeView:
    """*detail* is the reason of a skipped or dead one, the reference of a completed one.

    Of an accepted one it is the name of the application.
    """

    job: JobView
    outcome: str
    effect: Effect | None
    detail: str
    identity: str
    attempt: int
    at: datetime


def outcome_view(record: OutcomeRecord) -> OutcomeView:
    return OutcomeView(
        job=job_view(record.job),
        outcome=name_of(record.outcome),
        effect=record.outcome.effect if isinstance(record.outcome, Completed) else None,
        detail=_detail(record.outcome),
        identity=record.identity,
        attempt=record.attempt,
        at=record.at,
    )


def _detail(outcome: Final) -> str:
    match outcome:
        case Completed(reference=reference):
            return reference
        case Accepted(application=application):
            return application
        case Duplicate():
            return ""
        case Skipped(reason=reason) | Dead(reason=reason):
            return reason
        case Expanded(count=count):
            return f"{count} message{'' if count == 1 else 's'}"
        case _:
            assert_never(outcome)
