"""Who is calm is quick, whatever others do; and who was away is served soon after."""

from collections.abc import Iterator

from tests.simulation.arrivals import Arrived
from tests.simulation.mailboxes import OURS, targets_of
from tests.simulation.plan import Fault, Kind, Nature
from tests.simulation.rules.fates import completed_at
from tests.simulation.trace import Violation
from tests.simulation.world import World

QUICK = "calm mailboxes are quick"
RECOVERS = "mail flows soon after an outage"

SOON = 60.0
"""Seconds within which a message of a calm mailbox has been handled."""

CRASH = 180.0
"""Seconds more where a message kills processes: a folder is claimed for so long (LEASE)."""

AGAIN = 480.0
"""Seconds after an outage, however long, until the mail that waited has been handled: five minutes
between two probes, and what it takes a call that hung to give up.
"""

OUTAGES = frozenset({Kind.REFUSES, Kind.ERRS, Kind.DENIES, Kind.HANGS, Kind.DRIPS})


def latencies(world: World) -> Iterator[Violation]:
    for arrived in world.arrived:
        known_at = arrived.mail.at if arrived.mailbox.provider == "imap" else arrived.told_at
        ended_at = completed_at(world, arrived)
        if known_at is None or not ended_at or not _is_plain(world, arrived):
            continue
        troubles = _troubles(world, arrived, known_at)
        if not troubles and ended_at - known_at > _soon(world):
            yield Violation(QUICK, f"{arrived} took {ended_at - known_at:.0f} s")
        if len(troubles) == 1 and _is_outage(trouble := troubles[0]):
            waited = ended_at - max(known_at, trouble.ends)
            if waited > AGAIN and not _is_followed(world, arrived, trouble):
                yield Violation(RECOVERS, f"{arrived} took {waited:.0f} s after {trouble}")


def _soon(world: World) -> float:
    has_poison = any(mail.nature is Nature.POISON for mail in world.plan.mails)
    return SOON + (CRASH if has_poison else 0.0)


def _is_plain(world: World, arrived: Arrived) -> bool:
    """Neither it nor any other of its mailbox is odd, and it was announced."""
    odd = any(each.mail.nature is not Nature.ORDINARY for each in world.of(arrived.mail.lane))
    return bool(arrived.mail.notices) and not odd


def _troubles(world: World, arrived: Arrived, known_at: float) -> list[Fault]:
    """All that it depends on itself and that ailed while it was under way, or shortly before."""
    own = targets_of(arrived.mail.lane) | set(OURS)
    return [
        fault
        for fault in world.plan.faults
        if fault.target in own and fault.kind is not Kind.SKEWED  # a wrong clock is no excuse
        if fault.begins - SOON < known_at < fault.felt_until + AGAIN
    ]


def _is_followed(world: World, arrived: Arrived, trouble: Fault) -> bool:
    """By another trouble, felt before the mail that waited must have been handled."""
    own = targets_of(arrived.mail.lane) | set(OURS)
    return any(
        fault.begins < trouble.ends + AGAIN and trouble.ends < fault.felt_until
        for fault in world.plan.faults
        if fault.target in own and fault is not trouble
    )


def _is_outage(fault: Fault) -> bool:
    return fault.kind in OUTAGES and fault.target not in OURS
