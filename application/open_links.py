"""The links of a message that is handed over: who may follow them, and what they lead to.

They work as long as the original is stored, for whoever shows a content token of one of its calls,
and for its tenant.
"""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import TypeVar

from postroom.application.ports import (
    Applications,
    BlobStore,
    Clock,
    HandoverRecord,
    HandoverRecords,
    Kind,
    Offload,
)
from postroom.domain.handover.content_token import ContentTokens, Links
from postroom.domain.mail.contents import Content, PartOf, read_html, read_part, read_text

WantedT = TypeVar("WantedT")


@dataclass(frozen=True, slots=True)
class OpenLinks:
    """Finds whose links somebody may follow."""

    records: HandoverRecords
    applications: Applications
    tokens: ContentTokens
    clock: Clock

    async def for_tenant(self, tenant: str, key: str) -> HandoverRecord | None:
        record = await self.records.get(key, tenant=tenant)
        return record if record and record.handover.key == key else None

    async def for_token(self, token: str, key: str) -> HandoverRecord | None:
        """None whatever the reason, so that nobody learns which messages there are."""
        record = await self.records.get(key)
        if record is None:
            return None
        async for application in self._handed_to(record):
            links = Links(record.handover.tenant, application, key)
            if self.tokens.opens(token, links, self.clock.now()):
                return await self.records.get(key, tenant=links.tenant, application=application)
        return None

    async def _handed_to(self, record: HandoverRecord) -> AsyncIterator[str]:
        """The applications that may have the message: a token does not say whose it is."""
        yield record.handover.application
        for application in await self.applications.all(tenant=record.handover.tenant):
            yield application.name


@dataclass(frozen=True, slots=True)
class ReadContent:
    """Reads what a link leads to; None if that is not there, or not any more."""

    blobs: BlobStore
    offload: Offload

    async def original(self, record: HandoverRecord) -> Content | None:
        raw = await self._raw(record)
        if raw is None:
            return None
        return Content("message.eml", "message/rfc822", raw, sha256=record.raw)

    async def part(self, record: HandoverRecord, number: str) -> Content | None:
        raw = await self._raw(record)
        return await self._read(read_part, PartOf(raw, number), len(raw)) if raw else None

    async def html(self, record: HandoverRecord) -> Content | None:
        raw = await self._raw(record)
        return await self._read(read_html, raw, len(raw)) if raw else None

    async def text(self, record: HandoverRecord) -> Content | None:
        raw = await self._raw(record)
        return await self._read(read_text, raw, len(raw)) if raw else None

    async def _raw(self, record: HandoverRecord) -> bytes | None:
        return await self.blobs.get(record.handover.tenant, record.raw) if record.raw else None

    async def _read(
        self, work: Callable[[WantedT], Content | None], wanted: WantedT, size: int
    ) -> Content | None:
        return await self.offload(Kind.MAIL, work, wanted, size=size)
