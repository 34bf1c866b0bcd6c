"""What every MessageFetcher promises."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from postroom.adapters.google.pointer import GooglePointer
from postroom.adapters.imap.pointer import ImapPointer
from postroom.adapters.memory.clock import ManualClock
from postroom.adapters.microsoft.pointer import MicrosoftPointer
from postroom.application.ports import MessageFetcher
from postroom.domain.failure import (
    AccessFailed,
    Failure,
    SourceGone,
    Throttled,
    Unavailable,
    Unprocessable,
)
from postroom.domain.pointer import Pointer
from tests.contracts.message_fetcher.conftest import SCRIPTED
from tests.contracts.message_fetcher.stage import LIMIT, MESSAGE_ID, Stage

PORTS = {MessageFetcher}

AT = datetime(2024, 2, 29, 23, 59, 58, tzinfo=timezone(timedelta(hours=-8)))
HEAD = (
    b"Received: from a by b; Thu, 29 Feb 2024 23:59:58 -0800\r\n"
    b"Received: from x by a; Thu, 29 Feb 2024 01:00:00 +0000\r\n"
    b"Date: Mon, 1 Jan 2001 00:00:00 +0000\r\n"
    b"Message-ID: <%s>\r\n" % MESSAGE_ID.encode()
)
MAIL = HEAD + b"Subject: Hidden\r\n\r\nHello\r\n"
OTHER = MAIL.replace(b"<one@", b"<someone@")
"""Another message, the id of which holds that of the first."""


def only(*names: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("stage", names, indirect=True)


scripted = only(*SCRIPTED)
but_imap = only(*(name for name in SCRIPTED if "fake" not in name))
"""Its UIDs do not last, and it has no word for being busy."""


async def failure_of(stage: Stage, pointer: Pointer) -> Failure:
    """What the fetch raises, the reason of which says nothing that is personal."""
    with pytest.raises(Failure) as raised:
        await stage.fetcher.fetch(stage.mailbox, pointer)
    for personal in (stage.mailbox.address, "@", "Hidden"):
        assert personal not in raised.value.reason
    return raised.value


# --- The message --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "raw",
    [
        MAIL,
        HEAD + b"\r\nno end of line",
        HEAD + b"Subject: " + bytes(range(0x80, 0x100)) + b"\r\n\r\n.\r\n)\r\nA1 OK done\r\n",
        HEAD + b"\r\n" + b"x" * (LIMIT - len(HEAD) - 2),
    ],
    ids=["plain", "no newline", "eight-bit", "just the limit"],
)
async def test_a_message_is_fetched_byte_for_byte(stage: Stage, raw: bytes) -> None:
    pointer = stage.deliver(raw, AT)

    assert (await stage.fetcher.fetch(stage.mailbox, pointer)).raw == raw


async def test_a_message_was_received_when_its_provider_says_in_utc(stage: Stage) -> None:
    fetched = await stage.fetcher.fetch(stage.mailbox, stage.deliver(MAIL, AT))

    assert fetched.received_at == AT
    assert fetched.received_at.tzinfo is UTC


async def test_a_message_has_the_same_source_each_time_and_no_other_message_has_it(
    stage: Stage,
) -> None:
    one, other = stage.deliver(MAIL, AT), stage.deliver(MAIL, AT)

    sources = [
        (await stage.fetcher.fetch(stage.mailbox, pointer)).source for pointer in (one, other, one)
    ]

    assert sources[0] == sources[2] != sources[1]
    assert all(source.startswith(f"{stage.mailbox.provider}:") for source in sources)


async def test_a_message_that_was_moved_is_found(stage: Stage) -> None:
    """Even if its UID has become another message's."""
    first, _, pointer, _ = [stage.deliver(raw, AT) for raw in (OTHER, OTHER, MAIL, OTHER)]
    stage.delete(first)
    stage.move(pointer)

    assert (await stage.fetcher.fetch(stage.mailbox, pointer)).raw == MAIL


@but_imap
async def test_a_message_that_was_moved_has_the_source_that_it_had(stage: Stage) -> None:
    pointer = stage.deliver(MAIL, AT)
    before = await stage.fetcher.fetch(stage.mailbox, pointer)
    stage.move(pointer)

    moved = await stage.fetcher.fetch(stage.mailbox, pointer)

    assert replace(moved, hints=before.hints) == before


async def test_a_message_comes_with_what_its_provider_says_of_it_in_the_same_answer(
    stage: Stage,
) -> None:
    pointer = stage.deliver(MAIL, AT)
    hints = stage.mark(pointer)

    assert (await stage.fetcher.fetch(stage.mailbox, pointer)).hints == hints


# --- What cannot be fetched ---------------------------------------------------------------------


async def test_a_message_that_was_deleted_is_gone(stage: Stage) -> None:
    pointer = stage.deliver(MAIL, AT)
    stage.deliver(MAIL, AT)
    stage.delete(pointer)

    assert isinstance(await failure_of(stage, pointer), SourceGone)


async def test_a_message_over_the_limit_is_for_a_person(stage: Stage) -> None:
    pointer = stage.deliver(MAIL + b"x" * (LIMIT + 1 - len(MAIL)), AT)

    assert isinstance(await failure_of(stage, pointer), Unprocessable)


async def test_a_pointer_of_another_provider_is_for_a_person(stage: Stage) -> None:
    """The mailbox has moved to another provider, with its name and its address."""
    pointers: list[Pointer] = [
        MicrosoftPointer("subscription-1", "AAkALgone"),
        GooglePointer(1, stage.mailbox.address, message_ids=("m1",)),
        ImapPointer("INBOX", 1, 1),
    ]
    others = [each for each in pointers if each.provider != stage.mailbox.provider]

    failures = [await failure_of(stage, pointer) for pointer in others]

    assert [type(failure) for failure in failures] == [Unprocessable, Unprocessable]


@only("memory google", "gmail", "by-provider gmail")
@pytest.mark.parametrize("message_ids", [(), ("a", "b")])
async def test_a_pointer_of_a_history_is_for_a_person(
    stage: Stage, message_ids: tuple[str, ...]
) -> None:
    pointer = GooglePointer(1, stage.mailbox.address, message_ids=message_ids)

    assert isinstance(await failure_of(stage, pointer), Unprocessable)


@scripted
async def test_a_message_of_another_mailbox_is_never_read(stage: Stage) -> None:
    """Dovecot is left out: its folders of the same second have the same UIDVALIDITY."""
    stage.deliver(OTHER, AT)

    failure = await failure_of(stage, stage.deliver_elsewhere(MAIL, AT))

    assert isinstance(failure, stage.foreign)


# --- What goes wrong ----------------------------------------------------------------------------


async def test_a_mailbox_that_lets_nobody_in_is_a_matter_of_access(stage: Stage) -> None:
    pointer = stage.deliver(MAIL, AT)
    stage.refuse()

    assert isinstance(await failure_of(stage, pointer), AccessFailed)


@but_imap
async def test_a_provider_that_is_busy_says_how_long_to_wait(stage: Stage) -> None:
    pointer = stage.deliver(MAIL, AT)
    stage.throttle(timedelta(seconds=77))

    failure = await failure_of(stage, pointer)

    assert isinstance(failure, Throttled)
    assert failure.retry_after == timedelta(seconds=77)
    assert (await stage.fetcher.fetch(stage.mailbox, pointer)).raw == MAIL


@scripted
async def test_a_provider_in_trouble_is_unavailable_until_it_is_well_again(stage: Stage) -> None:
    pointer = stage.deliver(MAIL, AT)
    stage.break_down()

    assert isinstance(await failure_of(stage, pointer), Unavailable)

    stage.mend()
    assert (await stage.fetcher.fetch(stage.mailbox, pointer)).raw == MAIL


@scripted
async def test_a_provider_that_hangs_up_is_unavailable_until_it_does_not(
    stage: Stage, clock: ManualClock
) -> None:
    pointer = stage.deliver(MAIL, AT)
    stage.hang_up()

    assert isinstance(await failure_of(stage, pointer), Unavailable)

    stage.mend()
    clock.advance(timedelta(seconds=2))  # a sign-in that failed is left alone for a moment
    assert (await stage.fetcher.fetch(stage.mailbox, pointer)).raw == MAIL
