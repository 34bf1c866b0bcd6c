"""How far the release before had listed each mailbox: not a message more is to be read again."""

from collections.abc import Awaitable, Callable

import pytest
from postroom.adapters.postgres.cursors import PostgresCursors

from postroom.adapters.memory.clock import ManualClock
from postroom.adapters.postgres.database import Database
from postroom.adapters.postgres.registry import PostgresMailboxRegistry
from postroom.application.ports import Cursor
from tests.adapters.first_release.recorded import RECORDED_AT, at

Cursors = Callable[[str, str, str], Awaitable[Cursor | None]]


@pytest.fixture
def cursor_of(database: Database, registry: PostgresMailboxRegistry, clock: ManualClock) -> Cursors:
    """Reads a cursor of a tenant's mailbox; alone in here it knows where that lies."""

    async def read(tenant: str, mailbox: str, name: str) -> Cursor | None:
        found = await registry.get(tenant, mailbox)
        assert found
        return await PostgresCursors(database, clock).read(found, name)

    return read


@pytest.mark.parametrize(
    ("tenant", "mailbox", "name", "expected"),
    [
        ("acme", "info", "history", Cursor("1042", RECORDED_AT)),
        ("acme", "support", "imap:INBOX", Cursor("1700000001:9", RECORDED_AT)),
        ("acme", "support", "imap:Anfragen/Möbel", Cursor("1700000004:2", at(9, 7))),
        ("globex", "desk", "imap:INBOX", Cursor("1700000002:1", RECORDED_AT)),
        ("acme", "sales", "owed:Inbox/Orders", Cursor("", at(9, 1))),
        ("globex", "sales", "owed:inbox", Cursor("2026-11-25T09:52:00+00:00", RECORDED_AT)),
        ("acme", "fresh", "changes:inbox", None),
    ],
)
async def test_a_cursor_stands_where_it_stood(
    cursor_of: Cursors, tenant: str, mailbox: str, name: str, expected: Cursor | None
) -> None:
    assert await cursor_of(tenant, mailbox, name) == expected


@pytest.mark.parametrize("folder", ["inbox", "Inbox/Orders", "Inbox/Angebote Süd"])
async def test_a_position_in_a_folder_of_graph_leads_to_what_comes_next(
    cursor_of: Cursors, folder: str
) -> None:
    found = await cursor_of("acme", "sales", f"changes:{folder}")

    assert found
    assert found.position.startswith("https://graph.microsoft.com/v1.0/users/")
    assert "/messages/delta?$deltatoken=" in found.position
