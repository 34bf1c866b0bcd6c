"""How the queue stands: in all, by tenant, and by lane."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from postroom.application.ports import LaneStatistics
from postroom.application.queue_totals import Totals, totals_by_tenant, totals_of


@dataclass(frozen=True, slots=True)
class LaneView:
    """How one mailbox's jobs stand. *oldest_seconds* is the age of the oldest that is ready.

    *paused* is why none is handed out, and empty if they are. *waiting_seconds* is for how long
    they have been handed out one at a time, to see whether they can be fetched again.
    """

    tenant: str
    mailbox: str
    ready: int
    delayed: int
    in_flight: int
    dead: int
    oldest_seconds: float
    paused: str
    paused_until: datetime | None
    waiting_seconds: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TotalsView:
    """Sums over so many *mailboxes*, *paused* of which are."""

    mailboxes: int
    paused: int
    ready: int
    delayed: int
    in_flight: int
    dead: int
    oldest_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantTotalsView(TotalsView):
    tenant: str


@dataclass(frozen=True, slots=True)
class QueueView:
    """*totals* are of all *tenants* that are shown."""

    totals: TotalsView
    tenants: Sequence[TenantTotalsView]
    lanes: Sequence[LaneView]


def queue_view(lanes: Sequence[LaneStatistics]) -> QueueView:
    return QueueView(
        totals=_totals_view(totals_of(lanes)),
        tenants=[
            TenantTotalsView(tenant=tenant, **asdict(_totals_view(totals)))
            for tenant, totals in totals_by_tenant(lanes).items()
        ],
        lanes=[_lane_view(lane) for lane in lanes],
    )


def _totals_view(totals: Totals) -> TotalsView:
    return TotalsView(
        mailboxes=totals.lanes,
        paused=totals.paused,
        ready=totals.ready,
        delayed=totals.delayed,
        in_flight=totals.in_flight,
        dead=totals.dead,
        oldest_seconds=totals.oldest_age.total_seconds(),
    )


def _lane_view(lane: LaneStatistics) -> LaneView:
    return LaneView(
        tenant=lane.tenant,
        mailbox=lane.mailbox,
        ready=lane.ready,
        delayed=lane.delayed,
        in_flight=lane.in_flight,
        dead=lane.dead,
        oldest_seconds=lane.oldest_age.total_seconds(),
        paused=lane.paused,
        paused_until=lane.paused_until,
        waiting_seconds=lane.waiting_for.total_seconds() if lane.waiting_for is not None else None,
    )
