"""Each message has one end and one effect, nobody dies but by their own fault, nothing is left."""

from collections import Counter
from collections.abc import Iterator

from postroom.domain.outcome import Duplicate, name_of
from tests.simulation.mailboxes import EPOCH, TENANTS
from tests.simulation.plan import PASSING, Nature
from tests.simulation.rules.fates import (
    Fate,
    application_of,
    completed_at,
    fate_of,
    is_shut,
    records_of,
)
from tests.simulation.trace import Violation
from tests.simulation.world import World

ONE_EFFECT = "one effect"
ONE_END = "one end"
SET_ASIDE = "faulty mail is set aside"
NOT_LOST = "no mail is lost"
ONLY_FAULTY = "only faulty mail is dead"
EMPTY = "the queue is empty"
AT_EASE = "who is served is off probation"
TRUE_REASONS = "reasons are true"

UNTRUE = "none of them settled"
"""Said of what may never have been tried."""


def of_messages(world: World) -> Iterator[Violation]:
    effects = Counter(
        (tenant, identity) for tenant in TENANTS for identity in world.stores.effects(tenant)
    )
    for arrived in world.arrived:
        if application_of(world, arrived):
            continue
        count = effects[arrived.mailbox.tenant, arrived.identity]
        records = records_of(world, arrived)
        ends = [each for each in records if not isinstance(each.outcome, Duplicate)]
        kinds = sorted({name_of(each.outcome) for each in ends})
        if count > 1 or [name_of(each.outcome) for each in ends].count("completed") > 1:
            yield Violation(ONE_EFFECT, f"{arrived} has {count}")
        known = "was queued" if world.is_known(arrived) else "was never queued"
        match fate_of(world, arrived):
            case Fate.DEAD if kinds != ["dead"]:
                yield Violation(SET_ASIDE, f"{arrived} {known}, ended as {kinds}")
            case Fate.COMPLETED if not count:
                yield Violation(NOT_LOST, f"{arrived} {known}, ended as {kinds}")
            case Fate.COMPLETED if kinds != ["completed"]:
                yield Violation(ONE_END, f"{arrived} ended as {kinds}")
            case _:
                pass


async def dead_letters(world: World) -> Iterator[Violation]:
    page = await world.stores.queue.dead_letters(limit=1000)
    may_die = {
        each.job
        for each in world.arrived
        if fate_of(world, each) is not Fate.COMPLETED or each.mail.nature in PASSING
        if each.mail.nature is not Nature.LATE
    }
    found = []
    for letter in page.letters:
        if letter.id not in may_die and f"{letter.tenant}/{letter.mailbox}" not in world.removed:
            found.append(Violation(ONLY_FAULTY, f"{letter.mailbox}: {letter.reason}"))
        if UNTRUE in letter.reason:
            found.append(Violation(TRUE_REASONS, f"{letter.mailbox}: {letter.reason}"))
    return iter(found)


async def on_probation(world: World) -> Iterator[Violation]:
    """Whoever was read since it began has shown that the mailbox can be read."""
    now = (world.clock.now() - EPOCH).total_seconds()
    found = []
    for lane in await world.stores.queue.statistics():
        name = f"{lane.tenant}/{lane.mailbox}"
        if lane.waiting_for is not None:
            read_at = max((completed_at(world, each) for each in world.of(name)), default=0.0)
            if read_at > now - lane.waiting_for.total_seconds():
                found.append(Violation(AT_EASE, f"{name} has been for {lane.waiting_for}"))
    return iter(found)


async def left_over(world: World) -> Iterator[Violation]:
    """What waits for a mailbox that is shut, or for a person, may wait on."""
    lanes = await world.stores.queue.statistics()
    waiting = {each.mail.lane for each in world.arrived if fate_of(world, each) is Fate.ANY}
    return (
        Violation(EMPTY, f"{name} has {lane.ready} ready, {lane.delayed} delayed, {lane.in_flight}")
        for lane in lanes
        if lane.ready + lane.delayed + lane.in_flight
        if not is_shut(world, name := f"{lane.tenant}/{lane.mailbox}") and name not in waiting
    )
