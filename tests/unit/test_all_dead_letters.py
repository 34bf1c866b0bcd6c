"""Dead letters of the queue and of handovers are read as one list, page by page."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from postroom.adapters.memory.applications import InMemoryApplications
from postroom.adapters.memory.clock import ManualClock
from postroom.adapters.memory.database import InMemoryDatabase
from postroom.application.all_dead_letters import AllDeadLetters
from postroom.application.dead_letter_pages import beginning, page_of
from postroom.application.ports import DeadLetterPage, DeadLetterQueue, HandoverRecord
from postroom.application.redrive_dead_letters import RedriveDeadLetters
from postroom.domain.dead_letter import EVERY_LETTER, DeadLetter, DeadLetterFilter
from postroom.domain.failure import AccessFailed
from postroom.domain.handover.application import Application, Role
from postroom.domain.handover.handover import Handover, State
from tests.contracts.handing_over import CRM
from tests.unit.fake_handovers import FakeApplications, FakeHandoverRecords

AT = datetime(2030, 1, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def pointer(second: int) -> DeadLetter:
    died_at = AT + second * SECOND
    return DeadLetter(
        id=f"p{second}",
        tenant="acme",
        mailbox="support",
        job=None,
        attempts=1,
        reasons=((died_at, "HTTP 500"),),
        died_at=died_at,
    )


def handover(second: int, key: str = "") -> HandoverRecord:
    ended_at = AT + second * SECOND
    one = Handover(
        tenant="acme",
        application="crm",
        key=key or f"msg_{second}",
        mailbox="support",
        identity="rfc5322:a@x",
        received_at=AT,
        accepted_at=AT,
        state=State.DEAD,
        due_at=AT,
        reason="HTTP 500",
        ended_at=ended_at,
    )
    return HandoverRecord(one, job=None, raw="", raw_size=0, body_size=0, last_answer={})


class FakeQueue(DeadLetterQueue):
    def __init__(self, *letters: DeadLetter) -> None:
        self.letters = sorted(letters, key=lambda letter: letter.died_at, reverse=True)

    async def dead_letters(
        self, chosen: DeadLetterFilter = EVERY_LETTER, *, limit: int = 100, after: str = ""
    ) -> DeadLetterPage:
        before = beginning(chosen, after)
        looked_at = [each for each in self.letters if before is None or each.died_at < before]
        return page_of(looked_at[:200], chosen, limit)

    async def dead_letter(self, job_id: str) -> DeadLetter | None:
        return next((each for each in self.letters if each.id == job_id), None)

    async def redrive(self, job_ids: list[str]) -> list[str]:  # type: ignore[override]
        return job_ids

    async def purge(self, job_ids: list[str]) -> list[str]:  # type: ignore[override]
        return job_ids


def applications(*there: Application) -> FakeApplications:
    return FakeApplications(list(there or [CRM]))


async def every(letters: AllDeadLetters, limit: int) -> list[str]:
    ids, after = [], ""
    while True:
        page = await letters.dead_letters(limit=limit, after=after)
        ids += [letter.id for letter in page.letters]
        if not page.next:
            return ids
        assert page.next != after
        after = page.next


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 100])
async def test_each_is_on_one_page_and_the_newest_is_first(limit: int) -> None:
    letters = AllDeadLetters(
        FakeQueue(*(pointer(second) for second in (0, 3, 4, 9))),
        FakeHandoverRecords([handover(second) for second in (1, 2, 5, 6, 8)]),
        applications(),
    )

    assert await every(letters, limit) == [
        *("p9", "crm:msg_8", "crm:msg_6", "crm:msg_5", "p4", "p3", "crm:msg_2", "crm:msg_1", "p0"),
    ]


@pytest.mark.parametrize("limit", [1, 2, 100])
async def test_those_that_died_at_once_are_on_one_page(limit: int) -> None:
    letters = AllDeadLetters(
        FakeQueue(pointer(1)),
        FakeHandoverRecords([handover(1, f"msg_{key}") for key in "abc"]),
        applications(),
    )

    assert sorted(await every(letters, limit)) == ["crm:msg_a", "crm:msg_b", "crm:msg_c", "p1"]


async def test_many_of_one_kind_hide_none_of_the_other() -> None:
    letters = AllDeadLetters(
        FakeQueue(*(pointer(second) for second in range(500, 750))),
        FakeHandoverRecords([handover(second) for second in range(450)]),
        applications(),
    )

    assert len(await every(letters, 50)) == 700


async def test_what_is_not_dead_has_no_letter() -> None:
    waiting = handover(1)
    waiting = replace(waiting, handover=replace(waiting.handover, state=State.WAITING))
    letters = AllDeadLetters(FakeQueue(), FakeHandoverRecords([waiting]), applications())

    assert await letters.dead_letter("crm:msg_1") is None


async def test_what_nobody_would_call_with_is_counted_and_stays() -> None:
    letters = AllDeadLetters(
        FakeQueue(pointer(2)),
        FakeHandoverRecords([handover(1)]),
        applications(replace(CRM, name="archive")),
    )
    dead_letters = RedriveDeadLetters(letters, ManualClock())

    surveys = [survey async for survey in dead_letters.survey(EVERY_LETTER)]
    steps = [step async for step in dead_letters.redrive(EVERY_LETTER)]

    assert (surveys[-1].matched, surveys[-1].orphaned) == (2, 1)
    assert (steps[-1].matched, steps[-1].done) == (2, 1)


@pytest.mark.parametrize(
    ("there", "is_orphaned"),
    [
        (replace(CRM, name="audit", role=Role.SUBSCRIBER), False),
        (replace(CRM, name="audit"), True),
        (CRM, True),
    ],
)
async def test_an_event_is_its_subscribers_and_no_applications(
    there: Application,
    is_orphaned: bool,  # noqa: FBT001
) -> None:
    record = handover(1, "evt_1")
    event = replace(record, handover=replace(record.handover, application="audit", mailbox=""))
    applications = InMemoryApplications(InMemoryDatabase())
    await applications.add(there)
    letters = AllDeadLetters(FakeQueue(), FakeHandoverRecords([event]), applications)

    letter = await letters.dead_letter("audit:evt_1")

    assert letter
    assert letter.is_orphaned is is_orphaned


async def test_an_application_whose_secrets_are_unreadable_is_there_still() -> None:
    class Unreadable(FakeApplications):
        async def get(self, tenant: str, name: str) -> Application | None:
            raise AccessFailed(f"the secrets of {name} of {tenant}")

    letters = AllDeadLetters(FakeQueue(), FakeHandoverRecords([handover(1)]), Unreadable())

    letter = await letters.dead_letter("crm:msg_1")

    assert letter
    assert not letter.is_orphaned
