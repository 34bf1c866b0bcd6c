"""Evidence that a mailbox answers."""

import asyncio
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from postroom.adapters.memory.changes import InMemoryChanges
from postroom.adapters.memory.circuits import InMemoryCircuitStore
from postroom.adapters.memory.clock import ManualClock
from postroom.adapters.memory.provider import InMemoryProvider
from postroom.adapters.microsoft.account import MicrosoftAccount
from postroom.adapters.microsoft.pointer import MicrosoftPointer
from postroom.application.evidence import Evidence
from postroom.application.providers import Providers
from postroom.application.track_sources import TrackSources
from postroom.domain.failure import AccessFailed, Failure, FolderMissing, Unavailable
from postroom.domain.mailbox import Mailbox
from tests.consuming import largest
from tests.contracts.samples import imap_mailbox, microsoft_mailbox

SALES = microsoft_mailbox()
OTHER = replace(SALES, id="other", address="other@acme.example")


class Probed(InMemoryChanges):
    """Counts the probes, which go on for as long as it *hangs*, and end with *failure*, if any."""

    def __init__(self) -> None:
        super().__init__()
        self.probes = 0
        self.hangs = False
        self.given_up = 0
        self.failure: Failure | None = None

    async def position(self, mailbox: Mailbox, folder: str) -> str:
        self.probes += 1
        await asyncio.sleep(0)
        if self.hangs:
            try:
                await asyncio.Event().wait()
            finally:
                self.given_up += 1
        if self.failure:
            raise self.failure
        return await super().position(mailbox, folder)


@dataclass
class Rig:
    changes: Probed
    sources: TrackSources
    evidence: Evidence


@pytest.fixture
def rig(clock: ManualClock) -> Rig:
    changes = Probed()
    provider = InMemoryProvider(
        name="microsoft", account=MicrosoftAccount, pointer=MicrosoftPointer, changes=changes
    )
    sources = TrackSources(InMemoryCircuitStore(clock), draw=largest)
    return Rig(changes, sources, Evidence(Providers([provider()]), sources))


async def test_a_success_after_the_attempt_began_is_evidence_without_a_call(rig: Rig) -> None:
    mark = rig.evidence.mark()
    rig.evidence.saw(SALES)

    assert await rig.evidence.answers(SALES, mark)
    assert rig.changes.probes == 0


async def test_one_before_it_began_is_none_and_neither_is_one_of_another_mailbox(rig: Rig) -> None:
    rig.changes.failure = Unavailable("503")
    rig.evidence.saw(SALES)
    mark = rig.evidence.mark()
    rig.evidence.saw(OTHER)

    assert not await rig.evidence.answers(SALES, mark)


async def test_a_probe_that_reads_something_is_evidence(rig: Rig) -> None:
    mark = rig.evidence.mark()

    assert await rig.evidence.answers(SALES, mark)
    assert await rig.evidence.answers(SALES, mark)
    assert rig.changes.probes == 1


@pytest.mark.parametrize("failure", [Unavailable("503"), AccessFailed("403")])
async def test_a_probe_that_fails_is_none(rig: Rig, failure: Failure) -> None:
    rig.changes.failure = failure

    assert not await rig.evidence.answers(SALES, rig.evidence.mark())


async def test_a_mailbox_that_says_that_a_folder_is_missing_has_answered(rig: Rig) -> None:
    rig.changes.failure = FolderMissing()

    assert await rig.evidence.answers(SALES, rig.evidence.mark())


async def test_a_probe_that_hangs_is_none(rig: Rig) -> None:
    rig.changes.hangs = True
    evidence = replace(rig.evidence, probe_within=timedelta(milliseconds=1))

    assert not await evidence.answers(SALES, evidence.mark())


async def test_however_many_jobs_fail_at_once_one_probe_is_made_for_all(rig: Rig) -> None:
    rig.changes.failure = Unavailable("503")
    mark = rig.evidence.mark()

    answers = await asyncio.gather(*(rig.evidence.answers(SALES, mark) for _ in range(4)))

    assert answers == [False] * 4
    assert rig.changes.probes == 1


async def test_a_probe_ends_with_the_last_who_waits_for_it(rig: Rig) -> None:
    rig.changes.hangs = True
    mark = rig.evidence.mark()
    first, last = (asyncio.create_task(rig.evidence.answers(SALES, mark)) for _ in range(2))
    await _let_all_go_on()

    first.cancel()
    await _let_all_go_on()
    assert rig.changes.given_up == 0

    last.cancel()
    await _let_all_go_on()
    assert rig.changes.given_up == 1

    rig.changes.hangs = False
    assert await rig.evidence.answers(SALES, mark)


async def test_a_source_that_is_left_alone_is_not_probed(rig: Rig) -> None:
    for mailbox in ("a/a", "a/b", "a/c"):
        await rig.sources.failed("microsoft", mailbox)

    assert not await rig.evidence.answers(SALES, rig.evidence.mark())
    assert rig.changes.probes == 0


async def test_a_mailbox_of_a_provider_that_is_not_here_does_not_answer(rig: Rig) -> None:
    assert not await rig.evidence.answers(imap_mailbox(), rig.evidence.mark())


async def _let_all_go_on() -> None:
    for _ in range(10):
        await asyncio.sleep(0)
