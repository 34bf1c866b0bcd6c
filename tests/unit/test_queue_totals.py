from datetime import timedelta

from postroom.application.ports import LaneStatistics
from postroom.application.queue_totals import Totals, totals_by_tenant, totals_of

NOTHING = Totals(lanes=0, paused=0, ready=0, delayed=0, in_flight=0, dead=0, oldest_age=timedelta())


def lane(
    tenant: str, mailbox: str, numbers: tuple[int, int, int, int], *, age: int = 0, paused: str = ""
) -> LaneStatistics:
    ready, delayed, in_flight, dead = numbers
    return LaneStatistics(
        tenant=tenant,
        mailbox=mailbox,
        ready=ready,
        delayed=delayed,
        in_flight=in_flight,
        dead=dead,
        oldest_age=timedelta(seconds=age),
        paused=paused,
    )


LANES = [
    lane("acme", "a", (1, 20, 300, 4000), age=5),
    lane("globex", "a", (5, 0, 0, 0), age=99, paused="throttled"),
    lane("acme", "b", (2, 30, 400, 5000), age=7, paused="access revoked"),
]


def test_no_lanes_are_nothing() -> None:
    assert totals_of([]) == NOTHING
    assert totals_by_tenant([]) == {}


def test_numbers_are_summed_and_the_oldest_age_is_the_greatest() -> None:
    assert totals_of(LANES) == Totals(
        lanes=3,
        paused=2,
        ready=8,
        delayed=50,
        in_flight=700,
        dead=9000,
        oldest_age=timedelta(seconds=99),
    )


def test_each_tenant_has_its_own_totals() -> None:
    by_tenant = totals_by_tenant(LANES)

    assert list(by_tenant) == ["acme", "globex"]
    assert by_tenant["acme"] == totals_of([LANES[0], LANES[2]])
    assert by_tenant["globex"] == totals_of([LANES[1]])
