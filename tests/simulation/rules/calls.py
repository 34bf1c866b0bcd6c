"""Who is away is left alone, and so is who asks for it; nobody is called too often at a time."""

from collections.abc import Iterator

from tests.simulation.mailboxes import OURS, PLACES, SOURCES, targets_of
from tests.simulation.plan import HOUR, MINUTE, Fault, Kind
from tests.simulation.reading import LANE_CAP
from tests.simulation.trace import Violation
from tests.simulation.world import World

LEFT_ALONE = "who is away is left alone"
CAPPED = "no mailbox is read too often at a time"

LONG = 10 * MINUTE
"""Outages that were noticed for longer are looked at, in their second half."""

A_MINUTE = 5.0
"""Calls a minute that each mailbox may cost a source that is away: twice a job, and a probe of
whether it is to blame for its failure, and a sync.
"""

AT_ONCE = EACH_TIME = LANE_CAP + 2.0
"""Calls of a mailbox that may be under way when somebody says that it is enough, and that may
follow each time that the wait is over: of as many jobs as may run, of a sync and of its folder.
"""


def calls(world: World) -> Iterator[Violation]:
    yield from _too_many(world)
    for fault, moments in world.weather.met.items():
        if fault.target in (*SOURCES, *PLACES):
            yield from _throttled(fault, moments)
            yield from _away(fault, moments)


def _too_many(world: World) -> Iterator[Violation]:
    """Where leases held: a worker that has lost one may read on for a while."""
    if any(fault.target in OURS for fault in world.plan.faults):
        return
    for lane, count in world.outside.readers.most.items():
        if count > LANE_CAP:
            yield Violation(CAPPED, f"{lane} by {count}")


def _away(fault: Fault, moments: list[float]) -> Iterator[Violation]:
    noticed_at = moments[0]
    ends = min(fault.ends, noticed_at + 2 * HOUR)
    half = (ends - noticed_at) / 2
    if fault.kind is Kind.THROTTLES or 2 * half < LONG:
        return
    late = [each for each in moments if noticed_at + half <= each < ends]
    mailboxes = len([lane for lane in PLACES if fault.target in targets_of(lane)])
    if len(late) > A_MINUTE * mailboxes * half / MINUTE:
        yield Violation(LEFT_ALONE, f"{fault} was called {len(late)} times in {half:.0f} s")


def _throttled(fault: Fault, moments: list[float]) -> Iterator[Violation]:
    if fault.kind is not Kind.THROTTLES or fault.form not in ("seconds", "date"):
        return
    mailboxes = len([lane for lane in PLACES if fault.target in targets_of(lane)])
    most = mailboxes * (AT_ONCE + EACH_TIME * fault.lasts / fault.degree)
    if len(moments) > most:
        yield Violation(LEFT_ALONE, f"{fault} was called {len(moments)} times")
