"""What must hold when the faults are over and a bounded quiet time has passed.

* fates       what is to become of each message
* ends        each has one end and one effect; nobody dies but by their own fault; nothing is left
* charges     attempts are charged for a message's own faults only, crashes where processes die
* calls       who is away is left alone
* latency     who is calm is quick, whatever others do
* events      a subscriber hears of each outcome, and of nothing else
* handing     an application gets each message once, is left alone when down, and waits for none
* states      a mailbox that cannot receive says so, and one that can does not complain; a loss of
              the queue is healed

Others are checked while a run goes on: that cursors follow the queue, and that positions which are
numbers never go back (world.py), that waits are as
long as meant (stores.py), that notices are answered, that Postroom stays up (service.py), that its
processes end well (supervision.py), and that no error is unforeseen (trace.py).
"""

from collections.abc import Iterator

from tests.simulation.rules import calls, charges, ends, events, handing, latency, states
from tests.simulation.trace import Violation
from tests.simulation.world import World


async def open_ends(world: World) -> list[Violation]:
    """What is not as it must be in the end, and may still become so."""
    return [
        *ends.of_messages(world),
        *await ends.left_over(world),
        *states.complaints(world),
        *states.losses(world),
        *handing.of_messages(world),
        *events.of_outcomes(world),
        *events.left_over(world),
    ]


async def all_at_the_end(world: World) -> list[Violation]:
    found = [*await open_ends(world), *await ends.dead_letters(world)]
    found += [*await ends.on_probation(world), *calls.calls(world)]
    found += [*charges.charges(world), *charges.crashes(world)]
    found += [*handing.at_the_end(world)]
    return [*found, *_latencies(world)]


def _latencies(world: World) -> Iterator[Violation]:
    if not world.was_down:
        yield from latency.latencies(world)
