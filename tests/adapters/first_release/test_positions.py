"""How far the release before had listed each folder: not a message more is to be read again."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime

import httpx
import psycopg
import pytest

from postroom.adapters.google.account import FOLDER
from postroom.adapters.google.changes import GmailChanges
from postroom.adapters.imap.account import ImapAccount, Security
from postroom.adapters.imap.changes import ImapChanges
from postroom.adapters.imap.client import ImapClient
from postroom.adapters.imap.pointer import ImapPointer
from postroom.adapters.imap.pool import ConnectionPool
from postroom.adapters.memory.clock import ManualClock
from postroom.adapters.microsoft.changes import GraphChanges
from postroom.adapters.microsoft.client import GraphClient
from postroom.adapters.microsoft.pointer import MicrosoftPointer
from postroom.adapters.microsoft.tokens import AccessTokens
from postroom.adapters.postgres.database import Database
from postroom.adapters.postgres.folder_syncs import PostgresFolderSyncs
from postroom.adapters.postgres.migrations import migrate
from postroom.adapters.postgres.registry import PostgresMailboxRegistry
from postroom.application.ports import ChangeSource
from postroom.domain.folder_sync import FolderSync
from postroom.domain.mailbox import Mailbox
from postroom.domain.pointer import Pointer
from postroom.entrypoints.emulators.imap_folder import Folder
from postroom.entrypoints.emulators.imap_server import ImapServer
from postroom.entrypoints.emulators.loopback import HOST
from tests.adapters.first_release.recorded import RECORDED_AT, at
from tests.adapters.gmail_rig import MAIL, URL, gmail_rig, pointer, with_key

MESSAGES_OF_INFO = 6
"""As many came to acme/info until its history stood at 1042."""

Place = tuple[str, str, str]
"""A tenant, a mailbox and a folder."""


class OneToken(AccessTokens):
    async def get(self, _: Mailbox, *, rejected: str = "") -> str:  # noqa: ARG002 - it is good
        return "token"


@asynccontextmanager
async def graph(
    clock: ManualClock, respond: Callable[[httpx.Request], httpx.Response]
) -> AsyncIterator[GraphChanges]:
    """At the address of Graph itself, where the positions lead."""
    async with httpx.AsyncClient(transport=httpx.MockTransport(respond)) as http:
        yield GraphChanges(GraphClient(http, OneToken(), clock))


async def one(folder_syncs: PostgresFolderSyncs, place: Place) -> FolderSync:
    tenant, mailbox, folder = place
    found = await folder_syncs.all(tenant=tenant, mailbox=mailbox)
    return {each.folder: each for each in found}[folder]


async def listed(
    changes: ChangeSource, mailbox: Mailbox, folder_sync: FolderSync
) -> tuple[list[Pointer], str]:
    """What came after the position of *folder_sync*, and the position after that."""
    folder, position = folder_sync.folder, folder_sync.position
    pages = [page async for page in changes.since(mailbox, folder, position)]
    return [each.pointer for page in pages for each in page.arrivals], pages[-1].position


@pytest.mark.parametrize(
    ("place", "position", "position_at"),
    [
        (("acme", "info", "all mail"), "1042", RECORDED_AT),
        (("acme", "support", "INBOX"), "1700000001:9", RECORDED_AT),
        (("acme", "support", "Anfragen/Möbel"), "1700000004:2", at(9, 7)),
        (("globex", "desk", "INBOX"), "1700000002:1", RECORDED_AT),
        (("acme", "fresh", "inbox"), "", None),
    ],
)
async def test_a_position_stands_where_the_cursor_stood(
    folder_syncs: PostgresFolderSyncs, place: Place, position: str, position_at: datetime | None
) -> None:
    found = await one(folder_syncs, place)

    assert (found.position, found.position_at) == (position, position_at)


async def test_no_cursor_is_passed_over(left_behind: str) -> None:
    async with await psycopg.AsyncConnection.connect(left_behind) as connection:
        rows = await connection.execute(
            "SELECT tenant, mailbox, name, position, moved_at FROM postroom.cursor"
        )
        cursors = [row async for row in rows if not row[2].startswith("owed:")]
    await migrate(left_behind)
    async with Database(left_behind) as database:
        found = await PostgresFolderSyncs(database).all()

    assert {(each.tenant, each.mailbox, each.position, each.position_at) for each in found} == {
        *((tenant, mailbox, *at_) for tenant, mailbox, _, *at_ in cursors),
        ("acme", "fresh", "", None),
    }


async def test_every_folder_has_a_folder_sync(
    folder_syncs: PostgresFolderSyncs, registry: PostgresMailboxRegistry
) -> None:
    found = {(each.tenant, each.mailbox, each.folder) for each in await folder_syncs.all()}

    assert found == {
        (mailbox.tenant, mailbox.id, folder)
        for mailbox in await registry.all()
        for folder in mailbox.account.folders
    }


async def test_what_was_owed_by_date_is_still_to_be_listed(
    folder_syncs: PostgresFolderSyncs,
) -> None:
    found = {
        (each.tenant, each.mailbox, each.folder): each.backfill_from
        for each in await folder_syncs.all()
        if each.backfill_from
    }

    assert found == {("globex", "sales", "inbox"): at(9, 52)}


@pytest.mark.parametrize(
    "place",
    [
        *(("acme", name, "inbox") for name in ("events", "invoices", "sales", "team")),
        *(("acme", "sales", name) for name in ("Inbox/Orders", "Inbox/Angebote Süd")),
        *(("globex", name, "inbox") for name in ("hr", "office", "sales")),
    ],
)
async def test_a_position_in_a_folder_of_graph_leads_to_what_comes_next(
    folder_syncs: PostgresFolderSyncs,
    registry: PostgresMailboxRegistry,
    clock: ManualClock,
    place: Place,
) -> None:
    requested: list[str] = []
    found = await one(folder_syncs, place)
    mailbox = await registry.get(found.tenant, found.mailbox)
    assert mailbox
    after = found.position.partition("$deltatoken=")[0] + "$deltatoken=next"

    def respond(request: httpx.Request) -> httpx.Response:
        requested.append(str(request.url))
        page = {"value": [{"id": "new", "receivedDateTime": "2026-11-25T10:23:00Z"}]}
        return httpx.Response(200, json={**page, "@odata.deltaLink": after})

    async with graph(clock, respond) as changes:
        assert await listed(changes, mailbox, found) == ([MicrosoftPointer("", "new")], after)

    assert requested == [found.position]
    assert found.position.startswith("https://graph.microsoft.com/v1.0/users/")
    assert "/messages/delta?$deltatoken=" in found.position


async def test_the_history_of_gmail_goes_on_where_it_stood(
    folder_syncs: PostgresFolderSyncs, registry: PostgresMailboxRegistry, clock: ManualClock
) -> None:
    found = await one(folder_syncs, ("acme", "info", FOLDER))
    mailbox = await registry.get("acme", "info")
    assert mailbox
    async with gmail_rig(clock) as rig:
        for _ in range(MESSAGES_OF_INFO):
            rig.gmail.deliver(mailbox.address, MAIL)
        assert str(rig.gmail.history_id(mailbox.address)) == found.position
        new = rig.gmail.deliver(mailbox.address, MAIL)
        here = with_key(mailbox, rig.gmail.service_account_key(URL))

        pointers, position = await listed(GmailChanges(rig.client, clock), here, found)

    assert pointers == [pointer(new, mailbox.address)]
    assert position == "1049"


@pytest.mark.parametrize(
    ("place", "name"),
    [
        (("acme", "support", "INBOX"), "INBOX"),
        (("acme", "support", "Anfragen/Möbel"), "Anfragen/M&APY-bel"),
        (("globex", "desk", "INBOX"), "INBOX"),
    ],
)
async def test_the_uids_of_an_imap_folder_go_on_where_they_stood(
    folder_syncs: PostgresFolderSyncs,
    registry: PostgresMailboxRegistry,
    place: Place,
    name: str,
) -> None:
    found = await one(folder_syncs, place)
    mailbox = await registry.get(found.tenant, found.mailbox)
    assert mailbox
    uid_validity, uid = map(int, found.position.split(":"))
    async with an_imap_server(mailbox) as (server, here, changes):
        server.folders[mailbox.id][name] = Folder(uid_validity)
        for _ in range(uid + 1):
            server.deliver(mailbox.id, MAIL, folder=name)

        pointers, position = await listed(changes, here, found)

    assert pointers == [ImapPointer(found.folder, uid + 1, uid_validity)]
    assert position == f"{uid_validity}:{uid + 1}"


@asynccontextmanager
async def an_imap_server(
    mailbox: Mailbox,
) -> AsyncIterator[tuple[ImapServer, Mailbox, ImapChanges]]:
    """One in place of that of *mailbox*, and the mailbox there."""
    account = mailbox.account
    assert isinstance(account, ImapAccount)
    connections = ConnectionPool(ImapClient())
    async with ImapServer({account.username: account.password.value}) as server:
        here = replace(account, host=HOST, port=server.port, security=Security.NONE)
        yield server, replace(mailbox, account=here), ImapChanges(connections)
        await connections.aclose()
