"""Draws a plan from a seed.

Swarm testing: each seed has few kinds of trouble, so that they do not hide each other ("Swarm
Testing", ISSTA 2012). What is drawn is drawn in the same order whatever comes of it, so that a kind
more makes as few seeds as possible mean something else.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from random import Random

from tests.simulation.applications import APPLICATION_OF, STATUSES
from tests.simulation.applications import TARGETS as APPLICATIONS
from tests.simulation.failures import RETRY_AFTERS
from tests.simulation.mailboxes import (
    AUTHORITIES,
    PARTS,
    PLACES,
    POSTROOM,
    SOURCES,
    STORES,
    WORKERS,
    lanes_of,
)
from tests.simulation.plan import CALLING, FOR_GOOD, HOUR, MINUTE, Fault, Kind, Mail, Nature, Plan

LANES = tuple(PLACES)
OUTSIDE = (*SOURCES, *AUTHORITIES, *LANES)
EVERYWHERE = (*OUTSIDE, *STORES)

TARGETS: Mapping[Kind, Sequence[str]] = {
    Kind.REFUSES: EVERYWHERE,
    Kind.ERRS: OUTSIDE,
    Kind.FLAPS: EVERYWHERE,
    Kind.HANGS: EVERYWHERE,
    Kind.HANGS_FOR_EVER: (*SOURCES, *LANES),
    Kind.SLOW: EVERYWHERE,
    Kind.DRIPS: OUTSIDE,
    Kind.THROTTLES: (*SOURCES, *LANES),
    Kind.DENIES: LANES,
    Kind.LIES: (*SOURCES, *LANES),
    Kind.CONTENDED: ("database",),
    Kind.CRASHES: PARTS,
    Kind.RESTARTS: PARTS,
    Kind.SKEWED: PARTS,
    Kind.UPGRADES: (POSTROOM,),
    Kind.LOSES_ALL: ("queue",),
    Kind.LOSES_THE_LAST: ("queue",),
    Kind.RESTORED: ("queue",),
    Kind.FORGETS_POSITIONS: LANES,
    Kind.DROPS_SUBSCRIPTIONS: LANES,
    Kind.REMOVED: LANES,
    Kind.PAUSED: LANES,
}

DEGREES: Mapping[Kind, tuple[float, float]] = {
    Kind.SLOW: (0.5, 20.0),
    Kind.THROTTLES: (5.0, 300.0),
    Kind.SKEWED: (-HOUR, HOUR),
    Kind.CRASHES: (1.0, 60.0),
    Kind.LOSES_THE_LAST: (0.1, 20.0),
    Kind.RESTORED: (MINUTE, 10 * MINUTE),
    Kind.UPGRADES: (1.0, 2 * MINUTE),
}

FORMS: Mapping[Kind, Sequence[str]] = {
    Kind.THROTTLES: RETRY_AFTERS,
    Kind.LIES: ("nothing", "html", "another", "torn", "json"),
}

LASTING = frozenset(
    {
        *(Kind.REFUSES, Kind.ERRS, Kind.FLAPS, Kind.HANGS, Kind.HANGS_FOR_EVER, Kind.SLOW),
        *(Kind.DRIPS, Kind.THROTTLES, Kind.DENIES, Kind.LIES, Kind.CONTENDED, Kind.PAUSED),
    }
)

OF_APPLICATIONS = (
    *(Kind.REFUSES, Kind.ERRS, Kind.ERRS, Kind.FLAPS, Kind.HANGS, Kind.SLOW, Kind.DRIPS),
    *(Kind.LIES, Kind.LOSES_ALL),
)

HANDED_OVER = 0.3
"""Share of seeds in which some mailboxes have applications."""

STALLED, STALLED_CALLING, IN_A_CALL = 0.2, 0.5, 0.7
"""Shares: of seeds in which a worker is stalled; of those with applications; and of stalls in these
that begin in a call.
"""

UNRELIABLE, NEAR_TROUBLE, ODD, ON_THE_WIRE = 0.3, 0.6, 0.05, 0.25
"""Shares: of seeds whose notices are not to be relied on; of mail that comes when trouble does; of
mail that is not ordinary, in seeds that have such; of seeds with real adapters.
"""


LAGGING, LONGEST_LAG = 0.2, 150.0
"""Share of seeds in which replicas lag, and for how many seconds at the most: less than a mailbox
must be behind us to be taken for another one.
"""

FLOODED, FLOOD = 0.1, 40
"""Share of seeds in which a mailbox is flooded, and by how much mail."""


def draw_plan(seed: int) -> Plan:
    random = Random(seed)
    span = random.choice([10 * MINUTE, 10 * MINUTE, 10 * MINUTE, 40 * MINUTE])
    kinds = random.sample(list(TARGETS), random.choice([0, 1, 1, 2, 3]))
    faults = [
        _fault(random, span, random.choice(kinds)) for _ in range(random.randint(1, 4)) if kinds
    ]
    natures = random.sample(list(Nature)[1:], random.choice([0, 0, 0, 1, 1, 2]))
    unreliable = random.random() < UNRELIABLE
    begins = [fault.begins for fault in faults]
    mails = [
        _mail(random, span, number, natures, begins, unreliable=unreliable)
        for number in range(random.randint(15, 70))
    ]
    if random.random() < FLOODED:
        at, lane = random.uniform(MINUTE, span), random.choice(LANES)
        mails += [Mail(len(mails) + n, lane, at + n / 10) for n in range(FLOOD)]
    plan = Plan(
        seed,
        tuple(sorted(faults, key=lambda fault: fault.begins)),
        tuple(sorted(mails, key=lambda mail: mail.at)),
        on_the_wire=random.random() < ON_THE_WIRE,
    )
    plan = _lagging(Random(f"{seed}, lagging"), span, plan)
    plan = _handed_over(Random(f"{seed}, handed over"), span, plan)
    return _stalled(Random(f"{seed}, stalled"), plan)


def _stalled(random: Random, plan: Plan) -> Plan:
    """Drawn by itself as well: a worker stops while mail comes, most often for longer than a lease.

    It does so in the midst of work: that which leases are for.
    """
    if random.random() >= (STALLED_CALLING if plan.handed_over else STALLED):
        return plan
    handed_over = [mail for mail in plan.mails if mail.lane in APPLICATION_OF]
    near = handed_over if plan.handed_over else plan.mails
    faults = [
        Fault(
            Kind.STALLS,
            random.choice(WORKERS),
            begins=begins,
            lasts=random.uniform(20.0, 300.0),
            degree=random.uniform(1.0, 6.0 if form else 60.0),
            form=form,
        )
        for form in [CALLING if plan.handed_over and random.random() < IN_A_CALL else ""]
        for begins in [random.choice(near).at for _ in range(random.choice([1, 1, 2]))]
    ]
    return _with_faults(plan, faults)


def _lagging(random: Random, span: float, plan: Plan) -> Plan:
    """Drawn by itself, as what is handed over is; one replica at the most lags for a mailbox."""
    if random.random() >= LAGGING:
        return plan
    lanes = random.sample(lanes_of("google"), random.choice([1, 2]))
    faults = [
        Fault(
            Kind.LAGS,
            lane,
            begins=random.uniform(2 * MINUTE, 0.8 * span),
            lasts=random.uniform(5, LONGEST_LAG),
            degree=random.randint(0, 4),
        )
        for lane in lanes
    ]
    mails = [
        replace(
            _mail(random, span, len(plan.mails) + number, [], [fault.begins], unreliable=True),
            lane=fault.target,
        )
        for number, fault in enumerate(random.choices(faults, k=8))
    ]
    return replace(
        plan,
        faults=tuple(sorted((*plan.faults, *faults), key=lambda fault: fault.begins)),
        mails=tuple(sorted((*plan.mails, *mails), key=lambda mail: mail.at)),
    )


def _handed_over(random: Random, span: float, plan: Plan) -> Plan:
    """Drawn by itself: a seed whose mail is not handed over is what it would be without."""
    if random.random() >= HANDED_OVER:
        return plan
    faults = [_of_application(random, span) for _ in range(random.choice([0, 1, 1, 2, 3]))]
    begins = [fault.begins for fault in faults]
    first = len(plan.mails)
    mails = [
        replace(
            _mail(random, span, first + number, [], begins, unreliable=False),
            lane=random.choice(list(APPLICATION_OF)),
        )
        for number in range(20)
    ]
    return replace(
        _with_faults(plan, faults),
        mails=tuple(sorted((*plan.mails, *mails), key=lambda mail: mail.at)),
        handed_over=True,
    )


def _with_faults(plan: Plan, faults: Sequence[Fault]) -> Plan:
    found = sorted((*plan.faults, *faults), key=lambda fault: fault.begins)
    return replace(plan, faults=tuple(found))


def _of_application(random: Random, span: float) -> Fault:
    kind = random.choice(OF_APPLICATIONS)
    return Fault(
        kind,
        random.choice(APPLICATIONS),
        begins=random.uniform(2 * MINUTE, 0.8 * span),
        lasts=5.0 * (span / 5) ** random.random() if kind in LASTING else 0.0,
        degree=random.uniform(1.0, 40.0) if kind is Kind.SLOW else 0.0,
        form=random.choice(STATUSES) if kind is Kind.ERRS else "",
    )


def _fault(random: Random, span: float, kind: Kind) -> Fault:
    lasts = 5.0 * (span / 5) ** random.random()  # 5 s at the least, half of them less than a minute
    if kind is Kind.DENIES:
        lasts = random.choice([lasts, lasts, FOR_GOOD])
    return Fault(
        kind,
        random.choice(TARGETS[kind]),
        begins=0.0 if kind is Kind.SKEWED else random.uniform(2 * MINUTE, 0.8 * span),
        lasts=lasts if kind in LASTING else 0.0,
        degree=random.uniform(*DEGREES.get(kind, (0.0, 0.0))),
        form=random.choice(FORMS.get(kind, ("",))),
    )


def _mail(
    random: Random,
    span: float,
    number: int,
    natures: Sequence[Nature],
    begins: Sequence[float],
    *,
    unreliable: bool,
) -> Mail:
    at = random.uniform(MINUTE, span)
    if begins and random.random() < NEAR_TROUBLE:
        at = random.choice(begins) + random.uniform(-5, 60)
    notices: tuple[float, ...] = (random.uniform(0.2, 2.0),)
    if unreliable:
        late = random.uniform(1, span / 4)
        notices = random.choice([(), notices, (late,), (*notices, late)])
    mail = Mail(number, random.choice(LANES), max(at, 1.0), notices)
    if natures and random.random() < ODD:
        nature = random.choice(natures)
        degree = random.uniform(2, MINUTE if nature is Nature.LATE else span / 2)
        return replace(mail, nature=nature, degree=degree)
    return mail
