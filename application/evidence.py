"""Evidence that a mailbox answers, without which no message is charged (`domain/blame.py`)."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta

from postroom.application.ports import Provider
from postroom.application.providers import Providers
from postroom.application.track_sources import SourceTracker
from postroom.domain.failure import Failure, FolderMissing
from postroom.domain.mailbox import Mailbox

PROBE_WITHIN = timedelta(seconds=30)

MAX_MAILBOXES = 10_000
"""Whose last success is remembered. Of one that is forgotten, a probe tells the same."""

_Name = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Mark:
    """When an attempt began, by what had succeeded by then: of mailboxes, and of *sources*."""

    mailboxes: int
    sources: int


@dataclass(slots=True)
class _Probe:
    """On its way for as long as there are any *waiting*."""

    task: asyncio.Task[bool]
    waiting: int = 0


@dataclass(slots=True)
class Evidence:
    """What this process has seen of each mailbox, and what a probe shows.

    A probe is the cheapest call that reads something of the mailbox: it asks for a position. There
    is one at a time for a mailbox, whoever waits for it; and none while its source is left alone.
    """

    providers: Providers
    sources: SourceTracker
    probe_within: timedelta = PROBE_WITHIN
    _count: int = 0
    _successes: dict[_Name, int] = field(default_factory=dict, repr=False)
    _probes: dict[_Name, _Probe] = field(default_factory=dict, repr=False)

    def mark(self) -> Mark:
        """To be taken when an attempt begins."""
        return Mark(self._count, self.sources.mark())

    def saw(self, mailbox: Mailbox) -> None:
        """Something of *mailbox* was read just now."""
        self._count += 1
        name = _name(mailbox)
        self._successes.pop(name, None)  # so that the oldest come first
        self._successes[name] = self._count
        if len(self._successes) > MAX_MAILBOXES:
            del self._successes[next(iter(self._successes))]

    async def answers(self, mailbox: Mailbox, mark: Mark) -> bool:
        """Whether something of *mailbox* could be read since *mark*, or can be now."""
        if self._successes.get(_name(mailbox), 0) > mark.mailboxes:
            return True
        probe = self._probes.get(_name(mailbox))
        if probe is None:
            task = asyncio.create_task(self._probe(mailbox))
            probe = self._probes[_name(mailbox)] = _Probe(task)
        probe.waiting += 1
        try:
            return await asyncio.shield(probe.task)
        finally:
            probe.waiting -= 1
            if not probe.waiting:  # it has ended, or nobody is left who wants to know
                del self._probes[_name(mailbox)]
                probe.task.cancel()

    async def _probe(self, mailbox: Mailbox) -> bool:
        try:
            provider = self.providers.serving(mailbox.provider)
            if await self.sources.wait(provider.sources_of(mailbox.account)) is not None:
                return False
            async with asyncio.timeout(self.probe_within.total_seconds()):
                return await self._reads_something(provider, mailbox)
        except (Failure, TimeoutError):
            return False

    async def _reads_something(self, provider: Provider, mailbox: Mailbox) -> bool:
        folders: Sequence[str] = mailbox.account.folders
        if not folders:
            return False
        with suppress(FolderMissing):  # so the mailbox has told us
            await provider.changes.position(mailbox, folders[0])
        self.saw(mailbox)
        return True


def _name(mailbox: Mailbox) -> _Name:
    return mailbox.tenant, mailbox.id
