"""Whoever is killed, and however often: each message has one effect at the application.

`KILLS=210 MESSAGES=700 CRASHES=6` is the whole proof, which `make prove` runs; SEED repeats its
draws. The receivers that are wrong show that it would be found if it were not so.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from secrets import randbits

import pytest
import typer

from postroom.adapters.embedded import EmbeddedPostgres
from tests.databases import new_database
from tests.end_to_end.handover_rig import House, a_house
from tests.end_to_end.kill_rig import KillRun, Plan

pytestmark = pytest.mark.timeout(3600)

HASTY = Path(__file__).parent / "hasty"

KILLS, MESSAGES, CRASHES = (
    int(os.environ.get(name, default))
    for name, default in (("KILLS", "12"), ("MESSAGES", "80"), ("CRASHES", "1"))
)
SEED = int(os.environ.get("SEED", randbits(32)))
PATIENCE = 120 + 10 * KILLS
"""Seconds, on a machine that is busy with other tests."""


@pytest.fixture(scope="module")
def postgres(engine_home: Path) -> Iterator[EmbeddedPostgres]:
    with EmbeddedPostgres(engine_home / "killed") as server:
        yield server


@pytest.fixture
async def house(postgres: EmbeddedPostgres, tmp_path: Path) -> AsyncIterator[House]:
    database = await asyncio.to_thread(new_database, postgres.url)
    async with a_house(tmp_path, database) as house:
        yield house


async def test_whoever_is_killed_each_message_has_one_effect(
    house: House, postgres: EmbeddedPostgres, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = Plan(messages=MESSAGES, kills=KILLS, crashes=CRASHES, seed=SEED, most=PATIENCE)
    run = KillRun(house, postgres, plan)

    found = await run()

    with capsys.disabled():
        typer.echo(f"\n{plan}\n{run.done}\n{found}")
    assert (found.handovers, found.effects) == (MESSAGES, MESSAGES)
    assert (found.lost, found.doubled) == (0, 0)
    assert (found.not_done, found.dead_pointers) == (0, 0)
    assert (found.wrong_references, found.keys_with_two_bodies, found.unverified) == (0, 0, 0)
    assert (run.done.total, run.done.crashes) == (KILLS, CRASHES)


CONTROL = Plan(messages=240, kills=40, faults=0.1, seed=SEED, is_control=True, most=PATIENCE)


@pytest.mark.parametrize("receiver", ["no_key", "keys_in_memory"])
async def test_a_receiver_that_doubles_is_found(
    receiver: str, house: House, postgres: EmbeddedPostgres
) -> None:
    found = await KillRun(house, postgres, wrong(receiver))()

    assert found.doubled


async def test_a_receiver_that_loses_is_found(house: House, postgres: EmbeddedPostgres) -> None:
    found = await KillRun(house, postgres, wrong("key_first"))()

    assert found.lost


async def test_workers_that_lose_are_found(house: House, postgres: EmbeddedPostgres) -> None:
    """They end a handover before they call."""
    found = await KillRun(house, postgres, replace(CONTROL, spoilt_by=HASTY))()

    assert found.lost


def wrong(receiver: str) -> Plan:
    """It alone is killed, and mostly while it takes a message."""
    return replace(
        CONTROL,
        receiver=f"tests.receivers.controls:{receiver}",
        victims=frozenset({"receiver"}),
        effect=0.4,
    )
