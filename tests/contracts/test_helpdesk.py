"""What every Helpdesk promises."""

import asyncio
from collections.abc import Sequence
from itertools import count

import pytest

from postroom.application.ports import Helpdesk
from postroom.domain.helpdesk.ticket import Ticket, TicketSummary
from postroom.domain.mail.message import Address
from postroom.domain.mailbox import Mailbox
from tests.contracts.conftest import Storage
from tests.contracts.samples import NOON, comment, document, failing_block, identity, imap_mailbox

PORTS = {Helpdesk}

MAILBOX = imap_mailbox()

_serial = count(1)


async def found(
    storage: Storage, *message_ids: str, mailbox: Mailbox = MAILBOX
) -> Sequence[Ticket]:
    """The conversations as a filing sees them, in a ledger block of its own."""
    own = f"looking-{next(_serial)}"
    async with storage.ledger.once(mailbox, identity(name=own, source=own)):
        return await storage.helpdesk.conversations(mailbox, message_ids)


async def test_a_ticket_comes_back_as_it_was_opened(helpdesk: Helpdesk) -> None:
    opening = comment("a@x", "r1@x", "r2@x", documents=(document("b.pdf"), document("a.pdf")))

    ticket = await helpdesk.open_ticket(MAILBOX, opening)

    assert ticket == Ticket(tenant="acme", mailbox="support", number=1, comments=(opening,))
    assert await helpdesk.ticket("acme", 1) == ticket


async def test_there_is_no_ticket_of_an_unknown_number(helpdesk: Helpdesk) -> None:
    await helpdesk.open_ticket(MAILBOX, comment("a@x"))

    assert await helpdesk.ticket("acme", 2) is None


async def test_numbers_count_from_one_in_each_tenant(helpdesk: Helpdesk) -> None:
    mailboxes = [MAILBOX, imap_mailbox(name="sales"), imap_mailbox(tenant="globex")]

    tickets = [await helpdesk.open_ticket(mailbox, comment("a@x")) for mailbox in mailboxes]

    assert [(ticket.tenant, ticket.number) for ticket in tickets] == [
        ("acme", 1),
        ("acme", 2),
        ("globex", 1),
    ]


async def test_the_number_of_a_ticket_that_was_not_kept_is_given_out_again(
    storage: Storage,
) -> None:
    await storage.helpdesk.open_ticket(MAILBOX, comment("a@x"))
    async with failing_block(storage.ledger, MAILBOX):
        await storage.helpdesk.open_ticket(MAILBOX, comment("b@x"))

    ticket = await storage.helpdesk.open_ticket(MAILBOX, comment("b@x"))

    assert ticket.number == 2


async def test_tickets_opened_at_once_get_numbers_of_their_own(helpdesk: Helpdesk) -> None:
    tickets = await asyncio.gather(
        *(helpdesk.open_ticket(imap_mailbox(name=f"m{n}"), comment("a@x")) for n in range(8))
    )

    assert sorted(ticket.number for ticket in tickets) == list(range(1, 9))


async def test_a_comment_takes_its_place(helpdesk: Helpdesk) -> None:
    question, answer = comment("a@x"), comment("b@x", "a@x", minutes=2)
    between = comment("c@x", "a@x", minutes=1, documents=(document("c.pdf"),))
    ticket = await helpdesk.open_ticket(MAILBOX, question)

    ticket = await helpdesk.add_comment(ticket, answer)
    ticket = await helpdesk.add_comment(ticket, between)

    assert ticket.comments == (question, between, answer)
    assert await helpdesk.ticket("acme", ticket.number) == ticket


async def test_an_original_that_comes_late_takes_over_as_the_opening(helpdesk: Helpdesk) -> None:
    reply, original = comment("b@x", "a@x", minutes=5), comment("a@x")
    ticket = await helpdesk.open_ticket(MAILBOX, reply)

    ticket = await helpdesk.add_comment(ticket, original)

    assert ticket.comments == (original, reply)
    assert await helpdesk.ticket("acme", ticket.number) == ticket
    (summary,) = await helpdesk.summaries("acme")
    assert (summary.subject, summary.opened_at) == ("About a@x", NOON)


async def test_a_conversation_is_found_by_any_id_that_it_knows(storage: Storage) -> None:
    ticket = await storage.helpdesk.open_ticket(MAILBOX, comment("b@x", "a@x"))
    ticket = await storage.helpdesk.add_comment(ticket, comment("d@x", "c@x"))

    for message_id in ("a@x", "b@x", "c@x", "d@x"):
        assert await found(storage, "unknown@x", message_id) == [ticket]
    assert await found(storage, "unknown@x") == []
    assert await found(storage) == []


async def test_conversations_come_by_number(storage: Storage) -> None:
    tickets = [await storage.helpdesk.open_ticket(MAILBOX, comment(f"{n}@x")) for n in range(3)]

    assert await found(storage, "2@x", "0@x", "1@x") == tickets


async def test_conversations_are_those_of_the_mailbox(storage: Storage) -> None:
    await storage.helpdesk.open_ticket(MAILBOX, comment("a@x"))

    for elsewhere in (imap_mailbox(name="sales"), imap_mailbox(tenant="globex")):
        assert await found(storage, "a@x", mailbox=elsewhere) == []


async def test_a_block_finds_the_ticket_that_it_opened(storage: Storage) -> None:
    async with storage.ledger.once(MAILBOX, identity()):
        ticket = await storage.helpdesk.open_ticket(MAILBOX, comment("a@x"))

        assert await storage.helpdesk.conversations(MAILBOX, ["a@x"]) == [ticket]


async def test_conversations_outside_a_ledger_block_are_a_mistake(helpdesk: Helpdesk) -> None:
    with pytest.raises(RuntimeError, match="outside a ledger block"):
        await helpdesk.conversations(MAILBOX, ["a@x"])


async def test_filings_of_a_mailbox_are_one_at_a_time(storage: Storage) -> None:
    """Each looks for the conversation and opens it where it finds none: only one may find none."""

    async def file(n: int) -> None:
        async with storage.ledger.once(MAILBOX, identity(name=f"n{n}", source=f"s{n}")):
            reply = comment(f"{n}@x", "a@x", minutes=n)
            known = await storage.helpdesk.conversations(MAILBOX, reply.message_ids)
            await asyncio.sleep(0)
            if known:
                await storage.helpdesk.add_comment(known[0], reply)
            else:
                await storage.helpdesk.open_ticket(MAILBOX, reply)

    await asyncio.gather(*(file(n) for n in range(8)))

    (summary,) = await storage.helpdesk.summaries("acme")
    assert summary.comments == 8


async def test_a_merged_ticket_holds_what_both_held(storage: Storage) -> None:
    helpdesk = storage.helpdesk
    late, early = comment("b@x", minutes=5), comment("a@x", documents=(document("a.pdf"),))
    ticket = await helpdesk.open_ticket(MAILBOX, late)
    other = await helpdesk.open_ticket(MAILBOX, early)

    merged = await helpdesk.merge(ticket, other)

    assert (merged.number, merged.comments) == (ticket.number, (early, late))
    assert await helpdesk.ticket("acme", ticket.number) == merged
    assert await found(storage, "a@x", "b@x") == [merged]
    (summary,) = await helpdesk.summaries("acme")
    assert (summary.number, summary.subject, summary.comments) == (1, "About a@x", 2)


async def test_the_number_of_a_merged_ticket_leads_on(helpdesk: Helpdesk) -> None:
    first, second, third = [
        await helpdesk.open_ticket(MAILBOX, comment(f"{n}@x", minutes=n)) for n in range(3)
    ]

    second = await helpdesk.merge(second, third)
    merged = await helpdesk.merge(first, second)

    assert [await helpdesk.ticket("acme", n) for n in (1, 2, 3)] == [merged] * 3
    assert (await helpdesk.open_ticket(MAILBOX, comment("new@x"))).number == 4


async def test_a_merge_is_undone_with_its_block(storage: Storage) -> None:
    ticket = await storage.helpdesk.open_ticket(MAILBOX, comment("a@x"))
    other = await storage.helpdesk.open_ticket(MAILBOX, comment("b@x"))
    async with failing_block(storage.ledger, MAILBOX):
        await storage.helpdesk.merge(ticket, other)

    assert await storage.helpdesk.ticket("acme", other.number) == other
    assert await found(storage, "a@x", "b@x") == [ticket, other]


async def test_a_summary_tells_of_the_opening_and_counts_the_rest(helpdesk: Helpdesk) -> None:
    ticket = await helpdesk.open_ticket(
        MAILBOX, comment("a@x", documents=(document("1"), document("2")))
    )
    await helpdesk.add_comment(ticket, comment("b@x", minutes=1, documents=(document("3"),)))

    assert await helpdesk.summaries("acme") == [
        TicketSummary(
            mailbox="support",
            number=1,
            subject="About a@x",
            requester=Address("Ann", "ann@sender.example"),
            opened_at=NOON,
            comments=2,
            documents=3,
        )
    ]


async def test_summaries_are_the_newest_of_the_tenant_newest_first(helpdesk: Helpdesk) -> None:
    for n in range(3):
        await helpdesk.open_ticket(MAILBOX, comment(f"{n}@x", minutes=-n))
    await helpdesk.open_ticket(imap_mailbox(tenant="globex"), comment("other@x"))

    numbers = [summary.number for summary in await helpdesk.summaries("acme", limit=2)]

    assert numbers == [3, 2]


async def test_a_tenant_sees_its_own_tickets_only(helpdesk: Helpdesk) -> None:
    await helpdesk.open_ticket(MAILBOX, comment("a@x"))

    assert await helpdesk.summaries("globex") == []
    assert await helpdesk.ticket("globex", 1) is None


async def test_two_messages_under_one_message_id_are_two_comments(helpdesk: Helpdesk) -> None:
    one, other = comment("a@x", digest="d1"), comment("a@x", digest="d2", minutes=1)

    ticket = await helpdesk.add_comment(await helpdesk.open_ticket(MAILBOX, one), other)

    assert await helpdesk.ticket("acme", 1) == ticket
    assert len(ticket.comments) == 2


async def test_one_message_may_come_to_two_mailboxes(helpdesk: Helpdesk) -> None:
    await helpdesk.open_ticket(MAILBOX, comment("a@x"))

    ticket = await helpdesk.open_ticket(imap_mailbox(name="sales"), comment("a@x"))

    assert await helpdesk.ticket("acme", 2) == ticket
