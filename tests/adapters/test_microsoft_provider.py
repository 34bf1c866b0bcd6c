"""Microsoft's provider as the core gets it: whole, on one HTTP client of each kind."""

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace

import httpx
import pytest

from postroom.adapters.http.deps import ProviderDeps
from postroom.adapters.memory.clock import ManualClock
from postroom.adapters.microsoft import provider
from postroom.adapters.microsoft.account import ClientSecret, DelegatedAccess
from postroom.adapters.microsoft.pointer import MicrosoftPointer
from postroom.application.ports import Announced, CheckStep, Handshake, Provider, WebhookRequest
from postroom.application.providers import Providers
from postroom.domain.account import Secret
from postroom.domain.failure import Unprocessable
from postroom.domain.mail.authentication import Verified, authentication_of
from postroom.entrypoints.emulators.graph import CLIENT_ID, CLIENT_SECRET, DIRECTORY
from tests.adapters.graph_notifications import notification
from tests.adapters.graph_rig import PUBLIC_URL, RAW, USER, a_mailbox
from tests.adapters.login_rig import PERSON, Login, opened_by
from tests.adapters.notification_rig import Rig, mailbox_of
from tests.adapters.notification_token_rig import LOGIN, Entra
from tests.mail import message
from tests.threads import sign_ins

MAILBOX = a_mailbox()


@pytest.fixture
async def deps(login: Login) -> AsyncIterator[ProviderDeps]:
    transport = httpx.ASGITransport(login.graph.app)
    async with httpx.AsyncClient(transport=transport) as http, AsyncExitStack() as resources:
        yield ProviderDeps(
            http=http,
            sign_ins=sign_ins(login.clock),
            clock=login.clock,
            registry=login.registry,
            resources=resources,
            public_url=PUBLIC_URL,
            max_message_bytes=1024,
        )


@pytest.fixture
def microsoft(deps: ProviderDeps, login: Login) -> Provider:
    return provider(deps, graph_url=login.url, login_url=login.url)


async def test_it_can_stand_among_the_providers(microsoft: Provider) -> None:
    assert list(Providers([microsoft])) == ["microsoft"]
    assert microsoft.title == "Microsoft 365"


async def test_what_exchange_has_found_is_in_the_topmost_field(microsoft: Provider) -> None:
    field = "Authentication-Results: {} dmarc={} action=none header.from=example.org"
    lines = (field.format("spf=none;", "fail"), field.format("mx.evil.test;", "pass"))
    trusted = microsoft.trusted_servers(MAILBOX.account)

    found = authentication_of(message(*lines, "From: jo@example.org"), trusted)

    assert found
    assert found.verified is Verified.FAIL


async def test_it_fetches_what_it_has_listed(microsoft: Provider, login: Login) -> None:
    position = await microsoft.changes.position(MAILBOX, "inbox")
    message = login.graph.deliver(USER, RAW)

    pages = [page async for page in microsoft.changes.since(MAILBOX, "inbox", position)]
    [arrival] = [each for page in pages for each in page.arrivals]

    assert arrival.pointer == MicrosoftPointer("", message)
    assert (await microsoft.fetcher.fetch(MAILBOX, arrival.pointer)).raw == RAW


async def test_a_message_over_the_limit_is_not_fetched(microsoft: Provider, login: Login) -> None:
    message = login.graph.deliver(USER, RAW + b"x" * 1024)

    with pytest.raises(Unprocessable, match="more than 1024 bytes"):
        await microsoft.fetcher.fetch(MAILBOX, MicrosoftPointer("", message))


async def test_notifications_are_to_come_to_the_public_url(microsoft: Provider) -> None:
    assert microsoft.subscriptions
    assert microsoft.subscriptions.endpoint_of(MAILBOX) == f"{PUBLIC_URL}/webhooks/microsoft"


async def test_a_mailbox_is_checked_as_it_is_given_and_nothing_is_stored(
    microsoft: Provider, login: Login
) -> None:
    stored = opened_by(ClientSecret(Secret("a guess")))
    await login.registry.add(stored)
    tried = [
        opened_by(ClientSecret(Secret(CLIENT_SECRET))),
        opened_by(DelegatedAccess(Secret(login.graph.consent(PERSON)))),
    ]

    for mailbox in tried:
        steps = [step async for step in microsoft.check.check(mailbox)]
        assert steps[-1] == CheckStep("finding the folder inbox")

    assert await login.registry.all() == [stored]


async def test_a_person_can_sign_in_to_an_account_that_was_made_for_them(
    microsoft: Provider, login: Login
) -> None:
    account = microsoft.accounts.create(
        USER, {"directory": DIRECTORY, "client-id": CLIENT_ID, "delegated": True}
    )
    login.graph.expect_device(PERSON)
    assert microsoft.sign_in
    assert microsoft.sign_in.is_needed(account)

    async with microsoft.sign_in.open(replace(MAILBOX, account=account), {}) as pending:
        opened = await pending.finish()

    assert not microsoft.sign_in.is_needed(opened)
    assert [step async for step in microsoft.check.check(replace(MAILBOX, account=opened))][-1] == (
        CheckStep("finding the folder inbox")
    )


async def test_a_rich_notification_is_verified_with_the_keys_of_the_login(
    deps: ProviderDeps, clock: ManualClock
) -> None:
    entra, rig = Entra(clock), Rig(clock)
    await rig.subscribe(mailbox_of())
    async with entra.http as http:
        microsoft = provider(replace(deps, http=http), login_url=LOGIN)
        tokens = [entra.token(aud=CLIENT_ID)]
        body = json.dumps({"value": [notification()], "validationTokens": tokens}).encode()
        assert microsoft.notifications

        read = await microsoft.notifications.read(WebhookRequest("", {}, {}, body), rig.routes)

    assert not isinstance(read, Handshake)
    assert [type(each) for each in read] == [Announced]
    assert entra.requests == 1
