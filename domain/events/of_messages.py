"""The events of outcomes: one for each end of a job that says something of a message."""

from datetime import datetime

from postroom.domain.addresses import without_addresses
from postroom.domain.events.event import Event, EventType
from postroom.domain.handover.body_json import clean
from postroom.domain.handover.handover import Handover, State
from postroom.domain.outcome import Accepted, Completed, Dead, Final, Skipped
from postroom.domain.pointer import PointerJob

_IN_ITS_WORDS = {
    State.SKIPPED: "the application skipped it",
    State.REFUSED: "the application refused it",
}
"""What stands for a reason that an application gave: that may quote the mail."""


def event_of_outcome(
    job: PointerJob, outcome: Final, *, identity: str, attempt: int, at: datetime
) -> Event | None:
    """None of a duplicate, and of a pointer that stood for several: nothing became of a message."""
    data = {
        "mailbox": job.mailbox,
        "jobId": job.id,
        "identity": identity,
        "attempt": attempt,
        "application": None,
        "key": None,
    }
    match outcome:
        case Accepted(application=application):
            del data["key"]
            data["application"] = application
            type_ = EventType.MESSAGE_ACCEPTED
        case Completed(effect=effect, reference=reference):
            data |= {"effect": effect.value, "reference": reference}
            type_ = EventType.MESSAGE_COMPLETED
        case Skipped(reason=reason):
            data |= {"reason": without_addresses(reason)}
            type_ = EventType.MESSAGE_SKIPPED
        case Dead(reason=reason):
            data |= {"reason": without_addresses(reason), "refused": False}
            type_ = EventType.MESSAGE_DEAD
        case _:
            return None
    return Event(tenant=job.tenant, type=type_, at=at, data=clean(data))


def event_of_end(
    handover: Handover, outcome: Completed | Skipped | Dead, at: datetime, *, job_id: str = ""
) -> Event:
    """Of the *outcome* of *handover*. Where the store alone knows the job, it puts that in."""
    data = {
        "mailbox": handover.mailbox,
        "jobId": job_id,
        "identity": handover.identity,
        "attempt": handover.fence,
        "application": handover.application,
        "key": handover.key,
    }
    match outcome:
        case Completed(effect=effect, reference=reference):
            data |= {"effect": effect.value, "reference": reference}
            type_ = EventType.MESSAGE_COMPLETED
        case Skipped():
            data |= {"reason": _reason(handover, outcome.reason)}
            type_ = EventType.MESSAGE_SKIPPED
        case Dead():
            refused = handover.state is State.REFUSED
            data |= {"reason": _reason(handover, outcome.reason), "refused": refused}
            type_ = EventType.MESSAGE_DEAD
    return Event(tenant=handover.tenant, type=type_, at=at, data=clean(data))


def _reason(handover: Handover, reason: str) -> str:
    return _IN_ITS_WORDS.get(handover.state) or without_addresses(reason)
