"""What every Takeovers promises, and what the ledger makes of it."""

from collections.abc import Mapping
from datetime import datetime, timedelta

import pytest

from postroom.application.ports import IdempotencyLedger, Takeovers
from postroom.domain.mailbox import InvalidMailbox, Mailbox
from postroom.domain.takeover import CLOCKS_DIFFER, Takeover
from tests.contracts.conftest import Storage
from tests.contracts.samples import NOON, google_mailbox, identity, imap_mailbox

PORTS = {Takeovers}

MAILBOX = imap_mailbox()
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
NAME = identity().name


def takeover(
    handled: Mapping[str, datetime] | None = None, *sources: str, since: datetime = NOON
) -> Takeover:
    return Takeover(since=since, handled=handled or {}, sources=frozenset(sources))


async def is_new(
    ledger: IdempotencyLedger,
    number: int = 1,
    *,
    name: str = NAME,
    at: datetime | None = NOON,
    mailbox: Mailbox = MAILBOX,
) -> bool:
    message = identity(name, source=f"imap:INBOX:1:{number}", digest=f"d{number}")
    async with ledger.once(mailbox, message, at) as new:
        return new


# --- The moment ---


async def test_a_mailbox_that_was_nobody_elses_has_no_moment(takeovers: Takeovers) -> None:
    assert await takeovers.since("acme", "support") is None


async def test_the_newest_moment_counts(takeovers: Takeovers) -> None:
    await takeovers.record("acme", "support", takeover())
    await takeovers.record("acme", "support", takeover(since=NOON - DAY))

    assert await takeovers.since("acme", "support") == NOON - DAY
    assert await takeovers.since("acme", "other") is None
    assert await takeovers.since("globex", "support") is None


@pytest.mark.parametrize(
    ("at", "ours"), [(NOON - MINUTE, False), (NOON, True), (NOON + MINUTE, True), (None, True)]
)
async def test_what_came_in_before_the_moment_is_not_new(
    storage: Storage, *, at: datetime | None, ours: bool
) -> None:
    await storage.takeovers.record("acme", "support", takeover())

    assert await is_new(storage.ledger, at=at) is ours


async def test_what_is_not_new_is_known_by_its_source_from_then_on(storage: Storage) -> None:
    await storage.takeovers.record("acme", "support", takeover())
    await is_new(storage.ledger, at=NOON - MINUTE)

    assert await storage.ledger.handled(MAILBOX, "imap:INBOX:1:1") == NAME


# --- What was handled ---


async def test_a_message_that_is_listed_is_not_new(storage: Storage) -> None:
    await storage.takeovers.record("acme", "support", takeover({NAME: NOON + MINUTE}))

    assert not await is_new(storage.ledger)
    assert not await is_new(storage.ledger)


async def test_an_entry_stands_for_one_message(storage: Storage) -> None:
    await storage.takeovers.record("acme", "support", takeover({NAME: NOON + MINUTE}))
    await is_new(storage.ledger, 1)

    assert await is_new(storage.ledger, 2)


@pytest.mark.parametrize(("late", "ours"), [(CLOCKS_DIFFER, False), (CLOCKS_DIFFER + MINUTE, True)])
async def test_a_message_that_came_in_later_than_it_was_handled_is_new(
    storage: Storage, *, late: timedelta, ours: bool
) -> None:
    await storage.takeovers.record("acme", "support", takeover({NAME: NOON + MINUTE}))

    assert await is_new(storage.ledger, at=NOON + MINUTE + late) is ours


async def test_an_entry_is_one_mailboxs(storage: Storage) -> None:
    await storage.takeovers.record("acme", "support", takeover({NAME: NOON + MINUTE}))

    assert await is_new(storage.ledger, mailbox=imap_mailbox(name="other"))
    assert await is_new(storage.ledger, mailbox=imap_mailbox(tenant="globex"))


async def test_a_block_that_fails_gives_its_entry_back(storage: Storage) -> None:
    await storage.takeovers.record("acme", "support", takeover({NAME: NOON + MINUTE}))
    with pytest.raises(ZeroDivisionError):
        async with storage.ledger.once(MAILBOX, identity(), NOON):
            raise ZeroDivisionError

    assert not await is_new(storage.ledger)


async def test_what_we_have_handled_ourselves_takes_no_entry(storage: Storage) -> None:
    await is_new(storage.ledger, 1)
    await storage.takeovers.record("acme", "support", takeover({NAME: NOON + MINUTE}))
    assert not await is_new(storage.ledger, 1)

    assert not await is_new(storage.ledger, 2)


async def test_to_list_it_once_more_makes_no_second_entry(storage: Storage) -> None:
    listed = takeover({NAME: NOON + MINUTE})
    await storage.takeovers.record("acme", "support", listed)
    await is_new(storage.ledger, 1)
    await storage.takeovers.record("acme", "support", listed)

    assert await is_new(storage.ledger, 2)


async def test_a_source_that_is_listed_is_known(storage: Storage) -> None:
    mailbox = google_mailbox()
    listed = takeover({}, "google:18c2", "google:18c3")
    await storage.takeovers.record("acme", mailbox.id, listed)
    await storage.takeovers.record("acme", mailbox.id, listed)

    assert await storage.ledger.handled(mailbox, "google:18c2") == "google:18c2"
    assert await storage.ledger.handled(mailbox, "google:1") == ""
    async with storage.ledger.once(
        mailbox, identity(source="google:18c3", digest="d"), NOON
    ) as new:
        assert not new


async def test_many_are_listed_at_a_time(storage: Storage) -> None:
    names = {f"rfc5322:{n}@{'x' * (n % 700)}.example": NOON for n in range(5000)}

    await storage.takeovers.record("acme", "support", takeover(names))

    for name in list(names)[::997]:
        assert not await is_new(storage.ledger, hash(name), name=name)


# --- A mailbox that is added with all that ---


async def test_a_mailbox_is_added_with_its_takeover_and_positions(storage: Storage) -> None:
    listed = takeover({NAME: NOON + MINUTE}, since=NOON - DAY)

    await storage.takeovers.add(MAILBOX, listed, {"INBOX": "1:7"})

    assert await storage.registry.get("acme", "support") == MAILBOX
    assert await storage.takeovers.since("acme", "support") == NOON - DAY
    assert not await is_new(storage.ledger)
    syncs = await storage.folder_syncs.all(tenant="acme")
    assert {each.folder: (each.position, each.position_at) for each in syncs} == {
        "INBOX": ("1:7", MAILBOX.added_at),
        "Anfragen/Möbel": ("", None),
    }


async def test_one_that_cannot_be_added_leaves_nothing(storage: Storage) -> None:
    await storage.registry.add(MAILBOX)
    other = imap_mailbox(name="other", address=MAILBOX.address)

    with pytest.raises(InvalidMailbox):
        await storage.takeovers.add(other, takeover({NAME: NOON}), {})

    assert await storage.takeovers.since("acme", "other") is None
    assert await is_new(storage.ledger, mailbox=other)


async def test_what_was_handled_stays_when_the_mailbox_is_removed(storage: Storage) -> None:
    await storage.takeovers.add(MAILBOX, takeover(), {})
    await storage.registry.remove("acme", "support")

    assert await storage.takeovers.since("acme", "support") == NOON
