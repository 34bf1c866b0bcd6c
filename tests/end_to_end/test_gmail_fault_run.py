"""Messages for many Gmail mailboxes, through everything that Google and the host can do to them.

At default settings in `make prove`. Elsewhere there are fewer, and what was lost is looked for
every few seconds: at default settings that would be a quarter of an hour.
"""

import asyncio
import os
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from postroom.adapters.google.account import google_account
from postroom.domain.account import Account
from postroom.domain.mailbox import Mailbox
from postroom.domain.outcome import name_of
from postroom.entrypoints.demo import stage as demo
from postroom.entrypoints.demo.messages import compose, identity_of
from postroom.entrypoints.demo.stage import TENANT, Stage
from postroom.entrypoints.emulators.gmail import SHORTEST_GAP, GoogleError
from tests.end_to_end.fault_rig import dies, staged, sync_often

pytestmark = pytest.mark.timeout(3600)

MESSAGES = int(os.environ.get("GMAIL_MESSAGES", "120"))
ALL = 1000
"""From so many messages on the run has its full size: all mailboxes, and default settings."""

TENANTS = ("north", "south", "west")
MAILBOXES = 20 if MESSAGES >= ALL else 6
PATIENCE = 3000 if MESSAGES >= ALL else 900
"""Seconds until all must have been handled, which takes some minutes: a mailbox that met a fault is
synced a minute later, and one whose watch has run out may wait for the next ordinary sync."""

ROUND = 18
"""After so many batches, of a message for each mailbox, the same troubles come again."""

Trouble = Callable[[Stage, Sequence[Mailbox]], object]


@pytest.fixture
async def stage(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Stage]:
    monkeypatch.setattr(demo, "PATIENCE", 120)
    if MESSAGES < ALL:
        sync_often(monkeypatch)
    async with staged(database_url, tmp_path) as stage:
        yield stage


@pytest.fixture
async def mailboxes(stage: Stage) -> Sequence[Mailbox]:
    """They are watched, and the first sync is over; one subscription pushes for all of them."""
    pattern = await stage.registry.get(TENANT, "help")
    assert pattern
    account = replace(google_account(pattern), primary_address="")
    added = [_mailbox(number, account, stage) for number in range(MAILBOXES)]
    for mailbox in added:
        stage.gmail.mailbox(mailbox.address)
        await stage.registry.add(mailbox)
    async with asyncio.timeout(PATIENCE):
        while not await _are_watched(stage, added):  # noqa: ASYNC110 - it can only be looked at
            await asyncio.sleep(0.2)
    return added


def _mailbox(number: int, account: Account, stage: Stage) -> Mailbox:
    name = f"desk-{number}"
    return Mailbox(
        tenant=TENANTS[number % len(TENANTS)],
        id=name,
        address=f"{name}@example.org",
        account=account,
        added_at=stage.clock.now(),
    )


async def _are_watched(stage: Stage, mailboxes: Sequence[Mailbox]) -> bool:
    syncs = {(each.tenant, each.mailbox): each for each in await stage.folder_syncs.all()}
    found = [syncs[mailbox.tenant, mailbox.id] for mailbox in mailboxes]
    return all(each.synced_at and each.subscription for each in found)


# --- What befalls them --------------------------------------------------------------------------


def _gmail_is_moody(stage: Stage) -> None:
    """Every so many calls fail, whichever mailbox they are for."""
    soon = {"Retry-After": "1"}
    quota = GoogleError(429, "rateLimitExceeded", headers=soon)
    for method in ("messages.get", "history.list"):
        stage.gmail.fail(method, GoogleError(503, "backendError"), times=MESSAGES // 10, every=9)
        stage.gmail.fail(method, quota, times=MESSAGES // 20, every=17)
        stage.gmail.cut(method, times=MESSAGES // 40, every=31)
    units = GoogleError(403, "userRateLimitExceeded", headers=soon)
    stage.gmail.fail("messages.get", units, times=MESSAGES // 20, every=23)


def _pubsub_loses_pushes(stage: Stage, mailboxes: Sequence[Mailbox]) -> None:
    stage.gmail.lose_notifications(len(mailboxes))


def _pubsub_repeats_all(stage: Stage, _: Sequence[Mailbox]) -> None:
    for backlog in stage.gmail.pubsub.backlogs.values():
        backlog.repeat()


def _watches_run_out(stage: Stage, mailboxes: Sequence[Mailbox]) -> None:
    for mailbox in mailboxes[::3]:
        stage.gmail.end_watches(mailbox.address)


def _replicas_lag(stage: Stage, mailboxes: Sequence[Mailbox]) -> None:
    for mailbox in mailboxes[::2]:
        stage.gmail.fall_behind(mailbox.address, every=2)


def _replicas_catch_up(stage: Stage, mailboxes: Sequence[Mailbox]) -> None:
    for mailbox in mailboxes:
        stage.gmail.catch_up(mailbox.address)


def _kills(part: str) -> Trouble:
    die = dies(part)
    return lambda stage, _: die(stage)


TROUBLES: Mapping[int, Trouble] = {
    1: _pubsub_loses_pushes,
    3: _kills("worker"),
    5: _replicas_lag,
    7: _replicas_catch_up,
    9: _kills("maintenance"),
    11: _pubsub_repeats_all,
    13: _kills("worker"),
    14: _watches_run_out,
    15: _kills("api"),
}
"""By the number of the batch, in each round, that they come before."""

LATE, FORGOTTEN = 6, 4
"""The batches of a round whose pushes are late, and after which Gmail forgets the history.

A position that is forgotten within two minutes is taken again a minute later."""


# --- The run ------------------------------------------------------------------------------------


async def test_whatever_google_does_each_message_is_handled_once(
    stage: Stage, mailboxes: Sequence[Mailbox]
) -> None:
    _gmail_is_moody(stage)
    for number, first in enumerate(range(0, MESSAGES, MAILBOXES)):
        await _befall(stage, mailboxes, number % ROUND)
        for each in range(first, min(first + MAILBOXES, MESSAGES)):
            await _arrive(stage, mailboxes[each % MAILBOXES], each)
        _after(stage, mailboxes, number % ROUND)
        await asyncio.sleep(SHORTEST_GAP.total_seconds())

    outcomes = await _when_all_have_ended(stage)
    assert outcomes.keys() == {identity_of(f"m{number}") for number in range(MESSAGES)}
    assert {how.count("completed") for how in outcomes.values()} == {1}
    assert {each for how in outcomes.values() for each in how} <= {"completed", "duplicate"}
    assert await _tickets(stage) == Counter({f"Message {n}": 1 for n in range(MESSAGES)})
    assert not (await stage.queue.dead_letters()).letters


async def _befall(stage: Stage, mailboxes: Sequence[Mailbox], number: int) -> None:
    if trouble := TROUBLES.get(number):
        done = trouble(stage, mailboxes)
        if asyncio.iscoroutine(done):
            await done


def _after(stage: Stage, mailboxes: Sequence[Mailbox], number: int) -> None:
    if number == LATE:  # nobody acknowledges what is leased here
        for backlog in stage.gmail.pubsub.backlogs.values():
            backlog.lease(MESSAGES)
    if number == FORGOTTEN:
        for mailbox in mailboxes[::2]:
            stage.gmail.expire_history(mailbox.address)


async def _arrive(stage: Stage, mailbox: Mailbox, number: int) -> None:
    """Each tenth is taken for spam, and rescued at once."""
    mail = compose(stage.clock, f"m{number}", f"Message {number}", "Hello!", sender="a@b.example")
    is_spam = number % 10 == 0
    labels = ["SPAM" if is_spam else "INBOX", "UNREAD"]
    message_id = stage.gmail.deliver(mailbox.address, mail.as_bytes(), labels=labels)
    if is_spam:
        stage.gmail.relabel(mailbox.address, message_id, add=["INBOX"], remove=["SPAM"])


# --- What became of them ------------------------------------------------------------------------


async def _when_all_have_ended(stage: Stage) -> Mapping[str, Sequence[str]]:
    """The names of the outcomes of each message that was read, by its identity."""
    outcomes: Mapping[str, Sequence[str]] = {}
    end = asyncio.get_running_loop().time() + PATIENCE
    while sum("completed" in names for names in outcomes.values()) < MESSAGES:
        assert asyncio.get_running_loop().time() < end, f"{len(outcomes)} of {MESSAGES} have ended"
        await asyncio.sleep(1)
        outcomes = await _outcomes(stage)
    return outcomes


async def _outcomes(stage: Stage) -> Mapping[str, Sequence[str]]:
    found = defaultdict[str, list[str]](list)
    for tenant in TENANTS:
        for record in await stage.outcomes.find(tenant, limit=10 * MESSAGES):
            if record.identity:
                found[record.identity].append(name_of(record.outcome))
    return found


async def _tickets(stage: Stage) -> Counter[str]:
    found = [await stage.helpdesk.summaries(tenant, limit=10 * MESSAGES) for tenant in TENANTS]
    tickets = [ticket for of_tenant in found for ticket in of_tenant]
    assert {ticket.comments for ticket in tickets} == {1}
    return Counter(ticket.subject for ticket in tickets)
