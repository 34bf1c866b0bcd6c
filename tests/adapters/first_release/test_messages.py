"""What became of the messages of the release before: outcomes, what was handled, and tickets."""

from collections import Counter

import pytest

from postroom.adapters.google.pointer import GooglePointer
from postroom.adapters.imap.pointer import ImapPointer
from postroom.adapters.postgres.database import Database
from postroom.adapters.postgres.helpdesk import PostgresHelpdesk
from postroom.adapters.postgres.ledger import PostgresIdempotencyLedger
from postroom.adapters.postgres.outcomes import PostgresOutcomes
from postroom.adapters.postgres.registry import PostgresMailboxRegistry
from postroom.application.ports import FetchedMessage
from postroom.domain.helpdesk.ticket import Document
from postroom.domain.mail.message import InboundMessage
from postroom.domain.outcome import Completed, Dead, Duplicate, Effect, Expanded, Skipped, name_of
from tests.adapters.first_release.recorded import RECORDED_AT, at
from tests.contracts.samples import comment, identity
from tests.reading import read_inbound
from tests.samples import sample


def inbound(name: str, source: str = "imap:INBOX:1:1") -> InboundMessage:
    return read_inbound(FetchedMessage(source, sample(name), RECORDED_AT))


# --- Outcomes


async def test_every_outcome_can_be_read(outcomes: PostgresOutcomes) -> None:
    found = [each for tenant in ("acme", "globex") for each in await outcomes.find(tenant)]

    assert Counter(name_of(each.outcome) for each in found) == {
        "completed": 18,
        "dead": 6,
        "expanded": 4,
        "duplicate": 1,
        "skipped": 1,
    }


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("plain", [Completed(Effect.TICKET, "1")]),
        ("reply", [Completed(Effect.COMMENT, "1")]),
        ("japanese", [Duplicate(), Completed(Effect.TICKET, "7")]),
    ],
)
async def test_a_message_leads_to_its_outcomes(
    outcomes: PostgresOutcomes, name: str, expected: list[object]
) -> None:
    found = await outcomes.find("acme", identity=inbound(name).identity.name)

    assert [each.outcome for each in found] == expected


async def test_an_outcome_without_a_message_says_why(outcomes: PostgresOutcomes) -> None:
    found = await outcomes.find("acme")

    assert {
        ("sales", 1, Skipped("source unavailable: Graph answered 404 ErrorItemNotFound")),
        ("former", 1, Dead("unknown mailbox")),
        ("info", 5, Dead("gave up after 5 attempts: gmail answered 500 backendError")),
    } <= {(each.job.mailbox, each.attempt, each.outcome) for each in found}


async def test_an_outcome_has_its_job(outcomes: PostgresOutcomes) -> None:
    [former] = await outcomes.find("acme", mailbox="former")
    newest, *_ = await outcomes.find("acme", mailbox="info")

    assert former.job.pointer == ImapPointer("INBOX", 1, 1_700_000_003)
    assert (newest.outcome, newest.at) == (Expanded(3), RECORDED_AT)
    assert newest.job.pointer == GooglePointer(1042, "Info@acme.example", "2070443601311544")
    assert await outcomes.known("acme", [newest.job.id, "unknown"]) == {newest.job.id}


# --- What was handled


@pytest.mark.parametrize(
    ("name", "source"),
    [("late_original", "imap:INBOX:7:1"), ("no_message_id", "imap:INBOX:1700000001:3")],
    ids=["by its content", "by its source"],
)
async def test_a_message_that_was_handled_is_not_handled_again(
    database: Database, registry: PostgresMailboxRegistry, name: str, source: str
) -> None:
    mailbox = await registry.get("acme", "support")
    assert mailbox

    async with PostgresIdempotencyLedger(database).once(
        mailbox, inbound(name, source).identity
    ) as is_new:
        assert not is_new


# --- Tickets


async def test_tickets_are_listed_with_what_they_hold(database: Database) -> None:
    helpdesk = PostgresHelpdesk(database)

    found = {
        tenant: [(each.number, each.comments) for each in await helpdesk.summaries(tenant)]
        for tenant in ("acme", "globex")
    }

    assert found == {
        "acme": [*((number, 1) for number in range(10, 2, -1)), (2, 2), (1, 2)],
        "globex": [(5, 1), (4, 1), (3, 1), (1, 3)],
    }


async def test_a_ticket_reads_as_its_messages_do(database: Database) -> None:
    ticket = await PostgresHelpdesk(database).ticket("acme", 2)

    assert ticket
    assert (ticket.mailbox, ticket.subject) == ("support", "VPN drops every ten minutes")
    names = ("late_original", "early_reply")
    for shown, name, minute in zip(ticket.comments, names, (2, 1), strict=True):
        known = inbound(name)
        assert (shown.identity, shown.digest) == (known.identity.name, known.identity.digest)
        assert (shown.text, shown.references) == (known.message.text, known.message.references)
        assert (shown.author, shown.received_at) == (known.message.sender, at(9, minute))


async def test_a_ticket_has_its_documents(database: Database) -> None:
    ticket = await PostgresHelpdesk(database).ticket("acme", 4)

    assert ticket
    assert ticket.opening.documents == (
        Document(
            filename="error.png",
            content_type="image/png",
            size=108,
            blob="a277274ed9ee8e0b90d507fe4a8a0980cc186a8902c7518fbe78ffd3caf2db82",
            content_id="error.png@01DA",
            inline=True,
        ),
    )


async def test_a_merged_number_leads_on_and_the_conversation_goes_on(
    database: Database, registry: PostgresMailboxRegistry
) -> None:
    helpdesk = PostgresHelpdesk(database)
    mailbox = await registry.get("globex", "sales")
    assert mailbox
    answer = comment("fourth@sender.example", "second@sender.example", minutes=1)

    async with PostgresIdempotencyLedger(database).once(mailbox, identity()):
        [ticket] = await helpdesk.conversations(mailbox, answer.message_ids)
        await helpdesk.add_comment(ticket, answer)
        opened = await helpdesk.open_ticket(mailbox, comment("other@sender.example"))

    found = await helpdesk.ticket("globex", 2)
    assert found
    assert found == await helpdesk.ticket("globex", 1)
    names = [each.message_id.removesuffix("@sender.example") for each in found.comments]
    assert names == ["first", "second", "third", "fourth"]
    assert opened.number == 6
