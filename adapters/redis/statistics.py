"""How the lanes stand."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from postroom.adapters.redis.scripts import Scripts, moment, rows
from postroom.adapters.redis.wire import UnreadableRecord, WireFormat
from postroom.application.ports import LaneStatistics

LANES_AT_ONCE = 200
"""In one call, so that no script occupies the server for long."""


async def lane_statistics(scripts: Scripts, wire: WireFormat) -> Sequence[LaneStatistics]:
    """Of every lane that holds anything, or is held back, by tenant and mailbox."""
    names = [name.decode() for name in await scripts.run("lanes")]
    lanes = sorted(names, key=lambda name: name.split("/"))
    found: list[LaneStatistics] = []
    for start in range(0, len(lanes), LANES_AT_ONCE):
        some = lanes[start : start + LANES_AT_ONCE]
        now, *fields = await scripts.run("statistics", *some)
        for lane, row in zip(some, rows(fields, 8), strict=True):
            if any(row[:4]) or row[6] or row[7]:  # a lane is on offer until a claim finds it empty
                found.append(_statistics(wire, lane, row, moment(now)))
    return found


def _statistics(wire: WireFormat, lane: str, row: Sequence[Any], now: datetime) -> LaneStatistics:
    tenant, _, mailbox = lane.partition("/")
    ready, delayed, running, dead, oldest, reason, ends, since = row
    return LaneStatistics(
        tenant=tenant,
        mailbox=mailbox,
        ready=ready,
        delayed=delayed,
        in_flight=running,
        dead=dead,
        oldest_age=_age(wire, oldest, now),
        paused=reason.decode(),
        paused_until=moment(int(ends)) if ends not in {b"", b"inf"} else None,
        waiting_for=max(now - moment(int(since)), timedelta()) if since else None,
    )


def _age(wire: WireFormat, record: bytes, now: datetime) -> timedelta:
    """Zero if there is no record, or none that can be read: it is not for long among the first."""
    try:
        job = wire.unpack("", "", record)
    except UnreadableRecord:
        return timedelta()
    # The host that queued the job may be ahead of the server.
    return max(now - job.enqueued_at, timedelta())
