"""What is accepted for an application is handed over, once, and waits for no other application."""

from collections.abc import Iterator, Sequence

from postroom.adapters.memory.handover_row import HandoverRow
from postroom.domain.handover.handover import DEAD_LETTERS, ENDED, State
from tests.simulation.applications import LEASE, NAMES
from tests.simulation.arrivals import Arrived
from tests.simulation.mailboxes import EPOCH, OURS, TENANTS
from tests.simulation.plan import Fault, Kind, Nature
from tests.simulation.rules.fates import Fate, application_of, fate_of
from tests.simulation.trace import Violation
from tests.simulation.world import World

ONE_EFFECT = "an application has one effect of each message"
TAKEN = "what was accepted is handed over"
ONLY_FAULTY = "no handover is dead that is not at fault"
CHARGED = "messages are charged on evidence"
QUICK = "a calm application waits for no other"
RECOVERS = "messages are handed over soon after an outage"
LEFT_ALONE = "an application that is down is left alone"

SOON = 10.0
"""Seconds from the acceptance to the end, at an application that is calm."""

AMONG_OTHERS = 2
"""Workers that a message kills before it gets a process of its own."""

AGAIN = 480.0
"""Seconds after an outage: five minutes between two probes, and a minute for who was charged."""

OUTAGES = frozenset({Kind.REFUSES, Kind.ERRS, Kind.HANGS})
"""No message is taken while one lasts."""

PARTIAL = frozenset({Kind.FLAPS, Kind.LIES, Kind.DRIPS, Kind.SLOW})
"""Some messages are taken meanwhile, and others not: these may well be charged."""


def of_messages(world: World) -> Iterator[Violation]:
    """What may still become well."""
    for arrived in world.arrived:
        if not (name := application_of(world, arrived)):
            continue
        if fate_of(world, arrived) is Fate.COMPLETED and not _keys(world, arrived):
            yield Violation(TAKEN, f"{arrived} was never accepted for {name}")
    for row in rows(world):
        handover = row.handover
        effects = world.peers.by_name[handover.application].effects
        if handover.state not in ENDED:
            yield Violation(TAKEN, f"one of {handover.mailbox} is {handover.state}")
        elif handover.state not in DEAD_LETTERS and handover.key not in effects:
            yield Violation(TAKEN, f"one of {handover.mailbox} is {handover.state} without effect")


def at_the_end(world: World) -> Iterator[Violation]:
    for row in rows(world):
        handover = row.handover
        troubles = _of(world, f"app.{handover.application}")
        if handover.state in DEAD_LETTERS:
            yield Violation(ONLY_FAULTY, f"one of {handover.mailbox}: {handover.reason}")
        excused = len(troubles) + _stalls(world)
        if handover.charged > excused and not _kinds(troubles) & PARTIAL:
            yield Violation(CHARGED, f"one of {handover.mailbox} was {handover.charged} times")
    yield from _doubles(world)
    yield from _latencies(world)
    yield from _calls(world)


def rows(world: World) -> Sequence[HandoverRow]:
    tables = [world.stores.database.read(tenant) for tenant in TENANTS]
    return [row for each in tables for row in each.handovers.values() if row.job]


def _keys(world: World, arrived: Arrived) -> Sequence[str]:
    return [
        row.handover.key
        for row in rows(world)
        if row.handover.tenant == arrived.mailbox.tenant
        and row.handover.mailbox == arrived.mailbox.id
        and row.handover.identity == arrived.identity
    ]


def _doubles(world: World) -> Iterator[Violation]:
    """At those that have not lost their keys."""
    for name in NAMES:
        peer = world.peers.by_name[name]
        doubled = len(peer.effects) - len(set(peer.effects))
        strange = set(peer.effects) - {row.handover.key for row in rows(world)}
        if strange or (doubled and Kind.LOSES_ALL not in _kinds(_of(world, f"app.{name}"))):
            yield Violation(ONE_EFFECT, f"{name} has {doubled} twice, {len(strange)} unknown")


def _latencies(world: World) -> Iterator[Violation]:
    for row in rows(world):
        handover = row.handover
        if handover.ended_at is None or handover.state is State.HELD:
            continue
        accepted = (handover.accepted_at - EPOCH).total_seconds()
        ended = (handover.ended_at - EPOCH).total_seconds()
        troubles = _troubles(world, handover.application, accepted, ended)
        if not troubles and ended - accepted > _soon(world):
            yield Violation(QUICK, f"one of {handover.mailbox} took {ended - accepted:.0f} s")
        if len(troubles) == 1 and troubles[0].kind in OUTAGES and troubles[0].target not in OURS:
            waited = ended - max(accepted, troubles[0].ends)
            if waited > AGAIN:
                yield Violation(RECOVERS, f"one took {waited:.0f} s after {troubles[0]}")


def _soon(world: World) -> float:
    """A message that kills a worker cuts off the calls of that, which are made when leases end."""
    poison = sum(mail.nature is Nature.POISON for mail in world.plan.mails)
    return SOON + poison * AMONG_OTHERS * LEASE.total_seconds()


def _calls(world: World) -> Iterator[Violation]:
    """Eight that were under way, those that prove it, and a probe after each pause."""
    for fault in world.plan.faults:
        if fault.target.startswith("app.") and fault.kind in OUTAGES:
            calls = world.peers.by_name[fault.target.removeprefix("app.")].calls
            count = sum(fault.begins <= each < fault.ends for each in calls)
            if count > 20 + fault.lasts / 60:
                yield Violation(LEFT_ALONE, f"{fault} was called {count} times")


def _troubles(world: World, name: str, accepted: float, ended: float) -> Sequence[Fault]:
    """Of the application and of ours, while the message waited or shortly before."""
    own = {f"app.{name}", *OURS}
    return [
        fault
        for fault in world.plan.faults
        if fault.target in own and fault.kind is not Kind.SKEWED
        if fault.begins - SOON < ended and accepted < fault.ends + 2 * AGAIN
    ]


def _of(world: World, target: str) -> Sequence[Fault]:
    return [fault for fault in world.plan.faults if fault.target == target]


def _stalls(world: World) -> int:
    """A worker that was stalled in a call finds it timed out, and cannot know that it was so."""
    return sum(fault.kind is Kind.STALLS for fault in world.plan.faults)


def _kinds(faults: Sequence[Fault]) -> set[Kind]:
    return {fault.kind for fault in faults}
