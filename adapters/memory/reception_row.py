"""What of a reception is kept beside it, and how both change."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from postroom.domain.reception import Reception, Request


@dataclass(frozen=True, slots=True)
class ReceptionRow:
    """Every change makes a greater version of the *reception*.

    *requested* and *taken* are the versions that each request, and the last take, made. Whoever
    took it has it to themselves until *held_until*.
    """

    reception: Reception
    requested: Mapping[Request, int] = field(default_factory=dict)
    taken: int = 0
    held_until: datetime | None = None

    def is_ready(self, now: datetime) -> bool:
        return self.reception.due_at <= now and (self.held_until is None or self.held_until <= now)

    def take(self, until: datetime, version: int) -> "ReceptionRow":
        reception = replace(self.reception, version=version)
        return replace(self, reception=reception, taken=version, held_until=until)

    def save(self, made: Reception) -> "ReceptionRow":
        """With what the last who took it has *made* of it, and with what was asked since."""
        kept, unchanged = self.reception, self.reception.version == self.taken
        requested = {
            what: by
            for what, by in self.requested.items()
            if what in made.requests or by > self.taken
        }
        reception = replace(
            made,
            due_at=made.due_at if unchanged else kept.due_at,
            requests=frozenset(requested),
            version=kept.version,
        )
        return replace(self, reception=reception, requested=requested, held_until=None)

    def request(self, request: Request, now: datetime, version: int) -> "ReceptionRow":
        requested = {**self.requested, request: version}
        row = self.wake(now, version)
        reception = replace(row.reception, requests=frozenset(requested))
        return replace(row, reception=reception, requested=requested)

    def wake(self, at: datetime, version: int) -> "ReceptionRow":
        """Due *at* that moment, if it was not before."""
        due_at = min(at, self.reception.due_at)
        return replace(self, reception=replace(self.reception, due_at=due_at, version=version))
