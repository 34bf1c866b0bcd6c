"""Events of sources: an outage is one, however many mailboxes and messages wait for its end."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import structlog

from postroom.application.track_sources import SourceTracker, TrackSources
from postroom.entrypoints.telemetry.sdk import Telemetry

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class ObservedSources(SourceTracker):
    sources: TrackSources
    telemetry: Telemetry

    def mark(self) -> int:
        return self.sources.mark()

    async def wait(self, sources: Sequence[str], *, is_new: bool = False) -> timedelta | None:
        wait = await self.sources.wait(sources, is_new=is_new)
        self._measure()
        return wait

    async def failed(self, source: str, mailbox: str, *, mark: int | None = None) -> int:
        mailboxes = await self.sources.failed(source, mailbox, mark=mark)
        if mailboxes:
            log.error("source.away", source=source, mailboxes=mailboxes)
        self._measure()
        return mailboxes

    async def answered(self, sources: Sequence[str]) -> Mapping[str, timedelta]:
        closed = await self.sources.answered(sources)
        for source, away in closed.items():
            log.info("source.back", source=source, seconds=round(away.total_seconds()))
        self._measure()
        return closed

    def _measure(self) -> None:
        self.telemetry.instruments.sources_away.value = self.sources.away
