"""What every MailboxRegistry promises of mailboxes that are added, found and removed."""

import asyncio
from dataclasses import replace

import pytest

from postroom.application.ports import FolderSyncs, MailboxRegistry, Outcomes
from postroom.domain.access import AccessTally
from postroom.domain.folder_sync import FolderSync
from postroom.domain.mailbox import InvalidMailbox, Mailbox, Pause, PausedBy
from tests.contracts.samples import (
    NOON,
    certified_mailbox,
    delegated_mailbox,
    google_mailbox,
    imap_mailbox,
    microsoft_mailbox,
    outcome,
)

PORTS = {MailboxRegistry}

PAUSE = Pause(PausedBy.OPERATOR, "the customer has asked for it", NOON)


@pytest.mark.parametrize(
    "mailbox",
    [
        microsoft_mailbox(),
        certified_mailbox(),
        delegated_mailbox(),
        google_mailbox(),
        imap_mailbox(),
        replace(imap_mailbox(), paused=PAUSE, access=AccessTally(2, NOON)),
        replace(imap_mailbox(), application="crm"),
        microsoft_mailbox(folders=("inbox", "Inbox/Möbel")),
    ],
    ids=[
        "microsoft",
        "certificate",
        "delegated",
        "google",
        "imap",
        "paused",
        "routed",
        "several folders",
    ],
)
async def test_a_mailbox_comes_back_as_it_was_added(
    registry: MailboxRegistry, mailbox: Mailbox
) -> None:
    await registry.add(mailbox)

    assert await registry.get("acme", mailbox.id) == mailbox


async def test_the_application_of_a_mailbox_can_be_set_and_unset(registry: MailboxRegistry) -> None:
    others = [imap_mailbox(name="other"), imap_mailbox(tenant="globex")]
    for mailbox in (imap_mailbox(), *others):
        await registry.add(mailbox)

    assert await registry.set_application("acme", "support", "crm")
    assert not await registry.set_application("acme", "sales", "crm")

    routed = replace(imap_mailbox(), application="crm")
    assert await registry.all() == [others[0], routed, others[1]]
    assert await registry.set_application("acme", "support", "")
    assert await registry.get("acme", "support") == imap_mailbox()


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
        (
            google_mailbox(tenant="globex", name="other", address="INFO@ACME.example"),
            "same notifications",
        ),
    ],
    ids=["name", "address", "route"],
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
        microsoft_mailbox(name="other"),
        google_mailbox(tenant="globex", address="info@globex.example"),
        google_mailbox(tenant="globex", subscription="projects/p/subscriptions/other"),
    ],
    ids=["another tenant", "another name", "another address", "another subscription"],
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


# --- Mailboxes that are added, and removed ---


async def test_each_folder_of_a_new_mailbox_is_to_be_synced_at_once(
    registry: MailboxRegistry, folder_syncs: FolderSyncs
) -> None:
    await registry.add(microsoft_mailbox(folders=("inbox", "Inbox/Orders", "inbox")))
    await registry.add(imap_mailbox())
    await registry.add(google_mailbox("globex"))

    assert await folder_syncs.all() == [
        FolderSync(tenant=tenant, mailbox=mailbox, folder=folder, due_at=NOON)
        for tenant, mailbox, folder in (
            ("acme", "sales", "Inbox/Orders"),
            ("acme", "sales", "inbox"),
            ("acme", "support", "Anfragen/Möbel"),
            ("acme", "support", "INBOX"),
            ("globex", "info", "all mail"),
        )
    ]


async def test_a_mailbox_that_is_removed_is_gone_with_its_folder_syncs(
    registry: MailboxRegistry, folder_syncs: FolderSyncs
) -> None:
    others = [microsoft_mailbox(name="other"), microsoft_mailbox(tenant="globex")]
    for mailbox in (microsoft_mailbox(), *others):
        await registry.add(mailbox)

    assert await registry.remove("acme", "sales")

    assert await registry.all() == others
    assert [(f.tenant, f.mailbox) for f in await folder_syncs.all()] == [
        ("acme", "other"),
        ("globex", "sales"),
    ]


async def test_what_has_become_of_its_mail_stays(
    registry: MailboxRegistry, outcomes: Outcomes
) -> None:
    await registry.add(imap_mailbox())
    await outcomes.record(outcome())

    await registry.remove("acme", "support")

    assert await outcomes.find("acme") == [outcome()]


async def test_a_mailbox_that_is_not_there_cannot_be_removed(registry: MailboxRegistry) -> None:
    await registry.add(imap_mailbox())

    assert not await registry.remove("acme", "sales")
    assert not await registry.remove("globex", "support")

    assert await registry.all() == [imap_mailbox()]


async def test_a_mailbox_of_the_same_name_begins_anew(
    registry: MailboxRegistry, folder_syncs: FolderSyncs, claimed: FolderSync
) -> None:
    await folder_syncs.move_position(claimed, "position-1", NOON)
    await folder_syncs.move_backfill(claimed, None, NOON)
    await registry.remove("acme", "sales")

    await registry.add(microsoft_mailbox())

    assert await registry.all() == [microsoft_mailbox()]
    assert await folder_syncs.all() == [
        FolderSync(tenant="acme", mailbox="sales", folder="inbox", due_at=NOON)
    ]
