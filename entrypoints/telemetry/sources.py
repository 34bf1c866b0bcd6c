"""Events of sources: an outage is one, however many mailboxes and messages wait for its end."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import structlog

from postroom.application.track_sources import SourceTracker

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class ObservedSources(SourceTracker):
    sources: SourceTracker

    def mark(self) -> int:
        return self.sources.mark()

    async def wait(self, sources: Sequence[str], *, is_new: bool = False) -> timedelta | None:
        return await self.sources.wait(sources, is_new=is_new)

    async def failed(self, source: str, mailbox: str, *, mark: int | None = None) -> bool:
        opened = await self.sources.failed(source, mailbox, mark=mark)
        if opened:
            log.error("source.away", source=source)
        return opened

    async def answered(self, sources: Sequence[str]) -> Sequence[str]:
        closed = await self.sources.answered(sources)
        for source in closed:
            log.info("source.back", source=source)
        return closed
