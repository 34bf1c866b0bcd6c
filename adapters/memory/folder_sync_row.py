"""What of a folder_sync is kept beside it, and how both change."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from postroom.domain.folder_sync import FolderSync, Request


@dataclass(frozen=True, slots=True)
class FolderSyncRow:
    """Every change makes a greater version of the *folder_sync*.

    *requested* and *claimed* are the versions that each request, and the last take, made. Whoever
    took it has it to themselves until *leased_until*.
    """

    folder_sync: FolderSync
    requested: Mapping[Request, int] = field(default_factory=dict)
    claimed: int = 0
    leased_until: datetime | None = None

    def is_ready(self, now: datetime) -> bool:
        return self.folder_sync.due_at <= now and (
            self.leased_until is None or self.leased_until <= now
        )

    def take(self, until: datetime, version: int) -> "FolderSyncRow":
        folder_sync = replace(self.folder_sync, version=version)
        return replace(self, folder_sync=folder_sync, claimed=version, leased_until=until)

    def save(self, made: FolderSync) -> "FolderSyncRow":
        """With what the last who took it has *made* of it, and with what was asked since."""
        kept, unchanged = self.folder_sync, self.folder_sync.version == self.claimed
        requested = {
            what: by
            for what, by in self.requested.items()
            if what in made.requests or by > self.claimed
        }
        folder_sync = replace(
            made,
            due_at=made.due_at if unchanged else kept.due_at,
            requests=frozenset(requested),
            version=kept.version,
        )
        return replace(self, folder_sync=folder_sync, requested=requested, leased_until=None)

    def request(self, request: Request, now: datetime, version: int) -> "FolderSyncRow":
        requested = {**self.requested, request: version}
        row = self.wake(now, version)
        folder_sync = replace(row.folder_sync, requests=frozenset(requested))
        return replace(row, folder_sync=folder_sync, requested=requested)

    def wake(self, at: datetime, version: int) -> "FolderSyncRow":
        """Due *at* that moment, if it was not before."""
        due_at = min(at, self.folder_sync.due_at)
        return replace(self, folder_sync=replace(self.folder_sync, due_at=due_at, version=version))
