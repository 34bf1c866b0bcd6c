"""One event a fact: what happened to a pointer, under one name in the logs of every process."""

import logging
from typing import assert_never

import structlog

from postroom.application.consume_job import Consumed
from postroom.application.ingest_pointer import Ingested, MailboxRef
from postroom.application.ports import Claim
from postroom.domain.failure import Failure
from postroom.domain.outcome import (
    Accepted,
    Completed,
    Dead,
    Deferred,
    Duplicate,
    Expanded,
    Outcome,
    Retry,
    Skipped,
    name_of,
)
from postroom.domain.pointer import PointerJob
from postroom.entrypoints.telemetry.privacy import error_fields

log = structlog.get_logger()

Fields = dict[str, str | int | float]


def job_fields(job: PointerJob) -> Fields:
    return {
        "tenant": job.tenant,
        "mailbox": job.mailbox,
        "provider": job.pointer.provider,
        "job": job.id,
        **job.pointer.log_fields,
    }


def claim_fields(claim: Claim) -> Fields:
    return {**job_fields(claim.job), "attempt": claim.attempt}


def enqueued(ingested: Ingested) -> None:
    for job in ingested.jobs:
        event = "enqueued" if job.id in ingested.new else "already queued"
        log.info(event, **job_fields(job))


def enqueue_failed(mailbox: MailboxRef, count: int, failure: Failure) -> None:
    log.error(
        "enqueue failed",
        tenant=mailbox.tenant,
        mailbox=mailbox.id,
        provider=mailbox.provider,
        count=count,
        reason=failure.reason,
    )


def claimed(claim: Claim) -> None:
    if claim.reclaimed:
        log.warning("reclaimed", **claim_fields(claim))
    log.info("claimed", **claim_fields(claim))


def consumed(claim: Claim, consumed: Consumed) -> None:
    """How the attempt ended, if the claim was still ours; else only that it was lost."""
    fields = {**claim_fields(claim), "outcome": name_of(consumed.outcome)}
    if not consumed.settled:
        log.warning("lost", **fields)
        return
    event, level = _EVENTS[type(consumed.outcome)]
    log.log(level, event, **fields, **_facts(consumed.outcome))


_EVENTS: dict[type[Outcome], tuple[str, int]] = {
    Completed: ("acknowledged", logging.INFO),
    Accepted: ("accepted", logging.INFO),
    Duplicate: ("duplicate", logging.INFO),
    Skipped: ("skipped", logging.INFO),
    Expanded: ("expanded", logging.INFO),
    Retry: ("retried", logging.WARNING),
    Deferred: ("deferred", logging.INFO),
    Dead: ("dead", logging.ERROR),
}


def _facts(outcome: Outcome) -> Fields:
    match outcome:
        case Completed(effect=effect):
            return {"effect": effect.value}
        case Accepted(application=application):
            return {"application": application}
        case Duplicate():
            return {}
        case Skipped(reason=reason) | Dead(reason=reason):
            return {"reason": reason}
        case Expanded(count=count):
            return {"count": count}
        case Retry(after=delay, reason=reason) | Deferred(after=delay, reason=reason):
            return {"seconds": round(delay.total_seconds(), 1), "reason": reason}
        case _:
            assert_never(outcome)


def crashed(claim: Claim, error: Exception) -> None:
    """An error that no port raises on purpose: a bug, which is charged to the job."""
    log.error("crashed", **claim_fields(claim), **error_fields(error))
