"""What is to become of each message."""

from enum import Enum, auto

from postroom.application.ports import OutcomeRecord
from postroom.domain.outcome import Completed
from tests.simulation.applications import APPLICATION_OF
from tests.simulation.arrivals import Arrived
from tests.simulation.mailboxes import EPOCH
from tests.simulation.plan import FOR_GOOD, OWN_FAULT, PASSING, Kind, Nature
from tests.simulation.world import World


class Fate(Enum):
    COMPLETED = auto()
    DEAD = auto()
    ANY = auto()  # a person, or time, has the last word


def fate_of(world: World, arrived: Arrived) -> Fate:
    mail = arrived.mail
    if is_shut(world, mail.lane) or mail.lane in world.removed:
        return Fate.ANY
    if mail.nature in OWN_FAULT:
        return Fate.DEAD
    if mail.nature is Nature.DELETED:
        return Fate.ANY
    if mail.nature in PASSING and mail.degree >= FOR_GOOD:
        return Fate.ANY if mail.nature is Nature.LATE else Fate.DEAD
    return Fate.COMPLETED


def application_of(world: World, arrived: Arrived) -> str:
    """Whom its message is handed over to; empty if that is the help desk."""
    return APPLICATION_OF.get(arrived.mail.lane, "") if world.plan.handed_over else ""


def is_shut(world: World, lane: str) -> bool:
    """Whether the mailbox cannot be read until after the end."""
    return any(
        fault.ends >= world.plan.ends and fault.kind is not Kind.SKEWED
        for fault in world.plan.faults
        if fault.target == lane
    )


def completed_at(world: World, arrived: Arrived) -> float:
    """When its job was acknowledged; 0 if it was not completed, or has not been."""
    completed = [
        each.job.id for each in records_of(world, arrived) if isinstance(each.outcome, Completed)
    ]
    ends = [world.stores.seen.ended.get(job) for job in completed]
    first = min((end for end in ends if end), default=EPOCH)
    return (first - EPOCH).total_seconds()


def records_of(world: World, arrived: Arrived) -> list[OutcomeRecord]:
    return [
        each
        for each in world.stores.outcomes(arrived.mailbox.tenant)
        if each.job.mailbox == arrived.mailbox.id
        and (each.job.id == arrived.job or each.identity == arrived.identity)
    ]
