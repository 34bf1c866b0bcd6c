"""An event on its way to a subscriber: a handover like that of a message, of no mailbox."""

from datetime import datetime

from postroom.domain.events.event import Stored
from postroom.domain.handover.application import INSTALLATION
from postroom.domain.handover.body_json import encoded, utc
from postroom.domain.handover.handover import Handover, State


def is_for(owner: str, wanted: tuple[str, ...], stored: Stored) -> bool:
    """Whether a subscriber of *owner* gets it, which wants such events (none named: all)."""
    event = stored.event
    return owner in (INSTALLATION, event.tenant) and (not wanted or event.type in wanted)


def handover_of(stored: Stored, subscriber: str, now: datetime) -> Handover:
    return Handover(
        tenant=stored.event.tenant,
        application=subscriber,
        key=stored.id,
        mailbox="",  # `Handover.is_of_event`
        identity=stored.event.type.value,
        received_at=stored.event.at,
        accepted_at=now,
        state=State.WAITING,
        due_at=now,
    )


def body_of(stored: Stored) -> bytes:
    event = stored.event
    data = {"version": 1, "id": stored.id, "tenant": event.tenant or None, **event.data}
    return encoded({"type": event.type.value, "timestamp": utc(event.at), "data": data})
