"""The simulation sees what it is there for: each rule that is broken on purpose is found.

That a few seeds find it too, and how many it takes, `make simulate MUTATIONS=1` shows.
"""

from collections.abc import Iterator

import pytest

from postroom.entrypoints.telemetry.sdk import Telemetry, open_telemetry
from tests.simulation.mutations import MUTATIONS, Mutation
from tests.simulation.plan import CALLING, Fault, Kind, Mail, Nature, Plan
from tests.simulation.run import run

DESK, INFO, POST = "acme/desk", "acme/info", "acme/post"

CRM = "app.crm"


def _mails(count: int) -> list[Mail]:
    return [Mail(0, DESK, 305 + n / 5) for n in range(count)]


SHOWN_BY = {
    "charge an attempt on a 5xx": Plan.of(
        Fault(Kind.REFUSES, "graph", 300, 300), Mail(0, DESK, 305)
    ),
    "forget the lane cap": Plan.of(
        Fault(Kind.HANGS, DESK, 300, 300),
        *(Mail(0, DESK, 305 + n / 5) for n in range(9)),
    ),
    "go by the host's clock": Plan.of(
        Fault(Kind.SKEWED, "maintenance", 0, degree=-3000), Mail(0, DESK, 300)
    ),
    "acknowledge before the commit": Plan.of(Mail(0, DESK, 300)),
    "skip on the first 404": Plan.of(Mail(0, INFO, 300, nature=Nature.LATE, degree=10)),
    "advance the cursor before queueing": Plan.of(Mail(0, POST, 300)),
    "handle again what was handled": Plan.of(
        Fault(Kind.REFUSES, DESK, 400, 600), Mail(0, DESK, 300, notices=(0.5, 200))
    ),
    "run suspects among the others": Plan.of(Mail(0, POST, 300, nature=Nature.POISON)),
    "charge a lease that ran out": Plan.of(
        Fault(Kind.CRASHES, "worker", 301, degree=3),
        *(Mail(0, DESK, 300 + n / 10) for n in range(20)),
    ),
    "accept what is not queued": Plan.of(Fault(Kind.REFUSES, "queue", 300, 30), Mail(0, DESK, 305)),
    "ignore a Retry-After": Plan.of(
        Fault(Kind.THROTTLES, DESK, 300, 60, degree=60, form="seconds"), Mail(0, DESK, 301)
    ),
    "begin anew without a list by date": Plan.of(
        Mail(0, DESK, 390, notices=()), Fault(Kind.FORGETS_POSITIONS, DESK, 400)
    ),
    "begin where a watch says that the mailbox stands": Plan.of(
        *(Mail(0, INFO, 300 + 5 * n, notices=()) for n in range(120))
    ),
    "believe a low history id at once": Plan.of(
        Mail(0, INFO, 300), Fault(Kind.LAGS, INFO, 310, 60, degree=1), Mail(0, INFO, 320)
    ),
    "leave lanes on probation": Plan.of(Fault(Kind.ERRS, DESK, 300, 300), Mail(0, DESK, 305)),
    "take a lost queue for a whole one": Plan.of(
        Mail(0, POST, 300, nature=Nature.FORBIDDEN, degree=20), Fault(Kind.LOSES_ALL, "queue", 310)
    ),
    "settle before the call": Plan.of(
        Fault(Kind.REFUSES, CRM, 300, 60), Mail(0, DESK, 305), handed_over=True
    ),
    "charge without evidence": Plan.of(
        Fault(Kind.ERRS, CRM, 300, 600, form="500"), *_mails(3), handed_over=True
    ),
    "call with a new key each time": Plan.of(
        Fault(Kind.DRIPS, CRM, 300, 60), Mail(0, DESK, 305), handed_over=True
    ),
    "let a lease end before its call": Plan.of(
        Fault(Kind.SLOW, CRM, 300, 30, degree=20), Mail(0, DESK, 305), handed_over=True
    ),
    "lose events as they are distributed": Plan.of(Mail(0, DESK, 300)),
    "forget the token of a claim": Plan.of(
        Fault(Kind.SLOW, "graph", 300, 60, degree=30),
        Fault(Kind.STALLS, "worker-2", 305, 10, degree=20),
        *_mails(4),
    ),
    "forget the fence of a call": Plan.of(
        Fault(Kind.STALLS, "worker", 304, 100, degree=1, form=CALLING),
        *_mails(8),
        *(Mail(0, "beta/desk", 305 + n / 5) for n in range(8)),
        handed_over=True,
    ),
    "go on calling who is down": Plan.of(
        Fault(Kind.REFUSES, CRM, 300, 20), *_mails(5), handed_over=True
    ),
    "make the calls of all applications in turn": Plan.of(
        Fault(Kind.HANGS, CRM, 300, 60),
        *_mails(3),
        *(Mail(0, INFO, 310 + 10 * n) for n in range(10)),
        handed_over=True,
    ),
}


@pytest.fixture(scope="module")
def telemetry() -> Iterator[Telemetry]:
    with open_telemetry() as opened:
        yield opened


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_a_rule_that_is_broken_is_found(mutation: Mutation, telemetry: Telemetry) -> None:
    plan = SHOWN_BY[mutation.name]
    assert not run(plan, telemetry).broken

    with mutation.applied():
        assert run(plan, telemetry, hurried=True).broken
