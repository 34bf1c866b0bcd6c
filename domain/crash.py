"""When a message is suspected of killing the process that handles it, and when it is given up.

A process that dies takes with it all that it had in hand, and of those no message says whose fault
it was. So a lease that runs out is counted apart from the attempts. From the second on the message
is a suspect: it runs alone in a process of its own, one at a time in an installation. Who is
innocent is done then, at no cost. Who kills that process too is given up after MAX_SOLO_CRASHES.
"""

from datetime import timedelta

SUSPECT_AFTER = 2
"""Crashes. A single one is often a deployment, or a machine that died."""

MAX_SOLO_CRASHES = 3

FIRST_WAIT = timedelta(seconds=15)
FACTOR = 4


def is_suspect(crashes: int) -> bool:
    return crashes >= SUSPECT_AFTER


def wait_after(solo_crashes: int) -> timedelta:
    """How long until the next try of a message that has killed so many processes, alone in each."""
    wait: timedelta = FIRST_WAIT * FACTOR ** (solo_crashes - 1)
    return wait
