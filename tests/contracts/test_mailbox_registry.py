"""What every MailboxRegistry promises."""

import asyncio
from dataclasses import replace

import pytest

from application.ports import MailboxRegistry
from domain.mailbox import (
    ClientCertificate,
    DelegatedAccess,
    InvalidMailbox,
    Mailbox,
    MicrosoftAccount,
    Secret,
)
from tests.contracts.samples import (
    certified_mailbox,
    delegated_mailbox,
    google_mailbox,
    imap_mailbox,
    microsoft_mailbox,
)


@pytest.mark.parametrize(
    "mailbox",
    [
        microsoft_mailbox(),
        certified_mailbox(),
        delegated_mailbox(),
        google_mailbox(),
        imap_mailbox(),
        replace(imap_mailbox(), paused="access revoked"),
    ],
    ids=["microsoft", "certificate", "delegated", "google", "imap", "paused"],
)
async def test_a_mailbox_comes_back_as_it_was_added(
    registry: MailboxRegistry, mailbox: Mailbox
) -> None:
    await registry.add(mailbox)

    assert await registry.get("acme", mailbox.id) == mailbox


async def test_a_mailbox_that_was_never_added_is_none(registry: MailboxRegistry) -> None:
    await registry.add(imap_mailbox())

    assert await registry.get("acme", "sales") is None
    assert await registry.get("globex", "support") is None


async def test_all_come_by_tenant_and_name(registry: MailboxRegistry) -> None:
    mailboxes = [
        google_mailbox(tenant="acme", name="info"),
        imap_mailbox(tenant="acme", name="support"),
        microsoft_mailbox(tenant="globex", name="a"),
    ]
    for mailbox in reversed(mailboxes):
        await registry.add(mailbox)

    assert await registry.all() == mailboxes
    assert await registry.all(tenant="acme") == mailboxes[:2]
    assert await registry.all(tenant="initech") == []


@pytest.mark.parametrize(
    ("mailbox", "complaint"),
    [
        (imap_mailbox(name="support", address="other@acme.example"), "name"),
        (imap_mailbox(name="other", address="SUPPORT@acme.example"), "address"),
        (microsoft_mailbox(tenant="globex", name="other"), "subscription"),
        (
            google_mailbox(tenant="globex", name="other", address="INFO@ACME.example"),
            "subscription",
        ),
    ],
    ids=["name", "address", "Graph subscription", "push subscription and address"],
)
async def test_what_is_taken_is_refused(
    registry: MailboxRegistry, mailbox: Mailbox, complaint: str
) -> None:
    for taken in (imap_mailbox(), microsoft_mailbox(), google_mailbox()):
        await registry.add(taken)

    with pytest.raises(InvalidMailbox, match=complaint):
        await registry.add(mailbox)

    assert len(await registry.all()) == 3


@pytest.mark.parametrize(
    "mailbox",
    [
        imap_mailbox(tenant="globex", name="support", address="support@acme.example"),
        microsoft_mailbox(name="other", subscription_id="subscription-2"),
        google_mailbox(tenant="globex", address="info@globex.example"),
        google_mailbox(tenant="globex", subscription="projects/p/subscriptions/other"),
    ],
    ids=["another tenant", "another Graph subscription", "another address", "another push"],
)
async def test_what_is_not_taken_is_not_refused(
    registry: MailboxRegistry, mailbox: Mailbox
) -> None:
    for taken in (imap_mailbox(), microsoft_mailbox(), google_mailbox()):
        await registry.add(taken)

    await registry.add(mailbox)

    assert await registry.get(mailbox.tenant, mailbox.id) == mailbox


async def test_of_two_that_add_one_mailbox_at_once_one_does(registry: MailboxRegistry) -> None:
    answers = await asyncio.gather(
        *(registry.add(imap_mailbox()) for _ in range(4)), return_exceptions=True
    )

    assert sum(answer is None for answer in answers) == 1
    assert sum(isinstance(answer, InvalidMailbox) for answer in answers) == 3


async def test_a_graph_notice_leads_to_its_mailbox(registry: MailboxRegistry) -> None:
    mailbox = microsoft_mailbox()
    for other in (imap_mailbox(), google_mailbox(subscription="subscription-2"), mailbox):
        await registry.add(other)

    assert await registry.of_subscription("subscription-1") == mailbox
    for unknown in ("subscription-2", "", "\x00"):
        assert await registry.of_subscription(unknown) is None


async def test_a_push_leads_to_its_mailbox_in_any_case(registry: MailboxRegistry) -> None:
    mailbox, push = google_mailbox(), "projects/p/subscriptions/s"
    for other in (imap_mailbox(), microsoft_mailbox(subscription_id=push), mailbox):
        await registry.add(other)

    assert await registry.of_push(push, "iNFO@acme.EXAMPLE") == mailbox
    for subscription, address in (
        (push, "sales@acme.example"),
        ("projects/p/subscriptions/other", mailbox.address),
        (push, "info@acme.example\x00"),
    ):
        assert await registry.of_push(subscription, address) is None


# --- Credentials that change with use -----------------------------------------------------------


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
