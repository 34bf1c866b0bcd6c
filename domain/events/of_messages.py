"""The events of outcomes: one for each end of a job that says something of a message."""

from collections.abc import Mapping
from datetime import datetime

from postroom.domain.addresses import without_addresses
from postroom.domain.events.event import Event, EventType
from postroom.domain.handover.body_json import clean
from postroom.domain.handover.handover import Handover, State
from postroom.domain.outcome import Accepted, Completed, Dead, Final, Skipped
from postroom.domain.pointer import PointerJob

Data = dict[str, object]

IN_OUR_WORDS: Mapping[State | None, str] = {
    State.SKIPPED: "skipped by the application, or by a person",
    State.REFUSED: "the application refused it",
}
"""In place of a reason that an application gave, which may quote the mail."""


def event_of_outcome(
    job: PointerJob, outcome: Final, *, identity: str, attempt: int, at: datetime
) -> Event | None:
    """None of a duplicate, and of a pointer that stood for several: nothing became of a message."""
    data: Data = {
        "mailbox": job.mailbox,
        "jobId": job.id,
        "identity": identity,
        "attempt": attempt,
    }
    match outcome:
        case Accepted(application=application):
            data |= {"application": application}
            return Event(
                tenant=job.tenant, type=EventType.MESSAGE_ACCEPTED, at=at, data=clean(data)
            )
        case Completed() | Skipped() | Dead():
            data |= {"application": None, "key": None}
            return _of_end(job.tenant, data, outcome, at)
        case _:
            return None


def event_of_end(
    handover: Handover, outcome: Completed | Skipped | Dead, at: datetime, *, job_id: str = ""
) -> Event:
    """Of the *outcome* of *handover*. Where the store alone knows the job, it puts that in."""
    data: Data = {
        "mailbox": handover.mailbox,
        "jobId": job_id,
        "identity": handover.identity,
        "attempt": handover.fence,
        "application": handover.application,
        "key": handover.key,
    }
    return _of_end(handover.tenant, data, outcome, at, state=handover.state)


def _of_end(
    tenant: str,
    data: Data,
    outcome: Completed | Skipped | Dead,
    at: datetime,
    *,
    state: State | None = None,
) -> Event:
    """*state* is that of the handover, if there was one."""
    match outcome:
        case Completed(effect=effect, reference=reference):
            type_ = EventType.MESSAGE_COMPLETED
            data |= {"effect": effect.value, "reference": reference}
        case Skipped(reason=reason):
            type_ = EventType.MESSAGE_SKIPPED
            data |= {"reason": _reason(state, reason)}
        case Dead(reason=reason):
            type_ = EventType.MESSAGE_DEAD
            data |= {"reason": _reason(state, reason), "refused": state is State.REFUSED}
    return Event(tenant=tenant, type=type_, at=at, data=clean(data))


def _reason(state: State | None, reason: str) -> str:
    return IN_OUR_WORDS.get(state, "") or without_addresses(reason)
