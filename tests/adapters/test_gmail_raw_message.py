"""Reading a message out of Gmail's JSON as it comes, however that is cut into chunks."""

import base64
import json
import tracemalloc
from collections.abc import AsyncIterator

import httpx
import pytest

from postroom.adapters.google import GmailFetcher
from postroom.adapters.google.raw_message import RawReader, UnreadableMessage
from postroom.adapters.memory.clock import ManualClock
from postroom.domain.failure import Unprocessable
from tests.adapters.gmail_rig import gmail_rig, pointer, responding

MEBIBYTE = 2**20
MESSAGE = bytes(range(256)) * 3
TRAP = r'a text that says "raw": "c2VjcmV0", and \\"raw\\":\"c2VjcmV0\"'


def encoded(message: bytes, padding: str = "=") -> str:
    return base64.urlsafe_b64encode(message).decode().replace("=", padding)


def read(body: bytes, size: int) -> RawReader:
    reader = RawReader()
    for start in range(0, len(body), size):
        reader(body[start : start + size])
    return reader


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 64, 139, 10_000])
@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("length", [0, 1, 2, 3, 767, 768])
def test_the_message_is_read_and_the_rest_is_left(
    size: int, indent: int | None, length: int
) -> None:
    before, after = {"id": "m1", "snippet": TRAP}, {"internalDate": "7", "labelIds": ["raw"]}
    answer = {**before, "raw": encoded(MESSAGE[:length]), **after}

    reader = read(json.dumps(answer, indent=indent).encode(), size)

    assert reader.message() == MESSAGE[:length]
    assert json.loads(reader.rest) == answer | {"raw": ""}


@pytest.mark.parametrize("padding", ["=", "", r"\u003d"])
@pytest.mark.parametrize("size", [1, 3, 4, 1000])
@pytest.mark.parametrize("message", [b"a", b"ab", b"abc"])
def test_padding_may_be_written_left_out_and_escaped(
    message: bytes, size: int, padding: str
) -> None:
    body = f'{{"raw":"{encoded(message, padding)}"}}'.encode()

    assert read(body, size).message() == message


@pytest.mark.parametrize(
    "text",
    ["secret!", "a", "YQ==YQ==", "Y Q=", "=", r"YQ\n", r"YQ\u003d\u003dYQ", "Yü=="],
)
@pytest.mark.parametrize("size", [1, 4, 1000])
def test_what_is_no_base64url_is_unreadable(text: str, size: int) -> None:
    with pytest.raises(UnreadableMessage) as raised:
        read(f'{{"raw": "{text}"}}'.encode(), size)

    assert str(raised.value) == ""


@pytest.mark.parametrize("body", [b"{}", b'{"raw": 7}', b'{"other": "raw"}', b"", b"[1]"])
def test_where_there_is_no_message_all_is_left(body: bytes) -> None:
    reader = read(body, 4)

    assert reader.rest == body
    assert reader.message() == b""


async def test_a_large_message_is_in_memory_twice_at_the_most(clock: ManualClock) -> None:
    """Of the chunks, of one text of JSON, and of its bytes: it was five times."""
    size = 8 * MEBIBYTE
    head, tail = b'{"id": "m1", "internalDate": "0", "raw": "', b'"}'
    block = encoded(b"x" * 48 * 1024).encode()

    async def chunks() -> AsyncIterator[bytes]:
        yield head
        for _ in range(size // (48 * 1024)):
            yield block
        yield tail

    async with (
        gmail_rig(clock) as rig,
        responding(clock, lambda _: httpx.Response(200, content=chunks())) as client,
    ):
        mailbox = rig.mailbox()
        await client.sign_in(mailbox)
        tracemalloc.start()
        fetched = await GmailFetcher(client, size).fetch(mailbox, pointer("m1"))
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()

    assert size - MEBIBYTE < len(fetched.raw) <= size
    assert peak < 2.5 * size


async def test_a_message_of_one_byte_too_many_is_too_large(clock: ManualClock) -> None:
    def respond(_: httpx.Request) -> httpx.Response:
        body = {"id": "m1", "internalDate": "0", "raw": encoded(b"x" * 1001)}
        return httpx.Response(200, json=body)

    async with gmail_rig(clock) as rig, responding(clock, respond) as client:
        mailbox = rig.mailbox()
        await GmailFetcher(client, 1001).fetch(mailbox, pointer("m1"))
        with pytest.raises(Unprocessable, match="larger than 1000 bytes"):
            await GmailFetcher(client, 1000).fetch(mailbox, pointer("m1"))
