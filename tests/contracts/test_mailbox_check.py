"""MailboxCheck: in memory, and Graph's, with the emulator's login."""

from abc import abstractmethod
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import pytest

from postroom.adapters.memory.check import InMemoryMailboxCheck
from postroom.adapters.memory.clock import ManualClock
from postroom.adapters.microsoft.check import GraphMailboxCheck
from postroom.adapters.microsoft.client import GraphClient
from postroom.application.ports import CheckStep, MailboxCheck
from postroom.domain.mailbox import Mailbox
from tests.adapters.graph_rig import ACCOUNT, RAW, USER, a_mailbox
from tests.adapters.login_rig import Login, login_rig
from tests.contracts.samples import google_mailbox, imap_mailbox

PORTS = {MailboxCheck}

FOLDERS = ("inbox", "Inbox/Orders", "junkemail")


class Stage(Protocol):
    """A check under test, and what is wrong with the *mailbox* that it tries: nothing, at first."""

    check: MailboxCheck
    mailbox: Mailbox = a_mailbox(account=replace(ACCOUNT, folders=FOLDERS))

    @abstractmethod
    def refuse_to_sign_in(self) -> None: ...

    @abstractmethod
    def refuse_to_read(self) -> None: ...

    @abstractmethod
    def lose_a_folder(self) -> None:
        """The second one."""

    @abstractmethod
    def break_down(self) -> None:
        """Be away for whoever reads, the next time."""

    @abstractmethod
    def written(self) -> int:
        """How often somebody did more than look."""


class InMemory(Stage):
    def __init__(self) -> None:
        self.check = self._check = InMemoryMailboxCheck()

    def refuse_to_sign_in(self) -> None:
        self._fail("signing in")

    def refuse_to_read(self) -> None:
        self._fail("reading the mailbox")

    def lose_a_folder(self) -> None:
        self._fail("finding the folder Inbox/Orders")

    def break_down(self) -> None:
        self._fail("reading the mailbox")

    def _fail(self, step: str) -> None:
        self._check.failed[step] = CheckStep(step, "it does not work", "mend it")

    def written(self) -> int:
        return 0


class Graph(Stage):
    def __init__(self, login: Login, client: GraphClient) -> None:
        self.check = GraphMailboxCheck(client)
        self._graph = login.graph
        self._graph.add_folder(USER, "Inbox/Orders")
        self._message = self._graph.deliver(USER, RAW)

    def refuse_to_sign_in(self) -> None:
        self._graph.register(ACCOUNT.directory, ACCOUNT.client_id, "another secret by now")

    def refuse_to_read(self) -> None:
        """Not even where messages are listed."""
        self._graph.fail(self._message, status=403, code="ErrorAccessDenied")

    def lose_a_folder(self) -> None:
        self._graph.remove_folder(USER, "Inbox/Orders")

    def break_down(self) -> None:
        self._graph.fail(USER, status=503)

    def written(self) -> int:
        return sum(request.method != "GET" for request in self._graph.requests)


@pytest.fixture(params=["memory", "graph"])
async def stage(
    request: pytest.FixtureRequest, clock: ManualClock, imap_certificate: Path
) -> AsyncIterator[Stage]:
    if request.param == "memory":
        yield InMemory()
        return
    async with login_rig(clock, imap_certificate) as login, login.client() as client:
        yield Graph(login, client)


async def steps(stage: Stage, mailbox: Mailbox | None = None) -> list[CheckStep]:
    return [step async for step in stage.check.check(mailbox or stage.mailbox)]


async def test_a_mailbox_that_can_be_used_passes_every_step(stage: Stage) -> None:
    taken = await steps(stage)

    assert not any(step.failed or step.remedy for step in taken)
    assert len({step.step for step in taken}) == len(taken)


async def test_it_signs_in_reads_and_then_finds_each_folder(stage: Stage) -> None:
    signing_in, reading, *finding = [step.step for step in await steps(stage)]

    assert (signing_in, reading) == ("signing in", "reading the mailbox")
    assert finding == [f"finding the folder {name}" for name in FOLDERS]


@pytest.mark.parametrize(
    ("breaks", "passed"),
    [
        ("refuse_to_sign_in", 0),
        ("refuse_to_read", 1),
        ("break_down", 1),
        ("lose_a_folder", 3),
    ],
)
async def test_the_first_step_that_fails_is_the_last_and_says_what_to_do(
    stage: Stage, breaks: str, passed: int
) -> None:
    getattr(stage, breaks)()

    *before, last = await steps(stage)

    assert len(before) == passed
    assert not any(step.failed for step in before)
    assert last.failed
    assert last.remedy
    assert "@" not in last.failed


async def test_a_step_is_reported_before_the_next_one_is_tried(stage: Stage) -> None:
    taken = stage.check.check(stage.mailbox)
    first = await anext(taken)
    stage.refuse_to_read()

    second = await anext(taken)

    assert (bool(first.failed), bool(second.failed)) == (False, True)


@pytest.mark.parametrize("mailbox", [google_mailbox(), imap_mailbox()], ids=lambda m: m.provider)
async def test_a_mailbox_that_it_knows_nothing_of_is_no_reason_to_crash(
    stage: Stage, mailbox: Mailbox
) -> None:
    assert await steps(stage, mailbox)


async def test_it_only_looks(stage: Stage) -> None:
    await steps(stage)

    assert stage.written() == 0
