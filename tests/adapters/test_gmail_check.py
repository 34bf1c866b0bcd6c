"""Trying a Gmail mailbox: how far that gets, and what a person can do."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from postroom.adapters.google.account import GoogleAccount
from postroom.adapters.google.check import SAMPLE, GmailMailboxCheck
from postroom.adapters.google.labels import INBOX_ALONE, Label, LabelChoice
from postroom.adapters.memory.clock import ManualClock
from postroom.application.ports import CheckStep
from postroom.domain.mailbox import Mailbox
from postroom.entrypoints.emulators.gmail import GoogleError
from postroom.entrypoints.emulators.gmail.wire import GrantError
from tests.adapters.gmail_labels import labels_rig
from tests.adapters.gmail_rig import MAIL, SUPPORT, URL, Rig, gmail_rig, with_key

STEPS = [
    "signing in",
    "reading the profile",
    "opening a message",
    "reading the history",
    "finding the labels",
]


@pytest.fixture
async def rig(clock: ManualClock) -> AsyncIterator[Rig]:
    async with gmail_rig(clock) as rig:
        yield rig


async def steps(rig: Rig, mailbox: Mailbox | None = None) -> list[CheckStep]:
    check = GmailMailboxCheck(rig.client)
    return [step async for step in check.check(mailbox or rig.mailbox())]


@pytest.mark.parametrize("messages", [0, 1, 2])
async def test_a_mailbox_that_can_be_read_passes_each_step(rig: Rig, messages: int) -> None:
    for _ in range(messages):
        rig.gmail.deliver(SUPPORT, MAIL)

    account = rig.mailbox().account

    assert await steps(rig) == [
        *(CheckStep(name) for name in STEPS[:4]),
        CheckStep(STEPS[4], account=account),
    ]
    assert rig.gmail.calls["messages.get"] == min(messages, 1)


async def test_a_check_changes_nothing(rig: Rig) -> None:
    rig.gmail.deliver(SUPPORT, MAIL)
    before = rig.gmail.history_id(SUPPORT)

    await steps(rig)

    assert rig.gmail.history_id(SUPPORT) == before
    assert rig.gmail.calls["watch"] == 0


async def test_a_message_that_is_large_or_gone_by_now_passes(rig: Rig) -> None:
    rig.gmail.deliver(SUPPORT, b"x" * 2 * SAMPLE)
    assert (await steps(rig))[2] == CheckStep(STEPS[2])

    rig.gmail.fail("messages.get", GoogleError(404, "notFound"))
    assert (await steps(rig))[2] == CheckStep(STEPS[2])


async def test_without_delegation_the_scope_is_named(rig: Rig) -> None:
    mailbox = rig.mailbox()
    rig.gmail.service_account_key(URL, scopes=())

    [step] = await steps(rig, mailbox)

    assert step.step == "signing in"
    assert step.failed == "the token endpoint answered 401 unauthorized_client"
    assert "Domain-wide delegation" in step.remedy
    assert "https://www.googleapis.com/auth/gmail.readonly" in step.remedy


async def test_a_user_who_does_not_exist_is_looked_up_by_a_person(rig: Rig) -> None:
    [step] = await steps(rig, replace(rig.mailbox(), address="nobody@example.org"))

    assert "a user of this address" in step.remedy
    assert "nobody" not in str(step)


async def test_a_key_that_is_no_key_fails_the_first_step(rig: Rig) -> None:
    [step] = await steps(rig, with_key(rig.mailbox(), "{}"))

    assert step.failed == "the service account's key is no JSON key of Google's"


@pytest.mark.parametrize(
    ("method", "code", "place", "remedy"),
    [
        ("getProfile", "accessNotConfigured", 1, "enable the Gmail API"),
        ("getProfile", "domainPolicy", 1, "switch Gmail on"),
        ("messages.list", "insufficientPermissions", 2, "Domain-wide delegation"),
        ("messages.get", "insufficientPermissions", 2, "Domain-wide delegation"),
        ("messages.get", "somethingNew", 2, ""),
    ],
)
async def test_each_refusal_ends_its_step_with_a_remedy(
    rig: Rig, method: str, code: str, place: int, remedy: str
) -> None:
    rig.gmail.deliver(SUPPORT, MAIL)
    rig.gmail.fail(method, GoogleError(403, code))

    *passed, failed = await steps(rig)

    assert passed == [CheckStep(name) for name in STEPS[:place]]
    assert failed.step == STEPS[place]
    assert failed.failed == f"gmail answered 403 {code}"
    assert remedy in failed.remedy
    assert bool(remedy) is bool(failed.remedy)


async def test_gmail_that_is_not_enabled_for_the_user_is_named(rig: Rig) -> None:
    rig.gmail.fail("getProfile", GoogleError(400, "failedPrecondition"))

    assert "switch Gmail on for the user" in (await steps(rig))[-1].remedy


@pytest.mark.parametrize(
    "fault", [GrantError(503, "backend_error", ""), GrantError(429, "slow", "")]
)
async def test_a_provider_that_is_away_stands_in_the_step(rig: Rig, fault: GrantError) -> None:
    rig.gmail.fail("token", fault)

    [step] = await steps(rig)

    assert step.failed
    assert step.remedy == "try again later"


async def test_labels_are_found_and_their_ids_are_stored(clock: ManualClock) -> None:
    async with labels_rig(clock, {"Label_7": "Desk/Orders"}) as rig:
        choice = LabelChoice((*INBOX_ALONE.received, Label("desk/orders")))
        found = [step async for step in GmailMailboxCheck(rig.client).check(rig.mailbox(choice))]
        [last] = [step for step in found if step.step == "finding the labels"]

    assert isinstance(last.account, GoogleAccount)
    assert last.account.labels.received[1] == Label("Desk/Orders", "Label_7")


@pytest.mark.parametrize(
    "choice", [LabelChoice((Label("Orders"),)), LabelChoice((), (Label("Orders"),))], ids=str
)
async def test_a_label_that_is_not_there_fails_and_what_there_is_is_named(
    clock: ManualClock, choice: LabelChoice
) -> None:
    async with labels_rig(clock, {"Label_7": "Desk/Orders"}) as rig:
        mailbox = rig.mailbox(choice)
        *_, last = [step async for step in GmailMailboxCheck(rig.client).check(mailbox)]

    assert last.failed == "the mailbox has no such label"
    assert last.remedy.startswith("choose of: ")
    assert "Desk/Orders" in last.remedy
