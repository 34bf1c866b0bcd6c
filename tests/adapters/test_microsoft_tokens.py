"""EntraTokens of an application that signs in with its secret; see `login_rig`."""

import asyncio
import json
import ssl
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest

from postroom.adapters.memory.clock import ManualClock
from postroom.adapters.memory.database import InMemoryDatabase
from postroom.adapters.memory.registry import InMemoryMailboxRegistry
from postroom.adapters.microsoft.account import ClientSecret, MicrosoftAccount
from postroom.adapters.microsoft.client import GraphClient
from postroom.adapters.microsoft.entra import EntraId
from postroom.adapters.microsoft.fetcher import GraphFetcher
from postroom.adapters.microsoft.pointer import MicrosoftPointer
from postroom.adapters.microsoft.tokens import EntraTokens
from postroom.domain.access import AccessTally
from postroom.domain.account import Secret
from postroom.domain.failure import AccessFailed, Throttled, Unavailable
from postroom.entrypoints.emulators.graph import CLIENT_ID, CLIENT_SECRET, DIRECTORY
from tests.adapters.graph_rig import ACCOUNT, RAW, USER, a_mailbox
from tests.adapters.login_rig import Login, opened_by
from tests.threads import sign_ins

MAILBOX = a_mailbox()


def tokens_of(entra: EntraId, clock: ManualClock) -> EntraTokens:
    return EntraTokens(entra, InMemoryMailboxRegistry(InMemoryDatabase()), clock)


# --- Getting one --------------------------------------------------------------------------------


async def test_graph_accepts_the_token_that_msal_gets(login: Login, trust: ssl.SSLContext) -> None:
    message = login.graph.deliver(USER, RAW)

    async with httpx.AsyncClient(verify=trust) as http:
        client = GraphClient(http, login.tokens(), login.clock, login.url)
        fetcher = GraphFetcher(client, login.clock)
        fetched = await fetcher.fetch(a_mailbox(), MicrosoftPointer("s", message))

    assert fetched.raw == RAW


async def test_many_at_a_time_share_one_request(login: Login) -> None:
    tokens = login.tokens()

    got = await asyncio.gather(*(tokens.get(MAILBOX) for _ in range(20)))

    assert len(set(got)) == 1
    assert login.graph.token_requests == 1


async def test_a_token_is_kept_until_shortly_before_it_expires(login: Login) -> None:
    tokens = login.tokens()
    first = await tokens.get(MAILBOX)

    login.clock.advance(timedelta(seconds=3599) - timedelta(minutes=5, seconds=1))
    assert await tokens.get(MAILBOX) == first

    login.clock.advance(timedelta(seconds=1))
    assert await tokens.get(MAILBOX) != first
    assert login.graph.token_requests == 2


async def test_a_rejected_token_is_not_given_again(login: Login) -> None:
    tokens = login.tokens()
    rejected = await tokens.get(MAILBOX)

    got = await asyncio.gather(*(tokens.get(MAILBOX, rejected=rejected) for _ in range(20)))

    assert rejected not in got
    assert len(set(got)) == 1
    assert login.graph.token_requests == 2


async def test_a_mailbox_that_could_not_be_got_into_is_given_a_token_from_after_that(
    login: Login,
) -> None:
    tokens = login.tokens()
    first = await tokens.get(MAILBOX)
    login.clock.advance(timedelta(seconds=1))
    failed = replace(MAILBOX, access=AccessTally(1, login.clock.now()))
    login.clock.advance(timedelta(seconds=1))

    second = await tokens.get(failed)

    assert second != first
    assert await tokens.get(failed) == await tokens.get(MAILBOX) == second


async def test_mailboxes_of_one_application_share_its_token(login: Login) -> None:
    tokens = login.tokens()

    first = await tokens.get(MAILBOX)
    second = await tokens.get(a_mailbox(user="sales@example.org"))

    assert first == second


@pytest.mark.parametrize(
    "other", [replace(ACCOUNT, directory="another"), replace(ACCOUNT, client_id="another")]
)
async def test_applications_do_not_share_tokens(login: Login, other: MicrosoftAccount) -> None:
    login.graph.register(other.directory, other.client_id, CLIENT_SECRET)
    tokens = login.tokens()

    assert await tokens.get(MAILBOX) != await tokens.get(a_mailbox(account=other))


async def test_another_secret_means_another_sign_in(login: Login) -> None:
    tokens = login.tokens()
    await tokens.get(MAILBOX)

    with pytest.raises(AccessFailed, match="AADSTS7000215"):
        await tokens.get(opened_by(ClientSecret(Secret("a guess"))))


async def test_one_application_does_not_wait_for_another(login: Login) -> None:
    other = replace(ACCOUNT, client_id="0fed8223-8c47-4c71-ba78-92c6f9441235")
    login.graph.register(other.directory, other.client_id, CLIENT_SECRET)
    tokens = login.tokens()
    first = await tokens.get(MAILBOX)
    login.graph.stall("login")

    waiting = asyncio.create_task(tokens.get(a_mailbox(account=other)))
    async with asyncio.timeout(5):
        await login.graph.stalled()
        assert await tokens.get(MAILBOX) == first

    login.graph.release()
    await waiting


# --- Failures -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("account", "codes"),
    [
        (
            replace(ACCOUNT, credentials=ClientSecret(Secret("no"))),
            "401 invalid_client AADSTS7000215",
        ),
        (replace(ACCOUNT, client_id="no"), "400 unauthorized_client AADSTS700016"),
        (replace(ACCOUNT, directory="no"), "400 invalid_tenant AADSTS90002"),
        (replace(ACCOUNT, directory="a/../b?c#d"), "400 invalid_tenant AADSTS90002"),
    ],
)
async def test_a_wrong_registration_is_a_matter_of_access(
    login: Login, account: MicrosoftAccount, codes: str
) -> None:
    with pytest.raises(AccessFailed) as raised:
        await login.tokens().get(a_mailbox(account=account))

    assert raised.value.reason == f"sign-in answered {codes}"


async def test_a_failed_sign_in_is_not_remembered(login: Login) -> None:
    tokens = login.tokens()
    login.graph.register(DIRECTORY, CLIENT_ID, "another")
    with pytest.raises(AccessFailed):
        await tokens.get(MAILBOX)
    login.graph.register(DIRECTORY, CLIENT_ID, CLIENT_SECRET)

    assert await tokens.get(MAILBOX)


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("header", "wait"), [("17", timedelta(seconds=17)), ("31536000", timedelta(hours=1))]
)
async def test_a_busy_login_says_how_long_to_wait(
    login: Login, status: int, header: str, wait: timedelta
) -> None:
    login.graph.fail("login", status=status, retry_after=header)

    with pytest.raises(Throttled) as raised:
        await login.tokens().get(MAILBOX)

    assert raised.value.retry_after == wait


@pytest.mark.parametrize("status", [400, 404, 500, 502, 503])
async def test_a_login_in_trouble_is_unavailable(login: Login, status: int) -> None:
    login.graph.fail("login", status=status)

    with pytest.raises(Unavailable, match=f"sign-in answered {status}"):
        await login.tokens().get(MAILBOX)


async def test_a_silent_login_is_given_up_in_time(login: Login, trust: ssl.SSLContext) -> None:
    login.graph.stall("login")
    async with httpx.AsyncClient(verify=trust, timeout=0.2) as http:
        tokens = replace(login, http=http).tokens()

        with pytest.raises(Unavailable, match="sign-in did not answer: ReadTimeout"):
            await tokens.get(MAILBOX)


async def test_a_slow_sign_in_is_given_up_in_time(login: Login) -> None:
    login.graph.stall("login")
    tokens = login.tokens(deadline=timedelta(seconds=0.2))

    with pytest.raises(Unavailable, match="sign-in did not answer: TimeoutError"):
        await tokens.get(MAILBOX)


async def test_a_login_that_is_not_there_is_unavailable(clock: ManualClock) -> None:
    async with httpx.AsyncClient() as http:
        tokens = tokens_of(
            EntraId(http, clock, sign_ins(clock), login_url="https://127.0.0.1:1"), clock
        )

        with pytest.raises(Unavailable, match="sign-in did not answer: ConnectError"):
            await tokens.get(MAILBOX)


def responding(metadata: bytes, token: bytes = b"") -> httpx.AsyncClient:
    """A login that says just this."""

    def respond(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=metadata if request.method == "GET" else token)

    return httpx.AsyncClient(transport=httpx.MockTransport(respond))


METADATA = json.dumps(
    {"token_endpoint": "https://login/d/token", "authorization_endpoint": "https://login/d/a"}
).encode()


@pytest.mark.parametrize(
    ("metadata", "token"),
    [
        (b"<html>", b""),
        (b"{}", b""),
        (b"x" * 300_000, b""),
        (METADATA, b"<html>"),
        (METADATA, b"{}"),
        (METADATA, b'{"access_token": "s3cret"}'),
        (METADATA, b'{"access_token": "s3cret", "expires_in": "soon"}'),
        (METADATA, b'{"access_token": ["s3cret"], "expires_in": 3599}'),
        (METADATA, b'"s3cret"'),
        (METADATA, b"s3cret " * 50_000),
    ],
)
async def test_nonsense_from_the_login_is_unavailable_and_not_repeated(
    clock: ManualClock, metadata: bytes, token: bytes
) -> None:
    async with responding(metadata, token) as http:
        tokens = tokens_of(EntraId(http, clock, sign_ins(clock)), clock)

        with pytest.raises(Unavailable) as raised:
            await tokens.get(MAILBOX)

    assert type(raised.value) is Unavailable  # and not that the message is too large
    assert raised.value.reason.startswith("sign-in answered")
    assert "s3cret" not in repr(raised.value)
    assert raised.value.__cause__ is None


async def test_a_secret_is_not_sent_in_the_clear(clock: ManualClock) -> None:
    async with responding(b"") as http:
        with pytest.raises(ValueError, match="must begin with https://"):
            EntraId(http, clock, sign_ins(clock), login_url="http://127.0.0.1:1")
