"""Handovers: what has become of each message that goes to an application."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from postroom.application.ports import HandoverRecord
from postroom.entrypoints.views.jobs import JobView, job_view


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoverView:
    """*attempts* counts the calls begun, *unsure* those whose end is not known.

    *charged* counts those that failed while others were taken. *may_be_handled* is false as long as
    the application has surely not handled it. *due_at* is when it is called next, and *reference*
    is the application's own. *last_answer* says what it was, and what it said.
    """

    key: str
    tenant: str
    application: str
    mailbox: str
    identity: str
    state: str
    reason: str
    reference: str
    url: str
    attempts: int
    unsure: int
    charged: int
    may_be_handled: bool
    sequence: int | None
    received_at: datetime
    accepted_at: datetime
    due_at: datetime | None
    ended_at: datetime | None
    keep_key_until: datetime
    size: int
    last_answer: Mapping[str, object]
    job: JobView | None


def handover_view(record: HandoverRecord) -> HandoverView:
    handover = record.handover
    return HandoverView(
        key=handover.key,
        tenant=handover.tenant,
        application=handover.application,
        mailbox=handover.mailbox,
        identity=handover.identity,
        state=handover.state.value,
        reason=handover.reason,
        reference=handover.reference,
        url=handover.url,
        attempts=handover.fence,
        unsure=handover.unsure,
        charged=handover.charged,
        may_be_handled=handover.may_be_handled,
        sequence=handover.sequence,
        received_at=handover.received_at,
        accepted_at=handover.accepted_at,
        due_at=None if handover.has_ended else handover.due_at,
        ended_at=handover.ended_at,
        keep_key_until=handover.keep_key_until,
        size=record.raw_size,
        last_answer=record.last_answer,
        job=job_view(record.job) if record.job else None,
    )
