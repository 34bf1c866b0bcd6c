"""One POST a message, as it goes out, and what its answer becomes."""

import json
from dataclasses import replace
from datetime import timedelta

import httpcore
import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroom.adapters.http.standard_webhooks import key_of, verify
from postroom.application.ports import Call
from postroom.domain.handover.answer import (
    Answer,
    Busy,
    Done,
    Duplicate,
    Failed,
    Unreachable,
)
from postroom.domain.handover.application import Application, Role, SetBy
from tests.adapters.webhook_rig import OK, PUBLIC, Rig, webhook_rig
from tests.calling import BODY, KEY, NOON, SECRET, application, call_of

TENANTS = application(set_by=SetBy.TENANT)
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


async def called(rig: Rig, application: Application, call: Call) -> Answer:
    (answer,) = await rig.caller.call(application, [call])
    return answer


async def test_the_frozen_bytes_are_posted_with_what_a_receiver_needs() -> None:
    async with webhook_rig() as rig:
        answer = await called(rig, application(), call_of(fence=3, unsure=2, traceparent=TRACE))
        (wire,) = rig.network.wires

    assert answer == Done(status=200)
    assert wire.body == BODY
    assert wire.sent.startswith(b"POST /inbound?token=secret-of-the-url HTTP/1.1\r\n")
    assert wire.headers == {
        "host": "hooks.crm.example",
        "content-length": str(len(BODY)),
        "content-type": "application/json; charset=utf-8",
        "accept": "application/json",
        "accept-encoding": "identity",
        "user-agent": "Postroom/1.0",
        "webhook-id": KEY,
        "webhook-timestamp": str(int(NOON.timestamp())),
        "webhook-signature": wire.headers["webhook-signature"],
        "idempotency-key": f'"{KEY}"',
        "postroom-attempt": "3",
        "postroom-unsure": "2",
        "postroom-content-token": f"v1.token-of-{KEY}",
        "traceparent": TRACE,
    }
    verify(
        key_of(SECRET),
        message_id=KEY,
        timestamp=wire.headers["webhook-timestamp"],
        signatures=wire.headers["webhook-signature"],
        body=wire.body,
        now=NOON,
    )


async def test_an_event_opens_no_links() -> None:
    async with webhook_rig() as rig:
        await called(rig, replace(application(), role=Role.SUBSCRIBER), call_of())
        (wire,) = rig.network.wires

    assert "postroom-content-token" not in wire.headers
    assert wire.headers["webhook-id"] == KEY


async def test_a_second_call_is_signed_for_its_own_time() -> None:
    async with webhook_rig(OK[:-4] + b"\r\nconnection: close\r\n\r\n") as rig:
        await called(rig, application(), call_of())
        rig.clock.advance(timedelta(days=3))
        await called(rig, application(), call_of(fence=2))
        first, second = rig.network.wires

    assert second.headers["webhook-timestamp"] == str(int((NOON + timedelta(days=3)).timestamp()))
    assert first.headers["webhook-signature"] != second.headers["webhook-signature"]
    assert "traceparent" not in second.headers


async def test_a_user_in_the_url_signs_in_by_basic_authentication() -> None:
    async with webhook_rig() as rig:
        await called(rig, application("https://jo:p%40ss@crm.example/"), call_of())
        (wire,) = rig.network.wires

    assert wire.headers["authorization"] == "Basic am86cEBzcw=="
    assert wire.headers["host"] == "crm.example"


async def test_a_host_by_its_address_is_named_as_in_the_url() -> None:
    async with webhook_rig() as rig:
        rig.names.addresses = ["::1"]
        await called(rig, application("http://[::1]:3000/inbound"), call_of())
        (wire,) = rig.network.wires

    assert wire.headers["host"] == "[::1]:3000"


@pytest.mark.parametrize("secrets", [(), ("whsec_short",)])
async def test_without_a_sound_secret_nothing_is_sent(secrets: tuple[str, ...]) -> None:
    async with webhook_rig() as rig:
        answer = await called(rig, application(secrets=secrets), call_of())
        pong = await rig.caller.ping(application(secrets=secrets))

    assert isinstance(answer, Unreachable)
    assert isinstance(pong, Unreachable)
    assert rig.network.tried == []


async def test_a_redirect_to_the_metadata_of_a_cloud_is_not_followed() -> None:
    redirect = b"HTTP/1.1 307 Go\r\nlocation: http://169.254.169.254/latest/\r\n\r\n"
    async with webhook_rig(redirect) as rig:
        answer = await called(rig, application(), call_of())

    assert answer == Failed(
        status=307,
        reason="the application answered 307, a redirect to 169.254.169.254, which is not followed",
        sure=True,
    )
    assert rig.network.tried == [f"{PUBLIC}:443"]
    assert rig.names.wanted == ["hooks.crm.example"]


async def test_what_is_said_before_the_end_of_the_header_is_passed_over() -> None:
    async with webhook_rig(b"HTTP/1.1 103 Early Hints\r\nlink: <a>\r\n\r\n", OK) as rig:
        assert await called(rig, application(), call_of()) == Done(status=200)


async def test_a_cookie_of_one_application_is_not_sent_to_another() -> None:
    answer = b"HTTP/1.1 200 OK\r\nset-cookie: a=b\r\nconnection: close\r\n\r\n"
    async with webhook_rig(answer) as rig:
        await called(rig, application(), call_of())
        await called(rig, application(name="erp"), call_of())

    assert "cookie" not in rig.network.wires[1].headers


async def test_no_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://10.0.0.1:3128")
    async with webhook_rig() as rig:
        assert await called(rig, application(), call_of()) == Done(status=200)

    assert rig.network.tried == [f"{PUBLIC}:443"]


async def test_a_compressed_answer_is_not_unpacked() -> None:
    answer = b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\n\r\n\x1f\x8b\x08"
    async with webhook_rig(answer) as rig:
        assert await called(rig, application(), call_of()) == Done(status=200)


async def test_calls_to_one_host_share_a_connection() -> None:
    async with webhook_rig(OK, OK) as rig:
        for _ in range(2):
            assert await called(rig, application(), call_of()) == Done(status=200)

    assert rig.network.tried == [f"{PUBLIC}:443"]


async def test_a_connection_serves_any_number_of_calls() -> None:
    large = b"HTTP/1.1 200 OK\r\ncontent-length: 60000\r\n\r\n" + b" " * 60_000
    async with webhook_rig(*[large] * 10) as rig:
        for _ in range(10):
            assert await called(rig, application(), call_of()) == Done(status=200)

    assert len(rig.network.wires) == 1


async def test_no_more_is_read_than_counts() -> None:
    piece = b" " * 8192
    async with webhook_rig(b"HTTP/1.1 200 OK\r\n\r\n", *[piece] * 100) as rig:
        assert await called(rig, application(), call_of()) == Done(status=200)
        (wire,) = rig.network.wires

    assert len(wire.chunks) == 100 - 8


async def test_a_connection_that_an_operator_may_have_does_not_serve_a_tenant() -> None:
    async with webhook_rig(OK, OK) as rig:
        rig.names.addresses = ["10.0.0.1"]
        assert await called(rig, application(), call_of()) == Done(status=200)

        assert isinstance(await called(rig, TENANTS, call_of()), Unreachable)

    assert rig.network.tried == ["10.0.0.1:443"]


async def test_a_ping_is_signed_under_a_key_of_its_own() -> None:
    async with webhook_rig() as rig:
        assert await rig.caller.ping(application()) == Done(status=200)
        (wire,) = rig.network.wires

    body, key = json.loads(wire.body), wire.headers["webhook-id"]
    assert body == {
        "type": "postroom.ping",
        "timestamp": "2030-01-01T12:00:00Z",
        "data": {"version": 1, "key": key, "application": "crm"},
    }
    verify(
        key_of(SECRET),
        message_id=key,
        timestamp=wire.headers["webhook-timestamp"],
        signatures=wire.headers["webhook-signature"],
        body=wire.body,
        now=NOON,
    )


@pytest.mark.parametrize(
    ("answer", "meaning"),
    [
        (b"HTTP/1.1 208 X\r\n\r\n", Done(status=208)),
        (b'HTTP/1.1 200 X\r\n\r\n{"outcome": "refused"}', Done(status=200)),
        (b"HTTP/1.1 503 X\r\nretry-after: 9\r\n\r\n", Busy(
            status=503, sure=False, retry_after=timedelta(seconds=9))),
    ],
)  # fmt: skip
async def test_whatever_a_2xx_says_a_ping_is_done(answer: bytes, meaning: Answer) -> None:
    async with webhook_rig(answer) as rig:
        assert await rig.caller.ping(application()) == meaning


async def test_the_answer_to_a_cut_body_is_that_of_its_status() -> None:
    answer = b'HTTP/1.1 208 X\r\ncontent-length: 100\r\n\r\n{"reference": "47'
    async with webhook_rig(answer) as rig:
        assert await called(rig, application(), call_of()) == Duplicate(status=208)


@pytest.mark.parametrize(
    "answer", [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\na: b", b"SSH-2.0-OpenSSH_9\r\n"]
)
async def test_without_a_whole_header_the_end_is_not_known(answer: bytes) -> None:
    async with webhook_rig(answer) as rig:
        failed = await called(rig, application(), call_of())

    assert failed == Failed(reason="the call broke off: RemoteProtocolError", sure=False)


async def test_a_connection_that_was_not_made_is_tried_again() -> None:
    async with webhook_rig() as rig:
        rig.network.failures[PUBLIC] = httpcore.ConnectTimeout()
        assert isinstance(await called(rig, application(), call_of()), Unreachable)
        rig.network.failures.clear()

        assert await called(rig, application(), call_of()) == Done(status=200)


PIECES = st.sampled_from(
    [
        b"HTTP/1.1 ", b"HTTP/1.0 ", b"HTTP/2 ", b"200", b"204", b"302", b"100", b"101", b"409",
        b"503", b" OK", b"\r\n", b"\n", b": ", b"content-length: ", b"transfer-encoding: chunked",
        b"retry-after: ", b"location: ", b"connection: close", b"0\r\n\r\n", b"5\r\n", b"-1",
        b'{"outcome": "duplicate"}', b"\x00", b"\xff", b"a" * 9000, b"1",
    ]
)  # fmt: skip


@given(answer=st.lists(PIECES | st.binary(max_size=5), max_size=20))
async def test_whatever_comes_back_has_a_meaning(answer: list[bytes]) -> None:
    async with webhook_rig(b"".join(answer) or b"\r\n", *answer) as rig:
        first = await called(rig, application(), call_of())

    assert not isinstance(first, Unreachable) or first.status == 410


@given(body=st.lists(PIECES | st.binary(max_size=5), max_size=20), status=st.integers(200, 599))
async def test_whatever_follows_a_header_its_status_counts(body: list[bytes], status: int) -> None:
    head = f"HTTP/1.1 {status} X\r\n\r\n".encode()
    async with webhook_rig(head, *body) as rig:
        answer = await called(rig, application(), call_of())

    assert answer.status == status
