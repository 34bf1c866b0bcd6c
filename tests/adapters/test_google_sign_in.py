"""Signing in to Google in a browser: the request, its answer, and whatever else comes to the port.

What it has in common with other providers is in tests/contracts/test_sign_in.py.
"""

import asyncio
import base64
import hashlib
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from postroom.adapters.google.account_options import PASTE
from postroom.adapters.google.loopback import MAX_HEAD, Loopback, loopback
from postroom.adapters.google.person_sign_in import AGAIN_AFTER, PASTED_FROM, GoogleSignIn
from postroom.adapters.memory.clock import ManualClock
from postroom.application.ports import PendingSignIn
from postroom.domain.failure import AccessFailed, Throttled, Unavailable
from postroom.entrypoints.emulators.gmail.wire import GrantError
from tests.adapters.gmail_rig import SUPPORT, logged
from tests.adapters.google_sign_in_rig import TOKEN_URL, GoogleLogin, google_login

PASTED = {PASTE: True}


@pytest.fixture
async def login(clock: ManualClock) -> AsyncIterator[GoogleLogin]:
    async with google_login(clock) as login:
        yield login


def asked(pending: PendingSignIn) -> dict[str, str]:
    return {name: value for name, [value] in parse_qs(urlsplit(pending.prompt.uri).query).items()}


# --- The request --------------------------------------------------------------------------------


async def test_consent_is_asked_for_reading_alone_with_pkce_and_a_refresh_token(
    login: GoogleLogin,
) -> None:
    async with login.sign_in().open(login.mailbox(), {}) as pending:
        query = asked(pending)

    assert query["scope"] == "https://www.googleapis.com/auth/gmail.readonly"
    assert (query["access_type"], query["prompt"]) == ("offline", "consent")
    assert (query["response_type"], query["code_challenge_method"]) == ("code", "S256")
    assert query["login_hint"] == SUPPORT
    redirect = urlsplit(query["redirect_uri"])
    assert (redirect.scheme, redirect.hostname) == ("http", "127.0.0.1")
    assert len(query["state"]) >= 43


async def test_the_verifier_is_shown_to_the_token_endpoint_alone(
    login: GoogleLogin, clock: ManualClock
) -> None:
    forms: list[dict[str, list[str]]] = []

    def respond(request: httpx.Request) -> httpx.Response:
        forms.append(parse_qs(request.content.decode()))
        scope = "openid https://www.googleapis.com/auth/gmail.readonly"
        return httpx.Response(200, json={"refresh_token": "r", "scope": scope})

    async with httpx.AsyncClient(transport=httpx.MockTransport(respond)) as http:
        sign_in = GoogleSignIn(http, clock, token_url=TOKEN_URL)
        async with sign_in.open(login.mailbox(), PASTED) as pending:
            query = asked(pending)
            await pending.finish(f"{PASTED_FROM}/?code=4%2F0A&state={query['state']}")

    [[verifier]] = [form["code_verifier"] for form in forms]
    digest = hashlib.sha256(verifier.encode()).digest()
    assert query["code_challenge"] == base64.urlsafe_b64encode(digest).decode().rstrip("=")
    assert verifier not in pending.prompt.uri
    assert verifier not in repr(pending)
    assert forms[0]["redirect_uri"] == [PASTED_FROM]
    assert forms[0]["code"] == ["4/0A"]


# --- The answer ---------------------------------------------------------------------------------


async def test_when_the_person_has_signed_in_their_mailbox_is_open(login: GoogleLogin) -> None:
    async with login.sign_in().open(login.mailbox(), {}) as pending:
        await login.browse(pending.prompt.uri)
        account = await pending.finish()

    assert login.gmail.tokens.clients.refresh_token(login.token_of(account))


async def test_an_address_that_was_pasted_is_as_good(login: GoogleLogin) -> None:
    async with login.sign_in().open(login.mailbox(), PASTED) as pending:
        assert pending.prompt.is_pasted
        ends_at = await login.redirect(pending.prompt.uri)
        account = await pending.finish(f"  {ends_at}\n")

    assert login.token_of(account)


@pytest.mark.parametrize(
    "pasted",
    ["", "nonsense", "4/0Acode", "{}/?code=c", "{}/?code=c&state=x", "https://evil.test/?{state}"],
)
async def test_what_was_pasted_from_elsewhere_is_refused(login: GoogleLogin, pasted: str) -> None:
    async with login.sign_in().open(login.mailbox(), PASTED) as pending:
        state = f"code=c&state={asked(pending)['state']}"
        text = pasted.replace("{}", PASTED_FROM).replace("{state}", state)
        with pytest.raises(AccessFailed, match="is not the address") as raised:
            await pending.finish(text)

    assert "code=" not in logged(raised.value)
    assert login.gmail.calls["token"] == 0


async def test_a_person_who_does_not_tick_the_mail_is_told_so(login: GoogleLogin) -> None:
    login.gmail.sign_in(SUPPORT, granting=["openid"])
    async with login.sign_in().open(login.mailbox(), {}) as pending:
        await login.browse(pending.prompt.uri)
        with pytest.raises(AccessFailed, match="has not allowed us to read"):
            await pending.finish()


async def test_a_person_who_refuses_is_named_by_googles_code(login: GoogleLogin) -> None:
    login.gmail.deny_consent()
    async with login.sign_in().open(login.mailbox(), {}) as pending:
        await login.browse(pending.prompt.uri)
        with pytest.raises(AccessFailed, match=r"^sign-in answered access_denied$"):
            await pending.finish()


@pytest.mark.parametrize(
    ("body", "failure"),
    [
        ("{}", AccessFailed),
        ('{"scope": "https://www.googleapis.com/auth/gmail.readonly"}', AccessFailed),
        ("<h1>hotel</h1>", Unavailable),
        ('{"refresh_token": ["s3cret"], "scope": ""}', Unavailable),
        (json.dumps({"refresh_token": "s3cret", "scope": "x" * 100_000}), Unavailable),
    ],
)
async def test_nonsense_from_the_token_endpoint_opens_nothing_and_is_not_repeated(
    login: GoogleLogin, clock: ManualClock, body: str, failure: type[Exception]
) -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(200, text=body))
    async with httpx.AsyncClient(transport=transport) as http:
        sign_in = GoogleSignIn(http, clock, token_url=TOKEN_URL)
        async with sign_in.open(login.mailbox(), PASTED) as pending:
            state = asked(pending)["state"]
            with pytest.raises(failure) as raised:
                await pending.finish(f"{PASTED_FROM}/?code=c&state={state}")

    assert "s3cret" not in repr(raised.value)


async def test_a_token_endpoint_that_is_away_is_asked_as_long_as_the_code_is_good(
    login: GoogleLogin, clock: ManualClock
) -> None:
    start = clock.now()
    login.gmail.fail("token", GrantError(429, "slow_down", ""), times=1000)
    async with login.sign_in().open(login.mailbox(), {}) as pending:
        await login.browse(pending.prompt.uri)
        with pytest.raises(Throttled):
            await pending.finish()

    assert (
        pending.prompt.expires_at - timedelta(minutes=1) < clock.now() < start + timedelta(hours=1)
    )
    assert login.gmail.calls["token"] < timedelta(minutes=15) / AGAIN_AFTER


async def test_a_wait_can_be_interrupted_and_leaves_no_port_open(login: GoogleLogin) -> None:
    async with login.sign_in().open(login.mailbox(), {}) as pending:
        waiting = asyncio.create_task(pending.finish())
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        uri = asked(pending)["redirect_uri"]

    async with httpx.AsyncClient() as browser:
        with pytest.raises(httpx.ConnectError):
            await browser.get(uri)


# --- The port -----------------------------------------------------------------------------------


@pytest.fixture
async def listening() -> AsyncIterator[Loopback]:
    async with loopback(lambda query: query == "ours=1") as listening:
        yield listening


async def sent(listening: Loopback, request: bytes) -> bytes:
    port = urlsplit(listening.uri).port
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    writer.write_eof()
    response = await reader.read()
    writer.close()
    return response


@pytest.mark.parametrize(
    "request_",
    [
        b"GET /favicon.ico HTTP/1.1\r\n\r\n",
        b"GET /?ours=2 HTTP/1.1\r\n\r\n",
        b"GET /other?ours=1 HTTP/1.1\r\n\r\n",
        b"GET http://elsewhere/?ours=1 HTTP/1.1\r\n\r\n",
        b"POST /?ours=1 HTTP/1.1\r\n\r\n",
        b"GET\r\n\r\n",
        b"\x16\x03\x01\r\n\r\n",
    ],
)
async def test_whatever_else_comes_to_the_port_is_turned_away(
    listening: Loopback, request_: bytes
) -> None:
    assert (await sent(listening, request_)).startswith(b"HTTP/1.1 404 ")
    assert not listening.query.done()

    ours = await sent(listening, b"GET /?ours=1 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")

    assert ours.startswith(b"HTTP/1.1 200 ")
    assert await listening.query == "ours=1"


@pytest.mark.parametrize("request_", [b"", b"GET / HT", b"GET /?" + b"x" * 2 * MAX_HEAD])
async def test_a_request_that_never_ends_is_not_answered(
    listening: Loopback, request_: bytes
) -> None:
    assert await sent(listening, request_) == b""
    assert not listening.query.done()


async def test_the_first_answer_is_taken_and_the_second_changes_nothing(
    listening: Loopback,
) -> None:
    for _ in range(2):
        assert (await sent(listening, b"GET /?ours=1 HTTP/1.1\r\n\r\n")).startswith(
            b"HTTP/1.1 200 "
        )

    assert await listening.query == "ours=1"


async def test_a_connection_on_which_nothing_is_said_does_not_hold_up_the_end() -> None:
    """Browsers open some in reserve."""
    async with asyncio.timeout(5):
        async with loopback(lambda _: True) as listening:
            port = urlsplit(listening.uri).port
            silent, writer = await asyncio.open_connection("127.0.0.1", port)
            await sent(listening, b"GET / HTTP/1.1\r\n\r\n")

        assert await silent.read() == b""
        writer.close()
