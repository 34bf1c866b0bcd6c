"""Handovers and applications to be looked up, as far as links do."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from postroom.application.ports import (
    Applications,
    HandoverFilter,
    HandoverRecord,
    HandoverRecords,
)
from postroom.domain.dead_letter import DeadLetterFilter
from postroom.domain.handover.application import Application
from postroom.domain.handover.handover import State


@dataclass
class FakeHandoverRecords(HandoverRecords):
    records: list[HandoverRecord] = field(default_factory=list)

    async def get(
        self, key: str, *, tenant: str = "", application: str = ""
    ) -> HandoverRecord | None:
        for record in self.records:
            handover = record.handover
            if (
                handover.key == key
                and tenant in ("", handover.tenant)
                and application in ("", handover.application)
            ):
                return record
        return None

    async def find(
        self, chosen: HandoverFilter, *, limit: int = 100, after: str = ""
    ) -> Sequence[HandoverRecord]:
        raise NotImplementedError

    async def dead(
        self, chosen: DeadLetterFilter, *, before: datetime | None, limit: int
    ) -> Sequence[HandoverRecord]:
        dead = [
            each
            for each in self.records
            if chosen.mailbox in ("", each.handover.mailbox)
            and (before is None or died_at(each) < before)
        ]
        dead.sort(key=died_at, reverse=True)
        return [each for each in dead if died_at(each) >= died_at(dead[:limit][-1])]

    async def body(self, record: HandoverRecord) -> bytes | None:
        raise NotImplementedError

    async def move(self, record: HandoverRecord, to: State, reason: str) -> bool:
        raise NotImplementedError

    async def discard(self, application: Application) -> int:
        raise NotImplementedError

    async def expired(self, *, limit: int, default: timedelta) -> int:
        raise NotImplementedError


def died_at(record: HandoverRecord) -> datetime:
    return record.handover.ended_at or record.handover.due_at


@dataclass
class FakeApplications(Applications):
    applications: list[Application] = field(default_factory=list)

    async def all(self, *, tenant: str | None = None) -> Sequence[Application]:
        return [each for each in self.applications if tenant is None or each.tenant in ("", tenant)]

    async def subscribers(self) -> Sequence[Application]:
        raise NotImplementedError

    async def add(self, application: Application) -> None:
        raise NotImplementedError

    async def owned(self, owner: str, name: str) -> Application | None:
        return await self.get(owner, name)

    async def get(self, tenant: str, name: str) -> Application | None:
        found = await self.all(tenant=tenant)
        return next((each for each in found if each.name == name), None)

    async def replace(self, before: Application, after: Application) -> bool:
        raise NotImplementedError

    async def remove(self, application: Application) -> bool:
        raise NotImplementedError

    async def route(self, tenant: str) -> str:
        raise NotImplementedError

    async def set_route(self, tenant: str, name: str) -> None:
        raise NotImplementedError
