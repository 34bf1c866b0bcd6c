"""Who has sent a rich notification: what is believed, and what is refused."""

import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from postroom.adapters.memory.clock import ManualClock
from postroom.adapters.microsoft.notification_tokens import CHANGE_TRACKING, MAX_TOKEN, SKEW
from tests.adapters.notification_token_rig import (
    APPLICATION,
    DIRECTORY,
    LOGIN,
    Entra,
    private_key,
    published,
)

SECOND = timedelta(seconds=1)


@pytest.fixture
async def entra(clock: ManualClock) -> AsyncIterator[Entra]:
    rig = Entra(clock)
    async with rig.http:
        yield rig


def encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


# --- What is believed ---------------------------------------------------------------------------


async def test_a_token_of_graph_tells_which_application_it_is_made_out_to(entra: Entra) -> None:
    assert await entra.verify(entra.token()) == APPLICATION


async def test_a_token_of_version_2_names_its_sender_otherwise(entra: Entra) -> None:
    token = entra.token(ver="2.0", iss=f"{LOGIN}/{DIRECTORY}/v2.0", appid=None, azp=CHANGE_TRACKING)

    assert await entra.verify(token) == APPLICATION


async def test_clocks_may_differ_by_some_minutes(entra: Entra, clock: ManualClock) -> None:
    now = int(clock.now().timestamp())
    off = int(SKEW.total_seconds())

    assert await entra.verify(entra.token(nbf=now + off)) == APPLICATION
    assert await entra.verify(entra.token(exp=now - off + 1)) == APPLICATION


# --- What is refused ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"appid": APPLICATION}, "sender"),
        ({"appid": None}, "sender"),
        ({"appid": None, "azp": APPLICATION}, "sender"),
        ({"appid": APPLICATION, "azp": CHANGE_TRACKING}, "sender"),
        ({"iss": f"https://sts.windows.net/{APPLICATION}/"}, "issued"),
        ({"iss": f"https://sts.windows.net/{DIRECTORY}"}, "issued"),
        ({"iss": f"https://evil.test/{DIRECTORY}/v2.0"}, "issued"),
        ({"iss": None}, "lacks"),
        ({"tid": None}, "lacks"),
        ({"tid": "../elsewhere"}, "lacks"),
        ({"aud": None}, "lacks"),
        ({"aud": [APPLICATION]}, "lacks"),
        ({"exp": None}, "lacks"),
        ({"exp": "never"}, "lacks"),
        ({"exp": True}, "lacks"),
        ({"exp": float("nan")}, "lacks"),
        ({"exp": 2**70}, "lacks"),
        ({"exp": 1}, "expired"),
        ({"nbf": 2**39}, "not valid yet"),
    ],
)
async def test_a_claim_that_is_not_as_it_must_be_is_refused(
    entra: Entra, claims: dict[str, Any], reason: str
) -> None:
    assert reason in await entra.refusal_of(entra.token(**claims))


async def test_a_token_ends_some_minutes_after_it_says(entra: Entra, clock: ManualClock) -> None:
    token = entra.token()
    clock.advance(timedelta(hours=1) + SKEW - SECOND)
    assert await entra.verify(token) == APPLICATION
    clock.advance(SECOND)

    assert "expired" in await entra.refusal_of(token)


async def test_a_key_of_the_same_name_does_not_make_a_signature(entra: Entra) -> None:
    assert "signature" in await entra.refusal_of(entra.token(key="a forger's"))


async def test_a_changed_claim_breaks_the_signature(entra: Entra) -> None:
    header, _, signature = entra.token().split(".")
    _, other_payload, _ = entra.token(aud="another").split(".")

    assert "signature" in await entra.refusal_of(f"{header}.{other_payload}.{signature}")


@pytest.mark.parametrize("algorithm", ["none", "None", "", "HS256", "RS512", "PS256", "ES256"])
async def test_no_other_algorithm_than_rs256_is_believed(entra: Entra, algorithm: str) -> None:
    header = encoded(json.dumps({"alg": algorithm, "typ": "JWT", "kid": "k1"}).encode())
    _, payload, signature = entra.token().split(".")

    assert "signature" in await entra.refusal_of(f"{header}.{payload}.{signature}")
    assert "signature" in await entra.refusal_of(f"{header}.{payload}.")


async def test_a_public_key_is_not_a_secret_to_sign_with(entra: Entra) -> None:
    public = private_key("k1").public_key()
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    header = encoded(json.dumps({"alg": "HS256", "typ": "JWT", "kid": "k1"}).encode())
    signed = f"{header}.{entra.token().split('.')[1]}"
    signature = encoded(hmac.new(pem, signed.encode(), hashlib.sha256).digest())

    assert "signature" in await entra.refusal_of(f"{signed}.{signature}")


async def test_a_key_of_one_directory_signs_for_no_other(entra: Entra) -> None:
    entra.keys = [published("k1", issuer=f"{LOGIN}/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0")]

    assert "not for its directory" in await entra.refusal_of(entra.token())

    entra.keys = [published("k2", issuer=f"{LOGIN}/{DIRECTORY}/v2.0")]
    entra.clock.advance(timedelta(minutes=1))
    assert await entra.verify(entra.token(key="k2", kid="k2")) == APPLICATION


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
        encoded(b'{"alg": "RS256", "kid": 7}') + ".e30.",
        encoded(b'{"alg": "RS256", "kid": ["a"]}') + ".e30.",
        encoded(b'{"alg": "RS256"}') + ".e30.",
    ],
)
async def test_what_is_no_token_is_refused_before_anything_is_asked(
    entra: Entra, token: str
) -> None:
    assert await entra.refusal_of(token)
    assert entra.requests == 0


async def test_a_payload_that_is_no_object_is_refused(entra: Entra) -> None:
    header, _, _ = entra.token().split(".")

    for payload in (b"[" * 5000, b"[]", b"7", b"\xff"):
        assert await entra.refusal_of(f"{header}.{encoded(payload)}.")


async def test_a_token_that_is_too_long_is_not_even_read(entra: Entra) -> None:
    assert await entra.refusal_of("a" * (MAX_TOKEN + 1)) == "the token is too long"
    assert entra.requests == 0
