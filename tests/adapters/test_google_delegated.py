"""Mailboxes that a person has opened: their refresh token, and what becomes of it."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from postroom.adapters.google import GmailClient, GmailFetcher
from postroom.adapters.google.account import GoogleAccount
from postroom.adapters.google.check import GmailMailboxCheck
from postroom.adapters.google.labels import ALL_MAIL, INBOX_ALONE
from postroom.adapters.google.responses import Profile
from postroom.adapters.memory.clock import ManualClock
from postroom.domain.failure import AccessFailed, Throttled, Unavailable
from postroom.domain.mailbox import Mailbox
from postroom.entrypoints.emulators.gmail.wire import GoogleError, GrantError
from tests.adapters.gmail_rig import MAIL, SUPPORT, pointer
from tests.adapters.google_sign_in_rig import GoogleLogin, google_login, with_token


@pytest.fixture
async def login(clock: ManualClock) -> AsyncIterator[GoogleLogin]:
    async with google_login(clock) as login:
        yield login


async def added(login: GoogleLogin) -> Mailbox:
    mailbox = login.consented()
    await login.registry.add(mailbox)
    return mailbox


async def read(client: GmailClient, mailbox: Mailbox) -> str:
    return (await client.get(mailbox, "profile", Profile)).email_address


async def stored_token(login: GoogleLogin) -> str:
    stored = await login.registry.get("acme", "support")
    assert stored
    return login.token_of(stored.account)


async def test_their_mail_is_fetched(login: GoogleLogin) -> None:
    mailbox, message_id = await added(login), login.gmail.deliver(SUPPORT, MAIL)

    fetched = await GmailFetcher(login.client(), 2**20).fetch(mailbox, pointer(message_id))

    assert fetched.raw == MAIL


async def test_however_many_fetches_want_a_token_one_is_requested(login: GoogleLogin) -> None:
    mailbox, client = await added(login), login.client()

    await asyncio.gather(*[read(client, mailbox) for _ in range(20)])

    assert login.gmail.calls["token"] == 1


async def test_a_token_that_was_revoked_early_is_replaced_once(login: GoogleLogin) -> None:
    mailbox, client = await added(login), login.client()
    await read(client, mailbox)
    login.gmail.revoke_tokens(SUPPORT)

    assert await read(client, mailbox) == SUPPORT
    assert login.gmail.calls["token"] == 2


async def test_a_refresh_token_that_google_replaces_is_stored_for_all_workers(
    login: GoogleLogin,
) -> None:
    mailbox, one, other = await added(login), login.client(), login.client()
    login.gmail.tokens.clients.rotating = True
    await read(one, mailbox)

    assert await stored_token(login) != login.token_of(mailbox.account)
    assert await read(other, mailbox) == SUPPORT  # though it has the mailbox as it was


async def test_a_worker_that_has_replaced_it_itself_signs_in_no_further(
    login: GoogleLogin,
) -> None:
    mailbox, client = await added(login), login.client()
    login.gmail.tokens.clients.rotating = True
    await read(client, mailbox)
    stored = await login.registry.get("acme", "support")
    assert stored

    await read(client, stored)

    assert login.gmail.calls["token"] == 1


async def test_a_refresh_token_that_does_not_change_is_not_written(login: GoogleLogin) -> None:
    mailbox, before = await added(login), await login.registry.get("acme", "support")

    await read(login.client(), mailbox)

    assert await login.registry.get("acme", "support") == before


async def test_what_a_person_reconnects_meanwhile_is_not_overwritten(login: GoogleLogin) -> None:
    """The refresh that is under way began with the access before."""
    mailbox, client = await added(login), login.client()
    login.gmail.tokens.clients.rotating = True
    reconnected = with_token(mailbox, login.gmail.consent(SUPPORT))
    stored = login.registry.get

    async def get(tenant: str, mailbox_id: str) -> Mailbox | None:
        found = await stored(tenant, mailbox_id)
        await login.registry.replace_account(mailbox, reconnected.account)
        return found

    login.registry.get = get  # type: ignore[method-assign]
    await read(client, mailbox)
    login.registry.get = stored  # type: ignore[method-assign]

    assert await stored_token(login) == login.token_of(reconnected.account)


async def test_what_else_is_stored_of_the_account_meanwhile_costs_no_refresh_token(
    login: GoogleLogin,
) -> None:
    """Google ends the old one with its use."""
    mailbox, client = await added(login), login.client()
    login.gmail.tokens.clients.rotating = True
    stored, races = login.registry.get, iter([ALL_MAIL, INBOX_ALONE, ALL_MAIL])

    async def get(tenant: str, mailbox_id: str) -> Mailbox | None:
        found = await stored(tenant, mailbox_id)
        if found and isinstance(found.account, GoogleAccount) and (labels := next(races, None)):
            await login.registry.replace_account(found, replace(found.account, labels=labels))
        return found

    login.registry.get = get  # type: ignore[method-assign]
    await read(client, mailbox)
    login.registry.get = stored  # type: ignore[method-assign]

    assert login.gmail.tokens.clients.refresh_token(await stored_token(login))
    renewed = await stored("acme", "support")
    assert renewed
    assert isinstance(renewed.account, GoogleAccount)
    assert renewed.account.labels == ALL_MAIL


async def test_a_mailbox_that_is_tried_is_opened_as_it_is_given(login: GoogleLogin) -> None:
    mailbox = await added(login)
    login.gmail.tokens.clients.rotating = True
    tried = with_token(mailbox, login.gmail.consent(SUPPORT))

    await read(login.client(stored=False), tried)

    assert await stored_token(login) == login.token_of(mailbox.account)


async def test_a_consent_that_was_withdrawn_is_for_a_person(login: GoogleLogin) -> None:
    mailbox, client = await added(login), login.client()
    await read(client, mailbox)
    login.gmail.withdraw_consent(SUPPORT)

    with pytest.raises(AccessFailed, match=r"^the token endpoint answered 400 invalid_grant$"):
        await read(client, mailbox)

    reconnected = with_token(mailbox, login.gmail.consent(SUPPORT))
    await login.registry.replace_account(mailbox, reconnected.account)
    assert await read(client, reconnected) == SUPPORT


@pytest.mark.parametrize(
    ("status", "error", "failure"),
    [
        (400, "invalid_grant", AccessFailed),
        (401, "invalid_client", AccessFailed),
        (400, "invalid_scope", AccessFailed),
        (403, "rate_limit_exceeded", Unavailable),
        (429, "rate_limit_exceeded", Throttled),
        (503, "backend_error", Unavailable),
    ],
)
async def test_each_refusal_of_a_refresh_has_its_remedy_at_once(
    login: GoogleLogin, status: int, error: str, failure: type[Exception]
) -> None:
    mailbox = await added(login)
    login.gmail.fail("token", GrantError(status, error, f"no {SUPPORT} here"), times=9)

    with pytest.raises(failure, match=f"the token endpoint answered {status} {error}"):
        await read(login.client(), mailbox)

    assert login.gmail.calls["token"] == 1


# --- The check ----------------------------------------------------------------------------------


async def failed_step(login: GoogleLogin, mailbox: Mailbox) -> tuple[str, str, str]:
    check = GmailMailboxCheck(login.client(stored=False))
    *_, last = [step async for step in check.check(mailbox)]
    return last.step, last.failed, last.remedy


async def test_who_signs_in_as_somebody_else_opens_no_mailbox(login: GoogleLogin) -> None:
    mailbox = login.mailbox(token=login.gmail.consent("anna@example.org"))
    login.gmail.mailbox("anna@example.org")

    step, failed, remedy = await failed_step(login, mailbox)

    assert step == "reading the profile"
    assert failed == "somebody has signed in whose mailbox has another address"
    assert remedy.startswith("sign in as the user of --address")
    assert "anna" not in failed + remedy


async def test_an_address_is_the_same_in_any_case(login: GoogleLogin) -> None:
    mailbox = login.mailbox(address="Support@Example.org", token=login.gmail.consent(SUPPORT))
    login.gmail.mailbox(SUPPORT)

    assert (await failed_step(login, mailbox))[1] == ""


async def test_a_refresh_token_that_google_replaces_as_it_is_tried_is_what_is_stored(
    login: GoogleLogin,
) -> None:
    mailbox, check = login.consented(), GmailMailboxCheck(login.client(stored=False))
    login.gmail.tokens.clients.rotating = True

    *_, last = [step async for step in check.check(mailbox)]

    assert not last.failed
    assert last.account
    assert login.gmail.tokens.clients.refresh_token(login.token_of(last.account))


async def test_a_consent_that_has_ended_is_given_again(login: GoogleLogin) -> None:
    mailbox = login.consented()
    login.gmail.withdraw_consent(SUPPORT)

    step, failed, remedy = await failed_step(login, mailbox)

    assert (step, failed) == ("signing in", "the token endpoint answered 400 invalid_grant")
    assert "postroom mailbox reconnect google" in remedy
    assert "service account" not in remedy


@pytest.mark.parametrize(
    ("fault", "remedy"),
    [
        (GrantError(401, "invalid_client", ""), "of the type desktop app"),
        (GoogleError(403, "accessNotConfigured"), "enable the Gmail API"),
        (GoogleError(403, "insufficientPermissions"), "have the person sign in again"),
    ],
)
async def test_each_failure_of_a_persons_access_has_its_own_remedy(
    login: GoogleLogin, fault: Exception, remedy: str
) -> None:
    login.gmail.fail("token" if isinstance(fault, GrantError) else "getProfile", fault)

    assert remedy in (await failed_step(login, login.consented()))[2]
