"""How the simulation is tested itself."""

import asyncio
from collections.abc import Iterator
from random import Random

import pytest

from postroom.entrypoints.telemetry.sdk import Telemetry, open_telemetry
from tests.simulation.draw import draw_plan
from tests.simulation.loop import SimulatedLoop
from tests.simulation.mailboxes import PLACES
from tests.simulation.plan import Fault, Kind, Mail, Plan
from tests.simulation.process import Process
from tests.simulation.run import run
from tests.simulation.shrink import shrink


@pytest.fixture(scope="module")
def telemetry() -> Iterator[Telemetry]:
    with open_telemetry() as opened:
        yield opened


def _mails(count: int, *, at: float, every: float = 1.0) -> tuple[Mail, ...]:
    lanes = list(PLACES)
    return tuple(Mail(n, lanes[n % len(lanes)], at + n * every) for n in range(count))


@pytest.mark.parametrize("seed", [*range(4), 6])
def test_a_seed_has_the_same_trace_each_time(seed: int, telemetry: Telemetry) -> None:
    first, second = (run(draw_plan(seed), telemetry) for _ in range(2))

    assert first.trace.lines == second.trace.lines


@pytest.mark.parametrize("on_the_wire", [False, True])
def test_without_faults_nothing_is_violated(on_the_wire: bool, telemetry: Telemetry) -> None:  # noqa: FBT001
    plan = Plan(1, mails=_mails(40, at=60), on_the_wire=on_the_wire)

    assert run(plan, telemetry).trace.violations == []


def test_a_crash_in_the_midst_of_work_loses_and_doubles_nothing(telemetry: Telemetry) -> None:
    for calls in range(1, 60, 4):
        faults = (Fault(Kind.CRASHES, "worker", 300.0, degree=calls),)
        plan = Plan(calls, faults, _mails(20, at=300, every=0.1))
        assert run(plan, telemetry).broken == set()


def test_so_does_one_in_the_midst_of_handing_over(telemetry: Telemetry) -> None:
    mails = tuple(Mail(n, "acme/desk", 300 + n / 10) for n in range(4))
    for calls in range(1, 60, 3):
        faults = (Fault(Kind.CRASHES, "worker", 300.0, degree=calls),)
        assert run(Plan(calls, faults, mails, handed_over=True), telemetry).broken == set()


def test_a_stall_of_any_length_loses_and_doubles_nothing(telemetry: Telemetry) -> None:
    mails = tuple(Mail(n, "acme/desk", 300 + n / 10) for n in range(4))
    slow = Fault(Kind.SLOW, "app.crm", 290, 60, degree=20)
    for lasts in (20, 50, 100, 200):
        for calls in range(1, 60, 12):
            stall = Fault(Kind.STALLS, "worker", 300.0, lasts, degree=calls)
            plan = Plan(calls, (slow, stall), mails, handed_over=True)
            assert run(plan, telemetry).broken == set()


def test_a_process_that_is_stalled_goes_on_where_it_was() -> None:
    ticks: list[float] = []

    process = Process("worker", lambda: None)
    process.stalls_after = 3, 10.0

    async def work() -> None:
        for _ in range(5):
            await asyncio.sleep(1)
            await process.step()
            ticks.append(asyncio.get_running_loop().time())

    async def main() -> None:
        await process.spawn(work())

    with asyncio.Runner(loop_factory=lambda: SimulatedLoop(Random(1))) as runner:
        runner.run(main())

    assert ticks == [1, 2, 10, 11, 12]
    assert process.stalls == [(3, 10)]


def test_a_plan_shrinks_to_what_matters() -> None:
    faults = (Fault(Kind.REFUSES, "mail.acme", 90, 20), Fault(Kind.SLOW, "queue", 100, 9, 1.0))
    mails = tuple(Mail(number, "acme/desk", 60.0 + number) for number in range(10))

    small = shrink(Plan(1, faults, mails), _needs_two)

    assert small.faults == faults[1:]
    assert [mail.number for mail in small.mails] == [3, 7]


def _needs_two(plan: Plan) -> bool:
    has_fault = any(fault.target == "queue" for fault in plan.faults)
    return has_fault and {3, 7} <= {mail.number for mail in plan.mails}
