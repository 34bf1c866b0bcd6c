"""What every MailboxRegistry promises of credentials that change with use."""

import asyncio
from dataclasses import replace

import pytest

from postroom.adapters.microsoft.account import (
    ClientCertificate,
    DelegatedAccess,
    MicrosoftAccount,
    MicrosoftCredentials,
)
from postroom.application.ports import MailboxRegistry
from postroom.domain.account import Secret
from postroom.domain.mailbox import Mailbox, Pause, PausedBy
from tests.contracts.samples import NOON, delegated_mailbox, imap_mailbox, microsoft_mailbox

PORTS = {MailboxRegistry}


async def test_renewed_credentials_take_the_place_of_the_old(registry: MailboxRegistry) -> None:
    mailbox, other = delegated_mailbox(), microsoft_mailbox()
    await registry.add(mailbox)
    await registry.add(other)

    assert await registry.replace_account(mailbox, renewed(mailbox, "second").account)

    assert await registry.get("acme", mailbox.id) == renewed(mailbox, "second")
    assert await registry.get("acme", other.id) == other


async def test_credentials_of_another_kind_may_take_their_place(registry: MailboxRegistry) -> None:
    mailbox, certificate = microsoft_mailbox(), ClientCertificate(Secret("PEM"))
    await registry.add(mailbox)

    assert await registry.replace_account(mailbox, opened_by(mailbox, certificate).account)

    [stored] = await registry.all()
    assert isinstance(stored.account, MicrosoftAccount)
    assert stored.account.credentials == certificate


async def test_credentials_are_not_replaced_by_who_knows_only_older_ones(
    registry: MailboxRegistry,
) -> None:
    mailbox = delegated_mailbox()
    await registry.add(mailbox)
    await registry.replace_account(mailbox, renewed(mailbox, "second").account)

    assert not await registry.replace_account(mailbox, renewed(mailbox, "late").account)

    assert await registry.get("acme", mailbox.id) == renewed(mailbox, "second")


async def test_of_two_that_renew_credentials_at_once_one_does(registry: MailboxRegistry) -> None:
    mailbox = delegated_mailbox()
    await registry.add(mailbox)
    names = [f"token-{n}" for n in range(4)]

    results = await asyncio.gather(
        *(registry.replace_account(mailbox, renewed(mailbox, name).account) for name in names)
    )

    [stored] = [name for name, is_stored in zip(names, results, strict=True) if is_stored]
    assert await registry.get("acme", mailbox.id) == renewed(mailbox, stored)


async def test_renewed_credentials_change_nothing_else_of_the_mailbox(
    registry: MailboxRegistry,
) -> None:
    mailbox, pause = delegated_mailbox(), Pause(PausedBy.OPERATOR, "a holiday", NOON)
    await registry.add(mailbox)
    await registry.pause("acme", mailbox.id, pause)

    assert await registry.replace_account(mailbox, renewed(mailbox, "second").account)

    assert await registry.get("acme", mailbox.id) == replace(
        renewed(mailbox, "second"), paused=pause
    )


@pytest.mark.parametrize("stored", [imap_mailbox(), imap_mailbox(name="shared")])
async def test_a_mailbox_that_is_not_there_or_is_at_another_provider_gets_no_credentials(
    registry: MailboxRegistry, stored: Mailbox
) -> None:
    await registry.add(stored)
    mailbox = delegated_mailbox()

    assert not await registry.replace_account(mailbox, renewed(mailbox, "second").account)

    assert await registry.all() == [stored]


def renewed(mailbox: Mailbox, token: str) -> Mailbox:
    return opened_by(mailbox, DelegatedAccess(Secret(token)))


def opened_by(mailbox: Mailbox, credentials: MicrosoftCredentials) -> Mailbox:
    assert isinstance(mailbox.account, MicrosoftAccount)
    return replace(mailbox, account=replace(mailbox.account, credentials=credentials))
