"""The emulated sign-in at Google: consent, codes, refresh tokens, and every refusal by its code."""

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import google.auth.transport.requests
import httpx
import pytest
from google.auth.exceptions import RefreshError
from google.oauth2.credentials import Credentials

from postroom.adapters.memory.clock import ManualClock
from postroom.entrypoints.emulators.gmail import GmailEmulator
from postroom.entrypoints.emulators.gmail.access import MODIFY_MAIL, READ_MAIL
from postroom.entrypoints.emulators.gmail.oauth_clients import OAuthClient
from postroom.entrypoints.emulators.gmail.script_sign_in import CLIENT
from postroom.entrypoints.emulators.loopback import serve
from tests.emulators.gmail_rig import SUPPORT, Receiver, emulated

URL = "https://google.test"
HOME = "http://127.0.0.1:4711/"
VERIFIER = "a-verifier-of-the-forty-three-letters-at-least"
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode()
REQUEST = {
    "client_id": CLIENT.id,
    "redirect_uri": HOME,
    "response_type": "code",
    "scope": READ_MAIL,
    "state": "xyzzy",
    "access_type": "offline",
    "code_challenge": CHALLENGE.rstrip("="),
    "code_challenge_method": "S256",
    "login_hint": SUPPORT,
}
KNOWN = {"client_id": CLIENT.id, "client_secret": CLIENT.secret}
EXCHANGE = KNOWN | {
    "grant_type": "authorization_code",
    "redirect_uri": HOME,
    "code_verifier": VERIFIER,
}


@pytest.fixture
async def gmail(clock: ManualClock) -> AsyncIterator[GmailEmulator]:
    async with emulated(clock, Receiver()) as gmail:
        yield gmail


@pytest.fixture
async def browser(gmail: GmailEmulator) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=gmail.transport(), base_url=URL) as http:
        yield http


async def consent(browser: httpx.AsyncClient, **changes: str) -> dict[str, str]:
    """What the browser is sent back with."""
    answer = await browser.get("/o/oauth2/v2/auth", params=REQUEST | changes)
    assert answer.status_code == 302, answer.text
    back = urlsplit(answer.headers["Location"])
    assert f"{back.scheme}://{back.netloc}{back.path}" == (REQUEST | changes)["redirect_uri"]
    return {name: value for name, [value] in parse_qs(back.query).items()}


async def exchange(browser: httpx.AsyncClient, code: str, /, **changes: str) -> httpx.Response:
    form = {name: value for name, value in (EXCHANGE | {"code": code} | changes).items() if value}
    return await browser.post("/token", data=form)


async def signed_in(browser: httpx.AsyncClient) -> str:
    """A refresh token."""
    answer = await exchange(browser, (await consent(browser))["code"])
    token: str = answer.json()["refresh_token"]
    return token


async def refresh(browser: httpx.AsyncClient, token: str, **changes: str) -> httpx.Response:
    form = KNOWN | {"grant_type": "refresh_token", "refresh_token": token} | changes
    return await browser.post("/token", data=form)


def refusal(answer: httpx.Response) -> tuple[int, str, str]:
    body = answer.json()
    return answer.status_code, body["error"], body["error_description"]


async def profile(browser: httpx.AsyncClient, token: str) -> httpx.Response:
    headers = {"Authorization": f"Bearer {token}"}
    return await browser.get("/gmail/v1/users/me/profile", headers=headers)


# --- Consent ------------------------------------------------------------------------------------


async def test_a_code_is_exchanged_for_access_to_the_persons_mailbox(
    browser: httpx.AsyncClient,
) -> None:
    back = await consent(browser)
    answer = await exchange(browser, back["code"])

    assert back == {"code": back["code"], "scope": READ_MAIL, "state": "xyzzy"}
    tokens = answer.json()
    assert {name: tokens[name] for name in ("expires_in", "scope", "token_type")} == {
        "expires_in": 3599,
        "scope": READ_MAIL,
        "token_type": "Bearer",
    }
    shown = await profile(browser, tokens["access_token"])
    assert shown.json()["emailAddress"] == SUPPORT


async def test_googles_own_library_refreshes(gmail: GmailEmulator) -> None:
    token = gmail.consent(SUPPORT)

    async with serve(gmail.app) as url:
        credentials = Credentials(  # type: ignore[no-untyped-call] # google-auth has no types
            token=None,
            refresh_token=token,
            token_uri=f"{url}/token",
            client_id=CLIENT.id,
            client_secret=CLIENT.secret,
            scopes=[READ_MAIL],
        )
        await asyncio.to_thread(credentials.refresh, google.auth.transport.requests.Request())
        assert gmail.accepts(str(credentials.token))

        gmail.withdraw_consent(SUPPORT)
        assert not gmail.accepts(str(credentials.token))
        with pytest.raises(RefreshError, match="Token has been expired or revoked"):
            await asyncio.to_thread(credentials.refresh, google.auth.transport.requests.Request())


@pytest.mark.parametrize("home", ["http://localhost:1/x", "http://[::1]:99/"])
async def test_a_desktop_client_may_listen_anywhere_on_its_own_machine(
    browser: httpx.AsyncClient, home: str
) -> None:
    back = await consent(browser, redirect_uri=home)

    assert (await exchange(browser, back["code"], redirect_uri=home)).status_code == 200


async def test_who_signs_in_may_be_somebody_else_than_was_hinted_at(
    gmail: GmailEmulator, browser: httpx.AsyncClient
) -> None:
    gmail.mailbox("other@example.org")
    gmail.sign_in("other@example.org")

    answer = await exchange(browser, (await consent(browser))["code"])

    shown = await profile(browser, answer.json()["access_token"])
    assert shown.json()["emailAddress"] == "other@example.org"


async def test_a_person_may_agree_to_a_part(
    gmail: GmailEmulator, browser: httpx.AsyncClient
) -> None:
    gmail.sign_in(SUPPORT, granting=[MODIFY_MAIL])

    back = await consent(browser, scope=f"{READ_MAIL} {MODIFY_MAIL}")

    assert back["scope"] == MODIFY_MAIL
    assert (await exchange(browser, back["code"])).json()["scope"] == MODIFY_MAIL


async def test_a_person_may_say_no(gmail: GmailEmulator, browser: httpx.AsyncClient) -> None:
    gmail.deny_consent()

    assert await consent(browser) == {"error": "access_denied", "state": "xyzzy"}


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"client_id": "nobody"}, 401, "invalid_client"),
        ({"redirect_uri": "https://postroom.example/"}, 400, "redirect_uri_mismatch"),
        ({"redirect_uri": "http://127.0.0.1.example/"}, 400, "redirect_uri_mismatch"),
        ({"response_type": "token"}, 400, "unsupported_response_type"),
        ({"scope": ""}, 400, "invalid_request"),
        ({"code_challenge_method": "S512"}, 400, "invalid_request"),
        ({"code_challenge": "short"}, 400, "invalid_request"),
        ({"login_hint": "nobody@example.org"}, 400, "invalid_request"),
    ],
)
async def test_a_request_that_is_wrong_is_shown_to_the_person_alone(
    browser: httpx.AsyncClient, changes: dict[str, str], status: int, code: str
) -> None:
    page = await browser.get("/o/oauth2/v2/auth", params=REQUEST | changes)

    assert (page.status_code, page.headers["Content-Type"]) == (status, "text/html; charset=utf-8")
    assert f"Error {status}: {code}" in page.text


async def test_a_web_client_is_sent_back_to_its_own_addresses_alone(
    gmail: GmailEmulator, browser: httpx.AsyncClient
) -> None:
    here = "https://postroom.example/back"
    gmail.tokens.clients.register(OAuthClient("web", "secret", redirect_uris=(here,)))

    assert "code" in await consent(browser, client_id="web", redirect_uri=here)
    for other in (f"{here}/", HOME):
        changes = {"client_id": "web", "redirect_uri": other}
        page = await browser.get("/o/oauth2/v2/auth", params=REQUEST | changes)
        assert page.status_code == 400


# --- Codes --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "refused"),
    [
        ({"client_id": "nobody"}, (401, "invalid_client", "The OAuth client was not found.")),
        (
            {"client_secret": "guessed"},
            (401, "invalid_client", "The provided client secret is invalid."),
        ),
        ({"client_secret": ""}, (400, "invalid_request", "client_secret is missing.")),
        ({"client_id": ""}, (400, "invalid_request", "Missing required parameter: client_id")),
        ({"code": "4/guessed"}, (400, "invalid_grant", "Malformed auth code.")),
        ({"redirect_uri": f"{HOME}x"}, (400, "redirect_uri_mismatch", "Bad Request")),
        ({"code_verifier": ""}, (400, "invalid_grant", "Missing code verifier.")),
        ({"code_verifier": VERIFIER[1:]}, (400, "invalid_grant", "Invalid code verifier.")),
        (
            {"grant_type": "password"},
            (400, "unsupported_grant_type", "Invalid grant_type: password"),
        ),
        (
            {"grant_type": ""},
            (400, "invalid_request", "Required parameter is missing: grant_type"),
        ),
    ],
)
async def test_an_exchange_that_is_wrong_is_refused(
    browser: httpx.AsyncClient, changes: dict[str, str], refused: tuple[int, str, str]
) -> None:
    code = (await consent(browser))["code"]

    assert refusal(await exchange(browser, code, **changes)) == refused


async def test_a_code_is_good_once(browser: httpx.AsyncClient) -> None:
    code = (await consent(browser))["code"]
    await exchange(browser, code)

    assert refusal(await exchange(browser, code)) == (400, "invalid_grant", "Bad Request")


async def test_a_code_is_good_for_ten_minutes(
    browser: httpx.AsyncClient, clock: ManualClock
) -> None:
    code = (await consent(browser))["code"]
    clock.advance(timedelta(minutes=10))

    assert refusal(await exchange(browser, code)) == (400, "invalid_grant", "Bad Request")


async def test_a_code_is_for_one_client(gmail: GmailEmulator, browser: httpx.AsyncClient) -> None:
    gmail.tokens.clients.register(OAuthClient("other", "secret"))
    code = (await consent(browser))["code"]

    answer = await exchange(browser, code, client_id="other", client_secret="secret")

    assert refusal(answer) == (400, "invalid_grant", "Bad Request")


# --- Refresh tokens -----------------------------------------------------------------------------


async def test_a_refresh_token_stays_the_same(browser: httpx.AsyncClient) -> None:
    token = await signed_in(browser)

    first, second = await refresh(browser, token), await refresh(browser, token)

    assert "refresh_token" not in first.json()
    assert first.json()["access_token"] != second.json()["access_token"]


async def test_a_client_must_cope_with_one_that_is_rotated(
    gmail: GmailEmulator, browser: httpx.AsyncClient
) -> None:
    gmail.tokens.clients.rotating = True
    token = await signed_in(browser)

    following = (await refresh(browser, token)).json()["refresh_token"]

    assert following != token
    assert (await refresh(browser, token)).status_code == 400
    assert (await refresh(browser, following)).status_code == 200


async def test_a_second_consent_gives_a_refresh_token_only_if_the_page_was_to_be_shown(
    browser: httpx.AsyncClient,
) -> None:
    await signed_in(browser)
    quiet = await exchange(browser, (await consent(browser))["code"])
    shown = await exchange(browser, (await consent(browser, prompt="consent"))["code"])
    online = await exchange(
        browser, (await consent(browser, prompt="consent", access_type="online"))["code"]
    )

    given = ["refresh_token" in each.json() for each in (quiet, shown, online)]

    assert given == [False, True, False]


async def test_the_oldest_of_101_refresh_tokens_dies(
    gmail: GmailEmulator, browser: httpx.AsyncClient
) -> None:
    tokens = [gmail.consent(SUPPORT) for _ in range(101)]

    assert (await refresh(browser, tokens[0])).json()["error"] == "invalid_grant"
    assert (await refresh(browser, tokens[1])).status_code == 200


async def test_a_refresh_token_that_is_not_used_dies(
    browser: httpx.AsyncClient, clock: ManualClock
) -> None:
    token = await signed_in(browser)
    for _ in range(3):
        clock.advance(timedelta(days=182))
        assert (await refresh(browser, token)).status_code == 200

    clock.advance(timedelta(days=183))

    assert refusal(await refresh(browser, token)) == (
        400,
        "invalid_grant",
        "Token has been expired or revoked.",
    )


async def test_a_refresh_token_of_a_client_in_testing_lasts_a_week(
    gmail: GmailEmulator, browser: httpx.AsyncClient, clock: ManualClock
) -> None:
    gmail.tokens.clients.testing_lifetime = timedelta(days=7)
    token = await signed_in(browser)
    clock.advance(timedelta(days=7))

    assert (await refresh(browser, token)).json()["error"] == "invalid_grant"


async def test_a_refresh_token_is_for_one_client(
    gmail: GmailEmulator, browser: httpx.AsyncClient
) -> None:
    gmail.tokens.clients.register(OAuthClient("other", "secret"))
    token = await signed_in(browser)

    answer = await refresh(browser, token, client_id="other", client_secret="secret")

    assert refusal(answer) == (401, "unauthorized_client", "Unauthorized")


async def test_a_refresh_cannot_widen_what_was_agreed_to(browser: httpx.AsyncClient) -> None:
    token = await signed_in(browser)

    assert refusal(await refresh(browser, token, scope=MODIFY_MAIL))[:2] == (400, "invalid_scope")


# --- Ends ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["refresh_token", "access_token"])
async def test_what_is_revoked_is_over_with_all_that_came_of_it(
    browser: httpx.AsyncClient, kind: str
) -> None:
    tokens = (await exchange(browser, (await consent(browser))["code"])).json()

    assert (await browser.post("/revoke", data={"token": tokens[kind]})).status_code == 200

    assert (await refresh(browser, tokens["refresh_token"])).json()["error"] == "invalid_grant"
    assert (await profile(browser, tokens["access_token"])).status_code == 401
    again = await browser.post("/revoke", data={"token": tokens[kind]})
    assert refusal(again) == (400, "invalid_token", "Token expired or revoked")


async def test_access_ends_by_the_clock(browser: httpx.AsyncClient, clock: ManualClock) -> None:
    tokens = (await exchange(browser, (await consent(browser))["code"])).json()
    clock.advance(timedelta(seconds=tokens["expires_in"]))

    assert (await profile(browser, tokens["access_token"])).status_code == 401
