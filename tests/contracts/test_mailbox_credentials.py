"""What every MailboxRegistry promises of credentials that change with use."""

import asyncio
from dataclasses import replace

import pytest

from postroom.application.ports import MailboxRegistry
from postroom.domain.mailbox import (
    ClientCertificate,
    DelegatedAccess,
    Mailbox,
    MicrosoftAccount,
    Secret,
)
from tests.contracts.samples import delegated_mailbox, imap_mailbox, microsoft_mailbox

PORTS = {MailboxRegistry}


async def test_renewed_credentials_take_the_place_of_the_old(registry: MailboxRegistry) -> None:
    mailbox, other = delegated_mailbox(), microsoft_mailbox()
    await registry.add(mailbox)
    await registry.add(other)

    assert await registry.replace_credentials(mailbox, DelegatedAccess(Secret("second")))

    assert await registry.get("acme", mailbox.id) == renewed(mailbox, "second")
    assert await registry.get("acme", other.id) == other


async def test_credentials_of_another_kind_may_take_their_place(registry: MailboxRegistry) -> None:
    mailbox, certificate = microsoft_mailbox(), ClientCertificate(Secret("PEM"))
    await registry.add(mailbox)

    assert await registry.replace_credentials(mailbox, certificate)

    [stored] = await registry.all()
    assert isinstance(stored.account, MicrosoftAccount)
    assert stored.account.credentials == certificate


async def test_credentials_are_not_replaced_by_who_knows_only_older_ones(
    registry: MailboxRegistry,
) -> None:
    mailbox = delegated_mailbox()
    await registry.add(mailbox)
    await registry.replace_credentials(mailbox, DelegatedAccess(Secret("second")))

    assert not await registry.replace_credentials(mailbox, DelegatedAccess(Secret("late")))

    assert await registry.get("acme", mailbox.id) == renewed(mailbox, "second")


async def test_of_two_that_renew_credentials_at_once_one_does(registry: MailboxRegistry) -> None:
    mailbox = delegated_mailbox()
    await registry.add(mailbox)
    names = [f"token-{n}" for n in range(4)]

    answers = await asyncio.gather(
        *(registry.replace_credentials(mailbox, DelegatedAccess(Secret(name))) for name in names)
    )

    [kept] = [name for name, answer in zip(names, answers, strict=True) if answer]
    assert await registry.get("acme", mailbox.id) == renewed(mailbox, kept)


@pytest.mark.parametrize("mailbox", [delegated_mailbox(), imap_mailbox()], ids=["absent", "imap"])
async def test_a_mailbox_without_such_credentials_gets_none(
    registry: MailboxRegistry, mailbox: Mailbox
) -> None:
    await registry.add(imap_mailbox())

    assert not await registry.replace_credentials(mailbox, DelegatedAccess(Secret("second")))

    assert await registry.all() == [imap_mailbox()]


def renewed(mailbox: Mailbox, token: str) -> Mailbox:
    assert isinstance(mailbox.account, MicrosoftAccount)
    access = DelegatedAccess(Secret(token))
    return replace(mailbox, account=replace(mailbox.account, credentials=access))
