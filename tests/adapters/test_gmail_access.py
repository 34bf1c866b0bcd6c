"""Access to Gmail: tokens by delegation, kept, renewed once, and refused."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest

from postroom.adapters.google import GmailClient
from postroom.adapters.google.responses import Profile
from postroom.adapters.imap.account import ImapAccount
from postroom.adapters.memory.clock import ManualClock
from postroom.domain.account import Secret
from postroom.domain.failure import AccessFailed, Failure, Throttled, Unavailable
from postroom.domain.mailbox import Mailbox
from postroom.entrypoints.emulators.gmail import GoogleError
from postroom.entrypoints.emulators.gmail.keys import signing_key
from postroom.entrypoints.emulators.gmail.script_sign_in import SERVICE_ACCOUNT
from postroom.entrypoints.emulators.gmail.wire import GrantError
from tests.adapters.gmail_rig import SUPPORT, URL, Rig, gmail_rig, logged, with_key
from tests.threads import sign_ins


@pytest.fixture
async def rig(clock: ManualClock) -> AsyncIterator[Rig]:
    async with gmail_rig(clock) as rig:
        yield rig


async def get_profile(rig: Rig, mailbox: Mailbox | None = None) -> None:
    await rig.client.get(mailbox or rig.mailbox(), "profile", Profile)


async def failure_of(rig: Rig, mailbox: Mailbox | None = None) -> Failure:
    with pytest.raises(Failure) as caught:
        await get_profile(rig, mailbox)
    return caught.value


# --- Tokens are kept ----------------------------------------------------------------------------


async def test_a_token_is_kept_for_many_requests(rig: Rig) -> None:
    for _ in range(3):
        await get_profile(rig)

    assert (rig.gmail.calls["getProfile"], rig.gmail.calls["token"]) == (3, 1)


async def test_a_token_about_to_expire_is_not_used_again(rig: Rig) -> None:
    rig.gmail.tokens.access.lifetime = 60

    await get_profile(rig)
    await get_profile(rig)

    assert rig.gmail.calls["token"] == 2


async def test_requests_that_begin_together_ask_for_one_token(rig: Rig) -> None:
    mailbox = rig.mailbox()

    await asyncio.gather(*(get_profile(rig, mailbox) for _ in range(8)))

    assert (rig.gmail.calls["getProfile"], rig.gmail.calls["token"]) == (8, 1)


async def test_each_mailbox_has_its_own_token(rig: Rig) -> None:
    support, sales = rig.mailbox(), rig.mailbox("sales@example.org", "sales")

    await get_profile(rig, support)
    await get_profile(rig, sales)
    await get_profile(rig, replace(support, tenant="other"))

    assert rig.gmail.calls["token"] == 3


async def test_a_new_key_is_used_at_once(rig: Rig) -> None:
    mailbox = rig.mailbox()
    await get_profile(rig, mailbox)
    new_key = rig.gmail.service_account_key(URL, email="new@project.iam.gserviceaccount.com")

    await get_profile(rig, with_key(mailbox, new_key))

    assert rig.gmail.calls["token"] == 2


# --- Tokens are rejected ------------------------------------------------------------------------


async def test_a_revoked_token_is_replaced_once(rig: Rig) -> None:
    await get_profile(rig)
    rig.gmail.revoke_tokens(SUPPORT)

    await get_profile(rig)

    assert (rig.gmail.calls["getProfile"], rig.gmail.calls["token"]) == (3, 2)


async def test_a_token_that_many_find_revoked_is_replaced_once(rig: Rig) -> None:
    mailbox = rig.mailbox()
    await get_profile(rig, mailbox)
    rig.gmail.revoke_tokens(SUPPORT)

    await asyncio.gather(*(get_profile(rig, mailbox) for _ in range(8)))

    assert rig.gmail.calls["token"] == 2


async def test_a_fresh_token_that_is_rejected_too_is_for_a_person(rig: Rig) -> None:
    rig.gmail.fail("getProfile", GoogleError(401, "authError"), times=9)

    failure = await failure_of(rig)

    assert isinstance(failure, AccessFailed)
    assert (rig.gmail.calls["getProfile"], rig.gmail.calls["token"]) == (2, 2)


# --- Tokens are refused -------------------------------------------------------------------------


async def test_a_service_account_without_delegation_is_for_a_person(rig: Rig) -> None:
    mailbox = rig.mailbox()
    rig.gmail.service_account_key(URL, scopes=())

    failure = await failure_of(rig, mailbox)

    assert isinstance(failure, AccessFailed)
    assert failure.reason == "the token endpoint answered 401 unauthorized_client"


async def test_a_user_who_does_not_exist_is_for_a_person(rig: Rig) -> None:
    failure = await failure_of(rig, replace(rig.mailbox(), address="nobody@example.org"))

    assert isinstance(failure, AccessFailed)
    assert failure.reason == "the token endpoint answered 400 invalid_grant"
    assert "nobody" not in logged(failure)


async def test_a_key_that_google_does_not_know_is_for_a_person(rig: Rig) -> None:
    key = json.loads(rig.gmail.service_account_key(URL))
    key["private_key"] = signing_key("a stranger").private

    failure = await failure_of(rig, with_key(rig.mailbox(), json.dumps(key)))

    assert isinstance(failure, AccessFailed)
    assert failure.reason == "the token endpoint answered 400 invalid_grant"


async def test_a_removed_service_account_is_for_a_person(rig: Rig) -> None:
    mailbox = rig.mailbox()
    rig.gmail.tokens.service_accounts.remove(SERVICE_ACCOUNT)

    assert isinstance(await failure_of(rig, mailbox), AccessFailed)


@pytest.mark.parametrize(
    "key",
    [
        "",
        "secret",
        "[]",
        "7",
        "{}",
        '{"client_email": "a@b", "token_uri": "https://t", "private_key": "secret"}',
        '{"client_email": "a@b", "token_uri": "https://t", "private_key": 7}',
    ],
)
async def test_a_key_that_is_no_key_is_for_a_person_and_is_not_told(rig: Rig, key: str) -> None:
    failure = await failure_of(rig, with_key(rig.mailbox(), key))

    assert isinstance(failure, AccessFailed)
    assert "secret" not in logged(failure)


async def test_a_key_for_another_universe_is_for_a_person(rig: Rig) -> None:
    key = json.loads(rig.gmail.service_account_key(URL)) | {"universe_domain": "example.cloud"}

    assert isinstance(await failure_of(rig, with_key(rig.mailbox(), json.dumps(key))), AccessFailed)


async def test_a_mailbox_of_another_provider_is_for_a_person(rig: Rig) -> None:
    account = ImapAccount(host="mail.test", port=993, username="u", password=Secret("p"))

    assert isinstance(await failure_of(rig, replace(rig.mailbox(), account=account)), AccessFailed)


@pytest.mark.parametrize(
    ("status", "error", "remedy"),
    [
        (400, "invalid_client", AccessFailed),
        (400, "invalid_grant", AccessFailed),
        (400, "invalid_scope", AccessFailed),
        (400, "invalid_request", Unavailable),
        (400, "internal_failure", Unavailable),
        (401, "deleted_client", AccessFailed),
        (403, "access_denied", AccessFailed),
        (403, "rate_limit_exceeded", Unavailable),
        (404, "not_found", Unavailable),
        (429, "rate_limit_exceeded", Throttled),
        (500, "internal_failure", Unavailable),
        (503, "invalid_grant", Unavailable),
    ],
)
async def test_each_refusal_of_a_token_has_its_remedy_at_once(
    rig: Rig, status: int, error: str, remedy: type[Failure]
) -> None:
    rig.gmail.fail("token", GrantError(status, error, f"no {SUPPORT} here"), times=9)

    failure = await failure_of(rig)

    assert type(failure) is remedy
    assert failure.reason == f"the token endpoint answered {status} {error}"
    assert SUPPORT not in logged(failure)
    assert rig.gmail.calls["token"] == 1


async def test_a_refused_token_is_asked_for_again_a_little_later(
    rig: Rig, clock: ManualClock
) -> None:
    rig.gmail.fail("token", GrantError(503, "backend_error", ""))
    await failure_of(rig)
    assert type(await failure_of(rig)) is Unavailable
    clock.advance(timedelta(seconds=2))

    await get_profile(rig)

    assert rig.gmail.calls["token"] == 2


@pytest.mark.parametrize(
    ("response", "remedy"),
    [
        (httpx.Response(200, text="<h1>Welcome to the hotel</h1>"), Unavailable),
        (httpx.Response(200, json={"token_type": "Bearer"}), Unavailable),
        (httpx.Response(200, json={"access_token": "t", "expires_in": "soon"}), Unavailable),
        (httpx.Response(200, content=b" " * 2**17), Unavailable),
        (httpx.Response(429, headers={"Retry-After": "5"}), Throttled),
        (httpx.ReadTimeout("slow"), Unavailable),
    ],
)
async def test_a_token_endpoint_that_is_not_itself_is_no_ones_fault(
    rig: Rig, clock: ManualClock, response: httpx.Response | Exception, remedy: type[Failure]
) -> None:
    def handle(_: httpx.Request) -> httpx.Response:
        if isinstance(response, Exception):
            raise response
        return response

    async with httpx.AsyncClient(transport=httpx.MockTransport(handle)) as http:
        client = GmailClient(http, clock, sign_ins(clock), URL)
        with pytest.raises(remedy) as caught:
            await client.get(rig.mailbox(), "profile", Profile)

    assert type(caught.value) is remedy  # and not that the message is too large
    if isinstance(caught.value, Throttled):
        assert caught.value.retry_after == timedelta(seconds=5)
