"""Mailboxes are paused, resumed, listed again and removed from the command line."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from postroom.adapters.crypto import generate_key
from postroom.adapters.microsoft.pointer import MicrosoftPointer
from postroom.domain.folder_sync import FolderSync, Request
from postroom.domain.mailbox import Pause, PausedBy
from postroom.domain.outcome import Dead, Deferred, Outcome
from postroom.entrypoints.container import Wired
from tests.end_to_end.command_rig import Ended, Postroom, in_container
from tests.end_to_end.crash_rig import MAILBOX
from tests.end_to_end.test_mailbox_commands import add_imap
from tests.subscribing import a_subscription

HERE = ["support", "--tenant", "acme"]
LEASE = timedelta(minutes=1)
UNKNOWN = "the tenant acme has no mailbox support; see: postroom mailbox list"


@pytest.fixture
def added(postroom: Postroom) -> None:
    """A Microsoft mailbox whose folder is looked after, and has one job."""

    async def add(wired: Wired) -> None:
        await wired.registry.add(MAILBOX)
        # A job that another test has deferred still waits in the shared Redis: not that one again.
        await wired.ingest(MAILBOX, [MicrosoftPointer("graph-1", uuid4().hex)])
        await look_after(wired, lambda folder_sync: folder_sync)

    in_container(add)


async def look_after(wired: Wired, make: Callable[[FolderSync], FolderSync]) -> None:
    """A round of maintenance, which makes a live subscription, and whatever *make* makes of it."""
    clock, folder_syncs = wired.clock, wired.folder_syncs
    [taken] = await folder_syncs.claim_due(clock.now(), 10, LEASE)
    now = clock.now()
    subscribed = taken.subscribed(a_subscription("graph-1", "hush", now))
    kept = replace(subscribed, synced_at=now, due_at=now + timedelta(days=1))
    assert await folder_syncs.save(make(kept))


def attempted() -> Outcome:
    """What becomes of the job now."""
    outcomes: list[Outcome] = []

    async def attempt(wired: Wired) -> None:
        [claim] = await wired.queue.claim(1, LEASE)
        outcomes.append((await wired.consume(claim)).outcome)

    in_container(attempt)
    return outcomes[0]


def folder_syncs() -> list[FolderSync]:
    found: list[FolderSync] = []

    async def find(wired: Wired) -> None:
        found.extend(await wired.folder_syncs.all(tenant="acme"))

    in_container(find)
    return found


def folder_sync() -> FolderSync:
    [found] = folder_syncs()
    return found


# --- Paused and resumed


@pytest.mark.usefixtures("added")
def test_a_paused_mailbox_keeps_its_jobs_until_it_is_resumed(postroom: Postroom) -> None:
    paused = postroom("mailbox", "pause", *HERE, "--reason", "we move house")

    assert (paused.code, paused.err) == (0, "")
    assert (
        paused.out
        == "acme/support is paused. To go on: postroom mailbox resume support --tenant acme\n"
    )
    assert state(postroom) == "paused: we move house"
    assert isinstance(attempted(), Deferred)
    resumed = postroom("mailbox", "resume", *HERE)
    assert (resumed.code, resumed.out) == (0, "acme/support goes on.\n")
    assert state(postroom) == "receiving"
    assert folder_sync().requests == {Request.SYNC}


@pytest.mark.usefixtures("added")
def test_to_resume_what_is_not_paused_is_no_mistake(postroom: Postroom) -> None:
    assert postroom("mailbox", "resume", *HERE).out == "acme/support is not paused.\n"


@pytest.mark.usefixtures("added")
def test_a_mailbox_that_was_closed_can_be_opened_by_hand(postroom: Postroom) -> None:
    async def close(wired: Wired) -> None:
        registry, now = wired.registry, wired.clock.now()
        await registry.pause("acme", "support", Pause(PausedBy.ACCESS, "invalid_grant", now))

    in_container(close)
    assert state(postroom) == "suspended: invalid_grant"

    assert postroom("mailbox", "resume", *HERE).out == "acme/support goes on.\n"
    assert state(postroom) == "receiving"


# --- Listed again


@pytest.mark.usefixtures("added")
@pytest.mark.parametrize(
    ("options", "back"), [([], timedelta(days=7)), (["--since", "1d12h"], timedelta(hours=36))]
)
def test_a_mailbox_is_listed_again_as_far_back_as_is_asked_for(
    postroom: Postroom, options: list[str], back: timedelta
) -> None:
    ended = postroom("mailbox", "resync", *HERE, *options)

    assert ended.code == 0
    assert ended.out.startswith("acme/support is listed again.")
    assert folder_sync().requests == {Request.SYNC}
    assert abs(backfill() - back) < timedelta(minutes=1)


def backfill() -> timedelta:
    """How far back the next sync will list by date."""
    found: list[Any] = []

    async def find(wired: Wired) -> None:
        [stored] = await wired.folder_syncs.all(tenant=MAILBOX.tenant, mailbox=MAILBOX.id)
        assert stored.backfill_from
        found.append(wired.clock.now() - stored.backfill_from)

    in_container(find)
    span = found[0]
    assert isinstance(span, timedelta)
    return span


@pytest.mark.usefixtures("added")
def test_how_far_back_must_be_an_age(postroom: Postroom) -> None:
    ended = postroom("mailbox", "resync", *HERE, "--since", "yesterday")

    assert ended.code == 2
    assert "'yesterday' is no age" in ended.err


def test_a_mailbox_of_any_provider_is_listed_again_folder_by_folder(postroom: Postroom) -> None:
    add_imap(postroom, "--tenant", "acme", "--folder", "INBOX", "--folder", "Orders")

    ended = postroom("mailbox", "resync", "office", "--tenant", "acme")

    assert (ended.code, ended.err) == (0, "")
    assert [bool(each.backfill_from) for each in folder_syncs()] == [True, True]


@pytest.mark.usefixtures("added")
def test_its_dead_letters_are_queued_again_if_that_is_asked_for(postroom: Postroom) -> None:
    async def bury(wired: Wired) -> None:
        [claim] = await wired.queue.claim(1, LEASE)
        assert await wired.queue.bury(claim, "gave up")

    in_container(bury)

    ended = postroom("mailbox", "resync", *HERE, "--dead")

    assert (ended.code, ended.err) == (0, "")
    first, second = ended.out.splitlines()
    assert first == "1 dead letter is queued again."
    assert second.startswith("acme/support is listed again.")
    assert folder_sync().dead_before
    again = postroom("mailbox", "resync", *HERE, "--dead")
    assert again.out.startswith("0 dead letters are queued again.\n")


# --- Removed


@pytest.mark.usefixtures("added")
def test_a_mailbox_is_removed_by_whoever_says_yes(postroom: Postroom) -> None:
    asked = postroom("mailbox", "remove", *HERE, stdin="y\n")

    assert (asked.code, asked.err) == (0, "Forget the mailbox acme/support? [y/N] ")
    assert asked.out == "acme/support is removed. Jobs that still wait end in the dead letters.\n"
    assert postroom("mailbox", "list", "--json").json == []
    assert attempted() == Dead("unknown mailbox")


@pytest.mark.usefixtures("added")
@pytest.mark.parametrize("answer", ["n\n", "\n", ""])
def test_a_mailbox_stays_if_nobody_says_yes(postroom: Postroom, answer: str) -> None:
    ended = postroom("mailbox", "remove", *HERE, stdin=answer)

    assert ended.code == 1
    assert ended.err.endswith("postroom: it stays; to be asked nothing, add --yes\n")
    assert state(postroom) == "receiving"


@pytest.mark.usefixtures("added")
def test_a_script_is_not_asked(postroom: Postroom) -> None:
    ended = postroom("mailbox", "remove", *HERE, "--yes")

    assert (ended.code, ended.err) == (0, "")


@pytest.mark.usefixtures("added")
def test_a_mailbox_whose_key_is_lost_can_be_paused_resumed_and_removed(
    postroom: Postroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POSTROOM_SECRET_KEYS", generate_key())

    for command in (["pause"], ["resume"], ["remove", "--yes"]):
        assert postroom("mailbox", command[0], *HERE, *command[1:]).code == 0, command


@pytest.mark.parametrize("command", ["pause", "resume", "resync", "remove"])
def test_a_mailbox_that_is_not_there_is_said_to_be_not_there(
    postroom: Postroom, command: str
) -> None:
    assert postroom("mailbox", command, *HERE).failure == UNKNOWN


# --- Shown


@pytest.mark.usefixtures("added")
def test_how_each_folder_is_received_is_shown(postroom: Postroom) -> None:
    told = postroom("mailbox", "show", *HERE).out.splitlines()
    [folder] = postroom("mailbox", "show", *HERE, "--json").json["folders"]

    header, line = told[-2:]
    assert header.split()[:2] == ["folder", "mode"]
    assert line.split()[:3] == ["inbox", "notifications", "graph-1"]
    assert (folder["name"], folder["mode"]) == ("inbox", "notifications")
    assert (folder["polling_reason"], folder["last_error"]) == ("", "")
    assert folder["subscription_id"] == "graph-1"


@pytest.mark.usefixtures("added")
@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda each: each.obstructed("no public URL"), "polling: no public URL"),
        (
            lambda each: replace(each, last_error="Graph answered 503"),
            "error: Graph answered 503",
        ),
    ],
)
def test_the_worst_that_is_to_be_said_is_its_state(
    postroom: Postroom, make: Callable[[FolderSync], FolderSync], told: str
) -> None:
    async def spoil(wired: Wired) -> None:
        folder_syncs, now = wired.folder_syncs, wired.clock.now()
        await folder_syncs.request_by_subscription("graph-1", Request.SYNC, now)
        await look_after(wired, make)

    in_container(spoil)

    assert state(postroom) == told


def state(postroom: Postroom) -> str:
    listed: Ended = postroom("mailbox", "list", "--json")
    [mailbox] = listed.json
    return ": ".join(filter(None, [mailbox["state"], mailbox["reason"]]))
