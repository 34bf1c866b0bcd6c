"""What every Outcomes promises."""

from dataclasses import replace

import pytest

from postroom.adapters.google.pointer import GooglePointer
from postroom.adapters.imap.pointer import ImapPointer
from postroom.adapters.microsoft.pointer import MicrosoftPointer
from postroom.application.ports import Outcomes
from postroom.domain.outcome import (
    SHADOW,
    Accepted,
    Completed,
    Dead,
    Duplicate,
    Effect,
    Expanded,
    Final,
    Skipped,
)
from postroom.domain.pointer import Pointer
from tests.contracts.samples import outcome

PORTS = {Outcomes}


@pytest.mark.parametrize(
    "ended",
    [
        Completed(Effect.TICKET, "17"),
        Completed(Effect.HANDED_OVER, ""),
        Accepted("crm"),
        Duplicate(),
        Skipped("source unavailable: 404"),
        Expanded(3),
        Dead("gave up"),
    ],
)
async def test_an_outcome_comes_back_as_it_was_recorded(outcomes: Outcomes, ended: Final) -> None:
    record = outcome(ended=ended, identity="rfc5322:a@x")

    await outcomes.record(record)

    assert await outcomes.find("acme") == [record]


@pytest.mark.parametrize(
    "pointer",
    [
        MicrosoftPointer("subscription-1", "AAMk=", "users/1/messages/2"),
        GooglePointer(7, "info@acme.example", "pubsub-1", ("m1", "m2")),
        ImapPointer("INBOX/Möbel", 2**32 - 1, 5, "a@x"),
        MicrosoftPointer("with a NUL \x00", "half a pair \ud800"),
    ],
    ids=lambda pointer: type(pointer).__name__,
)
async def test_the_job_comes_back_with_its_pointer(outcomes: Outcomes, pointer: Pointer) -> None:
    record = outcome(pointer=pointer)

    await outcomes.record(record)

    assert await outcomes.find("acme") == [record]


async def test_a_job_comes_back_as_backfilled_as_it_was(outcomes: Outcomes) -> None:
    record = outcome()
    backfilled = replace(record, job=replace(record.job, backfilled=True))

    await outcomes.record(backfilled)

    assert await outcomes.find("acme") == [backfilled]


async def test_every_end_of_a_job_is_kept_newest_first(outcomes: Outcomes) -> None:
    earlier = outcome(ended=Dead("gave up"), minutes=1)
    later = outcome(ended=Duplicate(), minutes=2)
    at_once = outcome(ended=Expanded(0), minutes=2)
    for record in (later, at_once, earlier):
        await outcomes.record(record)

    assert await outcomes.find("acme") == [at_once, later, earlier]


async def test_no_more_than_the_limit_come(outcomes: Outcomes) -> None:
    records = [outcome(f"job-{n}", minutes=n) for n in range(4)]
    for record in records:
        await outcomes.record(record)

    assert await outcomes.find("acme", limit=2) == [records[3], records[2]]


@pytest.mark.parametrize(
    ("wanted", "jobs"),
    [
        ({"mailbox": "sales"}, ["2"]),
        ({"identity": "rfc5322:a@x"}, ["3", "1"]),
        ({"job_id": "3"}, ["3"]),
        ({"mailbox": "support", "identity": "rfc5322:a@x", "job_id": "1"}, ["1"]),
        ({"mailbox": "sales", "identity": "rfc5322:a@x"}, []),
        ({"mailbox": "\x00"}, []),
        ({}, ["3", "2", "1"]),
    ],
)
async def test_what_is_found_matches_all_that_is_asked(
    outcomes: Outcomes, wanted: dict[str, str], jobs: list[str]
) -> None:
    for record in (
        outcome("1", identity="rfc5322:a@x", minutes=1),
        outcome("2", identity="rfc5322:b@x", minutes=2, mailbox="sales"),
        outcome("3", identity="rfc5322:a@x", minutes=3),
        outcome("4", identity="rfc5322:a@x", minutes=4, tenant="globex"),
    ):
        await outcomes.record(record)

    found = await outcomes.find("acme", **wanted)  # type: ignore[arg-type]  # limit is not in it

    assert [record.job.id for record in found] == jobs


async def test_a_very_long_message_id_can_be_looked_up(outcomes: Outcomes) -> None:
    name = "rfc5322:" + "".join(map(chr, range(0x4E00, 0x5E00)))
    await outcomes.record(outcome(identity=name))

    found = await outcomes.find("acme", identity=name)

    assert len(found) == 1
    assert await outcomes.find("acme", identity=name + "x") == []


async def test_a_job_is_known_once_it_has_ended_however_it_did(outcomes: Outcomes) -> None:
    for record in (
        outcome("1", ended=Completed(Effect.TICKET, "17")),
        outcome("2", ended=Dead("gave up"), mailbox="sales"),
        outcome("2", ended=Duplicate()),
        outcome("4", ended=Completed(Effect.TICKET, "18"), tenant="globex"),
        outcome("5", ended=Accepted("crm")),
    ):
        await outcomes.record(record)

    names = ["2", "1", "3", "4", "5", "1", "\x00"]
    assert await outcomes.known("acme", names) == {"1", "2", "5"}
    assert await outcomes.known("acme", ["3"]) == frozenset()
    assert await outcomes.known("acme", []) == frozenset()


async def test_to_have_died_before_a_moment_is_no_end_if_that_is_said(outcomes: Outcomes) -> None:
    for record in (
        outcome("died", ended=Dead("gave up"), minutes=1),
        outcome("died later", ended=Dead("gave up"), minutes=2),
        outcome("died again", ended=Dead("gave up"), minutes=1),
        outcome("died again", ended=Dead("gave up"), minutes=3),
        outcome("was handled", ended=Dead("gave up"), minutes=0),
        outcome("was handled", ended=Completed(Effect.TICKET, "17"), minutes=1),
        outcome("was a duplicate", ended=Duplicate(), minutes=1),
        outcome("was skipped", ended=Skipped("source unavailable: 404"), minutes=1),
    ):
        await outcomes.record(record)
    names = ["died", "died later", "died again", "was handled", "was a duplicate", "was skipped"]
    moment = outcome(minutes=2).at

    known = await outcomes.known("acme", names, dead_before=moment)

    assert known == {"died later", "died again", "was handled", "was a duplicate"}
    assert await outcomes.known("acme", names) == known | {"died"}


async def test_a_job_whose_message_was_not_there_is_known_only_once_it_has_ended_otherwise(
    outcomes: Outcomes,
) -> None:
    for name in ("1", "2"):
        await outcomes.record(outcome(name, ended=Skipped("source unavailable: 404")))
    await outcomes.record(outcome("2", ended=Completed(Effect.TICKET, "17")))

    assert await outcomes.known("acme", ["1", "2"]) == {"2"}


async def test_what_was_skipped_in_shadow_is_known(outcomes: Outcomes) -> None:
    await outcomes.record(outcome("1", ended=Skipped(SHADOW)))

    assert await outcomes.known("acme", ["1"]) == {"1"}


async def test_what_is_in_shadow_still_is_found_by_mailbox_and_moment(outcomes: Outcomes) -> None:
    for record in (
        outcome("1", ended=Skipped(SHADOW), minutes=1),
        outcome("2", ended=Skipped(SHADOW), minutes=1),
        outcome("2", ended=Completed(Effect.TICKET, "17"), minutes=2),
        outcome("3", ended=Skipped(SHADOW), minutes=-1),
        outcome("4", ended=Skipped("source unavailable"), minutes=1),
        outcome("5", ended=Skipped(SHADOW), minutes=1, mailbox="sales"),
        outcome("6", ended=Skipped(SHADOW), minutes=1, tenant="globex"),
        outcome("7", ended=Dead("gave up"), minutes=0),
        outcome("7", ended=Skipped(SHADOW), minutes=1),
    ):
        await outcomes.record(record)

    found = await outcomes.in_shadow("acme", "support", outcome().at)

    assert [record.job.id for record in found] == ["1", "7"]


async def test_what_is_in_shadow_comes_page_by_page(outcomes: Outcomes) -> None:
    for n in range(5):
        await outcomes.record(outcome(f"{n}", ended=Skipped(SHADOW)))
    since = outcome().at

    first = await outcomes.in_shadow("acme", "support", since, limit=3)
    rest = await outcomes.in_shadow("acme", "support", since, after=first[-1].job.id, limit=3)

    assert [record.job.id for record in [*first, *rest]] == ["0", "1", "2", "3", "4"]
    assert len(first) == 3
