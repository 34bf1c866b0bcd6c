"""What every Outbox promises, and whoever writes into it."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
from jsonschema import Draft202012Validator, FormatChecker

from postroom.application.ports import Call, Distributed, HandoverFilter, Outbox
from postroom.domain.folder_sync import FolderSync
from postroom.domain.handover.answer import Done, Failed, Refused, Skipped, Unreachable
from postroom.domain.handover.application import Application, Role
from postroom.domain.handover.handover import State
from postroom.domain.mailbox import Pause, PausedBy
from postroom.domain.outcome import Accepted, Completed, Dead, Duplicate, Effect, Expanded, Final
from postroom.domain.outcome import Skipped as WasSkipped
from postroom.entrypoints.api.event_schema import event_schema
from tests.contracts.conftest import Storage
from tests.contracts.handing_over import (
    CRM,
    DAY,
    MINUTE,
    PassTime,
    accept,
    answer,
    claim_one,
    settle,
)
from tests.contracts.samples import NOON, failing_block, imap_mailbox, microsoft_mailbox, outcome

PORTS = {Outbox}

AUDIT = replace(CRM, name="audit", role=Role.SUBSCRIBER, in_flight=1000)
OWN = replace(AUDIT, tenant="acme", name="own")
EVERYTHING = 1000
SCHEMA = Draft202012Validator(event_schema(), format_checker=FormatChecker())


@dataclass(frozen=True)
class Subscribed:
    """A store with subscribers, and what they get."""

    storage: Storage

    async def distribute(self) -> Distributed:
        return await self.storage.outbox.distribute(EVERYTHING)

    async def calls(self, subscriber: Application = AUDIT) -> Sequence[Call]:
        await self.distribute()
        return (await self.storage.handovers.claim(subscriber, EVERYTHING)).calls

    async def bodies(self, subscriber: Application = AUDIT) -> list[Mapping[str, object]]:
        """Of what is new for it."""
        calls = await self.calls(subscriber)
        await settle(
            self.storage.handovers, *[(call, Done()) for call in calls], application=subscriber
        )
        bodies = [json.loads(call.body) for call in calls]
        for body in bodies:
            SCHEMA.validate(body)
        return bodies

    async def facts(self, subscriber: Application = AUDIT) -> list[tuple[object, object]]:
        """Type and data, without what every event has."""
        return [(body["type"], _own(body["data"])) for body in await self.bodies(subscriber)]


def _own(data: object) -> Mapping[str, object]:
    assert isinstance(data, dict)
    return {name: data[name] for name in data if name not in {"version", "id", "tenant"}}


@pytest.fixture
async def subscribed(storage: Storage) -> Subscribed:
    await storage.applications.add(AUDIT)
    return Subscribed(storage)


OF_JOB = {"mailbox": "support", "jobId": "job-1", "identity": "rfc5322:a@x", "attempt": 1}
OF_END = {**OF_JOB, "application": None, "key": None}


@pytest.mark.parametrize(
    ("ended", "type_", "data"),
    [
        (Accepted("crm"), "message.accepted", {**OF_JOB, "application": "crm"}),
        (
            Completed(Effect.TICKET, "17"),
            "message.completed",
            {**OF_END, "effect": "ticket", "reference": "17"},
        ),
        (WasSkipped("too old"), "message.skipped", {**OF_END, "reason": "too old"}),
        (
            Dead("gave up on a@x.example"),
            "message.dead",
            {**OF_END, "reason": "gave up on (address)", "refused": False},
        ),
    ],
)
async def test_an_outcome_is_an_event(
    subscribed: Subscribed, ended: Final, type_: str, data: Mapping[str, object]
) -> None:
    await subscribed.storage.outcomes.record(outcome(ended=ended, identity="rfc5322:a@x"))

    assert await subscribed.facts() == [(type_, data)]
    assert await subscribed.facts() == []


async def test_a_body_says_what_happened_to_whom_and_when(subscribed: Subscribed) -> None:
    await subscribed.storage.outcomes.record(outcome(ended=Accepted("crm")))

    [call] = await subscribed.calls()
    body = json.loads(call.body)

    assert (body["timestamp"], body["data"]["tenant"]) == ("2030-01-01T12:00:00Z", "acme")
    assert body["data"]["id"] == call.handover.key
    assert len(call.handover.key) == 36
    assert (call.handover.mailbox, call.handover.identity) == ("", "message.accepted")


@pytest.mark.parametrize("ended", [Duplicate(), Expanded(3)])
async def test_what_says_nothing_of_a_message_is_none(subscribed: Subscribed, ended: Final) -> None:
    await subscribed.storage.outcomes.record(outcome(ended=ended))

    assert await subscribed.distribute() == Distributed(0, {})


async def test_nothing_is_written_while_nobody_subscribes(storage: Storage) -> None:
    for other in (
        CRM,
        replace(OWN, tenant="globex"),
        replace(OWN, name="dead", events=("message.dead",)),
    ):
        await storage.applications.add(other)

    await storage.outcomes.record(outcome(ended=Accepted("crm")))
    await storage.applications.add(AUDIT)

    assert await storage.outbox.distribute(EVERYTHING) == Distributed(0, {})


async def test_what_is_rolled_back_was_no_event(subscribed: Subscribed) -> None:
    ledger, outcomes = subscribed.storage.ledger, subscribed.storage.outcomes

    async with failing_block(ledger, imap_mailbox()):
        await outcomes.record(outcome(ended=Accepted("crm")))

    assert await subscribed.distribute() == Distributed(0, {})


async def test_each_gets_what_it_wants_of_whom_it_may(subscribed: Subscribed) -> None:
    dead = replace(AUDIT, name="dead", events=("message.dead",))
    others = replace(OWN, tenant="globex", name="others")
    for each in (OWN, dead, others):
        await subscribed.storage.applications.add(each)

    await subscribed.storage.outcomes.record(outcome("1", ended=Accepted("crm")))
    await subscribed.storage.outcomes.record(outcome("2", ended=Dead("gave up"), tenant="globex"))

    assert await subscribed.distribute() == Distributed(2, {})
    of_both = await subscribed.calls()
    assert len(of_both) == 2
    assert [body["type"] for body in await subscribed.bodies(OWN)] == ["message.accepted"]
    assert [body["type"] for body in await subscribed.bodies(dead)] == ["message.dead"]
    assert [body["type"] for body in await subscribed.bodies(others)] == ["message.dead"]


async def test_a_fact_that_is_written_twice_is_one_event(subscribed: Subscribed) -> None:
    for _ in range(2):
        await subscribed.storage.outcomes.record(outcome(ended=Accepted("crm")))

    assert await subscribed.distribute() == Distributed(1, {})


async def test_all_get_an_event_under_one_key(subscribed: Subscribed) -> None:
    await subscribed.storage.applications.add(OWN)
    await subscribed.storage.outcomes.record(outcome(ended=Accepted("crm")))

    [one], [another] = await subscribed.calls(), await subscribed.calls(OWN)

    assert one.handover.key == another.handover.key
    assert one.body == another.body


async def test_whoever_looks_for_messages_finds_no_event(subscribed: Subscribed) -> None:
    await accept(subscribed.storage.handovers, "mail")
    await subscribed.storage.outcomes.record(outcome(ended=Accepted("crm")))
    await subscribed.distribute()
    records = subscribed.storage.handover_records

    for chosen in (HandoverFilter(of_messages=True), HandoverFilter(mailbox="support")):
        assert [each.handover.key for each in await records.find(chosen)] == ["mail"]
    assert len(await records.find(HandoverFilter())) == 2


async def test_two_that_distribute_at_once_double_nothing(subscribed: Subscribed) -> None:
    for number in range(30):
        await subscribed.storage.outcomes.record(outcome(f"{number}", ended=Accepted("crm")))

    done = await asyncio.gather(*(subscribed.storage.outbox.distribute(10) for _ in range(6)))
    rest = await subscribed.distribute()

    assert sum(each.events for each in (*done, rest)) == 30
    assert len({call.handover.key for call in await subscribed.calls()}) == 30


# --- Of handovers ---


@pytest.mark.parametrize(
    ("said", "type_", "more"),
    [
        (Done(reference="T-1"), "message.completed", {"effect": "handed over", "reference": "T-1"}),
        (
            Skipped(reason="spam!"),
            "message.skipped",
            {"reason": "skipped by the application, or by a person"},
        ),
        (
            Refused(reason="About your order"),
            "message.dead",
            {"reason": "the application refused it", "refused": True},
        ),
    ],
)
async def test_the_end_of_a_handover_is_an_event_without_the_applications_words(
    subscribed: Subscribed, said: Done | Skipped | Refused, type_: str, more: Mapping[str, object]
) -> None:
    handovers = subscribed.storage.handovers
    await accept(handovers, "one")

    await answer(handovers, await claim_one(handovers), said)

    of_handover = {
        "mailbox": "support",
        "jobId": "job of one",
        "identity": "rfc5322:one@sender.example",
        "attempt": 1,
        "application": "crm",
        "key": "one",
    }
    assert await subscribed.facts() == [(type_, {**of_handover, **more})]


async def test_an_end_that_was_recorded_before_is_no_second_event(subscribed: Subscribed) -> None:
    handovers = subscribed.storage.handovers
    await accept(handovers, "one")
    call = await claim_one(handovers)

    for _ in range(2):
        await settle(handovers, (call, Done()))

    assert len(await subscribed.bodies()) == 1


async def test_what_is_discarded_with_its_application_was_skipped(subscribed: Subscribed) -> None:
    await accept(subscribed.storage.handovers, "one", "two")

    assert await subscribed.storage.handover_records.discard(CRM) == 2

    facts = await subscribed.facts()
    assert {type_ for type_, _ in facts} == {"message.skipped"}
    assert {data["jobId"] for _, data in facts} == {"job of one", "job of two"}  # type: ignore[index]


async def test_an_application_that_fails_for_long_is_an_event_and_its_recovery_one(
    subscribed: Subscribed, pass_time: PassTime
) -> None:
    handovers = subscribed.storage.handovers
    await accept(handovers, "one")
    for _ in range(2):
        await answer(handovers, await claim_one(handovers), Unreachable(reason="refused by a@b"))
        await pass_time(6 * MINUTE)
    await answer(handovers, await claim_one(handovers), Done())

    failing, recovered, _ = sorted(await subscribed.facts(), key=lambda fact: str(fact[0]))

    assert failing[0] == "application.failing"
    assert recovered[0] == "application.recovered"
    assert isinstance(failing[1], dict)
    assert (failing[1]["application"], failing[1]["alert"]) == ("crm", 1)
    assert failing[1]["reason"] == "refused by (address)"


# --- Of mailboxes ---


async def test_a_suspension_and_its_end_are_events(subscribed: Subscribed) -> None:
    registry = subscribed.storage.registry
    await registry.add(imap_mailbox())
    pause = Pause(PausedBy.ACCESS, "wrong password of a@b", NOON)

    await registry.pause("acme", "support", pause)
    await registry.pause("acme", "support", pause)
    await registry.resume("acme", "support")

    suspended = {"mailbox": "support", "reason": "wrong password of (address)"}
    resumed = {"mailbox": "support", "was": "suspended", "since": "2030-01-01T12:00:00Z"}
    assert sorted(await subscribed.facts(), key=lambda fact: str(fact[0])) == [
        ("mailbox.resumed", resumed),
        ("mailbox.suspended", suspended),
    ]


async def test_a_pause_by_a_person_is_an_event_of_its_own(subscribed: Subscribed) -> None:
    await subscribed.storage.registry.add(imap_mailbox())

    await subscribed.storage.registry.pause(
        "acme", "support", Pause(PausedBy.OPERATOR, "by hand", NOON)
    )

    assert await subscribed.facts() == [
        ("mailbox.paused", {"mailbox": "support", "reason": "by hand"})
    ]


async def test_a_folder_that_gets_worse_and_better_is_an_event_each_time(
    subscribed: Subscribed,
) -> None:
    folder_syncs = subscribed.storage.folder_syncs
    await subscribed.storage.registry.add(microsoft_mailbox())
    failed: list[FolderSync] = []
    for hour in range(2):  # the second failure says nothing new
        now = NOON + timedelta(hours=hour)
        [claimed] = await folder_syncs.claim_due(now, 1, MINUTE)
        failed.append(claimed.failed("it is away", now, MINUTE, away=True))
        assert await folder_syncs.save(failed[-1])
    [claimed] = await folder_syncs.claim_due(NOON + DAY, 1, MINUTE)
    well = replace(claimed, waiting_since=None, last_error="", due_at=NOON + 2 * DAY)
    assert await folder_syncs.save(well)
    assert not await folder_syncs.save(failed[0])

    of_folder = {"mailbox": "sales", "folder": "inbox"}
    assert sorted(await subscribed.facts(), key=lambda fact: str(fact[0])) == [
        ("mailbox.degraded", {**of_folder, "state": "waiting", "reason": "it is away"}),
        ("mailbox.recovered", {**of_folder, "was": "waiting"}),
    ]


# --- Of subscribers themselves ---


async def test_what_becomes_of_an_event_is_none(
    subscribed: Subscribed, pass_time: PassTime
) -> None:
    handovers = subscribed.storage.handovers
    for number in range(3):
        await subscribed.storage.outcomes.record(outcome(f"{number}", ended=Accepted("crm")))
    await subscribed.distribute()

    for said in (
        Unreachable(reason="refused"),
        Failed(reason="500", sure=False),
        Refused(reason="never"),
        Done(),
    ):
        await pass_time(6 * MINUTE)
        await answer(handovers, await claim_one(handovers, AUDIT), said, AUDIT)

    assert await subscribed.distribute() == Distributed(0, {})


async def test_what_was_taken_is_gone_and_what_was_refused_waits_for_a_person(
    subscribed: Subscribed,
) -> None:
    handovers, records = subscribed.storage.handovers, subscribed.storage.handover_records
    for number in range(2):
        await subscribed.storage.outcomes.record(outcome(f"{number}", ended=Accepted("crm")))
    first, second = await subscribed.calls()

    await settle(handovers, (first, Done()), (second, Refused()), application=AUDIT)

    assert await records.get(first.handover.key) is None
    refused = await records.get(second.handover.key)
    assert refused
    assert refused.handover.state is State.REFUSED


async def test_of_what_waits_for_one_that_is_away_the_oldest_is_dropped(
    storage: Storage, pass_time: PassTime
) -> None:
    subscribed, small = Subscribed(storage), replace(AUDIT, max_backlog=3)
    await storage.applications.add(small)
    await storage.applications.add(OWN)
    for number in range(5):
        await storage.outcomes.record(outcome(f"{number}", ended=Accepted("crm")))
        dropped = (await storage.outbox.distribute(EVERYTHING)).dropped
        await pass_time(MINUTE)

    assert dropped == {("", "audit"): 1}
    jobs = [data["jobId"] for _, data in await subscribed.facts(small)]  # type: ignore[index]
    assert sorted(jobs) == ["2", "3", "4"]
    assert len(await subscribed.facts(OWN)) == 5


async def test_what_nobody_took_is_gone_after_the_retention_and_no_mail_is(
    subscribed: Subscribed, pass_time: PassTime
) -> None:
    handovers, outbox = subscribed.storage.handovers, subscribed.storage.outbox
    await accept(handovers, "mail")
    for number in range(3):
        await subscribed.storage.outcomes.record(outcome(f"{number}", ended=Accepted("crm")))
    [first, *_] = await subscribed.calls()
    await settle(handovers, (first, Refused()), application=AUDIT)
    await pass_time(DAY)

    assert await outbox.expire(default=2 * DAY) == 0
    await pass_time(7 * DAY)
    assert await outbox.expire(default=2 * DAY) == 1  # two are being called with
    assert await subscribed.storage.handover_records.get("mail")


async def test_a_removed_subscriber_gets_no_more(subscribed: Subscribed) -> None:
    await subscribed.storage.outcomes.record(outcome(ended=Accepted("crm")))
    await subscribed.storage.applications.remove(AUDIT)

    assert await subscribed.distribute() == Distributed(1, {})
    assert await subscribed.storage.handovers.due() == []


async def test_a_subscriber_is_no_application(subscribed: Subscribed) -> None:
    applications = subscribed.storage.applications

    assert await applications.subscribers() == [AUDIT]
    assert await applications.all() == []
    assert await applications.all(tenant="acme") == []
    assert await applications.get("acme", "audit") is None
    assert await applications.owned("", "audit") == AUDIT
