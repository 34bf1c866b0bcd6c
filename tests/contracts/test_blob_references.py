"""What every BlobReferences promises."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from postroom.application.ports import CANARIES, BlobReferences, Canary
from postroom.domain.helpdesk.ticket import Document
from tests.contracts.conftest import Storage
from tests.contracts.handing_over import CRM, new_handover
from tests.contracts.samples import NOON, comment, failing_block, imap_mailbox

PORTS = {BlobReferences}

MAILBOX = imap_mailbox()
FILE, OTHER_FILE, ORIGINAL, NOTHING = ("1" * 64, "2" * 64, "3" * 64, "4" * 64)


async def unreferenced(storage: Storage, *keys: str, tenant: str = "acme") -> Sequence[str]:
    return await storage.blob_references.unreferenced(tenant, keys)


@pytest.fixture
async def filed(storage: Storage) -> Storage:
    """With a ticket that has two documents, and an original."""
    documents = (Document("a", "", 1, FILE), Document("b", "", 1, OTHER_FILE))
    opening = replace(comment("a@x", documents=documents), original=ORIGINAL)
    await storage.helpdesk.open_ticket(MAILBOX, opening)
    return storage


async def test_documents_and_originals_of_comments_are_referred_to(filed: Storage) -> None:
    assert await unreferenced(filed, FILE, NOTHING, ORIGINAL, OTHER_FILE) == [NOTHING]


async def test_what_nothing_refers_to_comes_in_order_and_once(filed: Storage) -> None:
    keys = [f"{n:064}" for n in (7, 5, 9, 5)]

    assert await unreferenced(filed, *keys) == keys[:3]
    assert await unreferenced(filed) == []


async def test_another_tenants_references_do_not_count(filed: Storage) -> None:
    assert await unreferenced(filed, FILE, ORIGINAL, tenant="globex") == [FILE, ORIGINAL]


async def test_a_comment_without_an_original_refers_to_none(storage: Storage) -> None:
    await storage.helpdesk.open_ticket(MAILBOX, replace(comment("a@x"), original=""))

    assert await unreferenced(storage, ORIGINAL, "") == [ORIGINAL, ""]


async def test_what_a_merge_has_moved_is_still_referred_to(filed: Storage) -> None:
    [ticket] = [await filed.helpdesk.ticket("acme", 1)]
    assert ticket
    other = await filed.helpdesk.open_ticket(MAILBOX, comment("b@x", minutes=1))
    await filed.helpdesk.merge(other, ticket)

    assert await unreferenced(filed, FILE, ORIGINAL) == []


async def test_the_original_of_a_handover_is_referred_to(storage: Storage) -> None:
    for key, raw in (("a", ORIGINAL), ("b", "")):
        new = replace(new_handover(key, NOON), raw=raw)
        await storage.handovers.accept(CRM, new)

    assert await unreferenced(storage, ORIGINAL, NOTHING, "") == [NOTHING, ""]
    assert await unreferenced(storage, ORIGINAL, tenant="globex") == [ORIGINAL]


async def test_a_filing_that_was_rolled_back_refers_to_nothing(storage: Storage) -> None:
    documents = (Document("a", "", 1, FILE),)
    async with failing_block(storage.ledger, MAILBOX):
        await storage.helpdesk.open_ticket(MAILBOX, comment("a@x", documents=documents))

    assert await unreferenced(storage, FILE) == [FILE]


async def test_the_canary_of_a_process_is_referred_to_until_the_next(storage: Storage) -> None:
    for key in (FILE, OTHER_FILE):
        canary = Canary("host", 1, key, NOON)
        await storage.blob_canaries.store(canary, now=NOON, gone_before=NOON)

    assert await unreferenced(storage, FILE, OTHER_FILE, tenant=CANARIES) == [FILE]
    assert await unreferenced(storage, FILE, OTHER_FILE) == [FILE, OTHER_FILE]
