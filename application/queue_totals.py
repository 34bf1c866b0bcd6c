"""How the queue stands over many lanes."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from postroom.application.ports import LaneStatistics


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """Sums over so many *lanes*, *paused* of which are. *oldest_age* is of the oldest ready job."""

    lanes: int
    paused: int
    ready: int
    delayed: int
    in_flight: int
    dead: int
    oldest_age: timedelta


def totals_of(lanes: Sequence[LaneStatistics]) -> Totals:
    return Totals(
        lanes=len(lanes),
        paused=sum(bool(lane.paused) for lane in lanes),
        ready=sum(lane.ready for lane in lanes),
        delayed=sum(lane.delayed for lane in lanes),
        in_flight=sum(lane.in_flight for lane in lanes),
        dead=sum(lane.dead for lane in lanes),
        oldest_age=max((lane.oldest_age for lane in lanes), default=timedelta()),
    )


def totals_by_tenant(lanes: Sequence[LaneStatistics]) -> Mapping[str, Totals]:
    """By tenant, in the order in which *lanes* first name them."""
    grouped: defaultdict[str, list[LaneStatistics]] = defaultdict(list)
    for lane in lanes:
        grouped[lane.tenant].append(lane)
    return {tenant: totals_of(of_tenant) for tenant, of_tenant in grouped.items()}
