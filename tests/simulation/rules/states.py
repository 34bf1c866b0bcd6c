"""A mailbox that cannot receive says so, and one that can does not complain."""

from collections.abc import Iterator

from postroom.domain.mailbox_state import MailboxState, StateName, state_of
from tests.simulation.mailboxes import SOURCES, targets_of
from tests.simulation.plan import Fault, Kind
from tests.simulation.rules.fates import is_shut
from tests.simulation.trace import Violation
from tests.simulation.world import World

SAYS_SO = "what cannot receive says so"
NO_COMPLAINT = "what can receive does not complain"
HEALED = "a loss of the queue is healed"

TOLD_AFTER = 1200.0
"""Seconds after which a mailbox that cannot be read no longer says that it receives."""

STOPS = frozenset(
    {Kind.REFUSES, Kind.ERRS, Kind.HANGS, Kind.HANGS_FOR_EVER, Kind.DRIPS, Kind.DENIES, Kind.LIES}
)

COMPLAINTS = frozenset(
    {StateName.WAITING, StateName.ERROR, StateName.UNATTENDED, StateName.SUSPENDED}
)


def must_be_told(fault: Fault) -> bool:
    return (
        fault.kind in STOPS
        and ("/" in fault.target or fault.target in SOURCES)
        and (fault.lasts > TOLD_AFTER)
    )


def silent_victims(world: World, fault: Fault) -> Iterator[Violation]:
    """Called when *fault* has lasted for long, and still does."""
    for lane in world.mailboxes:
        if fault.target in targets_of(lane) and lane not in world.removed:
            said = said_of(world, lane)
            if said and said.name is StateName.RECEIVING:
                yield Violation(SAYS_SO, f"{fault}, and {lane} says {said.name}")


def complaints(world: World) -> Iterator[Violation]:
    for lane in world.mailboxes:
        said = said_of(world, lane)
        if said and said.name in COMPLAINTS and not is_shut(world, lane):
            yield Violation(NO_COMPLAINT, f"{lane} says {said.name}: {said.reason}")


def losses(world: World) -> Iterator[Violation]:
    """What lies in a mailbox that is shut cannot be listed again."""
    loss = world.stores.database.witness.loss
    if loss and not any(is_shut(world, lane) for lane in world.mailboxes):
        yield Violation(HEALED, f"that of {loss.noticed_at} is not")


def said_of(world: World, lane: str) -> MailboxState | None:
    """None if there is no such mailbox any more."""
    tenant, _, name = lane.partition("/")
    tables = world.stores.database.read(tenant)
    if name not in tables.mailboxes:
        return None
    rows = [row for (mailbox, _), row in tables.folder_syncs.items() if mailbox == name]
    now = world.clock.now()
    return state_of(tables.mailboxes[name], [row.folder_sync for row in rows], now)
