"""What every ShadowRows promises."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import psycopg
import pytest
from psycopg.rows import dict_row
from psycopg.sql import SQL, Identifier

from postroom.adapters.clock import SystemClock
from postroom.adapters.crypto import FernetCipher, generate_key
from postroom.adapters.memory.clock import ManualClock
from postroom.adapters.memory.database import InMemoryDatabase
from postroom.adapters.memory.shadow_rows import InMemoryShadowRows
from postroom.adapters.memory.takeovers import InMemoryTakeovers
from postroom.adapters.postgres.database import Database
from postroom.adapters.postgres.registry import PostgresMailboxRegistry
from postroom.adapters.postgres.shadow_rows import BATCH, PostgresShadowRows
from postroom.adapters.postgres.takeovers import PostgresTakeovers
from postroom.application.ports import ShadowRows, Takeovers
from postroom.domain.handover.handover import State
from postroom.domain.handover.shadow import BEFORE, Decision, ShadowRow
from postroom.domain.takeover import Takeover
from tests.contracts.samples import NOON
from tests.providers import ACCOUNTS

PORTS = {ShadowRows}

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
TAKEOVER = Takeover(since=NOON)
Put = Callable[[str, str, ShadowRow], Awaitable[None]]


@dataclass(frozen=True)
class Stage:
    rows: ShadowRows
    takeovers: Takeovers
    put: Put
    """Stores a row of a tenant and mailbox, as accepting a message does."""
    now: Callable[[], datetime]

    async def all(self, tenant: str = "acme", mailbox: str = "support") -> list[ShadowRow]:
        return list(await self.rows.page(tenant, mailbox, since=NOON - 9 * DAY))


@pytest.fixture
async def stage(emptied_url: str) -> AsyncIterator[Stage]:
    if not emptied_url:
        database = InMemoryDatabase()
        clock = ManualClock()
        rows = InMemoryShadowRows(database, clock)
        yield Stage(rows, InMemoryTakeovers(database), rows.put, clock.now)
        return
    if not _has_handovers(emptied_url):
        pytest.skip("this release has no table of handovers yet")

    async def put(tenant: str, mailbox: str, row: ShadowRow) -> None:
        _insert(emptied_url, tenant, mailbox, row)

    async with Database(emptied_url) as postgres:
        cipher = FernetCipher([generate_key()])
        registry = PostgresMailboxRegistry(postgres, cipher, ACCOUNTS)
        takeovers = PostgresTakeovers(postgres, registry)
        yield Stage(PostgresShadowRows(postgres, takeovers), takeovers, put, SystemClock().now)


def row(
    key: str = "k1", *, state: State = State.SHADOW, application: str = "crm", minutes: int = 0
) -> ShadowRow:
    return ShadowRow(
        application=application,
        key=key,
        identity=f"rfc5322:{key}@x",
        received_at=NOON + minutes * MINUTE,
        accepted_at=NOON + (minutes + 1) * MINUTE,
        state=state,
    )


async def test_rows_come_by_key_and_application(stage: Stage) -> None:
    rows = [row("a_b"), row("a_b", application="archive"), row("aa"), row("b")]
    for each in rows:
        await stage.put("acme", "support", each)

    assert await stage.all() == [rows[1], rows[0], rows[2], rows[3]]


async def test_rows_come_page_by_page(stage: Stage) -> None:
    for key in ("k1", "k2", "k3"):
        await stage.put("acme", "support", row(key))

    first = await stage.rows.page("acme", "support", since=NOON, limit=2)
    after = first[-1].key, first[-1].application
    second = await stage.rows.page("acme", "support", since=NOON, limit=2, after=after)

    assert [each.key for each in first] == ["k1", "k2"]
    assert [each.key for each in second] == ["k3"]


async def test_each_mailbox_of_each_tenant_has_its_own(stage: Stage) -> None:
    await stage.put("acme", "support", row())

    assert await stage.all(mailbox="other") == []
    assert await stage.all(tenant="globex") == []


async def test_what_is_in_shadow_comes_whatever_its_age_and_others_since_a_moment(
    stage: Stage,
) -> None:
    for key, state, minutes in (
        ("k1", State.SHADOW, -60),
        ("k2", State.DONE, -60),
        ("k3", State.DONE, 60),
    ):
        await stage.put("acme", "support", row(key, state=state, minutes=minutes))

    found = await stage.rows.page("acme", "support", since=NOON)

    assert [each.key for each in found] == ["k1", "k3"]


async def test_decisions_are_stored_with_the_takeover(stage: Stage) -> None:
    rows = [row("k1"), row("k2"), row("k3")]
    for each in rows:
        await stage.put("acme", "support", each)
    decisions = [
        Decision(rows[0], State.DUPLICATE, BEFORE),
        Decision(rows[1], State.WAITING),
    ]

    changed = await stage.rows.release("acme", "support", decisions, TAKEOVER)

    assert changed == 2
    assert [each.state for each in await stage.all()] == [
        State.DUPLICATE,
        State.WAITING,
        State.SHADOW,
    ]
    assert await stage.takeovers.since("acme", "support") == NOON


async def test_a_row_that_is_not_in_shadow_any_more_stays_as_it_is(stage: Stage) -> None:
    await stage.put("acme", "support", row(state=State.DONE))

    changed = await stage.rows.release(
        "acme", "support", [Decision(row(), State.WAITING)], TAKEOVER
    )

    assert changed == 0
    assert [each.state for each in await stage.all()] == [State.DONE]


async def test_rows_of_other_mailboxes_stay_as_they_are(stage: Stage) -> None:
    await stage.put("acme", "other", row())
    await stage.put("globex", "support", row())

    changed = await stage.rows.release(
        "acme", "support", [Decision(row(), State.WAITING)], TAKEOVER
    )

    assert changed == 0


async def test_more_than_one_statement_can_take_is_released(stage: Stage) -> None:
    decisions = [Decision(row(f"k{n}"), State.WAITING) for n in range(BATCH + 1)]
    last = decisions[-1].row
    await stage.put("acme", "support", last)

    assert await stage.rows.release("acme", "support", decisions, TAKEOVER) == 1
    assert await stage.all() == [replace(last, state=State.WAITING)]


async def test_what_came_in_shadow_long_ago_is_deleted_and_nothing_else(stage: Stage) -> None:
    old = stage.now() - 30 * DAY - MINUTE
    for key, state, at in (
        ("k1", State.SHADOW, old),
        ("k2", State.SHADOW, old + 2 * MINUTE),
        ("k3", State.WAITING, old),
        ("k4", State.HELD, old),
    ):
        await stage.put("acme", "support", replace(row(key, state=state), accepted_at=at))
    await stage.put("globex", "support", replace(row(), accepted_at=old))

    assert await stage.rows.expired(after=30 * DAY, limit=1) == 1
    assert await stage.rows.expired(after=30 * DAY, limit=10) == 1
    assert await stage.rows.expired(after=30 * DAY, limit=10) == 0
    found = await stage.rows.page("acme", "support", since=old)
    assert [each.key for each in found] == ["k2", "k3", "k4"]
    assert await stage.all(tenant="globex") == []


# --- The table of handovers, of which this suite knows the columns that it needs ------------------


def _has_handovers(url: str) -> bool:
    with psycopg.connect(url) as connection:
        found = connection.execute("SELECT to_regclass('postroom.handover')").fetchone()
    return found != (None,)


_NOTHING = {"bytea": b"", "text": "", "json": "{}", "jsonb": "{}", "boolean": False}
_REQUIRED = """
SELECT column_name AS name, data_type AS type FROM information_schema.columns
WHERE table_schema = 'postroom' AND table_name = 'handover' AND is_nullable = 'NO'
    AND column_default IS NULL AND is_identity = 'NO' AND is_generated = 'NEVER'
"""


def _insert(url: str, tenant: str, mailbox: str, row: ShadowRow) -> None:
    """With nothing in the columns that are somebody else's."""
    values: dict[str, object] = {
        "tenant": tenant,
        "mailbox": mailbox,
        "application": row.application,
        "key": row.key,
        "identity": row.identity,
        "received_at": row.received_at,
        "accepted_at": row.accepted_at,
        "due_at": row.accepted_at,
        "state": row.state.value,
    }
    with psycopg.connect(url) as connection:
        connection.execute("SET session_replication_role = replica")  # without an application
        with connection.cursor(row_factory=dict_row) as cursor:
            for column in cursor.execute(_REQUIRED).fetchall():
                values.setdefault(column["name"], _NOTHING.get(column["type"], 0))
        names = SQL(", ").join(map(Identifier, values))
        places = SQL(", ").join([SQL("%s")] * len(values))
        connection.execute(
            SQL("INSERT INTO postroom.handover ({}) VALUES ({})").format(names, places),
            list(values.values()),
        )
