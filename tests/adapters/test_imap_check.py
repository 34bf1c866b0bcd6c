"""Trying an IMAP mailbox: how far that gets, and what a person can do."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from postroom.adapters.imap.check import MAX_NAMED, ImapMailboxCheck
from postroom.adapters.imap.client import ImapClient
from postroom.application.ports import CheckStep
from postroom.domain.mailbox import Mailbox
from postroom.entrypoints.emulators.imap_server import ImapServer
from tests.adapters.imap_rig import HASTY, PASSWORD, account, mailbox
from tests.served_mailbox import ServedMailbox

MAIL = b"Subject: Hello\r\nMessage-ID: <1@x.example>\r\n\r\nHello\r\n"


@pytest.fixture
async def server() -> AsyncIterator[ImapServer]:
    async with ImapServer({"ann": PASSWORD}) as server:
        yield server


async def steps(of: Mailbox) -> list[CheckStep]:
    return [step async for step in ImapMailboxCheck(ImapClient(timeout=HASTY)).check(of)]


def with_folders(server: ImapServer, *folders: str) -> Mailbox:
    return mailbox(replace(account(server.port), folders=folders))


async def test_a_mailbox_that_can_be_read_passes_each_step_and_is_left_as_it_was(
    served: ServedMailbox,
) -> None:
    served.create("M&APY-bel")
    uid = served.deliver(MAIL)
    of = replace(served.mailbox, account=replace(served.account, folders=("INBOX", "Möbel")))

    assert await steps(of) == [
        CheckStep("signing in"),
        CheckStep("opening the folder INBOX"),
        CheckStep("opening the folder Möbel"),
    ]
    assert not served.is_seen(uid)


async def test_a_check_ends_its_connection(server: ImapServer) -> None:
    await steps(with_folders(server, "INBOX"))

    await server.arrived["LOGOUT"].wait()
    assert server.connections == 1


async def test_a_wrong_password_fails_the_first_step(server: ImapServer) -> None:
    [step] = await steps(mailbox(account(server.port, password="wrong")))

    assert step.step == "signing in"
    assert step.failed.endswith("check the user name and the password")
    assert step.remedy == ""


async def test_a_server_that_is_away_stands_in_the_step() -> None:
    async with ImapServer() as server:
        port = server.port

    [step] = await steps(mailbox(account(port)))

    assert step == CheckStep(
        "signing in",
        "the IMAP server cannot be reached: ECONNREFUSED",
        "check the host and the port, or try again later",
    )


async def test_where_a_folder_is_missing_those_that_there_are_are_named(
    server: ImapServer,
) -> None:
    server.create("ann", "Entw&APw-rfe")

    *passed, failed = await steps(with_folders(server, "INBOX", "Missing", "Entwürfe"))

    assert passed == [CheckStep("signing in"), CheckStep("opening the folder INBOX")]
    assert failed == CheckStep(
        "opening the folder Missing",
        "the mailbox has no such folder",
        "choose one of: Entwürfe, INBOX",
    )


async def test_not_every_folder_of_very_many_is_named(server: ImapServer) -> None:
    for number in range(MAX_NAMED + 9):
        server.create("ann", f"F{number:03}")

    *_, failed = await steps(with_folders(server, "Missing"))

    assert failed.remedy.endswith(f"F{MAX_NAMED - 1:03} and 10 more")


@pytest.mark.parametrize("command", ["EXAMINE", "UID SEARCH", "UID FETCH"])
async def test_each_refusal_stands_in_the_step_of_its_folder(
    server: ImapServer, command: str
) -> None:
    server.deliver("ann", MAIL)
    server.refusals[command] = "NO [UNAVAILABLE] a disk is away"

    *_, failed = await steps(with_folders(server, "INBOX"))

    assert failed.step == "opening the folder INBOX"
    assert "NO UNAVAILABLE" in failed.failed
    assert failed.remedy == "try again later"


async def test_a_server_that_does_not_answer_stands_in_the_step(server: ImapServer) -> None:
    server.slow["EXAMINE"] = 60

    *_, failed = await steps(with_folders(server, "INBOX"))

    assert failed.failed == "the IMAP server did not answer EXAMINE in time"
