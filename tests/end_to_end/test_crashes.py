"""Processes are killed, as by a lack of memory or a pulled plug, and nothing is lost or doubled."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from postroom.adapters.crypto import generate_key
from postroom.adapters.embedded import EmbeddedValkey
from postroom.adapters.microsoft.pointer import MicrosoftPointer
from postroom.application.consume_job import UNKNOWN_MAILBOX, Consumed
from postroom.application.ports import (
    Claim,
    PointerQueue,
)
from postroom.domain.failure import StoreUnavailable
from postroom.domain.outcome import Completed, Dead, Duplicate
from postroom.entrypoints.container import Wired, wire
from postroom.entrypoints.isolation import ChildProcess
from postroom.entrypoints.part_process import environment_of
from postroom.entrypoints.settings import Settings
from tests.databases import new_database
from tests.end_to_end.crash_rig import (
    CLIENT_STATE,
    FILES,
    LEASE,
    MAILBOX,
    POINTER,
    Servers,
    fetching,
    the_message,
)
from tests.end_to_end.doomed_worker import STEPS, a_worker
from tests.subscribing import a_subscription, subscribe

SECONDS = 30
UNTIL_COMMITTED = {"claimed", "fetched", "in the block", "processed", "recorded"}
KILLS_OF_VALKEY = 5


@pytest.fixture
def servers(postgres_url: str, tmp_path: Path) -> Iterator[Servers]:
    with EmbeddedValkey(tmp_path / "valkey") as valkey:
        yield Servers(
            valkey,
            Settings(
                home=tmp_path,
                redis_url=valkey.url,
                database_url=new_database(postgres_url),
                secret_keys=(SecretStr(generate_key()),),
                retry_base_seconds=0.1,
            ),
        )


@pytest.mark.parametrize("step", STEPS)
async def test_a_worker_killed_at_any_step_leaves_one_ticket(servers: Servers, step: str) -> None:
    async with wire(servers.settings) as wired:
        await wired.registry.add(MAILBOX)
        await wired.ingest(MAILBOX, [POINTER])

        killed = await asyncio.to_thread(kill_a_worker, servers, step)
        later = await work_off(wired)

        assert killed == -signal.SIGKILL
        assert [type(consumed.outcome) for consumed in later] == expected_after(step), later
        [ticket] = await wired.helpdesk.summaries("acme")
        assert (ticket.comments, ticket.documents) == (1, 2)
        assert await documents_of(wired, ticket.number) == FILES
        ends = await wired.outcomes.find("acme")
        assert [type(end.outcome) for end in ends].count(Completed) == 1
        assert not await wired.queue.statistics()


async def test_a_suspect_is_not_blamed_for_a_database_that_is_away(servers: Servers) -> None:
    away = servers.settings.model_copy(update={"database_url": "postgresql://nobody@127.0.0.1:1/x"})
    async with wire(servers.settings) as wired:
        claim = await a_claim(wired)
        isolate = ChildProcess(wired.claim_records.pack, environment_of(away))

        for _ in range(3):  # whichever thread ends first
            with pytest.raises(StoreUnavailable):
                await isolate(claim)


async def test_a_suspect_that_kills_nobody_ends_as_any_other(servers: Servers) -> None:
    async with wire(servers.settings) as wired:
        claim = await a_claim(wired)

        await ChildProcess(wired.claim_records.pack, environment_of(servers.settings))(claim)

        [end] = await wired.outcomes.find("acme")
        assert end.outcome == Dead(UNKNOWN_MAILBOX)


async def a_claim(wired: Wired) -> Claim:
    """Of a job of a mailbox that is not there: no provider is asked for it."""
    await wired.ingest(MAILBOX, [POINTER])
    [claim] = await wired.queue.claim(1, timedelta(minutes=1))
    return claim


def expected_after(step: str) -> list[type]:
    """What the worker after the killed one does."""
    if step == "acknowledged":
        return []
    return [Completed if step in UNTIL_COMMITTED else Duplicate]


def kill_a_worker(servers: Servers, step: str) -> int:
    """Its exit code."""
    command = [sys.executable, "-m", "tests.end_to_end.doomed_worker", step]
    return subprocess.run(command, env=servers.environment, timeout=SECONDS, check=False).returncode


async def work_off(wired: Wired) -> list[Consumed]:
    """Work until nothing is left in the queue."""
    wired = fetching(wired, the_message())
    queue, consume = wired.queue, wired.consume
    done: list[Consumed] = []
    stop = asyncio.Event()

    async def consume_all(claim: Claim) -> Consumed:
        done.append(await consume(claim))
        if not await queue.statistics():
            stop.set()
        return done[-1]

    if await queue.statistics():
        with suppress(TimeoutError):  # what has been done will tell
            async with asyncio.timeout(SECONDS):
                await a_worker(wired, consume_all).run(stop)
    return done


async def documents_of(wired: Wired, number: int) -> set[str]:
    """The names of the ticket's documents, once their contents are found to be there."""
    ticket = await wired.helpdesk.ticket("acme", number)
    assert ticket
    documents = [each for comment in ticket.comments for each in comment.documents]
    blobs = wired.blobs
    for document in documents:
        content = await blobs.get("acme", document.blob)
        assert content
        assert content.strip() == f"The content of {document.filename}".encode()
    return {document.filename for document in documents}


async def test_a_valkey_killed_right_after_a_202_still_has_the_pointer(servers: Servers) -> None:
    async with wire(servers.settings) as wired:
        await wired.registry.add(MAILBOX)
        now = wired.clock.now()
        subscription = a_subscription(POINTER.subscription_id, CLIENT_STATE, now)
        await subscribe(wired.folder_syncs, MAILBOX, subscription, now)
        queue = wired.queue
        noticed: list[str] = []

        with an_api(servers) as url:
            for _ in range(KILLS_OF_VALKEY):
                noticed.append(f"message-{len(noticed)}")
                status = await asyncio.to_thread(notify, url, noticed[-1])
                kill(servers.valkey)
                await asyncio.to_thread(restart, servers.valkey)

                assert status == 202
                [lane] = await queue.statistics()
                assert lane.ready == len(noticed)

        assert [await take(queue) for _ in noticed] == noticed


async def take(queue: PointerQueue) -> str:
    """The id of the message that the next job points at; the job is done with."""
    [claim] = await queue.claim(1, LEASE)
    assert await queue.acknowledge(claim)
    assert isinstance(claim.job.pointer, MicrosoftPointer)
    return claim.job.pointer.message_id


@contextmanager
def an_api(servers: Servers) -> Iterator[str]:
    """The URL of `postroom api`."""
    command = [sys.executable, "-m", "postroom.entrypoints", "api"]
    environment = servers.environment | {"POSTROOM_PORT": "0"}
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE) as api:
        assert api.stderr
        try:
            started = json.loads(api.stderr.readline())
            yield f"http://127.0.0.1:{started['port']}"
        finally:
            api.terminate()
            api.stderr.read()


def notify(url: str, message_id: str) -> int:
    """Notify as Graph does, and return the status of the answer."""
    notification = {
        "subscriptionId": POINTER.subscription_id,
        "clientState": CLIENT_STATE,
        "changeType": "created",
        "resource": f"Users/u/Messages/{message_id}",
        "resourceData": {"id": message_id},
        "tenantId": "directory",
    }
    answer = httpx.post(
        f"{url}/webhooks/microsoft", json={"value": [notification]}, timeout=SECONDS
    )
    return answer.status_code


def kill(valkey: EmbeddedValkey) -> None:
    os.kill(int((valkey.home / "valkey.pid").read_text()), signal.SIGKILL)


def restart(valkey: EmbeddedValkey) -> None:
    valkey.stop()
    valkey.start()
