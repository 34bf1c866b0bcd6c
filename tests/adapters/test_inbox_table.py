"""Rows in a user's table: what gets in, and what is wrong with it or with the way to it."""

import json
from collections.abc import AsyncIterator, Iterator

import psycopg
import pytest

from postroom.adapters.inbox_table.caller import InboxTableCaller
from postroom.adapters.inbox_table.errors import answer_without_end
from postroom.adapters.inbox_table.table import MAX_BYTES, MAX_ROWS, portions
from postroom.domain.handover.answer import Done, Duplicate, Failed, Unreachable
from postroom.domain.handover.application import SetBy
from tests.calling import BODY, KEY, NOON, application, call_of
from tests.inbox_tables import inbox, inbox_database, messages, rows, run, with_options

FAILED_ROW = Failed(reason="the inbox table did not take the row (P0001)", sure=True)


@pytest.fixture
def url(database_url: str) -> Iterator[str]:
    with inbox_database(database_url) as url:
        yield url


@pytest.fixture
async def caller() -> AsyncIterator[InboxTableCaller]:
    async with InboxTableCaller() as caller:
        yield caller


async def test_a_row_has_what_the_message_is_sorted_by(caller: InboxTableCaller, url: str) -> None:
    assert await caller.call(inbox(url), [call_of()]) == [Done()]

    columns = "key, tenant, mailbox, received_at, body, handed_over_at <= now(), done_at"
    assert rows(url, f"SELECT {columns} FROM postroom_inbox") == [
        (KEY, "acme", "support", NOON, json.loads(BODY), True, None)
    ]


async def test_a_full_batch_is_one_statement(caller: InboxTableCaller, url: str) -> None:
    run(url, *_COUNTING)

    answers = await caller.call(inbox(url), messages(caller.batch))

    assert answers == [Done()] * MAX_ROWS
    assert rows(url, "SELECT count(*) FROM statement") == [(1,)]


_COUNTING = (
    "CREATE TABLE statement ()",
    """CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN INSERT INTO statement DEFAULT VALUES; RETURN NULL; END $$""",
    "CREATE TRIGGER note AFTER INSERT ON postroom_inbox EXECUTE FUNCTION note()",
)


def test_a_statement_takes_so_many_bytes() -> None:
    sizes = [MAX_BYTES - 1, 1, 1, MAX_BYTES + 1, 5]

    taken = [
        [len(call.body) for call in some]
        for some in portions([call_of(body=bytes(size)) for size in sizes])
    ]

    assert taken == [[MAX_BYTES - 1, 1], [1], [MAX_BYTES + 1], [5]]
    assert [len(some) for some in portions(messages(2 * MAX_ROWS + 1))] == [MAX_ROWS, MAX_ROWS, 1]
    assert list(portions([])) == []


async def test_who_listens_is_notified_of_new_rows(caller: InboxTableCaller, url: str) -> None:
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as listener:
        await listener.execute("LISTEN postroom_inbox")
        await caller.call(inbox(url), messages(3))
        await caller.call(inbox(url), messages(3))

        heard = [each.channel async for each in listener.notifies(timeout=0.2)]

    assert heard == ["postroom_inbox"]


async def test_a_row_at_fault_is_not_the_fault_of_the_others(
    caller: InboxTableCaller, url: str
) -> None:
    run(url, *_REFUSING_MSG_1)

    answers = await caller.call(inbox(url), messages(4))

    assert answers == [Done(), FAILED_ROW, Done(), Done()]


_REFUSING_MSG_1 = (
    """CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN IF NEW.key = 'msg_1' THEN RAISE 'the subject of it'; END IF; RETURN NEW; END $$""",
    "CREATE TRIGGER refuse BEFORE INSERT ON postroom_inbox FOR EACH ROW EXECUTE FUNCTION refuse()",
)


async def test_a_row_that_is_refused_at_the_commit_is_surely_not_there(
    caller: InboxTableCaller, url: str
) -> None:
    at_commit = _REFUSING_MSG_1[1].replace("CREATE", "CREATE CONSTRAINT").replace("BEFORE", "AFTER")
    run(
        url,
        _REFUSING_MSG_1[0],
        at_commit.replace("FOR EACH", "DEFERRABLE INITIALLY DEFERRED FOR EACH"),
    )

    answers = await caller.call(inbox(url), messages(3))

    assert answers == [Done(), FAILED_ROW, Done()]
    assert await caller.call(inbox(url), messages(3)) == [Duplicate(), FAILED_ROW, Duplicate()]


@pytest.mark.parametrize(
    ("statement", "remedy"),
    [
        ("DROP TABLE postroom_inbox", "the table postroom_inbox is missing: create what"),
        ("ALTER TABLE postroom_inbox DROP tenant", "is not what `postroom handover table` prints"),
        (
            "ALTER TABLE postroom_inbox DROP CONSTRAINT postroom_inbox_pkey",
            "is not what `postroom handover table` prints",
        ),
        ("ALTER TABLE postroom_inbox ALTER key TYPE int USING 1", "`postroom handover table`"),
    ],
)
async def test_a_table_that_is_not_as_it_must_be_is_unreachable(
    caller: InboxTableCaller, url: str, statement: str, remedy: str
) -> None:
    run(url, statement)

    (answer,) = await caller.call(inbox(url), [call_of()])

    assert isinstance(answer, Unreachable)
    assert remedy in answer.reason


async def test_a_ping_finds_that_the_table_is_missing(caller: InboxTableCaller, url: str) -> None:
    run(url, "DROP TABLE postroom_inbox")

    assert isinstance(await caller.ping(inbox(url)), Unreachable)


async def test_a_user_without_the_rights_is_said_which(caller: InboxTableCaller, url: str) -> None:
    run(url, *_WITHOUT_RIGHTS)

    limited = inbox(with_options(url, options="-crole=crm"))
    answers = await caller.call(limited, messages(2))

    assert (
        answers
        == [
            Unreachable(
                reason="the database user needs SELECT and INSERT on postroom_inbox: grant them"
            )
        ]
        * 2
    )


_WITHOUT_RIGHTS = (
    "DO $$ BEGIN CREATE ROLE crm; EXCEPTION WHEN duplicate_object THEN NULL; END $$",
    "GRANT SELECT ON postroom_inbox TO crm",
)


async def test_a_standby_is_unreachable(caller: InboxTableCaller, url: str) -> None:
    read_only = with_options(url, options="-cdefault_transaction_read_only=on")

    (answer,) = await caller.call(inbox(read_only), [call_of()])

    assert answer == Unreachable(
        reason="the database is read-only: name the primary in the application's URL"
    )


async def test_a_database_that_is_not_there_is_unreachable(
    caller: InboxTableCaller, url: str
) -> None:
    (answer,) = await caller.call(inbox(with_options(url, dbname="nowhere")), [call_of()])

    assert answer == Unreachable(reason="the database of the application's URL does not exist")


@pytest.mark.parametrize(
    ("said", "remedy"),
    [
        ('FATAL:  password authentication failed for user "jo"', "the user or the password"),
        ('FATAL:  role "jo" does not exist', "the user or the password"),
        ("fe_sendauth: no password supplied", "the user or the password"),
        ('FATAL:  no pg_hba.conf entry for host "10.0.0.1"', "the user or the password"),
        ('FATAL:  database "crm" does not exist', "does not exist"),
        ('connection to server at "127.0.0.1", port 1 failed: Connection refused', "listens"),
        ("failed to resolve host 'crm.example': [Errno -2]", "leads nowhere"),
        ("FATAL:  sorry, too many clients already", "max_connections"),
        ("SSL error: certificate verify failed", "TLS"),
        ("FATAL:  Passwort-Authentifizierung fehlgeschlagen", "no connection to the database"),
    ],
)
def test_what_keeps_us_from_connecting_has_a_remedy(said: str, remedy: str) -> None:
    error = psycopg.OperationalError(f"connection failed: {said}")

    answer = answer_without_end(error, connected=False, committing=False)

    assert isinstance(answer, Unreachable)
    assert remedy in answer.reason
    assert "jo" not in answer.reason.replace("join", "")


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://[secret/crm",
        "postgresql://%00secret/crm",
        "postgresql://127.0.0.1/crm?secret=1",
        "postgresql://127.0.0.1:1/crm?connect_timeout=secret",
        "postgresql://127.0.0.1:1/crm?sslmode=secret",
        f"postgresql://{'a' * 64}.example/secret",
        "postgresql://\ud800.example/secret",
    ],
)
async def test_a_url_that_is_none_is_unreachable_and_not_repeated(
    caller: InboxTableCaller, url: str
) -> None:
    (answer,) = await caller.call(inbox(url), [call_of()])

    assert isinstance(answer, Unreachable)
    assert "secret" not in answer.reason


async def test_a_tenant_has_no_table(caller: InboxTableCaller) -> None:
    tenants = application("postgresql://127.0.0.1/postroom", set_by=SetBy.TENANT)

    assert isinstance(await caller.ping(tenants), Unreachable)
    assert isinstance((await caller.call(tenants, [call_of()]))[0], Unreachable)
