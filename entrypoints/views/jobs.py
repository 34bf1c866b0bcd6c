"""A job, as dead letters and outcomes show it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from postroom.domain.pointer import PointerJob


@dataclass(frozen=True, slots=True)
class JobView:
    id: str
    tenant: str
    mailbox: str
    provider: str
    pointer: dict[str, Any]
    enqueued_at: datetime


def job_view(job: PointerJob) -> JobView:
    return JobView(
        id=job.id,
        tenant=job.tenant,
        mailbox=job.mailbox,
        provider=job.pointer.provider,
        pointer=job.pointer.as_dict(),
        enqueued_at=job.enqueued_at,
    )
