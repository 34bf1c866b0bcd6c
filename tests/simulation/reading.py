"""How many messages of each mailbox are read at a time: some providers allow no more than four."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from postroom.domain.mailbox import Mailbox
from tests.simulation.mailboxes import lane_of

LANE_CAP = 4


@dataclass
class Readers:
    """*most* is the greatest number that there was of each lane."""

    now: Counter[str] = field(default_factory=Counter)
    most: Counter[str] = field(default_factory=Counter)

    @contextmanager
    def of(self, mailbox: Mailbox) -> Iterator[None]:
        lane = lane_of(mailbox)
        self.now[lane] += 1
        self.most[lane] = max(self.most[lane], self.now[lane])
        try:
            yield
        finally:
            self.now[lane] -= 1
