"""MailboxCheck: in memory, and each provider's at its emulator."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from postroom.adapters.memory.clock import ManualClock
from postroom.application.ports import CheckStep, MailboxCheck
from postroom.domain.mailbox import Mailbox
from postroom.entrypoints.emulators.imap_server import ImapServer
from tests.adapters.gmail_rig import gmail_rig
from tests.adapters.imap_rig import PASSWORD
from tests.adapters.login_rig import login_rig
from tests.contracts.check_stages import Gmail, Graph, Imap, InMemory, Stage
from tests.contracts.samples import google_mailbox, imap_mailbox, microsoft_mailbox

PORTS = {MailboxCheck}


@pytest.fixture(params=["memory", "graph", "gmail", "imap"])
async def stage(
    request: pytest.FixtureRequest, clock: ManualClock, imap_certificate: Path
) -> AsyncIterator[Stage]:
    match request.param:
        case "memory":
            yield InMemory()
        case "graph":
            async with login_rig(clock, imap_certificate) as login, login.client() as client:
                yield Graph(login, client)
        case "gmail":
            async with gmail_rig(clock) as rig:
                yield Gmail(rig)
        case _:
            async with ImapServer({"ann": PASSWORD}) as server:
                yield Imap(server)


async def steps(stage: Stage, mailbox: Mailbox | None = None) -> list[CheckStep]:
    return [step async for step in stage.check.check(mailbox or stage.mailbox)]


async def test_a_mailbox_that_can_be_used_passes_every_step(stage: Stage) -> None:
    taken = await steps(stage)

    assert not any(step.failed or step.remedy for step in taken)
    assert len({step.step for step in taken}) == len(taken)


async def test_its_steps_have_names_that_do_not_change(stage: Stage) -> None:
    assert [step.step for step in await steps(stage)] == list(stage.names)


@pytest.mark.parametrize(
    "breaks", ["refuse_to_sign_in", "refuse_to_read", "break_down", "lose_a_folder"]
)
async def test_the_first_step_that_fails_is_the_last_and_says_what_to_do(
    stage: Stage, breaks: str
) -> None:
    passed = dict(stage.passed)
    if breaks not in passed:
        return  # it has no folders to lose
    getattr(stage, breaks)()

    *before, last = await steps(stage)

    assert [step.step for step in before] == list(stage.names[: passed[breaks]])
    assert not any(step.failed for step in before)
    assert last.failed
    assert last.remedy or (stage.explains and ": " in last.failed)
    assert "@" not in last.failed


async def test_a_step_is_reported_before_the_next_one_is_tried(stage: Stage) -> None:
    taken = stage.check.check(stage.mailbox)
    first = await anext(taken)
    stage.break_down()

    second = await anext(taken)

    assert (bool(first.failed), bool(second.failed)) == (False, True)


@pytest.mark.parametrize(
    "mailbox",
    [microsoft_mailbox(), google_mailbox(), imap_mailbox()],
    ids=lambda mailbox: mailbox.provider,
)
async def test_a_mailbox_that_it_knows_nothing_of_is_no_reason_to_crash(
    stage: Stage, mailbox: Mailbox
) -> None:
    assert await steps(stage, mailbox)


async def test_it_only_reads(stage: Stage) -> None:
    await steps(stage)

    assert stage.written() == 0
