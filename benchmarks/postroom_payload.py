"""The payload as Postroom carries it."""

from benchmarks.payload import CLOCK, MESSAGES, SUBSCRIPTION, Lane, lane_of, message_id, traceparent
from postroom.adapters.microsoft.pointer import MicrosoftPointer
from postroom.adapters.redis.wire import WireFormat
from postroom.domain.pointer import PointerJob

WIRE = WireFormat({"microsoft": MicrosoftPointer})


def pointer_job(number: int, stamp: int = 0, lane: Lane | None = None) -> PointerJob:
    """What `plain_job` makes, as Postroom has it."""
    tenant, mailbox = lane or lane_of(number)
    message = message_id(number)
    return PointerJob(
        id=f"{number:032x}",
        tenant=tenant,
        mailbox=mailbox,
        pointer=MicrosoftPointer(SUBSCRIPTION, message, f"{MESSAGES}/{message}"),
        enqueued_at=CLOCK.now(),
        traceparent=traceparent(number, stamp),
    )
