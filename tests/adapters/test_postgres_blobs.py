"""What refers to blobs beside the help desk's tables, whose port is in tests/contracts."""

import psycopg

from postroom.adapters.postgres.blobs import _UNREFERENCED, PostgresBlobReferences
from postroom.adapters.postgres.database import Database

RAW, OTHER = "1" * 64, "2" * 64

_HANDOVER = """
INSERT INTO postroom.handover (
    tenant, key, application, owner, mailbox, identity, received_at, accepted_at, state, due_at,
    fence, failures, forgiven, unsure, charged, may_be_handled, reference, url, reason, traceparent,
    raw, raw_size, body_size, body
) VALUES (
    'acme', %s, 'crm', '', 'support', 'rfc5322:a@x', now(), now(), 'waiting', now(),
    0, 0, 0, 0, 0, false, '', '', '', '', %s, 1, 1, ''
)
"""


async def test_originals_that_are_handed_over_are_referred_to(
    conninfo: str, database: Database
) -> None:
    with psycopg.connect(conninfo) as connection:
        for key, raw in (("msg_1", RAW), ("msg_2", "")):
            connection.execute(_HANDOVER.encode(), [key, raw])

    references = PostgresBlobReferences(database)
    assert await references.unreferenced("acme", [RAW, OTHER, ""]) == [OTHER, ""]
    assert await references.unreferenced("globex", [RAW]) == [RAW]


async def test_each_reference_is_found_by_an_index(database: Database) -> None:
    async with database.across_tenants() as connection:
        await connection.execute("SET LOCAL enable_seqscan = off")
        wanted = {"tenant": "acme", "keys": [RAW, OTHER]}
        rows = await connection.execute(f"EXPLAIN {_UNREFERENCED}", wanted)
        plan = str(await rows.fetchall())

    for index in ("comment_original", "document_blob", "handover_raw"):
        assert index in plan
