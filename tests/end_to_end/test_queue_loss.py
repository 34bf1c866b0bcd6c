"""Redis forgets what it had acknowledged: that is noticed and said, and every message comes.

At default settings. Nothing else would find the mail for a quarter of an hour.
"""

import asyncio
import json
import os
import shutil
import signal
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from redis.asyncio import Redis

from postroom.adapters.crypto import generate_key
from postroom.adapters.embedded import EmbeddedValkey
from postroom.adapters.redis.queue import PREFIX
from postroom.adapters.redis.scripts import root_of
from postroom.domain.outcome import name_of
from postroom.entrypoints.demo import stage as demo_stage
from postroom.entrypoints.demo.messages import compose
from postroom.entrypoints.demo.stage import MICROSOFT_USER, TENANT, Stage, open_stage
from postroom.entrypoints.settings import Settings
from tests.databases import new_database

pytestmark = pytest.mark.timeout(600)

MESSAGES, EARLIER = 188, 12
PATIENCE = 120
"""Seconds until all must have been handled."""

NOTICED_WITHIN = 15
"""Seconds, on a machine that is busy with other tests: it is two on one that is not."""


@dataclass
class Lossy:
    """Postroom, on a Redis whose files can be exchanged."""

    stage: Stage
    valkey: EmbeddedValkey
    log: Path

    async def announce(self, numbers: range) -> None:
        """Messages come in, and Postroom accepts the notification of each."""
        ids = [self._arrive(number) for number in numbers]
        answers = [
            batch
            for first in range(0, len(ids), 20)
            for batch in await self.stage.graph.notify(*ids[first : first + 20])
        ]
        assert answers
        assert all(batch.accepted for batch in answers)

    def _arrive(self, number: int) -> str:
        mail = compose(self.stage.clock, f"m{number}", f"Message {number}", "Hi!", sender="a@b.c")
        return self.stage.graph.deliver(MICROSOFT_USER, mail.as_bytes())

    async def waiting(self) -> int:
        lanes = await self.stage.queue.statistics()
        return sum(lane.ready + lane.in_flight for lane in lanes)

    async def beats(self) -> int:
        async with Redis.from_url(self.valkey.url) as redis:
            return int(await redis.hget(f"{root_of(PREFIX, 0)}:beat", "number") or 0)

    def signal_worker(self, number: signal.Signals) -> None:
        os.kill(self.stage.supervisor.children["worker"].pid, number)

    def events(self, name: str) -> list[dict[str, Any]]:
        lines = self.log.read_text(errors="replace").splitlines()
        found = [json.loads(line) for line in lines if f'"{name}"' in line]
        return [entry for entry in found if entry["event"] == name]

    async def handled(self) -> Counter[str]:
        """How often each message became a ticket."""
        tickets = await self.stage.helpdesk.summaries(TENANT, limit=10 * MESSAGES)
        return Counter(ticket.subject for ticket in tickets)

    async def readiness(self) -> dict[str, Any]:
        response = await self.stage.http.get(f"{self.stage.url}/health/ready")
        assert response.status_code == 200
        found: dict[str, Any] = response.json()
        return found

    # --- What is done to Redis ---

    async def flush(self) -> None:
        async with Redis.from_url(self.valkey.url) as redis:
            await redis.flushall()

    async def lose_file(self) -> None:
        self._die()
        shutil.rmtree(self.valkey.home / "appendonlydir")
        await asyncio.to_thread(self.valkey.start)

    async def restore_copy(self) -> None:
        self._die()
        shutil.rmtree(self.valkey.home / "appendonlydir")
        shutil.copytree(self.valkey.home / "copy", self.valkey.home / "appendonlydir")
        await asyncio.to_thread(self.valkey.start)

    def copy(self) -> None:
        """The server answers only when all is in its file."""
        shutil.copytree(self.valkey.home / "appendonlydir", self.valkey.home / "copy")

    def _die(self) -> None:
        os.kill(int((self.valkey.home / "valkey.pid").read_text()), signal.SIGKILL)
        self.valkey.stop()


@pytest.fixture
async def lossy(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Lossy]:
    monkeypatch.setattr(demo_stage, "PATIENCE", PATIENCE)
    path = tmp_path / "postroom.log"
    with EmbeddedValkey(tmp_path / "valkey") as valkey, path.open("wb") as log:
        settings = Settings(
            home=tmp_path,
            redis_url=valkey.url,
            database_url=await asyncio.to_thread(new_database, postgres_url),
            secret_keys=(SecretStr(generate_key()),),
        )
        async with open_stage(settings, log) as stage:
            lossy = Lossy(stage, valkey, path)
            try:
                yield lossy
            finally:
                lossy.signal_worker(signal.SIGCONT)


async def until(
    condition: Callable[[], Awaitable[object]], within: float, what: Callable[[], object]
) -> None:
    try:
        async with asyncio.timeout(within):
            while not await condition():  # noqa: ASYNC110 - it can only be asked
                await asyncio.sleep(0.1)
    except TimeoutError:
        raise AssertionError(f"in vain: {what()}") from None


@pytest.mark.parametrize("loss", [Lossy.flush, Lossy.lose_file, Lossy.restore_copy])
async def test_a_queue_that_forgets_is_noticed_and_every_message_comes_once(
    lossy: Lossy, loss: Callable[[Lossy], Awaitable[None]]
) -> None:
    await lossy.announce(range(MESSAGES, MESSAGES + EARLIER))
    await _all_are_handled(lossy, EARLIER)
    lossy.copy()
    lossy.signal_worker(signal.SIGSTOP)
    await lossy.announce(range(MESSAGES))
    assert await lossy.waiting() == MESSAGES
    await _is_beaten(lossy)

    await loss(lossy)

    await _is_noticed(lossy)
    lossy.signal_worker(signal.SIGCONT)
    await _all_are_handled(lossy, MESSAGES + EARLIER)
    await _is_healed(lossy)
    assert len(lossy.events("queue.lost")) == 1
    outcomes = await lossy.stage.outcomes.find(TENANT, limit=10 * MESSAGES)
    ends = Counter(name_of(each.outcome) for each in outcomes)
    assert ends["completed"] == MESSAGES + EARLIER
    of_no_message = {"expanded"}  # Gmail announces the watch of its mailbox
    assert ends.keys() - of_no_message <= {"completed", "duplicate"}


async def _all_are_handled(lossy: Lossy, number: int) -> None:
    handled = Counter[str]()

    async def all_are() -> bool:
        handled.clear()
        handled.update(await lossy.handled())
        return len(handled) == number and not await lossy.waiting()

    await until(all_are, PATIENCE, lambda: f"{len(handled)} of {number} are handled")
    assert set(handled.values()) == {1}


async def _is_beaten(lossy: Lossy) -> None:
    """Until then the restored copy holds all that the queue is known to have held."""
    before = await lossy.beats()

    async def is_beaten() -> bool:
        return await lossy.beats() > before

    await until(is_beaten, NOTICED_WITHIN, lambda: "the queue's heart beats")


async def _is_noticed(lossy: Lossy) -> None:
    async def is_logged() -> bool:
        return bool(lossy.events("queue.lost"))

    await until(is_logged, NOTICED_WITHIN, lambda: "queue.lost is in the log")
    [event] = lossy.events("queue.lost")
    assert event["level"] == "error"
    assert event["folders"] == len(await lossy.stage.folder_syncs.all())
    await lossy.readiness()  # the API works


async def _is_healed(lossy: Lossy) -> None:
    async def is_logged() -> bool:
        return bool(lossy.events("queue.healed"))

    await until(is_logged, PATIENCE, lambda: "queue.healed is in the log")
    assert (await lossy.readiness())["details"] == {}
    assert not [each for each in await lossy.stage.folder_syncs.all() if each.lost_at]
