"""What every MailboxRegistry promises of accounts that change, and of those it cannot read."""

import asyncio
from dataclasses import replace

import pytest

from postroom.adapters.google.account import GoogleAccount
from postroom.adapters.microsoft.account import (
    ClientCertificate,
    DelegatedAccess,
    MicrosoftAccount,
)
from postroom.application.ports import FolderSyncs, MailboxRegistry
from postroom.domain.access import AccessTally
from postroom.domain.account import Account, Secret, UnreadableAccount
from postroom.domain.failure import AccessFailed
from postroom.domain.mailbox import InvalidMailbox, Mailbox, Pause, PausedBy
from tests.contracts.conftest import Without
from tests.contracts.samples import (
    IMAP,
    NOON,
    delegated_mailbox,
    google_mailbox,
    imap_mailbox,
    microsoft_mailbox,
)

PORTS = {MailboxRegistry}

NO_IMAP = "this release of Postroom has no provider imap"

# --- Accounts that change ---


async def test_a_renewed_account_takes_the_place_of_the_old(registry: MailboxRegistry) -> None:
    mailbox, other = delegated_mailbox(), microsoft_mailbox()
    await registry.add(mailbox)
    await registry.add(other)

    assert await registry.replace_account(mailbox, with_token(mailbox, "second"))

    assert await registry.get("acme", mailbox.id) == renewed(mailbox, "second")
    assert await registry.get("acme", other.id) == other


async def test_an_account_with_credentials_of_another_kind_may_take_its_place(
    registry: MailboxRegistry,
) -> None:
    mailbox = microsoft_mailbox()
    assert isinstance(mailbox.account, MicrosoftAccount)
    certified = replace(mailbox.account, credentials=ClientCertificate(Secret("PEM")))
    await registry.add(mailbox)

    assert await registry.replace_account(mailbox, certified)

    assert await registry.all() == [replace(mailbox, account=certified)]


@pytest.mark.parametrize(
    "account",
    [replace(IMAP, password=Secret("next")), replace(IMAP, host="imap.moved.example", port=993)],
    ids=["secret", "no secret"],
)
async def test_the_account_of_any_provider_can_be_replaced(
    registry: MailboxRegistry, account: Account
) -> None:
    await registry.add(imap_mailbox())

    assert await registry.replace_account(imap_mailbox(), account)

    assert await registry.all() == [replace(imap_mailbox(), account=account)]


async def test_nothing_else_of_the_mailbox_is_replaced(registry: MailboxRegistry) -> None:
    mailbox = delegated_mailbox()
    await registry.add(mailbox)
    pause = Pause(PausedBy.OPERATOR, "it is moved", NOON)
    await registry.pause("acme", mailbox.id, pause)
    await registry.save_access(mailbox, AccessTally(2, NOON))

    assert await registry.replace_account(mailbox, with_token(mailbox, "second"))

    assert await registry.all() == [
        replace(renewed(mailbox, "second"), paused=pause, access=AccessTally(2, NOON))
    ]


@pytest.mark.parametrize("change", ["a secret", "another field"])
async def test_an_account_is_not_replaced_by_who_knows_only_an_older_one(
    registry: MailboxRegistry, change: str
) -> None:
    mailbox = delegated_mailbox()
    await registry.add(mailbox)
    assert isinstance(mailbox.account, MicrosoftAccount)
    stored = (
        with_token(mailbox, "second")
        if change == "a secret"
        else replace(mailbox.account, client_id="client-2")
    )
    await registry.replace_account(mailbox, stored)

    assert not await registry.replace_account(mailbox, with_token(mailbox, "late"))

    assert await registry.get("acme", mailbox.id) == replace(mailbox, account=stored)


async def test_of_two_that_renew_an_account_at_once_one_does(registry: MailboxRegistry) -> None:
    mailbox = delegated_mailbox()
    await registry.add(mailbox)
    names = [f"token-{n}" for n in range(4)]

    answers = await asyncio.gather(
        *(registry.replace_account(mailbox, with_token(mailbox, name)) for name in names)
    )

    [stored] = [name for name, answer in zip(names, answers, strict=True) if answer]
    assert await registry.get("acme", mailbox.id) == renewed(mailbox, stored)


@pytest.mark.parametrize(
    "mailbox",
    [delegated_mailbox(), replace(delegated_mailbox(), id="support")],
    ids=["absent", "another provider's"],
)
async def test_a_mailbox_that_has_no_such_account_gets_none(
    registry: MailboxRegistry, mailbox: Mailbox
) -> None:
    await registry.add(imap_mailbox())

    assert not await registry.replace_account(mailbox, with_token(mailbox, "second"))

    assert await registry.all() == [imap_mailbox()]


async def test_an_account_that_would_get_the_notifications_of_another_mailbox_is_refused(
    registry: MailboxRegistry,
) -> None:
    other = google_mailbox(tenant="globex", subscription="projects/p/subscriptions/other")
    await registry.add(google_mailbox())
    await registry.add(other)

    with pytest.raises(InvalidMailbox, match="same notifications"):
        await registry.replace_account(other, google_mailbox().account)

    assert await registry.get("globex", "info") == other


async def test_a_route_that_was_left_is_free(registry: MailboxRegistry) -> None:
    mailbox = google_mailbox()
    assert isinstance(mailbox.account, GoogleAccount)
    moved = replace(mailbox.account, pubsub_subscription="projects/p/subscriptions/other")
    await registry.add(mailbox)

    await registry.replace_account(mailbox, moved)

    await registry.add(google_mailbox(tenant="globex"))
    with pytest.raises(InvalidMailbox, match="same notifications"):
        await registry.add(replace(mailbox, tenant="initech", account=moved))


# --- Accounts that cannot be read ---


async def test_an_account_of_a_provider_that_is_missing_is_named(
    registry: MailboxRegistry, without: Without
) -> None:
    await registry.add(imap_mailbox())

    with pytest.raises(AccessFailed, match=NO_IMAP):
        await (await without("imap")).get("acme", "support")


async def test_an_account_that_cannot_be_read_costs_the_others_nothing(
    registry: MailboxRegistry, without: Without
) -> None:
    pause = Pause(PausedBy.OPERATOR, "it is moved", NOON)
    for mailbox in (microsoft_mailbox(), replace(imap_mailbox(), paused=pause)):
        await registry.add(mailbox)
    unread = UnreadableAccount("imap", NO_IMAP)

    limited = await without("imap")

    expected = [microsoft_mailbox(), replace(imap_mailbox(), paused=pause, account=unread)]
    assert await limited.all() == expected
    assert await limited.all(tenant="acme") == expected
    assert expected[1].provider == "imap"


async def test_an_account_that_cannot_be_read_is_not_replaced(
    registry: MailboxRegistry, without: Without
) -> None:
    await registry.add(imap_mailbox())
    limited = await without("imap")
    [shown] = await limited.all()

    for mailbox in (shown, imap_mailbox()):
        with pytest.raises(AccessFailed, match=NO_IMAP):
            await limited.replace_account(mailbox, microsoft_mailbox().account)
    with pytest.raises(AccessFailed, match=NO_IMAP):
        await limited.replace_account(microsoft_mailbox(), shown.account)

    assert await limited.all() == [shown]


async def test_a_mailbox_whose_account_cannot_be_read_is_paused_and_resumed(
    registry: MailboxRegistry, without: Without
) -> None:
    await registry.add(imap_mailbox())
    limited = await without("imap")
    [before] = await limited.all()
    pause = Pause(PausedBy.ACCESS, NO_IMAP, NOON)

    await limited.save_access(before, AccessTally(3, NOON))
    assert await limited.pause("acme", "support", pause)

    assert await limited.all() == [replace(before, paused=pause, access=AccessTally(3, NOON))]
    assert await limited.resume("acme", "support")
    assert await limited.all() == [before]


async def test_a_mailbox_whose_account_cannot_be_read_can_be_removed(
    registry: MailboxRegistry, folder_syncs: FolderSyncs, without: Without
) -> None:
    await registry.add(imap_mailbox())
    limited = await without("imap")

    assert await limited.remove("acme", "support")

    assert await limited.all() == []
    assert await folder_syncs.all() == []


def with_token(mailbox: Mailbox, token: str) -> MicrosoftAccount:
    assert isinstance(mailbox.account, MicrosoftAccount)
    return replace(mailbox.account, credentials=DelegatedAccess(Secret(token)))


def renewed(mailbox: Mailbox, token: str) -> Mailbox:
    return replace(mailbox, account=with_token(mailbox, token))
