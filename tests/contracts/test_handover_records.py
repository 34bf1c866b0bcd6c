"""What every HandoverRecords promises those who look handovers up, and move them."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from postroom.application.ports import (
    Applications,
    HandoverFilter,
    HandoverRecord,
    HandoverRecords,
    Handovers,
    Outcomes,
)
from postroom.domain.dead_letter import DeadLetterFilter
from postroom.domain.handover.answer import Answer, Done, Duplicate, Failed, Refused
from postroom.domain.handover.application import WhenUnsure
from postroom.domain.handover.handover import KEY_GOOD_FOR, State
from postroom.domain.outcome import Completed, Effect, Final, Skipped
from tests.contracts.handing_over import (
    CRM,
    DAY,
    MINUTE,
    OWN,
    SECOND,
    PassTime,
    accept,
    answer,
    claim_one,
    keys,
    new_handover,
    settle,
)

PORTS = {HandoverRecords}

UNSURE = Failed(reason="HTTP 500", sure=False, status=500)


def keys_of(records: Sequence[HandoverRecord]) -> list[str]:
    return [record.handover.key for record in records]


async def the_one(handover_records: HandoverRecords, key: str = "a") -> HandoverRecord:
    record = await handover_records.get(key)
    assert record
    return record


async def ended(handovers: Handovers, key: str, said: Answer) -> None:
    """*key*, which nothing else is due beside, gets that answer."""
    await accept(handovers, key)
    await answer(handovers, await claim_one(handovers), said)


# --- To be looked up ---


async def test_a_handover_comes_back_with_what_belongs_to_it(
    handovers: Handovers, handover_records: HandoverRecords
) -> None:
    [new] = await accept(handovers, "a")

    record = await the_one(handover_records)

    assert record == HandoverRecord(
        handover=new.handover,
        job=new.job,
        raw=new.raw,
        raw_size=1000,
        body_size=len(new.body),
        last_answer={},
    )
    assert await handover_records.body(record) == new.body
    assert await handover_records.get("b") is None


async def test_the_last_answer_is_shown(
    handovers: Handovers, handover_records: HandoverRecords, pass_time: PassTime
) -> None:
    await ended(handovers, "a", UNSURE)
    first = (await the_one(handover_records)).last_answer
    await pass_time(MINUTE)
    call = await claim_one(handovers)
    while_it_is_called_with = (await the_one(handover_records)).last_answer
    _, now = await handovers.health(CRM)
    await answer(handovers, call, Done(status=201, reference="T-1", url="https://crm.example/1"))
    last = dict((await the_one(handover_records)).last_answer)

    failed = {"kind": "failed", "status": 500, "reason": "HTTP 500", "sure": False}
    done = {"kind": "done", "status": 201, "reference": "T-1", "url": "https://crm.example/1"}
    assert first == {**failed, "at": first["at"]}
    assert while_it_is_called_with == first
    assert datetime.fromisoformat(str(last.pop("at"))) >= now
    assert last == done


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (HandoverFilter(), ["e", "d", "c", "b", "a"]),
        (HandoverFilter(tenant="acme"), ["e", "c", "b", "a"]),
        (HandoverFilter(tenant="initech"), []),
        (HandoverFilter(application="own"), ["e"]),
        (HandoverFilter(mailbox="sales"), ["c"]),
        (HandoverFilter(identity="rfc5322:b@sender.example"), ["b"]),
        (HandoverFilter(identity="\x00"), []),
        (HandoverFilter(states=frozenset({State.REFUSED})), ["a"]),
        (HandoverFilter(states=frozenset({State.REFUSED, State.DEAD})), ["a"]),
        (
            HandoverFilter(states=frozenset({State.REFUSED, State.WAITING})),
            ["e", "d", "c", "b", "a"],
        ),
        (HandoverFilter(unsure=True), ["b"]),
        (HandoverFilter(tenant="acme", mailbox="support", application="crm"), ["b", "a"]),
        (HandoverFilter(tenant="globex", mailbox="sales"), []),
    ],
    ids=str,
)
async def test_what_is_found_matches_all_that_is_wanted(
    handovers: Handovers,
    handover_records: HandoverRecords,
    pass_time: PassTime,
    wanted: HandoverFilter,
    found: list[str],
) -> None:
    await ended(handovers, "a", Refused(reason="no"))
    await pass_time(SECOND)
    await ended(handovers, "b", UNSURE)
    await pass_time(SECOND)
    await accept(handovers, "c", mailbox="sales")
    await pass_time(SECOND)
    await accept(handovers, "d", tenant="globex")
    await pass_time(SECOND)
    await accept(handovers, "e", application=OWN)

    assert keys_of(await handover_records.find(wanted)) == found


async def test_a_time_of_acceptance_is_from_a_moment_to_before_another(
    handovers: Handovers, handover_records: HandoverRecords
) -> None:
    new = await accept(handovers, "a", "b", "c")
    since, until = (each.handover.accepted_at for each in new[1:])

    assert keys_of(await handover_records.find(HandoverFilter(since=since))) == ["c", "b"]
    assert keys_of(await handover_records.find(HandoverFilter(until=until))) == ["b", "a"]
    assert keys_of(await handover_records.find(HandoverFilter(since=since, until=until))) == ["b"]


async def test_pages_go_on_after_the_last_key_and_part_no_copies(
    handovers: Handovers, handover_records: HandoverRecords
) -> None:
    _, now = await handovers.health(CRM)
    for key in ("a", "b", "c", "d"):
        for application in (CRM, OWN) if key in "bc" else (CRM,):
            await handovers.accept(application, new_handover(key, now, application))

    pages, after = [], ""
    while page := await handover_records.find(HandoverFilter(), limit=2, after=after):
        pages.append(keys_of(page))
        after = pages[-1][-1]

    assert pages == [["d", "c", "c"], ["b", "b"], ["a"]]
    assert await handover_records.find(HandoverFilter(), after="unknown") == []
    own = HandoverFilter(application="own")
    assert keys_of(await handover_records.find(own, limit=1)) == ["c"]
    assert keys_of(await handover_records.find(own, after="c")) == ["b"]


async def test_one_is_found_by_its_key_and_by_whose_it_is(
    handovers: Handovers, handover_records: HandoverRecords
) -> None:
    await accept(handovers, "a")
    await accept(handovers, "a", application=OWN)

    own = await handover_records.get("a", application="own")
    assert own
    assert own.handover.application == "own"
    assert await handover_records.get("a", tenant="acme", application="crm")
    assert await handover_records.get("a")
    assert await handover_records.get("a", tenant="globex") is None
    assert await handover_records.get("a", application="other") is None


async def test_the_head_of_a_key_will_do_if_it_is_of_one_alone(
    handovers: Handovers, handover_records: HandoverRecords
) -> None:
    first, second = "msg_aaaaaaaa2", "msg_aaaaaaaa3"
    await accept(handovers, first, second, f"{first}_r1")
    await accept(handovers, second, application=OWN)

    async def found(key: str) -> str | None:
        record = await handover_records.get(key)
        return record.handover.key if record else None

    assert [await found(key) for key in (first, second, f"{first}_")] == [
        *(first, second, f"{first}_r1"),
    ]
    assert [await found(key) for key in (first[:-1], second[:8], "", "msg_aaaaaaaa_")] == [None] * 4


async def test_tenants_are_apart(handovers: Handovers, handover_records: HandoverRecords) -> None:
    await accept(handovers, "a", application=OWN)
    await accept(handovers, "b", tenant="globex")

    assert keys_of(await handover_records.find(HandoverFilter(tenant="acme"))) == ["a"]
    assert await handover_records.get("b", tenant="acme") is None


async def test_what_has_died_is_found_by_when_it_did(
    handovers: Handovers, handover_records: HandoverRecords, pass_time: PassTime
) -> None:
    for key in ("a", "b"):
        await ended(handovers, key, Refused(reason="no"))
        await pass_time(MINUTE)
    await accept(handovers, "c", tenant="globex")
    await answer(handovers, await claim_one(handovers), Refused(reason="no"))
    await pass_time(MINUTE)
    await accept(handovers, "d", "e", mailbox="sales")
    calls = (await handovers.claim(CRM, 2)).calls
    await settle(handovers, *((call, Refused(reason="no")) for call in calls))
    await ended(handovers, "f", Done())

    async def dead(
        *, before: datetime | None = None, limit: int = 10, tenant: str = "", mailbox: str = ""
    ) -> list[str]:
        chosen = DeadLetterFilter(tenant=tenant, mailbox=mailbox)
        return keys_of(await handover_records.dead(chosen, before=before, limit=limit))

    newest = await dead()
    assert (sorted(newest[:2]), newest[2:]) == (["d", "e"], ["c", "b", "a"])
    assert sorted(await dead(limit=1)) == ["d", "e"]
    assert await dead(tenant="globex") == ["c"]
    assert sorted(await dead(mailbox="sales")) == ["d", "e"]
    assert await dead(before=(await the_one(handover_records, "b")).handover.ended_at) == ["a"]


async def test_what_is_held_is_among_the_dead_if_that_is_wanted(
    handovers: Handovers, applications: Applications, handover_records: HandoverRecords
) -> None:
    careful = replace(CRM, when_unsure=WhenUnsure.HOLD)
    await applications.replace(CRM, careful)
    await accept(handovers, "a")
    await answer(handovers, await claim_one(handovers, careful), UNSURE, careful)

    with_held = await handover_records.dead(DeadLetterFilter(held=True), before=None, limit=10)
    without = await handover_records.dead(DeadLetterFilter(), before=None, limit=10)

    assert (keys_of(with_held), keys_of(without)) == (["a"], [])


# --- To be moved ---


@pytest.mark.parametrize(
    ("to", "recorded"),
    [
        (State.DONE, Completed(Effect.HANDED_OVER, "")),
        (State.SKIPPED, Skipped("by hand")),
    ],
)
async def test_a_person_ends_what_waits(
    handovers: Handovers,
    handover_records: HandoverRecords,
    outcomes: Outcomes,
    to: State,
    recorded: Final,
) -> None:
    await accept(handovers, "a")

    assert await handover_records.move(await the_one(handover_records), to, "by hand")

    handover = (await the_one(handover_records)).handover
    assert (handover.state, handover.reason) == (to, "by hand")
    assert [record.outcome for record in await outcomes.find("acme")] == [recorded]
    assert await handovers.due() == []


async def test_what_is_dead_is_called_with_again_as_if_it_were_new(
    handovers: Handovers, handover_records: HandoverRecords, outcomes: Outcomes
) -> None:
    await ended(handovers, "a", Refused(reason="no"))
    body = await handover_records.body(await the_one(handover_records))

    assert await handover_records.move(await the_one(handover_records), State.WAITING, "redriven")

    call = await claim_one(handovers)
    assert (call.body, call.handover.fence) == (body, 2)
    assert (call.handover.unsure, call.handover.charged, call.handover.ended_at) == (0, 0, None)
    await answer(handovers, call, Done(reference="1"))
    assert [record.outcome for record in await outcomes.find("acme", limit=1)] == [
        Completed(Effect.HANDED_OVER, "1")
    ]


async def test_a_duplicate_of_what_was_recorded_is_not_recorded_again(
    handovers: Handovers, handover_records: HandoverRecords, outcomes: Outcomes
) -> None:
    await ended(handovers, "a", Done(reference="1"))
    await handover_records.move(await the_one(handover_records), State.WAITING, "replayed")

    handover = await answer(handovers, await claim_one(handovers), Duplicate(reference="1"))

    assert handover.state is State.DUPLICATE
    assert len(await outcomes.find("acme")) == 1


async def test_a_copy_whose_answer_was_lost_gets_an_end_of_its_own(
    handovers: Handovers, outcomes: Outcomes
) -> None:
    """The job is one and the same, and has ended at the other application."""
    archive = replace(CRM, name="archive")
    await ended(handovers, "a", Done(reference="1"))
    await accept(handovers, "a", application=archive)

    copy = await claim_one(handovers, archive)
    await answer(handovers, copy, Duplicate(reference="2"), archive)

    assert [record.outcome for record in await outcomes.find("acme")] == [
        Completed(Effect.HANDED_OVER, "2"),
        Completed(Effect.HANDED_OVER, "1"),
    ]


async def test_an_old_answer_to_what_was_moved_is_none_to_its_new_call(
    handovers: Handovers, handover_records: HandoverRecords
) -> None:
    await accept(handovers, "a")
    old = await claim_one(handovers)
    await handover_records.move(await the_one(handover_records), State.WAITING, "redriven")
    new = await claim_one(handovers)

    assert new.handover.may_be_handled
    assert (await settle(handovers, (old, UNSURE))).changed == []


async def test_a_person_has_called_with_again_what_was_held_for_its_age(
    handovers: Handovers, handover_records: HandoverRecords, pass_time: PassTime
) -> None:
    await accept(handovers, "a")
    await pass_time(KEY_GOOD_FOR)
    await handovers.claim(CRM, 10)

    await handover_records.move(await the_one(handover_records), State.WAITING, "redriven")

    assert keys(await handovers.claim(CRM, 10)) == ["a"]


async def test_what_has_changed_since_it_was_read_is_not_moved(
    handovers: Handovers, handover_records: HandoverRecords, outcomes: Outcomes
) -> None:
    await accept(handovers, "a")
    record = await the_one(handover_records)
    call = await claim_one(handovers)

    moved = [
        await handover_records.move(record, to, "by hand") for to in (State.DONE, State.WAITING)
    ]
    other = replace(record, handover=replace(record.handover, key="b"))

    assert moved == [False, False]
    assert not await handover_records.move(other, State.DONE, "by hand")
    assert (await the_one(handover_records)).handover == call.handover
    assert await outcomes.find("acme") == []


# --- To be deleted ---


async def test_what_has_not_ended_of_an_application_is_discarded_and_counted(
    handovers: Handovers, handover_records: HandoverRecords, outcomes: Outcomes
) -> None:
    await ended(handovers, "a", Done())
    await ended(handovers, "b", Refused(reason="no"))
    await accept(handovers, "c", "d")
    await accept(handovers, "e", tenant="globex")
    await accept(handovers, "f", application=OWN)
    call = await claim_one(handovers)

    discarded = await handover_records.discard(CRM)

    assert discarded == 3
    assert sorted(keys_of(await handover_records.find(HandoverFilter()))) == ["a", "b", "f"]
    assert (await outcomes.find("globex"))[0].outcome == Skipped("discarded with its application")
    assert len(await outcomes.find("acme")) == 4
    settled = await settle(handovers, (call, Done()))
    assert settled.changed == []
    assert await handover_records.discard(CRM) == 0


async def test_what_was_handled_is_deleted_when_its_retention_ends(
    handovers: Handovers,
    handover_records: HandoverRecords,
    applications: Applications,
    pass_time: PassTime,
) -> None:
    short = replace(OWN, retention=timedelta(hours=36))
    await applications.add(short)
    await ended(handovers, "a", Done())
    await ended(handovers, "b", Refused(reason="no"))
    await accept(handovers, "c")
    await accept(handovers, "d", application=short)
    await answer(handovers, await claim_one(handovers, short), Done(), short)
    record = await the_one(handover_records)

    await pass_time(35 * timedelta(hours=1))
    assert await handover_records.expired(limit=10, default=7 * DAY) == 0
    await pass_time(2 * timedelta(hours=1))
    assert await handover_records.expired(limit=10, default=7 * DAY) == 1
    await pass_time(6 * DAY)
    assert await handover_records.expired(limit=10, default=7 * DAY) == 1

    assert sorted(keys_of(await handover_records.find(HandoverFilter()))) == ["b", "c"]
    assert await handover_records.body(record) is None
    assert await handovers.accept(CRM, new_handover("a", record.handover.accepted_at))


async def test_a_retention_of_nothing_ends_with_the_handover(
    handovers: Handovers,
    handover_records: HandoverRecords,
    applications: Applications,
    pass_time: PassTime,
) -> None:
    await applications.add(replace(CRM, retention=timedelta()))
    await accept(handovers, "a", "b")
    await answer(handovers, await claim_one(handovers), Done())
    await pass_time(SECOND)

    assert await handover_records.expired(limit=10, default=7 * DAY) == 1
    assert keys_of(await handover_records.find(HandoverFilter())) == ["b"]


async def test_no_more_is_deleted_at_once_than_the_limit(
    handovers: Handovers, handover_records: HandoverRecords, pass_time: PassTime
) -> None:
    for n in range(5):
        await ended(handovers, f"a{n}", Done())
    await pass_time(8 * DAY)

    deleted = [await handover_records.expired(limit=2, default=7 * DAY) for _ in range(4)]

    assert deleted == [2, 2, 1, 0]
