"""What the claim script returns, as claims; and the name of a claim among the leases."""

import itertools
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from postroom.adapters.redis.exchange import Argument
from postroom.adapters.redis.scripts import milliseconds, rows
from postroom.adapters.redis.wire import NewerRecord, UnreadableRecord, WireFormat, lane_of
from postroom.application.ports import Claim

LEFT_TO_OTHERS = timedelta(minutes=1)
"""How long a job that only another release can read waits to be claimed again.

While a release is rolled out, workers of both claim from one queue.
"""

_NOTHING: Sequence[Any] = (), (), b"0", (), ()

_MARK = 6
_ORDINARY = 1, 0, 0, 0, -1
"""The mark of a job that has nothing behind it, and whose lane is not on probation."""


def read_claims(
    wire: WireFormat, claimed: Sequence[Any]
) -> tuple[list[Claim], list[Sequence[Argument]]]:
    """The claims, and how those are settled whose record cannot be read.

    *claimed* is what claim.lua returns of the jobs: nothing, if there are none.
    """
    claims: list[Claim] = []
    unread: list[Sequence[Argument]] = []
    ids, lanes, last_token, records, marks = claimed or _NOTHING
    marked = {place: mark for place, *mark in rows(marks, _MARK)}
    tokens = itertools.count(int(last_token) + 1)
    jobs = zip(map(bytes.decode, ids), map(bytes.decode, lanes), tokens, records, strict=False)
    for place, (name, lane, token, record) in enumerate(jobs, 1):
        attempt, reclaimed, crashes, solo_crashes, probation = marked.get(place, _ORDINARY)
        try:
            job = wire.unpack(name, lane, record)
        except NewerRecord as error:
            delay = milliseconds(LEFT_TO_OTHERS)
            unread.append(("defer", _member(token, attempt, lane, name), delay, str(error)))
        except UnreadableRecord as error:
            unread.append(("bury", _member(token, attempt, lane, name), 0, str(error)))
        else:
            on = timedelta(milliseconds=probation) if probation >= 0 else None
            claims.append(Claim(job, attempt, token, bool(reclaimed), crashes, solo_crashes, on))
    return claims, unread


def member_of(claim: Claim) -> str:
    """The name of *claim* among the leases: it holds the token, so it proves the claim."""
    lane = lane_of(claim.job.tenant, claim.job.mailbox)
    return _member(claim.token, claim.attempt, lane, claim.job.id)


def _member(token: int, attempt: int, lane: str, job_id: str) -> str:
    return f"{token}/{attempt}/{lane}/{job_id}"
