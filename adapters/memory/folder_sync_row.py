"""What is stored of a folder sync beside itself, and how both change."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from postroom.domain.folder_sync import FolderSync, Request


@dataclass(frozen=True, slots=True)
class FolderSyncRow:
    """Every claim and every request makes a greater *version*.

    *requested* and *claimed* are the versions that each request, and the last claim, made. Who has
    claimed it has it to themselves until *leased_until*. Mail from *listed_from* on was queued last
    at *listed_at*: see `FolderSyncs.record_reach`.
    """

    folder_sync: FolderSync
    version: int
    requested: Mapping[Request, int] = field(default_factory=dict)
    claimed: int = 0
    leased_until: datetime | None = None
    listed_from: datetime | None = None
    listed_at: datetime | None = None

    def is_free(self, now: datetime) -> bool:
        return self.leased_until is None or self.leased_until <= now

    def is_due(self, now: datetime) -> bool:
        return self.is_free(now) and self.folder_sync.due_at <= now

    def may_be_retried(self, now: datetime) -> bool:
        return self.folder_sync.retry_at is None or self.folder_sync.retry_at <= now

    def claim(self, until: datetime, version: int) -> "FolderSyncRow":
        claimed = replace(self.folder_sync, token=version)
        return replace(
            self, folder_sync=claimed, version=version, claimed=version, leased_until=until
        )

    def renew(self, until: datetime) -> "FolderSyncRow":
        """With all that has been requested since it was claimed."""
        renewed = replace(self.folder_sync, token=self.version)
        return replace(self, folder_sync=renewed, claimed=self.version, leased_until=until)

    def save(self, made: FolderSync, leased_until: datetime | None) -> "FolderSyncRow":
        """With what the claim has *made* of it, and with what was requested since."""
        stored = self.folder_sync
        due_at = made.due_at if self.version == self.claimed else stored.due_at
        requested = {
            what: by
            for what, by in self.requested.items()
            if what in made.requests or by > self.claimed
        }
        folder_sync = replace(
            made,
            due_at=max(due_at, made.retry_at or due_at),
            requests=frozenset(requested),
            position=stored.position,
            position_at=stored.position_at,
            backfill_from=stored.backfill_from,
            lost_at=stored.lost_at,
            dead_before=stored.dead_before,
            heard_at=stored.heard_at,
            announced_to=stored.announced_to,
            token=stored.token,
        )
        return replace(
            self, folder_sync=folder_sync, requested=requested, leased_until=leased_until
        )

    def request(self, request: Request, at: datetime, version: int) -> "FolderSyncRow":
        """Due *at* that moment, if it was not before, unless its retry is not due then."""
        requested = {**self.requested, request: version}
        due_at = min(at, self.folder_sync.due_at)
        folder_sync = replace(
            self.folder_sync,
            due_at=max(due_at, self.folder_sync.retry_at or due_at),
            requests=frozenset(requested),
        )
        return replace(self, folder_sync=folder_sync, requested=requested, version=version)

    def announced(self, number: int, now: datetime) -> "FolderSyncRow":
        announced_to = max(number, self.folder_sync.announced_to)
        heard = replace(self.folder_sync, heard_at=now, announced_to=announced_to)
        return replace(self, folder_sync=heard)

    def forget_announced(self) -> "FolderSyncRow":
        return replace(self, folder_sync=replace(self.folder_sync, announced_to=0))

    def move_backfill(self, after: datetime | None) -> "FolderSyncRow":
        """Its end is that of all that it was to make good."""
        stored = self.folder_sync
        lost_at, dead_before = (stored.lost_at, stored.dead_before) if after else (None, None)
        moved = replace(stored, backfill_from=after, lost_at=lost_at, dead_before=dead_before)
        return replace(self, folder_sync=moved)

    def backfill(self, since: datetime, dead_before: datetime | None) -> "FolderSyncRow":
        """With a backfill from *since*, or from earlier."""
        stored = self.folder_sync
        begin = min(since, stored.backfill_from or since)
        if dead_before:  # a microsecond earlier, a run that goes on moves it no more
            begin -= timedelta.resolution
        latest = max(filter(None, (dead_before, stored.dead_before)), default=None)
        backfilled = replace(stored, backfill_from=begin, dead_before=latest)
        return replace(self, folder_sync=backfilled)

    def reach(self, since: datetime, now: datetime, held_since: datetime) -> "FolderSyncRow":
        """With mail from *since* on queued *now*; all before *held_since* has ended."""
        earlier = self._reached(held_since)
        return replace(self, listed_from=min(since, earlier or since), listed_at=now)

    def relist(self, since: datetime, added_at: datetime, lost_at: datetime) -> "FolderSyncRow":
        """With a backfill from *since*, or from earlier; it is another one in any case."""
        moments = max(since, added_at), self.folder_sync.backfill_from, self._reached(since)
        begin = min(filter(None, moments)) - timedelta.resolution
        return replace(
            self, folder_sync=replace(self.folder_sync, backfill_from=begin, lost_at=lost_at)
        )

    def _reached(self, held_since: datetime) -> datetime | None:
        """How far back the lists reached whose jobs may be in the queue still."""
        return self.listed_from if self.listed_at and self.listed_at >= held_since else None
