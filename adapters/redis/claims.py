"""What the claim script returns, as claims; and the name of a claim among the leases."""

import itertools
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from postroom.adapters.redis.exchange import Argument
from postroom.adapters.redis.scripts import milliseconds, rows
from postroom.adapters.redis.wire import NewerRecord, UnreadableRecord, WireFormat, lane_of
from postroom.application.dead_letter_pages import moment_after
from postroom.application.ports import Claim
from postroom.domain.pointer import PointerJob, UnknownPointer

LEFT_TO_OTHERS = timedelta(minutes=1)
"""How long a job that only another release can read waits to be claimed again.

While a release is rolled out, workers of both claim from one queue.
"""

_NOTHING: Sequence[Any] = (), (), b"0", (), ()

_MARK = 7
_ORDINARY = 1, 0, 0, 0, 0, -1
"""The mark of a job that has nothing behind it, and whose lane is not on probation."""


def read_claims(
    wire: WireFormat, claimed: Sequence[Any]
) -> tuple[list[Claim], list[Sequence[Argument]]]:
    """The claims, and how those are settled that are left to another release.

    *claimed* is what claim.lua returns of the jobs: nothing, if there are none.
    """
    claims: list[Claim] = []
    left: list[Sequence[Argument]] = []
    ids, lanes, last_token, records, marks = claimed or _NOTHING
    marked = {place: mark for place, *mark in rows(marks, _MARK)}
    tokens = itertools.count(int(last_token) + 1)
    jobs = zip(map(bytes.decode, ids), map(bytes.decode, lanes), tokens, records, strict=False)
    for place, (name, lane, token, record) in enumerate(jobs, 1):
        attempt, *mark = marked.get(place, _ORDINARY)
        unreadable = ""
        try:
            job = wire.unpack(name, lane, record)
        except NewerRecord as error:
            delay = milliseconds(LEFT_TO_OTHERS)
            left.append(("defer", _member(token, attempt, lane, name), delay, str(error)))
            continue
        except UnreadableRecord as error:
            job, unreadable = _unknown(name, lane, token), str(error)
        claims.append(_claim(job, attempt, token, unreadable, *mark))
    return claims, left


def _unknown(name: str, lane: str, token: int) -> PointerJob:
    tenant, _, mailbox = lane.partition("/")
    pointer, claimed_at = UnknownPointer("", {}), moment_after(token)
    return PointerJob(
        id=name, tenant=tenant, mailbox=mailbox, pointer=pointer, enqueued_at=claimed_at
    )


def _claim(job: PointerJob, attempt: int, token: int, unreadable: str, *mark: int) -> Claim:
    reclaimed, crashes, solo_crashes, since_first, probation = mark
    return Claim(
        job,
        attempt,
        token,
        reclaimed=bool(reclaimed),
        crashes=crashes,
        solo_crashes=solo_crashes,
        since_first=timedelta(milliseconds=since_first),
        probation=timedelta(milliseconds=probation) if probation >= 0 else None,
        unreadable=unreadable,
    )


def member_of(claim: Claim) -> str:
    """The name of *claim* among the leases: it holds the token, so it proves the claim."""
    lane = lane_of(claim.job.tenant, claim.job.mailbox)
    return _member(claim.token, claim.attempt, lane, claim.job.id)


def _member(token: int, attempt: int, lane: str, job_id: str) -> str:
    return f"{token}/{attempt}/{lane}/{job_id}"
