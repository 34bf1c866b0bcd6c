"""Whoever is killed, each outcome is heard of by who subscribes: at least once, under one id.

The subscriber is that of the documentation, and it fails as well (`tests/receivers/faulty.py`).

`EVENT_KILLS=60 EVENT_MESSAGES=300` kills for longer; SEED repeats its draws.
"""

import asyncio
import os
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path
from secrets import randbits

import pytest
import typer

from postroom.adapters.embedded import EmbeddedPostgres
from postroom.domain.handover.application import Application, Role
from tests.databases import new_database
from tests.end_to_end.handover_rig import TENANT, Database, House, Part, a_house
from tests.end_to_end.kill_rig import FAULTS, ROOT, TIMEOUT, WORKERS, KillRun, Plan
from tests.end_to_end.processes import free_port
from tests.receivers.calls import SECRET
from tests.receivers.faulty import SCHEMA
from tests.receivers.programs import RECEIVERS
from tests.receivers.rig import database_for_receivers

pytestmark = pytest.mark.timeout(1800)

KILLS, MESSAGES = (
    int(os.environ.get(name, default))
    for name, default in (("EVENT_KILLS", "6"), ("EVENT_MESSAGES", "30"))
)
SEED = int(os.environ.get("SEED", randbits(32)))
NAME = "audit"

_STATED = """
SELECT job_id, 'message.' || outcome, attempt FROM postroom.outcome
WHERE outcome IN ('accepted', 'completed', 'skipped', 'dead')
"""


@pytest.fixture
def postgres(engine_home: Path) -> Iterator[EmbeddedPostgres]:
    with EmbeddedPostgres(engine_home / "events") as server:
        yield server


@pytest.fixture
async def house(postgres: EmbeddedPostgres, tmp_path: Path) -> AsyncIterator[House]:
    database = await asyncio.to_thread(new_database, postgres.url)
    async with a_house(tmp_path, database) as house:
        yield house


async def test_each_outcome_is_heard_of_under_one_id(
    house: House, postgres: EmbeddedPostgres, capsys: pytest.CaptureFixture[str]
) -> None:
    with closing(Database(database_for_receivers(postgres.url))) as heard:
        heard.execute(SCHEMA.format(seconds=0) + (RECEIVERS / "events.sql").read_text())
        subscriber = await subscribed(house, heard.url)
        victims = frozenset({*WORKERS, NAME})
        plan = Plan(messages=MESSAGES, kills=KILLS, victims=victims, seed=SEED, most=600)
        run = KillRun(house, postgres, plan, also=[subscriber])

        found = await run()

        events = [body for (body,) in heard.execute("SELECT body FROM heard_event")]
        calls = heard.execute("SELECT key, body, verified FROM seen_call WHERE key LIKE 'evt%'")
    stated = Counter(house.execute(_STATED))
    of_messages = [each for each in events if each["type"].startswith("message.")]
    with capsys.disabled():
        typer.echo(f"\n{plan}\n{run.done}\n{len(events)} events, {len(calls)} calls")
    assert (found.handovers, found.effects, found.doubled) == (MESSAGES, MESSAGES, 0)
    assert stated.total() >= 2 * MESSAGES
    assert Counter(fact_of(each) for each in of_messages) == stated
    assert {verified for _, _, verified in calls} == {True}
    assert len({(id_, body) for id_, body, _ in calls}) == len(events)
    assert {each["data"]["id"] for each in events} == {id_ for id_, _, _ in calls}
    assert run.done.total == KILLS


def fact_of(event: dict[str, dict[str, object]]) -> tuple[object, object, object]:
    data = event["data"]
    return data["jobId"], event["type"], data["attempt"]


async def subscribed(house: House, database_url: str) -> Part:
    """The process of a subscriber that has been added."""
    port = free_port()
    await house.wired.applications.add(
        Application(
            tenant=TENANT,
            name=NAME,
            destination=f"http://127.0.0.1:{port}/events",
            secrets=(SECRET,),
            timeout=TIMEOUT,
            role=Role.SUBSCRIBER,
            added_at=house.wired.clock.now(),
        )
    )
    command = [sys.executable, "-m", "uvicorn", "tests.receivers.faulty:app", "--port", str(port)]
    environment = {
        "DATABASE_URL": database_url,
        "POSTROOM_SECRET": SECRET,
        "RECEIVER": "event_subscriber:app",
        "FAULTS": str(FAULTS),
        "TIMEOUT": str(TIMEOUT.total_seconds()),
        "PYTHONPATH": f"{ROOT}:{RECEIVERS}",
    }
    return Part(NAME, command, environment, house.home, lambda it: b"Uvicorn running" in it.said)
