"""A mailbox that was another system's: what of its mail that system has had, and what is ours.

Rule 1  What the provider took in before the moment of the takeover is the other system's.
Rule 2  Of what came in from then on, it has had what it says that it has handled.

It says so by Message-ID, or by the provider's own id where that is the same for both. A Message-ID
is the sender's choice, and several messages may have one; such a system has handled the first and
taken the others for it. So an entry stands for *one* message: the first of that name which comes to
us and which the provider took in before the entry says that it was handled.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

CLOCKS_DIFFER = timedelta(minutes=5)
"""By how much a message may seem to be taken in after it was handled: the clocks are three."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Takeover:
    """*since* is the moment. *handled*: when, by the name of the identity, as it is without digest.

    *sources* are those of messages (see `MessageIdentity`) that were handled.
    """

    since: datetime
    handled: Mapping[str, datetime] = field(default_factory=dict)
    sources: frozenset[str] = frozenset()


def may_be(received_at: datetime, handled_at: datetime) -> bool:
    """Whether a message that was taken in then may be the one that was handled then (rule 2)."""
    return received_at <= handled_at + CLOCKS_DIFFER
