"""Attempts are charged for a message's own faults only, and crashes where processes die.

A call that hangs may be the message's own fault, as far as anybody can tell: when it gives up,
others have been answered since. So may one that was refused in the last moment of an outage, if the
probe that follows is answered. So each such fault may have cost a message one, and a slow one each
call that gave up, while shorter messages came through. And where a provider says of another message
what it is asked of one, that one is charged.

A lease runs out where its worker dies, is stalled, or cannot reach our stores. What only takes long
has its lease for as long as it takes.
"""

from collections.abc import Iterator

from postroom.domain.outcome import Completed, Dead, Effect, Outcome
from tests.simulation.arrivals import Arrived
from tests.simulation.failures import DEADLINES
from tests.simulation.mailboxes import STORES, place_of, targets_of
from tests.simulation.plan import Fault, Kind, Nature
from tests.simulation.rules.fates import records_of
from tests.simulation.trace import Violation
from tests.simulation.world import World

OWN = "attempts are for own faults"
NO_CRASH = "nobody is taken for one who kills"

PROBED = frozenset(
    {
        *(Kind.HANGS, Kind.HANGS_FOR_EVER, Kind.DRIPS, Kind.SLOW),
        *(Kind.ERRS, Kind.LIES, Kind.DENIES),
    }
)
"""After which it is asked whether the mailbox answers."""

PARTIAL = frozenset({Kind.DRIPS, Kind.SLOW})


def charges(world: World) -> Iterator[Violation]:
    for arrived in world.arrived:
        records = records_of(world, arrived)
        attempts = [each.attempt for each in records if not _is_apart(each.outcome)]
        charged = max(attempts, default=1) - 1
        if arrived.mail.is_at_fault or _mistaken(world, arrived):
            continue
        if charged > _excused(world, arrived):
            yield Violation(OWN, f"{arrived} was charged {charged}")


def _is_apart(outcome: Outcome) -> bool:
    """Whether its attempts cost nobody: those of a dead letter, or calls of an application."""
    is_handed_over = isinstance(outcome, Completed) and outcome.effect is Effect.HANDED_OVER
    return is_handed_over or isinstance(outcome, Dead)


def crashes(world: World) -> Iterator[Violation]:
    if _may_crash(world):
        return
    for arrived in world.arrived:
        if count := world.stores.seen.crashes[arrived.job]:
            yield Violation(NO_CRASH, f"{arrived} has {count} crashes")


def _may_crash(world: World) -> bool:
    is_killed = any(
        fault.kind in (Kind.CRASHES, Kind.STALLS) or fault.target in STORES
        for fault in world.plan.faults
    )
    return is_killed or any(mail.nature is Nature.POISON for mail in world.plan.mails)


def _excused(world: World, arrived: Arrived) -> float:
    deadline = DEADLINES[place_of(arrived.mailbox).source]
    faults = [fault for fault in _faults(world, arrived) if fault.kind in PROBED]
    calls = [fault.lasts // deadline for fault in faults if fault.kind in PARTIAL]
    return len(faults) + sum(calls)


def _mistaken(world: World, arrived: Arrived) -> bool:
    return any(fault.form == "another" for fault in _faults(world, arrived))


def _faults(world: World, arrived: Arrived) -> list[Fault]:
    targets = targets_of(arrived.mail.lane)
    return [fault for fault in world.plan.faults if fault.target in targets]
