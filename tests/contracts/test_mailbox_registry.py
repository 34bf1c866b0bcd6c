"""What every MailboxRegistry promises."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from application.ports import Cursors, MailboxRegistry, Outcomes, Receptions
from domain.access import NO_FAILURES, AccessTally
from domain.mailbox import (
    ClientCertificate,
    DelegatedAccess,
    InvalidMailbox,
    Mailbox,
    MicrosoftAccount,
    Pause,
    PausedBy,
    Secret,
)
from domain.reception import Reception
from tests.contracts.samples import (
    NOON,
    certified_mailbox,
    delegated_mailbox,
    google_mailbox,
    imap_mailbox,
    microsoft_mailbox,
    outcome,
)

BY_OPERATOR = Pause(PausedBy.OPERATOR, "the customer has asked for it", NOON)
BY_ACCESS = Pause(PausedBy.ACCESS, "invalid_grant", NOON + timedelta(minutes=5))


@pytest.mark.parametrize(
    "mailbox",
    [
        microsoft_mailbox(),
        certified_mailbox(),
        delegated_mailbox(),
        google_mailbox(),
        imap_mailbox(),
        replace(imap_mailbox(), paused=BY_OPERATOR, access=AccessTally(2, NOON)),
        microsoft_mailbox(folders=("inbox", "Inbox/Möbel")),
    ],
    ids=["microsoft", "certificate", "delegated", "google", "imap", "paused", "several folders"],
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
        (
            google_mailbox(tenant="globex", name="other", address="INFO@ACME.example"),
            "subscription",
        ),
    ],
    ids=["name", "address", "push subscription and address"],
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
    ids=["another tenant", "another name", "another address", "another push"],
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


async def test_a_push_leads_to_its_mailbox_in_any_case(registry: MailboxRegistry) -> None:
    mailbox, push = google_mailbox(), "projects/p/subscriptions/s"
    for other in (imap_mailbox(), microsoft_mailbox(), mailbox):
        await registry.add(other)

    assert await registry.of_push(push, "iNFO@acme.EXAMPLE") == mailbox
    for subscription, address in (
        (push, "sales@acme.example"),
        ("projects/p/subscriptions/other", mailbox.address),
        (push, "info@acme.example\x00"),
    ):
        assert await registry.of_push(subscription, address) is None


# --- Mailboxes that are added, and removed ------------------------------------------------------


async def test_each_folder_of_a_new_mailbox_is_to_be_received_at_once(
    registry: MailboxRegistry, receptions: Receptions
) -> None:
    await registry.add(microsoft_mailbox(folders=("inbox", "Inbox/Orders", "inbox")))
    await registry.add(imap_mailbox())

    assert [replace(reception, version=0) for reception in await receptions.all()] == [
        Reception(tenant="acme", mailbox="sales", folder=folder, due_at=NOON)
        for folder in ("Inbox/Orders", "inbox")
    ]


async def test_a_mailbox_that_is_removed_is_gone_with_its_cursors_and_receptions(
    registry: MailboxRegistry, receptions: Receptions, cursors: Cursors
) -> None:
    removed = microsoft_mailbox()
    others = [microsoft_mailbox(name="other"), microsoft_mailbox(tenant="globex")]
    for mailbox in (removed, *others):
        await registry.add(mailbox)
        await cursors.advance(mailbox, "inbox", before=None, after="100")

    assert await registry.remove("acme", "sales")

    assert await registry.all() == others
    assert [(r.tenant, r.mailbox) for r in await receptions.all()] == [
        ("acme", "other"),
        ("globex", "sales"),
    ]
    assert await cursors.read(removed, "inbox") is None
    for mailbox in others:
        assert await cursors.read(mailbox, "inbox")


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
    registry: MailboxRegistry, cursors: Cursors
) -> None:
    mailbox = microsoft_mailbox()
    await registry.add(mailbox)
    await registry.remove("acme", "sales")
    await cursors.advance(mailbox, "inbox", before=None, after="a listing ended late")

    await registry.add(mailbox)

    assert await registry.all() == [mailbox]
    assert await cursors.read(mailbox, "inbox") is None


# --- Pauses -------------------------------------------------------------------------------------


@pytest.mark.parametrize("pause", [BY_OPERATOR, BY_ACCESS], ids=lambda pause: pause.by)
async def test_a_mailbox_is_paused_with_its_reason(registry: MailboxRegistry, pause: Pause) -> None:
    mailboxes = [imap_mailbox(), imap_mailbox(name="other"), imap_mailbox(tenant="globex")]
    for mailbox in mailboxes:
        await registry.add(mailbox)

    assert await registry.pause("acme", "support", pause)

    assert await registry.get("acme", "support") == replace(imap_mailbox(), paused=pause)
    for other in mailboxes[1:]:
        assert await registry.get(other.tenant, other.id) == other


@pytest.mark.parametrize("first", [BY_OPERATOR, BY_ACCESS], ids=lambda pause: pause.by)
async def test_a_person_pauses_even_what_is_paused(registry: MailboxRegistry, first: Pause) -> None:
    await registry.add(replace(imap_mailbox(), paused=first))
    again = replace(BY_OPERATOR, reason="it is moved")

    assert await registry.pause("acme", "support", again)

    assert await registry.get("acme", "support") == replace(imap_mailbox(), paused=again)


@pytest.mark.parametrize("first", [BY_OPERATOR, BY_ACCESS], ids=lambda pause: pause.by)
async def test_failing_access_pauses_nothing_that_is_paused(
    registry: MailboxRegistry, first: Pause
) -> None:
    await registry.add(replace(imap_mailbox(), paused=first))

    assert not await registry.pause("acme", "support", replace(BY_ACCESS, reason="403"))

    assert await registry.get("acme", "support") == replace(imap_mailbox(), paused=first)


async def test_of_many_workers_whose_access_fails_one_pauses(registry: MailboxRegistry) -> None:
    await registry.add(imap_mailbox())

    answers = await asyncio.gather(
        *(registry.pause("acme", "support", BY_ACCESS) for _ in range(6))
    )

    assert answers.count(True) == 1


async def test_a_mailbox_that_is_not_there_is_neither_paused_nor_resumed(
    registry: MailboxRegistry,
) -> None:
    await registry.add(replace(imap_mailbox(), paused=BY_OPERATOR))

    assert not await registry.pause("globex", "support", BY_OPERATOR)
    assert not await registry.resume("globex", "support")

    assert await registry.all() == [replace(imap_mailbox(), paused=BY_OPERATOR)]


@pytest.mark.parametrize(
    ("pause", "asked"),
    [
        (BY_OPERATOR, None),
        (BY_ACCESS, None),
        (BY_OPERATOR, PausedBy.OPERATOR),
        (BY_ACCESS, PausedBy.ACCESS),
    ],
)
async def test_a_mailbox_that_is_resumed_goes_on_with_its_failures_forgotten(
    registry: MailboxRegistry, pause: Pause, asked: PausedBy | None
) -> None:
    for tenant in ("acme", "globex"):
        await registry.add(replace(imap_mailbox(tenant), paused=pause, access=AccessTally(3, NOON)))

    assert await registry.resume("acme", "support", paused_by=asked)

    assert await registry.get("acme", "support") == imap_mailbox()
    other = await registry.get("globex", "support")
    assert other
    assert other.paused == pause


@pytest.mark.parametrize(
    ("pause", "asked"),
    [
        (BY_OPERATOR, PausedBy.ACCESS),
        (BY_ACCESS, PausedBy.OPERATOR),
        (None, None),
        (None, PausedBy.ACCESS),
    ],
)
async def test_a_mailbox_that_is_not_paused_like_that_is_not_resumed(
    registry: MailboxRegistry,
    receptions: Receptions,
    pause: Pause | None,
    asked: PausedBy | None,
) -> None:
    mailbox = replace(microsoft_mailbox(), paused=pause, access=AccessTally(2, NOON))
    await registry.add(mailbox)
    before = await receptions.all()

    assert not await registry.resume("acme", "sales", paused_by=asked)

    assert await registry.all() == [mailbox]
    assert await receptions.all() == before


async def test_failures_of_access_are_kept(registry: MailboxRegistry) -> None:
    for tenant in ("acme", "globex"):
        await registry.add(imap_mailbox(tenant))
    tally = AccessTally(2, NOON)

    await registry.keep_access(imap_mailbox(), tally)

    assert await registry.all() == [
        replace(imap_mailbox(), access=tally),
        imap_mailbox("globex"),
    ]
    await registry.keep_access(imap_mailbox(), NO_FAILURES)
    assert await registry.get("acme", "support") == imap_mailbox()


async def test_failures_of_a_mailbox_that_is_gone_are_forgotten(registry: MailboxRegistry) -> None:
    await registry.keep_access(imap_mailbox(), AccessTally(2, NOON))

    assert await registry.all() == []


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
