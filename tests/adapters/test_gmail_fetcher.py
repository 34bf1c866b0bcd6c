"""Fetching from Gmail: the bytes, their size, and what is gone."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import httpx
import pytest

from postroom.adapters.google import GmailClient, GmailFetcher
from postroom.adapters.memory.clock import ManualClock
from postroom.domain.failure import Unavailable, Unprocessable
from tests.adapters.gmail_rig import MAIL, SUPPORT, Rig, gmail_rig, pointer, responding

MAX_MESSAGE_BYTES = 2**20


@pytest.fixture
async def rig(clock: ManualClock) -> AsyncIterator[Rig]:
    async with gmail_rig(clock) as rig:
        yield rig


def fetcher(client: GmailClient, max_message_bytes: int = MAX_MESSAGE_BYTES) -> GmailFetcher:
    return GmailFetcher(client, max_message_bytes)


# --- The message --------------------------------------------------------------------------------


@pytest.mark.parametrize("raw", [MAIL, MAIL + b"x", MAIL + b"xy", bytes(range(256)) * 99])
async def test_a_message_is_fetched_byte_for_byte(rig: Rig, raw: bytes) -> None:
    message_id = rig.gmail.deliver(SUPPORT, raw)

    fetched = await fetcher(rig.client).fetch(rig.mailbox(), pointer(message_id))

    assert fetched.raw == raw
    assert fetched.source == f"google:{message_id}"


async def test_an_answer_without_a_message_is_asked_for_again(rig: Rig) -> None:
    message_id = rig.gmail.deliver(SUPPORT, b"")

    with pytest.raises(Unavailable, match="another message, or with none"):
        await fetcher(rig.client).fetch(rig.mailbox(), pointer(message_id))


async def test_another_message_than_was_asked_for_is_not_taken(
    rig: Rig, clock: ManualClock
) -> None:
    body = {"id": "m2", "internalDate": "0", "raw": "SGVsbG8="}
    async with responding(clock, lambda _: httpx.Response(200, json=body)) as client:
        with pytest.raises(Unavailable, match="another message, or with none"):
            await fetcher(client).fetch(rig.mailbox(), pointer("m1"))


async def test_a_message_was_received_when_gmail_accepted_it(rig: Rig) -> None:
    at = datetime(2028, 2, 29, 23, 59, 59, 123000, tzinfo=UTC)
    message_id = rig.gmail.deliver(SUPPORT, b"Date: 1 Jan 1970 00:00:00 +0000\r\n\r\n", at=at)

    fetched = await fetcher(rig.client).fetch(rig.mailbox(), pointer(message_id))

    assert fetched.received_at == at


@pytest.mark.parametrize("padding", ["", "="])
async def test_base64url_is_read_with_and_without_padding(
    rig: Rig, clock: ManualClock, padding: str
) -> None:
    body = {"id": "m1", "internalDate": "0", "raw": "-_8" + padding}
    async with responding(clock, lambda _: httpx.Response(200, json=body)) as client:
        fetched = await fetcher(client).fetch(rig.mailbox(), pointer("m1"))

    assert fetched.raw == b"\xfb\xff"


@pytest.mark.parametrize("label", ["TRASH", "SPAM"])
async def test_a_message_that_was_moved_since_is_fetched_all_the_same(rig: Rig, label: str) -> None:
    message_id = rig.gmail.deliver(SUPPORT, MAIL)
    rig.gmail.relabel(SUPPORT, message_id, add=[label], remove=["INBOX"])

    fetched = await fetcher(rig.client).fetch(rig.mailbox(), pointer(message_id))

    assert fetched.raw == MAIL


async def test_an_id_cannot_lead_to_another_place(rig: Rig, clock: ManualClock) -> None:
    requested: list[bytes] = []

    def respond(request: httpx.Request) -> httpx.Response:
        requested.append(request.url.raw_path)
        return httpx.Response(500)

    async with responding(clock, respond) as client:
        with pytest.raises(Unavailable):
            await fetcher(client).fetch(rig.mailbox(), pointer("../profile?x=#y"))

    assert requested == [b"/gmail/v1/users/me/messages/..%2Fprofile%3Fx%3D%23y?format=raw"]


async def test_an_address_is_the_same_in_any_case(rig: Rig) -> None:
    message_id = rig.gmail.deliver(SUPPORT, MAIL)

    fetched = await fetcher(rig.client).fetch(rig.mailbox(), pointer(message_id, SUPPORT.upper()))

    assert fetched.raw == MAIL


# --- The size -----------------------------------------------------------------------------------


async def test_an_endless_answer_is_not_read_to_its_end(rig: Rig, clock: ManualClock) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 100 * 2**20:
            sent += 2**20
            yield b" " * 2**20

    async with responding(clock, lambda _: httpx.Response(200, content=endless())) as client:
        with pytest.raises(Unprocessable):
            await fetcher(client).fetch(rig.mailbox(), pointer("m1"))

    assert sent < 12 * 2**20
