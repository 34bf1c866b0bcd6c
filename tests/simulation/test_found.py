"""What the simulation has found, each as the smallest plan that shows it: to be mended, one by one.

A test that is expected to fail, and does not any more, fails: take its mark away then.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from postroom.entrypoints.telemetry.sdk import Telemetry, open_telemetry
from tests.simulation.mailboxes import lanes_of
from tests.simulation.plan import FOR_GOOD, Fault, Kind, Mail, Nature, Plan
from tests.simulation.rules.charges import NO_CRASH
from tests.simulation.rules.ends import NOT_LOST, ONE_END, ONLY_FAULTY, SET_ASIDE
from tests.simulation.rules.latency import QUICK, RECOVERS
from tests.simulation.rules.states import SAYS_SO
from tests.simulation.run import run
from tests.simulation.service import ANSWERED, STAYS_UP
from tests.simulation.stores import WAITS
from tests.simulation.supervision import WELL_ENDED
from tests.simulation.trace import AS_ONE

GRAPH = lanes_of("microsoft")
DESK, INFO, POST = "acme/desk", "acme/info", "acme/post"


@dataclass(frozen=True)
class Found:
    """*rule* is what *plan* broke."""

    rule: str
    plan: Plan


def _mails(lane: str, count: int, at: float = 305.0) -> list[Mail]:
    return [Mail(0, lane, at + number / 5) for number in range(count)]


DATABASE_AWAY = Fault(Kind.REFUSES, "database", 300, 300)

BEHIND = [Fault(Kind.SKEWED, part, 0.0, degree=-90.0) for part in ("worker", "worker-2")]

FOUND = {
    "an outage of minutes puts innocent mail into the dead letters": Found(
        ONLY_FAULTY,
        Plan.of(Fault(Kind.REFUSES, "graph", 300, 300), *_mails(DESK, 4)),
    ),
    "so does one of the database, as soon as it is over": Found(
        ONLY_FAULTY,
        Plan.of(DATABASE_AWAY, *_mails(DESK, 1, 295), *_mails(DESK, 4)),
    ),
    "an outage of the database is told as a bug, every five seconds": Found(
        AS_ONE,
        Plan.of(DATABASE_AWAY, *_mails(DESK, 1, 295), *_mails(DESK, 4)),
    ),
    "a poison message stops all of Postroom": Found(
        STAYS_UP,
        Plan.of(Mail(0, POST, 300, nature=Nature.POISON)),
    ),
    "a message that was handled dies when it is told of once more": Found(
        ONE_END,
        Plan.of(Fault(Kind.REFUSES, DESK, 400, 600), Mail(0, DESK, 300, notices=(0.5, 200))),
    ),
    "a message that may not be read never ends": Found(
        SET_ASIDE,
        Plan.of(Mail(0, POST, 300, nature=Nature.FORBIDDEN, degree=FOR_GOOD)),
    ),
    "a throttled mailbox is called on without a pause by workers whose clock is behind": Found(
        WAITS,
        Plan.of(*BEHIND, Fault(Kind.THROTTLES, DESK, 300, 5, 60.0), *_mails(DESK, 1, 301)),
    ),
    "mailboxes that hang starve all others": Found(
        QUICK,
        Plan.of(
            Fault(Kind.HANGS, "graph", 300, 900),
            *(mail for lane in GRAPH for mail in _mails(lane, 6)),
            *_mails(POST, 3, 330),
        ),
    ),
    "a sign-in that hangs starves the mail of other tenants": Found(
        QUICK,
        Plan.of(
            Fault(Kind.HANGS, "login of gamma", 300, 900),
            *_mails("gamma/desk", 9),
            *_mails(POST, 4, 700),
        ),
    ),
    "a 404 seconds after the notice loses the mail": Found(
        NOT_LOST,
        Plan.of(Mail(0, INFO, 300, nature=Nature.LATE, degree=10)),
    ),
    "it does so where folders are looked at, if a look falls into those seconds": Found(
        NOT_LOST,
        Plan.of(Mail(0, DESK, 885, nature=Nature.LATE, degree=60)),
    ),
    "a notice of Gmail that is lost loses the mail": Found(
        NOT_LOST,
        Plan.of(Mail(0, INFO, 300, notices=())),
    ),
    "a loss of the queue is not noticed": Found(
        NOT_LOST,
        Plan.of(
            Mail(0, POST, 300, nature=Nature.FORBIDDEN, degree=20),
            Fault(Kind.LOSES_ALL, "queue", 310),
        ),
    ),
    "a server that takes over lacks less than what comes between two beats": Found(
        NOT_LOST,
        Plan.of(
            Mail(0, DESK, 310, nature=Nature.FORBIDDEN, degree=20),
            Fault(Kind.LOSES_THE_LAST, "queue", 311, degree=0.8),
        ),
    ),
    "a queue that is lost again before the next beat loses what was listed again": Found(
        NOT_LOST,
        Plan.of(
            Mail(0, DESK, 250, notices=(), nature=Nature.FORBIDDEN, degree=120),
            Fault(Kind.LOSES_THE_LAST, "queue", 282, degree=0.5),
            Fault(Kind.LOSES_THE_LAST, "queue", 283.5, degree=0.4),
            seed=2,
        ),
    ),
    "a queue that a person restores lacks what came meanwhile": Found(
        NOT_LOST,
        Plan.of(
            Mail(0, DESK, 310, nature=Nature.FORBIDDEN, degree=120),
            Fault(Kind.RESTORED, "queue", 340, degree=60),
        ),
    ),
    "no webhook answers while the database hangs": Found(
        ANSWERED,
        Plan.of(Fault(Kind.HANGS, "database", 300, 120), *_mails(INFO, 1)),
    ),
    "a mailbox of IMAP that cannot be read says that it receives": Found(
        SAYS_SO,
        Plan.of(Fault(Kind.DENIES, POST, 300, 1800), *_mails(POST, 1)),
    ),
    "a queue that forgets its last seconds ends the workers": Found(
        WELL_ENDED,
        Plan.of(
            Fault(Kind.SLOW, "graph", 290, 60, degree=40),
            Fault(Kind.LOSES_THE_LAST, "queue", 312, degree=2),
            *_mails(DESK, 4, 310.2),
            *_mails("gamma/desk", 4, 311.6),
        ),
    ),
    "a probe of a mailbox that hangs is left behind when a worker stops": Found(
        WELL_ENDED,
        Plan.of(
            Fault(Kind.HANGS_FOR_EVER, DESK, 300, 2000),
            Fault(Kind.RESTARTS, "worker", 900),
            Fault(Kind.RESTARTS, "worker-2", 900),
            Mail(0, DESK, 575),
        ),
    ),
    "a message whose mailbox hangs is taken for one that kills workers": Found(
        NO_CRASH,
        Plan.of(Fault(Kind.HANGS_FOR_EVER, DESK, 300, 900), Mail(0, DESK, 400)),
    ),
    "a call that hangs for ever stops the watch of a folder": Found(
        NOT_LOST,
        Plan.of(Fault(Kind.HANGS_FOR_EVER, POST, 300, 60), *_mails(POST, 1, 400)),
    ),
    "a sign-in that drips on when its provider is back is taken for a slow recovery": Found(
        RECOVERS,
        Plan.of(
            Fault(Kind.DRIPS, "graph", 704, lasts=1288),
            Fault(Kind.DRIPS, "login of gamma", 950, lasts=1806),
            Mail(7, "gamma/sales", 705),
        ),
    ),
}


@pytest.fixture(scope="module")
def telemetry() -> Iterator[Telemetry]:
    with open_telemetry() as opened:
        yield opened


@pytest.mark.parametrize("found", FOUND.values(), ids=FOUND)
def test_a_rule_holds(found: Found, telemetry: Telemetry) -> None:
    assert not run(found.plan, telemetry).broken
