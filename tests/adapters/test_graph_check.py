"""A mailbox is tried before it is added: step by step, and with what to do where a step fails."""

from dataclasses import replace

import pytest

from postroom.adapters.microsoft.account import ClientSecret, DelegatedAccess
from postroom.adapters.microsoft.check import MAX_SAMPLE_BYTES, GraphMailboxCheck
from postroom.adapters.microsoft.remedies import remedy
from postroom.application.ports import CheckStep
from postroom.domain.account import Secret
from postroom.domain.failure import AccessFailed, Unavailable
from postroom.domain.mailbox import Mailbox
from tests.adapters.graph_rig import ACCOUNT, RAW, USER, a_mailbox
from tests.adapters.login_rig import PERSON, Login, opened_by

SIGN_IN, READING, FOLDER = "signing in", "reading the mailbox", "finding the folder inbox"
APP, PERSONS = ClientSecret(Secret("x")), DelegatedAccess(Secret("x"))


async def steps(login: Login, mailbox: Mailbox) -> list[CheckStep]:
    login.graph.add_folder(USER, "Inbox/Orders")
    async with login.client() as client:
        return [step async for step in GraphMailboxCheck(client).check(mailbox)]


async def last(login: Login, mailbox: Mailbox) -> CheckStep:
    return (await steps(login, mailbox))[-1]


def in_folders(*names: str) -> Mailbox:
    return a_mailbox(account=replace(ACCOUNT, folders=names))


async def test_a_mailbox_that_can_be_used_passes_every_step(login: Login) -> None:
    assert await steps(login, a_mailbox()) == [*map(CheckStep, (SIGN_IN, READING, FOLDER))]


async def test_a_mailbox_that_a_person_opens_passes_every_step(login: Login) -> None:
    mailbox = opened_by(DelegatedAccess(Secret(login.graph.consent(PERSON))))

    assert await steps(login, mailbox) == [*map(CheckStep, (SIGN_IN, READING, FOLDER))]


async def test_the_first_step_that_fails_is_the_last(login: Login) -> None:
    [step] = await steps(login, opened_by(ClientSecret(Secret("a guess"))))

    assert (step.step, step.failed) == (
        SIGN_IN,
        "sign-in answered 401 invalid_client AADSTS7000215",
    )
    assert "the secret's Value" in step.remedy


async def test_a_missing_permission_is_told(login: Login) -> None:
    login.graph.fail(USER, status=403, code="ErrorAccessDenied")

    step = await last(login, a_mailbox())

    assert (step.step, step.failed) == (READING, "Graph answered 403 ErrorAccessDenied")
    assert "the application permission Mail.Read" in step.remedy


async def test_messages_that_are_listed_and_cannot_be_opened_are_told(login: Login) -> None:
    login.graph.fail(login.graph.deliver(USER, RAW), status=403, code="ErrorAccessDenied")

    step = await last(login, a_mailbox())

    assert (step.step, step.failed) == (READING, "Graph answered 403 ErrorAccessDenied")


@pytest.mark.parametrize("raw", [RAW, RAW + b"x" * MAX_SAMPLE_BYTES])
async def test_a_message_of_any_size_can_be_tried(login: Login, raw: bytes) -> None:
    login.graph.deliver(USER, raw)

    assert await last(login, a_mailbox()) == CheckStep(FOLDER)


async def test_a_user_that_is_not_there_is_told(login: Login) -> None:
    step = await last(login, a_mailbox(user="nobody@example.org"))

    assert step.step == READING
    assert "mend --user" in step.remedy


async def test_a_missing_folder_is_told_with_those_that_there_are(login: Login) -> None:
    step = await last(login, in_folders("Orders"))

    assert (step.step, step.failed) == (
        "finding the folder Orders",
        "the mailbox has no such folder",
    )
    assert "Inbox, Inbox/Orders, Junk Email" in step.remedy


async def test_each_folder_is_a_step_of_its_own(login: Login) -> None:
    taken = await steps(login, in_folders("inbox", "Inbox/Orders", "Orders", "junkemail"))

    assert [(each.step, bool(each.failed)) for each in taken[2:]] == [
        (FOLDER, False),
        ("finding the folder Inbox/Orders", False),
        ("finding the folder Orders", True),
    ]


async def test_of_very_many_folders_some_are_told(login: Login) -> None:
    for n in range(60):
        login.graph.add_folder(USER, f"Inbox/{n}")

    step = await last(login, in_folders("Orders"))

    assert step.remedy.endswith(" and 19 more")


async def test_a_graph_in_trouble_is_told_as_that(login: Login) -> None:
    login.graph.fail(USER, status=503)

    assert await last(login, a_mailbox()) == CheckStep(
        READING, "Graph answered 503", "try again later"
    )


# --- The table ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reason", "credentials", "advice"),
    [
        ("sign-in answered 401 invalid_client AADSTS7000222", APP, "has expired"),
        ("sign-in answered 401 invalid_client AADSTS700027", APP, "upload the certificate"),
        ("sign-in answered 400 unauthorized_client AADSTS700016", APP, "Application (client) ID"),
        ("sign-in answered 400 invalid_request AADSTS90002", APP, "Directory (tenant) ID"),
        ("sign-in answered 400 invalid_request AADSTS900023", APP, "Directory (tenant) ID"),
        ("sign-in answered 401 unauthorized_client AADSTS7000112", APP, "enable the application"),
        ("sign-in answered 401 invalid_client AADSTS7000218", PERSONS, "public client flows"),
        ("sign-in answered 400 invalid_grant AADSTS53003", PERSONS, "Conditional Access"),
        ("sign-in answered 400 authorization_declined AADSTS70018", PERSONS, "declined"),
        ("sign-in answered 400 expired_token AADSTS70020", PERSONS, "not entered in time"),
        ("sign-in answered 400 invalid_grant AADSTS65001", PERSONS, "Mail.Read.Shared and grant"),
        ("sign-in answered 400 consent_required", PERSONS, "Mail.Read.Shared and grant"),
        ("sign-in answered 400 invalid_grant AADSTS50173", PERSONS, "sign in anew"),
        ("Graph answered 403 ErrorAccessDenied", APP, "the application permission Mail.Read"),
        ("Graph answered 403 ErrorAccessDenied", PERSONS, "the delegated permissions Mail.Read"),
        ("Graph answered 404 ErrorItemNotFound", PERSONS, "full access to the mailbox"),
        ("Graph answered 404 ErrorNonExistentMailbox", APP, "mend --user"),
        ("Graph answered 404 Request_ResourceNotFound", APP, "mend --user"),
        ("Graph answered 404 ResourceNotFound", APP, "mend --user"),
        ("Graph answered 404 MailboxNotEnabledForRESTAPI", APP, "a licence for Exchange Online"),
        ("Graph answered 404 MailboxNotSupportedForRESTAPI", APP, "not in Exchange Online"),
    ],
)
def test_a_code_leads_to_what_a_person_can_do(
    reason: str, credentials: ClientSecret | DelegatedAccess, advice: str
) -> None:
    assert advice in remedy(AccessFailed(reason), credentials)


def test_without_a_known_code_nothing_is_made_up() -> None:
    assert remedy(AccessFailed("Graph answered 403 SomethingNew"), APP) == ""
    assert remedy(Unavailable("Graph answered 500"), APP) == "try again later"
