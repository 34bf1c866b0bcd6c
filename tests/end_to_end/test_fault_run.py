"""A thousand messages through everything that Graph, the network and the host can do to them.

At default settings, but for how often lost mail is looked for: that would be a quarter of an hour.
"""

import asyncio
import os
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
import typer
from psycopg.sql import SQL, Identifier

from postroom.domain.outcome import name_of
from postroom.entrypoints.demo.messages import compose, identity_of
from postroom.entrypoints.demo.stage import MICROSOFT_USER, TENANT, Stage
from tests.end_to_end.fault_rig import Trouble, dies, staged, sync_often

pytestmark = pytest.mark.timeout(3600)

MESSAGES, BATCH = 1000, 20
PATIENCE = 1500
"""Seconds until all must have been handled: a message that has failed five times, while others of
its mailbox did not, waits for 21 minutes. It takes one to four, mostly."""

MOST = 0.95

GRAPH_AWAY, DATABASE_AWAY = map(float, os.environ.get("OUTAGES", "60 60").split())
"""Seconds. `make prove` has longer ones."""

POISONED = Path(__file__).parent / "poison"


@pytest.fixture
async def stage(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Stage]:
    """All of Postroom, in processes of its own, which look for lost mail every few seconds."""
    monkeypatch.setenv("PYTHONPATH", str(POISONED), prepend=os.pathsep)
    sync_often(monkeypatch)
    async with staged(database_url, tmp_path) as stage:
        yield stage


# --- What befalls them --------------------------------------------------------------------------


def _graph_is_moody(stage: Stage) -> None:
    """Every so many calls for the mailbox fail, whoever makes them."""
    stage.graph.fail(MICROSOFT_USER, status=503, code="serviceNotAvailable", times=60, every=9)
    stage.graph.fail(MICROSOFT_USER, status=500, code="generalException", times=40, every=13)
    stage.graph.throttle(MICROSOFT_USER, retry_after="1", times=10, every=67)
    stage.graph.cut(MICROSOFT_USER, times=20, every=31)


async def _ends_the_subscription(stage: Stage) -> None:
    await stage.graph.remove_subscription(await _subscription(stage))


async def _ends_it_in_silence(stage: Stage) -> None:
    await stage.graph.remove_subscription(await _subscription(stage), notify=False)


async def _wants_it_authorized_again(stage: Stage) -> None:
    await stage.graph.require_reauthorization(await _subscription(stage), pause=True)


async def _owns_up_to_lost_notifications(stage: Stage) -> None:
    await stage.graph.report_missed()


async def _forgets_how_far_we_are(stage: Stage) -> None:
    stage.graph.expire_delta_tokens()


@asynccontextmanager
async def _graph_away(stage: Stage, _: str) -> AsyncIterator[None]:
    stage.graph.fail(MICROSOFT_USER, status=503, code="serviceNotAvailable", times=10**9)
    yield
    await asyncio.sleep(GRAPH_AWAY)
    stage.graph.recover()
    _graph_is_moody(stage)


@asynccontextmanager
async def _database_away(_: Stage, database_url: str) -> AsyncIterator[None]:
    yield  # who delivers must know what is subscribed to
    await _turn_all_away_from(database_url)


async def _turn_all_away_from(database_url: str) -> None:
    """As a server does that is starting up."""
    url = urlsplit(database_url)
    database = Identifier(url.path[1:])
    server = urlunsplit(url._replace(path="/postgres"))
    async with await psycopg.AsyncConnection.connect(server, autocommit=True) as connection:
        await connection.execute(SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(database))
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
            [url.path[1:]],
        )
        await asyncio.sleep(DATABASE_AWAY)
        await connection.execute(SQL("ALTER DATABASE {} ALLOW_CONNECTIONS true").format(database))


async def _sends_poison(stage: Stage) -> None:
    """A message that kills whatever process reads it."""
    mail = compose(stage.clock, "poison", "Poison", "Read me!", sender="a@b.example")
    mail["X-Poison"] = "yes"
    await stage.graph.notify(stage.graph.deliver(MICROSOFT_USER, mail.as_bytes()))


TROUBLES: Mapping[int, Trouble] = {
    2: _sends_poison,
    5: _owns_up_to_lost_notifications,
    9: dies("worker"),
    13: _ends_the_subscription,
    18: _forgets_how_far_we_are,
    22: dies("api"),
    26: _wants_it_authorized_again,
    30: dies("maintenance"),
    34: _ends_the_subscription,
    38: dies("worker"),
    42: _ends_it_in_silence,
}
"""By the number of the batch that they come before."""

Outage = Callable[[Stage, str], AbstractAsyncContextManager[None]]

OUTAGES: Mapping[int, Outage] = {16: _graph_away, 36: _database_away}
"""By the number of the batch that comes meanwhile, or just before."""


async def _subscription(stage: Stage) -> str:
    """The one that Postroom keeps, as soon as it has one again."""
    async with asyncio.timeout(PATIENCE):
        while not (found := await _kept(stage)):  # noqa: ASYNC110 - it can only be asked
            await asyncio.sleep(0.1)
    return found


async def _kept(stage: Stage) -> str:
    """The subscription that Graph has, if it is the one that Postroom knows of."""
    [folder_sync] = await stage.folder_syncs.all(tenant=TENANT, mailbox="support")
    live = [each["id"] for each in stage.graph.subscriptions]
    known = folder_sync.subscription.id if folder_sync.subscription else ""
    return known if live == [known] else ""


# --- The run ------------------------------------------------------------------------------------


async def test_whatever_happens_each_message_is_handled_once_and_only_poison_is_dead(
    stage: Stage, database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    _graph_is_moody(stage)
    for number in range(MESSAGES // BATCH):
        if trouble := TROUBLES.get(number):
            await trouble(stage)
        if outage := OUTAGES.get(number):
            figures = await _sit_out(stage, number, outage(stage, database_url))
            with capsys.disabled():
                typer.echo(f"\n{outage.__name__}: {figures}")
        else:
            await _deliver(stage, number)
    await stage.graph.redeliver()

    outcomes = await _when_all_have_ended(stage)
    assert outcomes.keys() == {identity_of(f"m{number}") for number in range(MESSAGES)}
    assert {how.count("completed") for how in outcomes.values()} == {1}
    assert {each for how in outcomes.values() for each in how} <= {"completed", "duplicate"}
    assert await _tickets(stage) == Counter({f"Message {n}": 1 for n in range(MESSAGES)})
    [poison] = (await stage.queue.dead_letters()).letters
    assert poison.reason == "killed the process that ran it alone (SIGKILL), 3 times"


async def _sit_out(stage: Stage, number: int, outage: AbstractAsyncContextManager[None]) -> str:
    """What the outage has cost, once most is handled that had come in by its end."""
    begun, calls = _now(), len(stage.graph.requests)
    async with outage:
        await _deliver(stage, number)
    over, calls = _now(), len(stage.graph.requests) - calls
    handled = await _handled(stage)
    flows_at = await _when(stage, lambda now: now > handled)
    most_at = await _when(stage, lambda now: now >= MOST * (number + 1) * BATCH)
    return (
        f"{over - begun:.0f} s with {calls} calls of Graph; the first message was handled"
        f" {flows_at - over:.1f} s after its end, and {MOST:.0%} of all {most_at - over:.1f} s"
    )


async def _when(stage: Stage, is_so: Callable[[int], bool]) -> float:
    end = _now() + PATIENCE
    while not is_so(handled := await _handled(stage)):
        assert _now() < end, f"{handled} are handled"
        await asyncio.sleep(0.2)
    return _now()


async def _handled(stage: Stage) -> int:
    return sum("completed" in names for names in (await _outcomes(stage)).values())


def _now() -> float:
    return asyncio.get_running_loop().time()


async def _deliver(stage: Stage, number: int) -> None:
    """A batch of messages, whose notifications may be lost; of the others some are moved at once.

    One that nobody was told of is looked for in its folder, and must still be there.
    """
    ids = [_arrive(stage, each) for each in range(number * BATCH, (number + 1) * BATCH)]
    if number % 4 == 0:
        stage.graph.lose_notifications(5)
    kept = await _kept(stage)
    told = await stage.graph.notify(*ids)
    items = [item for each in told if each.accepted for item in each.items]
    accepted = {item["resourceData"]["id"] for item in items if "resourceData" in item}
    for each in ids[::5]:
        if kept and each in accepted:
            stage.graph.move(each, "archive")


def _arrive(stage: Stage, number: int) -> str:
    mail = compose(stage.clock, f"m{number}", f"Message {number}", "Hello!", sender="a@b.example")
    return stage.graph.deliver(MICROSOFT_USER, mail.as_bytes())


# --- What became of them ------------------------------------------------------------------------


async def _when_all_have_ended(stage: Stage) -> Mapping[str, Sequence[str]]:
    """The names of the outcomes of each message that was read, by its identity."""
    outcomes: Mapping[str, Sequence[str]] = {}
    end = _now() + PATIENCE
    while sum("completed" in names for names in outcomes.values()) < MESSAGES or not (
        (await stage.queue.dead_letters()).letters
    ):
        assert _now() < end, f"{len(outcomes)} of {MESSAGES} have ended"
        await asyncio.sleep(1)
        outcomes = await _outcomes(stage)
    return outcomes


async def _outcomes(stage: Stage) -> Mapping[str, Sequence[str]]:
    found = defaultdict[str, list[str]](list)
    for record in await stage.outcomes.find(TENANT, mailbox="support", limit=10 * MESSAGES):
        if record.identity:
            found[record.identity].append(name_of(record.outcome))
    return found


async def _tickets(stage: Stage) -> Counter[str]:
    tickets = await stage.helpdesk.summaries(TENANT, limit=10 * MESSAGES)
    assert {ticket.comments for ticket in tickets} == {1}
    return Counter(ticket.subject for ticket in tickets)
