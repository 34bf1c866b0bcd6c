"""Importing mailboxes of another system, over stores in memory."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from postroom.adapters import google, imap, microsoft
from postroom.adapters.memory.clock import ManualClock
from postroom.adapters.memory.database import InMemoryDatabase
from postroom.adapters.memory.folder_syncs import InMemoryFolderSyncs
from postroom.adapters.memory.ledger import InMemoryIdempotencyLedger
from postroom.adapters.memory.registry import InMemoryMailboxRegistry
from postroom.adapters.memory.takeovers import InMemoryTakeovers
from postroom.application.import_mailboxes import (
    ExportedMailbox,
    Imported,
    ImportMailboxes,
    ImportRefused,
)
from postroom.application.ports import OptionValue
from postroom.application.providers import Providers
from postroom.domain.account import Secret
from postroom.domain.identity import MessageIdentity
from postroom.domain.mailbox import PausedBy
from tests.contracts.samples import NOON, imap_mailbox
from tests.provider_deps import provider_deps

HOUR = timedelta(hours=1)
KEY = (
    '{"type": "service_account", "client_email": "a@p.example", "private_key": "hush",'
    ' "token_uri": "https://oauth2.example/token"}'
)
IMAP: Mapping[str, OptionValue] = {
    "host": "imap.acme.example",
    "password": Secret("hush"),
    "folder": ("INBOX", "Orders"),
}
GMAIL: Mapping[str, OptionValue] = {
    "service-account": Secret(KEY),
    "pubsub-subscription": "projects/p/subscriptions/s",
    "push-service-account": "push@p.example",
}
MICROSOFT: Mapping[str, OptionValue] = {
    "directory": "d",
    "client-id": "c",
    "client-secret": Secret("hush"),
}


class Rig:
    def __init__(self) -> None:
        clock = ManualClock(NOON + HOUR)
        database = InMemoryDatabase()
        self.registry = InMemoryMailboxRegistry(database)
        self.folder_syncs = InMemoryFolderSyncs(database)
        self.ledger = InMemoryIdempotencyLedger(database)
        self.takeovers = InMemoryTakeovers(database)
        deps = provider_deps(clock, self.registry)
        providers = Providers(
            [
                imap.provider(deps, handoff_secrets={}),
                google.provider(deps),
                microsoft.provider(deps),
            ]
        )
        self.imports = ImportMailboxes(self.registry, self.takeovers, providers)

    async def take(self, mailbox: ExportedMailbox, *, dry_run: bool = False) -> Imported:
        return await self.imports(mailbox, NOON, await self.imports.taken(), dry_run=dry_run)


@pytest.fixture
def rig() -> Rig:
    return Rig()


def exported(**other: Any) -> ExportedMailbox:  # noqa: ANN401 - fields of several types
    mailbox = ExportedMailbox(
        tenant="acme",
        id="office",
        address="office@acme.example",
        provider="imap",
        values=IMAP,
    )
    return replace(mailbox, **other)


async def test_a_mailbox_is_added_as_of_the_moment_of_the_change(rig: Rig) -> None:
    assert await rig.take(exported()) is Imported.ADDED

    mailbox = await rig.registry.get("acme", "office")
    assert mailbox
    assert mailbox.added_at == NOON
    assert mailbox.paused is None
    assert await rig.takeovers.since("acme", "office") == NOON


async def test_a_folder_goes_on_where_the_other_system_was(rig: Rig) -> None:
    await rig.take(exported(positions={"INBOX": "1700000001:4711"}))

    syncs = await rig.folder_syncs.all(tenant="acme")
    assert {each.folder: each.position for each in syncs} == {
        "INBOX": "1700000001:4711",
        "Orders": "",
    }


async def test_what_was_handled_is_not_handled_again(rig: Rig) -> None:
    mailbox = exported(handled={"rfc5322:a@x": NOON + HOUR, "rfc5322:b@x": NOON - HOUR})
    await rig.take(mailbox)
    stored = await rig.registry.get("acme", "office")
    assert stored

    async def is_new(name: str, source: str) -> bool:
        identity = MessageIdentity(name, source, source)
        async with rig.ledger.once(stored, identity, NOON) as new:
            return new

    assert not await is_new("rfc5322:a@x", "imap:1")
    assert await is_new("rfc5322:a@x", "imap:2")
    assert await is_new("rfc5322:b@x", "imap:3"), "handled before the change, and so another one"


async def test_gmails_ids_are_known_before_a_message_is_fetched(rig: Rig) -> None:
    mailbox = exported(
        provider="google", values=GMAIL, ids=frozenset({"18c2f0"}), positions={"all mail": "77"}
    )
    await rig.take(mailbox)
    stored = await rig.registry.get("acme", "office")
    assert stored

    assert await rig.ledger.handled(stored, "google:18c2f0") == "google:18c2f0"
    assert await rig.ledger.handled(stored, "google:18c2f1") == ""


async def test_a_mailbox_that_was_paused_is_paused(rig: Rig) -> None:
    await rig.take(exported(paused="the contract has ended"))

    mailbox = await rig.registry.get("acme", "office")
    assert mailbox
    assert mailbox.paused
    assert (mailbox.paused.by, mailbox.paused.reason) == (
        PausedBy.OPERATOR,
        "the contract has ended",
    )


async def test_a_dry_run_adds_nothing(rig: Rig) -> None:
    assert await rig.take(exported(), dry_run=True) is Imported.ADDED
    assert await rig.registry.all() == []


async def test_a_mailbox_that_was_imported_before_is_left_as_it_is(rig: Rig) -> None:
    await rig.take(exported())

    assert await rig.take(exported(paused="now it is")) is Imported.BEFORE

    mailbox = await rig.registry.get("acme", "office")
    assert mailbox
    assert mailbox.paused is None


async def test_one_that_was_added_by_hand_is_refused(rig: Rig) -> None:
    await rig.registry.add(imap_mailbox(name="office"))

    with pytest.raises(ImportRefused, match="which was not imported from this moment on"):
        await rig.take(exported())


async def test_one_whose_address_is_taken_is_refused_before_anything_is_done(rig: Rig) -> None:
    await rig.registry.add(imap_mailbox(address="Office@acme.example"))

    with pytest.raises(ImportRefused, match="of that address already"):
        await rig.take(exported(), dry_run=True)


async def test_two_of_a_file_with_one_address_are_refused_in_a_dry_run(rig: Rig) -> None:
    taken = await rig.imports.taken()
    await rig.imports(exported(), NOON, taken, dry_run=True)

    with pytest.raises(ImportRefused, match="of that address already"):
        await rig.imports(exported(id="other"), NOON, taken, dry_run=True)


@pytest.mark.parametrize(
    ("other", "why"),
    [
        ({"provider": "jmap"}, "provider: 'jmap' is none of: google, imap, microsoft"),
        ({"values": {"host": "x"}}, "the password is missing"),
        ({"id": "Not a name"}, "use 1 to 63 of"),
        ({"address": "office"}, "use a full e-mail address"),
        ({"positions": {"Spam": "1:1"}}, "'Spam' is no folder of the mailbox"),
        ({"positions": {"INBOX": "4711"}}, "that of 'INBOX' means nothing here"),
        ({"positions": {"INBOX": "0:4711"}}, "that of 'INBOX' means nothing here"),
        ({"positions": {"INBOX": "1:-1"}}, "that of 'INBOX' means nothing here"),
        ({"positions": {"INBOX": "1:99999999999"}}, "that of 'INBOX' means nothing here"),
        ({"ids": frozenset({"7"})}, "ids of imap are not the same there and here"),
        (
            {"provider": "google", "values": GMAIL, "positions": {"all mail": "0"}},
            "that of 'all mail' means nothing here",
        ),
        (
            {
                "provider": "microsoft",
                "values": MICROSOFT,
                "positions": {"inbox": "https://graph.microsoft.com/v1.0/…"},
            },
            "that of 'inbox' means nothing here",
        ),
        (
            {"provider": "microsoft", "values": MICROSOFT, "ids": frozenset({"AAMk"})},
            "ids of microsoft are not the same there and here",
        ),
    ],
)
async def test_what_cannot_be_imported_is_refused_with_the_reason(
    rig: Rig, other: dict[str, Any], why: str
) -> None:
    with pytest.raises(ImportRefused) as refused:
        await rig.take(exported(**other))

    assert why in str(refused.value)
    assert "hush" not in str(refused.value)
    assert await rig.registry.all() == []


def test_no_secret_is_shown_of_an_exported_mailbox() -> None:
    assert "hush" not in repr(exported())
