"""Who signed a push: what is believed, and what is refused."""

import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from postroom.adapters.clock import SystemClock
from postroom.adapters.google.push import MAX_TOKEN
from postroom.adapters.google.verified_tokens import GOOD_FOR, MAX_TOKENS, VerifiedTokens
from postroom.adapters.memory.clock import ManualClock
from postroom.entrypoints.emulators.gmail.keys import signing_key
from tests.adapters.push_rig import AUDIENCE, PUSHER, SUBSCRIPTION, Google, google_rig


@pytest.fixture
async def google(clock: ManualClock) -> AsyncIterator[Google]:
    async with google_rig(clock) as rig:
        yield rig


# --- What is believed ---------------------------------------------------------------------------


@pytest.mark.parametrize("issuer", ["accounts.google.com", "https://accounts.google.com"])
async def test_a_token_of_google_proves_who_pushed(google: Google, issuer: str) -> None:
    assert await google.verify(google.token(iss=issuer)) == PUSHER


async def test_clocks_may_differ_by_a_few_seconds(google: Google) -> None:
    now = int(SystemClock().now().timestamp())

    assert await google.verify(google.token(iat=now + 5)) == PUSHER
    assert await google.verify(google.token(exp=now - 5)) == PUSHER


# --- What is refused ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"aud": "https://elsewhere.test/webhooks/google"}, "audience"),
        ({"aud": AUDIENCE + "/"}, "audience"),
        ({"aud": [AUDIENCE]}, "audience"),
        ({"aud": None}, "audience"),
        ({"iss": "https://accounts.google.com.evil.test"}, "Google"),
        ({"iss": None}, "Google"),
        ({"email_verified": False}, "e-mail"),
        ({"email_verified": "true"}, "e-mail"),
        ({"email_verified": None}, "e-mail"),
        ({"email": None}, "e-mail"),
        ({"email": ""}, "e-mail"),
        ({"email": [PUSHER]}, "e-mail"),
        ({"exp": 1}, "time"),
        ({"exp": None}, "time"),
        ({"exp": "never"}, "time"),
        ({"iat": 2**40}, "time"),
        ({"iat": None}, "time"),
        ({"nbf": 2**40}, "not valid yet"),
        ({"nbf": "now"}, "time"),
        ({"nbf": 10**400}, "time"),
        ({"exp": 10**400}, "time"),
    ],
)
async def test_a_claim_that_is_not_as_it_must_be_is_refused(
    google: Google, claims: dict[str, object], reason: str
) -> None:
    assert reason in await google.refusal_of(google.token(**claims))


@pytest.mark.parametrize("missing", ["aud", "iss", "email", "email_verified", "exp", "iat"])
async def test_a_claim_that_is_missing_is_refused(google: Google, missing: str) -> None:
    _, payload, _ = google.token().split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    del claims[missing]

    assert await google.refusal_of(google.emulator.pubsub.key.sign(claims))


async def test_a_key_of_the_same_name_does_not_make_a_signature(google: Google) -> None:
    forger = signing_key("a forger")
    named_alike = type(forger)(google.emulator.pubsub.key.id, forger.private, forger.certificate)

    token = google.emulator.pubsub.token(SUBSCRIPTION, key=named_alike)

    assert "signature" in await google.refusal_of(token)


async def test_a_changed_claim_breaks_the_signature(google: Google) -> None:
    header, _, signature = google.token().split(".")
    _, other_payload, _ = google.token(email="other@example.org").split(".")

    assert "signature" in await google.refusal_of(f"{header}.{other_payload}.{signature}")


def unsigned(google: Google, algorithm: str, secret: bytes = b"") -> str:
    """A token of the right claims, signed with *secret* or not at all."""
    header = json.dumps({"alg": algorithm, "typ": "JWT", "kid": google.emulator.pubsub.key.id})
    _, payload, _ = google.token().split(".")
    signed = f"{encoded(header.encode())}.{payload}"
    signature = hmac.new(secret, signed.encode(), hashlib.sha256).digest() if secret else b""
    return f"{signed}.{encoded(signature)}"


def encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


@pytest.mark.parametrize("algorithm", ["none", "None", "", "HS256", "RS512", "ES256"])
async def test_no_other_algorithm_than_rs256_is_believed(google: Google, algorithm: str) -> None:
    assert "signature" in await google.refusal_of(unsigned(google, algorithm))


async def test_a_public_certificate_is_not_a_secret_to_sign_with(google: Google) -> None:
    certificate = google.emulator.pubsub.key.certificate.encode()

    assert "signature" in await google.refusal_of(unsigned(google, "HS256", certificate))


@pytest.mark.parametrize(
    "token",
    [
        "",
        ".",
        "..",
        "a.b.c",
        "e30.e30.",
        "W10.W10.",
        "é.é.é",
        "\ud800.a.b",
        encoded(b"[" * 5000) + ".e30.",
        encoded(b'{"kid": 7}') + ".e30.",
        encoded(b'{"kid": ["a"]}') + ".e30.",
        encoded(b'{"alg": "RS256"}') + ".e30.",
    ],
)
async def test_what_is_no_token_is_refused_before_anything_is_asked(
    google: Google, token: str
) -> None:
    assert await google.refusal_of(token)
    assert google.requests == 0


async def test_a_payload_that_is_too_deep_to_read_is_refused(google: Google) -> None:
    header, _, _ = google.token().split(".")

    assert await google.refusal_of(f"{header}.{encoded(b'[' * 5000)}.")


async def test_a_token_that_is_too_long_is_not_even_read(google: Google) -> None:
    assert await google.refusal_of("a" * (MAX_TOKEN + 1)) == "the token is too long"
    assert google.requests == 0


# --- What is remembered -------------------------------------------------------------------------


async def test_the_signature_of_a_token_is_checked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    async with google_rig(SystemClock()) as google:
        token = google.token()
        await google.verify(token)
        monkeypatch.delattr("google.auth.jwt.decode")

        assert await google.verify(token) == PUSHER


def test_a_token_is_remembered_until_it_expires_and_for_an_hour_at_the_most(
    clock: ManualClock,
) -> None:
    tokens = VerifiedTokens(clock)
    tokens.store("short", PUSHER, 60)
    tokens.store("long", PUSHER, 2 * GOOD_FOR)
    tokens.store("past", PUSHER, -1)
    assert (tokens.find("short"), tokens.find("past")) == (PUSHER, "")

    clock.advance(timedelta(seconds=60))
    assert (tokens.find("short"), tokens.find("long")) == ("", PUSHER)

    clock.advance(timedelta(seconds=GOOD_FOR - 60))
    assert tokens.find("long") == ""


async def test_what_was_refused_is_refused_again(google: Google) -> None:
    token = google.token(email_verified=False)

    assert await google.refusal_of(token) == await google.refusal_of(token)


def test_so_many_tokens_are_remembered_and_no_more(clock: ManualClock) -> None:
    tokens = VerifiedTokens(clock)
    for number in range(MAX_TOKENS + 1):
        tokens.store(str(number), PUSHER, 60)

    assert tokens.find("0") == ""
    assert tokens.find("1") == tokens.find(str(MAX_TOKENS)) == PUSHER
